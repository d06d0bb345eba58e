//! Load: what clients ask for, where they are sent, and what regions shed.

mod balancer;
mod outlook;

pub(crate) use balancer::{Balance, capacities, demands, route};
pub use balancer::{Readings, ShedChange};
pub use outlook::Outlook;
