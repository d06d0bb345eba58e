//! `meridian availability`: what was measured, and what should be reached.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use super::exit::FAILURE;
use super::output;
use super::reading::{self, PrintForm};
use super::server::{ServerArgs, ask_all};
use crate::admin::api::availability::USUAL_DAYS;
use crate::admin::api::{AvailabilityQuery, AvailabilityRow, AvailabilityTable, RowKind, routes};
use crate::availability::expected::{Assumptions, Calculation, OfName, OfRegion, calculate};
use crate::daemon;
use crate::units::{Malformed, Percent};

/// Show the measured availability, or calculate the expected one
///
/// A running server measures every name, region, availability zone and address: uptime, hours observed, downtime
/// from the first failed probe, incidents, and the mean times to detect, to decide and to recover. Time without
/// observations counts neither as up nor as down, and what operators drain or disable is not blamed. With --calculate
/// no server is asked: the expectation follows from the configuration, n of m zones with a common-cause (beta) factor.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show this many days, today included: 1 to 90
    #[arg(long, value_name = "DAYS", default_value_t = USUAL_DAYS, value_parser = clap::value_parser!(u64).range(1..=90))]
    days: u64,

    /// Exit with 1 when a name or region is up for less than this percentage, and print what is left of the budget
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    target: Option<f64>,

    /// Print JSON
    #[arg(long)]
    json: bool,

    /// Calculate the expected availability from the configuration instead
    #[arg(long, conflicts_with = "admin")]
    calculate: bool,

    /// Read the configuration from this directory
    #[arg(long, value_name = "DIR", default_value = "zones", requires = "calculate")]
    config: PathBuf,

    /// Assume that an availability zone is up for this percentage of the time
    #[arg(long, value_name = "PERCENT", default_value = "99.9", value_parser = percent, requires = "calculate")]
    zone_availability: f64,

    /// Assume that zones, and regions, have this share of failures in common: the beta factor, 0 to 1
    #[arg(long, value_name = "SHARE", default_value = "0.1", value_parser = share, requires = "calculate")]
    common_cause: f64,

    #[command(flatten)]
    server: ServerArgs,
}

const MINUTES_A_DAY: f64 = 24.0 * 60.0;

/// The minutes of thirty days, by which budgets are reckoned that are not measured.
const MINUTES_A_MONTH: f64 = 30.0 * MINUTES_A_DAY;

fn percent(text: &str) -> Result<f64, Malformed> {
    Percent::within(text, Percent::ZERO..=Percent::WHOLE).map(|percent| percent.fraction() * 100.0)
}

fn share(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    number.ok_or_else(|| "write a share from 0 to 1, such as 0.1".to_owned())
}

pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    if arguments.calculate {
        return calculated(arguments);
    }
    let query = AvailabilityQuery { days: arguments.days };
    let instances = arguments.server.instances()?;
    let [instance] = &instances[..] else {
        let replies = ask_all(&instances, |instance| instance.get(&routes::AVAILABILITY, &query));
        let mut code = reading::show(&replies, PrintForm::of(arguments.json), measured);
        for table in replies.iter().filter_map(|reply| reply.answer.as_ref().ok()) {
            if judge(&budgets(table, arguments), arguments) != ExitCode::SUCCESS {
                code = ExitCode::from(FAILURE);
            }
        }
        return Ok(code);
    };
    let table = instance.get(&routes::AVAILABILITY, &query)?;
    match arguments.json {
        true => output::json(&table),
        false => output::text(measured(&table)),
    }
    Ok(judge(&budgets(&table, arguments), arguments))
}

fn budgets(table: &AvailabilityTable, arguments: &Args) -> Vec<Budget> {
    let budget = |row| Budget::of(row, table.days, arguments.target?);
    table.subjects.iter().filter_map(budget).collect()
}

fn calculated(arguments: &Args) -> anyhow::Result<ExitCode> {
    let base = daemon::load(&arguments.config)?.base;
    let assumptions = Assumptions {
        zone_availability: arguments.zone_availability / 100.0,
        common_cause: arguments.common_cause,
    };
    let calculation = calculate(&base.config, assumptions);
    match arguments.json {
        true => output::json(&document(&calculation, assumptions)),
        false => output::text(expected(&calculation, assumptions)),
    }
    let budget = |subject: String, unavailability: f64| {
        let down = unavailability * MINUTES_A_MONTH;
        Some(Budget { subject, window: MINUTES_A_MONTH, down, target: arguments.target? })
    };
    let names = calculation.names.iter().filter_map(|of| budget(name_of(of), of.unavailability));
    let regions = calculation.regions.iter().filter_map(|of| budget(region_of(of), of.unavailability));
    Ok(judge(&names.chain(regions).collect::<Vec<_>>(), arguments))
}

/// What a target leaves of downtime.
#[derive(Clone, Debug)]
struct Budget {
    subject: String,
    /// The minutes of the whole window, observed or not: an agreement is about a month, however new the server is.
    window: f64,
    /// Minutes.
    down: f64,
    /// Percent.
    target: f64,
}

impl Budget {
    /// Returns the budget of a name or region for so many days; `None`: it is neither, or was not observed.
    fn of(row: &AvailabilityRow, days: u64, target: f64) -> Option<Self> {
        let is_judged = matches!(row.kind, RowKind::Name | RowKind::Region) && row.uptime_percent.is_some();
        let window = days as f64 * MINUTES_A_DAY;
        is_judged.then(|| Self { subject: row.subject.clone(), window, down: row.downtime_minutes, target })
    }

    fn minutes(&self) -> f64 {
        self.window * (1.0 - self.target / 100.0)
    }

    fn left(&self) -> f64 {
        self.minutes() - self.down
    }

    fn is_missed(&self) -> bool {
        // What is exactly reached is reached, whatever the last digit of a float says.
        self.left() < -1e-9
    }
}

/// Says what is left of each budget, on standard error where standard output is JSON, and returns the exit code.
fn judge(budgets: &[Budget], arguments: &Args) -> ExitCode {
    let Some(target) = arguments.target else {
        return ExitCode::SUCCESS;
    };
    let mut text = format!("\ntarget {target}%\n");
    for budget in budgets {
        let verdict = if budget.is_missed() { "MISSED" } else { "kept" };
        let (left, whole) = (budget.left(), budget.minutes());
        let _ = writeln!(text, "{verdict:<7} {}: {left:.1} of {whole:.1} minutes are left", budget.subject);
    }
    if budgets.is_empty() {
        text.push_str("nothing was observed\n");
    }
    match arguments.json {
        true => output::remark(text.trim_end()),
        false => output::text(text),
    }
    match budgets.iter().any(Budget::is_missed) {
        true => ExitCode::from(FAILURE),
        false => ExitCode::SUCCESS,
    }
}

fn measured(table: &AvailabilityTable) -> String {
    let title = ["", "uptime", "hours", "downtime", "incidents", "detect", "decide", "recover", ""];
    let mut lines = vec![title.map(str::to_owned)];
    let time =
        |seconds: Option<f64>| seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.1} s"));
    lines.extend(table.subjects.iter().map(|row| {
        let kind = match row.kind {
            RowKind::Name => "name",
            RowKind::Region => "region",
            RowKind::Zone => "zone",
            RowKind::Address => "address",
        };
        [
            format!("{kind:<7} {}", row.subject),
            row.uptime_percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent:.4}%")),
            format!("{:.1}", row.observed_hours),
            format!("{:.1} min", row.downtime_minutes),
            row.incidents.to_string(),
            time(row.detect_seconds),
            time(row.decide_seconds),
            time(row.recover_seconds),
            if row.is_down { "DOWN".to_owned() } else { String::new() },
        ]
    }));
    format!("measured over the last {} days\n{}", table.days, aligned(&lines))
}

fn expected(calculation: &Calculation, assumptions: Assumptions) -> String {
    let Assumptions { zone_availability, common_cause } = assumptions;
    let title = ["", "availability", "a month", ""].map(str::to_owned);
    let line = |text: String, unavailability: f64, of: String| {
        let percent = (1.0 - unavailability) * 100.0;
        [text, format!("{percent:.5}%"), format!("{:.2} min", unavailability * MINUTES_A_MONTH), of]
    };
    let names = calculation.names.iter();
    let names = names.map(|of| {
        line(
            format!("name    {}", name_of(of)),
            of.unavailability,
            format!("any of {}", of.regions.join(", ")),
        )
    });
    let regions = calculation.regions.iter().map(|of| {
        let built = format!("{} of {} addresses, zones: {}", of.needed, of.addresses, of.zones);
        line(format!("region  {}", region_of(of)), of.unavailability, built)
    });
    let lines: Vec<_> = std::iter::once(title).chain(names).chain(regions).collect();
    let percent = zone_availability * 100.0;
    format!(
        "calculated for zones that are up {percent}% of the time, and {common_cause} of the failures in common\n{}",
        aligned(&lines)
    )
}

fn document(calculation: &Calculation, assumptions: Assumptions) -> serde_json::Value {
    let percent = |unavailability: f64| (1.0 - unavailability) * 100.0;
    let names = calculation.names.iter().map(|of| {
        json!({
            "name": of.name, "rule": of.rule, "family": of.family.to_string(), "regions": of.regions,
            "availability_percent": percent(of.unavailability),
        })
    });
    let regions = calculation.regions.iter().map(|of| {
        json!({
            "region": of.region, "family": of.family.to_string(), "needed": of.needed, "addresses": of.addresses,
            "zones": of.zones, "availability_percent": percent(of.unavailability),
        })
    });
    json!({
        "zone_availability_percent": assumptions.zone_availability * 100.0,
        "common_cause": assumptions.common_cause,
        "names": names.collect::<Vec<_>>(),
        "regions": regions.collect::<Vec<_>>(),
    })
}

fn name_of(of: &OfName) -> String {
    let rule = of.rule.iter().map(|rule| format!(", {rule}")).collect::<String>();
    format!("{} ({}{rule})", of.name, of.family)
}

fn region_of(of: &OfRegion) -> String {
    format!("{} ({})", of.region, of.family)
}

/// Writes lines with their columns below each other: the first and the last to the left, numbers to the right.
fn aligned<const N: usize>(lines: &[[String; N]]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let mut row = String::new();
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let _ = match column {
                0 => write!(row, "{cell:<width$}"),
                _ if column == N - 1 => write!(row, "  {cell}"),
                _ => write!(row, "  {cell:>width$}"),
            };
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: RowKind, hours: f64, minutes: f64) -> AvailabilityRow {
        AvailabilityRow {
            kind,
            subject: "tokyo".to_owned(),
            region: None,
            zone: None,
            address: None,
            uptime_percent: (hours > 0.0).then(|| 100.0 * (1.0 - minutes / 60.0 / hours)),
            observed_hours: hours,
            downtime_minutes: minutes,
            incidents: 1,
            detect_seconds: Some(4.0),
            decide_seconds: None,
            recover_seconds: None,
            is_down: true,
        }
    }

    #[test]
    fn a_budget_is_of_the_whole_window_and_only_of_names_and_regions() {
        for (kind, hours, minutes, expected) in [
            (RowKind::Region, 720.0, 20.0, Some((1.6, false))),
            (RowKind::Name, 720.0, 22.0, Some((-0.4, true))),
            (RowKind::Name, 720.0, 21.6, Some((0.0, false))),
            (RowKind::Name, 48.0, 20.0, Some((1.6, false))),
            (RowKind::Name, 0.0, 0.0, None),
            (RowKind::Zone, 720.0, 700.0, None),
            (RowKind::Address, 720.0, 700.0, None),
        ] {
            let budget = Budget::of(&row(kind, hours, minutes), 30, 99.95);
            let found = budget.map(|budget| ((budget.left() * 10.0).round() / 10.0, budget.is_missed()));
            assert_eq!(found, expected, "{kind:?} {minutes}");
        }
    }

    #[test]
    fn what_was_measured_is_a_table() {
        let page = AvailabilityTable { days: 30, subjects: vec![row(RowKind::Region, 100.0, 6.0)] };
        let expected = "measured over the last 30 days\n               \
                        uptime  hours  downtime  incidents  detect  decide  recover\n\
                        region  tokyo  99.9000%   100.0   6.0 min          1   4.0 s       -        -  DOWN\n";
        let squeeze = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(squeeze(&measured(&page)), squeeze(expected));
    }
}
