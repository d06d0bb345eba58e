//! What is seen of regions at one moment, in one family: everything that a verdict about one of them
//! depends on, besides its own recovery.

use super::correlation::{self, Correlation, PeerCondition};
use super::tally::SiteTallies;
use super::{AddressState, Assessment, Board, OutlierGrade, Phase, RecoveryState, Suppression, vitals};
use crate::canary::FailureClass;
use crate::moment::Moment;
use crate::region::{Family, RegionId, Safety, Site};

/// Everything that a verdict about one family depends on.
pub(super) struct Evidence<'a> {
    pub board: &'a Board,
    pub tallies: &'a SiteTallies,
    pub safety: &'a Safety,
    pub family: Family,
    pub now: Moment,
}

impl Evidence<'_> {
    fn needed(&self, id: RegionId) -> usize {
        self.board.regions().needed(Site::Region(id), self.tallies.region(id, self.family).total)
    }

    /// Returns what is seen of a region that has come this far.
    ///
    /// One that still serves has not left for good reason: what rises there counts as suspect, or it would leave
    /// at the very moment in which it recovers. What has not been probed yet, or what fails, brings back none that
    /// is down. And where no clients are, their requests say nothing.
    pub fn assessment(&self, id: RegionId, grade: OutlierGrade, recovery: &RecoveryState) -> Assessment {
        let (tally, needed) = (self.tallies.region(id, self.family), self.needed(id));
        let whole = self.board.whole(id).state();
        let (serves, phase) = (recovery.serves(), recovery.phase());
        let up = match phase {
            Phase::Down => tally.clean - (tally.total - tally.known),
            _ if serves => tally.up + tally.rising,
            _ => tally.up,
        };
        let is_failing = grade == OutlierGrade::Failing && (serves || phase == Phase::Down);
        match () {
            () if whole == AddressState::Rising && serves && up >= needed => Assessment::Suspect,
            () if up < needed || whole.is_down() || is_failing => Assessment::Bad,
            () if tally.clean < needed || whole == AddressState::Suspect => Assessment::Suspect,
            () if tally.known == 0 => Assessment::Unknown,
            () => Assessment::Good,
        }
    }

    /// Returns how a region that is bad fails, and whether others have the same cause; `None`: in several
    /// ways, or not by its canaries.
    pub fn cause(&self, id: RegionId, is_known: bool) -> Option<(FailureClass, Correlation)> {
        let (class, began) = self.failure(id)?;
        let others = self
            .board
            .regions()
            .iter()
            .filter(|(other, _)| *other != id && self.tallies.region(*other, self.family).total > 0);
        let others = others.map(|(other, _)| self.condition(other, began));
        let cause = match correlation::judge(class, began, is_known, others) {
            // Canaries with long intervals are not waited for any longer.
            Correlation::Undecided if self.now.since(began) > correlation::TOGETHER => Correlation::None,
            cause => cause,
        };
        Some((class, cause))
    }

    /// Returns the one way in which the addresses of a region fail, and since when.
    fn failure(&self, id: RegionId) -> Option<(FailureClass, Moment)> {
        let whole = self.board.whole(id);
        let of_whole = whole.cause().map(|cause| (whole.since(), cause.failure.class));
        let tally = self.tallies.region(id, self.family);
        let mut failing = tally.failing.iter().copied().chain(of_whole);
        let (mut began, class) = failing.next()?;
        for (since, other) in failing {
            if other != class {
                return None;
            }
            began = began.min(since);
        }
        Some((class, began))
    }

    /// Returns how another region does, by what was heard since `began`.
    fn condition(&self, id: RegionId, began: Moment) -> PeerCondition {
        let tally = self.tallies.region(id, self.family);
        let is_failing = !tally.failing.is_empty() || self.board.whole(id).cause().is_some();
        let is_watched = !self.board.regions().region(id).canaries.is_empty();
        let clean = tally.heard.iter().filter(|at| **at >= began).count();
        match self.failure(id) {
            _ if clean >= self.needed(id) && !self.board.whole(id).state().is_down() => PeerCondition::Well,
            Some((class, at)) => PeerCondition::Sick(class, at),
            None if is_failing => PeerCondition::Mixed,
            None if is_watched => PeerCondition::Unheard,
            None => PeerCondition::Well,
        }
    }

    /// Returns whether what excused a region a short while ago may go on to do so: an overload only of one
    /// that still says how it is.
    pub fn still_holds(&self, id: RegionId, excuse: Suppression) -> bool {
        match excuse {
            Suppression::Overload(_) => self.load(id).is_some(),
            Suppression::Correlated(_) => true,
            Suppression::Failover(_) | Suppression::Undecided(_) | Suppression::MinInService => false,
        }
    }

    fn load(&self, id: RegionId) -> Option<f64> {
        vitals(self.board, Site::Region(id), Moment::default(), self.now).load
    }

    /// Returns the load of a region that does not answer in time and says, or said just now, that it is
    /// full; `None`: it is no overload. One that was full is so until it has shed what was too much and more:
    /// shedding ends just below the soft limit, and no region is to leave for having shed.
    pub fn overload(&self, id: RegionId, was_full: bool) -> Option<f64> {
        let (class, _) = self.failure(id)?;
        let limits = &self.safety.limits;
        let limit = if was_full { limits.back } else { limits.soft };
        self.load(id).filter(|load| class == FailureClass::Timeout && *load >= limit)
    }
}
