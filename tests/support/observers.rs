//! Several machines on one written clock and a written network: random outages of regions, of the paths to them and of
//! the links between instances, and what must hold whatever happens.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;

use meridian::canary::{CanaryId, Epoch, Failure, FailureClass, Observation, Subject};
use meridian::control::{Control, Effect, Input, Restored};
use meridian::daemon;
use meridian::health::{FALLS_TO_QUARANTINE, Memory, PeerHello, PeerNews, PeerReport, Status, Suppression};
use meridian::moment::{ClockStep, FollowClock, Moment};
use meridian::region::{AddressId, Family};
use meridian::snapshot::{Base, Snapshot};

/// The regions of the world, each with one address.
const REGIONS: usize = 4;

/// The time between two steps.
const STEP: Duration = Duration::from_millis(100);

/// How often an address is probed that is up, and one that may not be.
const INTERVAL: Duration = Duration::from_secs(5);
const RECHECK: Duration = Duration::from_secs(1);

/// How many failures take an address down.
const FALL: u64 = 2;

/// How long one that is silent is waited for.
const ALONE_AFTER: Duration = Duration::from_secs(60);

/// How long after the network is whole all must agree.
const AGREE_WITHIN: Duration = Duration::from_secs(2);

/// The longest delay of a message.
const DELAY: u64 = 200;

const START: Moment = Moment(1_000_000_000);

/// The most violations that are told of a run.
const MAX_TOLD: usize = 5;

/// What happened in a run, and what should not have.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The first ones.
    pub violations: Vec<String>,
    pub falls: usize,
    pub blackouts: usize,
    pub cuts: usize,
    pub restarts: usize,
    pub reloads: usize,
    /// How often lines came so late that their instance was taken to be silent, and none was lost.
    pub stalls: usize,
    /// How often all were compared.
    pub comparisons: usize,
}

/// Something that is interrupted from time to time.
#[derive(Clone, Copy, Debug)]
struct Interrupted {
    until: Moment,
    /// When it was last interrupted; the epoch: never.
    last: Moment,
}

impl Interrupted {
    const NEVER: Self = Self { until: Moment(0), last: Moment(0) };

    fn is_off(self, now: Moment) -> bool {
        now < self.until
    }

    fn interrupt(&mut self, now: Moment, seconds: u64) {
        *self = Self { until: now.plus(Duration::from_secs(seconds)), last: now };
    }

    /// Returns whether it was whole for so long.
    fn was_whole(self, lasting: Duration, now: Moment) -> bool {
        now.since(self.until) >= lasting
    }

    /// Returns whether it was interrupted within this time.
    fn was_off(self, within: Duration, now: Moment) -> bool {
        !self.was_whole(within, now)
    }
}

struct Instance {
    control: Control,
    base: Arc<Base>,
    epoch: Epoch,
    published: Arc<Snapshot>,
    memory: Option<Memory>,
    /// When each address is probed next.
    due: [Moment; REGIONS],
    sight: u64,
    told_at: Moment,
    started: Moment,
    /// When what it sees last changed.
    changed: Moment,
}

/// A message on its way.
struct Message {
    sent: Moment,
    /// When its instance has read it, and ages in it count from.
    read: Moment,
    /// When its writer takes it.
    arrives: Moment,
    news: Vec<PeerNews>,
}

pub struct World {
    rng: Rng,
    now: Moment,
    instances: Vec<Instance>,
    regions: [Interrupted; REGIONS],
    /// By instance and region.
    paths: Vec<[Interrupted; REGIONS]>,
    /// By the lower and the higher instance.
    links: Vec<Vec<Interrupted>>,
    /// By sender and receiver: when the receiver's writer was busy.
    busy: Vec<Vec<Interrupted>>,
    /// By sender and receiver.
    wires: Vec<Vec<VecDeque<Message>>>,
    /// By region: since when the instances let it take other clients, while they hear each other.
    differs: [Option<Moment>; REGIONS],
    outcome: Outcome,
}

/// Writes the configuration of an instance.
fn base_of(own: usize, count: usize) -> Arc<Base> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut server = format!("name: ns{own}\nlisten: {{ dns: '127.0.0.1:0' }}\nadmin: '127.0.0.1:8053'\n");
    server += "peers:\n  secret: { file: s }\n  instances:\n";
    for other in (0..count).filter(|other| *other != own) {
        let _ = writeln!(server, "    - {{ name: ns{other}, url: 'http://192.0.2.{other}:8053' }}");
    }
    let mut regions = "regions:\n".to_owned();
    for region in 0..REGIONS {
        let _ = writeln!(
            regions,
            "  r{region}: {{ location: {{ latitude: 35, longitude: {} }}, jurisdiction: JP, canaries: [tcp], \
             zones: {{ r{region}-a: {{ addresses: [192.0.2.{region}] }} }} }}",
            region * 10
        );
    }
    let _ = writeln!(
        regions,
        "canaries: {{ tcp: {{ tcp: {{ port: 443 }}, fall: {FALL}, rise: 2, interval: 5s }} }}"
    );
    regions += "recovery: { min_down: 10s, ramp: [] }\n";
    let zone = "zone: example.com\nnameservers: [ns1.example.net]\nnames: { '@': { steer: { regions: [r0, r1, r2, r3], order: listed } } }\n";
    for (name, text) in
        [("server.yaml", server.as_str()), ("regions.yaml", &regions), ("example.com.yaml", zone)]
    {
        fs::write(directory.path().join(name), text).expect("a writable directory");
    }
    daemon::load(directory.path()).unwrap_or_else(|error| panic!("{error}")).base
}

impl Instance {
    fn start(base: Arc<Base>, memory: Option<Memory>, now: Moment) -> Self {
        let mut control = Control::new(Arc::clone(&base), now);
        let restored = Restored { health: memory.clone(), ..Restored::default() };
        let effects = control.handle(Input::Restored(restored), now);
        let (mut published, mut epoch) = (None, Epoch::default());
        for effect in effects {
            match effect {
                Effect::Publish(snapshot) => published = Some(snapshot),
                Effect::Watch(_, watched) => epoch = watched,
                _ => {}
            }
        }
        let published = published.expect("a first snapshot");
        let due = [now; REGIONS];
        let sight = control.sight();
        Self { control, base, epoch, published, memory, due, sight, told_at: now, started: now, changed: now }
    }

    fn handle(&mut self, input: Input, now: Moment) {
        for effect in self.control.handle(input, now) {
            match effect {
                Effect::Publish(snapshot) => self.published = snapshot,
                Effect::Persist(memory) => self.memory = Some(memory),
                Effect::Watch(_, epoch) => self.epoch = epoch,
                _ => {}
            }
        }
    }

    fn is_down(&self, region: usize) -> bool {
        self.published.health.of(AddressId(region as u32)).is_down()
    }

    /// Returns how each region stands.
    fn courses(&self, now: Moment) -> Vec<Status> {
        self.control.report(now).regions.iter().map(|region| region.status[Family::V4 as usize]).collect()
    }

    fn state(&self) -> PeerNews {
        let sight = self.control.own_sight(self.told_at).expect("it has peers");
        PeerNews::State(sight.keys.iter().cloned().zip(sight.facts).collect())
    }
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let count = rng.usize(2..=5);
        let instances: Vec<_> =
            (0..count).map(|own| Instance::start(base_of(own, count), None, START)).collect();
        let wires = (0..count).map(|_| (0..count).map(|_| VecDeque::new()).collect()).collect();
        let mut world = Self {
            rng,
            now: START,
            instances,
            regions: [Interrupted::NEVER; REGIONS],
            paths: vec![[Interrupted::NEVER; REGIONS]; count],
            links: vec![vec![Interrupted::NEVER; count]; count],
            busy: vec![vec![Interrupted::NEVER; count]; count],
            wires,
            differs: [None; REGIONS],
            outcome: Outcome::default(),
        };
        for (from, to) in world.pairs() {
            world.join(from, to);
        }
        world
    }

    /// Lets time pass, and returns what happened.
    pub fn play(mut self, lasting: Duration) -> Outcome {
        let end = START.plus(lasting);
        while self.now < end {
            self.now = self.now.plus(STEP);
            self.trouble();
            self.deliver();
            let before: Vec<Vec<bool>> = self.all_down();
            self.probe();
            self.tick();
            self.tell();
            self.check_falls(&before);
            self.check_agreement();
        }
        self.outcome
    }

    fn pairs(&self) -> Vec<(usize, usize)> {
        let count = self.instances.len();
        let all = (0..count).flat_map(|from| (0..count).map(move |to| (from, to)));
        all.filter(|(from, to)| from != to).collect()
    }

    fn link(&self, one: usize, other: usize) -> Interrupted {
        self.links[one.min(other)][one.max(other)]
    }

    /// Begins an outage of something, about once in forty seconds.
    fn trouble(&mut self) {
        if self.rng.u32(..400) > 0 {
            return;
        }
        let (now, count) = (self.now, self.instances.len());
        let (one, region) = (self.rng.usize(..count), self.rng.usize(..REGIONS));
        match self.rng.u32(..12) {
            // One region at a time: of several, which of them may leave depends on the one that fell first.
            0..2 if self.regions.iter().all(|region| region.was_whole(Duration::from_secs(120), now)) => {
                let seconds = self.rng.u64(20..120);
                self.regions[region].interrupt(now, seconds);
            }
            0..2 => {}
            2..6 => {
                self.outcome.blackouts += 1;
                let seconds = self.rng.u64(5..20);
                self.paths[one][region].interrupt(now, seconds);
            }
            6..9 => {
                let other = (one + self.rng.usize(1..count)) % count;
                let seconds = *self.rng.choice([1, 4, 20, 90].iter()).expect("there are some");
                self.outcome.cuts += 1;
                self.links[one.min(other)][one.max(other)].interrupt(now, seconds);
            }
            9 => {
                let other = (one + self.rng.usize(1..count)) % count;
                let seconds = self.rng.u64(3..8);
                self.outcome.stalls += 1;
                self.busy[other][one].interrupt(now, seconds);
            }
            10 => {
                self.outcome.reloads += 1;
                let base = Arc::clone(&self.instances[one].base);
                self.instances[one].handle(Input::Reloaded(base), now);
            }
            _ => {
                self.outcome.restarts += 1;
                let (base, memory) =
                    (Arc::clone(&self.instances[one].base), self.instances[one].memory.take());
                self.instances[one] = Instance::start(base, memory, now);
                for other in (0..count).filter(|other| *other != one) {
                    self.wires[one][other].clear();
                    self.wires[other][one].clear();
                    let news = vec![PeerNews::Lost("it is gone".to_owned())];
                    self.wires[one][other].push_back(Message { sent: now, read: now, arrives: now, news });
                    if !self.link(one, other).is_off(now) {
                        self.join(one, other);
                        self.join(other, one);
                    }
                }
            }
        }
    }

    /// Begins a stream.
    fn join(&mut self, from: usize, to: usize) {
        let news = vec![
            PeerNews::Joined(PeerHello { is_blind: Some(false), ..PeerHello::default() }),
            self.instances[from].state(),
        ];
        self.send(from, to, news);
    }

    /// Sends a message, which is not faster than the one before.
    fn send(&mut self, from: usize, to: usize, news: Vec<PeerNews>) {
        let sent = self.now;
        let read = sent.plus(Duration::from_millis(self.rng.u64(1..=DELAY)));
        let wire = &mut self.wires[from][to];
        let (before, arrives) = (wire.back(), read.max(self.busy[from][to].until));
        let arrives = before.map_or(arrives, |last| last.arrives.max(arrives));
        wire.push_back(Message { sent, read, arrives, news });
    }

    /// Brings what has come, and drops what a cut link holds; one that is whole again begins anew.
    fn deliver(&mut self) {
        for (from, to) in self.pairs() {
            let link = self.link(from, to);
            if link.is_off(self.now) {
                self.wires[from][to].clear();
                continue;
            }
            if link.last > Moment(0) && self.now.since(link.until) < STEP {
                self.join(from, to);
            }
            while self.wires[from][to].front().is_some_and(|message| message.arrives <= self.now) {
                let Some(message) = self.wires[from][to].pop_front() else { break };
                // Ages are told, and the way is not known to be a part of them.
                let late = i64::try_from(message.read.since(message.sent).as_millis()).expect("it is short");
                let report = |news| PeerReport { peer: format!("ns{from}"), news };
                let mut reports: Vec<_> = message.news.into_iter().map(report).collect();
                reports.follow_clock(ClockStep(late));
                let now = self.now;
                self.instances[to].handle(Input::Heard(reports), now);
            }
        }
    }

    fn probe(&mut self) {
        let now = self.now;
        for (own, instance) in self.instances.iter_mut().enumerate() {
            for region in 0..REGIONS {
                if now < instance.due[region] {
                    continue;
                }
                let is_off = self.regions[region].is_off(now) || self.paths[own][region].is_off(now);
                let failure =
                    Failure { class: FailureClass::Timeout, detail: "no answer within 2s".to_owned() };
                let seen = Observation {
                    epoch: instance.epoch,
                    subject: Subject::Address(AddressId(region as u32)),
                    canary: CanaryId(0),
                    at: now,
                    latency: Duration::from_millis(3),
                    result: if is_off { Err(failure) } else { Ok(()) },
                    signals: None,
                };
                instance.handle(Input::Observed(vec![seen]), now);
                let wait = if is_off { RECHECK } else { INTERVAL };
                instance.due[region] = now.plus(wait.mul_f64(0.8 + self.rng.f64() / 5.0));
            }
        }
    }

    fn tick(&mut self) {
        let now = self.now;
        for instance in &mut self.instances {
            // What is due may follow from what was due before it.
            for _ in 0..3 {
                if instance.control.wake().is_some_and(|wake| wake <= now) {
                    instance.handle(Input::Tick, now);
                }
            }
        }
    }

    /// Lets instances tell what has changed, and a heartbeat each second.
    fn tell(&mut self) {
        let now = self.now;
        for from in 0..self.instances.len() {
            let instance = &mut self.instances[from];
            let has_changed = instance.control.sight() != instance.sight;
            if !has_changed && now.since(instance.told_at) < Duration::from_secs(1) {
                continue;
            }
            if has_changed {
                instance.changed = now;
            }
            (instance.sight, instance.told_at) = (instance.control.sight(), now);
            let PeerNews::State(facts) = instance.state() else { unreachable!("it tells its state") };
            let news = vec![PeerNews::Changed(facts), PeerNews::Alive { is_blind: false }];
            for to in (0..self.instances.len()).filter(|to| *to != from) {
                if !self.link(from, to).is_off(now) {
                    self.send(from, to, news.clone());
                }
            }
        }
    }

    fn violated(&mut self, what: String) {
        if self.outcome.violations.len() < MAX_TOLD {
            self.outcome.violations.push(what);
        }
    }

    fn all_down(&self) -> Vec<Vec<bool>> {
        let down = |instance: &Instance| (0..REGIONS).map(|region| instance.is_down(region)).collect();
        self.instances.iter().map(down).collect()
    }

    /// Checks that no address falls that fewer instances than the quorum may have seen fail, while all hear each other.
    fn check_falls(&mut self, before: &[Vec<bool>]) {
        let (now, count) = (self.now, self.instances.len());
        let needed = if count > 2 { count / 2 + 1 } else { count };
        let window = Duration::from_secs(40);
        for (own, before) in before.iter().enumerate() {
            for (region, was_down) in before.iter().enumerate() {
                if *was_down || !self.instances[own].is_down(region) {
                    continue;
                }
                self.outcome.falls += 1;
                let others = || (0..count).filter(|other| *other != own);
                let is_steady = |other: usize| {
                    self.link(own, other).was_whole(ALONE_AFTER + window, now)
                        && now.since(self.instances[other].started) > ALONE_AFTER + window
                };
                if !others().all(is_steady) || self.regions[region].was_off(window, now) {
                    continue;
                }
                let failed = (0..count).filter(|one| self.paths[*one][region].was_off(window, now)).count();
                if failed < needed {
                    let what =
                        format!("ns{own} let r{region} fall, which {failed} of {count} could see fail");
                    self.violated(format!("{now}: {what}"));
                }
            }
        }
    }

    /// Checks that all have the same addresses down when they have heard each other for long enough.
    fn check_agreement(&mut self) {
        let (now, count) = (self.now, self.instances.len());
        let is_settled = |instance: &Instance| {
            now.since(instance.changed) > AGREE_WITHIN
                && now.since(instance.started) > 2 * INTERVAL + AGREE_WITHIN
        };
        let is_whole =
            (0..count).all(|one| (0..one).all(|other| self.link(one, other).was_whole(AGREE_WITHIN, now)));
        let is_heard = self.busy.iter().flatten().all(|busy| busy.was_whole(AGREE_WITHIN, now));
        if !is_whole || !is_heard || !self.instances.iter().all(is_settled) {
            self.differs = [None; REGIONS];
            return;
        }
        self.outcome.comparisons += 1;
        let down = self.all_down();
        if down.iter().any(|one| *one != down[0]) {
            self.violated(format!("{now}: the instances disagree on what is down: {down:?}"));
        }
        self.check_shares();
    }

    /// Checks that regions take the same clients everywhere, but for a moment. How long one waits that came and went
    /// three times within the hour depends on when each instance saw that, and how far one may leave that is down, on what
    /// it was given before. One that rises goes on serving where it had not left before the instance heard of its fall.
    fn check_shares(&mut self) {
        let now = self.now;
        let courses: Vec<_> = self.instances.iter().map(|instance| instance.courses(now)).collect();
        for region in 0..REGIONS {
            let of_region = || courses.iter().map(|courses| &courses[region]);
            let is_flapping = of_region().any(|course| course.falls >= FALLS_TO_QUARANTINE);
            let is_limited = of_region().filter_map(|course| course.suppression).any(is_limit);
            let mut shares = of_region().map(Status::takes);
            let first = shares.next();
            if is_flapping || is_limited || shares.all(|share| Some(share) == first) {
                self.differs[region] = None;
                continue;
            }
            let since = *self.differs[region].get_or_insert(now);
            if now.since(since) == AGREE_WITHIN {
                let told = |course: &Status| {
                    format!("{} since {} {:?}", course.phase, course.since, course.suppression)
                };
                let told: Vec<_> = of_region().map(told).collect();
                self.violated(format!("{now}: the instances disagree on r{region}: {told:?}"));
            }
        }
    }
}

/// Returns whether a region stays for what an instance knows besides the present state of all addresses.
fn is_limit(suppression: Suppression) -> bool {
    match suppression {
        Suppression::Unconfirmed { down, needed, .. } => down >= needed,
        other => other.counts_as_down(),
    }
}
