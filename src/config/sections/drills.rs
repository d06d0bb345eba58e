//! `drills` in `regions.yaml`: drills that start by themselves.

use std::ops::RangeInclusive;
use std::time::Duration;

use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;

use crate::config::problem::{Reporter, Span, ValueError};
use crate::config::values::{Checked, Defined, FromText, List, Quantity, Value, parsed};
use crate::config::yaml::{Setting, Written};
use crate::intent::{AbortRule, Action, Days, Schedule, Window};
use crate::region::{Region, Target};
use crate::share::Share;
use crate::suggest;
use crate::units::Percent;

/// A drill that starts by itself: for a time, a share of the clients goes elsewhere.
///
/// It is simulated first, and not begun when that ends badly. A drill that the server was not there for is not made up
/// for. Each instance drills for itself: where all of them have the schedule, all drill at the same time; give it to
/// one of them if that is not wanted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DrillSpec {
    /// The region, or the availability zone as REGION/AZ.
    region: Value<String>,
    /// How many percent of its clients go elsewhere. Left out: 10.
    percent: Option<Value<Away>>,
    /// For how long; it must fit into each window. Left out: `30m`.
    #[serde(rename = "for")]
    lasts: Option<Value<Duration>>,
    /// What ends it early, as a failure: `alarm`, any alarm that did not stand when it began; or that and one of
    /// `load>90%`, `error_rate>2%`, `p95>900ms`, in the region or in one that its clients go to. Left out: `alarm`.
    abort_when: Option<Value<AbortRule>>,
    /// It starts at the beginning of each of these windows of the week, in UTC: `tue 09:00-12:00`.
    windows: List<Window>,
    /// Days on which it does not start, in UTC: `2026-12-24`, or `2026-12-27..2027-01-02`.
    blocked: Option<List<Days>>,
}

/// A share of the clients above none.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Away(Share);

impl FromText for Away {
    const NAME: &'static str = "a percentage";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        Ok(Self(text.parse()?))
    }

    fn schema() -> Schema {
        Percent::schema()
    }
}

impl FromText for AbortRule {
    const NAME: &'static str = "a condition that ends a drill early";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        let hint = "write `alarm`, `load>90%`, `error_rate>2%` or `p95>900ms`";
        parsed(text.parse().ok(), text, "a condition that ends a drill early", hint)
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(alarm|(load|error_rate)>[0-9.]+%?|p95>[0-9hms]+)$",
            "examples": ["alarm", "load>90%"]
        })
    }
}

impl FromText for Window {
    const NAME: &'static str = "a window of the week";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        let hint = "write `tue 09:00-12:00`: mon to sun, and times in UTC";
        text.parse().map_err(|error| ValueError::new(format!("{error}")).hint(hint))
    }

    fn schema() -> Schema {
        let pattern = "^(mon|tue|wed|thu|fri|sat|sun) [0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$";
        json_schema!({ "type": "string", "pattern": pattern, "examples": ["tue 09:00-12:00"] })
    }
}

impl FromText for Days {
    const NAME: &'static str = "a day, or days in a row";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        let hint = "write `2026-12-24`, or `2026-12-27..2027-01-02` for a week of them";
        text.parse().map_err(|error| ValueError::new(format!("{error}")).hint(hint))
    }

    fn schema() -> Schema {
        let day = "[0-9]{4}-[0-9]{2}-[0-9]{2}";
        json_schema!({
            "type": "string",
            "pattern": format!("^{day}(\\.\\.{day})?$"),
            "examples": ["2026-12-24", "2026-12-27..2027-01-02"]
        })
    }
}

/// The most drills of the schedule: each region of the largest world, now and then with another share.
pub const MAX_SCHEDULES: usize = 256;

/// The most windows or blocked entries of one drill: each is looked at for each day that is looked ahead.
pub const MAX_ENTRIES: usize = 64;

const USUAL_PERCENT: u8 = 10;
const USUAL_TIME: Duration = Duration::from_secs(30 * 60);

/// The bounds of the length of a drill: no intent is shorter, no window longer.
pub const LASTS: RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(24 * 3600);

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// Lowers the schedule. A drill does not count as a use of its region: `names` is for looking up only.
pub(super) fn lower(
    spec: &Option<Setting<Vec<Setting<DrillSpec>>>>,
    names: &Defined,
    regions: &[Option<Region>],
    report: &mut Reporter,
) -> Vec<Schedule> {
    let mut names = names.clone();
    let mut drills: Vec<(Schedule, Span)> = Vec::new();
    for (spec, span) in spec.at_most(MAX_SCHEDULES, "drills", report) {
        if let Some(drill) = drill(spec, span, &mut names, regions, report) {
            warn_of_meeting(&drill, span, &drills, report);
            drills.push((drill, span));
        }
    }
    drills.into_iter().map(|(drill, _)| drill).collect()
}

fn drill(
    spec: &DrillSpec,
    span: Span,
    names: &mut Defined,
    regions: &[Option<Region>],
    report: &mut Reporter,
) -> Option<Schedule> {
    const REGION: &str = "write `region: tokyo` or `region: tokyo/tokyo-a`";
    let region = spec.region.required("region", span, REGION, report);
    let target = region.and_then(|(text, span)| target(text, span, names, regions, report));
    let lasts = spec.lasts.within("for", &LASTS, report).unwrap_or(USUAL_TIME);
    let windows = windows(spec, span, lasts, report);
    let blocked = spec.blocked.at_most(MAX_ENTRIES, "entries in `blocked`", report);
    let blocked = blocked.into_iter().map(|(days, _)| *days).collect();
    let Away(away) = spec.percent.get_or(Away(Share::percent(USUAL_PERCENT)));
    let action = Action::Drill { target: target?, away, abort: spec.abort_when.get_or(AbortRule::Alarm) };
    Some(Schedule { action, lasts, windows, blocked })
}

/// Finds a region, or an availability zone of one.
fn target(
    text: &str,
    span: Span,
    names: &mut Defined,
    regions: &[Option<Region>],
    report: &mut Reporter,
) -> Option<Target> {
    let Some(target) = text.parse().ok().filter(|target: &Target| target.address().is_none()) else {
        let finding = report.error(span, format!("`{text}` is neither a region nor an availability zone"));
        finding.hint("write `tokyo` or `tokyo/tokyo-a`");
        return None;
    };
    let index = names.find(target.region(), span, report)?;
    let region = regions.get(index)?.as_ref()?;
    let Some(zone) = target.zone() else { return Some(target) };
    let zones = || region.zones.iter().map(|zone| zone.name.as_str());
    if !zones().any(|name| name == zone) {
        let finding =
            report.error(span, format!("region `{}` has no availability zone `{zone}`", region.name));
        finding.hint(suggest::hint(zone, zones()));
    }
    Some(target)
}

/// Returns when it starts; each window must be long enough for it.
fn windows(spec: &DrillSpec, span: Span, lasts: Duration, report: &mut Reporter) -> Vec<Window> {
    if spec.windows.says_nothing() {
        let finding = report.error(span, "the drill has no `windows`");
        finding.hint("write `windows: [\"tue 09:00-12:00\"]`, in UTC");
    }
    let windows = spec.windows.at_most(MAX_ENTRIES, "entries in `windows`", report);
    for (window, span) in windows.iter().filter(|(window, _)| window.length() < lasts) {
        let message = format!("a drill of {} does not fit into `{window}`", lasts.text());
        report.error(*span, message).hint("let the window be longer, or `for` shorter");
    }
    windows.into_iter().map(|(window, _)| *window).collect()
}

/// Warns when a drill would start while another one is under way: there is one at a time.
fn warn_of_meeting(drill: &Schedule, span: Span, before: &[(Schedule, Span)], report: &mut Reporter) {
    let ahead = |from: &Window, to: &Window| (to.offset() + WEEK - from.offset()).as_secs() % WEEK.as_secs();
    for (other, at) in before {
        let pairs = drill.windows.iter().flat_map(|one| other.windows.iter().map(move |two| (one, two)));
        let mut meetings = pairs.filter(|(one, two)| {
            ahead(one, two) < drill.lasts.as_secs() || ahead(two, one) < other.lasts.as_secs()
        });
        if let Some((window, _)) = meetings.next() {
            let message = format!("the drill of `{window}` meets the one of line {}", at.line);
            let finding = report.warning(span, message);
            finding
                .hint("there is one at a time: the second is not begun, unless `blocked` keeps them apart");
        }
    }
}
