//! Answers `/availability` from the measurements of the writer.

use std::time::Duration;

use super::api::{ApiError, AvailabilityQuery, AvailabilityRow, AvailabilityTable, RowKind};
use super::state::AdminState;
use crate::availability::log::{AvailabilitySummary, DAYS, LogSubject};

/// Returns the availability of every subject over some days.
pub(super) fn availability(
    state: &AdminState,
    AvailabilityQuery { days }: AvailabilityQuery,
) -> Result<AvailabilityTable, ApiError> {
    if !(1..=DAYS).contains(&days) {
        return Err(ApiError::bad_request(format!("`days` goes from 1 to {DAYS}")));
    }
    let now = (state.sources.now)();
    let published = state.published.load_full();
    let summaries = published.report.availability.summaries(days, now);
    Ok(AvailabilityTable {
        days,
        subjects: summaries.map(|(subject, summary)| row(subject, &summary)).collect(),
    })
}

fn row(subject: &LogSubject, summary: &AvailabilitySummary) -> AvailabilityRow {
    let (kind, text, region, zone, address) = match subject {
        LogSubject::Name(name) => (RowKind::Name, name.clone(), None, None, None),
        LogSubject::Region(region) => (RowKind::Region, region.clone(), Some(region), None, None),
        LogSubject::Zone(region, zone) => {
            (RowKind::Zone, format!("{region}/{zone}"), Some(region), Some(zone), None)
        }
        LogSubject::Address(region, zone, ip) => {
            (RowKind::Address, format!("{region}/{zone}/{ip}"), Some(region), Some(zone), Some(*ip))
        }
    };
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
    AvailabilityRow {
        kind,
        subject: text,
        region: region.cloned(),
        zone: zone.cloned(),
        address,
        uptime_percent: summary.uptime_percent(),
        observed_hours: summary.observed.as_secs_f64() / 3600.0,
        downtime_minutes: summary.down.as_secs_f64() / 60.0,
        incidents: summary.incidents,
        detect_seconds: seconds(summary.detect),
        decide_seconds: seconds(summary.decide),
        recover_seconds: seconds(summary.recover),
        is_down: summary.is_down,
    }
}
