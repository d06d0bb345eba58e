//! The admin API as plain types that the server writes and the CLI reads, and the one table of its routes.
//!
//! | file | resource |
//! |---|---|
//! | [`routes`] | every path: method, role, parameters, body, answer |
//! | [`status`], [`overview`] | what is known of regions, zones, addresses and canaries; the same at a glance |
//! | [`intents`], [`drain_status`] | requests of operators and what became of them |
//! | [`history`], [`availability`] | events and drills; measured uptime |
//! | [`trends`] | the last hour of every region |
//! | [`transfers`] | zones that secondaries are given |
//! | [`queries`] | explanations, simulations, where the clients of a country go |
//! | [`instances`] | what commands print of several instances |
//! | [`caller`], [`error`], [`timestamp`] | the caller's identity; refusals; moments as text |
//!
//! Nothing here opens, sends or renders: a handler makes these values of core types, in one place for each resource.
//! Fields are only added. What is not known or does not apply is `null`, never left out.

pub mod availability;
pub mod caller;
pub mod drain_status;
pub mod error;
pub mod history;
pub mod instances;
pub mod intents;
pub mod overview;
pub mod queries;
pub mod route;
pub mod routes;
pub mod status;
pub mod timestamp;
pub mod transfers;
pub mod trends;

pub use availability::{AvailabilityQuery, AvailabilityRow, AvailabilityTable, RowKind};
pub use caller::{CallerIdentity, Credential, Role};
pub use drain_status::{DrainStatus, ResolverAnswers, ResolversLeft};
pub use error::ApiError;
pub use history::{
    DrillRecord, EventsAndDrills, GenerationEntry, GenerationNumber, HistoryQuery, LastGoodDrill,
};
pub use instances::{
    InstanceAnswer, InstanceDifference, InstanceDrainStatus, InstanceFacts, InstanceValue,
    InstancesComparison, JointDrainStatus,
};
pub use intents::{
    Approval, ChangeReply, IntentList, IntentNumber, IntentRequest, IntentStatus, LiftQuery, ProposalNumber,
    ProposalStatus, RuleViolation,
};
pub use overview::{LoadLimits, OutOfLine, Overview, OverviewWithEvents, PeerOverview, RegionOverview};
pub use queries::{
    AnswerFormat, CountryAtlas, ExplainQuery, LossSimulation, RegionFraction, SimulateQuery, SteeredNameQuery,
};
pub use route::{ApiRoute, Method, Operation};
pub use status::{
    AddressStatus, CanaryStatus, ConfigurationStatus, ConfinementStatus, DownReason, Enforcement,
    EventLogStatus, FamilyStatus, FileDigest, GeoStatus, HeardSignals, InstanceStatus, NameAnswers,
    ProbeOutcome, RegionName, RegionStatus, RegionSummary, RestraintStatus, ServedZone, SiteStatus,
    SnapshotStatus, ZoneStatus,
};
pub use timestamp::Timestamp;
pub use transfers::TransferStatus;
pub use trends::{RegionTrend, TrendList};
