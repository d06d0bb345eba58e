//! Falls: no address, zone or region leaves before `fall` consecutive failures were counted.
//!
//! An address that is down has a critical canary with that many failures, and no `rise` successes since; a region
//! that has just left has fewer such addresses up than `min_healthy`, or a canary of the whole region that fell, or
//! is an outlier by what its clients' requests say. What an operator forces is not meant: that is no verdict.

use std::collections::HashMap;
use std::time::Duration;

use super::counts::{ResultCounts, Tally};
use super::restarts::{LAST_WRITE, WRITE_BEFORE};
use super::{Checker, Found};
use crate::control::{RegionReport, Report};
use crate::health::{OutlierGrade, Phase, Status};
use crate::moment::Moment;
use crate::region::{Family, RegionId, Target};
use crate::simulate::happening::Happening;
use crate::simulate::scenario::{Act, StateFile};

/// Checks that nothing leaves too early.
#[derive(Debug, Default)]
pub struct FallChecker {
    counts: ResultCounts,
    /// The falls that were told, by site and family: one is judged once.
    judged: HashMap<(Target, Family), Moment>,
    /// Whether the process has just begun: what is down then was remembered.
    is_first: bool,
}

impl Checker for FallChecker {
    fn name(&self) -> &'static str {
        "falls"
    }

    fn see(&mut self, at: Duration, happening: &Happening<'_>, found: &mut Found) {
        self.counts.see(at, happening);
        match happening {
            Happening::Act(Act::Restart(file)) => {
                self.is_first = true;
                match file {
                    StateFile::Keep => self.counts.forget_results(at.saturating_sub(LAST_WRITE)),
                    StateFile::Late => self.counts.forget_results(at.saturating_sub(WRITE_BEFORE)),
                    StateFile::Lose | StateFile::Stale | StateFile::Corrupt => self.counts.clear(),
                }
            }
            Happening::Looked(look) => {
                self.check(look.report, found);
                self.is_first = false;
            }
            _ => {}
        }
    }
}

impl FallChecker {
    fn check(&mut self, report: &Report, found: &mut Found) {
        for (id, region) in (0u8..).map(RegionId).zip(&report.regions) {
            for zone in &region.zones {
                for address in &zone.addresses {
                    let target = Target::of_address(&region.name, &zone.name, address.ip);
                    if address.state.is_down() && self.counts.fallen(&target).is_none() {
                        let counted: Vec<_> = self
                            .counts
                            .critical(&target)
                            .map(|(canary, count)| {
                                format!("{} of {} by {}", count.failures, canary.thresholds.fall, canary.name)
                            })
                            .collect();
                        found.push(format!("{target} is down after failures {}", counted.join(", ")));
                    }
                }
            }
            for family in Family::BOTH {
                self.check_region(id, region, family, found);
                self.check_zones(id, region, family, found);
            }
        }
    }

    fn check_region(&mut self, id: RegionId, region: &RegionReport, family: Family, found: &mut Found) {
        let target = Target::of_region(&region.name);
        if !self.is_new_fall(&target, family, &region.status[family as usize]) {
            return;
        }
        let Some(config) = self.counts.config() else { return };
        let Tally { up, total, .. } = self.counts.tally(id, None, family);
        let is_out = up < config.regions.region(id).min_healthy.of(total);
        if !is_out && self.counts.fallen(&target).is_none() && region.grade != OutlierGrade::Failing {
            found.push(format!("{target} left the {family} answers with {up} of {total} addresses up"));
        }
    }

    fn check_zones(&mut self, id: RegionId, region: &RegionReport, family: Family, found: &mut Found) {
        for zone in region.zones.iter().filter(|_| region.zones.len() > 1) {
            let target = Target::of_zone(&region.name, &zone.name);
            if !self.is_new_fall(&target, family, &zone.status[family as usize]) {
                continue;
            }
            let Tally { up, total, .. } = self.counts.tally(id, Some(&zone.name), family);
            if up > 0 && zone.grade != OutlierGrade::Failing {
                found.push(format!("{target} left the {family} answers with {up} of {total} addresses up"));
            }
        }
    }

    /// Returns whether a site is down since a moment that was not judged yet.
    fn is_new_fall(&mut self, target: &Target, family: Family, site: &Status) -> bool {
        if site.phase != Phase::Down {
            return false;
        }
        let known = self.judged.insert((target.clone(), family), site.since);
        known != Some(site.since) && !self.is_first
    }
}
