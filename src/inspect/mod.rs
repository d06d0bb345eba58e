//! Looking without touching: explanations, proofs, what-if and the atlas, by the code that answers.

mod amplification;
mod atlas;
pub mod change;
mod explain;
mod prefixes;
pub(crate) mod prove;
pub(crate) mod query;
mod unbound;
pub mod what_if;

pub use amplification::{Amplification, amplification};
pub use atlas::{Atlas, Fractions};
pub use explain::{Bearing, Explanation, Inquiry, NoInquiry, explain};
pub use prove::{Breach, Proof, TooMany, prove};
pub use unbound::{UnboundClients, unbound_clients};
