//! The parts of a record: where, from what to what, why, on what evidence, and by whom.
//!
//! Together they tell without the line of text what happened, so that a log of records alone tells the story.

use std::net::IpAddr;

use super::notice::{Count, Seconds};
use super::{Notice, What};
use crate::alarm::{Alarm, word};
use crate::health::{OutlierGrade, Phase};
use crate::intent::{self, Drill, DrillOutcome, Intent, Transition};
use crate::region::{Family, Target};
use crate::share::Share;
use crate::steering::AllDown;

/// What a record says beyond its kind, region and text.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Story {
    pub(crate) zone: Option<String>,
    pub(crate) address: Option<IpAddr>,
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    pub(crate) why: Option<String>,
    pub(crate) evidence: Option<String>,
    pub(crate) author: Option<String>,
}

impl Story {
    /// Returns the story of a notice.
    pub(crate) fn of(notice: &Notice) -> Self {
        let target = notice.target();
        let zone = target.and_then(Target::zone).map(str::to_owned);
        let here = Self { zone, address: target.and_then(Target::address), ..Self::default() };
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
            What::Intent(event) => intended(event),
            What::Drill(drill) => drilled(drill),
            What::Lifted { intent, author } => {
                Self { author: Some(author.clone()), to: Some("lifted".to_owned()), ..of_intent(intent) }
            }
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

/// Returns what every record about an intent has.
fn of_intent(intent: &Intent) -> Story {
    let Intent { number, request, phase, .. } = intent;
    let target = request.action.target();
    Story {
        zone: target.as_ref().and_then(|target| target.zone().map(str::to_owned)),
        address: target.as_ref().and_then(Target::address),
        to: Some(phase.as_str().to_owned()),
        why: Some(request.reason.clone()),
        evidence: Some(format!("intent {number}: {}", request.action)),
        author: Some(request.author.clone()),
        ..Story::default()
    }
}

fn intended(event: &intent::IntentChange) -> Story {
    let story = of_intent(&event.intent);
    match &event.turn {
        Transition::Made | Transition::Step(_) | Transition::Stuck => story,
        Transition::Overdue(why) => Story { why: Some(why.clone()), ..story },
        Transition::Gone => Story { to: Some("over".to_owned()), ..story },
    }
}

fn drilled(drill: &Drill) -> Story {
    let Drill { number, request, outcome, why, given, .. } = drill;
    let to = if given.is_empty() { String::new() } else { format!(", to {}", given.join(", ")) };
    let story = Story {
        zone: request.action.target().and_then(|target| target.zone().map(str::to_owned)),
        why: why.clone().or_else(|| Some(request.reason.clone())),
        evidence: Some(format!("intent {number}: {}{to}", request.action)),
        author: Some(request.author.clone()),
        ..Story::default()
    };
    story.turns(DrillOutcome::Pending.as_str(), outcome.as_str())
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
        Alarm::Measured(excess) => format!("{} is beyond its limit", excess.rule.measure.as_str()),
        Alarm::ReloadFailed { why } => why.lines().next().unwrap_or_default().to_owned(),
    };
    Story { why: Some(why), ..story }
}

fn cleared(alarm: &Alarm) -> Story {
    let (from, to) = sides(alarm);
    // OutlierGrade and restraint are those of now, which say nothing of what was.
    match alarm {
        Alarm::RegionOut { .. }
        | Alarm::Exhausted { .. }
        | Alarm::Measured(_)
        | Alarm::ReloadFailed { .. } => about(alarm).turns(to, from),
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
        Alarm::Gray { grade: OutlierGrade::Failing, .. } => ("fine", "failing"),
        Alarm::Gray { grade: OutlierGrade::Fine | OutlierGrade::Degraded, .. } => ("fine", "degraded"),
        Alarm::Measured(excess) => ("within", excess.rule.level.as_str()),
        Alarm::ReloadFailed { .. } => ("loaded", "refused"),
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
        Alarm::Measured(excess) => Story { evidence: Some(excess.evidence()), ..Story::default() },
        Alarm::ReloadFailed { why } => {
            let evidence = format!("{} of text", Count(why.lines().count(), "line"));
            Story { evidence: Some(evidence), ..Story::default() }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::canary::{Failure, FailureClass};
    use crate::event::Record;
    use crate::health::{self, AddressState, Suppression};
    use crate::intent::Request;
    use crate::moment::Moment;

    /// Writes the parts of a record: `kind zone address: from -> to | why | evidence | author`.
    fn check(what: What, expected: &str) {
        let record = Record::of(&Notice { at: Moment(60_000), what }, 1, 1);
        let or = |part: Option<String>| part.unwrap_or_else(|| "-".to_owned());
        let address = record.address.map(|address| address.to_string());
        let Record { kind, zone, from, to, why, evidence, author, .. } = record;
        let [zone, address, from, to, why, evidence, author] =
            [zone, address, from, to, why, evidence, author].map(or);
        let line = format!("{kind} {zone} {address}: {from} -> {to} | {why} | {evidence} | {author}");
        assert_eq!(line, expected);
    }

    fn ip() -> IpAddr {
        "192.0.2.1".parse().expect("an address")
    }

    fn target() -> Target {
        Target::of_address("tokyo", "tokyo-a", ip())
    }

    fn failure() -> Failure {
        Failure { class: FailureClass::Status, detail: "status 503".to_owned() }
    }

    fn turned(to: Phase, is_back: bool, is_advice: bool) -> What {
        What::Turned {
            region: "tokyo".to_owned(),
            zone: Some("tokyo-a".to_owned()),
            family: Family::V6,
            from: Phase::Ramp { step: 1, has_slipped: false },
            to,
            share: Share::percent(10),
            is_back,
            is_advice,
        }
    }

    #[test]
    fn what_becomes_of_an_address_is_told_with_the_canary_that_says_so() {
        let (canary, failure) = ("shallow".to_owned(), failure());
        let suspect = What::Suspect {
            target: target(),
            from: AddressState::Up,
            canary: canary.clone(),
            failures: 1,
            fall: 3,
            failure: failure.clone(),
        };
        check(
            suspect,
            "address_suspect tokyo-a 192.0.2.1: up -> suspect | status 503 | shallow failed 1 of 3 times | -",
        );
        let down = What::Down { target: target(), from: AddressState::Suspect, canary, failures: 3, failure };
        check(
            down,
            "address_down tokyo-a 192.0.2.1: suspect -> down | status 503 | shallow failed 3 times in a row | -",
        );
        let up = What::Up { target: target(), was_down: true, after: Duration::from_secs(35) };
        check(up, "address_up tokyo-a 192.0.2.1: down -> up | - | down for 35s | -");
    }

    #[test]
    fn what_came_of_a_drill_is_told_with_what_ended_it_and_who_wanted_it() {
        let request =
            Request { action: "drill tokyo/tokyo-a".parse().expect("an action"), ..Request::default() };
        let begun = Drill { given: vec!["osaka".to_owned()], ..Drill::begin(3, request, Moment(0)) };
        let over = |outcome, why: Option<&str>| {
            let drill = begun.clone().over(outcome, why.map(str::to_owned), Moment(1));
            What::Drill(Box::new(drill))
        };
        check(
            over(DrillOutcome::Succeeded, None),
            "drill_succeeded tokyo-a -: pending -> succeeded | a test | \
             intent 3: drill tokyo/tokyo-a 10% abort-when alarm, to osaka | alice",
        );
        check(
            over(DrillOutcome::Failed, Some("osaka is down")),
            "drill_failed tokyo-a -: pending -> failed | osaka is down | \
             intent 3: drill tokyo/tokyo-a 10% abort-when alarm, to osaka | alice",
        );
    }

    #[test]
    fn what_a_canary_of_a_whole_region_says_is_told_both_ways() {
        let region = || "tokyo".to_owned();
        let why = Some(("deep".to_owned(), failure()));
        check(
            What::Whole { region: region(), from: AddressState::Suspect, state: AddressState::Down, why },
            "region_canary - -: suspect -> down | status 503 | deep failed | -",
        );
        check(
            What::Whole { region: region(), from: AddressState::Rising, state: AddressState::Up, why: None },
            "region_canary - -: rising -> up | - | - | -",
        );
    }

    #[test]
    fn a_turn_says_from_where_to_where_and_what_made_it_go_back() {
        check(
            turned(Phase::Ramp { step: 0, has_slipped: true }, true, false),
            "turned tokyo-a -: ramp -> ramp | a gate of its ramp was closed | IPv6: 10 % of its clients | -",
        );
        check(
            turned(Phase::Held(Share::percent(10)), false, false),
            "turned tokyo-a -: ramp -> held | an operator lets it back | IPv6: 10 % of its clients | -",
        );
        check(
            turned(Phase::Quarantined { until: Moment(0) }, false, false),
            "turned tokyo-a -: ramp -> quarantined | it fell three times in an hour | IPv6: 10 % of its clients | -",
        );
        check(
            turned(Phase::Down, false, true),
            "turned tokyo-a -: ramp -> down | it stays: failover is `advise` | IPv6: 10 % of its clients | -",
        );
        check(
            turned(Phase::Healthy, false, false),
            "turned tokyo-a -: ramp -> healthy | - | IPv6: 10 % of its clients | -",
        );
    }

    #[test]
    fn an_alarm_is_told_as_what_is_the_case_with_it_and_without() {
        let out = Alarm::RegionOut {
            region: "tokyo".to_owned(),
            family: Family::V4,
            count: health::Count { up: 2, total: 2, needed: 1 },
            reason: Some("it is held"),
            is_remembered: false,
        };
        let counted = "IPv4: 2 of 2 addresses are up, 1 needed";
        check(What::Raised(out.clone()), &format!("region_out - -: in -> out | it is held | {counted} | -"));
        check(What::Cleared(out), &format!("region_back - -: out -> in | - | {counted} | -"));
        let exhausted = Alarm::Exhausted {
            owner: "api.example.com".to_owned(),
            others: 1,
            rule: Some("eu only in EU".to_owned()),
            family: Family::V4,
            all_down: AllDown::FailOpen,
        };
        let whom = "api.example.com and 1 more name, IPv4, eu only in EU";
        check(
            What::Raised(exhausted.clone()),
            &format!("all_down - -: served -> fail_open | every permitted region is down | {whom} | -"),
        );
        check(What::Cleared(exhausted), &format!("all_down_over - -: fail_open -> served | - | {whom} | -"));
    }

    #[test]
    fn what_limits_a_region_is_told_with_its_reason() {
        let restrained = Alarm::Restrained {
            region: "tokyo".to_owned(),
            family: Family::V4,
            restraint: Suppression::Overload(0.97),
        };
        let why = "it is not dead but full, at 97 % of its capacity, and sheds clients";
        check(
            What::Raised(restrained.clone()),
            &format!("region_restrained - -: free -> restrained | {why} | IPv4 | -"),
        );
        check(What::Cleared(restrained), "region_restrained_over - -: restrained -> free | - | - | -");
        let advised = Alarm::Advised {
            region: "tokyo".to_owned(),
            address: Some(("tokyo-a".to_owned(), ip())),
            share: Share::percent(30),
            canary: "deep".to_owned(),
            detail: "status 503".to_owned(),
        };
        check(
            What::Raised(advised.clone()),
            "advised tokyo-a 192.0.2.1: whole -> advised | status 503 | deep has fallen: 30 % of its clients | -",
        );
        check(What::Cleared(advised), "advised_over tokyo-a 192.0.2.1: advised -> whole | - | - | -");
        let gray =
            |grade| Alarm::Gray { region: "tokyo".to_owned(), zone: Some("tokyo-a".to_owned()), grade };
        let why = "it passes its canaries and fails its clients";
        check(
            What::Raised(gray(OutlierGrade::Failing)),
            &format!("gray tokyo-a -: fine -> failing | {why} | - | -"),
        );
        check(What::Cleared(gray(OutlierGrade::Fine)), "gray_over tokyo-a -: - -> fine | - | - | -");
    }

    #[test]
    fn shedding_is_told_with_its_load() {
        let shed = |away, is_more| What::Shed {
            region: "tokyo".to_owned(),
            load: Some(1.124),
            away: Share::percent(away),
            is_more,
        };
        check(
            shed(20, true),
            "load_shed - -: - -> shedding | it is too full | load 112 %, 20 % of its clients go elsewhere | -",
        );
        check(
            shed(0, false),
            "load_shed - -: - -> whole | it has room again | load 112 %, 0 % of its clients go elsewhere | -",
        );
    }

    #[test]
    fn what_people_and_files_did_is_told_with_who_and_how_much() {
        let let_back = What::LetBack { region: "tokyo".to_owned(), author: "Jo".to_owned() };
        check(let_back, "let_back - -: - -> - | - | - | Jo");
        check(
            What::Reloaded { snapshot: 7, zones: 1, regions: 2 },
            "reloaded - -: - -> - | - | 1 zone, 2 regions, from snapshot 7 on | -",
        );
        check(
            What::Remembered { falls: 3, courses: 1 },
            "health_remembered - -: - -> - | - | 3 falls, 1 course | -",
        );
        check(
            What::Foreign { entries: 2 },
            "health_foreign - -: - -> - | they are about another configuration | entries: 2 | -",
        );
        check(
            What::Stale { written_at: Moment(0) },
            "health_stale - -: - -> - | it is too old to be worth anything | written 60s away from now | -",
        );
    }
}
