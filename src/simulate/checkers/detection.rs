//! Detection: what fails is down as soon as the settings promise, and a region with too few addresses up has left, or
//! a suppression says why not.
//!
//! After a first failure the others follow one `recheck` after the other, each within its `timeout`; so an address is
//! down no later than `fall` − 1 times both. That the first probe comes in time is the promise of
//! [`Detection`](crate::simulate::Detection).

use std::time::Duration;

use super::counts::{ResultCounts, Tally};
use super::{Checker, Found};
use crate::canary::Canary;
use crate::control::{RegionReport, Report};
use crate::health::Phase;
use crate::region::{Failover, Family, RegionId, Target};
use crate::simulate::happening::Happening;
use crate::simulate::scenario::Act;

/// The longest that a probe is on its way besides what it waits for.
const SLACK: Duration = Duration::from_secs(1);

/// Checks that failures are acted on in time.
#[derive(Debug, Default)]
pub struct DetectionChecker {
    counts: ResultCounts,
}

impl Checker for DetectionChecker {
    fn name(&self) -> &'static str {
        "detection"
    }

    fn see(&mut self, at: Duration, happening: &Happening<'_>, found: &mut Found) {
        self.counts.see(at, happening);
        match happening {
            // Suspicion is forgotten when the process dies, and what it remembers of falls has to be seen again.
            Happening::Act(Act::Restart(_)) => self.counts.clear(),
            Happening::Detected(detection) if detection.is_late() => found.push(format!(
                "{} was seen to be down after {:?}, promised within {:?}",
                detection.target, detection.took, detection.promised
            )),
            Happening::Looked(look) => self.check(at, look.report, found),
            _ => {}
        }
    }
}

impl DetectionChecker {
    fn check(&self, at: Duration, report: &Report, found: &mut Found) {
        for (id, region) in (0u8..).map(RegionId).zip(&report.regions) {
            for zone in &region.zones {
                for address in &zone.addresses {
                    let target = Target::of_address(&region.name, &zone.name, address.ip);
                    if let Some((canary, count)) =
                        self.counts.fallen(&target).filter(|_| !address.state.is_down())
                    {
                        let (name, failures) = (&canary.name, count.failures);
                        found.push(format!("{target} is not down although {name} failed {failures} times"));
                    }
                    found.extend(self.late(at, &target));
                }
            }
            Family::BOTH.into_iter().for_each(|family| self.check_region(id, region, family, found));
        }
    }

    /// Returns what is wrong with a target that has begun to fail and whose fall takes too long.
    fn late(&self, at: Duration, target: &Target) -> Option<String> {
        let mut failing = self.counts.critical(target).filter(|(_, count)| !count.has_fallen);
        failing.find_map(|(canary, count)| {
            let since = count.failing_since?;
            let is_late = at > since + rest(canary) + SLACK;
            is_late.then(|| {
                let fall = canary.thresholds.fall;
                format!(
                    "{target} has failed since {since:?}, {} of {fall} times by {}",
                    count.failures, canary.name
                )
            })
        })
    }

    /// Holds the phase of a region against the addresses that are up by the plainest count.
    fn check_region(&self, id: RegionId, region: &RegionReport, family: Family, found: &mut Found) {
        let Some(config) = self.counts.config() else { return };
        let settings = config.regions.region(id);
        let Tally { total, up, rising } = self.counts.tally(id, None, family);
        // One that still serves does not leave at the moment in which it recovers.
        let is_out = total > 0 && up + rising < settings.min_healthy.of(total);
        let site = &region.status[family as usize];
        let may_act = settings.failover == Failover::Auto && site.suppression.is_none();
        if is_out && may_act && serves(site.phase) {
            let phase = site.phase.as_str();
            let name = &region.name;
            found.push(format!(
                "{name} ({family}) is {phase} with {up} of {total} addresses up, and nothing says why"
            ));
        }
    }
}

/// Returns whether a region in this phase has its place in the answers whatever it was held at.
fn serves(phase: Phase) -> bool {
    phase.is_stable() || phase == Phase::Ramp
}

/// Returns how long after its first failure a target has fallen at the latest.
fn rest(canary: &Canary) -> Duration {
    (canary.timeout + canary.recheck.min(canary.interval)) * canary.thresholds.fall.saturating_sub(1)
}
