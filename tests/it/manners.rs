//! What the server tells whoever asks for more than records, as `dig` shows it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use crate::home::Home;
use crate::region::Regions;
use crate::server::{Server, wait_for};

fn start(more: &str) -> (Server, Home) {
    let home = Home::new(Regions::start().port);
    home.edit("server.yaml", "listen:\n", &format!("{more}listen:\n"));
    (Server::start(&home), home)
}

/// Returns what `dig` prints; `None`: this machine has none.
fn dig(server: &Server, words: &str) -> Option<String> {
    let (at, port) = (format!("@{}", server.dns.ip()), server.dns.port().to_string());
    let mut dig = Command::new("dig");
    dig.args(["-r", &at, "-p", &port, "+norecurse"]).args(words.split(' '));
    let output = dig.output().ok()?;
    Some(String::from_utf8(output.stdout).expect("text"))
}

/// Asks over UDP and over TCP, and looks for a text in each reply.
fn check(server: &Server, words: &str, text: &str) {
    for over in ["+notcp", "+tcp"] {
        let Some(shown) = dig(server, &format!("{words} {over}")) else { return };
        assert!(shown.contains(text), "{words} {over}: no `{text}` in\n{shown}");
    }
}

#[test]
fn the_server_tells_its_name_and_no_version_unless_that_is_configured() {
    let (server, _home) = start("");
    check(&server, "+nsid api.example.com A", "; NSID: 69 74 (\"it\")");
    check(&server, "CH TXT id.server +short", "\"it\"");
    check(&server, "CH TXT hostname.bind +short", "\"it\"");
    check(&server, "CH TXT version.bind", "status: REFUSED");
    let (server, _home) = start("identity: { nsid: none, server_id: tokyo-1, version: meridian }\n");
    check(&server, "CH TXT id.server +short", "\"tokyo-1\"");
    check(&server, "CH TXT version.server +short", "\"meridian\"");
    let shown = dig(&server, "+nsid api.example.com A");
    assert!(shown.is_none_or(|shown| !shown.contains("NSID")));
}

#[test]
fn errors_are_told_in_full() {
    let (server, _home) = start("");
    check(&server, "api.example.net A", "; EDE: 20 (Not Authoritative)");
}

#[test]
fn an_answer_while_every_region_is_down_says_so() {
    let regions = Regions::start();
    let home = Home::new(regions.port);
    let server = Server::start(&home);
    // European clients may be sent to these two alone.
    ["frankfurt", "paris"].iter().for_each(|region| regions.break_(region));
    let question = "api.example.com A +subnet=10.49.7.0/24";
    wait_for("an extended error", || match dig(&server, question) {
        Some(shown) => shown.contains("no region is known to be up").then_some(()),
        None => Some(()),
    });
    check(&server, question, "status: NOERROR");
}

/// Returns the cookie of a reply, `8 octets of the client, 16 of the server` in hexadecimal digits.
fn cookie(shown: &str) -> String {
    let line = shown.lines().find_map(|line| line.strip_prefix("; COOKIE: ")).expect("a cookie");
    line.split(' ').next().expect("a word").to_owned()
}

#[test]
fn a_cookie_is_good_at_every_instance_that_shares_the_secret_also_while_it_is_rolled_over() {
    let started = |cookies: &str| {
        let home = Home::new(Regions::start().port);
        fs::write(home.path("one"), "e5e973e5a6b2a43f48e7dc849e37bfcf\n").unwrap();
        fs::write(home.path("two"), "445536bcd2513298075a5d379663c962\n").unwrap();
        home.edit(
            "server.yaml",
            "listen:\n",
            &format!("admin: \"127.0.0.1:0\"\ncookies: {cookies}\nlisten:\n"),
        );
        (Server::start(&home), home)
    };
    let (first, _home) = started("{ active: { file: ../one }, staged: { file: ../two } }");
    let (second, _home) = started("{ active: { file: ../two }, retired: { file: ../one } }");
    let (other, _home) = start("admin: \"127.0.0.1:0\"\n");
    let question = "api.example.com A";
    let Some(shown) = dig(&first, &format!("+cookie=0123456789abcdef {question}")) else { return };
    let made = cookie(&shown);
    check(&first, &format!("+cookie={made} {question}"), &format!("; COOKIE: {made} (good)"));
    let shown = dig(&second, &format!("+cookie={made} {question}")).expect("dig is there");
    let next = cookie(&shown);
    assert!(next != made && next.starts_with("0123456789abcdef01000000"), "{next}");
    // Before its own change, the first takes what the second made.
    for (server, given, status) in
        [(&first, &next, "valid"), (&second, &made, "valid"), (&other, &made, "bad")]
    {
        let before = counted(server, status);
        check(server, &format!("+cookie={given} {question}"), "status: NOERROR");
        assert_eq!(counted(server, status), before + 2, "{status}");
    }
}

/// Returns how many queries brought a cookie of this status.
fn counted(server: &Server, status: &str) -> u64 {
    let line = server.process.line("admin pages on http://");
    let address = line.rsplit("http://").next().expect("an address");
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    let name = format!("meridian_cookie_queries_total{{cookie=\"{status}\"}} ");
    let count = page.lines().find_map(|line| line.strip_prefix(&name)).expect("a counter");
    count.parse().expect("a number")
}

#[test]
fn a_secret_of_the_wrong_length_stops_the_start_with_its_place() {
    let home = Home::new(Regions::start().port);
    home.edit("server.yaml", "listen:\n", "cookies: { active: { file: ../short } }\nlisten:\n");
    fs::write(home.path("short"), "e5e973e5a6b2a43f48e7dc849e37bf\n").unwrap();
    let zones = home.zones();
    let check = Command::new(env!("CARGO_BIN_EXE_meridian")).arg("check").arg(&zones).output().unwrap();
    let said = String::from_utf8_lossy(&[check.stdout, check.stderr].concat()).into_owned();
    assert!(said.contains("a secret of DNS cookies has 32 hexadecimal digits"), "{said}");
    assert!(said.contains("server.yaml:3:") && said.contains("openssl rand -hex 16"), "{said}");
    assert!(!said.contains("e5e9"), "{said}");
}
