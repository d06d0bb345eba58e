//! How far the machine acts on a verdict: the limits of failover.
//!
//! `fall` consecutive failures take a region out. What limits that is asked in this order; the first that says so binds.
//!
//! | limit | binds | ends |
//! |---|---|---|
//! | `failover: advise` or `off` | every verdict | when an operator says so |
//! | no quorum: too few observers see it down (`peers.down_quorum`) | every verdict | when enough do, or those that are silent have been so for `peers.alone_after` |
//! | blindness: half of the regions fail, and no reference outside them has answered since | every verdict of one observer | a minute after one has |
//! | overload: it times out and reports that it is full | soft | when it reports room, or nothing |
//! | correlated failure: half of the regions began to fail alike within a minute | soft, of one observer | `safety.shared_hold` after the first failed probe, or when the others are well, or a majority of the references has answered since |
//! | no other region has passed a probe since | soft | when one has |
//! | no region is well | soft | a minute after one is |
//! | `safety.keep`: too few would stay in the answers of some name, and it is not known what they can bear | soft | when others return |
//! | a cascade: it was given clients of another region before it began to fail | soft | in steps of `safety.velocity` every ten minutes |
//! | `safety.min_in_service` | every verdict | when others return |
//!
//! A verdict of several observers answers whether it is only this one's view, and neither blindness nor correlated failure
//! holds it; how far to act is asked all the same. A region that has left stays out whatever the others do: none of these brings it back. One that leaves softly leaves
//! only as far as others can bear its clients, where that is known ([`Exit::AsBorne`]); the rest follows in steps of
//! `safety.velocity` (`steering::Splits::step`).

use std::time::Duration;

use super::Sites;
use crate::health::correlation::{self, RegionFailure};
use crate::health::evidence::{Evidence, Verdict};
use crate::health::{Exit, Suppression};
use crate::moment::Moment;
use crate::region::{Failover, Family, RegionId, RegionSet, Site};
use crate::share::Share;

/// The time in which `safety.velocity` is a share of the clients, and in which a failure follows from clients that were
/// given before.
pub const VELOCITY_PERIOD: Duration = Duration::from_secs(600);

impl Sites {
    /// Returns what keeps a bad region from leaving; `None`: it leaves, or has left.
    pub(super) fn suppress(&mut self, id: RegionId, evidence: &Evidence<'_>) -> Option<Suppression> {
        if self.failover(id) != Failover::Auto {
            return Some(Suppression::Failover(self.failover(id)));
        }
        if !self.recovery(Site::Region(id), evidence.family).serves() {
            return None;
        }
        if self.was_blind(id, evidence) && !evidence.is_confirmed(id) {
            return Some(Suppression::Blind);
        }
        let soft = match evidence.verdict(id) {
            Verdict::Hard { .. } => None,
            Verdict::Soft(failure) => self.suppress_soft(id, failure, evidence),
        };
        soft.or_else(|| self.is_needed(id, evidence).then_some(Suppression::MinInService))
    }

    /// Returns what keeps a region from leaving that is down for some observers, and not for all of them together; `None`:
    /// it is for none, or has left.
    pub(super) fn unconfirmed(&self, id: RegionId, evidence: &Evidence<'_>) -> Option<Suppression> {
        let sights = evidence.board.joint_sights.region(id, evidence.family)?;
        let serves = self.recovery(Site::Region(id), evidence.family).serves();
        let is_auto = self.failover(id) == Failover::Auto;
        (sights.down() > 0 && serves && is_auto).then(|| Suppression::Unconfirmed {
            down: sights.down(),
            needed: sights.needed,
            until: sights.until,
        })
    }

    fn suppress_soft(
        &mut self,
        id: RegionId,
        failure: Option<RegionFailure>,
        evidence: &Evidence<'_>,
    ) -> Option<Suppression> {
        if let Some(load) = self.overload(id, evidence) {
            return Some(Suppression::Overload(load));
        }
        let held = failure.filter(|_| !evidence.is_confirmed(id));
        let held = held.and_then(|failure| Some((failure.class, evidence.hold(id, failure)?)));
        if let Some((class, until)) = held {
            return Some(Suppression::Correlated(class, until));
        }
        // It may fail in several ways, or by what its clients' requests say alone.
        let began = evidence.began(id).unwrap_or_default();
        let has_others = self.others(id, evidence).next().is_some();
        if has_others && !self.others(id, evidence).any(|other| evidence.is_well_since(other, began)) {
            let is_outage = self.others(id, evidence).all(|other| evidence.has_fallen(other));
            return Some(if is_outage { Suppression::NoneWell } else { Suppression::Unheard });
        }
        if has_others && self.was_none_well(id, evidence.family, evidence.now) {
            return Some(Suppression::NoneWell);
        }
        if evidence.pools.iter().any(|pool| self.is_kept_by(*pool, id, evidence)) {
            return Some(Suppression::Keep);
        }
        self.kept_by_velocity(id, began, evidence).map(Suppression::Cascade)
    }

    /// Returns whether this instance may be cut off, or may have been within the last minute: sight comes back before the
    /// next probe of each region does.
    fn was_blind(&mut self, id: RegionId, evidence: &Evidence<'_>) -> bool {
        let state = self.state_mut(Site::Region(id), evidence.family);
        if evidence.is_blind(id) {
            state.blind_at = Some(evidence.now);
        }
        state.blind_at.is_some_and(|at| evidence.now.since(at) <= correlation::WINDOW)
    }

    /// Returns whether no region is well, or was within the last minute.
    pub(super) fn was_none_well(&self, id: RegionId, family: Family, now: Moment) -> bool {
        let last = self.none_well[usize::from(id.0)][family as usize];
        last.is_some_and(|at| now.since(at) <= correlation::WINDOW)
    }

    /// Returns how a region leaves that has fallen: whole, or only as far as others can bear its clients.
    pub(super) fn exit_by(&self, id: RegionId, evidence: &Evidence<'_>) -> Exit {
        let is_in_outage = self.recovery(Site::Region(id), evidence.family).is_in_outage();
        match evidence.verdict(id) {
            _ if is_in_outage && self.was_none_well(id, evidence.family, evidence.now) => Exit::Nowhere,
            Verdict::Hard { .. } if !is_in_outage => Exit::Whole,
            Verdict::Hard { .. } | Verdict::Soft(_) => Exit::AsBorne,
        }
    }

    /// Returns the load at which a region is full rather than dead. That lingers for a minute: a region that is full no
    /// more must not fall for being slow to show it, while it still says how full it is.
    fn overload(&mut self, id: RegionId, evidence: &Evidence<'_>) -> Option<f64> {
        let state = &self.regions[usize::from(id.0)][evidence.family as usize];
        let recent = state.overloaded.filter(|(_, at)| evidence.now.since(*at) <= correlation::WINDOW);
        let now_full = evidence.overload(id, recent.is_some());
        if let Some(load) = now_full {
            self.state_mut(Site::Region(id), evidence.family).overloaded = Some((load, evidence.now));
        }
        let lingers = recent.map(|(load, _)| load).filter(|_| evidence.load(id).is_some());
        now_full.or(lingers)
    }

    /// Returns the other regions of the family that operators send clients to.
    fn others(&self, id: RegionId, evidence: &Evidence<'_>) -> impl Iterator<Item = RegionId> {
        evidence.regions().filter(move |other| *other != id && !self.withdrawn.contains(*other))
    }

    /// Returns the other regions that stay in the answers when this one leaves.
    fn remaining(&self, id: RegionId, evidence: &Evidence<'_>) -> impl Iterator<Item = RegionId> {
        let share = |other: RegionId| self.share_of_region(other, evidence.family, evidence.board);
        self.others(id, evidence).filter(move |other| share(*other).is_in_service())
    }

    /// Returns whether too few of a pool would stay in the answers without this region, by the number alone, for it is not
    /// known what they can bear. Where none would stay, its clients are left to `all_down`, which is no worse than to
    /// keep it.
    fn is_kept_by(&self, pool: RegionSet, id: RegionId, evidence: &Evidence<'_>) -> bool {
        let total = evidence.regions().filter(|region| pool.contains(*region)).count();
        let remaining = || self.remaining(id, evidence).filter(|region| pool.contains(*region));
        let is_few = (1..evidence.safety.keep.of(total)).contains(&remaining().count());
        pool.contains(id) && is_few && !remaining().all(|region| evidence.is_measured(region))
    }

    /// Returns the share that a region keeps until the next step because it fails after it was given clients of another
    /// one; `None`: it was not, or they have all had the time to leave.
    fn kept_by_velocity(&self, id: RegionId, began: Moment, evidence: &Evidence<'_>) -> Option<Share> {
        let given = self.given[usize::from(id.0)]?;
        if began < given || began.since(given) > VELOCITY_PERIOD {
            return None;
        }
        let periods = evidence.now.since(began).as_secs() / VELOCITY_PERIOD.as_secs();
        let left = (periods + 1) as f64 * evidence.safety.velocity.fraction();
        Some(Share::of_fraction(1.0 - left)).filter(|kept| left < 1.0 && *kept > Share::NONE)
    }

    /// Returns whether too few regions would be in service without this one.
    fn is_needed(&self, id: RegionId, evidence: &Evidence<'_>) -> bool {
        let Some(least) = evidence.safety.min_in_service else {
            return false;
        };
        self.remaining(id, evidence).count() < least.of(evidence.regions().count())
    }
}
