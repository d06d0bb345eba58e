//! Requests to values, values to responses.

use std::error::Error;

use axum::Json;
use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::api::{AnswerFormat, ApiError, Operation};

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [(header::CACHE_CONTROL, "no-store")], Json(self)).into_response()
    }
}

/// Reads the parameters of a request, in its path and in its query.
pub(super) fn parameters<P: DeserializeOwned>(operation: &Operation, uri: &Uri) -> Result<P, ApiError> {
    let segments = operation.path.split('/').zip(uri.path().split('/'));
    let named = segments.filter_map(|(name, value)| {
        let name = name.strip_prefix('{')?.strip_suffix('}')?;
        // In a query these two would mean something.
        Some(format!("{name}={}", value.replace('&', "%26").replace('+', "%2B")))
    });
    let all: Vec<_> = named.chain(uri.query().map(str::to_owned)).collect();
    let joined = Uri::try_from(format!("/?{}", all.join("&")));
    let joined = joined.map_err(|error| ApiError::bad_request(error.to_string()))?;
    let wrong = |error: &dyn Error| ApiError::bad_request(error.to_string());
    Query::try_from_uri(&joined)
        .map(|Query(parameters)| parameters)
        .map_err(|rejection| rejection.source().map_or_else(|| wrong(&rejection), wrong))
}

/// Adds to a refusal of a request that makes no sense one that does.
pub(super) fn with_example(mut refusal: ApiError, operation: &Operation) -> ApiError {
    if refusal.status == 400 && !operation.example.is_empty() {
        refusal.error += &format!("; write {}?{}", operation.path, operation.example);
    }
    refusal
}

/// Returns the form that a client accepts: text when it says so and does not speak of JSON.
pub(super) fn preferred(headers: &HeaderMap) -> AnswerFormat {
    match headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()) {
        Some(accept) if accept.contains("text/plain") && !accept.contains("json") => AnswerFormat::Text,
        _ => AnswerFormat::Json,
    }
}

/// Makes a response on a thread that answers no queries: with thousands of addresses it may take milliseconds.
pub(super) async fn render(make: impl FnOnce() -> Result<Response, ApiError> + Send + 'static) -> Response {
    match tokio::task::spawn_blocking(make).await {
        Ok(made) => made.into_response(),
        Err(error) => {
            tracing::error!(%error, "an admin page cannot be made");
            ApiError::new(500, "internal error while making this page; the server's log has more")
                .into_response()
        }
    }
}

/// Returns a value as JSON, indented, since people read it, too.
pub(super) fn json(value: &impl Serialize) -> Response {
    let lines = serde_json::to_string_pretty(value).expect("answers have names as keys and no other maps");
    text("application/json", lines + "\n")
}

/// Returns a text that no cache may keep: it is about now.
pub(super) fn text(kind: &'static str, body: String) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], body).into_response()
}
