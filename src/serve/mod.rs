//! Carries bytes between sockets and the engine.
//!
//! ```text
//!   kernel      drops what is no query                                 filter
//!     │
//!   socket      bound for each address and transport                   bind, socket
//!     │         or taken from who started the process                  passed
//!     │
//!     ├──▶ UDP  batches, a thread for each socket                      udp
//!     ├──▶ TCP  framing, limits, timeouts, on threads that come after  tcp
//!     ╰──▶ TLS  hickory-server, on the same threads, encoded twice     dot, hickory, reply
//!     │
//!   Serving     one snapshot, and the counters of its answers          serving
//!     │         limits of UDP replies                                  limit
//!   engine      decides every answer
//! ```
//!
//! What is answered is decided by `engine` alone; which snapshot it is answered from is the shell's business.
//! hickory-server is the reference, too: what it sends must say the same as what the other transports send.

mod bind;
mod dot;
mod filter;
#[cfg(test)]
mod fixture;
mod hickory;
pub mod limit;
mod passed;
mod reply;
mod serving;
mod socket;
pub(crate) mod tcp;
mod udp;

pub use bind::{ListenError, Sockets, TlsSocket, bind, bind_tls};
pub use dot::DotPolicy;
pub use limit::Limiter;
pub use passed::{PassedSocketError, PassedSockets};
pub use serving::{Current, Serving};
pub use udp::{echo, usual_threads};

use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use crate::metrics::{TcpMetrics, UdpMetrics};
use udp::UdpThreads;

/// Everything that is answered on.
pub struct Transports {
    pub sockets: Vec<Sockets>,
    /// The listeners for DNS over TLS, and what their clients are shown.
    pub tls: Option<(Vec<TlsSocket>, Arc<DotPolicy>)>,
    /// The most TCP connections for which the process has descriptors.
    pub most_connections: usize,
    pub udp: UdpMetrics,
    pub tcp: TcpMetrics,
    /// Whether another process goes on with the sockets when this one stops.
    pub are_handed_over: Arc<AtomicBool>,
}

/// Answers on all transports until `stop` turns true, then drains them.
pub async fn run(transports: Transports, current: Arc<Current>, mut stop: watch::Receiver<bool>) {
    let Transports { sockets, tls, most_connections, udp, tcp, are_handed_over } = transports;
    let (datagrams, listeners) = split(sockets);
    let threads = UdpThreads::start(datagrams, &current, &udp);
    let connections = {
        let plain = tcp::run(listeners, Arc::clone(&current), tcp, most_connections, stop.clone());
        let stop = stop.clone();
        async move {
            let encrypted = async {
                if let Some((listeners, policy)) = tls {
                    hickory::run(listeners, policy, current, stop).await;
                }
            };
            tokio::join!(plain, encrypted);
        }
    };
    let connections = tokio::task::spawn_blocking(|| {
        if let Err(error) = tcp::run_apart(connections) {
            tracing::error!("cannot start the threads that answer TCP and TLS: {error}");
        }
    });
    let _ = stop.wait_for(|stop| *stop).await;
    let are_handed_over = are_handed_over.load(Ordering::Acquire);
    let datagrams = tokio::task::spawn_blocking(move || match are_handed_over {
        true => threads.leave(),
        false => threads.stop(),
    });
    for ended in [datagrams, connections] {
        if let Err(error) = ended.await {
            tracing::error!("a transport did not end well: {error}");
        }
    }
}

/// Returns the sockets of all threads, and all listeners.
fn split(sockets: Vec<Sockets>) -> (Vec<UdpSocket>, Vec<TcpListener>) {
    let (mut datagrams, mut listeners) = (Vec::new(), Vec::new());
    for Sockets { udp, tcp, .. } in sockets {
        datagrams.extend(udp);
        listeners.push(tcp);
    }
    (datagrams, listeners)
}
