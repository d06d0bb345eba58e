//! Renders states and events once, and sends them to all readers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use serde::Serialize;
use tokio::sync::{Semaphore, broadcast, mpsc};
use tokio::time::Instant;

use super::feed::{Feed, StreamBody, StreamMessage};
use crate::admin::api::Overview;
use crate::event::Event;

/// The most events that a stream begins with: what a person scrolls through. The log has more.
pub const FIRST_EVENTS: usize = 200;

/// How long a rendered state holds for readers that come: less than the second after which it is rendered anew, so
/// that a tick that comes a little early does not leave out its turn.
const FRESH: Duration = Duration::from_millis(500);

/// The most messages that wait for one reader: a minute of states, or a storm of events.
const MAX_WAITING: usize = 64;

/// Everything that is sent to all readers.
pub struct StreamHub {
    last: Mutex<Option<RenderedState>>,
    news: broadcast::Sender<StreamMessage>,
    places: Arc<Semaphore>,
}

/// The state when it was last looked at.
struct RenderedState {
    at: Instant,
    overview: Overview,
    bytes: Bytes,
}

impl StreamHub {
    /// Returns a hub for so many streams at once.
    pub fn new(most: usize) -> Self {
        Self {
            last: Mutex::default(),
            news: broadcast::Sender::new(MAX_WAITING),
            places: Arc::new(Semaphore::new(most)),
        }
    }

    /// Sends an event to all readers.
    pub fn tell(&self, event: &Event) {
        if self.has_readers() {
            self.send(Some(event.number), rendered(event));
        }
    }

    /// Starts a stream with the present state and the events of the history after number `after`. `None`: too many
    /// are open already. It renders, and so does not belong on a thread that answers queries.
    pub fn watch(
        &self,
        after: u64,
        overview: impl FnOnce() -> Overview,
        history: impl FnOnce() -> Vec<Arc<Event>>,
    ) -> Option<(StreamBody, Feed)> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let (out, waiting) = mpsc::channel(MAX_WAITING);
        let state = self.look(overview);
        // Subscribed before the history is read, so that nothing is missed; the feed leaves out what comes twice.
        let news = self.news.subscribe();
        let events = history();
        let last = events.last().map_or(0, |event| event.number);
        let missed = events.iter().filter(|event| event.number > after).map(|event| rendered(event));
        let first: Vec<_> = std::iter::once(state).chain(missed).collect();
        out.try_send(Bytes::from(first.concat())).expect("the queue is empty");
        Some((StreamBody(waiting), Feed::new(news, out, last, place)))
    }

    /// Returns whether there are readers.
    pub fn has_readers(&self) -> bool {
        self.news.receiver_count() > 0
    }

    /// Sends the state to all readers, if it has changed.
    pub fn refresh(&self, overview: impl FnOnce() -> Overview) {
        self.look(overview);
    }

    /// Ends all streams: the server stops.
    pub fn end(&self) {
        self.send(None, Bytes::new());
    }

    fn send(&self, number: Option<u64>, bytes: Bytes) {
        // The last reader may have gone.
        let _ = self.news.send(StreamMessage { number, bytes });
    }

    /// Returns the state, at most half a second old; if it has changed, all readers get it.
    fn look(&self, overview: impl FnOnce() -> Overview) -> Bytes {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some(recent) = last.as_ref().filter(|last| now.duration_since(last.at) < FRESH) {
            return recent.bytes.clone();
        }
        let overview = overview();
        if let Some(same) = last.as_mut().filter(|last| last.overview == overview) {
            same.at = now;
            return same.bytes.clone();
        }
        let bytes = message("state", None, &overview);
        *last = Some(RenderedState { at: now, overview, bytes: bytes.clone() });
        self.send(None, bytes.clone());
        bytes
    }
}

fn rendered(event: &Event) -> Bytes {
    message("event", Some(event.number), event)
}

/// Renders one server-sent event. JSON has no line breaks of its own, so it is one line of data.
fn message(name: &str, id: Option<u64>, data: &impl Serialize) -> Bytes {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    let data = serde_json::to_string(data).expect("events and states have names as keys and no other maps");
    Bytes::from(format!("{id}event: {name}\ndata: {data}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::Moment;

    #[test]
    fn an_event_is_one_line_of_data_that_no_text_can_break() {
        let rendered = rendered(&Event::failback("tokyo\n\ndata: x", "Jo", Moment(0)));
        let rendered = std::str::from_utf8(&rendered).expect("text");
        assert!(rendered.starts_with("id: 0\nevent: event\ndata: {\"time\":\"1970"), "{rendered}");
        assert_eq!(rendered.matches('\n').count(), 4, "{rendered}");
        assert!(!rendered.contains("null"), "what is not known is left out: {rendered}");
    }
}
