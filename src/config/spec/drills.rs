//! `drills` in `regions.yaml`: drills that start by themselves.

use std::time::Duration;

use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;

use super::leaf::{FromText, List, Value};
use crate::config::yaml::Wrong;
use crate::intent::{Abort, Days, Window};
use crate::share::Share;

/// A drill that starts by itself: for a time, a share of the clients goes elsewhere.
///
/// It is simulated first, and not begun when that ends badly. A drill that the server was not there for is not made up
/// for. Each instance drills for itself: where all of them have the schedule, all drill at the same time; give it to
/// one of them if that is not wanted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DrillSpec {
    /// The region, or the availability zone as REGION/AZ.
    pub region: Value<String>,
    /// How many percent of its clients go elsewhere. Left out: 10.
    pub percent: Option<Value<Away>>,
    /// For how long; it must fit into each window. Left out: `30m`.
    #[serde(rename = "for")]
    pub lasts: Option<Value<Duration>>,
    /// What ends it early, as a failure: `alarm`, any alarm that did not stand when it began; or that and one of
    /// `load>90%`, `error_rate>2%`, `p95>900ms`, in the region or in one that its clients go to. Left out: `alarm`.
    pub abort_when: Option<Value<Abort>>,
    /// It starts at the beginning of each of these windows of the week, in UTC: `tue 09:00-12:00`.
    pub windows: List<Window>,
    /// Days on which it does not start, in UTC: `2026-12-24`, or `2026-12-27..2027-01-02`.
    pub blocked: Option<List<Days>>,
}

/// A share of the clients above nobody: 1 to 100 percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Away(pub Share);

impl FromText for Away {
    const NAME: &'static str = "a percentage";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let percent = text.strip_suffix('%').unwrap_or(text).parse().ok();
        let percent = percent.filter(|percent| (1..=100).contains(percent));
        let wrong = || Wrong::new(format!("`{text}` is not a percentage")).hint("write `10`, from 1 to 100");
        percent.map(|percent| Self(Share::percent(percent))).ok_or_else(wrong)
    }

    fn schema() -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 1, "maximum": 100 },
                { "type": "string", "pattern": "^([1-9][0-9]?|100)%?$" }
            ]
        })
    }
}

impl FromText for Abort {
    const NAME: &'static str = "what ends a drill early";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let wrong = || {
            Wrong::new(format!("`{text}` does not say what ends a drill early"))
                .hint("write `alarm`, `load>90%`, `error_rate>2%` or `p95>900ms`")
        };
        text.parse().map_err(|_| wrong())
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

    fn from_text(text: &str) -> Result<Self, Wrong> {
        text.parse().map_err(|wrong| {
            Wrong::new(format!("{wrong}")).hint("write `tue 09:00-12:00`: mon to sun, and times in UTC")
        })
    }

    fn schema() -> Schema {
        let pattern = "^(mon|tue|wed|thu|fri|sat|sun) [0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$";
        json_schema!({ "type": "string", "pattern": pattern, "examples": ["tue 09:00-12:00"] })
    }
}

impl FromText for Days {
    const NAME: &'static str = "a day, or days in a row";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        text.parse().map_err(|wrong| {
            Wrong::new(format!("{wrong}"))
                .hint("write `2026-12-24`, or `2026-12-27..2027-01-02` for a week of them")
        })
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
