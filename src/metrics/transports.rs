//! What happens between sockets and answers: replies that could not be sent.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DroppedBy {
    transport: &'static str,
    reason: &'static str,
}

/// Counts for UDP. A copy counts with the original.
#[derive(Clone, Debug)]
pub struct UdpMetrics {
    replies: Family<DroppedBy, Counter>,
    full: Counter,
    unsendable: Counter,
}

impl Default for UdpMetrics {
    fn default() -> Self {
        let replies = Family::<DroppedBy, Counter>::default();
        let counter = |reason| replies.get_or_create(&DroppedBy { transport: "udp", reason }).clone();
        Self { full: counter("send_buffer_full"), unsendable: counter("unsendable"), replies }
    }
}

impl UdpMetrics {
    /// Counts replies that were dropped because the send buffer was full, or because there is no way to send them.
    pub fn dropped(&self, full: u64, unsendable: u64) {
        if full > 0 {
            self.full.inc_by(full);
        }
        if unsendable > 0 {
            self.unsendable.inc_by(unsendable);
        }
    }

    /// Registers the counters.
    pub(super) fn register(&self, registry: &mut Registry) {
        let help =
            "Replies that were not sent, by why: send_buffer_full, unsendable (no route, port 0, a firewall)";
        registry.register("dropped_replies", help, self.replies.clone());
    }
}
