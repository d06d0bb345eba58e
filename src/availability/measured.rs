//! Who is up and who is down, for the [`AvailabilityLog`]: as health has it, whatever operators want.
//!
//! An address is down while its canaries say so. An availability zone is down while it serves no clients of its own: all of
//! its addresses are down; a region likewise, when fewer than its `min_healthy` are up; in each family that it has. It is
//! up again when they are, however long it waits to be given clients. That a region is kept in the answers against its
//! health does not count as up. A name is down for those of its clients who are sent to what is down (`names`).
//!
//! What is only remembered of the last run to have fallen is not observed until a probe fails again or all is well.
//! What operators keep clients from is not blamed for being down, and not praised either: it is not observed then.

use std::sync::Arc;
use std::time::Duration;

use super::log::{AvailabilityLog, Fall, LogSubject, SubjectState};
use super::names::{NameClients, NameState};
use super::side::Side;
use crate::config::Config;
use crate::health::{AddressHealth, AddressState, Board, Phase, View};
use crate::intent::Overlay;
use crate::load::Outlook;
use crate::moment::{Moment, follows_clock};
use crate::region::{AddressId, Family, RegionId, Site, ZoneId};
use crate::share::Share;
use crate::snapshot::Base;

/// The most names that are logged: the log has a bound whatever the configuration has.
pub const MAX_NAMES: usize = 1000;

/// The longest time until the first result of an address is noticed: falls and returns are at once.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The logs of everything that is configured.
#[derive(Debug)]
pub(crate) struct Availability {
    log: Arc<AvailabilityLog>,
    clients: NameClients,
    schedule: LogSchedule,
    looked_at: Moment,
}

/// What is known of health, and what operators want.
pub(crate) struct AvailabilityInputs<'a> {
    pub(crate) board: &'a Board,
    /// Health as it is observed, before operators amend it.
    pub(crate) observed: &'a View,
    pub(crate) overlay: &'a Overlay,
    /// Health as it is steered by.
    pub(crate) view: &'a View,
    pub(crate) base: &'a Base,
    /// What clients ask for, and where load sends them.
    pub(crate) outlook: Outlook,
}

impl Availability {
    /// Starts with empty logs.
    pub(crate) fn new(base: &Base, now: Moment) -> Self {
        let schedule = LogSchedule::new(now);
        let (log, clients) = (Arc::default(), NameClients::default());
        let mut availability = Self { log, clients, schedule, looked_at: now };
        availability.reload(base, now);
        availability
    }

    /// Goes on with the logs of an earlier life.
    pub(crate) fn restore(&mut self, log: AvailabilityLog, base: &Base, now: Moment) {
        self.log = Arc::new(log);
        self.reload(base, now);
    }

    /// Keeps the logs of another configuration from now on.
    pub(crate) fn reload(&mut self, base: &Base, now: Moment) {
        self.clients = NameClients::of(base);
        Arc::make_mut(&mut self.log).register(subjects(&base.config), now);
    }

    /// Returns whether to look at how everything is now; `is_news` says that something is otherwise than before.
    pub(crate) fn is_due(&self, is_news: bool, now: Moment) -> bool {
        is_news || now.since(self.looked_at) >= LOOK_EVERY
    }

    /// Takes how everything is now, and returns the logs when it is time to write them down.
    pub(crate) fn take(
        &mut self,
        scene: &AvailabilityInputs<'_>,
        now: Moment,
    ) -> Option<Arc<AvailabilityLog>> {
        self.looked_at = now;
        let sides = scene.sides();
        let partitions = self.clients.look(scene.base, scene.view, &scene.outlook, &sides, now);
        let of_names = scene.base.partition_of_names().iter().take(MAX_NAMES);
        let names: Vec<&NameState> = of_names.map(|partition| &partitions[*partition]).collect();
        let conditions = scene.conditions(names.iter().map(|name| name.state), &sides);
        let mut has_ended = false;
        for (place, name) in names.iter().enumerate().filter(|(_, name)| !name.losses.is_empty()) {
            let is_over = name.state == SubjectState::Up;
            has_ended |= Arc::make_mut(&mut self.log).lose(place, &name.losses, is_over, now);
        }
        if self.log.differs(&conditions) {
            has_ended |= Arc::make_mut(&mut self.log).observe(&conditions, now);
        }
        self.write(has_ended, now)
    }

    /// Returns the logs when it is time to write them down, given whether an outage has ended.
    pub(crate) fn write(&mut self, has_ended: bool, now: Moment) -> Option<Arc<AvailabilityLog>> {
        self.schedule.is_due(has_ended, now).then(|| self.close(now))
    }

    /// Brings the logs up to now, and returns them.
    pub(crate) fn close(&mut self, now: Moment) -> Arc<AvailabilityLog> {
        Arc::make_mut(&mut self.log).settle(now);
        Arc::clone(&self.log)
    }

    /// Returns the logs as they are.
    pub(crate) fn log(&self) -> Arc<AvailabilityLog> {
        Arc::clone(&self.log)
    }
}

/// Returns every subject that has a log, in the order of [`AvailabilityInputs::conditions`].
fn subjects(Config { regions, steered, .. }: &Config) -> Vec<LogSubject> {
    let name = |region: RegionId| regions.region(region).name.clone();
    let names = steered.iter().take(MAX_NAMES).map(|steering| LogSubject::Name(steering.name()));
    let of_regions = regions.iter().map(|(_, region)| LogSubject::Region(region.name.clone()));
    let zones = regions.zones().map(|(_, region, zone)| LogSubject::Zone(name(region), zone.name.clone()));
    let addresses = regions
        .addresses()
        .map(|(_, at)| LogSubject::Address(name(at.region), regions.zone(at.zone).name.clone(), at.ip));
    names.chain(of_regions).chain(zones).chain(addresses).collect()
}

impl AvailabilityInputs<'_> {
    /// Returns how every region stands in each family.
    fn sides(&self) -> Vec<[Side; 2]> {
        let regions = self.board.regions().iter();
        regions.map(|(id, _)| Family::BOTH.map(|family| self.region(id, family))).collect()
    }

    /// Returns the state of every subject, those of the names first.
    fn conditions(
        &self,
        names: impl Iterator<Item = SubjectState>,
        sides: &[[Side; 2]],
    ) -> Vec<SubjectState> {
        let regions = self.board.regions();
        let withdrawn = self.overlay.withdrawn();
        let of_regions =
            regions.iter().zip(sides).map(|((id, _), sides)| whole(*sides, withdrawn.contains(id)));
        let zones = regions.zones().map(|(zone, region, _)| {
            let sides = Family::BOTH.map(|family| self.zone(zone, region, family));
            whole(sides, self.is_withdrawn(region, zone))
        });
        let addresses = regions.addresses().map(|(id, at)| {
            let side = self.address(id, at.region, Family::of(at.ip));
            whole([side, Side::Absent], self.is_withdrawn(at.region, at.zone))
        });
        names.chain(of_regions).chain(zones).chain(addresses).collect()
    }

    fn is_withdrawn(&self, region: RegionId, zone: ZoneId) -> bool {
        self.overlay.withdrawn().contains(region) || self.overlay.kept_of_zone(zone) == Share::NONE
    }

    fn address(&self, id: AddressId, region: RegionId, family: Family) -> Side {
        let track = self.board.address(id);
        match track.state() {
            _ if track.records().is_empty() => Side::Unknown,
            AddressState::Unknown => Side::Unknown,
            AddressState::Up | AddressState::Suspect => Side::Up,
            AddressState::Rising | AddressState::Down => {
                // A region that is kept in the answers against its health keeps its addresses there.
                let has_left = self.observed.status(region, family).suppression.is_none();
                fall_of(track).map_or(Side::Unknown, |fall| Side::Down(Fall { has_left, ..fall }))
            }
        }
    }

    fn zone(&self, zone: ZoneId, region: RegionId, family: Family) -> Side {
        let addresses = self.board.regions().addresses_of(region);
        let tracks = addresses
            .filter(|(_, at)| at.zone == zone && Family::of(at.ip) == family)
            .map(|(id, _)| self.board.address(id));
        self.site(Site::Zone(zone), family, tracks.collect(), None)
    }

    fn region(&self, id: RegionId, family: Family) -> Side {
        let addresses = self.board.regions().addresses_of(id);
        let tracks =
            addresses.filter(|(_, at)| Family::of(at.ip) == family).map(|(id, _)| self.board.address(id));
        self.site(Site::Region(id), family, tracks.collect(), Some(self.board.whole(id)))
    }

    /// Judges a site with these addresses.
    fn site(
        &self,
        site: Site,
        family: Family,
        tracks: Vec<&AddressHealth>,
        whole: Option<&AddressHealth>,
    ) -> Side {
        if tracks.is_empty() {
            return Side::Absent;
        }
        let watched = || tracks.iter().copied().chain(whole).filter(|track| !track.records().is_empty());
        if watched().all(|track| track.state() == AddressState::Unknown) {
            return Side::Unknown;
        }
        let status = self.observed.status(site, family);
        let has_left = !status.is_in_service();
        let mut falls: Vec<Fall> = tracks.iter().filter_map(|track| fall_of(track)).collect();
        // The site was up until one address more had fallen than it can do without.
        let spare = status.total - status.needed;
        falls.sort_by_key(|fall| fall.failing_since);
        let begun = falls.get(spare).map(|fall| fall.failing_since);
        falls.sort_by_key(|fall| fall.fell_at);
        let counted = begun.zip(falls.get(spare).map(|fall| fall.fell_at));
        let of_whole = whole.and_then(fall_of).map(|fall| (fall.failing_since, fall.fell_at));
        let is_remembered = !status.has_enough() || whole.is_some_and(|track| track.state().is_down());
        match counted.or(of_whole) {
            Some((failing_since, fell_at)) => Side::Down(Fall { failing_since, fell_at, has_left }),
            None if is_remembered => Side::Unknown,
            // What is down although its canaries are well fails its clients.
            None if has_left && status.phase == Phase::Down => {
                Side::Down(Fall { failing_since: status.since, fell_at: status.since, has_left })
            }
            None => Side::Up,
        }
    }
}

/// Returns how something fell that is down; `None`: it is not, or its failure was not seen in this life.
fn fall_of(track: &AddressHealth) -> Option<Fall> {
    let failing_since = track.failing_since().filter(|_| track.state().is_down())?;
    Some(Fall { failing_since, fell_at: track.since().max(failing_since), has_left: false })
}

/// Takes both families together: who still serves one is up.
fn whole(sides: [Side; 2], is_withdrawn: bool) -> SubjectState {
    match sides {
        [Side::Up, _] | [_, Side::Up] => SubjectState::Up,
        _ if is_withdrawn || sides.contains(&Side::Unknown) => SubjectState::Unobserved,
        [one, other] => match (one.fall(), other.fall()) {
            (None, None) => SubjectState::Unobserved,
            (Some(fall), None) | (None, Some(fall)) => SubjectState::Down(fall),
            (Some(one), Some(other)) => SubjectState::Down(Fall {
                failing_since: one.failing_since.max(other.failing_since),
                fell_at: one.fell_at.max(other.fell_at),
                has_left: one.has_left && other.has_left,
            }),
        },
    }
}

/// The shortest time between two writes of the log, which may be megabytes: `kill -9` forgets at most the last
/// minute of it.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// Decides when the log is written down: every minute, and the first outage that is over does not wait for it.
#[derive(Clone, Debug)]
pub struct LogSchedule {
    /// When it was written last, or when it was begun.
    since: Moment,
    was_written: bool,
}

impl LogSchedule {
    /// Starts with nothing to write.
    pub fn new(now: Moment) -> Self {
        Self { since: now, was_written: false }
    }

    /// Returns whether the log is to be written now, given whether an outage has ended.
    pub fn is_due(&mut self, is_news: bool, now: Moment) -> bool {
        let is_due = now.since(self.since) >= LOG_EVERY || (is_news && !self.was_written);
        if is_due {
            *self = Self { since: now, was_written: true };
        }
        is_due
    }
}

follows_clock!(Availability: log, clients, schedule, looked_at);
follows_clock!(LogSchedule: since);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::availability::log::AvailabilitySummary;
    use crate::canary::{CanaryId, Failure, FailureClass, Observation, Subject as Watched};
    use crate::control::{Control, Input, Restored};
    use crate::intent::{Intent, IntentPhase, Request, SavedIntents};
    use crate::snapshot::fixture;

    const ZONE: &str = "zone: example.com\nnameservers: [ns1.example.net]\n\
                        names: { '@': { steer: { regions: [tokyo, osaka], order: listed } } }\n";

    /// Two regions of one address each, which fall after two failures and come back after one success.
    fn control(intents: SavedIntents) -> Control {
        let region = |name: &str, ip: &str| {
            format!(
                "  {name}:\n    location: {{ latitude: 35, longitude: 139 }}\n    jurisdiction: JP\n    \
                 zones: {{ {name}-a: {{ addresses: [{ip}] }} }}\n    canaries: [tcp]\n"
            )
        };
        let regions = format!(
            "regions:\n{}{}recovery: {{ min_down: 0s, ramp: [] }}\n\
             canaries:\n  tcp: {{ tcp: {{ port: 443 }}, fall: 2, rise: 1 }}\n",
            region("tokyo", "192.0.2.1"),
            region("osaka", "192.0.2.2")
        );
        let mut control = Control::new(Arc::new(fixture::base(&regions, ZONE)), Moment(0));
        control.handle(Input::Restored(Restored { intents, ..Restored::default() }), Moment(0));
        control
    }

    /// Lets results come in, `SECOND:ADDRESS:RESULT` a word, and writes what is known at second 100 of everybody with
    /// downtime: `subject down/observed incidents`.
    fn check(mut control: Control, results: &str, expected: &[&str]) {
        for word in results.split_whitespace() {
            let parts: Vec<&str> = word.split(':').collect();
            let [second, address, result] = parts[..] else { panic!("{word}") };
            let at = Moment(second.parse::<u64>().expect("a second") * 1000);
            let failure = Failure { class: FailureClass::Refused, detail: "connection refused".to_owned() };
            let seen = Observation {
                epoch: control.epoch(),
                subject: Watched::Address(AddressId(address.parse().expect("an address"))),
                canary: CanaryId(0),
                at,
                latency: Duration::from_millis(3),
                result: if result == "o" { Ok(()) } else { Err(failure) },
                signals: None,
            };
            control.handle(Input::Observed(vec![seen]), at);
        }
        let log = control.report(Moment(100_000)).availability;
        let told = log.summaries(30, Moment(100_000)).filter_map(|(subject, summary)| {
            let name = match subject {
                LogSubject::Name(name) | LogSubject::Region(name) => name.clone(),
                LogSubject::Zone(_, zone) => zone.clone(),
                LogSubject::Address(_, _, ip) => ip.to_string(),
            };
            let AvailabilitySummary { observed, down, incidents, .. } = summary;
            let is_told = !down.is_zero();
            is_told.then(|| format!("{name} {}/{} {incidents}", down.as_secs(), observed.as_secs()))
        });
        assert_eq!(told.collect::<Vec<_>>(), expected, "{results}");
    }

    #[test]
    fn a_region_is_down_from_the_first_failed_probe_and_a_name_until_its_clients_are_elsewhere() {
        let none = SavedIntents::default;
        check(control(none()), "1:0:o 1:1:o 10:0:x 30:0:o 40:0:x 50:0:o", &[]);
        let fall = "1:0:o 1:1:o 10:0:x 20:0:x 60:0:o";
        let expected = ["example.com 10/99 1", "tokyo 50/99 1", "tokyo-a 50/99 1", "192.0.2.1 50/99 1"];
        check(control(none()), fall, &expected);
        let both = "1:0:o 2:1:o 10:0:x 20:0:x 30:1:x 40:1:x 60:0:o 70:1:o";
        let expected = [
            "example.com 40/99 2",
            "tokyo 50/99 1",
            "osaka 40/98 1",
            "tokyo-a 50/99 1",
            "osaka-a 40/98 1",
            "192.0.2.1 50/99 1",
            "192.0.2.2 40/98 1",
        ];
        check(control(none()), both, &expected);
    }

    #[test]
    fn what_operators_drain_is_not_blamed() {
        let request = Request {
            action: "drain tokyo".parse().expect("an action"),
            author: "alice".to_owned(),
            reason: "a deployment".to_owned(),
            lasts: None,
            overrides: Vec::new(),
        };
        let intent = Intent { number: 1, request, made_at: Moment(0), phase: IntentPhase::Standing };
        let drained =
            control(SavedIntents { intents: vec![intent], last_number: 1, ..SavedIntents::default() });
        check(drained, "1:0:o 1:1:o 10:0:x 20:0:x 60:0:o", &[]);
    }

    #[test]
    fn the_ledger_is_written_every_minute_and_the_first_outage_does_not_wait() {
        let mut schedule = LogSchedule::new(Moment(0));
        let events =
            [(1000, false), (2000, true), (3000, true), (61_999, false), (62_000, false), (63_000, true)];
        let due = events.iter().filter(|(at, is_news)| schedule.is_due(*is_news, Moment(*at)));
        assert_eq!(due.map(|(at, _)| *at).collect::<Vec<_>>(), [2000, 62_000]);
    }
}
