//! The paths, and what each of them answers.
//!
//! The body of a request is never read. Rendering a page may take milliseconds with thousands of
//! addresses, so it happens on threads that answer no queries; `/healthz` alone needs none.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::extract::{self, rejection::QueryRejection};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post};
use axum::{Extension, Router, middleware};

use super::access::{self, Caller};
use super::explain::{self, Format, Parameters};
use super::listen::Stay;
use super::openapi::{self, Operation};
use super::stream::MAX_STREAMS;
use super::{
    State, atlas, availability, drain_status, history, intents, overview, simulate, status, ui, whoami,
};
use crate::inspect::Explanation;
use crate::inspect::what_if::MAX_LOAD;

/// What Prometheus' client library writes.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What a handler reads.
type Read = extract::State<Arc<State>>;

/// The longest name of a region or a file, and the longest text of a client: far more than any has.
const MAX_WORD: usize = 255;

/// The longest list of regions.
const MAX_LIST: usize = 1000;

/// The name that examples are about.
const EXAMPLE: &str = "api.example.com";

/// Returns every path, who answers there, and what: the router and `/openapi.json` are made of it.
pub(super) fn operations() -> Vec<Operation> {
    [pages(), facts(), reasons(), orders()].into_iter().flatten().collect()
}

/// Returns what a browser loads, and what says that the server lives.
fn pages() -> Vec<Operation> {
    vec![
        Operation::get("/", "for browsers: a map, the regions, and what happens, live", get(front))
            .open()
            .shows("text/html; charset=utf-8")
            .shows("text/plain; charset=utf-8"),
        Operation::get("/ui/{file}", "what the page loads", get(page_file))
            .path("file", "its name", openapi::example(MAX_WORD, "style.css"))
            .open()
            .shows("text/css; charset=utf-8")
            .shows("text/javascript; charset=utf-8")
            .fails(&[404]),
        Operation::get("/healthz", "`ok` while a snapshot is served", get("ok\n"))
            .open()
            .shows("text/plain; charset=utf-8"),
        Operation::get("/openapi.json", "all of this, for programs: OpenAPI 3.1", get(description))
            .answers::<serde_json::Map<String, serde_json::Value>>(200),
        Operation::get("/whoami", "who asks, and whether they may operate", get(who_am_i))
            .answers::<whoami::WhoAmI>(200),
    ]
}

/// Returns what is known of the state of things.
fn facts() -> Vec<Operation> {
    let name = || openapi::name(EXAMPLE);
    let help = "the steered name; left out: the first";
    let last = serde_json::json!({ "type": "integer", "format": "uint64", "minimum": 0 });
    vec![
        Operation::get(
            "/status",
            "zones, database, configuration, alarms, regions and addresses, as JSON",
            get(status),
        )
        .answers::<status::Page>(200),
        Operation::get("/status/{region}", "the same of one region", get(region))
            .path("region", "its name", openapi::example(MAX_WORD, "tokyo"))
            .answers::<status::Region>(200)
            .fails(&[404]),
        Operation::get("/overview", "what is seen at a glance, and the last events, as JSON", get(overview))
            .answers::<overview::Page>(200),
        Operation::get("/events", "the same as it happens: server-sent events", get(events))
            .header("Last-Event-ID", "the last event that was received", last)
            .shows("text/event-stream")
            .fails(&[503]),
        Operation::get("/atlas", "where each country's clients go: /atlas?name=NAME", get(atlas))
            .query("name", help, name())
            .answers::<atlas::Page>(200)
            .fails(&[400]),
        Operation::get("/map.svg", "the same as a picture: /map.svg?name=NAME", get(map))
            .query("name", help, name())
            .shows("image/svg+xml")
            .fails(&[400]),
        Operation::get("/metrics", "counters for Prometheus", get(metrics)).shows(OPEN_METRICS),
    ]
}

/// Returns what is worked out when somebody asks.
fn reasons() -> Vec<Operation> {
    let format = || openapi::word(&["json", "text"]);
    let form = "the form of the answer; left out: what `Accept` says";
    let load =
        serde_json::json!({ "type": "number", "exclusiveMinimum": 0, "maximum": MAX_LOAD, "default": 1 });
    let days = serde_json::json!({
        "type": "integer", "minimum": 1, "maximum": crate::availability::log::DAYS, "default": 30
    });
    let limit = serde_json::json!({
        "type": "integer", "minimum": 1, "maximum": history::MOST, "default": 100
    });
    vec![
        Operation::get(
            "/explain",
            "why a client gets its answer: /explain?name=NAME&client=ADDRESS&type=A",
            get(explain),
        )
        .required_query("name", "the name that it asks for", openapi::name(EXAMPLE))
        .required_query("client", "its address or network", openapi::example(MAX_WORD, "133.11.0.0/24"))
        .query("type", "the type of record; left out: A", openapi::example(MAX_WORD, "AAAA"))
        .query("format", form, format())
        .answers::<Explanation>(200)
        .shows("text/plain; charset=utf-8")
        .fails(&[400]),
        Operation::get(
            "/simulate",
            "what if regions were lost: /simulate?lose=REGION,REGION&load=1.4 or /simulate?each=true",
            get(what_if),
        )
        .query(
            "lose",
            "the regions and zones that are lost, between commas",
            openapi::example(MAX_LIST, "tokyo,osaka/osaka-a"),
        )
        .query(
            "each",
            "whether each region and each pair is tried instead",
            serde_json::json!({ "type": "boolean" }),
        )
        .query("load", "what the demand is multiplied by", load)
        .query("format", form, format())
        .answers::<simulate::Outcome>(200)
        .shows("text/plain; charset=utf-8")
        .fails(&[400, 404]),
        Operation::get(
            "/availability",
            "for how long everything was up: /availability?days=30",
            get(availability),
        )
        .query("days", "how many days back", days)
        .answers::<availability::Page>(200)
        .fails(&[400]),
        Operation::get(
            "/history",
            "what people have done and what came of drills: /history?limit=100&kind=drill, or &all=true",
            get(history),
        )
        .query("limit", "how many events, and how many drills, at most", limit)
        .query("kind", "events of this kind only", openapi::example(MAX_WORD, "drill"))
        .query(
            "all",
            "whether what nobody did is told as well",
            serde_json::json!({ "type": "boolean", "default": false }),
        )
        .answers::<history::History>(200)
        .fails(&[400]),
    ]
}

/// Returns what operators ask for.
fn orders() -> Vec<Operation> {
    let number = || serde_json::json!({ "type": "integer", "format": "uint64", "minimum": 0 });
    let at_once = serde_json::json!({ "type": "boolean", "default": false });
    vec![
        Operation::get("/intents", "what operators want", get(intents::list))
            .answers::<intents::Intents>(200),
        Operation::post("/intents", "takes an intent, or says what it would do", post(intents::intend))
            .takes::<intents::Wanted>()
            .answers::<intents::Told>(200)
            .answers::<intents::Told>(201)
            .refuses(&[404, 409]),
        Operation::delete("/intents/{number}", "lifts an intent", delete(intents::lift))
            .path("number", "its number", number())
            .query("at_once", "whether its clients come back at once, and not step by step", at_once)
            .answers::<intents::Told>(200)
            .refuses(&[404]),
        Operation::get(
            "/intents/{number}/receipt",
            "when the last client may be gone from where it sends clients away",
            get(drain_status::show),
        )
        .path("number", "its number", number())
        .answers::<drain_status::Receipt>(200)
        .refuses(&[400, 404, 409]),
        Operation::post(
            "/proposals/{number}/approve",
            "lets the machine do what it advises",
            post(intents::approve),
        )
        .path("number", "the number of the proposal", number())
        .takes::<intents::Because>()
        .answers::<intents::Told>(200)
        .answers::<intents::Told>(201)
        .refuses(&[404, 409]),
        Operation::post(
            "/failback/{region}",
            "lets a region back that is held or quarantined",
            post(intents::fail_back),
        )
        .path("region", "its name", openapi::example(MAX_WORD, "tokyo"))
        .answers::<intents::Told>(200)
        .refuses(&[404, 409]),
    ]
}

/// The paths, for those who ask for another.
static PATHS: LazyLock<String> = LazyLock::new(|| {
    let operations = operations();
    let longest = operations.iter().map(|operation| operation.path.len()).max().unwrap_or_default();
    let line =
        |Operation { method, path, help, .. }: &Operation| format!("{method:<6} {path:<longest$} {help}\n");
    operations.iter().map(line).collect()
});

/// What `/openapi.json` answers.
static DESCRIPTION: LazyLock<String> = LazyLock::new(|| {
    let document = openapi::document(&operations());
    serde_json::to_string_pretty(&document).expect("it is JSON already") + "\n"
});

/// Returns the handler of every path.
pub(super) fn router(state: Arc<State>) -> Router {
    let mut paths: BTreeMap<&str, (MethodRouter<Arc<State>>, Vec<&str>)> = BTreeMap::new();
    for Operation { path, method, handler, .. } in operations() {
        let (handlers, methods) = paths.remove(path).unwrap_or_default();
        let answered = if method == "GET" { &["GET", "HEAD"][..] } else { std::slice::from_ref(&method) };
        paths.insert(path, (handlers.merge(handler), [&methods, answered].concat()));
    }
    let router = paths.into_iter().fold(Router::new(), |router, (path, (handlers, methods))| {
        router.route(path, handlers.fallback(move || not_allowed(methods)))
    });
    router
        .layer(extract::DefaultBodyLimit::max(intents::MAX_BODY))
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(Arc::clone(&state), access::admit))
        .with_state(state)
}

async fn not_found(uri: Uri) -> Response {
    let path = uri.path();
    (StatusCode::NOT_FOUND, format!("there is no {path} here, only:\n{}", *PATHS)).into_response()
}

/// Refuses a method; axum adds the header that lists the others.
async fn not_allowed(methods: Vec<&str>) -> Response {
    let sentence = match &*methods {
        [method] => format!("only {method} is answered here\n"),
        methods => format!("only {} are answered here\n", methods.join(", ")),
    };
    (StatusCode::METHOD_NOT_ALLOWED, sentence).into_response()
}

async fn description() -> Response {
    text("application/json", DESCRIPTION.clone())
}

async fn who_am_i(caller: Extension<Caller>) -> Response {
    json(&whoami::of(&caller))
}

async fn front(headers: HeaderMap) -> Response {
    match ui::is_browser(&headers) {
        true => ui::file(ui::DOCUMENT),
        false => ([(header::VARY, "accept")], PATHS.as_str()).into_response(),
    }
}

async fn page_file(uri: Uri) -> Response {
    match ui::FILES.iter().find(|file| file.path == uri.path()) {
        Some(file) => ui::file(*file),
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
    of_name(query, move |parameters| Ok(ui::picture(atlas::picture(&state, parameters)?))).await
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

async fn availability(
    extract::State(state): Read,
    query: Result<extract::Query<availability::Parameters>, QueryRejection>,
) -> Response {
    let days = match query {
        Ok(extract::Query(parameters)) => parameters.check(),
        Err(rejection) => Err(availability::usage(&rejection.body_text())),
    };
    match days {
        Ok(days) => render(move || json(&availability::page(&state, days))).await,
        Err(sentence) => (StatusCode::BAD_REQUEST, sentence + "\n").into_response(),
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
