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

/// Charges are independent words, and nothing else is read by them: relaxed.
const ORDER: Ordering = Ordering::Relaxed;

/// Of two threads that open the same account at once, the later one must see what the other has written elsewhere.
const OPENING: Ordering = Ordering::SeqCst;

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
    /// Charges the account of a hash, once and whole, however many threads charge it. The second part of the result says
    /// whether another account lost its place, although it was not empty.
    ///
    /// It is tried until it is won: whoever loses has lost to a charge that was made, so that one thread always gets on.
    pub fn charge(&self, hash: u64, fee: Fee, now: Tick) -> (Charge, bool) {
        let set = &self.sets[hash as usize % SETS].0;
        let tag = Account::tag_of(hash);
        let mut has_evicted = false;
        loop {
            let words: [u64; WAYS] = std::array::from_fn(|way| set[way].load(ORDER));
            if let Some(way) = words.iter().position(|word| Account(*word).has(tag)) {
                let (after, charge) = Account(words[way]).charge(fee.units, fee.rate, fee.slip, now);
                if set[way].compare_exchange_weak(words[way], after.0, ORDER, ORDER).is_ok() {
                    return (charge, has_evicted);
                }
                continue;
            }
            let debt = |way: &usize| Account(words[*way]).debt(now);
            let way = (0..WAYS).min_by_key(debt).expect("there are some");
            let (after, charge) = Account::open(tag, now).charge(fee.units, fee.rate, fee.slip, now);
            if set[way].compare_exchange(words[way], after.0, OPENING, ORDER).is_err() {
                continue;
            }
            has_evicted |= debt(&way) > 0;
            // Another thread may have opened it at another place, as that of the emptiest changed between the two. It is
            // taken back, unless a third one has charged it by now: then both stay, and are worth two bursts at most.
            let is_double = set.iter().filter(|word| Account(word.load(OPENING)).has(tag)).count() > 1;
            if is_double && set[way].compare_exchange(after.0, 0, OPENING, ORDER).is_ok() {
                continue;
            }
            return (charge, has_evicted);
        }
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

    /// Has four threads charge the accounts of these hashes by turns, each so often, and returns how many were paid.
    fn paid_by_threads(table: &AccountTable, hashes: &[u64], rounds: usize, fee: Fee) -> usize {
        let count = || {
            let hashes = (0..rounds).flat_map(|_| hashes);
            hashes.filter(|hash| table.charge(**hash, fee, NOW.into()).0 == Charge::Paid).count()
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(count)).collect();
            threads.into_iter().map(|thread| thread.join().expect("it ends")).sum()
        })
    }

    #[test]
    fn no_charge_is_lost_or_refused_because_threads_charge_one_account_at_once() {
        // However often each loses the race, all are within the limit: 40 000 of 100 000.
        assert_eq!(paid_by_threads(&AccountTable::default(), &[7], 10_000, fee(100_000)), 40_000);
        assert_eq!(paid_by_threads(&AccountTable::default(), &[7], 10_000, fee(1000)), 1000);
    }

    #[test]
    fn threads_that_open_accounts_of_a_set_at_once_open_each_of_them_once() {
        let table = AccountTable::default();
        let hashes: Vec<u64> =
            (0..SETS as u64).flat_map(|set| (1..=WAYS as u64).map(move |tag| tag << 40 | set)).collect();
        assert_eq!(paid_by_threads(&table, &hashes, 1, fee(2)), 2 * hashes.len());
        let twice = table.sets.iter().filter(|set| {
            let mut tags: Vec<u64> = set.0.iter().map(|word| word.load(ORDER) >> 36).collect();
            tags.sort_unstable();
            tags.windows(2).any(|pair| pair[0] == pair[1])
        });
        assert_eq!(twice.count(), 0);
    }
}
