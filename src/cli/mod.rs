//! The commands, one a file, and what the process exits with.

mod allowed_losses;
mod approve;
mod availability;
mod backup;
mod check;
mod comparison;
mod demo;
mod detection_report;
mod docs;
mod drain_status;
mod drill;
mod exit;
mod explain;
mod failback;
pub(crate) mod geoip;
mod health;
mod history;
mod intent;
mod logging;
mod manual;
mod map;
mod new;
mod operator;
mod output;
mod plan;
mod probe_once;
mod prove;
mod random;
mod reading;
mod region;
mod rollback;
mod rollout;
mod schema;
mod serve;
mod server;
mod simulate;
mod status;
mod undo;
mod version;
mod whatif;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// An authoritative GeoDNS server with health-driven answers
///
/// Answers A, AAAA and HTTPS queries with the nearest region that is healthy and that the law allows.
#[derive(Debug, Parser)]
#[command(
    version,
    disable_version_flag = true,
    arg_required_else_help = true,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = EXAMPLES
)]
struct Arguments {
    /// Print the version
    #[arg(short = 'V', long, required = true)]
    version: bool,
    /// Name the sources of the location data as well
    #[arg(short, long)]
    verbose: bool,
    #[command(subcommand)]
    command: Option<MeridianCommand>,
}

const EXAMPLES: &str = "\
Start here:
  meridian demo                                  run a whole world on loopback, to break and to heal
  meridian new DIR                               write a small configuration to begin with
  meridian check zones                           validate a configuration, and see what it would serve
  meridian serve --config zones                  serve it
  meridian explain api.example.com --client 133.11.0.0/24
                                                 see why a client gets its answer
  meridian status --watch                        watch the regions; the page at the admin address has a map
  meridian failback tokyo                        let a region back that is held
  meridian drain tokyo --reason 'new kernel' --dry-run
                                                 forecast where its clients would go
  meridian drill tokyo --reason monthly          test whether the others bear it; see meridian history
  meridian rollback 7                            go back to an earlier configuration; see meridian history
  meridian backup ns1.backup zones               keep the configuration and the state; meridian restore brings them back
  meridian simulate tokyo.scenario               play an outage from a scenario
  meridian simulate --lose tokyo --load 1.4      forecast the loss of a region
  meridian availability --target 99.95           compare measured uptime with a target
  meridian drain tokyo --reason 'new kernel' --wait --admin ns1.example.net:8053,ns2.example.net:8053
                                                 drain it at both instances, until neither may have clients there
  meridian prove zones                           prove that no client is ever sent across a border
  meridian plan deployed zones                   see which clients a change of the configuration would send elsewhere

Exit codes: 0 ok, 1 failure, 2 bad configuration or usage, 3 a change that only some of several instances made,
or, of plan, a configuration that changes something.";

#[derive(Debug, Subcommand)]
enum MeridianCommand {
    Serve(serve::Args),
    Demo(demo::DemoArgs),
    New(new::Args),
    Check(check::Args),
    Drill(drill::Args),
    Explain(explain::Args),
    Failback(failback::Args),
    #[command(flatten)]
    Intent(intent::IntentCommand),
    History(history::Args),
    Rollback(rollback::Args),
    Backup(backup::BackupArgs),
    Restore(backup::RestoreArgs),
    Availability(availability::Args),
    Status(status::Args),
    Health(health::Args),
    Map(map::Args),
    Prove(prove::Args),
    Plan(plan::PlanArgs),
    DrainStatus(drain_status::Args),
    Rollout(rollout::Args),
    Simulate(simulate::Args),
    Schema(schema::Args),
    Docs(docs::Args),
    Man(manual::ManArgs),
    Completions(manual::CompletionsArgs),
    Geoip(geoip::Args),
    Region(region::Args),
}

/// Runs the command that the process was called with.
pub fn main() -> ExitCode {
    // The build has one TLS provider, and no HTTP client is made without; a second call would be the
    // only way to fail.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let arguments = Arguments::parse();
    let ran = match arguments.command {
        Some(command) => command.run(),
        None => {
            output::text(version::text(arguments.verbose));
            Ok(ExitCode::SUCCESS)
        }
    };
    ran.unwrap_or_else(|error| exit::fail(&error))
}

impl MeridianCommand {
    fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Serve(arguments) => serve::run(&arguments),
            Self::Demo(arguments) => demo::run(arguments),
            Self::New(arguments) => new::run(&arguments),
            Self::Check(arguments) => check::run(&arguments),
            Self::Drill(arguments) => drill::run(&arguments),
            Self::Explain(arguments) => explain::run(&arguments),
            Self::Availability(arguments) => availability::run(&arguments),
            Self::Failback(arguments) => failback::run(&arguments),
            Self::Intent(command) => command.run(),
            Self::History(arguments) => history::run(&arguments),
            Self::Rollback(arguments) => rollback::run(&arguments),
            Self::Backup(arguments) => backup::backup(&arguments),
            Self::Restore(arguments) => backup::restore(&arguments),
            Self::Status(arguments) => status::run(&arguments),
            Self::Health(arguments) => health::run(&arguments),
            Self::Map(arguments) => map::run(&arguments),
            Self::Prove(arguments) => prove::run(&arguments),
            Self::Plan(arguments) => plan::run(&arguments),
            Self::DrainStatus(arguments) => drain_status::run(&arguments),
            Self::Rollout(arguments) => rollout::run(&arguments),
            Self::Simulate(arguments) => simulate::run(&arguments),
            Self::Schema(arguments) => schema::run(&arguments),
            Self::Docs(arguments) => docs::run(&arguments),
            Self::Man(arguments) => manual::man(&arguments, Arguments::command()),
            Self::Completions(arguments) => manual::completions(&arguments, Arguments::command()),
            Self::Geoip(arguments) => geoip::run(&arguments),
            Self::Region(arguments) => region::run(&arguments),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;

    /// The verbs that help begins with.
    const VERBS: [&str; 46] = [
        "An",
        "Answer",
        "Ask",
        "Assume",
        "Break",
        "Bring",
        "Build",
        "Calculate",
        "Carry",
        "Divide",
        "Drain",
        "Draw",
        "Enable",
        "End",
        "Exit",
        "Explain",
        "Forecast",
        "Hold",
        "Leave",
        "Let",
        "Listen",
        "Lose",
        "Make",
        "Multiply",
        "Name",
        "Override",
        "Play",
        "Print",
        "Prove",
        "Raise",
        "Read",
        "Record",
        "Return",
        "Run",
        "Send",
        "Serve",
        "Set",
        "Show",
        "Simulate",
        "Take",
        "Treat",
        "Trust",
        "Validate",
        "Wait",
        "Watch",
        "Write",
    ];

    /// Checks a command and those below it, and returns what is wrong.
    fn wrong(command: &Command, path: &str) -> Vec<String> {
        let path = format!("{path} {}", command.get_name());
        let own = command.get_about().map(|about| (path.clone(), about.to_string()));
        let flags = command.get_arguments().filter(|argument| argument.get_long().is_some());
        let flags = flags.filter_map(|flag| {
            Some((format!("{path} --{}", flag.get_long()?), flag.get_help()?.to_string()))
        });
        let is_wrong = |help: &String| {
            let verb = help.split_whitespace().next().unwrap_or_default();
            help.ends_with('.') || help.chars().count() > 110 || !VERBS.contains(&verb)
        };
        let here = own.into_iter().chain(flags).filter(|(_, help)| is_wrong(help));
        let here = here.map(|(path, help)| format!("{path}: {help}"));
        here.chain(command.get_subcommands().flat_map(|below| wrong(below, &path))).collect()
    }

    #[test]
    fn the_version_needs_no_command_and_nothing_else_goes_without() {
        let parses = |text: &str| Arguments::try_parse_from(text.split(' ')).is_ok();
        assert!(
            parses("meridian --version") && parses("meridian -V") && parses("meridian --version --verbose")
        );
        assert!(parses("meridian check"));
        assert!(!parses("meridian --verbose") && !parses("meridian") && !parses("meridian --version check"));
    }

    #[test]
    fn help_is_imperative_fits_a_line_and_has_no_full_stop() {
        assert_eq!(wrong(&Arguments::command(), ""), Vec::<String>::new());
    }
}
