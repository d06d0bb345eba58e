//! The handler of every route, and the router.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use axum::{Extension, Router};

use super::access::{AccessRefusal, Peer};
use super::api::intents::MAX_BODY;
use super::api::{ApiError, CallerIdentity, Method, Operation, routes};
use super::bind::{Bound, answered, answered_in_turn, handled, ordered, rendered};
use super::host;
use super::places::{Purpose, Seat};
use super::respond::{json, render, text};
use super::state::AdminState;
use super::{
    atlas, availability, drain_status, explain, history, intents, openapi, overview, peers, simulate, status,
    stream, trends, ui,
};
use crate::docs::{self, Edition};
use crate::metrics::Exposition;

/// Returns every route with its handler.
fn bound() -> Vec<Bound> {
    vec![
        handled(&routes::FRONT, get(front)),
        handled(&routes::FILE, get(file)),
        handled(&routes::DOCS, get(docs_front)),
        handled(&routes::DOCS_PAGE, get(docs_page)),
        handled(&routes::HEALTH, get("ok\n")),
        handled(&routes::OPENAPI, get(async || text("application/json", DESCRIPTION.clone()))),
        handled(&routes::CALLER, get(async |Extension(caller): Extension<CallerIdentity>| json(&caller))),
        answered(&routes::STATUS, status::instance),
        answered(&routes::REGION, status::one_region),
        answered(&routes::OVERVIEW, overview::with_events),
        handled(&routes::EVENTS, get(stream::start)),
        handled(&routes::PEER_STREAM, get(peers::start)),
        answered(&routes::ATLAS, atlas::atlas),
        rendered(&routes::MAP, |state, query| atlas::picture(state, &query).map(ui::picture)),
        handled(&routes::METRICS, get(metrics)),
        answered_in_turn(&routes::EXPLAIN, |state| &state.explaining, |query| query.format, explain::explain),
        answered_in_turn(
            &routes::SIMULATE,
            |state| &state.simulating,
            |query| query.format,
            simulate::simulate,
        ),
        answered(&routes::AVAILABILITY, availability::availability),
        answered(&routes::HISTORY, history::history),
        answered(&routes::TRENDS, trends::trends),
        answered(&routes::INTENTS, intents::list),
        ordered(&routes::INTEND, intents::intend),
        ordered(&routes::LIFT, intents::lift),
        answered(&routes::DRAIN_STATUS, drain_status::drain_status),
        ordered(&routes::APPROVE, intents::approve),
        ordered(&routes::FAIL_BACK, intents::fail_back),
        ordered(&routes::ROLL_BACK, history::roll_back),
    ]
}

/// Returns every route that is served.
pub(super) fn operations() -> Vec<Operation> {
    bound().into_iter().map(|bound| bound.operation).collect()
}

/// The list of paths.
static PATHS: LazyLock<String> = LazyLock::new(|| {
    let operations = operations();
    let longest = operations.iter().map(|operation| operation.path.len()).max().unwrap_or_default();
    let line = |operation: &Operation| {
        let Operation { method, path, summary, example, .. } = operation;
        let example = if example.is_empty() { String::new() } else { format!(": ?{example}") };
        format!("{:<6} {path:<longest$} {summary}{example}\n", method.to_string())
    };
    operations.iter().map(line).collect()
});

/// The OpenAPI document.
static DESCRIPTION: LazyLock<String> = LazyLock::new(|| {
    let document = openapi::document(&operations());
    serde_json::to_string_pretty(&document).expect("it is JSON already") + "\n"
});

/// Returns the router of all routes.
pub(super) fn router(state: Arc<AdminState>) -> Router {
    let mut paths: BTreeMap<&str, (MethodRouter<Arc<AdminState>>, Vec<Method>)> = BTreeMap::new();
    for Bound { operation, handler } in bound() {
        let (handlers, mut methods) = paths.remove(operation.path).unwrap_or_default();
        methods.push(operation.method);
        paths.insert(operation.path, (handlers.merge(handler), methods));
    }
    let router = paths.into_iter().fold(Router::new(), |router, (path, (handlers, methods))| {
        router.route(path, handlers.fallback(move || not_allowed(methods)))
    });
    router
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(Arc::clone(&state), admit))
        .layer(middleware::from_fn(receive))
        .with_state(state)
}

async fn not_found(uri: Uri) -> Response {
    let path = uri.path();
    (StatusCode::NOT_FOUND, format!("there is no {path} here, only:\n{}", *PATHS)).into_response()
}

/// Refuses a method; axum adds the header that lists the others.
async fn not_allowed(methods: Vec<Method>) -> ApiError {
    let words = methods.iter().map(|method| match method {
        Method::Get => "GET, HEAD".to_owned(),
        Method::Post | Method::Delete => method.to_string(),
    });
    ApiError::new(405, format!("allowed methods: {}", words.collect::<Vec<_>>().join(", ")))
}

async fn front(headers: HeaderMap) -> Response {
    match ui::is_browser(&headers) {
        true => ui::file(ui::DOCUMENT),
        false => ([(header::VARY, "accept")], PATHS.as_str()).into_response(),
    }
}

async fn file(uri: Uri) -> Response {
    match ui::FILES.iter().find(|file| file.path == uri.path()) {
        Some(file) => ui::file(*file),
        None => ApiError::not_found(format!("the page has no {}", uri.path())).into_response(),
    }
}

async fn docs_front(headers: HeaderMap) -> Response {
    match ui::is_browser(&headers) {
        true => ui::document(docs::front(Edition::Admin)),
        false => ([(header::VARY, "accept")], docs::list()).into_response(),
    }
}

/// The pages of the documentation for browsers, by name: the same for everyone, and made once.
static DOCS_PAGES: LazyLock<BTreeMap<&str, String>> =
    LazyLock::new(|| docs::PAGES.iter().map(|page| (page.name, docs::page(page, Edition::Admin))).collect());

async fn docs_page(headers: HeaderMap, Path(name): Path<String>) -> Response {
    let Some(page) = docs::find(&name) else {
        return ApiError::not_found(format!("the documentation has no page `{name}`")).into_response();
    };
    if ui::is_browser(&headers) {
        return ui::document(DOCS_PAGES[page.name].clone());
    }
    let kind = [(header::CONTENT_TYPE, "text/markdown; charset=utf-8"), (header::VARY, "accept")];
    (kind, page.markdown()).into_response()
}

async fn metrics(State(state): State<Arc<AdminState>>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let exposition = Exposition::accepted(accept);
    let page = render(move || Ok(text(exposition.media_type(), state.metrics.render(exposition)))).await;
    ([(header::VARY, "accept")], page).into_response()
}

/// Returns whether a path is open to every client: load balancers have no token, and the files of the page, which are
/// the same everywhere, let people enter theirs; so is the documentation. Peers show a secret of their own.
fn is_open(path: &str) -> bool {
    let open = [
        routes::FRONT.operation(),
        routes::FILE.operation(),
        routes::DOCS.operation(),
        routes::DOCS_PAGE.operation(),
        routes::HEALTH.operation(),
        routes::PEER_STREAM.operation(),
    ];
    open.iter().any(|open| match open.path.split_once('{') {
        Some((folder, _)) => path.starts_with(folder),
        None => path == open.path,
    })
}

/// Gives a request its place, holds it to HTTP, and forbids browsers to take its answer for anything else than it says.
async fn receive(Extension(seat): Extension<Seat>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().expect("every connection has its peer").address.ip();
    let is_health = request.uri().path() == routes::HEALTH.operation().path;
    let purpose = if is_health { Purpose::Health } else { Purpose::Other };
    let mut response = match host::settle(&mut request) {
        Err(refusal) => refusal.into_response(),
        Ok(()) if !seat.settle(peer, purpose).await => too_many(),
        Ok(()) => next.run(request).await,
    };
    let nosniff = (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response.headers_mut().extend([nosniff]);
    response
}

fn too_many() -> Response {
    let refusal = ApiError::new(503, "too many requests of this network are under way, retry later");
    ([(header::RETRY_AFTER, "1")], refusal).into_response()
}

/// Lets a request through to its handler, with the caller's identity, or refuses it.
async fn admit(State(state): State<Arc<AdminState>>, mut request: Request, next: Next) -> Response {
    if is_open(request.uri().path()) {
        return next.run(request).await;
    }
    let peer = request.extensions().get::<Peer>().expect("every connection has its peer").clone();
    let response = match state.access.load().caller(&peer, request.headers()) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(AccessRefusal::WrongToken) => {
            state.wrong_tokens.refuse(peer.address, (state.sources.now)()).into_response()
        }
        Err(refusal) => refusal.into_response(),
    };
    if let Some(refusal) = response.extensions().get::<AccessRefusal>() {
        state.metrics.admin_refused(refusal.word());
    }
    response
}
