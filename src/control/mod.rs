//! The one writer: a deterministic state machine from events and time to snapshots.
//!
//! ```text
//!   Observed ──▶ judgement ── the view changed? ──▶ Snapshot::compile ──▶ Publish
//!   Reloaded ──▶     │ ╰────── a fall or a rise? ──▶ Persist
//!   Stopping         ╰──────── what people want to know ──▶ Say
//! ```
//!
//! [`Judgement`] decides what happened, [`Keeper`] when to write it down; both know nothing
//! of snapshots. Control compiles, and only when something that an answer depends on has changed. It reads no
//! clock and does nothing itself: the shell carries out its effects, in their order.

mod alarm;
mod judgement;
mod keeper;
mod notice;
mod report;

use std::sync::Arc;

pub use alarm::Alarm;
pub use judgement::{Judgement, Verdict};
pub use notice::{Notice, Place, Severity, What};
pub use report::{AddressReport, CanaryReport, RegionReport, Report, ZoneReport};

use crate::canary::{Epoch, Observation};
use crate::config::Config;
use crate::health::Memory;
use crate::moment::Moment;
use crate::snapshot::{Snapshot, World};
use keeper::Keeper;

/// What happens to the server.
#[derive(Debug)]
pub enum Event {
    /// A probe came back.
    Observed(Observation),
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
    /// Tell people.
    Say(Notice),
}

/// The state of the server.
#[derive(Debug)]
pub struct Control {
    world: Arc<World>,
    judgement: Judgement,
    keeper: Keeper,
    /// The number of the last published snapshot.
    number: u64,
}

impl Control {
    /// Starts from a world and from what was remembered of the last run.
    pub fn new(world: Arc<World>, memory: Option<Memory>, now: Moment) -> (Self, Vec<Effect>) {
        let (judgement, notices) = Judgement::new(Arc::clone(&world.config), memory.as_ref(), now);
        let mut control = Self { world, judgement, keeper: Keeper::new(now), number: 0 };
        let mut effects = vec![control.publish(), control.watch()];
        effects.extend(notices.into_iter().map(Effect::Say));
        (control, effects)
    }

    /// Takes one event.
    pub fn handle(&mut self, event: Event, now: Moment) -> Vec<Effect> {
        match event {
            Event::Observed(seen) => self.observed(&seen, now),
            Event::Reloaded(world) => self.reloaded(world, now),
            Event::Stopping => vec![Effect::Persist(self.judgement.memory(now))],
        }
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
    pub fn report(&self) -> Report {
        self.judgement.report(self.number)
    }

    fn observed(&mut self, seen: &Observation, now: Moment) -> Vec<Effect> {
        let verdict = self.judgement.observe(seen);
        let mut effects = Vec::new();
        if verdict.moves_view {
            effects.push(self.publish());
        }
        if self.keeper.is_due(verdict.is_worth_keeping, now) {
            effects.push(Effect::Persist(self.judgement.memory(now)));
        }
        effects.extend(verdict.notices.into_iter().map(Effect::Say));
        effects
    }

    fn reloaded(&mut self, world: Arc<World>, now: Moment) -> Vec<Effect> {
        self.world = world;
        let notices = self.judgement.reload(Arc::clone(&self.world.config), now);
        let mut effects = vec![self.publish(), self.watch()];
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

    /// Compiles the next snapshot.
    fn publish(&mut self) -> Effect {
        self.number += 1;
        let world = Arc::clone(&self.world);
        Effect::Publish(Arc::new(Snapshot::compile(world, self.judgement.view(), self.number)))
    }

    fn watch(&self) -> Effect {
        Effect::Watch(Arc::clone(&self.world.config), self.judgement.epoch())
    }
}
