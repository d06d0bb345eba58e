//! Writes the demo's world down: the configuration directory that its server reads.
//!
//! It is a configuration like any other, for `meridian check` and `explain` and for being edited
//! while the demo runs. Making the directory and removing it is left to `home`.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use data_encoding::HEXLOWER;
use ring::rand::{SecureRandom, SystemRandom};

use super::world::{DemoRegion, DemoZone, REGIONS};

/// The time between two probes of a healthy address.
const CANARY_INTERVAL: Duration = Duration::from_secs(2);

/// The timeout of a probe.
pub const CANARY_TIMEOUT: Duration = Duration::from_secs(1);

/// The time between two probes of a suspect address.
const CANARY_RECHECK: Duration = Duration::from_millis(500);

/// The failures in a row that take an address down.
const FALL: u32 = 3;

/// The successes in a row that bring it back.
const RISE: u32 = 2;

/// The shortest absence of a region after its first fall; the second within the hour doubles it.
const MIN_DOWN: Duration = Duration::from_secs(5);

/// The time at each share of a ramp: with the wait before it, the whole way back takes 20 s.
const HOLD: Duration = Duration::from_secs(5);

/// The file with the token of the operator of the demo. It is hidden, so that it is no part of the configuration.
const TOKEN: &str = ".token";

/// The octets of a token before they are written as hexadecimal digits: `openssl rand -hex 32`.
const TOKEN_OCTETS: usize = 32;

/// The configuration of the zone, which does not depend on the machine.
const ZONE: &str = include_str!("zones/api.example.com.yaml");

/// What the configuration depends on.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Where the server answers DNS.
    pub dns: SocketAddr,
    /// Where its admin API is.
    pub admin: SocketAddr,
    /// The port of the regions' services.
    pub port: u16,
    /// Whether this machine can reach the IPv6 form of their addresses.
    pub ipv6: bool,
}

/// Writes every file into an existing directory.
///
/// # Errors
///
/// When a file cannot be written.
pub fn write(directory: &Path, settings: &Settings) -> io::Result<()> {
    fs::write(directory.join("server.yaml"), server(settings))?;
    fs::write(directory.join("regions.yaml"), regions(settings))?;
    fs::write(directory.join("api.example.com.yaml"), ZONE)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(token(directory))?;
    writeln!(file, "{}", fresh_token()?)
}

/// Returns the path of the token of the operator.
pub fn token(directory: &Path) -> PathBuf {
    directory.join(TOKEN)
}

fn fresh_token() -> io::Result<String> {
    let mut octets = [0; TOKEN_OCTETS];
    let filled = SystemRandom::new().fill(&mut octets);
    filled.map_err(|_| io::Error::other("the system has no random numbers"))?;
    Ok(HEXLOWER.encode(&octets))
}

/// Returns the longest time from a fault to the verdict: the fault comes right after a probe, the
/// next one is as late as its jitter (±10 %) allows, and each failure takes its whole timeout.
pub fn slowest_failover() -> Duration {
    let late = |wait: Duration| wait * 11 / 10;
    late(CANARY_INTERVAL) + late(CANARY_RECHECK) * (FALL - 1) + CANARY_TIMEOUT * FALL
}

fn server(settings: &Settings) -> String {
    format!(
        r#"# This instance.
name: demo
listen:
  dns: ["{dns}"]
admin: "{admin}"
access:
  tokens: [{{ name: demo, role: operate, file: {TOKEN} }}]
geo:
  database: shipped
  networks:     # what the database does not know or gets wrong
    - {{ network: 133.11.0.0/16, country: JP, latitude: 35.71, longitude: 139.76 }}  # in Tokyo
    - {{ network: 10.0.0.0/8, country: BR }}
"#,
        dns = settings.dns,
        admin = settings.admin,
    )
}

fn regions(settings: &Settings) -> String {
    let mut yaml = String::from("# Where the API is served from, and what watches it.\nregions:\n");
    for region in &REGIONS {
        region_into(&mut yaml, region, settings.ipv6).expect("a String takes everything");
    }
    yaml.push_str(&recovery());
    // The database comes with the program, and nothing in the demo can renew it.
    yaml.push_str("alarms: { database_age: off }\n");
    yaml.push_str(&canaries(settings.port));
    yaml
}

fn region_into(yaml: &mut String, region: &'static DemoRegion, ipv6: bool) -> std::fmt::Result {
    let DemoRegion { name, city, country, latitude, longitude, capacity, .. } = region;
    writeln!(yaml, "  {name}:  # {city}")?;
    writeln!(yaml, "    location: {{ latitude: {latitude}, longitude: {longitude} }}")?;
    writeln!(yaml, "    jurisdiction: {country}")?;
    writeln!(yaml, "    capacity: {capacity}  # requests a second")?;
    writeln!(yaml, "    zones:")?;
    for zone in region.zones() {
        writeln!(yaml, "      {}: {{ addresses: [{}] }}", zone.name(), addresses(zone, ipv6))?;
    }
    writeln!(yaml, "    canaries: [deep]")
}

fn addresses(zone: DemoZone, ipv6: bool) -> String {
    if ipv6 { format!(r#"{}, "{}""#, zone.ipv4(), zone.ipv6()) } else { zone.ipv4().to_string() }
}

fn recovery() -> String {
    format!(
        r#"recovery:                     # minutes in earnest
  min_down: {min_down}s                # twice that after the second fall within an hour
  ramp: [10%, 50%]
  hold: {hold}s
"#,
        min_down = MIN_DOWN.as_secs(),
        hold = HOLD.as_secs(),
    )
}

fn canaries(port: u16) -> String {
    format!(
        r#"canaries:
  deep:
    json:
      url: "http://{{address}}:{port}/health"
      host: api.example.com
      assert: [{{ pointer: /status, equals: ok }}]
      signals:                  # what makes a region full, or gray, that passes its canaries
        {{ load: /load, error_rate: /error_rate, p95_latency: /p95_latency, requests: /requests }}
    interval: {interval}s
    timeout: {timeout}s
    recheck: {recheck}ms
    fall: {FALL}                  # down at most {slowest:.1} s after it broke
    rise: {RISE}
"#,
        interval = CANARY_INTERVAL.as_secs(),
        timeout = CANARY_TIMEOUT.as_secs(),
        recheck = CANARY_RECHECK.as_millis(),
        slowest = slowest_failover().as_secs_f64(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_settings(ipv6: bool) -> Settings {
        Settings {
            dns: SocketAddr::from(([127, 0, 0, 1], 5300)),
            admin: SocketAddr::from(([127, 0, 0, 1], 8053)),
            port: 8080,
            ipv6,
        }
    }

    #[test]
    fn a_failover_takes_under_ten_seconds_even_for_a_resolver_that_cached_the_answer() {
        // `short_ttl` in the zone file: the last answer of a suspect address may be cached this long.
        let cached = Duration::from_secs(2);
        assert!(ZONE.contains("short_ttl: 2s"));
        assert!(slowest_failover() + cached < Duration::from_secs(10));
    }

    #[test]
    fn the_zone_steers_between_all_regions_of_the_world() {
        let names = REGIONS.each_ref().map(|region| region.name).join(", ");
        assert!(ZONE.contains(&format!("regions: [{names}]")), "{names}");
    }

    #[test]
    fn ipv6_addresses_are_left_out_where_they_cannot_be_reached() {
        assert!(regions(&check_settings(true)).contains("::ffff:127.1.1.1"));
        assert!(!regions(&check_settings(false)).contains("::ffff:"));
    }
}
