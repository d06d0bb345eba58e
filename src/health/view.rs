//! All that steering sees of health.

use super::Standing;
use crate::moment::Moment;
use crate::region::{AddressId, Family, RegionId};
use crate::share::Share;

/// What a region takes of the clients that it is the best for, in one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteShare {
    /// All of them.
    Full,
    /// This share of them; the others go on to the next region. Neither nobody nor everybody.
    Part(Share),
    /// None while another region takes any: it is well and waits, or is held.
    Waiting,
    /// None: it has left.
    Out {
        /// When it left.
        since: Moment,
    },
    /// None, not even when every other region is out: an operator wants it so.
    Disabled,
}

impl SiteShare {
    /// Returns the stage of a region that serves this share.
    pub fn of(share: Share) -> Self {
        match share {
            Share::ALL => Self::Full,
            Share::NONE => Self::Waiting,
            part => Self::Part(part),
        }
    }

    /// Returns the share of its clients that it takes.
    pub fn share(self) -> Share {
        match self {
            Self::Full => Share::ALL,
            Self::Part(share) => share,
            Self::Waiting | Self::Out { .. } | Self::Disabled => Share::NONE,
        }
    }
}

/// The standing of every address at one moment, and what becomes of it: all that steering sees of health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    standings: Vec<Standing>,
    /// By `AddressId`: the share of its region's clients that get the address. Empty: all of them, of each.
    shares: Vec<Share>,
    /// By `RegionId` and family. Empty: counting decides.
    stages: Vec<[SiteShare; 2]>,
}

impl View {
    /// Returns a view of these standings, by `AddressId`: regions are in service while enough of their
    /// addresses are up.
    pub fn new(standings: Vec<Standing>) -> Self {
        Self { standings, shares: Vec::new(), stages: Vec::new() }
    }

    /// Returns a view in which all of `count` addresses are up.
    pub fn all_up(count: usize) -> Self {
        Self::new(vec![Standing::Up; count])
    }

    /// Returns the view in which each address has this share, by `AddressId`, and each region this stage, by
    /// `RegionId` and family.
    pub fn with(self, shares: Vec<Share>, stages: Vec<[SiteShare; 2]>) -> Self {
        let is_everybody = shares.iter().all(|share| *share == Share::ALL);
        Self { shares: if is_everybody { Vec::new() } else { shares }, stages, ..self }
    }

    /// Returns the standing of an address.
    pub fn of(&self, address: AddressId) -> Standing {
        self.standings[address.0 as usize]
    }

    /// Returns the share of its region's clients that get an address.
    pub fn share(&self, address: AddressId) -> Share {
        self.shares.get(address.0 as usize).copied().unwrap_or(Share::ALL)
    }

    /// Returns whether no address is kept from any of its region's clients.
    pub fn is_even(&self) -> bool {
        self.shares.is_empty()
    }

    /// Returns what a region takes of a family; `None`: counting decides.
    pub fn stage(&self, region: RegionId, family: Family) -> Option<SiteShare> {
        self.stages.get(usize::from(region.0)).map(|stages| stages[family as usize])
    }
}
