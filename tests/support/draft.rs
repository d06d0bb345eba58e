//! Random worlds as the configuration describes them, compiled the way the server compiles them.

#![allow(dead_code, reason = "each program uses a part of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use hickory_proto::op::Message;
use hickory_proto::rr::rdata::svcb::SvcParamValue;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use meridian::client::{Coordinates, Country, Group, GroupId, Location, Member, Prefix};
use meridian::config::{Config, Geo, Identity, LogFormat, Server, StartMode};
use meridian::engine::{self, Arrival, Disposition, Transport};
use meridian::geo::{Table, TableSources};
use meridian::health::{HealthTerms, SiteShare, Standing, View};
use meridian::moment::Moment;
use meridian::region::{
    AvailabilityZone, Failover, Family, Limits, Minimum, Recovery, Region, RegionId, RegionSet, Regions,
    Safety,
};
use meridian::share::Share;
use meridian::snapshot::{Base, DemandPart, Inputs, Snapshot};
use meridian::steering::{
    Admission, AllDown, Capacities, Demand, Https, Order, Pin, Policy, Refusal, ResidencyRule, Splits,
    Spread, Steering,
};
use meridian::zone::{Chooser, Name, Node, PinId, RData, RRset, RecordType, SteeringId, Ttl, Zone};

/// The spreads that names have, in kilometres.
pub const SPREADS: [u32; 2] = [500, 4000];

pub const COUNTRIES: [&str; 7] = ["DE", "FR", "IE", "US", "JP", "BR", "NO"];
pub const UNION: [&str; 3] = ["DE", "FR", "IE"];
pub const REGIONS: u8 = 5;

pub fn country(code: &str) -> Country {
    code.parse().expect("a country code")
}

/// the groups of every world: 1 the Union, 2 two countries, 3 a network; 0 is `unknown`.
pub fn groups() -> Vec<Group> {
    let group = |name: &str, members| Group { name: name.to_owned(), members };
    vec![
        group("eu", vec![Member::EuropeanUnion]),
        group("some", vec![Member::Country(country("DE")), Member::Country(country("US"))]),
        group("net", vec![Member::Network("10.0.0.0/9".parse().expect("a network"))]),
    ]
}

/// Returns the groups of a client by the words of the configuration, without any table.
pub fn groups_of(client: IpAddr, networks: &[(Prefix, Location)]) -> BTreeSet<u8> {
    let holding = networks.iter().filter(|(network, _)| network.contains(client));
    let most_specific = holding.max_by_key(|(network, _)| network.length());
    let code = most_specific.and_then(|(_, location)| location.country);
    let mut groups = BTreeSet::new();
    match code {
        None => _ = groups.insert(0),
        Some(code) => {
            if UNION.contains(&code.as_str()) {
                groups.insert(1);
            }
            if ["DE", "US"].contains(&code.as_str()) {
                groups.insert(2);
            }
        }
    }
    if matches!(client, IpAddr::V4(v4) if v4.octets()[0] == 10 && v4.octets()[1] < 128) {
        groups.insert(3);
    }
    groups
}

/// Returns the rules that bind a client, by the words of the configuration.
pub fn rules_for(client: IpAddr, draft: &Draft) -> Vec<ResidencyRule> {
    let groups = groups_of(client, &draft.networks);
    let binds = |rule: &&ResidencyRule| rule.clients.iter().any(|group| groups.contains(&group.0));
    let closed = draft.policy.admissions.iter().filter(|admission| {
        let is_member = |list: &[GroupId]| list.iter().any(|group| groups.contains(&group.0));
        !admission.only_for.is_empty() && !is_member(&admission.only_for) || is_member(&admission.not_for)
    });
    // A region that is not for the client is forbidden as by a rule.
    let closed = closed.map(|admission| ResidencyRule {
        clients: Vec::new(),
        permitted: (0..REGIONS).map(RegionId).filter(|region| *region != admission.region).collect(),
        otherwise: None,
        text: String::new(),
    });
    draft.policy.residency.iter().filter(binds).cloned().chain(closed).collect()
}

/// A random world before it is compiled.
#[derive(Clone, Debug)]
pub struct Draft {
    pub regions: Vec<Region>,
    pub policy: Policy,
    pub networks: Vec<(Prefix, Location)>,
    pub standings: Vec<Standing>,
    /// By address: the percentage of its region's clients that get it.
    pub shares: Vec<u8>,
    /// By region: the percentage of its clients that it takes while it is in service.
    pub stages: Vec<u8>,
    /// What the parts of the clients ask for, in percent of the capacity of a region.
    pub rates: Vec<u8>,
}

pub fn any_regions() -> impl Strategy<Value = Vec<Region>> {
    let one = (select(&COUNTRIES[..]), -60.0..60.0f64, -180.0..180.0f64, any::<bool>(), 1u32..3);
    proptest::collection::vec(one, usize::from(REGIONS)).prop_map(|drafts| {
        let numbered = (1u8..).zip(drafts);
        let region = |(number, (code, latitude, longitude, has_v6, min_healthy)): (u8, _)| {
            let zone = |zone: u8| {
                let mut addresses = vec![IpAddr::V4(Ipv4Addr::new(192, 0, number, zone))];
                if has_v6 {
                    addresses
                        .push(Ipv6Addr::new(0x2001, 0xdb8, number.into(), 0, 0, 0, 0, zone.into()).into());
                }
                AvailabilityZone { name: format!("r{number}-{zone}"), addresses, host: None }
            };
            Region {
                name: format!("r{number}"),
                location: Coordinates { latitude, longitude },
                jurisdiction: country(code),
                capacity: Some(100),
                min_healthy: Minimum::Count(min_healthy),
                failover: Failover::Auto,
                recovery: Recovery::default(),
                canaries: Vec::new(),
                zones: vec![zone(1), zone(2)],
            }
        };
        numbered.map(region).collect()
    })
}

pub fn some_regions() -> impl Strategy<Value = Vec<RegionId>> {
    subsequence((0..REGIONS).map(RegionId).collect::<Vec<_>>(), 1..=usize::from(REGIONS)).prop_shuffle()
}

pub fn any_rule() -> impl Strategy<Value = ResidencyRule> {
    let otherwise = prop_oneof![
        Just(None),
        select(vec![Some(Refusal::Nodata), Some(Refusal::Servfail), Some(Refusal::Refuse)])
    ];
    (subsequence(vec![0u8, 1, 2, 3], 1..3), some_regions(), otherwise).prop_map(
        |(clients, permitted, otherwise)| ResidencyRule {
            clients: clients.into_iter().map(GroupId).collect(),
            permitted: permitted.into_iter().collect::<RegionSet>(),
            otherwise,
            text: String::new(),
        },
    )
}

/// A region for some clients only, in about every third world.
pub fn any_admissions() -> impl Strategy<Value = Vec<Admission>> {
    let groups = || subsequence(vec![0u8, 1, 2, 3], 0..3);
    let one = (0..REGIONS, groups(), groups()).prop_map(|(region, only_for, not_for)| {
        let [only_for, not_for] = [only_for, not_for].map(|list| list.into_iter().map(GroupId).collect());
        Admission { region: RegionId(region), only_for, not_for, text: String::new() }
    });
    prop_oneof![2 => Just(Vec::new()), 1 => proptest::collection::vec(one, 1..3)]
}

pub fn any_order() -> impl Strategy<Value = Order> {
    let plain = || select(vec![Order::Nearest, Order::Listed]);
    let list = (1u8..4, some_regions()).prop_map(|(group, list)| (GroupId(group), list));
    let lists = (proptest::collection::vec(list, 1..3), plain())
        .prop_map(|(lists, otherwise)| Order::Groups { lists, otherwise: Box::new(otherwise) });
    prop_oneof![3 => plain(), 1 => lists]
}

/// Which regions are equally near, in about every third world.
pub fn any_spread() -> impl Strategy<Value = Option<Spread>> {
    let capacities = proptest::collection::vec(1u64..5, usize::from(REGIONS));
    let known = prop_oneof![Just(0), 0..=usize::from(REGIONS)];
    let one = (select(&SPREADS[..]), capacities, known).prop_map(|(km, capacities, known)| {
        let capacities = (0u8..).map(RegionId).zip(capacities).take(known).collect();
        Spread { km, capacities }
    });
    prop_oneof![2 => Just(None), 1 => one.prop_map(Some)]
}

pub fn any_policy() -> impl Strategy<Value = Policy> {
    let all_down = select(vec![AllDown::FailOpen, AllDown::FailOpen, AllDown::Servfail, AllDown::Nodata]);
    let border = (proptest::collection::vec(any_rule(), 0..3), any_admissions());
    let answer = (all_down, prop_oneof![2 => Just(1u8), 1 => 2u8..5], any::<[bool; 2]>(), any_spread());
    (some_regions(), any_order(), border, some_regions(), answer).prop_map(
        |(
            regions,
            order,
            (residency, admissions),
            unknown_location,
            (all_down, max_regions, [one_zone, names_next], spread),
        )| {
            Policy {
                regions,
                order,
                residency,
                admissions,
                unknown_location,
                all_down,
                terms: HealthTerms::default(),
                max_regions,
                one_zone,
                names_next,
                spread,
            }
        },
    )
}

pub fn any_network() -> impl Strategy<Value = (Prefix, Location)> {
    let v4 = (any::<u32>(), 1u8..25)
        .prop_map(|(bits, length)| Prefix::around(Ipv4Addr::from(bits).into(), length));
    let private = (any::<u32>(), 8u8..20)
        .prop_map(|(bits, length)| Prefix::around(Ipv4Addr::from(0x0a00_0000 | bits >> 8).into(), length));
    let v6 = (any::<u128>(), 4u8..60)
        .prop_map(|(bits, length)| Prefix::around(Ipv6Addr::from(0x2000 << 112 | bits >> 4).into(), length));
    let location = proptest::option::weighted(0.9, select(&COUNTRIES[..]))
        .prop_map(|code| Location { country: code.map(country), ..Location::default() });
    (prop_oneof![v4, private, v6], location)
}

pub fn any_draft() -> impl Strategy<Value = Draft> {
    let standing = prop_oneof![
        3 => Just(Standing::Up),
        1 => Just(Standing::Suspect),
        4 => (0u64..200_000).prop_map(|at| Standing::Down { since: Moment(at) }),
    ];
    let networks = proptest::collection::vec(any_network(), 0..12).prop_map(|networks| {
        let unique: BTreeMap<Prefix, Location> = networks.into_iter().collect();
        unique.into_iter().collect()
    });
    let everybody = |count| Just(vec![100; count]);
    let percent = |count| proptest::collection::vec(select(vec![0u8, 10, 50, 100]), count);
    let some = |count| prop_oneof![everybody(count), percent(count)];
    let count = 4 * usize::from(REGIONS);
    let shares = (some(count), some(usize::from(REGIONS)), proptest::collection::vec(0u8..150, 64));
    (any_regions(), any_policy(), networks, proptest::collection::vec(standing, count), shares).prop_map(
        |(regions, policy, networks, standings, (shares, stages, rates))| Draft {
            regions,
            policy,
            networks,
            standings,
            shares,
            stages,
            rates,
        },
    )
}

pub fn owner() -> Name {
    Name::from_ascii("api.example.com.").expect("a name")
}

/// Returns the zone of the steered name, with these of its pins.
fn zone(pins: &[Pin]) -> Zone {
    let rrset = |rtype, text: &str| RRset {
        rtype,
        ttl: Ttl::from_seconds(300).expect("a TTL"),
        rdata: vec![RData::try_from_str(rtype, text).expect("record data")],
    };
    let soa = rrset(RecordType::SOA, "ns1.example.net. hostmaster.example.net. 1 7200 900 1209600 60");
    let ns = rrset(RecordType::NS, "ns1.example.net.");
    let apex = Node { rrsets: vec![soa, ns], chooser: Some(Chooser::Steering(SteeringId(0))) };
    let pins = (0..).zip(pins).map(|(number, pin)| {
        let chooser = Some(Chooser::Pin(PinId(number)));
        (pin.owner.clone(), Node { rrsets: Vec::new(), chooser })
    });
    Zone { apex: owner(), nodes: pins.chain([(owner(), apex)]).collect(), is_transferred: false }
}

/// Returns the pin of each region.
pub fn pins() -> impl Iterator<Item = (RegionId, Name)> {
    (0..REGIONS).map(RegionId).map(|region| (region, pin(region)))
}

/// Returns the owner name of the pin of a region.
pub fn pin(region: RegionId) -> Name {
    owner().prepend_label(format!("r{}", region.0)).expect("a name")
}

pub fn compile(draft: &Draft) -> Snapshot {
    decide(draft, &build(draft))
}

/// Compiles a draft without the names of its pins, which cost more than all else: HTTPS answers name them nevertheless.
pub fn compile_without_pins(draft: &Draft) -> Snapshot {
    decide(draft, &build_with(draft, Vec::new()))
}

/// Returns the configuration of a draft with its table, which its health and its loads leave as they are.
pub fn build(draft: &Draft) -> Arc<Base> {
    build_with(
        draft,
        pins().map(|(region, owner)| Pin { owner, of: SteeringId(0), site: region.into() }).collect(),
    )
}

fn build_with(draft: &Draft, of_regions: Vec<Pin>) -> Arc<Base> {
    let seconds = |seconds| Ttl::from_seconds(seconds).expect("a TTL");
    let steering = Steering {
        owner: owner(),
        policy: draft.policy.clone(),
        ttl: seconds(30),
        short_ttl: seconds(10),
        max_answers: 4,
        https: Some(Https { alpn: vec!["h2".to_owned()], port: None, pins: pins().collect() }),
        weights: Vec::new(),
    };
    let config = Config {
        server: Server {
            identity: Identity::of("draft"),
            cookies: None,
            rate_limit: None,
            user: None,
            name: "ns1".to_owned(),
            listen: meridian::config::Listen::default(),
            admin: None,
            access: meridian::config::Access::default(),
            geo: Geo { networks: draft.networks.clone(), ..Geo::default() },
            state: None,
            start: StartMode::Refuse,
            backup: None,
            references: Vec::new(),
            resolvers: Vec::new(),
            peers: None,
            tsig_keys: Vec::new(),
            webhooks: Vec::new(),
            log: LogFormat::Human,
        },
        regions: Regions::new(draft.regions.clone()),
        canaries: Vec::new(),
        groups: groups(),
        drills: Vec::new(),
        capacity_events: Vec::new(),
        spreads: SPREADS.to_vec(),
        zones: vec![zone(&of_regions)],
        pins: of_regions,
        steered: vec![steering],
        safety: Safety::default(),
        alarms: meridian::config::AlarmRules::default(),
        transfers: Vec::new(),
    };
    let sources = TableSources { database: None, asn: None, networks: &draft.networks };
    let table = Table::compile(sources, &config.distinctions()).expect("no database to be damaged");
    Arc::new(Base::build(Arc::new(config), table))
}

/// Decides everything by the health and the loads of a draft, whose configuration is `base`.
pub fn decide(draft: &Draft, base: &Arc<Base>) -> Snapshot {
    let regions = &base.config.regions;
    let count = regions.addresses().count();
    let counted = View::counted(regions, draft.standings[..count].to_vec());
    let share = |region: RegionId, family: Family| match counted.status(region, family).share {
        SiteShare::Disabled => SiteShare::Disabled,
        SiteShare::Out { since } | SiteShare::Yielding { since } => match draft.stages[usize::from(region.0)]
        {
            ..50 => SiteShare::Out { since },
            50.. => SiteShare::Yielding { since },
        },
        SiteShare::Full | SiteShare::Part(_) | SiteShare::Kept(_) | SiteShare::Waiting => {
            match draft.stages[usize::from(region.0)] {
                percent @ ..=100 => SiteShare::of(Share::percent(percent)),
                101..=103 => SiteShare::Kept(Share::ALL),
                104..=106 => SiteShare::Kept(Share::HALF),
                107.. => SiteShare::Disabled,
            }
        }
    };
    let taken: Vec<_> = regions.iter().map(|(id, _)| Family::BOTH.map(|family| share(id, family))).collect();
    let shares = draft.shares[..count].iter().map(|percent| Share::percent(*percent));
    let view = counted.with(shares.collect(), &taken);
    let splits = divide(draft, base, &view);
    Snapshot::compile(Arc::clone(base), Inputs { splits, ..view.into() }, 1)
}

/// Lets the regions shed what is too much for them.
pub fn divide(draft: &Draft, base: &Base, view: &View) -> Splits {
    let takes_all = |region: RegionId| {
        Family::BOTH.iter().all(|family| view.status(region, *family).share == SiteShare::Full)
    };
    let yields =
        |region: RegionId| matches!(view.status(region, Family::V4).share, SiteShare::Yielding { .. });
    let demand = |(part, rate): (&DemandPart, &u8)| {
        let first = part.order.first().filter(|(region, _)| yields(*region));
        let takers = part.order.iter().filter(|(region, _)| takes_all(*region));
        Demand {
            rate: f64::from(*rate),
            order: first.into_iter().chain(takers).copied().collect(),
            yields: first.is_some(),
            reserve: Vec::new(),
        }
    };
    let demands: Vec<_> = base.demand.iter().zip(draft.rates.iter().cycle()).map(demand).collect();
    let capacities: Capacities = base.config.regions.iter().map(|(id, _)| (id, 100.0)).collect();
    let mut splits = Splits::default();
    splits.land(&demands, &capacities, Limits::default());
    splits.step(&demands, &capacities, Limits::default(), &|_| 0.2);
    splits
}

/// Asks as a client of its own: sender and client subnet are one.
pub fn ask(snapshot: &Snapshot, rtype: RecordType, subnet: (IpAddr, u8)) -> (Message, Vec<u8>) {
    ask_from(snapshot, rtype, Some(subnet), subnet.0)
}

/// Asks as a sender who may send a client subnet.
pub fn ask_from(
    snapshot: &Snapshot,
    rtype: RecordType,
    subnet: Option<(IpAddr, u8)>,
    sender: IpAddr,
) -> (Message, Vec<u8>) {
    ask_name(snapshot, &owner(), rtype, subnet, sender)
}

/// Asks for any name.
pub fn ask_name(
    snapshot: &Snapshot,
    owner: &Name,
    rtype: RecordType,
    subnet: Option<(IpAddr, u8)>,
    sender: IpAddr,
) -> (Message, Vec<u8>) {
    let request = super::support::query(owner, rtype, subnet);
    let mut reply = vec![0; engine::MAX_REPLY];
    let arrival = Arrival { client: sender, transport: Transport::Udp, at: Moment(0) };
    match engine::answer(snapshot, &request, arrival, &mut reply) {
        Disposition::Reply { length, .. } => {
            reply.truncate(length);
            (Message::from_vec(&reply).expect("a reply decodes"), reply)
        }
        Disposition::Silence | Disposition::Transaction => panic!("a well-formed query is answered"),
    }
}

/// Returns every address in the answer: of A and AAAA records, and of the hints of HTTPS records.
pub fn addresses(reply: &Message) -> Vec<IpAddr> {
    let of_record = |data: &RData| -> Vec<IpAddr> {
        match data {
            RData::A(a) => vec![a.0.into()],
            RData::AAAA(aaaa) => vec![aaaa.0.into()],
            RData::HTTPS(https) => {
                let hints = https.0.svc_params.iter().flat_map(|(_, value)| match value {
                    SvcParamValue::Ipv4Hint(hints) => hints.0.iter().map(|a| a.0.into()).collect(),
                    SvcParamValue::Ipv6Hint(hints) => hints.0.iter().map(|aaaa| aaaa.0.into()).collect(),
                    _ => Vec::new(),
                });
                // A client that follows the name gets the addresses of its region.
                let next = pins().find(|(_, pin)| *pin == https.0.target_name);
                let next = next.map(|(RegionId(region), _)| IpAddr::from([192, 0, region + 1, 1]));
                hints.chain(next).collect()
            }
            other => panic!("an answer of a steered name holds {other}"),
        }
    };
    reply.answers.iter().flat_map(|record| of_record(&record.data)).collect()
}

/// The third group of digits of an address is the number of its region, counted from one.
pub fn region_of(address: IpAddr) -> RegionId {
    match address {
        IpAddr::V4(v4) => RegionId(v4.octets()[2] - 1),
        IpAddr::V6(v6) => RegionId(u8::try_from(v6.segments()[2]).expect("a small number") - 1),
    }
}

/// Clients worth asking for: anywhere, and inside and at the edges of the networks.
pub fn clients(draft: &Draft, anywhere: &[u32]) -> Vec<IpAddr> {
    let mut clients: Vec<IpAddr> = anywhere.iter().map(|bits| Ipv4Addr::from(*bits).into()).collect();
    clients.extend(anywhere.iter().map(|bits| IpAddr::from(Ipv4Addr::from(0x0a00_0000 | bits >> 8))));
    for (network, _) in &draft.networks {
        clients.push(network.address());
        clients.push(last(*network));
    }
    clients.retain(|client| meridian::geo::ipv4_inside(*client).is_none());
    clients
}

pub fn last(network: Prefix) -> IpAddr {
    match network.address() {
        IpAddr::V4(v4) => {
            Ipv4Addr::from(v4.to_bits() | u32::MAX.checked_shr(network.length().into()).unwrap_or(0)).into()
        }
        IpAddr::V6(v6) => {
            Ipv6Addr::from(v6.to_bits() | u128::MAX.checked_shr(network.length().into()).unwrap_or(0)).into()
        }
    }
}

pub fn width(client: IpAddr) -> u8 {
    if client.is_ipv4() { 32 } else { 128 }
}

pub const TYPES: [RecordType; 3] = [RecordType::A, RecordType::AAAA, RecordType::HTTPS];
