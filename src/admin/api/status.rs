//! `/status`: zones, database, configuration, alarms, and every region, zone, address and canary.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Timestamp, TransferStatus};
use crate::alarm::Incident;
use crate::canary::{Blindness, Failure, Signals};
use crate::health::{AddressState, OutlierGrade, Phase, Vitals};
use crate::metrics::WebhookStatus;
use crate::region::Failover;

/// A region by its name, as a part of a path.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RegionName {
    /// Name of the region
    #[schemars(length(min = 1, max = 255), example = &"tokyo")]
    pub region: String,
}

/// Everything that an instance knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InstanceStatus {
    /// The name of this instance.
    pub server: String,
    /// The version of the program.
    pub version: String,
    /// The time since the process started.
    pub uptime_seconds: u64,
    /// The present moment by the clock of this instance.
    pub now: Timestamp,
    /// The snapshot that queries are answered from.
    pub snapshot: SnapshotStatus,
    /// The zones, in the order of the configuration.
    pub zones: Vec<ServedZone>,
    /// The source of locations.
    pub geo: GeoStatus,
    /// The configuration in force, and the last attempt to replace it.
    pub configuration: ConfigurationStatus,
    /// The open incidents, the most severe first, and after them those that were over last.
    pub incidents: Vec<Incident>,
    /// The standing alarms, one sentence each. Each belongs to an incident.
    pub alarms: Vec<String>,
    /// The regions, in the order of the configuration.
    pub regions: Vec<RegionStatus>,
    /// The references outside the regions, in the order of the configuration.
    pub references: Vec<ReferenceStatus>,
    /// The other instances that judge health with this one, by name; left out: it has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<PeerStatus>,
    /// The zones that secondaries are given; left out: none are, and nothing asked for one.
    #[serde(default, skip_serializing_if = "TransferStatus::is_empty")]
    pub transfers: TransferStatus,
    /// The steered names with a digest of what they answer: the first thousand.
    pub answers: Vec<NameAnswers>,
    /// What the process has given up.
    pub confinement: ConfinementStatus,
    /// The event log.
    pub events: EventLogStatus,
    /// The webhooks, by name.
    pub webhooks: Vec<WebhookStatus>,
}

/// A snapshot in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SnapshotStatus {
    /// Its number; it starts anew with each process.
    pub number: u64,
    /// The moment of its publication.
    pub published_at: Timestamp,
}

/// A DNS zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServedZone {
    /// Its apex.
    pub name: String,
    /// The number of owner names with data, steered ones included.
    pub names: usize,
    /// The number of steered names.
    pub steered: usize,
    /// The serial number of its SOA record; with `transfer` the one that the server keeps.
    pub serial: Option<u32>,
}

/// The source of locations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GeoStatus {
    /// The file of the database.
    pub database: Option<String>,
    /// The type that the database states, for example `GeoLite2-City`.
    pub kind: Option<String>,
    /// The SHA-256 of the Country or City database.
    pub sha256: Option<String>,
    /// The SHA-256 of the ASN database.
    pub asn_sha256: Option<String>,
    /// A SHA-256 of `geo.networks`, whatever their order.
    pub networks_sha256: Option<String>,
    /// The moment at which it was built.
    pub built_at: Option<Timestamp>,
    /// Its age.
    pub age_seconds: Option<u64>,
    /// The number of classes of clients.
    pub classes: usize,
    /// The memory of the table of addresses, about.
    pub memory_bytes: usize,
}

/// The configuration in force, and the last attempt to replace it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigurationStatus {
    /// Its directory.
    pub directory: String,
    /// The files that should be the same on all instances: all but `server.yaml`, in the order of their names.
    pub files: Vec<FileDigest>,
    /// The number of its generation, as `meridian history` shows it.
    pub generation: Option<u64>,
    /// The moment at which it was loaded.
    pub loaded_at: Timestamp,
    /// The moment at which the last attempt to load another one failed; `null` when it did not.
    pub failed_at: Option<Timestamp>,
    /// The problems of that attempt, as `meridian check` prints them.
    pub problems: Vec<String>,
}

/// A file of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileDigest {
    /// Its name in the directory, or its path below it.
    pub name: String,
    /// The SHA-256 of what is in it.
    pub sha256: String,
}

/// A steered name, and what it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NameAnswers {
    /// The owner name.
    pub name: String,
    /// The SHA-256 of its records with their times to live, and of which clients get which. Instances with the same
    /// configuration, database and digest answer every client alike.
    pub sha256: String,
}

/// What the process has given up, so that whoever gets hold of it gets little.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfinementStatus {
    /// The number of the user that it runs as.
    pub user: u32,
    /// The capabilities that it has, for example `net_bind_service`.
    pub capabilities: Vec<String>,
    /// Whether no program that it could start gets more than it has.
    pub no_new_privs: bool,
    /// Landlock: it executes nothing, and writes nothing outside the state directory and that of backups.
    pub landlock: RestraintStatus,
    /// A filter of system calls that a name server never asks for.
    pub seccomp: RestraintStatus,
}

/// What the kernel keeps the process from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RestraintStatus {
    /// How far it is in force.
    pub enforced: Enforcement,
    /// The version that the kernel has, of what has versions.
    pub abi: Option<u32>,
    /// Why it is not in force.
    pub why: Option<String>,
}

/// How far something is in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    /// All of it.
    Fully,
    /// What the kernel knows of it.
    Partly,
    /// Nothing.
    #[default]
    No,
}

/// The event log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventLogStatus {
    /// The number of events that the log has lost since the process started.
    pub lost: u64,
    /// The reason for which it loses events now; `null`: it does not.
    pub trouble: Option<String>,
}

/// A region with its canaries, zones and addresses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RegionStatus {
    /// The region in a line.
    #[serde(flatten)]
    pub summary: RegionSummary,
    /// The canaries that probe the region once, as a whole.
    pub canaries: Vec<CanaryStatus>,
    /// Its availability zones.
    pub zones: Vec<ZoneStatus>,
}

/// A region in a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RegionSummary {
    /// Its name.
    pub name: String,
    /// The country whose law applies there.
    pub jurisdiction: String,
    /// The mode of automatic failover.
    pub failover: Failover,
    /// Its status in IPv4.
    pub ipv4: FamilyStatus,
    /// Its status in IPv6.
    pub ipv6: FamilyStatus,
    /// The signals that it reports, over all its addresses; `null` is unknown.
    pub vitals: Vitals,
    /// The verdict of its clients' requests.
    pub grade: OutlierGrade,
    /// The share of its clients that it sends elsewhere because it is full, 0 to 1.
    #[schemars(range(min = 0, max = 1))]
    pub shed: f64,
    /// The intent that decides how many of its clients it takes.
    pub intent: Option<String>,
    /// What keeps this instance from seeing the region, in whole or in part: `2 of 4 probes cannot be made: no route to
    /// 192.0.2.1`.
    pub blind: Option<String>,
}

/// A region in one family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FamilyStatus {
    /// `in` the answers, if only for some of its clients; `out` of them; `absent`: without addresses of the family.
    #[schemars(extend("enum" = ["in", "out", "absent"]))]
    pub service: String,
    /// The number of its addresses that are up or suspect.
    pub up: usize,
    /// The number of its addresses.
    pub total: usize,
    /// The number of addresses that must be up for it to be in.
    pub needed: usize,
    /// Its phase and share.
    #[serde(flatten)]
    pub site: SiteStatus,
    /// The number of its falls within the last hour.
    pub falls: usize,
    /// Why a failover that the counts ask for does not happen.
    pub suppression: Option<String>,
    /// Who sees what, while observers disagree: `down from ns1; up from ns2`; left out: they agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observers: Option<String>,
    /// The zones that take fewer clients than all for a reason of their own: `1 of 3 zones held`.
    pub limited_zones: Option<String>,
}

/// The phase and share of a region or zone in one family; all `null` without addresses of the family.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SiteStatus {
    /// Its phase.
    pub phase: Option<Phase>,
    /// The beginning of the phase.
    pub since: Option<Timestamp>,
    /// The end of the phase if nothing happens; `null` when it has none, and in a ramp.
    pub until: Option<Timestamp>,
    /// The share of its clients that it takes, 0 to 1; of a zone, the share of its region's clients that get its
    /// addresses.
    #[schemars(range(min = 0, max = 1))]
    pub share: Option<f64>,
}

/// An availability zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ZoneStatus {
    /// Its name.
    pub name: String,
    /// Its status in IPv4.
    pub ipv4: SiteStatus,
    /// Its status in IPv6.
    pub ipv6: SiteStatus,
    /// The verdict of its clients' requests.
    pub grade: OutlierGrade,
    /// The intent that decides about it apart from its region.
    pub intent: Option<String>,
    /// Its addresses.
    pub addresses: Vec<AddressStatus>,
}

/// An address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AddressStatus {
    /// The address.
    pub address: IpAddr,
    /// Its state.
    pub state: AddressState,
    /// The beginning of the state; rising does not interrupt being down.
    pub since: Timestamp,
    /// The failure that keeps it from being up.
    pub why: Option<DownReason>,
    /// Its canaries.
    pub canaries: Vec<CanaryStatus>,
}

/// The failure that keeps an address from being up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DownReason {
    /// The canary that found it.
    pub canary: String,
    /// Its last failure.
    #[serde(flatten)]
    pub failure: Failure,
}

/// A canary of an address, or of a region as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CanaryStatus {
    /// Its name.
    pub name: String,
    /// The kind of its check.
    #[schemars(extend("enum" = ["tcp", "tls", "http", "json", "inference"]))]
    pub kind: String,
    /// `null`: the canary is critical. A number: it is advisory, leaves this share of the clients when it fails, and
    /// its state is not that of the address.
    pub advisory: Option<f64>,
    /// Its state.
    pub state: AddressState,
    /// The beginning of the state.
    pub since: Timestamp,
    /// Its last result; `null` before the first.
    pub last: Option<ProbeOutcome>,
    /// What keeps this instance from seeing by it: its probes cannot be made, and count nothing. `null`: nothing.
    pub blind: Option<BlindStatus>,
    /// The signals that the service reported last; `null` before the first, and for canaries without signals.
    pub signals: Option<HeardSignals>,
}

/// A reference outside the regions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReferenceStatus {
    /// What the configuration calls it.
    pub name: String,
    /// Its last answer; `null`: it never answered.
    pub answered_at: Option<Timestamp>,
    /// Why its last probe was not answered; `null`: it was.
    pub trouble: Option<String>,
}

/// Another instance that judges health with this one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PeerStatus {
    /// Its name.
    pub name: String,
    /// `heard`, `silent` and waited for where it could decide, or `lost`: the others judge without it.
    #[schemars(extend("enum" = ["heard", "silent", "lost"]))]
    pub state: String,
    /// The beginning of its present stream, or the end of the last one.
    pub since: Timestamp,
    /// The age of the last fact that it told; `null`: it told none.
    pub fact_age_seconds: Option<u64>,
    /// Why it is not heard; `null`: it is.
    pub trouble: Option<String>,
    /// The version of its program; `null`: it was never heard.
    pub version: Option<String>,
    /// The version of the protocol that it speaks.
    pub protocol: Option<u32>,
    /// A SHA-256 of its configuration, without `server.yaml`.
    pub configuration_sha256: Option<String>,
    /// The region in which it runs; `null`: outside of all.
    pub region: Option<String>,
}

/// What keeps this instance from probing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BlindStatus {
    /// The first probe that could not be made.
    pub since: Timestamp,
    /// The cause and the detail.
    #[serde(flatten)]
    pub blindness: Blindness,
}

/// The result of a probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProbeOutcome {
    /// The moment of the result.
    pub at: Timestamp,
    /// Whether it was a success.
    pub ok: bool,
    /// The duration of the probe, in milliseconds and their fractions.
    pub latency_ms: f64,
    /// Whether it was a success that took longer than the canary's `slow`.
    pub slow: bool,
    /// The failure; `null` for a success.
    pub failure: Option<Failure>,
    /// What made no sense in the response, but failed nothing.
    pub remark: Option<String>,
}

/// The signals that a service reported; `null` is unknown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HeardSignals {
    /// The moment of the report.
    pub at: Timestamp,
    /// The age of the report.
    pub age_seconds: u64,
    /// Whether the report is older than three intervals; then all signals are unknown.
    pub stale: bool,
    /// The signals.
    #[serde(flatten)]
    pub signals: Signals,
}
