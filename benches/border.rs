//! Whether resolvers carry an address over the border in any of 10^5 random worlds: `cargo bench --bench border`.
//!
//! The worlds are tried in chunks, each drawn from a seed of its own, by as many threads as there are processors. The
//! environment says other numbers: `MERIDIAN_WORLDS` of worlds, `MERIDIAN_SEED` of the first chunk, `MERIDIAN_THREADS` of
//! threads. A chunk in which an address goes astray is printed with its seed, and with the world, made as small as it goes.
//! Exits with 1 if there is one.
//!
//! `tests/laws.rs` holds the same law over a few hundred worlds.

#[path = "../tests/support/draft.rs"]
mod draft;
#[path = "support/figures.rs"]
mod figures;
#[path = "../tests/support/resolver.rs"]
mod resolver;
#[path = "../tests/support/mod.rs"]
mod support;

use std::cell::Cell;
use std::env;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use figures::{print, print_time};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use resolver::{Trial, any_manners, any_questions, any_sound_draft, check_resolver};

const USUAL_WORLDS: u64 = 100_000;

/// How many worlds are drawn from one seed: few enough to try them again in a minute.
const CHUNK: u64 = 1_000;

/// What chunks have found, added up.
#[derive(Default)]
struct Total {
    worlds: u64,
    questions: u64,
    trial: Trial,
    astray: u64,
}

fn main() -> ExitCode {
    let worlds = number("MERIDIAN_WORLDS").unwrap_or(USUAL_WORLDS);
    let first = number("MERIDIAN_SEED").unwrap_or_default();
    let processors = thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let threads = number("MERIDIAN_THREADS").unwrap_or(processors);
    let chunks = worlds.div_ceil(CHUNK);
    let next = AtomicU64::new(0);
    let total = Mutex::new(Total::default());
    let started = Instant::now();
    let work = || {
        loop {
            let chunk = next.fetch_add(1, Ordering::Relaxed);
            if chunk >= chunks {
                return;
            }
            let found = try_chunk(first + chunk, CHUNK.min(worlds - chunk * CHUNK));
            total.lock().expect("no thread panics with it").add(&found, started);
        }
    };
    thread::scope(|scope| (0..threads).for_each(|_| _ = scope.spawn(work)));
    let Total { questions, trial, astray, .. } = total.into_inner().expect("no thread panics with it");
    print_time(&format!("border/{worlds} worlds"), started.elapsed(), "");
    print("border: questions of clients", questions, "");
    print("border: of clients that a rule binds", trial.bound, "");
    print("border: that got an address", trial.answered, "");
    print("border: that got it from the cache of the resolver", trial.cached, "");
    print("border: queries to the server", trial.queries, "");
    print("border: chunks in which an address went astray", astray, "none");
    if astray == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns the number that a variable of the environment holds.
fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}

/// Tries the worlds that are drawn from one seed.
fn try_chunk(seed: u64, worlds: u64) -> Total {
    let cases = u32::try_from(worlds).expect("a chunk is small");
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, random);
    let world =
        (any_sound_draft(), proptest::collection::vec(any::<u32>(), 6), any_manners(), any_questions());
    let total = Cell::new(Total::default());
    let held = runner.run(&world, |(draft, anywhere, manners, questions)| {
        let trial = check_resolver(&draft, &anywhere, manners, &questions)?;
        let before = total.take();
        total.set(before.with(1, questions.len() as u64, &trial));
        Ok(())
    });
    let total = total.into_inner();
    match held {
        Ok(()) => total,
        Err(error) => {
            println!("MERIDIAN_SEED={seed} MERIDIAN_WORLDS={worlds}: {error}");
            Total { astray: 1, ..total }
        }
    }
}

impl Total {
    fn with(self, worlds: u64, questions: u64, trial: &Trial) -> Self {
        let sum = Trial {
            bound: self.trial.bound + trial.bound,
            answered: self.trial.answered + trial.answered,
            cached: self.trial.cached + trial.cached,
            queries: self.trial.queries + trial.queries,
        };
        Self {
            worlds: self.worlds + worlds,
            questions: self.questions + questions,
            trial: sum,
            astray: self.astray,
        }
    }

    /// Adds what a chunk has found, and says how far the run is.
    fn add(&mut self, found: &Self, started: Instant) {
        let before = std::mem::take(self);
        *self = before.with(found.worlds, found.questions, &found.trial);
        self.astray += found.astray;
        eprintln!("{} worlds after {:.0?}, {} astray", self.worlds, started.elapsed(), self.astray);
    }
}
