//! The live stream: what is the case, once a second when it has changed, and every event as it happens.
//!
//! Whatever is sent is rendered once and shared by all who watch ([`Live`]). Each of them has a [`Feed`],
//! which hands the bytes on as fast as they are read; who reads too slowly is dropped and not queued for, and
//! comes back with `Last-Event-ID` (HTML, 9.2: server-sent events) to get the events in between.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use hyper::body::{Body, Frame};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc};
use tokio::time::{Instant, MissedTickBehavior};

use super::State;
use super::overview::{self, Overview};
use crate::event::Event;

/// The most streams at once: a team, its wall screens, and some forgotten tabs. Each costs a task and a
/// socket, and their connections count nowhere else.
pub(super) const MAX_STREAMS: usize = 128;

/// The most events that are kept: what a person scrolls through. Who needs more reads the log.
const MAX_RECORDS: usize = 200;

/// How often what is the case is told, at most: faster than anybody reads.
const STATE_EVERY: Duration = Duration::from_secs(1);

/// How often something is said although nothing happened, so that both ends notice a dead connection, and so
/// that no proxy takes a quiet one for dead: those wait at least 30 s.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How many messages may wait for one reader: a minute of states, or a storm of events.
const MAX_WAITING: usize = 64;

/// Everything that is told to those who watch.
pub(super) struct Live {
    told: Mutex<Told>,
    last: Mutex<Option<Rendered>>,
    news: broadcast::Sender<Bytes>,
    places: Arc<Semaphore>,
}

/// The events of this life, the last of them rendered.
#[derive(Default)]
struct Told {
    records: VecDeque<(Arc<Event>, Bytes)>,
}

/// What was the case when it was last looked at.
struct Rendered {
    at: Instant,
    overview: Overview,
    bytes: Bytes,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            told: Mutex::default(),
            last: Mutex::default(),
            news: broadcast::Sender::new(MAX_WAITING),
            places: Arc::new(Semaphore::new(MAX_STREAMS)),
        }
    }
}

impl Live {
    /// Tells an event to all who watch, and keeps it for those who come later.
    pub(super) fn tell(&self, event: Arc<Event>) {
        let bytes = Bytes::from(message("record", Some(event.number), &*event));
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.records.len() == MAX_RECORDS {
            told.records.pop_front();
        }
        told.records.push_back((event, bytes.clone()));
        // Nobody may be watching.
        let _ = self.news.send(bytes);
    }

    /// Returns the last events, the oldest first.
    pub(super) fn records(&self) -> Vec<Arc<Event>> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.records.iter().map(|(record, _)| Arc::clone(record)).collect()
    }

    /// Starts a stream with what is the case now and the events after number `after`. `None`: too many
    /// watch already. It renders, and so does not belong on a thread that answers queries.
    pub(super) fn watch(&self, state: &State, after: u64) -> Option<(Stream, Feed)> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let (out, waiting) = mpsc::channel(MAX_WAITING);
        // While both are held nothing is told, so that nothing is missed and nothing comes twice.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.look(&mut last, state);
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let missed = told.records.iter().filter(|(record, _)| record.number > after);
        let first = [&now].into_iter().chain(missed.map(|(_, bytes)| bytes)).map(|bytes| &bytes[..]);
        let first = first.collect::<Vec<_>>().concat();
        let news = self.news.subscribe();
        out.try_send(Bytes::from(first)).expect("the queue is empty");
        Some((Stream(waiting), Feed { news, out, _place: place }))
    }

    /// Tells what is the case whenever it has changed, at most once a second, while anybody watches.
    pub(super) async fn keep_telling(state: Arc<State>) {
        let mut seconds = tokio::time::interval(STATE_EVERY);
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            seconds.tick().await;
            if state.live.news.receiver_count() == 0 {
                continue;
            }
            let state = Arc::clone(&state);
            let looked = tokio::task::spawn_blocking(move || state.live.refresh(&state)).await;
            if let Err(error) = looked {
                tracing::error!(%error, "the live stream of the admin pages cannot be made");
            }
        }
    }

    /// Ends all streams: the server stops. What is empty says so, and is never sent.
    pub(super) fn end(&self) {
        let _ = self.news.send(Bytes::new());
    }

    /// Tells all who watch what is the case, if it has changed.
    fn refresh(&self, state: &State) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        self.look(&mut last, state);
    }

    /// Returns what is the case, at most a second old; if it has changed, all who watch are told.
    fn look(&self, last: &mut Option<Rendered>, state: &State) -> Bytes {
        let now = Instant::now();
        // A tick that comes a little early must not leave out its turn.
        let is_recent = |last: &Rendered| now.duration_since(last.at) < STATE_EVERY / 2;
        if let Some(recent) = last.as_ref().filter(|last| is_recent(last)) {
            return recent.bytes.clone();
        }
        let overview = overview::overview(state);
        if let Some(same) = last.as_mut().filter(|last| last.overview == overview) {
            same.at = now;
            return same.bytes.clone();
        }
        let bytes = Bytes::from(message("state", None, &overview));
        *last = Some(Rendered { at: now, overview, bytes: bytes.clone() });
        let _ = self.news.send(bytes.clone());
        bytes
    }
}

/// Renders one server-sent event. JSON has no line breaks of its own, so it is one line of data.
fn message(name: &str, id: Option<u64>, data: &impl Serialize) -> String {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    let data = serde_json::to_string(data).expect("what is told has names as keys and no other maps");
    format!("{id}event: {name}\ndata: {data}\n\n")
}

/// Hands on to one reader what is told to all.
pub(super) struct Feed {
    news: broadcast::Receiver<Bytes>,
    out: mpsc::Sender<Bytes>,
    _place: OwnedSemaphorePermit,
}

impl Feed {
    /// Goes on until the reader is gone or too slow.
    pub(super) async fn run(mut self) {
        loop {
            let message = match tokio::time::timeout(HEARTBEAT, self.news.recv()).await {
                Ok(Ok(message)) if !message.is_empty() => message,
                // The server ends, or the reader has missed something.
                Ok(Ok(_) | Err(_)) => return,
                Err(_) => Bytes::from_static(b": still here\n\n"),
            };
            if self.out.try_send(message).is_err() {
                return;
            }
        }
    }
}

/// The body of a response: what a feed hands on.
pub(super) struct Stream(mpsc::Receiver<Bytes>);

impl Body for Stream {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|message| message.map(|bytes| Ok(Frame::data(bytes))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::Moment;

    #[test]
    fn an_event_is_one_line_of_data_that_no_text_can_break() {
        let event = Event::failback("tokyo\n\ndata: x", "Jo", Moment(0));
        let rendered = message("record", Some(7), &event);
        assert!(rendered.starts_with("id: 7\nevent: record\ndata: {\"time\":\"1970"), "{rendered}");
        assert_eq!(rendered.matches('\n').count(), 4, "{rendered}");
        assert!(!rendered.contains("null"), "what is not known is left out: {rendered}");
    }
}
