//! `meridian health`: whether the server answers, for the health checks of orchestrators: an image that holds this
//! program alone has nothing else to ask with.

use std::process::ExitCode;

use super::output;
use super::server::ServerArgs;
use crate::admin::api::routes;

/// Ask the server whether it serves a snapshot
///
/// It asks `/healthz`, which needs no token, at 127.0.0.1:8053 unless --admin names another address, and exits with 1
/// when no `ok` comes.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    server: ServerArgs,
}

pub fn run(Args { server }: &Args) -> anyhow::Result<ExitCode> {
    output::text(server.look(&routes::HEALTH)?);
    Ok(ExitCode::SUCCESS)
}
