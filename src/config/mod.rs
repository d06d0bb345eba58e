//! From YAML text to one validated [`Config`], or to every [`Problem`] there is.
//!
//! Texts come in as [`SourceFiles`]; nothing here opens a file. `yaml` makes trees with places of them,
//! `sections` says what may be written, turns that into the program's words and finds what is missing,
//! undefined or contradictory, `values` are the single values in it, and `records` and `master_file` know the
//! DNS's own texts.

pub mod schema;
pub mod summary;

mod compile;
mod countries;
pub mod difference;
pub(crate) mod master_file;
pub(crate) mod problem;
mod records;
pub(crate) mod sections;
mod sources;
mod steered;
pub(crate) mod values;
pub(crate) mod yaml;

#[cfg(test)]
mod tests;

use crate::canary::Canary;
use crate::client::{Group, GroupId, GroupSet, Member};
use crate::geo::{Class, Distinctions};
use crate::intent::Schedule;
use crate::region::{HostAddresses, RegionSet, Regions, Safety};
use crate::steering::{Pin, Steering};
use crate::zone::Zone;

pub use compile::{Compiled, compile};
pub use master_file::included;
pub use problem::{Problem, ProblemLevel, Problems, SourceLine};
pub use sections::{
    Access, AccessToken, AdminTls, AlarmRule, AlarmRules, Backups, CookieSource, CookieSources,
    DatabaseSource, Geo, Identity, Listen, ListenTls, LogFormat, LoopbackAccess, Measure, NamedFile,
    NotifyTarget, PeerInstance, Peers, RateLimit, Role, Secret, Server, StartMode, StartTerms, SystemUser,
    TcpLimits, TransferClient, TsigKeySource, Webhook, WebhookShape, ZoneTransfers, start_terms,
};
pub use sources::{SERVER_FILES, SourceFile, SourceFiles, below};

/// A whole configuration that has been validated: every reference in it leads somewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub server: Server,
    /// Where the API is served from.
    pub regions: Regions,
    /// The canaries, by `CanaryId`.
    pub canaries: Vec<Canary>,
    /// The groups of all zones; the group with `GroupId(n)` is at `n - 1`, for zero is `unknown`.
    pub groups: Vec<Group>,
    /// The steered names of all zones, by `SteeringId`.
    pub steered: Vec<Steering>,
    /// The pins of steered names, by `PinId`.
    pub pins: Vec<Pin>,
    /// The spreads of steered names, ascending.
    pub spreads: Vec<u32>,
    /// The zones, no two with one apex.
    pub zones: Vec<Zone>,
    /// How zones are given to secondaries, in their order.
    pub transfers: Vec<ZoneTransfers>,
    /// What holds for all regions together.
    pub safety: Safety,
    /// Drills that start by themselves.
    pub drills: Vec<Schedule>,
    /// Known events in which a region has another capacity than usual.
    pub capacity_events: Vec<sections::capacity_events::CapacityEvent>,
    /// What raises an alarm besides the loss of something.
    pub alarms: AlarmRules,
}

impl Config {
    /// Returns the configuration with the addresses that names lead to.
    pub fn led_by(&self, known: &HostAddresses) -> Self {
        Self { regions: self.regions.led_by(known), ..self.clone() }
    }

    /// Returns the groups whose answers secondaries are given, each once.
    pub fn transfer_groups(&self) -> Vec<GroupId> {
        let mut groups: Vec<GroupId> = self.transfers.iter().map(|transfers| transfers.answers_for).collect();
        groups.sort();
        groups.dedup();
        groups
    }

    /// Returns the class of clients of a group of which nothing else is known.
    pub fn class_of_group(&self, group: GroupId) -> Class {
        let mut groups = GroupSet::default();
        groups.insert(group);
        if group == GroupId::UNKNOWN {
            // As the clients are whose location is not known: those groups that hold them hold these.
            let numbered = (1u8..).map(GroupId).zip(&self.groups);
            let holding = numbered.filter(|(_, group)| group.members.contains(&Member::Unknown));
            holding.for_each(|(id, _)| groups.insert(id));
        }
        Class { groups, ranks: Box::default(), reach: Box::default() }
    }

    /// Returns what decisions tell clients apart by.
    pub fn distinctions(&self) -> Distinctions<'_> {
        Distinctions { regions: &self.regions, groups: &self.groups, spreads: &self.spreads }
    }

    /// Returns each set of regions that some clients of some name may be sent to: all regions of the name, and those
    /// that a residency rule leaves of them.
    pub fn pools(&self) -> Vec<RegionSet> {
        let mut pools: Vec<RegionSet> = Vec::new();
        for audience in self.steered.iter().flat_map(|steering| steering.policy.audiences()) {
            let pool = audience.regions.into_iter().collect();
            if !pools.contains(&pool) {
                pools.push(pool);
            }
        }
        pools
    }
}
