//! Starts the streams to and from the other instances, and tells the writer what they say.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::clock::SystemClock;
use super::secrets::PeerSecret;
use crate::admin::{ConfigOrigin, PeerGate};
use crate::config::Server;
use crate::control::Control;
use crate::health::PeerReport;
use crate::metrics::Metrics;
use crate::peers::protocol::ToldHello;
use crate::peers::{PROTOCOL, PeerHub, PeerIdentity, Subscription, client, subscribe};
use crate::probe::Trust;

/// The most reports that wait for the writer; those that come after wait at their peers.
pub const MAX_REPORTS: usize = 64;

/// The streams of this instance. They end when this is dropped.
#[derive(Debug)]
pub struct PeerStreams {
    /// What is told to peers; `None`: there are none.
    pub hub: Option<Arc<PeerHub>>,
    reports: mpsc::Receiver<PeerReport>,
    _tasks: JoinSet<()>,
}

impl PeerStreams {
    /// Returns what peers tell; once, and nothing after that.
    pub fn take_reports(&mut self) -> mpsc::Receiver<PeerReport> {
        std::mem::replace(&mut self.reports, mpsc::channel(1).1)
    }
}

/// Why a peer cannot be asked.
#[derive(Debug, thiserror::Error)]
#[error("peer `{name}` in server.yaml")]
pub struct Error {
    name: String,
    source: reqwest::Error,
}

/// Starts the streams, if there are peers, and returns them with what lets peers in.
///
/// # Errors
///
/// When an HTTP client cannot be set up.
pub fn start(
    server: &Server,
    secret: Option<PeerSecret>,
    control: &Control,
    origin: &ConfigOrigin,
    clock: &SystemClock,
    metrics: &Arc<Metrics>,
) -> Result<(PeerStreams, Option<PeerGate>), Error> {
    let (sender, reports) = mpsc::channel(MAX_REPORTS);
    let mut tasks = JoinSet::new();
    let (Some(peers), Some(secret)) = (&server.peers, secret) else {
        return Ok((PeerStreams { hub: None, reports, _tasks: tasks }, None));
    };
    let boot = format!("{:016x}", fastrand::u64(..));
    let hello = ToldHello {
        protocol: PROTOCOL,
        name: server.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        boot: boot.clone(),
        configuration: String::new(),
        region: peers.rules.region.clone(),
        is_blind: None,
    };
    let hub = Arc::new(PeerHub::new(hello, peers.rules.peers.clone()));
    // Before the first peer asks, or it would think that nothing is watched here.
    publish(&hub, control, origin, clock);
    let identity = PeerIdentity { name: server.name.clone(), boot, secret: secret.text };
    let trust = Trust::default();
    for peer in &peers.instances {
        let failed = |source| Error { name: peer.name.clone(), source };
        let client = client(&peer.url, &trust).map_err(failed)?;
        let clock = clock.clone();
        tasks.spawn(subscribe(Subscription {
            peer: peer.name.clone(),
            url: peer.url.clone(),
            identity: identity.clone(),
            client,
            metrics: Arc::clone(metrics),
            now: Arc::new(move || clock.steady()),
            reports: sender.clone(),
        }));
    }
    let gate = PeerGate::new(Arc::clone(&hub), secret.hashed);
    Ok((PeerStreams { hub: Some(hub), reports, _tasks: tasks }, Some(gate)))
}

/// Tells the peers what this instance sees.
pub fn publish(hub: &PeerHub, control: &Control, origin: &ConfigOrigin, clock: &SystemClock) {
    let now = clock.now();
    if let Some(sight) = control.own_sight(now) {
        hub.publish(sight, &origin.files_sha256, now);
    }
}
