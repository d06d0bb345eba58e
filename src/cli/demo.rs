//! `meridian demo`: runs the demo's world with a server, and breaks and heals parts of it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::exit::run_to_end;
use super::{logging, output};
use crate::config::LogFormat;
use crate::daemon::{self, ServeOptions, ServeResources};
use crate::demo::{self, Actor, Demo, FailureMode, Screen};
use crate::event::Event;
use crate::region::Target;

/// Run a whole world on loopback: nine regions, canaries, and the server that steers between them
///
/// Everything is real but the distances: each availability zone has its own HTTP service, canaries
/// poll it, and the server is the one that `meridian serve` runs, on a configuration that is written
/// for the occasion. It prints what to type next, and then a line for everything that happens, until
/// it is interrupted.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct DemoArgs {
    #[command(subcommand)]
    action: Option<DemoAction>,

    /// Answer DNS at this address, over UDP and TCP
    #[arg(long, value_name = "ADDRESS", env = "MERIDIAN_DEMO_DNS", default_value = "127.0.0.1:5300")]
    dns: SocketAddr,

    /// Serve the page, /metrics and the API at this address
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8053")]
    admin: SocketAddr,

    /// Listen for `break` and `heal` at this address
    #[arg(long, value_name = "ADDRESS", default_value_t = demo::CONTROL)]
    control: SocketAddr,

    /// Write the configuration to this empty directory, and leave it; without it, to a temporary one
    #[arg(long, value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
}

/// What can be done to a running demo.
#[derive(Debug, Subcommand)]
enum DemoAction {
    /// Make a region of the running demo fail, or one of its availability zones
    Break {
        /// The region, or the zone: `tokyo`, `tokyo/tokyo-a`
        #[arg(value_name = "REGION[/AZ]", value_parser = demo::parse_target)]
        target: Target,

        /// Make it fail in this way
        #[arg(long, value_enum, default_value_t = FailureMode::Refuse)]
        how: FailureMode,

        /// Ask the demo at this address
        #[arg(long, value_name = "ADDRESS", default_value_t = demo::CONTROL)]
        control: SocketAddr,
    },
    /// Make it answer again
    Heal {
        /// The region, or the zone: `tokyo`, `tokyo/tokyo-a`
        #[arg(value_name = "REGION[/AZ]", value_parser = demo::parse_target)]
        target: Target,

        /// Ask the demo at this address
        #[arg(long, value_name = "ADDRESS", default_value_t = demo::CONTROL)]
        control: SocketAddr,
    },
}

/// Runs the demo until it is interrupted, or asks a running one to break or heal something.
///
/// # Errors
///
/// When an address is in use, or no demo is running.
pub fn run(arguments: DemoArgs) -> anyhow::Result<ExitCode> {
    // What happens is told on the screen; the log adds only what should not happen.
    logging::start(LogFormat::Human, "demo", Some("error"));
    run_to_end(arguments.run())??;
    Ok(ExitCode::SUCCESS)
}

impl DemoArgs {
    async fn run(self) -> anyhow::Result<()> {
        match self.action {
            None => self.show().await,
            Some(DemoAction::Break { target, how, control }) => {
                output::text(demo::ask(control, target, Some(how)).await?);
                Ok(())
            }
            Some(DemoAction::Heal { target, control }) => {
                output::text(demo::ask(control, target, None).await?);
                Ok(())
            }
        }
    }

    async fn show(self) -> anyhow::Result<()> {
        let options = demo::DemoOptions {
            dns: self.dns,
            admin: self.admin,
            control: self.control,
            directory: self.directory,
            program: std::env::args().next().unwrap_or_else(|| "meridian".to_owned()),
        };
        let screen = Screen::of_this_process();
        let demo = Demo::start(options, screen).await?;
        let loaded = daemon::load(demo.directory()).context("the demo's own configuration")?;
        demo.introduce();
        let listener = Box::new(move |event: &Event| screen.event(Actor::Server, &event.text));
        let directory = demo.directory().to_owned();
        let resources = ServeResources::open(&loaded.base.config.server, false)?;
        daemon::run(loaded, ServeOptions { directory, listener }, resources).await?;
        Ok(())
    }
}
