//! `meridian approve`: carries out a failover that every instance proposes.

use std::process::ExitCode;

use anyhow::{Context, bail};

use super::operator::{Absence, CareArgs, ChangeOutcomes, change};
use super::server::{Instance, InstanceReply, ask_all};
use crate::admin::api::{Approval, ProposalNumber, ProposalStatus, routes};

/// Approves the proposal with this number. Several instances propose under numbers of their own: the region that is meant
/// at all of them is that of the number, which must not be different regions'.
pub fn run(number: u64, reason: &str, care: &CareArgs) -> anyhow::Result<ExitCode> {
    let CareArgs { dry_run, overrides, operator } = care;
    let approval = |dry_run| Approval { reason: reason.to_owned(), overrides: overrides.clone(), dry_run };
    let ask = |instance: &Instance, number: u64, dry_run| {
        operator.order(instance, &routes::APPROVE, &ProposalNumber { number }, &approval(dry_run))
    };
    let instances = operator.server.instances()?;
    if let [instance] = &instances[..] {
        let answer = ask(instance, number, *dry_run);
        let reply = InstanceReply { address: instance.address.clone(), answer };
        return ChangeOutcomes(vec![reply]).report(*dry_run);
    }
    let region = region(number, &instances)?;
    let try_it = |instance: &Instance| ask(instance, proposal(instance, &region)?, true);
    match dry_run {
        true => ChangeOutcomes(ask_all(&instances, try_it)).report(true),
        false => {
            let act = |instance: &Instance| ask(instance, proposal(instance, &region)?, false);
            change(&instances, Absence::Stops, try_it, act)?.report(false)
        }
    }
}

fn proposals(instance: &Instance) -> anyhow::Result<Vec<ProposalStatus>> {
    Ok(instance.look(&routes::INTENTS)?.proposals)
}

/// Returns the number under which an instance proposes that a region leaves.
fn proposal(instance: &Instance, region: &str) -> anyhow::Result<u64> {
    let proposal = proposals(instance)?.into_iter().find(|proposal| proposal.region == region);
    let proposal = proposal.with_context(|| format!("it does not propose that {region} leaves"))?;
    Ok(proposal.number)
}

/// Returns the region that a number means, wherever it is one of a proposal.
fn region(number: u64, instances: &[Instance]) -> anyhow::Result<String> {
    let replies = ask_all(instances, proposals);
    let known = replies.iter().filter_map(|reply| reply.answer.as_ref().ok()).flatten();
    let mut regions: Vec<_> =
        known.filter(|proposal| proposal.number == number).map(|proposal| &proposal.region).collect();
    regions.sort_unstable();
    regions.dedup();
    match &regions[..] {
        [] => bail!("no instance has a proposal {number}; `meridian intents` shows what there is"),
        [region] => Ok((*region).clone()),
        _ => bail!(
            "proposal {number} is of different regions at the instances, each of which has its own numbers; name one \
             instance with --admin"
        ),
    }
}
