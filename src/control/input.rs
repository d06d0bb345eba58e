//! What goes into the machine, and what it asks of the shell.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Command, Done, Rejection};
use crate::availability::log::AvailabilityLog;
use crate::canary::{BlindProbe, Epoch, Observation, ReferenceSighting};
use crate::config::Config;
use crate::event::{Event, LimitedQueries, StateLoss, WebhookRefusals};
use crate::generation::PassedOver;
use crate::health::{Memory, PeerReport};
use crate::intent::SavedIntents;
use crate::moment::ClockStep;
use crate::region::HostLookup;
use crate::snapshot::{Base, Snapshot};

/// What a machine takes: everything that can change what it does, apart from time.
#[derive(Debug)]
pub enum Input {
    /// What earlier runs left in the state directory, or nothing. The first input of every machine, and only
    /// the first.
    Restored(Restored),
    /// An operator asks for a change. [`Effect::Answer`] is the reply.
    Asked(Command),
    /// The snapshot published last is served, and none before it.
    Served,
    /// Probes came back: all that have since the last event, so that an outage of a thousand addresses makes a
    /// few snapshots and not a thousand.
    Observed(Vec<Observation>),
    /// So many queries of each part of the clients were answered since the last one, by the place in `Base::demand`.
    Counted(Vec<u64>),
    /// This machine could not make these probes, which count nothing.
    Blind(Vec<BlindProbe>),
    /// References outside the regions were probed.
    Referred(Vec<ReferenceSighting>),
    /// Peers told what they see, or how their connections are.
    Heard(Vec<PeerReport>),
    /// Time has passed.
    Tick,
    /// The configuration or the database changed, and the new base is valid.
    Reloaded(Arc<Base>),
    /// Names of availability zones were looked up.
    Resolved {
        /// What follows for answers; `None`: the names lead where they led before.
        base: Option<Arc<Base>>,
        lookups: Vec<HostLookup>,
    },
    /// The configuration or a database changed, and cannot be used: why.
    ReloadFailed(String),
    /// Another generation is in force, or something else than the directory holds.
    Numbered(NumberedConfig),
    /// The wall clock was set by this much: all times before are to be read with it. `now` is by the new clock.
    ClockSet(ClockStep),
    /// How the last write of each file of the state directory ended, by name: why it failed; `None`: it did not.
    Written(BTreeMap<&'static str, Option<String>>),
    /// Queries were over the rate limits since the last look.
    Limited(LimitedQueries),
    /// Receivers of webhooks have refused events since the last look, or taken one after that.
    Delivered(Vec<WebhookRefusals>),
    /// The process is about to end.
    Stopping,
}

/// How the configuration in force came to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberedConfig {
    /// Why it is not what the directory holds; `None`: it is.
    pub passed_over: Option<PassedOver>,
    /// The rollback that it came by just now.
    pub rollback: Option<Rollback>,
}

/// A way back that an operator took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollback {
    /// The counter of the generation that was made.
    pub to: u64,
    /// The counter of the one whose content it has.
    pub of: u64,
    pub author: String,
}

/// What earlier runs left behind.
#[derive(Debug, Default)]
pub struct Restored {
    /// Health, however old it is; `None`: nothing is remembered.
    pub health: Option<Memory>,
    /// The intents in force and the drills.
    pub intents: SavedIntents,
    pub availability: AvailabilityLog,
    /// What could not be used of them.
    pub losses: Vec<StateLoss>,
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
    Keep(SavedIntents),
    /// The same with the accounts of who was up for how long.
    PersistAvailability(Arc<AvailabilityLog>),
    /// Hand this event on.
    Emit(Box<Event>),
    /// Reply to the operator who asked; the effects before it are what was asked for.
    Answer(Box<Result<Done, Rejection>>),
}

impl Effect {
    pub(super) fn emit(event: Event) -> Self {
        Self::Emit(Box::new(event))
    }
}
