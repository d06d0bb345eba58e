//! What the operator writes: every file, key and value, each documented once, on its field here.
//!
//! The reader and the JSON Schema are both derived from these types, so they cannot disagree.
//! Meaning, references and contradictions are left to `lower`.

mod access;
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

pub use access::{Access, AdminTls, Role, Token};
pub use canaries::{Canary, Expect, Http, Inference, Json, Reach, Tcp, Tls};
pub use drills::{Away, Drill};
pub use json::{Assert, Number, Signals};
pub use kinds::{Percent, Statuses};
pub use leaf::{FromText, Leaf, List, Value, given, items, says_nothing};
pub use recovery::{Failback, Failover, Limits, Recovery, Safety};
pub use regions::{AvailabilityZone, Group, Region, Regions};
pub use server::{Geo, LogFormat, Network, Server};
pub use webhooks::{Secret, Webhook, WebhookLeast, WebhookShape};
pub use zone::{
    AllDown, GroupOrder, Https, Name, Order, OrderWord, RecordSet, Refusal, Rule, Soa, Steer, Zone,
};
