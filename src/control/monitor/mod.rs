//! Judges observations: the board, the recoveries of regions and zones, the alarms that stand, and the events of all of
//! these.

mod news;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::{ObserverReport, Report};
use crate::alarm::{Alarm, Alarms};
use crate::availability::AvailabilityInputs;
use crate::canary::{BlindProbe, Epoch, Observation, ReferenceSighting};
use crate::config::Config;
use crate::event::Event;
use crate::health::{
    self, Adoption, Board, Fact, FactKey, HealthTerms, LagChange, LagGates, Memory, Observers, PeerReport,
    Phase, PhaseChange, Sites, StateChange, Status, View, Vitals,
};
use crate::intent::Overlay;
use crate::load::{Outlook, Readings};
use crate::moment::{ClockStep, FollowClock, Moment};
use crate::region::{Failover, Family, RegionId, RegionSet, Resolved, Site};
use crate::snapshot::Base;

/// The part of control that judges. It compiles no snapshots.
#[derive(Debug)]
pub struct Monitor {
    pub(super) config: Arc<Config>,
    /// What this instance sees.
    pub(super) board: Board,
    /// The instances that judge with this one; `None`: it judges alone.
    pub(super) observers: Option<Observers>,
    /// How often what this instance sees has changed, as far as others judge by it.
    sight: u64,
    pub(super) sites: Sites,
    pub(super) alarms: Alarms,
    /// The sets of regions that some clients may be sent to.
    pools: Vec<RegionSet>,
    overlay: Overlay,
    /// Health as it was last, before operators amend it.
    observed: View,
    /// What steering saw last.
    view: View,
    /// Whether there is anything that this instance cannot see.
    is_blind: bool,
    /// The regions that lag too much for some names.
    lags: LagGates,
    /// When to judge again although nothing happens, also if no peer falls silent.
    wake: Option<Moment>,
}

/// What an event has led to.
#[derive(Debug, Default, PartialEq)]
pub struct Findings {
    /// Whether steering sees another view than before.
    pub moves_view: bool,
    /// Whether something fell, returned, or went on along its recovery: what is worth remembering.
    pub is_worth_keeping: bool,
    pub events: Vec<Event>,
    /// The regions that would have left by now, but for `failover: advise`, and when.
    pub advised: Vec<(RegionId, Moment)>,
}

/// What an instance tells its peers: facts, by the same places.
#[derive(Clone, Debug)]
pub struct OwnSight {
    pub keys: Arc<Vec<FactKey>>,
    pub facts: Vec<Fact>,
    /// Whether it may be cut off from everything.
    pub is_blind: bool,
}

impl Findings {
    /// Returns whether anything is otherwise than before.
    pub fn is_news(&self) -> bool {
        *self != Self::default()
    }

    /// Puts the events first that led to it.
    pub(super) fn after(mut self, events: Vec<Event>) -> Self {
        self.events.splice(0..0, events);
        self
    }
}

impl Monitor {
    /// Starts with what was remembered of the last run, and says what became of that.
    pub fn new(
        config: Arc<Config>,
        overlay: Overlay,
        memory: Option<&Memory>,
        now: Moment,
    ) -> (Self, Findings) {
        let mut board = Board::new(&config.regions, &config.canaries, now);
        board.references.watch(&config.server.reference_names(), now);
        let mut sites = Sites::new(&config.regions, now);
        sites.instruct(&overlay.failover, overlay.withdrawn());
        let observed = sites.view(&board);
        let mut monitor = Self {
            view: overlay.amend(observed.clone(), &config.regions),
            observed,
            overlay,
            is_blind: false,
            lags: LagGates::of(config.lag_limits()),
            wake: sites.wake(&board, now),
            observers: None,
            sight: 0,
            alarms: Alarms::new(&config),
            pools: config.pools(),
            board,
            sites,
            config,
        };
        let adopted = memory.map_or_else(Vec::new, |memory| monitor.adopt(memory, now));
        let rules = monitor.config.server.peers.as_ref().map(|peers| peers.rules.clone());
        monitor.observers = rules.map(|rules| Observers::new(rules, &monitor.board, now));
        let findings = monitor.settle(now).after(adopted);
        (monitor, findings)
    }

    /// Takes results, in their order, and judges once when all of them are counted.
    pub fn observe(&mut self, seen: &[Observation], now: Moment) -> Findings {
        let (was_blind, turns) = (self.is_blind, self.board.turns());
        let changes: Vec<StateChange> = seen.iter().filter_map(|seen| self.board.observe(seen)).collect();
        let lagging = self.look_at_lags(seen, now);
        self.sight += u64::from(!changes.is_empty() || was_blind);
        // While it is blind, every result may end an alarm.
        let is_worth_keeping = self.board.turns() != turns;
        if changes.is_empty() && lagging.is_empty() && !was_blind {
            return Findings { is_worth_keeping, ..Findings::default() };
        }
        let events = changes.iter().filter_map(|change| self.event_of_change(change));
        let events = events.chain(lagging).collect();
        let mut findings = self.settle(now).after(events);
        findings.is_worth_keeping |= is_worth_keeping;
        findings
    }

    /// Looks at how much regions lag when some result may have told it, and says what changes for names that limit it.
    fn look_at_lags(&mut self, seen: &[Observation], now: Moment) -> Vec<Event> {
        let tells_lag = |seen: &Observation| {
            seen.signals.as_ref().is_some_and(|signals| signals.replication_lag_seconds.is_some())
        };
        if self.lags.is_empty() || !seen.iter().any(tells_lag) {
            return Vec::new();
        }
        let lags: Vec<_> = self.vitals(now).map(|(_, vitals)| vitals.replication_lag_seconds).collect();
        let changes = self.lags.look(&lags);
        let target = |change: &LagChange| self.config.regions.target(Resolved::Region(change.region));
        changes.iter().map(|change| Event::lag_gate(&target(change), change, now)).collect()
    }

    /// Returns all that steering sees if operators want this.
    fn steered_view(&self, overlay: &Overlay, observed: View) -> View {
        let regions = &self.config.regions;
        let is_steady = !overlay.moves_all_names && self.config.steady_names().next().is_some();
        let steady = is_steady
            .then(|| (HealthTerms::Steady, overlay.amend(observed.clone().of_steady_regions(), regions)));
        overlay.amend(observed, regions).with_lagging(self.lags.beyond()).with_own(steady)
    }

    /// Takes probes that this machine could not make: they change what is told of it, and nothing of what was to be
    /// probed.
    pub fn go_blind(&mut self, probes: &[BlindProbe], now: Moment) -> Findings {
        let news = probes.iter().filter(|probe| self.board.blind(probe)).count();
        self.sight += u64::from(news > 0);
        if news > 0 { self.settle(now) } else { Findings::default() }
    }

    /// Takes what was seen of references. They move nothing by themselves, so that the regions are judged anew only
    /// while one of them may be kept by that.
    pub fn refer(&mut self, seen: &[ReferenceSighting], now: Moment) -> Findings {
        if seen.is_empty() {
            return Findings::default();
        }
        let (was_lost, was_cut_off) = (self.board.references.lost(now).count(), self.is_cut_off(now));
        seen.iter().for_each(|seen| self.board.references.observe(seen));
        // Peers are not to wait for a heartbeat, nor this instance for the next result, to hear that it sees again.
        let has_sight = self.is_cut_off(now) != was_cut_off;
        self.sight += u64::from(has_sight);
        let is_news = self.board.references.lost(now).count() != was_lost || has_sight || self.is_held();
        if is_news { self.settle(now) } else { Findings::default() }
    }

    /// Takes what peers tell.
    pub fn hear(&mut self, reports: Vec<PeerReport>, now: Moment) -> Findings {
        let is_news = self.observers.as_mut().is_some_and(|observers| observers.hear(reports, now));
        if is_news { self.settle_by(Observers::follow, now) } else { Findings::default() }
    }

    /// Returns whether this instance may be cut off from everything that it should see.
    fn is_cut_off(&self, now: Moment) -> bool {
        health::is_cut_off(&self.board, &self.config.safety, now)
    }

    /// Returns what this instance tells its peers; `None`: it has none.
    pub fn own_sight(&self, now: Moment) -> Option<OwnSight> {
        let observers = self.observers.as_ref()?;
        let is_blind = self.is_cut_off(now);
        let facts = health::own_facts(&self.board);
        Some(OwnSight { keys: Arc::clone(observers.keys()), facts, is_blind })
    }

    /// Returns a number that is another one whenever peers must know at once what this instance sees.
    pub fn sight(&self) -> u64 {
        self.sight
    }

    /// Returns what health is judged by: what all observers see together, or this instance alone.
    pub(super) fn judged(&self) -> &Board {
        judged(&self.board, self.observers.as_ref())
    }

    /// Returns whether a region is kept from leaving.
    fn is_held(&self) -> bool {
        let mut regions = self.config.regions.iter().map(|(id, _)| id);
        regions.any(|id| Family::BOTH.iter().any(|family| self.sites.suppression(id, *family).is_some()))
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Moment) -> Findings {
        match self.wake() {
            Some(wake) if wake <= now => self.settle(now),
            Some(_) | None => Findings::default(),
        }
    }

    /// Lets a region back that is held or quarantined, with its zones.
    pub fn fail_back(&mut self, region: RegionId, now: Moment) -> Findings {
        let turns = self.sites.fail_back(region, &self.config.regions, now);
        let events = turns.iter().filter_map(|turn| self.event_of_turn(turn)).collect();
        let mut findings = self.settle(now).after(events);
        findings.is_worth_keeping |= !turns.is_empty();
        findings
    }

    /// Follows other orders of operators.
    pub fn instruct(&mut self, overlay: Overlay, now: Moment) -> Findings {
        self.sites.instruct(&overlay.failover, overlay.withdrawn());
        self.overlay = overlay;
        self.settle(now)
    }

    /// Returns the alarms that stand.
    pub(super) fn alarms(&self) -> impl Iterator<Item = Alarm> {
        self.alarms.standing()
    }

    /// Returns what operators want.
    pub fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    /// Returns what steering would see if operators wanted this: the regions are judged anew, as they will be.
    pub fn view_under(&self, overlay: &Overlay, now: Moment) -> View {
        let mut sites = self.sites.clone();
        sites.instruct(&overlay.failover, overlay.withdrawn());
        sites.update(self.judged(), &self.config.safety, &self.pools, now);
        self.steered_view(overlay, sites.view(self.judged()))
    }

    /// Returns the status of a site as it is observed, by family.
    pub(super) fn observed(&self, site: Site) -> [&Status; 2] {
        Family::BOTH.map(|family| self.observed.status(site, family))
    }

    /// Says in which phase a site is: `down`, or `down in IPv4 and healthy in IPv6`.
    pub fn phases_told(&self, site: Site) -> String {
        let [v4, v6] = self.observed(site);
        match [v4.exists(), v6.exists()] {
            [true, true] if v4.phase != v6.phase => format!("{} in IPv4 and {} in IPv6", v4.phase, v6.phase),
            [false, true] => v6.phase.to_string(),
            [true, _] | [false, false] => v4.phase.to_string(),
        }
    }

    /// Returns whether a site is well or suspect, so that no client is kept away.
    pub fn is_stable(&self, site: Site) -> bool {
        self.sites.is_stable(site)
    }

    /// Returns whether a region fell in, or into, an outage of all, and is down since.
    pub fn is_in_outage(&self, region: RegionId, family: Family) -> bool {
        self.sites.recovery(Site::Region(region), family).is_in_outage()
    }

    /// Takes note of when a region was given clients of another one; `None`: it has none any more.
    pub fn note_guests(&mut self, region: RegionId, given: Option<Moment>) {
        self.sites.note_guests(region, given);
    }

    /// Returns whether what a site has said since then lets more clients come to it.
    pub fn is_open(&self, site: Site, since: Moment, now: Moment) -> bool {
        self.sites.is_open(site, &self.board, since, now)
    }

    /// Takes over another configuration, and what operators want there.
    pub fn reload(&mut self, config: Arc<Config>, overlay: Overlay, now: Moment) -> Findings {
        self.sites = self.sites.reload(&self.config.regions, &config.regions, now);
        self.sites.instruct(&overlay.failover, overlay.withdrawn());
        self.overlay = overlay;
        self.board.reload(&config.regions, &config.canaries, now);
        self.board.references.watch(&config.server.reference_names(), now);
        if let Some(observers) = &mut self.observers {
            observers.reload(&self.board, now);
        }
        self.sight += 1;
        self.alarms.reload(&config);
        self.pools = config.pools();
        self.lags = LagGates::of(config.lag_limits());
        self.config = config;
        let lags: Vec<_> = self.vitals(now).map(|(_, vitals)| vitals.replication_lag_seconds).collect();
        // What lagged before is no news.
        self.lags.look(&lags);
        self.settle(now)
    }

    /// Moves all moments with the clock, also those of what operators want. No verdict changes.
    pub fn follow_clock(&mut self, step: ClockStep, overlay: Overlay) {
        self.board.follow_clock(step);
        self.observers.follow_clock(step);
        self.sites.follow_clock(step);
        self.alarms.follow_clock(step);
        self.wake.follow_clock(step);
        self.overlay = overlay;
        self.observed = self.sites.view(self.judged());
        self.view = self.steered_view(&self.overlay, self.observed.clone());
    }

    /// Returns all that steering sees of health.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Returns when to let time pass although nothing happens; `None`: never.
    pub fn wake(&self) -> Option<Moment> {
        let peers = self.observers.as_ref().and_then(Observers::wake);
        [self.wake, peers].into_iter().flatten().min()
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
            guests: self.sites.guests(&self.config.regions),
            held_until: now,
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
    pub(super) fn availability_inputs<'a>(
        &'a self,
        base: &'a Base,
        outlook: Outlook,
    ) -> AvailabilityInputs<'a> {
        let (board, observed, overlay, view) = (self.judged(), &self.observed, &self.overlay, &self.view);
        AvailabilityInputs { board, observed, overlay, view, base, outlook }
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
            let present = self.sites.present(id, self.judged(), now, |zone| overlay.kept_of_zone(zone));
            present * overlay.capacity[usize::from(id.0)]
        };
        Readings {
            vitals: regions().map(vitals).collect(),
            present: regions().map(present).collect(),
            weights: base.common_weights(&overlay.weights),
            is_auto: regions().map(|id| overlay.may_divide(id)).collect(),
            withdrawn: overlay.withdrawn(),
            remembered: RegionSet::NONE,
        }
    }

    /// Returns what is known of everything, as of the snapshot with this number.
    pub fn report(&self, snapshot: u64, now: Moment) -> Report {
        let alarms = self.alarms.standing().collect();
        let boards = [&self.board, self.judged()];
        let report = Report::new(snapshot, &self.config, boards, &self.sites, &self.view, alarms, now);
        Report { peers: self.peers(), ..report }
    }

    fn peers(&self) -> Vec<ObserverReport> {
        let observers = self.observers.iter().flat_map(|observers| {
            let lost = observers.board().joint_sights.lost();
            let is_lost = |name: &str| lost.iter().any(|lost| lost.name == name);
            observers.peers().iter().map(move |peer| ObserverReport::of(peer, is_lost(&peer.name)))
        });
        observers.collect()
    }

    /// Judges regions and zones anew, and brings everything up to date that follows from it.
    fn settle(&mut self, now: Moment) -> Findings {
        self.settle_by(Observers::update, now)
    }

    /// The same, given how what all observers see is brought up to date.
    fn settle_by(&mut self, join: fn(&mut Observers, &Board, bool, Moment), now: Moment) -> Findings {
        let grades = self.sites.grades(&self.config.regions);
        if let Some(observers) = &mut self.observers {
            let is_blind = health::is_cut_off(&self.board, &self.config.safety, now);
            join(observers, &self.board, is_blind, now);
        }
        let board = judged(&self.board, self.observers.as_ref());
        let turns = self.sites.update(board, &self.config.safety, &self.pools, now);
        self.observed = self.sites.view(board);
        let view = self.steered_view(&self.overlay, self.observed.clone());
        let moves_view = !view.steers_like(&self.view);
        self.view = view;
        self.is_blind = self.board.blind_spots().next().is_some();
        let board = judged(&self.board, self.observers.as_ref());
        let wakes = [self.sites.wake(board, now), self.board.references.wake(now)];
        self.wake = wakes.into_iter().flatten().min();
        let mut events: Vec<_> = turns.iter().filter_map(|turn| self.event_of_turn(turn)).collect();
        events.extend(self.alarms.update(&self.board, board, &self.sites, &self.observed, &self.view, now));
        let advised = turns.iter().filter_map(|turn| self.advised(turn)).collect();
        let is_worth_keeping =
            turns.iter().any(is_eventful) || grades != self.sites.grades(&self.config.regions);
        Findings { moves_view, is_worth_keeping, events, advised }
    }

    /// Takes up a memory, and returns what became of it.
    fn adopt(&mut self, memory: &Memory, now: Moment) -> Vec<Event> {
        match self.board.adopt(memory, now) {
            Adoption::Stale => vec![Event::health_stale(memory.written_at, now)],
            Adoption::Adopted { adopted, foreign } => {
                let recoveries = memory.recoveries.len() + memory.grades.len();
                let lost = self.sites.adopt(&memory.recoveries, &memory.grades, &self.config.regions, now);
                let (kept, foreign) = (recoveries - lost, foreign + lost);
                let restored = (adopted + kept > 0).then(|| Event::health_restored(adopted, kept, now));
                let mismatch = (foreign > 0).then(|| Event::health_mismatch(foreign, now));
                restored.into_iter().chain(mismatch).collect()
            }
        }
    }

    /// Returns the region that a turn would have taken out of the answers, but for `failover: advise`.
    fn advised(&self, turn: &PhaseChange) -> Option<(RegionId, Moment)> {
        match turn.site {
            Site::Region(region) if turn.to == Phase::Down => {
                (self.sites.failover(region) == Failover::Advise).then_some((region, turn.at))
            }
            Site::Region(_) | Site::Zone(_) => None,
        }
    }
}

/// Returns what health is judged by.
fn judged<'a>(own: &'a Board, observers: Option<&'a Observers>) -> &'a Board {
    observers.map_or(own, Observers::board)
}

/// Returns whether a turn is worth remembering.
fn is_eventful(turn: &PhaseChange) -> bool {
    !(turn.from.is_stable() && turn.to.is_stable())
}
