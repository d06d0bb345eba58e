//! Addresses whose place everybody can check, against real databases.

use super::super::{Database, Distinctions, Table, TableSources};
use super::regions;
use crate::cli::geoip::dbip;

const REGIONS: [(&str, f64, f64); 12] = [
    ("tokyo", 35.68, 139.69),
    ("osaka", 34.69, 135.50),
    ("singapore", 1.29, 103.85),
    ("mumbai", 19.08, 72.88),
    ("frankfurt", 50.11, 8.68),
    ("paris", 48.86, 2.35),
    ("stockholm", 59.33, 18.07),
    ("virginia", 38.95, -77.45),
    ("ohio", 39.96, -83.00),
    ("oregon", 45.84, -119.70),
    ("saopaulo", -23.55, -46.63),
    ("sydney", -33.87, 151.21),
];

/// The largest file that is shipped: it is in the program too.
const MAX_SHIPPED_BYTES: usize = 12_000_000;

/// Universities keep their addresses, and their places are no secret.
const WELL_KNOWN: [(&str, &str); 24] = [
    ("133.11.0.1", "tokyo"),              // University of Tokyo
    ("130.54.10.1", "osaka"),             // Kyoto University
    ("143.248.1.1", "osaka"),             // KAIST, Daejeon
    ("137.132.1.1", "singapore"),         // National University of Singapore
    ("103.21.124.1", "mumbai"),           // IIT Bombay
    ("141.20.1.1", "frankfurt"),          // Humboldt-Universität, Berlin
    ("129.187.1.1", "frankfurt"),         // Leibniz-Rechenzentrum, Munich
    ("134.157.1.1", "paris"),             // Sorbonne Université, Paris
    ("129.67.1.1", "paris"),              // University of Oxford
    ("130.237.1.1", "stockholm"),         // Stockholm University
    ("128.214.1.1", "stockholm"),         // University of Helsinki
    ("129.240.1.1", "stockholm"),         // University of Oslo
    ("128.31.0.1", "virginia"),           // MIT, Cambridge
    ("128.8.1.1", "virginia"),            // University of Maryland
    ("128.146.1.1", "ohio"),              // Ohio State University
    ("128.95.1.1", "oregon"),             // University of Washington, Seattle
    ("171.64.1.1", "oregon"),             // Stanford University
    ("143.107.1.1", "saopaulo"),          // Universidade de São Paulo
    ("129.78.1.1", "sydney"),             // University of Sydney
    ("128.250.1.1", "sydney"),            // University of Melbourne
    ("130.216.1.1", "sydney"),            // University of Auckland
    ("::ffff:133.11.0.1", "tokyo"),       // mapped
    ("64:ff9b::141.20.1.1", "frankfurt"), // NAT64
    ("2002:8092:101::1", "ohio"),         // 6to4 of Ohio State
];

fn check(database: &Database, expected: &[(&str, &str)]) {
    let sources = TableSources { database: Some(database), asn: None, networks: &[] };
    let table =
        Table::compile(sources, &Distinctions { regions: &regions(&REGIONS), groups: &[], spreads: &[] })
            .expect("a sound database");
    let nearest = |address: &str| {
        let class = table.class_of(address.parse().expect("an address"));
        let ranks = &table.classes()[class.0 as usize].ranks;
        let first = ranks.iter().position(|rank| *rank == 0);
        first.map_or("nowhere", |region| REGIONS[region].0)
    };
    let found: Vec<_> = expected.iter().map(|(address, _)| (*address, nearest(address))).collect();
    assert_eq!(found, expected);
}

#[test]
fn in_the_real_city_database_well_known_addresses_are_nearest_to_the_right_region() {
    let Ok(path) = std::env::var("MERIDIAN_CITY_DB") else {
        println!("skipped: MERIDIAN_CITY_DB names no City database");
        return;
    };
    let bytes = std::fs::read(&path).expect("MERIDIAN_CITY_DB can be read");
    check(&Database::parse(bytes).expect("MERIDIAN_CITY_DB is a database"), &WELL_KNOWN);
}

#[test]
fn the_shipped_database_reads_back_and_knows_places_on_six_continents() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/geoip/world.mmdb");
    let bytes = std::fs::read(path).expect("the database is shipped");
    assert!(bytes.len() <= MAX_SHIPPED_BYTES);
    let database = Database::parse(bytes).expect("a database");
    assert_eq!(database.kind(), dbip::KIND);
    let country = |address: &str| {
        let (location, _) = database.locate(address.parse().expect("an address"));
        location.country.map(|country| country.to_string())
    };
    let expected = [
        ("133.11.0.1", "JP"),
        ("141.20.1.1", "DE"),
        ("128.146.1.1", "US"),
        ("143.107.1.1", "BR"),
        ("129.78.1.1", "AU"),
        ("196.25.1.1", "ZA"),
        ("2001:200::1", "JP"),
        ("2001:638::1", "DE"),
        ("2002:8f6b:101::1", "BR"),
    ];
    for (address, code) in expected {
        assert_eq!(country(address).as_deref(), Some(code), "{address}");
    }
    assert_eq!(country("127.0.0.1"), None);
    let germany = database.locate("141.20.1.1".parse().expect("an address")).0;
    let japan = database.locate("133.11.0.1".parse().expect("an address")).0;
    assert_eq!((germany.european_union, japan.european_union), (Some(true), None));
    // Its source has Kyoto University in Tokyo.
    let known = WELL_KNOWN.into_iter().filter(|(address, _)| *address != "130.54.10.1");
    check(&database, &known.collect::<Vec<_>>());
}
