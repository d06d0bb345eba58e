//! What `/explain` is asked, and the sentence for whoever asks it wrongly.

use axum::http::{HeaderMap, header};
use serde::Deserialize;

use super::State;
use crate::client::Prefix;
use crate::control::RegionReport;
use crate::inspect;
use crate::inspect::{Bearing, Explanation, Inquiry};
use crate::zone::{Name, RecordType};

/// The parameters, as they stand in the URL.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    name: String,
    client: String,
    #[serde(rename = "type", default = "address")]
    rtype: String,
    format: Option<Format>,
}

/// The form of the explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    Json,
    Text,
}

/// The type that is explained when none is given.
fn address() -> String {
    "A".to_owned()
}

impl Parameters {
    /// Returns what is asked, or a sentence that says what to write.
    pub(super) fn parse(&self, headers: &HeaderMap) -> Result<(Inquiry, Format), String> {
        let Self { name, client, rtype, format } = self;
        let mut owner =
            Name::from_ascii(name).map_err(|_| usage(&format!("`{name}` is not a domain name")))?;
        owner.set_fqdn(true);
        let client: Prefix = client.parse().map_err(|error| usage(&format!("`client` is wrong: {error}")))?;
        let rtype = record_type(rtype).ok_or_else(|| usage(&format!("`{rtype}` is not a record type")))?;
        let inquiry = Inquiry { name: owner, rtype, client };
        Ok((inquiry, format.unwrap_or_else(|| preferred(headers))))
    }
}

/// Returns the type with this mnemonic, or with this number written as RFC 3597 has it: `TYPE65`.
fn record_type(text: &str) -> Option<RecordType> {
    let text = text.to_ascii_uppercase();
    match text.strip_prefix("TYPE") {
        Some(number) => number.parse().ok().map(|number: u16| RecordType::from(number)),
        None => text.parse().ok(),
    }
}

/// Returns the form that the client accepts: text when it says so and does not speak of JSON.
pub(super) fn preferred(headers: &HeaderMap) -> Format {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    match accept {
        Some(accept) if accept.contains("text/plain") && !accept.contains("json") => Format::Text,
        _ => Format::Json,
    }
}

/// Completes what is wrong with how it would be right.
pub(super) fn usage(wrong: &str) -> String {
    format!("{wrong}; write /explain?name=api.example.com&client=192.0.2.1&type=A")
}

/// Explains from what is served now. It may block, as `Sources::locate` may.
pub(super) fn explain(state: &State, inquiry: &Inquiry) -> Explanation {
    let located = (state.sources.locate)(inquiry.client.address());
    let seen = state.seen.load();
    let bearings: Vec<_> = seen.report.regions.iter().map(bearings).collect();
    inspect::explain(&seen.snapshot, inquiry, located.as_ref(), &bearings)
}

fn bearings(region: &RegionReport) -> [Bearing; 2] {
    region.courses.each_ref().map(|site| Bearing {
        phase: site.phase,
        since: site.since,
        suppression: site.suppression,
        grade: region.grade,
        intent: site.intent.clone(),
    })
}
