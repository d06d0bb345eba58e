//! The HTTP service of one availability zone, and the ways in which it can fail.
//!
//! ```text
//! healthy ──break(fault)──▶ broken(fault) ──heal──▶ healthy
//!                            │        ▲
//!                            └─break(another fault)
//! ```
//!
//! A broken service really is broken: a refused connection is a closed listener. Breaking and healing on request
//! is left to `switchboard`.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::clients::DemoTraffic;
use super::directory::CANARY_TIMEOUT;
use super::world::{DemoRegion, DemoZone, REGIONS};

/// A way to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum FailureMode {
    /// Connections are refused
    Refuse,
    /// Connections are accepted and never answered
    Timeout,
    /// Every request is answered with status 503
    Status,
    /// Answers are right, and come later than the canaries wait
    Slow,
    /// Canaries are answered well, and clients are not: a quarter of their requests fail
    Gray,
}

impl FailureMode {
    /// Returns what a service with this fault does.
    pub fn does(self) -> &'static str {
        match self {
            Self::Refuse => "refuses connections",
            Self::Timeout => "accepts connections and never answers",
            Self::Status => "answers with status 503",
            Self::Slow => "answers too late",
            Self::Gray => "reports that a quarter of its clients' requests fail",
        }
    }
}

/// The error rate that a service reports, and the latency in seconds that 95 % of its requests do not exceed.
const WELL: (f64, f64) = (0.002, 0.12);

/// The same of a gray one: far beyond what lets a region stand out (`health::gray`).
const GRAY: (f64, f64) = (0.25, 2.4);

/// The requests that it has served since the last report: enough for its error rate to count.
const REQUESTS: u32 = 600;

/// The delay of a slow service: too late for a canary, and not yet for a patient `curl`.
const SLOW: Duration = CANARY_TIMEOUT.saturating_mul(3);

/// The service of one availability zone. Dropping it closes its listener.
#[derive(Debug)]
pub struct DemoService {
    /// The zone that it serves.
    pub zone: DemoZone,
    /// Where it listens while it does not refuse connections.
    pub address: SocketAddr,
    fault: watch::Sender<Option<FailureMode>>,
    traffic: watch::Receiver<DemoTraffic>,
    /// Accepts connections; `None` while they are refused.
    task: Option<JoinHandle<()>>,
}

impl DemoService {
    /// Starts a healthy service on a listener.
    ///
    /// # Errors
    ///
    /// When the listener does not know its own address.
    pub fn start(
        zone: DemoZone,
        listener: TcpListener,
        traffic: watch::Receiver<DemoTraffic>,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let mut service = Self { zone, address, fault: watch::Sender::new(None), traffic, task: None };
        service.accept_on(listener);
        Ok(service)
    }

    /// Breaks or heals it, and returns in which way it failed before.
    ///
    /// # Errors
    ///
    /// When it refused connections and another process has taken its port since; then nothing changes.
    pub async fn set(&mut self, fault: Option<FailureMode>) -> io::Result<Option<FailureMode>> {
        let mut listener = None;
        if fault == Some(FailureMode::Refuse) {
            self.refuse().await;
        } else if self.task.is_none() {
            listener = Some(TcpListener::bind(self.address).await?);
        }
        let before = self.fault.send_replace(fault);
        if let Some(listener) = listener {
            self.accept_on(listener);
        }
        Ok(before)
    }

    fn accept_on(&mut self, listener: TcpListener) {
        let (fault, traffic) = (self.fault.subscribe(), self.traffic.clone());
        let about = ServiceState { zone: self.zone, address: self.address, fault, traffic };
        let router = Router::new().fallback(respond).with_state(about);
        self.task = Some(tokio::spawn(async move {
            // It ends by being aborted: axum goes on accepting after every error.
            let _ended = axum::serve(listener, router).await;
        }));
    }

    /// Closes the listener, and returns when the kernel refuses connections.
    async fn refuse(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            let _aborted = task.await;
        }
    }
}

impl Drop for DemoService {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// The state of a request handler.
#[derive(Clone)]
struct ServiceState {
    zone: DemoZone,
    address: SocketAddr,
    fault: watch::Receiver<Option<FailureMode>>,
    traffic: watch::Receiver<DemoTraffic>,
}

/// Answers a request, or fails to in the present way.
async fn respond(State(about): State<ServiceState>, uri: Uri) -> Response {
    // No connection outlives its request, so that a canary meets every change with its next probe.
    let close = [(header::CONNECTION, "close")];
    let fault = *about.fault.borrow();
    match fault {
        // A request that was accepted before the listener closed is answered.
        None | Some(FailureMode::Refuse | FailureMode::Gray) => {}
        Some(FailureMode::Timeout) => match std::future::pending::<Infallible>().await {},
        Some(FailureMode::Status) => {
            return (StatusCode::SERVICE_UNAVAILABLE, close, "broken by `demo break`\n").into_response();
        }
        Some(FailureMode::Slow) => tokio::time::sleep(SLOW).await,
    }
    (close, about.page(uri.path())).into_response()
}

impl ServiceState {
    fn page(&self, path: &str) -> Response {
        let (region, zone) = (self.zone.region, self.zone.name());
        match path {
            "/" => {
                let DemoRegion { city, country, .. } = region;
                format!("{city} ({country}), zone {zone}, {}\n", self.address).into_response()
            }
            "/health" => {
                let is_gray = *self.fault.borrow() == Some(FailureMode::Gray);
                let (error_rate, p95_latency) = if is_gray { GRAY } else { WELL };
                let health = serde_json::json!({
                    "status": "ok", "region": region.name, "zone": zone,
                    "load": self.traffic.borrow().load(self.zone), "error_rate": error_rate, "p95_latency": p95_latency, "requests": REQUESTS,
                });
                axum::Json(health).into_response()
            }
            _ => (StatusCode::NOT_FOUND, "there is `/` and `/health`\n").into_response(),
        }
    }
}

/// The port of the services unless another process has it.
const USUAL_PORT: u16 = 8080;

/// The most other ports that are tried: a port that is free on one of the addresses is hardly ever taken on
/// another.
const ATTEMPTS: usize = 8;

/// Starts the service of every zone, all on one port, so that one canary definition does for all.
///
/// # Errors
///
/// With the address that could not be listened on.
pub async fn start_all(
    traffic: &watch::Receiver<DemoTraffic>,
) -> Result<Vec<DemoService>, (Ipv4Addr, io::Error)> {
    let mut result = start_all_on(USUAL_PORT, traffic).await;
    for _ in 0..ATTEMPTS {
        match &result {
            Err((_, error)) if error.kind() == io::ErrorKind::AddrInUse => {
                result = start_all_on(0, traffic).await
            }
            Ok(_) | Err(_) => break,
        }
    }
    result
}

/// Starts the services on this port, or all on the one that the first is given for port 0.
async fn start_all_on(
    mut port: u16,
    traffic: &watch::Receiver<DemoTraffic>,
) -> Result<Vec<DemoService>, (Ipv4Addr, io::Error)> {
    let mut services = Vec::new();
    for zone in REGIONS.iter().flat_map(DemoRegion::zones) {
        let of_zone = |error| (zone.ipv4(), error);
        let listener = TcpListener::bind((zone.ipv4(), port)).await.map_err(of_zone)?;
        let service = DemoService::start(zone, listener, traffic.clone()).map_err(of_zone)?;
        port = service.address.port();
        services.push(service);
    }
    Ok(services)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    /// Returns what arrives when there are no clients.
    fn idle() -> watch::Receiver<DemoTraffic> {
        watch::Sender::new(DemoTraffic::default()).subscribe()
    }

    /// Starts the service of Tokyo's first zone with this fault.
    async fn broken(fault: FailureMode) -> DemoService {
        let zone = REGIONS[0].zones()[0];
        let listener = TcpListener::bind((zone.ipv4(), 0)).await.expect("a free port");
        let mut service = DemoService::start(zone, listener, idle()).expect("a bound listener");
        let before = service.set(Some(fault)).await.expect("breaking needs no port");
        assert_eq!(before, None);
        service
    }

    /// Sends a request, and leaves the response to be read.
    async fn send(service: &DemoService, path: &str) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect(service.address).await?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: api.example.com\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        Ok(stream)
    }

    async fn get(service: &DemoService, path: &str) -> io::Result<String> {
        let mut response = String::new();
        send(service, path).await?.read_to_string(&mut response).await?;
        Ok(response)
    }

    async fn check_heals(mut service: DemoService, from: FailureMode) {
        let before = service.set(None).await.expect("its port is still free");
        assert_eq!(before, Some(from));
        let health = get(&service, "/health").await.expect("an answer");
        assert!(health.starts_with("HTTP/1.1 200 OK\r\n"), "{health}");
        assert!(health.contains(r#""status":"ok""#), "{health}");
    }

    #[tokio::test]
    async fn a_refusing_service_refuses_connections_and_listens_again_when_healed() {
        let service = broken(FailureMode::Refuse).await;
        let error = send(&service, "/").await.expect_err("no listener");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        check_heals(service, FailureMode::Refuse).await;
    }

    #[tokio::test]
    async fn a_service_with_status_answers_everything_with_503() {
        let service = broken(FailureMode::Status).await;
        let response = get(&service, "/health").await.expect("an answer");
        assert!(response.starts_with("HTTP/1.1 503 "), "{response}");
        check_heals(service, FailureMode::Status).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_times_out_accepts_and_has_not_answered_within_an_hour() {
        let service = broken(FailureMode::Timeout).await;
        let mut stream = send(&service, "/health").await.expect("it accepts");
        let answer = tokio::time::timeout(Duration::from_secs(3600), stream.read_u8()).await;
        assert!(answer.is_err(), "{answer:?}");
        check_heals(service, FailureMode::Timeout).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_service_answers_rightly_but_after_the_canary_gave_up() {
        let service = broken(FailureMode::Slow).await;
        let start = tokio::time::Instant::now();
        let response = get(&service, "/").await.expect("an answer at last");
        assert!(start.elapsed() > CANARY_TIMEOUT);
        assert!(response.contains("Tokyo, Asia (JP), zone tokyo-a"), "{response}");
        check_heals(service, FailureMode::Slow).await;
    }

    #[tokio::test]
    async fn a_gray_service_answers_its_canary_well_and_reports_that_it_fails_its_clients() {
        let service = broken(FailureMode::Gray).await;
        let health = get(&service, "/health").await.expect("an answer");
        assert!(health.starts_with("HTTP/1.1 200 OK\r\n"), "{health}");
        assert!(health.contains(r#""status":"ok""#) && health.contains(r#""error_rate":0.25"#), "{health}");
        check_heals(service, FailureMode::Gray).await;
    }

    #[tokio::test]
    async fn the_mapped_ipv6_address_reaches_the_same_service() {
        let service = broken(FailureMode::Status).await;
        let mapped = SocketAddr::from((service.zone.ipv6(), service.address.port()));
        match TcpStream::connect(mapped).await {
            Ok(stream) => drop(stream),
            // A machine without IPv6 sockets; the demo leaves these addresses out there.
            Err(error) => assert_ne!(error.kind(), io::ErrorKind::ConnectionRefused),
        }
    }
}
