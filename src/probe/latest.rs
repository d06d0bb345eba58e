//! The last result of every probe, for operators who watch: decisions are made from observations.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use dashmap::DashMap;

use super::schedule::{Pair, Watched};
use crate::canary::Sighting;

/// The last result of every pair, by what is probed and the name of the canary. Probes write it while
/// others read.
#[derive(Debug, Default)]
pub struct LatestSightings {
    seen: DashMap<(Watched, String), Sighting>,
}

impl LatestSightings {
    /// Returns the last result of an address and the canary with this name; `None` before the first.
    pub fn last(&self, address: IpAddr, canary: &str) -> Option<Sighting> {
        self.find(Watched::Address(address), canary)
    }

    /// Returns the last result of a region as a whole and the canary with this name; `None` before the first.
    pub fn last_of_region(&self, region: &str, canary: &str) -> Option<Sighting> {
        self.find(Watched::Region(Arc::from(region)), canary)
    }

    fn find(&self, watched: Watched, canary: &str) -> Option<Sighting> {
        self.seen.get(&(watched, canary.to_owned())).map(|sighting| sighting.clone())
    }

    /// Notes a result; one without signals leaves those from before.
    pub(super) fn note(&self, pair: &Pair, mut sighting: Sighting) {
        let key = key(pair);
        if sighting.signals.is_none() {
            sighting.signals = self.seen.get(&key).and_then(|before| before.signals);
        }
        self.seen.insert(key, sighting);
    }

    /// Forgets every pair that is not among these.
    pub(super) fn keep<'p>(&self, pairs: impl Iterator<Item = &'p Pair>) {
        let wanted: HashSet<_> = pairs.map(key).collect();
        self.seen.retain(|pair, _| wanted.contains(pair));
    }
}

fn key(pair: &Pair) -> (Watched, String) {
    (pair.watched.clone(), pair.settings.name.clone())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::canary::{CanaryId, Epoch, Failure, FailureClass, Heard, Signals, Subject};
    use crate::health::fixture;
    use crate::moment::Moment;
    use crate::region::{AddressId, RegionId};

    #[test]
    fn a_failure_leaves_the_last_signals_with_their_age_and_a_response_replaces_all_of_them() {
        let address = "192.0.2.1".parse().expect("an IP");
        let latest = LatestSightings::default();
        let pair = Pair {
            watched: Watched::Address(address),
            settings: Arc::new(fixture::canary("deep", 3, 3)),
            epoch: Epoch(0),
            subject: Subject::Address(AddressId(0)),
            region: RegionId(0),
            canary: CanaryId(0),
        };
        let heard =
            |at, load| Some(Heard { at: Moment(at), signals: Signals { load, ..Signals::default() } });
        let failed =
            || Failure { class: FailureClass::Timeout, detail: "no whole answer within 2s".to_owned() };
        for (at, is_success, said, kept) in [
            (0, false, None, None),
            (10, true, heard(10, Some(0.4)), heard(10, Some(0.4))),
            (20, false, None, heard(10, Some(0.4))),
            (30, true, heard(30, None), heard(30, None)),
        ] {
            let result = is_success.then_some(()).ok_or_else(failed);
            let latency = Duration::from_millis(3);
            latest.note(&pair, Sighting { at: Moment(at), latency, result, remark: None, signals: said });
            let last = latest.last(address, "deep").expect("it was noted");
            assert_eq!((last.at, last.signals), (Moment(at), kept));
        }
    }
}
