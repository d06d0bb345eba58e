//! Binds routes to handlers. A handler takes the parameters of its route and returns its answer; reading the one and
//! writing the other, and asking the caller's role, happens here.

use std::fmt::Display;
use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use super::access;
use super::api::intents::MAX_BODY;
use super::api::route::TEXT;
use super::api::{AnswerFormat, ApiError, ApiRoute, CallerIdentity, ChangeReply, Method, Operation};
use super::respond::{json, parameters, preferred, render, text, with_example};
use super::state::AdminState;
use crate::control::{Command, Done};

/// A route and its handler.
pub(super) struct Bound {
    pub operation: Operation,
    pub handler: MethodRouter<Arc<AdminState>>,
}

/// Binds a route to a handler of its own kind.
pub(super) fn handled<P, B, A>(route: &ApiRoute<P, B, A>, handler: MethodRouter<Arc<AdminState>>) -> Bound {
    Bound { operation: route.operation(), handler }
}

/// Binds a route to a function that makes its response.
pub(super) fn rendered<P: DeserializeOwned + Send + 'static, A>(
    route: &ApiRoute<P, (), A>,
    answer: impl Fn(&AdminState, P) -> Result<Response, ApiError> + Clone + Send + Sync + 'static,
) -> Bound {
    let operation = route.operation();
    let handler =
        async move |State(state): State<Arc<AdminState>>, uri: Uri| match parameters(&operation, &uri) {
            Ok(parameters) => {
                render(move || {
                    answer(&state, parameters).map_err(|refusal| with_example(refusal, &operation))
                })
                .await
            }
            Err(refusal) => with_example(refusal, &operation).into_response(),
        };
    Bound { operation, handler: get(handler) }
}

/// Binds a route to a function that returns its answer.
pub(super) fn answered<P: DeserializeOwned + Send + 'static, A: Serialize + 'static>(
    route: &ApiRoute<P, (), A>,
    answer: fn(&AdminState, P) -> Result<A, ApiError>,
) -> Bound {
    rendered(route, move |state, parameters| answer(state, parameters).map(|answer| json(&answer)))
}

/// Binds a route to a function that takes long, so that one runs at a time, and returns its answer in JSON or as text.
pub(super) fn answered_in_turn<P, A>(
    route: &ApiRoute<P, (), A>,
    turns: fn(&AdminState) -> &Arc<Semaphore>,
    format: fn(&P) -> Option<AnswerFormat>,
    answer: fn(&AdminState, P) -> Result<A, ApiError>,
) -> Bound
where
    P: DeserializeOwned + Send + 'static,
    A: Serialize + Display + 'static,
{
    let operation = route.operation();
    let handler = async move |State(state): State<Arc<AdminState>>, headers: HeaderMap, uri: Uri| {
        let asked = match parameters(&operation, &uri) {
            Ok(asked) => asked,
            Err(refusal) => return with_example(refusal, &operation).into_response(),
        };
        let turn = Arc::clone(turns(&state)).acquire_owned().await;
        render(move || {
            let _turn = turn.expect("the semaphore is never closed");
            let format = format(&asked).unwrap_or_else(|| preferred(&headers));
            let answer = answer(&state, asked).map_err(|refusal| with_example(refusal, &operation))?;
            Ok(match format {
                AnswerFormat::Json => json(&answer),
                AnswerFormat::Text => text(TEXT, answer.to_string()),
            })
        })
        .await
    };
    Bound { operation, handler: get(handler) }
}

/// What an operator asks for.
pub(super) enum OrderedChange {
    /// The writer decides.
    Command(Box<Command>),
    /// The reload goes back to the generation with this number.
    Rollback { number: u64, author: String },
}

impl From<Command> for OrderedChange {
    fn from(command: Command) -> Self {
        Self::Command(Box::new(command))
    }
}

/// Binds a route to a function that makes a change of parameters, body and author.
pub(super) fn ordered<P, B, C>(
    route: &ApiRoute<P, B, ChangeReply>,
    change: fn(P, B, String) -> Result<C, ApiError>,
) -> Bound
where
    P: DeserializeOwned + Send + 'static,
    B: DeserializeOwned + Send + 'static,
    C: Into<OrderedChange> + 'static,
{
    let operation = route.operation();
    let handler = async move |State(state): State<Arc<AdminState>>,
                              Extension(caller): Extension<CallerIdentity>,
                              uri: Uri,
                              headers: HeaderMap,
                              body: Result<Bytes, BytesRejection>| {
        let author = match access::operator(&caller, &headers) {
            Ok(author) => author,
            Err(refusal) => return refusal.into_response(),
        };
        let change = parameters(&operation, &uri)
            .and_then(|parameters| change(parameters, body_of(&operation, body)?, author))
            .map(Into::into)
            .map_err(|refusal| with_example(refusal, &operation));
        match change {
            Ok(change) => order(&state, change).await.into_response(),
            Err(refusal) => refusal.into_response(),
        }
    };
    let handler = match operation.method {
        Method::Get => get(handler),
        Method::Post => post(handler),
        Method::Delete => delete(handler),
    };
    Bound { operation, handler }
}

/// Hands a change on, and answers with what became of it.
async fn order(state: &AdminState, change: OrderedChange) -> Result<Response, ApiError> {
    let busy = || ApiError::new(503, "server busy or shutting down, retry later");
    let reply = match change {
        OrderedChange::Command(command) => {
            let done = state.ask(*command).await.ok_or_else(busy)??;
            let (status, unasked) = match done {
                Done::Made { .. } => (StatusCode::CREATED, state.peer_names()),
                Done::Lifted { .. } => (StatusCode::OK, state.peer_names()),
                _ => (StatusCode::OK, Vec::new()),
            };
            (status, json(&ChangeReply { unasked, ..ChangeReply::from(done) }))
        }
        OrderedChange::Rollback { number, author } => {
            let text = state.roll_back(number, author).await.ok_or_else(busy)??;
            (StatusCode::OK, json(&ChangeReply::new(None, text)))
        }
    };
    Ok(reply.into_response())
}

/// Reads the body of a request, if it has one.
fn body_of<B: DeserializeOwned>(
    operation: &Operation,
    body: Result<Bytes, BytesRejection>,
) -> Result<B, ApiError> {
    let body = body.map_err(|rejection| {
        let error = format!("{}; a request has at most {MAX_BODY} octets", rejection.body_text());
        ApiError::new(rejection.status().as_u16(), error)
    })?;
    let body = if operation.body.is_some() { &body[..] } else { b"null" };
    serde_json::from_slice(body)
        .map_err(|error| ApiError::bad_request(format!("the body is not as /openapi.json says: {error}")))
}
