//! Probes of reference targets, each in a task of its own: at regular times, and at once when a region has failed.
//!
//! Whatever keeps a probe from being answered, this machine's own faults included, is no answer: that is all that is
//! asked of a reference.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::{self, Instant};

use super::check::Probe;
use super::clock::ReadClock;
use super::http;
use super::schedule::Watched;
use super::trust::Trust;
use crate::canary::{Check, HttpCheck, ProbeError, ProbeReport, ReferenceSighting, ReferenceTarget};

/// How often a reference is probed. Half of the usual interval of a canary.
pub const REFERENCE_INTERVAL: Duration = Duration::from_secs(5);

/// The longest that an answer may take: the usual timeout of a canary.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The shortest time between two probes of a reference, however many regions fail: they are other people's.
const SHORTEST: Duration = Duration::from_secs(1);

/// The probes of all references. Dropping it ends them.
#[derive(Debug)]
pub(super) struct ReferenceProbes {
    _tasks: JoinSet<()>,
}

impl ReferenceProbes {
    /// Starts to probe these targets. `failed` is notified when a probe of a region fails.
    pub(super) fn start(
        targets: &[ReferenceTarget],
        trust: &Trust,
        clock: &ReadClock,
        failed: &Arc<Notify>,
        reports: &mpsc::Sender<ProbeReport>,
    ) -> Self {
        let mut tasks = JoinSet::new();
        for target in targets {
            match ReferenceProbe::new(target, trust) {
                Ok(probe) => {
                    let (clock, failed, reports) = (Arc::clone(clock), Arc::clone(failed), reports.clone());
                    tasks.spawn(probe.repeat(target.to_string(), clock, failed, reports));
                }
                Err(error) => tracing::error!(reference = %target, "the reference cannot be probed: {error}"),
            }
        }
        Self { _tasks: tasks }
    }
}

/// A probe of one target.
enum ReferenceProbe {
    /// Connects to this host and port, in one text.
    Tcp(String),
    /// Sends a request.
    Http(Probe),
}

impl ReferenceProbe {
    fn new(target: &ReferenceTarget, trust: &Trust) -> Result<Self, http::Error> {
        let url = match target {
            ReferenceTarget::Tcp { .. } => return Ok(Self::Tcp(target.to_string())),
            ReferenceTarget::Http(url) => url.clone(),
        };
        let check = Check::Http(HttpCheck {
            url,
            host: None,
            authorities: None,
            method: "GET".to_owned(),
            headers: Vec::new(),
            headers_from_env: Vec::new(),
            body: None,
            statuses: vec![(100, 599)],
            body_contains: None,
        });
        // A region is probed where the name in its URL leads, and so is a reference.
        Ok(Self::Http(Probe::new(&check, &Watched::Region(Arc::from("reference")), trust)?))
    }

    /// Probes for ever.
    async fn repeat(
        self,
        name: String,
        clock: ReadClock,
        failed: Arc<Notify>,
        reports: mpsc::Sender<ProbeReport>,
    ) {
        loop {
            let began = Instant::now();
            // Those that wait are notified, so that a failure while the probe is under way asks for no other.
            let result = self.run().await;
            let sighting = ReferenceSighting { name: name.clone(), at: clock(), result };
            if reports.send(ProbeReport::Reference(sighting)).await.is_err() {
                return;
            }
            time::sleep_until(began + SHORTEST).await;
            tokio::select! {
                () = time::sleep_until(began + REFERENCE_INTERVAL) => {}
                () = failed.notified() => {}
            }
        }
    }

    async fn run(&self) -> Result<(), String> {
        let result = match self {
            Self::Tcp(place) => return connect(place).await,
            Self::Http(probe) => probe.run(TIMEOUT).await.result,
        };
        result.map_err(|error| match error {
            ProbeError::Failed(failure) => failure.detail,
            ProbeError::Blind(blindness) => blindness.detail,
        })
    }
}

/// Connects to a host and port, by whatever addresses it has.
async fn connect(place: &str) -> Result<(), String> {
    let connect = async {
        let addresses: Vec<SocketAddr> = tokio::net::lookup_host(place).await?.collect();
        TcpStream::connect(&addresses[..]).await
    };
    match time::timeout(TIMEOUT, connect).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no connection within {TIMEOUT:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{self, Script};
    use super::*;
    use crate::moment::Moment;

    /// Probes a target once.
    async fn probe(target: &str) -> Result<(), String> {
        let trust = Trust::only(Vec::new()).expect("nobody is no wrong certificate");
        let probe = ReferenceProbe::new(&target.parse().expect("a target"), &trust);
        probe.expect("it can be probed").run().await
    }

    #[tokio::test]
    async fn a_connection_or_a_response_of_any_status_is_an_answer() {
        let broken = scripted::serve(Script::Status("503 Service Unavailable")).await;
        assert_eq!(probe(&format!("http://{broken}/")).await, Ok(()));
        assert_eq!(probe(&broken.to_string()).await, Ok(()));
        let (nobody, _held) = scripted::nobody();
        assert!(probe(&format!("http://{nobody}/")).await.is_err());
        assert!(probe(&nobody.to_string()).await.is_err());
    }

    #[tokio::test]
    async fn a_failure_of_a_region_asks_for_a_probe_before_the_next_is_due() {
        let server = scripted::serve(Script::Ok).await;
        let (sender, mut reports) = mpsc::channel(8);
        let (clock, failed): (ReadClock, _) = (Arc::new(|| Moment(7)), Arc::new(Notify::new()));
        let targets = [server.to_string().parse().expect("a target")];
        let _probes = ReferenceProbes::start(&targets, &Trust::default(), &clock, &failed, &sender);
        let began = Instant::now();
        for _ in 0..2 {
            let Some(ProbeReport::Reference(seen)) = reports.recv().await else { panic!("no sighting") };
            assert_eq!((seen.result, seen.at), (Ok(()), Moment(7)));
            while reports.is_empty() && began.elapsed() < REFERENCE_INTERVAL {
                failed.notify_waiters();
                time::sleep(Duration::from_millis(50)).await;
            }
        }
        assert!(began.elapsed() < REFERENCE_INTERVAL, "the second came early");
    }
}
