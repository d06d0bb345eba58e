//! What works but is hardly meant, and shows only when the clients of a policy are known.

use super::Base;
use super::partition::Partition;
use crate::client::GroupId;
use crate::family::Family;
use crate::region::{RegionId, RegionSet};
use crate::steering::{self, AllDown, Order, Plan, Policy, Remover, Steering};

impl Base {
    /// Returns sentences about steered names some of whose clients get what hardly anybody wants: no region, or an
    /// answer that exists for others only.
    pub fn warnings(&self) -> Vec<String> {
        let steered = self.config.steered.iter().zip(&self.partition_of);
        let warnings = steered.flat_map(|(steering, number)| {
            let partition = &self.partitions[*number];
            let families = Family::BOTH.map(|family| self.without_family(steering, partition, family));
            let withheld = Family::BOTH.map(|family| withheld(steering, partition, family));
            let others = [self.without_region(steering, partition), absent_when_down(steering, partition)];
            others.into_iter().chain(families).chain(withheld).flatten()
        });
        warnings.collect()
    }

    /// Returns a sentence for each region of a steered name that is the nearest permitted one for no client, so that it
    /// gets clients only from others; none where no client is located.
    pub fn without_clients(&self) -> Vec<String> {
        let partitions = self.partitions.iter().enumerate();
        let by_distance = partitions.filter(|(_, partition)| partition.policy.order == Order::Nearest);
        let idle = by_distance.flat_map(|(number, Partition { policy, .. })| {
            let nearest = self.nearest(policy);
            let idle = policy.regions.iter().filter(move |region| !nearest.contains(**region));
            let idle = idle.filter(move |_| nearest != RegionSet::NONE);
            let owner = self.names_of(number).next().map(|steering| steering.owner.to_string());
            let owner = owner.unwrap_or_default();
            idle.map(move |region| {
                let name = &self.config.regions.region(*region).name;
                format!(
                    "{owner}: region `{name}` is nearest for no client; it serves only when others do not"
                )
            })
        });
        idle.collect()
    }

    /// Returns the regions that are nearest for some located clients, of those that they may be sent to. Regions that are
    /// as near as another count as nearest, too.
    fn nearest(&self, policy: &Policy) -> RegionSet {
        let located = self.table.classes().iter().filter(|class| !class.ranks.is_empty());
        let nearest = located.flat_map(|class| {
            let rank = |region: &RegionId| class.ranks[usize::from(region.0)];
            let Plan { order, near, .. } = steering::plan(policy, class);
            let first = order.first().map(rank);
            let is_drawn = move |region: &RegionId| near.iter().any(|(other, _)| other == region);
            order.into_iter().filter(move |region| Some(rank(region)) == first || is_drawn(region))
        });
        nearest.collect()
    }

    /// Tells of the first clients whom the rules together permit no region. Each rule alone permits something, so only an
    /// operator who knows whom the groups share can tell whether this is meant.
    fn without_region(&self, steering: &Steering, partition: &Partition) -> Option<String> {
        let part = partition.plans_of_classes().iter().position(|plan| plan.order.is_empty())?;
        let Plan { removed, refusal, .. } = &partition.plans[part];
        let is_one = |by: Remover| removed.iter().any(|removed| removed.by == by);
        let Policy { residency, admissions, .. } = &partition.policy;
        let rules = residency.iter().enumerate().filter(|(number, _)| is_one(Remover::Rule(*number)));
        let closed = admissions.iter().enumerate().filter(|(number, _)| is_one(Remover::Admission(*number)));
        let rules = rules.map(|(_, rule)| rule.text.as_str());
        let rules: Vec<_> = rules.chain(closed.map(|(_, admission)| admission.text.as_str())).collect();
        Some(format!(
            "{}: the rules together permit {} no region ({}); they get {}",
            steering.owner,
            self.clients_of(partition, part),
            rules.join("; "),
            refusal.as_str()
        ))
    }

    /// Names the clients of a part by their groups: those of its first classes, and how many others there are.
    fn clients_of(&self, partition: &Partition, part: usize) -> String {
        const TOLD: usize = 4;
        let parts = partition.view.parts().iter();
        let classes = parts.zip(self.table.classes()).filter(|(of, _)| **of as usize == part);
        let mut kinds: Vec<String> = Vec::new();
        for (_, class) in classes {
            let groups: Vec<_> = class.groups.iter().map(|group| self.group_name(group)).collect();
            let kind = if groups.is_empty() { "no group".to_owned() } else { groups.join(" and ") };
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        let more = kinds.len().saturating_sub(TOLD);
        kinds.truncate(TOLD);
        let more = if more > 0 { format!(", and {more} more kinds of clients") } else { String::new() };
        format!("clients of {}{more}", kinds.join(", of "))
    }

    fn group_name(&self, group: GroupId) -> &str {
        match usize::from(group.0).checked_sub(1) {
            None => "unknown",
            Some(index) => &self.config.groups[index].name,
        }
    }

    /// Tells of clients for whom a name has no addresses of a family although it has some for others.
    fn without_family(&self, steering: &Steering, partition: &Partition, family: Family) -> Option<String> {
        let has_any = |plan: &&Plan| {
            let mut addresses =
                plan.order.iter().flat_map(|region| self.config.regions.addresses_of(*region));
            addresses.any(|(_, address)| Family::of(address.ip) == family)
        };
        let served = || partition.plans_of_classes().iter().filter(|plan| !plan.order.is_empty());
        if !served().any(|plan| has_any(&plan)) {
            return None;
        }
        let lost = served().find(|plan| !has_any(plan))?;
        let names: Vec<_> =
            lost.order.iter().map(|id| self.config.regions.region(*id).name.as_str()).collect();
        Some(format!(
            "{}: clients who may be sent to {} only get no {family} address, others do; a resolver may keep that there \
             is none for all of its clients (RFC 7871, 7.4)",
            steering.owner,
            names.join(", ")
        ))
    }
}

/// Tells of prefixes that are refused a family although their clients have addresses of it.
fn withheld(steering: &Steering, partition: &Partition, family: Family) -> Option<String> {
    let is_any = partition.plans.iter().any(|plan| plan.withheld[family as usize]);
    is_any.then(|| {
        format!(
            "{}: prefixes with clients whom rules send to different regions get SERVFAIL for {family} addresses, since \
             no region that all of them may be sent to has one; resolvers that send longer client subnets get them",
            steering.owner
        )
    })
}

/// Tells of a name that may have no records for those alone whose regions are all down.
fn absent_when_down(steering: &Steering, partition: &Partition) -> Option<String> {
    let is_told = steering.policy.all_down == AllDown::Nodata && partition.border.is_some();
    is_told.then(|| {
        format!(
            "{}: with `all_down: nodata`, clients whose permitted regions are all down get NODATA while others get \
             addresses; a resolver may keep that there are none for all of its clients (RFC 7871, 7.4)",
            steering.owner
        )
    })
}

#[cfg(test)]
mod tests {
    use crate::snapshot::fixture;

    const REGIONS: &str = "\
regions:
  tokyo: { location: { latitude: 35, longitude: 139 }, jurisdiction: JP, zones: { a: { addresses: [192.0.2.1] } } }
  lyon:
    location: { latitude: 46, longitude: 5 }
    jurisdiction: FR
    zones: { a: { addresses: [192.0.2.2, '2001:db8::2'] } }
groups:
  partners: { networks: [10.0.0.0/8] }
  banks: { networks: [10.1.0.0/16, 11.0.0.0/8] }
";

    #[track_caller]
    fn check(steer: &str, expected: &[&str]) {
        let zone = format!(
            "zone: example.com\nnameservers: [ns1.example.net]\nnames: {{ '@': {{ steer: {{ {steer} }} }} }}\n"
        );
        assert_eq!(fixture::base(REGIONS, &zone).warnings(), expected);
    }

    #[test]
    fn a_region_that_is_nearest_only_of_those_that_rules_permit_is_not_told_to_be_idle() {
        let osaka = "  osaka: { location: { latitude: 34, longitude: 135 }, jurisdiction: JP, zones: { a: { addresses: [192.0.2.3] } } }\n";
        let regions = REGIONS.replace("groups:", &format!("{osaka}groups:"));
        let geo = "geo: { networks: [{ network: 10.0.0.0/8, country: JP, latitude: 35, longitude: 139 }] }\n";
        let check = |residency: &str, expected: &[&str]| {
            let zone = format!(
                "zone: example.com\nnameservers: [ns1.example.net]\nnames: {{ '@': {{ steer: {{ regions: [tokyo, osaka], \
                 {residency} }} }} }}\n"
            );
            assert_eq!(fixture::located(geo, &regions, &zone).without_clients(), expected);
        };
        check(
            "ttl: 30s",
            &["example.com.: region `osaka` is nearest for no client; it serves only when others do not"],
        );
        check("residency: [{ clients: banks, regions: [osaka] }]", &[]);
    }

    #[test]
    fn clients_left_with_nothing_are_named_with_the_rules_that_did_it() {
        check("regions: [lyon], residency: [{ clients: partners, jurisdictions: [EU] }]", &[]);
        check(
            "regions: [tokyo, lyon], residency: [{ clients: partners, jurisdictions: [EU] }, { clients: banks, jurisdictions: [JP] }]",
            &[
                "example.com.: the rules together permit clients of unknown and partners and banks no region \
                 (partners only in EU; banks only in JP); they get SERVFAIL",
                "example.com.: clients who may be sent to tokyo only get no IPv6 address, others do; a resolver may keep \
                 that there is none for all of its clients (RFC 7871, 7.4)",
            ],
        );
    }

    #[test]
    fn clients_for_whom_no_region_is_are_told_of() {
        let regions = REGIONS.replace("jurisdiction: JP,", "jurisdiction: JP, only_for: [partners],");
        let check = |steer: &str, expected: &[&str]| {
            let zone = format!(
                "zone: example.com\nnameservers: [ns1.example.net]\nnames: {{ '@': {{ steer: {{ {steer} }} }} }}\n"
            );
            assert_eq!(fixture::base(&regions, &zone).warnings(), expected);
        };
        check("regions: [lyon, tokyo]", &[]);
        check(
            "regions: [tokyo]",
            &[
                "example.com.: the rules together permit clients of unknown, of unknown and banks no region (tokyo only for partners); they \
               get SERVFAIL",
            ],
        );
    }

    #[test]
    fn answers_that_exist_for_some_clients_only_are_told() {
        check(
            "regions: [lyon, tokyo], all_down: nodata, residency: [{ clients: partners, jurisdictions: [JP] }]",
            &[
                "example.com.: with `all_down: nodata`, clients whose permitted regions are all down get NODATA while \
                 others get addresses; a resolver may keep that there are none for all of its clients (RFC 7871, 7.4)",
                "example.com.: clients who may be sent to tokyo only get no IPv6 address, others do; a resolver may keep \
                 that there is none for all of its clients (RFC 7871, 7.4)",
                "example.com.: prefixes with clients whom rules send to different regions get SERVFAIL for IPv6 \
                 addresses, since no region that all of them may be sent to has one; resolvers that send longer client \
                 subnets get them",
            ],
        );
        check("regions: [lyon, tokyo], all_down: nodata", &[]);
    }
}
