//! Single values and what several sections need of them: how each is written, its bounds, and names that one
//! part of a configuration defines and others refer to.

pub(crate) mod bounds;
mod defined;
mod kinds;
mod leaf;
pub mod url;

pub use bounds::{Checked, HIGHEST_LOAD, Quantity, check_name, fraction, path, point, required_name};
pub use defined::Defined;
pub use kinds::{Asn, Degrees, Kilometres, Statuses, parsed};
pub use leaf::{FromText, Leaf, List, Value};
