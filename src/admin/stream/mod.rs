//! The live stream: the state, once a second when it has changed, and every event as it happens.
//!
//! ```text
//!   State::tell ──▶ hub ──▶ feed ──▶ body of a response      one feed a reader
//!   once a second ──╯
//! ```
//!
//! Whatever is sent is rendered once and shared by all readers ([`hub`]). Each has a [`feed`], which hands the bytes on
//! as fast as they are read. A reader that is too slow is dropped, comes back with `Last-Event-ID` (HTML, 9.2:
//! server-sent events), and gets the events in between.

pub(super) mod feed;
pub(crate) mod hub;

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use tokio::time::MissedTickBehavior;

use super::api::ApiError;
use super::overview;
use super::respond::render;
use super::state::AdminState;
use feed::Stay;
use hub::FIRST_EVENTS;

/// How often the state is sent, at most: faster than an operator reads.
const STATE_EVERY: Duration = Duration::from_secs(1);

/// Starts a stream, on a connection that stays from then on.
pub(super) async fn start(
    State(state): State<Arc<AdminState>>,
    Extension(stay): Extension<Stay>,
    headers: HeaderMap,
) -> Response {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok()).unwrap_or(0);
    render(move || {
        let history = || (state.sources.history)(FIRST_EVENTS);
        let started = state.streams.watch(last, || overview::overview(&state), history);
        let (body, feed) = started.ok_or_else(|| {
            let most = state.connections.streams;
            ApiError::new(503, format!("{most} streams are open already; look at /overview instead"))
        })?;
        stay.with(Box::pin(feed.run()));
        let kind = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
        Ok((kind, Body::new(body)).into_response())
    })
    .await
}

/// Sends the state whenever it has changed, at most once a second, while there are readers.
pub(super) async fn keep_telling(state: Arc<AdminState>) {
    let mut seconds = tokio::time::interval(STATE_EVERY);
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        seconds.tick().await;
        if !state.streams.has_readers() {
            continue;
        }
        let state = Arc::clone(&state);
        let refresh = move || state.streams.refresh(|| overview::overview(&state));
        if let Err(error) = tokio::task::spawn_blocking(refresh).await {
            tracing::error!(%error, "the live stream of the admin pages cannot be made");
        }
    }
}
