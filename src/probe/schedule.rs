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
//!
//! The first failure of an address asks more: the other addresses of its region are probed at once by the same canary,
//! and, if it is the first one of its family there, an address of that family in every other region, so that what is well
//! *now* is known before anybody moves. A pair is brought forward once an interval at most, so that extra probes at most double the probes, and
//! one failure brings forward [`MAX_HASTENED`] pairs at most. A wait is only ever shortened: what
//! [`pace::worst_case`] promises holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::canary::{Canary, CanaryId, Epoch, ProbeError, Reach, Subject};
use crate::health::pace::Rhythm;
use crate::health::{AddressState, Streak, pace};
use crate::moment::Moment;
use crate::region::{Family, RegionId, Regions};

/// The most pairs that one failure brings forward: a quarter of the probes that run at once (`MAX_AT_ONCE`), so that
/// they do not keep regular ones waiting.
pub const MAX_HASTENED: usize = 64;

/// The most pairs of a region that are looked at for one that may be brought forward.
const MAX_ASKED: usize = 16;

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

impl Pair {
    /// Returns whether its results say something of a family: those of an address do of its own, those of a region as a
    /// whole of both.
    fn tells(&self, family: Family) -> bool {
        match &self.watched {
            Watched::Address(address) => Family::of(*address) == family,
            Watched::Region(_) => true,
        }
    }
}

/// The pairs of a configuration, and when each is due.
#[derive(Debug)]
pub struct ProbeSchedule {
    pairs: BTreeMap<PairId, Paced>,
    /// Of the pairs that are not under way, the first one first.
    due: BTreeSet<(Moment, PairId)>,
    /// The pairs of each region and canary.
    turns: BTreeMap<(RegionId, CanaryId), PairGroup>,
    /// When the pairs of a region and canary take their first turn, a part of a period from 0 to 1; by the names of both.
    starts: HashMap<(String, String), f64>,
    started: u64,
    random: fastrand::Rng,
}

/// The pairs of one region and canary.
#[derive(Debug, Default)]
struct PairGroup {
    pairs: Vec<PairId>,
    /// The place of the pair that is asked next when another region fails: each time it is another address.
    next: usize,
}

/// What follows from the end of a probe.
#[derive(Debug)]
pub struct EndedProbe<'a> {
    pub pair: &'a Pair,
    /// When the pair is due again.
    pub due: Moment,
    /// The pairs that are due at once, because this one has failed.
    pub hastened: Vec<PairId>,
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
    /// When it was brought forward last; `None`: never.
    hastened: Option<Moment>,
}

impl ProbeSchedule {
    /// Returns a schedule without pairs.
    pub fn new(seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        let (pairs, due, turns) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        Self { pairs, due, turns, starts: HashMap::new(), started: 0, random }
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
        self.turns.clear();
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
            self.turns.entry((paced.pair.region, paced.pair.canary)).or_default().pairs.push(id);
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
        self.turns.clear();
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

    /// Takes note that a probe has ended, and returns what follows. `None`: the pair is gone. One that was blind leaves
    /// the pace as it is.
    pub fn end(
        &mut self,
        id: PairId,
        result: &Result<(), ProbeError>,
        took: Duration,
        now: Moment,
    ) -> Option<EndedProbe<'_>> {
        let paced = self.pairs.get_mut(&id)?;
        let before = paced.streak;
        let due = paced.end(result, took, now);
        let is_first = is_first_failure(before, paced.streak);
        self.due.insert((due, id));
        let hastened = if is_first { self.hasten_others(id, now) } else { Vec::new() };
        Some(EndedProbe { pair: &self.pairs[&id].pair, due, hastened })
    }

    /// Brings forward the pairs that may show what a first failure means.
    fn hasten_others(&mut self, id: PairId, now: Moment) -> Vec<PairId> {
        let Pair { region, canary, .. } = self.pairs[&id].pair;
        let siblings: Vec<_> =
            self.turns[&(region, canary)].pairs.iter().copied().filter(|other| *other != id).collect();
        let failing: Vec<_> =
            Family::BOTH.into_iter().filter(|family| self.pairs[&id].pair.tells(*family)).collect();
        // Of each family the first failure asks: what is well in IPv4 says nothing of IPv6.
        let is_news = |family: &Family| {
            !siblings.iter().any(|id| self.pairs[id].is_suspect() && self.pairs[id].pair.tells(*family))
        };
        let news: Vec<_> = failing.into_iter().filter(is_news).collect();
        let mut hastened: Vec<_> =
            siblings.into_iter().filter(|other| self.hasten(*other, now)).take(MAX_HASTENED).collect();
        let regions: BTreeSet<_> = self.turns.keys().map(|(region, _)| *region).collect();
        for other in regions.into_iter().filter(|other| *other != region) {
            for family in &news {
                if hastened.len() < MAX_HASTENED {
                    hastened.extend(self.ask(other, canary, *family, now));
                }
            }
        }
        hastened
    }

    /// Brings forward one pair of a region that tells of a family, of this canary if it has one; `None`: none may be.
    fn ask(&mut self, region: RegionId, canary: CanaryId, family: Family, now: Moment) -> Option<PairId> {
        let tells = |id: &PairId| self.pairs.get(id).is_some_and(|paced| paced.pair.tells(family));
        let has_family = |key: &(RegionId, CanaryId)| {
            self.turns.get(key).is_some_and(|group| group.pairs.iter().any(tells))
        };
        let mut of_region =
            self.turns.range((region, CanaryId(0))..).map(|(key, _)| *key).take_while(|key| key.0 == region);
        let own = Some((region, canary)).filter(has_family);
        let key = own.or_else(|| of_region.find(has_family))?;
        let PairGroup { pairs, next } = &self.turns[&key];
        let count = pairs.len();
        let places = (0..count).map(|step| (next + step) % count).map(|place| (place, pairs[place]));
        let places: Vec<_> = places.filter(|(_, id)| tells(id)).take(MAX_ASKED).collect();
        let (place, id) = places.into_iter().find(|(_, id)| self.hasten(*id, now))?;
        self.turns.entry(key).and_modify(|turns| turns.next = place + 1);
        Some(id)
    }

    /// Lets a pair be due at once if it may be brought forward.
    fn hasten(&mut self, id: PairId, now: Moment) -> bool {
        let Some(paced) = self.pairs.get_mut(&id) else { return false };
        let Some(at) = paced.hasten(now) else { return false };
        self.due.remove(&(at, id));
        self.due.insert((now, id));
        true
    }
}

/// Returns whether what was well, or unknown, has failed.
fn is_first_failure(before: Streak, after: Streak) -> bool {
    let was_well = match before.state() {
        AddressState::Unknown | AddressState::Up => true,
        AddressState::Suspect | AddressState::Down | AddressState::Rising => false,
    };
    was_well && after.failures() > 0
}

impl Paced {
    /// Starts the rhythm of a pair, whose first probe comes at once.
    fn new(pair: Pair, rhythm: Rhythm, mut random: fastrand::Rng, now: Moment) -> Self {
        let jitter = random.f64();
        Self {
            pair,
            rhythm,
            random,
            jitter,
            streak: Streak::default(),
            last: None,
            due: Some(now),
            hastened: None,
        }
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

    /// Lets it be due at once, and returns when it was due; `None`: it is left as it is, for a probe is under way or about
    /// to come, or it was brought forward within its interval.
    fn hasten(&mut self, now: Moment) -> Option<Moment> {
        let due = self.due.filter(|due| *due > now)?;
        let is_spent = self.hastened.is_some_and(|at| now.since(at) < self.pair.settings.interval);
        if is_spent || self.is_suspect() {
            return None;
        }
        (self.due, self.hastened) = (Some(now), Some(now));
        Some(due)
    }

    /// Returns whether its last probes have failed and it has not fallen: it is rechecked soon.
    fn is_suspect(&self) -> bool {
        self.streak.state() == AddressState::Suspect
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
    use proptest::prelude::*;

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
            let ended_probe = schedule.end(id, &end_of(result), took, ended).expect("it is there");
            ended_probe.due.0 - ended.0
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
        let EndedProbe { due, .. } =
            schedule.end(id, &Ok(()), Duration::from_secs(1), Moment(61_000)).expect("it is there");
        assert!((68_000..=70_000).contains(&due.0), "{due:?}");
    }

    /// Three regions: tokyo with three addresses, osaka with two, oregon with one.
    fn world() -> (Regions, Vec<Canary>) {
        let regions = vec![
            fixture::region("tokyo", &["192.0.2.1", "192.0.2.2", "192.0.2.3"]),
            fixture::region("osaka", &["192.0.2.4", "192.0.2.5"]),
            fixture::region("oregon", &["192.0.2.6"]),
        ];
        (Regions::new(regions), config(&[]).1)
    }

    /// Plays until then; `fails` says which addresses fail when. Returns when each pair was probed, in milliseconds.
    fn play(seed: u64, until: u64, fails: &dyn Fn(u8, Moment) -> bool) -> BTreeMap<u8, Vec<u64>> {
        play_in(world(), seed, until, fails)
    }

    fn play_in(
        (regions, canaries): (Regions, Vec<Canary>),
        seed: u64,
        until: u64,
        fails: &dyn Fn(u8, Moment) -> bool,
    ) -> BTreeMap<u8, Vec<u64>> {
        let mut schedule = ProbeSchedule::new(seed);
        schedule.watch(&regions, &canaries, EPOCH, Moment(0));
        let mut starts: BTreeMap<u8, Vec<u64>> = BTreeMap::new();
        let mut ends: BTreeSet<(Moment, PairId)> = BTreeSet::new();
        loop {
            let (due, end) = (schedule.due().next(), ends.first().copied());
            if let Some((at, id)) = end.filter(|end| due.is_none_or(|due| end.0 <= due.0)) {
                ends.pop_first();
                schedule.end(id, &end_of('x'), TIMEOUT, at).expect("it is there");
                continue;
            }
            let (at, id) = due.expect("nothing is under way");
            if at.0 > until {
                return starts;
            }
            let Watched::Address(ip) = schedule.begin(id, at).expect("it is due").watched else {
                panic!("addresses are probed")
            };
            let number = match ip {
                IpAddr::V4(ip) => ip.octets()[3],
                IpAddr::V6(ip) => ip.octets()[15],
            };
            starts.entry(number).or_default().push(at.0);
            if fails(number, at) {
                ends.insert((at.plus(TIMEOUT), id));
            } else {
                schedule.end(id, &Ok(()), Duration::ZERO, at).expect("it is there");
            }
        }
    }

    const TIMEOUT: Duration = Duration::from_secs(2);

    #[test]
    fn the_first_failure_of_a_region_probes_its_other_addresses_and_one_of_every_other_region_at_once() {
        let starts = play(7, 60_000, &|address, at| address <= 3 && at.0 >= 30_000);
        let after = |address: u8, at: u64| starts[&address].iter().copied().find(|start| *start >= at);
        let first = (1..=3).filter_map(|address| after(address, 30_000)).min().expect("tokyo is probed");
        let heard = first + 2000;
        for sibling in 1..=3 {
            assert!(starts[&sibling].iter().any(|at| (first..=heard).contains(at)), "{starts:?}");
        }
        let asked = |addresses: &[u8]| {
            addresses.iter().any(|address| starts[address].iter().any(|at| (first..=heard).contains(at)))
        };
        assert!(asked(&[4, 5]) && asked(&[6]), "{starts:?}");
    }

    #[test]
    fn the_first_failure_of_ipv6_asks_the_ipv6_addresses_of_the_others_also_beside_one_of_ipv4() {
        for seed in 0..20 {
            for ipv4_fails in [false, true] {
                let of = |name: &str, number: u8| {
                    fixture::region(
                        name,
                        &[&format!("192.0.2.{number}"), &format!("2001:db8::{}", number + 1)],
                    )
                };
                let regions = vec![of("tokyo", 1), of("osaka", 3), of("oregon", 5)];
                let fails =
                    |address, at: Moment| at.0 >= 30_000 && (address == 2 || (ipv4_fails && address == 1));
                let starts = play_in((Regions::new(regions), config(&[]).1), seed, 60_000, &fails);
                let first = *starts[&2].iter().find(|at| **at >= 30_000).expect("it is probed");
                for other in [4, 6] {
                    let is_asked = starts[&other].iter().any(|at| (first..=first + 2000).contains(at));
                    assert!(is_asked, "seed {seed}: {other} is not probed after {first}: {starts:?}");
                }
            }
        }
    }

    #[test]
    fn an_address_that_is_down_for_long_does_not_keep_the_next_failure_from_asking() {
        let fails = |address, at: Moment| address == 1 || address == 2 && at.0 >= 60_000;
        let starts = play(7, 90_000, &fails);
        let first = *starts[&2].iter().find(|at| **at >= 60_000).expect("it is probed");
        assert!(starts[&6].iter().any(|at| (first..=first + 2000).contains(at)), "{starts:?}");
    }

    proptest! {
        #[test]
        fn extra_probes_break_no_promise_and_at_most_double_the_probes(
            seed in any::<u64>(), failing in proptest::collection::vec((1u8..7, 0u64..120, 1u64..40), 0..12),
        ) {
            let fails = |address, at: Moment| {
                failing.iter().any(|(of, from, long)| *of == address && (*from..from + long).contains(&(at.0 / 1000)))
            };
            let starts = play(seed, 150_000, &fails);
            for starts in starts.values() {
                prop_assert!(starts.windows(2).all(|two| two[1] - two[0] <= 10_000), "{starts:?}");
            }
            let alone = play(seed, 150_000, &|_, _| false);
            for (address, starts) in &starts {
                // Rechecks are no extra probes: a failure takes 2 s, and 2 s later it comes again.
                let failed = starts.iter().filter(|at| fails(*address, Moment(**at))).count();
                prop_assert!(starts.len() <= 2 * alone[address].len() + 2 + failed, "{address}: {starts:?}");
            }
        }
    }
}
