//! How far each webhook has come in the event log.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::store::Saved;

/// By the name of a webhook: the number of the last event that it is done with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursors(pub BTreeMap<String, u64>);

impl Saved for Cursors {
    const FILE: &'static str = "cursors.json";
    const VERSION: u64 = 1;
    /// Some thousand webhooks, which no server has.
    const MAX_BYTES: u64 = 64 * 1024;
    const LOSS: &'static str = "webhooks begin with the next event";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::store::tests::check;

    #[test]
    fn cursors_are_read_as_they_were_saved() {
        let cursors = Cursors([("oncall".to_owned(), 7), ("slack".to_owned(), u64::MAX)].into());
        check(&cursors, serde_json::json!({"oncall": 7, "slack": u64::MAX}));
    }
}
