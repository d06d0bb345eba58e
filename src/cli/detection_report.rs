//! What the critical canaries of a configuration promise, and how often they take out what is well.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::config::Config;
use crate::forecast::{FalseExits, LOSSES, OUTAGE, RegionFalseExits};
use crate::units::{Percent, TimeSpan};

/// What the critical canaries promise, and how often they take out what is well.
#[derive(Debug, Serialize)]
pub(super) struct DetectionReport {
    canaries: Vec<CanaryDetection>,
    regions: Vec<RegionDetection>,
}

#[derive(Debug, Serialize)]
struct CanaryDetection {
    #[serde(flatten)]
    exits: FalseExits,
    /// The smallest `fall` with which false exits are few; `None`: they are few, or none is large enough.
    recommended: Option<FalseExits>,
}

#[derive(Debug, Serialize)]
struct RegionDetection {
    #[serde(flatten)]
    exits: RegionFalseExits,
    /// The exits when each of its canaries has its recommended `fall`; `None`: they are few, or that is not enough.
    recommended: Option<RegionFalseExits>,
}

impl DetectionReport {
    pub(super) fn of(config: &Config) -> Self {
        let canaries = config.canaries.iter().filter_map(|canary| {
            let recommended = FalseExits::recommended(canary);
            Some(CanaryDetection { exits: FalseExits::of(canary)?, recommended })
        });
        let regions = config.regions.iter().filter_map(|(_, region)| {
            let recommended = RegionFalseExits::recommended(region, &config.canaries);
            Some(RegionDetection { exits: RegionFalseExits::of(region, &config.canaries)?, recommended })
        });
        Self { canaries: canaries.collect(), regions: regions.collect() }
    }
}

impl fmt::Display for DetectionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.canaries.is_empty() {
            return Ok(());
        }
        let losses = LOSSES.map(|loss| format!("{} lost", Percent::of_fraction(loss)));
        let outages = format!("{} outage a day", TimeSpan(OUTAGE));
        let [rare, usual, many] = &losses;
        writeln!(f, "\nfalse exits a year")?;
        row(f, "  canary", "worst case", [rare, usual, many, &outages])?;
        for CanaryDetection { exits, recommended } in &self.canaries {
            exits_row(f, &format!("  {}", exits.canary), exits)?;
            match recommended {
                Some(better) => exits_row(f, &format!("    better: fall {}", better.fall), better)?,
                None if exits.are_many() => {
                    writeln!(f, "    better: a longer recheck, for no larger fall is enough")?
                }
                None => {}
            }
        }
        regions(f, &self.regions, [rare, usual, many, &outages])
    }
}

/// Prints how often each region is taken out.
fn regions(f: &mut fmt::Formatter<'_>, regions: &[RegionDetection], titles: [&str; 4]) -> fmt::Result {
    if regions.is_empty() {
        return Ok(());
    }
    row(f, "  region", "when down", titles)?;
    for RegionDetection { exits, recommended } in regions {
        region_row(f, &format!("  {}", exits.region), exits)?;
        match recommended {
            Some(better) => region_row(f, "    better: as above", better)?,
            None if exits.are_many() => writeln!(f, "    better: more addresses, or a smaller min_healthy")?,
            None => {}
        }
    }
    Ok(())
}

fn region_row(f: &mut fmt::Formatter<'_>, title: &str, exits: &RegionFalseExits) -> fmt::Result {
    let mut down: Vec<_> = exits.down.iter().map(|[needed, of]| format!("{needed} of {of}")).collect();
    down.dedup();
    let [rare, usual, many] = exits.a_year_by_loss.map(a_year);
    row(f, title, &down.join(", "), [&rare, &usual, &many, &a_year(exits.a_year_by_outages)])
}

fn exits_row(f: &mut fmt::Formatter<'_>, title: &str, exits: &FalseExits) -> fmt::Result {
    let [rare, usual, many] = exits.a_year_by_loss.map(a_year);
    let worst = TimeSpan(Duration::from_secs_f64(exits.worst_case_seconds)).to_string();
    row(f, title, &worst, [&rare, &usual, &many, &a_year(exits.a_year_by_outages)])
}

fn row(f: &mut fmt::Formatter<'_>, title: &str, worst: &str, [a, b, c, d]: [&str; 4]) -> fmt::Result {
    writeln!(f, "{title:<24}{worst:>11}{a:>11}{b:>10}{c:>10}{d:>18}")
}

/// Returns a number of exits with two digits that say something.
fn a_year(exits: f64) -> String {
    match exits {
        0.0 => "0".to_owned(),
        ..0.01 => "<0.01".to_owned(),
        ..1.0 => format!("{exits:.2}"),
        ..10.0 => format!("{exits:.1}"),
        _ => format!("{exits:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exits_are_told_with_two_digits() {
        let told = [0.0, 0.003, 0.034, 3.47, 81.1].map(a_year);
        assert_eq!(told, ["0", "<0.01", "0.03", "3.5", "81"]);
    }
}
