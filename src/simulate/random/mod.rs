//! Long random runs: from a seed a world, and what happens in it; every checker looks on.
//!
//! ```text
//!  seed ──draw──▶ world ──▶ configuration directories ──╮
//!            ╰──▶ trouble ─▶ scenario with `check` ─────┴─▶ Simulation ──▶ RunResult
//! ```
//!
//! A run is a generated scenario over generated configurations, played by the machinery that plays any other. So one
//! that fails is written down as files, and `meridian simulate FILE` fails in the same way. Equal seeds give equal
//! runs, whatever machine they run on.

mod draw;
mod shrink;
mod trouble;
mod world;

use std::path::Path;
use std::time::Duration;
use std::{fs, io};

pub use shrink::shrink;
pub use trouble::CALM;

use super::happening::Happening;
use super::loaded::{Error, LoadedScenario};
use super::run::Simulation;
use super::timeline::PlaySummary;
use super::violation::CheckViolation;
use draw::Draw;
use trouble::{EDITED, Trouble};
use world::World;

/// The name of the scenario in the directory of a run.
pub const SCENARIO: &str = "run.scenario";

/// A configuration that is refused.
const BROKEN: &str = "regions: nowhere\n";

/// A run that is drawn and not played yet.
#[derive(Clone, Debug)]
pub struct RandomRun {
    /// The seed.
    pub seed: u64,
    /// What was drawn, in a line.
    pub options: String,
    /// The configurations: directory, file and text.
    files: Vec<(String, String, String)>,
    /// What the scenario says before anything happens.
    head: String,
    /// What happens, in the order of time.
    lines: Vec<(Duration, String)>,
    until: Duration,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct RunResult {
    /// What was counted.
    pub summary: PlaySummary,
    /// What checkers found.
    pub violations: Vec<CheckViolation>,
}

impl RandomRun {
    /// Draws a run of this many hours; shorter ones than [`CALM`] have next to no trouble.
    pub fn draw(seed: u64, hours: u32) -> Self {
        let until = Duration::from_secs(3600) * hours;
        let draw = &mut Draw::new(seed);
        let world = World::draw(draw);
        let edited: Vec<World> = (0..EDITED).map(|_| world.edited(draw)).collect();
        let pace = draw.time(Duration::from_secs(300)..=Duration::from_secs(2400));
        let lines = Trouble::draw(draw, &world, until, pace);
        let worlds = std::iter::once(&world).chain(&edited).enumerate();
        let files = worlds.flat_map(|(number, world)| {
            let files = world.files().into_iter();
            files.map(move |(file, text)| (format!("world-{number}"), file.to_owned(), text))
        });
        let broken = ["server.yaml", "regions.yaml"]
            .map(|file| ("broken".to_owned(), file.to_owned(), BROKEN.to_owned()));
        Self {
            seed,
            options: format!("{}; trouble each {} s", world.options(), pace.as_secs()),
            files: files.chain(broken).collect(),
            head: format!("config world-0\nseed {seed}\ncheck\n{}", world.clients()),
            lines,
            until,
        }
    }

    /// Returns the scenario.
    pub fn scenario(&self) -> String {
        let lines = self.lines.iter().map(|(at, act)| format!("at {}ms {act}\n", at.as_millis()));
        let lines: String = lines.collect();
        format!(
            "# meridian simulate --random {}: {}\n{}{lines}until {}s\n",
            self.seed,
            self.options,
            self.head,
            self.until.as_secs()
        )
    }

    /// Writes the scenario and its configurations into a directory.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        for (below, file, text) in &self.files {
            fs::create_dir_all(directory.join(below))?;
            fs::write(directory.join(below).join(file), text)?;
        }
        fs::write(directory.join(SCENARIO), self.scenario())
    }

    /// Plays the run.
    ///
    /// # Errors
    ///
    /// When its files cannot be written, or are not understood.
    pub fn play(&self) -> Result<RunResult, Error> {
        let failed = |source| Error::Read { path: SCENARIO.into(), source };
        let directory = tempfile::tempdir().map_err(failed)?;
        self.write(directory.path()).map_err(failed)?;
        let loaded = LoadedScenario::load(&directory.path().join(SCENARIO), None)?;
        let mut result = RunResult { summary: PlaySummary::default(), violations: Vec::new() };
        Simulation::play(&loaded, &mut |at, happening| {
            result.summary.count(at, happening);
            if let Happening::Violated(violation) = happening {
                result.violations.push((*violation).clone());
            }
        });
        Ok(result)
    }
}
