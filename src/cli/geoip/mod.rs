//! `meridian geoip`: builds the country database that the project ships.

pub(crate) mod ipfire;
pub(crate) mod mmdb;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow};

use super::output;
use crate::region::Family;

/// Build location databases
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: GeoipCommand,
}

#[derive(Debug, clap::Subcommand)]
enum GeoipCommand {
    /// Build a country database in MaxMind's format from the IPFire location data
    ///
    /// The data is in Debian's package tor-geoipdb, under the licence CC BY-SA 4.0. Equal data gives
    /// a file that is equal byte for byte.
    Build(BuildArgs),
}

#[derive(Debug, clap::Args)]
struct BuildArgs {
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
    let GeoipCommand::Build(build) = &args.command;
    run_build(build)?;
    Ok(ExitCode::SUCCESS)
}

fn run_build(build: &BuildArgs) -> anyhow::Result<()> {
    let (ipv4, ipv6) = (read(&build.ipv4)?, read(&build.ipv6)?);
    let bytes = ipfire::build(&ipv4, &ipv6).map_err(|(family, error)| {
        let path = match family {
            Family::V4 => &build.ipv4,
            Family::V6 => &build.ipv6,
        };
        anyhow!(error).context(format!("cannot build a database from {}", path.display()))
    })?;
    replace(&build.output, &bytes)?;
    output::line(format_args!("wrote {} ({} bytes)", build.output.display(), bytes.len()));
    Ok(())
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
