//! Carries bytes between sockets and the engine.
//!
//! ```text
//!   kernel      drops what is no query                     filter
//!     │
//!   socket      bound for each address and transport       bind, socket
//!     │
//!     ├──▶ UDP  batches, a thread for each socket          udp
//!     ╰──▶ TCP  framing, timeouts, restarts, draining      hickory, tcp, reply
//!     │
//!   Serving     one snapshot, and the counters of its answers
//!     │
//!   engine      decides every answer
//! ```
//!
//! What is answered is decided by `engine` alone; which snapshot it is answered from is the shell's business.
//! hickory-server reads and writes the connections, with the limits that its module lists.

mod bind;
mod filter;
#[cfg(test)]
mod fixture;
mod hickory;
mod reply;
mod serving;
mod socket;
pub(crate) mod tcp;
mod udp;

pub use bind::{ListenError, Sockets, bind};
pub use serving::{Current, Serving};
pub use udp::usual_threads;

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;

use tokio::sync::watch;

use crate::metrics::UdpMetrics;
use udp::UdpThreads;

/// Answers on all sockets until `stop` turns true, then drains them.
pub async fn run(
    sockets: Vec<Sockets>,
    current: Arc<Current>,
    metrics: UdpMetrics,
    stop: watch::Receiver<bool>,
) {
    let (datagrams, streams) = split(sockets);
    let threads = UdpThreads::start(datagrams, &current, &metrics);
    hickory::run(streams, hickory::answer_from(current), stop).await;
    // They end within milliseconds; waiting for a thread is nothing for a task.
    let stopping = tokio::task::spawn_blocking(move || threads.stop());
    if let Err(error) = stopping.await {
        tracing::error!(%error, "the UDP threads did not end well");
    }
}

/// Returns the sockets of all threads, and the listener of each address.
fn split(sockets: Vec<Sockets>) -> (Vec<UdpSocket>, Vec<(SocketAddr, TcpListener)>) {
    let (mut datagrams, mut streams) = (Vec::new(), Vec::new());
    for Sockets { address, udp, tcp } in sockets {
        datagrams.extend(udp);
        streams.push((address, tcp));
    }
    (datagrams, streams)
}
