//! Where load is in the machine: when clients are divided anew, who is given clients of others, and who stays.

use super::{Control, Effect};
use crate::event::{Event, EventKind};
use crate::health::{Phase, RememberedGuests, SiteShare};
use crate::load::{LoadStep, Readings};
use crate::moment::Moment;
use crate::region::{Family, RegionId, RegionSet, Resolved, Site};

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

    /// Looks at which clients stay with regions that are down because no other can bear them, and at which are sent to
    /// regions that are a reserve.
    pub(super) fn look_at_shares(&mut self, now: Moment) -> Vec<Effect> {
        let (base, view) = (&self.base, self.monitor.view());
        let readings = self.monitor.readings(base, now);
        let target = |region| base.config.regions.target(Resolved::Region(region));
        let staying = self.balancer.unborne(base, view, &readings).into_iter().map(|(region, share)| {
            (target(region), share, Event::clients_unborne(&target(region), share, now))
        });
        let reserve = self.balancer.reserve(base, view, &readings).into_iter().map(|(region, filled)| {
            let [v4, v6] = self.monitor.observed(Site::Region(region));
            let phase = if v4.exists() { v4.phase } else { v6.phase };
            (target(region), filled, Event::reserve_used(&target(region), phase, filled, now))
        });
        let (staying, reserve) = (staying.collect(), reserve.collect());
        let mut news = self.unborne.look(staying, now);
        news.extend(self.reserve.look(reserve, now));
        news.into_iter().map(Effect::emit).collect()
    }

    /// Returns the regions of a family that are down and still have clients since no region was well.
    pub(super) fn outage(&self, family: Family) -> RegionSet {
        let regions = self.base.config.regions.iter().map(|(id, _)| id);
        let has_clients = |id: &RegionId| {
            let status = self.monitor.view().status(*id, family);
            let target = || self.base.config.regions.target(Resolved::Region(*id));
            match status.share {
                SiteShare::Kept(_) => status.phase == Phase::Down,
                SiteShare::Yielding { .. } => {
                    self.monitor.is_in_outage(*id, family) && self.unborne.share(&target()).is_some()
                }
                SiteShare::Full
                | SiteShare::Part(_)
                | SiteShare::Waiting
                | SiteShare::Out { .. }
                | SiteShare::Disabled => false,
            }
        };
        regions.filter(has_clients).collect()
    }

    /// Returns an event as it is told: of a region that has left, with the clients who stay.
    pub(super) fn but_for_staying(&self, event: Event) -> Event {
        let staying = event.target.as_ref().and_then(|region| self.unborne.share(region));
        match staying.filter(|_| event.kind == EventKind::REGION_OUT) {
            Some(staying) => event.but_for(staying),
            None => event,
        }
    }
}
