//! `meridian approve`: carries out a failover that every instance proposes.

use std::process::ExitCode;

use anyhow::{Context, bail};

use super::operator::{Absence, CareArgs, ChangeOutcomes, change};
use super::server::{Instance, InstanceReply, ask_all};
use super::undo::nothing;
use crate::admin::api::{Approval, IntentList, ProposalNumber, ProposalStatus, routes};
use crate::intent::Action;

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
    let complete = |instance: &Instance, dry_run| match step(&instance.look(&routes::INTENTS)?, &region)? {
        ApprovalStep::Approve(number) => ask(instance, number, dry_run),
        ApprovalStep::Done => Ok(nothing(&format!("it is approved here already that {region} leaves"))),
    };
    let try_it = |instance: &Instance| complete(instance, true);
    match dry_run {
        true => ChangeOutcomes(ask_all(&instances, try_it)).report(true),
        false => {
            change(&instances, Absence::Stops, try_it, |instance| complete(instance, false))?.report(false)
        }
    }
}

/// What an instance needs for a region to leave there.
#[derive(Debug)]
enum ApprovalStep {
    /// The approval of the proposal with this number.
    Approve(u64),
    /// Nothing: it was approved before.
    Done,
}

fn proposals(instance: &Instance) -> anyhow::Result<Vec<ProposalStatus>> {
    Ok(instance.look(&routes::INTENTS)?.proposals)
}

/// Returns what an instance with these intents and proposals needs for a region to leave.
fn step(list: &IntentList, region: &str) -> anyhow::Result<ApprovalStep> {
    let approved = Action::Approve { region: region.to_owned() }.to_string();
    // Its proposal is hidden as long as the approval is in force.
    if list.intents.iter().any(|intent| intent.intent == approved) {
        return Ok(ApprovalStep::Done);
    }
    let proposal = list.proposals.iter().find(|proposal| proposal.region == region);
    let proposal = proposal.with_context(|| format!("it does not propose that {region} leaves"))?;
    Ok(ApprovalStep::Approve(proposal.number))
}

/// Returns the region that a number means, wherever it is one of a proposal.
fn region(number: u64, instances: &[Instance]) -> anyhow::Result<String> {
    let replies = ask_all(instances, proposals);
    let open = |reply: &InstanceReply<Vec<ProposalStatus>>| {
        let InstanceReply { address, answer } = reply;
        let proposals = answer.as_ref().map_or(&[][..], |proposals| proposals);
        let texts = proposals.iter().map(|one| format!("{} at {address}, of {}", one.number, one.region));
        texts.collect::<Vec<_>>()
    };
    let known = replies.iter().filter_map(|reply| reply.answer.as_ref().ok()).flatten();
    let mut regions: Vec<_> =
        known.filter(|proposal| proposal.number == number).map(|proposal| &proposal.region).collect();
    regions.sort_unstable();
    regions.dedup();
    match &regions[..] {
        // An instance at which it is approved already does not list it, and the others have numbers of their own.
        [] => match &replies.iter().flat_map(open).collect::<Vec<_>>()[..] {
            [] => bail!("no instance has an open proposal"),
            open => bail!("no instance has an open proposal {number}; open: {}", open.join("; ")),
        },
        [region] => Ok((*region).clone()),
        _ => bail!(
            "proposal {number} is of different regions at the instances, each of which has its own numbers; name one \
             instance with --admin"
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn list(intents: &[&str], proposals: &[(u64, &str)]) -> IntentList {
        let at = "2026-03-01T09:30:00Z";
        let intent = |text: &&str| {
            json!({
                "number": 7, "kind": "approve", "intent": text, "target": null, "percent": null, "author": "alice",
                "reason": "a test", "override": [], "made_at": at, "until": null, "state": "standing", "why": null,
                "text": text,
            })
        };
        let proposal = |(number, region): &(u64, &str)| json!({ "number": number, "region": region, "text": "", "at": at });
        let intents: Vec<_> = intents.iter().map(intent).collect();
        let proposals: Vec<_> = proposals.iter().map(proposal).collect();
        serde_json::from_value(json!({ "intents": intents, "proposals": proposals })).expect("a list")
    }

    #[test]
    fn an_approval_that_some_instances_have_is_completed_at_the_others() {
        let has_it = step(&list(&["approve tokyo"], &[(3, "osaka")]), "tokyo").expect("it has it");
        assert!(matches!(has_it, ApprovalStep::Done), "{has_it:?}");
        let lacks_it = step(&list(&["approve osaka"], &[(3, "tokyo")]), "tokyo").expect("it proposes it");
        assert!(matches!(lacks_it, ApprovalStep::Approve(3)), "{lacks_it:?}");
        let refused = step(&list(&[], &[(3, "osaka")]), "tokyo").expect_err("it does not propose it");
        assert_eq!(refused.to_string(), "it does not propose that tokyo leaves");
    }
}
