//! What outlives a process of the sites, in words that outlive the numbering of a configuration.

use std::collections::HashMap;

use super::Sites;
use crate::health::outlier::{OutlierGrade, Windows};
use crate::health::site::name;
use crate::health::{RememberedGrade, RememberedGuests, RememberedRecovery};
use crate::moment::Moment;
use crate::region::{Family, Regions, Site};

impl Sites {
    /// Returns every course that is worth remembering.
    pub fn remember(&self, regions: &Regions) -> Vec<RememberedRecovery> {
        let recoveries = regions.sites().flat_map(|site| Family::BOTH.map(|family| (site, family)));
        let eventful = recoveries.filter(|(site, family)| self.recovery(*site, *family).is_eventful());
        let remembered = eventful.map(|(site, family)| {
            let (region, zone) = name(regions, site);
            RememberedRecovery {
                region: region.to_owned(),
                zone: zone.map(str::to_owned),
                family,
                recovery: self.recovery(site, family).clone(),
                failover: self.failover(site.region(regions)),
            }
        });
        remembered.collect()
    }

    /// Returns every site that stands out among the others.
    pub fn grades(&self, regions: &Regions) -> Vec<RememberedGrade> {
        let outstanding = regions.sites().filter(|site| self.grade(*site) != OutlierGrade::Fine);
        let grades = outstanding.map(|site| {
            let (region, zone) = name(regions, site);
            RememberedGrade {
                region: region.to_owned(),
                zone: zone.map(str::to_owned),
                grade: self.grade(site),
            }
        });
        grades.collect()
    }

    /// Returns the regions that were given clients of others.
    pub fn guests(&self, regions: &Regions) -> Vec<RememberedGuests> {
        let given = regions.iter().zip(&self.given);
        let remembered = given.filter_map(|((_, region), given)| {
            Some(RememberedGuests { region: region.name.clone(), given: (*given)? })
        });
        remembered.collect()
    }

    /// Puts the sites on the recoveries on which an earlier life left them, and returns how many of these were
    /// about sites that are not there any more.
    pub fn adopt(
        &mut self,
        remembered: &[RememberedRecovery],
        grades: &[RememberedGrade],
        regions: &Regions,
        now: Moment,
    ) -> usize {
        let mut foreign = 0;
        let known: HashMap<_, _> = regions.sites().map(|site| (name(regions, site), site)).collect();
        for RememberedRecovery { region, zone, family, recovery, failover } in remembered {
            match known.get(&(region.as_str(), zone.as_deref())) {
                Some(site) => {
                    self.state_mut(*site, *family).recovery = recovery.as_of(now);
                    self.failover[usize::from(site.region(regions).0)] = *failover;
                }
                None => foreign += 1,
            }
        }
        for RememberedGrade { region, zone, grade } in grades {
            match known.get(&(region.as_str(), zone.as_deref())) {
                Some(Site::Region(id)) => {
                    self.region_windows[usize::from(id.0)] = Windows::remembered(*grade)
                }
                Some(Site::Zone(id)) => self.zone_windows[usize::from(id.0)] = Windows::remembered(*grade),
                None => foreign += 1,
            }
        }
        self.forget_absent(regions, now);
        foreign
    }
}
