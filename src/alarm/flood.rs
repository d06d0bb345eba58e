//! The alarm about floods: one for the whole server, however many networks are over the rate limits.
//!
//! ```text
//!   quiet ──▶ 100 queries over a limit in a minute: flood_began ──▶ for five minutes in no minute as many: flood_ended
//! ```
//!
//! A few queries over a limit neither begin a flood nor keep it from ending, and one that comes and goes is one flood.

use std::time::Duration;

use super::Alarm;
use crate::event::{Condition, Event, FloodExtent, LimitedQueries};
use crate::moment::{Moment, follows_clock};

/// How many queries over a limit within [`WINDOW`] are a flood: fewer are a resolver that starts anew, and no matter.
const LEAST: u64 = 100;

/// The time in which they are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// How long after its last busy moment a flood is over.
pub(crate) const QUIET: Duration = Duration::from_secs(300);

/// The flood that there is, or that may become one.
#[derive(Debug, Default)]
pub(crate) struct FloodAlarm {
    flood: Option<Flood>,
}

#[derive(Debug)]
struct Flood {
    began_at: Moment,
    extent: FloodExtent,
    /// The begin of the minute that is counted, and its queries.
    window_at: Moment,
    in_window: u64,
    /// When a minute last had enough queries for a flood.
    busy_at: Moment,
    /// `None`: it is not told yet.
    told: Option<Event>,
}

impl FloodAlarm {
    /// Takes which queries were over a limit.
    pub(crate) fn seen(&mut self, seen: &LimitedQueries, now: Moment) -> Option<Event> {
        let is_old = |flood: &Flood| flood.told.is_none() && flood.window_at.plus(WINDOW) <= now;
        let kept = self.flood.take().filter(|flood| !is_old(flood));
        let flood = self.flood.insert(kept.unwrap_or_else(|| Flood::at(now)));
        if flood.window_at.plus(WINDOW) <= now {
            (flood.window_at, flood.in_window) = (now, 0);
        }
        flood.extent.add(seen);
        flood.in_window += seen.count();
        if flood.in_window >= LEAST {
            flood.busy_at = now;
        }
        let event = Event::flood_began(&flood.extent, now);
        match &flood.told {
            // Other networks are no other flood, but who looks later sees them.
            Some(before) => {
                flood.told = Some(Event { time: before.time, ..event });
                None
            }
            None if flood.in_window >= LEAST => Some(flood.told.insert(event).clone()),
            None => None,
        }
    }

    /// Returns when to look although nothing happens; `None`: never.
    pub(crate) fn wake(&self) -> Option<Moment> {
        let flood = self.flood.as_ref().filter(|flood| flood.told.is_some())?;
        Some(flood.busy_at.plus(QUIET))
    }

    /// Ends it when it has been quiet for long enough.
    pub(crate) fn look(&mut self, now: Moment) -> Option<Event> {
        self.wake().filter(|end| *end <= now)?;
        let flood = self.flood.take()?;
        let lasted = flood.busy_at.since(flood.began_at);
        Some(Event::flood_ended(&flood.extent, lasted, QUIET, now))
    }

    /// Returns the alarm, if it stands.
    pub(crate) fn standing(&self) -> Option<Alarm> {
        let event = self.flood.as_ref()?.told.clone()?;
        Some(Alarm { condition: Condition::Flood, event })
    }
}

impl Flood {
    fn at(now: Moment) -> Self {
        let extent = FloodExtent::default();
        Self { began_at: now, extent, window_at: now, in_window: 0, busy_at: now, told: None }
    }
}

follows_clock!(FloodAlarm: flood);
follows_clock!(Flood: began_at, window_at, busy_at, told);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::FloodSighting;

    /// Takes these queries of a network, or none, at this second; returns the kinds of events.
    fn seen(alarm: &mut FloodAlarm, network: u8, limited: u64, second: u64) -> String {
        let now = Moment(second * 1000);
        let mut events = Vec::from_iter(alarm.look(now));
        if limited > 0 {
            let network = format!("10.0.{network}.0/24").parse().expect("a network");
            let networks = vec![FloodSighting { network, limited }];
            events.extend(alarm.seen(&LimitedQueries { networks, others: 0 }, now));
        }
        events.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_flood_is_one_event_at_its_begin_and_one_when_it_has_been_quiet_for_five_minutes() {
        let mut alarm = FloodAlarm::default();
        assert_eq!(seen(&mut alarm, 1, 99, 1), "");
        assert_eq!((alarm.wake(), alarm.standing()), (None, None));
        assert_eq!(seen(&mut alarm, 1, 1, 2), "flood_began");
        assert_eq!(seen(&mut alarm, 1, 5000, 3), "");
        assert_eq!(alarm.wake(), Some(Moment(303_000)));
        assert_eq!(seen(&mut alarm, 1, 0, 302), "");
        assert_eq!(seen(&mut alarm, 1, 0, 303), "flood_ended");
        assert_eq!((alarm.wake(), alarm.standing()), (None, None));
    }

    #[test]
    fn a_trickle_over_the_limits_is_no_flood_and_keeps_none_from_ending() {
        let mut alarm = FloodAlarm::default();
        let minutes = |alarm: &mut FloodAlarm, minutes: std::ops::Range<u64>, limited| {
            minutes.map(|minute| seen(alarm, 1, limited, minute * 60)).collect::<String>()
        };
        assert_eq!(minutes(&mut alarm, 0..600, 99), "");
        assert_eq!(seen(&mut alarm, 1, 100, 36_000), "flood_began");
        assert_eq!(minutes(&mut alarm, 601..660, 1), "flood_ended");
    }

    #[test]
    fn a_flood_that_comes_and_goes_is_one() {
        let mut alarm = FloodAlarm::default();
        let kinds: Vec<String> = (0..60).map(|time| seen(&mut alarm, 1, 500, time * 240)).collect();
        assert_eq!(kinds.concat(), "flood_began");
    }

    #[test]
    fn a_flood_from_many_networks_is_one_event_and_pushes_nothing_out_of_the_history() {
        let mut alarm = FloodAlarm::default();
        let kinds: Vec<String> =
            (0..250).map(|network| seen(&mut alarm, network, 500, network.into())).collect();
        assert_eq!(kinds.concat(), "flood_began");
        let standing = alarm.standing().expect("it stands");
        assert_eq!((standing.event.time, standing.condition.to_string()), (Moment(0), "flood".to_owned()));
        assert!(standing.event.text.contains("and 61 more networks"), "{}", standing.event.text);
    }
}
