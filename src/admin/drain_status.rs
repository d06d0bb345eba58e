//! Answers `/intents/NUMBER/drain-status`.

use std::net::IpAddr;

use super::api::{ApiError, DrainStatus, IntentNumber, ResolverAnswers, ResolversLeft, Timestamp};
use super::state::AdminState;
use crate::config::Config;
use crate::control::{DrainProgress, longest_hold};
use crate::metrics::ResolverSummary;
use crate::moment::Moment;
use crate::region::Target;

/// Returns the progress of an intent that sends clients away.
pub(super) fn drain_status(
    state: &AdminState,
    IntentNumber { number }: IntentNumber,
) -> Result<DrainStatus, ApiError> {
    let published = state.published.load();
    let report = &published.report;
    if let Some(progress) = report.drains.iter().find(|progress| progress.intent == number) {
        let resolvers = state.metrics.resolvers(&progress.region);
        return Ok(of(progress, &published.snapshot.base.config, resolvers, (state.sources.now)()));
    }
    Err(match report.intents.iter().find(|intent| intent.number == number) {
        Some(intent) => {
            ApiError::new(409, format!("intent {number} (`{}`) sends no clients away", intent.request.action))
        }
        None => ApiError::not_found(format!(
            "no intent {number} is in force: it never was, or it was lifted or is over; /intents has those that are"
        )),
    })
}

fn of(
    progress: &DrainProgress,
    config: &Config,
    resolvers: Option<ResolverSummary>,
    now: Moment,
) -> DrainStatus {
    DrainStatus {
        intent: progress.intent,
        instance: config.server.name.clone(),
        target: match &progress.zone {
            Some(zone) => Target::of_zone(&progress.region, zone),
            None => Target::of_region(&progress.region),
        },
        last_lawful: progress.last_lawful.map(Timestamp),
        longest_seconds: longest_hold(config).as_secs_f64(),
        seconds_left: progress.last_lawful.map(|last| last.since(now).as_secs_f64()),
        still_given_out: progress.last_lawful.is_none(),
        given_out: progress.given_out.iter().map(ToString::to_string).collect(),
        static_names: progress.static_names.clone(),
        load: progress.load,
        moved_share: progress.moved(),
        resolvers: resolvers.map(resolvers_left).unwrap_or_default(),
        is_returning: progress.is_returning,
        is_over: progress.is_over(now),
        why: progress.why(now),
    }
}

fn resolvers_left(summary: ResolverSummary) -> ResolversLeft {
    let answers = |(ip, answers): (IpAddr, u64)| ResolverAnswers {
        resolver: if ip.is_ipv4() { ip.to_string() } else { format!("{ip}/64") },
        answers,
    };
    ResolversLeft {
        count: summary.count,
        is_more: summary.is_more,
        sample: summary.busiest.into_iter().map(answers).collect(),
    }
}
