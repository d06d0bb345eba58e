//! Stories of several observers, told in results of canaries and seconds.

use std::time::Duration;

use super::*;
use crate::canary::{
    BlindCause, BlindProbe, Blindness, CanaryId, Failure, FailureClass, Observation, Subject,
};
use crate::health::{AddressState, DownQuorum, Sites, Suppression, fixture};
use crate::region::{AddressId, Family, RegionId, RegionSet, Regions, Safety, Site};

const REGIONS: [&str; 4] = ["tokyo", "osaka", "oregon", "virginia"];

/// Observers of four regions with one address each; one canary that falls after two failures and rises after one
/// success. What one sees, the others know at once, unless it is cut from them.
struct Group {
    members: Vec<Member>,
    now: Moment,
}

struct Member {
    board: Board,
    observers: Observers,
    sites: Sites,
    is_cut: bool,
    hello: PeerHello,
}

impl Group {
    /// Observers `ns1`, `ns2` and so on, each in the region that is named for it, or outside with `-`.
    fn of(places: &[&str], quorum: DownQuorum) -> Self {
        let regions = REGIONS.iter().zip(1..);
        let regions =
            regions.map(|(name, last)| fixture::region(name, &[format!("192.0.2.{last}")])).collect();
        let board = Board::new(&Regions::new(regions), &[fixture::canary("shallow", 2, 1)], Moment(0));
        let names: Vec<_> = (1..=places.len()).map(|number| format!("ns{number}")).collect();
        let member = |(name, place): (&String, &&str)| {
            let region = Some((*place).to_owned()).filter(|place| place != "-");
            let rules = ObserverRules {
                name: name.clone(),
                region: region.clone(),
                peers: names.iter().filter(|other| *other != name).cloned().collect(),
                down_quorum: quorum,
                alone_after: Duration::from_secs(60),
                disagreement_after: Duration::from_secs(120),
            };
            Member {
                observers: Observers::new(rules, &board, Moment(0)),
                sites: Sites::new(board.regions(), Moment(0)),
                board: board.clone(),
                is_cut: false,
                hello: PeerHello { region, is_blind: Some(false), ..PeerHello::default() },
            }
        };
        let members = names.iter().zip(places).map(member).collect();
        let mut group = Self { members, now: Moment(0) };
        for index in 0..places.len() {
            group.join(index);
        }
        // Everything answers once.
        let answers =
            (1..=places.len()).flat_map(|one| (0..REGIONS.len()).map(move |at| format!("{one}:{at}o")));
        group.play(&answers.collect::<Vec<_>>().join(" "));
        group
    }

    /// Plays words: `12` the time is second 12; `2:0t` address 0 times out at ns2, `2:0r` refuses, `2:0o` answers,
    /// `2:0b` ns2 cannot probe it; `-2` ns2 is cut from the others, `+2` it is heard again.
    fn play(&mut self, words: &str) -> &mut Self {
        for word in words.split_whitespace() {
            if let Some(number) = word.strip_prefix('-') {
                self.members[index_of(number)].is_cut = true;
            } else if let Some(number) = word.strip_prefix('+') {
                self.members[index_of(number)].is_cut = false;
                self.join(index_of(number));
            } else if let Some((number, probe)) = word.split_once(':') {
                self.probe(index_of(number), probe);
            } else {
                self.pass(Moment(word.parse::<u64>().expect("a second") * 1000));
            }
            self.settle();
        }
        self
    }

    /// Lets time pass second by second, with its heartbeats: what is up answers.
    fn pass(&mut self, until: Moment) {
        while self.now < until {
            self.now = self.now.plus(Duration::from_secs(1));
            for (member, address) in
                (0..self.members.len()).flat_map(|member| (0..REGIONS.len()).map(move |at| (member, at)))
            {
                let track = self.members[member].board.address(AddressId(address as u32));
                let is_blind = track.records().iter().any(|record| record.blind.is_some());
                if track.state() == AddressState::Up && !is_blind {
                    self.probe(member, &format!("{address}o"));
                }
            }
            self.settle();
        }
    }

    fn probe(&mut self, member: usize, probe: &str) {
        let (address, result) = probe.split_at(1);
        let (subject, at) = (Subject::Address(AddressId(address.parse().expect("an address"))), self.now);
        let board = &mut self.members[member].board;
        let (epoch, canary) = (board.epoch(), CanaryId(0));
        let class = match result {
            "b" => {
                let blindness = Blindness { cause: BlindCause::NoRoute, detail: "no route".to_owned() };
                board.blind(&BlindProbe { epoch, subject, canary, at, blindness });
                return;
            }
            "t" => Some(FailureClass::Timeout),
            "r" => Some(FailureClass::Refused),
            _ => None,
        };
        let failure = class.map(|class| Failure { class, detail: class.as_str().to_owned() });
        let (latency, result) = (Duration::from_millis(3), failure.map_or(Ok(()), Err));
        board.observe(&Observation { epoch, subject, canary, at, latency, result, signals: None });
    }

    fn facts(&self, member: usize) -> Vec<(FactKey, Fact)> {
        let Member { board, observers, .. } = &self.members[member];
        observers.keys().iter().cloned().zip(own_facts(board)).collect()
    }

    fn join(&mut self, member: usize) {
        let hello = self.members[member].hello.clone();
        for news in [PeerNews::Joined(hello), PeerNews::State(self.facts(member))] {
            self.tell(member, &news);
        }
        for other in 0..self.members.len() {
            let (hello, state) = (self.members[other].hello.clone(), PeerNews::State(self.facts(other)));
            self.tell(other, &PeerNews::Joined(hello));
            self.tell(other, &state);
        }
    }

    /// Tells this to all that are not cut from the member.
    fn tell(&mut self, member: usize, news: &PeerNews) {
        let (now, is_cut) = (self.now, self.members[member].is_cut);
        let name = format!("ns{}", member + 1);
        for other in self.members.iter_mut().filter(|other| !is_cut && !other.is_cut) {
            other.observers.hear(vec![PeerReport { peer: name.clone(), news: news.clone() }], now);
        }
    }

    fn settle(&mut self) {
        for member in 0..self.members.len() {
            let facts = self.facts(member);
            self.tell(member, &PeerNews::Changed(facts));
        }
        for Member { board, observers, sites, .. } in &mut self.members {
            observers.update(board, false, self.now);
            sites.update(observers.board(), &Safety::default(), &[RegionSet::ALL], self.now);
        }
    }

    /// Checks which regions are down at each observer.
    fn check(&self, expected: &[&str]) -> &Self {
        let down = self.members.iter().map(|member| {
            let is_down = |id: &usize| {
                let recovery = member.sites.recovery(Site::Region(RegionId(*id as u8)), Family::V4);
                !recovery.phase().is_stable()
            };
            let down: Vec<_> = (0..REGIONS.len()).filter(is_down).map(|id| REGIONS[id]).collect();
            down.join(" ")
        });
        assert_eq!(down.collect::<Vec<_>>(), expected, "at {}", self.now);
        self
    }

    fn suppression(&self, member: usize, region: u8) -> Option<Suppression> {
        self.members[member].sites.suppression(RegionId(region), Family::V4)
    }

    fn sights(&self, member: usize, region: u8) -> &RegionSights {
        let joint_sights = &self.members[member].observers.board().joint_sights;
        joint_sights.region(RegionId(region), Family::V4).expect("it has peers")
    }
}

fn index_of(number: &str) -> usize {
    number.parse::<usize>().expect("a number of an observer") - 1
}

fn two() -> Group {
    Group::of(&["-", "-"], DownQuorum::All)
}

#[test]
fn two_observers_move_clients_only_together_and_both_do() {
    let mut group = two();
    group.play("10 1:0t 12 1:0t").check(&["", ""]);
    let disputed = Some(Suppression::Unconfirmed { down: 1, needed: 2, until: None });
    assert_eq!([0, 1].map(|member| group.suppression(member, 0)), [disputed; 2], "both say why");
    group.play("13 2:0t 15 2:0t").check(&["tokyo", "tokyo"]);
}

#[test]
fn a_path_that_only_one_observer_has_lost_moves_no_client() {
    let mut group = two();
    group.play("10 1:0t 12 1:0t 14 1:0t 1:1t 16 1:1t 20 2:0o 2:1o 30").check(&["", ""]);
    group.play("31 1:0o 1:1o").check(&["", ""]);
    assert_eq!(group.suppression(0, 0), None);
}

#[test]
fn of_three_two_decide_also_for_the_one_that_sees_it_up() {
    let mut group = Group::of(&["-", "-", "-"], DownQuorum::Majority);
    group.play("10 1:0t 12 1:0t").check(&["", "", ""]);
    group.play("13 3:0t 15 3:0t").check(&["tokyo", "tokyo", "tokyo"]);
    let softest = group.members[1].observers.board().address(AddressId(0)).cause().expect("it is down");
    assert_eq!(softest.failure.class, FailureClass::Timeout, "ns2 tells what the others saw");
}

#[test]
fn one_that_is_silent_is_waited_for_and_then_the_other_judges_alone() {
    let mut group = two();
    group.play("10 -2 12 1:0t 14 1:0t 60").check(&["", ""]);
    let Some(Suppression::Unconfirmed { down: 1, needed: 2, until: Some(until) }) = group.suppression(0, 0)
    else {
        panic!("{:?}", group.suppression(0, 0));
    };
    assert_eq!(until, Moment(70_000), "a minute after it was heard last");
    group.play("71").check(&["tokyo", ""]);
    let joint_sights = &group.members[0].observers.board().joint_sights;
    assert!(joint_sights.is_alone());
    group.play("72 1:0t 80 +2").check(&["", ""]);
    let joint_sights = &group.members[0].observers.board().joint_sights;
    assert!(!joint_sights.is_alone());
}

#[test]
fn a_fall_that_one_judged_alone_is_taken_back_when_the_other_has_seen_it_up_all_along() {
    let mut group = two();
    group.play("10 -2 12 1:0t 14 1:0t 71").check(&["tokyo", ""]);
    group.play("72 1:0o 73").check(&["tokyo", ""]);
    group.play("75 +2").check(&["", ""]);
    // Had the other seen it down as well, it would recover as after any fall.
    let mut both = two();
    both.play("10 1:0t 2:0t 12 1:0t 2:0t 13 -2 75 1:0o 2:0o 76 +2").check(&["tokyo", "tokyo"]);
}

#[test]
fn what_was_down_together_stays_down_while_one_is_silent() {
    let mut group = two();
    group.play("10 1:0t 2:0t 12 1:0t 2:0t").check(&["tokyo", "tokyo"]);
    group.play("13 -2 40 1:0t").check(&["tokyo", "tokyo"]);
}

#[test]
fn one_that_is_blind_follows_the_sight_of_the_other() {
    let mut group = two();
    group.play("10 1:0b 1:1b 1:2b 1:3b 12 2:0r 14 2:0r").check(&["tokyo", "tokyo"]);
    assert_eq!(group.sights(0, 0).told(), "down from ns2; ns1 blind");
}

#[test]
fn one_that_runs_in_a_region_has_no_voice_about_it() {
    let mut group = Group::of(&["-", "tokyo"], DownQuorum::All);
    group.play("10 1:0r 12 1:0r").check(&["tokyo", "tokyo"]);
    assert_eq!(group.sights(1, 0).told(), "down from ns1; ns2 is inside");
    group.play("13 2:1t 15 2:1t").check(&["tokyo", "tokyo"]);
}

#[test]
fn a_correlated_failure_holds_one_observer_and_not_two_that_see_it() {
    let mut alone = Group::of(&["-", "tokyo"], DownQuorum::All);
    // Without a second voice about tokyo it may be the path of ns1; osaka is confirmed.
    alone.play("10 1:1t 2:1t 1:0t 12 1:1t 2:1t 1:0t 13").check(&["osaka", "osaka"]);
    assert!(
        matches!(alone.suppression(0, 0), Some(Suppression::Correlated(..))),
        "{:?}",
        alone.suppression(0, 0)
    );
    let mut both = two();
    both.play("10 1:0t 1:1t 2:0t 2:1t 12 1:0t 1:1t 2:0t 2:1t 13");
    both.check(&["tokyo osaka", "tokyo osaka"]);
}

#[test]
fn a_disagreement_that_lasts_is_told_with_who_sees_what() {
    let mut group = two();
    group.play("10 1:0t 12 1:0t 100");
    assert!(!group.sights(1, 0).is_told);
    group.play("133");
    assert!(group.sights(1, 0).is_told);
    assert_eq!(group.sights(1, 0).told(), "down from ns1; up from ns2");
    group.play("134 1:0o");
    assert!(!group.sights(0, 0).is_told);
}

#[test]
fn an_observer_that_starts_anew_brings_nothing_back_and_takes_nothing_down() {
    let mut group = two();
    group.play("10 1:0t 2:0t 12 1:0t 2:0t").check(&["tokyo", "tokyo"]);
    let regions = group.members[1].board.regions().clone();
    group.members[1].board = Board::new(&regions, &[fixture::canary("shallow", 2, 1)], group.now);
    group.play("13 14 1:1t 15 1:1t");
    group.check(&["tokyo", "tokyo"]);
    group.play("16 2:0t 2:1o 17 2:0t").check(&["tokyo", "tokyo"]);
}

#[test]
fn facts_about_what_is_not_watched_here_are_passed_over_and_a_reload_keeps_the_others() {
    let mut group = two();
    group.play("10 2:0t 12 2:0t");
    let foreign = FactKey { region: "mars".to_owned(), address: None, canary: "shallow".to_owned() };
    let fact = group.facts(1).remove(0).1;
    let news = PeerNews::Changed(vec![(foreign, fact)]);
    let now = group.now;
    let Member { board, observers, .. } = &mut group.members[0];
    let (ns2, nobody) = ("ns2".to_owned(), "ns9".to_owned());
    assert!(!observers.hear(vec![PeerReport { peer: ns2, news: news.clone() }], now));
    assert!(!observers.hear(vec![PeerReport { peer: nobody, news }], now));
    let smaller: Vec<_> = REGIONS[..2]
        .iter()
        .zip(1..)
        .map(|(name, last)| fixture::region(name, &[format!("192.0.2.{last}")]))
        .collect();
    board.reload(&Regions::new(smaller), &[fixture::canary("shallow", 2, 1)], now);
    observers.reload(board, now);
    observers.update(board, false, now);
    let sights = observers.board().joint_sights.region(RegionId(0), Family::V4).expect("it has peers");
    assert_eq!(sights.told(), "down from ns2; up from ns1");
}

/// Tells `ns1` this of `ns2`.
fn tell_first(group: &mut Group, news: PeerNews) -> bool {
    let report = PeerReport { peer: "ns2".to_owned(), news };
    let now = group.now;
    let Member { board, observers, .. } = &mut group.members[0];
    let is_news = observers.hear(vec![report], now);
    observers.update(board, false, now);
    is_news
}

fn is_heard(group: &Group) -> bool {
    matches!(group.members[0].observers.peers()[0].link, Link::Fresh(_))
}

#[test]
fn a_peer_that_was_late_once_is_heard_again_as_often_as_it_tells() {
    let mut group = two();
    group.play("10");
    for late in [14, 20, 26] {
        group.now = Moment(late * 1000);
        let Member { board, observers, .. } = &mut group.members[0];
        assert!(observers.wake().is_some_and(|wake| wake <= group.now));
        observers.update(board, false, group.now);
        assert!(!is_heard(&group), "at {late}");
        assert!(tell_first(&mut group, PeerNews::Alive { is_blind: false }), "at {late}");
        assert!(is_heard(&group), "at {late}");
        assert_eq!(group.sights(0, 0).told(), "up from ns1, ns2", "it need not tell everything anew");
    }
    tell_first(&mut group, PeerNews::Lost("it is gone".to_owned()));
    assert!(!tell_first(&mut group, PeerNews::Alive { is_blind: false }));
    assert!(!is_heard(&group), "its stream is over");
}

#[test]
fn the_same_facts_told_again_with_another_delay_are_no_news() {
    let mut group = two();
    group.play("10 2:0t 12 2:0t");
    for delay in [200, 0, 900, 40] {
        let mut facts = group.facts(1);
        for (_, fact) in &mut facts {
            let late = Duration::from_millis(delay);
            (fact.since, fact.succeeded) = (fact.since.plus(late), Some(group.now));
            fact.failing_since = fact.failing_since.map(|at| at.plus(late));
        }
        let report = PeerReport { peer: "ns2".to_owned(), news: PeerNews::Changed(facts) };
        assert!(!group.members[0].observers.hear(vec![report], group.now), "{delay} ms");
    }
    let mut facts = group.facts(1);
    facts.truncate(1);
    facts[0].1.state = AddressState::Up;
    let report = PeerReport { peer: "ns2".to_owned(), news: PeerNews::Changed(facts) };
    assert!(group.members[0].observers.hear(vec![report], group.now));
    assert_eq!(group.members[0].observers.concern, Concern::Facts([0].into()), "and only that is");
}

#[test]
fn what_a_peer_told_of_a_configuration_to_come_counts_after_the_reload() {
    let mut group = two();
    let regions = |count: usize| {
        let regions = REGIONS.iter().chain(&["mars"]).take(count).zip(1..);
        Regions::new(
            regions.map(|(name, last)| fixture::region(name, &[format!("192.0.2.{last}")])).collect(),
        )
    };
    let fact = Fact { state: AddressState::Down, since: group.now, ..group.facts(1).remove(0).1 };
    let ip = "192.0.2.5".parse().expect("an address");
    let address = Some(("mars-a".to_owned(), ip));
    let key = FactKey { region: "mars".to_owned(), address, canary: "shallow".to_owned() };
    assert!(!tell_first(&mut group, PeerNews::Changed(vec![(key, fact)])));
    // There and back: what a reload takes away may come again, too.
    for count in [5, 4, 5] {
        let Member { board, observers, .. } = &mut group.members[0];
        board.reload(&regions(count), &[fixture::canary("shallow", 2, 1)], group.now);
        observers.reload(board, group.now);
        observers.update(board, false, group.now);
    }
    assert_eq!(group.sights(0, 4).told(), "down from ns2; unknown from ns1");
}

#[test]
fn facts_about_what_is_not_watched_here_are_kept_within_a_bound() {
    let mut group = two();
    let fact = group.facts(1).remove(0).1;
    let foreign = |number| {
        let key = FactKey { region: format!("r{number}"), address: None, canary: "shallow".to_owned() };
        (key, fact.clone())
    };
    tell_first(&mut group, PeerNews::Changed((0..observer::MAX_FOREIGN + 5).map(foreign).collect()));
    assert_eq!(group.members[0].observers.peers()[0].foreign_facts(), observer::MAX_FOREIGN);
}

#[test]
fn a_peer_that_joins_has_no_voice_before_it_has_said_whether_it_is_blind() {
    let mut group = two();
    let facts = group.facts(1);
    tell_first(&mut group, PeerNews::Joined(PeerHello::default()));
    tell_first(&mut group, PeerNews::State(facts.clone()));
    tell_first(&mut group, PeerNews::Changed(facts.clone()));
    assert_eq!(group.sights(0, 0).told(), "up from ns1; ns2 silent");
    tell_first(&mut group, PeerNews::Alive { is_blind: true });
    assert_eq!(group.sights(0, 0).told(), "up from ns1; ns2 blind");
    let hello = PeerHello { is_blind: Some(true), ..PeerHello::default() };
    tell_first(&mut group, PeerNews::Joined(hello));
    tell_first(&mut group, PeerNews::State(facts));
    assert_eq!(group.sights(0, 0).told(), "up from ns1; ns2 blind");
}

#[test]
fn a_reload_here_or_at_a_peer_ends_no_disagreement_that_goes_on() {
    let mut group = two();
    group.play("10 1:0t 12 1:0t 140");
    let since = group.sights(1, 0).disputed;
    assert!(group.sights(1, 0).is_told && since.is_some());
    let regions = group.members[0].board.regions().clone();
    let Member { board, observers, .. } = &mut group.members[0];
    board.reload(&regions, &[fixture::canary("shallow", 2, 1)], group.now);
    observers.reload(board, group.now);
    observers.update(board, false, group.now);
    assert!(group.sights(0, 0).is_told);
    // Another configuration begins another stream.
    let facts = group.facts(1);
    tell_first(&mut group, PeerNews::Lost("it has ended the stream".to_owned()));
    assert!(group.sights(0, 0).is_told);
    let hello = PeerHello { is_blind: Some(false), ..PeerHello::default() };
    tell_first(&mut group, PeerNews::Joined(hello));
    tell_first(&mut group, PeerNews::State(facts));
    assert_eq!((group.sights(0, 0).is_told, group.sights(0, 0).disputed), (true, since));
}

proptest::proptest! {
    /// Judges after each fact only what it concerns, and beside that everything.
    #[test]
    fn what_is_judged_by_a_changed_fact_alone_is_what_judging_everything_makes_of_it(
        told in proptest::collection::vec((0usize..2, 0usize..4, 0usize..5), 1..40),
    ) {
        let mut group = Group::of(&["-", "-", "oregon"], DownQuorum::Majority);
        let facts = group.facts(1);
        let mut now = group.now;
        let Member { board, observers, .. } = &mut group.members[0];
        let mut whole = observers.clone();
        for (peer, address, state) in told {
            now = now.plus(Duration::from_millis(300));
            let (key, fact) = facts[address].clone();
            let state = AddressState::ALL[state];
            let failing_since = (state > AddressState::Up).then_some(now);
            let fact = Fact { state, since: now, failing_since, ..fact };
            let reports = ["ns2", "ns3"].map(|name| {
                let is_meant = name == ["ns2", "ns3"][peer];
                let news = match is_meant {
                    true => PeerNews::Changed(vec![(key.clone(), fact.clone())]),
                    false => PeerNews::Alive { is_blind: false },
                };
                PeerReport { peer: name.to_owned(), news }
            });
            whole.hear(reports.to_vec(), now);
            whole.update(board, false, now);
            observers.hear(reports.to_vec(), now);
            observers.follow(board, false, now);
            proptest::prop_assert_eq!(observers.board(), whole.board());
        }
    }
}
