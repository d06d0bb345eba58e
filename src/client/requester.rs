//! Who sends a query, and for whom.

use std::net::IpAddr;

use super::Prefix;

/// The sender of a query, and the client subnet for which it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requester {
    /// The address that the query came from: a resolver, or the client itself.
    pub sender: IpAddr,
    /// `None`: the query has no client subnet, or one of length zero, which asks not to use any (RFC 7871, section
    /// 7.1.2). Then the client counts as where the sender is.
    pub subnet: Option<Prefix>,
}
