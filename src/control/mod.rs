//! The one writer: a deterministic state machine from events and time to snapshots.
//!
//! ```text
//!   Observed ──▶ judgement ── the view changed? ──▶ balance ──▶ Snapshot::compile ──▶ Publish
//!   Tick     ──▶     │ ╰────── a fall or a rise? ──▶ Persist
//!   ask      ──▶     │   (office, with the intents in force)
//!   Reloaded ──▶     ╰──────── what people want to know ──▶ Say
//!   Stopping
//! ```
//!
//! [`Judgement`] decides what happened, [`Balance`] what regions shed, [`Keeper`] when to write it down; none
//! of them knows snapshots. Control compiles, and only when something that an answer depends on has changed.
//! It reads no clock and does nothing itself: the shell carries out its effects, in their order, and lets
//! time pass with a [`Event::Tick`] when [`Control::wake`] says so.

mod alarm;
mod balance;
mod drills;
#[cfg(test)]
mod fixture;
mod incident;
mod judgement;
mod keeper;
mod notice;
mod office;
mod outlook;
pub mod prediction;
mod receipt;
mod record;
mod report;
mod request;
mod story;
pub mod whatif;

use std::sync::Arc;

pub use alarm::Alarm;
pub use balance::Readings;
pub use incident::Incident;
pub use judgement::{Judgement, Verdict};
pub use notice::{Notice, Place, Severity, What};
pub use office::Proposal;
pub use outlook::Outlook;
pub use receipt::Receipt;
pub use record::Record;
pub use report::{AddressReport, CanaryReport, RegionReport, Report, SiteReport, ZoneReport};
pub use request::{Done, LONGEST, Refusal, Request, SHORTEST};

use crate::canary::{Epoch, Observation};
use crate::config::Config;
use crate::health::{Memory, Services};
use crate::intent::{Desk, Kept};
use crate::moment::Moment;
use crate::snapshot::{Circumstances, Snapshot, World};
use balance::Balance;
use drills::Drills;
use keeper::Keeper;
use receipt::Ledger;

/// What happens to the server.
#[derive(Debug)]
pub enum Event {
    /// Probes came back: all that have since the last event, so that an outage of a thousand addresses makes a
    /// few snapshots and not a thousand.
    Observed(Vec<Observation>),
    /// Time has passed.
    Tick,
    /// The configuration or the database changed, and the new world is valid.
    Reloaded(Arc<World>),
    /// The process is about to end.
    Stopping,
}

/// What the shell must do.
#[derive(Debug)]
pub enum Effect {
    /// Answer from this snapshot from now on.
    Publish(Arc<Snapshot>),
    /// Probe what this configuration says, and mark the observations with this epoch.
    Watch(Arc<Config>, Epoch),
    /// Write this to the state directory, in place of what is there.
    Persist(Memory),
    /// The same with the intents in force: at once, for people rely on them.
    Keep(Kept),
    /// Tell people.
    Say(Notice),
}

/// The state of the server.
#[derive(Debug)]
pub struct Control {
    world: Arc<World>,
    judgement: Judgement,
    balance: Balance,
    keeper: Keeper,
    /// What operators want.
    desk: Desk,
    /// What came of drills, and those to come.
    drills: Drills,
    /// What the machine advises.
    proposals: Vec<Proposal>,
    /// Which addresses are given out, and how long they may be held.
    ledger: Ledger,
    /// The number of the last published snapshot.
    number: u64,
}

impl Control {
    /// Starts from a world, from what was remembered of the last run, and with the intents that were in force.
    pub fn new(
        world: Arc<World>,
        memory: Option<Memory>,
        mut intents: Kept,
        now: Moment,
    ) -> (Self, Vec<Effect>) {
        let drills = Drills::adopt(std::mem::take(&mut intents.drills), &world.config, now);
        let desk = Desk::adopt(intents);
        let orders = desk.orders(&world.config.regions);
        let (judgement, notices) = Judgement::new(Arc::clone(&world.config), orders, memory.as_ref(), now);
        let mut balance = Balance::new(&world, now);
        let fresh = memory.filter(|memory| memory.is_fresh(now));
        let has_adopted = fresh.is_some();
        if let Some(memory) = fresh {
            balance.adopt(&memory.portions, &world);
        }
        let (keeper, proposals) = (Keeper::new(now), Vec::new());
        let ledger = Ledger::new(&world.config, now);
        let mut control =
            Self { world, judgement, balance, keeper, desk, drills, proposals, ledger, number: 0 };
        control.propose(&notices);
        // What was over while nobody was there has ended before anything is answered.
        let resumed = control.resume_drills(now);
        let ended = resumed.into_iter().chain(control.attend(now)).filter_map(|effect| match effect {
            Effect::Say(notice) => Some(notice),
            Effect::Publish(_) | Effect::Watch(..) | Effect::Persist(_) | Effect::Keep(_) => None,
        });
        let ended: Vec<_> = ended.collect();
        let mut effects = vec![control.publish(now), control.watch()];
        if !ended.is_empty() {
            effects.push(Effect::Keep(control.kept()));
        }
        // What was taken up is written anew at once: a process that dies again and again before its first
        // minute is over must not let what it knows grow stale.
        if has_adopted {
            effects.push(Effect::Persist(control.memory(now)));
        }
        effects.extend(notices.into_iter().chain(ended).map(Effect::Say));
        (control, effects)
    }

    /// Takes one event.
    pub fn handle(&mut self, event: Event, now: Moment) -> Vec<Effect> {
        match event {
            Event::Observed(seen) => {
                let verdict = self.judgement.observe(&seen, now);
                let mut effects = self.follow(verdict, Vec::new(), now);
                effects.extend(self.attend(now));
                effects
            }
            Event::Tick => {
                let verdict = self.judgement.tick(now);
                let shed = self.balance_step(now);
                let mut effects = self.follow(verdict, shed, now);
                effects.extend(self.attend(now));
                effects
            }
            Event::Reloaded(world) => self.reloaded(world, now),
            Event::Stopping => vec![Effect::Persist(self.memory(now))],
        }
    }

    /// Returns when to let time pass although nothing happens; `None`: never.
    pub fn wake(&self) -> Option<Moment> {
        let desk = self.desk.wake(&self.world.config.regions);
        let own = [self.judgement.wake(), self.balance.wake(&self.world), desk, self.drills.wake()];
        own.into_iter().flatten().min()
    }

    /// Takes note that what was published last is served since `now`, and that nothing before it is.
    pub fn served(&mut self, now: Moment) {
        self.ledger.served(now);
    }

    /// Returns what is being served.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Returns whether an observation is about the configuration in force; one of another is passed over.
    pub fn is_current(&self, seen: &Observation) -> bool {
        seen.epoch == self.judgement.epoch()
    }

    /// Returns what is known of everything, for `/status`.
    pub fn report(&self, now: Moment) -> Report {
        let mut report = self.judgement.report(self.number, now);
        let away = self.balance.away(&self.world);
        report.regions.iter_mut().zip(away).for_each(|(region, away)| region.away = away);
        report.outlook = self.outlook(now);
        report.intents = self.desk.intents().to_vec();
        report.proposals.clone_from(&self.proposals);
        report.drills = Arc::clone(self.drills.records());
        report.receipts = self.receipts(now);
        report
    }

    /// Returns what a prediction starts from: the demand, where it is sent, and what the regions report.
    pub fn outlook(&self, now: Moment) -> Outlook {
        self.balance.outlook(self.judgement.readings(&self.world, now))
    }

    /// Does what follows from a verdict, and from what regions shed since.
    fn follow(&mut self, verdict: Verdict, shed: Vec<Notice>, now: Moment) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.propose(&verdict.notices);
        if verdict.moves_view {
            self.land(now);
        }
        if verdict.moves_view || !shed.is_empty() {
            effects.push(self.publish(now));
        }
        if self.keeper.is_due(verdict.is_worth_keeping || !shed.is_empty(), now) {
            effects.push(Effect::Persist(self.memory(now)));
        }
        effects.extend(verdict.notices.into_iter().chain(shed).map(Effect::Say));
        effects
    }

    fn reloaded(&mut self, world: Arc<World>, now: Moment) -> Vec<Effect> {
        let before = std::mem::replace(&mut self.world, world);
        let orders = self.desk.orders(&self.world.config.regions);
        let notices = self.judgement.reload(Arc::clone(&self.world.config), orders, now);
        self.balance.reload(&before, &self.world, now);
        self.drills.reload(&self.world.config, now);
        self.land(now);
        self.ledger.reload(&self.world.config, now);
        let mut effects = vec![self.publish(now), self.watch()];
        let reloaded = Notice {
            at: now,
            what: What::Reloaded {
                snapshot: self.number,
                zones: self.world.config.zones.len(),
                regions: self.world.config.regions.len(),
            },
        };
        effects.extend([reloaded].into_iter().chain(notices).map(Effect::Say));
        effects
    }

    /// Spreads the clients of regions that have left or returned, if any has.
    fn land(&mut self, now: Moment) {
        let services = Services::of(&self.world.config.regions, self.judgement.view());
        if !self.balance.is_due(&self.world, &services) {
            return;
        }
        let readings = self.judgement.readings(&self.world, now);
        self.balance.land(&self.world, &services, &readings, now);
    }

    /// Lets regions shed what is too much for them, if it is time to.
    fn balance_step(&mut self, now: Moment) -> Vec<Notice> {
        if self.balance.wake(&self.world).is_none_or(|due| now < due) {
            return Vec::new();
        }
        let services = Services::of(&self.world.config.regions, self.judgement.view());
        let readings = self.judgement.readings(&self.world, now);
        self.balance.step(&self.world, &services, &readings, now)
    }

    /// Returns what is worth remembering, as of `now`.
    fn memory(&self, now: Moment) -> Memory {
        Memory { portions: self.balance.remember(&self.world), ..self.judgement.memory(now) }
    }

    /// Compiles the next snapshot.
    fn publish(&mut self, now: Moment) -> Effect {
        self.number += 1;
        let world = Arc::clone(&self.world);
        let circumstances = Circumstances {
            health: self.judgement.view().clone(),
            splits: self.balance.splits().clone(),
            weights: self.judgement.orders().weights.clone(),
            leaving: receipt::leaving(self.desk.intents(), &world.config.regions),
        };
        let snapshot = Arc::new(Snapshot::compile(world, circumstances, self.number));
        self.ledger.publish(&snapshot.given, &snapshot.leaving, now);
        Effect::Publish(snapshot)
    }

    /// Returns what operators want, and what came of drills, to be kept across a restart.
    fn kept(&self) -> Kept {
        Kept { drills: self.drills.records().to_vec(), ..self.desk.keep() }
    }

    fn watch(&self) -> Effect {
        Effect::Watch(Arc::clone(&self.world.config), self.judgement.epoch())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::canary::{CanaryId, Failure, FailureClass, Subject};
    use crate::region::AddressId;
    use crate::snapshot::fixture;

    const ZONE: &str = "zone: example.com\nnameservers: [ns1.example.net]\n\
                        names: { '@': { steer: { regions: [tokyo, osaka], order: listed } } }\n";

    /// A world of two regions with one address each; probes fall after two failures.
    fn world() -> Arc<World> {
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
        Arc::new(fixture::world(&regions, ZONE))
    }

    /// Lets tokyo's probes succeed (`o`) or fail (`x`), and writes what control asks for at each:
    /// `p` publish, `k` keep, `w` watch, `s` say.
    fn check(results: &str, expected: &str) {
        let (mut control, effects) = Control::new(world(), None, Kept::default(), Moment(0));
        assert_eq!(letters(&effects), "pw", "a start publishes before anything else");
        let asked = results.chars().zip(1..).map(|(result, number)| {
            let now = Moment(number * 10_000);
            let effects = control.handle(Event::Observed(vec![seen(&control, result == 'o', now)]), now);
            letters(&effects)
        });
        assert_eq!(asked.collect::<Vec<_>>().join(" "), expected);
    }

    fn seen(control: &Control, is_success: bool, at: Moment) -> Observation {
        let failure = Failure { class: FailureClass::Refused, detail: "connection refused".to_owned() };
        Observation {
            epoch: control.judgement.epoch(),
            subject: Subject::Address(AddressId(0)),
            canary: CanaryId(0),
            at,
            latency: Duration::from_millis(3),
            result: if is_success { Ok(()) } else { Err(failure) },
            signals: None,
        }
    }

    fn letters(effects: &[Effect]) -> String {
        let letter = |effect: &Effect| match effect {
            Effect::Publish(_) => 'p',
            Effect::Watch(..) => 'w',
            Effect::Persist(_) => 'k',
            Effect::Say(_) => 's',
            Effect::Keep(_) => 'i',
        };
        effects.iter().map(letter).collect()
    }

    #[test]
    fn results_that_change_nothing_publish_nothing_and_say_nothing() {
        check("oooo", "   ");
    }

    #[test]
    fn a_suspect_and_a_fall_and_a_return_are_each_published_before_anything_is_said() {
        check("oxxxo", " ps pkss  pkss");
    }

    #[test]
    fn a_crash_loop_does_not_let_what_is_known_grow_stale() {
        let (mut control, _) = Control::new(world(), None, Kept::default(), Moment(0));
        for at in [1000, 2000] {
            control.handle(Event::Observed(vec![seen(&control, false, Moment(at))]), Moment(at));
        }
        let mut memory = control.memory(Moment(2000));
        for life in 1..20 {
            let now = Moment(2000 + life * 500_000);
            let (next, effects) = Control::new(world(), Some(memory), Kept::default(), now);
            assert!(next.judgement.view().of(AddressId(0)).is_down(), "life {life}");
            let kept = effects.into_iter().find_map(|effect| match effect {
                Effect::Persist(memory) => Some(memory),
                Effect::Publish(_) | Effect::Watch(..) | Effect::Say(_) | Effect::Keep(_) => None,
            });
            memory = kept.expect("it is written down before anything happens");
        }
    }

    #[test]
    fn a_published_number_is_higher_than_the_one_before() {
        let (mut control, _) = Control::new(world(), None, Kept::default(), Moment(0));
        for (number, expected) in [(1, 2), (2, 3)] {
            let now = Moment(number * 1000);
            let effects = control.handle(Event::Observed(vec![seen(&control, false, now)]), now);
            let Some(Effect::Publish(snapshot)) = effects.first() else { panic!("it published nothing") };
            assert_eq!(snapshot.number, expected);
        }
    }

    #[test]
    fn a_reload_publishes_and_watches_and_forgets_no_fall() {
        let (mut control, _) = Control::new(world(), None, Kept::default(), Moment(0));
        for at in [1000, 2000] {
            control.handle(Event::Observed(vec![seen(&control, false, Moment(at))]), Moment(at));
        }
        let stale = seen(&control, true, Moment(3000));
        let effects = control.handle(Event::Reloaded(world()), Moment(3000));
        assert_eq!(letters(&effects), "pws");
        let Some(Effect::Publish(snapshot)) = effects.first() else { panic!("it published nothing") };
        assert!(snapshot.health.of(AddressId(0)).is_down());
        assert!(!control.is_current(&stale), "a result from before the reload counts for nothing");
    }
}
