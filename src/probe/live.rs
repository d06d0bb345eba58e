//! The last result of every probe, as it is now: for people who watch, not for decisions.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use dashmap::DashMap;

use crate::canary::Sighting;

/// What is probed: a `Subject` in words that stay the same when a reload numbers everything anew.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Watched {
    /// One address.
    Address(IpAddr),
    /// The region with this name, as a whole.
    Region(Arc<str>),
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Region(name) => name.fmt(f),
        }
    }
}

/// What is probed, and the name of the canary that does.
pub(super) type Pair = (Watched, Arc<str>);

/// The last result of every pair. Probes write it while others read.
#[derive(Debug, Default)]
pub struct Live {
    seen: DashMap<Pair, Sighting>,
}

impl Live {
    /// Returns the last result of an address and the canary with this name; `None` before the first.
    pub fn last(&self, address: IpAddr, canary: &str) -> Option<Sighting> {
        self.find(Watched::Address(address), canary)
    }

    /// Returns the last result of a region as a whole and the canary with this name; `None` before the first.
    pub fn last_of_region(&self, region: &str, canary: &str) -> Option<Sighting> {
        self.find(Watched::Region(Arc::from(region)), canary)
    }

    fn find(&self, watched: Watched, canary: &str) -> Option<Sighting> {
        self.seen.get(&(watched, Arc::from(canary))).map(|sighting| sighting.clone())
    }

    /// Notes a result; one without signals leaves those from before.
    pub(super) fn note(&self, pair: &Pair, mut sighting: Sighting) {
        if sighting.signals.is_none() {
            sighting.signals = self.seen.get(pair).and_then(|before| before.signals);
        }
        self.seen.insert(pair.clone(), sighting);
    }

    /// Forgets every pair that is not among those.
    pub(super) fn keep(&self, is_wanted: impl Fn(&Pair) -> bool) {
        self.seen.retain(|pair, _| is_wanted(pair));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::canary::{Failure, FailureClass, Heard, Signals};
    use crate::moment::Moment;

    #[test]
    fn a_failure_leaves_the_last_signals_with_their_age_and_a_response_replaces_all_of_them() {
        let address = "192.0.2.1".parse().expect("an IP");
        let (live, pair) = (Live::default(), (Watched::Address(address), Arc::from("deep")));
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
            live.note(&pair, Sighting { at: Moment(at), latency, result, remark: None, signals: said });
            let last = live.last(address, "deep").expect("it was noted");
            assert_eq!((last.at, last.signals), (Moment(at), kept));
        }
    }
}
