//! Shares: when the share of one region grows and nothing else changes, none of its clients leaves it, and those that
//! move move to it; when it shrinks, none comes, and those that move come from it. So a client at 10 % stays in
//! at 50 %, and nobody moves twice on one ramp.
//!
//! That is so where shares are all that moves clients. It is not looked at in worlds with capacities, where what a ramp
//! leaves may be shed or held in reserve; nor while a region is kept in service against its health, or keeps those that
//! no other can bear; nor while a second region takes less than all of its clients, for a ramp narrows a region only in
//! favour of one that does not.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Checker, Found};
use crate::client::Prefix;
use crate::health::SiteShare;
use crate::intent::Weights;
use crate::region::Family;
use crate::share::Share;
use crate::simulate::clients::Clients;
use crate::simulate::happening::Happening;
use crate::snapshot::Snapshot;

/// Checks that shares are monotone.
#[derive(Debug, Default)]
pub struct ShareChecker {
    last: Option<Arc<Snapshot>>,
    /// Where each subnet is led, by the place of its lookup.
    led: HashMap<(usize, Prefix, Family), String>,
}

/// The only thing that is otherwise than in the snapshot before: the share of a region in one family or both.
struct ShareChange {
    region: String,
    /// By family.
    families: [FamilyChange; 2],
}

impl Checker for ShareChecker {
    fn name(&self) -> &'static str {
        "shares"
    }

    fn see(&mut self, _at: Duration, happening: &Happening<'_>, found: &mut Found) {
        let Happening::Served(snapshot, clients) = happening else { return };
        let change = self.last.as_ref().and_then(|last| change(last, snapshot));
        self.follow(clients, &snapshot.weights, change.as_ref(), found);
        self.last = Some(Arc::clone(snapshot));
    }
}

impl ShareChecker {
    /// Notes where subnets are led, and holds those that moved against the change.
    fn follow(
        &mut self,
        clients: &Clients,
        weights: &[Weights],
        change: Option<&ShareChange>,
        found: &mut Found,
    ) {
        for (place, lookup) in clients.lookups().iter().enumerate() {
            // Of a name with weights a ramp takes its share before the weights are asked, and gives it back to them.
            let is_weighted = weights.iter().any(|weights| weights.owner == lookup.name);
            for subnet in lookup.subnets() {
                for family in Family::BOTH {
                    let Some(answer) = subnet.answer(family) else { continue };
                    let led = self.led.entry((place, subnet.prefix, family)).or_default();
                    if *led == answer.leads {
                        continue;
                    }
                    let before = std::mem::replace(led, answer.leads.clone());
                    let wrong = change
                        .filter(|_| !is_weighted)
                        .and_then(|change| change.contradicts(family, &before, led));
                    found.extend(wrong.map(|why| {
                        format!(
                            "{} ({family}) went from {before} to {led} for {}: {why}",
                            subnet.prefix, lookup.name
                        )
                    }));
                }
            }
        }
    }
}

/// What becomes of the share of a region in one family.
struct FamilyChange {
    before: Share,
    now: Share,
    /// Where its clients are led: nowhere if it has no address of the family.
    leads: String,
}

impl ShareChange {
    /// Returns why a move cannot come of this change; `None`: it can.
    fn contradicts(&self, family: Family, from: &str, to: &str) -> Option<String> {
        let FamilyChange { before, now, leads } = &self.families[family as usize];
        let is_right = match before.cmp(now) {
            Ordering::Less => to == leads,
            Ordering::Greater => from == leads,
            Ordering::Equal => false,
        };
        (!is_right).then(|| format!("only the share of {} changed, from {before} to {now}", self.region))
    }
}

/// Returns the region whose share is all that is otherwise; `None`: none is, or more than that.
fn change(last: &Snapshot, snapshot: &Snapshot) -> Option<ShareChange> {
    let is_alike = Arc::ptr_eq(&last.base, &snapshot.base)
        && last.weights == snapshot.weights
        // Regions that take all their clients shed by other rules than those that take a share.
        && last.splits.is_whole()
        && snapshot.splits.is_whole()
        && !has_other_movers(last)
        && !has_other_movers(snapshot)
        && has_equal_addresses(last, snapshot);
    if !is_alike {
        return None;
    }
    let regions = snapshot.base.config.regions.iter().map(|(id, _)| id);
    let shares = |of: &Snapshot, id| Family::BOTH.map(|family| of.health.status(id, family).share);
    let mut changed = regions.filter(|id| shares(last, *id) != shares(snapshot, *id));
    let region = changed.next().filter(|_| changed.next().is_none())?;
    let (before, now) = (shares(last, region), shares(snapshot, region));
    let is_whole = |share: SiteShare| matches!(share, SiteShare::Full | SiteShare::Out { .. });
    let mut others = snapshot.base.config.regions.iter().map(|(id, _)| id).filter(|id| *id != region);
    if !others.all(|other| shares(snapshot, other).into_iter().all(is_whole)) {
        return None;
    }
    // One that leaves or is disabled, or returns from there, gives its clients to others by other rules.
    let is_share =
        |share: &SiteShare| matches!(share, SiteShare::Full | SiteShare::Part(_) | SiteShare::Waiting);
    let is_of_shares = before.iter().chain(&now).all(is_share);
    let name = &snapshot.base.config.regions.region(region).name;
    let families = Family::BOTH.map(|family| {
        let is_absent = |family| !snapshot.health.status(region, family).exists();
        // A region without addresses of a family keeps its clients or not by the other one.
        let judged = if is_absent(family) { Family::BOTH[1 - family as usize] } else { family };
        let [before, now] = [&before, &now].map(|shares| shares[judged as usize].share());
        let leads = if is_absent(family) { "nodata".to_owned() } else { name.clone() };
        FamilyChange { before, now, leads }
    });
    is_of_shares.then(|| ShareChange { region: name.clone(), families })
}

/// Returns whether something else than shares may move clients: capacities, or a region that is bad and keeps clients.
fn has_other_movers(snapshot: &Snapshot) -> bool {
    let mut regions = snapshot.base.config.regions.iter();
    let mut shares = snapshot.health.shares_of_regions().flatten();
    let is_kept = |share: SiteShare| matches!(share, SiteShare::Kept(_) | SiteShare::Yielding { .. });
    regions.any(|(_, region)| region.capacity.is_some()) || shares.any(is_kept)
}

/// Returns whether every address is as well as before, and has the same share of its region's clients.
fn has_equal_addresses(last: &Snapshot, snapshot: &Snapshot) -> bool {
    snapshot.base.config.regions.addresses().all(|(id, _)| {
        last.health.of(id).is_down() == snapshot.health.of(id).is_down()
            && last.health.share(id) == snapshot.health.share(id)
    })
}
