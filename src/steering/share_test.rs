//! The question that decides about a client: whether it belongs to a share.

use std::net::IpAddr;

use crate::share::{Key, Share};

/// A test of a client: whether its bucket under a key is in a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ShareTest {
    pub(crate) key: Key,
    pub(crate) share: Share,
}

impl ShareTest {
    /// Returns whether `client` is in the share.
    pub fn includes(self, client: IpAddr) -> bool {
        self.share.includes(self.key.bucket(client))
    }
}
