//! Events about losses that would end badly.

use super::{Condition, Event, EventKind};
use crate::moment::Moment;
use crate::severity::Severity;

/// How many regions an event names.
const NAMED: usize = 8;

/// A region whose loss would end badly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLoss {
    pub region: String,
    /// What is bad about it, in a sentence.
    pub why: String,
}

impl Event {
    /// The loss of any of these regions would end badly. There is at least one.
    pub fn redundancy_lost(losses: &[BadLoss], at: Moment) -> Self {
        let (first, others) = losses.split_first().expect("raised only for losses");
        let mut text = format!("the loss of {} would end badly now: {}", first.region, first.why);
        if !others.is_empty() {
            let names: Vec<_> = others.iter().take(NAMED).map(|loss| loss.region.as_str()).collect();
            text += &format!("; so would that of {}", names.join(", "));
            if others.len() > NAMED {
                text += &format!(" and {} more", others.len() - NAMED);
            }
        }
        let count = losses.len();
        Self::new(EventKind::REDUNDANCY_LOST, Severity::Warning, text, at)
            .turns("redundant", "exposed")
            .because(&first.why)
            .seen_by(format!("{count} {} forecast to end badly", if count == 1 { "loss" } else { "losses" }))
            .raises(&Condition::Redundancy)
    }

    /// The loss of any one region would end well again.
    pub fn redundancy_restored(at: Moment) -> Self {
        let text = "the loss of any one region would end well again".to_owned();
        Self::new(EventKind::REDUNDANCY_RESTORED, Severity::Info, text, at)
            .turns("exposed", "redundant")
            .clears(&Condition::Redundancy)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn a_loss_that_would_end_badly_is_told_of_with_the_first_reason_and_the_other_regions() {
        let loss =
            |region: &str| BadLoss { region: region.to_owned(), why: "osaka would be at 120%".to_owned() };
        check(
            &Event::redundancy_lost(&[loss("tokyo"), loss("oregon")], Moment(0)),
            "redundancy_lost Warning -: redundant -> exposed | osaka would be at 120% | 2 losses forecast to end badly | - | \
             redundancy",
            "the loss of tokyo would end badly now: osaka would be at 120%; so would that of oregon",
        );
        check(
            &Event::redundancy_restored(Moment(0)),
            "redundancy_restored Info -: exposed -> redundant | - | - | - | ends redundancy",
            "the loss of any one region would end well again",
        );
    }
}
