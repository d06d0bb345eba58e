//! Laws of steering, held over random worlds: rules, orders, networks, health and clients.
//!
//! The world is built the way the server builds it and asked through the engine, bytes in and bytes
//! out. What the law says is worked out here from the configuration alone, by other means.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use hickory_proto::op::ResponseCode;
use proptest::prelude::*;

use meridian::client::Prefix;
use meridian::geo::{Cohort, TableSources};
use meridian::health::{SiteShare, Standing, View};
use meridian::inspect::change::{ComparedConfig, ConfigChange};
use meridian::region::{Family, RegionId, Regions};
use meridian::snapshot::{Base, Snapshot};
use meridian::steering::AllDown;
use meridian::zone::RecordType;

#[path = "support/draft.rs"]
mod draft;
#[path = "support/resolver.rs"]
mod resolver;
mod support;

use draft::*;
use resolver::{any_manners, any_questions, any_sound_draft, check_resolver};

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
    fn a_pin_gives_clients_who_may_be_sent_there_the_addresses_of_its_region_and_nobody_others_whatever_health_says(
        draft in any_draft(), anywhere in proptest::collection::vec(any::<u32>(), 4), region in 0..REGIONS,
        inside in any::<u128>(),
    ) {
        let snapshot = compile(&draft);
        let region = RegionId(region);
        let all = draft.regions[usize::from(region.0)].zones.iter().flat_map(|zone| &zone.addresses);
        let all: Vec<_> = all.filter(|ip| ip.is_ipv4()).copied().collect();
        let ask_pin = |client: IpAddr| {
            let subnet = Some((client, width(client)));
            ask_name(&snapshot, &pin(region), RecordType::A, subnet, client).0
        };
        for client in clients(&draft, &anywhere) {
            let reply = ask_pin(client);
            let mut found = addresses(&reply);
            found.sort_unstable();
            let is_permitted = rules_for(client, &draft).iter().all(|rule| rule.permitted.contains(region));
            let (expected, code) = match is_permitted {
                true => (&all[..], ResponseCode::NoError),
                false => (&[][..], ResponseCode::ServFail),
            };
            prop_assert_eq!(&found[..], expected, "{}", client);
            prop_assert_eq!(reply.metadata.response_code, code);
            let scope = support::scope(&reply).expect("the client subnet is echoed");
            let other = neighbour(Prefix::around(client, scope), inside);
            let theirs = ask_pin(other);
            prop_assert_eq!(theirs.metadata.response_code, code, "{} and {} by /{}", client, other, scope);
            prop_assert_eq!(support::scope(&theirs), Some(scope));
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
                let first = answered.first().map(|ip| region_of(*ip));
                let (answered, others): (Vec<_>, Vec<_>) =
                    answered.into_iter().partition(|ip| Some(region_of(*ip)) == first);
                let is_down = |ip: &IpAddr| matches!(standing(*ip), Standing::Down { .. });
                prop_assert!(!others.iter().any(is_down), "only well addresses follow");
                let down = answered.iter().filter(|ip| is_down(ip)).count();
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
            for rtype in [RecordType::A, RecordType::AAAA] {
                let (reply, _) = ask(&snapshot, rtype, (client, width(client)));
                let scope = support::scope(&reply).expect("the client subnet is echoed");
                let block = Prefix::around(client, scope);
                for other in [block.address(), last(block), neighbour(block, inside)] {
                    let (theirs, _) = ask(&snapshot, rtype, (other, width(other)));
                    prop_assert_eq!(
                        addresses(&theirs), addresses(&reply), "{}: {} and {} in {}", rtype, client, other, block
                    );
                    prop_assert_eq!(support::scope(&theirs), Some(scope));
                }
            }
        }
    }

    #[test]
    fn a_prefix_with_a_scope_no_longer_than_itself_gets_what_each_client_in_that_scope_gets(
        draft in any_draft(), anywhere in proptest::collection::vec(any::<u32>(), 4), inside in any::<u128>(),
        bits in 1u8..33, sender in any::<u32>(),
    ) {
        let snapshot = compile(&draft);
        let sender = Ipv4Addr::from(sender).into();
        for client in clients(&draft, &anywhere) {
            for rtype in TYPES {
                let asked = Prefix::around(client, if client.is_ipv4() { bits } else { bits * 3 });
                let (reply, _) = ask_from(&snapshot, rtype, Some((asked.address(), asked.length())), sender);
                let scope = support::scope(&reply).expect("the client subnet is echoed");
                if scope > asked.length() {
                    continue;
                }
                let block = Prefix::around(client, scope);
                for other in [asked.address(), block.address(), last(block), neighbour(block, inside)] {
                    let (theirs, _) = ask_from(&snapshot, rtype, Some((other, width(other))), sender);
                    prop_assert_eq!(
                        addresses(&theirs), addresses(&reply), "{}: {} and {} in {}", rtype, asked, other, block
                    );
                    prop_assert_eq!(support::scope(&theirs), Some(scope));
                }
            }
        }
    }

    #[test]
    fn no_client_moves_twice_on_one_ramp(
        draft in any_draft(), anywhere in proptest::collection::vec(any::<u32>(), 24), ramping in 0..REGIONS,
    ) {
        let base = build(&draft);
        let step = |percent: u8| {
            let mut stages = vec![100; usize::from(REGIONS)];
            stages[usize::from(ramping)] = percent;
            decide(&Draft { stages, shares: vec![100; draft.shares.len()], rates: vec![0], ..draft.clone() }, &base)
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
    fn a_client_whose_healthy_answers_a_change_makes_others_is_told_of_with_where_it_was_and_where_it_goes(
        before in any_draft(), after in any_draft(), keeps_networks in any::<bool>(),
        anywhere in proptest::collection::vec(any::<u32>(), 4),
    ) {
        let networks = if keeps_networks { before.networks.clone() } else { after.networks.clone() };
        let after = Draft { networks, ..after };
        let bases = [&before, &after].map(build);
        let healthy = |base: &Arc<Base>| Snapshot::compile(Arc::clone(base), View::all_up(&base.config.regions), 1);
        let snapshots = [healthy(&bases[0]), healthy(&bases[1])];
        let sources = TableSources { database: None, asn: None, networks: &after.networks };
        let cohorts = Cohort::census([&bases[0].table, &bases[1].table], sources).expect("no database");
        let compared = [0, 1].map(|side| ComparedConfig { place: "", base: &bases[side], settings: &bases[side].config });
        let change = ConfigChange::of(&compared[0], &compared[1], &cohorts);
        let told = change.names.iter().filter_map(|name| name.clients.as_ref()).next();
        let moves = told.map(|clients| &clients.moves[..]).unwrap_or_default();
        for client in clients(&before, &anywhere).into_iter().chain(clients(&after, &anywhere)) {
            for (family, rtype) in Family::BOTH.into_iter().zip([RecordType::A, RecordType::AAAA]) {
                let answers = [0, 1].map(|side| {
                    let (reply, _) = ask(&snapshots[side], rtype, (client, width(client)));
                    let mut addresses = addresses(&reply);
                    let first = addresses.first().map(|ip| region_of(*ip));
                    addresses.sort_unstable();
                    (reply.metadata.response_code, addresses, first)
                });
                if answers[0] == answers[1] {
                    continue;
                }
                let name = |side: usize| {
                    let region = answers[side].2?;
                    Some(bases[side].config.regions.region(region).name.as_str())
                };
                let ways = moves.iter().filter(|one| one.families.contains(&family));
                let mut ways = ways.map(|one| [&one.from, &one.to].map(|place| place.as_ref().map(|place| place.region.as_str())));
                prop_assert!(
                    ways.any(|way| way == [name(0), name(1)]),
                    "{} {:?} got {:?}; told are {:?}", client, family, answers, moves
                );
            }
        }
        for one in moves {
            let of_countries: f64 = one.countries.iter().map(|country| country.share).sum();
            prop_assert!((of_countries - one.share).abs() < 1e-9 && one.share <= 1.0 + 1e-9, "{:?}", one);
        }
    }

    #[test]
    fn a_resolver_gives_no_client_an_address_that_its_rules_forbid_whatever_it_asks_and_keeps(
        draft in any_sound_draft(), anywhere in proptest::collection::vec(any::<u32>(), 6),
        manners in any_manners(), questions in any_questions(),
    ) {
        let trial = check_resolver(&draft, &anywhere, manners, &questions)?;
        prop_assert!(trial.queries <= 2 * questions.len() as u64, "it asks again once, without the client subnet");
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
                // Nor does a prefix with other clients in it, whatever these are permitted.
                for length in 0..width(client) {
                    let (reply, _) = ask(&snapshot, RecordType::AAAA, (client, length));
                    let is_absent = reply.metadata.response_code == ResponseCode::NoError && reply.answers.is_empty();
                    prop_assert!(!is_absent, "{}/{} gets no AAAA", client, length);
                }
            }
            if !draft.policy.regions.iter().any(|region| has_v6(&region)) {
                prop_assert!(is_absent);
                prop_assert_eq!(support::scope(&reply), Some(0), "nobody can have one");
            }
        }
    }
}

/// Returns an address in a block.
fn neighbour(block: Prefix, inside: u128) -> IpAddr {
    match (block.address(), last(block)) {
        (IpAddr::V4(first), IpAddr::V4(end)) => {
            Ipv4Addr::from(first.to_bits() | inside as u32 & (end.to_bits() - first.to_bits())).into()
        }
        (IpAddr::V6(first), IpAddr::V6(end)) => {
            IpAddr::from(Ipv6Addr::from(first.to_bits() | inside & (end.to_bits() - first.to_bits())))
        }
        _ => unreachable!("both ends of a block are of one family"),
    }
}
