//! Partitions: how policies divide the clients, and what a prefix gets that holds clients of several parts.

use std::net::IpAddr;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};

use crate::client::{GroupId, Prefix, Requester};
use crate::config::Config;
use crate::family::Family;
use crate::geo::{Class, MixedBlocks, PolicyView, ScopedPart, SubnetPlace, Table};
use crate::health::View;
use crate::region::{RegionId, RegionSet, Regions};
use crate::share;
use crate::steering::{self, Plan, Policy, Refusal};

/// How one policy divides the clients: all who have the same plan are one part.
#[derive(Debug)]
pub struct Partition {
    pub policy: Policy,
    /// The plan of each part: of those that classes are in, and after them of those that only prefixes of several
    /// kinds of clients get.
    pub plans: Vec<Plan>,
    /// How many parts classes are in.
    pub parts_of_classes: usize,
    /// Where the parts lie.
    pub view: Arc<PolicyView>,
    /// What the prefixes get that the border cuts; `None`: it cuts none.
    pub(crate) border: Option<PrefixParts>,
    /// The parts of the groups whose answers secondaries are given.
    parts_of_groups: Vec<(GroupId, u32)>,
    /// By family: which clients are led alike in it, if those are more than have one plan.
    by_family: [Option<Alike>; 2],
}

/// The clients who are led alike in one family: their plans differ in regions only that have no addresses of it.
#[derive(Debug)]
struct Alike {
    /// By the parts that classes are in: the number of the group that is led alike.
    groups: Vec<u32>,
    /// Where each group lies; `None`: there is one, of all clients.
    view: Option<Arc<PolicyView>>,
}

/// What prefixes get whose clients are not all permitted the same regions.
#[derive(Debug)]
pub(crate) struct PrefixParts {
    pub blocks: Arc<MixedBlocks>,
    /// The part for each mix of `blocks`.
    pub parts: Vec<u32>,
    /// The part whose regions every client there is may be sent to.
    pub strictest: u32,
}

/// Where a requester is to a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequesterPlace {
    pub part: u32,
    /// The scope prefix length: of the widest block around the client subnet that is in this part.
    pub scope: u8,
    /// The address that was located and that shares are drawn for: of the client subnet, or the sender's.
    pub client: IpAddr,
    /// The least scope prefix length of an answer for which shares were drawn: of the block that they are drawn for.
    pub drawn_scope: u8,
}

/// Plans by number.
#[derive(Default)]
struct Plans {
    list: Vec<Plan>,
    /// The removed regions stand in the reasons of a plan, not in what it does: two classes that keep the same regions
    /// in the same order are one part whichever rules brought that about.
    numbers: HashMap<PlanKey, u32>,
}

/// The order, the regions that are equally near, the families that are withheld, and the refusal when there are no
/// regions.
type PlanKey = (Vec<RegionId>, Vec<(RegionId, u64)>, [bool; 2], Option<Refusal>);

impl Plans {
    fn number(&mut self, plan: Plan) -> u32 {
        let refusal = plan.order.is_empty().then_some(plan.refusal);
        *self.numbers.entry((plan.order.clone(), plan.near.clone(), plan.withheld, refusal)).or_insert_with(
            || {
                self.list.push(plan);
                self.list.len() as u32 - 1
            },
        )
    }
}

/// Makes views, and each only once: policies often divide the clients alike, and differ only in where they
/// send them.
pub(super) struct Views<'a> {
    table: &'a Table,
    /// The groups whose answers secondaries are given, as clients of no known place.
    transferred: Vec<(GroupId, Class)>,
    /// By the part of each class.
    known: HashMap<Vec<u32>, Arc<PolicyView>>,
    /// By the part of each class, and the kind of each part.
    blocks: HashMap<(Vec<u32>, Vec<u32>), Arc<MixedBlocks>>,
}

impl<'a> Views<'a> {
    pub(super) fn new(table: &'a Table, config: &Config) -> Self {
        let transferred = config.transfer_groups().into_iter();
        let transferred = transferred.map(|group| (group, config.class_of_group(group))).collect();
        Self { table, transferred, known: HashMap::new(), blocks: HashMap::new() }
    }

    fn view(&mut self, parts: Vec<u32>) -> Arc<PolicyView> {
        let known = self.known.entry(parts);
        Arc::clone(known.or_insert_with_key(|parts| Arc::new(PolicyView::new(self.table, parts.clone()))))
    }

    fn blocks(&mut self, parts: Vec<u32>, kinds: Vec<u32>) -> Arc<MixedBlocks> {
        let known = self.blocks.entry((parts, kinds));
        Arc::clone(
            known.or_insert_with_key(|(parts, kinds)| Arc::new(MixedBlocks::new(self.table, parts, kinds))),
        )
    }
}

impl Partition {
    pub(super) fn new(policy: &Policy, regions: &Regions, views: &mut Views<'_>) -> Self {
        let mut plans = Plans::default();
        let classes = views.table.classes().iter();
        let parts: Vec<u32> = classes.map(|class| plans.number(steering::plan(policy, class))).collect();
        let parts_of_classes = plans.list.len();
        let border = PrefixParts::new(&parts, &mut plans, regions, views);
        let parts_of_groups = views
            .transferred
            .iter()
            .map(|(group, class)| (*group, plans.number(steering::plan(policy, class))));
        let parts_of_groups = parts_of_groups.collect();
        let by_family = Family::BOTH
            .map(|family| Alike::new(&plans.list[..parts_of_classes], &parts, regions, family, views));
        let view = views.view(parts);
        Self {
            policy: policy.clone(),
            plans: plans.list,
            parts_of_classes,
            view,
            border,
            parts_of_groups,
            by_family,
        }
    }

    /// Returns the part of a group whose answers secondaries are given.
    pub(super) fn part_of_group(&self, group: GroupId) -> u32 {
        let known = self.parts_of_groups.iter().find(|(known, _)| *known == group);
        known.expect("every such group of the configuration has a part").1
    }

    /// Returns the plans that classes have.
    pub fn plans_of_classes(&self) -> &[Plan] {
        &self.plans[..self.parts_of_classes]
    }

    /// Returns by part that classes are in which group it belongs to that is led alike in a family; `None`: every part is
    /// led in a way of its own.
    pub(super) fn groups(&self, family: Family) -> Option<&[u32]> {
        self.by_family[family as usize].as_ref().map(|alike| &alike.groups[..])
    }

    /// Returns where a requester is.
    pub fn find(&self, table: &Table, requester: &Requester) -> RequesterPlace {
        self.find_among(|_| None, table, requester)
    }

    /// Returns where a requester is, with the scope of answers in one family: clients of several plans may be led alike in
    /// it. `is_alike` says of a part whether its group gets the same today: load divides the clients of each plan.
    pub(super) fn find_in(
        &self,
        family: Family,
        is_alike: impl Fn(u32) -> bool,
        table: &Table,
        requester: &Requester,
    ) -> RequesterPlace {
        let alike = self.by_family[family as usize].as_ref();
        self.find_among(|part| alike.filter(|_| is_alike(part)), table, requester)
    }

    /// Returns where a requester is; the scope is that of the clients who are led `alike` with a part, if they are more than
    /// those of its plan.
    fn find_among<'s>(
        &'s self,
        alike: impl Fn(u32) -> Option<&'s Alike>,
        table: &Table,
        requester: &Requester,
    ) -> RequesterPlace {
        let Some(block) = requester.subnet else {
            return self.locate(table, requester.sender);
        };
        let own = self.locate(table, block.address());
        match table.subnet_place(block) {
            SubnetPlace::Local { scope } => {
                let place = self.locate_local(table, requester.sender, block, scope);
                let is_for_all = self.plans.len() == 1 || alike(place.part).is_some_and(Alike::is_one);
                RequesterPlace { scope: if is_for_all { 0 } else { scope }, ..place }
            }
            // Where there is one part only, it is also that of the clients who are located by the sender.
            _ if self.plans.len() == 1 => own,
            SubnetPlace::Public { scope: least } => {
                let scope = own.scope.max(least);
                let mixed = self.border.as_ref().filter(|_| scope > block.length());
                if let Some(part) = mixed.and_then(|border| border.part(block)) {
                    return RequesterPlace { part, scope, ..own };
                }
                let scope = alike(own.part).map_or(scope, |alike| alike.scope(table, block.address(), least));
                RequesterPlace { scope, ..own }
            }
            SubnetPlace::Both => {
                let part = self.border.as_ref().map_or(own.part, |border| border.strictest);
                RequesterPlace { part, scope: own.scope.max(longer(block)), ..own }
            }
        }
    }

    fn locate(&self, table: &Table, client: IpAddr) -> RequesterPlace {
        let ScopedPart { part, scope } = self.view.find(table, client);
        RequesterPlace { part, scope, client, drawn_scope: share::prefix_length(Family::of(client)) }
    }

    /// Returns the place of local clients, who are where the sender is; `scope` is that of the widest local block around
    /// theirs. The share is drawn for the sender, and so for all of them, unless the sender asks for itself.
    fn locate_local(&self, table: &Table, sender: IpAddr, block: Prefix, scope: u8) -> RequesterPlace {
        let place = self.locate(table, sender);
        let drawn_scope = if block.address() == sender { place.drawn_scope.max(scope) } else { scope };
        RequesterPlace { scope, drawn_scope, ..place }
    }

    /// Returns whether all clients get the same answer in a family whatever happens to health, but for the shares of
    /// addresses: the policy has one region for it, which all may be sent to.
    pub(super) fn is_uniform(&self, regions: &Regions, family: Family) -> bool {
        let view = View::all_up(regions);
        let mut only = self.plans.iter().map(|plan| {
            let mut able = plan.order.iter().filter(|region| view.status(**region, family).exists());
            able.next().filter(|_| able.next().is_none())
        });
        let first = only.next().flatten();
        first.is_some() && only.all(|region| region == first)
    }
}

impl Alike {
    /// Finds which of the classes, whose parts are these, are led alike in a family: by the regions of their plans that have
    /// addresses of it. `None`: those have one plan each.
    fn new(
        plans: &[Plan],
        parts: &[u32],
        regions: &Regions,
        family: Family,
        views: &mut Views<'_>,
    ) -> Option<Self> {
        let view = View::all_up(regions);
        let exists = |region: &RegionId| view.status(*region, family).exists();
        let mut numbers: HashMap<PlanKey, u32> = HashMap::new();
        let groups = plans.iter().map(|plan| {
            // Without the family all regions are judged by the other one.
            let is_led = |region: &RegionId| exists(region) || !plan.order.iter().any(exists);
            let order: Vec<_> = plan.order.iter().copied().filter(is_led).collect();
            let near = plan.near.iter().copied().filter(|(region, _)| is_led(region)).collect();
            let refusal = order.is_empty().then_some(plan.refusal);
            let next = numbers.len() as u32;
            *numbers.entry((order, near, plan.withheld, refusal)).or_insert(next)
        });
        let groups: Vec<u32> = groups.collect();
        if numbers.len() == plans.len() {
            return None;
        }
        let of_classes = || parts.iter().map(|part| groups[*part as usize]).collect();
        let view = (numbers.len() > 1).then(|| views.view(of_classes()));
        Some(Self { groups, view })
    }

    /// Returns whether all clients are led alike.
    fn is_one(&self) -> bool {
        self.view.is_none()
    }

    /// Returns the scope prefix length of the answers to a client, which is at least that of clients who are located as it
    /// is, unless all are led alike.
    fn scope(&self, table: &Table, client: IpAddr, least: u8) -> u8 {
        self.view.as_ref().map_or(0, |view| view.find(table, client).scope.max(least))
    }
}

impl PrefixParts {
    /// Finds what prefixes get, given the part of each class; `None`: all clients are permitted the same regions.
    fn new(parts: &[u32], plans: &mut Plans, regions: &Regions, views: &mut Views<'_>) -> Option<Self> {
        let mut permits: Vec<RegionSet> = Vec::new();
        let kinds = plans.list.iter().map(|plan| {
            let permitted = plan.permitted();
            let known = permits.iter().position(|known| *known == permitted);
            known.unwrap_or_else(|| {
                permits.push(permitted);
                permits.len() - 1
            }) as u32
        });
        let kinds: Vec<u32> = kinds.collect();
        if permits.len() == 1 {
            return None;
        }
        let having = Family::BOTH.map(|family| regions.having(family));
        // What all kinds of clients are permitted, in the order of one of them.
        let common = |plan: &Plan, kinds: &[u32]| {
            let of = || kinds.iter().map(|kind| permits[*kind as usize]);
            let permitted = of().fold(RegionSet::ALL, RegionSet::intersection);
            let own = of().fold(RegionSet::NONE, RegionSet::union);
            plan.within(permitted).withholding(own, having)
        };
        let blocks = views.blocks(parts.to_vec(), kinds);
        let of_mixes = blocks.mixes().iter().map(|mix| {
            let plan = common(&plans.list[mix.part as usize], &mix.kinds);
            plans.number(plan)
        });
        let of_mixes = of_mixes.collect();
        let all: Vec<u32> = (0..permits.len() as u32).collect();
        let strictest = common(&plans.list[0], &all);
        let strictest = plans.number(strictest);
        Some(Self { blocks, parts: of_mixes, strictest })
    }

    /// Returns the part for a block that the border cuts.
    fn part(&self, block: Prefix) -> Option<u32> {
        self.blocks.find(block).map(|mix| self.parts[mix as usize])
    }
}

/// Returns a scope that asks for more bits than a block has.
fn longer(block: Prefix) -> u8 {
    let width = match block.family() {
        Family::V4 => 32,
        Family::V6 => 128,
    };
    (block.length() + 1).min(width)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::snapshot::{Base, Inputs, Kind, Snapshot, fixture};
    use crate::steering::{Piece, Split, Splits, SteeringId};

    const REGIONS: &str = "\
regions:
  tokyo: { location: { latitude: 35, longitude: 139 }, jurisdiction: JP, zones: { a: { addresses: [192.0.2.1] } } }
  lyon: { location: { latitude: 46, longitude: 5 }, jurisdiction: FR, zones: { a: { addresses: [192.0.2.2] } } }
groups: { partners: { networks: [203.0.113.0/24] } }
";

    const SENDER: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));

    /// Holds the scopes of client subnets, without and with shares that are drawn, against those that are expected.
    #[track_caller]
    fn check(residency: &str, expected: &[(&str, [u8; 2])]) {
        let steer = format!("regions: [lyon, tokyo], order: listed, residency: [{residency}]");
        let zone = format!(
            "zone: example.com\nnameservers: [ns1.example.net]\nnames: {{ '@': {{ steer: {{ {steer} }} }} }}\n"
        );
        let base = fixture::base(REGIONS, &zone);
        let scopes = |subnet: &str| {
            let subnet = Some(subnet.parse().expect("a prefix"));
            let place = base.partitions[0].find(&base.table, &Requester { sender: SENDER, subnet });
            [place.scope, place.scope.max(place.drawn_scope)]
        };
        let found: Vec<_> = expected.iter().map(|(subnet, _)| (*subnet, scopes(subnet))).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn where_all_clients_are_one_part_the_scope_is_zero_for_local_ones_too_until_shares_are_drawn() {
        let local = [("10.1.2.0/24", [0, 8]), ("fd00::/56", [0, 7])];
        let public = [("9.1.2.0/24", [0, 24]), ("2001:db8::/56", [0, 48]), ("8.0.0.0/5", [0, 24])];
        check("", &[&local[..], &public].concat());
    }

    #[test]
    fn where_a_rule_binds_some_clients_local_ones_are_apart_from_all_others() {
        let rule = "{ clients: partners, jurisdictions: [JP] }";
        check(rule, &[("10.1.2.0/24", [8, 8]), ("203.0.113.7/32", [24, 24]), ("8.0.0.0/5", [6, 24])]);
    }

    /// Regions on one meridian each, of one jurisdiction, with a capacity.
    fn regions(regions: &[(&str, i32, &str, &str)]) -> String {
        let region = |(name, at, jurisdiction, addresses): &(&str, i32, &str, &str)| {
            format!(
                "  {name}: {{ location: {{ latitude: 35, longitude: {at} }}, jurisdiction: {jurisdiction}, \
                 capacity: 1000, zones: {{ a: {{ addresses: [{addresses}] }} }} }}\n"
            )
        };
        format!("regions:\n{}", regions.iter().map(region).collect::<String>())
    }

    /// A zone whose apex is steered.
    fn zone(steer: &str) -> String {
        format!(
            "zone: example.com\nnameservers: [ns1.example.net]\nnames: {{ '@': {{ steer: {{ {steer} }} }} }}\n"
        )
    }

    /// Returns the scopes of A and AAAA for a client subnet.
    fn scopes(snapshot: &Snapshot, subnet: &str) -> [u8; 2] {
        let requester = Requester { sender: SENDER, subnet: Some(subnet.parse().expect("a prefix")) };
        [Kind::A, Kind::Aaaa].map(|kind| snapshot.steer(SteeringId(0), kind, &requester).scope)
    }

    /// Returns how many entries the caches of resolvers hold, of A and AAAA, when one client of each /10 of IPv4 and of
    /// each /24 in 203.0.112.0/21 has asked.
    fn cached(snapshot: &Snapshot) -> [usize; 2] {
        let wide = (1..56u32).map(|number| number << 26).map(|bits| bits | 0x0001_0200);
        let fine = (0..8u32).map(|number| 0xcb00_7000 | number << 8);
        let clients: Vec<_> = wide.chain(fine).map(Ipv4Addr::from_bits).collect();
        [0, 1].map(|family| {
            let entry = |client: &Ipv4Addr| {
                Prefix::around((*client).into(), scopes(snapshot, &format!("{client}/24"))[family])
            };
            clients.iter().map(entry).collect::<std::collections::BTreeSet<_>>().len()
        })
    }

    fn healthy(base: Base) -> Snapshot {
        let health = View::all_up(&base.config.regions);
        Snapshot::compile(Arc::new(base), health, 1)
    }

    #[test]
    fn the_scope_of_one_family_is_no_longer_than_what_that_family_needs() {
        // Clients of both halves go to osaka by IPv6, and to different regions by IPv4.
        let regions = regions(&[
            ("tokyo", 139, "JP", "192.0.2.1"),
            ("osaka", 135, "JP", "192.0.2.2, '2001:db8::2'"),
            ("oregon", 10, "JP", "192.0.2.3, '2001:db8::3'"),
        ]);
        let half = |network: &str, longitude: u32| {
            format!("{{ network: {network}, country: JP, latitude: 35, longitude: {longitude} }}")
        };
        let geo =
            format!("geo: {{ networks: [{}, {}] }}\n", half("64.0.0.0/6", 139), half("68.0.0.0/6", 135));
        let base = fixture::located(&geo, &regions, &zone("regions: [tokyo, osaka, oregon]"));
        // All others, whose location is unknown, go there by IPv6 as well, and so do local clients.
        assert_eq!(scopes(&healthy(base), "65.1.2.0/24"), [6, 0]);
    }

    #[test]
    fn a_rule_that_divides_the_clients_of_one_family_only_costs_the_other_no_cache_entries() {
        let regions = regions(&[
            ("tokyo", 139, "JP", "192.0.2.1"),
            ("osaka", 135, "JP", "192.0.2.2, '2001:db8::2'"),
            ("lyon", 5, "FR", "192.0.2.3, '2001:db8::3'"),
        ]) + "groups: { partners: { networks: [203.0.113.0/24] }, union: { networks: [64.0.0.0/6] } }\n";
        let cached_with = |rules: &str| {
            let steer = format!("regions: [tokyo, osaka, lyon], order: listed, residency: [{rules}]");
            cached(&healthy(fixture::base(&regions, &zone(&steer))))
        };
        let partners = "{ clients: partners, regions: [osaka, lyon] }";
        let union = "{ clients: union, jurisdictions: [FR] }";
        let both = format!("{partners}, {union}");
        // The rule about partners is about a region without IPv6.
        assert_eq!([partners, union, &both].map(cached_with), [[26, 1], [24, 24], [29, 24]]);
    }

    #[test]
    fn load_that_divides_the_clients_of_one_family_costs_the_other_no_cache_entries() {
        let regions = regions(&[
            ("tokyo", 139, "JP", "192.0.2.1"),
            ("osaka", 135, "JP", "192.0.2.2, '2001:db8::2'"),
            ("lyon", 5, "FR", "192.0.2.3, '2001:db8::3'"),
        ]) + "groups: { partners: { networks: [203.0.113.0/24] } }\n";
        let partners = "{ clients: partners, regions: [osaka, lyon] }";
        let steer = format!("regions: [tokyo, osaka, lyon], order: listed, residency: [{partners}]");
        let base = Arc::new(fixture::base(&regions, &zone(&steer)));
        let [tokyo, osaka, lyon] = [0, 1, 2].map(RegionId);
        let shedding = |home: RegionId, to: RegionId| {
            let mut splits = Splits::default();
            let place = base.demand.iter().position(|part| part.order[0].0 == home);
            let pieces = vec![Piece { until: 0.5, region: home }, Piece { until: 1.0, region: to }];
            splits.set(place.expect("clients go there first"), Split::of(pieces).expect("two halves"));
            let health = View::all_up(&base.config.regions);
            cached(&Snapshot::compile(Arc::clone(&base), Inputs { splits, ..health.into() }, 1))
        };
        // Each of the 62 prefixes of clients who go to tokyo over IPv4 is drawn for itself.
        assert_eq!([shedding(tokyo, osaka), shedding(osaka, lyon)], [[63, 1], [26, 26]]);
    }
}
