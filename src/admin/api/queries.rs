//! `/explain`, `/simulate`, `/atlas`: the parameters of what is worked out on demand, and answers around core types.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::inspect::what_if::{MAX_LOAD, Survey, WhatIf};

/// The longest domain name in its text form: each of its 255 octets may be escaped as `\ddd`.
const MAX_NAME: usize = 1020;

/// Visible ASCII.
const VISIBLE: &str = "^[!-~]+$";

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AnswerFormat {
    /// Values for programs.
    Json,
    /// Lines for people.
    Text,
}

/// The answer to explain.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExplainQuery {
    /// Name that the client asks for
    #[schemars(length(min = 1, max = MAX_NAME), regex(pattern = VISIBLE), example = "api.example.com")]
    pub name: String,
    /// Address or network of the client
    #[schemars(length(min = 1, max = 255), example = "133.11.0.0/24")]
    pub client: String,
    /// Record type; left out: A
    #[serde(rename = "type", default = "address_record")]
    #[schemars(length(min = 1, max = 255), example = &"AAAA")]
    pub rtype: String,
    /// Form of the answer; left out: what `Accept` says
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<AnswerFormat>,
}

fn address_record() -> String {
    "A".to_owned()
}

/// The loss to simulate.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulateQuery {
    /// Regions and zones to lose, separated by commas
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1000), example = "tokyo,osaka/osaka-a")]
    pub lose: Option<String>,
    /// Whether to lose each region and each pair instead
    #[serde(default)]
    pub each: bool,
    /// Factor of the demand
    #[serde(default = "unchanged")]
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = MAX_LOAD))]
    pub load: f64,
    /// Form of the answer; left out: what `Accept` says
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<AnswerFormat>,
}

fn unchanged() -> f64 {
    1.0
}

/// The outcome of a simulated loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum LossSimulation {
    /// These are lost together.
    WhatIf(WhatIf),
    /// Each region and each pair is lost.
    Survey(Survey),
}

impl LossSimulation {
    /// Returns whether every loss ends well.
    pub fn is_good(&self) -> bool {
        match self {
            Self::WhatIf(whatif) => whatif.bad.is_empty(),
            Self::Survey(survey) => survey.is_good(),
        }
    }
}

impl fmt::Display for LossSimulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WhatIf(whatif) => whatif.fmt(f),
            Self::Survey(survey) => survey.fmt(f),
        }
    }
}

/// A steered name.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SteeredNameQuery {
    /// Steered name; left out: the first one
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_NAME), regex(pattern = VISIBLE), example = "api.example.com")]
    pub name: Option<String>,
}

/// Where the clients of each country go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CountryAtlas {
    /// The number of the snapshot.
    pub snapshot: u64,
    /// The steered name; `null` when there is none.
    pub name: Option<String>,
    /// By country: the regions of its clients, the largest fraction first.
    pub countries: BTreeMap<String, Vec<RegionFraction>>,
    /// The regions of clients without a known country.
    pub unknown: Vec<RegionFraction>,
    /// By country, the fraction of its clients who get a region although it is down; only countries with some.
    #[serde(default)]
    pub failing_open: BTreeMap<String, f64>,
    /// By region, where those go of its clients who are not there: the fraction of all whom it is the best for, counted
    /// by their networks.
    #[serde(default)]
    pub moved: BTreeMap<String, Vec<RegionFraction>>,
}

/// A region, and the fraction of the clients that it gets, 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RegionFraction(pub String, pub f64);
