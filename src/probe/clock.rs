//! The clock of what is seen.

use std::sync::Arc;

use crate::moment::Moment;

/// Reads the clock that observations are stamped with.
pub type ReadClock = Arc<dyn Fn() -> Moment + Send + Sync>;
