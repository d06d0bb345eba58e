//! Proves the border: that no client is ever sent where its residency rules do not permit, whatever is in service.
//!
//! What a client of a class may be sent to is read from the rules themselves, a second time and not from the
//! plans, which are what is on trial. What the client is sent to is what [`Route::find`] finds. Every class is
//! tried, so every address is, with
//!
//! - every prefix that the border cuts, of every length ([`super::prefixes`]);
//! - every set of regions in service;
//! - every region where an intent can put it (a share of its clients, none while another takes any, none at all),
//!   beside every set of the others;
//! - every pair of regions of every policy that a name's weights divide clients between, also where only one of them
//!   is permitted;
//! - every region of every plan as a home that sheds, to every region there is, also one that the clients are
//!   not permitted, wherever that stands;
//! - every pin.

use std::fmt;

use super::prefixes::{self, Stray};
use crate::geo::{Class, ClassId};
use crate::health::{SiteShare, Standing, View};
use crate::moment::Moment;
use crate::region::{Family, RegionId, RegionSet};
use crate::share::Share;
use crate::snapshot::{Base, Partition};
use crate::steering::{NearDraw, PartSplits, Piece, Plan, Policy, Rest, Route, Split};
use crate::zone::PinId;

/// The most regions of one policy whose sets are enumerated: twice as many sets with each region more.
pub const MAX_REGIONS: usize = 16;

/// The most breaches that are told; one is one too many.
const MAX_TOLD: usize = 20;

/// What was tried, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// How many different policies the steered names have.
    pub policies: usize,
    /// How many classes of clients there are.
    pub classes: usize,
    /// How many prefixes were tried that hold clients who are not permitted the same regions.
    pub prefixes: u64,
    /// How many decisions were made with every set of regions in service: parts of the clients × sets × families.
    pub decisions: u64,
    /// How many more were made with a region where an intent can put it.
    pub under_intents: u64,
    /// How many more were made with weights that divide clients between two regions.
    pub under_weights: u64,
    /// How many more were made with a region that sheds.
    pub while_shedding: u64,
    /// How many more were made for pins, each with nothing in service.
    pub for_pins: u64,
    /// How many classes of a policy are permitted no region at all, and are told so.
    pub without_region: usize,
    /// The clients that were sent where they may not go.
    pub breaches: Vec<Breach>,
}

/// Clients who were sent where they may not go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// A steered name that they ask for.
    pub owner: String,
    /// The region that they were sent to.
    pub region: String,
    /// The regions that were in service.
    pub in_service: Vec<String>,
    /// What else was so; empty: nothing.
    pub beside: String,
}

/// A policy has more regions than can be enumerated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{owner}` is steered between {count} regions; the sets of at most {MAX_REGIONS} can be enumerated")]
pub struct TooMany {
    /// The first name with the policy.
    pub owner: String,
    /// How many regions it has.
    pub count: usize,
}

/// Tries every class of clients with every set of regions in service.
///
/// # Errors
///
/// When a policy has more than [`MAX_REGIONS`] regions.
pub fn prove(base: &Base) -> Result<Proof, TooMany> {
    let mut proof =
        Proof { policies: base.partitions.len(), classes: base.table.classes().len(), ..Proof::default() };
    for (number, partition) in base.partitions.iter().enumerate() {
        let owner = base.partition_of.iter().position(|of| *of == number);
        let owner = owner.map(|index| base.config.steered[index].owner.to_string()).unwrap_or_default();
        let count = partition.policy.regions.len();
        if count > MAX_REGIONS {
            return Err(TooMany { owner, count });
        }
        try_policy(base, partition, &owner, &mut proof);
    }
    for (number, partition) in base.pins.partitions.iter().enumerate() {
        let first = base.pins.first_in(number).map(|PinId(pin)| &base.config.pins[pin as usize]);
        try_pins(base, partition, &first.map(|pin| pin.owner.to_string()).unwrap_or_default(), &mut proof);
    }
    Ok(proof)
}

/// Where an intent can put a region: what a shift in part leaves it, what a whole shift or a drain does, and what
/// disabling it does.
const UNDER_INTENTS: [SiteShare; 3] = [SiteShare::Part(Share::HALF), SiteShare::Waiting, SiteShare::Disabled];

/// Wherever a region can stand.
const STAGES: [SiteShare; 5] =
    [SiteShare::Full, SiteShare::Part(Share::HALF), SiteShare::Waiting, OUT, SiteShare::Disabled];

fn try_policy(base: &Base, partition: &Partition, owner: &str, proof: &mut Proof) {
    let permitted = permitted_by_part(base, partition);
    let of_classes = &permitted[..partition.parts_of_classes];
    proof.without_region += of_classes.iter().filter(|set| set.is_empty()).count();
    let mut trial = Trial { base, partition, owner, permitted: &permitted, breaches: Vec::new() };
    let regions = &partition.policy.regions;
    for set in sets(regions) {
        proof.decisions += trial.try_all(set, None);
    }
    for region in regions {
        let others: Vec<_> = regions.iter().copied().filter(|other| other != region).collect();
        for stage in UNDER_INTENTS {
            let tried = sets(&others).map(|set| trial.try_all(set, Some((*region, stage))));
            proof.under_intents += tried.sum::<u64>();
        }
    }
    proof.under_weights += trial.try_weights();
    proof.while_shedding += trial.try_shedding();
    proof.prefixes += trial.try_prefixes();
    let room = MAX_TOLD.saturating_sub(proof.breaches.len());
    proof.breaches.extend(trial.breaches.into_iter().take(room));
}

/// Tries the pins of one policy. Nothing but the border decides about them.
fn try_pins(base: &Base, partition: &Partition, owner: &str, proof: &mut Proof) {
    let permitted = permitted_by_part(base, partition);
    let mut trial = Trial { base, partition, owner, permitted: &permitted, breaches: Vec::new() };
    proof.for_pins += trial.try_all(RegionSet::NONE, None);
    proof.prefixes += trial.try_prefixes();
    let room = MAX_TOLD.saturating_sub(proof.breaches.len());
    proof.breaches.extend(trial.breaches.into_iter().take(room));
}

/// Returns every set of these regions.
fn sets(regions: &[RegionId]) -> impl Iterator<Item = RegionSet> {
    (0u32..1 << regions.len()).map(move |set| {
        let chosen = regions.iter().enumerate().filter(move |(bit, _)| set >> bit & 1 == 1);
        chosen.map(|(_, region)| *region).collect()
    })
}

/// One policy on trial.
struct Trial<'a> {
    base: &'a Base,
    partition: &'a Partition,
    owner: &'a str,
    /// By part.
    permitted: &'a [RegionSet],
    breaches: Vec<Breach>,
}

impl Trial<'_> {
    /// Tries every prefix that the border cuts, and returns how many those are.
    fn try_prefixes(&mut self) -> u64 {
        let classes = self.base.table.classes();
        let of_classes = classes.iter().map(|class| permitted_by_rules(&self.partition.policy, class));
        let of_classes: Vec<_> = of_classes.collect();
        let mut strays = Vec::new();
        let permitted = |class: ClassId| of_classes[class.0 as usize];
        let tried =
            prefixes::try_all(&self.base.table, self.partition, permitted, |stray| strays.push(stray));
        for Stray { prefix, region } in strays {
            let region = self.name(region);
            self.note(Some(Breach {
                owner: self.owner.to_owned(),
                in_service: vec![region.clone()],
                region,
                beside: format!("they are clients of {prefix} and others in it may not be sent there"),
            }));
        }
        tried
    }

    /// Tries every part with these regions in service and one of them at a stage, and returns how many decisions
    /// that were.
    fn try_all(&mut self, in_service: RegionSet, at: Option<(RegionId, SiteShare)>) -> u64 {
        let view = view(self.base, in_service, at);
        let mut decisions = 0;
        for (part, plan) in self.partition.plans.iter().enumerate() {
            for family in Family::BOTH {
                decisions += 1;
                let route =
                    Route::find(plan, self.partition.policy.all_down, &view, &PartSplits::default(), family);
                let route = self.followed(route, plan, &view, family);
                let beside = || at.map_or_else(String::new, |at| self.told(at));
                let breach = self.judge(part, &route, in_service, beside);
                self.note(breach);
            }
        }
        decisions
    }

    /// Divides the clients by weights between every two regions of the policy, the first of which takes all of them
    /// while the second stands wherever it can, and returns how many decisions that were. Nothing else is in
    /// service: whose way leads elsewhere is not divided.
    fn try_weights(&mut self) -> u64 {
        let mut decisions = 0;
        for one in &self.partition.policy.regions {
            for other in self.partition.policy.regions.iter().filter(|other| *other != one) {
                for stage in STAGES {
                    decisions += self.try_weighed(*one, *other, stage);
                }
            }
        }
        decisions
    }

    /// Divides the clients by halves between one region and another one at a stage.
    fn try_weighed(&mut self, one: RegionId, other: RegionId, stage: SiteShare) -> u64 {
        let weights = [(other, 1), (one, 1)];
        let in_service: RegionSet = [one].into_iter().collect();
        let view = view(self.base, in_service, Some((other, stage)));
        let mut decisions = 0;
        for (part, plan) in self.partition.plans.iter().enumerate() {
            for family in Family::BOTH {
                decisions += 1;
                let all_down = self.partition.policy.all_down;
                let route = Route::find(plan, all_down, &view, &PartSplits::default(), family);
                let route = route.weighted(plan, &weights, &view, family);
                let route = self.followed(route, plan, &view, family);
                let beside = || {
                    let names = [one, other].map(|region| self.name(region)).join(" and ");
                    format!("weights divide clients between {names}, and {}", self.told((other, stage)))
                };
                let breach = self.judge(part, &route, in_service, beside);
                self.note(breach);
            }
        }
        decisions
    }

    /// Lets every region of the policy shed to every region there is, which takes all clients, a share, or none,
    /// or has left; and returns how many decisions that were. Nothing else is in service, so that each part comes
    /// to its home.
    fn try_shedding(&mut self) -> u64 {
        let mut decisions = 0;
        for home in &self.partition.policy.regions {
            for (to, _) in self.base.config.regions.iter().filter(|(to, _)| to != home) {
                for stage in STAGES {
                    decisions += self.try_split(*home, to, stage);
                }
            }
        }
        decisions
    }

    /// Lets one region shed half of its clients to another one at a stage.
    fn try_split(&mut self, home: RegionId, to: RegionId, stage: SiteShare) -> u64 {
        let pieces = [(0.5, home), (1.0, to)].map(|(until, region)| Piece { until, region });
        let split = Split::of(pieces.to_vec()).expect("two halves are a split");
        let splits = PartSplits { whole: Some(&split), near: vec![(home, &split)] };
        let in_service: RegionSet = [home].into_iter().collect();
        let view = view(self.base, in_service, Some((to, stage)));
        let plans = self.partition.plans.iter().enumerate();
        let mut decisions = 0;
        for (part, plan) in plans.filter(|(_, plan)| plan.order.contains(&home)) {
            for family in Family::BOTH {
                decisions += 1;
                let all_down = self.partition.policy.all_down;
                let route = Route::find(plan, all_down, &view, &splits, family);
                let route = self.followed(route, plan, &view, family);
                let beside = || {
                    format!("{} sheds to {}, and {}", self.name(home), self.name(to), self.told((to, stage)))
                };
                let breach = self.judge(part, &route, in_service, beside);
                self.note(breach);
            }
        }
        decisions
    }

    /// Lets the addresses of other regions follow as the policy says, also of those that might be full.
    fn followed(&self, route: Route, plan: &Plan, view: &View, family: Family) -> Route {
        route.followed(plan, &self.partition.policy, view, RegionSet::NONE, family)
    }

    /// Holds a way against what the clients of a part are permitted.
    fn judge(
        &self,
        part: usize,
        route: &Route,
        in_service: RegionSet,
        beside: impl Fn() -> String,
    ) -> Option<Breach> {
        let stray = reached(route).find(|region| !self.permitted[part].contains(*region))?;
        let regions = self.partition.policy.regions.iter();
        let in_service = regions.filter(|region| in_service.contains(**region));
        Some(Breach {
            owner: self.owner.to_owned(),
            region: self.name(stray),
            in_service: in_service.map(|region| self.name(*region)).collect(),
            beside: beside(),
        })
    }

    fn note(&mut self, breach: Option<Breach>) {
        if self.breaches.len() < MAX_TOLD {
            self.breaches.extend(breach);
        }
    }

    /// Says where a region stands.
    fn told(&self, (region, stage): (RegionId, SiteShare)) -> String {
        format!("{} takes {} of its clients", self.name(region), stage.share())
    }

    fn name(&self, region: RegionId) -> String {
        self.base.config.regions.region(region).name.clone()
    }
}

/// A region that has left.
const OUT: SiteShare = SiteShare::Out { since: Moment(0) };

/// Returns how regions stand when exactly these are in service, but for one that may take another share.
fn view(base: &Base, in_service: RegionSet, at: Option<(RegionId, SiteShare)>) -> View {
    let regions = &base.config.regions;
    let share = |region: RegionId| match at {
        Some((other, share)) if other == region => share,
        _ if in_service.contains(region) => SiteShare::Full,
        _ => OUT,
    };
    let standing = |region: RegionId| match share(region) {
        SiteShare::Out { since } | SiteShare::Yielding { since } => Standing::Down { since },
        SiteShare::Disabled => Standing::Disabled,
        SiteShare::Full | SiteShare::Part(_) | SiteShare::Kept(_) | SiteShare::Waiting => Standing::Up,
    };
    let standings = regions.addresses().map(|(_, address)| standing(address.region)).collect();
    let shares: Vec<_> = regions.iter().map(|(region, _)| [share(region); 2]).collect();
    View::counted(regions, standings).with(Vec::new(), &shares)
}

/// Returns where the clients of each part may be sent: where every class in it may.
fn permitted_by_part(base: &Base, partition: &Partition) -> Vec<RegionSet> {
    let mut permitted = vec![RegionSet::ALL; partition.plans.len()];
    for (class, part) in base.table.classes().iter().zip(partition.view.parts()) {
        let part = &mut permitted[*part as usize];
        *part = part.intersection(permitted_by_rules(&partition.policy, class));
    }
    // The parts of prefixes alone have no classes; `prefixes` holds their plans against all classes in them.
    for (permitted, plan) in permitted.iter_mut().zip(&partition.plans).skip(partition.parts_of_classes) {
        *permitted = plan.permitted();
    }
    permitted
}

/// Reads the rules: the regions of the policy that every rule permits whose clients include the class, and that are for
/// such clients.
fn permitted_by_rules(policy: &Policy, class: &Class) -> RegionSet {
    let mut permitted: RegionSet = policy.regions.iter().copied().collect();
    for rule in &policy.residency {
        if rule.clients.iter().any(|group| class.groups.contains(*group)) {
            permitted = permitted.intersection(rule.permitted);
        }
    }
    let is_for = |region: &RegionId| {
        let mut admissions = policy.admissions.iter().filter(|admission| admission.region == *region);
        admissions.all(|admission| admission.admits(class.groups))
    };
    let open: RegionSet = policy.regions.iter().copied().filter(is_for).collect();
    permitted.intersection(open)
}

/// Returns every region that some client on a route gets to.
fn reached(route: &Route) -> impl Iterator<Item = RegionId> {
    let (whole, pieces) = match &route.rest {
        Rest::Whole(found) => (found.region(), &[][..]),
        Rest::Divided { pieces, .. } => (None, &pieces[..]),
    };
    let stops = route.stops.iter().map(|(region, _)| *region);
    let others = route.others.iter().copied();
    let near = route.near.iter().flat_map(NearDraw::reached);
    near.chain(stops).chain(whole).chain(pieces.iter().map(|(_, region)| *region)).chain(others)
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_service =
            if self.in_service.is_empty() { "none".to_owned() } else { self.in_service.join(", ") };
        write!(f, "{}: clients are sent to {}, which no rule permits them, ", self.owner, self.region)?;
        write!(f, "when these regions are in service: {in_service}")?;
        if self.beside.is_empty() { Ok(()) } else { write!(f, ", and {}", self.beside) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::fixture;

    /// Three regions; the clients of 10.0.0.0/8 may be sent to tokyo and osaka only.
    fn base(rule: &str) -> Base {
        let region = |name: &str, law: &str, last: u8| {
            format!(
                "  {name}:\n    location: {{ latitude: 35, longitude: 139 }}\n    jurisdiction: {law}\n    \
                 zones: {{ a: {{ addresses: [192.0.2.{last}] }} }}\n"
            )
        };
        let regions = [
            "regions:\n".to_owned(),
            region("tokyo", "JP", 1),
            region("osaka", "JP", 2),
            region("oregon", "US", 3),
        ];
        let zone = format!(
            "zone: example.com\nnameservers: [ns1.example.net]\ngroups: {{ banks: {{ networks: [10.0.0.0/8] }} }}\n\
             names: {{ '@': {{ steer: {{ regions: [oregon, tokyo, osaka], order: listed, residency: [{rule}] }} }} }}\n"
        );
        fixture::base(&regions.concat(), &zone)
    }

    const RULE: &str = "{ clients: banks, jurisdictions: [JP] }";

    #[test]
    fn a_border_that_holds_is_proved_for_every_set_of_regions() {
        let proof = prove(&base(RULE)).expect("three regions are few");
        assert_eq!(proof.breaches, []);
        assert_eq!((proof.policies, proof.without_region), (1, 0));
        assert_eq!(proof.decisions, 2 * 8 * 2, "banks and others, eight sets, two families");
        assert_eq!(
            proof.under_intents,
            2 * (3 * 3 * 4) * 2,
            "three regions, three stages, four sets of the others"
        );
        assert_eq!(proof.under_weights, 2 * (3 * 2) * 5 * 2, "three regions, two others, five stages");
        assert_eq!(proof.while_shedding, (3 + 2) * 2 * 5 * 2, "homes of both, two others, five stages");
    }

    #[test]
    fn a_region_for_some_clients_only_is_proved_to_serve_no_others_and_their_common_prefixes_neither() {
        let regions = "regions:\n  tokyo: { location: { latitude: 35, longitude: 139 }, jurisdiction: JP, only_for: banks, \
                       zones: { a: { addresses: [192.0.2.1] } } }\n  osaka: { location: { latitude: 34, longitude: 135 }, \
                       jurisdiction: JP, zones: { a: { addresses: [192.0.2.2] } } }\n\
                       groups: { banks: { networks: [9.1.0.0/16] } }\n";
        let zone = "zone: example.com\nnameservers: [ns1.example.net]\n\
                    names: { '@': { steer: { regions: [tokyo, osaka], order: listed } } }\n";
        let mut base = fixture::base(regions, zone);
        let proof = prove(&base).expect("two regions are few");
        assert_eq!(proof.breaches, []);
        assert!(proof.prefixes >= 16, "every prefix around the network: {}", proof.prefixes);
        let tokyo = base.config.regions.find("tokyo").expect("a region");
        let others = base.partitions[0].plans.iter_mut().find(|plan| plan.order.len() == 1);
        others.expect("the plan of all others").order.push(tokyo);
        assert_ne!(prove(&base).expect("two regions are few").breaches, []);
    }

    #[test]
    fn a_plan_that_crosses_the_border_is_found_with_the_set_that_leads_there() {
        let mut base = base(RULE);
        let plans = &mut base.partitions[0].plans;
        let bank = plans.iter_mut().find(|plan| plan.order.len() == 2).expect("the plan of banks");
        bank.order.push(base.config.regions.find("oregon").expect("a region"));
        let proof = prove(&base).expect("three regions are few");
        let told: Vec<_> = proof.breaches.iter().map(ToString::to_string).collect();
        let told: Vec<_> = told.iter().map(String::as_str).collect();
        assert_eq!(
            told[..1],
            ["example.com.: clients are sent to oregon, which no rule permits them, \
              when these regions are in service: oregon"]
        );
        let shifted = "example.com.: clients are sent to oregon, which no rule permits them, when these regions are in \
                       service: oregon, and tokyo takes 0% of its clients";
        assert!(told.contains(&shifted), "{told:?}");
        let weighted = "example.com.: clients are sent to oregon, which no rule permits them, when these regions are in \
                       service: tokyo, and weights divide clients between tokyo and oregon, and oregon takes 100% of \
                       its clients";
        let partition = &base.partitions[0];
        let permitted = permitted_by_part(&base, partition);
        let mut trial = Trial {
            base: &base,
            partition,
            owner: "example.com.",
            permitted: &permitted,
            breaches: Vec::new(),
        };
        let [tokyo, oregon] =
            ["tokyo", "oregon"].map(|name| base.config.regions.find(name).expect("a region"));
        trial.try_weighed(tokyo, oregon, SiteShare::Full);
        assert_eq!(trial.breaches[0].to_string(), weighted);
    }
}
