//! UDP and TCP as clients meet them.

use std::fs::{self, DirEntry};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::ask::{self, Over, lines};
use crate::home::Home;
use crate::region::Regions;
use crate::server::{Server, wait_for};

const QUESTION: &str = "status.api.example.com. A";

fn start(listen: &str) -> (Server, Home) {
    let home = Home::new(Regions::start().port);
    home.edit("server.yaml", "dns: [\"127.0.0.1:0\"]", listen);
    (Server::start(&home), home)
}

/// Asks at an address of this machine, and expects the reply from there.
fn check(server: &Server, asked: impl Into<IpAddr>) {
    let asked = SocketAddr::new(asked.into(), server.dns.port());
    for over in [Over::Udp, Over::Tcp] {
        assert_eq!(lines(&ask::ask(asked, QUESTION, over))[0], "NoError aa", "{asked} {over:?}");
    }
}

#[test]
fn a_wildcard_address_replies_from_the_address_that_was_asked() {
    let (server, _home) = start("dns: [\"0.0.0.0:0\"]");
    check(&server, Ipv4Addr::LOCALHOST);
    check(&server, Ipv4Addr::new(127, 0, 0, 5));
    let (server, _home) = start("dns: [\"[::]:0\"]");
    check(&server, Ipv6Addr::LOCALHOST);
}

#[test]
fn each_address_has_the_threads_that_are_asked_for_and_they_end_with_the_server() {
    let (mut server, _home) = start("threads: 3\n  dns: [\"127.0.0.1:0\", \"127.0.0.2:0\"]");
    check(&server, Ipv4Addr::LOCALHOST);
    let threads = format!("/proc/{}/task", server.process.id());
    let name = |thread: DirEntry| fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
    // A thread has its name a moment after it begins.
    wait_for("six threads", || {
        let names = fs::read_dir(&threads).unwrap().map(|thread| name(thread.unwrap()));
        (names.filter(|name| name.trim() == "dns-udp").count() == 6).then_some(())
    });
    server.process.signal("TERM");
    assert!(server.process.wait_at_most(Duration::from_secs(5)).success());
}

#[test]
fn an_address_that_no_interface_has_yet_is_a_warning_and_keeps_no_other_from_being_answered() {
    // TEST-NET-3 (RFC 5737) is on no machine.
    let (server, _home) = start("dns: [\"127.0.0.1:0\", \"203.0.113.1:0\"]");
    server.process.line("no interface has the address 203.0.113.1 yet");
    check(&server, Ipv4Addr::LOCALHOST);
}
