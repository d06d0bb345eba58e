//! Alarms about a share: of a region that is down the clients who stay with it, because no other region can bear them; of
//! one that waits, ramps or is kept away what it takes as the reserve of the others.
//!
//! A region that fails softly leaves only as far as others can bear its clients, where that is known
//! (`health::Exit::AsBorne`). The rest stays where it is, and follows in steps of `safety.velocity`.

use std::collections::BTreeMap;

use crate::alarm::Alarm;
use crate::event::{Condition, Event};
use crate::moment::{ClockStep, FollowClock, Moment};
use crate::region::Target;
use crate::share::Share;

/// The regions of which an alarm stands, with the share and since when.
#[derive(Debug)]
pub(super) struct StandingShares {
    standing: BTreeMap<Target, (Share, Event)>,
    of: fn(Target) -> Condition,
    clear: fn(&Target, Moment) -> Event,
}

impl StandingShares {
    /// Starts without an alarm of clients who stay with a region that is down.
    pub fn unborne() -> Self {
        Self { standing: BTreeMap::new(), of: Condition::Unborne, clear: Event::clients_borne }
    }

    /// Starts without an alarm of a reserve that is used.
    pub fn reserve() -> Self {
        Self { standing: BTreeMap::new(), of: Condition::ReserveUsed, clear: Event::reserve_free }
    }

    /// Takes note of the shares of now, each with the event that raises its alarm, and returns what is news of it.
    pub fn look(&mut self, shares: Vec<(Target, Share, Event)>, now: Moment) -> Vec<Event> {
        let before = std::mem::take(&mut self.standing);
        let mut news = Vec::new();
        for (region, share, mut event) in shares {
            match before.get(&region) {
                // Another share is no other alarm.
                Some((_, known)) => event.time = known.time,
                None => news.push(event.clone()),
            }
            self.standing.insert(region, (share, event));
        }
        let over = before.into_keys().filter(|region| !self.standing.contains_key(region));
        news.extend(over.map(|region| (self.clear)(&region, now)));
        news
    }

    /// Returns the share of a region; `None`: no alarm of it stands.
    pub fn share(&self, region: &Target) -> Option<Share> {
        self.standing.get(region).map(|(share, _)| *share)
    }

    /// Returns the alarms that stand.
    pub fn standing(&self) -> impl Iterator<Item = Alarm> {
        let alarm = |(region, (_, event)): (&Target, &(Share, Event))| Alarm {
            condition: (self.of)(region.clone()),
            event: event.clone(),
        };
        self.standing.iter().map(alarm)
    }
}

impl FollowClock for StandingShares {
    fn follow_clock(&mut self, step: ClockStep) {
        self.standing.values_mut().for_each(|(_, event)| event.follow_clock(step));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_stands_from_the_first_clients_that_stay_to_the_last() {
        let mut watch = StandingShares::unborne();
        let mut look = |percent: Option<u8>, at: u64| {
            let staying = percent.map(|percent| {
                let (region, share) = (Target::of_region("osaka"), Share::percent(percent));
                let event = Event::clients_unborne(&region, share, Moment(at));
                (region, share, event)
            });
            let news = watch.look(staying.into_iter().collect(), Moment(at));
            let texts: Vec<_> = news.into_iter().map(|event| event.kind.to_string()).collect();
            let standing: Vec<_> =
                watch.standing().map(|alarm| (alarm.event.time, alarm.event.text)).collect();
            (texts, standing)
        };
        assert_eq!(look(None, 1), (vec![], vec![]));
        let (news, standing) = look(Some(60), 2);
        assert_eq!((news, standing[0].0), (vec!["clients_unborne".to_owned()], Moment(2)));
        let (news, standing) = look(Some(40), 3);
        assert_eq!((news, standing[0].0), (vec![], Moment(2)), "{standing:?}");
        assert!(standing[0].1.contains("40% of the clients of osaka"), "{standing:?}");
        assert_eq!(look(None, 4), (vec!["clients_borne".to_owned()], vec![]));
    }
}
