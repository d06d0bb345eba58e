//! What the server tells about itself over HTTP, and how operators command it.
//!
//! ```text
//!   listen ──▶ routes ──▶ bind ──▶ handlers, one a resource ──▶ state ◀── the shell publishes
//!   sockets,   paths,     types,   core types to api types
//!   TLS        roles      threads
//! ```
//!
//! The resources are in [`api`], with the table of all routes. All but the changes only read, and none stands in the
//! way of answering queries: requests are small, connections few and, but for streams, short ([`listen`]), and
//! whatever takes time to render does so on threads of its own.

pub mod access;
pub mod api;
pub mod atlas;
mod availability;
mod bind;
mod drain_status;
mod explain;
mod history;
mod host;
mod intents;
pub(crate) mod listen;
pub mod map;
mod openapi;
mod out_of_line;
mod overview;
mod peers;
pub(crate) mod places;
mod respond;
mod routes;
mod simulate;
mod state;
mod status;
pub(crate) mod stream;
#[cfg(test)]
mod tests;
pub mod tls;
pub(crate) mod trends;
mod ui;

pub use listen::{AdminBindError, AdminListener, bind, serve};
pub use peers::gate::PeerGate;
pub use places::{ConnectionLimits, MAX_HEALTH_CHECKS};
pub use state::{
    AdminSources, AdminState, ConfigOrigin, DatabaseOrigin, FailedReload, LatestResult, OperatorOrder,
    Published, RollbackOrder,
};
