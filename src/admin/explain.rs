//! Answers `/explain` from what is served now.

use super::api::{ApiError, ExplainQuery};
use super::state::AdminState;
use crate::control::RegionReport;
use crate::inspect::{self, Bearing, Explanation, Inquiry};
use crate::region::Family;

/// Explains an answer. It may block, as the lookup of locations may.
pub(super) fn explain(state: &AdminState, query: ExplainQuery) -> Result<Explanation, ApiError> {
    let inquiry = Inquiry::parse(&query.name, &query.client, &query.rtype)
        .map_err(|error| ApiError::bad_request(error.to_string()))?;
    Ok(explained(state, &inquiry))
}

/// Explains the answer to an inquiry.
pub(super) fn explained(state: &AdminState, inquiry: &Inquiry) -> Explanation {
    let located = (state.sources.locate)(inquiry.client.address());
    let published = state.published.load();
    let bearings: Vec<_> = published.report.regions.iter().map(bearings).collect();
    inspect::explain(&published.snapshot, inquiry, located.as_ref(), &bearings)
}

fn bearings(region: &RegionReport) -> [Bearing; 2] {
    let blind = region.blind();
    Family::BOTH.map(|family| Bearing {
        status: region.status[family as usize],
        limited_zones: region.limited_zones(family),
        grade: region.grade,
        intent: region.intent.clone(),
        blind: blind.clone(),
    })
}
