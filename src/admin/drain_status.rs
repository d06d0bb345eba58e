//! `/intents/NUMBER/receipt`: when the last client may be gone from where an intent sends clients away.

use std::sync::Arc;

use axum::Json;
use axum::extract;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::State;
use super::intents::Refused;
use super::status::rfc3339;
use crate::control;
use crate::metrics::Asked;
use crate::moment::Moment;

/// How far an intent is that sends clients away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    /// The number of the intent.
    pub intent: u64,
    /// The region that clients are sent away from.
    pub region: String,
    /// The availability zone; `null`: all of the region.
    pub zone: Option<String>,
    /// The last moment at which a resolver may lawfully hold one of its addresses; `null`: they are given out.
    #[schemars(extend("format" = "date-time"))]
    pub last_lawful: Option<String>,
    /// How far away that is; 0 when it has passed.
    pub seconds_left: Option<f64>,
    /// Whether any of its addresses is still in an answer.
    pub still_given_out: bool,
    /// Those that steered names answer with.
    pub given_out: Vec<String>,
    /// The static names that hold one.
    pub static_names: Vec<String>,
    /// The load that it reports; `null`: none.
    pub load: Option<f64>,
    /// How much of the load is gone that it reported when the intent was made, 0 to 1; `null`: that is not known.
    pub moved_share: Option<f64>,
    /// The resolvers that got one of its addresses since the intent is in force, or since the server was started.
    pub resolvers: Resolvers,
    /// Whether its clients are on their way back: nobody waits for the last one any more.
    pub is_returning: bool,
    /// Whether everybody is gone.
    pub is_over: bool,
    /// Why it is over, or is not.
    pub why: String,
}

/// The resolvers that still get an address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resolvers {
    /// How many there are.
    pub count: usize,
    /// Whether there are more, which are not told apart.
    pub is_more: bool,
    /// The busiest.
    pub sample: Vec<Resolver>,
}

/// A resolver that still gets an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resolver {
    /// Its address, or its /64.
    pub resolver: String,
    /// How many answers with an address it got.
    pub answers: u64,
}

/// Answers `GET /intents/NUMBER/receipt`.
pub(super) async fn show(
    extract::State(state): extract::State<Arc<State>>,
    extract::Path(number): extract::Path<String>,
) -> Response {
    match find(&state, &number) {
        Ok(receipt) => (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")], Json(receipt)).into_response(),
        Err((status, error)) => {
            let refused = Refused { error, violations: Vec::new(), prediction: None };
            (status, [(header::CACHE_CONTROL, "no-store")], Json(refused)).into_response()
        }
    }
}

fn find(state: &State, text: &str) -> Result<Receipt, (StatusCode, String)> {
    let wrong = |_| (StatusCode::BAD_REQUEST, format!("`{text}` is not the number of an intent"));
    let number: u64 = text.parse().map_err(wrong)?;
    let seen = state.seen.load();
    let report = &seen.report;
    if let Some(receipt) = report.receipts.iter().find(|receipt| receipt.intent == number) {
        let asked = state.metrics.asked(&receipt.region);
        return Ok(Receipt::of(receipt, asked, (state.sources.now)()));
    }
    let intent = report.intents.iter().find(|intent| intent.number == number);
    Err(match intent {
        Some(intent) => (
            StatusCode::CONFLICT,
            format!(
                "intent {number} (`{}`) sends no clients away, so nobody has to be gone",
                intent.request.action
            ),
        ),
        None => (
            StatusCode::NOT_FOUND,
            format!(
                "no intent {number} is in force: it never was, or it was lifted or is over; /intents has those that are"
            ),
        ),
    })
}

impl Receipt {
    fn of(receipt: &control::Receipt, asked: Option<Asked>, now: Moment) -> Self {
        Self {
            intent: receipt.intent,
            region: receipt.region.clone(),
            zone: receipt.zone.clone(),
            last_lawful: receipt.last_lawful.map(rfc3339),
            seconds_left: receipt.last_lawful.map(|last| last.since(now).as_secs_f64()),
            still_given_out: receipt.last_lawful.is_none(),
            given_out: receipt.given_out.iter().map(ToString::to_string).collect(),
            static_names: receipt.static_names.clone(),
            load: receipt.load,
            moved_share: receipt.moved(),
            resolvers: asked.map(Resolvers::of).unwrap_or_default(),
            is_returning: receipt.is_returning,
            is_over: receipt.is_over(now),
            why: receipt.why(now),
        }
    }
}

impl Resolvers {
    fn of(asked: Asked) -> Self {
        let told = |(ip, answers): (std::net::IpAddr, u64)| Resolver {
            resolver: if ip.is_ipv4() { ip.to_string() } else { format!("{ip}/64") },
            answers,
        };
        Self {
            count: asked.count,
            is_more: asked.is_more,
            sample: asked.busiest.into_iter().map(told).collect(),
        }
    }
}
