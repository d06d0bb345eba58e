//! What happened, for programs: a JSON object a line, with exact loads and shares.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::happening::Happening;
use super::timeline::PlaySummary;
use crate::event::{Event, EventKind};
use crate::severity::Severity;

/// Writes down what happens.
#[derive(Debug, Default)]
pub struct Journal {
    /// The lines so far.
    pub text: String,
    pub summary: PlaySummary,
}

/// A line: when it was, in seconds, and what.
#[derive(Debug, Serialize)]
struct JournalLine<'a> {
    at_seconds: f64,
    #[serde(flatten)]
    entry: JournalEntry<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "what")]
enum JournalEntry<'a> {
    /// What the scenario does.
    Event { text: String },
    /// What the server says.
    Notice { kind: &'a EventKind, severity: Severity, text: &'a str },
    /// What the server or the scenario cannot do.
    Error { text: &'a str },
    /// The load of every region of which one is known; 1 is its capacity.
    Load { loads: BTreeMap<&'a str, f64> },
    /// Which share of a client's subnets is led to each region from now on.
    Moved { client: &'a str, name: String, families: Vec<String>, regions: BTreeMap<&'a str, f64> },
    /// What was expected, and what is so instead, if it is not.
    Expected { text: &'a str, got: Option<&'a str> },
    /// What must not be.
    Violated { text: String },
}

impl Journal {
    /// Takes what happens at a moment.
    pub fn take(&mut self, at: Duration, happening: &Happening<'_>) {
        self.summary.count(at, happening);
        let Some(entry) = JournalEntry::of(happening) else {
            return;
        };
        let line = JournalLine { at_seconds: at.as_secs_f64(), entry };
        self.text += &serde_json::to_string(&line).expect("lines have names as keys");
        self.text.push('\n');
    }
}

impl<'a> JournalEntry<'a> {
    /// Returns what is written of it; `None`: nothing.
    fn of(happening: &'a Happening<'_>) -> Option<Self> {
        let entry = match happening {
            Happening::Act(act) => Self::Event { text: act.to_string() },
            Happening::Emitted(event) => Self::notice(event),
            Happening::Forgotten(why) => Self::Error { text: why },
            Happening::Refused(why) | Happening::Declined(why) => Self::Error { text: why },
            Happening::Gauged(loads) => {
                let known = loads.iter().filter_map(|(region, load)| Some((*region, (*load)?)));
                Self::Load { loads: known.collect() }
            }
            Happening::Moved(one) => {
                let share = |(to, count): &'a (String, usize)| (&**to, *count as f64 / one.to.subnets as f64);
                Self::Moved {
                    client: &one.client,
                    name: one.name.to_string(),
                    families: one.families.iter().map(ToString::to_string).collect(),
                    regions: one.to.leads.iter().map(share).collect(),
                }
            }
            Happening::Expected(expectation, got) => {
                Self::Expected { text: &expectation.text, got: got.as_deref() }
            }
            Happening::Violated(violation) => Self::Violated { text: violation.to_string() },
            Happening::Begun(_)
            | Happening::Probed(_)
            | Happening::Detected(_)
            | Happening::Published(_)
            | Happening::Served(..)
            | Happening::Looked(..)
            | Happening::Ended => return None,
        };
        Some(entry)
    }

    fn notice(event: &'a Event) -> Self {
        Self::Notice { kind: &event.kind, severity: event.severity, text: &event.text }
    }
}
