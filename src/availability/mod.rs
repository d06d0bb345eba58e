//! Availability: what was measured, what is to be expected, and the log of both.

pub mod expected;
pub mod log;
pub(crate) mod measured;
mod names;
mod side;

pub(crate) use measured::{Availability, AvailabilityInputs};
