//! The one writer: a deterministic state machine from events and time to snapshots.
//!
//! ```text
//!   Restored ──▶
//!   Observed ──▶ monitor ── the view changed? ──▶ balance ──▶ Snapshot::compile ──▶ Publish
//!   Heard    ──▶     │ (what peers see)
//!   Tick     ──▶     │ ╰────── a fall or a rise? ──▶ Persist                            │
//!   Asked    ──▶     │   (operator, with the intents in force) ──▶ Keep, Answer        │
//!   Counted  ──▶     │   (how the parts of the clients compare)                        │
//!   Reloaded ──▶     ╰──────── what happened ──▶ Emit                                  │
//!   ClockSet ──▶     ╰── every moment moves ──▶ Publish, Persist, Keep, Emit             │
//!   Served   ◀─────────────────────────── the shell ◀─────────────────────────────────╯
//!   Stopping
//! ```
//!
//! [`Monitor`] decides what happened, [`Balancer`] what regions shed, [`SaveSchedule`] when to write it down; none
//! of them knows snapshots. Control compiles, and only when something that an answer depends on has changed.
//! It reads no clock and does nothing itself: the shell carries out its effects, in their order, and lets
//! time pass with a [`Input::Tick`] when [`Control::wake`] says so.

pub mod approval;
mod balancing;
mod cached_answers;
mod calendar;
mod clock;
mod drain;
mod drill_log;
mod drills;
#[cfg(test)]
mod fixture;
mod hosts;
mod incidents;
mod input;
mod intents;
mod monitor;
mod operator;
mod overlay;
#[cfg(test)]
mod peers;
mod persistence;
mod redundancy;
mod reload;
mod report;
mod request;
mod safety;
mod standing_shares;
mod summary;

use std::sync::Arc;

pub use approval::Proposal;
pub use cached_answers::{DrainProgress, longest_hold};
pub use input::{Effect, Input, NumberedConfig, Restored, Rollback};
pub use monitor::{Findings, Monitor, OwnSight};
pub use report::{AddressReport, CanaryReport, ObserverReport, RegionReport, Report, ZoneReport};
pub use request::{Command, Done, Rejection};

use crate::alarm::{Alarm, Incidents, Rules, ServerAlarms};
use crate::availability::Availability;
use crate::canary::Observation;
use crate::event::Event;
use crate::health::Memory;
use crate::inspect::what_if::Present;
use crate::intent::{IntentStore, SavedIntents};
use crate::load::{Balancer, Guests, LoadStep, Outlook, carried};
use crate::moment::Moment;
use crate::region::{Family, Resolved};
use crate::snapshot::{Base, Inputs, Snapshot};
use cached_answers::CachedAnswers;
use drill_log::DrillLog;
use overlay::overlay_of;
use persistence::SaveSchedule;
use redundancy::LossWatch;
use standing_shares::StandingShares;

/// The machine: the state of the server, from inputs and time to effects.
///
/// # Calling it
///
/// - [`Control::new`], then [`Input::Restored`] once, also when nothing is restored. Its effects publish the
///   first snapshot; carry them out before the server answers.
/// - Then any inputs in any order, each with a `now` that is not before the last one's. The machine reads no clock
///   and tolerates one that jumps: it follows `now`.
/// - Carry out the effects of an input in their order before the next input. [`Effect::Publish`] is acknowledged with
///   [`Input::Served`] as soon as no transport answers from an older snapshot: drains count from then.
/// - [`Input::Tick`] when [`Control::wake`] says so, or earlier, or later: what was due is made up for.
/// - [`Input::Stopping`] last. What it returns is all that outlives the machine, with the latest [`Effect::Keep`].
///
/// Between inputs, [`Control::report`] and the other `&self` methods may be called at any time.
#[derive(Debug)]
pub struct Control {
    base: Arc<Base>,
    monitor: Monitor,
    balancer: Balancer,
    /// Who is given clients of others.
    guests: Guests,
    save_schedule: SaveSchedule,
    intents: IntentStore,
    /// What came of drills, and those to come.
    drills: DrillLog,
    /// What the machine advises.
    proposals: Vec<Proposal>,
    /// Which addresses are given out, and how long they may be held.
    cached_answers: CachedAnswers,
    rules: Rules,
    /// What is wrong with the server's own files and its clock.
    server_alarms: ServerAlarms,
    /// Whether the loss of any one region would end well.
    losses: LossWatch,
    /// Which clients stay with regions that are down, because no other one can bear them.
    unborne: StandingShares,
    /// Which regions take clients as a reserve.
    reserve: StandingShares,
    /// When a known event begins or ends next.
    capacity_due: Option<Moment>,
    /// The conditions that stand, by their causes.
    incidents: Incidents,
    /// Who was up for how long.
    availability: Availability,
    /// What was published last.
    last: Option<Arc<Snapshot>>,
    /// The number of the last published snapshot.
    number: u64,
}

impl Control {
    /// Makes a machine for a base. Its first input is [`Input::Restored`]; until then it serves nothing.
    pub fn new(base: Arc<Base>, now: Moment) -> Self {
        let drills = DrillLog::adopt(Vec::new(), &base.config, now);
        let intents = IntentStore::default();
        let overlay = overlay_of(&intents, &base.config, now);
        let (monitor, _) = Monitor::new(Arc::clone(&base.config), overlay, None, now);
        let balancer = Balancer::new(&base, now);
        let guests = Guests::new(&base);
        let cached_answers = CachedAnswers::new(&base.config, now);
        let rules = Rules::new(&base.config, now);
        let availability = Availability::new(&base, now);
        Self {
            base,
            monitor,
            balancer,
            guests,
            save_schedule: SaveSchedule::new(now),
            intents,
            drills,
            proposals: Vec::new(),
            cached_answers,
            rules,
            capacity_due: None,
            server_alarms: ServerAlarms::default(),
            losses: LossWatch::new(now),
            unborne: StandingShares::unborne(),
            reserve: StandingShares::reserve(),
            incidents: Incidents::default(),
            availability,
            last: None,
            number: 0,
        }
    }

    /// Takes one input, and returns what the shell must do for it, in the order in which to do it.
    pub fn handle(&mut self, input: Input, now: Moment) -> Vec<Effect> {
        let is_reload = matches!(input, Input::Reloaded(_) | Input::Resolved { base: Some(_), .. });
        let mut effects = self.take(input, now);
        self.mark_incidents(&mut effects, is_reload, now);
        effects
    }

    fn take(&mut self, input: Input, now: Moment) -> Vec<Effect> {
        match input {
            Input::Restored(restored) => self.restored(restored, now),
            Input::Asked(request) => {
                let (answer, mut effects) = self.ask(request, now);
                effects.push(Effect::Answer(Box::new(answer)));
                effects
            }
            Input::Observed(seen) => {
                let findings = self.monitor.observe(&seen, now);
                self.rules.observed();
                self.advance(findings, LoadStep::default(), now)
            }
            Input::Counted(queries) => {
                self.balancer.count(&queries, now);
                Vec::new()
            }
            Input::Blind(probes) => {
                let findings = self.monitor.go_blind(&probes, now);
                self.advance(findings, LoadStep::default(), now)
            }
            Input::Referred(seen) => {
                let findings = self.monitor.refer(&seen, now);
                self.advance(findings, LoadStep::default(), now)
            }
            Input::Heard(reports) => {
                let findings = self.monitor.hear(reports, now);
                self.advance(findings, LoadStep::default(), now)
            }
            Input::Tick => {
                let findings = self.monitor.tick(now);
                let step = self.balance_step(now);
                self.advance(findings, step, now)
            }
            Input::Served => {
                self.cached_answers.served(now);
                Vec::new()
            }
            Input::Reloaded(base) => self.reloaded(base, now),
            Input::Resolved { base, lookups } => self.resolved(base, &lookups, now),
            Input::ReloadFailed(why) => self.rules.refuse(&why, now).map(Effect::emit).into_iter().collect(),
            Input::Numbered(numbered) => self.numbered(&numbered, now),
            Input::ClockSet(step) => self.follow_clock(step, now),
            Input::Written(outcomes) => {
                self.server_alarms.written(&outcomes, now).into_iter().map(Effect::emit).collect()
            }
            Input::Limited(queries) => {
                self.server_alarms.flood.seen(&queries, now).into_iter().map(Effect::emit).collect()
            }
            Input::Delivered(refusals) => {
                let events = self.server_alarms.webhooks.seen(&refusals, now);
                events.into_iter().map(Effect::emit).collect()
            }
            Input::Stopping => {
                vec![
                    Effect::Persist(self.memory(now)),
                    Effect::PersistAvailability(self.availability.close(now)),
                ]
            }
        }
    }

    /// Returns when to let time pass although nothing happens; `None`: never.
    pub fn wake(&self) -> Option<Moment> {
        let intents = self.intents.wake(&self.base.config.regions);
        let rules = self.rules.wake(self.base.database_built_at);
        let health = [self.monitor.wake(), self.save_schedule.wake(), self.balancer.wake(&self.base)];
        let own = health.into_iter().chain([
            intents,
            self.drills.wake(),
            rules,
            self.server_alarms.wake(),
            self.capacity_due,
            Some(self.losses.wake()),
        ]);
        own.flatten().min()
    }

    /// Returns what this instance tells its peers; `None`: it has none.
    pub fn own_sight(&self, now: Moment) -> Option<OwnSight> {
        self.monitor.own_sight(now)
    }

    /// Returns a number that is another one whenever peers must know at once what this instance sees.
    pub fn sight(&self) -> u64 {
        self.monitor.sight()
    }

    /// Returns what is being served.
    pub fn base(&self) -> &Base {
        &self.base
    }

    /// Returns whether an observation is about the configuration in force; one of another is passed over.
    pub fn is_current(&self, seen: &Observation) -> bool {
        seen.epoch == self.monitor.epoch()
    }

    #[cfg(test)]
    pub(crate) fn epoch(&self) -> crate::canary::Epoch {
        self.monitor.epoch()
    }

    /// Returns what is known of everything, for `/status`.
    pub fn report(&self, now: Moment) -> Report {
        let mut report = self.monitor.report(self.number, now);
        let away = self.balancer.away(&self.base);
        report.regions.iter_mut().zip(away).for_each(|(region, away)| region.away = away);
        report.outlook = self.outlook(now);
        report.intents = self.intents.intents().to_vec();
        report.name_intents();
        report.proposals.clone_from(&self.proposals);
        report.drains = self.drains(now);
        report.drills = Arc::clone(self.drills.records());
        report.alarms.iter_mut().for_each(|alarm| alarm.event = self.but_for_staying(alarm.event.clone()));
        report.alarms.extend(self.own_alarms());
        report.incidents = self.incidents.report();
        report.availability = self.availability.log();
        report
    }

    /// Returns the alarms that last besides those of the monitor: of rules, of the server, and of what could be lost.
    fn own_alarms(&self) -> impl Iterator<Item = Alarm> {
        let alarms = self.rules.standing().chain(self.server_alarms.standing());
        let alarms = alarms.chain(self.losses.standing());
        alarms.chain(self.unborne.standing()).chain(self.reserve.standing())
    }

    /// Returns what a forecast starts from: the demand, where it is sent, and what the regions report.
    pub fn outlook(&self, now: Moment) -> Outlook {
        self.balancer.outlook(self.monitor.readings(&self.base, now))
    }

    /// Goes on from what an earlier life left, and publishes the first snapshot.
    fn restored(&mut self, restored: Restored, now: Moment) -> Vec<Effect> {
        let Restored { health, mut intents, availability, losses } = restored;
        self.drills = DrillLog::adopt(std::mem::take(&mut intents.drills), &self.base.config, now);
        self.intents = IntentStore::adopt(intents, now);
        self.look_at_calendar(now);
        let overlay = overlay_of(&self.intents, &self.base.config, now);
        let config = Arc::clone(&self.base.config);
        let (monitor, findings) = Monitor::new(config, overlay, health.as_ref(), now);
        self.monitor = monitor;
        if let Some(memory) = &health {
            self.cached_answers.adopt(memory.held_until, now);
        }
        let fresh = health.filter(|memory| memory.is_fresh(now));
        let has_adopted = fresh.is_some();
        if let Some(memory) = fresh {
            self.balancer.adopt(&memory.portions, &self.base);
            self.balancer.resume(&self.base, self.monitor.view(), &self.monitor.readings(&self.base, now));
            self.resume_guests(&memory.guests, now);
        }
        self.availability.restore(availability, &self.base, now);
        self.measure_availability(true, now);
        self.propose(&findings.advised);
        // What was over while the server was down has ended before anything is answered.
        let mut ended = self.resume_drills(now);
        ended.extend(self.attend(now));
        ended.retain(|effect| matches!(effect, Effect::Emit(_) | Effect::Keep(_)));
        let shares = self.look_at_shares(now);
        let mut effects = vec![self.publish(now), self.watch()];
        // What was taken up is written anew at once: a process that dies again and again before its first
        // minute is over must not let what it knows grow stale.
        if has_adopted {
            effects.push(Effect::Persist(self.memory(now)));
        }
        let lost = losses.iter().map(|loss| self.server_alarms.lost(loss, now)).map(Effect::emit);
        effects.extend(lost.chain(findings.events.into_iter().map(Effect::emit)));
        effects.extend(ended);
        effects.extend(shares);
        effects
    }

    /// Does what follows from findings and from a step of load, and what is due besides.
    fn advance(&mut self, findings: Findings, step: LoadStep, now: Moment) -> Vec<Effect> {
        let is_news = findings.is_news();
        let mut effects = self.follow(findings, &step, now);
        effects.extend(self.attend(now));
        effects.extend(self.measure(now));
        effects.extend(self.server_alarms.look(now).into_iter().map(Effect::emit));
        effects.extend(self.look_at_losses(now));
        effects.extend(self.measure_availability(is_news, now));
        effects
    }

    /// Does what follows from findings, and from a step of load.
    fn follow(&mut self, findings: Findings, step: &LoadStep, now: Moment) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.propose(&findings.advised);
        if findings.moves_view {
            self.land(now);
            self.note_guests(now);
        }
        // Who stays with what is down is known before answers are made: they are short while an outage goes on.
        let moves = findings.moves_view || step.moves_clients;
        let shares = if moves { self.look_at_shares(now) } else { Vec::new() };
        if moves {
            self.losses.note_change(now);
            effects.extend(self.publish_news(now));
        }
        if self.save_schedule.is_due(findings.is_worth_keeping || step.moves_clients, now) {
            effects.push(Effect::Persist(self.memory(now)));
        }
        effects.extend(findings.events.into_iter().map(|event| Effect::emit(self.but_for_staying(event))));
        effects.extend(step.changes.iter().map(|change| {
            let region = self.base.config.regions.target(Resolved::Region(change.region));
            Effect::emit(Event::load_shed(&region, change.load, change.shares, now))
        }));
        effects.extend(shares);
        effects
    }

    /// Keeps account of who is up.
    fn measure_availability(&mut self, is_news: bool, now: Moment) -> Option<Effect> {
        let log = if self.availability.is_due(is_news, now) {
            let outlook = self.outlook(now);
            let inputs = self.monitor.availability_inputs(&self.base, outlook);
            self.availability.take(&inputs, now)
        } else {
            self.availability.write(false, now)
        };
        log.map(Effect::PersistAvailability)
    }

    /// Looks at what is measured, if it is time to.
    fn measure(&mut self, now: Moment) -> Vec<Effect> {
        let built_at = self.base.database_built_at;
        if self.rules.wake(built_at).is_none_or(|due| now < due) {
            return Vec::new();
        }
        let (base, monitor, balancer) = (&self.base, &self.monitor, &self.balancer);
        let regions = &base.config.regions;
        let carried_by = |name: &str| {
            let outlook = || balancer.outlook(monitor.readings(base, now));
            let carried = regions.find(name).map(|id| carried(id, base, monitor.view(), &outlook()));
            let target = |(home, rate)| (regions.target(Resolved::Region(home)), rate);
            carried.into_iter().flatten().map(target).collect()
        };
        let events = self.rules.look(self.monitor.vitals(now), &carried_by, built_at, now);
        events.into_iter().map(Effect::emit).collect()
    }

    /// Forecasts the loss of regions, if it is time to.
    fn look_at_losses(&mut self, now: Moment) -> Option<Effect> {
        if now < self.losses.wake() {
            return None;
        }
        let outlook = self.outlook(now);
        let present = Present { base: &self.base, view: self.monitor.view(), outlook: &outlook, at: now };
        self.losses.look(&present, now).map(Effect::emit)
    }

    /// Returns what is worth remembering, as of `now`.
    fn memory(&self, now: Moment) -> Memory {
        Memory {
            portions: self.balancer.remember(&self.base),
            held_until: self.cached_answers.held_until(&self.base.config, now),
            ..self.monitor.memory(now)
        }
    }

    /// Compiles the next snapshot.
    fn publish(&mut self, now: Moment) -> Effect {
        let snapshot = self.compile();
        self.serve(snapshot, now)
    }

    /// Compiles the next snapshot; `None`: it would say what the last one says.
    fn publish_news(&mut self, now: Moment) -> Option<Effect> {
        let snapshot = self.compile();
        let is_news = self.last.as_ref().is_none_or(|last| !snapshot.says_what(last));
        is_news.then(|| self.serve(snapshot, now))
    }

    fn serve(&mut self, snapshot: Arc<Snapshot>, now: Moment) -> Effect {
        self.number = snapshot.number;
        self.cached_answers.publish(&snapshot.given, &snapshot.leaving, now);
        self.last = Some(Arc::clone(&snapshot));
        Effect::Publish(snapshot)
    }

    fn compile(&self) -> Arc<Snapshot> {
        let base = Arc::clone(&self.base);
        let inputs = Inputs {
            health: self.monitor.view().clone(),
            splits: self.balancer.splits().clone(),
            weights: self.monitor.overlay().weights.clone(),
            leaving: cached_answers::leaving(self.intents.intents(), &base.config.regions),
            outage: Family::BOTH.map(|family| self.outage(family)),
        };
        Arc::new(Snapshot::compile(base, inputs, self.number + 1))
    }

    /// Returns what operators want, and what came of drills, to be kept across a restart.
    fn kept(&self) -> SavedIntents {
        SavedIntents { drills: self.drills.records().to_vec(), ..self.intents.keep() }
    }

    fn watch(&self) -> Effect {
        Effect::Watch(Arc::clone(&self.base.config), self.monitor.epoch())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::canary::{CanaryId, Failure, FailureClass, Subject};
    use crate::intent::Request;
    use crate::region::AddressId;
    use crate::snapshot::fixture;

    pub(super) const ZONE: &str = "zone: example.com\nnameservers: [ns1.example.net]\n\
                        names: { '@': { steer: { regions: [tokyo, osaka], order: listed } } }\n";

    pub(super) fn start(health: Option<Memory>, now: Moment) -> (Control, Vec<Effect>) {
        let mut control = Control::new(base(), now);
        let effects = control.handle(Input::Restored(Restored { health, ..Restored::default() }), now);
        (control, effects)
    }

    /// A base of two regions with one address each; probes fall after two failures.
    pub(super) fn base() -> Arc<Base> {
        let region = |name: &str, ip: &str| {
            format!(
                "  {name}:\n    location: {{ latitude: 35, longitude: 139 }}\n    jurisdiction: JP\n    \
                 zones: {{ {name}-a: {{ addresses: [{ip}] }} }}\n    canaries: [tcp]\n"
            )
        };
        let regions = format!(
            "regions:\n{}{}canaries:\n  tcp: {{ tcp: {{ port: 443 }}, fall: 2, rise: 1 }}\n",
            region("tokyo", "192.0.2.1"),
            region("osaka", "192.0.2.2")
        );
        Arc::new(fixture::base(&regions, ZONE))
    }

    /// Lets tokyo's probes succeed (`o`) or fail (`x`), and writes what control asks for at each:
    /// `p` publish, `k` keep, `w` watch, `e` emit, `a` account.
    fn check(results: &str, expected: &str) {
        let (mut control, effects) = start(None, Moment(0));
        assert_eq!(letters(&effects), "pw", "a start publishes before anything else");
        let asked = results.chars().zip(1..).map(|(result, number)| {
            let now = Moment(number * 10_000);
            let effects = control.handle(Input::Observed(vec![seen(&control, result == 'o', now)]), now);
            letters(&effects)
        });
        assert_eq!(asked.collect::<Vec<_>>().join(" "), expected);
    }

    pub(super) fn seen(control: &Control, is_success: bool, at: Moment) -> Observation {
        let failure = Failure { class: FailureClass::Refused, detail: "connection refused".to_owned() };
        Observation {
            epoch: control.monitor.epoch(),
            subject: Subject::Address(AddressId(0)),
            canary: CanaryId(0),
            at,
            latency: Duration::from_millis(3),
            result: if is_success { Ok(()) } else { Err(failure) },
            signals: None,
        }
    }

    pub(super) fn letters(effects: &[Effect]) -> String {
        let letter = |effect: &Effect| match effect {
            Effect::Publish(_) => 'p',
            Effect::Watch(..) => 'w',
            Effect::Persist(_) => 'k',
            Effect::Emit(_) => 'e',
            Effect::Keep(_) => 'i',
            Effect::PersistAvailability(_) => 'a',
            Effect::Answer(_) => 'r',
        };
        effects.iter().map(letter).collect()
    }

    #[test]
    fn results_that_change_nothing_publish_nothing_and_say_nothing() {
        check("oooo", "p   ");
    }

    #[test]
    fn a_suspect_and_a_fall_and_a_return_are_each_published_before_anything_is_said() {
        check("oxxxo", "p pe pkeee  pkeea");
    }

    #[test]
    fn a_crash_loop_does_not_let_what_is_known_grow_stale() {
        let (mut control, _) = start(None, Moment(0));
        for at in [1000, 2000] {
            control.handle(Input::Observed(vec![seen(&control, false, Moment(at))]), Moment(at));
        }
        let mut memory = control.memory(Moment(2000));
        for life in 1..20 {
            let now = Moment(2000 + life * 500_000);
            let (next, effects) = start(Some(memory), now);
            assert!(next.monitor.view().of(AddressId(0)).is_down(), "life {life}");
            let kept = effects.into_iter().find_map(|effect| match effect {
                Effect::Persist(memory) => Some(memory),
                Effect::Publish(_)
                | Effect::Watch(..)
                | Effect::Emit(_)
                | Effect::Answer(_)
                | Effect::Keep(_)
                | Effect::PersistAvailability(_) => None,
            });
            memory = kept.expect("it is written down before anything happens");
        }
    }

    #[test]
    fn the_report_names_the_intent_that_decides_first_of_a_region_and_of_a_zone_apart_from_it() {
        let (mut control, _) = start(None, Moment(0));
        for action in ["drain tokyo", "force tokyo up", "capacity tokyo 50", "disable osaka/osaka-a"] {
            let action = action.parse().expect("an action");
            control.intents.make(Request { action, ..Request::default() }, Moment(0));
        }
        let named = control
            .report(Moment(1))
            .regions
            .into_iter()
            .map(|region| [region.intent, region.zones[0].intent.clone()]);
        let [drain, disable] = ["drain tokyo (intent 1)", "disable osaka/osaka-a (intent 4)"];
        let expected = [[Some(drain.to_owned()), None], [None, Some(disable.to_owned())]];
        assert_eq!(named.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_published_number_is_higher_than_the_one_before() {
        let (mut control, _) = start(None, Moment(0));
        for (number, expected) in [(1, 2), (2, 3)] {
            let now = Moment(number * 1000);
            let effects = control.handle(Input::Observed(vec![seen(&control, false, now)]), now);
            let Some(Effect::Publish(snapshot)) = effects.first() else { panic!("it published nothing") };
            assert_eq!(snapshot.number, expected);
        }
    }
}
