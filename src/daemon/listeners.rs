//! The sockets for DNS, from when they are bound to when they are served.

use std::io;
use std::sync::Arc;

use super::handover::HeldSockets;
use super::load::LoadedDirectory;
use crate::config::Listen;
use crate::metrics::Metrics;
use crate::serve::{self, ListenError, PassedSockets, Sockets, TlsSocket, Transports};

/// Everything that DNS is answered on.
pub struct Listeners {
    sockets: Vec<Sockets>,
    tls: Vec<TlsSocket>,
}

impl Listeners {
    /// Binds all addresses for which no socket was passed.
    ///
    /// # Errors
    ///
    /// When one cannot be bound; then none stays bound.
    pub fn bind(listen: &Listen, passed: &mut PassedSockets) -> Result<Self, ListenError> {
        let threads = listen.threads.unwrap_or_else(serve::usual_threads);
        let sockets = serve::bind(&listen.dns, threads, passed)?;
        for absent in sockets.iter().filter(|sockets| !sockets.is_there()) {
            let ip = absent.address.ip();
            tracing::warn!("no interface has the address {ip} yet; it is answered on when one has");
        }
        let tls = serve::bind_tls(listen.tls.as_ref().map_or(&[], |tls| &tls.addresses), passed)?;
        Ok(Self { sockets, tls })
    }

    /// Returns all sockets once more, to hand them to another process.
    ///
    /// # Errors
    ///
    /// When there are no descriptors for them.
    pub fn held(&self) -> io::Result<HeldSockets> {
        let mut held = HeldSockets::default();
        for pair in &self.sockets {
            pair.udp.iter().try_for_each(|socket| held.hold(socket))?;
            held.hold(&pair.tcp)?;
        }
        self.tls.iter().try_for_each(|listener| held.hold(&listener.listener))?;
        Ok(held)
    }

    /// Returns how many descriptors they take, each twice: once more for the process that replaces this one.
    pub fn descriptors(&self) -> u64 {
        let pairs: usize = self.sockets.iter().map(|pair| pair.udp.len() + 1).sum();
        2 * (pairs + self.tls.len()) as u64
    }

    /// Logs each address, and hands over what is served on them, with at most so many TCP connections.
    pub fn into_transports(self, loaded: &LoadedDirectory, most: usize, metrics: &Metrics) -> Transports {
        for pair in &self.sockets {
            tracing::info!("answering DNS on {} over UDP and TCP", pair.address);
        }
        for listener in &self.tls {
            tracing::info!("answering DNS over TLS on {}", listener.address);
        }
        Transports {
            sockets: self.sockets,
            tls: loaded.tls.as_ref().map(|policy| (self.tls, Arc::clone(policy))),
            most_connections: most,
            udp: metrics.udp.clone(),
            tcp: metrics.tcp.clone(),
            are_handed_over: Arc::default(),
        }
    }
}
