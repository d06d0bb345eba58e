//! Correlated failure: failover is suppressed for a while when half of the regions fail the same way at once.
//!
//! A deployment that breaks every health page, a certificate that expires everywhere, a path of this instance that
//! loses packets: what half of the regions have in the same minute is rarely in the regions, and moving clients
//! between equally sick regions helps nobody. It is not proof either: a grid that fails takes several regions
//! with it. So soft exits of that class wait, and no longer than `safety.shared_hold` after the first failed probe,
//! or until the references outside the regions say that this instance sees well.
//! In that time most mistakes are over; a real outage has cost its clients two minutes, once.
//!
//! Only regions count that fell or would fall: one missed probe proves nothing. The clock of a failure starts at its
//! first failed probe, so that two regions that fail alike do not delay each other.

use std::time::Duration;

use crate::canary::FailureClass;
use crate::moment::Moment;

/// Failures that began within this time of each other began together (design, section 5).
pub const WINDOW: Duration = Duration::from_secs(60);

/// A region that fell, or would fall, in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegionFailure {
    /// The way in which all of its fallen addresses fail.
    pub class: FailureClass,
    /// When the first of the failed probes came back.
    pub began: Moment,
}

/// Returns when the first of the failures began that a region shares which fails like `own`; `None`: its failure is its
/// own. `others` are the other regions of the family that fell or would fall, `total` how many the family has with this
/// one.
pub fn shared_since(
    own: RegionFailure,
    others: impl Iterator<Item = RegionFailure>,
    total: usize,
) -> Option<Moment> {
    let alike = others.filter(|other| other.class == own.class).map(|other| other.began);
    let mut began: Vec<Moment> = alike.chain([own.began]).collect();
    began.sort_unstable();
    let half = usize::max(2, total.div_ceil(2));
    // Every window that holds this region begins with one of them, and at the latest with this one.
    let windows = began
        .iter()
        .enumerate()
        .filter(|(_, first)| own.began >= **first && own.began.since(**first) <= WINDOW);
    let shared = windows.filter(|(index, first)| {
        began[*index..].iter().take_while(|at| at.since(**first) <= WINDOW).count() >= half
    });
    shared.map(|(_, first)| *first).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Judges a region that times out since second 100. The others: `t100` times out since then, `s100` bad status.
    fn check(others: &str, total: usize, since: Option<u64>) {
        let failure = |word: &str| {
            let (class, at) = word.split_at(1);
            let class = if class == "t" { FailureClass::Timeout } else { FailureClass::Status };
            RegionFailure { class, began: Moment(at.parse::<u64>().expect("a second") * 1000) }
        };
        let others = others.split_whitespace().map(failure);
        let since = since.map(|second| Moment(second * 1000));
        assert_eq!(shared_since(failure("t100"), others, total), since);
    }

    #[test]
    fn half_of_the_regions_that_fail_alike_within_a_minute_share_a_failure_since_the_first_failed_probe() {
        check("t90", 2, Some(90));
        check("t90", 4, Some(90));
        check("t100 t130", 5, Some(100));
        check("t130", 5, None);
    }

    #[test]
    fn one_region_alone_is_never_correlated() {
        check("", 1, None);
        check("", 2, None);
        check("", 3, None);
    }

    #[test]
    fn failures_of_another_class_or_of_another_minute_are_not_alike() {
        check("s100 s100", 4, None);
        check("t39", 3, None);
        check("t161", 3, None);
        check("t160", 3, Some(100));
    }

    #[test]
    fn a_creeping_failure_has_no_minute_that_holds_half_of_the_regions() {
        check("t50 t150", 6, None);
        check("t60 t110", 6, Some(60));
    }
}
