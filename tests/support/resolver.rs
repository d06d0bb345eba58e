//! A resolver that follows RFC 7871, as far as its answers to clients depend on a client subnet; and the law that no
//! such resolver gives a client what its rules forbid.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hickory_proto::op::ResponseCode;
use proptest::prelude::*;

use meridian::client::Prefix;
use meridian::snapshot::Snapshot;
use meridian::steering::Refusal;
use meridian::zone::RecordType;

use super::draft::{
    Draft, TYPES, addresses, any_draft, ask_from, clients, compile_without_pins, region_of, rules_for, width,
};
use super::support;

/// What resolvers do differently, all within the RFC.
#[derive(Clone, Copy, Debug)]
pub struct Manners {
    /// The address that it asks from.
    pub address: IpAddr,
    /// Whether an answer whose scope is longer than what was asked for is kept for that scope, from the first address
    /// on, or for all that was asked for (section 7.3.1).
    pub keeps_longer_scopes: bool,
}

/// A resolver and its cache.
pub struct Resolver<'s> {
    snapshot: &'s Snapshot,
    manners: Manners,
    cache: Vec<Kept>,
    /// How often it asked the server.
    pub asked: u64,
}

/// What is kept of one answer.
struct Kept {
    rtype: RecordType,
    /// `None`: for all clients.
    block: Option<Prefix>,
    addresses: Vec<IpAddr>,
}

impl<'s> Resolver<'s> {
    pub fn new(snapshot: &'s Snapshot, manners: Manners) -> Self {
        Self { snapshot, manners, cache: Vec::new(), asked: 0 }
    }

    /// Returns the addresses that a client gets, of whose own the resolver tells the server this many bits.
    pub fn resolve(&mut self, client: IpAddr, rtype: RecordType, bits: u8) -> Vec<IpAddr> {
        let is_for = |kept: &&Kept| kept.block.is_none_or(|block| block.contains(client));
        if let Some(kept) = self.cache.iter().filter(|kept| kept.rtype == rtype).find(is_for) {
            return kept.addresses.clone();
        }
        let subnet = Prefix::around(client, bits.clamp(1, width(client)));
        self.asked += 1;
        let told = Some((subnet.address(), subnet.length()));
        let (reply, _) = ask_from(self.snapshot, rtype, told, self.manners.address);
        let (found, block) = match reply.metadata.response_code {
            // Section 7.3: the server may not like the option, and is asked again without.
            ResponseCode::Refused | ResponseCode::FormErr => {
                self.asked += 1;
                let (reply, _) = ask_from(self.snapshot, rtype, None, self.manners.address);
                (addresses(&reply), None)
            }
            ResponseCode::NoError => {
                let found = addresses(&reply);
                let scope = support::scope(&reply);
                // Section 7.4: negative answers are for everybody.
                let block = scope.filter(|scope| *scope > 0 && !found.is_empty());
                (found, block.map(|scope| self.kept_for(subnet, scope)))
            }
            // Nothing is kept of a failure for longer than a moment (RFC 2308, section 7).
            _ => return Vec::new(),
        };
        self.cache.push(Kept { rtype, block, addresses: found.clone() });
        found
    }

    fn kept_for(&self, subnet: Prefix, scope: u8) -> Prefix {
        match scope <= subnet.length() || self.manners.keeps_longer_scopes {
            true => Prefix::around(subnet.address(), scope),
            false => subnet,
        }
    }
}

/// What a resolver is asked: the place of a client among [`clients`], a type, and how many bits of the client it tells.
pub type Question = (prop::sample::Index, usize, u8);

pub fn any_questions() -> impl Strategy<Value = Vec<Question>> {
    let bits = prop_oneof![1u8..33, Just(24u8), Just(56), Just(32), 1u8..129];
    proptest::collection::vec((any::<prop::sample::Index>(), 0..TYPES.len(), bits), 1..40)
}

/// A world without `otherwise: refuse`, of which `check` says that resolvers break it.
pub fn any_sound_draft() -> impl Strategy<Value = Draft> {
    any_draft().prop_map(|mut draft| {
        draft.policy.residency.iter_mut().for_each(|rule| {
            rule.otherwise = rule.otherwise.filter(|refusal| *refusal != Refusal::Refuse);
        });
        draft
    })
}

/// Returns whether an address means something in the network of its resolver only, and the operator says nothing of it.
fn is_local(client: IpAddr, draft: &Draft) -> bool {
    let client = meridian::geo::ipv4_inside(client).map_or(client, IpAddr::V4);
    let is_local = match client {
        IpAddr::V4(v4) => {
            let is_shared = v4.octets()[0] == 100 && v4.octets()[1] >> 6 == 1;
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || is_shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    };
    let is_known = draft.networks.iter().any(|(network, _)| network.contains(client));
    let is_in_group = matches!(client, IpAddr::V4(v4) if v4.octets()[0] == 10 && v4.octets()[1] < 128);
    is_local && !is_known && !is_in_group
}

/// How much of the law one world has put to the test.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trial {
    /// Questions of clients that a rule binds.
    pub bound: u64,
    /// Questions that got an address, and those of them that came from the cache of the resolver.
    pub answered: u64,
    pub cached: u64,
    /// Queries of the resolver to the server.
    pub queries: u64,
}

/// Lets clients ask a resolver.
pub fn check_resolver(
    draft: &Draft,
    anywhere: &[u32],
    manners: Manners,
    questions: &[Question],
) -> Result<Trial, TestCaseError> {
    let snapshot = compile_without_pins(draft);
    let mut clients = clients(draft, anywhere);
    let local = anywhere
        .iter()
        .flat_map(|bits| [0xc0a8_0000 | bits >> 16, 0x6440_0000 | bits >> 10, 0x7f00_0000 | bits >> 8]);
    clients.extend(local.map(|bits| IpAddr::V4(Ipv4Addr::from(bits))));
    clients.push(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1).into());
    let relayed = |bits: &u32| IpAddr::from(Ipv6Addr::from(0x2002 << 112 | u128::from(*bits) << 80));
    clients.extend(anywhere.iter().map(relayed));
    let mut resolver = Resolver::new(&snapshot, manners);
    let mut trial = Trial::default();
    for (index, rtype, bits) in questions {
        let client = *index.get(&clients);
        let located = if is_local(client, draft) { manners.address } else { client };
        let located = meridian::geo::ipv4_inside(located).map_or(located, IpAddr::V4);
        let rules = rules_for(located, draft);
        let queries = resolver.asked;
        let found = resolver.resolve(client, TYPES[*rtype], *bits);
        trial.bound += u64::from(!rules.is_empty());
        trial.answered += u64::from(!found.is_empty());
        trial.cached += u64::from(!found.is_empty() && resolver.asked == queries);
        for address in found {
            let region = region_of(address);
            prop_assert!(draft.policy.regions.contains(&region));
            let is_permitted = rules.iter().all(|rule| rule.permitted.contains(region));
            prop_assert!(is_permitted, "{} got {} by /{}", client, address, bits);
        }
    }
    Ok(Trial { queries: resolver.asked, ..trial })
}

pub fn any_manners() -> impl Strategy<Value = Manners> {
    let v4 = any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from(bits)));
    let v6 = any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from(0x2a00 << 112 | bits >> 16)));
    (prop_oneof![v4, v6], any::<bool>())
        .prop_map(|(address, keeps_longer_scopes)| Manners { address, keeps_longer_scopes })
}
