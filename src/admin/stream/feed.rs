//! The way of one reader: from the hub to the body of a response.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::{OwnedSemaphorePermit, broadcast, mpsc, oneshot};

/// How often something is sent although nothing happened, so that both ends notice a dead connection, and so
/// that no proxy takes a quiet one for dead: those wait at least 30 s.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What is sent: rendered, with the number of the event if it is one.
#[derive(Clone)]
pub(super) struct StreamMessage {
    pub number: Option<u64>,
    /// Empty at the end of all streams, and then never sent.
    pub bytes: Bytes,
}

/// Hands on to one reader what is sent to all.
pub struct Feed {
    news: broadcast::Receiver<StreamMessage>,
    out: mpsc::Sender<Bytes>,
    /// The last event that the reader has.
    last: u64,
    _place: OwnedSemaphorePermit,
}

impl Feed {
    pub(super) fn new(
        news: broadcast::Receiver<StreamMessage>,
        out: mpsc::Sender<Bytes>,
        last: u64,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self { news, out, last, _place: place }
    }

    /// Goes on until the reader is gone or too slow.
    pub async fn run(mut self) {
        loop {
            let bytes = match tokio::time::timeout(HEARTBEAT, self.news.recv()).await {
                Ok(Ok(message)) if message.number.is_some_and(|number| number <= self.last) => continue,
                Ok(Ok(message)) if !message.bytes.is_empty() => message.bytes,
                // The server ends, or the reader has missed something.
                Ok(Ok(_) | Err(_)) => return,
                Err(_) => Bytes::from_static(b": still here\n\n"),
            };
            if self.out.try_send(bytes).is_err() {
                return;
            }
        }
    }
}

/// What keeps a connection alive: it goes on until its reader is gone.
pub type Feeding = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Lets the handler of a request make a stream of its connection.
#[derive(Clone)]
pub struct Stay(Arc<Mutex<Option<oneshot::Sender<Feeding>>>>);

impl Stay {
    /// Returns the handler's end and the connection's.
    pub fn new() -> (Self, oneshot::Receiver<Feeding>) {
        let (sender, receiver) = oneshot::channel();
        (Self(Arc::new(Mutex::new(Some(sender)))), receiver)
    }

    /// Lets the connection live for as long as this feeds it.
    pub(in crate::admin) fn with(&self, feed: Feeding) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A connection that is gone needs no feed.
        sender.and_then(|sender| sender.send(feed).err());
    }
}

/// The body of a response: what a feed hands on.
pub struct StreamBody(pub(in crate::admin) mpsc::Receiver<Bytes>);

impl Body for StreamBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|message| message.map(|bytes| Ok(Frame::data(bytes))))
    }
}
