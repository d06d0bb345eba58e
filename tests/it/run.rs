//! Runs commands that end by themselves.

use std::fs;
use std::net::Ipv4Addr;
use std::process::Command;

use crate::home::Home;

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Runs `meridian` with these arguments until it ends.
pub fn meridian(arguments: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_meridian")).args(arguments).output();
    let output = output.expect("the binary runs");
    Ran {
        code: output.status.code().expect("an exit code, not a signal"),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

/// Builds a small database with `meridian geoip build`: one network of 256 addresses in one country.
pub fn database(home: &Home, network: &str, country: &str) -> Vec<u8> {
    const HEADER: &str = "# Generated: Thu, 25 Jun 2026 04:33:59 GMT\n";
    let first = network.parse::<Ipv4Addr>().expect("an address").to_bits();
    let [ipv4, ipv6, output] = ["ipv4", "ipv6", "built.mmdb"].map(|name| home.path(name));
    fs::write(&ipv4, format!("{HEADER}{first},{},{country}\n", first + 255)).unwrap();
    fs::write(&ipv6, format!("{HEADER}2001:db8:1::,2001:db8:1:ffff:ffff:ffff:ffff:ffff,{country}\n"))
        .unwrap();
    let [v4, v6, out] = [&ipv4, &ipv6, &output].map(|path| path.to_str().expect("a path of letters"));
    let ran = meridian(&["geoip", "build", "--ipv4", v4, "--ipv6", v6, "--output", out]);
    assert_eq!(ran.code, 0, "{ran:?}");
    fs::read(output).unwrap()
}
