//! Canaries of addresses and regions: the verdict of the writer, and the result that came in since.

use crate::admin::api::Timestamp;
use crate::admin::api::status::{BlindStatus, CanaryStatus, HeardSignals, ProbeOutcome};
use crate::admin::state::AdminState;
use crate::canary::{Canary, Criticality, Heard, Sighting, Signals};
use crate::control::CanaryReport;
use crate::moment::Moment;
use crate::region::Target;

/// What it takes to tell the status of canaries.
pub(super) struct CanaryWatch<'p> {
    pub state: &'p AdminState,
    /// The canaries of the configuration.
    pub canaries: &'p [Canary],
    pub now: Moment,
}

/// Returns the status of every canary of an address, or of a region as a whole.
pub(super) fn canaries(
    watch: &CanaryWatch<'_>,
    target: &Target,
    reports: &[CanaryReport],
) -> Vec<CanaryStatus> {
    let canaries = reports.iter().filter_map(|report| {
        // The report and the snapshot are of one configuration, so the canary is there.
        let settings = watch.canaries.iter().find(|settings| settings.name == report.name)?;
        let latest = (watch.state.sources.last)(target, &report.name);
        let heard = latest.as_ref().and_then(|latest| latest.signals);
        Some(CanaryStatus {
            name: report.name.clone(),
            kind: settings.check.kind().to_owned(),
            advisory: match settings.effect {
                Criticality::Critical => None,
                Criticality::Advisory(share) => Some(share.fraction()),
            },
            state: report.state,
            since: Timestamp(report.since),
            blind: report
                .blind
                .as_ref()
                .map(|spot| BlindStatus { since: Timestamp(spot.since), blindness: spot.blindness.clone() }),
            signals: heard.map(|heard| signals(heard, settings, watch.now)),
            last: last(report, latest, settings),
        })
    });
    canaries.collect()
}

/// Returns the later one of what the report has and of the latest result.
fn last(report: &CanaryReport, latest: Option<Sighting>, settings: &Canary) -> Option<ProbeOutcome> {
    let judged = report.last.map(|last| Sighting {
        at: last.at,
        latency: last.latency,
        result: match &report.failure {
            // The last failure is that of the last result when it was one.
            Some(failure) if !last.is_success => Err(failure.clone()),
            _ => Ok(()),
        },
        remark: None,
        signals: None,
    });
    // Of two that are equally late the second wins, which came in just now.
    let latest = judged.into_iter().chain(latest).max_by_key(|sighting| sighting.at)?;
    Some(ProbeOutcome {
        at: Timestamp(latest.at),
        ok: latest.result.is_ok(),
        latency_ms: latest.latency.as_secs_f64() * 1000.0,
        slow: latest.result.is_ok() && settings.is_slow(latest.latency),
        failure: latest.result.err(),
        remark: latest.remark,
    })
}

/// Returns the signals that a service reported; none of them when they are too old to be believed.
fn signals(heard: Heard, settings: &Canary, now: Moment) -> HeardSignals {
    let stale = heard.is_stale(settings.interval, now);
    HeardSignals {
        at: Timestamp(heard.at),
        age_seconds: now.since(heard.at).as_secs(),
        stale,
        signals: if stale { Signals::default() } else { heard.signals },
    }
}
