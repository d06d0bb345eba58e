//! Several machines that tell each other what they see, on one written clock.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::fixture::base_with;
use super::{Control, Effect, Input, Restored};
use crate::canary::{CanaryId, Failure, FailureClass, Observation, ReferenceSighting, Subject};
use crate::event::Condition;
use crate::health::{AddressState, PeerHello, PeerNews, PeerReport};
use crate::moment::{ClockStep, Moment};
use crate::region::{AddressId, Family};
use crate::snapshot::{Base, Snapshot, fixture};

const START: Moment = Moment(1_000_000);

/// The base of one of so many instances: three regions of one address, whose canary falls at once.
fn base_of(own: usize, count: usize) -> Arc<Base> {
    base_beside(own, count, "")
}

/// The same with these lines in `server.yaml`.
fn base_beside(own: usize, count: usize, lines: &str) -> Arc<Base> {
    let others = (1..=count).filter(|other| *other != own);
    // The fixture is called ns1, whichever it stands for.
    let listed: Vec<_> = others
        .clone()
        .map(|other| format!("{{ name: other{other}, url: 'http://192.0.2.{other}:8053' }}"))
        .collect();
    let peers = format!(
        "admin: 127.0.0.1:8053\n{lines}peers: {{ instances: [{}], secret: {{ file: s }}, alone_after: 60s }}\n",
        listed.join(", ")
    );
    let region = |(index, name): (usize, &&str)| {
        format!(
            "  {name}:\n    location: {{ latitude: 35, longitude: {} }}\n    jurisdiction: JP\n    \
             zones: {{ {name}-a: {{ addresses: [192.0.2.1{index}] }} }}\n    canaries: [tcp]\n",
            index * 40
        )
    };
    let all: String = ["tokyo", "osaka", "oregon"].iter().enumerate().map(region).collect();
    let canaries =
        "canaries:\n  tcp: { tcp: { port: 443 }, fall: 1, rise: 1 }\nrecovery: { min_down: 0s, ramp: [] }\n";
    let zone = "zone: example.com\nnameservers: [ns1.example.net]\n\
                names: { '@': { steer: { regions: [tokyo, osaka, oregon], order: listed } } }\n";
    let mut base = fixture::located(&peers, &format!("regions:\n{all}{canaries}"), zone);
    let mut config = (*base.config).clone();
    config.server.name = format!("ns{own}");
    if let Some(peers) = &mut config.server.peers {
        peers.rules.name = format!("ns{own}");
        peers.rules.peers = others.map(|other| format!("ns{other}")).collect();
    }
    base.config = Arc::new(config);
    Arc::new(base)
}

/// One machine, what it has published, and what it has said.
struct Instance {
    control: Control,
    published: Arc<Snapshot>,
    said: Vec<String>,
}

impl Instance {
    fn start(own: usize, count: usize, now: Moment) -> Self {
        Self::start_on(base_of(own, count), now)
    }

    fn start_on(base: Arc<Base>, now: Moment) -> Self {
        let mut control = Control::new(base, now);
        let effects = control.handle(Input::Restored(Restored::default()), now);
        let first = effects.into_iter().find_map(|effect| match effect {
            Effect::Publish(snapshot) => Some(snapshot),
            _ => None,
        });
        Self { control, published: first.expect("a first snapshot"), said: Vec::new() }
    }

    fn handle(&mut self, input: Input, now: Moment) {
        for effect in self.control.handle(input, now) {
            match effect {
                Effect::Publish(snapshot) => self.published = snapshot,
                Effect::Emit(event) => self.said.push(event.text),
                Effect::Watch(..)
                | Effect::Persist(_)
                | Effect::Keep(_)
                | Effect::PersistAvailability(_)
                | Effect::Answer(_) => {}
            }
        }
    }

    fn probe(&mut self, address: u32, is_success: bool, now: Moment) {
        let failure = Failure { class: FailureClass::Refused, detail: "connection refused".to_owned() };
        let seen = Observation {
            epoch: self.control.epoch(),
            subject: Subject::Address(AddressId(address)),
            canary: CanaryId(0),
            at: now,
            latency: Duration::from_millis(3),
            result: if is_success { Ok(()) } else { Err(failure) },
            signals: None,
        };
        self.handle(Input::Observed(vec![seen]), now);
    }

    /// Returns what it tells a peer that has just come.
    fn tells(&self, now: Moment) -> [PeerNews; 2] {
        let sight = self.control.own_sight(now).expect("it has peers");
        let facts = sight.keys.iter().cloned().zip(sight.facts).collect();
        let hello = PeerHello { is_blind: Some(sight.is_blind), ..PeerHello::default() };
        [PeerNews::Joined(hello), PeerNews::State(facts)]
    }

    /// Says how all see the first region.
    fn sights(&self, now: Moment) -> String {
        let report = self.control.report(now);
        report.regions[0].sights[Family::V4 as usize].as_ref().expect("it has peers").told()
    }

    /// Returns the addresses that its last snapshot has as down.
    fn down(&self) -> Vec<u32> {
        (0..3).filter(|id| self.published.health.of(AddressId(*id)).is_down()).collect()
    }
}

/// The greeting of one that sees.
fn hello() -> PeerHello {
    PeerHello { is_blind: Some(false), ..PeerHello::default() }
}

fn heard(peer: usize, news: PeerNews) -> PeerReport {
    PeerReport { peer: format!("ns{peer}"), news }
}

/// Two instances that hear each other, and have seen everything up.
fn pair() -> [Instance; 2] {
    let mut pair = [1, 2].map(|own| Instance::start(own, 2, START));
    for instance in &mut pair {
        (0..3).for_each(|address| instance.probe(address, true, START));
    }
    exchange(&mut pair, START);
    pair
}

fn exchange(pair: &mut [Instance; 2], now: Moment) {
    for (from, to) in [(0, 1), (1, 0)] {
        let news = pair[from].tells(now).map(|news| heard(from + 1, news)).to_vec();
        pair[to].handle(Input::Heard(news), now);
    }
}

#[test]
fn two_machines_publish_the_fall_that_both_see_and_none_that_one_sees() {
    let mut pair = pair();
    pair[0].probe(0, false, Moment(1_001_000));
    exchange(&mut pair, Moment(1_001_010));
    assert_eq!(pair.each_ref().map(Instance::down), [[0; 0]; 2]);
    pair[1].probe(0, false, Moment(1_002_000));
    exchange(&mut pair, Moment(1_002_010));
    assert_eq!(pair.each_ref().map(Instance::down), [[0]; 2]);
    pair[0].probe(0, true, Moment(1_003_000));
    exchange(&mut pair, Moment(1_003_010));
    assert_eq!(pair.each_ref().map(Instance::down), [[0; 0]; 2]);
}

#[test]
fn the_other_one_is_waited_for_and_then_this_one_judges_alone_and_says_so() {
    let mut pair = pair();
    let [one, _] = &mut pair;
    one.handle(
        Input::Heard(vec![heard(2, PeerNews::Lost("connection refused".to_owned()))]),
        Moment(1_000_100),
    );
    one.probe(1, true, Moment(1_001_000));
    one.probe(0, false, Moment(1_001_000));
    assert_eq!(one.down(), [0; 0]);
    let mut now = Moment(1_001_000);
    while one.down().is_empty() {
        now = one.control.wake().expect("it waits").max(now.plus(Duration::from_millis(1)));
        assert!(now <= Moment(1_060_002), "{now}");
        one.handle(Input::Tick, now);
    }
    assert!(now >= Moment(1_060_000), "{now}");
    let said = "peer ns2 has not been heard for 1m (connection refused); this instance judges alone";
    assert!(one.said.iter().any(|text| text == said), "{:#?}", one.said);
    let report = one.control.report(now);
    let [peer] = &report.peers[..] else { panic!("{:?}", report.peers) };
    assert_eq!((peer.is_heard, peer.is_lost, peer.why.as_deref()), (false, true, Some("connection refused")));
}

#[test]
fn a_clock_that_is_set_makes_no_peer_silent() {
    let mut pair = pair();
    let hour = 3_600_000;
    let [one, _] = &mut pair;
    one.handle(Input::ClockSet(ClockStep(hour)), Moment(1_001_000 + hour as u64));
    let later = Moment(1_002_000 + hour as u64);
    one.handle(Input::Tick, later);
    assert!(one.control.report(later).peers[0].is_heard);
}

#[test]
fn when_a_blindness_of_this_instance_ends_what_it_sees_counts_at_once() {
    let [one, two] = &mut pair();
    *one = Instance::start_on(base_beside(1, 2, "references: ['192.0.2.99:443']\n"), START);
    let refer = |one: &mut Instance, result: Result<(), &str>, now: Moment| {
        let result = result.map_err(str::to_owned);
        let name = one.control.base().config.server.reference_names()[0].clone();
        one.handle(Input::Referred(vec![ReferenceSighting { name, at: now, result }]), now);
    };
    (0..3).for_each(|address| one.probe(address, true, START));
    refer(one, Ok(()), Moment(1_000_500));
    let failed = Moment(1_001_000);
    (0..3).for_each(|address| one.probe(address, false, failed));
    refer(one, Err("no answer"), Moment(1_001_500));
    assert!(one.control.own_sight(failed).expect("it has peers").is_blind);
    let [.., state] = two.tells(failed);
    one.handle(Input::Heard(vec![heard(2, PeerNews::Joined(hello())), heard(2, state)]), failed);
    assert_eq!(one.sights(failed), "up from ns2; ns1 blind");
    let (now, sight) = (Moment(1_002_000), one.control.sight());
    refer(one, Ok(()), now);
    assert_eq!(one.sights(now), "down from ns1; up from ns2");
    assert_ne!(one.control.sight(), sight, "the peers hear it at once, too");
}

#[test]
fn a_reload_ends_no_alarm_of_a_disagreement_that_goes_on() {
    let mut pair = pair();
    let [one, _] = &mut pair;
    one.probe(0, false, Moment(1_001_000));
    let mut now = Moment(1_001_000);
    let is_told = |one: &Instance, now| {
        let alarms = one.control.report(now).alarms;
        alarms.iter().any(|alarm| matches!(alarm.condition, Condition::Disagreement(..)))
    };
    while !is_told(one, now) {
        now = now.plus(Duration::from_secs(1));
        assert!(now < Moment(1_200_000), "{:?}", one.said);
        one.handle(Input::Heard(vec![heard(2, PeerNews::Alive { is_blind: false })]), now);
        one.handle(Input::Tick, now);
    }
    one.said.clear();
    one.handle(Input::Reloaded(base_of(1, 2)), now);
    assert!(is_told(one, now));
    assert!(one.said.iter().all(|text| !text.starts_with("observers")), "{:?}", one.said);
}

#[test]
fn one_without_peers_tells_nothing_and_hears_nothing() {
    let mut control = Control::new(base_with("", ""), START);
    control.handle(Input::Restored(Restored::default()), START);
    assert!(control.own_sight(START).is_none());
    let report = heard(2, PeerNews::Alive { is_blind: true });
    assert!(control.handle(Input::Heard(vec![report]), START).is_empty());
    assert!(control.report(START).peers.is_empty());
}

/// What one observer sees of the three addresses.
fn any_sight() -> impl Strategy<Value = [AddressState; 3]> {
    let state = proptest::sample::select(vec![AddressState::Up, AddressState::Suspect, AddressState::Down]);
    proptest::array::uniform3(state)
}

proptest! {
    // At most two of the three fall: of more, which of them stays depends on the one that fell first.
    #[test]
    fn two_machines_that_are_told_the_same_in_another_order_have_the_same_down(
        sights in proptest::array::uniform3(any_sight()), order in proptest::sample::subsequence(vec![0, 1, 2, 3, 4], 5)
            .prop_shuffle(),
    ) {
        let is_down = |address: usize| sights.iter().filter(|sight| sight[address].is_down()).count() >= 2;
        prop_assume!((0..3).filter(|address| is_down(*address)).count() < 3);
        let now = Moment(1_001_000);
        let silent = Instance::start(3, 3, START);
        let told = |sight: &[AddressState; 3]| {
            let [_, PeerNews::State(mut facts)] = silent.tells(now) else { panic!("it tells its state") };
            for ((_, fact), state) in facts.iter_mut().zip(sight) {
                (fact.state, fact.count) = (*state, 2);
                fact.since = now;
            }
            PeerNews::State(facts)
        };
        // ns1 and ns2 see what `sights` says themselves, and hear of each other and of ns3 in their own orders.
        let mut instances = [1, 2].map(|own| Instance::start(own, 3, START));
        for (own, instance) in instances.iter_mut().enumerate() {
            for peer in [1, 2, 3].into_iter().filter(|peer| *peer != own + 1) {
                instance.handle(Input::Heard(vec![heard(peer, PeerNews::Joined(hello()))]), START);
                let up = told(&[AddressState::Up; 3]);
                instance.handle(Input::Heard(vec![heard(peer, up)]), START);
            }
            (0..3).for_each(|address| instance.probe(address, true, now));
        }
        for (own, instance) in instances.iter_mut().enumerate() {
            let mut steps = order.clone();
            if own == 1 {
                steps.reverse();
            }
            for step in steps {
                match step {
                    address @ 0..3 => {
                        let state = sights[own][address];
                        if state.is_down() {
                            instance.probe(address as u32, false, now);
                        }
                    }
                    3 => {
                        let news = told(&sights[2]);
                        instance.handle(Input::Heard(vec![heard(3, news)]), now);
                    }
                    _ => {
                        let news = told(&sights[1 - own]);
                        instance.handle(Input::Heard(vec![heard(2 - own, news)]), now);
                    }
                }
            }
        }
        let expected: Vec<u32> = (0..3).filter(|address| is_down(*address)).map(|address| address as u32).collect();
        prop_assert_eq!(instances[0].down(), expected.clone());
        prop_assert_eq!(instances[1].down(), expected);
    }
}
