//! What `/simulate` is asked: what would happen if regions were lost, by the demand that the server knows.
//!
//! It is worked out of what the writer last reported, on a thread that neither writes nor answers queries.

use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::State;
use super::explain::{Format, preferred};
use crate::inspect::what_if::{Loss, MAX_LOAD, Present, Survey, WhatIf};

/// The parameters, as they stand in the URL.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    lose: Option<String>,
    #[serde(default)]
    each: bool,
    #[serde(default = "unchanged")]
    load: f64,
    format: Option<Format>,
}

fn unchanged() -> f64 {
    1.0
}

/// What would happen.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Simulation")]
pub(super) enum Outcome {
    /// If these were lost together.
    WhatIf(WhatIf),
    /// If each region and each pair were.
    Survey(Survey),
}

impl Parameters {
    /// Returns the form of the answer, or a sentence that says what to write.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<Format, String> {
        if self.lose.is_some() == self.each {
            return Err(usage("say either `lose` or `each=true`"));
        }
        if !(self.load > 0.0 && self.load <= MAX_LOAD) {
            return Err(usage(&format!("`load` is a factor above 0 and up to {MAX_LOAD}")));
        }
        Ok(self.format.unwrap_or_else(|| preferred(headers)))
    }
}

/// Completes what is wrong with how it would be right.
pub(super) fn usage(wrong: &str) -> String {
    format!("{wrong}; write /simulate?lose=tokyo,osaka&load=1.4 or /simulate?each=true")
}

/// Works it out; the error is a sentence about a region that is not there. It may take seconds.
pub(super) fn simulate(state: &State, parameters: &Parameters) -> Result<Outcome, String> {
    let seen = state.seen.load_full();
    let snapshot = &seen.snapshot;
    let present = Present {
        base: &snapshot.base,
        health: &snapshot.health,
        services: &snapshot.services,
        outlook: &seen.report.outlook,
        at: (state.sources.now)(),
    };
    match &parameters.lose {
        Some(lost) => {
            let loss = Loss::parse(lost, &snapshot.base.config.regions).map_err(|error| error.to_string())?;
            Ok(Outcome::WhatIf(present.lose(&loss, parameters.load)))
        }
        None => Ok(Outcome::Survey(present.survey(parameters.load))),
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::WhatIf(whatif) => whatif.fmt(f),
            Self::Survey(survey) => survey.fmt(f),
        }
    }
}
