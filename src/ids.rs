//! The numbers of things: each is a place in the configuration, and means nothing outside of its numbering.
//!
//! They stand before what they number, so that canaries, clients and regions refer to one another without
//! knowing each other.

/// The number of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionId(pub u8);

/// The number of an availability zone, counted over all regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneId(pub u16);

/// The number of an address, counted over all availability zones of all regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressId(pub u32);

/// The number of a canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CanaryId(pub u16);

/// The number of a steered name: its place in `Config::steered`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SteeringId(pub u32);

/// The number of a pin: its place in `Config::pins`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PinId(pub u32);

/// What makes the A, AAAA and HTTPS answers of an owner name that has no static ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Chooser {
    /// It is steered: residency, health, intents and load choose.
    Steering(SteeringId),
    /// It is a pin: residency alone does.
    Pin(PinId),
}

/// The number of a group of clients. Zero is the built-in group `unknown`; the others count from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u8);

impl GroupId {
    /// The built-in group of the clients whose location is not known.
    pub const UNKNOWN: Self = Self(0);
}

/// The number of a numbering: each reload numbers addresses and canaries anew, and a result that was
/// still on its way must not be counted against what has its number now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);
