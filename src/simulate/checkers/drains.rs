//! Drains: a drained place is in no answer while its clients have somewhere else to go, a disabled one in none at all,
//! and drain-status says that the last client may be gone only when no answer that was given may still be cached.
//!
//! How long an answer may be cached is counted from the moment at which it was last given, with its own TTL.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{Checker, Found, border};
use crate::client::Prefix;
use crate::config::Config;
use crate::control::{DrainProgress, longest_hold};
use crate::health::SiteShare;
use crate::intent::{Action, IntentPhase};
use crate::region::{Family, RegionId, Regions, Resolved, Target};
use crate::share::Share;
use crate::simulate::clients::{Clients, service_of};
use crate::simulate::happening::{CheckInput, Happening};
use crate::simulate::scenario::{Act, StateFile};
use crate::snapshot::{ServedAddress, Snapshot, served};
use crate::steering::Steering;

/// Checks what operators are promised who send clients away.
#[derive(Debug, Default)]
pub struct DrainChecker {
    /// The addresses in answers now, with the longest TTL of those, and the answers' snapshot.
    given: HashMap<ServedAddress, Duration>,
    /// Until when answers may be cached that held an address and are given no more.
    cached_until: HashMap<ServedAddress, Duration>,
    /// The snapshot that answers.
    served: Option<Arc<Snapshot>>,
}

/// A place that an operator has emptied.
#[derive(Clone, Debug)]
struct Withdrawal {
    target: Target,
    /// Whether it is disabled: in no answer, not even when every other region is out.
    is_disabled: bool,
}

impl Checker for DrainChecker {
    fn name(&self) -> &'static str {
        "drains"
    }

    fn see(&mut self, at: Duration, happening: &Happening<'_>, found: &mut Found) {
        match happening {
            Happening::Served(snapshot, clients) => {
                self.follow(at, &snapshot.base.config, clients);
                self.served = Some(Arc::clone(snapshot));
            }
            Happening::Looked(look) => self.look(at, look, found),
            Happening::Act(Act::Restart(file)) if *file != StateFile::Keep => self.forget_long_answers(at),
            _ => {}
        }
    }
}

impl DrainChecker {
    /// Notes what is in answers now, and until when what was in them before may be cached.
    fn follow(&mut self, at: Duration, config: &Config, clients: &Clients) {
        let mut given: HashMap<ServedAddress, Duration> = HashMap::new();
        for lookup in clients.lookups() {
            let service = service_of(&lookup.name, config);
            let subnets = lookup.subnets().iter();
            let answers = subnets
                .flat_map(|subnet| Family::BOTH.into_iter().filter_map(|family| subnet.answer(family)));
            for answer in answers {
                let ttl = Duration::from_secs(answer.ttl.unwrap_or_default().into());
                for address in &answer.addresses {
                    let longest = given.entry((service.to_owned(), *address)).or_default();
                    *longest = ttl.max(*longest);
                }
            }
        }
        for (address, ttl) in std::mem::replace(&mut self.given, given) {
            let until = self.cached_until.entry(address).or_default();
            *until = (at + ttl).max(*until);
        }
    }

    /// Forgets what an earlier configuration let resolvers hold for longer than the present one does: a process that does not
    /// find the last state cannot know it.
    fn forget_long_answers(&mut self, at: Duration) {
        let Some(served) = &self.served else { return };
        let longest = at + longest_hold(&served.base.config);
        self.cached_until.values_mut().for_each(|until| *until = longest.min(*until));
    }

    fn look(&mut self, at: Duration, look: &CheckInput<'_>, found: &mut Found) {
        let CheckInput { report, now, clients } = *look;
        let withdrawn = report.intents.iter().filter_map(|intent| {
            let is_in_force = matches!(intent.phase, IntentPhase::Standing | IntentPhase::Overdue { .. });
            // One that is over and whose clients cannot come back yet keeps them away as a drain does.
            let is_disabled = matches!(intent.request.action, Action::Disable { .. })
                && matches!(intent.phase, IntentPhase::Standing);
            let is_emptied = intent.request.action.away() == Some(Share::ALL);
            let target = intent.request.action.target().filter(|_| is_in_force && is_emptied)?;
            Some(Withdrawal { target, is_disabled })
        });
        // An intent may be newer than the answers only between two effects of one input.
        let served = self.served.as_ref().filter(|served| served.number == report.snapshot);
        if let Some(snapshot) = served {
            check_answers(&withdrawn.collect::<Vec<_>>(), snapshot, clients, found);
        }
        for drain in report.drains.iter().filter(|drain| drain.is_over(now)) {
            found.extend(self.contradicts(at, drain));
        }
    }

    /// Returns how answers contradict a drain that is told to be over.
    fn contradicts(&self, at: Duration, drain: &DrainProgress) -> Option<String> {
        let config = &self.served.as_ref()?.base.config;
        let target = match &drain.zone {
            Some(zone) => Target::of_zone(&drain.region, zone),
            None => Target::of_region(&drain.region),
        };
        let covered = config.regions.covered(&target);
        let addresses = covered.into_iter().flat_map(|part| part.addresses(&config.regions));
        addresses.map(|id| served(&config.regions, id)).find_map(|one| {
            let address = one.1;
            let is_given = self.given.contains_key(&one);
            let until = self.cached_until.get(&one).copied().filter(|until| *until > at);
            match (is_given, until) {
                (true, _) => Some(format!("drain of {target} is over, and {address} is in answers")),
                (false, Some(until)) => {
                    Some(format!("drain of {target} is over, and {address} may be cached until {until:?}"))
                }
                (false, None) => None,
            }
        })
    }
}

/// Looks for answers that lead to a place which an operator has emptied.
fn check_answers(withdrawn: &[Withdrawal], snapshot: &Snapshot, clients: &Clients, found: &mut Found) {
    let config = &snapshot.base.config;
    for withdrawal in withdrawn {
        let covered = config.regions.covered(&withdrawal.target);
        for lookup in clients.lookups() {
            let Some(steering) = config.steered.iter().find(|steering| steering.owner == lookup.name) else {
                continue;
            };
            // A name is for one service of a region.
            let is_meant = |part: &&Resolved| steering.policy.regions.contains(&part.region(&config.regions));
            let Some(resolved) = covered.iter().find(is_meant).copied() else { continue };
            let emptied: Vec<IpAddr> =
                resolved.addresses(&config.regions).map(|id| config.regions.address(id).ip).collect();
            for subnet in lookup.subnets() {
                for family in Family::BOTH {
                    let Some(answer) = subnet.answer(family) else { continue };
                    let Some(address) = answer.addresses.iter().find(|address| emptied.contains(address))
                    else {
                        continue;
                    };
                    if withdrawal.is_disabled
                        || has_another_way(steering, resolved, family, snapshot, subnet.prefix)
                    {
                        let (target, name) = (&withdrawal.target, &lookup.name);
                        found.push(format!(
                            "{target} is emptied, and {} is answered {address} for {name}",
                            subnet.prefix
                        ));
                    }
                }
            }
        }
    }
}

/// Returns whether a region that takes all of its clients, or the rest of an emptied zone's region, could be answered
/// instead.
fn has_another_way(
    steering: &Steering,
    emptied: Resolved,
    family: Family,
    snapshot: &Snapshot,
    subnet: Prefix,
) -> bool {
    let config = &snapshot.base.config;
    match emptied {
        Resolved::Region(region) => {
            let permitted = border::permitted(config, steering, subnet);
            let mut others = config.regions.iter().map(|(id, _)| id).filter(|id| *id != region);
            others.any(|id| is_open(id, family, snapshot) && is_permitted(id, &config.regions, &permitted))
        }
        Resolved::Zone(zone) => {
            let mut beside = config.regions.addresses_of(config.regions.region_of(zone));
            beside.any(|(id, address)| {
                let is_other = address.zone != zone && Family::of(address.ip) == family;
                let is_given = !snapshot.health.of(id).is_down() && snapshot.health.share(id) == Share::ALL;
                is_other && is_given
            })
        }
        Resolved::Address(_) => false,
    }
}

/// Returns whether a region takes all clients that come to it.
fn is_open(id: RegionId, family: Family, snapshot: &Snapshot) -> bool {
    let status = snapshot.health.status(id, family);
    status.up > 0 && status.share == SiteShare::Full
}

fn is_permitted(id: RegionId, regions: &Regions, permitted: &HashSet<IpAddr>) -> bool {
    regions.addresses_of(id).any(|(_, address)| permitted.contains(&address.ip))
}
