//! Plays a scenario: one item of the agenda after the other, each at its moment.
//!
//! There are two times. Everything outside the server lives in the time that the scenario writes, which only goes on. The
//! server's own moments are read from the wall clock when it starts, and from then on go with the other: after a
//! jump and a restart they are as far apart as the clock has jumped.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::act::OPERATOR;
use super::agenda::{Agenda, AgendaItem};
use super::checked_listener::CheckedListener;
use super::checkers::Checkers;
use super::clients::Clients;
use super::clocks::{BOOT, Clocks};
use super::environment::Environment;
use super::expect;
use super::happening::{CheckInput, Happening, Listener};
use super::loaded::LoadedScenario;
use super::probers::{Probed, Probers};
use super::scenario::{Act, Scenario, StateFile};
use super::state::StateFiles;
use super::traffic::Traffic;
use crate::canary::{BlindProbe, Observation, ProbeReport, ReferenceSighting};
use crate::control::{Command, Control, Effect, Input, Restored};
use crate::event::{Event, EventKind};
use crate::moment::Moment;
use crate::probe::REFERENCE_INTERVAL;
use crate::region::{HostAddresses, HostLookup, Target};
use crate::snapshot::{Base, Snapshot};

/// How often the loads are looked at: three times while the traffic of an answer of 30 s goes over.
const GAUGE_EVERY: Duration = Duration::from_secs(10);

/// How often the checkers look, besides after each snapshot and event: what they look for lasts for minutes.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// A server, the world around it, and a written clock.
pub struct Simulation<'p, 'l> {
    loaded: &'p LoadedScenario,
    listener: CheckedListener<'l>,
    agenda: Agenda,
    environment: Environment,
    probers: Probers,
    clients: Clients,
    control: Control,
    clock: Clocks,
    /// The world that the process would load if it started now.
    base: Arc<Base>,
    /// Where the names of its availability zones lead.
    hosts: HostAddresses,
    /// What lies in the state directory.
    state: StateFiles,
    /// What was probed last, and by which canary: if an address falls, it is this one.
    probed: Option<(Target, String)>,
    now: Moment,
    /// How long after it is published a snapshot is served.
    serve_after: Duration,
    /// The snapshots that are published and not served yet, with their serial numbers.
    unserved: VecDeque<(u64, Arc<Snapshot>)>,
    /// The serial number of the last snapshot, over all lives of the process.
    serial: u64,
}

impl<'p, 'l> Simulation<'p, 'l> {
    /// Plays a scenario from its begin to its end.
    pub fn play(loaded: &'p LoadedScenario, listener: Listener<'l>) {
        let scenario = &loaded.scenario;
        let mut listener = CheckedListener { listener, checks: scenario.is_checked.then(Checkers::all) };
        listener.tell(Duration::ZERO, &Happening::Begun(loaded));
        let mut simulation = Self {
            loaded,
            listener,
            agenda: agenda(scenario),
            environment: Environment::new(Traffic::new(&scenario.clients)),
            probers: Probers::new(scenario.seed),
            clients: Clients::new(&scenario.clients, &scenario.watched),
            control: Control::new(Arc::clone(&loaded.base), BOOT),
            clock: Clocks::default(),
            base: Arc::clone(&loaded.base),
            hosts: HostAddresses::default(),
            state: StateFiles::default(),
            probed: None,
            now: BOOT,
            serve_after: Duration::ZERO,
            unserved: VecDeque::new(),
            serial: 0,
        };
        simulation.handle(Input::Restored(Restored::default()));
        loop {
            simulation.let_time_pass();
            let Some((at, item)) = simulation.agenda.next() else {
                return;
            };
            simulation.now = at;
            if item == AgendaItem::End {
                simulation.tell(&Happening::Ended);
                return;
            }
            simulation.take(item);
        }
    }

    /// Ticks as often as control wants to before the next item.
    fn let_time_pass(&mut self) {
        while let Some(next) = self.agenda.peek()
            && let Some(wake) = self.control.wake().map(|wake| self.clock.time_of(wake))
            && wake < next
        {
            self.now = self.now.max(wake);
            self.handle(Input::Tick);
        }
    }

    fn take(&mut self, item: AgendaItem) {
        match item {
            AgendaItem::Act(index) => self.act(&self.loaded.scenario.acts[index].1),
            AgendaItem::Probe(pair) => {
                if let Some(outcome) = self.probers.begin(pair, &self.environment, self.now) {
                    self.agenda.add(self.now.plus(outcome.took), AgendaItem::Result(pair, outcome));
                }
            }
            AgendaItem::Result(pair, outcome) => {
                if let Some((probed, due)) = self.probers.end(pair, outcome, self.now) {
                    due.into_iter().for_each(|(at, pair)| self.agenda.add(at, AgendaItem::Probe(pair)));
                    self.report(probed);
                }
            }
            AgendaItem::References => {
                self.refer();
                self.agenda.add(self.now.plus(REFERENCE_INTERVAL), AgendaItem::References);
            }
            AgendaItem::Gauge => {
                self.agenda.add(self.now.plus(GAUGE_EVERY), AgendaItem::Gauge);
                self.gauge();
            }
            AgendaItem::Serve(serial) => self.serve_late(serial),
            AgendaItem::Look => {
                self.look();
                self.agenda.add(self.now.plus(LOOK_EVERY), AgendaItem::Look);
            }
            AgendaItem::Expect(index) => {
                let expectation = &self.loaded.scenario.expectations[index];
                let report = self.control.report(self.clock.moment(self.now));
                let load = |region: &str| self.environment.load(region, self.now);
                let got = expect::otherwise(&expectation.aspect, &self.clients, &report, load);
                self.tell(&Happening::Expected(expectation, got));
            }
            AgendaItem::End => {}
        }
    }

    /// Hands on what a probe found.
    fn report(&mut self, probed: Probed) {
        self.tell(&Happening::Probed(&probed));
        let at = self.clock.moment(self.now);
        let has_failed = probed.has_failed();
        self.probed = Some((probed.target, probed.canary));
        self.handle(match probed.report {
            ProbeReport::Seen(seen) => Input::Observed(vec![Observation { at, ..seen }]),
            ProbeReport::Blind(probe) => Input::Blind(vec![BlindProbe { at, ..probe }]),
            ProbeReport::Reference(seen) => Input::Referred(vec![seen]),
        });
        // As the prober does, which asks the references when a region fails.
        if has_failed {
            self.refer();
        }
    }

    /// Tells the loads, and counts the queries since the last time.
    fn gauge(&mut self) {
        let loads = self.environment.loads(self.now);
        self.listener.tell(self.now.since(BOOT), &Happening::Gauged(&loads));
        // The parts of what still answers may be those of the configuration before.
        if !self.unserved.is_empty() {
            return;
        }
        let parts = self.control.base().demand.len();
        let queries = self.environment.demand.queries(&self.clients, parts).into_iter();
        let counted = queries.map(|rate| (rate * GAUGE_EVERY.as_secs_f64()) as u64);
        self.handle(Input::Counted(counted.collect()));
    }

    fn act(&mut self, act: &'p Act) {
        if matches!(act, Act::Restart(_)) {
            self.look();
        }
        self.tell(&Happening::Act(act));
        match act {
            Act::Fault(target, fault) => {
                self.environment.impose(target, *fault);
                self.probers.feel(target, *fault, self.now);
            }
            Act::Signal(target, signal, vital) => self.environment.tell(target, *signal, *vital),
            Act::OwnFault(cause) => {
                self.environment.strike(*cause);
                self.probers.go_blind(&self.environment, self.now);
            }
            Act::References(answer) => self.environment.references_answer = *answer,
            Act::Demand(factor) => self.environment.demand.scale(*factor),
            Act::Clock(jump) => self.clock.jump(*jump),
            Act::FailBack(region) => {
                let request = Command::FailBack { region: region.clone(), author: OPERATOR.to_owned() };
                self.handle(Input::Asked(request));
            }
            Act::Intend(request) => {
                self.handle(Input::Asked(Command::Intend { request: request.clone(), is_dry_run: false }));
            }
            Act::Lift(number, is_at_once) => self.handle(Input::Asked(Command::Lift {
                number: *number,
                author: OPERATOR.to_owned(),
                is_at_once: *is_at_once,
            })),
            Act::LiftAll => self.lift_all(),
            Act::ServeAfter(delay) => self.serve_after = *delay,
            Act::Restart(file) => self.restart(*file),
            Act::Host(name, found) => self.look_up(name, found.as_deref()),
            Act::Reload(directory) => match &self.loaded.reloads[directory] {
                Err(why) => self.tell(&Happening::Refused(why)),
                Ok(base) => {
                    let is_led = base.config.regions.hosts().next().is_some();
                    self.base = if is_led { Arc::new(base.led_by(&self.hosts)) } else { Arc::clone(base) };
                    self.handle(Input::Reloaded(Arc::clone(&self.base)));
                }
            },
        }
    }

    /// Lets a name lead to these addresses, or to none.
    fn look_up(&mut self, host: &str, found: Option<&[IpAddr]>) {
        if let Some(ips) = found {
            self.hosts.0.insert(host.to_owned(), ips.to_vec());
        }
        let led = self.base.led_by(&self.hosts);
        let base = (led.config.regions != self.base.config.regions).then(|| Arc::new(led));
        self.base = base.as_ref().map_or_else(|| Arc::clone(&self.base), Arc::clone);
        let found = found.map(<[_]>::to_vec).ok_or_else(|| "does not resolve".to_owned());
        let lookups = vec![HostLookup { host: host.to_owned(), found }];
        self.handle(Input::Resolved { base, lookups });
    }

    /// Probes all references, if there are any.
    fn refer(&mut self) {
        let (at, can_see) = (self.clock.moment(self.now), self.environment.sees_references());
        let result = || can_see.then_some(()).ok_or_else(|| "no answer".to_owned());
        let names = self.base.config.server.reference_names().into_iter();
        let seen: Vec<_> = names.map(|name| ReferenceSighting { name, at, result: result() }).collect();
        if !seen.is_empty() {
            self.handle(Input::Referred(seen));
        }
    }

    fn handle(&mut self, input: Input) {
        let effects = self.control.handle(input, self.clock.moment(self.now));
        // A region that only advises leaves without a snapshot.
        let is_news = effects.iter().any(|effect| matches!(effect, Effect::Publish(_) | Effect::Emit(_)));
        self.carry_out(effects);
        if is_news {
            self.look();
        }
    }

    /// Lets the checkers look, if there are any.
    fn look(&mut self) {
        if self.listener.checks.is_some() {
            let now = self.clock.moment(self.now);
            let report = self.control.report(now);
            let look = CheckInput { report: &report, clients: &self.clients, now };
            self.listener.tell(self.now.since(BOOT), &Happening::Looked(&look));
        }
    }

    fn lift_all(&mut self) {
        let report = self.control.report(self.clock.moment(self.now));
        for intent in report.intents {
            let author = OPERATOR.to_owned();
            self.handle(Input::Asked(Command::Lift { number: intent.number, author, is_at_once: true }));
        }
    }

    /// Lets the process die without a word, and start with what it finds.
    fn restart(&mut self, file: StateFile) {
        self.probers.die();
        self.unserved.clear();
        self.clock.read_anew();
        let memory = self.state.health(file, self.clock.moment(self.now)).unwrap_or_else(|why| {
            self.tell(&Happening::Forgotten(why));
            None
        });
        self.control = Control::new(Arc::clone(&self.base), self.clock.moment(self.now));
        let intents = self.state.intents.clone();
        self.handle(Input::Restored(Restored { health: memory, intents, ..Restored::default() }));
    }

    /// Carries out what control asks for. What it says comes first: it is why clients move.
    fn carry_out(&mut self, effects: Vec<Effect>) {
        let (said, done): (Vec<_>, Vec<_>) =
            effects.into_iter().partition(|effect| matches!(effect, Effect::Emit(_) | Effect::Answer(_)));
        for effect in said.into_iter().chain(done) {
            match effect {
                Effect::Emit(event) => self.emit(&event),
                Effect::Persist(memory) => self.state.persist(memory),
                Effect::Keep(intents) => self.state.intents = intents,
                // No expectation is about availability.
                Effect::PersistAvailability(_) => {}
                Effect::Answer(answer) => {
                    if let Err(refusal) = *answer {
                        self.tell(&Happening::Declined(&refusal.to_string()));
                    }
                }
                Effect::Watch(config, epoch) => {
                    self.environment.furnish(&config);
                    let due = self.probers.watch(&config, epoch, &self.environment, self.now);
                    due.into_iter().for_each(|(at, pair)| self.agenda.add(at, AgendaItem::Probe(pair)));
                }
                Effect::Publish(snapshot) => {
                    self.tell(&Happening::Published(&snapshot));
                    self.publish(snapshot);
                }
            }
        }
    }

    /// Lets a snapshot be served, now or as late as the scenario says. The first one of a process is served
    /// before it answers anything.
    fn publish(&mut self, snapshot: Arc<Snapshot>) {
        self.serial += 1;
        if self.serve_after.is_zero() || snapshot.number == 1 {
            self.unserved.clear();
            self.serve(&snapshot, true);
            return;
        }
        self.unserved.push_back((self.serial, snapshot));
        self.agenda.add(self.now.plus(self.serve_after), AgendaItem::Serve(self.serial));
    }

    fn serve_late(&mut self, serial: u64) {
        // It is gone when a later one was served, or the process has died since.
        while self.unserved.front().is_some_and(|(first, _)| *first <= serial)
            && let Some((number, snapshot)) = self.unserved.pop_front()
        {
            if number == serial {
                self.serve(&snapshot, self.unserved.is_empty());
            }
        }
    }

    /// Answers from a snapshot. Control hears of it when it is the last one, as of an older one nothing follows.
    fn serve(&mut self, snapshot: &Arc<Snapshot>, is_last: bool) {
        let moves = self.clients.ask(snapshot, self.now);
        self.environment.demand.follow(&self.clients, self.now);
        self.listener.tell(self.now.since(BOOT), &Happening::Served(snapshot, &self.clients));
        moves.iter().for_each(|one| self.tell(&Happening::Moved(one)));
        if is_last {
            self.handle(Input::Served);
        }
    }

    fn emit(&mut self, event: &Event) {
        self.tell(&Happening::Emitted(event));
        if event.kind == EventKind::ADDRESS_DOWN
            && let Some((target, canary)) = &self.probed
            && let Some(detection) = self.probers.detection(target, canary, self.now)
        {
            self.tell(&Happening::Detected(&detection));
        }
    }

    fn tell(&mut self, happening: &Happening<'_>) {
        self.listener.tell(self.now.since(BOOT), happening);
    }
}

/// Returns everything that the scenario says, at its moment.
fn agenda(scenario: &Scenario) -> Agenda {
    let mut agenda = Agenda::default();
    for (index, (at, _, _)) in scenario.acts.iter().enumerate() {
        agenda.add(BOOT.plus(*at), AgendaItem::Act(index));
    }
    for (index, expectation) in scenario.expectations.iter().enumerate() {
        agenda.add(BOOT.plus(expectation.at), AgendaItem::Expect(index));
    }
    if scenario.clients.iter().any(|client| client.rate.is_some()) {
        agenda.add(BOOT, AgendaItem::Gauge);
    }
    agenda.add(BOOT, AgendaItem::References);
    if scenario.is_checked {
        agenda.add(BOOT.plus(LOOK_EVERY), AgendaItem::Look);
    }
    agenda.add(BOOT.plus(scenario.until), AgendaItem::End);
    agenda
}
