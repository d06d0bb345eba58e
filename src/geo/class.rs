//! Classes: what the table maps addresses to.

use crate::client::GroupSet;

/// The number of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassId(pub u32);

/// All clients for whom every decision is the same by construction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Class {
    /// The groups they belong to.
    pub groups: GroupSet,
    /// Ranks by distance, by `RegionId`; regions equally far have equal ranks. Empty when the location of the
    /// clients is unknown or has no coordinates.
    pub ranks: Box<[u8]>,
}
