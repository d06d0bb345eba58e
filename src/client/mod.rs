//! Who asks: where a client is, and which groups that makes it a member of.

mod country;
mod group;
mod location;
mod prefix;
mod requester;

pub use country::{Continent, Country, Jurisdiction};
pub use group::{Group, GroupSet, MAX_GROUPS, Member};
pub use location::{Coordinates, Location, Subdivision};
pub use prefix::{ParseError as PrefixError, Prefix};
pub use requester::Requester;

pub use crate::ids::GroupId;
