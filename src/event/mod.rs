//! Events: what happened, as the log, webhooks, the stream, history and the page tell it.
//!
//! An [`Event`] is made by the constructor of its kind, which takes typed values and fills in all of it, the text
//! included; a new kind is one constructor and one test. The constructors stand with what they are about:
//!
//! | file | events about |
//! |---|---|
//! | `address` | addresses, and canaries that probe a region once |
//! | `blindness` | what this instance cannot see |
//! | `site` | regions and availability zones: leaving, returning, what keeps or limits them |
//! | `names` | names that no region is left for |
//! | `flood` | queries that are over the rate limits |
//! | `redundancy` | losses of regions that would end badly |
//! | `threshold` | measures beyond the limit of an alarm rule |
//! | `intent` | intents, drills, failback |
//! | `server` | configuration, saved state, the event log |
//!
//! A text says what happened, to what, why, and what follows, in that order. The parts say the same for programs.

mod address;
mod blindness;
mod condition;
mod flood;
mod host;
mod intent;
mod kind;
mod names;
mod observers;
mod redundancy;
mod server;
mod site;
mod threshold;
mod webhook;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use condition::{Condition, ConditionMark, IncidentMark};
pub use flood::{FloodExtent, FloodSighting, LimitedQueries, MAX_MEMBERS as MAX_FLOOD_MEMBERS};
pub use kind::EventKind;
pub use names::AffectedNames;
pub use redundancy::BadLoss;
pub use server::StateLoss;
pub use site::{Outage, but_for};
pub use threshold::Excess;
pub use webhook::WebhookRefusals;

use crate::moment::{Moment, follows_clock, rfc3339};
use crate::region::{Family, Target};
use crate::severity::Severity;

/// Something that happened.
///
/// This is also its JSON, in the event log one line each. What is not known or does not apply is left out. Fields
/// are only added: an event of another version is read as far as it is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// When it happened.
    #[serde(with = "rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub time: Moment,
    /// One more than that of the event before; zero until the event is handed on. It goes on after a restart when
    /// there is a state directory, and starts with 1 otherwise.
    pub number: u64,
    /// The number of the snapshot that was served when it was handed on.
    pub snapshot: u64,
    /// What happened, in a word.
    pub kind: EventKind,
    /// How severe it is.
    pub severity: Severity,
    /// The region, availability zone or address that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// The family that it is about; missing: both, or that is no matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
    /// What was the case before, in a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What is the case now, in a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Why, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What that was concluded from: the canary, the numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// The operator whose act it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The condition that it begins or ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<ConditionMark>,
    /// The incident that this belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentMark>,
    /// All of it as one line.
    pub text: String,
}

impl Event {
    /// Begins an event: the constructors fill in the rest.
    fn new(kind: EventKind, severity: Severity, text: String, time: Moment) -> Self {
        Self {
            time,
            number: 0,
            snapshot: 0,
            kind,
            severity,
            target: None,
            family: None,
            from: None,
            to: None,
            reason: None,
            evidence: None,
            author: None,
            condition: None,
            incident: None,
            text,
        }
    }

    fn about(self, target: &Target) -> Self {
        Self { target: Some(target.clone()), ..self }
    }

    fn turns(self, from: &str, to: &str) -> Self {
        Self { from: Some(from.to_owned()), to: Some(to.to_owned()), ..self }
    }

    fn because(self, reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..self }
    }

    fn seen_by(self, evidence: impl Into<String>) -> Self {
        Self { evidence: Some(evidence.into()), ..self }
    }

    fn by(self, author: &str) -> Self {
        Self { author: Some(author.to_owned()), ..self }
    }

    /// Marks it as the beginning of a condition.
    fn raises(self, condition: &Condition) -> Self {
        self.marks(condition, false)
    }

    /// Marks it as the end of a condition.
    fn clears(self, condition: &Condition) -> Self {
        self.marks(condition, true)
    }

    fn marks(self, condition: &Condition, is_over: bool) -> Self {
        let mark = ConditionMark { key: condition.to_string(), severity: condition.severity(), is_over };
        let family = self.family.or(condition.family());
        Self { condition: Some(mark), family, ..self }
    }

    /// Returns whether it ends a condition.
    pub fn is_end(&self) -> bool {
        self.condition.as_ref().is_some_and(|mark| mark.is_over)
    }

    /// Returns whether a reader wants it who wants events of this severity and above. The end of a condition or of an
    /// incident is wanted where the beginning was.
    pub fn is_wanted(&self, least: Severity) -> bool {
        let ended = self.condition.iter().filter(|mark| mark.is_over).map(|mark| mark.severity);
        let over = self.incident.iter().filter(|mark| mark.is_over).map(|mark| mark.severity);
        ended.chain(over).fold(self.severity, Severity::max) >= least
    }

    /// Returns its time as its JSON has it: `2026-03-01T09:30:00.250Z`.
    pub fn time_text(&self) -> String {
        self.time.to_string()
    }
}

follows_clock!(Event: time);

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Checks an event: `kind severity target: from -> to | reason | evidence | author | condition`, and its text.
    #[track_caller]
    pub(super) fn check(event: &Event, parts: &str, text: &str) {
        let or = |part: &Option<String>| part.clone().unwrap_or_else(|| "-".to_owned());
        let Event { kind, severity, from, to, reason, evidence, author, condition, .. } = event;
        let target = event.target.as_ref().map(ToString::to_string);
        let family = event.family.map_or_else(String::new, |family| format!(" {family}"));
        let condition = condition.as_ref().map_or_else(
            || "-".to_owned(),
            |mark| format!("{}{}", if mark.is_over { "ends " } else { "" }, mark.key),
        );
        let [target, from, to, reason, evidence, author] =
            [&target, from, to, reason, evidence, author].map(or);
        let said = format!(
            "{kind} {severity:?} {target}{family}: {from} -> {to} | {reason} | {evidence} | {author} | {condition}"
        );
        assert_eq!((said.as_str(), event.text.as_str()), (parts, text));
    }

    #[test]
    fn an_event_is_one_line_of_json_and_is_read_back_as_it_was() {
        let event = Event::failback("tokyo", "Jo", Moment(1_772_357_400_250));
        let event = Event { number: 7, snapshot: 3, ..event };
        let line = serde_json::to_string(&event).expect("JSON");
        assert_eq!(
            line,
            "{\"time\":\"2026-03-01T09:30:00.250Z\",\"number\":7,\"snapshot\":3,\"kind\":\"failback\",\
             \"severity\":\"info\",\"target\":\"tokyo\",\"author\":\"Jo\",\"text\":\"Jo let tokyo back\"}"
        );
        assert_eq!(serde_json::from_str::<Event>(&line).expect("an event"), event);
    }

    #[test]
    fn an_event_of_another_version_is_read_as_far_as_it_is_known_and_its_kind_is_kept() {
        let line = "{\"time\":\"2026-03-01T09:30:00Z\",\"number\":7,\"snapshot\":3,\"kind\":\"moon_full\",\
                    \"severity\":\"info\",\"text\":\"the moon is full\",\"phase_of_the_moon\":1}";
        let event: Event = serde_json::from_str(line).expect("an event");
        assert_eq!((event.kind.as_str(), &event.target, &event.condition), ("moon_full", &None, &None));
        assert_eq!(event.time, Moment(1_772_357_400_000));
        assert!(serde_json::to_string(&event).expect("JSON").contains("\"kind\":\"moon_full\""));
    }

    #[test]
    fn an_end_is_wanted_where_the_beginning_was() {
        let target = Target::of_region("tokyo");
        let status = &crate::health::Status::counted(2, 1, vec![Moment(0); 2]);
        let outage = Outage { status, reason: None, failure: None, is_remembered: false };
        let begun = Event::region_out(&target, Family::V4, outage, Moment(0));
        let ended = Event::region_back(&target, Family::V4, status, Moment(0));
        assert_eq!((begun.severity, ended.severity), (Severity::Warning, Severity::Info));
        for (least, expected) in
            [(Severity::Info, true), (Severity::Warning, true), (Severity::Critical, false)]
        {
            assert_eq!((begun.is_wanted(least), ended.is_wanted(least)), (expected, expected), "{least:?}");
        }
    }
}
