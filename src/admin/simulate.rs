//! Answers `/simulate`: what would happen if regions were lost, by the demand that the server knows.
//!
//! It is worked out of the last report of the writer, on a thread that neither writes nor answers queries.

use super::api::{ApiError, LossSimulation, SimulateQuery};
use super::state::AdminState;
use crate::inspect::what_if::{Loss, MAX_LOAD, Present};

/// Simulates a loss. It may take seconds.
pub(super) fn simulate(state: &AdminState, query: SimulateQuery) -> Result<LossSimulation, ApiError> {
    let SimulateQuery { lose, each, load, .. } = query;
    if lose.is_some() == each {
        return Err(ApiError::bad_request("say either `lose` or `each=true`"));
    }
    if !(load > 0.0 && load <= MAX_LOAD) {
        return Err(ApiError::bad_request(format!("`load` is a factor above 0 and up to {MAX_LOAD}")));
    }
    let published = state.published.load_full();
    let snapshot = &published.snapshot;
    let present = Present {
        base: &snapshot.base,
        view: &snapshot.health,
        outlook: &published.report.outlook,
        at: (state.sources.now)(),
    };
    let Some(lost) = lose else { return Ok(LossSimulation::Survey(present.survey(load))) };
    let loss = Loss::parse(&lost, &snapshot.base.config.regions);
    let loss = loss.map_err(|error| ApiError::not_found(error.to_string()))?;
    Ok(LossSimulation::WhatIf(present.lose(&loss, load)))
}
