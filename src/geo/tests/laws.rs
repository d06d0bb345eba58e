//! The laws of the module, held against a reference that looks at one address at a time.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;

use super::super::embedded::Embedding;
use super::super::runs::Bits;
use super::super::{
    Class, Cohort, Database, Distinctions, Error, PolicyView, Table, TableSources, countries, ipv4_inside,
    overlay, ranking,
};
use super::regions;
use crate::cli::geoip::mmdb::{DataValue, DatabaseWriter, Metadata};
use crate::client::{
    Continent, Coordinates, Group, GroupId, GroupSet, Location, Member, Prefix, Subdivision,
};
use crate::region::{Family, Regions};

/// Everything that a table is compiled from, in the form in which the reference reads it.
#[derive(Clone, Debug)]
struct Sample {
    /// Blocks of the database that do not overlap.
    places: Vec<(Prefix, Location)>,
    /// Blocks of the ASN database that do not overlap.
    systems: Vec<(Prefix, u32)>,
    networks: Vec<(Prefix, Location)>,
    groups: Vec<Group>,
    family: Family,
    record_bits: u16,
}

impl Sample {
    /// Returns the location of an address and its class, by looking through all the lists.
    fn class(&self, regions: &[Coordinates], address: IpAddr) -> (Location, Class) {
        let address = ipv4_inside(address).map_or(address, IpAddr::V4);
        let place = self.places.iter().find(|(prefix, _)| prefix.contains(address));
        let mut location = place.map_or_else(Location::default, |(_, location)| location.clone());
        let entry = location.country.and_then(countries::find);
        location.continent = location.continent.or(entry.map(|entry| entry.continent));
        let system = self.systems.iter().find(|(prefix, _)| prefix.contains(address));
        location.asn = system.map(|(_, asn)| *asn);
        let operators = self.networks.iter().filter(|(prefix, _)| prefix.contains(address));
        if let Some((_, operator)) = operators.max_by_key(|(prefix, _)| prefix.length()) {
            location = overlay::over(&location, operator);
        }
        let mut groups = GroupSet::default();
        if location.country.is_none() {
            groups.insert(GroupId::UNKNOWN);
        }
        for (id, group) in (1u8..).map(GroupId).zip(&self.groups) {
            let holds = |member: &Member| match member {
                Member::Network(prefix) => prefix.contains(address),
                other => other.holds(&location),
            };
            if group.members.iter().any(holds) {
                groups.insert(id);
            }
        }
        location.coordinates = ranking::point(&location);
        let ranks = location.coordinates.map_or_else(Box::default, |point| ranking::ranks(point, regions));
        (location, Class { groups, ranks, reach: Box::default() })
    }

    fn databases(&self) -> (Database, Database) {
        let write = |blocks: &mut dyn Iterator<Item = (Prefix, DataValue)>| {
            let mut writer = DatabaseWriter::new(Metadata {
                kind: "Test-City".to_owned(),
                description: "random".to_owned(),
                build_epoch: 1,
                family: self.family,
                record_bits: Some(self.record_bits),
            });
            blocks.for_each(|(prefix, value)| writer.add(prefix, &value).expect("blocks do not overlap"));
            Database::parse(writer.finish().expect("a small database")).expect("a sound database")
        };
        let systems = self.systems.iter();
        (
            write(&mut self.places.iter().map(|(prefix, location)| (*prefix, value(location)))),
            write(&mut systems.map(|(prefix, asn)| {
                let record = vec![("autonomous_system_number", DataValue::U32(*asn))];
                (*prefix, DataValue::Map(record))
            })),
        )
    }

    /// Returns an address from every interval on which the answer can be uniform, among them those
    /// inside the copy of IPv4 that `near` is in.
    fn points(&self, near: IpAddr) -> Vec<IpAddr> {
        let of_groups = self.groups.iter().flat_map(|group| &group.members);
        let networks = of_groups.filter_map(|member| match member {
            Member::Network(prefix) => Some(*prefix),
            _ => None,
        });
        let all = networks
            .chain(self.places.iter().map(|(prefix, _)| *prefix))
            .chain(self.systems.iter().map(|(prefix, _)| *prefix))
            .chain(self.networks.iter().map(|(prefix, _)| *prefix));
        let (mut v4, mut v6) = (vec![0, u32::MAX], vec![0, u128::MAX]);
        for prefix in all {
            match prefix.address() {
                IpAddr::V4(first) => edges(&mut v4, first.to_bits(), prefix.length()),
                IpAddr::V6(first) => edges(&mut v6, first.to_bits(), prefix.length()),
            }
        }
        let IpAddr::V6(near) = near else {
            return v4.into_iter().map(|bits| IpAddr::V4(bits.into())).collect();
        };
        for embedding in Embedding::ALL {
            let (first, length) = embedding.block();
            edges(&mut v6, first, length);
            let near = Some(near.to_bits()).filter(|near| Embedding::of(*near) == Some(embedding));
            v6.extend(v4.iter().map(|v4| embed(embedding, near.unwrap_or(first), *v4)));
        }
        v6.into_iter().map(|bits| IpAddr::V6(bits.into())).collect()
    }
}

/// Adds the addresses at both sides of both ends of a block.
fn edges<A: Bits>(points: &mut Vec<A>, first: A, length: u8) {
    let last = first.last_of_block(length);
    points.extend([first, last]);
    points.extend(first.predecessor());
    points.extend(last.successor());
}

/// Puts an IPv4 address in the place of the one that `copy` embeds.
fn embed(embedding: Embedding, copy: u128, v4: u32) -> u128 {
    let low = |v4: u32| copy >> 32 << 32 | u128::from(v4);
    match embedding {
        Embedding::Nat64 | Embedding::Mapped => low(v4),
        Embedding::SixToFour => copy & !(0xffff_ffff << 80) | u128::from(v4) << 80,
        Embedding::Teredo => low(!v4),
    }
}

fn value(location: &Location) -> DataValue {
    let mut record = Vec::new();
    if let Some(continent) = location.continent {
        record.push(("continent", DataValue::Map(vec![("code", DataValue::text(continent.code()))])));
    }
    if let Some(country) = location.country {
        let mut fields = vec![("iso_code", DataValue::text(country.as_str()))];
        fields
            .extend(location.european_union.map(|member| ("is_in_european_union", DataValue::Bool(member))));
        record.push(("country", DataValue::Map(fields)));
    }
    if let Some(subdivision) = location.subdivision {
        let code = std::str::from_utf8(&subdivision.code[..2]).expect("two letters");
        let first = DataValue::Map(vec![("iso_code", DataValue::text(code))]);
        record.push(("subdivisions", DataValue::Array(vec![first])));
    }
    if let Some(at) = location.coordinates {
        let fields = vec![
            ("latitude", DataValue::Double(at.latitude)),
            ("longitude", DataValue::Double(at.longitude)),
        ];
        record.push(("location", DataValue::Map(fields)));
    }
    DataValue::Map(record)
}

const REGIONS: [(&str, f64, f64); 3] =
    [("tokyo", 35.68, 139.69), ("frankfurt", 50.11, 8.68), ("virginia", 38.95, -77.45)];

fn a_v4_prefix() -> impl Strategy<Value = Prefix> {
    // Few different leading bits, so that blocks nest and neighbour each other.
    let bits = (0u32..16, 0u32..4, any::<u32>());
    (bits, 1u8..=32).prop_map(|((high, low, rest), length)| {
        let rest = if length > 24 { rest } else { 0 };
        let bits = high << 28 | low << 16 | rest & 0xffff;
        Prefix::around(IpAddr::V4(bits.into()), length)
    })
}

fn a_v6_prefix() -> impl Strategy<Value = Prefix> {
    let blocks = select(vec![
        0x2a00 << 112,
        0x2001_0db8 << 96,
        0x2001 << 112,
        0x2002 << 112,
        0xffff << 32,
        0x0064_ff9b << 96,
    ]);
    (blocks, any::<[u8; 2]>(), 1u8..=128).prop_map(|(block, bits, length)| {
        let bits = u128::from(bits[0] % 4) << 80 | u128::from(bits[1]) << 4;
        Prefix::around(IpAddr::V6((block | bits).into()), length)
    })
}

fn a_prefix() -> impl Strategy<Value = Prefix> {
    prop_oneof![a_v4_prefix(), a_v6_prefix()]
}

fn a_place() -> impl Strategy<Value = Location> {
    let country = |code: &str, continent| Location {
        country: Some(code.parse().expect("a country")),
        continent: Some(continent),
        ..Location::default()
    };
    let munich = Coordinates { latitude: 48.1, longitude: 11.6 };
    select(vec![
        country("DE", Continent::Europe),
        Location { coordinates: Some(munich), ..country("DE", Continent::Europe) },
        Location { european_union: Some(true), ..country("GB", Continent::Europe) },
        country("US", Continent::NorthAmerica),
        Location { subdivision: Some(california()), ..country("US", Continent::NorthAmerica) },
        country("JP", Continent::Asia),
        Location { continent: Some(Continent::Europe), ..Location::default() },
        Location { coordinates: Some(munich), ..Location::default() },
    ])
}

fn california() -> Subdivision {
    Subdivision { country: "US".parse().expect("a country"), code: *b"CA\0" }
}

fn what_an_operator_says() -> impl Strategy<Value = Location> {
    let less = select(vec![
        Location { asn: Some(64_500), ..Location::default() },
        Location { european_union: Some(true), ..Location::default() },
        Location {
            coordinates: Some(Coordinates { latitude: 36.0, longitude: 138.0 }),
            ..Location::default()
        },
    ]);
    prop_oneof![a_place(), less]
}

fn some_groups() -> impl Strategy<Value = Vec<Group>> {
    let member = prop_oneof![
        select(vec![
            Member::EuropeanUnion,
            Member::Unknown,
            Member::Asn(64_500),
            Member::Country("DE".parse().expect("a country")),
            Member::Continent(Continent::Europe),
            Member::Subdivision(california()),
        ]),
        a_prefix().prop_map(Member::Network),
    ];
    let group = vec(member, 1..3).prop_map(|members| Group { name: "group".to_owned(), members });
    vec(group, 0..4)
}

/// Drops the blocks that overlap an earlier one or do not fit the file.
fn apart<T>(blocks: Vec<(Prefix, T)>, family: Family) -> Vec<(Prefix, T)> {
    let mut kept: Vec<(Prefix, T)> = Vec::new();
    for (prefix, value) in blocks {
        let overlaps = |other: Prefix| other.contains(prefix.address()) || prefix.contains(other.address());
        // A file keeps and repeats its IPv4 addresses in these blocks, so that none can be around them.
        let kept_for_v4 =
            ["::", "::ffff:0:0", "2001::", "2002::"].map(|text| text.parse().expect("an address"));
        let around_v4 = kept_for_v4.into_iter().any(|first: Ipv6Addr| prefix.contains(IpAddr::V6(first)));
        let fits = family == Family::V6 || prefix.family() == Family::V4;
        if fits && !around_v4 && !kept.iter().any(|(other, _)| overlaps(*other)) {
            kept.push((prefix, value));
        }
    }
    kept
}

fn a_sample() -> impl Strategy<Value = Sample> {
    (
        vec((a_prefix(), a_place()), 0..12),
        vec((a_prefix(), select(vec![64_500u32, 64_501])), 0..6),
        vec((a_prefix(), what_an_operator_says()), 0..6),
        some_groups(),
        select(vec![Family::V4, Family::V6]),
        select(vec![24u16, 28, 32]),
    )
        .prop_map(|(mut places, mut systems, networks, groups, family, record_bits)| {
            // A database without any country or system is refused.
            let anchor = Prefix::around(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 0)), 24);
            let japan = Location { country: Some("JP".parse().expect("a country")), ..Location::default() };
            places.insert(0, (anchor, japan));
            systems.insert(0, (anchor, 64_501));
            Sample {
                places: apart(places, family),
                systems: apart(systems, family),
                networks,
                groups,
                family,
                record_bits,
            }
        })
}

fn check(sample: &Sample, parts: &[u32], asked: &[IpAddr]) {
    let regions = regions(&REGIONS);
    let centres: Vec<Coordinates> = regions.iter().map(|(_, region)| region.location).collect();
    let (database, asn) = sample.databases();
    let sources = TableSources { database: Some(&database), asn: Some(&asn), networks: &sample.networks };
    let compile = || {
        Table::compile(sources, &Distinctions { regions: &regions, groups: &sample.groups, spreads: &[] })
            .expect("sound databases")
    };
    let table = compile();
    assert!(table == compile(), "equal sources give equal tables");
    check_population(&table, &centres);
    check_census(sample, &table, sources, asked);
    let parts: Vec<u32> = (0..table.classes().len()).map(|class| parts[class % parts.len()]).collect();
    let view = PolicyView::new(&table, parts.clone());
    let mut known: HashMap<IpAddr, u32> = HashMap::new();
    let mut part_of = |address: IpAddr| {
        if let Some(part) = known.get(&address) {
            return *part;
        }
        let (location, class) = sample.class(&centres, address);
        assert_eq!(sources.locate(address).location, location, "explain agrees on {address}");
        let id = table.class_of(address);
        assert_eq!(table.classes()[id.0 as usize], class, "class of {address}");
        known.insert(address, parts[id.0 as usize]);
        parts[id.0 as usize]
    };
    let everywhere = sample.points(asked[0]).into_iter();
    for address in asked.iter().copied().chain(everywhere) {
        let found = view.find(&table, address);
        let points = sample.points(address);
        let block = Prefix::around(address, found.scope);
        let in_block = |block: Prefix| {
            let inside = points.iter().copied().filter(move |point| block.contains(*point));
            inside.chain([address, block.address()])
        };
        for point in in_block(block) {
            assert_eq!(part_of(point), found.part, "{point} in the scope {block} of {address}");
        }
        if let Some(wider) = found.scope.checked_sub(1) {
            let wider = Prefix::around(address, wider);
            let differs = in_block(wider).any(|point| part_of(point) != found.part);
            assert!(differs, "{wider} around {address} is in one part too");
        }
    }
}

/// Holds the clients of a table, together with those of another one, against what the table says alone.
fn check_census(sample: &Sample, table: &Table, sources: TableSources<'_>, asked: &[IpAddr]) {
    let (regions, groups) = (regions(&REGIONS[..1]), &sample.groups[..sample.groups.len() / 2]);
    let plain = TableSources { networks: &[], ..sources };
    let other = Table::compile(plain, &Distinctions { regions: &regions, groups, spreads: &[] });
    let other = other.expect("sound databases");
    let cohorts = Cohort::census([&other, table], sources).expect("sound databases");
    let mut counted: BTreeMap<_, f64> = BTreeMap::new();
    for cohort in &cohorts {
        *counted.entry((cohort.country, cohort.classes[1])).or_default() += cohort.subnets;
    }
    let residents = table.residents().iter();
    let residents: BTreeMap<_, f64> = residents.map(|one| ((one.country, one.class), one.subnets)).collect();
    assert_eq!(counted, residents, "subnets come in 256ths");
    for address in asked {
        let classes = [&other, table].map(|table| table.class_of(*address));
        let country = sources.locate(*address).location.country;
        let is_there = cohorts.iter().any(|one| (one.country, one.classes) == (country, classes));
        assert!(is_there, "{address} in {country:?} is of {classes:?}");
    }
}

fn check_population(table: &Table, regions: &[Coordinates]) {
    assert_eq!(table.population().len(), table.classes().len());
    let total: f64 = table.population().iter().map(|population| population.subnets).sum();
    assert!((total - UNICAST_SUBNETS).abs() < 1e-6, "{total} subnets");
    for (population, class) in table.population().iter().zip(table.classes()) {
        let Some(point) = population.point else {
            assert!(class.ranks.is_empty(), "{class:?} is somewhere");
            continue;
        };
        let mut nearest_first: Vec<(u8, f64)> = class
            .ranks
            .iter()
            .copied()
            .zip(regions.iter().map(|region| point.distance_km(*region)))
            .collect();
        nearest_first.sort_by_key(|(rank, _)| *rank);
        let in_order = nearest_first.is_sorted_by(|(_, nearer), (_, farther)| *nearer < farther + 1e-6);
        assert!(in_order, "{nearest_first:?} from {point:?}");
    }
}

/// From 0.0.0.0 up to 224.0.0.0, in blocks of 256.
const UNICAST_SUBNETS: f64 = (224 << 16) as f64;

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(7871), ..ProptestConfig::default() })]

    #[test]
    fn a_scope_is_the_widest_block_in_one_part_and_the_table_says_what_the_reference_says(
        sample in a_sample(),
        parts in vec(0u32..3, 1..6),
        v4 in vec(any::<u32>(), 1..4),
        v6 in vec((a_v6_prefix(), any::<u128>()), 1..4),
    ) {
        let v4 = v4.into_iter().map(|bits| IpAddr::V4(bits.into()));
        check(&sample, &parts, &v4.collect::<Vec<_>>());
        let v6 = v6.into_iter().map(|(prefix, noise)| match prefix.address() {
            IpAddr::V6(first) => {
                let noise = noise.checked_shr(u32::from(prefix.length())).unwrap_or(0);
                IpAddr::V6((first.to_bits() | noise).into())
            }
            v4 @ IpAddr::V4(_) => v4,
        });
        check(&sample, &parts, &v6.collect::<Vec<_>>());
    }

    #[test]
    fn damaged_databases_are_refused_or_read_but_never_panic(
        sample in a_sample(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut writer = DatabaseWriter::new(Metadata {
            kind: "Test-City".to_owned(),
            description: "damaged".to_owned(),
            build_epoch: 1,
            family: sample.family,
            record_bits: Some(sample.record_bits),
        });
        for (prefix, location) in &sample.places {
            writer.add(*prefix, &value(location)).expect("blocks do not overlap");
        }
        let mut bytes = writer.finish().expect("a small database");
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(database) = Database::parse(bytes) {
            let sources = TableSources { database: Some(&database), asn: Some(&database), networks: &[] };
            let _ = Table::compile(sources, &Distinctions { regions: &regions(&REGIONS), groups: &sample.groups, spreads: &[] });
            for point in sample.points(IpAddr::V6(1.into())).into_iter().chain(sample.points(IpAddr::V4(1.into()))) {
                let _ = database.locate(point);
            }
        }
    }
}

#[test]
fn with_one_part_the_scope_is_zero_in_both_families_and_inside_embeddings() {
    let networks = [("10.0.0.0/8", "JP"), ("2001:db8::/32", "DE")].map(|(prefix, country)| {
        let location = Location { country: Some(country.parse().expect("a country")), ..Location::default() };
        (prefix.parse().expect("a prefix"), location)
    });
    let sources = TableSources { database: None, asn: None, networks: &networks };
    let table =
        Table::compile(sources, &Distinctions { regions: &regions(&REGIONS), groups: &[], spreads: &[] })
            .expect("no database to be damaged");
    let scope = |parts: Vec<u32>, address: &str| {
        let address = address.parse().expect("an address");
        PolicyView::new(&table, parts).find(&table, address).scope
    };
    for address in ["10.1.2.3", "2001:db8::1", "::ffff:10.1.2.3", "2002:a01:203::1"] {
        assert_eq!(scope(vec![7, 7, 7], address), 0, "{address}");
    }
    assert_eq!(table.classes().len(), 3, "nowhere, Japan, Germany");
    assert_eq!(scope(vec![0, 1, 0], "10.1.2.3"), 8);
    assert_eq!(scope(vec![0, 1, 0], "::ffff:10.1.2.3"), 96 + 8);
    assert_eq!(scope(vec![0, 1, 0], "2002:a01:203::1"), 16 + 8);
    // 10.1.2.3 inverted.
    assert_eq!(scope(vec![0, 1, 0], "2001:0:1:2:3:4:f5fe:fdfc"), 96 + 8);
    // All of IPv4 is in one part with its neighbours, up to 2001:db8::/32.
    assert_eq!(scope(vec![0, 0, 1], "2002:a01:203::1"), 15);
}

#[test]
fn networks_of_the_operator_count_as_clients_and_the_rest_of_unicast_ipv4_is_nowhere() {
    let at = |latitude, longitude| Some(Coordinates { latitude, longitude });
    let networks = [
        ("10.0.0.0/8", "JP", at(35.0, 139.0)),
        ("10.0.0.0/9", "JP", at(35.0, 137.0)),
        ("192.0.2.64/26", "DE", None),
        ("2001:db8::/32", "BR", at(-23.0, -46.0)),
        ("224.0.0.0/4", "JP", at(0.0, 0.0)),
    ];
    let networks = networks.map(|(prefix, country, coordinates)| {
        let country = Some(country.parse().expect("a country"));
        (prefix.parse().expect("a prefix"), Location { country, coordinates, ..Location::default() })
    });
    let country = |code: &str| Member::Country(code.parse().expect("a country"));
    let group = |code: &str| Group { name: code.to_owned(), members: vec![country(code)] };
    let groups = ["JP", "DE", "BR"].map(group);
    let sources = TableSources { database: None, asn: None, networks: &networks };
    let table =
        Table::compile(sources, &Distinctions { regions: &regions(&REGIONS), groups: &groups, spreads: &[] })
            .expect("no database to be damaged");
    let check = |address: &str, subnets: f64, expected: Option<Coordinates>| {
        let class = table.class_of(address.parse().expect("an address"));
        let population = table.population()[class.0 as usize];
        assert!((population.subnets - subnets).abs() < 1e-6, "{address}: {population:?}");
        let apart = population.point.zip(expected).map(|(point, expected)| point.distance_km(expected));
        assert_eq!(population.point.is_some(), expected.is_some(), "{address}: {population:?}");
        assert!(apart.is_none_or(|kilometres| kilometres < 3.0), "{address}: {population:?}");
    };
    // Both halves of the block are one class, and its middle is between them.
    check("10.1.2.3", 65_536.0, at(35.0, 138.0));
    check("192.0.2.65", 0.25, ranking::point(&networks[2].1));
    check("2001:db8::1", 0.0, at(-23.0, -46.0));
    check("192.0.2.1", UNICAST_SUBNETS - 65_536.25, None);
    check_population(
        &table,
        &regions(&REGIONS).iter().map(|(_, region)| region.location).collect::<Vec<_>>(),
    );
}

#[test]
fn a_tree_that_would_take_forever_to_walk_is_refused() {
    // Both records of every node lead to the next one: 2^127 paths.
    let nodes = 127u32;
    let mut bytes: Vec<u8> = (1..=nodes).flat_map(|next| [next, next]).flat_map(u32::to_be_bytes).collect();
    bytes.extend([0; 16]);
    let sound = DatabaseWriter::new(Metadata {
        kind: "Test-City".to_owned(),
        description: "tangled".to_owned(),
        build_epoch: 1,
        family: Family::V6,
        record_bits: Some(32),
    });
    let sound = sound.finish().expect("an empty database");
    let marker = b"\xab\xcd\xefMaxMind.com";
    let at = sound.windows(marker.len()).position(|window| window == marker).expect("metadata");
    let mut metadata = sound[at..].to_vec();
    let key = b"node_count";
    let count = metadata.windows(key.len()).position(|window| window == key).expect("a node count");
    // A control byte says how many bytes the number has; an empty tree has 192 nodes, in one byte.
    metadata[count + key.len() + 1] = u8::try_from(nodes).expect("fits");
    bytes.extend(metadata);
    assert!(matches!(Database::parse(bytes), Err(Error::Tangled { node: 1 })));
}

#[test]
fn a_database_without_countries_says_what_it_must_be() {
    let writer = DatabaseWriter::new(Metadata {
        kind: "Test-Domain".to_owned(),
        description: "empty".to_owned(),
        build_epoch: 1,
        family: Family::V4,
        record_bits: None,
    });
    let database = Database::parse(writer.finish().expect("an empty database")).expect("the format");
    let sources = TableSources { database: Some(&database), asn: None, networks: &[] };
    let error =
        Table::compile(sources, &Distinctions { regions: &Regions::default(), groups: &[], spreads: &[] })
            .expect_err("no countries");
    let expected = "no record of the database (type `Test-Domain`) names a country or a place; it must be a Country or City database";
    assert_eq!(error.to_string(), expected);
}
