//! Who would be without any region: judged by what each client is permitted, and so of all clients there are.

use std::cmp::Reverse;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::health::View;
use crate::region::{Family, RegionId};
use crate::snapshot::{Base, Permit};
use crate::steering::{self, Destination, PartSplits, Rest, Route};

/// Clients of one name for whom no permitted region would take them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stranded {
    /// The first of the names that they ask for.
    pub owner: String,
    /// The regions that they are permitted.
    pub permitted: Vec<String>,
    /// The families in which it is so: `IPv4`, `IPv6`.
    pub families: Vec<String>,
    /// How many groups of clients they are.
    pub parts: usize,
    /// How many /24s they have; none if they are reached over IPv6 alone.
    pub subnets: u64,
    /// How much of all clients of the name that is, 0 to 1.
    pub share: f64,
    /// What they would get.
    pub answer: String,
    /// Whether they are better off before.
    pub is_new: bool,
}

/// How well clients are off, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ServiceLevel {
    /// No address at all.
    Refused(&'static str),
    /// A region that is down all the same.
    FailOpen,
    /// A region that is well and takes no clients.
    Unwelcome,
    /// A region that takes clients.
    Served,
}

/// Finds them, those to whom it is new first.
pub(crate) fn find(base: &Base, permits: &[Permit], before: &View, after: &View) -> Vec<Stranded> {
    let mut found: Vec<Stranded> = Vec::new();
    // Clients that are permitted nothing are refused whatever happens.
    for permit in permits.iter().filter(|permit| !permit.regions.is_empty()) {
        let mut news: Vec<(Family, bool, ServiceLevel)> = Vec::new();
        for family in Family::BOTH {
            let [was, is] = [before, after].map(|view| lot(base, permit, view, family));
            if is != ServiceLevel::Served {
                news.push((family, is.rank() < was.rank(), is));
            }
        }
        for is_new in [true, false] {
            let of = || news.iter().filter(move |(_, new, _)| *new == is_new);
            if let Some((_, _, lot)) = of().next() {
                let families = of().map(|(family, ..)| family.to_string()).collect();
                found.push(told(base, permits, permit, families, *lot, is_new));
            }
        }
    }
    found.sort_by_key(|stranded| Reverse((stranded.is_new, stranded.subnets)));
    found
}

impl ServiceLevel {
    fn rank(self) -> u8 {
        match self {
            Self::Refused(_) => 0,
            Self::FailOpen => 1,
            Self::Unwelcome => 2,
            Self::Served => 3,
        }
    }
}

fn lot(base: &Base, permit: &Permit, view: &View, family: Family) -> ServiceLevel {
    // A region that stays in the answers although it is down serves its clients no better than one that fails open.
    let is_well = |region: RegionId| steering::status(view, region, family).has_enough();
    let takes = |region: RegionId| steering::status(view, region, family).is_in_service() && is_well(region);
    let regions = || base.config.regions.iter().map(|(id, _)| id);
    if regions().any(|id| permit.regions.contains(id) && takes(id)) {
        return ServiceLevel::Served;
    }
    let (plan, policy) = base.plan(permit.partition, permit.part);
    match Route::find(plan, policy.all_down, view.under(policy.terms), &PartSplits::default(), family).rest {
        Rest::Whole(Destination::FailOpen(_)) => ServiceLevel::FailOpen,
        Rest::Whole(Destination::Refused(refusal) | Destination::Forbidden(refusal)) => {
            ServiceLevel::Refused(refusal.as_str())
        }
        Rest::Whole(Destination::Healthy(region)) if !is_well(region) => ServiceLevel::FailOpen,
        Rest::Whole(Destination::Healthy(_)) | Rest::Divided { .. } => ServiceLevel::Unwelcome,
    }
}

fn told(
    base: &Base,
    permits: &[Permit],
    permit: &Permit,
    families: Vec<String>,
    lot: ServiceLevel,
    is_new: bool,
) -> Stranded {
    let regions = base.config.regions.iter();
    let permitted = regions.filter(|(id, _)| permit.regions.contains(*id));
    let of_name = permits.iter().filter(|other| other.partition == permit.partition);
    let all: f64 = of_name.map(|other| other.subnets).sum();
    let answer = match lot {
        ServiceLevel::Refused(answer) => answer,
        ServiceLevel::FailOpen => "a region that is down all the same (fail-open)",
        ServiceLevel::Unwelcome | ServiceLevel::Served => {
            "a region that is to take no clients, for want of another"
        }
    };
    Stranded {
        owner: base.names_of(permit.partition).take(1).map(|name| name.owner.to_string()).collect(),
        permitted: permitted.map(|(_, region)| region.name.clone()).collect(),
        families,
        parts: permit.parts,
        // Saturates; a world has 2^24 of them.
        subnets: permit.subnets.round() as u64,
        share: if all > 0.0 { permit.subnets / all } else { 0.0 },
        answer: answer.to_owned(),
        is_new,
    }
}
