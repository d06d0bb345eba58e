//! YAML with places: a document becomes a tree of nodes, and a tree is read into typed values.
//!
//! serde-saphyr's own deserializer stops at the first mistake of a document. Operators want all of
//! them, so its parser is used for the events, the tree is ours ([`tree`]), and so is the small
//! deserializer over it ([`mod@read`]), which reports a wrong value and goes on with its neighbours.

mod read;
mod setting;
pub(crate) mod tree;

pub use read::{carried, read};
pub use setting::{Entries, Setting, Written};
pub use tree::parse;
