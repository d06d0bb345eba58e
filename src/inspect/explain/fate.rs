//! What became of one region for one client, in a line that a person can act on at night.
//!
//! The decision's own reason comes first. What health knows besides, why and until when, is added where it
//! is known: a directory that is not being served has no past.

use std::fmt::Write as _;

use crate::health::{Count, OutlierGrade, Phase, Service, Services, SiteShare, Suppression};
use crate::moment::Moment;
use crate::region::{Family, RegionId};
use crate::share::Share;
use crate::steering::{self, Destination, Fate};

/// Where a region is on its course in one family, which health knows and a snapshot does not.
#[derive(Clone, Debug, PartialEq)]
pub struct Bearing {
    /// The phase.
    pub phase: Phase,
    /// When it began.
    pub since: Moment,
    /// Why it stays although it is bad.
    pub suppression: Option<Suppression>,
    /// What the requests of its clients say of it.
    pub grade: OutlierGrade,
    /// The intent of an operator that decides how much of its clients it takes; `None`: none does.
    pub intent: Option<String>,
}

/// What there is to tell of a region.
pub(super) struct Told<'a> {
    /// Its name.
    pub region: &'a str,
    /// What became of it.
    pub fate: Fate,
    /// What is answered.
    pub found: Destination,
    /// How every region stands.
    pub services: &'a Services,
    /// Where it is on its course, if that is known.
    pub bearing: Option<&'a Bearing>,
}

impl Told<'_> {
    /// Returns the line for a family.
    pub fn text(&self, region: RegionId, family: Family) -> String {
        let judged_in = steering::family_of(self.services, region, family);
        let (service, stage) = (self.services.get(region, judged_in), self.services.stage(region, judged_in));
        let has_any = self.services.get(region, family).count().is_some();
        match self.fate {
            Fate::Unhealthy(count) => self.unhealthy(count),
            Fate::Waiting => self.waiting(),
            Fate::Disabled => format!("in no answer{}", self.intent()),
            Fate::Weighted => {
                "has a weight for this name, and the client is drawn for another one".to_owned()
            }
            Fate::OutsideShare(share) => format!("{}, and this one is not among them", self.part(share)),
            Fate::Shed => "full: sends this client to a region that has room".to_owned(),
            Fate::Chosen if !has_any => "chosen, but has no address of this family".to_owned(),
            Fate::Chosen => match (self.found, stage) {
                (Destination::FailOpen(_), _) => format!("chosen although down: {}, fails open", up(service)),
                (_, SiteShare::Part(share)) => {
                    format!("chosen: {}, and this one is among them", self.part(share))
                }
                _ => format!("chosen: {}{}{}", up(service), self.suppression(), self.intent()),
            },
            Fate::Behind if !has_any => "behind the chosen one".to_owned(),
            Fate::Behind => {
                format!("behind the chosen one: {}{}{}", up(service), self.suppression(), self.intent())
            }
        }
    }

    fn unhealthy(&self, count: Count) -> String {
        if let Some(Bearing { intent: Some(intent), .. }) = self.bearing {
            return format!("out: {}; {intent}", counted(count));
        }
        let mut text = match self.bearing {
            _ if count.up < count.needed => format!("down: {}, {} needed", counted(count), count.needed),
            Some(Bearing { grade: OutlierGrade::Failing, .. }) => {
                format!(
                    "out: fails its clients more than others do, though its canaries pass, {}",
                    counted(count)
                )
            }
            Some(_) => format!("down: a canary of the whole region has fallen, {}", counted(count)),
            None => format!("out for another reason than its addresses: {}", counted(count)),
        };
        if let Some(bearing) = self.bearing.filter(|bearing| bearing.phase == Phase::Down) {
            let _ = write!(text, "; since {}", bearing.since);
        }
        text
    }

    fn waiting(&self) -> String {
        let region = self.region;
        if let Some(Bearing { intent: Some(intent), .. }) = self.bearing {
            return format!("takes nobody while another region can: {intent}");
        }
        match self.bearing.map(|bearing| bearing.phase) {
            Some(Phase::Recovering { until }) => {
                format!("well again, and waits until {until} before it takes clients")
            }
            Some(Phase::Held(_)) => {
                format!("held: well again, and takes nobody until `meridian failback {region}`")
            }
            Some(Phase::Quarantined { until }) => format!(
                "quarantined after three falls in an hour: takes nobody until {} or `meridian failback {region}`",
                until
            ),
            Some(Phase::Unknown | Phase::Healthy | Phase::Suspect | Phase::Down | Phase::Ramp { .. })
            | None => "well again, and waits for its time or for an operator".to_owned(),
        }
    }

    /// Says why a region takes a share of its clients.
    fn part(&self, share: Share) -> String {
        let Some(bearing) = self.bearing else {
            return format!("takes {share} of its clients");
        };
        if let Some(intent) = &bearing.intent {
            return format!("takes {share} of its clients: {intent}");
        }
        match bearing.phase {
            Phase::Ramp { .. } => {
                format!("comes back step by step: takes {share} of its clients since {}", bearing.since)
            }
            Phase::Held(_) => {
                format!("held at {share} of its clients until `meridian failback {}`", self.region)
            }
            _ if bearing.grade != OutlierGrade::Fine => {
                format!("fails its clients more than others do: keeps {share} of them")
            }
            _ => format!("an advisory canary has fallen: keeps {share} of its clients"),
        }
    }

    /// Says which intent of an operator decides about it; of any other, nothing.
    fn intent(&self) -> String {
        let intent = self.bearing.and_then(|bearing| bearing.intent.as_deref());
        intent.map_or_else(String::new, |intent| format!("; {intent}"))
    }

    /// Says why a region stays that is bad; of any other, nothing.
    fn suppression(&self) -> String {
        let suppression = self.bearing.and_then(|bearing| bearing.suppression);
        suppression.map_or_else(String::new, |suppression| format!("; bad, and stays: {suppression}"))
    }
}

fn up(service: Service) -> String {
    service.count().map_or_else(|| "no address".to_owned(), counted)
}

fn counted(count: Count) -> String {
    format!("{} of {} up", count.up, count.total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{Standing, View};
    use crate::region::Regions;
    use crate::region::tests::region;

    const TOKYO: RegionId = RegionId(0);

    /// Tells what became of tokyo, of whose two addresses the given number is up, in IPv4.
    fn check(up: usize, stage: SiteShare, fate: fn(Count) -> Fate, bearing: Bearing, expected: &str) {
        let regions = Regions::new(vec![region("tokyo", "JP", &[&["192.0.2.1", "192.0.2.2"]])]);
        let standing = |index| if index < up { Standing::Up } else { Standing::Down { since: Moment(0) } };
        let view = View::new((0..2).map(standing).collect()).with(vec![Share::ALL; 2], vec![[stage; 2]]);
        let services = Services::of(&regions, &view);
        let count = Count { up, total: 2, needed: 1 };
        let told = Told {
            region: "tokyo",
            fate: fate(count),
            found: Destination::Healthy(TOKYO),
            services: &services,
            bearing: Some(&bearing),
        };
        assert_eq!(told.text(TOKYO, Family::V4), expected);
    }

    /// 2026-03-01T00:00:00Z.
    const SINCE: Moment = Moment(1_772_323_200_000);

    fn bearing(phase: Phase) -> Bearing {
        Bearing { phase, since: SINCE, suppression: None, grade: OutlierGrade::Fine, intent: None }
    }

    #[test]
    fn a_region_that_is_out_says_why_and_since_when() {
        let out = SiteShare::Out { since: SINCE };
        let since = "since 2026-03-01T00:00:00.000Z";
        let down = bearing(Phase::Down);
        check(0, out, Fate::Unhealthy, down.clone(), &format!("down: 0 of 2 up, 1 needed; {since}"));
        let whole = format!("down: a canary of the whole region has fallen, 2 of 2 up; {since}");
        check(2, out, Fate::Unhealthy, down.clone(), &whole);
        let gray = "out: fails its clients more than others do, though its canaries pass, 2 of 2 up; ";
        let failing = Bearing { grade: OutlierGrade::Failing, ..down };
        check(2, out, Fate::Unhealthy, failing, &format!("{gray}{since}"));
    }

    #[test]
    fn a_region_that_is_well_and_takes_nobody_says_until_when_and_what_to_do() {
        let phase = Phase::Recovering { until: SINCE };
        let expected = "well again, and waits until 2026-03-01T00:00:00.000Z before it takes clients";
        check(2, SiteShare::Waiting, |_| Fate::Waiting, bearing(phase), expected);
        let expected = "held: well again, and takes nobody until `meridian failback tokyo`";
        check(2, SiteShare::Waiting, |_| Fate::Waiting, bearing(Phase::Held(Share::NONE)), expected);
    }

    #[test]
    fn a_region_that_takes_a_share_says_why_and_whether_the_client_is_in_it() {
        let ramp = bearing(Phase::Ramp { step: 0, has_slipped: false });
        let part = SiteShare::Part(Share::percent(10));
        let comes = "comes back step by step: takes 10 % of its clients since 2026-03-01T00:00:00.000Z";
        let not_drawn = |_| Fate::OutsideShare(Share::percent(10));
        check(2, part, not_drawn, ramp.clone(), &format!("{comes}, and this one is not among them"));
        check(2, part, |_| Fate::Chosen, ramp, &format!("chosen: {comes}, and this one is among them"));
        let advised =
            "an advisory canary has fallen: keeps 10 % of its clients, and this one is not among them";
        check(2, part, not_drawn, bearing(Phase::Healthy), advised);
    }

    #[test]
    fn a_region_that_is_bad_and_stays_says_why() {
        let restrained = Bearing { suppression: Some(Suppression::MinInService), ..bearing(Phase::Suspect) };
        let expected = "chosen: 0 of 2 up; bad, and stays: fewer regions than `min_in_service` would be left";
        check(0, SiteShare::Full, |_| Fate::Chosen, restrained, expected);
    }
}
