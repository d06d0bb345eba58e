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
    /// By family: where clients lie who are led alike in it, if those are more than have one plan.
    by_family: [Option<Arc<PolicyView>>; 2],
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

/// The order, the regions that are equally near, and the refusal when there are none.
type PlanKey = (Vec<RegionId>, Vec<(RegionId, u64)>, Option<Refusal>);

impl Plans {
    fn number(&mut self, plan: Plan) -> u32 {
        let refusal = plan.order.is_empty().then_some(plan.refusal);
        *self.numbers.entry((plan.order.clone(), plan.near.clone(), refusal)).or_insert_with(|| {
            self.list.push(plan);
            self.list.len() as u32 - 1
        })
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
        let border = PrefixParts::new(&parts, &mut plans, views);
        let parts_of_groups = views
            .transferred
            .iter()
            .map(|(group, class)| (*group, plans.number(steering::plan(policy, class))));
        let parts_of_groups = parts_of_groups.collect();
        let by_family = Family::BOTH.map(|family| {
            let alike = alike(&plans.list[..parts_of_classes], &parts, regions, family)?;
            border.is_none().then(|| views.view(alike))
        });
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

    /// Returns where a requester is.
    pub fn find(&self, table: &Table, requester: &Requester) -> RequesterPlace {
        self.find_among(None, table, requester)
    }

    /// Returns where a requester is, with the scope of answers in one family while no region sheds clients: clients of
    /// several plans may be led alike in it.
    pub fn find_in(&self, family: Family, table: &Table, requester: &Requester) -> RequesterPlace {
        self.find_among(self.by_family[family as usize].as_deref(), table, requester)
    }

    /// Returns where a requester is; the scope is that of the clients who are `alike`, if that is given, else of those of
    /// one plan.
    fn find_among(&self, alike: Option<&PolicyView>, table: &Table, requester: &Requester) -> RequesterPlace {
        let Some(block) = requester.subnet else {
            return self.locate(table, requester.sender);
        };
        let own = self.locate(table, block.address());
        match table.subnet_place(block) {
            SubnetPlace::Local { scope } => self.locate_local(table, requester.sender, block, scope),
            // Where there is one part only, it is also that of the clients who are located by the sender.
            _ if self.plans.len() == 1 => own,
            SubnetPlace::Public { scope } => {
                if let Some(alike) = alike {
                    let scope = alike.find(table, block.address()).scope.max(scope);
                    return RequesterPlace { scope, ..own };
                }
                let own = RequesterPlace { scope: own.scope.max(scope), ..own };
                let mixed = self.border.as_ref().filter(|_| own.scope > block.length());
                mixed.and_then(|border| border.part(block)).map_or(own, |part| RequesterPlace { part, ..own })
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
        let scope = if self.plans.len() == 1 { 0 } else { scope };
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

/// Returns for each class, whose parts are these, a number that it has in common with all that are led alike in a family: by
/// the regions of their plans that have addresses of it. `None`: those have one plan each.
fn alike(plans: &[Plan], parts: &[u32], regions: &Regions, family: Family) -> Option<Vec<u32>> {
    let view = View::all_up(regions);
    let exists = |region: &RegionId| view.status(*region, family).exists();
    let mut numbers: HashMap<PlanKey, u32> = HashMap::new();
    let of_plan = plans.iter().map(|plan| {
        // Without the family all regions are judged by the other one.
        let is_led = |region: &RegionId| exists(region) || !plan.order.iter().any(exists);
        let order: Vec<_> = plan.order.iter().copied().filter(is_led).collect();
        let near = plan.near.iter().copied().filter(|(region, _)| is_led(region)).collect();
        let refusal = order.is_empty().then_some(plan.refusal);
        let next = numbers.len() as u32;
        *numbers.entry((order, near, refusal)).or_insert(next)
    });
    let of_plan: Vec<u32> = of_plan.collect();
    (numbers.len() < plans.len()).then(|| parts.iter().map(|part| of_plan[*part as usize]).collect())
}

impl PrefixParts {
    /// Finds what prefixes get, given the part of each class; `None`: all clients are permitted the same regions.
    fn new(parts: &[u32], plans: &mut Plans, views: &mut Views<'_>) -> Option<Self> {
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
        let common = |kinds: &mut dyn Iterator<Item = usize>| {
            kinds.fold(RegionSet::ALL, |common, kind| common.intersection(permits[kind]))
        };
        let blocks = views.blocks(parts.to_vec(), kinds);
        let of_mixes = blocks.mixes().iter().map(|mix| {
            let permitted = common(&mut mix.kinds.iter().map(|kind| *kind as usize));
            plans.number(plans.list[mix.part as usize].within(permitted))
        });
        let of_mixes = of_mixes.collect();
        let strictest = plans.list[0].within(common(&mut (0..permits.len())));
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
    use crate::snapshot::fixture;

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

    #[test]
    fn the_scope_of_one_family_is_no_longer_than_what_that_family_needs() {
        let region = |name: &str, at: u32, addresses: &str| {
            format!(
                "  {name}: {{ location: {{ latitude: 35, longitude: {at} }}, jurisdiction: JP, \
                 zones: {{ a: {{ addresses: [{addresses}] }} }} }}\n"
            )
        };
        // Clients of both halves go to osaka by IPv6, and to different regions by IPv4.
        let regions = [
            region("tokyo", 139, "192.0.2.1"),
            region("osaka", 135, "192.0.2.2, '2001:db8::2'"),
            region("oregon", 10, "192.0.2.3, '2001:db8::3'"),
        ];
        let zone = "zone: example.com\nnameservers: [ns1.example.net]\n\
                    names: { '@': { steer: { regions: [tokyo, osaka, oregon] } } }\n";
        let half = |network: &str, longitude: u32| {
            format!("{{ network: {network}, country: JP, latitude: 35, longitude: {longitude} }}")
        };
        let geo =
            format!("geo: {{ networks: [{}, {}] }}\n", half("64.0.0.0/6", 139), half("68.0.0.0/6", 135));
        let base = fixture::located(&geo, &format!("regions:\n{}", regions.concat()), zone);
        let requester = Requester { sender: SENDER, subnet: Some("65.1.2.0/24".parse().expect("a prefix")) };
        let partition = &base.partitions[0];
        let place = partition.find(&base.table, &requester);
        let scopes = Family::BOTH.map(|family| partition.find_in(family, &base.table, &requester).scope);
        // All others, whose location is unknown, go there as well: as far as the local block 100.64.0.0/10.
        assert_eq!((place.scope, scopes), (6, [6, 3]));
    }
}
