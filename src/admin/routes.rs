//! The paths, and what each of them answers.
//!
//! The body of a request is never read. Rendering a page may take milliseconds with thousands of
//! addresses, so it happens on threads that answer no queries; `/healthz` alone needs none.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{self, rejection::QueryRejection};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Extension, Router, middleware};

use super::access;
use super::explain::{self, Format, Parameters};
use super::listen::Stay;
use super::live::MAX_STREAMS;
use super::{State, atlas, changes, history, overview, page, receipt, simulate, status};

/// The paths, for those who ask for another.
const PATHS: &str = "\
/         for browsers: a map, the regions, and what happens, live
/healthz  `ok` while a snapshot is served
/status   zones, database, configuration, alarms, regions and addresses, as JSON; /status/REGION: one region
/overview what is seen at a glance, and the last events, as JSON
/events   the same as it happens: server-sent events
/atlas    where each country's clients go: /atlas?name=NAME
/map.svg  the same as a picture: /map.svg?name=NAME
/metrics  counters for Prometheus
/explain  why a client gets its answer: /explain?name=NAME&client=ADDRESS&type=A
/simulate what if regions were lost: /simulate?lose=REGION,REGION&load=1.4 or /simulate?each=true
/history  what people have done and what came of drills: /history?limit=100&kind=drill, or &all=true
/intents  what operators want; POST one, DELETE /intents/NUMBER lifts it
/intents/NUMBER/receipt  when the last client may be gone from where it sends clients away
/proposals/NUMBER/approve  POST: lets the machine do what it advises
/failback/REGION  POST: lets a region back that is held or quarantined
";

/// What Prometheus' client library writes.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What a handler reads.
type Read = extract::State<Arc<State>>;

/// Returns the handler of every path.
pub(super) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/", get(front))
        .route("/page/{file}", get(page_file))
        .route("/healthz", get("ok\n"))
        .route("/status", get(status))
        .route("/status/{region}", get(region))
        .route("/overview", get(overview))
        .route("/events", get(events))
        .route("/atlas", get(atlas))
        .route("/map.svg", get(map))
        .route("/metrics", get(metrics))
        .route("/explain", get(explain))
        .route("/simulate", get(what_if))
        .route("/history", get(history))
        .route("/intents", get(changes::list).post(changes::intend))
        .route("/intents/{number}", delete(changes::lift).fallback(not_allowed_change))
        .route("/intents/{number}/receipt", get(receipt::show))
        .route("/proposals/{number}/approve", post(changes::approve).fallback(not_allowed_change))
        .route("/failback/{region}", post(changes::fail_back).fallback(not_allowed_change))
        .layer(extract::DefaultBodyLimit::max(changes::MAX_BODY))
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .layer(middleware::from_fn_with_state(Arc::clone(&state), access::admit))
        .with_state(state)
}

async fn not_found(uri: Uri) -> Response {
    let path = uri.path();
    (StatusCode::NOT_FOUND, format!("there is no {path} here, only:\n{PATHS}")).into_response()
}

async fn not_allowed() -> Response {
    let allow = [(header::ALLOW, "GET, HEAD")];
    (StatusCode::METHOD_NOT_ALLOWED, allow, "only GET and HEAD are answered\n").into_response()
}

async fn not_allowed_change(uri: Uri) -> Response {
    let method = if uri.path().starts_with("/intents") { "DELETE" } else { "POST" };
    let allow = [(header::ALLOW, method)];
    (StatusCode::METHOD_NOT_ALLOWED, allow, format!("only {method} is answered here\n")).into_response()
}

async fn front(headers: HeaderMap) -> Response {
    match page::is_browser(&headers) {
        true => page::file(page::DOCUMENT),
        false => ([(header::VARY, "accept")], PATHS).into_response(),
    }
}

async fn page_file(uri: Uri) -> Response {
    match page::FILES.iter().find(|file| file.path == uri.path()) {
        Some(file) => page::file(*file),
        None => not_found(uri).await,
    }
}

async fn region(extract::State(state): Read, extract::Path(name): extract::Path<String>) -> Response {
    render(move || match status::region(&state, &name) {
        Some(region) => json(&region),
        None => (StatusCode::NOT_FOUND, format!("no region is called `{name}`\n")).into_response(),
    })
    .await
}

async fn overview(extract::State(state): Read) -> Response {
    render(move || json(&overview::page(&state))).await
}

/// Starts a stream, on a connection that stays from then on.
async fn events(
    extract::State(state): Read,
    Extension(stay): Extension<Stay>,
    headers: HeaderMap,
) -> Response {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    render(move || {
        let Some((stream, feed)) = state.live.watch(&state, last.unwrap_or(0)) else {
            let sentence = format!("{MAX_STREAMS} watch already; look at /overview instead\n");
            return (StatusCode::SERVICE_UNAVAILABLE, sentence).into_response();
        };
        stay.with(feed);
        let kind = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
        (kind, Body::new(stream)).into_response()
    })
    .await
}

async fn atlas(
    extract::State(state): Read,
    query: Result<extract::Query<atlas::Parameters>, QueryRejection>,
) -> Response {
    of_name(query, move |parameters| Ok(compact(&atlas::page(&state, parameters)?))).await
}

async fn map(
    extract::State(state): Read,
    query: Result<extract::Query<atlas::Parameters>, QueryRejection>,
) -> Response {
    of_name(query, move |parameters| Ok(page::picture(atlas::picture(&state, parameters)?))).await
}

/// Makes a page about the steered name that is asked for.
async fn of_name(
    query: Result<extract::Query<atlas::Parameters>, QueryRejection>,
    make: impl FnOnce(&atlas::Parameters) -> Result<Response, atlas::NotSteered> + Send + 'static,
) -> Response {
    let refuse = |sentence: String| (StatusCode::BAD_REQUEST, sentence + "\n").into_response();
    match query {
        Ok(extract::Query(parameters)) => {
            render(move || make(&parameters).unwrap_or_else(|error| refuse(error.to_string()))).await
        }
        Err(rejection) => refuse(rejection.body_text()),
    }
}

async fn status(extract::State(state): Read) -> Response {
    render(move || json(&status::page(&state))).await
}

async fn metrics(extract::State(state): Read) -> Response {
    render(move || text(OPEN_METRICS, state.metrics.render())).await
}

async fn explain(
    extract::State(state): Read,
    headers: HeaderMap,
    query: Result<extract::Query<Parameters>, QueryRejection>,
) -> Response {
    let asked = match query {
        Ok(extract::Query(parameters)) => parameters.parse(&headers),
        Err(rejection) => Err(explain::usage(&rejection.body_text())),
    };
    let (inquiry, format) = match asked {
        Ok(asked) => asked,
        Err(sentence) => return (StatusCode::BAD_REQUEST, sentence + "\n").into_response(),
    };
    let turn = Arc::clone(&state.explaining).acquire_owned().await;
    render(move || {
        let _turn = turn.expect("the semaphore is never closed");
        let explanation = explain::explain(&state, &inquiry);
        match format {
            Format::Json => json(&explanation),
            Format::Text => text("text/plain; charset=utf-8", explanation.to_string()),
        }
    })
    .await
}

async fn history(
    extract::State(state): Read,
    query: Result<extract::Query<history::Parameters>, QueryRejection>,
) -> Response {
    let refuse = |sentence: String| (StatusCode::BAD_REQUEST, sentence + "\n").into_response();
    match query {
        Ok(extract::Query(parameters)) => {
            render(move || history::page(&state, &parameters).map_or_else(refuse, |page| json(&page))).await
        }
        Err(rejection) => refuse(rejection.body_text()),
    }
}

async fn what_if(
    extract::State(state): Read,
    headers: HeaderMap,
    query: Result<extract::Query<simulate::Parameters>, QueryRejection>,
) -> Response {
    let asked = match query {
        Ok(extract::Query(parameters)) => parameters.check(&headers).map(|format| (parameters, format)),
        Err(rejection) => Err(simulate::usage(&rejection.body_text())),
    };
    let (parameters, format) = match asked {
        Ok(asked) => asked,
        Err(sentence) => return (StatusCode::BAD_REQUEST, sentence + "\n").into_response(),
    };
    let turn = Arc::clone(&state.simulating).acquire_owned().await;
    render(move || {
        let _turn = turn.expect("the semaphore is never closed");
        match (simulate::simulate(&state, &parameters), format) {
            (Ok(outcome), Format::Json) => json(&outcome),
            (Ok(outcome), Format::Text) => text("text/plain; charset=utf-8", outcome.to_string()),
            (Err(sentence), _) => (StatusCode::NOT_FOUND, sentence + "\n").into_response(),
        }
    })
    .await
}

/// Makes a page on a thread of its own.
async fn render(make: impl FnOnce() -> Response + Send + 'static) -> Response {
    let made = tokio::task::spawn_blocking(make).await;
    made.unwrap_or_else(|error| {
        tracing::error!(%error, "an admin page cannot be made");
        let sentence = "this page cannot be made, which is a mistake of the server's; its log has more\n";
        (StatusCode::INTERNAL_SERVER_ERROR, sentence).into_response()
    })
}

/// Returns a value as JSON, indented, since people read it, too.
fn json(value: &impl serde::Serialize) -> Response {
    let lines = serde_json::to_string_pretty(value).expect("pages have names as keys and no other maps");
    text("application/json", lines + "\n")
}

/// Returns a value as JSON on one line, since browsers ask for it often.
fn compact(value: &impl serde::Serialize) -> Response {
    let line = serde_json::to_string(value).expect("pages have names as keys and no other maps");
    text("application/json", line + "\n")
}

/// Returns a page that nobody may keep: it is about now.
fn text(kind: &'static str, body: String) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], body).into_response()
}
