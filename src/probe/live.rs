//! The last result of every probe, as it is now: for people who watch, not for decisions.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;

use crate::canary::Failure;
use crate::moment::Moment;

/// Which canary probes which address: what stays the same when a reload numbers everything anew.
pub(super) type Pair = (IpAddr, Arc<str>);

/// The last result of every pair of address and canary. Probes write it while others read.
#[derive(Debug, Default)]
pub struct Live {
    seen: DashMap<Pair, Sighting>,
}

/// The last result of one pair.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// When it was known.
    pub at: Moment,
    /// How long the probe took.
    pub latency: Duration,
    /// What came of it.
    pub result: Result<(), Failure>,
}

impl Live {
    /// Returns the last result of the canary with this name; `None` before the first.
    pub fn last(&self, address: IpAddr, canary: &str) -> Option<Sighting> {
        let pair = (address, Arc::from(canary));
        self.seen.get(&pair).map(|sighting| sighting.clone())
    }

    /// Notes a result.
    pub(super) fn note(&self, pair: &Pair, sighting: Sighting) {
        self.seen.insert(pair.clone(), sighting);
    }

    /// Forgets every pair that is not among those.
    pub(super) fn keep(&self, is_wanted: impl Fn(&Pair) -> bool) {
        self.seen.retain(|pair, _| is_wanted(pair));
    }
}
