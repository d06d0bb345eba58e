//! The accounts of all clients, for all threads, in a fixed place: no lock, no allocation.
//!
//! A set of eight accounts fills a cache line. An account that is not found takes the place of an empty one, or else of
//! the one that is empty soonest, which is counted. Two accounts that share a set and a tag (1 in 2^41) are one.

use std::sync::atomic::{AtomicU64, Ordering};

use super::account::{Account, Charge, Rate, Tick};

/// The accounts. One answer keeps an account busy for 3 ms with the usual rates, so that a million forged senders a second
/// need 7 000 of them.
pub const ACCOUNTS: usize = 1 << 16;

const WAYS: usize = 8;
const SETS: usize = ACCOUNTS / WAYS;

/// How often a charge is tried again because another thread charged the same account. More means a flood from one
/// network, where the next reply is over the limit anyway.
const ATTEMPTS: usize = 4;

/// Charges are independent words, and nothing else is read by them: relaxed.
const ORDER: Ordering = Ordering::Relaxed;

#[derive(Debug, Default)]
#[repr(align(64))]
struct Set([AtomicU64; WAYS]);

/// All accounts.
#[derive(Debug)]
pub struct AccountTable {
    sets: Box<[Set]>,
}

/// What is charged, and by which rule.
#[derive(Clone, Copy, Debug)]
pub struct Fee {
    pub units: u32,
    pub rate: Rate,
    /// Of the replies over the limit each so many-th is told so; zero: none.
    pub slip: u32,
}

impl Default for AccountTable {
    fn default() -> Self {
        Self { sets: (0..SETS).map(|_| Set::default()).collect() }
    }
}

impl AccountTable {
    /// Charges the account of a hash. The second part of the result says whether another account lost its place, although
    /// it was not empty.
    pub fn charge(&self, hash: u64, fee: Fee, now: Tick) -> (Charge, bool) {
        let set = &self.sets[hash as usize % SETS].0;
        let tag = Account::tag_of(hash);
        for _ in 0..ATTEMPTS {
            let words: [u64; WAYS] = std::array::from_fn(|way| set[way].load(ORDER));
            let found = words.iter().position(|word| Account(*word).has(tag));
            let (way, account, evicts) = match found {
                Some(way) => (way, Account(words[way]), false),
                None => {
                    let debt = |way: &usize| Account(words[*way]).debt(now);
                    let way = (0..WAYS).min_by_key(debt).expect("there are some");
                    (way, Account::open(tag, now), debt(&way) > 0)
                }
            };
            let (after, charge) = account.charge(fee.units, fee.rate, fee.slip, now);
            if set[way].compare_exchange(words[way], after.0, ORDER, ORDER).is_ok() {
                return (charge, evicts);
            }
        }
        (Charge::Silent, false)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::moment::Moment;

    const NOW: Moment = Moment(1_000_000);

    fn fee(per_second: u32) -> Fee {
        Fee { units: 1, rate: Rate::new(per_second, 1), slip: 0 }
    }

    /// Charges accounts by their hashes, at one moment; returns how many were paid, and how many lost their place.
    fn check(table: &AccountTable, hashes: impl Iterator<Item = u64>, expected: (usize, usize)) {
        let charges: Vec<_> = hashes.map(|hash| table.charge(hash, fee(2), NOW.into())).collect();
        let paid = charges.iter().filter(|(charge, _)| *charge == Charge::Paid).count();
        let evicted = charges.iter().filter(|(_, evicts)| *evicts).count();
        assert_eq!((paid, evicted), expected);
    }

    #[test]
    fn each_hash_has_an_account_of_its_own() {
        let table = AccountTable::default();
        check(&table, [1, 1, 1].into_iter(), (2, 0));
        // In the same set, with other tags.
        check(&table, (1..8).flat_map(|tag| [tag << 40 | 1; 3]), (14, 0));
        check(&table, [2, 2, 2].into_iter(), (2, 0));
    }

    #[test]
    fn a_set_that_is_full_gives_up_the_account_that_is_empty_soonest() {
        let table = AccountTable::default();
        let of = |tag: u64| tag << 40 | 1;
        // The first is charged once, the others twice.
        check(&table, [of(1)].into_iter().chain((2..=8).flat_map(|tag| [of(tag); 2])), (15, 0));
        check(&table, [of(9)].into_iter(), (1, 1));
        check(&table, (2..=8).map(of), (0, 0));
    }

    #[test]
    fn threads_that_charge_one_account_pay_what_one_thread_would() {
        let table = AccountTable::default();
        let count = || {
            let charges = (0..2000).map(|_| table.charge(7, fee(1000), NOW.into()).0);
            charges.filter(|charge| *charge == Charge::Paid).count()
        };
        let paid: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(count)).collect();
            threads.into_iter().map(|thread| thread.join().expect("it ends")).sum()
        });
        assert_eq!(paid, 1000);
    }
}
