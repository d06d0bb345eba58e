//! Runs canaries against addresses and regions, each pair in its own rhythm, and sends what it sees to
//! control.
//!
//! Every canary runs against every address of the regions that name it, or once against each of these
//! regions, from boot on and whether or not anybody asks for the region. Each pair has a task, so that a
//! slow one delays no other; a cap bounds how many probes run at once. When to probe is `health::pace`, what
//! results mean is `health::Board`: all that is decided here is the class of a failure.
//!
//! A reload hands over another configuration ([`Prober::watch`]): pairs that are still in it keep their
//! rhythm, and learn their new numbers before they report again.

mod check;
mod failure;
mod http;
mod inference;
mod json;
mod live;
mod names;
mod rounds;
#[cfg(test)]
mod scripted;
mod tls;
mod trust;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

pub use check::{Outcome, Probe};
pub use http::Error;
pub use live::{Live, Watched};
pub use rounds::Clock;
pub use trust::Trust;

use crate::canary::{Canary, CanaryId, Epoch, Observation, Reach, Subject};
use crate::region::{RegionId, Regions};
use live::Pair;
use rounds::{Orders, Rounds, Shared};

/// The most probes that run at once. It is a quarter of the usual limit of 1 024 open files, the rest being
/// for clients; with a timeout of 2 s it still takes 1 280 hanging addresses at an interval of 10 s before
/// probes have to wait for each other, and detection takes longer than `pace::worst_case` says.
const MAX_AT_ONCE: usize = 256;

/// How many results may wait for control: four rounds of the most that can finish at once. When control
/// does not keep up, probes wait instead of memory growing.
pub const MAX_WAITING: usize = 4 * MAX_AT_ONCE;

/// Runs canaries. Dropping it ends them all.
pub struct Prober {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
    running: HashMap<Pair, Running>,
    random: fastrand::Rng,
}

/// The task of one pair.
struct Running {
    orders: watch::Sender<Orders>,
    task: AbortHandle,
}

impl Prober {
    /// Returns a prober that sends to `results`, a channel that should hold [`MAX_WAITING`], and draws its
    /// jitter from `seed`. It probes nothing before [`Prober::watch`].
    pub fn new(results: mpsc::Sender<Observation>, clock: Clock, trust: Trust, seed: u64) -> Self {
        Self {
            shared: Arc::new(Shared {
                results,
                clock,
                slots: Semaphore::new(MAX_AT_ONCE),
                trust,
                live: Arc::default(),
            }),
            tasks: JoinSet::new(),
            running: HashMap::new(),
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// Returns the last result of every probe, which goes on changing.
    pub fn live(&self) -> Arc<Live> {
        Arc::clone(&self.shared.live)
    }

    /// Probes these regions with these canaries from now on, and marks the observations with `epoch`, the
    /// number of this numbering. Must be called inside a tokio runtime.
    pub fn watch(&mut self, regions: &Regions, canaries: &[Canary], epoch: Epoch) {
        let wanted = pairs(regions, canaries, epoch);
        self.running.retain(|pair, running| {
            let is_same = wanted.get(pair).is_some_and(|orders| running.does(orders));
            if !is_same {
                running.task.abort();
            }
            is_same
        });
        for (pair, orders) in wanted {
            match self.running.get(&pair) {
                Some(running) => {
                    running.orders.send_replace(orders);
                }
                None => self.start(pair, orders),
            }
        }
        self.shared.live.keep(|pair| self.running.contains_key(pair));
        self.reap();
    }

    /// Starts the task of a new pair.
    fn start(&mut self, pair: Pair, orders: Orders) {
        let probe = match Probe::new(&orders.settings.check, &pair.0, &self.shared.trust) {
            Ok(probe) => probe,
            Err(error) => {
                // No verdict is better than a wrong one: the address, or the region, counts as up.
                tracing::error!(canary = %pair.1, watched = %pair.0, "the canary cannot be run: {error}");
                return;
            }
        };
        let (orders, received) = watch::channel(orders);
        let rounds = Rounds {
            shared: Arc::clone(&self.shared),
            pair: pair.clone(),
            probe,
            orders: received,
            random: self.random.fork(),
        };
        let task = self.tasks.spawn(rounds.run());
        self.running.insert(pair, Running { orders, task });
    }

    /// Lets go of the tasks that have ended, and says so when one ended badly.
    fn reap(&mut self) {
        while let Some(ended) = self.tasks.try_join_next() {
            if let Err(error) = ended
                && error.is_panic()
            {
                tracing::error!("a canary's task has died: {error}");
            }
        }
    }
}

impl fmt::Debug for Prober {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prober").field("pairs", &self.running.len()).finish_non_exhaustive()
    }
}

impl Running {
    /// Returns whether the task, as it was started, can follow these orders: pace and thresholds may
    /// change under way, the check may not.
    fn does(&self, orders: &Orders) -> bool {
        self.orders.borrow().settings.check == orders.settings.check && !self.task.is_finished()
    }
}

/// Returns every pair of a configuration with its orders.
fn pairs(regions: &Regions, canaries: &[Canary], epoch: Epoch) -> HashMap<Pair, Orders> {
    let named: Vec<(Arc<str>, Arc<Canary>)> =
        canaries.iter().map(|canary| (Arc::from(canary.name.as_str()), Arc::new(canary.clone()))).collect();
    let of_reach = |region: RegionId, reach: Reach| {
        let watching = regions.region(region).canaries.iter().copied();
        watching
            .map(|id| (id, &named[usize::from(id.0)]))
            .filter(move |(_, (_, canary))| canary.reach == reach)
    };
    let mut pairs = HashMap::new();
    let mut add =
        |watched: Watched, subject, (canary, (name, settings)): (CanaryId, &(Arc<str>, Arc<Canary>))| {
            let orders = Orders { epoch, subject, canary, settings: Arc::clone(settings) };
            pairs.insert((watched, Arc::clone(name)), orders);
        };
    for (id, address) in regions.addresses() {
        for canary in of_reach(address.region, Reach::Address) {
            add(Watched::Address(address.ip), Subject::Address(id), canary);
        }
    }
    for (id, region) in regions.iter() {
        for canary in of_reach(id, Reach::Region) {
            add(Watched::Region(Arc::from(region.name.as_str())), Subject::Region(id), canary);
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use super::*;
    use crate::canary::{Check, FailureClass, HttpCheck};
    use crate::health::fixture;
    use crate::moment::Moment;
    use crate::probe::names::tests::Book;
    use crate::probe::scripted::{self, Script};
    use crate::region::AddressId;

    /// A canary of a few milliseconds that calls this port on every address.
    fn canary(name: &str, port: u16, timeout: u64) -> Canary {
        let check = HttpCheck {
            url: format!("http://{{address}}:{port}/health"),
            host: None,
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

    fn prober() -> (Prober, mpsc::Receiver<Observation>) {
        let (sender, results) = mpsc::channel(MAX_WAITING);
        let clock: Clock = Arc::new(|| Moment(7));
        (Prober::new(sender, clock, Trust::default(), 1), results)
    }

    /// Receives until every one of these pairs was seen, and returns everything received.
    async fn until_seen(results: &mut mpsc::Receiver<Observation>, pairs: &[(u32, u16)]) -> Vec<Observation> {
        let mut missing: HashSet<_> = pairs.iter().copied().collect();
        let mut received = Vec::new();
        while !missing.is_empty() {
            let seen = results.recv().await.expect("the prober lives");
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
        let mut prober = Prober::new(sender, Arc::new(|| Moment(7)), trust, 1);
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
            let seen = results.recv().await.expect("the prober lives");
            assert!(wanted.contains(&(seen.subject, seen.canary)) && seen.result.is_ok(), "{seen:?}");
            missing.remove(&(seen.subject, seen.canary));
        }
        let live = prober.live();
        assert!(live.last_of_region("osaka", "whole").is_some());
        assert_eq!(live.last_of_region("osaka", "shallow"), None);
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
        let tasks: HashSet<_> = prober.running.values().map(|running| running.task.id()).collect();

        let after = fixture::region("tokyo", &["127.0.0.3", "127.0.0.2"]);
        prober.watch(&Regions::new(vec![after]), &canaries, Epoch(1));
        let kept =
            &prober.running[&(Watched::Address("127.0.0.2".parse().expect("an IP")), Arc::from("shallow"))];
        assert!(tasks.contains(&kept.task.id()), "it goes on, it is not started again");
        let gone = "127.0.0.1".parse().expect("an IP");
        assert_eq!(prober.live().last(gone, "shallow"), None);
        while let Ok(seen) = results.try_recv() {
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
        while let Some(seen) = results.recv().await {
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
        let live = prober.live();
        let address = "127.0.0.1".parse().expect("an IP");
        assert_eq!(live.last(address, "shallow"), None);
        prober.watch(&regions, &[canary("shallow", port, 2000)], Epoch(0));
        until_seen(&mut results, &[(0, 0)]).await;
        let last = live.last(address, "shallow").expect("it was probed");
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
