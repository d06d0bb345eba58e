//! `meridian region`: the service of one availability zone of the demo, for regions that are containers.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context;

use super::exit::run_to_end;
use super::output;
use crate::daemon::StopSignals;
use crate::demo;
use crate::region::Target;

/// Run the service of one availability zone of the demo, until SIGTERM
///
/// It says where it is on `/`, and reports that it is well on `/health`, for canaries. The regions of
/// docker/compose.yaml are such services.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The availability zone: `tokyo/tokyo-a`
    #[arg(value_name = "REGION/AZ", value_parser = demo::parse_target)]
    zone: Target,

    /// Listen at this address
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
}

/// Runs the service until it is asked to stop.
///
/// # Errors
///
/// When the address cannot be listened on, or the target is no availability zone.
pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    run_to_end(arguments.run())??;
    Ok(ExitCode::SUCCESS)
}

impl Args {
    async fn run(&self) -> anyhow::Result<()> {
        let mut stop = StopSignals::listen().context("cannot listen to signals")?;
        let service = demo::serve_zone(&self.zone, self.listen).await?;
        output::line(format_args!("{} answers on {}", service.zone, service.address));
        stop.wait().await;
        Ok(())
    }
}
