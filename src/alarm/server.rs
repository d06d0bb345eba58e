//! Alarms about the server itself: its files, its clock, names that it cannot look up, floods of queries, and
//! receivers that refuse its events.
//!
//! A file that was lost, or cannot be written, is an alarm until it is written. A clock that was set is one for a while,
//! so that an operator who looks later still learns why times do not fit.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use super::Alarm;
use super::flood::FloodAlarm;
use super::webhooks::WebhookAlarms;
use crate::event::{Condition, Event, StateLoss};
use crate::generation::PassedOver;
use crate::moment::{ClockStep, Moment, follows_clock};
use crate::region::{HostLookup, Regions, Site, ZoneId};

/// How long a step of the clock is an alarm.
const CLOCK_TOLD_FOR: Duration = Duration::from_secs(3600);

/// What is wrong with the server.
#[derive(Debug, Default)]
pub(crate) struct ServerAlarms {
    /// By the name of the file.
    files: BTreeMap<&'static str, Event>,
    /// By the name that cannot be looked up, or of which not all is taken.
    hosts: BTreeMap<String, Event>,
    /// By name: what the last lookup that found something led to.
    led: BTreeMap<String, Vec<IpAddr>>,
    /// By name: why the last lookup led nowhere.
    failing: BTreeMap<String, String>,
    /// Why something else is served than the configuration directory holds.
    passed_over: Option<Event>,
    /// The last step of the clock that is still told.
    clock: Option<Event>,
    pub(crate) flood: FloodAlarm,
    pub(crate) webhooks: WebhookAlarms,
}

impl ServerAlarms {
    /// Takes that a file could not be used.
    pub(crate) fn lost(&mut self, loss: &StateLoss, now: Moment) -> Event {
        let event = Event::state_lost(loss, now);
        self.files.insert(loss.file, event.clone());
        event
    }

    /// Takes how the last write of each file ended: why it failed, or that it did not. What was never written stays as
    /// it is.
    pub(crate) fn written(
        &mut self,
        outcomes: &BTreeMap<&'static str, Option<String>>,
        now: Moment,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        for (file, why) in outcomes {
            let Some(why) = why else {
                events.extend(self.files.remove(file).map(|_| Event::state_written(file, now)));
                continue;
            };
            let event = Event::state_unwritten(file, why, now);
            // Another reason is no other alarm.
            let before = self.files.get(file).map(|before| before.time);
            self.files.insert(file, Event { time: before.unwrap_or(now), ..event.clone() });
            events.extend(before.is_none().then_some(event));
        }
        events
    }

    /// Takes what lookups of names found, and where all names lead by now, for one may take an address from another.
    pub(crate) fn looked_up(&mut self, lookups: &[HostLookup], regions: &Regions, now: Moment) -> Vec<Event> {
        for HostLookup { host, found } in lookups {
            match found {
                Ok(ips) => {
                    self.failing.remove(host);
                    self.led.insert(host.clone(), ips.clone());
                }
                Err(why) => drop(self.failing.insert(host.clone(), why.clone())),
            }
        }
        let (mut events, mut seen) = (Vec::new(), BTreeSet::new());
        for (id, _, zone) in regions.zones() {
            let Some(host) = zone.host.as_ref().map(|host| &host.name) else { continue };
            // Services may share a name; the first zone stands for all.
            if !seen.insert(host) {
                continue;
            }
            let (target, count) = (regions.target(Site::Zone(id)), zone.addresses.len());
            let found = self.led.get(host).map_or(&[][..], Vec::as_slice);
            let why = self.failing.get(host).cloned().or_else(|| taken(found, id, regions));
            match why {
                None => {
                    let was_told = self.hosts.remove(host);
                    events.extend(was_told.map(|_| Event::host_resolved(Some((&target, count)), host, now)));
                }
                Some(why) => {
                    let event = Event::host_unresolved(&target, host, &why, count, now);
                    // Another reason is no other alarm.
                    let before = self.hosts.get(host).map(|before| before.time);
                    self.hosts.insert(host.clone(), Event { time: before.unwrap_or(now), ..event.clone() });
                    events.extend(before.is_none().then_some(event));
                }
            }
        }
        events
    }

    /// Ends the alarms of names that no zone has any more.
    pub(crate) fn forget_hosts(&mut self, regions: &Regions, now: Moment) -> Vec<Event> {
        let is_gone = |host: &str| !regions.hosts().any(|known| known.name == host);
        self.led.retain(|host, _| !is_gone(host));
        self.failing.retain(|host, _| !is_gone(host));
        let gone = self.hosts.extract_if(.., |host, _| is_gone(host));
        gone.map(|(host, _)| Event::host_resolved(None, &host, now)).collect()
    }

    /// Takes why something else is served than the configuration directory holds; `None`: nothing else is.
    pub(crate) fn passed_over(&mut self, why: Option<&PassedOver>, now: Moment) -> Option<Event> {
        let Some(why) = why else {
            return self.passed_over.take().map(|_| Event::directory_served(now));
        };
        let event = Event::directory_passed_over(why, now);
        if self.passed_over.as_ref().is_some_and(|before| before.text == event.text) {
            return None;
        }
        self.passed_over = Some(event.clone());
        Some(event)
    }

    /// Takes that the clock was set.
    pub(crate) fn clock_set(&mut self, step: ClockStep, now: Moment) -> Event {
        let event = Event::clock_set(step, now);
        self.clock = Some(event.clone());
        event
    }

    /// Returns when to look although nothing happens; `None`: never.
    pub(crate) fn wake(&self) -> Option<Moment> {
        self.clock_until().into_iter().chain(self.flood.wake()).chain(self.webhooks.wake()).min()
    }

    fn clock_until(&self) -> Option<Moment> {
        self.clock.as_ref().map(|event| event.time.plus(CLOCK_TOLD_FOR))
    }

    /// Ends the alarm of the clock when it has been told for long enough, a flood that is over, and the alarms of webhooks
    /// that are taken again.
    pub(crate) fn look(&mut self, now: Moment) -> Vec<Event> {
        let mut events = Vec::from_iter(self.flood.look(now));
        events.extend(self.webhooks.look(now));
        if self.clock_until().is_some_and(|until| until <= now) {
            self.clock = None;
            events.push(Event::clock_steady(CLOCK_TOLD_FOR, now));
        }
        events
    }

    /// Returns the alarms that stand.
    pub(crate) fn standing(&self) -> impl Iterator<Item = Alarm> {
        let files = self.files.iter().map(|(file, event)| Alarm {
            condition: Condition::StateFile((*file).to_owned()),
            event: event.clone(),
        });
        let clock = self.clock.iter();
        let clock = clock.map(|event| Alarm { condition: Condition::ClockSet, event: event.clone() });
        let hosts = self
            .hosts
            .iter()
            .map(|(host, event)| Alarm { condition: Condition::Host(host.clone()), event: event.clone() });
        let passed_over = self.passed_over.iter();
        let passed_over =
            passed_over.map(|event| Alarm { condition: Condition::PassedOver, event: event.clone() });
        files
            .chain(hosts)
            .chain(passed_over)
            .chain(clock)
            .chain(self.flood.standing())
            .chain(self.webhooks.standing())
    }
}

/// Says which of the addresses of a name its zone goes without, because another zone has them already; `None`: it has all.
fn taken(found: &[IpAddr], id: ZoneId, regions: &Regions) -> Option<String> {
    let service = |zone: ZoneId| regions.region(regions.region_of(zone)).service();
    let own = &regions.zone(id).addresses;
    found.iter().filter(|ip| !own.contains(ip)).find_map(|ip| {
        let (other, ..) = regions
            .zones()
            .find(|(other, _, zone)| service(*other) == service(id) && zone.addresses.contains(ip))?;
        Some(format!("leads to {ip}, which {} has already", regions.target(Site::Zone(other))))
    })
}

follows_clock!(ServerAlarms: files, hosts, passed_over, clock, flood, webhooks);

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(events: &[Event]) -> Vec<&str> {
        events.iter().map(|event| event.kind.as_str()).collect()
    }

    #[test]
    fn a_file_that_is_lost_or_unwritten_is_one_alarm_until_it_is_written() {
        let mut alarms = ServerAlarms::default();
        let loss = StateLoss { file: "intents.json", why: "damaged".to_owned(), intents: Vec::new() };
        alarms.lost(&loss, Moment(1));
        let full = |why: &str| BTreeMap::from([("health.json", Some(why.to_owned()))]);
        assert_eq!(kinds(&alarms.written(&full("full"), Moment(2))), ["state_unwritten"]);
        assert_eq!(alarms.written(&full("fuller"), Moment(3)), []);
        let standing: Vec<_> =
            alarms.standing().map(|alarm| (alarm.event.time, alarm.event.reason)).collect();
        let expected = [(Moment(2), Some("fuller".to_owned())), (Moment(1), Some("damaged".to_owned()))];
        assert_eq!(standing, expected);
        let written = BTreeMap::from([("health.json", None), ("intents.json", None)]);
        assert_eq!(kinds(&alarms.written(&written, Moment(4))), ["state_written", "state_written"]);
        assert_eq!(alarms.standing().count(), 0);
    }

    #[test]
    fn a_directory_is_passed_over_once_for_each_reason_until_it_is_served() {
        let mut alarms = ServerAlarms::default();
        let why = |served| Some(PassedOver::RolledBack { served });
        assert_eq!(alarms.passed_over(None, Moment(1)), None);
        assert!(alarms.passed_over(why(3).as_ref(), Moment(2)).is_some());
        assert_eq!(alarms.passed_over(why(3).as_ref(), Moment(3)), None);
        assert!(alarms.passed_over(why(4).as_ref(), Moment(4)).is_some());
        assert_eq!(alarms.standing().count(), 1);
        assert!(alarms.passed_over(None, Moment(5)).is_some_and(|event| event.is_end()));
        assert_eq!(alarms.standing().count(), 0);
    }

    #[test]
    fn a_step_of_the_clock_is_an_alarm_for_an_hour() {
        let mut alarms = ServerAlarms::default();
        alarms.clock_set(ClockStep(5000), Moment(10_000));
        assert_eq!((alarms.wake(), alarms.look(Moment(3_609_999))), (Some(Moment(3_610_000)), vec![]));
        assert!(alarms.look(Moment(3_610_000)).iter().all(Event::is_end));
        assert_eq!((alarms.wake(), alarms.standing().count()), (None, 0));
    }
}
