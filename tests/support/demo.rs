//! The demo's configuration as a world and snapshots, shared by the benches and the allocation test.
//!
//! `meridian demo` writes its configuration for the machine it runs on; this is the same but for
//! ports. The zone is the demo's own file, which refuses regions of other names.

#![allow(dead_code, reason = "each program uses a part of it")]

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use meridian::config::{Config, SourceFile, SourceFiles, compile};
use meridian::geo::{self, Database, Table};
use meridian::health::{SiteShare, View};
use meridian::region::RegionId;
use meridian::share::Share;
use meridian::snapshot::{Base, Snapshot};

const SERVER: &str = r#"
name: demo
listen: { dns: ["127.0.0.1:5300"] }
geo:
  networks:
    - { network: 133.11.0.0/16, country: JP, latitude: 35.71, longitude: 139.76 }
    - { network: 10.0.0.0/8, country: BR }
"#;

const CANARIES: &str = r#"
canaries:
  shallow:
    http: { url: "http://{address}:8080/health", host: api.example.com }
    interval: 2s
    timeout: 1s
    recheck: 500ms
    fall: 3
    rise: 2
"#;

const REGIONS: [(&str, &str, f64, f64); 9] = [
    ("tokyo", "JP", 35.68, 139.69),
    ("osaka", "JP", 34.69, 135.50),
    ("singapore", "SG", 1.35, 103.82),
    ("sydney", "AU", -33.87, 151.21),
    ("frankfurt", "DE", 50.11, 8.68),
    ("paris", "FR", 48.86, 2.35),
    ("virginia", "US", 39.04, -77.49),
    ("oregon", "US", 45.84, -119.70),
    ("saopaulo", "BR", -23.55, -46.63),
];

/// Returns the demo's configuration.
pub fn config() -> Config {
    let zone = include_str!("../../src/demo/zones/api.example.com.yaml");
    let files = vec![
        SourceFile::new("server.yaml", SERVER),
        SourceFile::new("regions.yaml", regions_yaml(REGIONS.len())),
        SourceFile::new("api.example.com.yaml", zone),
    ];
    compile(&SourceFiles::new("demo", files)).expect("the demo's configuration is valid").config
}

/// Returns `regions.yaml` with the first `count` regions of the demo, each with two availability zones
/// of one address in each family.
pub fn regions_yaml(count: usize) -> String {
    let mut yaml = "regions:\n".to_owned();
    for (number, (name, jurisdiction, latitude, longitude)) in (1..).zip(&REGIONS[..count]) {
        let address = |zone| Ipv4Addr::new(127, 1, number, zone);
        let zone = |zone| format!(r#"[{}, "{}"]"#, address(zone), address(zone).to_ipv6_mapped());
        write!(
            yaml,
            "  {name}:
    location: {{ latitude: {latitude}, longitude: {longitude} }}
    jurisdiction: {jurisdiction}
    canaries: [shallow]
    zones: {{ {name}-a: {{ addresses: {} }}, {name}-b: {{ addresses: {} }} }}
",
            zone(1),
            zone(2),
        )
        .expect("a String takes everything");
    }
    yaml + CANARIES
}

/// Compiles what a configuration says of addresses, on top of a database if there is one.
pub fn table(config: &Config, database: Option<&Database>) -> Table {
    let networks = &config.server.geo.networks;
    let sources = geo::TableSources { database, asn: None, networks };
    Table::compile(sources, &config.distinctions()).expect("a sound database")
}

/// Compiles the first snapshot of a world.
pub fn snapshot(config: Config, table: Table) -> Snapshot {
    let health = View::all_up(&config.regions);
    snapshot_of(config, table, health)
}

/// Compiles a snapshot of a world in which this many regions, those that are listed first, take a tenth of their
/// clients, and one zone of each of them half of those.
pub fn ramping_snapshot(config: Config, table: Table, count: usize) -> Snapshot {
    let (tenth, half) = (Share::percent(10), Share::percent(50));
    let ramps = |region: RegionId| usize::from(region.0) < count;
    let shares = config.regions.addresses().map(|(_, address)| {
        // Zones have even and odd numbers by turns.
        let is_first = address.zone.0 % 2 == 0;
        if ramps(address.region) && is_first { half } else { Share::ALL }
    });
    let taken = config.regions.iter().map(|(region, _)| match ramps(region) {
        true => [SiteShare::Part(tenth); 2],
        false => [SiteShare::Full; 2],
    });
    let taken: Vec<_> = taken.collect();
    let health = View::all_up(&config.regions).with(shares.collect(), &taken);
    snapshot_of(config, table, health)
}

fn snapshot_of(config: Config, table: Table, health: View) -> Snapshot {
    Snapshot::compile(Arc::new(Base::build(Arc::new(config), table)), health, 1)
}

/// Returns the bytes of a question for an A record, with an OPT record and the client's subnet: /24
/// or /56.
pub fn question(owner: &str, client: IpAddr) -> Vec<u8> {
    let mut bytes = b"\x12\x34\0\0\0\x01\0\0\0\0\0\x01".to_vec();
    for label in owner.split_terminator('.') {
        bytes.push(u8::try_from(label.len()).expect("a label is short"));
        bytes.extend(label.as_bytes());
    }
    bytes.extend(b"\0\0\x01\0\x01");
    let subnet: Vec<u8> = match client {
        IpAddr::V4(client) => [&[0, 1, 24, 0], &client.octets()[..3]].concat(),
        IpAddr::V6(client) => [&[0, 2, 56, 0], &client.octets()[..7]].concat(),
    };
    let length = u8::try_from(subnet.len()).expect("a subnet is short");
    bytes.extend(b"\0\0\x29\x04\xd0\0\0\0\0");
    bytes.extend([0, length + 4, 0, 8, 0, length]);
    bytes.extend(subnet);
    bytes
}
