//! The parts of a record: where, from what to what, why, on what evidence, and by whom.
//!
//! Together they tell without the line of text what happened, so that a log of records alone tells the story.

use std::net::IpAddr;

use super::alarm::word;
use super::notice::{Count, Seconds};
use super::{Alarm, Notice, What};
use crate::health::{Grade, Phase};
use crate::region::Family;
use crate::share::Share;
use crate::steering::AllDown;

/// What a record says beyond its kind, region and text.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Story {
    pub(super) zone: Option<String>,
    pub(super) address: Option<IpAddr>,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) why: Option<String>,
    pub(super) evidence: Option<String>,
    pub(super) author: Option<String>,
}

impl Story {
    /// Returns the story of a notice.
    pub(super) fn of(notice: &Notice) -> Self {
        let place = notice.place();
        let zone = place.map(|place| place.zone.clone());
        let here = Self { zone, address: place.map(|place| place.ip), ..Self::default() };
        match &notice.what {
            What::Suspect { from, canary, failures, fall, failure, .. } => Self {
                why: Some(failure.detail.clone()),
                evidence: Some(format!("{canary} failed {failures} of {fall} times")),
                ..here.turns(from.as_str(), "suspect")
            },
            What::Down { from, canary, failures, failure, .. } => Self {
                why: Some(failure.detail.clone()),
                evidence: Some(format!("{canary} failed {} in a row", Count(*failures as usize, "time"))),
                ..here.turns(from.as_str(), "down")
            },
            What::Up { was_down, after, .. } => {
                let from = if *was_down { "down" } else { "suspect" };
                Self { evidence: Some(format!("{from} for {}", Seconds(*after))), ..here.turns(from, "up") }
            }
            What::Whole { from, state, why, .. } => Self {
                why: why.as_ref().map(|(_, failure)| failure.detail.clone()),
                evidence: why.as_ref().map(|(canary, _)| format!("{canary} failed")),
                ..here.turns(from.as_str(), state.as_str())
            },
            What::Turned { zone, family, from, to, share, is_back, is_advice, .. } => Self {
                zone: zone.clone(),
                why: turned(*to, *is_back, *is_advice),
                evidence: Some(format!("{}: {share} of its clients", word(*family))),
                ..here.turns(from.as_str(), to.as_str())
            },
            What::LetBack { author, .. } => Self { author: Some(author.clone()), ..here },
            What::Shed { load, away, is_more, .. } => shed(*load, *away, *is_more),
            What::Raised(alarm) => raised(alarm),
            What::Cleared(alarm) => cleared(alarm),
            What::Reloaded { snapshot, zones, regions } => {
                let (zones, regions) = (Count(*zones, "zone"), Count(*regions, "region"));
                let evidence = format!("{zones}, {regions}, from snapshot {snapshot} on");
                Self { evidence: Some(evidence), ..here }
            }
            What::Remembered { falls, courses } => {
                let (falls, courses) = (Count(*falls, "fall"), Count(*courses, "course"));
                Self { evidence: Some(format!("{falls}, {courses}")), ..here }
            }
            What::Foreign { entries } => Self {
                why: Some("they are about another configuration".to_owned()),
                evidence: Some(format!("entries: {entries}")),
                ..here
            },
            What::Stale { written_at } => Self {
                why: Some("it is too old to be worth anything".to_owned()),
                evidence: Some(format!(
                    "written {} away from now",
                    Seconds(notice.at.since(*written_at).max(written_at.since(notice.at)))
                )),
                ..here
            },
        }
    }

    fn turns(self, from: &str, to: &str) -> Self {
        Self { from: Some(from.to_owned()), to: Some(to.to_owned()), ..self }
    }
}

/// Returns why a region or zone goes on along its course, where that is not the course itself.
fn turned(to: Phase, is_back: bool, is_advice: bool) -> Option<String> {
    let why = match to {
        _ if is_advice => "it stays: failover is `advise`",
        Phase::Ramp { .. } | Phase::Held(_) if is_back => "a gate of its ramp was closed",
        Phase::Held(_) => "an operator lets it back",
        Phase::Quarantined { .. } => "it fell three times in an hour",
        Phase::Unknown
        | Phase::Healthy
        | Phase::Suspect
        | Phase::Down
        | Phase::Recovering { .. }
        | Phase::Ramp { .. } => return None,
    };
    Some(why.to_owned())
}

fn shed(load: Option<f64>, away: Share, is_more: bool) -> Story {
    let load = load.map_or_else(|| "load unknown".to_owned(), |load| format!("load {:.0} %", load * 100.0));
    let why = if is_more { "it is too full" } else { "it has room again" };
    let to = if away > Share::NONE { "shedding" } else { "whole" };
    Story {
        to: Some(to.to_owned()),
        why: Some(why.to_owned()),
        evidence: Some(format!("{load}, {away} of its clients go elsewhere")),
        ..Story::default()
    }
}

fn raised(alarm: &Alarm) -> Story {
    let (from, to) = sides(alarm);
    let story = about(alarm).turns(from, to);
    let why = match alarm {
        Alarm::RegionOut { reason, .. } => reason.unwrap_or("too few of its addresses are up").to_owned(),
        Alarm::Exhausted { .. } => "every permitted region is down".to_owned(),
        Alarm::Restrained { restraint, .. } => restraint.to_string(),
        Alarm::Advised { detail, .. } => detail.clone(),
        Alarm::Gray { .. } => "it passes its canaries and fails its clients".to_owned(),
    };
    Story { why: Some(why), ..story }
}

fn cleared(alarm: &Alarm) -> Story {
    let (from, to) = sides(alarm);
    // Grade and restraint are those of now, which say nothing of what was.
    match alarm {
        Alarm::RegionOut { .. } | Alarm::Exhausted { .. } => about(alarm).turns(to, from),
        Alarm::Restrained { .. } | Alarm::Advised { .. } => {
            Story { evidence: None, ..about(alarm).turns(to, from) }
        }
        Alarm::Gray { .. } => Story { to: Some(from.to_owned()), evidence: None, ..about(alarm) },
    }
}

/// Returns what is the case without an alarm, and with it.
fn sides(alarm: &Alarm) -> (&'static str, &'static str) {
    match alarm {
        Alarm::RegionOut { .. } => ("in", "out"),
        Alarm::Exhausted { all_down, .. } => match all_down {
            AllDown::FailOpen => ("served", "fail_open"),
            AllDown::Servfail => ("served", "servfail"),
            AllDown::Nodata => ("served", "nodata"),
        },
        Alarm::Restrained { .. } => ("free", "restrained"),
        Alarm::Advised { .. } => ("whole", "advised"),
        Alarm::Gray { grade: Grade::Failing, .. } => ("fine", "failing"),
        Alarm::Gray { grade: Grade::Fine | Grade::Degraded, .. } => ("fine", "degraded"),
    }
}

/// Returns where an alarm is, and the numbers.
fn about(alarm: &Alarm) -> Story {
    let of = |family: &Family| word(*family);
    match alarm {
        Alarm::RegionOut { family, count, .. } => {
            let crate::health::Count { up, total, needed } = count;
            let counted = format!("{}: {up} of {total} addresses are up, {needed} needed", of(family));
            Story { evidence: Some(counted), ..Story::default() }
        }
        Alarm::Exhausted { owner, others, rule, family, .. } => {
            let others =
                if *others > 0 { format!(" and {}", Count(*others, "more name")) } else { String::new() };
            let rule = rule.iter().map(|rule| format!(", {rule}")).collect::<String>();
            let evidence = format!("{owner}{others}, {}{rule}", of(family));
            Story { evidence: Some(evidence), ..Story::default() }
        }
        Alarm::Restrained { family, .. } => {
            Story { evidence: Some(of(family).to_owned()), ..Story::default() }
        }
        Alarm::Advised { address, share, canary, .. } => Story {
            zone: address.as_ref().map(|(zone, _)| zone.clone()),
            address: address.as_ref().map(|(_, ip)| *ip),
            evidence: Some(format!("{canary} has fallen: {share} of its clients")),
            ..Story::default()
        },
        Alarm::Gray { zone, .. } => Story { zone: zone.clone(), ..Story::default() },
    }
}
