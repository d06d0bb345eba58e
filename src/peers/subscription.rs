//! The hearing side: one task a peer asks for its stream, reads it, and asks again when it is over.
//!
//! A peer is trusted to say what it sees, and with nothing else: its lines are short, few and numbered, what is about
//! nothing that is watched here is passed over, and reading waits for the writer.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::AUTHORIZATION;
use reqwest::{Client, Response, StatusCode};
use tokio::sync::mpsc;

use super::protocol::{MAX_LINE, MAX_NAME, PROTOCOL, PeerLine, ToldFact, ToldHello, cut, is_understood};
use crate::health::{FRESH_WITHIN, Fact, FactKey, PeerNews, PeerReport};
use crate::metrics::Metrics;
use crate::moment::Moment;
use crate::outbound::{self, Backoff};
use crate::probe::Trust;

/// The path of the stream.
pub const PATH: &str = "/peers/stream";

/// The header with the name of the instance that asks.
pub const NAME_HEADER: &str = "Meridian-Peer";

/// The header with the version of the protocol that it speaks.
pub const PROTOCOL_HEADER: &str = "Meridian-Peer-Protocol";

/// How long a connection and the head of the response may take: as long as a peer may be silent.
const CONNECT_WITHIN: Duration = FRESH_WITHIN;

/// The waits before a peer is asked again: one that restarts is back in a second, and one that comes back is heard soon,
/// however long it was gone.
pub const BACKOFF: Backoff = Backoff { first: Duration::from_millis(250), longest: Duration::from_secs(5) };

/// The most lines that are read in a second: twenty times as many as a storm of results makes.
pub const MAX_LINES: u32 = 1000;

/// The most characters of a refusal that are told, and octets that are read of it.
const MAX_REFUSAL: usize = 300;

/// What this instance shows of itself when it asks.
#[derive(Clone)]
pub struct PeerIdentity {
    pub name: String,
    /// Which process it is.
    pub boot: String,
    /// What peers prove themselves with.
    pub secret: String,
}

/// One peer, and how to ask it.
pub struct Subscription {
    pub peer: String,
    /// The URL of its admin address, without a path.
    pub url: String,
    pub identity: PeerIdentity,
    pub client: Client,
    pub metrics: Arc<Metrics>,
    /// Returns the present moment by the steady clock: the other one may be set before the writer has what is told.
    pub now: Arc<dyn Fn() -> Moment + Send + Sync>,
    /// Takes what is told.
    pub reports: mpsc::Sender<PeerReport>,
}

/// Returns what makes requests to a peer.
///
/// # Errors
///
/// When TLS cannot be set up.
pub fn client(url: &str, trust: &Trust) -> Result<Client, reqwest::Error> {
    outbound::client(url, trust).http1_only().connect_timeout(CONNECT_WITHIN).build()
}

/// Asks a peer for its stream again and again, until the writer is gone.
pub async fn subscribe(subscription: Subscription) {
    let (mut failures, mut last, mut told) = (0_u32, String::new(), String::new());
    while !subscription.reports.is_closed() {
        let began = Instant::now();
        let why = subscription.listen().await;
        if began.elapsed() > 2 * BACKOFF.longest {
            (failures, told) = (0, String::new());
        }
        // One that starts a moment later, or anew, is no trouble: what lasts is told, and once.
        if why == last && why != told {
            tracing::warn!(peer = subscription.peer, "peer {}: {why}", subscription.peer);
            told.clone_from(&why);
        }
        last.clone_from(&why);
        subscription.metrics.peers.ended(&subscription.peer);
        if subscription.report(PeerNews::Lost(why)).await.is_break() {
            return;
        }
        failures = failures.saturating_add(1);
        tokio::time::sleep(BACKOFF.wait(failures, fastrand::f64())).await;
    }
}

impl Subscription {
    /// Reads one stream, and returns why it is over.
    async fn listen(&self) -> String {
        let request = self
            .client
            .get(format!("{}{PATH}", self.url))
            .header(NAME_HEADER, &self.identity.name)
            .header(PROTOCOL_HEADER, PROTOCOL)
            .header(AUTHORIZATION, format!("Bearer {}", self.identity.secret));
        let response = match tokio::time::timeout(CONNECT_WITHIN, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return said(error),
            Err(_) => return "it does not answer".to_owned(),
        };
        if response.status() != StatusCode::OK {
            return refusal(response).await;
        }
        self.read(response).await
    }

    async fn read(&self, mut response: Response) -> String {
        let mut reading = Reading::new(self);
        let mut waiting: Vec<u8> = Vec::new();
        loop {
            let chunk = match tokio::time::timeout(FRESH_WITHIN, response.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => return "it has ended the stream".to_owned(),
                Ok(Err(error)) => return said(error),
                Err(_) => return "it says nothing any more".to_owned(),
            };
            let mut rest = &chunk[..];
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                waiting.extend_from_slice(&rest[..end]);
                rest = &rest[end + 1..];
                if waiting.len() > MAX_LINE {
                    return format!("it tells a line of more than {MAX_LINE} octets");
                }
                if let ControlFlow::Break(why) = reading.line(&waiting).await {
                    return why;
                }
                waiting.clear();
            }
            waiting.extend_from_slice(rest);
            if waiting.len() > MAX_LINE {
                return format!("it tells a line of more than {MAX_LINE} octets");
            }
        }
    }

    async fn report(&self, news: PeerNews) -> ControlFlow<()> {
        match self.reports.send(PeerReport { peer: self.peer.clone(), news }).await {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

/// How far a stream has been read.
struct Reading<'a> {
    to: &'a Subscription,
    /// The number of the last line; `None`: not even a greeting has come.
    sequence: Option<u64>,
    /// The parts of the state that have come; `None`: all of them are told.
    state: Option<Vec<(FactKey, Fact)>>,
    /// The lines of the present second.
    second: (Instant, u32),
}

impl<'a> Reading<'a> {
    fn new(to: &'a Subscription) -> Self {
        Self { to, sequence: None, state: Some(Vec::new()), second: (Instant::now(), 0) }
    }

    /// Takes one line, or says why the stream is over.
    async fn line(&mut self, bytes: &[u8]) -> ControlFlow<String> {
        if self.second.0.elapsed() >= Duration::from_secs(1) {
            self.second = (Instant::now(), 0);
        }
        self.second.1 += 1;
        if self.second.1 > MAX_LINES {
            return ControlFlow::Break(format!("it tells more than {MAX_LINES} lines in a second"));
        }
        let Ok(line) = serde_json::from_slice::<PeerLine>(bytes) else {
            return ControlFlow::Break("it tells a line that makes no sense".to_owned());
        };
        self.to.metrics.peers.heard(&self.to.peer);
        let now = (self.to.now)();
        match self.news(line, now)? {
            Some(news) => self.to.report(news).await.map_break(|()| "this instance stops".to_owned()),
            None => ControlFlow::Continue(()),
        }
    }

    /// Returns what a line tells; `None`: nothing yet.
    fn news(&mut self, line: PeerLine, now: Moment) -> ControlFlow<String, Option<PeerNews>> {
        let facts = |facts: Vec<ToldFact>| facts.into_iter().map(|told| told.fact(now)).collect::<Vec<_>>();
        if let Some(hello) = &line.hello {
            if self.sequence.is_some() {
                return ControlFlow::Break("it greets twice".to_owned());
            }
            self.check(hello)?;
            self.sequence = Some(line.sequence);
            return ControlFlow::Continue(Some(PeerNews::Joined(hello.hello())));
        }
        let Some(last) = self.sequence else {
            return ControlFlow::Break("it does not greet".to_owned());
        };
        if let Some(state) = line.state {
            let Some(parts) = self.state.as_mut().filter(|_| line.sequence == last) else {
                return ControlFlow::Break("it tells its state twice".to_owned());
            };
            parts.extend(facts(state.facts));
            let whole = if state.is_last { self.state.take() } else { None };
            if self.state.as_ref().is_some_and(|parts| parts.len() > MAX_STATE) {
                return ControlFlow::Break(format!("it tells more than {MAX_STATE} facts"));
            }
            return ControlFlow::Continue(whole.map(PeerNews::State));
        }
        if self.state.is_some() || line.sequence != last + 1 {
            self.to.metrics.peers.gap(&self.to.peer);
            return ControlFlow::Break(format!("line {} follows line {last}", line.sequence));
        }
        self.sequence = Some(line.sequence);
        let changed = line.change.map(|change| PeerNews::Changed(facts(change.facts)));
        let alive = line.alive.map(|alive| PeerNews::Alive { is_blind: alive.is_blind });
        ControlFlow::Continue(changed.or(alive))
    }

    /// Holds that the peer is the one that is meant, and understood.
    fn check(&self, hello: &ToldHello) -> ControlFlow<String> {
        let (expected, identity) = (&self.to.peer, &self.to.identity);
        if hello.boot == identity.boot {
            return ControlFlow::Break("its `url` leads to this instance".to_owned());
        }
        if hello.name != *expected {
            let name = cut(&hello.name, MAX_NAME);
            return ControlFlow::Break(format!("it is called `{name}`, and not `{expected}`"));
        }
        if !is_understood(hello.protocol) {
            let theirs = hello.protocol;
            return ControlFlow::Break(format!(
                "it speaks version {theirs} of the protocol, and this instance {PROTOCOL}; upgrade the older one"
            ));
        }
        ControlFlow::Continue(())
    }
}

/// The most facts of a peer: more than a configuration can have.
pub const MAX_STATE: usize = 100_000;

/// Returns why a peer refuses, in its words.
async fn refusal(mut response: Response) -> String {
    let status = response.status();
    let mut body = Vec::new();
    while body.len() < MAX_REFUSAL
        && let Ok(Ok(Some(chunk))) = tokio::time::timeout(CONNECT_WITHIN, response.chunk()).await
    {
        body.extend_from_slice(&chunk[..chunk.len().min(MAX_REFUSAL)]);
    }
    let text = String::from_utf8_lossy(&body);
    let said = serde_json::from_str::<serde_json::Value>(&text).ok();
    let said = said.and_then(|said| said.get("error")?.as_str().map(str::to_owned));
    let said = said.unwrap_or_default();
    let said = cut(&said, MAX_REFUSAL);
    if said.is_empty() { format!("it answers with status {status}") } else { format!("it refuses: {said}") }
}

/// Returns why a request failed.
fn said(error: reqwest::Error) -> String {
    if error.is_timeout() { "it does not answer".to_owned() } else { outbound::failure(error) }
}
