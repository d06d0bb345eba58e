//! The rule: an account that drains with time, and is charged for each reply.
//!
//! It is the generic cell rate algorithm: an account is the moment at which it is empty. A charge moves that moment into
//! the future by what the reply costs, and a reply whose charge would move it further than the burst is over the limit, and
//! not charged. So over any time the charges are at most what the rate gives in that time, and one burst.
//!
//! Time is counted in ticks of a clock that is never set, modulo 2^32: 12 hours. An account whose moment is not within
//! [`LIVE`] from now is empty, so that an old one means nothing.

use crate::moment::Moment;

/// Ticks of a millisecond: one octet at 10 kB a second is ten of them.
const TICKS_PER_MILLISECOND: u64 = 100;
const TICKS_PER_SECOND: u64 = 1000 * TICKS_PER_MILLISECOND;

/// The furthest that an account is in the future: the longest burst, and a second by which the clocks of two batches may
/// differ.
const LIVE: u32 = (3 * TICKS_PER_SECOND) as u32;

/// The bits of a word: a tag, how many replies were over the limit, the moment.
const TAG_BITS: u32 = 28;
const OVER_BITS: u32 = 4;
const MOMENT_BITS: u32 = 32;
const _: () = assert!(TAG_BITS + OVER_BITS + MOMENT_BITS == u64::BITS);

/// The binary places of the cost of a unit.
const FRACTION: u32 = 16;

/// A moment in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick(u32);

impl From<Moment> for Tick {
    fn from(moment: Moment) -> Self {
        // Modulo 2^32.
        Self(moment.0.wrapping_mul(TICKS_PER_MILLISECOND) as u32)
    }
}

/// How fast an account drains, and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Ticks for a unit, in units of 2^-16, rounded up.
    cost: u64,
    /// In ticks.
    burst: u32,
}

impl Rate {
    /// So many units a second, of which those of so many seconds, one or two, may come at once.
    pub fn new(per_second: u32, seconds: u32) -> Self {
        let cost = (TICKS_PER_SECOND << FRACTION).div_ceil(u64::from(per_second.max(1)));
        // One unit always has room.
        let burst = (u64::from(seconds) * TICKS_PER_SECOND).max((cost >> FRACTION) + 1);
        Self { cost, burst: u32::try_from(burst).unwrap_or(LIVE).min(LIVE) }
    }

    /// Returns the ticks that units take, rounded up.
    fn ticks(self, units: u32) -> u32 {
        let ticks = (u64::from(units) * self.cost).div_ceil(1 << FRACTION);
        u32::try_from(ticks).unwrap_or(u32::MAX)
    }
}

/// What comes of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charge {
    /// It is within the limit.
    Paid,
    /// It is over it, and one of those that are told so.
    Told,
    /// It is over it.
    Silent,
}

/// An account as one word, which a table can swap as a whole. Zero is an empty account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account(pub u64);

impl Account {
    /// Returns the tag of a hash: bits of it that do not choose the place in a table. Zero is that of a free place.
    pub fn tag_of(hash: u64) -> u64 {
        (hash >> (u64::BITS - TAG_BITS)).max(1)
    }

    /// Returns an empty account.
    pub fn open(tag: u64, now: Tick) -> Self {
        Self(tag << (OVER_BITS + MOMENT_BITS) | u64::from(now.0))
    }

    /// Returns whether it has this tag.
    pub fn has(self, tag: u64) -> bool {
        self.0 >> (OVER_BITS + MOMENT_BITS) == tag
    }

    /// Returns how many ticks it takes until the account is empty; zero: it is.
    pub fn debt(self, now: Tick) -> u32 {
        // Modulo 2^32, as the moment is.
        let ahead = (self.0 as u32).wrapping_sub(now.0);
        if ahead <= LIVE { ahead } else { 0 }
    }

    /// Charges an account for a reply of so many units. Of those over the limit each `slip`-th is told; zero: none.
    pub fn charge(self, units: u32, rate: Rate, slip: u32, now: Tick) -> (Self, Charge) {
        let tag = self.0 >> (OVER_BITS + MOMENT_BITS);
        let over = (self.0 >> MOMENT_BITS) as u32 & ((1 << OVER_BITS) - 1);
        let debt = self.debt(now);
        let after = debt.saturating_add(rate.ticks(units));
        let (debt, over, charge) = if after <= rate.burst {
            (after, over, Charge::Paid)
        } else if slip > 0 && over + 1 >= slip {
            (debt, 0, Charge::Told)
        } else {
            (debt, (over + 1).min((1 << OVER_BITS) - 1), Charge::Silent)
        };
        let head = tag << OVER_BITS | u64::from(over);
        (Self(head << MOMENT_BITS | u64::from(now.0.wrapping_add(debt))), charge)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Charges an account with a unit at each of these milliseconds; returns `p` for paid, `t` for told, `-` for silent.
    fn check(per_second: u32, slip: u32, at: &[u64], expected: &str) {
        let rate = Rate::new(per_second, 1);
        let mut account = Account::default();
        let charges = at.iter().map(|at| {
            let (after, charge) = account.charge(1, rate, slip, Moment(*at).into());
            account = after;
            match charge {
                Charge::Paid => 'p',
                Charge::Told => 't',
                Charge::Silent => '-',
            }
        });
        assert_eq!(charges.collect::<String>(), expected, "{per_second}/s, slip {slip}, {at:?}");
    }

    #[test]
    fn a_burst_of_a_second_is_paid_and_then_the_rate() {
        check(4, 0, &[9; 6], "pppp--");
        check(4, 0, &[9, 9, 9, 9, 200, 259, 260, 509, 1009], "pppp-p-pp");
        check(1, 0, &[0, 500, 999, 1000, 1500, 2000], "p--p-p");
    }

    #[test]
    fn of_what_is_over_the_limit_each_so_many_th_is_told() {
        check(1, 1, &[5; 5], "ptttt");
        check(1, 2, &[5; 6], "p-t-t-");
        check(1, 3, &[5; 8], "p--t--t-");
        check(1, 10, &[5; 12], "p---------t-");
    }

    #[test]
    fn an_old_account_and_one_from_far_ahead_are_empty() {
        check(1, 0, &[0, 0, 60_000, 60_000, 43_000_000, 43_000_000], "p-p-p-");
        check(1, 0, &[90_000, 90_000, 20_000, 20_000, 21_000], "p-p-p");
    }

    #[test]
    fn an_account_keeps_its_tag_and_no_word_makes_it_panic() {
        proptest!(|(word: u64, units: u32, rate in 1u32.., slip in 0u32..=10, now: u64)| {
            let account = Account(word | 1 << 63);
            let tag = Account::tag_of(account.0);
            prop_assert!(account.has(tag));
            let (after, charge) = account.charge(units, Rate::new(rate, 2), slip, Moment(now).into());
            prop_assert!(after.has(tag));
            prop_assert!(charge == Charge::Paid || after.debt(Moment(now).into()) == account.debt(Moment(now).into()));
        });
    }

    proptest! {
        /// Over any ten seconds the paid units are those that the rate gives in that time and those of the burst.
        #[test]
        fn what_is_paid_over_any_time_is_bounded(
            rate in 1000u32..100_000,
            start in 0u64..1 << 45,
            requests in prop::collection::vec((0u64..30, 0u32..1300), 1..4000),
        ) {
            let mut account = Account::default();
            let mut now = start;
            let mut paid: Vec<(u64, u64)> = Vec::new();
            for (pause, units) in requests {
                now += pause;
                let (after, charge) = account.charge(units, Rate::new(rate, 2), 2, Moment(now).into());
                account = after;
                if charge == Charge::Paid {
                    paid.push((now, units.into()));
                }
            }
            for (from, (begin, _)) in paid.iter().enumerate() {
                let within = paid[from..].iter().take_while(|(at, _)| at - begin < 10_000);
                let sum: u64 = within.map(|(_, units)| units).sum();
                prop_assert!(sum <= 12 * u64::from(rate), "{sum} at {rate}");
                if from > 50 { break }
            }
        }
    }
}
