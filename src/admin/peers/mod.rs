//! `/peers/stream`: tells another instance what this one sees, for as long as it listens.
//!
//! An instance proves itself with the secret that all of them share, and not with a token: that lets nobody read or
//! change anything else here.

pub(super) mod gate;

use std::sync::Arc;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc;

use super::access::{AccessRefusal, Peer, bearer};
use super::api::ApiError;
use super::api::routes::LINES;
use super::state::AdminState;
use super::stream::feed::{Stay, StreamBody};
use crate::peers::subscription::{NAME_HEADER, PROTOCOL_HEADER};
use crate::peers::{PROTOCOL, PeerFeed, PeerLimit, is_understood};
use gate::PeerGate;

/// What an instance is told whose secret is wrong.
const WRONG_SECRET: &str = "the secret of `peers` in server.yaml is another one here";

/// Why an instance gets no stream.
enum PeerRefusal {
    Limit(PeerLimit, String),
    Protocol(String),
}

impl PeerRefusal {
    fn word(&self) -> &'static str {
        match self {
            Self::Limit(PeerLimit::Unknown, _) => "peer_unknown",
            Self::Limit(PeerLimit::SameName, _) => "peer_same_name",
            Self::Protocol(_) => "peer_protocol",
        }
    }

    fn error(&self, own: &str) -> ApiError {
        match self {
            Self::Limit(PeerLimit::Unknown, name) => ApiError::new(
                403,
                format!("`{name}` is not among the `peers` of `{own}`; list it in server.yaml"),
            ),
            Self::Limit(PeerLimit::SameName, name) => ApiError::new(
                409,
                format!("this instance is called `{name}` as well; give each a name of its own"),
            ),
            Self::Protocol(theirs) => ApiError::new(
                409,
                format!(
                    "version {theirs} of the protocol is not understood by `{own}`, which speaks {PROTOCOL}; \
                     upgrade the older one"
                ),
            ),
        }
    }
}

/// Starts a stream, on a connection that stays from then on.
pub(super) async fn start(
    State(state): State<Arc<AdminState>>,
    Extension(stay): Extension<Stay>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Response {
    let Some(gate) = &state.peers else {
        return ApiError::not_found("this instance has no `peers` in server.yaml").into_response();
    };
    let address = peer.address.ip().to_canonical();
    if !bearer(&headers).is_some_and(|secret| gate.secret.is(secret)) {
        let refusal = state.wrong_tokens.refuse_peer((state.sources.now)());
        state.metrics.admin_refused(refusal.word());
        gate.refused(address, AccessRefusal::WrongToken.word(), WRONG_SECRET);
        return match refusal {
            AccessRefusal::TooManyWrong => refusal.into_response(),
            _ => ApiError::new(401, WRONG_SECRET).into_response(),
        };
    }
    match greet(gate, &headers) {
        Ok((out, feed)) => {
            stay.with(Box::pin(feed.run()));
            let kind = [(header::CONTENT_TYPE, LINES), (header::CACHE_CONTROL, "no-store")];
            (kind, Body::new(StreamBody(out))).into_response()
        }
        Err(refusal) => {
            let error = refusal.error(gate.hub.name());
            gate.refused(address, refusal.word(), &error.to_string());
            state.metrics.admin_refused(refusal.word());
            error.into_response()
        }
    }
}

/// Starts the stream of the peer that these headers name.
fn greet(gate: &PeerGate, headers: &HeaderMap) -> Result<(mpsc::Receiver<Bytes>, PeerFeed), PeerRefusal> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let theirs = text(PROTOCOL_HEADER);
    if !theirs.parse().is_ok_and(is_understood) {
        return Err(PeerRefusal::Protocol(theirs.chars().take(10).collect()));
    }
    let name: String = text(NAME_HEADER).chars().take(63).collect();
    gate.hub.subscribe(&name).map_err(|limit| PeerRefusal::Limit(limit, name))
}
