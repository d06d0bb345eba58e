//! The labels of series, and gauges that keep theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CanaryResult {
    pub region: String,
    pub canary: String,
    pub result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
pub(super) struct CanaryOf {
    pub region: String,
    pub canary: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct AddressOf {
    pub region: String,
    pub availability_zone: String,
    pub address: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ChangeTo {
    pub region: String,
    pub state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RegionOf {
    pub region: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct EventOf {
    pub kind: String,
    pub severity: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct BlindBy {
    pub cause: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Refused {
    pub why: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
pub(super) struct IntentIn {
    pub kind: &'static str,
    pub state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ResultLabel {
    pub result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfStateFile {
    pub file: &'static str,
}

/// No label: a family of at most one, for what may be absent.
pub(super) type Unlabelled = [(&'static str, &'static str); 0];

/// A gauge with fractions.
pub(super) type Fraction = Gauge<f64, AtomicU64>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RegionFamily {
    pub region: String,
    pub family: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ZoneFamily {
    pub region: String,
    pub availability_zone: String,
    pub family: &'static str,
}

/// A region and family in one of its phases.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RegionPhase {
    #[prometheus(flatten)]
    pub of: RegionFamily,
    pub phase: &'static str,
}

/// An availability zone and family in one of its phases.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ZonePhase {
    #[prometheus(flatten)]
    pub of: ZoneFamily,
    pub phase: &'static str,
}

/// An address in one of its states.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct AddressIn {
    #[prometheus(flatten)]
    pub of: AddressOf,
    pub state: &'static str,
}

/// Gauges of how many there are with each set of labels. A set that was there once keeps its series, at zero.
#[derive(Debug)]
pub(super) struct Tallies<L> {
    gauges: Family<L, Gauge>,
    known: Mutex<BTreeSet<L>>,
}

impl<L: Clone + Eq + Hash> Default for Tallies<L> {
    fn default() -> Self {
        Self { gauges: Family::default(), known: Mutex::default() }
    }
}

impl<L: Clone + Ord + Hash> Tallies<L> {
    pub(super) fn gauges(&self) -> Family<L, Gauge> {
        self.gauges.clone()
    }

    /// Counts all that there are.
    pub(super) fn count(&self, all: impl Iterator<Item = L>) {
        let mut counts = BTreeMap::new();
        all.for_each(|of| *counts.entry(of).or_insert(0) += 1);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(counts.keys().cloned());
        for of in known.iter() {
            self.gauges.get_or_create(of).set(counts.get(of).copied().unwrap_or(0));
        }
    }
}
