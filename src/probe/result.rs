//! The result of one probe.

use crate::canary::{ProbeError, Signals};

/// What one probe brings to light.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeResult {
    /// Whether it was a success, or why not.
    pub result: Result<(), ProbeError>,
    /// The signals of the response; `None`: there was none that could have some.
    pub signals: Option<Signals>,
    /// What makes no sense in the response, but fails nothing.
    pub remark: Option<String>,
}

impl From<Result<(), ProbeError>> for ProbeResult {
    fn from(result: Result<(), ProbeError>) -> Self {
        Self { result, signals: None, remark: None }
    }
}
