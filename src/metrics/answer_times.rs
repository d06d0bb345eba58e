//! How long answers take, measured of one query in [`SAMPLED`]: reading the clock twice for each would cost a third of an answer.

use std::cell::Cell;
use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::answers::TRANSPORTS;
use crate::engine::Transport;

/// A power of two.
const SAMPLED: u8 = 64;

thread_local! {
    /// The queries of this thread. Their IDs would do as well, but that a client draws those, and could have every query of
    /// its own measured.
    static QUERIES: Cell<u8> = const { Cell::new(0) };
}

/// Upper bounds of the buckets in seconds: an answer takes a few hundred nanoseconds, and a thread that is interrupted
/// milliseconds.
const BUCKETS: [f64; 10] = [2e-7, 5e-7, 1e-6, 2e-6, 5e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OverTransport {
    transport: &'static str,
}

/// The times of answers, by transport.
#[derive(Clone, Debug)]
pub struct AnswerTimes {
    /// By [`Transport`]; the family is asked once only, for it takes a lock.
    by_transport: [Histogram; TRANSPORTS.len()],
}

impl AnswerTimes {
    /// Returns times that are exposed by a registry.
    pub(super) fn register(registry: &mut Registry) -> Self {
        let times: Family<OverTransport, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(BUCKETS));
        let of = |transport| times.get_or_create(&OverTransport { transport }).clone();
        let by_transport = TRANSPORTS.map(of);
        let help = "From a query to its reply in memory, of one query in 64";
        registry.register("answer_duration_seconds", help, times);
        Self { by_transport }
    }

    /// Begins to measure a request, if it is one of those that are measured.
    #[inline]
    pub fn begin() -> Option<Instant> {
        let count = QUERIES.get().wrapping_add(1);
        QUERIES.set(count);
        count.is_multiple_of(SAMPLED).then(Instant::now)
    }

    /// Ends measuring.
    pub fn end(&self, begun: Instant, transport: Transport) {
        self.by_transport[transport as usize].observe(begun.elapsed().as_secs_f64());
    }
}

impl Default for AnswerTimes {
    /// Returns times that nothing exposes.
    fn default() -> Self {
        Self::register(&mut Registry::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_query_in_so_many_is_measured_and_counted_by_its_transport() {
        let mut registry = Registry::default();
        let times = AnswerTimes::register(&mut registry);
        let measured = (0..=u16::MAX).filter_map(|_| AnswerTimes::begin());
        let count = measured.map(|begun| times.end(begun, Transport::Tcp)).count();
        assert_eq!(count, 65_536 / usize::from(SAMPLED));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("text");
        assert!(text.contains("answer_duration_seconds_count{transport=\"tcp\"} 1024"), "{text}");
        assert!(text.contains("answer_duration_seconds_count{transport=\"udp\"} 0"), "{text}");
    }
}
