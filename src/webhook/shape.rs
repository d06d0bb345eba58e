//! The body of a request, in the shape that the receiver wants.
//!
//! | shape | body |
//! |---|---|
//! | JSON | the event as it is in the event log |
//! | Slack | `{"text": …}`, one line, with the characters escaped that mean something to Slack |
//! | PagerDuty | an event of the Events API v2; `dedup_key` joins the end of a condition with its beginning |

use data_encoding::HEXLOWER;
use ring::digest;
use serde_json::{Value, json};

use crate::event::Event;
use crate::severity::Severity;

/// The longest `dedup_key` that PagerDuty takes, in characters.
const MAX_KEY: usize = 255;

/// The longest `payload.summary` that PagerDuty takes, in characters.
const MAX_SUMMARY: usize = 1024;

/// Returns the event itself.
pub(super) fn json(event: &Event) -> Vec<u8> {
    serde_json::to_vec(event).expect("plain values become JSON")
}

/// Returns a message for an incoming webhook of Slack.
pub(super) fn slack(event: &Event, instance: &str) -> Vec<u8> {
    let sign = match event.severity {
        _ if event.is_end() => ":white_check_mark:",
        Severity::Critical => ":rotating_light:",
        Severity::Warning => ":warning:",
        Severity::Info => ":information_source:",
    };
    let (text, instance) = (escape(&event.text), escape(instance));
    to_vec(&json!({ "text": format!("{sign} {text} ({instance}, {})", event.time_text()) }))
}

/// Returns an event of PagerDuty's Events API v2.
pub(super) fn pagerduty(event: &Event, instance: &str, routing_key: &str) -> Vec<u8> {
    // An alert is an incident: it is not resolved by the first of its conditions that ends.
    let is_over = event.incident.as_ref().map_or_else(|| event.is_end(), |incident| incident.is_over);
    // PagerDuty's words are the same.
    let severity = event.severity;
    let summary: String = event.text.chars().take(MAX_SUMMARY).collect();
    to_vec(&json!({
        "routing_key": routing_key,
        "event_action": if is_over { "resolve" } else { "trigger" },
        "dedup_key": key(event, instance),
        "payload": {
            "summary": summary,
            "source": instance,
            "severity": severity,
            "timestamp": event.time_text(),
            "component": event.target,
            "class": event.kind,
            "custom_details": event,
        },
    }))
}

/// Returns what the events of one incident have in common, or of one condition that belongs to none. Keys and not
/// numbers, so that a restart goes on with the alert. Every instance rings by itself: one that has gone
/// cannot end what it began, and another must not. What never ends has the event's own number.
fn key(event: &Event, instance: &str) -> String {
    let key = match (&event.incident, &event.condition) {
        (Some(incident), _) => format!("meridian/{instance}/{}", incident.key),
        (None, Some(condition)) => format!("meridian/{instance}/{}", condition.key),
        (None, None) => format!("meridian/{instance}/{}", event.number),
    };
    if key.chars().count() <= MAX_KEY {
        return key;
    }
    let digest = digest::digest(&digest::SHA256, key.as_bytes());
    format!("meridian/{}", HEXLOWER.encode(digest.as_ref()))
}

/// Escapes what Slack would take for links and commands: `<!channel>` in a reason must notify no one.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn to_vec(body: &Value) -> Vec<u8> {
    serde_json::to_vec(body).expect("plain values become JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::AffectedNames;
    use crate::moment::Moment;
    use crate::region::Family;
    use crate::steering::AllDown;

    /// Returns the event that clients of this rule have no region left, or have one again.
    fn no_region(rule: &str, number: u64, is_over: bool) -> Event {
        let (owner, rule) = ("api.example.com".to_owned(), Some(rule.to_owned()));
        let names = AffectedNames { owner, others: 0, rule };
        let event = if is_over { Event::region_available } else { Event::no_region_available };
        Event { number, ..event(&names, Family::V4, AllDown::Servfail, Moment(1_772_357_400_250)) }
    }

    fn parsed(body: &[u8]) -> Value {
        serde_json::from_slice(body).expect("JSON")
    }

    #[test]
    fn a_cleared_alarm_resolves_what_the_raised_one_triggered() {
        let of =
            |number, is_over| parsed(&pagerduty(&no_region("eu only in EU", number, is_over), "ns1", "key"));
        let (raised, cleared) = (of(7, false), of(8, true));
        assert_eq!(
            (&raised["event_action"], &cleared["event_action"]),
            (&"trigger".into(), &"resolve".into())
        );
        assert_eq!(raised["dedup_key"], "meridian/ns1/no_region/api.example.com/IPv4/eu only in EU");
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
        let of = |is_over| parsed(&pagerduty(&no_region(&rule, 7, is_over), "ns1", "key"));
        let (raised, cleared) = (of(false), of(true));
        assert_eq!(raised["dedup_key"], cleared["dedup_key"]);
        let length = |value: &Value| value.as_str().expect("text").chars().count();
        assert!(length(&raised["dedup_key"]) <= MAX_KEY);
        assert_eq!(length(&raised["payload"]["summary"]), MAX_SUMMARY);
    }

    #[test]
    fn nothing_in_a_text_is_a_command_to_slack() {
        let event = Event::failback("tokyo", "<!channel> & Jo", Moment(0));
        assert_eq!(
            parsed(&slack(&event, "ns1"))["text"],
            ":information_source: &lt;!channel&gt; &amp; Jo let tokyo back (ns1, 1970-01-01T00:00:00.000Z)"
        );
    }
}
