//! What happens between sockets and answers: replies that could not be sent, and connections.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::unread::UnreadDatagrams;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DroppedBy {
    transport: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClosedBy {
    reason: &'static str,
}

/// Counts for UDP. A copy counts with the original.
#[derive(Clone, Debug)]
pub struct UdpMetrics {
    /// What the kernel drops before it is read.
    pub unread: UnreadDatagrams,
    replies: Family<DroppedBy, Counter>,
    full: Counter,
    unsendable: Counter,
    small_port: Counter,
}

impl Default for UdpMetrics {
    fn default() -> Self {
        let replies = Family::<DroppedBy, Counter>::default();
        let counter = |reason| replies.get_or_create(&DroppedBy { transport: "udp", reason }).clone();
        Self {
            unread: UnreadDatagrams::default(),
            full: counter("send_buffer_full"),
            unsendable: counter("unsendable"),
            small_port: counter("small_port"),
            replies,
        }
    }
}

impl UdpMetrics {
    /// Counts replies that were dropped because the send buffer was full, because there is no way to send them, or
    /// because they would go to a port that answers anything.
    pub fn dropped(&self, full: u64, unsendable: u64, small_port: u64) {
        let counts = [(&self.full, full), (&self.unsendable, unsendable), (&self.small_port, small_port)];
        for (counter, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            counter.inc_by(count);
        }
    }

    /// Registers the counters.
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Replies that were not sent, by why: send_buffer_full, unsendable (no route, a firewall), small_port (0, 7, \
                    13, 17, 19, 37)";
        registry.register("dropped_replies", help, self.replies.clone());
    }
}

/// Counts for TCP. A copy counts with the original.
#[derive(Clone, Debug, Default)]
pub struct TcpMetrics {
    open: Gauge,
    closed: Family<ClosedBy, Counter>,
    errors: Family<ClosedBy, Counter>,
}

/// A connection that is open until this is dropped.
#[derive(Debug)]
pub struct CountedConnection(TcpMetrics);

impl TcpMetrics {
    /// Counts a connection that is served.
    pub fn opened(&self) -> CountedConnection {
        self.open.inc();
        CountedConnection(self.clone())
    }

    /// Counts a connection that there was no room for.
    pub fn refused(&self) {
        self.closed.get_or_create(&ClosedBy { reason: "refused" }).inc();
    }

    /// Counts a connection that the client gave up before it was accepted.
    pub fn aborted(&self) {
        self.errors.get_or_create(&ClosedBy { reason: "aborted" }).inc();
    }

    /// Counts an attempt to accept that this machine did not allow, as when no descriptors are left.
    pub fn not_accepted(&self) {
        self.errors.get_or_create(&ClosedBy { reason: "machine" }).inc();
    }

    /// Registers the counters.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("tcp_connections", "TCP connections that are open", self.open.clone());
        let help = "TCP connections that ended, by why: closed, idle, displaced, slow_reader, refused, ...";
        registry.register("tcp_connections_closed", help, self.closed.clone());
        let help =
            "TCP connections that were not accepted: aborted by the client, or for want of descriptors";
        registry.register("tcp_accept_errors", help, self.errors.clone());
    }
}

impl CountedConnection {
    /// Counts why the connection has ended.
    pub fn because(self, reason: &'static str) {
        self.0.closed.get_or_create(&ClosedBy { reason }).inc();
    }
}

impl Drop for CountedConnection {
    fn drop(&mut self) {
        self.0.open.dec();
    }
}
