//! `meridian plan`: what a change of the configuration changes, before it is served.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;

use super::exit::DIFFERENT;
use super::output;
use crate::config::{self, Config};
use crate::daemon::{self, LoadError, LoadedDirectory};
use crate::inspect::change::{ComparedConfig, ConfigChange, Markdown};
use crate::region::HostAddresses;
use crate::snapshot::Base;

/// Print what a change of the configuration changes: names, settings, and which clients would get other answers
///
/// Both directories are compiled as they are to be served, and every client is led by both, with everything healthy: the
/// share of each steered name's clients who would get other answers, by country, from which region to which, the worst
/// first. Worst are clients who would be sent to another jurisdiction, then those who would get no address. A line
/// `border` tells clients who may be sent to other jurisdictions than before once regions are down. Defaults are filled
/// in, so that a setting that says its default is no change; of server.yaml only the keys are told.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 nothing changes, 2 bad configuration or usage, 3 something changes.")]
pub struct PlanArgs {
    /// The configuration directory before the change
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The configuration directory after it
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Print JSON, with every country and every setting
    #[arg(long)]
    json: bool,
    /// Print Markdown, for a comment on a pull request
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

pub fn run(arguments: &PlanArgs) -> anyhow::Result<ExitCode> {
    let PlanArgs { old, new, .. } = arguments;
    let [before, after] = [old, new].map(|directory| PlanSide::load(directory));
    let (before, after) = (before?, after?);
    let cohorts = after.loaded.locations.census(&before.loaded.locations)?;
    let hosts = hosts([&before, &after]);
    let bases = [&before, &after].map(|side| side.base(&hosts));
    let [place, other] = [old, new].map(|directory| directory.display().to_string());
    let compared = [
        ComparedConfig { place: &place, base: &bases[0], settings: &before.settings },
        ComparedConfig { place: &other, base: &bases[1], settings: &after.settings },
    ];
    let mut change = ConfigChange::of(&compared[0], &compared[1], &cohorts);
    if !hosts.0.is_empty() {
        change.notes.push(HOSTS.to_owned());
    }
    match (arguments.json, arguments.markdown) {
        (true, _) => output::json(&change),
        (false, true) => output::text(Markdown(&change)),
        (false, false) => output::text(&change),
    }
    Ok(if change.is_nothing() { ExitCode::SUCCESS } else { ExitCode::from(DIFFERENT) })
}

/// Said when addresses come from names.
const HOSTS: &str = "No `host` is looked up: each is taken to lead to one IPv4 and one IPv6 address.";

/// A configuration directory.
struct PlanSide {
    loaded: LoadedDirectory,
    /// What its files say, with paths relative to the directory.
    settings: Config,
}

impl PlanSide {
    fn load(directory: &Path) -> anyhow::Result<Self> {
        let loaded = daemon::load(directory)?;
        let content =
            loaded.arrival.as_ref().context("the directory holds something else than what is served")?;
        let sources = content.content.sources(Path::new(""));
        let settings = config::compile(&sources).map_err(LoadError::Problems)?.config;
        Ok(Self { loaded, settings })
    }

    /// Returns what is served when hosts lead to these addresses.
    fn base(&self, hosts: &HostAddresses) -> Arc<Base> {
        match hosts.0.is_empty() {
            true => Arc::clone(&self.loaded.base),
            false => Arc::new(self.loaded.base.led_by(hosts)),
        }
    }
}

/// Returns an address of each family for each host, so that clients are led there.
fn hosts(sides: [&PlanSide; 2]) -> HostAddresses {
    let zones = sides.into_iter().flat_map(|side| side.settings.regions.zones());
    let names: BTreeSet<_> =
        zones.filter_map(|(_, _, zone)| Some(zone.host.as_ref()?.name.clone())).collect();
    let addresses = |number: u32| {
        let v4 = Ipv4Addr::from_bits(FIRST_V4.to_bits() + number);
        let v6 = Ipv6Addr::from_bits(FIRST_V6.to_bits() + u128::from(number));
        vec![IpAddr::V4(v4), IpAddr::V6(v6)]
    };
    HostAddresses((0..).zip(names).map(|(number, name)| (name, addresses(number))).collect())
}

/// The first of the addresses that stand for those of hosts: reserved ones (RFC 1112, 4; RFC 3849).
const FIRST_V4: Ipv4Addr = Ipv4Addr::new(240, 0, 0, 1);
const FIRST_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
