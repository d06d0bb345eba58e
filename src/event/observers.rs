//! Events about the other instances that judge health together with this one.

use std::time::Duration;

use super::{Condition, Event, EventKind};
use crate::health::{LostPeer, RegionSights};
use crate::moment::Moment;
use crate::region::{Family, Target};
use crate::severity::Severity;
use crate::units::TimeSpan;

impl Event {
    /// A peer has said nothing for so long that health is judged without it.
    pub fn peer_lost(peer: &LostPeer, is_alone: bool, at: Moment) -> Self {
        let LostPeer { name, since, why } = peer;
        let silence = whole_seconds(*since, at);
        let follows = if is_alone { "this instance judges alone" } else { "the others judge without it" };
        let text = format!("peer {name} has not been heard for {silence} ({why}); {follows}");
        Self::new(EventKind::PEER_LOST, Severity::Warning, text, at)
            .turns("heard", "lost")
            .because(why)
            .seen_by(format!("nothing for {silence}"))
            .raises(&Condition::Peer(name.clone()))
    }

    /// A peer that was lost is heard again.
    pub fn peer_found(name: &str, at: Moment) -> Self {
        let text = format!("peer {name} is heard again, and health is judged with it");
        Self::new(EventKind::PEER_FOUND, Severity::Info, text, at)
            .turns("lost", "heard")
            .clears(&Condition::Peer(name.to_owned()))
    }

    /// Observers have disagreed on a region for a while.
    pub fn observers_disagree(region: &Target, family: Family, sights: &RegionSights, at: Moment) -> Self {
        let told = sights.told();
        let lasting = whole_seconds(sights.disputed.unwrap_or(at), at);
        let (down, needed) = (sights.down(), sights.needed);
        let follows = if down < needed { "its clients stay" } else { "the quorum decides" };
        let text = format!(
            "observers have disagreed on {region} ({family}) for {lasting}: {told}; {needed} must see it down, and \
             {follows}"
        );
        Self::new(EventKind::OBSERVERS_DISAGREE, Severity::Warning, text, at)
            .about(region)
            .turns("agreed", "disputed")
            .because("the path of an observer, or something that only some clients meet")
            .seen_by(told)
            .raises(&Condition::Disagreement(region.clone(), family))
    }

    /// Observers agree on a region again.
    pub fn observers_agree(region: &Target, family: Family, at: Moment) -> Self {
        let text = format!("observers agree on {region} ({family}) again");
        Self::new(EventKind::OBSERVERS_AGREE, Severity::Info, text, at)
            .about(region)
            .turns("disputed", "agreed")
            .clears(&Condition::Disagreement(region.clone(), family))
    }
}

/// Returns how long ago something was, as people read it.
fn whole_seconds(since: Moment, now: Moment) -> TimeSpan {
    TimeSpan(Duration::from_secs(now.since(since).as_secs()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::tests::check;
    use super::*;
    use crate::health::Sight;

    #[test]
    fn a_peer_that_is_lost_is_told_with_what_follows() {
        let why = "connection refused".to_owned();
        let peer = LostPeer { name: "ns2".to_owned(), since: Moment(0), why };
        check(
            &Event::peer_lost(&peer, true, Moment(60_000)),
            "peer_lost Warning -: heard -> lost | connection refused | nothing for 1m | - | peer/ns2",
            "peer ns2 has not been heard for 1m (connection refused); this instance judges alone",
        );
        check(
            &Event::peer_found("ns2", Moment(0)),
            "peer_found Info -: lost -> heard | - | - | - | ends peer/ns2",
            "peer ns2 is heard again, and health is judged with it",
        );
    }

    #[test]
    fn a_disagreement_is_told_with_who_sees_what() {
        let by = [("ns1", Sight::Down), ("ns2", Sight::Up)].map(|(name, sight)| (Arc::from(name), sight));
        let disputed = Some(Moment(0));
        let sights = RegionSights { by: by.to_vec(), needed: 2, disputed, ..RegionSights::default() };
        let region = Target::of_region("tokyo");
        let event = Event::observers_disagree(&region, Family::V4, &sights, Moment(120_000));
        assert_eq!(
            event.text,
            "observers have disagreed on tokyo (IPv4) for 2m: down from ns1; up from ns2; 2 must see it down, and its \
             clients stay"
        );
        let agree = Event::observers_agree(&region, Family::V4, Moment(0));
        assert_eq!(agree.text, "observers agree on tokyo (IPv4) again");
    }
}
