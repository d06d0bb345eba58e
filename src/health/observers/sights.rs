//! What observers say of regions together: who sees what, and how many agree.

use std::sync::Arc;

use crate::moment::{Moment, follows_clock};
use crate::region::{Family, RegionId, Regions};

/// What several observers say together; empty on the board of one that has no peers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JointSights {
    /// By subject, in the order of the board: how many observers see it down, of what is down.
    pub(super) confirmations: Vec<u8>,
    /// By `RegionId` and family.
    pub(super) regions: Vec<[RegionSights; 2]>,
    /// The names of all peers.
    pub(super) peers: Vec<String>,
    /// Those that say nothing for so long that the others judge without them.
    pub(super) lost: Vec<LostPeer>,
}

/// How all observers see a region, in one family.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RegionSights {
    /// By the name of the observer, in the order of their names.
    pub by: Vec<(Arc<str>, Sight)>,
    /// How many of those that see it must see it down.
    pub needed: u8,
    /// Since when so many have seen it up all along that no quorum can have seen it down; `None`: too few do.
    pub up_since: Option<Moment>,
    /// Until when those are waited for that are silent; `None`: none is.
    pub until: Option<Moment>,
    /// Since when some see it up and others down, also while one of them is waited for; `None`: they do not.
    pub disputed: Option<Moment>,
    /// Whether that has lasted for so long that operators are to know.
    pub is_told: bool,
}

/// How one observer sees a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Enough of its addresses are up.
    Up,
    /// By its counts the region would fall.
    Down,
    /// It has not seen enough yet.
    Unknown,
    /// Its probes cannot be made.
    Blind,
    /// It runs in the region, and sees it even when clients do not.
    Inside,
    /// It has said nothing for a while, and is waited for.
    Silent,
    /// It has said nothing for so long that it does not count.
    Lost,
}

impl Sight {
    /// Returns the word that alarms and `/status` use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Unknown => "unknown",
            Self::Blind => "blind",
            Self::Inside => "inside",
            Self::Silent => "silent",
            Self::Lost => "lost",
        }
    }

    /// Returns whether it is one of those of which a quorum is needed.
    pub(super) fn counts(self) -> bool {
        match self {
            Self::Up | Self::Down | Self::Unknown | Self::Silent => true,
            Self::Blind | Self::Inside | Self::Lost => false,
        }
    }
}

/// A peer without which the others judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostPeer {
    pub name: String,
    /// When it was heard last, or the start of this process.
    pub since: Moment,
    /// Why it is not heard.
    pub why: String,
}

impl RegionSights {
    /// Returns how many observers see the region down.
    pub fn down(&self) -> u8 {
        u8::try_from(self.number(Sight::Down)).expect("observers are few")
    }

    fn number(&self, sight: Sight) -> usize {
        self.by.iter().filter(|(_, seen)| *seen == sight).count()
    }

    /// Returns whether some see it up and others down.
    pub(super) fn is_disputed(&self) -> bool {
        self.number(Sight::Down) > 0 && self.number(Sight::Up) > 0
    }

    /// Says who sees what: `down from ns1; up from ns2, ns3`.
    pub fn told(&self) -> String {
        let sights =
            [Sight::Down, Sight::Up, Sight::Unknown, Sight::Blind, Sight::Inside, Sight::Silent, Sight::Lost];
        let groups = sights.into_iter().filter_map(|sight| {
            let names = self.by.iter().filter(|(_, seen)| *seen == sight).map(|(name, _)| &**name);
            let names = names.collect::<Vec<_>>().join(", ");
            let says = match sight {
                Sight::Up | Sight::Down | Sight::Unknown => format!("{} from {names}", sight.as_str()),
                Sight::Blind | Sight::Silent | Sight::Lost => format!("{names} {}", sight.as_str()),
                Sight::Inside => format!("{names} is inside"),
            };
            (!names.is_empty()).then_some(says)
        });
        groups.collect::<Vec<_>>().join("; ")
    }
}

impl JointSights {
    /// Returns how all observers see the regions of another configuration that were there before.
    pub(in crate::health) fn reload(&self, old: &Regions, new: &Regions) -> Self {
        let sights = |name: &str| old.find(name).and_then(|id| self.regions.get(usize::from(id.0)));
        let regions = new.iter().map(|(_, region)| sights(&region.name).cloned().unwrap_or_default());
        Self {
            regions: regions.collect(),
            peers: self.peers.clone(),
            lost: self.lost.clone(),
            ..Self::default()
        }
    }

    /// Returns how all observers see a region; `None`: this instance has no peers.
    pub fn region(&self, id: RegionId, family: Family) -> Option<&RegionSights> {
        self.regions.get(usize::from(id.0)).map(|sights| &sights[family as usize])
    }

    /// Returns how many observers see this subject down, of those that are down; `None`: this instance has no peers.
    pub(in crate::health) fn confirmations(&self, subject: usize) -> Option<u8> {
        self.confirmations.get(subject).copied()
    }

    /// Returns the names of the peers.
    pub fn peers(&self) -> &[String] {
        &self.peers
    }

    /// Returns whether all peers are lost.
    pub fn is_alone(&self) -> bool {
        !self.peers.is_empty() && self.lost.len() == self.peers.len()
    }

    /// Returns the peers without which the others judge.
    pub fn lost(&self) -> &[LostPeer] {
        &self.lost
    }
}

follows_clock!(JointSights: regions, lost);
follows_clock!(RegionSights: up_since, until, disputed);
follows_clock!(LostPeer: since);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sees_what_is_told_by_what_is_seen() {
        let by = [("ns1", Sight::Up), ("ns2", Sight::Down), ("ns3", Sight::Up), ("ns4", Sight::Inside)];
        let by = by.map(|(name, sight)| (Arc::from(name), sight)).to_vec();
        let sights = RegionSights { by, needed: 2, ..RegionSights::default() };
        assert_eq!(sights.told(), "down from ns2; up from ns1, ns3; ns4 is inside");
        assert!(sights.is_disputed());
    }
}
