//! Refusals: one shape for everything that is not answered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RuleViolation;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{error}")]
pub struct ApiError {
    /// The HTTP status of the answer.
    pub status: u16,
    /// What is wrong and what to do, as one sentence.
    pub error: String,
    /// The safety rules that the change would break, if that is the reason.
    pub violations: Vec<RuleViolation>,
    /// The forecast of the change, if it breaks a rule.
    pub forecast: Option<String>,
}

impl ApiError {
    /// Makes a refusal of its status and its sentence.
    pub fn new(status: u16, error: impl Into<String>) -> Self {
        Self { status, error: error.into(), violations: Vec::new(), forecast: None }
    }

    /// Refuses a request that makes no sense.
    pub fn bad_request(error: impl Into<String>) -> Self {
        Self::new(400, error)
    }

    /// Refuses a request about something that does not exist.
    pub fn not_found(error: impl Into<String>) -> Self {
        Self::new(404, error)
    }
}
