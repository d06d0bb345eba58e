//! What an event means: the board, the recoveries of regions and zones, and from them the notices that people get and
//! the alarms that last.

use std::sync::Arc;

use super::Report;
use crate::alarm::{Alarm, Alarms};
use crate::availability::AvailabilityInputs;
use crate::canary::{Epoch, Observation, Subject};
use crate::config::Config;
use crate::event::{Notice, What};
use crate::health::{
    self, AddressState, Adoption, Board, Cause, FALLS_TO_QUARANTINE, Memory, Phase, PhaseChange, Sites,
    StateChange, View, Vitals,
};
use crate::intent::Overlay;
use crate::load::Readings;
use crate::moment::Moment;
use crate::region::{AddressId, Failover, Family, RegionId, Resolved, Site, Target};
use crate::snapshot::Base;

/// The part of control that judges. It compiles no snapshots.
#[derive(Debug)]
pub struct Monitor {
    config: Arc<Config>,
    board: Board,
    sites: Sites,
    alarms: Alarms,
    /// What operators want.
    overlay: Overlay,
    /// What steering saw last.
    view: View,
    /// When to judge again although nothing happens.
    wake: Option<Moment>,
}

/// What an event has led to.
#[derive(Debug, Default, PartialEq)]
pub struct Findings {
    /// Whether steering sees another view than before.
    pub moves_view: bool,
    /// Whether something fell, returned, or went on along its course: what is worth remembering.
    pub is_worth_keeping: bool,
    /// What people want to know of it.
    pub notices: Vec<Notice>,
}

impl Findings {
    /// Returns whether anything is otherwise than before.
    pub fn is_news(&self) -> bool {
        *self != Self::default()
    }
}

impl Monitor {
    /// Starts with what was remembered of the last run, and says what became of that.
    pub fn new(
        config: Arc<Config>,
        overlay: Overlay,
        memory: Option<&Memory>,
        now: Moment,
    ) -> (Self, Vec<Notice>) {
        let board = Board::new(&config.regions, &config.canaries, now);
        let mut sites = Sites::new(&config.regions, now);
        sites.instruct(&overlay.failover, overlay.withdrawn());
        let mut monitor = Self {
            view: overlay.amend(sites.view(&board), &config.regions),
            overlay,
            wake: sites.wake(&board, now),
            alarms: Alarms::new(&config),
            board,
            sites,
            config,
        };
        let mut notices = memory.map_or_else(Vec::new, |memory| monitor.adopt(memory, now));
        notices.extend(monitor.settle(now).notices);
        (monitor, notices)
    }

    /// Takes results, in their order, and judges once when all of them are counted.
    pub fn observe(&mut self, seen: &[Observation], now: Moment) -> Findings {
        let changes: Vec<StateChange> = seen.iter().filter_map(|seen| self.board.observe(seen)).collect();
        if changes.is_empty() {
            return Findings::default();
        }
        let told: Vec<_> = changes.iter().filter_map(|change| self.tell(change)).collect();
        let mut findings = self.settle(now);
        findings.is_worth_keeping |= changes.iter().any(StateChange::is_decided);
        findings.notices.splice(0..0, told);
        findings
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Moment) -> Findings {
        match self.wake {
            Some(wake) if wake <= now => self.settle(now),
            Some(_) | None => Findings::default(),
        }
    }

    /// Lets a region back that is held or quarantined, with its zones.
    pub fn fail_back(&mut self, region: RegionId, now: Moment) -> Findings {
        let turns = self.sites.fail_back(region, &self.config.regions, now);
        let told: Vec<_> = turns.iter().filter_map(|turn| self.tell_of_turn(turn)).collect();
        let mut findings = self.settle(now);
        findings.is_worth_keeping |= !turns.is_empty();
        findings.notices.splice(0..0, told);
        findings
    }

    /// Follows other orders of operators.
    pub fn instruct(&mut self, overlay: Overlay, now: Moment) -> Findings {
        self.sites.instruct(&overlay.failover, overlay.withdrawn());
        self.overlay = overlay;
        self.settle(now)
    }

    /// Returns the alarms that stand.
    pub(super) fn alarms(&self) -> impl Iterator<Item = &Alarm> {
        self.alarms.standing()
    }

    /// Returns what operators want.
    pub fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    /// Returns what steering would see if operators wanted this.
    pub fn view_under(&self, overlay: &Overlay) -> View {
        let mut sites = self.sites.clone();
        sites.instruct(&overlay.failover, overlay.withdrawn());
        overlay.amend(sites.view(&self.board), &self.config.regions)
    }

    /// Returns where a site stands on its course, by family.
    pub fn phases(&self, site: Site) -> [Phase; 2] {
        Family::BOTH.map(|family| self.sites.recovery(site, family).phase())
    }

    /// Says where a site stands on its course: `down`, or `down in IPv4 and healthy in IPv6`.
    pub fn phases_told(&self, site: Site) -> String {
        let regions = &self.config.regions;
        let region = site.region(regions);
        let has = |family: Family| {
            regions.addresses_of(region).any(|(_, address)| Family::of(address.ip) == family)
        };
        let phase = |family: Family| self.sites.recovery(site, family).phase().as_str();
        let [v4, v6] = Family::BOTH.map(phase);
        match Family::BOTH.map(has) {
            [true, true] if v4 != v6 => format!("{v4} in IPv4 and {v6} in IPv6"),
            [false, true] => v6.to_owned(),
            [true, _] | [false, false] => v4.to_owned(),
        }
    }

    /// Returns whether nothing is the matter with a site.
    pub fn is_well(&self, site: Site) -> bool {
        self.sites.is_well(site)
    }

    /// Returns whether what a site has said since then lets more clients come to it.
    pub fn is_open(&self, site: Site, since: Moment, now: Moment) -> bool {
        health::gates_are_open(site, &self.board, since, now)
    }

    /// Takes over another configuration, and what operators want there.
    pub fn reload(&mut self, config: Arc<Config>, overlay: Overlay, now: Moment) -> Vec<Notice> {
        self.sites = self.sites.reload(&self.config.regions, &config.regions, now);
        self.sites.instruct(&overlay.failover, overlay.withdrawn());
        self.overlay = overlay;
        self.board.reload(&config.regions, &config.canaries, now);
        self.alarms.reload(&config);
        self.config = config;
        self.settle(now).notices
    }

    /// Returns all that steering sees of health.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Returns when to let time pass although nothing happens; `None`: never.
    pub fn wake(&self) -> Option<Moment> {
        self.wake
    }

    /// Returns the numbering that observations must carry to count.
    pub fn epoch(&self) -> Epoch {
        self.board.epoch()
    }

    /// Returns what is worth remembering of health, as of `now`.
    pub fn memory(&self, now: Moment) -> Memory {
        Memory {
            written_at: now,
            fallen: self.board.fallen(),
            recoveries: self.sites.remember(&self.config.regions),
            grades: self.sites.grades(&self.config.regions),
            portions: Vec::new(),
        }
    }

    /// Returns what every region says of itself, and how much of it is there.
    pub(super) fn readings(&self, base: &Base, now: Moment) -> Readings {
        self.readings_under(&self.overlay, base, now)
    }

    /// Returns the load that a region or zone reports.
    pub(super) fn load(&self, site: Site, now: Moment) -> Option<f64> {
        health::vitals(&self.board, site, Moment::default(), now).load
    }

    /// Returns what is known of health, to keep account of.
    pub(super) fn availability_inputs(&self) -> AvailabilityInputs<'_> {
        AvailabilityInputs { board: &self.board, sites: &self.sites, overlay: &self.overlay }
    }

    /// Returns what every region says of itself, with its name.
    pub(super) fn vitals(&self, now: Moment) -> impl Iterator<Item = (&str, Vitals)> {
        self.config.regions.iter().map(move |(id, region)| {
            (region.name.as_str(), health::vitals(&self.board, Site::Region(id), Moment::default(), now))
        })
    }

    /// Returns the readings if operators wanted this.
    pub(super) fn readings_under(&self, overlay: &Overlay, base: &Base, now: Moment) -> Readings {
        let regions = || self.config.regions.iter().map(|(id, _)| id);
        let vitals = |id| health::vitals(&self.board, Site::Region(id), Moment::default(), now);
        let present = |id: RegionId| {
            let present = self.sites.present(id, &self.board, |zone| overlay.kept_of_zone(zone));
            present * overlay.capacity[usize::from(id.0)]
        };
        Readings {
            vitals: regions().map(vitals).collect(),
            present: regions().map(present).collect(),
            weights: base.common_weights(&overlay.weights),
            is_auto: overlay.failover.iter().map(|failover| *failover == Failover::Auto).collect(),
        }
    }

    /// Returns what is known of everything, as of the snapshot with this number.
    pub fn report(&self, snapshot: u64, now: Moment) -> Report {
        let alarms = self.alarms.standing().cloned().collect();
        Report::new(snapshot, &self.config, &self.board, &self.sites, &self.view, alarms, now)
    }

    /// Judges regions and zones anew, and brings everything up to date that follows from it.
    fn settle(&mut self, now: Moment) -> Findings {
        let grades = self.sites.grades(&self.config.regions);
        let turns = self.sites.update(&self.board, &self.config.safety, now);
        let observed = self.sites.view(&self.board);
        let view = self.overlay.amend(observed.clone(), &self.config.regions);
        let moves_view = view != self.view;
        self.view = view;
        self.wake = self.sites.wake(&self.board, now);
        let mut notices: Vec<_> = turns.iter().filter_map(|turn| self.tell_of_turn(turn)).collect();
        let alarms = self.alarms.update(&self.board, &self.sites, &observed, &self.view);
        notices.extend(alarms.into_iter().map(|what| Notice { at: now, what }));
        let is_worth_keeping =
            turns.iter().any(is_eventful) || grades != self.sites.grades(&self.config.regions);
        Findings { moves_view, is_worth_keeping, notices }
    }

    /// Takes up a memory, and says what became of it.
    fn adopt(&mut self, memory: &Memory, now: Moment) -> Vec<Notice> {
        let written_at = memory.written_at;
        let whats = match self.board.adopt(memory, now) {
            Adoption::Stale => vec![What::Stale { written_at }],
            Adoption::Adopted { adopted, foreign } => {
                let recoveries = memory.recoveries.len() + memory.grades.len();
                let lost = self.sites.adopt(&memory.recoveries, &memory.grades, &self.config.regions, now);
                let remembered = What::Remembered { falls: adopted, courses: recoveries - lost };
                let remembered = (adopted + recoveries - lost > 0).then_some(remembered);
                let foreign = (foreign + lost > 0).then_some(What::Foreign { entries: foreign + lost });
                remembered.into_iter().chain(foreign).collect()
            }
        };
        whats.into_iter().map(|what| Notice { at: now, what }).collect()
    }

    /// Returns what people want to know of a change of one address or region as a whole: nothing of the
    /// first success and of the ups and downs of a recovery.
    fn tell(&self, change: &StateChange) -> Option<Notice> {
        let what = match change.subject {
            Subject::Address(address) => self.tell_of_address(address, change),
            Subject::Region(region) => self.tell_of_whole(region, change),
        }?;
        Some(Notice { at: change.at, what })
    }

    fn tell_of_address(&self, address: AddressId, change: &StateChange) -> Option<What> {
        let target = self.config.regions.target(Resolved::Address(address));
        match (change.from, change.to) {
            _ if change.from == change.to => None,
            (_, AddressState::Suspect) => self.failed(target, change, false),
            (AddressState::Unknown | AddressState::Up | AddressState::Suspect, AddressState::Down) => {
                self.failed(target, change, true)
            }
            (AddressState::Suspect | AddressState::Rising | AddressState::Down, AddressState::Up) => {
                Some(What::Up {
                    target,
                    was_down: change.from.is_down(),
                    after: change.at.since(change.from_since),
                })
            }
            (_, AddressState::Unknown | AddressState::Up | AddressState::Rising | AddressState::Down) => None,
        }
    }

    fn tell_of_whole(&self, region: RegionId, change: &StateChange) -> Option<What> {
        let is_news = change.from != change.to && change.to != AddressState::Rising;
        let is_first = change.from == AddressState::Unknown && change.to == AddressState::Up;
        let region = self.config.regions.region(region).name.clone();
        let name = |cause: &Cause| self.board.canary(cause.canary).name.clone();
        let why = change.cause.as_ref().map(|cause| (name(cause), cause.failure.clone()));
        (is_news && !is_first).then_some(What::Whole { region, from: change.from, state: change.to, why })
    }

    /// Returns what people want to know of a turn. That a region has left is an alarm; and nobody has
    /// moved when one is suspect.
    fn tell_of_turn(&self, turn: &PhaseChange) -> Option<Notice> {
        let target = self.config.regions.target(turn.site);
        let region_id = turn.site.region(&self.config.regions);
        let of_region = self.sites.recovery(Site::Region(region_id), turn.family).phase();
        let recovery = self.sites.recovery(turn.site, turn.family);
        let is_advice = self.sites.failover(region_id) == Failover::Advise;
        let is_news = match (turn.to, turn.site) {
            // What a zone does while its region does something is no news of its own.
            (_, Site::Zone(_)) if !of_region.is_stable() || is_advice => false,
            (Phase::Down, Site::Region(_)) => is_advice,
            // One that serves nobody falls unnoticed, and one that goes on falling is said to once.
            (Phase::Down, Site::Zone(_)) => turn.from.serves(),
            (Phase::Quarantined { .. }, _) => recovery.falls().len() == FALLS_TO_QUARANTINE,
            (Phase::Unknown | Phase::Suspect, _) => false,
            // Whoever returns at once is no longer out, which is an alarm that ends.
            (Phase::Healthy, _) => turn.from.serves() && !turn.from.is_stable(),
            _ => true,
        };
        let what = What::Turned {
            region: target.region().to_owned(),
            zone: target.zone().map(str::to_owned),
            family: turn.family,
            from: turn.from,
            to: turn.to,
            share: recovery.share(&self.config.regions.region(region_id).recovery),
            is_back: goes_back(turn),
            is_advice,
        };
        is_news.then_some(Notice { at: turn.at, what })
    }

    /// Returns that an address failed; `None`: without a cause there is nothing to tell.
    fn failed(&self, target: Target, change: &StateChange, is_down: bool) -> Option<What> {
        let Cause { canary, failures, failure, .. } = change.cause.as_ref()?;
        let settings = &self.config.canaries[usize::from(canary.0)];
        let (from, canary, failures) = (change.from, settings.name.clone(), *failures);
        let failure = failure.clone();
        Some(if is_down {
            What::Down { target, from, canary, failures, failure }
        } else {
            What::Suspect { target, from, canary, failures, fall: settings.thresholds.fall, failure }
        })
    }
}

/// Returns whether a gate was closed: the ramp does not go on but back, or is over.
fn goes_back(turn: &PhaseChange) -> bool {
    match (turn.from, turn.to) {
        (Phase::Ramp { step: before, .. }, Phase::Ramp { step, .. }) => step <= before,
        (Phase::Ramp { .. }, Phase::Held(_)) => true,
        _ => false,
    }
}

/// Returns whether a turn is worth remembering.
fn is_eventful(turn: &PhaseChange) -> bool {
    !(turn.from.is_stable() && turn.to.is_stable())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::canary::{Canary, Failure, FailureClass};
    use crate::config::{Access, AlarmRules, Geo, LogFormat, Server};
    use crate::health::{Service, fixture};
    use crate::region::{Recovery, Region, RegionId, RegionSet, Regions, Safety};
    use crate::steering::{AllDown, Order, Policy, ResidencyRule, Steering};
    use crate::zone::{Name, Ttl};

    /// `tokyo` with two IPv4 addresses and one IPv6 address, `frankfurt` with one IPv4 address; one
    /// name, whose European clients must stay in `frankfurt`.
    fn config(canary: Canary) -> Arc<Config> {
        let at_once = || Recovery { min_down: Duration::ZERO, ramp: Vec::new(), ..Recovery::default() };
        let region = |name, ips: &[&str]| Region { recovery: at_once(), ..fixture::region(name, ips) };
        let tokyo = region("tokyo", &["192.0.2.1", "192.0.2.2", "2001:db8::1"]);
        let frankfurt = region("frankfurt", &["198.51.100.1"]);
        let rule = ResidencyRule {
            clients: Vec::new(),
            permitted: RegionSet::from_iter([RegionId(1)]),
            otherwise: None,
            text: "eu only in EU".to_owned(),
        };
        let policy = Policy {
            regions: vec![RegionId(0), RegionId(1)],
            order: Order::Listed,
            residency: vec![rule],
            unknown_location: vec![RegionId(0)],
            all_down: AllDown::FailOpen,
        };
        let steered = |owner| Steering {
            owner: Name::from_ascii(owner).expect("a name"),
            policy: policy.clone(),
            ttl: Ttl::MAX,
            short_ttl: Ttl::MAX,
            max_answers: 4,
            https: None,
        };
        Arc::new(Config {
            server: Server {
                name: "ns1".to_owned(),
                dns: Vec::new(),
                admin: None,
                access: Access::default(),
                geo: Geo::default(),
                state: None,
                webhooks: Vec::new(),
                log: LogFormat::Human,
            },
            regions: Regions::new(vec![tokyo, frankfurt]),
            canaries: vec![canary],
            groups: Vec::new(),
            steered: vec![steered("api.example.com."), steered("www.example.com.")],
            safety: Safety::default(),
            drills: Vec::new(),
            alarms: AlarmRules::default(),
            zones: Vec::new(),
        })
    }

    fn start(config: Arc<Config>, memory: Option<&Memory>, now: Moment) -> (Monitor, Vec<Notice>) {
        let overlay = Overlay::none(&config.regions);
        Monitor::new(config, overlay, memory, now)
    }

    fn reload(monitor: &mut Monitor, config: Arc<Config>, now: Moment) -> Vec<Notice> {
        let overlay = Overlay::none(&config.regions);
        monitor.reload(config, overlay, now)
    }

    fn monitor() -> Monitor {
        start(config(fixture::canary("shallow", 2, 2)), None, Moment(0)).0
    }

    /// Plays `ADDRESS:RESULT` words, one a second, and returns what each led to.
    fn play(monitor: &mut Monitor, results: &str) -> Vec<Findings> {
        let words = (1..).zip(results.split_whitespace());
        let findings = words.map(|(second, word)| {
            let (address, result) = word.split_once(':').expect("ADDRESS:RESULT");
            let address = address.parse().expect("the number of an address");
            let seen = fixture::result(&monitor.board, address, 0, second, result == "o");
            monitor.observe(std::slice::from_ref(&seen), seen.at)
        });
        findings.collect()
    }

    /// Plays results and compares the lines that people get to read, in their order.
    fn check(results: &str, lines: &[&str]) {
        let mut monitor = monitor();
        let findings = play(&mut monitor, results);
        let notices = findings.iter().flat_map(|findings| &findings.notices);
        let said: Vec<_> = notices.map(ToString::to_string).collect();
        assert_eq!(said, lines, "after {results}");
    }

    #[test]
    fn an_address_is_followed_from_suspicion_through_its_fall_to_its_return() {
        check(
            "0:o 0:x 0:x 0:o 0:x 0:o 0:o",
            &[
                "tokyo/tokyo-a/192.0.2.1 is suspect: shallow failed 1 of 2 times, status 503",
                "tokyo/tokyo-a/192.0.2.1 is down: shallow failed 2 times in a row, status 503",
                "tokyo/tokyo-a/192.0.2.1 is up again, was down for 4.0s",
            ],
        );
    }

    #[test]
    fn a_region_leaves_one_family_and_returns_to_it() {
        check(
            "2:x 2:x 2:o 2:o",
            &[
                "tokyo/tokyo-a/2001:db8::1 is suspect: shallow failed 1 of 2 times, status 503",
                "tokyo/tokyo-a/2001:db8::1 is down: shallow failed 2 times in a row, status 503",
                "tokyo leaves the IPv6 answers: 0 of 1 addresses are up",
                "api.example.com and 1 more name (IPv6): every permitted region is down, \
                 answering with them all the same (fail-open)",
                "tokyo/tokyo-a/2001:db8::1 is up again, was down for 2.0s",
                "tokyo returns to the IPv6 answers: 1 of 1 addresses are up",
                "api.example.com and 1 more name (IPv6): a region is up again",
            ],
        );
    }

    #[test]
    fn a_rule_whose_regions_are_all_down_raises_an_alarm_although_others_are_up() {
        check(
            "3:x 3:x",
            &[
                "frankfurt/frankfurt-a/198.51.100.1 is suspect: shallow failed 1 of 2 times, status 503",
                "frankfurt/frankfurt-a/198.51.100.1 is down: shallow failed 2 times in a row, status 503",
                "frankfurt leaves the IPv4 answers: 0 of 1 addresses are up",
                "api.example.com and 1 more name (IPv4, eu only in EU): every permitted region is down, \
                 answering with them all the same (fail-open)",
            ],
        );
    }

    #[test]
    fn only_what_steering_sees_moves_the_view_and_only_falls_and_returns_are_kept() {
        let mut monitor = monitor();
        let findings = play(&mut monitor, "0:o 0:o 0:x 0:x 0:x 0:o 0:o 0:o");
        let seen = findings.iter().map(|findings| (findings.moves_view, findings.is_worth_keeping));
        let (nothing, suspect, decided) = ((false, false), (true, false), (true, true));
        assert_eq!(
            seen.collect::<Vec<_>>(),
            [nothing, nothing, suspect, decided, nothing, nothing, decided, nothing],
            "up, up, suspect, down, down, rising, up, up"
        );
    }

    #[test]
    fn a_reload_keeps_alarms_and_says_nothing_twice() {
        let mut monitor = monitor();
        play(&mut monitor, "3:x 3:x");
        let late = fixture::result(&monitor.board, 3, 0, 9, true);
        let notices = reload(&mut monitor, config(fixture::canary("shallow", 5, 1)), Moment(10_000));
        assert_eq!(notices, []);
        assert_eq!(monitor.observe(&[late], Moment(10_000)), Findings::default(), "of the old numbering");
        assert_eq!(monitor.report(7, Moment(10_000)).alarms.len(), 2);
        let seen = fixture::result(&monitor.board, 3, 0, 11, true);
        let findings = monitor.observe(std::slice::from_ref(&seen), seen.at);
        assert_eq!(findings.notices.len(), 3, "up again, region back, alarm over");
        assert_eq!(monitor.report(8, Moment(11_000)).alarms, []);
    }

    #[test]
    fn a_restart_takes_up_the_falls_and_rings_again() {
        let mut before = monitor();
        play(&mut before, "3:x 3:x");
        let memory = before.memory(Moment(3000));
        let (after, notices) = start(config(fixture::canary("shallow", 2, 2)), Some(&memory), Moment(9000));
        assert_eq!(after.view(), before.view());
        let kinds: Vec<_> = notices.iter().map(Notice::kind).collect();
        assert_eq!(kinds, ["health_remembered", "region_out", "all_down"]);
        let still = "frankfurt is still out of the IPv4 answers: 0 of 1 addresses are up";
        assert_eq!(notices[1].to_string(), still);
    }

    #[test]
    fn a_stale_memory_and_one_of_another_configuration_get_one_warning_each() {
        let mut before = monitor();
        play(&mut before, "3:x 3:x");
        let memory = before.memory(Moment(3000));
        let say = |memory: &Memory, now| {
            let (_, notices) = start(config(fixture::canary("shallow", 2, 2)), Some(memory), now);
            notices.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let stale = "the state of the last run is ignored: it is 20min away from now, more than 10min; \
                     every address counts as up until its canaries say otherwise";
        assert_eq!(say(&memory, Moment(1_203_000)), [stale]);
        let mut foreign = memory;
        foreign.fallen[0].region = "osaka".to_owned();
        foreign.recoveries.clear();
        let expected =
            "the state of the last run is partly about another configuration: 1 of its entries is ignored";
        assert_eq!(say(&foreign, Moment(3000)), [expected]);
    }

    #[test]
    fn the_report_tells_why_and_since_when() {
        let mut monitor = monitor();
        play(&mut monitor, "0:o 1:x 1:x");
        let report = monitor.report(3, Moment(4000));
        let tokyo = &report.regions[0];
        assert!(matches!(tokyo.families[0].1, Service::In(_)));
        let address = &tokyo.zones[0].addresses[1];
        assert_eq!((address.state, address.since), (AddressState::Down, Moment(3000)));
        let failure = Failure { class: FailureClass::Status, detail: "status 503".to_owned() };
        assert_eq!(address.why, Some(("shallow".to_owned(), failure)));
        assert_eq!(report.regions[1].zones[0].addresses[0].state, AddressState::Unknown);
    }
}
