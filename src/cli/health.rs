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
/// It asks `/healthz`, which needs no token, at 127.0.0.1:8053 unless --admin names other addresses, and exits with 1
/// when no `ok` comes. $MERIDIAN_ADMIN does not count here.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    server: ServerArgs,
}

pub fn run(Args { server }: &Args) -> anyhow::Result<ExitCode> {
    // A container that names all instances for its operators is healthy when its own is.
    for instance in server.given()? {
        let answer = instance.text(&routes::HEALTH, &NoParameters {})?;
        ensure!(answer.trim_end() == "ok", "what answers there is no Meridian: it says no `ok`");
        output::text(answer);
    }
    Ok(ExitCode::SUCCESS)
}
