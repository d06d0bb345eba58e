//! What becomes of the answers when regions die and come back.

use hickory_proto::op::Message;

use crate::home::Home;
use crate::region::{Regions, regions_in};
use crate::server::{Server, wait_for};

/// Clients of five countries and the regions that they get while all is well.
const NORMAL: [(&str, &str); 5] = [
    ("10.81.7.0/24", "tokyo"),
    ("10.49.7.0/24", "frankfurt"),
    ("10.33.7.0/24", "paris"),
    ("10.1.7.0/24", "oregon"),
    ("10.55.7.0/24", "saopaulo"),
];

/// What is asked for a client.
fn question(client: &str) -> String {
    format!("api.example.com. A from {client}")
}

/// Returns the smallest TTL of an answer.
fn ttl(reply: &Message) -> u32 {
    reply.answers.iter().map(|record| record.ttl).min().expect("an answer with records")
}

/// Returns [`NORMAL`] with other regions for some clients.
fn except(moved: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let elsewhere = |client: &str| moved.iter().find(|(who, _)| *who == client);
    NORMAL.map(|normal| *elsewhere(normal.0).unwrap_or(&normal)).to_vec()
}

/// Expects an answer with addresses, all of them in the EU.
fn check_is_european(reply: &Message) {
    let got = regions_in(reply);
    assert!(!got.is_empty() && got.iter().all(|region| ["frankfurt", "paris"].contains(region)), "{got:?}");
}

#[test]
fn a_region_that_dies_leaves_after_three_failures_and_returns_after_two_successes_and_nobody_else_moves() {
    let regions = Regions::start();
    let home = Home::new(regions.port);
    let server = Server::start(&home);
    server.settles(&NORMAL);

    regions.break_("tokyo");
    let others = &NORMAL[1..];
    wait_for("the Japanese client to leave Tokyo", || {
        for (client, region) in others {
            assert_eq!(server.regions(client), [*region], "{client} moved");
        }
        (server.regions("10.81.7.0/24") == ["osaka"]).then_some(())
    });
    let failures = regions.failures("127.7.1.2");
    assert!(failures >= 3, "it left after {failures} failures");
    server.process.line("tokyo/tokyo-b/127.7.1.2 is down: shallow failed 3 times in a row");

    regions.heal("127.7.1.2");
    server.settles(&NORMAL);
    let successes = regions.successes("127.7.1.2");
    assert!(successes >= 2, "it came back after {successes} successes");
}

#[test]
fn one_dead_address_leaves_the_answer_and_its_region_stays() {
    let regions = Regions::start();
    let home = Home::new(regions.port);
    let server = Server::start(&home);
    server.settles(&NORMAL);
    regions.break_("127.7.1.1");
    wait_for("the dead address to leave", || {
        let reply = server.ask(&question("10.81.7.0/24"));
        assert_eq!(regions_in(&reply), ["tokyo"]);
        (reply.answers.len() == 1).then_some(())
    });
    let sixth = wait_for("the IPv6 clients to leave the region without an IPv6 address", || {
        let reply = server.ask("api.example.com. AAAA from 10.81.7.0/24");
        (regions_in(&reply) != ["tokyo"]).then_some(reply)
    });
    assert_eq!(regions_in(&sixth), ["osaka"], "IPv4 and IPv6 are judged apart");
}

#[test]
fn a_suspect_region_shortens_the_ttl_and_moves_nobody() {
    let regions = Regions::start();
    let home = Home::new(regions.port);
    // It stays suspect for as long as this test looks.
    home.edit("regions.yaml", "fall: 3", "fall: 100");
    home.edit("regions.yaml", "recheck: 50ms", "recheck: 500ms");
    let server = Server::start(&home);
    let short = |wanted: u32| {
        wait_for(&format!("a TTL of {wanted} s"), || {
            let reply = server.ask(&question("10.81.7.0/24"));
            assert_eq!(regions_in(&reply), ["tokyo"]);
            (ttl(&reply) == wanted).then_some(())
        });
    };
    short(30);
    wait_for("the first result of Frankfurt", || {
        (ttl(&server.ask(&question("10.49.7.0/24"))) == 30).then_some(())
    });
    regions.break_("tokyo");
    short(2);
    assert_eq!(ttl(&server.ask(&question("10.49.7.0/24"))), 30, "another region's answers keep theirs");
    regions.heal("tokyo");
    short(30);
}

#[test]
fn a_dead_region_is_answered_for_an_interval_after_a_cold_start() {
    let regions = Regions::start();
    let home = Home::new(regions.port);
    home.edit("regions.yaml", "interval: 500ms", "interval: 1m");
    // Long enough to look at the answers before the fall.
    home.edit("regions.yaml", "recheck: 50ms", "recheck: 1s");
    regions.break_("tokyo");
    let server = Server::start(&home);
    wait_for("the dead region to leave, much sooner than after an interval", || {
        let reply = server.ask(&question("10.81.7.0/24"));
        let is_gone = regions_in(&reply) == ["osaka"];
        assert!(is_gone || ttl(&reply) == 2, "what is not judged yet is not cached for long: {reply:?}");
        is_gone.then_some(())
    });
    // A second address family is probed by itself.
    for (address, families) in [("127.7.1.1", 2), ("127.7.1.2", 1)] {
        let failures = regions.failures(address);
        assert!(failures <= 3 * families, "{address} left after {failures} failures");
    }
}

#[test]
fn clients_in_the_eu_never_leave_it_even_when_every_region_there_is_down() {
    let regions = Regions::start();
    let home = Home::new(regions.port);
    let server = Server::start(&home);
    server.settles(&NORMAL);
    regions.break_("frankfurt");
    server.settles(&except(&[("10.49.7.0/24", "paris")]));
    regions.break_("paris");
    wait_for("the alarm about the EU", || {
        for client in ["10.49.7.0/24", "10.33.7.0/24"] {
            check_is_european(&server.ask(&question(client)));
        }
        server
            .process
            .lines()
            .into_iter()
            .find(|line| line.contains("(IPv4, eu only in EU): every permitted region is down"))
    });
    for (client, region) in [NORMAL[0], NORMAL[3], NORMAL[4]] {
        let reply = server.ask(&question(client));
        assert_eq!((regions_in(&reply), ttl(&reply)), (vec![region], 30), "{client}");
    }
    for (client, _) in &NORMAL[1..3] {
        let reply = server.ask(&question(client));
        check_is_european(&reply);
        assert_eq!(ttl(&reply), 2, "an answer that fails open is not cached for long");
    }
    regions.heal("frankfurt");
    server.settles(&except(&[("10.33.7.0/24", "frankfurt")]));
}
