//! Who gets which answer, with everything healthy: what `dig` shows.

use std::path::Path;

use crate::ask::{self, Over, lines};
use crate::home::Home;
use crate::region::{Regions, regions_in};
use crate::server::{Server, wait_for};

/// Starts a server whose regions are all healthy, and waits until it has seen them: before, TTLs are short.
fn start() -> (Server, Home) {
    let home = Home::new(Regions::start().port);
    let server = Server::start(&home);
    wait_for("the first result of every address", || {
        let clients = ["10.81.7.0/24", "10.49.7.0/24", "10.33.7.0/24", "10.1.7.0/24", "10.55.7.0/24"];
        let mut questions = clients
            .iter()
            .flat_map(|client| ["A", "AAAA"].map(|rtype| format!("api.example.com. {rtype} from {client}")));
        let is_seen = |question: String| server.ask(&question).answers.iter().all(|record| record.ttl == 30);
        questions.all(is_seen).then_some(())
    });
    (server, home)
}

/// Asks over UDP and over TCP, which answer alike.
fn check(server: &Server, question: &str, expected: &[&str]) {
    for over in [Over::Udp, Over::Tcp] {
        let reply = ask::ask(server.dns, question, over);
        assert_eq!(lines(&reply), expected, "{question} over {over:?}");
    }
}

#[test]
fn clients_are_sent_to_the_nearest_region_that_the_law_allows() {
    let (server, _home) = start();
    for (client, region) in [
        ("10.81.7.0/24", "tokyo"),
        ("10.49.7.0/24", "frankfurt"),
        ("10.33.7.0/24", "paris"),
        ("10.1.7.0/24", "oregon"),
        ("10.55.7.0/24", "saopaulo"),
        ("2001:db8:81::/56", "tokyo"),
        ("192.0.2.0/24", "oregon"),
    ] {
        for rtype in ["A", "AAAA"] {
            let reply = server.ask(&format!("api.example.com. {rtype} from {client}"));
            assert_eq!(regions_in(&reply), [region], "{client} {rtype}");
        }
    }
}

#[test]
fn a_steered_name_without_https_answers_with_the_https_record_beside_it() {
    let home = Home::new(Regions::start().port);
    let names = "names: { '@': { steer: { regions: [tokyo] }, HTTPS: 0 edge.example.net. } }";
    home.write("x.yaml", &format!("zone: beside.example.net\nnameservers: [ns1.example.net]\n{names}\n"));
    let server = Server::start(&home);
    let edge = "beside.example.net. 3600 IN HTTPS 0 edge.example.net.";
    check(&server, "beside.example.net. HTTPS from 10.81.7.0/24", &["NoError aa", edge, "scope 0"]);
    assert_eq!(regions_in(&server.ask("beside.example.net. A from 10.81.7.0/24")), ["tokyo"]);
}

#[test]
fn addresses_and_https_hints_come_from_one_decision_with_its_scope() {
    let (server, _home) = start();
    check(
        &server,
        "api.example.com. A from 10.81.7.0/24",
        &[
            "NoError aa",
            "api.example.com. 30 IN A 127.7.1.1",
            "api.example.com. 30 IN A 127.7.1.2",
            "scope 16",
        ],
    );
    check(
        &server,
        "api.example.com. AAAA from 10.81.7.0/24",
        &["NoError aa", "api.example.com. 30 IN AAAA ::ffff:127.7.1.1", "scope 16"],
    );
    check(
        &server,
        "api.example.com. HTTPS from 10.49.7.0/24",
        &[
            "NoError aa",
            "api.example.com. 30 IN HTTPS 1 . alpn=h2, ipv4hint=127.7.4.1, ipv6hint=::ffff:127.7.4.1,",
            "scope 16",
        ],
    );
}

#[test]
fn a_name_without_steering_is_shared_by_everybody() {
    let (server, _home) = start();
    check(
        &server,
        "api.example.com. TXT from 10.81.7.0/24",
        &["NoError aa", "api.example.com. 3600 IN TXT served by Meridian", "scope 0"],
    );
    check(
        &server,
        "status.api.example.com. A from 10.81.7.0/24",
        &["NoError aa", "status.api.example.com. 3600 IN A 192.0.2.10", "scope 0"],
    );
    check(&server, "status.api.example.com. MX", &["NoError aa", "authority api.example.com. SOA"]);
}

#[test]
fn a_missing_name_is_nxdomain_with_the_soa_and_a_foreign_one_is_refused() {
    let (server, _home) = start();
    check(
        &server,
        "missing.api.example.com. A from 10.81.7.0/24",
        &["NXDomain aa", "authority api.example.com. SOA", "scope 0"],
    );
    check(&server, "www.example.net. A", &["Refused"]);
}

#[test]
fn a_wildcard_and_an_alias_are_steered_like_the_name_itself() {
    let (server, _home) = start();
    check(
        &server,
        "acme.tenant.api.example.com. A from 10.49.7.0/24",
        &["NoError aa", "acme.tenant.api.example.com. 30 IN A 127.7.4.1", "scope 16"],
    );
    check(
        &server,
        "www.api.example.com. A from 10.49.7.0/24",
        &[
            "NoError aa",
            "api.example.com. 30 IN A 127.7.4.1",
            "www.api.example.com. 3600 IN CNAME api.example.com.",
            "scope 16",
        ],
    );
}

#[test]
fn the_zone_with_the_longest_match_answers_and_a_master_file_is_served_as_it_is() {
    let (server, _home) = start();
    check(
        &server,
        "db.internal.api.example.com. A",
        &["NoError aa", "db.internal.api.example.com. 3600 IN A 192.0.2.77"],
    );
    check(
        &server,
        "no.internal.api.example.com. A",
        &["NXDomain aa", "authority internal.api.example.com. SOA"],
    );
    check(
        &server,
        "any.dev.example.org. A",
        &[
            "NoError aa",
            "any.dev.example.org. 3600 IN CNAME www.example.org.",
            "www.example.org. 300 IN A 192.0.2.80",
        ],
    );
    check(&server, "host.lab.example.org. A", &["NoError", "authority lab.example.org. NS"]);
}

#[test]
fn a_client_without_edns_gets_no_opt_and_one_without_a_client_subnet_gets_none_back() {
    let (server, _home) = start();
    let reply = server.ask("api.example.com. A");
    assert_eq!(regions_in(&reply), ["oregon"], "127.0.0.1 is nowhere");
    assert!(reply.edns.is_none());
}

#[test]
fn the_shipped_database_locates_the_world() {
    let home = Home::new(Regions::start().port);
    home.use_database(&Path::new(env!("CARGO_MANIFEST_DIR")).join("geoip/world.mmdb"));
    let server = Server::start(&home);
    for (country, client, region) in [
        ("Germany", "141.20.0.0/24", "frankfurt"),
        ("the United States", "128.146.0.0/24", "oregon"),
        ("Brazil", "143.107.0.0/24", "saopaulo"),
        ("Tokyo", "133.11.0.0/24", "tokyo"),
        ("Paris", "134.157.0.0/24", "paris"),
        ("the operator's own network", "10.81.7.0/24", "tokyo"),
    ] {
        assert_eq!(server.regions(client), [region], "{country}");
        let reply = server.ask(&format!("api.example.com. A from {client}"));
        let scope = crate::support::scope(&reply).expect("the client subnet is echoed");
        assert!((1..=24).contains(&scope), "{country}: {scope}");
    }
}
