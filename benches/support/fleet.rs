//! Configurations of as many regions and addresses as wanted, which report how loaded they are.

#![allow(dead_code, reason = "each program uses a part of it")]

use std::fmt::Write as _;

use meridian::config::{Config, SourceFile, SourceFiles, compile};

/// The most addresses of one zone: the last octet of its loopback addresses tells them apart.
const MOST_IN_ZONE: usize = 254;

/// So many regions with so many zones each, over which the addresses are spread.
#[derive(Clone, Copy)]
pub struct Fleet {
    /// The regions; each is the first choice of somebody.
    pub regions: usize,
    /// The availability zones of each.
    pub zones: usize,
    /// The addresses of all of them together; all in 127.0.0.0/8.
    pub addresses: usize,
    /// Where the canaries call.
    pub port: u16,
}

/// A server without a geo database.
const SERVER: &str = "name: ns1\nlisten: { dns: [\"127.0.0.1:0\"] }\n";

impl Fleet {
    /// Returns its files, each with its name. The last key of each region is `canaries`, with these.
    pub fn files(&self, canaries: &str) -> Vec<(&'static str, String)> {
        let names: Vec<_> = (0..self.regions).map(|region| format!("r{region}")).collect();
        let zone = format!(
            "zone: api.example.com\nnameservers: [ns1.example.net]\nnames:\n  \"@\":\n    steer: {{ regions: [{}], \
             order: nearest, ttl: 30s, unknown_location: [r0] }}\n",
            names.join(", ")
        );
        vec![
            ("server.yaml", SERVER.to_owned()),
            ("regions.yaml", self.regions_yaml(canaries)),
            ("api.example.com.yaml", zone),
        ]
    }

    /// Returns the configuration that the files make, with `deep` for its only canary.
    pub fn config(&self) -> Config {
        let files = self.files("deep").into_iter().map(|(name, text)| SourceFile::new(name, text));
        compile(&SourceFiles::new("fleet", files.collect())).expect("the configuration is valid").config
    }

    fn regions_yaml(&self, canaries: &str) -> String {
        let mut yaml = "regions:\n".to_owned();
        for region in 0..self.regions {
            // Two rows around the world, one in the north and one in the south.
            let longitude = 170.0 - 340.0 * (region / 2) as f64 / self.regions.div_ceil(2) as f64;
            let latitude = if region % 2 == 0 { 38 } else { -20 };
            writeln!(
                yaml,
                "  r{region}:\n    location: {{ latitude: {latitude}, longitude: {longitude} }}\n    \
                 jurisdiction: JP\n    capacity: 10000\n    canaries: [{canaries}]\n    zones:"
            )
            .expect("a String takes everything");
            for zone in 0..self.zones {
                let addresses = self.addresses_of(region, zone).join(", ");
                writeln!(yaml, "      z{zone}: {{ addresses: [{addresses}] }}")
                    .expect("a String takes everything");
            }
        }
        yaml + &self.canaries_yaml()
    }

    /// Returns the addresses of a zone: as many as in every other, or one more.
    fn addresses_of(&self, region: usize, zone: usize) -> Vec<String> {
        let (zones, number) = (self.regions * self.zones, region * self.zones + zone);
        let count = self.addresses / zones + usize::from(number < self.addresses % zones);
        assert!(count <= MOST_IN_ZONE, "a zone has room for its addresses");
        (1..=count).map(|host| format!("127.{}.{zone}.{host}", region + 1)).collect()
    }

    fn canaries_yaml(&self) -> String {
        let port = self.port;
        format!(
            "canaries:
  shallow: {{ tcp: {{ port: {port} }}, interval: 10s, timeout: 2s, fall: 3, rise: 3 }}
  deep:
    json:
      url: \"http://{{address}}:{port}/health\"
      host: api.example.com
      assert: [{{ pointer: /status, equals: ok }}]
      signals: {{ load: /load, error_rate: /errors, p95_latency: /p95, requests: /requests }}
    interval: 10s
    timeout: 2s
    fall: 3
    rise: 3
"
        )
    }
}
