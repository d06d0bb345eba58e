//! Steering that a name or a region asks for beyond nearest and healthy, as clients and operators see it.

use hickory_proto::op::ResponseCode;

use crate::home::Home;
use crate::region::{Regions, regions_in};
use crate::run::meridian;
use crate::server::{Server, wait_for};

/// A home whose `tokyo` says more, and whose first name does.
fn home(canary_port: u16, region: &str, steer: &str) -> Home {
    let home = Home::new(canary_port);
    let law = "    jurisdiction: JP\n    zones:\n      tokyo-a";
    home.edit("regions.yaml", law, &law.replacen("    zones", &format!("{region}    zones"), 1));
    home.edit("api.example.com.yaml", "      order: nearest\n", &format!("      order: nearest\n{steer}"));
    home
}

#[test]
fn a_region_for_some_clients_serves_no_others_not_even_when_all_else_is_down() {
    let regions = Regions::start();
    let home = home(regions.port, "    only_for: [partners]\n", "");
    home.edit("regions.yaml", "recovery:", "groups: { partners: { networks: [10.81.7.0/24] } }\nrecovery:");
    let server = Server::start(&home);
    let check = |client: &str, expected: &str| {
        let reply = server.ask(&format!("api.example.com. A from {client}"));
        assert_eq!(regions_in(&reply), [expected], "{client}");
    };
    check("10.81.7.0/24", "tokyo");
    check("10.81.8.0/24", "osaka");
    check("10.81.0.0/16", "osaka");
    let zones = home.zones();
    let question =
        ["explain", "api.example.com", "--client", "10.81.8.0/24", "--config", zones.to_str().unwrap()];
    let text = meridian(&question).out;
    assert!(text.contains("removed: tokyo only for partners, and this client is another one"), "{text}");
    let ran = meridian(&["check", zones.to_str().unwrap()]);
    assert!(ran.out.contains("    region: tokyo only for partners\n"), "{ran:?}");
    let proof = meridian(&["prove", zones.to_str().unwrap()]);
    assert_eq!(proof.code, 0, "{proof:?}");
}

#[test]
fn the_addresses_of_the_next_region_stand_after_those_of_the_first_and_leave_with_it_alone() {
    let regions = Regions::start();
    let home = home(regions.port, "", "      max_regions: 2\n");
    let server = Server::start(&home);
    let check = |client: &str, expected: &[&str], follows: &str| {
        for _ in 0..4 {
            let reply = server.ask(&format!("api.example.com. A from {client}"));
            assert_eq!(regions_in(&reply), expected, "{client}");
            let last = reply.answers.last().expect("several").data.to_string();
            assert_eq!(last, follows, "{client}");
        }
    };
    check("10.81.7.0/24", &["tokyo", "osaka"], "127.7.2.1");
    check("10.49.7.0/24", &["frankfurt", "paris"], "127.7.5.1");
    let zones = home.zones();
    let question =
        ["explain", "api.example.com", "--client", "10.49.7.0/24", "--config", zones.to_str().unwrap()];
    let text = meridian(&question).out;
    assert!(text.contains("its addresses follow those of the chosen one: 1 of 1 up"), "{text}");
    let proof = meridian(&["prove", zones.to_str().unwrap()]);
    assert_eq!(proof.code, 0, "{proof:?}");
}

#[test]
fn each_client_has_a_zone_of_its_own_and_another_one_while_that_is_down() {
    let regions = Regions::start();
    let home = home(regions.port, "", "      one_zone: true\n");
    let server = Server::start(&home);
    let client = |number: u8| format!("10.81.{number}.0/24");
    let zone_of = |number: u8| {
        let reply = server.ask(&format!("api.example.com. A from {}", client(number)));
        let [record] = &reply.answers[..] else { panic!("{reply} has not one record") };
        record.data.to_string()
    };
    let own: Vec<String> = (0..32).map(zone_of).collect();
    for zone in ["127.7.1.1", "127.7.1.2"] {
        assert!(own.iter().filter(|one| *one == zone).count() >= 8, "{zone} has too few: {own:?}");
    }
    assert_eq!((0..32).map(zone_of).collect::<Vec<_>>(), own, "a client keeps its zone");
    let zones = home.zones();
    let question =
        ["explain", "api.example.com", "--client", &client(0), "--config", zones.to_str().unwrap()];
    let letter = if own[0] == "127.7.1.1" { 'a' } else { 'b' };
    let text = meridian(&question).out;
    assert!(text.contains(&format!("tokyo, zone tokyo-{letter}")), "{text}");
    let all = || (0..32).map(zone_of).collect::<Vec<_>>();
    regions.break_("127.7.1.1");
    let has_moved = || all().iter().all(|zone| zone == "127.7.1.2").then_some(());
    wait_for("the clients of tokyo-a are in tokyo-b", has_moved);
    regions.heal("127.7.1.1");
    wait_for("they are back", || (all() == own).then_some(()));
}

#[test]
fn a_pin_answers_what_its_region_has_while_that_is_broken_and_only_to_whom_rules_permit_it() {
    let regions = Regions::start();
    let home = home(regions.port, "", "      pins: true\n");
    let server = Server::start(&home);
    let check = |question: &str, expected: &[&str]| {
        let reply = server.ask(question);
        let mut found: Vec<_> = reply.answers.iter().map(|record| record.data.to_string()).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{question}");
        reply
    };
    let pinned = || {
        check("tokyo.api.example.com. A from 10.81.7.0/24", &["127.7.1.1", "127.7.1.2"]);
        check("tokyo-b.tokyo.api.example.com. A from 10.81.7.0/24", &["127.7.1.2"]);
        check("tokyo-b.tokyo.api.example.com. AAAA from 10.81.7.0/24", &[]);
        check("Paris.api.example.com. A from 10.49.7.0/24", &["127.7.5.1"]);
        let refused = check("tokyo.api.example.com. A from 10.49.7.0/24", &[]);
        assert_eq!(refused.metadata.response_code, ResponseCode::ServFail);
    };
    pinned();
    regions.break_("127.7.1.1");
    regions.break_("127.7.1.2");
    let moved = || regions_in(&server.ask("api.example.com. A from 10.81.7.0/24")) == ["osaka"];
    wait_for("tokyo has left", || moved().then_some(()));
    pinned();
    let zones = home.zones();
    let zones = zones.to_str().unwrap();
    let explain = |client: &str| {
        meridian(&["explain", "tokyo-a.tokyo.api.example.com", "--client", client, "--config", zones]).out
    };
    let text = explain("10.81.7.0/24");
    assert!(text.contains("IPv4        tokyo, zone tokyo-a\n"), "{text}");
    assert!(text.contains("a pin answers its addresses, whatever their health"), "{text}");
    let text = explain("10.49.7.0/24");
    assert!(text.contains("removed by residency rule 1: eu only in EU"), "{text}");
    let ran = meridian(&["check", zones]);
    let line = "    pins: tokyo.api.example.com. and 12 more, whatever their health\n";
    assert!(ran.out.contains(line), "{ran:?}");
    let proof = meridian(&["prove", zones]);
    assert!(proof.code == 0 && proof.out.contains("every pin: "), "{proof:?}");
}

#[test]
fn https_records_lead_to_the_pin_of_the_next_region_that_the_client_may_be_sent_to_and_that_is_up() {
    let regions = Regions::start();
    let home = home(regions.port, "", "      pins: true\n");
    home.edit("api.example.com.yaml", "https: { alpn: [h2] }", "https: { alpn: [h2], failover: true }");
    let server = Server::start(&home);
    let records = |client: &str| {
        let reply = server.ask(&format!("api.example.com. HTTPS from {client}"));
        let mut records: Vec<_> = reply.answers.iter().map(|record| record.data.to_string()).collect();
        records.sort_unstable();
        records
    };
    let check = |client: &str, next: &str| {
        let found = records(client);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("1 . alpn=") && found[0].contains("ipv4hint="), "{found:?}");
        assert!(found[1].starts_with(&format!("2 {next}.api.example.com. alpn=")), "{found:?}");
        assert!(!found[1].contains("hint="), "{found:?}");
    };
    check("10.81.7.0/24", "osaka");
    check("10.49.7.0/24", "paris");
    regions.break_("127.7.5.1");
    let is_alone = || (records("10.49.7.0/24").len() == 1).then_some(());
    wait_for("no other region is permitted to clients of the EU", is_alone);
    let zones = home.zones();
    let question = [
        "explain",
        "api.example.com",
        "--client",
        "10.81.7.0/24",
        "--type",
        "HTTPS",
        "--config",
        zones.to_str().unwrap(),
    ];
    let text = meridian(&question).out;
    assert!(text.contains("HTTPS records name it after the chosen one: "), "{text}");
}

#[test]
fn regions_that_are_equally_near_share_their_clients_and_the_clients_of_one_that_leaves() {
    let regions = Regions::start();
    let home = home(regions.port, "    capacity: 300\n", "      spread: 500 km\n");
    let law = "    jurisdiction: JP\n    zones:\n      osaka-a";
    home.edit("regions.yaml", law, &law.replacen("    zones", "    capacity: 100\n    zones", 1));
    let server = Server::start(&home);
    let of = |number: u8| {
        let reply = server.ask(&format!("api.example.com. A from 10.81.{number}.0/24"));
        let [region] = regions_in(&reply)[..] else { panic!("{reply} is not of one region") };
        region
    };
    let all = || (0..64).map(of).collect::<Vec<_>>();
    let own = all();
    let tokyo = own.iter().filter(|region| **region == "tokyo").count();
    assert!(own.iter().all(|region| ["tokyo", "osaka"].contains(region)), "{own:?}");
    assert!((36..=58).contains(&tokyo), "about three in four: {own:?}");
    assert_eq!(all(), own, "a client keeps its region");
    let far = server.ask("api.example.com. A from 10.49.7.0/24");
    assert!(["frankfurt", "paris"].contains(&regions_in(&far)[0]), "{far}");
    let zones = home.zones();
    let zones = zones.to_str().unwrap();
    let ran = meridian(&["check", zones]);
    assert!(ran.out.contains("clients shared by regions that are at most 500 km farther\n"), "{ran:?}");
    let client = "10.81.0.0/24";
    let text = meridian(&["explain", "api.example.com", "--client", client, "--config", zones]).out;
    assert!(text.contains("as near as the chosen one, and the client is drawn for that"), "{text}");
    let proof = meridian(&["prove", zones]);
    assert_eq!(proof.code, 0, "{proof:?}");
    regions.break_("127.7.2.1");
    wait_for("the clients of osaka are in tokyo", || all().iter().all(|one| *one == "tokyo").then_some(()));
    regions.heal("127.7.2.1");
    wait_for("they are back", || (all() == own).then_some(()));
}

#[test]
fn a_service_that_is_down_behind_an_address_moves_its_names_and_leaves_those_of_the_other_port() {
    let [shallow, batch] = [Regions::start(), Regions::start()];
    let home = Home::new(shallow.port);
    for zone in ["tokyo-a", "osaka-a"] {
        let zones = format!("    zones:\n      {zone}:");
        home.edit(
            "regions.yaml",
            &zones,
            &format!("    services: {{ batch: {{ canaries: [batch] }} }}\n{zones}"),
        );
    }
    let canary = format!(
        "canaries:\n  batch: {{ http: {{ url: 'http://{{address}}:{}/health' }}, interval: 500ms, timeout: 450ms, recheck: 50ms, \
         fall: 3, rise: 2 }}\n",
        batch.port
    );
    home.edit("regions.yaml", "canaries:\n  shallow:", &format!("{canary}  shallow:"));
    let names = "names:\n  batch: { steer: { regions: [tokyo, osaka], order: listed, service: batch } }\n";
    home.edit("api.example.com.yaml", "names:\n", names);
    let server = Server::start(&home);
    let both = || {
        let of = |name: &str| regions_in(&server.ask(&format!("{name} A from 10.81.7.0/24"))).join(" ");
        [of("api.example.com."), of("batch.api.example.com.")]
    };
    wait_for("both are at home", || (both() == ["tokyo", "tokyo"]).then_some(()));
    batch.break_("tokyo");
    wait_for("the names of the broken service have moved", || {
        let [api, batch] = both();
        assert_eq!(api, "tokyo", "the other port is well");
        (batch == "osaka").then_some(())
    });
    server.process.line("tokyo:batch/tokyo-a/127.7.1.1 is down: batch failed 3 times in a row");
    batch.heal("tokyo");
    shallow.break_("tokyo");
    wait_for("it is the other way round", || (both() == ["osaka", "tokyo"]).then_some(()));
}
