//! Plays a scenario: one item of the agenda after the other, each at its moment.
//!
//! There are two times. Everything outside the server lives in the time that the scenario writes, which only goes on. The
//! server's own moments are read from the wall clock when it starts, and from then on go with the other: after a
//! jump and a restart they are as far apart as the clock has jumped.

use std::sync::Arc;
use std::time::Duration;

use super::act::OPERATOR;
use super::agenda::{Agenda, AgendaItem};
use super::clients::{ClientMove, Clients};
use super::clocks::{BOOT, Clocks};
use super::environment::Environment;
use super::expect;
use super::loaded::LoadedScenario;
use super::probers::{Detection, Probed, Probers};
use super::scenario::{Act, Expectation, Scenario, StateFile};
use super::traffic::Traffic;
use crate::canary::{BlindProbe, Observation, ProbeReport, ReferenceSighting};
use crate::control::{Command, Control, Effect, Input, Restored};
use crate::event::{Event, EventKind};
use crate::files::{Saved, StateDirectory, Store};
use crate::health::{FRESH_FOR, Memory};
use crate::intent::SavedIntents;
use crate::moment::Moment;
use crate::probe::REFERENCE_INTERVAL;
use crate::region::Target;
use crate::snapshot::{Base, Snapshot};

/// How often the loads are looked at: three times while the traffic of an answer of 30 s goes over.
const GAUGE_EVERY: Duration = Duration::from_secs(10);

/// Something that happens in a simulation.
#[derive(Debug)]
pub enum Happening<'a> {
    Begun(&'a LoadedScenario),
    /// An act of the scenario.
    Act(&'a Act),
    /// The state file could not be used.
    Forgotten(String),
    /// A configuration was refused, and the one before stays in force.
    Refused(&'a str),
    /// What an operator asked for was declined, for this reason.
    Declined(&'a str),
    /// A probe came back.
    Probed(&'a Probed),
    /// Control emits an event.
    Emitted(&'a Event),
    Detected(&'a Detection),
    /// This snapshot answers from now on.
    Published(&'a Arc<Snapshot>),
    /// A client gets something else than before.
    Moved(&'a ClientMove),
    /// The loads of the regions, by name; `None`: not known. Told at regular times, if there is any traffic.
    Gauged(&'a [(&'a str, Option<f64>)]),
    /// Something was expected. `None`: it is so; otherwise what is so instead.
    Expected(&'a Expectation, Option<String>),
    Ended,
}

/// Called with everything that happens, and when.
pub type Listener<'l> = &'l mut dyn FnMut(Duration, &Happening<'_>);

/// A server, the world around it, and a written clock.
pub struct Simulation<'p, 'l> {
    loaded: &'p LoadedScenario,
    listener: Listener<'l>,
    agenda: Agenda,
    environment: Environment,
    probers: Probers,
    clients: Clients,
    control: Control,
    clock: Clocks,
    /// The world that the process would load if it started now.
    base: Arc<Base>,
    /// What lies in the state directory.
    kept: Option<Memory>,
    /// The intents in force that lie there.
    intents: SavedIntents,
    /// What was probed last, and by which canary: if an address falls, it is this one.
    probed: Option<(Target, String)>,
    now: Moment,
}

impl<'p, 'l> Simulation<'p, 'l> {
    /// Plays a scenario from its begin to its end.
    pub fn play(loaded: &'p LoadedScenario, listener: Listener<'l>) {
        let scenario = &loaded.scenario;
        listener(Duration::ZERO, &Happening::Begun(loaded));
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
            kept: None,
            intents: SavedIntents::default(),
            probed: None,
            now: BOOT,
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
                    self.agenda.add(due, AgendaItem::Probe(pair));
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
            }
            AgendaItem::References => {
                self.refer();
                self.agenda.add(self.now.plus(REFERENCE_INTERVAL), AgendaItem::References);
            }
            AgendaItem::Gauge => {
                let loads = self.environment.loads(self.now);
                (self.listener)(self.now.since(BOOT), &Happening::Gauged(&loads));
                self.agenda.add(self.now.plus(GAUGE_EVERY), AgendaItem::Gauge);
                let parts = self.control.base().demand.len();
                let queries = self.environment.demand.queries(&self.clients, parts).into_iter();
                let counted = queries.map(|rate| (rate * GAUGE_EVERY.as_secs_f64()) as u64);
                self.handle(Input::Counted(counted.collect()));
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

    fn act(&mut self, act: &'p Act) {
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
            Act::Restart(file) => self.restart(*file),
            Act::Reload(directory) => match &self.loaded.reloads[directory] {
                Err(why) => self.tell(&Happening::Refused(why)),
                Ok(base) => {
                    self.base = Arc::clone(base);
                    self.handle(Input::Reloaded(Arc::clone(base)));
                }
            },
        }
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
        self.carry_out(effects);
    }

    /// Lets the process die without a word, and start with what it finds.
    fn restart(&mut self, file: StateFile) {
        self.probers.die();
        self.clock.read_anew();
        let memory = self.kept.take().and_then(|memory| self.remember(memory, file));
        self.control = Control::new(Arc::clone(&self.base), self.clock.moment(self.now));
        let intents = self.intents.clone();
        self.handle(Input::Restored(Restored { health: memory, intents, ..Restored::default() }));
    }

    /// Returns what the next life reads of what this one has written.
    fn remember(&mut self, mut memory: Memory, file: StateFile) -> Option<Memory> {
        match file {
            StateFile::Lose => return None,
            StateFile::Stale => {
                let age = FRESH_FOR + Duration::from_secs(60);
                let milliseconds = u64::try_from(age.as_millis()).expect("it is minutes");
                memory.written_at = Moment(self.clock.moment(self.now).0 - milliseconds);
            }
            StateFile::Keep | StateFile::Corrupt => {}
        }
        let read = through_the_disk(&memory, file == StateFile::Corrupt);
        match read {
            Ok(memory) => {
                self.kept.clone_from(&memory);
                memory
            }
            Err(why) => {
                self.tell(&Happening::Forgotten(why));
                None
            }
        }
    }

    /// Carries out what control asks for. What it says comes first: it is why clients move.
    fn carry_out(&mut self, effects: Vec<Effect>) {
        let (said, done): (Vec<_>, Vec<_>) =
            effects.into_iter().partition(|effect| matches!(effect, Effect::Emit(_) | Effect::Answer(_)));
        for effect in said.into_iter().chain(done) {
            match effect {
                Effect::Emit(event) => self.emit(&event),
                Effect::Persist(memory) => self.kept = Some(memory),
                Effect::Keep(intents) => self.intents = intents,
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
                    let moves = self.clients.ask(&snapshot, self.now);
                    self.environment.demand.follow(&self.clients, self.now);
                    self.tell(&Happening::Published(&snapshot));
                    moves.iter().for_each(|one| self.tell(&Happening::Moved(one)));
                    self.handle(Input::Served);
                }
            }
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
        (self.listener)(self.now.since(BOOT), happening);
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
    agenda.add(BOOT.plus(scenario.until), AgendaItem::End);
    agenda
}

/// Writes a memory and reads it back by the code that serves, damaged on the way if asked for. `Err` says
/// why it cannot be used.
fn through_the_disk(memory: &Memory, is_damaged: bool) -> Result<Option<Memory>, String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = directory.path();
    let directory = StateDirectory::unlocked(path);
    Store::open(&directory).0.save(memory).map_err(|error| error.to_string())?;
    if is_damaged {
        let file = path.join(Memory::FILE);
        let text = std::fs::read(&file).map_err(|error| error.to_string())?;
        std::fs::write(&file, &text[..text.len() / 2]).map_err(|error| error.to_string())?;
    }
    // Where it lies while it is simulated is of no interest, and different every time.
    Store::open(&directory).1.map_err(|error| error.to_string().replace(&path.display().to_string(), "state"))
}
