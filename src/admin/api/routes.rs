//! Every route of the admin API. The server binds each to a handler, the CLI asks by them, and the list of paths at `/`
//! and the OpenAPI document are printed from them.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::route::{Method, NoParameters, Route, TEXT, number};
use super::*;
use crate::inspect::Explanation;

/// The media type of Prometheus' client library.
pub(crate) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A file of the page.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct FileName {
    /// Name of the file
    #[schemars(length(min = 1, max = 255), example = "style.css")]
    pub(crate) file: String,
}

pub(crate) const FRONT: Route<NoParameters, (), String> = Route::text(
    "/",
    "Show the page to browsers, and this list to others",
    &["text/html; charset=utf-8", TEXT],
)
.open();

pub(crate) const FILE: Route<FileName, (), String> = Route::text(
    "/ui/{file}",
    "Load a part of the page",
    &["text/css; charset=utf-8", "text/javascript; charset=utf-8"],
)
.open()
.refuses(&[404]);

pub(crate) const HEALTH: Route<NoParameters, (), String> =
    Route::text("/healthz", "Answer `ok` while a snapshot is served", &[TEXT]).open();

pub(crate) const OPENAPI: Route<NoParameters, (), Map<String, Value>> =
    Route::get("/openapi.json", "Describe all of this for programs, as OpenAPI 3.1");

pub(crate) const CALLER: Route<NoParameters, (), CallerIdentity> =
    Route::get("/whoami", "Show the caller's name and role");

pub(crate) const STATUS: Route<NoParameters, (), InstanceStatus> =
    Route::get("/status", "Show zones, database, configuration, alarms, regions and addresses");

pub(crate) const REGION: Route<RegionName, (), RegionStatus> =
    Route::get("/status/{region}", "Show the same of one region").refuses(&[404]);

pub(crate) const OVERVIEW: Route<NoParameters, (), OverviewWithEvents> =
    Route::get("/overview", "Show everything at a glance, and the last events");

pub(crate) const EVENTS: Route<NoParameters, (), String> =
    Route::text("/events", "Stream the same as it happens: server-sent events", &["text/event-stream"])
        .header("Last-Event-ID", "The last event that was received", number)
        .refuses(&[503]);

pub(crate) const ATLAS: Route<SteeredNameQuery, (), CountryAtlas> =
    Route::get("/atlas", "Show where the clients of each country go").example("name=api.example.com");

pub(crate) const MAP: Route<SteeredNameQuery, (), String> =
    Route::text("/map.svg", "Draw the same", &["image/svg+xml"]).example("name=api.example.com");

pub(crate) const METRICS: Route<NoParameters, (), String> =
    Route::text("/metrics", "Print the counters for Prometheus", &[OPEN_METRICS]);

pub(crate) const EXPLAIN: Route<ExplainQuery, (), Explanation> =
    Route::get("/explain", "Explain why a client gets its answer")
        .or_text(&[TEXT])
        .example("name=api.example.com&client=192.0.2.1&type=A");

pub(crate) const SIMULATE: Route<SimulateQuery, (), Simulation> =
    Route::get("/simulate", "Simulate the loss of regions, or with `each=true` of every region and pair")
        .or_text(&[TEXT])
        .example("lose=tokyo,osaka&load=1.4")
        .refuses(&[404]);

pub(crate) const AVAILABILITY: Route<AvailabilityQuery, (), AvailabilityTable> =
    Route::get("/availability", "Show the measured availability").example("days=30");

pub(crate) const HISTORY: Route<HistoryQuery, (), EventsAndDrills> =
    Route::get("/history", "Show what operators did and what came of drills").example("limit=100&kind=drill");

pub(crate) const INTENTS: Route<NoParameters, (), IntentList> =
    Route::get("/intents", "Show the intents in force and the open proposals");

pub(crate) const INTEND: Route<NoParameters, IntentRequest, ChangeReply> =
    Route::change(Method::Post, "/intents", "Make an intent, or forecast it", &[200, 201])
        .with_body()
        .refuses(&[404, 409]);

pub(crate) const LIFT: Route<LiftQuery, (), ChangeReply> =
    Route::change(Method::Delete, "/intents/{number}", "Lift an intent", &[200])
        .example("at_once=true")
        .refuses(&[404]);

pub(crate) const DRAIN_STATUS: Route<IntentNumber, (), DrainStatus> =
    Route::get("/intents/{number}/drain-status", "Show when the last client may be gone")
        .refuses(&[404, 409]);

pub(crate) const APPROVE: Route<ProposalNumber, Approval, ChangeReply> =
    Route::change(Method::Post, "/proposals/{number}/approve", "Carry out a proposal", &[200, 201])
        .with_body()
        .refuses(&[404, 409]);

pub(crate) const FAIL_BACK: Route<RegionName, (), ChangeReply> =
    Route::change(Method::Post, "/failback/{region}", "Let a held or quarantined region back", &[200])
        .refuses(&[404, 409]);

/// The header in which callers name the author of a change.
pub(crate) fn author(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({
        "type": "string", "minLength": 1, "maxLength": caller::MAX_AUTHOR, "pattern": "^[!-~]([ -~]*[!-~])?$",
    })
}
