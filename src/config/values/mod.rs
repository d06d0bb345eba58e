//! Single values and what several sections need of them: how each is written, its bounds, and names that one
//! part of a configuration defines and others refer to.

mod bounds;
mod defined;
mod kinds;
mod leaf;
pub mod url;

pub use bounds::{HIGHEST_LOAD, duration, fraction, point};
pub use defined::{Defined, check_name};
pub use kinds::{Asn, Number, Percent, Statuses};
pub use leaf::{FromText, Leaf, List, Value, given, items, path, required, says_nothing, word};
