//! What answers are made of: RRsets packed for the wire, and the tree of names that holds them.
//!
//! All work that does not depend on the question is done here, once, when a configuration is loaded.

mod compile;
mod packed;
mod tree;

pub use packed::{Packed, Unencodable};
pub use tree::{Apex, Delegation, Found, Glue, Node, NodeId, Tree};

#[cfg(test)]
pub(crate) mod tests;
