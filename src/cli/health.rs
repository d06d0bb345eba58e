//! `meridian health`: whether the server answers, for the health checks of orchestrators: an image that holds this
//! program alone has nothing else to ask with.

use std::process::ExitCode;

use anyhow::ensure;

use super::output;
use super::server::ServerArgs;
use crate::admin::api::route::NoParameters;
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
    let answer = server.text(&routes::HEALTH, &NoParameters {})?;
    ensure!(answer.trim_end() == "ok", "what answers there is no Meridian: it says no `ok`");
    output::text(answer);
    Ok(ExitCode::SUCCESS)
}
