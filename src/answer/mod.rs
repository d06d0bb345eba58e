//! RRsets packed for the wire, and the tree of names that holds them.
//!
//! All work that does not depend on the question is done here, once, when a configuration is loaded: the
//! engine finds a node by the bytes of a question and copies.

mod compile;
mod name_tree;
mod packed;
mod plain_negative;

pub use compile::{wire as wire_name, written as written_name};
pub use name_tree::{Apex, Delegation, Glue, NameMatch, NameNode, NameTree, NodeId};
pub use packed::{Packed, Unencodable};
pub use plain_negative::PlainNegative;

#[cfg(test)]
pub(crate) mod tests;
