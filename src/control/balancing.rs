//! Where load is in the machine: when clients are divided anew, who is given clients of others, and who stays.

use super::{Control, Effect};
use crate::health::RememberedGuests;
use crate::load::{LoadStep, Readings};
use crate::moment::Moment;
use crate::region::Resolved;

impl Control {
    /// Spreads the clients of regions that have left or returned, if any has.
    pub(super) fn land(&mut self, now: Moment) {
        let readings = self.monitor.readings(&self.base, now);
        if !self.balancer.is_due(&self.base, self.monitor.view(), &readings) {
            return;
        }
        self.balancer.land(&self.base, self.monitor.view(), &readings, now);
    }

    /// Takes note of who is given clients of others.
    pub(super) fn note_guests(&mut self, now: Moment) {
        let readings = self.monitor.readings(&self.base, now);
        self.note_guests_by(&readings, now);
    }

    fn note_guests_by(&mut self, readings: &Readings, now: Moment) {
        let (view, splits) = (self.monitor.view(), self.balancer.splits());
        for (region, is_given) in self.guests.follow(&self.base, view, splits, readings) {
            self.monitor.note_guests(region, is_given.then_some(now));
        }
    }

    /// Takes note of the guests that an earlier life gave. Of a region with a capacity the load is not heard yet, and is
    /// taken to have been: or every one of them would count as given more than it may be expected to bear.
    pub(super) fn resume_guests(&mut self, remembered: &[RememberedGuests], now: Moment) {
        let mut readings = self.monitor.readings(&self.base, now);
        readings.vitals.iter_mut().for_each(|vitals| _ = vitals.load.get_or_insert(0.0));
        self.note_guests_by(&readings, now);
        for RememberedGuests { region, given } in remembered {
            // The wall clock may have been set back between the two lives.
            if let Some(region) = self.base.config.regions.find(region) {
                self.monitor.note_guests(region, Some((*given).min(now)));
            }
        }
    }

    /// Lets regions shed what is too much for them, if it is time to.
    pub(super) fn balance_step(&mut self, now: Moment) -> LoadStep {
        if self.balancer.wake(&self.base).is_none_or(|due| now < due) {
            return LoadStep::default();
        }
        let readings = self.monitor.readings(&self.base, now);
        self.balancer.step(&self.base, self.monitor.view(), &readings, now)
    }

    /// Looks at which clients stay with regions that are down because no other can bear them.
    pub(super) fn look_at_unborne(&mut self, now: Moment) -> Vec<Effect> {
        let readings = self.monitor.readings(&self.base, now);
        let staying = self.balancer.unborne(&self.base, self.monitor.view(), &readings).into_iter();
        let regions = &self.base.config.regions;
        let staying = staying.map(|(region, share)| (regions.target(Resolved::Region(region)), share));
        let news = self.unborne.look(staying.collect(), now);
        news.into_iter().map(Effect::emit).collect()
    }
}
