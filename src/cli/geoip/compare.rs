//! `meridian geoip compare`: how many clients another database would send elsewhere.

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use super::read::database;
use crate::cli::output;
use crate::config;
use crate::daemon::LoadError;
use crate::files::configuration;
use crate::geo::{Agreement, Comparison};
use crate::region::{Family, Regions};

/// The most pairs of regions that are listed.
const MAX_MOVES: usize = 10;

#[derive(Debug, clap::Args)]
pub(super) struct CompareArgs {
    /// The database that counts as the truth
    #[arg(value_name = "A")]
    truth: PathBuf,
    /// The database that is compared with it
    #[arg(value_name = "B")]
    other: PathBuf,
    /// Read the regions of this configuration directory
    #[arg(long, value_name = "DIR", default_value = "zones")]
    regions: PathBuf,
}

pub(super) fn run(args: &CompareArgs) -> anyhow::Result<ExitCode> {
    let sources = configuration::read(&args.regions).map_err(LoadError::from)?;
    let regions = config::compile(&sources).map_err(LoadError::Problems)?.config.regions;
    let (truth, other) = (database(&args.truth)?, database(&args.other)?);
    let comparison = Comparison::new(&truth, &other, &regions).context("cannot compare the databases")?;
    output::text(ComparisonText { comparison: &comparison, regions: &regions });
    Ok(ExitCode::SUCCESS)
}

/// Writes a comparison for operators.
struct ComparisonText<'c> {
    comparison: &'c Comparison,
    regions: &'c Regions,
}

impl fmt::Display for ComparisonText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Clients by their nearest of {} regions, without rules; A counts as the truth.",
            self.regions.len()
        )?;
        self.family(Family::V4, &self.comparison.ipv4, "/24s", f)?;
        self.family(Family::V6, &self.comparison.ipv6, "networks of A", f)
    }
}

impl ComparisonText<'_> {
    fn family(
        &self,
        family: Family,
        found: &Agreement,
        unit: &str,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let [only_a, only_b] = found.only;
        writeln!(
            f,
            "\n{family}: {:.0} {unit} compared; known to A alone {only_a:.0}, to B alone {only_b:.0}",
            found.compared
        )?;
        if found.compared == 0.0 {
            return Ok(());
        }
        let percent = |clients: f64| 100.0 * clients / found.compared;
        writeln!(f, "  sent elsewhere by B  {:.0} ({:.2} %)", found.elsewhere, percent(found.elsewhere))?;
        writeln!(f, "  added distance       {:.1} km at the mean", found.mean_added_km())?;
        writeln!(f, "  in another country   {:.0} ({:.2} %)", found.abroad, percent(found.abroad))?;
        let mut moves: Vec<_> = found.moves.iter().collect();
        moves.sort_by(|a, b| b.1.total_cmp(a.1));
        for ((right, other), clients) in moves.into_iter().take(MAX_MOVES) {
            let name = |region| &self.regions.region(region).name;
            writeln!(
                f,
                "    {} -> {}  {clients:.0} ({:.2} %)",
                name(*right),
                name(*other),
                percent(*clients)
            )?;
        }
        Ok(())
    }
}
