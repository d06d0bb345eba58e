//! `capacity_events` in `regions.yaml`: known events in which a region has more or less capacity than usual.

use std::ops::RangeInclusive;
use std::time::Duration;

use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;

use crate::config::problem::{Reporter, ValueError};
use crate::config::values::{Checked, Defined, FromText, Value, parsed};
use crate::config::yaml::Setting;
use crate::intent::action::CAPACITY;
use crate::moment::Moment;
use crate::region::RegionId;
use crate::units::Percent;

/// A known event: for a time, a region has another capacity than usual.
///
/// It is what `meridian capacity` says by hand, whose word counts while it stands.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapacityEventSpec {
    /// The region.
    region: Value<String>,
    /// When it begins: `2026-12-24T18:00:00Z`.
    at: Value<Moment>,
    /// For how long: `1m` to `30d`.
    #[serde(rename = "for")]
    lasts: Value<Duration>,
    /// The capacity in percent of the configured one: 1% to 1000%.
    percent: Value<RelativeCapacity>,
}

/// A capacity in percent of the configured one.
#[derive(Clone, Copy, Debug, PartialEq)]
struct RelativeCapacity(Percent);

/// A region has this part of its capacity for a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CapacityEvent {
    pub region: RegionId,
    pub at: Moment,
    pub until: Moment,
    pub percent: Percent,
}

impl CapacityEvent {
    /// Returns whether it is under way.
    pub fn is_on(&self, now: Moment) -> bool {
        (self.at..self.until).contains(&now)
    }
}

impl FromText for RelativeCapacity {
    const NAME: &'static str = "a capacity";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        let capacity = Percent::within(text, CAPACITY).ok().map(Self);
        parsed(capacity, text, "a capacity", "write 1% to 1000% of the configured one, such as `150%`")
    }

    fn schema() -> Schema {
        Percent::schema()
    }
}

impl FromText for Moment {
    const NAME: &'static str = "a time";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        parsed(text.parse().ok(), text, "a time", "write `2026-12-24T18:00:00Z`")
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "format": "date-time", "examples": ["2026-12-24T18:00:00Z"] })
    }
}

/// The most events: each region of the largest world once a week.
pub const MAX_EVENTS: usize = 1024;

/// The bounds of the length of an event: no intent is shorter, and a longer one is a configuration.
pub const LASTS: RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(30 * 24 * 3600);

/// Lowers the events. They do not count as a use of a region: `names` is for looking up only.
pub(super) fn lower(
    spec: &Option<Setting<Vec<Setting<CapacityEventSpec>>>>,
    names: &Defined,
    report: &mut Reporter,
) -> Vec<CapacityEvent> {
    const REGION: &str = "write `region: tokyo`";
    const AT: &str = "write `at: 2026-12-24T18:00:00Z`";
    const FOR: &str = "write `for: 6h`";
    const PERCENT: &str = "write `percent: 150%`";
    let mut names = names.clone();
    let mut events = Vec::new();
    for (spec, span) in spec.at_most(MAX_EVENTS, "capacity_events", report) {
        let region = spec.region.required("region", span, REGION, report);
        let region = region.and_then(|(name, at)| names.find(name, at, report));
        let at = spec.at.required("at", span, AT, report).map(|(at, _)| *at);
        spec.lasts.required("for", span, FOR, report);
        let lasts = spec.lasts.within("for", &LASTS, report);
        let percent = spec.percent.required("percent", span, PERCENT, report).map(|(percent, _)| percent.0);
        if let (Some(region), Some(at), Some(lasts), Some(percent)) = (region, at, lasts, percent) {
            let region = RegionId(u8::try_from(region).expect("regions are bounded"));
            events.push(CapacityEvent { region, at, until: at.plus(lasts), percent });
        }
    }
    events
}
