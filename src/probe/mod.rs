//! Runs canaries against addresses and regions, each pair in its own rhythm, and sends what it sees to
//! control.
//!
//! ```text
//!   schedule ──due──▶ a task a probe ──▶ slot ──▶ check ──▶ room for the result ──▶ schedule, latest, control
//! ```
//!
//! Every canary runs against every address of the regions that name it, or once against each of these
//! regions, from boot on and whether or not any client asks for the region. A probe is a task, so that a
//! slow one delays no other; a cap bounds how many run at once. When to probe is [`ProbeSchedule`], what results
//! mean is `health::Board`: all that is decided here is whether this machine could probe at all, and the class of a
//! failure.

mod blindness;
mod check;
mod clock;
mod detail;
mod failure;
mod hosts;
pub(crate) mod http;
mod inference;
mod json;
mod kernel;
mod latest;
mod names;
mod own_fault;
mod reference;
mod result;
mod schedule;
#[cfg(test)]
mod scripted;
mod tls;
mod trust;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{self, Instant};

pub use check::Probe;
pub use clock::ReadClock;
pub use hosts::{FoundAddresses, HostResolver};
pub use http::Error;
pub use latest::LatestSightings;
pub use reference::REFERENCE_INTERVAL;
pub use result::ProbeResult;
pub use schedule::{EndedProbe, Pair, PairId, ProbeSchedule, Watched};
pub use trust::Trust;

use crate::canary::{
    BlindProbe, Canary, Epoch, Heard, Observation, ProbeError, ProbeReport, ReferenceTarget, Sighting,
};
use crate::moment::Moment;
use crate::region::Regions;
use reference::ReferenceProbes;

/// The most probes that run at once, if descriptors allow it. It is a quarter of the usual limit of 1 024 open files,
/// the rest being for clients; with a timeout of 2 s it still takes 1 280 hanging addresses at an interval of 10 s before
/// probes have to wait for each other, and detection takes longer than `pace::worst_case` says.
pub const MAX_AT_ONCE: usize = 256;

/// How many results may wait for control: four rounds of the most that can finish at once. When control
/// does not keep up, probes wait instead of memory growing.
pub const MAX_WAITING: usize = 4 * MAX_AT_ONCE;

/// Runs canaries. Dropping it ends them all.
pub struct Prober {
    shared: Arc<Shared>,
    references: Option<ReferenceProbes>,
    /// One task, which starts the probes.
    _driver: JoinSet<()>,
}

struct Shared {
    results: mpsc::Sender<ProbeReport>,
    clock: ReadClock,
    /// Time zero of the schedule, whose clock is tokio's: a wall clock that is set moves no probe.
    origin: Instant,
    slots: Semaphore,
    trust: Trust,
    latest: Arc<LatestSightings>,
    plan: Mutex<Planned>,
    /// Wakes the driver when the plan is another one.
    replanned: Notify,
    /// Wakes the probes of references when a probe has failed.
    failed: Arc<Notify>,
}

/// What is probed, and when. Invariant: every pair of the schedule has a check.
struct Planned {
    schedule: ProbeSchedule,
    checks: HashMap<PairId, Arc<Probe>>,
}

impl Prober {
    /// Returns a prober that sends to `results`, a channel that should hold [`MAX_WAITING`], runs at most so many
    /// probes `at_once`, and draws its jitter from `seed`. It probes nothing before [`Prober::watch`]. Must be called inside a tokio runtime.
    pub fn new(
        results: mpsc::Sender<ProbeReport>,
        clock: ReadClock,
        trust: Trust,
        at_once: usize,
        seed: u64,
    ) -> Self {
        let shared = Arc::new(Shared {
            results,
            clock,
            origin: Instant::now(),
            slots: Semaphore::new(at_once),
            trust,
            latest: Arc::default(),
            plan: Mutex::new(Planned { schedule: ProbeSchedule::new(seed), checks: HashMap::new() }),
            replanned: Notify::new(),
            failed: Arc::default(),
        });
        let mut driver = JoinSet::new();
        driver.spawn(drive(Arc::clone(&shared)));
        Self { shared, references: None, _driver: driver }
    }

    /// Returns the last result of every probe, which goes on changing.
    pub fn latest(&self) -> Arc<LatestSightings> {
        Arc::clone(&self.shared.latest)
    }

    /// Probes these targets outside the regions from now on.
    pub fn watch_references(&mut self, targets: &[ReferenceTarget]) {
        let Shared { trust, clock, failed, results, .. } = &*self.shared;
        self.references = Some(ReferenceProbes::start(targets, trust, clock, failed, results));
    }

    /// Probes these regions with these canaries from now on, and marks the observations with `epoch`, the
    /// number of this numbering. Results of probes that are under way come under the new numbers, or not at
    /// all when their pair is gone.
    pub fn watch(&mut self, regions: &Regions, canaries: &[Canary], epoch: Epoch) {
        let shared = &self.shared;
        let mut plan = shared.plan();
        let Planned { schedule, checks } = &mut *plan;
        for id in schedule.watch(regions, canaries, epoch, shared.now()) {
            let Some(pair) = schedule.pair(id) else { continue };
            match Probe::new(&pair.settings.check, &pair.watched, &shared.trust) {
                Ok(check) => _ = checks.insert(id, Arc::new(check)),
                Err(error) => {
                    // No verdict is better than a wrong one: the address, or the region, counts as up.
                    let (canary, watched) = (&pair.settings.name, &pair.watched);
                    tracing::error!(canary, %watched, "the canary cannot be run: {error}");
                    schedule.remove(id);
                }
            }
        }
        checks.retain(|id, _| schedule.pair(*id).is_some());
        shared.latest.keep(schedule.pairs().map(|(_, pair)| pair));
        shared.replanned.notify_one();
    }
}

impl fmt::Debug for Prober {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prober").field("pairs", &self.shared.plan().checks.len()).finish_non_exhaustive()
    }
}

/// Starts every probe at its time.
async fn drive(shared: Arc<Shared>) {
    let mut probes = JoinSet::new();
    loop {
        let next = shared.start_due(&mut probes);
        // A probe that ends is due again, maybe sooner than all others.
        tokio::select! {
            () = at(next) => {}
            () = shared.replanned.notified() => {}
            Some(ended) = probes.join_next() => {
                if let Err(error) = ended && error.is_panic() {
                    tracing::error!("a probe has died, and its canary rests until a reload changes it: {error}");
                }
            }
        }
    }
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

impl Shared {
    /// Starts the probes that are due, and returns when the next one is.
    fn start_due(self: &Arc<Self>, probes: &mut JoinSet<()>) -> Option<Instant> {
        let mut plan = self.plan();
        let Planned { schedule, checks } = &mut *plan;
        let now = self.now();
        loop {
            let (due, id) = schedule.due().next()?;
            let Some(pair) = schedule.begin(id, now) else {
                return Some(self.origin + Duration::from_millis(due.0));
            };
            let check = Arc::clone(checks.get(&id).expect("every pair has a check"));
            probes.spawn(Arc::clone(self).probe(id, check, pair.settings.timeout));
        }
    }

    /// Runs one probe and reports its result, under the numbers of that moment.
    async fn probe(self: Arc<Self>, id: PairId, check: Arc<Probe>, timeout: Duration) {
        let Ok(slot) = self.slots.acquire().await else { return };
        let started = Instant::now();
        let ProbeResult { result, signals, remark } = check.run(timeout).await;
        let (latency, ended, at) = (started.elapsed(), self.now(), (self.clock)());
        drop(slot);
        // Room comes first: a reload may renumber the pair while this waits.
        let Ok(room) = self.results.reserve().await else { return };
        let mut plan = self.plan();
        // Pairs that it brings forward are started by the driver, which wakes when this task ends.
        let Some(EndedProbe { pair, .. }) = plan.schedule.end(id, &result, latency, ended) else { return };
        let (epoch, subject, canary) = (pair.epoch, pair.subject, pair.canary);
        let result = match result {
            Err(ProbeError::Blind(blindness)) => {
                room.send(ProbeReport::Blind(BlindProbe { epoch, subject, canary, at, blindness }));
                return;
            }
            Err(ProbeError::Failed(failure)) => {
                self.failed.notify_waiters();
                Err(failure)
            }
            Ok(()) => Ok(()),
        };
        let heard = signals.map(|signals| Heard { at, signals });
        let sighting = Sighting { at, latency, result: result.clone(), remark, signals: heard };
        self.latest.note(pair, sighting);
        room.send(ProbeReport::Seen(Observation { epoch, subject, canary, at, latency, result, signals }));
    }

    fn plan(&self) -> MutexGuard<'_, Planned> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the time of the schedule.
    fn now(&self) -> Moment {
        Moment::default().plus(self.origin.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::canary::{CanaryId, Check, FailureClass, HttpCheck, Reach, Subject};
    use crate::health::fixture;
    use crate::moment::Moment;
    use crate::probe::names::tests::Book;
    use crate::probe::scripted::{self, Script};
    use crate::region::{AddressId, RegionId};

    /// A canary of a few milliseconds that calls this port on every address.
    fn canary(name: &str, port: u16, timeout: u64) -> Canary {
        let check = HttpCheck {
            url: format!("http://{{address}}:{port}/health"),
            host: None,
            authorities: None,
            method: "GET".to_owned(),
            headers: Vec::new(),
            headers_from_env: Vec::new(),
            body: None,
            statuses: vec![(200, 299)],
            body_contains: None,
        };
        Canary {
            check: Check::Http(check),
            interval: Duration::from_millis(20),
            recheck: Duration::from_millis(10),
            timeout: Duration::from_millis(timeout),
            ..fixture::canary(name, 3, 3)
        }
    }

    impl Prober {
        fn id_of(&self, address: &str) -> Option<PairId> {
            let watched = Watched::Address(address.parse().expect("an IP"));
            let plan = self.shared.plan();
            plan.schedule.pairs().find(|(_, pair)| pair.watched == watched).map(|(id, _)| id)
        }
    }

    fn prober() -> (Prober, mpsc::Receiver<ProbeReport>) {
        let (sender, results) = mpsc::channel(MAX_WAITING);
        let clock: ReadClock = Arc::new(|| Moment(7));
        (Prober::new(sender, clock, Trust::default(), MAX_AT_ONCE, 1), results)
    }

    /// Receives the next result of a probe that could be made.
    async fn next_seen(results: &mut mpsc::Receiver<ProbeReport>) -> Observation {
        match results.recv().await.expect("the prober lives") {
            ProbeReport::Seen(seen) => seen,
            other => panic!("loopback is always there: {other:?}"),
        }
    }

    /// Receives until every one of these pairs was seen, and returns everything received.
    async fn until_seen(results: &mut mpsc::Receiver<ProbeReport>, pairs: &[(u32, u16)]) -> Vec<Observation> {
        let mut missing: HashSet<_> = pairs.iter().copied().collect();
        let mut received = Vec::new();
        while !missing.is_empty() {
            let seen = next_seen(results).await;
            let Subject::Address(address) = seen.subject else { panic!("{seen:?}") };
            missing.remove(&(address.0, seen.canary.0));
            received.push(seen);
        }
        received
    }

    #[tokio::test]
    async fn every_canary_probes_every_address_of_the_regions_that_name_it_and_no_other() {
        let port = scripted::serve(Script::Ok).await.port();
        let mut tokyo = fixture::region("tokyo", &["127.0.0.1", "127.0.0.2"]);
        tokyo.canaries = vec![CanaryId(0), CanaryId(1)];
        let osaka = fixture::region("osaka", &["127.0.0.3"]);
        let canaries = [canary("shallow", port, 2000), canary("deep", port, 2000)];
        let (mut prober, mut results) = prober();
        prober.watch(&Regions::new(vec![tokyo, osaka]), &canaries, Epoch(4));
        let pairs = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)];
        let received = until_seen(&mut results, &pairs).await;
        let unwanted = (Subject::Address(AddressId(2)), CanaryId(1));
        assert!(received.iter().all(|seen| (seen.subject, seen.canary) != unwanted));
        assert!(received.iter().all(|seen| seen.epoch == Epoch(4) && seen.at == Moment(7)));
    }

    #[tokio::test]
    async fn a_canary_of_regions_probes_each_of_them_once_and_none_of_their_addresses() {
        let port = scripted::serve(Script::Ok).await.port();
        let mut tokyo = fixture::region("tokyo", &["127.0.0.1", "127.0.0.2"]);
        tokyo.canaries = vec![CanaryId(0), CanaryId(1)];
        let mut osaka = fixture::region("osaka", &["127.0.0.3"]);
        osaka.canaries = vec![CanaryId(1)];
        let mut whole = canary("whole", port, 2000);
        whole.reach = Reach::Region;
        let Check::Http(http) = &mut whole.check else { panic!("{whole:?}") };
        http.url = format!("http://{{region}}.example.com:{port}/health");
        let (sender, mut results) = mpsc::channel(MAX_WAITING);
        let trust = Trust::default().with_names(Book::of(&[Some("127.0.0.1")]));
        let mut prober = Prober::new(sender, Arc::new(|| Moment(7)), trust, MAX_AT_ONCE, 1);
        prober.watch(&Regions::new(vec![tokyo, osaka]), &[canary("shallow", port, 2000), whole], Epoch(0));
        let mut missing: HashSet<_> = [
            (Subject::Address(AddressId(0)), CanaryId(0)),
            (Subject::Address(AddressId(1)), CanaryId(0)),
            (Subject::Region(RegionId(0)), CanaryId(1)),
            (Subject::Region(RegionId(1)), CanaryId(1)),
        ]
        .into();
        let wanted = missing.clone();
        while !missing.is_empty() {
            let seen = next_seen(&mut results).await;
            assert!(wanted.contains(&(seen.subject, seen.canary)) && seen.result.is_ok(), "{seen:?}");
            missing.remove(&(seen.subject, seen.canary));
        }
        let latest = prober.latest();
        assert!(latest.last_of_region("osaka", "whole").is_some());
        assert_eq!(latest.last_of_region("osaka", "shallow"), None);
    }

    #[tokio::test]
    async fn one_that_hangs_delays_no_other_and_is_known_for_what_it_is() {
        let fast = scripted::serve(Script::Ok).await;
        let slow = scripted::serve(Script::Hang).await;
        let mut tokyo = fixture::region("tokyo", &["127.0.0.1"]);
        tokyo.canaries = vec![CanaryId(0), CanaryId(1)];
        let canaries = [canary("fast", fast.port(), 2000), canary("slow", slow.port(), 300)];
        let (mut prober, mut results) = prober();
        prober.watch(&Regions::new(vec![tokyo]), &canaries, Epoch(0));
        let received = until_seen(&mut results, &[(0, 1)]).await;
        let fast = received.iter().filter(|seen| seen.canary == CanaryId(0));
        assert!(fast.count() > 1, "the fast one went on meanwhile");
        let failure = received.last().and_then(|seen| seen.result.clone().err());
        assert_eq!(failure.map(|failure| failure.class), Some(FailureClass::Timeout));
    }

    #[tokio::test]
    async fn a_reload_gives_pairs_their_new_numbers_and_ends_those_that_are_gone() {
        let port = scripted::serve(Script::Ok).await.port();
        let canaries = [canary("shallow", port, 2000)];
        let (mut prober, mut results) = prober();
        let before = fixture::region("tokyo", &["127.0.0.1", "127.0.0.2"]);
        prober.watch(&Regions::new(vec![before]), &canaries, Epoch(0));
        until_seen(&mut results, &[(0, 0), (1, 0)]).await;
        let kept = prober.id_of("127.0.0.2");

        let after = fixture::region("tokyo", &["127.0.0.3", "127.0.0.2"]);
        prober.watch(&Regions::new(vec![after]), &canaries, Epoch(1));
        assert_eq!(prober.id_of("127.0.0.2"), kept, "it goes on, it is not started again");
        let gone = "127.0.0.1".parse().expect("an IP");
        assert_eq!(prober.latest().last(gone, "shallow"), None);
        while let Ok(ProbeReport::Seen(seen)) = results.try_recv() {
            assert_eq!(seen.epoch, Epoch(0));
        }
        let received = until_seen(&mut results, &[(0, 0), (1, 0)]).await;
        assert_eq!(received.last().map(|seen| seen.epoch), Some(Epoch(1)));
    }

    #[tokio::test]
    async fn a_canary_whose_check_has_changed_is_started_again() {
        let wrong = scripted::serve(Script::Status("503 Service Unavailable")).await;
        let right = scripted::serve(Script::Ok).await;
        let regions = Regions::new(vec![fixture::region("tokyo", &["127.0.0.1"])]);
        let (mut prober, mut results) = prober();
        prober.watch(&regions, &[canary("shallow", wrong.port(), 2000)], Epoch(0));
        until_seen(&mut results, &[(0, 0)]).await;
        prober.watch(&regions, &[canary("shallow", right.port(), 2000)], Epoch(1));
        loop {
            let seen = next_seen(&mut results).await;
            assert_eq!(seen.result.is_ok(), seen.epoch == Epoch(1));
            if seen.epoch == Epoch(1) {
                break;
            }
        }
    }

    #[tokio::test]
    async fn the_last_result_of_every_probe_can_be_read_at_any_time() {
        let port = scripted::serve(Script::Status("500 Oops")).await.port();
        let regions = Regions::new(vec![fixture::region("tokyo", &["127.0.0.1"])]);
        let (mut prober, mut results) = prober();
        let latest = prober.latest();
        let address = "127.0.0.1".parse().expect("an IP");
        assert_eq!(latest.last(address, "shallow"), None);
        prober.watch(&regions, &[canary("shallow", port, 2000)], Epoch(0));
        until_seen(&mut results, &[(0, 0)]).await;
        let last = latest.last(address, "shallow").expect("it was probed");
        let failure = last.result.expect_err("it is broken");
        assert_eq!(failure.detail, "status 500");
    }

    #[tokio::test]
    async fn dropping_the_prober_ends_its_tasks() {
        let port = scripted::serve(Script::Ok).await.port();
        let regions = Regions::new(vec![fixture::region("tokyo", &["127.0.0.1"])]);
        let (mut prober, mut results) = prober();
        prober.watch(&regions, &[canary("shallow", port, 2000)], Epoch(0));
        until_seen(&mut results, &[(0, 0)]).await;
        drop(prober);
        // Ends only when every sender is gone.
        while results.recv().await.is_some() {}
    }
}
