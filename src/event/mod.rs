//! What happened: notices, their parts, and the records that logs and receivers get of them.

mod notice;
mod record;
mod story;

pub(crate) use notice::{Count, Seconds};
pub use notice::{Notice, Severity, What};
pub use record::Record;
