//! What the approval of a proposal is about: the services of a region have proposals of their own.
//!
//! What an operator asks for of a region is about its services, too. An approval is not asked for: it lets happen what is
//! proposed, and a service that is well, or that has not been looked at yet, stays.

use crate::intent::{Action, Intent};
use crate::moment::{Moment, follows_clock};
use crate::region::split_service;

/// Something that the machine would do if it were allowed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub number: u64,
    /// The region that would leave.
    pub region: String,
    pub at: Moment,
}

follows_clock!(Proposal: at);

/// Says what leaves when it is approved that a region, or a service of one, does.
pub fn extent<'r>(
    region: &str,
    regions: impl Iterator<Item = &'r str>,
    proposals: &[Proposal],
    intents: &[Intent],
) -> String {
    if let (place, Some(service)) = split_service(region) {
        return format!("service {service} of {place} leaves, and nothing else of {place}");
    }
    let state = |name: &str| {
        if is_approved(name, intents) {
            return "approved already".to_owned();
        }
        let proposal = proposals.iter().find(|proposal| proposal.region == name);
        proposal.map_or_else(|| "not proposed".to_owned(), |one| format!("proposal {}", one.number))
    };
    let services = regions.filter_map(|name| match split_service(name) {
        (place, Some(service)) if place == region => Some(format!("{service} ({})", state(name))),
        _ => None,
    });
    let services: Vec<_> = services.collect();
    match services.is_empty() {
        true => format!("{region} leaves"),
        false => format!("{region} leaves, without its services: {}", services.join(", ")),
    }
}

/// Returns whether it is approved that a region leaves.
pub fn is_approved(region: &str, intents: &[Intent]) -> bool {
    let is_of_it = |action: &Action| matches!(action, Action::Approve { region: other } if other == region);
    intents.iter().any(|intent| is_of_it(&intent.request.action))
}

#[cfg(test)]
mod tests {
    use crate::control::fixture::{Play, approve, base_with, number};
    use crate::control::{Command, Done};
    use crate::family::Family;
    use crate::intent::SavedIntents;
    use crate::moment::Moment;
    use crate::region::RegionId;
    use crate::share::Share;

    #[test]
    fn an_approval_is_about_what_is_proposed_and_says_which_services_of_the_region_stay() {
        let base = base_with("    services: { batch: { canaries: [tcp] }, feed: { canaries: [tcp] } }\n", "");
        let mut play = Play::on(base, SavedIntents::default(), Moment(1_000_000));
        let names: Vec<_> =
            play.control.base.config.regions.iter().map(|(_, one)| one.name.clone()).collect();
        assert_eq!(names[3..6], ["osaka", "osaka:batch", "osaka:feed"]);
        let extent = |play: &Play, region: &str| {
            let names = names.iter().map(String::as_str);
            super::extent(region, names, &play.control.proposals, play.control.intents.intents())
        };
        number(play.want("failover advise osaka", None, &[]));
        play.probe(3, false);
        play.probe(4, false);
        let [own, batch] = &play.control.proposals[..] else { panic!("two are open") };
        let [own, batch] = [own.number, batch.number];
        let expected =
            format!("osaka leaves, without its services: batch (proposal {batch}), feed (not proposed)");
        assert_eq!(extent(&play, "osaka"), expected);
        let Command::Approve { number: of, author, reason, overrides, .. } = approve(own, &[]) else {
            panic!()
        };
        let trial = Command::Approve { number: of, author, reason, overrides, is_dry_run: true };
        let Ok(Done::Tried { forecast, .. }) = play.ask(trial) else { panic!("a trial") };
        assert!(forecast.starts_with(&format!("{expected}\n")), "{forecast}");
        number(play.ask(approve(own, &[])));
        let takes = |play: &Play, id: u8| {
            play.control.monitor.view().status(RegionId(id), Family::V4).takes() == Share::NONE
        };
        assert_eq!(
            [3, 4, 5].map(|id| takes(&play, id)),
            [true, false, false],
            "batch is for its own approval"
        );
        number(play.ask(approve(batch, &[])));
        assert_eq!([3, 4, 5].map(|id| takes(&play, id)), [true, true, false]);
        assert!(extent(&play, "osaka").contains("batch (approved already)"));
        assert_eq!(extent(&play, "osaka:batch"), "service batch of osaka leaves, and nothing else of osaka");
        assert_eq!(extent(&play, "moon"), "moon leaves");
    }
}
