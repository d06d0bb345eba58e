//! Correlated failure: when half of the regions ail for one reason, the reason is not in the regions.
//!
//! A deployment that breaks every health page, a certificate that expires everywhere, a dependency that all
//! of them share: moving clients between equally sick regions helps nobody and crushes whoever is judged
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
pub enum Condition {
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
pub enum Cause {
    /// Its own: it leaves.
    Own,
    /// One that half of the regions have: it stays.
    Shared,
    /// Some others ail alike, and of so many nothing has been heard since that it may be shared.
    Open,
}

/// Judges a region that began to ail at `began` with failures of `class`. `others` are all other regions of the
/// family, and `is_known` says whether the cause was found to be shared before: then it goes on for as long
/// as half of the regions ail, whenever each began.
pub fn judge(
    class: FailureClass,
    began: Moment,
    is_known: bool,
    others: impl Iterator<Item = Condition>,
) -> Cause {
    if class == FailureClass::Refused {
        return Cause::Own;
    }
    let (mut all, mut alike, mut unheard) = (1, 1, 0);
    for other in others {
        all += 1;
        match other {
            Condition::Sick(of, at) => {
                let is_together = at.since(began).max(began.since(at)) <= TOGETHER;
                alike += usize::from(of == class && (is_known || is_together));
            }
            Condition::Unheard => unheard += 1,
            Condition::Well | Condition::Mixed => {}
        }
    }
    let half = usize::max(2, usize::div_ceil(all, 2));
    match () {
        () if alike >= half => Cause::Shared,
        () if alike >= 2 && alike + unheard >= half => Cause::Open,
        () => Cause::Own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Judges a region that times out since second 100. The others: `t100` times out since then, `s` bad
    /// status, `r` refuses, `.` well, `?` unheard.
    fn check(others: &str, is_known: bool, expected: Cause) {
        let condition = |word: &str| {
            let at = |rest: &str| Moment(rest.parse::<u64>().expect("a second") * 1000);
            match word.split_at(1) {
                ("t", rest) => Condition::Sick(FailureClass::Timeout, at(rest)),
                ("s", rest) => Condition::Sick(FailureClass::Status, at(rest)),
                ("r", rest) => Condition::Sick(FailureClass::Refused, at(rest)),
                ("?", _) => Condition::Unheard,
                _ => Condition::Well,
            }
        };
        let others = others.split_whitespace().map(condition);
        assert_eq!(judge(FailureClass::Timeout, Moment(100_000), is_known, others), expected);
    }

    #[test]
    fn half_of_the_regions_failing_alike_within_a_minute_have_a_shared_cause() {
        check("t100 t130 . . .", false, Cause::Shared);
        check("t100 . . . .", false, Cause::Own);
        check("t100 s100 . . .", false, Cause::Own);
        check("t100 t161 . . .", false, Cause::Own);
        check("t100 t161 . . .", true, Cause::Shared);
    }

    #[test]
    fn one_of_two_regions_falls_alone_and_both_together_do_not() {
        check(".", false, Cause::Own);
        check("t90", false, Cause::Shared);
        check("", false, Cause::Own);
    }

    #[test]
    fn a_region_that_refuses_is_dead_whatever_the_others_have() {
        let others = || [Condition::Sick(FailureClass::Refused, Moment(0)); 5].into_iter();
        assert_eq!(judge(FailureClass::Refused, Moment(0), false, others()), Cause::Own);
        check("t100 t100 r100 . .", false, Cause::Shared);
    }

    #[test]
    fn while_others_ail_alike_the_unheard_are_waited_for_and_else_not() {
        check("t100 ? . . .", false, Cause::Open);
        check("? ? ? ? ?", false, Cause::Own);
        check("t100 ? . . . . . . .", false, Cause::Own);
    }
}
