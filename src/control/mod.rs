//! The one writer: a deterministic state machine from events and time to snapshots.

use std::sync::Arc;

use crate::canary::Observation;
use crate::health::Memory;
use crate::moment::Moment;
use crate::snapshot::{Snapshot, World};

/// What happens to the server.
#[derive(Debug)]
pub enum Event {
    /// A probe came back.
    Observed(Observation),
    /// The configuration or the database changed, and the new world is valid.
    Reloaded(Arc<World>),
}

/// What the shell must do.
#[derive(Debug)]
pub enum Effect {
    /// Answer from this snapshot from now on.
    Publish(Arc<Snapshot>),
    /// Write this to the state directory.
    Persist(Memory),
    /// Tell people.
    Say(Notice),
}

/// Something that people want to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// When it happened.
    pub at: Moment,
}

/// The state of the server.
#[derive(Debug)]
pub struct Control {}

impl Control {
    /// Starts from a world and from what was remembered of the last run.
    pub fn new(_world: Arc<World>, _memory: Option<Memory>, _now: Moment) -> (Self, Vec<Effect>) {
        unimplemented!()
    }

    /// Takes one event.
    pub fn handle(&mut self, _event: Event, _now: Moment) -> Vec<Effect> {
        unimplemented!()
    }
}
