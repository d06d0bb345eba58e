//! The rule of the quorum: in which state something is that several observers see.
//!
//! Each observer has a vote, the state in which its own probes leave what is judged. The state of all is the one that the
//! quorum sees, or a worse one: with `all` of two, the better of two; with a `majority` of three, the middle one. It is a
//! level and no edge: the same votes are the same state, in whatever order they came.
//!
//! An observer that is silent may see anything. Where that makes a difference, the last state is held; where it does not,
//! the quorum has decided without it.

use super::AddressState;

/// How many observers must see something down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownQuorum {
    /// Every one.
    All,
    /// More than half.
    Majority,
    /// So many, or all when there are fewer; at least one.
    Count(u8),
}

impl DownQuorum {
    /// Returns the quorum of so many observers where none is configured: two must agree, and of more most must.
    pub fn usual(observers: usize) -> Self {
        if observers > 2 { Self::Majority } else { Self::All }
    }

    /// Returns how many of so many observers are a quorum; at least one.
    pub fn of(self, observers: usize) -> usize {
        let most = observers.max(1);
        match self {
            Self::All => most,
            Self::Majority => observers / 2 + 1,
            Self::Count(count) => usize::from(count).clamp(1, most),
        }
    }
}

/// What an observer says of something; one that cannot see it is asked nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vote {
    /// Its own probes leave it in this state.
    Sees(AddressState),
    /// It says nothing, and may see anything.
    Silent,
}

/// Returns the state that the quorum sees, given the last one. Without a single voice, that is held.
pub fn joint_state(votes: &[Vote], quorum: DownQuorum, last: AddressState) -> AddressState {
    let seen = votes.iter().filter_map(|vote| match vote {
        Vote::Sees(state) => Some(*state),
        Vote::Silent => None,
    });
    let mut seen: Vec<AddressState> = seen.collect();
    if seen.is_empty() {
        return last;
    }
    seen.sort_unstable_by(|one, other| other.cmp(one));
    let (needed, silent) = (quorum.of(votes.len()), votes.len() - seen.len());
    // If all that are silent saw it up, and if all saw it down.
    let best = seen.get(needed - 1).copied().unwrap_or(AddressState::Up);
    let worst = if silent >= needed { AddressState::Down } else { seen[needed - silent - 1] };
    last.clamp(best.min(worst), worst)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn state(word: &str) -> AddressState {
        let found = AddressState::ALL.into_iter().find(|state| state.as_str() == word);
        found.unwrap_or_else(|| panic!("no state `{word}`"))
    }

    fn votes(text: &str) -> Vec<Vote> {
        let vote = |word| if word == "silent" { Vote::Silent } else { Vote::Sees(state(word)) };
        text.split_whitespace().map(vote).collect()
    }

    fn check(quorum: DownQuorum, last: &str, text: &str, expected: &str) {
        let found = joint_state(&votes(text), quorum, state(last));
        assert_eq!(found.as_str(), expected, "{quorum:?} of {text}, after {last}");
    }

    #[test]
    fn all_of_two_must_see_it_down_and_one_that_sees_it_up_is_enough_to_bring_it_back() {
        check(DownQuorum::All, "up", "down up", "up");
        check(DownQuorum::All, "up", "down suspect", "suspect");
        check(DownQuorum::All, "up", "down down", "down");
        check(DownQuorum::All, "down", "down rising", "rising");
        check(DownQuorum::All, "down", "up down", "up");
    }

    #[test]
    fn of_three_the_middle_one_decides() {
        check(DownQuorum::Majority, "up", "down up up", "up");
        check(DownQuorum::Majority, "up", "up down down", "down");
        check(DownQuorum::Majority, "down", "up down up", "up");
        check(DownQuorum::Count(1), "up", "up up down", "down");
        check(DownQuorum::Count(7), "up", "down down up", "up");
    }

    #[test]
    fn the_last_state_is_held_while_one_that_is_silent_could_decide() {
        check(DownQuorum::All, "up", "down silent", "up");
        check(DownQuorum::All, "suspect", "down silent", "suspect");
        check(DownQuorum::All, "down", "down silent", "down");
        check(DownQuorum::All, "down", "rising silent", "rising");
        check(DownQuorum::Majority, "up", "down up silent", "up");
        check(DownQuorum::Majority, "down", "down up silent", "down");
        check(DownQuorum::Count(1), "up", "up silent", "up");
        check(DownQuorum::All, "down", "silent silent", "down");
        check(DownQuorum::All, "down", "", "down");
    }

    #[test]
    fn nothing_is_held_where_one_that_is_silent_decides_nothing() {
        check(DownQuorum::All, "down", "up silent", "up");
        check(DownQuorum::Majority, "up", "down down silent", "down");
        check(DownQuorum::Majority, "down", "up up silent", "up");
        check(DownQuorum::Count(1), "up", "down silent", "down");
    }

    #[test]
    fn alone_an_observer_is_the_quorum() {
        for quorum in [DownQuorum::All, DownQuorum::Majority, DownQuorum::Count(3)] {
            for own in ["up", "suspect", "rising", "down"] {
                check(quorum, "up", own, own);
            }
        }
    }

    proptest! {
        #[test]
        fn the_order_of_votes_is_no_matter_and_nothing_is_down_without_a_quorum(
            text in proptest::collection::vec(0usize..5, 1..8), last in 0usize..5, count in 1u8..8, kind in 0u8..3,
        ) {
            let quorum = [DownQuorum::All, DownQuorum::Majority, DownQuorum::Count(count)][usize::from(kind)];
            let vote = |index: &usize| match AddressState::ALL[*index] {
                AddressState::Unknown => Vote::Silent,
                state => Vote::Sees(state),
            };
            let votes: Vec<Vote> = text.iter().map(vote).collect();
            let reversed: Vec<Vote> = votes.iter().rev().copied().collect();
            let last = AddressState::ALL[last];
            let found = joint_state(&votes, quorum, last);
            prop_assert_eq!(found, joint_state(&reversed, quorum, last));
            let needed = quorum.of(votes.len());
            let down = votes.iter().filter(|vote| matches!(vote, Vote::Sees(state) if state.is_down())).count();
            let silent = votes.iter().filter(|vote| **vote == Vote::Silent).count();
            prop_assert!(!found.is_down() || down >= needed || last.is_down());
            prop_assert!(found.is_down() || down < needed);
            prop_assert!(silent > 0 || found.is_down() == (down >= needed));
        }
    }
}
