//! What became of one region for one client, in a line that a person can act on at night.
//!
//! The decision's own reason comes first. What health knows besides, why and until when, is added where it
//! is known: a directory that is not being served has no past.

use std::fmt::Write as _;

use crate::health::{HealthTerms, OutlierGrade, Phase, SiteShare, Status, Suppression, View};
use crate::region::{Family, RegionId};
use crate::share::Share;
use crate::steering::{self, Destination, Fate};

/// What is known of a region in one family now: a snapshot may be older, and a directory knows nothing of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Bearing {
    pub status: Status,
    /// The zones that take fewer clients than all: `1 of 3 zones held`; `None`: each of them takes all.
    pub limited_zones: Option<String>,
    /// The verdict of its clients' requests.
    pub grade: OutlierGrade,
    /// The intent of an operator that decides how much of its clients it takes; `None`: none does.
    pub intent: Option<String>,
    /// What keeps this instance from seeing it; `None`: nothing.
    pub blind: Option<String>,
}

/// What there is to tell of a region.
pub(super) struct RegionFacts<'a> {
    pub region: &'a str,
    /// What became of it.
    pub fate: Fate,
    pub found: Destination,
    /// What steering sees of health.
    pub view: &'a View,
    /// What the name makes of health.
    pub terms: HealthTerms,
    /// What it takes of the clients of other names.
    pub common: SiteShare,
    /// What is known of it now.
    pub bearing: Option<&'a Bearing>,
}

impl RegionFacts<'_> {
    /// Returns the line for a family.
    pub fn text(&self, region: RegionId, family: Family) -> String {
        let blind = self.bearing.and_then(|bearing| bearing.blind.as_ref());
        let blind = blind.map_or_else(String::new, |blind| format!("; {blind}"));
        self.fate(region, family) + &blind
    }

    fn fate(&self, region: RegionId, family: Family) -> String {
        let status = steering::status(self.view, region, family);
        let has_any = self.view.status(region, family).exists();
        match self.fate {
            Fate::Unhealthy => self.unhealthy(status),
            Fate::Waiting => self.waiting(),
            Fate::WithoutFamily => "passed over: has no address of this family".to_owned(),
            Fate::Disabled => format!("in no answer{}", self.intent()),
            Fate::Weighted => {
                "has a weight for this name, and the client is drawn for another one".to_owned()
            }
            Fate::OutsideShare(share) => {
                format!("{}, and this one is not among them{}", self.part(share), self.zones())
            }
            Fate::Shed => format!("full: sends this client to a region that has room{}", self.zones()),
            Fate::Chosen if !has_any => {
                "chosen, but no permitted region has an address of this family".to_owned()
            }
            Fate::Chosen => match (self.found, status.share) {
                (Destination::FailOpen(_), _) => format!("chosen although down: {}, fails open", up(status)),
                (_, SiteShare::Part(share)) => {
                    format!("chosen: {}, and this one is among them{}", self.part(share), self.zones())
                }
                (_, share) if self.terms == HealthTerms::Steady && share != self.common => {
                    format!(
                        "chosen although {}: {}; `failover` of this name is `off`",
                        status.phase,
                        up(status)
                    )
                }
                _ => format!("chosen: {}", self.standing(status)),
            },
            Fate::Following => {
                format!("its addresses follow those of the chosen one: {}", self.standing(status))
            }
            Fate::AsNear => "as near as the chosen one, and the client is drawn for that".to_owned(),
            Fate::Next => {
                format!("HTTPS records name it after the chosen one: {}", self.standing(status))
            }
            Fate::Behind if !has_any => "behind the chosen one".to_owned(),
            Fate::Behind => format!("behind the chosen one: {}", self.standing(status)),
        }
    }

    fn unhealthy(&self, status: &Status) -> String {
        let up = up(status);
        if let Some(Bearing { intent: Some(intent), .. }) = self.bearing {
            return format!("out: {up}; {intent}");
        }
        let mut text = match self.bearing {
            _ if !status.has_enough() => format!("down: {up}, {} needed", status.needed),
            Some(Bearing { grade: OutlierGrade::Failing, .. }) => {
                format!("out: fails its clients more than others do, though its canaries pass, {up}")
            }
            Some(_) => format!("down: a canary of the whole region has fallen, {up}"),
            None => format!("out for another reason than its addresses: {up}"),
        };
        if let Some(now) = self.status().filter(|now| now.phase == Phase::Down) {
            let _ = write!(text, "; since {}", now.since);
        }
        text
    }

    fn waiting(&self) -> String {
        let region = self.region;
        if matches!(self.terms, HealthTerms::MaxLag(_)) && self.common != SiteShare::Waiting {
            return "lags more than `max_lag` of this name: takes no clients of it while another region can"
                .to_owned();
        }
        if let Some(Bearing { intent: Some(intent), .. }) = self.bearing {
            return format!("takes no clients while another region can: {intent}");
        }
        match self.status().map(|now| (now.phase, now.until)) {
            Some((Phase::Recovering, Some(until))) => {
                format!("well again, and waits until {until} before it takes clients")
            }
            Some((Phase::Held, _)) => {
                format!("held: well again, and takes no clients until `meridian failback {region}`")
            }
            Some((Phase::Quarantined, Some(until))) => format!(
                "quarantined after three falls in an hour: takes no clients until {until} or `meridian failback {region}`"
            ),
            _ => "well again, and waits for its time or for an operator".to_owned(),
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
        match bearing.status.phase {
            Phase::Ramp => {
                format!(
                    "comes back step by step: takes {share} of its clients since {}",
                    bearing.status.since
                )
            }
            Phase::Held => {
                format!("held at {share} of its clients until `meridian failback {}`", self.region)
            }
            _ if bearing.grade != OutlierGrade::Fine => {
                format!("fails its clients more than others do: keeps {share} of them")
            }
            _ => format!("an advisory canary has fallen: keeps {share} of its clients"),
        }
    }

    fn status(&self) -> Option<&Status> {
        self.bearing.map(|bearing| &bearing.status)
    }

    /// Says how a region stands that could take all of its clients.
    fn standing(&self, status: &Status) -> String {
        format!("{}{}{}{}", up(status), self.zones(), self.suppression(), self.intent())
    }

    /// Says which of its zones take fewer clients than all; of any other region, nothing.
    fn zones(&self) -> String {
        let zones = self.bearing.and_then(|bearing| bearing.limited_zones.as_deref());
        zones.map_or_else(String::new, |zones| format!("; {zones}"))
    }

    /// Says which intent of an operator decides about it; of any other, nothing.
    fn intent(&self) -> String {
        let intent = self.bearing.and_then(|bearing| bearing.intent.as_deref());
        intent.map_or_else(String::new, |intent| format!("; {intent}"))
    }

    /// Says why a region stays that is bad; of any other, nothing.
    fn suppression(&self) -> String {
        let suppression = self.status().and_then(|now| now.suppression);
        match suppression {
            None => String::new(),
            Some(suppression @ Suppression::Unconfirmed { .. }) => format!("; stays: {suppression}"),
            Some(suppression) => format!("; bad, and stays: {suppression}"),
        }
    }
}

fn up(status: &Status) -> String {
    format!("{} of {} up", status.up, status.total)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::health::Standing;
    use crate::moment::Moment;
    use crate::region::Regions;
    use crate::region::tests::region;

    const TOKYO: RegionId = RegionId(0);

    /// Tells what became of tokyo, of whose two addresses the given number is up, in IPv4.
    #[track_caller]
    fn check(up: usize, share: SiteShare, fate: Fate, bearing: Bearing, expected: &str) {
        check_under(HealthTerms::Usual, up, [share; 2], fate, bearing, expected);
    }

    /// Tells it of a name with these terms, of whose clients tokyo takes another share than of those of others.
    #[track_caller]
    fn check_under(
        terms: HealthTerms,
        up: usize,
        [share, common]: [SiteShare; 2],
        fate: Fate,
        bearing: Bearing,
        expected: &str,
    ) {
        let regions = Regions::new(vec![region("tokyo", "JP", &[&["192.0.2.1", "192.0.2.2"]])]);
        let standing = |index| if index < up { Standing::Up } else { Standing::Down { since: Moment(0) } };
        let view = View::counted(&regions, (0..2).map(standing).collect()).with(Vec::new(), &[[share; 2]]);
        let told = RegionFacts {
            terms,
            common,
            region: "tokyo",
            fate,
            found: Destination::Healthy(TOKYO),
            view: &view,
            bearing: Some(&bearing),
        };
        assert_eq!(told.text(TOKYO, Family::V4), expected);
    }

    /// 2026-03-01T00:00:00Z.
    const SINCE: Moment = Moment(1_772_323_200_000);

    fn bearing(phase: Phase) -> Bearing {
        let regions = Regions::new(vec![region("tokyo", "JP", &[&["192.0.2.1"]])]);
        let status = *View::all_up(&regions).status(TOKYO, Family::V4);
        let status = Status { phase, since: SINCE, until: Some(SINCE), ..status };
        Bearing { status, limited_zones: None, grade: OutlierGrade::Fine, intent: None, blind: None }
    }

    #[test]
    fn a_region_that_a_name_sees_otherwise_than_others_says_so_and_one_that_all_see_alike_does_not() {
        let (full, waiting, out) = (SiteShare::Full, SiteShare::Waiting, SiteShare::Out { since: SINCE });
        let [lag, steady] = [HealthTerms::MaxLag(Duration::from_secs(30)), HealthTerms::Steady];
        let [healthy, down] = [Phase::Healthy, Phase::Down].map(bearing);
        let lags = "lags more than `max_lag` of this name: takes no clients of it while another region can";
        check_under(lag, 2, [waiting, full], Fate::Waiting, healthy.clone(), lags);
        // All of them lag, and the first is chosen.
        check_under(lag, 2, [waiting, full], Fate::Chosen, healthy.clone(), "chosen: 2 of 2 up");
        check_under(steady, 2, [full; 2], Fate::Chosen, healthy, "chosen: 2 of 2 up");
        let stays = "chosen although down: 0 of 2 up; `failover` of this name is `off`";
        check_under(steady, 0, [full, out], Fate::Chosen, down.clone(), stays);
        let drained = Bearing { intent: Some("drain tokyo (intent 3)".to_owned()), ..down };
        let empty = "takes no clients while another region can: drain tokyo (intent 3)";
        check_under(steady, 0, [waiting, out], Fate::Waiting, drained, empty);
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
        let expected = "well again, and waits until 2026-03-01T00:00:00.000Z before it takes clients";
        check(2, SiteShare::Waiting, Fate::Waiting, bearing(Phase::Recovering), expected);
        let expected = "held: well again, and takes no clients until `meridian failback tokyo`";
        check(2, SiteShare::Waiting, Fate::Waiting, bearing(Phase::Held), expected);
    }

    #[test]
    fn a_region_that_takes_a_share_says_why_and_whether_the_client_is_in_it() {
        let ramp = bearing(Phase::Ramp);
        let part = SiteShare::Part(Share::percent(10));
        let comes = "comes back step by step: takes 10% of its clients since 2026-03-01T00:00:00.000Z";
        let not_drawn = Fate::OutsideShare(Share::percent(10));
        check(2, part, not_drawn, ramp.clone(), &format!("{comes}, and this one is not among them"));
        check(2, part, Fate::Chosen, ramp, &format!("chosen: {comes}, and this one is among them"));
        let advised =
            "an advisory canary has fallen: keeps 10% of its clients, and this one is not among them";
        check(2, part, not_drawn, bearing(Phase::Healthy), advised);
    }

    #[test]
    fn a_region_that_is_bad_and_stays_says_why() {
        let mut restrained = bearing(Phase::Suspect);
        restrained.status.suppression = Some(Suppression::MinInService);
        let expected =
            "chosen: 0 of 2 up; bad, and stays: fewer regions than `safety.min_in_service` would be left";
        check(0, SiteShare::Full, Fate::Chosen, restrained, expected);
    }

    #[test]
    fn a_region_says_which_of_its_zones_take_fewer_clients() {
        let limited =
            || Bearing { limited_zones: Some("1 of 3 zones held".to_owned()), ..bearing(Phase::Healthy) };
        let chosen = "chosen: 2 of 2 up; 1 of 3 zones held";
        check(2, SiteShare::Full, Fate::Chosen, limited(), chosen);
        let behind = "behind the chosen one: 2 of 2 up; 1 of 3 zones held";
        check(2, SiteShare::Full, Fate::Behind, limited(), behind);
    }
}
