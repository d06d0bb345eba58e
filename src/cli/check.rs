//! `meridian check`: validates a configuration and says what it would serve.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use super::detection_report::DetectionReport;
use super::exit::{self, BAD_INPUT, FAILURE};
use super::output;
use super::probe_once::probe_once;
use crate::admin::DatabaseOrigin;
use crate::config::Config;
use crate::config::summary::ConfigSummary;
use crate::daemon::{self, SystemClock};
use crate::health::View;
use crate::inspect;
use crate::moment::Moment;
use crate::snapshot::{Base, Snapshot};
use crate::units::Count;

/// Validate a configuration directory and print what it would serve
///
/// Every problem is printed with its file, line and column, the line itself, and a hint. Nothing is
/// bound, and nothing is probed without --probe. Exits with 0 when the configuration can be used, with 1 when a probe
/// failed, and with 2 when the configuration cannot be used.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The configuration directory
    #[arg(value_name = "DIR", default_value = "zones")]
    pub directory: PathBuf,
    /// Treat warnings as errors
    #[arg(long)]
    pub strict: bool,
    /// Run every canary once against every address, and print what each saw
    #[arg(long)]
    pub probe: bool,
    /// Print as JSON what each critical canary promises and what it costs, and nothing else
    #[arg(long, conflicts_with = "probe")]
    pub json: bool,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let loaded = daemon::load(&args.directory)?;
    loaded.warnings.iter().for_each(output::remark);
    let idle = loaded.base.without_clients();
    idle.iter().for_each(|warning| output::remark(format_args!("warning: {warning}")));
    // Where a configuration is checked, its secrets need not be.
    let warnings = match daemon::webhook_secrets(&loaded.base.config.server) {
        Ok(secrets) => secrets.warnings,
        Err(error) => vec![daemon::chain(&error)],
    };
    let warnings: Vec<String> = match daemon::peer_secret(&loaded.base.config.server) {
        Ok(secret) => warnings.into_iter().chain(secret.and_then(|secret| secret.warning)).collect(),
        Err(error) => warnings.into_iter().chain([daemon::chain(&error)]).collect(),
    };
    warnings.iter().for_each(|warning| output::remark(format_args!("warning: {warning}")));
    if args.strict && !(loaded.warnings.is_empty() && idle.is_empty() && warnings.is_empty()) {
        return Ok(ExitCode::from(BAD_INPUT));
    }
    let detection = DetectionReport::of(&loaded.base.config);
    if args.json {
        output::json(&detection);
        return Ok(ExitCode::SUCCESS);
    }
    output::text(ConfigSummary(&loaded.base.config));
    output::text(detection);
    if let Some(database) = loaded.database() {
        output::line(format_args!("\nlocation data: {}", age(database, SystemClock::start().now())));
    }
    unbound(&loaded.base);
    amplifiers(&loaded.base);
    match args.probe {
        true => probe(&loaded.base.config),
        false => Ok(ExitCode::SUCCESS),
    }
}

/// Prints how many clients no residency rule binds.
fn unbound(base: &Base) {
    let found = inspect::unbound_clients(base);
    if !found.is_empty() {
        output::line("\nclients whom no residency rule binds, by IPv4 addresses");
    }
    found.iter().for_each(|clients| output::line(format_args!("  {clients}")));
}

/// Prints how much longer replies can be than their queries.
fn amplifiers(base: &Arc<Base>) {
    let snapshot = Snapshot::compile(Arc::clone(base), View::all_up(&base.config.regions), 0);
    let worst = inspect::amplification(&snapshot, AMPLIFIERS);
    let limits = match &base.config.server.rate_limit {
        Some(limits) => {
            format!("replies to a network: at most {} octets a second beyond their queries", limits.excess)
        }
        None => "replies have no limits".to_owned(),
    };
    output::line(format_args!("\namplification over UDP, the worst names ({limits})"));
    for one in &worst {
        let inspect::Amplification { name, rtype, has_edns, query, reply } = one;
        let form = if *has_edns { "with" } else { "without" };
        output::line(format_args!(
            "  {:.1}: {name} {rtype} {form} EDNS, {reply} octets for {query}",
            one.factor()
        ));
    }
}

/// Runs every canary once, and fails when one of them does.
fn probe(config: &Config) -> anyhow::Result<ExitCode> {
    let probed = exit::run_to_end(probe_once(config))?;
    output::text(format_args!("\n{probed}"));
    Ok(match probed.failures() {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(FAILURE),
    })
}

/// Returns the type of a database, when it was built and how old it is.
fn age(database: &DatabaseOrigin, now: Moment) -> String {
    let built_at = database.built_at.to_string();
    let day = built_at.split('T').next().unwrap_or_default();
    let days = now.since(database.built_at).as_secs() / SECONDS_OF_DAY;
    format!(
        "{}, built on {day}, {} old",
        database.kind,
        Count(usize::try_from(days).unwrap_or(usize::MAX), "day")
    )
}

/// How many names are told that amplify most.
const AMPLIFIERS: usize = 3;

const SECONDS_OF_DAY: u64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DatabaseSource;

    #[test]
    fn the_age_of_a_database_is_told_in_days() {
        let built_at: Moment = "2026-06-05T13:42:02Z".parse().expect("a time");
        let database = DatabaseOrigin {
            source: DatabaseSource::Shipped,
            kind: "Meridian-World".to_owned(),
            built_at,
            sha256: String::new(),
        };
        let now = "2026-07-05T14:00:00Z".parse().expect("a time");
        assert_eq!(age(&database, now), "Meridian-World, built on 2026-06-05, 30 days old");
    }
}
