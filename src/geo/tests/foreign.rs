//! Databases of other layouts, and files that are none.

use super::super::{Comparison, Database, Distinctions, Error, Table, TableSources};
use super::regions;
use crate::cli::geoip::mmdb::{DataValue, DatabaseWriter, Metadata};
use crate::client::GroupId;
use crate::region::{Family, RegionId};

fn bytes(kind: &str, networks: &[(&str, DataValue)]) -> Vec<u8> {
    let mut writer = DatabaseWriter::new(Metadata {
        kind: kind.to_owned(),
        description: "made by hand".to_owned(),
        build_epoch: 1,
        family: Family::V6,
        record_bits: None,
    });
    for (network, record) in networks {
        writer.add(network.parse().expect("a network"), record).expect("they do not overlap");
    }
    writer.finish().expect("a small database")
}

fn map(fields: &[(&'static str, DataValue)]) -> DataValue {
    DataValue::Map(fields.to_vec())
}

fn at(latitude: DataValue, longitude: DataValue) -> DataValue {
    map(&[("location", map(&[("latitude", latitude), ("longitude", longitude)]))])
}

fn degrees(latitude: f64, longitude: f64) -> DataValue {
    at(DataValue::Double(latitude), DataValue::Double(longitude))
}

const REGIONS: [(&str, f64, f64); 2] = [("tokyo", 35.68, 139.69), ("frankfurt", 50.11, 8.68)];

fn compile(networks: &[(&str, DataValue)]) -> Result<Table, Error> {
    let database = Database::parse(bytes("Test", networks))?;
    Table::compile(
        TableSources { database: Some(&database), asn: None, networks: &[] },
        &Distinctions { regions: &regions(&REGIONS), groups: &[], spreads: &[] },
    )
}

/// Returns the nearest region of an address, and whether its location counts as unknown.
fn nearest(table: &Table, address: &str) -> (Option<usize>, bool) {
    let class = table.class_of(address.parse().expect("an address"));
    let class = &table.classes()[class.0 as usize];
    (class.ranks.iter().position(|rank| *rank == 0), class.groups.contains(GroupId::UNKNOWN))
}

#[test]
fn coordinates_count_without_a_country_and_rules_still_take_the_location_for_unknown() {
    let table = compile(&[("2.16.0.0/16", degrees(47.0, 8.0))]).expect("it has a place");
    assert_eq!(nearest(&table, "2.16.0.1"), (Some(1), true));
    assert_eq!(nearest(&table, "3.16.0.1"), (None, true));
}

#[test]
fn a_code_that_is_no_country_is_taken_for_unknown_and_that_of_the_union_for_one_of_its_members_too() {
    let code = |code: &str| map(&[("country", map(&[("iso_code", DataValue::Text(code.to_owned()))]))]);
    let networks =
        [("2.16.0.0/16", "EU"), ("3.16.0.0/16", "AP"), ("4.16.0.0/16", "FX"), ("5.16.0.0/16", "de")];
    let database = Database::parse(bytes("Test", &networks.map(|(network, of)| (network, code(of)))));
    let database = database.expect("a database");
    let sources = TableSources { database: Some(&database), asn: None, networks: &[] };
    let located = |address: &str| {
        let location = sources.locate(address.parse().expect("an address")).location;
        let country = location.country.map(|country| country.to_string());
        (country, location.european_union, location.is_unknown())
    };
    assert_eq!(located("2.16.0.1"), (None, Some(true), true));
    assert_eq!(located("3.16.0.1"), (None, None, true));
    assert_eq!(located("4.16.0.1"), (Some("FR".to_owned()), None, false));
    assert_eq!(located("5.16.0.1"), (Some("DE".to_owned()), None, false));
}

#[test]
fn the_flat_layout_of_ipinfo_and_degrees_that_are_whole_numbers_are_read() {
    let ipinfo = map(&[("country", DataValue::text("DE")), ("continent", DataValue::text("EU"))]);
    let whole = at(DataValue::U16(35), DataValue::U32(139));
    let table = compile(&[("141.20.0.0/16", ipinfo), ("133.11.0.0/16", whole)]).expect("both are read");
    assert_eq!(nearest(&table, "141.20.0.1"), (Some(1), false));
    assert_eq!(nearest(&table, "133.11.0.1"), (Some(0), true));
}

#[test]
fn a_field_that_cannot_be_read_is_named_instead_of_calling_the_database_damaged() {
    let error = |record| compile(&[("141.20.0.0/16", record)]).expect_err("it cannot be read").to_string();
    let number = error(map(&[("country", DataValue::U32(276))]));
    assert!(number.starts_with("`country` is a number and not a text"), "{number}");
    let text = error(at(DataValue::text("north"), DataValue::text("east")));
    assert!(text.starts_with("`location.latitude` is the text `north` and not a number"), "{text}");
}

#[test]
fn files_that_are_no_database_are_told_apart() {
    let error = |bytes: &[u8]| Database::parse(bytes.to_vec()).expect_err("it is none").to_string();
    assert_eq!(error(b""), "the file is empty");
    assert_eq!(error(b"\x1f\x8b\x08\x00"), "the file is compressed; unpack it first");
    assert_eq!(error(b"ip,country\n1.2.3.4,DE\n"), "not a database in MaxMind's format, or cut short");
}

#[test]
fn clients_that_another_database_sends_elsewhere_are_counted_with_the_way_that_is_added() {
    let truth = [
        ("2.0.0.0/16", degrees(48.0, 11.0)),
        ("3.0.0.0/16", degrees(36.0, 138.0)),
        ("4.0.0.0/16", degrees(36.0, 138.0)),
        ("2a00::/32", degrees(48.0, 11.0)),
        ("2a01::/24", degrees(48.0, 11.0)),
    ];
    let other = [
        ("2.0.0.0/16", degrees(50.0, 9.0)),
        ("3.0.0.0/17", degrees(50.0, 9.0)),
        ("3.0.128.0/17", degrees(36.0, 138.0)),
        ("5.0.0.0/16", degrees(36.0, 138.0)),
        ("2a00::/33", degrees(48.0, 11.0)),
        ("2a00:0:8000::/33", degrees(36.0, 138.0)),
        ("2a01::/24", degrees(48.0, 11.0)),
    ];
    let parse = |networks: &[_]| Database::parse(bytes("Test", networks)).expect("a sound database");
    let Comparison { ipv4, ipv6 } =
        Comparison::new(&parse(&truth), &parse(&other), &regions(&REGIONS)).expect("they can be walked");
    assert_eq!((ipv4.compared, ipv4.elsewhere, ipv4.only), (512.0, 128.0, [256.0, 256.0]));
    assert_eq!(ipv4.moves.into_iter().collect::<Vec<_>>(), [((RegionId(0), RegionId(1)), 128.0)]);
    // A quarter of the clients goes from 160 km to 9 300.
    assert!((2_000.0..2_500.0).contains(&(ipv4.added_km / ipv4.compared)), "{}", ipv4.added_km);
    // The /24 counts no more than the /32.
    assert_eq!((ipv6.compared, ipv6.elsewhere, ipv6.abroad), (2.0, 0.5, 0.0));
}
