//! `meridian failback`: lets a region back that is held or quarantined.

use std::process::ExitCode;

use super::intent::{OperatorArgs, report};
use crate::admin::api::{RegionName, routes};

/// Let a region back that is held or quarantined
///
/// A region with `failback: manual`, one whose gates were closed twice while it came back, and one that fell
/// three times in an hour wait for this. It then takes its clients share by share, as `recovery` says. It
/// asks the server at 127.0.0.1:8053 unless --admin names another, with a token whose role is `operate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The region
    region: String,

    #[command(flatten)]
    operator: OperatorArgs,
}

pub fn run(Args { region, operator }: &Args) -> anyhow::Result<ExitCode> {
    report(operator.order(&routes::FAIL_BACK, &RegionName { region: region.clone() }, &()), false)
}
