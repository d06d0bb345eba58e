//! All that steering sees of health.

use std::sync::Arc;
use std::time::Duration;

use super::{SiteShare, Standing, Status};
use crate::moment::Moment;
use crate::region::{AddressId, Family, RegionId, RegionSet, Regions, Site, ZoneId};
use crate::share::Share;

/// What a name makes of health: names with terms of their own see a view of their own ([`View::under`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HealthTerms {
    /// Clients leave regions that are down.
    #[default]
    Usual,
    /// They also leave regions whose replication lags more than this, while another region takes them.
    MaxLag(Duration),
    /// They stay (`failover: off`), and operators alone move them.
    Steady,
}

/// The standing of every address at one moment, and the status of every region and zone.
///
/// Whether something is published anew depends on what steering does by it ([`View::steers_like`]): in a snapshot
/// `phase`, `since`, `until`, `falls` and `suppression` may be older than what a report says.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// By `AddressId`.
    standings: Vec<Standing>,
    /// By `AddressId`: the share of its region's clients that get the address. Empty: all of them, of each.
    shares: Vec<Share>,
    /// By `RegionId` and family.
    regions: Vec<[Status; 2]>,
    /// By `ZoneId` and family.
    zones: Vec<[Status; 2]>,
    /// What names with terms of their own see; a name that is not here sees what all others do.
    own: Vec<(HealthTerms, Arc<View>)>,
}

impl View {
    /// Returns a view of these standings, by `AddressId`: regions and zones are in service while enough of their
    /// addresses are up ([`Regions::needed`]).
    pub fn counted(regions: &Regions, standings: Vec<Standing>) -> Self {
        let mut by_region = vec![<[FallenAddresses; 2]>::default(); regions.len()];
        let mut by_zone = vec![<[FallenAddresses; 2]>::default(); regions.zones().count()];
        for ((_, address), standing) in regions.addresses().zip(&standings) {
            let family = Family::of(address.ip) as usize;
            by_region[usize::from(address.region.0)][family].add(*standing);
            by_zone[usize::from(address.zone.0)][family].add(*standing);
        }
        let judge = |site: Site, counts: [FallenAddresses; 2]| {
            counts.map(|count| Status::counted(count.total, regions.needed(site, count.total), count.fallen))
        };
        let sites = regions.sites().zip(by_region.into_iter().chain(by_zone));
        let mut statuses = sites.map(|(site, counts)| judge(site, counts));
        let of_regions = statuses.by_ref().take(regions.len()).collect();
        let (shares, own) = (Vec::new(), Vec::new());
        Self { standings, shares, regions: of_regions, zones: statuses.collect(), own }
    }

    /// Returns a view in which all addresses are up.
    pub fn all_up(regions: &Regions) -> Self {
        Self::counted(regions, vec![Standing::Up; regions.addresses().count()])
    }

    /// Returns the view in which each address has this share, by `AddressId`, and each region takes this share,
    /// by `RegionId` and family.
    pub fn with(self, shares: Vec<Share>, of_regions: &[[SiteShare; 2]]) -> Self {
        self.with_shares(shares).map(|site, family, status| match site {
            Site::Region(id) => Status { share: of_regions[usize::from(id.0)][family as usize], ..status },
            Site::Zone(_) => status,
        })
    }

    /// Returns the view in which each address has this share, by `AddressId`.
    pub(crate) fn with_shares(self, shares: Vec<Share>) -> Self {
        let is_everybody = shares.iter().all(|share| *share == Share::ALL);
        Self { shares: if is_everybody { Vec::new() } else { shares }, ..self }
    }

    /// Returns the view in which these regions take no clients, while another region may, of names with these limits of
    /// the replication lag.
    pub(crate) fn with_lagging(self, lagging: &[(Duration, RegionSet)]) -> Self {
        let waits = |share| match share {
            SiteShare::Full | SiteShare::Part(_) => SiteShare::Waiting,
            SiteShare::Kept(_)
            | SiteShare::Waiting
            | SiteShare::Out { .. }
            | SiteShare::Yielding { .. }
            | SiteShare::Disabled => share,
        };
        let limited = lagging.iter().filter(|(_, regions)| !regions.is_empty()).map(|(limit, regions)| {
            let view = self.clone().map(|site, _, status| match site {
                Site::Region(id) if regions.contains(id) => Status { share: waits(status.share), ..status },
                Site::Region(_) | Site::Zone(_) => status,
            });
            (HealthTerms::MaxLag(*limit), view)
        });
        let limited: Vec<_> = limited.collect();
        self.with_own(limited)
    }

    /// Returns the view in which every region takes all of its clients, whatever is known of its health.
    pub(crate) fn of_steady_regions(self) -> Self {
        self.map(|site, _, status| match site {
            Site::Region(_) => Status { share: SiteShare::Full, ..status },
            Site::Zone(_) => status,
        })
    }

    /// Returns the view in which names with these terms see these views, too.
    pub(crate) fn with_own(mut self, own: impl IntoIterator<Item = (HealthTerms, Self)>) -> Self {
        self.own.extend(own.into_iter().map(|(terms, view)| (terms, Arc::new(view))));
        self
    }

    /// Returns what a name sees with these terms.
    pub fn under(&self, terms: HealthTerms) -> &Self {
        self.own.iter().find(|(own, _)| *own == terms).map_or(self, |(_, view)| view)
    }

    /// Returns the view in which the status of each site is what `change` makes of it.
    pub(crate) fn map(mut self, change: impl Fn(Site, Family, Status) -> Status) -> Self {
        let regions = (0u8..).map(|id| Site::Region(RegionId(id))).zip(&mut self.regions);
        let zones = (0u16..).map(|id| Site::Zone(ZoneId(id))).zip(&mut self.zones);
        for (site, statuses) in regions.chain(zones) {
            *statuses = Family::BOTH.map(|family| change(site, family, statuses[family as usize]));
        }
        self
    }

    /// Returns the standing of an address.
    pub fn of(&self, address: AddressId) -> Standing {
        self.standings[address.0 as usize]
    }

    /// Returns the share of its region's clients that get an address.
    pub fn share(&self, address: AddressId) -> Share {
        self.shares.get(address.0 as usize).copied().unwrap_or(Share::ALL)
    }

    /// Returns the status of a region or zone.
    pub fn status(&self, site: impl Into<Site>, family: Family) -> &Status {
        match site.into() {
            Site::Region(id) => &self.regions[usize::from(id.0)][family as usize],
            Site::Zone(id) => &self.zones[usize::from(id.0)][family as usize],
        }
    }

    /// Returns what every region takes of its clients, by `RegionId` and family.
    pub fn shares_of_regions(&self) -> impl Iterator<Item = [SiteShare; 2]> {
        self.regions.iter().map(|both| both.map(|status| status.share))
    }

    /// Returns whether some region keeps those of its clients whom no other can bear.
    pub fn has_yielding(&self) -> bool {
        let mut shares = self.regions.iter().flatten().map(|status| status.share);
        shares.any(|share| matches!(share, SiteShare::Yielding { .. }))
    }

    /// Returns whether no client has to be tested for a share: every region takes all of its clients or none, and
    /// no address is kept from any of them.
    pub fn is_whole(&self) -> bool {
        let mut shares = self.shares_of_regions().flatten();
        self.is_even()
            && shares
                .all(|share| !matches!(share, SiteShare::Part(_) | SiteShare::Kept(_) | SiteShare::Waiting))
    }

    /// Returns whether no address is kept from any of its region's clients.
    pub fn is_even(&self) -> bool {
        self.shares.is_empty()
    }

    /// Returns whether steering does the same by both views.
    pub fn steers_like(&self, other: &Self) -> bool {
        self.standings == other.standings
            && self.shares == other.shares
            && self.shares_of_regions().eq(other.shares_of_regions())
            && self.own.len() == other.own.len()
            && self
                .own
                .iter()
                .zip(&other.own)
                .all(|((terms, view), (other, before))| terms == other && view.steers_like(before))
    }

    /// Returns what every region takes of its clients in this view and in those of names with terms of their own: whatever
    /// load is divided by.
    pub(crate) fn all_shares_of_regions(&self) -> impl Iterator<Item = [SiteShare; 2]> {
        self.shares_of_regions().chain(self.own.iter().flat_map(|(_, view)| view.shares_of_regions()))
    }
}

/// What is counted of one site and family.
#[derive(Clone, Default)]
struct FallenAddresses {
    total: usize,
    /// When each address fell that is down.
    fallen: Vec<Moment>,
}

impl FallenAddresses {
    fn add(&mut self, standing: Standing) {
        self.total += 1;
        match standing {
            Standing::Down { since } => self.fallen.push(since),
            Standing::Disabled => self.fallen.push(Moment::default()),
            Standing::Unknown | Standing::Up | Standing::Suspect => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Phase;
    use crate::region::tests::region;
    use crate::region::{Minimum, Region};
    use crate::units::Percent;

    /// Counts the addresses of a region that fell at these seconds, and compares its phase with what is up and
    /// needed, by family: `healthy 2/2`, `down@9 1/2`, `-` without addresses.
    #[track_caller]
    fn check(min_healthy: Minimum, addresses: &[&str], fell_at: &[Option<u64>], expected: [&str; 2]) {
        let regions = Regions::new(vec![Region { min_healthy, ..region("tokyo", "JP", &[addresses]) }]);
        let standing = |fell: &Option<u64>| match fell {
            None => Standing::Up,
            Some(at) => Standing::Down { since: Moment(*at) },
        };
        let view = View::counted(&regions, fell_at.iter().map(standing).collect());
        let found = Family::BOTH.map(|family| {
            let Status { phase, since, up, needed, share, .. } = *view.status(RegionId(0), family);
            match share {
                _ if needed == 0 => "-".to_owned(),
                SiteShare::Out { .. } => format!("{phase}@{} {up}/{needed}", since.0),
                _ => format!("{phase} {up}/{needed}"),
            }
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn a_region_leaves_with_the_address_that_is_one_too_many() {
        let addresses = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];
        check(Minimum::Count(2), &addresses, &[None, Some(9), None], ["healthy 2/2", "-"]);
        check(Minimum::Count(2), &addresses, &[Some(5), Some(9), None], ["down@9 1/2", "-"]);
        check(
            Minimum::Percent(Percent::of(50)),
            &addresses,
            &[Some(5), Some(9), Some(7)],
            ["down@7 0/2", "-"],
        );
    }

    #[test]
    fn losing_ipv6_leaves_ipv4_in_service() {
        let addresses = ["192.0.2.1", "2001:db8::1"];
        check(Minimum::Count(1), &addresses, &[None, Some(3)], ["healthy 1/1", "down@3 0/1"]);
    }

    #[test]
    fn what_is_known_besides_steers_nothing() {
        let regions = Regions::new(vec![region("tokyo", "JP", &[&["192.0.2.1"]])]);
        let view = View::all_up(&regions);
        let known = view.clone().map(|_, _, status| Status { phase: Phase::Suspect, falls: 1, ..status });
        assert!(known != view && known.steers_like(&view));
        let held = view.clone().with(Vec::new(), &[[SiteShare::Waiting; 2]]);
        assert!(!held.steers_like(&view));
    }

    #[test]
    fn names_whose_failover_is_off_see_regions_that_take_all_of_their_clients() {
        let regions = Regions::new(vec![region("tokyo", "JP", &[&["192.0.2.1"]])]);
        let view = View::counted(&regions, vec![Standing::Down { since: Moment(3) }]);
        let shares = |view: &View| {
            let share = |terms| view.under(terms).status(RegionId(0), Family::V4).share;
            [HealthTerms::Usual, HealthTerms::Steady].map(share)
        };
        let out = SiteShare::Out { since: Moment(3) };
        assert_eq!(shares(&view), [out; 2]);
        let steady = view.clone().with_own([(HealthTerms::Steady, view.clone().of_steady_regions())]);
        assert_eq!(shares(&steady), [out, SiteShare::Full]);
        assert!(!steady.steers_like(&view) && steady.steers_like(&steady.clone()));
    }
}
