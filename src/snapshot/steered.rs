//! What a name answers to one client.

use crate::answer::Packed;
use crate::region::RegionId;
use crate::zone::Ttl;

/// What a steered name answers to one client.
#[derive(Clone, Copy, Debug)]
pub struct Steered<'a> {
    pub choice: SteeredAnswer<'a>,
    /// The scope prefix length of RFC 7871: of the widest block around the client in which this is the same
    /// whatever happens to health, and no shorter than the prefix for which shares are drawn while some are.
    pub scope: u8,
    /// The region that was chosen, for the counters.
    pub region: Option<RegionId>,
    /// The place of the client's part in [`Base::demand`](super::Base::demand), for the counters; `None`: it is too
    /// small to matter.
    pub part: Option<u16>,
    /// Whether an address is among the records that clients are sent away from, for the counters.
    pub is_leaving: bool,
    /// Whether it leads to a region that is not known to be up, for none is.
    pub is_fail_open: bool,
}

/// The answer of a steered name.
#[derive(Clone, Copy, Debug)]
pub enum SteeredAnswer<'a> {
    Records(&'a Packed),
    /// NOERROR without data, to be remembered for at most this long: what is chosen may change long
    /// before the zone's own negative TTL is over.
    Nodata(Ttl),
    /// Residency rules permit the client no region, and say REFUSED.
    Refuse,
    /// All regions are down.
    Servfail,
    /// Residency rules permit the client no region.
    Prohibited,
}
