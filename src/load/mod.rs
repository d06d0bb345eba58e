//! Load: what clients ask for, where they are sent, and what regions shed.

mod balancer;
mod estimate;
mod learnt;
mod outlook;

pub(crate) use balancer::Balancer;
pub use balancer::ShedChange;
pub use estimate::Readings;
pub(crate) use estimate::{capacities, demands, route};
pub use outlook::Outlook;
