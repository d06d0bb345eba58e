//! Load: what clients ask for, where they are sent, and what regions shed.
//!
//! What parts of the clients ask for is learnt from queries and loads (`learnt`, `estimate`); when to divide it, and by which
//! capacities, is the [`Balancer`]'s; how it is divided, step by step and at once, is
//! [`steering::Splits`](crate::steering::Splits); whose clients a region has taken on is counted in `guests`.

mod balancer;
mod carried;
mod estimate;
mod guests;
mod learnt;
mod outlook;
mod pace;
mod premises;

pub(crate) use balancer::Balancer;
pub use balancer::LoadStep;
pub(crate) use carried::carried;
pub use estimate::Readings;
pub(crate) use estimate::{capacities, demands, route, route_in, unmeasured};
pub(crate) use guests::Guests;
pub use outlook::Outlook;
