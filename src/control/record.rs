//! What the event log, webhooks and the page tell of a notice: the same parts under the same names everywhere.

use super::{Notice, Severity};
use crate::moment::Moment;

/// One event. Whatever is not known or does not apply is `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its number: one more than that of the event before, within one life of the process.
    pub number: u64,
    /// When it happened.
    pub at: Moment,
    /// The number of the snapshot that was served when it was told.
    pub snapshot: u64,
    /// The word for this kind of event, for example `address_down`.
    pub kind: &'static str,
    /// How loudly it is said.
    pub severity: Severity,
    /// The name of the region that it is about.
    pub region: Option<String>,
    /// The name of the availability zone that it is about.
    pub zone: Option<String>,
    /// The address that it is about.
    pub address: Option<std::net::IpAddr>,
    /// What was the case before, in one word.
    pub from: Option<String>,
    /// What is the case now, in one word.
    pub to: Option<String>,
    /// Why, in one sentence.
    pub why: Option<String>,
    /// What that was concluded from: the canary, the numbers.
    pub evidence: Option<String>,
    /// Who did it, when a person did.
    pub author: Option<String>,
    /// The whole event as one readable line.
    pub text: String,
}

impl Record {
    /// Returns the record of a notice.
    pub fn of(notice: &Notice, number: u64, snapshot: u64) -> Self {
        let place = notice.place();
        Self {
            number,
            at: notice.at,
            snapshot,
            kind: notice.kind(),
            severity: notice.severity(),
            region: notice.region().map(str::to_owned),
            zone: place.map(|place| place.zone.clone()),
            address: place.map(|place| place.ip),
            from: None,
            to: None,
            why: notice.failure().map(|failure| failure.detail.clone()),
            evidence: None,
            author: None,
            text: notice.to_string(),
        }
    }
}
