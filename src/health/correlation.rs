//! Correlated failure: failover is suppressed while half of the regions fail the same way.
//!
//! A deployment that breaks every health page, a certificate that expires everywhere, a dependency that all
//! of them share: moving clients between equally sick regions helps no client and crushes the region that is judged
//! last. So a region does not leave while half of all regions or more, and at least two, began to ail within
//! a minute of it in the same way. A refused connection is never shared: nothing is there to answer, and
//! that region is dead whatever the others have.

use std::time::Duration;

use crate::canary::FailureClass;
use crate::moment::Moment;

/// Regions that began to ail within this time of each other ail together (design, section 5).
pub const TOGETHER: Duration = Duration::from_secs(60);

/// How one region does, as far as another one's fall asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerCondition {
    /// Enough of its addresses are well.
    Well,
    /// Too few are, and those that are not failed like this, the first of them at this moment.
    Sick(FailureClass, Moment),
    /// Too few are, for several reasons.
    Mixed,
    /// Nothing was heard of it since the other one began to ail.
    Unheard,
}

/// What can be said of a region that would fall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Correlation {
    /// Its own: it leaves.
    None,
    /// One that half of the regions have: it stays.
    Found,
    /// Some others ail alike, and of so many nothing has been heard since that it may be shared.
    Undecided,
}

/// Judges a region that began to ail at `began` with failures of `class`. `others` are all other regions of the
/// family, and `is_known` says whether the cause was found to be shared before: then it goes on for as long
/// as half of the regions fail, whenever each began.
pub fn judge(
    class: FailureClass,
    began: Moment,
    is_known: bool,
    others: impl Iterator<Item = PeerCondition>,
) -> Correlation {
    if class == FailureClass::Refused {
        return Correlation::None;
    }
    let (mut all, mut alike, mut unheard) = (1, 1, 0);
    for other in others {
        all += 1;
        match other {
            PeerCondition::Sick(of, at) => {
                let is_together = at.since(began).max(began.since(at)) <= TOGETHER;
                alike += usize::from(of == class && (is_known || is_together));
            }
            PeerCondition::Unheard => unheard += 1,
            PeerCondition::Well | PeerCondition::Mixed => {}
        }
    }
    let half = usize::max(2, usize::div_ceil(all, 2));
    match () {
        () if alike >= half => Correlation::Found,
        () if alike >= 2 && alike + unheard >= half => Correlation::Undecided,
        () => Correlation::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Judges a region that times out since second 100. The others: `t100` times out since then, `s` bad
    /// status, `r` refuses, `.` well, `?` unheard.
    fn check(others: &str, is_known: bool, expected: Correlation) {
        let condition = |word: &str| {
            let at = |rest: &str| Moment(rest.parse::<u64>().expect("a second") * 1000);
            match word.split_at(1) {
                ("t", rest) => PeerCondition::Sick(FailureClass::Timeout, at(rest)),
                ("s", rest) => PeerCondition::Sick(FailureClass::Status, at(rest)),
                ("r", rest) => PeerCondition::Sick(FailureClass::Refused, at(rest)),
                ("?", _) => PeerCondition::Unheard,
                _ => PeerCondition::Well,
            }
        };
        let others = others.split_whitespace().map(condition);
        assert_eq!(judge(FailureClass::Timeout, Moment(100_000), is_known, others), expected);
    }

    #[test]
    fn half_of_the_regions_failing_alike_within_a_minute_have_a_shared_cause() {
        check("t100 t130 . . .", false, Correlation::Found);
        check("t100 . . . .", false, Correlation::None);
        check("t100 s100 . . .", false, Correlation::None);
        check("t100 t161 . . .", false, Correlation::None);
        check("t100 t161 . . .", true, Correlation::Found);
    }

    #[test]
    fn one_of_two_regions_falls_alone_and_both_together_do_not() {
        check(".", false, Correlation::None);
        check("t90", false, Correlation::Found);
        check("", false, Correlation::None);
    }

    #[test]
    fn a_region_that_refuses_is_dead_whatever_the_others_have() {
        let others = || [PeerCondition::Sick(FailureClass::Refused, Moment(0)); 5].into_iter();
        assert_eq!(judge(FailureClass::Refused, Moment(0), false, others()), Correlation::None);
        check("t100 t100 r100 . .", false, Correlation::Found);
    }

    #[test]
    fn while_others_ail_alike_the_unheard_are_waited_for_and_else_not() {
        check("t100 ? . . .", false, Correlation::Undecided);
        check("? ? ? ? ?", false, Correlation::None);
        check("t100 ? . . . . . . .", false, Correlation::None);
    }
}
