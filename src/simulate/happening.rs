//! What a simulation tells, to the checkers and to its listener.

use std::sync::Arc;
use std::time::Duration;

use super::clients::{ClientMove, Clients};
use super::loaded::LoadedScenario;
use super::probers::{Detection, Probed};
use super::scenario::{Act, Expectation};
use super::violation::CheckViolation;
use crate::control::Report;
use crate::event::Event;
use crate::moment::Moment;
use crate::snapshot::Snapshot;

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
    /// This snapshot is published.
    Published(&'a Arc<Snapshot>),
    /// This snapshot answers from now on, and that is what the clients get.
    Served(&'a Arc<Snapshot>, &'a Clients),
    /// The checkers look at everything.
    Looked(&'a CheckInput<'a>),
    /// Something is so that must not be.
    Violated(&'a CheckViolation),
    /// A client gets something else than before.
    Moved(&'a ClientMove),
    /// The loads of the regions, by name; `None`: not known. Told at regular times, if there is any traffic.
    Gauged(&'a [(&'a str, Option<f64>)]),
    /// Something was expected. `None`: it is so; otherwise what is so instead.
    Expected(&'a Expectation, Option<String>),
    Ended,
}

/// What is known at one moment, in scenarios that are checked: after each snapshot and event, before each restart, and each
/// minute.
#[derive(Clone, Copy, Debug)]
pub struct CheckInput<'a> {
    pub report: &'a Report,
    /// What the clients were last answered.
    pub clients: &'a Clients,
    /// The moment that the process takes it for.
    pub now: Moment,
}

/// Called with everything that happens, and when.
pub type Listener<'l> = &'l mut dyn FnMut(Duration, &Happening<'_>);
