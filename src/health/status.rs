//! The status of regions and availability zones, as it is published: to steering, to alarms, and to people.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Suppression;
use crate::moment::{ClockStep, FollowClock, Moment};
use crate::share::Share;

/// The phase of a region or availability zone in its course through trouble, from the best to the worst for its
/// clients.
///
/// It follows from canaries and reports; what operators want shows in [`Status::share`] only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Phase {
    /// It serves.
    Healthy,
    /// It serves, and nothing is known of it yet.
    Unknown,
    /// It serves, and would not if its suspect addresses fell.
    Suspect,
    /// Its clients come back, share by share.
    Ramp,
    /// It is well, and stays at a share until an operator lets it back.
    Held,
    /// It is well again, and waits for `min_down` to end.
    Recovering,
    /// It fell too often, and is kept away for a while.
    Quarantined,
    /// It has left.
    Down,
}

impl Phase {
    /// Every phase, from the best to the worst.
    pub const ALL: [Self; 8] = [
        Self::Healthy,
        Self::Unknown,
        Self::Suspect,
        Self::Ramp,
        Self::Held,
        Self::Recovering,
        Self::Quarantined,
        Self::Down,
    ];

    /// Returns its word: the same in metrics, JSON, events, scripts and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Unknown => "unknown",
            Self::Suspect => "suspect",
            Self::Ramp => "ramp",
            Self::Held => "held",
            Self::Recovering => "recovering",
            Self::Quarantined => "quarantined",
            Self::Down => "down",
        }
    }

    /// Returns whether nothing fails. A suspect site is not well: rollouts end and pages are calm only without doubt.
    pub fn is_well(self) -> bool {
        self <= Self::Unknown
    }

    /// Returns whether no client is kept away: well or suspect.
    pub fn is_stable(self) -> bool {
        self <= Self::Suspect
    }

    /// Returns whether only an operator, or the end of a quarantine, lets it back.
    pub fn is_kept_away(self) -> bool {
        matches!(self, Self::Held | Self::Quarantined)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The word for a site that is well, and that operators keep all clients away from.
pub const WITHDRAWN: &str = "withdrawn";

/// The word for a site that is well, and takes fewer clients than all for a reason that is not its phase.
pub const LIMITED: &str = "limited";

/// What a region takes of the clients that it is the best for, or a zone of its region's clients, in one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteShare {
    Full,
    /// This share of them; the others go on to the next region. Neither none nor all of them.
    Part(Share),
    /// This share of them, and only because a rule keeps it in service: when no permitted region is better, `all_down`
    /// decides.
    Kept(Share),
    /// None while another region takes any: it is well and waits, or is held.
    Waiting,
    /// None: it has left.
    Out {
        since: Moment,
    },
    /// None that another region can bear, where that is known; and all others.
    Yielding {
        /// When it left.
        since: Moment,
    },
    /// None, not even when every other region is out: an operator wants it so.
    Disabled,
}

impl SiteShare {
    /// Returns what a site takes that serves this share.
    pub fn of(share: Share) -> Self {
        match share {
            Share::ALL => Self::Full,
            Share::NONE => Self::Waiting,
            part => Self::Part(part),
        }
    }

    /// Returns the share of its clients that it takes.
    pub fn share(self) -> Share {
        match self {
            Self::Full => Share::ALL,
            Self::Part(share) | Self::Kept(share) => share,
            Self::Waiting | Self::Out { .. } | Self::Yielding { .. } | Self::Disabled => Share::NONE,
        }
    }

    /// Returns whether the site is well, whatever share it takes.
    pub fn is_well(self) -> bool {
        match self {
            Self::Full | Self::Part(_) | Self::Waiting => true,
            Self::Kept(_) | Self::Out { .. } | Self::Yielding { .. } | Self::Disabled => false,
        }
    }

    /// Returns whether the site is in service: it takes some of its clients at least.
    pub fn is_in_service(self) -> bool {
        self.share() > Share::NONE
    }
}

/// The status of a region or availability zone in one family.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Status {
    /// The phase that canaries and reports have led to.
    pub phase: Phase,
    /// The beginning of the phase.
    pub since: Moment,
    /// The end of the phase if nothing happens: of a wait, or of a quarantine. `None` in every other phase.
    pub until: Option<Moment>,
    /// The number of its falls within the last hour, as of its last change.
    pub falls: usize,
    /// The number of its addresses that are not down, 0 to `total`: up, suspect or not probed yet.
    pub up: usize,
    /// The number of its addresses of the family; 0: it has none, and nothing else here means anything.
    pub total: usize,
    /// The number of addresses that must be up, 1 to `total`: `min_healthy` of a region, 1 of a zone.
    pub needed: usize,
    /// The share of its clients that it takes, by health and by operators.
    pub share: SiteShare,
    /// What keeps a region in service that is bad; `None`: it is not bad, or has left.
    pub suppression: Option<Suppression>,
}

impl Status {
    /// Returns the status that counting alone leads to. `fallen` says when each address fell that is down.
    pub(crate) fn counted(total: usize, needed: usize, mut fallen: Vec<Moment>) -> Self {
        let up = total - fallen.len();
        let is_out = up < needed;
        // It had enough until `total - needed` addresses had fallen and one more did.
        fallen.sort_unstable();
        let since = if is_out { fallen[total - needed] } else { Moment::default() };
        Self {
            phase: if is_out { Phase::Down } else { Phase::Healthy },
            since,
            until: None,
            falls: 0,
            up,
            total,
            needed,
            share: if is_out { SiteShare::Out { since } } else { SiteShare::Full },
            suppression: None,
        }
    }

    /// Returns whether it has addresses of the family.
    pub fn exists(&self) -> bool {
        self.total > 0
    }

    /// Returns whether enough of its addresses are up.
    pub fn has_enough(&self) -> bool {
        self.up >= self.needed
    }

    /// Returns the share of its clients that it takes.
    pub fn takes(&self) -> Share {
        self.share.share()
    }

    /// Returns whether it has addresses of the family and takes some of its clients.
    pub fn is_in_service(&self) -> bool {
        self.exists() && self.share.is_in_service()
    }

    /// Returns whether it has left the answers, or would have if any other region were well.
    pub fn has_left(&self) -> bool {
        let is_kept = matches!(self.share, SiteShare::Kept(_));
        !self.is_in_service() || (is_kept && self.phase == Phase::Down)
    }

    /// Returns the word for what keeps it from taking all of its clients; `None`: nothing does.
    pub fn limit(&self) -> Option<&'static str> {
        match self.takes() {
            _ if !self.has_enough() => Some(Phase::Down.as_str()),
            Share::ALL => None,
            _ if !self.phase.is_stable() => Some(self.phase.as_str()),
            Share::NONE => Some(WITHDRAWN),
            _ => Some(LIMITED),
        }
    }
}

/// Returns which zones of a region take fewer clients than all for a reason of their own: `1 of 3 zones held`, or
/// `2 of 3 zones down, 1 ramp`. `None`: no zone does.
pub fn limited_zones<'a>(region: &Status, zones: impl Iterator<Item = &'a Status>) -> Option<String> {
    let zones: Vec<_> = zones.filter(|zone| zone.exists()).collect();
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for word in zones.iter().filter_map(|zone| zone.limit()).filter(|word| region.limit() != Some(word)) {
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    let mut counts = counts.into_iter();
    let (word, count) = counts.next()?;
    let first = format!("{count} of {} zones {word}", zones.len());
    Some(counts.fold(first, |text, (word, count)| format!("{text}, {count} {word}")))
}

impl FollowClock for SiteShare {
    fn follow_clock(&mut self, step: ClockStep) {
        match self {
            Self::Out { since } | Self::Yielding { since } => since.follow_clock(step),
            Self::Full | Self::Part(_) | Self::Kept(_) | Self::Waiting | Self::Disabled => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_is_one_word_and_they_have_an_order() {
        assert!(Phase::ALL.is_sorted());
        for phase in Phase::ALL {
            let json = format!("\"{phase}\"");
            assert_eq!(serde_json::from_str::<Phase>(&json).expect("a phase"), phase);
            assert_eq!(serde_json::to_string(&phase).expect("a word"), json);
        }
    }

    #[test]
    fn suspect_is_stable_and_not_well() {
        let which =
            |is: fn(Phase) -> bool| Phase::ALL.into_iter().filter(|phase| is(*phase)).collect::<Vec<_>>();
        assert_eq!(which(Phase::is_well), [Phase::Healthy, Phase::Unknown]);
        assert_eq!(which(Phase::is_stable), [Phase::Healthy, Phase::Unknown, Phase::Suspect]);
    }

    /// Compares what is said of a healthy region with zones in these phases, which take these percents.
    #[track_caller]
    fn check_zones(region: (Phase, u8), zones: &[(Phase, u8)], expected: Option<&str>) {
        let status = |(phase, percent)| Status {
            phase,
            share: SiteShare::of(Share::percent(percent)),
            ..Status::counted(1, 1, Vec::new())
        };
        let zones: Vec<_> = zones.iter().copied().map(status).collect();
        assert_eq!(limited_zones(&status(region), zones.iter()).as_deref(), expected);
    }

    #[test]
    fn a_region_whose_zone_takes_fewer_clients_is_not_plainly_healthy() {
        let (well, full) = ((Phase::Healthy, 100), (Phase::Suspect, 100));
        check_zones(well, &[well, full, well], None);
        check_zones(well, &[well, (Phase::Held, 0), well], Some("1 of 3 zones held"));
        check_zones(
            well,
            &[(Phase::Ramp, 10), (Phase::Quarantined, 0)],
            Some("1 of 2 zones ramp, 1 quarantined"),
        );
        check_zones(well, &[(Phase::Held, 0), (Phase::Held, 50), well], Some("2 of 3 zones held"));
        check_zones(well, &[well, (Phase::Healthy, 0)], Some("1 of 2 zones withdrawn"));
        check_zones(well, &[well, (Phase::Healthy, 50)], Some("1 of 2 zones limited"));
        check_zones((Phase::Held, 0), &[(Phase::Held, 0), (Phase::Ramp, 10)], Some("1 of 2 zones ramp"));
    }

    #[test]
    fn a_zone_without_an_address_that_is_up_is_down_and_one_without_addresses_does_not_count() {
        let up = Status::counted(2, 1, vec![Moment(3)]);
        let down = Status::counted(2, 1, vec![Moment(3), Moment(5)]);
        assert_eq!((down.phase, down.since), (Phase::Down, Moment(5)));
        let absent = Status::counted(0, 0, Vec::new());
        assert_eq!(
            limited_zones(&up, [&up, &down, &absent].into_iter()).as_deref(),
            Some("1 of 2 zones down")
        );
        assert_eq!(limited_zones(&down, [&down, &up].into_iter()), None, "the region itself is down");
        assert!(!absent.is_in_service());
    }
}
