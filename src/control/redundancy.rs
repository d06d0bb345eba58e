//! The alarm while the loss of one region would end badly.
//!
//! ```text
//!  a change, or ten minutes ──▶ a round: eight regions, a second later the next ──▶ raised, told anew, or cleared
//! ```
//!
//! Each loss is forecast by the code that would divide the clients, with the demand and the health of now. It ends badly
//! when clients who may be sent to several regions would have none left, or when a region would be above its hard limit
//! that is not so now. Clients who may be sent to one region only are left out: they lose it with that one whatever
//! happens, and that is known when it is configured. What is judged is a whole round, so that the alarm is of one moment
//! but for some seconds.

use std::time::Duration;

use crate::alarm::Alarm;
use crate::event::{BadLoss, Condition, Event};
use crate::inspect::what_if::Present;
use crate::moment::{Moment, follows_clock};
use crate::region::{Family, RegionId};

/// How long after a round the next one begins if nothing changes.
const ROUND_EVERY: Duration = Duration::from_secs(600);

/// How long after a change a round begins: changes come in groups, and fail-overs take as long to be felt.
const AFTER_CHANGE: Duration = Duration::from_secs(10);

/// The most forecasts at a time: each takes as long as some steps of the load code, and nothing else is decided meanwhile.
const AT_A_TIME: u8 = 8;

/// How long after some forecasts of a round the next ones are made.
const BETWEEN: Duration = Duration::from_secs(1);

/// What is forecast when, and what stands.
#[derive(Debug)]
pub(super) struct LossWatch {
    /// When there is something to forecast next.
    due: Moment,
    /// The region that the round goes on with.
    next: u8,
    /// The losses of the round that end badly.
    found: Vec<BadLoss>,
    /// Whether something has changed since the round began.
    is_stale: bool,
    standing: Option<Event>,
}

impl LossWatch {
    /// Starts without an alarm, with a round soon.
    pub fn new(now: Moment) -> Self {
        let due = now.plus(AFTER_CHANGE);
        Self { due, next: 0, found: Vec::new(), is_stale: false, standing: None }
    }

    /// Takes note that what regions take or may take has changed.
    pub fn note_change(&mut self, now: Moment) {
        match self.next {
            0 => self.due = self.due.min(now.plus(AFTER_CHANGE)),
            _ => self.is_stale = true,
        }
    }

    /// Begins anew: the regions are others.
    pub fn restart(&mut self, now: Moment) {
        let standing = self.standing.take();
        *self = Self { standing, ..Self::new(now) };
    }

    /// Returns when to look.
    pub fn wake(&self) -> Moment {
        self.due
    }

    /// Returns the alarm, if it stands.
    pub fn standing(&self) -> Option<Alarm> {
        let event = self.standing.clone()?;
        Some(Alarm { condition: Condition::Redundancy, event })
    }

    /// Goes on with the round if it is time to, and returns the event of its end, if that is news.
    pub fn look(&mut self, present: &Present<'_>, now: Moment) -> Option<Event> {
        if now < self.due {
            return None;
        }
        let count = u8::try_from(present.base.config.regions.len()).unwrap_or(u8::MAX);
        let until = count.min(self.next.saturating_add(AT_A_TIME));
        self.found.extend(present.bad_losses((self.next..until).map(RegionId)));
        if until < count {
            (self.next, self.due) = (until, now.plus(BETWEEN));
            return None;
        }
        let again = if std::mem::take(&mut self.is_stale) { AFTER_CHANGE } else { ROUND_EVERY };
        (self.next, self.due) = (0, now.plus(again));
        let found = std::mem::take(&mut self.found);
        // When nothing is well no loss makes it worse, and the alarm stays.
        let is_any_well = present.base.config.regions.iter().any(|(id, _)| {
            Family::BOTH.into_iter().any(|family| {
                let status = present.view.status(id, family);
                status.exists() && status.share.is_well()
            })
        });
        if is_any_well { self.judge(&found, now) } else { None }
    }

    fn judge(&mut self, found: &[BadLoss], now: Moment) -> Option<Event> {
        if found.is_empty() {
            return self.standing.take().map(|_| Event::redundancy_restored(now));
        }
        let event = Event::redundancy_lost(found, now);
        // Other regions are no other alarm, but who looks later sees them.
        let before = self.standing.as_ref().map(|before| before.time);
        self.standing = Some(Event { time: before.unwrap_or(now), ..event.clone() });
        before.is_none().then_some(event)
    }
}

follows_clock!(LossWatch: due, standing);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{SiteShare, View, Vitals};
    use crate::load::{Outlook, Readings};
    use crate::snapshot::{Base, fixture};

    /// So many regions of the same size, to all of which all clients may be sent.
    fn base(regions: u8) -> Base {
        let region = |index: u8| {
            format!(
                "  r{index}:\n    location: {{ latitude: 35, longitude: {index} }}\n    jurisdiction: JP\n    capacity: 1000\n    \
                 zones: {{ r{index}-a: {{ addresses: [192.0.2.{}] }} }}\n",
                index + 1
            )
        };
        let names: Vec<_> = (0..regions).map(|index| format!("r{index}")).collect();
        let zone = format!(
            "zone: example.com\nnameservers: [ns1.example.net]\nnames:\n  '@':\n    steer:\n      regions: [{}]\n      \
             order: listed\n",
            names.join(", ")
        );
        let regions: String = (0..regions).map(region).collect();
        fixture::base(&format!("regions:\n{regions}"), &zone)
    }

    /// All clients are in the first region, at this load.
    fn outlook(base: &Base, load: f64) -> Outlook {
        let count = base.config.regions.len();
        let mut readings = Readings::unknown(count);
        readings.vitals = (0..count)
            .map(|index| Vitals { load: Some(if index == 0 { load } else { 0.0 }), ..Vitals::default() })
            .collect();
        Outlook { readings, ..Outlook::default() }
    }

    /// Looks at this moment.
    fn look(watch: &mut LossWatch, base: &Base, load: f64, view: &View, at: u64) -> Option<String> {
        let outlook = outlook(base, load);
        let present = Present { base, view, outlook: &outlook, at: Moment(at) };
        watch.look(&present, Moment(at)).map(|event| event.kind.as_str().to_owned())
    }

    #[test]
    fn the_last_region_but_one_that_dies_raises_the_alarm_until_it_is_back() {
        let base = base(2);
        let all = View::all_up(&base.config.regions);
        let lost =
            all.clone().with(Vec::new(), &[[SiteShare::Full; 2], [SiteShare::Out { since: Moment(0) }; 2]]);
        let mut watch = LossWatch::new(Moment(0));
        assert_eq!(look(&mut watch, &base, 0.5, &all, 10_000), None, "the other one can bear all");
        assert_eq!(watch.wake(), Moment(610_000));
        watch.note_change(Moment(20_000));
        assert_eq!(look(&mut watch, &base, 0.5, &lost, 29_999), None, "not yet");
        assert_eq!(look(&mut watch, &base, 0.5, &lost, 30_000).as_deref(), Some("redundancy_lost"));
        assert_eq!(look(&mut watch, &base, 0.5, &lost, 630_000), None, "it stands");
        let standing = watch.standing().expect("it stands");
        assert_eq!(standing.event.time, Moment(30_000));
        assert!(
            standing.event.text.contains("the loss of r0 would end badly now"),
            "{}",
            standing.event.text
        );
        let nothing = all.clone().with(Vec::new(), &[[SiteShare::Out { since: Moment(0) }; 2]; 2]);
        watch.note_change(Moment(635_000));
        assert_eq!(
            look(&mut watch, &base, 0.5, &nothing, 645_000),
            None,
            "when all are gone nothing is well again"
        );
        watch.note_change(Moment(650_000));
        assert_eq!(look(&mut watch, &base, 0.5, &all, 660_000).as_deref(), Some("redundancy_restored"));
        assert!(watch.standing().is_none());
    }

    #[test]
    fn a_load_that_the_others_cannot_bear_raises_it_within_ten_minutes() {
        let base = base(2);
        let all = View::all_up(&base.config.regions);
        let mut watch = LossWatch::new(Moment(0));
        assert_eq!(look(&mut watch, &base, 0.9, &all, 10_000), None);
        let half = Readings { present: vec![1.0, 0.5], ..outlook(&base, 0.9).readings };
        let outlook = Outlook { readings: half, ..Outlook::default() };
        let present = Present { base: &base, view: &all, outlook: &outlook, at: Moment(610_000) };
        let event = watch.look(&present, Moment(610_000)).expect("r1 has lost half of its capacity");
        assert!(event.text.contains("r1") && event.text.contains("180%"), "{}", event.text);
    }

    #[test]
    fn a_round_of_many_regions_takes_eight_at_a_time_and_a_change_meanwhile_begins_another() {
        let base = base(20);
        let all = View::all_up(&base.config.regions);
        let mut watch = LossWatch::new(Moment(0));
        let mut wakes = Vec::new();
        for _ in 0..3 {
            let at = watch.wake();
            wakes.push(at.0);
            look(&mut watch, &base, 0.5, &all, at.0);
            watch.note_change(Moment(10_500));
        }
        assert_eq!(wakes, [10_000, 11_000, 12_000]);
        assert_eq!(watch.wake(), Moment(20_500), "a change since");
    }
}
