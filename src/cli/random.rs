//! `meridian simulate --random`: long random runs, in which what must always hold is checked throughout.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use super::exit::{BadInput, FAILURE};
use super::output;
use crate::daemon;
use crate::simulate::random::{CALM, RandomRun, RunResult, SCENARIO, shrink};

/// The longest run in hours: a week, which is the longest that a scenario may be.
const MOST_HOURS: i64 = 7 * 24;

/// The shortest: the calm at the end, and a little trouble before.
const LEAST_HOURS: i64 = CALM.as_secs().div_ceil(3600) as i64;

/// Random runs instead of a scenario.
#[derive(Debug, clap::Args)]
pub struct RandomArgs {
    /// Draw a world and its trouble from this seed, and check throughout what must always hold
    ///
    /// Faults, loads, operators, reloads and restarts for most of the time, then a calm in which everything must come
    /// back. A run that fails is written to random-SEED: the configurations, and a scenario that fails alike.
    #[arg(long, value_name = "SEED", conflicts_with_all = ["file", "lose", "each", "json", "admin", "config"])]
    pub random: Option<u64>,

    /// Simulate this many hours of each seed
    #[arg(long, value_name = "HOURS", default_value_t = 24, requires = "random",
          value_parser = clap::value_parser!(u32).range(LEAST_HOURS..=MOST_HOURS))]
    hours: u32,

    /// Run this many seeds, from SEED on
    #[arg(long, value_name = "COUNT", default_value_t = 1, requires = "random",
          value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,

    /// Print every seed with what was drawn, not only those that fail
    #[arg(short, long, requires = "random")]
    verbose: bool,

    /// Write runs that fail below this directory
    #[arg(long, value_name = "DIR", default_value = ".", requires = "random")]
    out: PathBuf,

    /// Make what is written of a run that fails as short as it can be, which takes a few hundred times as long
    #[arg(long, requires = "random")]
    shrink: bool,
}

/// What is counted of all runs.
#[derive(Default)]
struct Total {
    seeds: u64,
    hours: u64,
    acts: usize,
    probes: usize,
    snapshots: usize,
    restarts: usize,
    failed_seeds: u64,
    violations: usize,
}

pub fn run(arguments: &RandomArgs, first: u64) -> anyhow::Result<ExitCode> {
    let mut total = Total::default();
    for seed in (first..).take(usize::try_from(arguments.seeds)?) {
        let run = RandomRun::draw(seed, arguments.hours);
        if arguments.verbose || arguments.seeds == 1 {
            output::line(format_args!("seed {seed}: {}", run.options));
        }
        let result = run.play().map_err(|error| BadInput::new(daemon::chain(&error)))?;
        total.add(&result);
        if !result.violations.is_empty() {
            tell(arguments, &run, &result)?;
        } else if arguments.verbose {
            let summary = &result.summary;
            output::line(format_args!(
                "seed {seed}: ok, {} events, {} snapshots",
                summary.acts, summary.snapshots
            ));
        }
    }
    output::text(&total);
    Ok(if total.violations == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) })
}

/// Prints what was found in a run, and writes the run down.
fn tell(arguments: &RandomArgs, run: &RandomRun, result: &RunResult) -> anyhow::Result<()> {
    let shrunk = arguments.shrink.then(|| shrink(run, &result.violations[0]));
    let directory = arguments.out.join(format!("random-{}", run.seed));
    shrunk
        .as_ref()
        .unwrap_or(run)
        .write(&directory)
        .map_err(|error| BadInput::new(failure(&directory, &error)))?;
    let first = &result.violations[0];
    output::line(format_args!(
        "seed {}: FAILED at {:?}, {first} ({} violations); replay: meridian simulate {}",
        run.seed,
        Duration::from_millis(u64::try_from(first.at.as_millis())?),
        result.violations.len(),
        directory.join(SCENARIO).display()
    ));
    Ok(())
}

fn failure(directory: &Path, error: &std::io::Error) -> String {
    format!("cannot write `{}`: {error}; name another directory with --out", directory.display())
}

impl Total {
    fn add(&mut self, RunResult { summary, violations }: &RunResult) {
        self.seeds += 1;
        self.hours += summary.lasted.as_secs() / 3600;
        self.acts += summary.acts;
        self.probes += summary.probes;
        self.snapshots += summary.snapshots;
        self.restarts += summary.restarts;
        self.failed_seeds += u64::from(!violations.is_empty());
        self.violations += violations.len();
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seeds         {}, {} failed", self.seeds, self.failed_seeds)?;
        writeln!(f, "simulated     {} h", self.hours)?;
        writeln!(f, "events        {}, {} restarts among them", self.acts, self.restarts)?;
        writeln!(f, "probes        {}", self.probes)?;
        writeln!(f, "snapshots     {}", self.snapshots)?;
        writeln!(f, "violations    {}", self.violations)
    }
}
