//! The board: what is known of every address and every region, and the only name where that changes.

use std::collections::HashMap;
use std::net::IpAddr;

use super::path::PathRecord;
use super::{
    AddressHealth, AddressState, Adoption, BlindSpot, CanaryRecord, Cause, JointSights, Memory,
    ReferenceBoard, RememberedFall, Streak,
};
use crate::canary::{
    BlindProbe, Canary, CanaryId, Criticality, Epoch, FailureClass, Observation, Reach, Subject,
};
use crate::moment::{Moment, follows_clock};
use crate::region::{AddressId, RegionId, Regions};
use crate::share::Share;

/// What is known of every address of a configuration, and of every region as a whole.
///
/// A board is a function of the configurations and observations that it was given, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Board {
    epoch: Epoch,
    regions: Regions,
    canaries: Vec<Canary>,
    /// By `AddressId`.
    addresses: Vec<AddressHealth>,
    /// By `RegionId`: what the canaries say that probe a region once.
    wholes: Vec<AddressHealth>,
    /// By `RegionId`: how many probes are lost on the way there.
    paths: Vec<PathRecord>,
    /// How often a canary has fallen or returned somewhere.
    turns: u64,
    /// What is known of the references outside the regions.
    pub references: ReferenceBoard,
    /// What several observers say together, if this is their joint board.
    pub joint_sights: JointSights,
}

/// An address, or a region as a whole, went from one state to another or has another share of its clients.
#[derive(Clone, Debug, PartialEq)]
pub struct StateChange {
    pub subject: Subject,
    /// The state it left.
    pub from: AddressState,
    /// When it had entered that state.
    pub from_since: Moment,
    /// The state it is in now.
    pub to: AddressState,
    pub at: Moment,
    /// Why it is not up; `None` when it is.
    pub cause: Option<Cause>,
    /// The share of its clients that the advisory canaries left it, and the one that they leave it now.
    pub shares: (Share, Share),
}

impl Board {
    /// Returns a board on which nothing is known yet.
    pub fn new(regions: &Regions, canaries: &[Canary], now: Moment) -> Self {
        let track = |region: RegionId, reach: Reach| {
            let watching = regions.region(region).canaries.iter();
            let watching = watching.filter(|canary| canaries[usize::from(canary.0)].reach == reach);
            let record =
                |canary: &CanaryId| CanaryRecord::new(*canary, canaries[usize::from(canary.0)].effect, now);
            AddressHealth::new(watching.map(record).collect(), now)
        };
        Self {
            epoch: Epoch::default(),
            addresses: regions.addresses().map(|(_, at)| track(at.region, Reach::Address)).collect(),
            wholes: regions.iter().map(|(id, _)| track(id, Reach::Region)).collect(),
            paths: vec![PathRecord::new(now); regions.len()],
            regions: regions.clone(),
            canaries: canaries.to_vec(),
            turns: 0,
            references: ReferenceBoard::default(),
            joint_sights: JointSights::default(),
        }
    }

    /// Counts one result, and returns the change that it made, if it made one.
    ///
    /// A result of another epoch, or of a pair of subject and canary that does not exist, counts nothing.
    pub fn observe(&mut self, seen: &Observation) -> Option<StateChange> {
        if seen.epoch != self.epoch {
            return None;
        }
        let canary = self.canaries.get(usize::from(seen.canary.0))?;
        let track = match seen.subject {
            Subject::Address(address) => self.addresses.get_mut(address.0 as usize)?,
            Subject::Region(region) => self.wholes.get_mut(usize::from(region.0))?,
        };
        let (from, from_since, share) = (track.state(), track.since(), track.share());
        self.turns += u64::from(track.count(seen, canary));
        let has_fallen = track.state().is_down() && !from.is_down();
        let shares = (share, track.share());
        let change = (track.state() != from || shares.0 != shares.1).then(|| StateChange {
            subject: seen.subject,
            from,
            from_since,
            to: track.state(),
            at: seen.at,
            cause: track.cause(),
            shares,
        });
        if canary.effect == Criticality::Critical {
            self.count_path(seen, has_fallen);
        }
        change
    }

    /// Returns how often a canary has fallen or returned somewhere: what is remembered has changed with it, also where
    /// another canary leaves the address as it was.
    pub fn turns(&self) -> u64 {
        self.turns
    }

    /// Counts a probe on the path to its region, which is taken to be well while nothing has fallen there.
    fn count_path(&mut self, seen: &Observation, has_fallen: bool) {
        let region = match seen.subject {
            Subject::Address(address) => self.regions.address(address).region,
            Subject::Region(region) => region,
        };
        let is_lost = seen.result.as_ref().is_err_and(|failure| failure.class == FailureClass::Timeout);
        // Not the path loses what is dead.
        let is_excused = || {
            let mut addresses = self.regions.addresses_of(region).map(|(id, _)| self.address(id));
            self.whole(region).state().is_down() || addresses.any(|track| track.state().is_down())
        };
        if has_fallen {
            self.paths[usize::from(region.0)] = PathRecord::new(seen.at);
        } else if !is_lost || !is_excused() {
            self.paths[usize::from(region.0)].count(is_lost, seen.at);
        }
    }

    /// Returns how many probes are lost on the way to a region.
    pub(super) fn path(&self, region: RegionId) -> &PathRecord {
        &self.paths[usize::from(region.0)]
    }

    /// Notes a probe that could not be made, and returns whether that is news. It counts nothing: no streak is longer or
    /// shorter for it, and no state another.
    pub fn blind(&mut self, probe: &BlindProbe) -> bool {
        if probe.epoch != self.epoch {
            return false;
        }
        let track = match probe.subject {
            Subject::Address(address) => self.addresses.get_mut(address.0 as usize),
            Subject::Region(region) => self.wholes.get_mut(usize::from(region.0)),
        };
        track.is_some_and(|track| track.blind(probe))
    }

    /// Returns what this instance cannot see now.
    pub fn blind_spots(&self) -> impl Iterator<Item = (Subject, &BlindSpot)> {
        self.watched().flat_map(|(subject, track)| {
            track.records().iter().filter_map(move |record| Some((subject, record.blind.as_ref()?)))
        })
    }

    /// Takes over another configuration, and keeps what is known of everything that is still there.
    ///
    /// An address is the same when region, zone and IP are; a canary, when its name and check are, whatever
    /// happened to its thresholds and intervals. A canary whose check has changed forgets its counters, but
    /// an address that it had taken down stays down until the new check has seen it rise: a corrected
    /// URL brings an address back within seconds, and a dead one must not return because a path changed.
    pub fn reload(&mut self, regions: &Regions, canaries: &[Canary], now: Moment) {
        let old = std::mem::replace(self, Self::new(regions, canaries, now));
        self.epoch = Epoch(old.epoch.0 + 1);
        self.references.clone_from(&old.references);
        for (path, (_, region)) in self.paths.iter_mut().zip(self.regions.iter()) {
            if let Some(before) = old.regions.find(&region.name) {
                path.clone_from(old.path(before));
            }
        }
        let known: HashMap<_, _> =
            old.watched().map(|(subject, track)| (SubjectName::of(&old.regions, subject), track)).collect();
        for (subject, track) in subjects(&self.regions).zip(self.addresses.iter_mut().chain(&mut self.wholes))
        {
            let Some(before) = known.get(&SubjectName::of(&self.regions, subject)) else {
                continue;
            };
            let records = track
                .records()
                .iter()
                .map(|record| carry(record, &self.canaries, before, &old.canaries, now));
            *track = AddressHealth::new(records.collect(), now);
            track.continues(before);
        }
    }

    /// Takes over the configuration of another board, and what several observers say of what is still there.
    pub(super) fn reload_as(&mut self, other: &Self, now: Moment) {
        let sights = self.joint_sights.reload(&self.regions, &other.regions);
        self.reload(&other.regions, &other.canaries, now);
        self.joint_sights = sights;
    }

    /// Takes up what an earlier life remembered, unless that is too old to be worth anything.
    pub fn adopt(&mut self, memory: &Memory, now: Moment) -> Adoption {
        if !memory.is_fresh(now) {
            return Adoption::Stale;
        }
        let ids: HashMap<_, _> = subjects(&self.regions)
            .map(|subject| (SubjectName::of(&self.regions, subject), subject))
            .collect();
        let (mut adopted, mut foreign) = (0, 0);
        for fallen in &memory.fallen {
            let canary = self.canaries.iter().position(|canary| canary.name == fallen.canary);
            let found = ids.get(&SubjectName::named(fallen)).zip(canary).is_some_and(|(subject, canary)| {
                let canary = CanaryId(u16::try_from(canary).expect("canaries are numbered by u16"));
                let track = match subject {
                    Subject::Address(address) => &mut self.addresses[address.0 as usize],
                    Subject::Region(region) => &mut self.wholes[usize::from(region.0)],
                };
                track.adopt(fallen, canary, now)
            });
            *if found { &mut adopted } else { &mut foreign } += 1;
        }
        Adoption::Adopted { adopted, foreign }
    }

    /// Returns every canary that has taken down what it watches, or would have if it were not advisory.
    pub fn fallen(&self) -> Vec<RememberedFall> {
        let fallen = self.watched().flat_map(|(subject, track)| {
            let down = track.records().iter().filter(|record| record.streak.state().is_down());
            down.filter_map(move |record| self.remember(subject, record))
        });
        fallen.collect()
    }

    /// Returns the numbering that observations must carry to count.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Returns the regions that it is about.
    pub fn regions(&self) -> &Regions {
        &self.regions
    }

    /// Returns a canary.
    pub fn canary(&self, id: CanaryId) -> &Canary {
        &self.canaries[usize::from(id.0)]
    }

    /// Returns what is known of one address.
    pub fn address(&self, address: AddressId) -> &AddressHealth {
        &self.addresses[address.0 as usize]
    }

    /// Returns what the canaries say that probe this region once.
    pub fn whole(&self, region: RegionId) -> &AddressHealth {
        &self.wholes[usize::from(region.0)]
    }

    /// Returns what is known of every address, in the order of the configuration, and then of every region.
    pub fn watched(&self) -> impl Iterator<Item = (Subject, &AddressHealth)> {
        subjects(&self.regions).zip(self.addresses.iter().chain(&self.wholes))
    }

    /// Returns what is known of what stands at this place among all that is watched.
    pub(super) fn track_mut(&mut self, place: usize) -> &mut AddressHealth {
        let addresses = self.addresses.len();
        if place < addresses { &mut self.addresses[place] } else { &mut self.wholes[place - addresses] }
    }

    /// Returns how many observers see this subject down, of those that are down; `None`: this is the board of one.
    pub(super) fn confirmations(&self, subject: Subject) -> Option<u8> {
        let place = match subject {
            Subject::Address(address) => address.0 as usize,
            Subject::Region(region) => self.addresses.len() + usize::from(region.0),
        };
        self.joint_sights.confirmations(place)
    }

    /// Returns the fall of one canary in words that outlive the numbering.
    fn remember(&self, subject: Subject, record: &CanaryRecord) -> Option<RememberedFall> {
        let name = SubjectName::of(&self.regions, subject);
        Some(RememberedFall {
            region: name.region.to_owned(),
            address: name.address.map(|(zone, ip)| (zone.to_owned(), ip)),
            canary: self.canary(record.canary).name.clone(),
            since: record.since,
            failure: record.failure.clone()?,
        })
    }
}

/// Returns everything that canaries can watch: the addresses, and then the regions.
fn subjects(regions: &Regions) -> impl Iterator<Item = Subject> {
    let addresses = regions.addresses().map(|(id, _)| Subject::Address(id));
    addresses.chain(regions.iter().map(|(id, _)| Subject::Region(id)))
}

/// Returns what a record of the new numbering starts from, given the track of the same subject before.
fn carry(
    record: &CanaryRecord,
    canaries: &[Canary],
    before: &AddressHealth,
    old: &[Canary],
    now: Moment,
) -> CanaryRecord {
    let canary = &canaries[usize::from(record.canary.0)];
    let same_name = |earlier: &&CanaryRecord| old[usize::from(earlier.canary.0)].name == canary.name;
    let fresh = CanaryRecord::new(record.canary, canary.effect, now);
    let Some(earlier) = before.records().iter().find(same_name) else {
        return fresh;
    };
    if old[usize::from(earlier.canary.0)].check == canary.check {
        return CanaryRecord { canary: record.canary, effect: canary.effect, ..earlier.clone() };
    }
    if !earlier.streak.state().is_down() {
        return fresh;
    }
    CanaryRecord { streak: Streak::fallen(), since: earlier.since, failure: earlier.failure.clone(), ..fresh }
}

/// What is watched, whatever its number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct SubjectName<'a> {
    region: &'a str,
    /// The name of the zone and the IP; `None`: the region as a whole.
    address: Option<(&'a str, IpAddr)>,
}

impl<'a> SubjectName<'a> {
    fn of(regions: &'a Regions, subject: Subject) -> Self {
        let (region, address) = match subject {
            Subject::Address(id) => {
                let address = regions.address(id);
                (address.region, Some((regions.zone(address.zone).name.as_str(), address.ip)))
            }
            Subject::Region(region) => (region, None),
        };
        Self { region: &regions.region(region).name, address }
    }

    fn named(fallen: &'a RememberedFall) -> Self {
        let address = fallen.address.as_ref().map(|(zone, ip)| (zone.as_str(), *ip));
        Self { region: &fallen.region, address }
    }
}

follows_clock!(Board: addresses, wholes, paths, references, joint_sights);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fixture::{board, canary, region, result};
    use super::super::{FRESH_FOR, Standing};
    use super::*;
    use crate::canary::{BlindCause, Blindness, Check, Thresholds};

    /// Plays `results` for the canaries of one address, `CANARY:RESULT` a word, one a second (`x` a failure,
    /// `o` a success), and compares the state of the address after each.
    fn check(canaries: &[Canary], results: &str, states: &str) {
        let mut board = board(1, canaries);
        let reached: Vec<_> = play(&mut board, results).into_iter().map(AddressState::as_str).collect();
        assert_eq!(reached.join(" "), states, "after {results}");
    }

    fn standings(board: &Board) -> Vec<Standing> {
        board.regions().addresses().map(|(id, _)| board.address(id).standing()).collect()
    }

    fn memory(board: &Board, now: Moment) -> Memory {
        Memory { written_at: now, fallen: board.fallen(), ..Memory::default() }
    }

    fn play(board: &mut Board, results: &str) -> Vec<AddressState> {
        let seen = (1..).zip(results.split_whitespace()).map(|(second, word)| {
            let (canary, outcome) = word.split_once(':').expect("CANARY:RESULT");
            let canary = canary.parse().expect("the number of a canary");
            board.observe(&result(board, 0, canary, second, outcome == "o"));
            board.address(AddressId(0)).state()
        });
        seen.collect()
    }

    #[test]
    fn an_address_is_as_bad_as_its_worst_canary() {
        let two = [canary("shallow", 2, 1), canary("deep", 2, 1)];
        check(&two, "0:o 1:x 1:x 0:x 0:x 1:o 0:o", "up suspect down down down down up");
    }

    #[test]
    fn an_address_is_unknown_only_until_its_first_result() {
        check(&[canary("shallow", 3, 2), canary("deep", 3, 2)], "1:o 0:o", "up up");
        let board = board(1, &[canary("shallow", 3, 2)]);
        assert_eq!(board.address(AddressId(0)).state(), AddressState::Unknown);
        assert_eq!(standings(&board), [Standing::Unknown; 1]);
    }

    #[test]
    fn an_address_without_canaries_is_always_up() {
        let board = board(2, &[]);
        assert_eq!(board.address(AddressId(1)).state(), AddressState::Up);
        assert_eq!(standings(&board), [Standing::Up; 2]);
    }

    #[test]
    fn rising_does_not_change_since_when_an_address_is_down() {
        let mut board = board(1, &[canary("shallow", 2, 3)]);
        play(&mut board, "0:x 0:x 0:o 0:x 0:o");
        let track = board.address(AddressId(0));
        assert_eq!(track.state(), AddressState::Rising);
        assert_eq!(track.standing(), Standing::Down { since: Moment(2000) });
        assert_eq!(track.cause().map(|cause| cause.failure.detail), Some("status 503".to_owned()));
    }

    #[test]
    fn a_change_says_what_it_left_and_why() {
        let mut board = board(1, &[canary("shallow", 1, 1)]);
        let seen = result(&board, 0, 0, 5, false);
        let change = board.observe(&seen).expect("it fell");
        assert_eq!((change.from, change.to), (AddressState::Unknown, AddressState::Down));
        assert_eq!((change.from_since, change.at), (Moment(0), Moment(5000)));
        assert_eq!(change.cause.map(|cause| cause.failures), Some(1));
        assert_eq!(board.observe(&seen), None, "it is down already");
    }

    #[test]
    fn a_probe_that_could_not_be_made_counts_nothing_and_is_forgotten_with_the_next_that_could() {
        let mut board = board(1, &[canary("shallow", 2, 2)]);
        play(&mut board, "0:x");
        let suspect = board.clone();
        let blind = |cause: BlindCause, at: u64| BlindProbe {
            epoch: suspect.epoch(),
            subject: Subject::Address(AddressId(0)),
            canary: CanaryId(0),
            at: Moment(at),
            blindness: Blindness { cause, detail: String::new() },
        };
        assert!(board.blind(&blind(BlindCause::NoRoute, 3000)));
        assert!(!board.blind(&blind(BlindCause::NoRoute, 4000)), "it is known");
        assert!(board.blind(&blind(BlindCause::LinkDown, 5000)), "another cause");
        let track = board.address(AddressId(0));
        assert_eq!(track.state(), AddressState::Suspect, "neither better nor worse");
        assert_eq!((track.failing_since(), track.succeeded()), (Some(Moment(1000)), None));
        let spots: Vec<_> = board.blind_spots().map(|(_, spot)| spot.since).collect();
        assert_eq!(spots, [Moment(3000)]);
        assert_eq!(play(&mut board, "0:x"), [AddressState::Down], "the streak went on");
        assert_eq!(board.blind_spots().count(), 0);
    }

    #[test]
    fn a_result_of_another_numbering_or_of_nothing_counts_nothing() {
        let mut board = board(1, &[canary("shallow", 1, 1)]);
        let before = board.clone();
        let mut late = result(&board, 0, 0, 5, false);
        late.epoch = Epoch(9);
        assert_eq!(board.observe(&late), None);
        assert_eq!(board.observe(&result(&before, 7, 0, 5, false)), None);
        assert_eq!(board.observe(&result(&before, 0, 7, 5, false)), None);
        assert_eq!(board, before);
    }

    /// Reloads a board with a fallen `192.0.2.1` in `tokyo` to `regions` and `canaries`.
    fn reloaded(regions: Vec<crate::region::Region>, canaries: &[Canary]) -> Board {
        let mut board = board(1, &[canary("shallow", 2, 2)]);
        play(&mut board, "0:x 0:x");
        board.reload(&Regions::new(regions), canaries, Moment(60_000));
        board
    }

    #[test]
    fn health_survives_a_reload_that_numbers_everything_anew() {
        let mut tokyo = region("tokyo", &["192.0.2.9", "192.0.2.1"]);
        tokyo.canaries = vec![CanaryId(1)];
        let mut shallow = canary("shallow", 5, 1);
        shallow.interval *= 3;
        let board = reloaded(vec![region("osaka", &["192.0.2.7"]), tokyo], &[canary("deep", 3, 3), shallow]);
        let down = Standing::Down { since: Moment(2000) };
        assert_eq!(standings(&board), [Standing::Unknown, Standing::Unknown, down]);
        let failures = board.address(AddressId(2)).records()[0].streak.failures();
        assert_eq!(failures, 2, "the counters go on");
    }

    #[test]
    fn the_same_ip_in_another_region_is_another_address() {
        let board = reloaded(vec![region("osaka", &["192.0.2.1"])], &[canary("shallow", 2, 2)]);
        assert_eq!(board.address(AddressId(0)).state(), AddressState::Unknown);
    }

    #[test]
    fn an_address_whose_check_has_changed_stays_down_until_the_new_check_has_seen_it_rise() {
        let mut shallow = canary("shallow", 2, 2);
        shallow.check = Check::Tcp { port: 81 };
        let mut board = reloaded(vec![region("tokyo", &["192.0.2.1"])], &[shallow]);
        assert_eq!(board.address(AddressId(0)).standing(), Standing::Down { since: Moment(2000) });
        assert_eq!(play(&mut board, "0:o 0:o"), [AddressState::Rising, AddressState::Up]);
    }

    #[test]
    fn an_address_whose_failing_canary_is_gone_is_judged_by_the_others() {
        let board = reloaded(vec![region("tokyo", &["192.0.2.1"])], &[canary("deep", 2, 2)]);
        assert_eq!(board.address(AddressId(0)).state(), AddressState::Unknown);
    }

    #[test]
    fn a_remembered_fall_is_taken_up_and_has_to_rise() {
        let mut before = board(2, &[canary("shallow", 2, 2)]);
        play(&mut before, "0:x 0:x 0:o");
        before.observe(&result(&before, 1, 0, 3, false));
        let mut board = board(2, &[canary("shallow", 2, 2)]);
        let adoption = board.adopt(&memory(&before, Moment(4000)), Moment(5000));
        let expected = Adoption::Adopted { adopted: 1, foreign: 0 };
        assert_eq!(adoption, expected);
        assert_eq!(board.address(AddressId(1)).state(), AddressState::Unknown, "suspicion is forgotten");
        assert_eq!(board.address(AddressId(0)).standing(), Standing::Down { since: Moment(2000) });
        assert_eq!(play(&mut board, "0:o 0:o"), [AddressState::Rising, AddressState::Up]);
    }

    #[test]
    fn a_memory_of_another_configuration_is_counted_and_ignored() {
        let mut before = board(2, &[canary("shallow", 1, 2)]);
        play(&mut before, "0:x");
        let memory = memory(&before, Moment(2000));
        let regions = Regions::new(vec![region("osaka", &["192.0.2.1"])]);
        let mut other = Board::new(&regions, &[canary("shallow", 1, 2)], Moment(2000));
        let expected = Adoption::Adopted { adopted: 0, foreign: 1 };
        assert_eq!(other.adopt(&memory, Moment(2000)), expected);
        assert_eq!(standings(&other), [Standing::Unknown; 1]);
    }

    #[test]
    fn a_memory_is_fresh_for_ten_minutes_on_either_side() {
        let memory = Memory { written_at: Moment(10_000_000), ..Memory::default() };
        let limit = memory.written_at.plus(FRESH_FOR);
        assert!(memory.is_fresh(limit));
        assert!(!memory.is_fresh(Moment(limit.0 + 1)));
        assert!(memory.is_fresh(Moment(10_000_000 - 600_000)));
        assert!(!memory.is_fresh(Moment(10_000_000 - 600_001)));
        let mut board = board(1, &[]);
        assert_eq!(board.adopt(&memory, Moment(0)), Adoption::Stale);
    }

    proptest! {
        #[test]
        fn no_address_leaves_with_fewer_than_fall_failures_in_a_row_or_returns_before_rise_successes(
            fall in 1u32..5, rise in 1u32..5,
            results in proptest::collection::vec((0u32..3, 0u16..2, any::<bool>()), 0..200),
        ) {
            let mut board = board(3, &[canary("shallow", fall, rise), canary("deep", fall, rise)]);
            // Consecutive failures and successes, counted again in the plainest way.
            let mut runs = HashMap::new();
            for (second, (address, canary, is_success)) in (0..).zip(results) {
                let run: &mut (u32, u32) = runs.entry((address, canary)).or_default();
                *run = if is_success { (0, run.1 + 1) } else { (run.0 + 1, 0) };
                let was_down = board.address(AddressId(address)).state().is_down();
                board.observe(&result(&board, address, canary, second, is_success));
                let is_down = board.address(AddressId(address)).state().is_down();
                prop_assert!(was_down || !is_down || run.0 >= fall);
                prop_assert!(!was_down || is_down || run.1 >= rise);
            }
        }

        #[test]
        fn equal_events_give_equal_boards_and_no_standing_changes_untold(
            results in proptest::collection::vec((0u32..3, 0u16..2, any::<bool>()), 0..100),
        ) {
            let canaries = [canary("shallow", 3, 2), canary("deep", 2, 1)];
            let (mut one, mut other) = (board(3, &canaries), board(3, &canaries));
            for (second, (address, canary, is_success)) in (0..).zip(results) {
                let seen = result(&one, address, canary, second, is_success);
                let before = standings(&one);
                let change = one.observe(&seen);
                prop_assert_eq!(&change, &other.observe(&seen));
                prop_assert!(change.is_some() || before == standings(&one));
            }
            prop_assert_eq!(one, other);
        }

        #[test]
        fn a_reload_that_changes_nothing_changes_nothing_but_the_epoch(
            results in proptest::collection::vec((0u32..2, 0u16..2, any::<bool>()), 0..50),
            fall in 1u32..4,
        ) {
            let canaries = [canary("shallow", fall, 2), canary("deep", 2, 1)];
            let mut board = board(2, &canaries);
            for (second, (address, canary, is_success)) in (0..).zip(results) {
                board.observe(&result(&board, address, canary, second, is_success));
            }
            let mut same = board.clone();
            same.reload(&board.regions, &canaries, Moment(900_000));
            prop_assert_eq!(same.epoch(), Epoch(1));
            prop_assert!(same.watched().eq(board.watched()));
        }
    }

    #[test]
    fn new_thresholds_hold_from_the_next_result_on() {
        let mut board = board(1, &[canary("shallow", 5, 2)]);
        play(&mut board, "0:x 0:x 0:x");
        let mut shallow = canary("shallow", 5, 2);
        shallow.thresholds = Thresholds { fall: 4, rise: 1 };
        let regions = board.regions.clone();
        board.reload(&regions, &[shallow], Moment(0));
        assert_eq!(play(&mut board, "0:x 0:o"), [AddressState::Down, AddressState::Up]);
    }
}
