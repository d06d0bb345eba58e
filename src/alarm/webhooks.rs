//! The alarms about receivers of webhooks that refuse events.
//!
//! ```text
//!   taken ──▶ an event is refused: webhook_refused ──▶ one is taken, and none refused for ten minutes: webhook_accepted
//! ```
//!
//! The alarm is an event itself. What becomes of it at the receiver is not seen here, or it would raise and clear itself for
//! ever at one that takes the one and not the other.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Alarm;
use crate::event::{Condition, Event, WebhookRefusals};
use crate::moment::{Moment, follows_clock};

/// How long a receiver must have refused nothing: one that refuses some events and takes others is one alarm.
pub(crate) const QUIET: Duration = Duration::from_secs(600);

/// The receivers that refuse events, by the name of the webhook.
#[derive(Debug, Default)]
pub(crate) struct WebhookAlarms {
    refusing: BTreeMap<String, Refusing>,
}

#[derive(Debug)]
struct Refusing {
    told: Event,
    refused: u64,
    refused_at: Moment,
    takes_again: bool,
}

impl WebhookAlarms {
    /// Takes what has become of events since the last call.
    pub(crate) fn seen(&mut self, seen: &[WebhookRefusals], now: Moment) -> Vec<Event> {
        let mut events = Vec::new();
        for WebhookRefusals { webhook, refused, why, takes_again } in seen {
            let known = self.refusing.get_mut(webhook);
            match known {
                Some(known) => {
                    known.takes_again = *takes_again;
                    if *refused > 0 {
                        (known.refused, known.refused_at) = (known.refused + refused, now);
                        let event = Event::webhook_refused(webhook, known.refused, why, now);
                        // Another event is no other alarm.
                        known.told = Event { time: known.told.time, ..event };
                    }
                }
                None if *refused > 0 => {
                    let told = Event::webhook_refused(webhook, *refused, why, now);
                    events.push(told.clone());
                    let known =
                        Refusing { told, refused: *refused, refused_at: now, takes_again: *takes_again };
                    self.refusing.insert(webhook.clone(), known);
                }
                None => {}
            }
        }
        events
    }

    /// Returns when to look although nothing happens; `None`: never.
    pub(crate) fn wake(&self) -> Option<Moment> {
        let taking = self.refusing.values().filter(|known| known.takes_again);
        taking.map(|known| known.refused_at.plus(QUIET)).min()
    }

    /// Ends the alarms of those that take events again.
    pub(crate) fn look(&mut self, now: Moment) -> Vec<Event> {
        let is_over = |known: &Refusing| known.takes_again && known.refused_at.plus(QUIET) <= now;
        let over = self.refusing.extract_if(.., |_, known| is_over(known));
        over.map(|(webhook, known)| Event::webhook_accepted(&webhook, known.refused, now)).collect()
    }

    /// Returns the alarms that stand.
    pub(crate) fn standing(&self) -> impl Iterator<Item = Alarm> {
        self.refusing.iter().map(|(webhook, known)| Alarm {
            condition: Condition::Webhook(webhook.clone()),
            event: known.told.clone(),
        })
    }
}

follows_clock!(WebhookAlarms: refusing);
follows_clock!(Refusing: told, refused_at);

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many refusals, and whether one was taken since, at this second; returns the kinds of events.
    fn seen(alarms: &mut WebhookAlarms, refused: u64, takes_again: bool, second: u64) -> String {
        let now = Moment(second * 1000);
        let one = WebhookRefusals {
            webhook: "oncall".to_owned(),
            refused,
            why: "status 401".to_owned(),
            takes_again,
        };
        let mut events = alarms.seen(&[one], now);
        events.extend(alarms.look(now));
        events.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_receiver_that_refuses_everything_is_one_alarm_until_it_takes_something() {
        let mut alarms = WebhookAlarms::default();
        assert_eq!(seen(&mut alarms, 0, true, 1), "");
        assert_eq!(seen(&mut alarms, 1, false, 2), "webhook_refused");
        assert_eq!(seen(&mut alarms, 1, false, 3), "");
        assert_eq!((alarms.wake(), alarms.standing().count()), (None, 1));
        assert_eq!(seen(&mut alarms, 0, false, 86_400), "");
        assert_eq!(seen(&mut alarms, 0, true, 86_401), "webhook_accepted");
        assert_eq!((alarms.wake(), alarms.standing().count()), (None, 0));
    }

    #[test]
    fn a_receiver_that_refuses_some_events_is_one_alarm() {
        let mut alarms = WebhookAlarms::default();
        assert_eq!(seen(&mut alarms, 1, true, 0), "webhook_refused");
        for second in [300, 800, 1300] {
            assert_eq!(seen(&mut alarms, 1, true, second), "");
        }
        assert_eq!(alarms.wake(), Some(Moment(1_900_000)));
        assert_eq!(seen(&mut alarms, 0, true, 1899), "");
        assert_eq!(seen(&mut alarms, 0, true, 1900), "webhook_accepted");
    }
}
