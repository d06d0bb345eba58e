//! References: targets outside the regions, which tell an outage of this instance's own network from one of the regions.
//!
//! What is kept of each is when it answered last. A question about a failure is answered from that alone, given when the
//! failure began:
//!
//! | | |
//! |---|---|
//! | *sees well* | a majority of those that count has answered since |
//! | *blind* | at least one counts, and none has answered since |
//!
//! A reference that had not answered for [`COUNTS_FOR`] when the failure began does not count: it was gone before, for a
//! reason of its own. In an outage that lasts for hours all of them still count, for they answered until it began. One
//! that is watched for less than that counts although it never answered, for the process may have started in the outage.
//! Without references nothing is ever said.

use std::time::Duration;

use crate::canary::ReferenceSighting;
use crate::moment::{Moment, follows_clock};

/// One that has not answered for so long does not count for what begins to fail then, and is an alarm (design, section
/// 5).
pub const COUNTS_FOR: Duration = Duration::from_secs(600);

/// What is known of the references.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReferenceBoard {
    list: Vec<Reference>,
}

/// What is known of one reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Its name: what the configuration says of it.
    pub name: String,
    /// When it was first watched.
    pub watched_since: Moment,
    /// When it answered last; `None`: it never has.
    pub answered: Option<Moment>,
    /// Why its last probe was not answered; `None`: it was, or there was none yet.
    pub trouble: Option<String>,
}

impl ReferenceBoard {
    /// Watches these from now on, and keeps what is known of those that were watched before.
    pub fn watch(&mut self, names: &[String], now: Moment) {
        let mut before = std::mem::take(&mut self.list);
        let reference = |name: &String| match before.iter().position(|known| known.name == *name) {
            Some(place) => before.swap_remove(place),
            None => Reference { name: name.clone(), watched_since: now, answered: None, trouble: None },
        };
        self.list = names.iter().map(reference).collect();
    }

    /// Takes the result of a probe. One of a reference that is not watched any more says nothing.
    pub fn observe(&mut self, seen: &ReferenceSighting) {
        let Some(reference) = self.list.iter_mut().find(|reference| reference.name == seen.name) else {
            return;
        };
        if seen.result.is_ok() {
            reference.answered = reference.answered.max(Some(seen.at));
        }
        reference.trouble = seen.result.clone().err();
    }

    /// Returns whether this instance has seen well since then: whether a majority of the references that count has
    /// answered. Without any, nothing says so.
    pub fn sees_well(&self, since: Moment) -> bool {
        let (answered, counting) = self.answered_since(since);
        answered * 2 > counting
    }

    /// Returns whether this instance may have seen nothing at all since then: whether none of the references that count
    /// has answered, of which there is one at least.
    pub fn is_blind(&self, since: Moment) -> bool {
        let (answered, counting) = self.answered_since(since);
        counting > 0 && answered == 0
    }

    /// Returns those that have not answered for as long as makes them count no more.
    pub fn lost(&self, now: Moment) -> impl Iterator<Item = &Reference> {
        self.list.iter().filter(move |reference| now >= reference.lost_at())
    }

    /// Returns when the next one is lost unless it answers; `None`: there is none that could be.
    pub fn wake(&self, now: Moment) -> Option<Moment> {
        self.list.iter().map(Reference::lost_at).filter(|lost_at| *lost_at > now).min()
    }

    /// Returns what is known of each, in the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = &Reference> {
        self.list.iter()
    }

    /// Returns how many have answered since then, and how many count.
    fn answered_since(&self, since: Moment) -> (usize, usize) {
        let counting = self.list.iter().filter(|reference| reference.lost_at() >= since);
        let has_answered = |reference: &Reference| reference.answered.is_some_and(|at| at >= since);
        counting.fold((0, 0), |(answered, all), one| (answered + usize::from(has_answered(one)), all + 1))
    }
}

impl Reference {
    fn lost_at(&self) -> Moment {
        self.answered.unwrap_or(self.watched_since).plus(COUNTS_FOR)
    }
}

follows_clock!(ReferenceBoard: list);
follows_clock!(Reference: watched_since, answered);

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets references answer last at these seconds (`-`: never), and says how it is since second 1 000: `well`, `blind`,
    /// or neither.
    fn check(answered: &str, expected: &str) {
        let names: Vec<String> =
            answered.split_whitespace().zip('a'..).map(|(_, name)| name.into()).collect();
        let mut references = ReferenceBoard::default();
        references.watch(&names, Moment(0));
        for (name, second) in names.iter().zip(answered.split_whitespace()) {
            let result = second.parse::<u64>().map_err(|_| "no answer".to_owned());
            let at = Moment(result.clone().unwrap_or(0) * 1000);
            references.observe(&ReferenceSighting { name: name.clone(), at, result: result.map(drop) });
        }
        let since = Moment(1_000_000);
        let said = match (references.sees_well(since), references.is_blind(since)) {
            (true, false) => "well",
            (false, true) => "blind",
            (false, false) => "neither",
            (true, true) => "both",
        };
        assert_eq!(said, expected, "{answered}");
    }

    #[test]
    fn a_majority_that_answers_sees_well_and_none_is_blind() {
        check("1001 1002 995", "well");
        check("1001 995", "neither");
        check("995 990", "blind");
        check("999", "blind");
        check("1001", "well");
    }

    #[test]
    fn without_references_nothing_is_said() {
        check("", "neither");
        check("- -", "neither");
    }

    #[test]
    fn one_that_was_gone_for_ten_minutes_before_does_not_count() {
        check("399 1001", "well");
        check("399", "neither");
        check("400", "blind");
        check("399 - 999", "blind");
    }

    #[test]
    fn an_instance_that_starts_while_no_reference_answers_is_blind() {
        let mut references = ReferenceBoard::default();
        references.watch(&["a".to_owned()], Moment(0));
        assert!(references.is_blind(Moment(5_000)));
        assert!(!references.is_blind(Moment(600_001)), "it is lost by then");
    }

    #[test]
    fn in_an_outage_of_hours_the_instance_stays_blind_and_says_that_the_references_are_lost() {
        let mut references = ReferenceBoard::default();
        references.watch(&["a".to_owned()], Moment(0));
        references.observe(&ReferenceSighting { name: "a".to_owned(), at: Moment(5_000), result: Ok(()) });
        let lost_at = Moment(605_000);
        assert_eq!(references.wake(Moment(6_000)), Some(lost_at));
        assert_eq!(references.lost(Moment(lost_at.0 - 1)).count(), 0);
        let hours = Moment(9 * 3_600_000);
        assert_eq!((references.lost(hours).count(), references.wake(hours)), (1, None));
        assert!(references.is_blind(Moment(6_000)), "whenever one asks");
    }

    #[test]
    fn a_reload_keeps_what_is_known_of_those_that_stay() {
        let mut references = ReferenceBoard::default();
        references.watch(&["a".to_owned(), "b".to_owned()], Moment(0));
        references.observe(&ReferenceSighting { name: "b".to_owned(), at: Moment(7), result: Ok(()) });
        references.watch(&["c".to_owned(), "b".to_owned()], Moment(9));
        let known: Vec<_> = references.iter().map(|one| (one.name.as_str(), one.answered)).collect();
        assert_eq!(known, [("c", None), ("b", Some(Moment(7)))]);
    }
}
