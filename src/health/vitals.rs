//! What the addresses of a place say of themselves, taken together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AddressHealth, CanaryRecord};
use crate::canary::{Canary, Signals};
use crate::moment::Moment;

/// The signals of a region or availability zone. `None` is unknown, which is never taken for zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Vitals {
    /// The share of the capacity that is in use: 1 is full.
    pub load: Option<f64>,
    /// The share of requests that fail.
    pub error_rate: Option<f64>,
    /// The latency that 95 % of requests do not exceed, in seconds: the mean of what the addresses say.
    pub p95_latency_seconds: Option<f64>,
    /// How many requests the error rate and the latency are about.
    pub requests: Option<f64>,
    /// How far the replica is behind that is the furthest, in seconds.
    pub replication_lag_seconds: Option<f64>,
    /// How many days the certificate is still valid that ends first.
    pub certificate_days: Option<f64>,
    /// The share of probes that were lost on the way in the last ten minutes, of what has not fallen.
    pub probe_loss: Option<f64>,
}

impl Vitals {
    /// Takes together what these tracks have heard since `after` and that is not stale; the loss of probes is not theirs to
    /// know. `canary` returns the canary of a record.
    pub fn of<'a>(
        tracks: impl Iterator<Item = &'a AddressHealth>,
        canary: impl Fn(&CanaryRecord) -> &'a Canary,
        after: Moment,
        now: Moment,
    ) -> Self {
        let mut sums = Sums::default();
        for track in tracks {
            for record in track.records() {
                let heard = record
                    .heard
                    .filter(|heard| heard.at >= after && !heard.is_stale(canary(record).interval, now));
                heard.into_iter().for_each(|heard| sums.add(&heard.signals));
            }
        }
        Self {
            load: sums.load.mean(),
            error_rate: sums.error_rate.mean(),
            p95_latency_seconds: sums.p95.mean(),
            requests: (sums.requests_known > 0).then_some(sums.requests),
            replication_lag_seconds: sums.lag,
            certificate_days: sums.certificate_days,
            probe_loss: None,
        }
    }
}

#[derive(Default)]
struct Sums {
    load: Weighted,
    error_rate: Weighted,
    p95: Weighted,
    requests: f64,
    requests_known: u32,
    lag: Option<f64>,
    certificate_days: Option<f64>,
}

impl Sums {
    fn add(&mut self, signals: &Signals) {
        // An address that serves more requests has more to say about them.
        let weight = signals.requests.unwrap_or(1.0).max(1.0);
        self.load.add(signals.load, 1.0);
        self.error_rate.add(signals.error_rate, weight);
        self.p95.add(signals.p95_latency_seconds, weight);
        if let Some(requests) = signals.requests {
            self.requests += requests;
            self.requests_known += 1;
        }
        // One replica that is far behind serves old data, whatever the others do; of certificates likewise.
        self.lag = self.lag.into_iter().chain(signals.replication_lag_seconds).reduce(f64::max);
        self.certificate_days =
            self.certificate_days.into_iter().chain(signals.certificate_days).reduce(f64::min);
    }
}

/// A weighted mean in the making.
#[derive(Default)]
struct Weighted {
    sum: f64,
    weight: f64,
}

impl Weighted {
    fn add(&mut self, value: Option<f64>, weight: f64) {
        if let Some(value) = value {
            self.sum += value * weight;
            self.weight += weight;
        }
    }

    fn mean(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{board, canary, result};
    use super::*;
    use crate::canary::Signal;
    use crate::region::AddressId;

    /// Lets two addresses report at second 1, and takes them together at `now` seconds.
    fn check(reports: [&[(Signal, f64)]; 2], now: u64, expected: Vitals) {
        let mut board = board(2, &[canary("deep", 3, 3)]);
        for (address, report) in (0..).zip(reports) {
            let mut signals = Signals::default();
            report.iter().for_each(|(signal, value)| signals.set(*signal, *value));
            let seen = result(&board, address, 0, 1, true);
            board.observe(&crate::canary::Observation { signals: Some(signals), ..seen });
        }
        let tracks = [0, 1].map(|address| board.address(AddressId(address)));
        let canary = |record: &CanaryRecord| board.canary(record.canary);
        let vitals = Vitals::of(tracks.into_iter(), canary, Moment(0), Moment(now * 1000));
        assert_eq!(vitals, expected);
    }

    #[test]
    fn errors_are_weighted_by_requests_and_load_is_the_mean() {
        use Signal::{ErrorRate, Load, Requests};
        check(
            [
                &[(Load, 0.2), (ErrorRate, 0.5), (Requests, 100.0)],
                &[(Load, 0.4), (ErrorRate, 0.1), (Requests, 300.0)],
            ],
            2,
            Vitals {
                load: Some((0.2 + 0.4) / 2.0),
                error_rate: Some(0.2),
                p95_latency_seconds: None,
                requests: Some(400.0),
                ..Vitals::default()
            },
        );
    }

    #[test]
    fn the_replica_counts_that_is_the_furthest_behind() {
        let lag = Signal::ReplicationLag;
        let furthest = Vitals { replication_lag_seconds: Some(40.0), ..Vitals::default() };
        check([&[(lag, 40.0)], &[(lag, 0.5)]], 2, furthest);
    }

    #[test]
    fn one_that_says_nothing_changes_nothing_and_what_is_stale_is_unknown() {
        let known = Vitals { load: Some(0.7), ..Vitals::default() };
        check([&[(Signal::Load, 0.7)], &[]], 31, known);
        check([&[(Signal::Load, 0.7)], &[]], 32, Vitals::default());
    }
}
