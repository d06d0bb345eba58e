//! What is seen of regions at one moment, in one family: everything that a verdict about one of them
//! depends on, besides its own recovery.

use super::correlation::{self, RegionFailure};
use super::tally::SiteTallies;
use super::{AddressHealth, AddressState, Assessment, Board, OutlierGrade, Phase, RecoveryState, vitals};
use crate::canary::{FailureClass, Subject};
use crate::moment::Moment;
use crate::region::{Family, RegionId, RegionSet, Safety, Site};

/// Everything that a verdict about one family depends on.
pub(super) struct Evidence<'a> {
    pub board: &'a Board,
    pub tallies: &'a SiteTallies,
    pub safety: &'a Safety,
    /// Each set of regions that some clients may be sent to.
    pub pools: &'a [RegionSet],
    pub family: Family,
    /// The service whose regions are judged together; `None`: those of no named one.
    pub service: Option<&'a str>,
    pub now: Moment,
}

/// How certain it is that a region is dead, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The far end refuses connections, at every address that is down.
    Hard {
        /// When the first of these probes came back.
        began: Moment,
    },
    /// It may be this instance's path, or something that a fail-over does not mend.
    Soft(Option<RegionFailure>),
}

impl Evidence<'_> {
    /// Returns the regions of the service that have addresses of the family.
    pub fn regions(&self) -> impl Iterator<Item = RegionId> {
        self.all_regions().filter(|id| self.tallies.region(*id, self.family).total > 0)
    }

    /// Returns the regions of the service.
    pub fn all_regions(&self) -> impl Iterator<Item = RegionId> {
        let regions = self.board.regions().iter();
        regions.filter(|(_, region)| region.service() == self.service).map(|(id, _)| id)
    }

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

    /// Returns the verdict on a region that is bad.
    pub fn verdict(&self, id: RegionId) -> Verdict {
        match self.failure(id) {
            Some(RegionFailure { class: FailureClass::Refused, began }) => Verdict::Hard { began },
            failure => Verdict::Soft(failure),
        }
    }

    /// Returns since when a region refuses connections at every address that is down; `None`: it does not.
    pub fn refused_since(&self, id: RegionId) -> Option<Moment> {
        match self.verdict(id) {
            Verdict::Hard { began } => Some(began),
            Verdict::Soft(_) => None,
        }
    }

    /// Returns until when the exit of a region waits that fails softly, because half of the regions do so; `None`: it
    /// does not wait, or the references say that this instance sees well.
    pub fn hold(&self, id: RegionId, failure: RegionFailure) -> Option<Moment> {
        let others = self.regions().filter(|other| *other != id && self.has_fallen(*other));
        let others = others.filter_map(|other| self.failure(other));
        let total = self.regions().count();
        let first = correlation::shared_since(failure, others, total)?;
        let until = first.plus(self.safety.shared_hold);
        (self.now < until && !self.board.references.sees_well(first)).then_some(until)
    }

    /// Returns whether this instance may see nothing: no reference has answered since the region began to fail, and half
    /// of the family's regions or more, and two if there are as many, are not known to be well since.
    pub fn is_blind(&self, id: RegionId) -> bool {
        let Some(began) = self.began(id).filter(|began| self.board.references.is_blind(*began)) else {
            return false;
        };
        let is_unwell = |other: RegionId| self.has_fallen(other) || !self.has_passed_since(other, began);
        let total = self.regions().count();
        let unwell = self.regions().filter(|other| *other == id || is_unwell(*other)).count();
        unwell >= usize::max(2, total.div_ceil(2)).min(total)
    }

    /// Returns whether two observers or more see each of the addresses down that are, or the region as a whole: then it is
    /// not only this instance's view.
    pub fn is_confirmed(&self, id: RegionId) -> bool {
        const SEVERAL: u8 = 2;
        let is_several = |subject| self.board.confirmations(subject).is_some_and(|count| count >= SEVERAL);
        if self.board.whole(id).state().is_down() && is_several(Subject::Region(id)) {
            return true;
        }
        let addresses = self.board.regions().addresses_of(id);
        let addresses = addresses.filter(|(_, address)| Family::of(address.ip) == self.family);
        let mut down = addresses.filter(|(id, _)| self.board.address(*id).state().is_down()).peekable();
        down.peek().is_some() && down.all(|(id, _)| is_several(Subject::Address(id)))
    }

    /// Returns when the first probe failed of what fails in a region, in whatever ways; `None`: nothing does.
    pub fn began(&self, id: RegionId) -> Option<Moment> {
        let addresses = self.board.regions().addresses_of(id);
        let addresses = addresses.filter(|(_, address)| Family::of(address.ip) == self.family);
        let tracks = addresses.map(|(id, _)| self.board.address(id)).chain([self.board.whole(id)]);
        tracks.filter_map(AddressHealth::began).min()
    }

    /// Returns whether a region can take clients now of another one that began to fail at `began`: one that is not known
    /// to be bad, and has passed a probe since. With canaries that come seldom this is not waited for any longer
    /// than a minute.
    pub fn is_well_since(&self, id: RegionId, began: Moment) -> bool {
        let is_late = self.now.since(began) > correlation::WINDOW;
        !self.has_fallen(id) && (is_late || self.has_passed_since(id, began))
    }

    /// Returns whether an address of a region that is up, or the region as a whole, has passed a probe since then, or none
    /// probes the region.
    fn has_passed_since(&self, id: RegionId, began: Moment) -> bool {
        let passed = self.tallies.region(id, self.family).passed.max(self.board.whole(id).succeeded());
        self.board.regions().region(id).canaries.is_empty() || passed.is_some_and(|at| at >= began)
    }

    /// Returns whether a region has too few addresses, or has fallen as a whole.
    pub fn has_fallen(&self, id: RegionId) -> bool {
        self.tallies.region(id, self.family).up < self.needed(id) || self.board.whole(id).state().is_down()
    }

    /// Returns the one way in which a region fails, and since when; `None`: in several ways, or not by its canaries.
    fn failure(&self, id: RegionId) -> Option<RegionFailure> {
        let whole = self.board.whole(id);
        let of_whole = whole.region_failure().filter(|_| whole.state().is_down());
        let tally = self.tallies.region(id, self.family);
        let mut failures = tally.fallen.iter().copied().chain(of_whole);
        let first = failures.next()?;
        failures.try_fold(first, |all, one| {
            let began = all.began.min(one.began);
            (one.class == all.class).then_some(RegionFailure { began, ..all })
        })
    }

    /// Returns the load that a region reports; `None`: it does not.
    pub fn load(&self, id: RegionId) -> Option<f64> {
        vitals(self.board, Site::Region(id), Moment::default(), self.now).load
    }

    /// Returns whether it is known what a region can bear: it has a capacity and reports its load.
    pub fn is_measured(&self, id: RegionId) -> bool {
        self.board.regions().region(id).capacity.is_some() && self.load(id).is_some()
    }

    /// Returns the load of a region that does not answer in time and says, or said just now, that it is
    /// full; `None`: it is no overload. One that was full is so until it has shed what was too much and more:
    /// shedding ends just below the soft limit, and no region is to leave for having shed.
    pub fn overload(&self, id: RegionId, was_full: bool) -> Option<f64> {
        let limits = &self.safety.limits;
        let limit = if was_full { limits.back } else { limits.soft };
        let is_slow = self.failure(id).is_some_and(|failure| failure.class == FailureClass::Timeout);
        self.load(id).filter(|load| is_slow && *load >= limit)
    }
}

/// Returns whether the instance with this board may be cut off from everything that it should see.
pub fn is_cut_off(board: &Board, safety: &Safety, now: Moment) -> bool {
    let tallies = SiteTallies::of(board);
    board.regions().services().into_iter().any(|service| {
        Family::BOTH.into_iter().any(|family| {
            let evidence = Evidence { board, tallies: &tallies, safety, pools: &[], family, service, now };
            evidence.regions().any(|id| evidence.is_blind(id))
        })
    })
}
