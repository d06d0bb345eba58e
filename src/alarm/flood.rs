//! Alarms about floods: one for each network whose queries are over the rate limits.
//!
//! ```text
//!   quiet ──▶ over a limit ──▶ 100 queries over it: flood_began ──▶ none for a minute: flood_ended ──▶ quiet
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use super::Alarm;
use crate::client::Prefix;
use crate::event::{Condition, Event, FloodSighting};
use crate::moment::{Moment, follows_clock};

/// How many queries over a limit are a flood: fewer are a resolver that starts anew, and no matter.
const LEAST: u64 = 100;

/// How long nothing is over a limit before a flood is over.
pub(crate) const QUIET: Duration = Duration::from_secs(60);

/// The floods that there are.
#[derive(Debug, Default)]
pub(crate) struct FloodAlarms {
    floods: BTreeMap<Prefix, Flood>,
}

#[derive(Debug)]
struct Flood {
    began_at: Moment,
    seen_at: Moment,
    limited: u64,
    /// `None`: it is not told yet.
    told: Option<Event>,
}

follows_clock!(FloodAlarms: floods);
follows_clock!(Flood: began_at, seen_at, told);

impl FloodAlarms {
    /// Takes which networks were over a limit.
    pub(crate) fn seen(&mut self, sightings: &[FloodSighting], now: Moment) -> Vec<Event> {
        let mut events = Vec::new();
        for FloodSighting { network, limited } in sightings {
            let flood = self.floods.entry(*network).or_insert(Flood {
                began_at: now,
                seen_at: now,
                limited: 0,
                told: None,
            });
            flood.seen_at = now;
            flood.limited += limited;
            if flood.told.is_none() && flood.limited >= LEAST {
                let event = Event::flood_began(*network, flood.limited, now);
                flood.told = Some(event.clone());
                events.push(event);
            }
        }
        events
    }

    /// Returns when to look although nothing happens; `None`: never.
    pub(crate) fn wake(&self) -> Option<Moment> {
        self.floods.values().map(|flood| flood.seen_at.plus(QUIET)).min()
    }

    /// Ends what has been quiet for long enough.
    pub(crate) fn look(&mut self, now: Moment) -> Vec<Event> {
        let mut events = Vec::new();
        self.floods.retain(|network, flood| {
            let is_over = flood.seen_at.plus(QUIET) <= now;
            if is_over && flood.told.is_some() {
                let lasted = flood.seen_at.since(flood.began_at);
                events.push(Event::flood_ended(*network, flood.limited, lasted, QUIET, now));
            }
            !is_over
        });
        events
    }

    /// Returns the alarms that stand.
    pub(crate) fn standing(&self) -> impl Iterator<Item = Alarm> {
        self.floods.iter().filter_map(|(network, flood)| {
            let event = flood.told.clone()?;
            Some(Alarm { condition: Condition::Flood(*network), event })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_event_at_its_begin_and_one_when_it_has_been_quiet_for_a_minute() {
        let mut alarms = FloodAlarms::default();
        let network = "192.0.2.0/24".parse().expect("a network");
        let mut seen = |limited, second: u64| {
            let now = Moment(second * 1000);
            let mut events = alarms.look(now);
            if limited > 0 {
                events.extend(alarms.seen(&[FloodSighting { network, limited }], now));
            }
            let wake = alarms.wake().map(|wake| wake.0 / 1000);
            let texts: Vec<_> = events.iter().map(|event| event.kind.to_string()).collect();
            (texts.join(" "), alarms.standing().count(), wake)
        };
        assert_eq!(seen(99, 1), (String::new(), 0, Some(61)));
        assert_eq!(seen(1, 2), ("flood_began".to_owned(), 1, Some(62)));
        assert_eq!(seen(5000, 3), (String::new(), 1, Some(63)));
        assert_eq!(seen(0, 62), (String::new(), 1, Some(63)));
        assert_eq!(seen(0, 63), ("flood_ended".to_owned(), 0, None));
        // What never was one ends silently.
        assert_eq!(seen(99, 64), (String::new(), 0, Some(124)));
        assert_eq!(seen(0, 124), (String::new(), 0, None));
    }
}
