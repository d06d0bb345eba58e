//! The alarm while clients stay with a region that is down, because no other region can bear them.
//!
//! A region that fails softly leaves only as far as others can bear its clients, where that is known
//! (`health::Exit::AsBorne`). The rest stays where it is, and follows in steps of `safety.velocity`.

use std::collections::BTreeMap;

use crate::alarm::Alarm;
use crate::event::{Condition, Event};
use crate::moment::{Moment, follows_clock};
use crate::region::Target;
use crate::share::Share;

/// The regions whose clients stay, and since when.
#[derive(Debug, Default)]
pub(super) struct UnborneWatch {
    standing: BTreeMap<Target, Event>,
}

impl UnborneWatch {
    /// Takes note of which share of whose clients stays, and returns what is news of it.
    pub fn look(&mut self, staying: Vec<(Target, Share)>, now: Moment) -> Vec<Event> {
        let before = std::mem::take(&mut self.standing);
        let mut news = Vec::new();
        for (region, share) in staying {
            let mut event = Event::clients_unborne(&region, share, now);
            match before.get(&region) {
                // Another share is no other alarm.
                Some(known) => event.time = known.time,
                None => news.push(event.clone()),
            }
            self.standing.insert(region, event);
        }
        let over = before.into_keys().filter(|region| !self.standing.contains_key(region));
        news.extend(over.map(|region| Event::clients_borne(&region, now)));
        news
    }

    /// Returns the alarms that stand.
    pub fn standing(&self) -> impl Iterator<Item = Alarm> {
        let alarm = |(region, event): (&Target, &Event)| Alarm {
            condition: Condition::Unborne(region.clone()),
            event: event.clone(),
        };
        self.standing.iter().map(alarm)
    }
}

follows_clock!(UnborneWatch: standing);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_stands_from_the_first_clients_that_stay_to_the_last() {
        let mut watch = UnborneWatch::default();
        let mut look = |percent: Option<u8>, at: u64| {
            let staying = percent.map(|percent| (Target::of_region("osaka"), Share::percent(percent)));
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
