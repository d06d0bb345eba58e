//! The one writer: drives `control` with the real clock, and carries out what it asks for.
//!
//! Whatever happens to the server passes through here, one event at a time: observations, loaded
//! worlds, the end. Nothing that might wait for a disk or a peer runs here.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};

use super::clock::SystemClock;
use super::events::EventPublisher;
use super::peers::{self, PeerStreams};
use super::secrets;
use super::state_writer::StateWriter;
use super::supervisor;
use super::transfers::{SerialsFile, TransferKeeper};
use super::write_outcomes::{ByFile, WriteOutcomes};
use crate::admin::{AdminState, OperatorOrder, Published};
use crate::canary::{BlindProbe, Observation, ProbeReport, ReferenceSighting};
use crate::control::{Control, Done, Effect, Input, Rejection, Restored};
use crate::event::Event;
use crate::metrics::Metrics;
use crate::moment::Moment;
use crate::peers::hub::{HEARTBEAT, TELL_EVERY};
use crate::probe::{self, Prober};
use crate::serve::{Current, Limiter, Serving};
use crate::severity::Severity;
use crate::snapshot::{Base, Snapshot};

/// Where events go besides the log.
pub type EventListener = Box<dyn Fn(&Event) + Send + Sync>;

/// The writer and everything that it writes to.
pub struct ControlLoop {
    pub clock: SystemClock,
    pub prober: Prober,
    pub current: Arc<Current>,
    pub admin: Arc<AdminState>,
    pub metrics: Arc<Metrics>,
    pub state: StateWriter,
    /// How writes of the state end.
    pub written: watch::Receiver<ByFile>,
    pub events: EventPublisher,
    pub peers: PeerStreams,
    /// Numbers the zones that secondaries are given.
    pub transfers: TransferKeeper,
    pub listener: EventListener,
}

/// Starts control, and returns it with what it asks for and its first snapshot.
pub fn begin(base: Arc<Base>, restored: Restored, now: Moment) -> (Control, Vec<Effect>, Arc<Snapshot>) {
    let mut control = Control::new(base, now);
    let effects = control.handle(Input::Restored(restored), now);
    let first = effects.iter().find_map(|effect| match effect {
        Effect::Publish(snapshot) => Some(Arc::clone(snapshot)),
        Effect::Watch(..)
        | Effect::Persist(_)
        | Effect::Keep(_)
        | Effect::PersistAvailability(_)
        | Effect::Emit(_)
        | Effect::Answer(_) => None,
    });
    let snapshot = first.expect("control publishes a snapshot before anything else");
    (control, effects, snapshot)
}

/// Numbers the zones that secondaries are given, and returns what does so with a place that serves the first snapshot.
pub async fn serve_first(
    snapshot: Arc<Snapshot>,
    serials: Option<SerialsFile>,
    (metrics, outcomes): (&Metrics, &WriteOutcomes),
    clock: &SystemClock,
) -> (TransferKeeper, Arc<Current>) {
    let transfers = TransferKeeper::start(serials, &snapshot, (metrics, outcomes), clock).await;
    let base = &snapshot.base;
    let current = ArcSwap::from_pointee(Serving {
        answers: metrics.begin(&base.config, base.demand.len()),
        watch: metrics.watch(&base.config.regions, &snapshot.leaving),
        limiter: Limiter::new(base.config.server.rate_limit.as_ref(), secrets::random()),
        transfers: transfers.latest(),
        transfer_metrics: metrics.transfers.clone(),
        times: metrics.answer_times(),
        snapshot,
    });
    (transfers, Arc::new(current))
}

/// The shortest time between two reports: shorter than an operator looks at `/status` twice, and long enough for
/// five thousand addresses that are probed every ten seconds not to be walked over for each of them.
const REPORT_EVERY: Duration = Duration::from_millis(100);

/// How often control learns how many queries of each part of the clients were answered: as often as load is divided.
const COUNT_EVERY: Duration = Duration::from_secs(30);

/// How often the wall clock and floods are looked at: an event has the wrong time for so long at most after it is set.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The time of the last report, and whether anything has happened since.
struct Reporting {
    is_due: bool,
    reported_at: Moment,
}

impl Reporting {
    /// Everything is reported as of `now`.
    fn done(now: Moment) -> Self {
        Self { is_due: false, reported_at: now }
    }

    fn due_at(&self) -> Option<Moment> {
        self.is_due.then(|| self.reported_at.plus(REPORT_EVERY))
    }
}

/// What the peers were told last, and when.
struct Telling {
    sight: u64,
    at: Instant,
}

impl Telling {
    fn due_at(&self, control: &Control) -> Instant {
        self.at + if control.sight() == self.sight { HEARTBEAT } else { TELL_EVERY }
    }
}

/// The results of effects that the caller needs.
#[derive(Default)]
struct CarriedOut {
    has_published: bool,
    answer: Option<Result<Done, Rejection>>,
}

/// A batch of reports by their kinds. No pair of a target and a canary is in it twice.
#[derive(Default)]
struct Sorted {
    seen: Vec<Observation>,
    blind: Vec<BlindProbe>,
    references: Vec<ReferenceSighting>,
}

impl Sorted {
    /// Empties a batch. Its times are those of the steady clock, for the other may be set on their way here.
    fn from(batch: &mut Vec<ProbeReport>, clock: &SystemClock) -> Self {
        let mut sorted = Self::default();
        for report in batch.drain(..) {
            match report {
                ProbeReport::Seen(seen) => sorted.seen.push(Observation { at: clock.told(seen.at), ..seen }),
                ProbeReport::Blind(probe) => {
                    sorted.blind.push(BlindProbe { at: clock.told(probe.at), ..probe });
                }
                ProbeReport::Reference(sighting) => {
                    sorted.references.push(ReferenceSighting { at: clock.told(sighting.at), ..sighting });
                }
            }
        }
        sorted
    }
}

/// Returns when the first observation of an input was made; `None`: it has none.
fn seen_at(input: &Input) -> Option<Moment> {
    match input {
        Input::Observed(seen) => seen.first().map(|first| first.at),
        Input::Restored(_)
        | Input::Blind(_)
        | Input::Referred(_)
        | Input::Heard(_)
        | Input::Asked(_)
        | Input::Served
        | Input::Counted(_)
        | Input::Tick
        | Input::Reloaded(_)
        | Input::Resolved { .. }
        | Input::ReloadFailed(_)
        | Input::Numbered(_)
        | Input::ClockSet(_)
        | Input::Written(_)
        | Input::Limited(_)
        | Input::Delivered(_)
        | Input::Stopping => None,
    }
}

impl ControlLoop {
    /// Carries out the first effects, then takes events until `stop` turns true, and persists.
    pub async fn run(
        mut self,
        mut control: Control,
        first: Vec<Effect>,
        mut reports: mpsc::Receiver<ProbeReport>,
        mut worlds: mpsc::Receiver<Input>,
        mut orders: mpsc::Receiver<OperatorOrder>,
        mut stop: watch::Receiver<bool>,
    ) {
        self.carry_out(first, &mut control);
        self.report(&control);
        let (mut batch, mut heard, mut written) = (Vec::new(), Vec::new(), self.written.clone());
        let mut told = self.peers.take_reports();
        let mut telling = Telling { sight: control.sight(), at: Instant::now() };
        let mut reporting = Reporting::done(self.clock.now());
        let mut looking = tokio::time::interval(LOOK_EVERY);
        looking.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut counting = tokio::time::interval(COUNT_EVERY);
        counting.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let input = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                Some(input) = worlds.recv() => input,
                Some(order) = orders.recv() => {
                    self.apply(order, &mut control);
                    reporting = Reporting::done(self.clock.now());
                    continue;
                }
                // Before the tick: a peer that was heard in time is not silent because this loop was busy.
                1.. = told.recv_many(&mut heard, peers::MAX_REPORTS) => {
                    Input::Heard(self.clock.told(std::mem::take(&mut heard)))
                }
                () = tokio::time::sleep_until(telling.due_at(&control)), if self.peers.hub.is_some() => {
                    self.tell_peers(&control);
                    telling = Telling { sight: control.sight(), at: Instant::now() };
                    continue;
                }
                () = self.until(control.wake()) => Input::Tick,
                _ = looking.tick() => {
                    let mut inputs = self.look();
                    let Some(last) = inputs.pop() else { continue };
                    for input in inputs {
                        self.take(input, &mut control);
                    }
                    last
                }
                Ok(()) = written.changed() => Input::Written(written.borrow_and_update().clone()),
                _ = counting.tick() => Input::Counted(self.current.load().answers.take_parts()),
                () = self.until(reporting.due_at()) => {
                    self.report(&control);
                    reporting = Reporting::done(self.clock.now());
                    continue;
                }
                1.. = reports.recv_many(&mut batch, probe::MAX_WAITING) => {
                    let Sorted { seen, blind, references } = Sorted::from(&mut batch, &self.clock);
                    blind.iter().for_each(|probe| self.metrics.blind(probe.blindness.cause));
                    let references = (!references.is_empty()).then_some(Input::Referred(references));
                    let blind = (!blind.is_empty()).then_some(Input::Blind(blind));
                    for input in references.into_iter().chain(blind) {
                        let effects = control.handle(input, self.clock.now());
                        self.carry_out(effects, &mut control);
                    }
                    let current = seen.iter().filter(|seen| control.is_current(seen));
                    current.for_each(|seen| self.metrics.observed(&control.base().config, seen));
                    Input::Observed(seen)
                }
            };
            reporting.is_due = true;
            if self.take(input, &mut control).has_published {
                self.report(&control);
                reporting = Reporting::done(self.clock.now());
            }
        }
        let last = control.handle(Input::Stopping, self.clock.now());
        self.carry_out(last, &mut control);
        tokio::join!(self.state.finish(), self.events.finish(), self.transfers.finish());
    }

    /// Takes an input, and measures how soon it is served.
    fn take(&mut self, input: Input, control: &mut Control) -> CarriedOut {
        let (seen_at, begun) = (seen_at(&input), Instant::now());
        let effects = control.handle(input, self.clock.now());
        let done = self.carry_out(effects, control);
        if done.has_published {
            self.metrics.snapshot_took(begun.elapsed());
        }
        if let Some(seen_at) = seen_at {
            self.metrics.writer_lag(self.clock.now().since(seen_at));
        }
        done
    }

    /// Tells the peers what this instance sees.
    fn tell_peers(&self, control: &Control) {
        let hub = self.peers.hub.as_ref();
        hub.into_iter().for_each(|hub| peers::publish(hub, control, &self.admin.origin.load(), &self.clock));
    }

    /// Applies an order, and answers it when its effects are served and on disk.
    fn apply(&mut self, order: OperatorOrder, control: &mut Control) {
        let OperatorOrder { command, reply } = order;
        let effects = control.handle(Input::Asked(command), self.clock.now());
        let answer = self.carry_out(effects, control).answer.expect("every question is answered");
        // Reported before the answer, so that the operator who has it sees its effects.
        self.report(control);
        // An operator who no longer waits asks again, and gets the answer that it is done.
        self.state.then(move |is_written| {
            let answer = answer.map(|done| match done {
                Done::Made { intent, snapshot, forecast, replaces, .. } => {
                    Done::Made { intent, snapshot, forecast, replaces, is_kept: is_written }
                }
                other => other,
            });
            let _ = reply.send(answer);
        });
    }

    /// Looks at what nothing tells of: the wall clock, queries over the rate limits, and events that are refused.
    fn look(&self) -> Vec<Input> {
        supervisor::alive();
        let step = self.clock.follow().map(Input::ClockSet);
        let queries = self.current.load().limiter.floods();
        let limited = (queries.count() > 0).then_some(Input::Limited(queries));
        let refusals = self.metrics.delivery.take_refusals();
        let delivered = (!refusals.is_empty()).then_some(Input::Delivered(refusals));
        [step, limited, delivered].into_iter().flatten().collect()
    }

    /// Waits until a moment; `None`: for ever.
    async fn until(&self, wake: Option<Moment>) {
        match wake {
            Some(wake) => tokio::time::sleep(wake.since(self.clock.now())).await,
            None => std::future::pending().await,
        }
    }

    /// Carries out effects in their order, and acknowledges a snapshot as soon as it answers.
    fn carry_out(&mut self, effects: Vec<Effect>, control: &mut Control) -> CarriedOut {
        let mut done = CarriedOut::default();
        for effect in effects {
            match effect {
                Effect::Publish(snapshot) => {
                    self.publish(snapshot);
                    // An acknowledgement asks for nothing.
                    control.handle(Input::Served, self.clock.now());
                    done.has_published = true;
                }
                Effect::Answer(answer) => done.answer = Some(*answer),
                Effect::Watch(config, epoch) => {
                    self.prober.watch(&config.regions, &config.canaries, epoch);
                    self.prober.watch_references(&config.server.references);
                }
                Effect::Persist(memory) => self.state.save_health(memory),
                Effect::Keep(intents) => self.state.save_intents(intents),
                Effect::PersistAvailability(log) => self.state.save_availability(log),
                Effect::Emit(event) => self.emit(*event),
            }
        }
        done
    }

    /// Lets `/status` see the state of everything.
    fn report(&self, control: &Control) {
        let snapshot = Arc::clone(&self.current.load().snapshot);
        let before = self.admin.published.load();
        let is_same = Arc::ptr_eq(&before.snapshot, &snapshot);
        let published_at = if is_same { before.published_at } else { self.clock.now() };
        let report = control.report(self.clock.now());
        self.metrics.reported(&report);
        self.admin.published.store(Arc::new(Published { snapshot, published_at, report }));
    }

    fn publish(&mut self, snapshot: Arc<Snapshot>) {
        let before = self.current.load_full();
        let is_same_world = Arc::ptr_eq(&before.snapshot.base, &snapshot.base);
        let config = Arc::clone(&snapshot.base.config);
        let answers = match is_same_world {
            true => Arc::clone(&before.answers),
            false => self.metrics.begin(&config, snapshot.base.demand.len()),
        };
        let watch = self.metrics.watch(&config.regions, &snapshot.leaving);
        let times = before.times.clone();
        let limiter = match is_same_world {
            true => before.limiter.clone(),
            false => before.limiter.under(config.server.rate_limit.as_ref()),
        };
        let transfers = self.transfers.take(&snapshot);
        self.current.store(Arc::new(Serving {
            transfers,
            transfer_metrics: self.metrics.transfers.clone(),
            snapshot: Arc::clone(&snapshot),
            answers,
            times,
            watch,
            limiter,
        }));
        self.transfers.announce(&snapshot);
        self.metrics.published(&snapshot);
        let comparable = is_same_world.then_some(&before.snapshot.health);
        self.metrics.standings(&config.regions, &snapshot.health, comparable);
    }

    fn emit(&mut self, event: Event) {
        let event = Event { snapshot: self.current.load().snapshot.number, ..event };
        (self.listener)(&event);
        let event = self.events.emit(event);
        self.metrics.emitted(&event);
        let Event { kind, severity, target, text, .. } = &*event;
        let (kind, target) = (kind.as_str(), target.as_ref().map(tracing::field::display));
        match severity {
            Severity::Critical => tracing::error!(kind, target, "{text}"),
            Severity::Warning => tracing::warn!(kind, target, "{text}"),
            Severity::Info => tracing::info!(kind, target, "{text}"),
        }
        self.admin.tell(&event);
    }
}
