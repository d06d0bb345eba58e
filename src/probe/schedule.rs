//! When which probe is due: the pairs of what is probed and a canary, each in its own rhythm.
//!
//! ```text
//!   watch: a new pair           begin              end
//!  ───────────────────▶ due at ───────▶ under way ─────▶ due at …
//! ```
//!
//! The schedule does no I/O and reads no clock: `now` is passed in, jitter comes from a seed. The prober
//! drives it with tokio's clock, `simulate` with a written one, so that what the simulator promises about
//! detection is what the server does. The calls:
//!
//! - [`ProbeSchedule::watch`] first, and again with every configuration. Pairs that are still in it keep their
//!   rhythm and learn their new numbers; a pair whose check has changed is a new one.
//! - [`ProbeSchedule::begin`] when a pair is due, [`ProbeSchedule::end`] once for each begin. Between the two a pair is
//!   never due, however long its probe takes. A pair may be gone by then: both return `None`.
//!
//! A new pair is due at once, at the start of the server and after a reload alike: until its first probe is back nothing
//! is known of it. After that the pairs of one region and canary take turns, and every pair has jitter of its own, drawn
//! once for each wait and not once for each look at the clock: a reload that leaves the pace alone leaves the rhythm
//! alone. When a turn comes is [`pace`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::canary::{Canary, CanaryId, Epoch, ProbeError, Reach, Subject};
use crate::health::pace::Rhythm;
use crate::health::{Streak, pace};
use crate::moment::Moment;
use crate::region::{RegionId, Regions};

/// What is probed: a `Subject` in words that stay the same when a reload numbers everything anew.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Watched {
    /// One address, in whichever region it is configured.
    Address(IpAddr),
    /// The region with this name, as a whole.
    Region(Arc<str>),
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Region(name) => name.fmt(f),
        }
    }
}

/// The number of a pair, never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PairId(pub u64);

/// One thing that is probed, by one canary, and the numbers that its results are reported under.
#[derive(Clone, Debug)]
pub struct Pair {
    pub(crate) watched: Watched,
    pub(crate) settings: Arc<Canary>,
    pub(crate) epoch: Epoch,
    pub(crate) subject: Subject,
    /// Where the subject is.
    pub(crate) region: RegionId,
    pub(crate) canary: CanaryId,
}

/// The pairs of a configuration, and when each is due.
#[derive(Debug)]
pub struct ProbeSchedule {
    pairs: BTreeMap<PairId, Paced>,
    /// Of the pairs that are not under way, the first one first.
    due: BTreeSet<(Moment, PairId)>,
    /// When the pairs of a region and canary take their first turn, a part of a period from 0 to 1; by the names of both.
    starts: HashMap<(String, String), f64>,
    started: u64,
    random: fastrand::Rng,
}

/// A pair with its rhythm.
#[derive(Debug)]
struct Paced {
    pair: Pair,
    rhythm: Rhythm,
    random: fastrand::Rng,
    /// From 0 to 1, for the present wait.
    jitter: f64,
    streak: Streak,
    /// When the last probe started, and how long it took; `None` before the end of the first.
    last: Option<(Moment, Duration)>,
    /// `None` while a probe is under way.
    due: Option<Moment>,
}

impl ProbeSchedule {
    /// Returns a schedule without pairs.
    pub fn new(seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self { pairs: BTreeMap::new(), due: BTreeSet::new(), starts: HashMap::new(), started: 0, random }
    }

    /// Schedules what a configuration says from now on, and returns the pairs that are new.
    pub fn watch(
        &mut self,
        regions: &Regions,
        canaries: &[Canary],
        epoch: Epoch,
        now: Moment,
    ) -> Vec<PairId> {
        let mut before: HashMap<_, _> = std::mem::take(&mut self.pairs)
            .into_iter()
            .map(|(id, paced)| ((paced.pair.watched.clone(), paced.pair.settings.name.clone()), (id, paced)))
            .collect();
        self.due.clear();
        let mut new = Vec::new();
        let pairs: Vec<_> = pairs(regions, canaries, epoch).collect();
        for (pair, rhythm) in self.rhythms(regions, &pairs) {
            let known = before.remove(&(pair.watched.clone(), pair.settings.name.clone()));
            let kept = known.filter(|(_, paced)| paced.pair.settings.check == pair.settings.check);
            let (id, paced) = match kept {
                Some((id, paced)) => (id, paced.follow(pair, rhythm, now)),
                None => {
                    self.started += 1;
                    new.push(PairId(self.started));
                    (PairId(self.started), Paced::new(pair, rhythm, self.random.fork(), now))
                }
            };
            self.due.extend(paced.due.map(|at| (at, id)));
            self.pairs.insert(id, paced);
        }
        new
    }

    /// Returns the pairs with their turns: those of one region and canary take them evenly.
    fn rhythms(&mut self, regions: &Regions, pairs: &[Pair]) -> Vec<(Pair, Rhythm)> {
        let mut counts: HashMap<_, usize> = HashMap::new();
        pairs.iter().for_each(|pair| *counts.entry((pair.region, pair.canary)).or_default() += 1);
        let (mut before, mut taken) = (std::mem::take(&mut self.starts), HashMap::new());
        let rhythms = pairs.iter().map(|pair| {
            let name = (regions.region(pair.region).name.clone(), pair.settings.name.clone());
            let start = self
                .starts
                .entry(name)
                .or_insert_with_key(|name| before.remove(name).unwrap_or_else(|| self.random.f64()));
            let index: &mut usize = taken.entry((pair.region, pair.canary)).or_default();
            let rhythm = Rhythm::of(*start, *index, counts[&(pair.region, pair.canary)]);
            *index += 1;
            (pair.clone(), rhythm)
        });
        rhythms.collect()
    }

    /// Drops every pair. What probes that are under way find is of no interest any more.
    pub fn clear(&mut self) {
        self.pairs.clear();
        self.due.clear();
        self.starts.clear();
    }

    /// Drops one pair until the next configuration.
    pub fn remove(&mut self, id: PairId) {
        if let Some(at) = self.pairs.remove(&id).and_then(|paced| paced.due) {
            self.due.remove(&(at, id));
        }
    }

    /// Returns the pairs in the order of their numbers.
    pub fn pairs(&self) -> impl Iterator<Item = (PairId, &Pair)> {
        self.pairs.iter().map(|(id, paced)| (*id, &paced.pair))
    }

    /// Returns a pair; `None`: it is gone.
    pub fn pair(&self, id: PairId) -> Option<&Pair> {
        self.pairs.get(&id).map(|paced| &paced.pair)
    }

    /// Returns when each pair is due that is not under way, the first one first.
    pub fn due(&self) -> impl Iterator<Item = (Moment, PairId)> {
        self.due.iter().copied()
    }

    /// Takes note that a probe starts. `None`: the pair is gone, under way, or not due yet.
    pub fn begin(&mut self, id: PairId, now: Moment) -> Option<&Pair> {
        let paced = self.pairs.get_mut(&id)?;
        let at = paced.due.take_if(|at| *at <= now)?;
        self.due.remove(&(at, id));
        Some(&paced.pair)
    }

    /// Takes note that a probe has ended, and returns its pair and when that is due again. `None`: the pair is
    /// gone. One that was blind leaves the pace as it is.
    pub fn end(
        &mut self,
        id: PairId,
        result: &Result<(), ProbeError>,
        took: Duration,
        now: Moment,
    ) -> Option<(&Pair, Moment)> {
        let paced = self.pairs.get_mut(&id)?;
        let at = paced.end(result, took, now);
        self.due.insert((at, id));
        Some((&paced.pair, at))
    }
}

impl Paced {
    /// Starts the rhythm of a pair, whose first probe comes at once.
    fn new(pair: Pair, rhythm: Rhythm, mut random: fastrand::Rng, now: Moment) -> Self {
        let jitter = random.f64();
        Self { pair, rhythm, random, jitter, streak: Streak::default(), last: None, due: Some(now) }
    }

    /// Goes on under other numbers, and at another pace or turn if that has changed.
    fn follow(mut self, pair: Pair, rhythm: Rhythm, now: Moment) -> Self {
        (self.pair, self.rhythm) = (pair, rhythm);
        self.due = self.due.map(|_| self.next(now));
        self
    }

    /// Takes note of a probe, and returns when the next one is due.
    fn end(&mut self, result: &Result<(), ProbeError>, took: Duration, now: Moment) -> Moment {
        match result {
            Ok(()) | Err(ProbeError::Failed(_)) => {
                self.streak.count(result.is_ok(), self.pair.settings.thresholds);
            }
            Err(ProbeError::Blind(_)) => {}
        }
        // When it started and not when it was due: one that had to wait for a slot keeps its distance to the next.
        self.last = Some((now.minus(took), took));
        self.jitter = self.random.f64();
        let due = self.next(now);
        self.due = Some(due);
        due
    }

    /// Returns when the next probe is due.
    fn next(&self, now: Moment) -> Moment {
        let regular = self.last.map(|(started, took)| {
            pace::due(&self.pair.settings, &self.streak, self.rhythm, self.jitter, started, took)
        });
        regular.map_or(now, |due| due.max(now))
    }
}

/// Returns every pair of a configuration: each canary against every address of the regions that name it, or
/// once against each of these regions.
fn pairs(regions: &Regions, canaries: &[Canary], epoch: Epoch) -> impl Iterator<Item = Pair> {
    let settings: Vec<Arc<Canary>> = canaries.iter().cloned().map(Arc::new).collect();
    let of_addresses = regions.addresses().map(|(id, address)| {
        (Watched::Address(address.ip), Subject::Address(id), address.region, Reach::Address)
    });
    let of_regions = regions.iter().map(|(id, region)| {
        (Watched::Region(Arc::from(region.name.as_str())), Subject::Region(id), id, Reach::Region)
    });
    of_addresses.chain(of_regions).flat_map(move |(watched, subject, region, reach)| {
        let named = regions.region(region).canaries.iter();
        let settings = settings.clone();
        named.filter_map(move |canary| {
            let settings = Arc::clone(&settings[usize::from(canary.0)]);
            (settings.reach == reach).then(|| Pair {
                watched: watched.clone(),
                settings,
                epoch,
                subject,
                region,
                canary: *canary,
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::{BlindCause, Blindness, Failure, FailureClass};
    use crate::health::fixture;
    use crate::region::AddressId;

    const EPOCH: Epoch = Epoch(1);

    /// Every 10 s, after a failure every 2 s; one region with these addresses.
    fn config(addresses: &[&str]) -> (Regions, Vec<Canary>) {
        let canary = Canary {
            interval: Duration::from_secs(10),
            recheck: Duration::from_secs(2),
            timeout: Duration::from_secs(2),
            ..fixture::canary("shallow", 3, 3)
        };
        (Regions::new(vec![fixture::region("tokyo", addresses)]), vec![canary])
    }

    /// Reads the end of a probe: `o` a success, `x` a failure, `?` blind.
    fn end_of(result: char) -> Result<(), ProbeError> {
        let detail = String::new;
        match result {
            'o' => Ok(()),
            'x' => Err(Failure { class: FailureClass::Timeout, detail: detail() }.into()),
            _ => Err(ProbeError::Blind(Blindness { cause: BlindCause::NoRoute, detail: detail() })),
        }
    }

    /// Runs the schedule of one address whose probes end like this, each after 100 ms, after two that find its turn, and
    /// returns the waits from the end of one to the start of the next in milliseconds.
    fn waits(results: &str) -> Vec<u64> {
        let (regions, canaries) = config(&["192.0.2.1"]);
        let mut schedule = ProbeSchedule::new(7);
        let [id] = schedule.watch(&regions, &canaries, EPOCH, Moment(0))[..] else { panic!("one pair") };
        let took = Duration::from_millis(100);
        let next = |schedule: &ProbeSchedule| schedule.due().next().expect("it is due").0;
        let waits = "oo".chars().chain(results.chars()).map(|result| {
            let at = next(&schedule);
            assert!(at.0 == 0 || schedule.begin(id, Moment(at.0 - 1)).is_none(), "not before its time");
            assert!(schedule.begin(id, at).is_some());
            assert_eq!(schedule.due().next(), None, "never twice at once");
            let ended = at.plus(took);
            let (_, due) = schedule.end(id, &end_of(result), took, ended).expect("it is there");
            due.0 - ended.0
        });
        waits.skip(2).collect()
    }

    #[test]
    fn probes_keep_the_interval_with_jitter_and_come_soon_after_the_first_failure() {
        let waits = waits("oooxx");
        for wait in &waits[..3] {
            assert!((7_900..=9_900).contains(wait), "{waits:?}");
        }
        assert_ne!(waits[0], waits[1], "drawn anew for each wait");
        assert_eq!(waits[3..], [2_000, 2_000]);
    }

    #[test]
    fn a_probe_that_was_blind_leaves_the_pace_as_it_is() {
        let waits = waits("o?x??o");
        assert!((7_900..=9_900).contains(&waits[1]), "{waits:?}");
        assert_eq!(waits[2..5], [2_000; 3]);
    }

    #[test]
    fn the_first_probes_come_at_once_and_the_next_take_turns() {
        let (regions, canaries) = config(&["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
        let mut schedule = ProbeSchedule::new(7);
        schedule.watch(&regions, &canaries, EPOCH, Moment(5_000));
        let due: Vec<_> = schedule.due().collect();
        assert!(due.len() == 3 && due.iter().all(|(at, _)| *at == Moment(5_000)), "{due:?}");
        for (at, id) in due {
            schedule.begin(id, at).expect("it is due");
            schedule.end(id, &Ok(()), Duration::ZERO, at).expect("it is there");
        }
        // The second turns: the first may be cut short or left out.
        for _ in 0..3 {
            let (at, id) = schedule.due().next().expect("all are due");
            schedule.begin(id, at).expect("it is due");
            schedule.end(id, &Ok(()), Duration::ZERO, at).expect("it is there");
        }
        let due: Vec<u64> = schedule.due().map(|(at, _)| at.0).collect();
        assert!(due.windows(2).all(|two| (2_000..=4_000).contains(&(two[1] - two[0]))), "{due:?}");
    }

    #[test]
    fn a_reload_keeps_the_rhythm_of_pairs_that_stay_and_gives_them_their_new_numbers() {
        let (regions, canaries) = config(&["192.0.2.1", "192.0.2.2"]);
        let mut schedule = ProbeSchedule::new(7);
        let ids = schedule.watch(&regions, &canaries, EPOCH, Moment(0));
        for id in &ids {
            schedule.begin(*id, Moment(0)).expect("it is due");
            schedule.end(*id, &Ok(()), Duration::ZERO, Moment(0)).expect("it is there");
        }
        let due: HashMap<_, _> = schedule.due().map(|(at, id)| (id, at)).collect();
        let (regions, canaries) = config(&["192.0.2.3", "192.0.2.2"]);
        let new = schedule.watch(&regions, &canaries, Epoch(2), Moment(1));
        assert!(new.len() == 1 && schedule.due().any(|due| due == (Moment(1), new[0])), "192.0.2.3, at once");
        assert!(schedule.pair(ids[0]).is_none(), "192.0.2.1 is gone");
        let kept = schedule.pair(ids[1]).expect("192.0.2.2 stays");
        assert_eq!((kept.epoch, kept.subject), (Epoch(2), Subject::Address(AddressId(1))));
        assert!(schedule.due().any(|(at, id)| id == ids[1] && at == due[&id]));
    }

    #[test]
    fn another_check_is_another_pair_and_the_end_of_the_old_ones_probe_is_ignored() {
        let (regions, mut canaries) = config(&["192.0.2.1"]);
        let mut schedule = ProbeSchedule::new(7);
        let before = schedule.watch(&regions, &canaries, EPOCH, Moment(0));
        assert!(schedule.begin(before[0], Moment(20_000)).is_some());
        canaries[0].check = crate::canary::Check::Tcp { port: 7 };
        let after = schedule.watch(&regions, &canaries, Epoch(2), Moment(20_001));
        assert_eq!(after.len(), 1);
        assert!(schedule.end(before[0], &Ok(()), Duration::ZERO, Moment(20_002)).is_none());
        assert_eq!(schedule.due().count(), 1);
    }

    #[test]
    fn a_probe_that_began_late_keeps_its_distance_to_the_next() {
        let (regions, canaries) = config(&["192.0.2.1"]);
        let mut schedule = ProbeSchedule::new(7);
        let id = schedule.watch(&regions, &canaries, EPOCH, Moment(0))[0];
        // Due within 10 s, begun after a minute.
        schedule.begin(id, Moment(60_000)).expect("it is due");
        let (_, due) =
            schedule.end(id, &Ok(()), Duration::from_secs(1), Moment(61_000)).expect("it is there");
        assert!((68_000..=70_000).contains(&due.0), "{due:?}");
    }
}
