//! Which numbers of regions are out of line, and why: what the page shows in amber.
//!
//! It judges by the rules that act: the limits of load, what makes a region stand out among the others, and the
//! verdicts of its addresses. What it finds need not have lasted for as long as those ask for before they act.

use super::api::OutOfLine;
use crate::control::{RegionReport, Report};
use crate::health::{Standout, Status, Vitals, compared};
use crate::region::Limits;
use crate::share::Share;
use crate::units::Percent;

/// Returns what is out of line of each region.
pub(super) fn out_of_line(report: &Report, limits: &Limits) -> Vec<Vec<OutOfLine>> {
    let vitals: Vec<Vitals> = report.regions.iter().map(|region| region.vitals).collect();
    let regions = report.regions.iter().zip(compared(&vitals));
    regions.map(|(region, standout)| of_region(region, &standout, limits)).collect()
}

fn of_region(region: &RegionReport, standout: &Standout, limits: &Limits) -> Vec<OutOfLine> {
    // The clients of a region that is out are all elsewhere, however full it was.
    let sheds = region.away > Share::NONE && region.status.iter().any(Status::is_in_service);
    let found = |number: &str, why: Option<String>| Some(OutOfLine { number: number.to_owned(), why: why? });
    let all = [
        found("load", region.vitals.load.and_then(|load| of_load(load, limits))),
        found("p95", standout.p95_latency_seconds.map(of_latency)),
        found("errors", standout.error_rate.map(of_errors)),
        found("away", sheds.then(|| "sent elsewhere: it is too full".to_owned())),
        found("up", of_addresses(region)),
    ];
    all.into_iter().flatten().collect()
}

fn of_load(load: f64, limits: &Limits) -> Option<String> {
    let above = |limit: f64, word: &str| format!("above the {word} limit of {}", Percent::rounded(limit));
    match load {
        load if load > limits.hard => Some(above(limits.hard, "hard")),
        load if load > limits.soft => Some(above(limits.soft, "soft")),
        _ => None,
    }
}

fn of_latency(others: f64) -> String {
    format!("the others have {:.0} ms", others * 1000.0)
}

fn of_errors(others: f64) -> String {
    format!("the others have {}", Percent::of_fraction((others * 10_000.0).round() / 10_000.0))
}

/// Says why addresses are down: the failure of the first, and how many more there are.
fn of_addresses(region: &RegionReport) -> Option<String> {
    let addresses = region.zones.iter().flat_map(|zone| &zone.addresses);
    let mut down = addresses.filter(|address| address.state.is_down());
    let first = down.next()?;
    let why = first
        .why
        .as_ref()
        .map_or_else(String::new, |(canary, failure)| format!(" ({canary}: {})", failure.detail));
    let more = match down.count() {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Some(format!("{} is down{why}{more}", first.ip))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { soft: 0.8, hard: 1.0, back: 0.6, step: 0.1 };

    #[test]
    fn a_load_beyond_a_limit_says_which() {
        let why = |load| of_load(load, &LIMITS).unwrap_or_default();
        assert_eq!(why(0.8), "");
        assert_eq!(why(0.81), "above the soft limit of 80%");
        assert_eq!(why(1.2), "above the hard limit of 100%");
    }

    #[test]
    fn what_stands_out_is_told_with_what_the_others_have() {
        assert_eq!(of_latency(0.12), "the others have 120 ms");
        assert_eq!(of_errors(0.0021), "the others have 0.21%");
    }
}
