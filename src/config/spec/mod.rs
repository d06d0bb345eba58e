//! What the operator writes: every file, key and value, each documented once, on its field here.
//!
//! The reader and the JSON Schema are both derived from these types, so they cannot disagree.
//! Meaning, references and contradictions are left to `lower`.

mod access;
mod alarms;
mod canaries;
mod drills;
mod json;
mod kinds;
mod leaf;
mod recovery;
mod regions;
mod server;
mod webhooks;
mod zone;

pub use access::{AccessSpec, AdminTlsSpec, TokenSpec};
pub use alarms::{
    AgeSwitch, CertificateSpec, CertificateSwitch, LagSpec, LagSwitch, LatencySpec, LatencySwitch, Never,
    RateSpec, RateSwitch, Switch,
};
pub use canaries::{CanarySpec, ExpectSpec, HttpSpec, InferenceSpec, JsonSpec, TcpSpec, TlsSpec};
pub use drills::{Away, DrillSpec};
pub use json::{AssertSpec, Number, SignalsSpec};
pub use kinds::{Percent, Statuses};
pub use leaf::{FromText, Leaf, List, Value, given, items, says_nothing, word};
pub use recovery::{LimitsSpec, RecoverySpec, SafetySpec};
pub use regions::{AvailabilityZoneSpec, GroupSpec, RegionSpec, RegionsSpec};
pub use server::{GeoSpec, NetworkSpec, ServerSpec};
pub use webhooks::{SecretSpec, WebhookSpec};
pub use zone::{
    GroupOrder, HttpsSpec, NameSpec, OrderSpec, OrderWord, RecordSetSpec, RuleSpec, SoaSpec, SteerSpec,
    ZoneSpec,
};
