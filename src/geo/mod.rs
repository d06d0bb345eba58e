//! Maps addresses to classes: the flat table that is compiled from databases and the operator's networks.
//!
//! ```text
//!   Database ──▶ layer ─────╮                        ╭─▶ population (estimates for load and the atlas)
//!   Database ──▶ layer ─────┼─▶ join ─▶ classifier ──┤
//!   networks ──▶ overlay ───╯                        ╰─▶ Table ─▶ PolicyView (part and scope of a client)
//!                                                              ╰─▶ MixedBlocks (what a short prefix holds)
//! ```
//!
//! Databases are read once, at load, and never while answering: a lookup in MaxMind's format takes a step a
//! bit and decodes a record, and its networks are no scopes. `embedded` says which IPv6 addresses are located
//! by an IPv4 address inside them.
//!
//! Everything here is pure. What is promised, and held by the laws in `tests`: the table covers every
//! address; every address in a scope lies in one part; no wider block around the client does.

mod boundaries;
mod census;
mod class;
mod classifier;
mod compare;
mod contents;
pub mod countries;
mod database;
mod embedded;
mod error;
mod intervals;
mod layer;
mod local;
mod mixed;
mod overlay;
mod population;
mod ranking;
mod record;
mod run_map;
mod runs;
mod search_tree;
mod sources;
mod table;
#[cfg(test)]
mod tests;
mod view;

pub use census::Cohort;
pub use class::{Class, ClassId};
pub use compare::{Agreement, Comparison};
pub use contents::Contents;
pub use database::Database;
pub use embedded::{ipv4_inside, is_embedded};
pub use error::{Error, MAX_DATABASE_BYTES};
pub use local::SubnetPlace;
pub use mixed::{Mix, MixedBlocks};
pub use population::{Population, Residents};
pub use sources::{Distinctions, Located, LocationOrigin, TableSources};
pub use table::Table;
pub use view::{PolicyView, ScopedPart};
