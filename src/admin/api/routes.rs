//! Every route of the admin API. The server binds each to a handler, the CLI asks by them, and the list of paths at `/`
//! and the OpenAPI document are printed from them.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::route::{ApiRoute, Method, NoParameters, TEXT, number};
use super::*;
use crate::inspect::Explanation;
use crate::intent::MAX_AUTHOR;
use crate::metrics::Exposition;

/// A file of the page.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct FileName {
    /// Name of the file
    #[schemars(length(min = 1, max = 255), example = "style.css")]
    pub(crate) file: String,
}

pub(crate) const FRONT: ApiRoute<NoParameters, (), String> = ApiRoute::text(
    "/",
    "Show the page to browsers, and this list to others",
    &["text/html; charset=utf-8", TEXT],
)
.open();

pub(crate) const FILE: ApiRoute<FileName, (), String> = ApiRoute::text(
    "/ui/{file}",
    "Load a part of the page",
    &["text/css; charset=utf-8", "text/javascript; charset=utf-8"],
)
.open()
.refuses(&[404]);

/// A page of the documentation.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct DocsPageName {
    /// Name of the page
    #[schemars(length(min = 1, max = 255), example = &"concepts")]
    pub(crate) page: String,
}

pub(crate) const DOCS: ApiRoute<NoParameters, (), String> = ApiRoute::text(
    "/docs",
    "List the pages of the documentation, as HTML to browsers",
    &["text/html; charset=utf-8", TEXT],
)
.open();

pub(crate) const DOCS_PAGE: ApiRoute<DocsPageName, (), String> = ApiRoute::text(
    "/docs/{page}",
    "Show a page of the documentation, as HTML to browsers and else in Markdown",
    &["text/html; charset=utf-8", "text/markdown; charset=utf-8"],
)
.open()
.refuses(&[404]);

pub(crate) const HEALTH: ApiRoute<NoParameters, (), String> =
    ApiRoute::text("/healthz", "Answer `ok` while a snapshot is served", &[TEXT]).open();

pub(crate) const OPENAPI: ApiRoute<NoParameters, (), Map<String, Value>> =
    ApiRoute::get("/openapi.json", "Describe all of this for programs, as OpenAPI 3.1");

pub(crate) const CALLER: ApiRoute<NoParameters, (), CallerIdentity> =
    ApiRoute::get("/whoami", "Show the caller's name and role");

pub(crate) const STATUS: ApiRoute<NoParameters, (), InstanceStatus> =
    ApiRoute::get("/status", "Show zones, database, configuration, alarms, regions and addresses");

pub(crate) const REGION: ApiRoute<RegionName, (), RegionStatus> =
    ApiRoute::get("/status/{region}", "Show the same of one region").refuses(&[404]);

pub(crate) const OVERVIEW: ApiRoute<NoParameters, (), OverviewWithEvents> =
    ApiRoute::get("/overview", "Show everything at a glance, and the last events");

pub(crate) const EVENTS: ApiRoute<NoParameters, (), String> =
    ApiRoute::text("/events", "Stream the same as it happens: server-sent events", &["text/event-stream"])
        .header("Last-Event-ID", "The last event that was received", number)
        .refuses(&[503]);

/// The media type of lines of JSON.
pub(crate) const LINES: &str = "application/x-ndjson";

pub(crate) const PEER_STREAM: ApiRoute<NoParameters, (), String> = ApiRoute::text(
    "/peers/stream",
    "Tell another instance what this one sees, for as long as it listens",
    &[LINES],
)
.open()
.header("Meridian-Peer", "Name of the instance that asks", instance)
.refuses(&[401, 403, 404, 409, 429]);

pub(crate) const ATLAS: ApiRoute<SteeredNameQuery, (), CountryAtlas> =
    ApiRoute::get("/atlas", "Show where the clients of each country go").example("name=api.example.com");

pub(crate) const MAP: ApiRoute<SteeredNameQuery, (), String> =
    ApiRoute::text("/map.svg", "Draw the same", &["image/svg+xml"]).example("name=api.example.com");

pub(crate) const METRICS: ApiRoute<NoParameters, (), String> =
    ApiRoute::text("/metrics", "Print the counters for Prometheus", &Exposition::MEDIA_TYPES);

pub(crate) const EXPLAIN: ApiRoute<ExplainQuery, (), Explanation> =
    ApiRoute::get("/explain", "Explain why a client gets its answer")
        .or_text(&[TEXT])
        .example("name=api.example.com&client=192.0.2.1&type=A");

pub(crate) const SIMULATE: ApiRoute<SimulateQuery, (), LossSimulation> =
    ApiRoute::get("/simulate", "Simulate the loss of regions, or with `each=true` of every region and pair")
        .or_text(&[TEXT])
        .example("lose=tokyo,osaka&load=1.4")
        .refuses(&[404]);

pub(crate) const AVAILABILITY: ApiRoute<AvailabilityQuery, (), AvailabilityTable> =
    ApiRoute::get("/availability", "Show the measured availability").example("days=30");

pub(crate) const HISTORY: ApiRoute<HistoryQuery, (), EventsAndDrills> =
    ApiRoute::get("/history", "Show what operators did, what came of drills, and the generations")
        .example("limit=100&kind=drill");

pub(crate) const TRENDS: ApiRoute<NoParameters, (), TrendList> =
    ApiRoute::get("/trends", "Show the last hour of every region: queries, share, p95, load");

pub(crate) const INTENTS: ApiRoute<NoParameters, (), IntentList> =
    ApiRoute::get("/intents", "Show the intents in force and the open proposals");

pub(crate) const INTEND: ApiRoute<NoParameters, IntentRequest, ChangeReply> =
    ApiRoute::change(Method::Post, "/intents", "Make an intent, or forecast it", &[200, 201])
        .with_body()
        .refuses(&[404, 409]);

pub(crate) const LIFT: ApiRoute<LiftQuery, (), ChangeReply> =
    ApiRoute::change(Method::Delete, "/intents/{number}", "Lift an intent", &[200])
        .example("at_once=true")
        .refuses(&[404]);

pub(crate) const DRAIN_STATUS: ApiRoute<IntentNumber, (), DrainStatus> =
    ApiRoute::get("/intents/{number}/drain-status", "Show when the last client may be gone")
        .refuses(&[404, 409]);

pub(crate) const APPROVE: ApiRoute<ProposalNumber, Approval, ChangeReply> =
    ApiRoute::change(Method::Post, "/proposals/{number}/approve", "Carry out a proposal", &[200, 201])
        .with_body()
        .refuses(&[404, 409]);

pub(crate) const FAIL_BACK: ApiRoute<RegionName, (), ChangeReply> =
    ApiRoute::change(Method::Post, "/failback/{region}", "Let a held or quarantined region back", &[200])
        .refuses(&[404, 409]);

pub(crate) const ROLL_BACK: ApiRoute<GenerationNumber, (), ChangeReply> = ApiRoute::change(
    Method::Post,
    "/generations/{number}/rollback",
    "Make a new generation of an older one",
    &[200],
)
.refuses(&[404, 409]);

/// The schema of the name of an instance.
fn instance(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({ "type": "string", "minLength": 1, "maxLength": 63 })
}

/// The header in which callers name the author of a change.
pub(crate) fn author(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({
        "type": "string", "minLength": 1, "maxLength": MAX_AUTHOR, "pattern": "^[!-~]([ -~]*[!-~])?$",
    })
}
