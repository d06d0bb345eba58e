//! What judging costs: the events of five thousand addresses in twenty regions. Prints; judges nothing.

#[path = "support/figures.rs"]
mod figures;
#[path = "support/fleet.rs"]
mod fleet;

use std::sync::Arc;
use std::time::{Duration, Instant};

use figures::{median, print_time};
use fleet::Fleet;
use meridian::canary::{CanaryId, Epoch, Failure, FailureClass, Observation, Signals, Subject};
use meridian::config::Config;
use meridian::control::Monitor;
use meridian::health::{Board, Sites};
use meridian::intent::Overlay;
use meridian::moment::Moment;
use meridian::region::AddressId;
use meridian::share::Share;

const FLEET: Fleet = Fleet { regions: 20, zones: 3, addresses: 5000, port: 8080 };

/// The canary that the fleet has.
const DEEP: CanaryId = CanaryId(1);

/// How often each figure is taken; the median is printed.
const RUNS: usize = 501;

fn main() {
    let config = Arc::new(FLEET.config());
    let now = Moment(1_000_000);
    let all: Vec<_> = config.regions.addresses().map(|(id, _)| report(id, now)).collect();
    steps(&config, &all, now);
    events(&config, &all, now);
}

/// Measures the steps of judging, while all is well.
fn steps(config: &Config, all: &[Observation], now: Moment) {
    let mut board = Board::new(&config.regions, &config.canaries, now);
    all.iter().for_each(|seen| _ = board.observe(seen));
    let mut sites = Sites::new(&config.regions, now);
    let pools = config.pools();
    let (update, _) = median(RUNS, || sites.update(&board, &config.safety, &pools, now));
    print_time("control/5000: Sites::update", update, "");
    print_time("control/5000: Sites::view", median(RUNS, || sites.view(&board)).0, "");
    print_time("control/5000: Sites::wake", median(RUNS, || sites.wake(&board, now)).0, "");
    let regions = || config.regions.iter().map(|(id, _)| id);
    let (present, _) =
        median(RUNS, || regions().map(|id| sites.present(id, &board, now, |_| Share::ALL)).sum::<f64>());
    print_time("control/5000: Sites::present, all regions", present, "");
    // The windows in which regions are compared end every half a minute.
    let mut windows = (1..).map(|window| now.plus(Duration::from_secs(30 * window)));
    let (compare, _) =
        median(RUNS, || sites.update(&board, &config.safety, &pools, windows.next().expect("time goes on")));
    print_time("control/5000: Sites::update, with a window's end", compare, "");
}

/// Measures whole events.
fn events(config: &Arc<Config>, all: &[Observation], now: Moment) {
    let (mut monitor, _) = Monitor::new(Arc::clone(config), Overlay::none(&config.regions), None, now);
    monitor.observe(all, now);
    let (calm, _) = median(RUNS, || monitor.observe(&all[..1], now));
    print_time("control/5000: an observation that changes nothing", calm, "");
    print_time(
        "control/5000: a round of observations, each",
        median(5, || monitor.observe(all, now)).0 / 5000,
        "",
    );
    let mut times = Vec::new();
    for round in 0..RUNS {
        // Two failures and a success: it is suspect and well again, and nobody moves.
        let seen = if round % 3 == 2 { report(AddressId(0), now) } else { failure(AddressId(0), now) };
        let started = Instant::now();
        let findings = monitor.observe(&[seen], now);
        if findings.moves_view {
            times.push(started.elapsed());
        }
    }
    times.sort();
    print_time("control/5000: an observation that changes an address", times[times.len() / 2], "");
    fall(&mut monitor, config, now);
    print_time("control/5000: Report", median(RUNS, || monitor.report(1, now)).0, "");
}

/// Lets half of the addresses of every region fall, so that there is something to weigh.
fn fall(monitor: &mut Monitor, config: &Config, now: Moment) {
    let odd = || config.regions.addresses().map(|(id, _)| id).filter(|id| id.0 % 2 == 1);
    let round: Vec<_> = odd().map(|id| failure(id, now)).collect();
    let mut times: Vec<_> = (0..3).map(|_| median(1, || monitor.observe(&round, now)).0).collect();
    times.sort();
    print_time("control/5000: a batch in which 2500 addresses fall", times[2], "");
}

/// Returns the success of a probe, with everything that a service says of itself.
fn report(address: AddressId, at: Moment) -> Observation {
    let signals = Signals {
        load: Some(0.5),
        error_rate: Some(0.001),
        p95_latency_seconds: Some(0.2),
        requests: Some(1000.0),
        ..Signals::default()
    };
    observation(address, at, Ok(()), Some(signals))
}

fn failure(address: AddressId, at: Moment) -> Observation {
    let failure = Failure { class: FailureClass::Timeout, detail: "no whole answer within 2s".to_owned() };
    observation(address, at, Err(failure), None)
}

fn observation(
    address: AddressId,
    at: Moment,
    result: Result<(), Failure>,
    signals: Option<Signals>,
) -> Observation {
    Observation {
        epoch: Epoch::default(),
        subject: Subject::Address(address),
        canary: DEEP,
        at,
        latency: Duration::from_millis(3),
        result,
        signals,
    }
}
