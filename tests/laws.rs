//! Laws of steering, held over random worlds: rules, orders, networks, health and clients.
//!
//! The world is built the way the server builds it and asked through the engine, bytes in and bytes
//! out. What the law says is worked out here from the configuration alone, by other means.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hickory_proto::op::ResponseCode;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use meridian::client::Prefix;
use meridian::health::{SiteShare, Standing};
use meridian::region::{Family, RegionId, Regions};
use meridian::steering::{AllDown, Refusal};
use meridian::zone::RecordType;

#[path = "support/draft.rs"]
mod draft;
#[path = "support/resolver.rs"]
mod resolver;
mod support;

use draft::*;
use resolver::{Manners, Resolver};

/// What a resolver is asked: the place of a client among [`clients`], a type, and how many bits of the client it tells.
type Question = (prop::sample::Index, usize, u8);

fn any_questions() -> impl Strategy<Value = Vec<Question>> {
    let bits = prop_oneof![1u8..33, Just(24u8), Just(56), Just(32), 1u8..129];
    proptest::collection::vec((any::<prop::sample::Index>(), 0..TYPES.len(), bits), 1..40)
}

/// A world without `otherwise: refuse`, of which `check` says that resolvers break it.
fn any_sound_draft() -> impl Strategy<Value = Draft> {
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

/// Lets clients ask a resolver, and returns how often it asked the server.
fn check_resolver(
    draft: &Draft,
    anywhere: &[u32],
    manners: Manners,
    questions: &[Question],
) -> Result<u64, TestCaseError> {
    let snapshot = compile(draft);
    let mut clients = clients(draft, anywhere);
    let local = anywhere
        .iter()
        .flat_map(|bits| [0xc0a8_0000 | bits >> 16, 0x6440_0000 | bits >> 10, 0x7f00_0000 | bits >> 8]);
    clients.extend(local.map(|bits| IpAddr::V4(Ipv4Addr::from(bits))));
    clients.push(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1).into());
    let relayed = |bits: &u32| IpAddr::from(Ipv6Addr::from(0x2002 << 112 | u128::from(*bits) << 80));
    clients.extend(anywhere.iter().map(relayed));
    let mut resolver = Resolver::new(&snapshot, manners);
    for (index, rtype, bits) in questions {
        let client = *index.get(&clients);
        let located = if is_local(client, draft) { manners.address } else { client };
        let located = meridian::geo::ipv4_inside(located).map_or(located, IpAddr::V4);
        let rules = rules_for(located, draft);
        for address in resolver.resolve(client, TYPES[*rtype], *bits) {
            let region = region_of(address);
            prop_assert!(draft.policy.regions.contains(&region));
            let is_permitted = rules.iter().all(|rule| rule.permitted.contains(region));
            prop_assert!(is_permitted, "{} got {} by /{}", client, address, bits);
        }
    }
    Ok(resolver.asked)
}

fn any_manners() -> impl Strategy<Value = Manners> {
    let v4 = any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from(bits)));
    let v6 = any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from(0x2a00 << 112 | bits >> 16)));
    (prop_oneof![v4, v6], any::<bool>())
        .prop_map(|(address, keeps_longer_scopes)| Manners { address, keeps_longer_scopes })
}

/// 10^5 worlds; prints what was tried. Run it optimised: `cargo test --release --test laws -- --ignored --nocapture`.
#[test]
#[ignore = "takes many minutes"]
fn no_resolver_of_a_hundred_thousand_worlds_gives_a_client_a_forbidden_address() {
    let worlds = 100_000;
    let mut runner = TestRunner::new(ProptestConfig::with_cases(worlds));
    let asked = std::cell::Cell::new([0u64; 2]);
    let world =
        (any_sound_draft(), proptest::collection::vec(any::<u32>(), 6), any_manners(), any_questions());
    runner
        .run(&world, |(draft, anywhere, manners, questions)| {
            let queries = check_resolver(&draft, &anywhere, manners, &questions)?;
            let [clients, server] = asked.get();
            asked.set([clients + questions.len() as u64, server + queries]);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
    let [clients, server] = asked.get();
    println!("{worlds} worlds: {clients} questions of clients, {server} queries to the server, none astray");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn no_answer_crosses_the_border_whatever_health_says(
        draft in any_draft(), anywhere in proptest::collection::vec(any::<u32>(), 6),
    ) {
        let snapshot = compile(&draft);
        for client in clients(&draft, &anywhere) {
            let rules = rules_for(client, &draft);
            for rtype in TYPES {
                let (reply, _) = ask(&snapshot, rtype, (client, width(client)));
                for address in addresses(&reply) {
                    let region = region_of(address);
                    prop_assert!(draft.policy.regions.contains(&region));
                    prop_assert!(rules.iter().all(|rule| rule.permitted.contains(region)), "{client} got {address}");
                }
                let is_permitted = |region: &RegionId| rules.iter().all(|rule| rule.permitted.contains(*region));
                if draft.policy.all_down == AllDown::FailOpen && draft.policy.regions.iter().any(is_permitted) {
                    prop_assert_eq!(reply.metadata.response_code, ResponseCode::NoError);
                    if rtype == RecordType::HTTPS {
                        prop_assert!(!addresses(&reply).is_empty(), "{} is permitted a region and got none", client);
                    }
                }
            }
        }
    }

    #[test]
    fn an_address_that_is_down_is_answered_only_when_its_region_fails_open_or_keeps_whom_no_other_can_bear(
        draft in any_draft(), anywhere in proptest::collection::vec(any::<u32>(), 6),
    ) {
        let snapshot = compile(&draft);
        let regions = Regions::new(draft.regions.clone());
        let standing = |ip: IpAddr| {
            let (id, _) = regions.addresses().find(|(_, address)| address.ip == ip).expect("an address of ours");
            draft.standings[id.0 as usize]
        };
        for client in clients(&draft, &anywhere) {
            for rtype in [RecordType::A, RecordType::AAAA] {
                let (reply, _) = ask(&snapshot, rtype, (client, width(client)));
                let answered = addresses(&reply);
                let down = answered.iter().filter(|ip| matches!(standing(**ip), Standing::Down { .. })).count();
                prop_assert!(down == 0 || down == answered.len());
                if down > 0 {
                    let region = region_of(answered[0]);
                    let share = |family| snapshot.health.status(region, family).share;
                    let yields = |family| matches!(share(family), SiteShare::Yielding { .. });
                    let is_kept = Family::BOTH.into_iter().any(yields);
                    prop_assert!(is_kept || draft.policy.all_down == AllDown::FailOpen);
                    prop_assert_eq!(reply.answers[0].ttl, 10, "fail-open answers carry the short TTL");
                }
            }
        }
    }

    #[test]
    fn everybody_in_a_scope_gets_the_same_answer(
        draft in any_draft(), anywhere in proptest::collection::vec(any::<u32>(), 4), inside in any::<u128>(),
    ) {
        let snapshot = compile(&draft);
        for client in clients(&draft, &anywhere) {
            let (reply, _) = ask(&snapshot, RecordType::A, (client, width(client)));
            let scope = support::scope(&reply).expect("the client subnet is echoed");
            let block = Prefix::around(client, scope);
            let neighbour = match (block.address(), last(block)) {
                (IpAddr::V4(first), IpAddr::V4(end)) => {
                    Ipv4Addr::from(first.to_bits() | inside as u32 & (end.to_bits() - first.to_bits())).into()
                }
                (IpAddr::V6(first), IpAddr::V6(end)) => {
                    IpAddr::from(Ipv6Addr::from(first.to_bits() | inside & (end.to_bits() - first.to_bits())))
                }
                _ => unreachable!("both ends of a block are of one family"),
            };
            for other in [block.address(), last(block), neighbour] {
                let (theirs, _) = ask(&snapshot, RecordType::A, (other, width(other)));
                prop_assert_eq!(addresses(&theirs), addresses(&reply), "{} and {} in {}", client, other, block);
                prop_assert_eq!(support::scope(&theirs), Some(scope));
            }
        }
    }

    #[test]
    fn no_client_moves_twice_on_one_ramp(
        draft in any_draft(), anywhere in proptest::collection::vec(any::<u32>(), 24), ramping in 0..REGIONS,
    ) {
        let step = |percent: u8| {
            let mut stages = vec![100; usize::from(REGIONS)];
            stages[usize::from(ramping)] = percent;
            compile(&Draft { stages, shares: vec![100; draft.shares.len()], rates: vec![0], ..draft.clone() })
        };
        let ramp = [0, 10, 50, 100].map(step);
        for client in clients(&draft, &anywhere) {
            let way = ramp.each_ref().map(|snapshot| {
                addresses(&ask(snapshot, RecordType::A, (client, width(client))).0).first().map(|ip| region_of(*ip))
            });
            let moves = way.windows(2).filter(|pair| pair[0] != pair[1]).count();
            prop_assert!(moves <= 1, "{} goes {:?}", client, way);
        }
    }

    #[test]
    fn equal_inputs_compile_to_equal_bytes(
        draft in any_draft(), anywhere in proptest::collection::vec(any::<u32>(), 4),
    ) {
        let (one, other) = (compile(&draft), compile(&draft));
        prop_assert!(one.answers_like(&other));
        for client in clients(&draft, &anywhere) {
            for rtype in TYPES {
                let subnet = (client, width(client));
                prop_assert_eq!(ask(&one, rtype, subnet).1, ask(&other, rtype, subnet).1);
            }
        }
    }

    #[test]
    fn a_resolver_gives_no_client_an_address_that_its_rules_forbid_whatever_it_asks_and_keeps(
        draft in any_sound_draft(), anywhere in proptest::collection::vec(any::<u32>(), 6),
        manners in any_manners(), questions in any_questions(),
    ) {
        check_resolver(&draft, &anywhere, manners, &questions)?;
    }

    #[test]
    fn a_family_is_absent_only_for_clients_none_of_whose_regions_has_it(
        draft in any_draft(), anywhere in proptest::collection::vec(any::<u32>(), 6),
    ) {
        prop_assume!(draft.policy.all_down != AllDown::Nodata);
        let snapshot = compile(&draft);
        for client in clients(&draft, &anywhere) {
            let rules = rules_for(client, &draft);
            let is_permitted = |region: &&RegionId| rules.iter().all(|rule| rule.permitted.contains(**region));
            let permitted: Vec<_> = draft.policy.regions.iter().filter(is_permitted).collect();
            let has_v6 = |region: &&RegionId| {
                let zones = &draft.regions[usize::from(region.0)].zones;
                zones.iter().flat_map(|zone| &zone.addresses).any(IpAddr::is_ipv6)
            };
            let (reply, _) = ask(&snapshot, RecordType::AAAA, (client, width(client)));
            let is_absent = reply.metadata.response_code == ResponseCode::NoError && reply.answers.is_empty();
            if !permitted.is_empty() && permitted.iter().copied().any(|region| has_v6(&region)) {
                prop_assert!(!is_absent, "{} gets no AAAA", client);
            }
            if !draft.policy.regions.iter().any(|region| has_v6(&region)) {
                prop_assert!(is_absent);
                prop_assert_eq!(support::scope(&reply), Some(0), "nobody can have one");
            }
        }
    }
}
