//! What a record looks like to the receiver.
//!
//! | shape | body |
//! |---|---|
//! | JSON | the record as it is in the event log |
//! | Slack | `{"text": …}`, one line, with the characters escaped that mean something to Slack |
//! | PagerDuty | an event of the Events API v2; `dedup_key` joins the end of a trouble with its beginning |

use data_encoding::HEXLOWER;
use ring::digest;
use serde_json::{Value, json};

use crate::event::{Record, Severity};

/// The longest `dedup_key` that PagerDuty takes, in characters.
const MAX_KEY: usize = 255;

/// The longest `payload.summary` that PagerDuty takes, in characters.
const MAX_SUMMARY: usize = 1024;

/// Returns the record itself.
pub(super) fn json(record: &Record) -> Vec<u8> {
    serde_json::to_vec(record).expect("plain values become JSON")
}

/// Returns a message for an incoming webhook of Slack.
pub(super) fn slack(record: &Record, instance: &str) -> Vec<u8> {
    let is_over = record.incident.as_ref().is_some_and(|incident| incident.is_over);
    let sign = match record.severity {
        _ if is_over => ":white_check_mark:",
        Severity::Alarm => ":rotating_light:",
        Severity::Warning => ":warning:",
        Severity::Info => ":information_source:",
    };
    let (text, instance) = (escape(&record.text), escape(instance));
    to_vec(&json!({ "text": format!("{sign} {text} ({instance}, {})", record.time()) }))
}

/// Returns an event of PagerDuty's Events API v2.
pub(super) fn pagerduty(record: &Record, instance: &str, routing_key: &str) -> Vec<u8> {
    let is_over = record.incident.as_ref().is_some_and(|incident| incident.is_over);
    let severity = match record.severity {
        Severity::Alarm => "critical",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    let summary: String = record.text.chars().take(MAX_SUMMARY).collect();
    to_vec(&json!({
        "routing_key": routing_key,
        "event_action": if is_over { "resolve" } else { "trigger" },
        "dedup_key": key(record, instance),
        "payload": {
            "summary": summary,
            "source": instance,
            "severity": severity,
            "timestamp": record.time(),
            "component": record.region,
            "class": record.kind,
            "custom_details": record,
        },
    }))
}

/// Returns what the records of one trouble have in common. Every instance rings by itself: one that has gone
/// cannot end what it began, and another must not. What never ends has the event's own number.
fn key(record: &Record, instance: &str) -> String {
    let key = match &record.incident {
        Some(incident) => format!("meridian/{instance}/{}", incident.key),
        None => format!("meridian/{instance}/{}", record.number),
    };
    if key.chars().count() <= MAX_KEY {
        return key;
    }
    let digest = digest::digest(&digest::SHA256, key.as_bytes());
    format!("meridian/{}", HEXLOWER.encode(digest.as_ref()))
}

/// Escapes what Slack would take for links and commands: `<!channel>` in a reason must call nobody.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn to_vec(body: &Value) -> Vec<u8> {
    serde_json::to_vec(body).expect("plain values become JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alarm::Alarm;
    use crate::event::{Notice, What};
    use crate::moment::Moment;
    use crate::region::Family;
    use crate::steering::AllDown;

    fn all_down(rule: &str, number: u64, wrap: fn(Alarm) -> What) -> Record {
        let alarm = Alarm::Exhausted {
            owner: "api.example.com".to_owned(),
            others: 0,
            rule: Some(rule.to_owned()),
            family: Family::V4,
            all_down: AllDown::Servfail,
        };
        Record::of(&Notice { at: Moment(1_772_357_400_250), what: wrap(alarm) }, number, 3)
    }

    fn parsed(body: &[u8]) -> Value {
        serde_json::from_slice(body).expect("JSON")
    }

    #[test]
    fn a_cleared_alarm_resolves_what_the_raised_one_triggered() {
        let of = |number, wrap| parsed(&pagerduty(&all_down("eu only in EU", number, wrap), "ns1", "key"));
        let (raised, cleared) = (of(7, What::Raised), of(8, What::Cleared));
        assert_eq!(
            (&raised["event_action"], &cleared["event_action"]),
            (&"trigger".into(), &"resolve".into())
        );
        assert_eq!(raised["dedup_key"], "meridian/ns1/all_down/api.example.com/IPv4/eu only in EU");
        assert_eq!(raised["dedup_key"], cleared["dedup_key"]);
        assert_eq!(raised["routing_key"], "key");
        let payload = &raised["payload"];
        assert_eq!((&payload["severity"], &payload["source"]), (&"critical".into(), &"ns1".into()));
        assert_eq!(payload["timestamp"], "2026-03-01T09:30:00.250Z");
        assert_eq!(payload["custom_details"]["number"], 7);
    }

    #[test]
    fn a_key_or_summary_that_pagerduty_would_refuse_is_shortened_and_still_joins() {
        let rule = "é".repeat(2000);
        let of = |wrap| parsed(&pagerduty(&all_down(&rule, 7, wrap), "ns1", "key"));
        let (raised, cleared) = (of(What::Raised), of(What::Cleared));
        assert_eq!(raised["dedup_key"], cleared["dedup_key"]);
        let length = |value: &Value| value.as_str().expect("text").chars().count();
        assert!(length(&raised["dedup_key"]) <= MAX_KEY);
        assert_eq!(length(&raised["payload"]["summary"]), MAX_SUMMARY);
    }

    #[test]
    fn nothing_in_a_text_is_a_command_to_slack() {
        let what = What::LetBack { region: "tokyo".to_owned(), author: "<!channel> & Jo".to_owned() };
        let record = Record::of(&Notice { at: Moment(0), what }, 1, 1);
        assert_eq!(
            parsed(&slack(&record, "ns1"))["text"],
            ":information_source: &lt;!channel&gt; &amp; Jo lets tokyo back (ns1, 1970-01-01T00:00:00.000Z)"
        );
    }
}
