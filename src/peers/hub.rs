//! The telling side: renders what this instance sees once, and hands it to the streams of all peers.
//!
//! The writer publishes ([`PeerHub::publish`]) whenever something has changed that others judge by, and once a second in any
//! case, so that a peer that hears nothing knows that the writer is not at work. A stream that is read too slowly is cut
//! off; a second one of the same peer takes the place of the first, whose connection may be dead.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use tokio::sync::{broadcast, mpsc, oneshot};

use super::protocol::{MAX_FACTS, PeerLine, ToldAlive, ToldChange, ToldFact, ToldHello, ToldState};
use crate::control::OwnSight;
use crate::health::{Fact, FactKey};
use crate::moment::Moment;

/// How often something is told although nothing has changed.
pub const HEARTBEAT: Duration = Duration::from_secs(1);

/// How soon after one line the next is told at the earliest: less than people notice, and so that a storm of results
/// makes some dozens of lines a second.
pub const TELL_EVERY: Duration = Duration::from_millis(20);

/// The most lines that wait for one peer; all facts of five thousand addresses with two canaries are fifty.
pub const MAX_WAITING: usize = 256;

/// What this instance tells its peers.
#[derive(Debug)]
pub struct PeerHub {
    hello: ToldHello,
    /// The peers that may ask, by name.
    names: Vec<String>,
    told: Mutex<Told>,
    news: broadcast::Sender<Bytes>,
}

/// What was told last.
#[derive(Debug, Default)]
struct Told {
    sequence: u64,
    /// When that was; `None`: nothing was told yet. The wall clock may be set since.
    at: Option<(Moment, Instant)>,
    keys: Arc<Vec<FactKey>>,
    facts: Vec<Fact>,
    configuration: String,
    is_blind: Option<bool>,
    /// The present stream of each peer: dropping this ends it.
    streams: HashMap<String, oneshot::Sender<()>>,
}

/// Why there is no stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerLimit {
    /// No peer has this name.
    Unknown,
    /// This instance has this name itself.
    SameName,
}

impl PeerHub {
    /// Returns a hub that says this of its instance, and tells these peers.
    pub fn new(hello: ToldHello, names: Vec<String>) -> Self {
        let (news, _) = broadcast::channel(MAX_WAITING);
        Self { hello, names, told: Mutex::default(), news }
    }

    /// Returns the name of this instance.
    pub fn name(&self) -> &str {
        &self.hello.name
    }

    /// Tells what has changed since the last time; nothing: a heartbeat.
    pub fn publish(&self, sight: OwnSight, configuration: &str, now: Moment) {
        let mut told = self.told();
        if !Arc::ptr_eq(&told.keys, &sight.keys) && told.keys != sight.keys {
            // Of another configuration: each stream ends, and the next begins with all facts.
            told.streams.clear();
            told.facts.clear();
        }
        told.keys = Arc::clone(&sight.keys);
        told.at = Some((now, Instant::now()));
        configuration.clone_into(&mut told.configuration);
        told.is_blind = Some(sight.is_blind);
        let before = std::mem::replace(&mut told.facts, sight.facts);
        let changed: Vec<ToldFact> = match before.is_empty() {
            true => Vec::new(),
            false => {
                let pairs = told.keys.iter().zip(&told.facts).zip(&before);
                let changed = pairs.filter(|((_, now), before)| {
                    !now.judges_like(before) || now.succeeded != before.succeeded
                });
                changed.map(|((key, fact), _)| ToldFact::of(key, fact, now)).collect()
            }
        };
        for facts in changed.chunks(MAX_FACTS) {
            self.tell(&mut told, |line| line.change = Some(ToldChange { facts: facts.to_vec() }));
        }
        self.tell(&mut told, |line| line.alive = Some(ToldAlive { is_blind: sight.is_blind }));
    }

    /// Starts the stream of a peer, which takes the place of the one that it had.
    ///
    /// # Errors
    ///
    /// When it is none of the peers.
    pub fn subscribe(&self, name: &str) -> Result<(mpsc::Receiver<Bytes>, PeerFeed), PeerLimit> {
        if name == self.hello.name {
            return Err(PeerLimit::SameName);
        }
        if self.names.iter().all(|known| known != name) {
            return Err(PeerLimit::Unknown);
        }
        let (out, waiting) = mpsc::channel(MAX_WAITING);
        let (place, replaced) = oneshot::channel();
        let mut told = self.told();
        // Under one lock with what is told, so that the stream goes on where its state ends.
        let news = self.news.subscribe();
        out.try_send(Bytes::from(self.beginning(&told))).expect("the queue is empty");
        told.streams.insert(name.to_owned(), place);
        Ok((waiting, PeerFeed { news, out, replaced }))
    }

    /// Ends all streams: the server stops.
    pub fn end(&self) {
        self.told().streams.clear();
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, told: &mut Told, fill: impl FnOnce(&mut PeerLine)) {
        told.sequence += 1;
        let mut line = PeerLine { sequence: told.sequence, ..PeerLine::default() };
        fill(&mut line);
        // No peer may be there.
        let _ = self.news.send(Bytes::from(line.bytes()));
    }

    /// Returns the greeting and all facts.
    fn beginning(&self, told: &Told) -> Vec<u8> {
        let now = told.at.map_or(Moment::default(), |(now, at)| now.plus(at.elapsed()));
        let sequence = told.sequence;
        let (configuration, is_blind) = (told.configuration.clone(), told.is_blind);
        let hello = ToldHello { configuration, is_blind, ..self.hello.clone() };
        let mut bytes = PeerLine { sequence, hello: Some(hello), ..PeerLine::default() }.bytes();
        let facts = told.keys.iter().zip(&told.facts).map(|(key, fact)| ToldFact::of(key, fact, now));
        let facts: Vec<ToldFact> = facts.collect();
        let mut parts = facts.chunks(MAX_FACTS).peekable();
        loop {
            let facts = parts.next().unwrap_or_default().to_vec();
            let is_last = parts.peek().is_none();
            let state = ToldState { is_last, facts };
            bytes.extend(PeerLine { sequence, state: Some(state), ..PeerLine::default() }.bytes());
            if is_last {
                return bytes;
            }
        }
    }
}

/// Hands on to one peer what is told to all.
pub struct PeerFeed {
    news: broadcast::Receiver<Bytes>,
    out: mpsc::Sender<Bytes>,
    replaced: oneshot::Receiver<()>,
}

impl PeerFeed {
    /// Goes on until the peer is gone, too slow, or has another stream.
    pub async fn run(mut self) {
        loop {
            let line = tokio::select! {
                _ = &mut self.replaced => return,
                line = self.news.recv() => line,
            };
            // It has missed something, or reads too slowly.
            let Ok(line) = line else { return };
            if self.out.try_send(line).is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::AddressState;

    fn hub() -> PeerHub {
        let hello = ToldHello {
            protocol: 1,
            name: "ns1".to_owned(),
            version: "0.1.0".to_owned(),
            boot: "b".to_owned(),
            configuration: String::new(),
            region: None,
            is_blind: None,
        };
        PeerHub::new(hello, vec!["ns2".to_owned()])
    }

    fn keys(count: usize) -> Arc<Vec<FactKey>> {
        let key = |number| FactKey { region: format!("r{number}"), address: None, canary: "tcp".to_owned() };
        Arc::new((0..count).map(key).collect())
    }

    fn sight(keys: &Arc<Vec<FactKey>>, state: AddressState) -> OwnSight {
        let fact = Fact {
            state,
            count: 1,
            since: Moment(1000),
            failing_since: None,
            failure: None,
            succeeded: None,
            is_blind: false,
        };
        OwnSight { keys: Arc::clone(keys), facts: vec![fact; keys.len()], is_blind: false }
    }

    fn lines(bytes: &[u8]) -> Vec<PeerLine> {
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).expect("a line")).collect()
    }

    #[tokio::test]
    async fn a_stream_begins_with_everything_and_goes_on_without_a_gap() {
        let (hub, keys) = (hub(), keys(MAX_FACTS + 1));
        hub.publish(sight(&keys, AddressState::Up), "c", Moment(1000));
        let (mut out, feed) = hub.subscribe("ns2").expect("it is a peer");
        let running = tokio::spawn(feed.run());
        let beginning = lines(&out.recv().await.expect("the state"));
        let hello = beginning[0].hello.as_ref().expect("a greeting");
        assert_eq!((&*hello.configuration, hello.is_blind), ("c", Some(false)));
        let parts: Vec<_> = beginning[1..].iter().map(|line| line.state.as_ref().expect("a part")).collect();
        let sizes: Vec<_> = parts.iter().map(|part| (part.facts.len(), part.is_last)).collect();
        assert_eq!(sizes, [(MAX_FACTS, false), (1, true)]);
        hub.publish(sight(&keys, AddressState::Up), "c", Moment(3000));
        hub.publish(sight(&keys, AddressState::Down), "c", Moment(4000));
        let mut sequence = beginning[0].sequence;
        let mut changed = 0;
        while changed <= MAX_FACTS {
            for line in lines(&out.recv().await.expect("a line")) {
                sequence += 1;
                assert_eq!(line.sequence, sequence);
                changed += line.change.map_or(0, |change| change.facts.len());
            }
        }
        hub.end();
        running.await.expect("no panic");
    }

    #[tokio::test]
    async fn a_peer_has_one_stream_and_a_slow_one_is_cut_off() {
        let (hub, keys) = (hub(), keys(1));
        hub.publish(sight(&keys, AddressState::Up), "", Moment(1000));
        let (_first, feed) = hub.subscribe("ns2").expect("it is a peer");
        let first = tokio::spawn(feed.run());
        let (_second, feed) = hub.subscribe("ns2").expect("it is a peer");
        first.await.expect("the second takes its place");
        let second = tokio::spawn(feed.run());
        for at in 0..2 * MAX_WAITING as u64 {
            hub.publish(sight(&keys, AddressState::Up), "", Moment(3000 + at));
        }
        second.await.expect("it does not read");
    }

    #[test]
    fn a_clock_that_is_set_before_a_peer_asks_makes_no_fact_older() {
        let (hub, keys) = (hub(), keys(1));
        // By a clock that is an hour ahead, and set back before the peer asks.
        let hour = 3_600_000;
        let OwnSight { mut facts, .. } = sight(&keys, AddressState::Up);
        facts[0].since = Moment(hour);
        hub.publish(OwnSight { keys: Arc::clone(&keys), facts, is_blind: false }, "", Moment(hour + 1000));
        let (mut out, _feed) = hub.subscribe("ns2").expect("it is a peer");
        let beginning = lines(&out.try_recv().expect("the state"));
        let state = beginning[1].state.clone().expect("the state");
        let [told] = &state.facts[..] else { panic!("{state:?}") };
        let (_, fact) = told.clone().fact(Moment(hour));
        // However slow this machine is, between a second and an hour.
        assert!((1..=hour - 1000).contains(&fact.since.0), "{fact:?}");
    }

    #[test]
    fn who_is_no_peer_has_no_stream() {
        let hub = hub();
        let refused = |name| hub.subscribe(name).err();
        assert_eq!(refused("ns1"), Some(PeerLimit::SameName));
        assert_eq!(refused("ns3"), Some(PeerLimit::Unknown));
    }

    #[test]
    fn another_configuration_ends_the_streams() {
        let hub = hub();
        hub.publish(sight(&keys(1), AddressState::Up), "a", Moment(1000));
        let (_out, mut feed) = hub.subscribe("ns2").expect("it is a peer");
        hub.publish(sight(&keys(2), AddressState::Up), "b", Moment(3000));
        assert!(feed.replaced.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed));
    }
}
