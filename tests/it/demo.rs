//! `meridian demo`, as somebody who reads its page uses it.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use crate::ask::{self, Over};
use crate::run::meridian;
use crate::server::{Process, wait_for};

/// A client in Tokyo, and others all over the world.
const CLIENTS: [&str; 4] = ["133.11.0.0/24", "141.20.0.0/24", "128.146.0.0/24", "143.107.0.0/24"];

/// A running demo, with what its page says of it.
struct Demo {
    process: Process,
    dns: SocketAddr,
    control: String,
}

impl Demo {
    fn start() -> Self {
        // One address without its usual port is enough for all services to move to another; when this
        // fails, another demo has it already.
        let _held = TcpListener::bind("127.1.9.2:8080");
        let any = "127.0.0.1:0";
        let mut command = Command::new(env!("CARGO_BIN_EXE_meridian"));
        let process = Process::start(command.args(["demo", "--dns", any, "--admin", any, "--control", any]));
        let dig = process.line("dig @");
        let words: Vec<&str> = dig.split_whitespace().collect();
        let dns = format!("{}:{}", words[1].trim_start_matches('@'), words[3]);
        let break_ = process.line("demo break tokyo --control ");
        let control = break_.split_whitespace().skip_while(|word| *word != "--control").nth(1);
        let dns = dns.parse().expect("an address");
        // The page is printed right before the server listens.
        wait_for("the first answer", || ask::send(dns, &ask::query("api.example.com. TXT"), Over::Udp));
        Self { dns, control: control.expect("an address").to_owned(), process }
    }

    /// Returns the addresses that each client gets, in order.
    fn answers(&self) -> Vec<Vec<String>> {
        let answer = |client: &&str| {
            let reply = ask::ask(self.dns, &format!("api.example.com. A from {client}"), Over::Udp);
            let mut records: Vec<String> =
                reply.answers.iter().map(|record| record.data.to_string()).collect();
            records.sort_unstable();
            records
        };
        CLIENTS.iter().map(answer).collect()
    }

    /// Runs `demo break` or `demo heal`.
    fn set(&self, verb: &str, place: &str) {
        let ran = meridian(&["demo", verb, place, "--control", &self.control]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.out.contains(place), "{ran:?}");
    }

    /// Waits until the clients get these addresses.
    fn settles(&self, expected: [[&str; 2]; 4]) {
        wait_for(&format!("{expected:?}"), || (self.answers() == expected).then_some(()));
    }
}

#[test]
fn breaking_tokyo_moves_the_japanese_client_to_osaka_and_nobody_else_and_healing_brings_it_back() {
    let demo = Demo::start();
    let tokyo = ["127.1.1.1", "127.1.1.2"];
    let osaka = ["127.1.2.1", "127.1.2.2"];
    let frankfurt = ["127.1.5.1", "127.1.5.2"];
    let elsewhere = |japan| [japan, frankfurt, ["127.1.7.1", "127.1.7.2"], ["127.1.9.1", "127.1.9.2"]];
    demo.settles(elsewhere(tokyo));

    demo.set("break", "tokyo");
    wait_for("the Japanese client to leave Tokyo", || {
        let answers = demo.answers();
        assert_eq!(answers[1..], elsewhere(tokyo)[1..], "somebody else moved");
        (answers[0] == osaka).then_some(())
    });
    demo.process.line("tokyo left the IPv4 answers");

    demo.set("heal", "tokyo");
    demo.process.line("tokyo (IPv4) takes 10% of its clients");
    demo.settles(elsewhere(tokyo));
    demo.process.line("tokyo is back in the IPv4 answers");
}

#[test]
fn breaking_or_healing_without_a_demo_exits_with_one_and_says_how_to_start_it() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ran = meridian(&["demo", "break", "tokyo", "--control", &nobody.to_string()]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("start one with `meridian demo`"), "{ran:?}");
}
