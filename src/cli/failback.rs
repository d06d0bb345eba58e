//! `meridian failback`: lets a region back that is held or quarantined.

use std::process::ExitCode;

use anyhow::Context;

use super::operator::{Absence, ChangeOutcomes, OperatorArgs, change};
use super::server::{Instance, ask_all};
use super::undo::nothing;
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
    let name = RegionName { region: region.clone() };
    let let_back = |instance: &Instance| operator.order(instance, &routes::FAIL_BACK, &name, &());
    let instances = operator.server.instances()?;
    if instances.len() == 1 {
        return ChangeOutcomes(ask_all(&instances, let_back)).report(false);
    }
    let keeps = |instance: &Instance| keeps_away(instance, region);
    let kept = ask_all(&instances, keeps);
    let is_anywhere = kept.iter().any(|reply| matches!(reply.answer, Ok(true)));
    let here = |instance: &Instance| match !is_anywhere || keeps(instance)? {
        true => let_back(instance),
        false => Ok(nothing(&format!("{region} is neither held nor quarantined here"))),
    };
    // There is no trial of this: what can be known before is whether every instance can be asked.
    let check = |instance: &Instance| keeps(instance).map(|_| nothing(""));
    change(&instances, Absence::Stops, check, here)?.report(false)
}

/// Returns whether an instance keeps a region away until an operator lets it back.
fn keeps_away(instance: &Instance, name: &str) -> anyhow::Result<bool> {
    let regions = instance.look(&routes::OVERVIEW)?.overview.regions;
    let region = regions.into_iter().find(|region| region.summary.name == name);
    Ok(region.with_context(|| format!("region `{name}` is not defined"))?.awaits_failback)
}
