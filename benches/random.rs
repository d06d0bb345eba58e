//! How many random days hold, and how long a day takes: `cargo bench --bench random`. Prints; judges nothing, but
//! names every seed that fails.
//!
//! That each checker finds what it is for is shown by `tests/random.rs`.

#[path = "support/figures.rs"]
mod figures;

use std::thread;
use std::time::Instant;

use figures::{print, print_time};
use meridian::simulate::random::{RandomRun, RunResult};

const SEEDS: u64 = 500;
const HOURS: u32 = 24;

fn main() {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let started = Instant::now();
    let workers: Vec<_> = (0..threads)
        .map(|first| {
            let seeds = (1..=SEEDS).skip(first).step_by(threads);
            thread::spawn(move || seeds.map(|seed| (seed, play(seed))).collect::<Vec<_>>())
        })
        .collect();
    let results = workers.into_iter().flat_map(|worker| worker.join().expect("a worker ends by itself"));
    let results: Vec<(u64, RunResult)> = results.collect();
    let took = started.elapsed() * u32::try_from(threads).expect("few threads");
    let sum = |of: &dyn Fn(&RunResult) -> usize| results.iter().map(|(_, result)| of(result)).sum::<usize>();
    for (seed, result) in results.iter().filter(|(_, result)| !result.violations.is_empty()) {
        println!("seed {seed}: {}", result.violations[0]);
    }
    let what = format!("random/{SEEDS} seeds of {HOURS} h");
    print_time(&format!("{what}: a day"), took / SEEDS as u32, "at most 5 s");
    print(&format!("{what}: events"), sum(&|result| result.summary.acts), "");
    print(&format!("{what}: restarts"), sum(&|result| result.summary.restarts), "");
    print(&format!("{what}: probes"), sum(&|result| result.summary.probes), "");
    print(&format!("{what}: snapshots"), sum(&|result| result.summary.snapshots), "");
    print(&format!("{what}: violations"), sum(&|result| result.violations.len()), "none");
}

fn play(seed: u64) -> RunResult {
    RandomRun::draw(seed, HOURS).play().unwrap_or_else(|error| panic!("seed {seed}: {error}"))
}
