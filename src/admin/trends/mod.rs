//! Answers `/trends`, and takes the samples that it has.

pub(crate) mod samples;

use std::sync::Arc;

use tokio::time::MissedTickBehavior;

use super::api::route::NoParameters;
use super::api::{ApiError, TrendList};
use super::state::AdminState;
use samples::STEP;

/// Returns the last hour of every region.
pub(super) fn trends(state: &AdminState, _: NoParameters) -> Result<TrendList, ApiError> {
    let published = state.published.load();
    Ok(state.trends.list(published.report.regions.iter().map(|region| region.name.as_str())))
}

/// Takes samples for as long as the server runs.
pub(super) async fn keep_sampling(state: Arc<AdminState>) {
    let mut steps = tokio::time::interval(STEP);
    steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        steps.tick().await;
        let state = Arc::clone(&state);
        // Counters are summed over all threads and zones, which is not done between queries.
        let sample = move || {
            let (published, answers) = (state.published.load(), state.metrics.answers_by_region());
            state.trends.sample(&published.report.regions, answers, (state.sources.now)());
        };
        if let Err(error) = tokio::task::spawn_blocking(sample).await {
            tracing::error!(%error, "the trends of the admin pages cannot be kept");
        }
    }
}
