//! What the server tells whoever asks for more than records, as `dig` shows it.

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
