//! Instances that judge health together, over loopback.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::home::Home;
use crate::region::Regions;
use crate::run::meridian;
use crate::server::{Server, wait_for};

/// A client that is nearest to Tokyo, and then to Osaka.
const JAPAN: &str = "10.81.7.0/24";

const SECRET: &str = "fedcba9876543210fedcba98";

/// How long a region that answers with status 503 may stay in the answers of one instance: an interval, and two
/// rechecks, each with its timeout, on a machine that is busy with other tests.
const WITHIN: Duration = Duration::from_secs(5);

/// How far apart instances may switch.
const TOGETHER: Duration = Duration::from_secs(2);

/// One instance, by its place.
struct One {
    name: String,
    admin: String,
    home: Home,
    server: Option<Server>,
}

/// Several instances, and the services that all probe, each with its name as the `Host`.
struct Group {
    all: Vec<One>,
    regions: Regions,
}

/// Returns a port of loopback on which nothing listens: instances name those of each other before they start.
fn free_ports(count: usize) -> Vec<u16> {
    let listeners: Vec<_> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect()
}

impl One {
    fn new(name: &str, port: u16, others: &[(String, u16)], rules: &str, canary_port: u16) -> Self {
        let home = Home::new(canary_port);
        home.edit("server.yaml", "name: it", &format!("name: {name}"));
        home.edit("regions.yaml", "host: api.example.com", &format!("host: {name}.example.com"));
        let others: Vec<_> = others
            .iter()
            .map(|(name, port)| format!("    - {{ name: {name}, url: \"http://127.0.0.1:{port}\" }}\n"))
            .collect();
        let peers = format!(
            "admin: \"127.0.0.1:{port}\"\npeers:\n  instances:\n{}  secret: {{ file: ../secret }}\n{rules}geo:\n",
            others.concat()
        );
        home.edit("server.yaml", "geo:\n", &peers);
        fs::write(home.path("secret"), SECRET).unwrap();
        Self { name: name.to_owned(), admin: format!("127.0.0.1:{port}"), home, server: None }
    }

    fn start(&mut self) {
        self.server = Some(Server::start(&self.home));
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    fn kill(&mut self) {
        self.server().process.signal("KILL");
        self.server = None;
    }

    fn is_at(&self, region: &str) -> bool {
        self.server().regions(JAPAN) == [region]
    }

    fn status(&self) -> Value {
        let reply = get(&self.admin, "/status", "");
        let (_, body) = reply.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no body: {reply}"));
        serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {reply}"))
    }

    /// Returns the state of a peer as it is seen here.
    fn state_of(&self, peer: &str) -> (String, String) {
        let status = self.status();
        let peers = status["peers"].as_array().expect("a list").clone();
        let found = peers.into_iter().find(|found| found["name"] == peer).expect("it is configured");
        let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
        (text("state"), text("trouble"))
    }

    fn hears(&self, peer: &str) {
        wait_for(&format!("{} to hear {peer}", self.name), || {
            (self.state_of(peer).0 == "heard").then_some(())
        });
    }
}

impl Group {
    /// Starts so many instances, and waits until all hear each other and send Japan to Tokyo.
    fn start(count: usize, rules: &str) -> Self {
        let mut group = Self::prepared(count, rules);
        group.all.iter_mut().for_each(One::start);
        group.settle();
        group
    }

    fn prepared(count: usize, rules: &str) -> Self {
        let regions = Regions::start();
        let named: Vec<_> = (1..).map(|number| format!("ns{number}")).zip(free_ports(count)).collect();
        let one = |(name, port): &(String, u16)| {
            let others: Vec<_> = named.iter().filter(|(other, _)| other != name).cloned().collect();
            One::new(name, *port, &others, rules, regions.port)
        };
        Self { all: named.iter().map(one).collect(), regions }
    }

    fn settle(&self) {
        for one in &self.all {
            for other in self.all.iter().filter(|other| other.name != one.name) {
                one.hears(&other.name);
            }
            one.server().settles(&[(JAPAN, "tokyo")]);
        }
    }

    /// Waits until all that run send Japan to this region, and returns when each did first.
    fn switches(&self, region: &str) -> Vec<Duration> {
        let begin = Instant::now();
        let mut at: Vec<Option<Duration>> = vec![None; self.all.len()];
        wait_for(&format!("everyone at {region}"), || {
            for (one, at) in self.all.iter().zip(&mut at) {
                if at.is_none() && (one.server.is_none() || one.is_at(region)) {
                    *at = Some(begin.elapsed());
                }
            }
            at.iter().all(Option::is_some).then_some(())
        });
        at.into_iter().flatten().collect()
    }

    /// Holds that nobody moves for a while.
    fn stays(&self, region: &str, lasting: Duration) {
        let begin = Instant::now();
        while begin.elapsed() < lasting {
            for one in &self.all {
                assert_eq!(one.server().regions(JAPAN), [region], "{} after {:?}", one.name, begin.elapsed());
            }
        }
    }

    fn check_together(&self, at: &[Duration]) {
        let (first, last) = (at.iter().min().expect("one at least"), at.iter().max().expect("one at least"));
        assert!(*last <= WITHIN, "{at:?}");
        assert!(*last - *first <= TOGETHER, "{at:?}");
    }
}

#[test]
fn two_instances_switch_together_when_a_region_dies_and_back_when_it_lives() {
    let group = Group::start(2, "");
    group.regions.break_("tokyo");
    group.check_together(&group.switches("osaka"));
    group.regions.heal("tokyo");
    group.check_together(&group.switches("tokyo"));
}

#[test]
fn a_path_that_one_of_two_has_lost_moves_no_client_and_is_told_with_who_sees_what() {
    let group = Group::start(2, "  disagreement_after: 2s\n");
    group.regions.break_for("tokyo", Some("ns1.example.com"));
    let [one, other] = &group.all[..] else { panic!("two") };
    let told = "down from ns1; up from ns2; 2 must see it down, and its clients stay";
    for instance in [one, other] {
        instance.server().process.line(told);
    }
    group.stays("tokyo", Duration::from_secs(2));
    let tokyo = one.status()["regions"][0]["ipv4"].clone();
    assert_eq!(tokyo["observers"], "down from ns1; up from ns2", "{tokyo}");
    assert_eq!(tokyo["suppression"], "1 observer sees it down, and 2 must (`peers.down_quorum`)", "{tokyo}");
    let explained = meridian(&["explain", "api.example.com", "--client", JAPAN, "--admin", &one.admin]);
    assert!(explained.out.contains("stays: 1 observer sees it down"), "{explained:?}");
    let page = get(&one.admin, "/metrics", "");
    assert!(page.contains("meridian_region_disputed{region=\"tokyo\",family=\"ipv4\"} 1"), "{page}");
    group.regions.break_for("tokyo", None);
    for instance in [one, other] {
        instance.server().process.line("observers agree on tokyo (IPv4) again");
    }
}

#[test]
fn of_three_two_decide_for_the_third_that_sees_nothing_wrong() {
    let group = Group::start(3, "");
    group.regions.break_for("tokyo", Some("ns1.example.com"));
    group.all[0].server().process.line("127.7.1.1 is down");
    group.stays("tokyo", Duration::from_secs(2));
    group.regions.break_for("tokyo", None);
    wait_for("ns1 to see it again", || {
        group.all[0].status()["regions"][0]["ipv4"]["observers"].is_null().then_some(())
    });
    group.regions.break_("tokyo");
    group.check_together(&group.switches("osaka"));
}

#[test]
fn when_the_other_is_gone_this_one_waits_for_it_and_then_judges_alone() {
    let mut group = Group::start(2, "  alone_after: 6s\n");
    group.all[1].kill();
    let killed = Instant::now();
    group.regions.break_("tokyo");
    let one = &group.all[0];
    one.server().process.line("127.7.1.1 is down");
    wait_for("ns2 to be missed", || (one.state_of("ns2").0 == "silent").then_some(()));
    let while_silent = one.is_at("tokyo");
    assert!(while_silent || killed.elapsed() >= Duration::from_secs(6), "it did not wait");
    one.server().process.line("peer ns2 has not been heard for 6");
    one.server().settles(&[(JAPAN, "osaka")]);
    assert!(killed.elapsed() >= Duration::from_secs(5), "{:?}", killed.elapsed());
    // The status is a tenth of a second behind the log.
    wait_for("ns2 to be lost", || (one.state_of("ns2").0 == "lost").then_some(()));
    let page = meridian(&["status", "--admin", &one.admin]);
    assert!(page.out.contains("peers\n  ns2  lost since "), "{page:?}");
    group.all[1].start();
    group.all[0].hears("ns2");
    group.all[0].server().process.line("peer ns2 is heard again");
    group.all[1].server().settles(&[(JAPAN, "osaka")]);
    assert!(group.all[0].is_at("osaka"), "one that comes back brings nothing back");
}

/// The backup is from before the outage that the other instance has seen since.
#[test]
fn one_that_is_lost_and_restored_takes_newer_facts_from_the_other() {
    let mut group = Group::start(2, "  alone_after: 2s\n");
    let (file, zones) = (group.all[1].home.path("one.backup"), group.all[1].home.zones());
    let [file, zones] = [&file, &zones].map(|path| path.to_str().unwrap().to_owned());
    let ran = meridian(&["backup", &file, &zones]);
    assert_eq!(ran.code, 0, "{ran:?}");
    group.all[1].kill();
    for lost in ["zones", "state"] {
        fs::remove_dir_all(group.all[1].home.path(lost)).unwrap();
    }
    group.regions.break_("tokyo");
    group.all[0].server().settles(&[(JAPAN, "osaka")]);
    let ran = meridian(&["restore", &file, &zones]);
    assert_eq!(ran.code, 0, "{ran:?}");
    group.all[1].start();
    group.all[1].hears("ns1");
    group.all[0].hears("ns2");
    for one in &group.all {
        one.server().settles(&[(JAPAN, "osaka")]);
    }
    group.stays("osaka", Duration::from_secs(1));
}

#[test]
fn one_that_is_killed_and_starts_again_is_told_everything_anew() {
    let mut group = Group::start(2, "");
    group.regions.break_("tokyo");
    group.switches("osaka");
    group.all[1].kill();
    assert!(group.all[0].is_at("osaka"), "the last verdict stands");
    group.all[1].start();
    let begin = Instant::now();
    group.all[0].hears("ns2");
    group.all[1].hears("ns1");
    for one in &group.all {
        one.server().settles(&[(JAPAN, "osaka")]);
    }
    group.stays("osaka", Duration::from_secs(1));
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
    group.regions.heal("tokyo");
    group.switches("tokyo");
}

#[test]
fn a_wrong_secret_and_a_name_that_is_not_the_one_are_refused_with_one_line_on_each_side() {
    let mut group = Group::prepared(2, "");
    fs::write(group.all[1].home.path("secret"), "another-secret-0123456789ab").unwrap();
    group.all.iter_mut().for_each(One::start);
    let [one, other] = &group.all[..] else { panic!("two") };
    one.server()
        .process
        .line("peer ns2: it refuses: the secret of `peers` in server.yaml is another one here");
    let refused = "a peer at 127.0.0.1 is refused";
    other
        .server()
        .process
        .line(&format!("{refused}: the secret of `peers` in server.yaml is another one here"));
    wait_for("several refusals", || {
        let page = get(&other.admin, "/metrics", "");
        let counts = page.lines().filter_map(|line| {
            line.strip_prefix("meridian_admin_refusals_total{why=\"wrong_token\"} ")?.parse::<u32>().ok()
        });
        (counts.sum::<u32>() >= 3).then_some(())
    });
    let lines = other.server().process.lines();
    assert_eq!(lines.iter().filter(|line| line.contains(refused)).count(), 1, "{lines:#?}");
    wait_for("the reason in `status`", || {
        let (state, trouble) = one.state_of("ns2");
        (state == "silent" && trouble.contains("is another one here")).then_some(())
    });
    let lines = one.server().process.lines();
    assert_eq!(lines.iter().filter(|line| line.contains("peer ns2: it refuses")).count(), 1, "{lines:#?}");
    let page = get(&other.admin, "/metrics", "");
    assert!(page.contains("meridian_admin_refusals_total{why=\"wrong_token\"}"), "{page}");
    assert!(page.contains("meridian_peer_heard{peer=\"ns1\"} 0"), "{page}");
}

#[test]
fn who_is_no_peer_or_speaks_another_protocol_gets_no_stream() {
    let mut group = Group::prepared(2, "");
    group.all[0].start();
    let one = &group.all[0];
    let ask = |name: &str, protocol: &str, secret: &str| {
        let headers = format!(
            "Meridian-Peer: {name}\r\nMeridian-Peer-Protocol: {protocol}\r\nAuthorization: Bearer {secret}\r\n"
        );
        get(&one.admin, "/peers/stream", &headers)
    };
    for (name, protocol, secret, expected) in [
        ("ns2", "1", "wrong", "401"),
        ("ns9", "1", SECRET, "`ns9` is not among the `peers` of `ns1`"),
        ("ns1", "1", SECRET, "this instance is called `ns1` as well"),
        ("ns2", "9", SECRET, "version 9 of the protocol is not understood by `ns1`, which speaks 1"),
        ("ns2", "", SECRET, "version  of the protocol is not understood"),
    ] {
        let reply = ask(name, protocol, secret);
        assert!(reply.contains(expected), "{name} {protocol}: {reply}");
    }
    one.server().process.line("a peer at 127.0.0.1 is refused: `ns9` is not among the `peers` of `ns1`");
    let page = get(&one.admin, "/metrics", "");
    for why in ["peer_unknown", "peer_same_name", "peer_protocol"] {
        assert!(page.contains(&format!("meridian_admin_refusals_total{{why=\"{why}\"}}")), "{why}: {page}");
    }
}

#[test]
fn a_stream_has_a_greeting_all_facts_and_a_heartbeat_each_second() {
    let mut group = Group::prepared(2, "");
    group.all[0].start();
    let mut lines = stream(&group.all[0].admin, "ns2");
    let hello = lines.next().expect("a greeting");
    assert_eq!(hello["hello"]["name"], "ns1", "{hello}");
    let state = lines.next().expect("the state");
    let facts = state["state"]["facts"].as_array().expect("facts");
    assert!(facts.iter().any(|fact| fact["region"] == "tokyo" && fact["canary"] == "shallow"), "{state}");
    let first = state["sequence"].as_u64().expect("a number");
    let begin = Instant::now();
    let mut beats = 0;
    for sequence in first + 1.. {
        let line = lines.next().expect("it goes on");
        assert_eq!(line["sequence"], sequence, "{line}");
        beats += u32::from(!line["alive"].is_null());
        if begin.elapsed() > Duration::from_secs(3) {
            break;
        }
    }
    assert!(beats >= 2, "{beats} heartbeats in 3 s");
}

/// What a peer that is not one tells in the place of ns2.
enum Lie {
    /// A line that never ends.
    Endless,
    Nonsense,
    /// It greets as another one.
    Name,
    /// Nothing, not even a head.
    Silence,
}

/// Answers every request for a stream with a lie.
fn lie(listener: TcpListener, lie: Lie) {
    for mut stream in listener.incoming().flatten() {
        let mut head = [0; 4096];
        let _ = stream.read(&mut head);
        let ok = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n";
        let _ = match lie {
            Lie::Endless => {
                let _ = stream.write_all(ok.as_bytes());
                let chunk = [b'x'; 64 << 10];
                while stream.write_all(&chunk).is_ok() {}
                Ok(())
            }
            Lie::Nonsense => stream.write_all(format!("{ok}what?\n").as_bytes()),
            Lie::Name => {
                let hello = r#"{"sequence":0,"hello":{"protocol":1,"name":"ns7","version":"9","boot":"x","configuration":""}}"#;
                stream.write_all(format!("{ok}{hello}\n").as_bytes())
            }
            Lie::Silence => {
                std::thread::sleep(Duration::from_secs(4));
                Ok(())
            }
        };
    }
}

#[test]
fn a_peer_that_lies_floods_or_hangs_is_cut_off_with_a_reason_and_answers_go_on() {
    for (kind, expected) in [
        (Lie::Endless, "peer ns2: it tells a line of more than 262144 octets"),
        (Lie::Nonsense, "peer ns2: it tells a line that makes no sense"),
        (Lie::Name, "peer ns2: it is called `ns7`, and not `ns2`"),
        (Lie::Silence, "peer ns2: it does not answer"),
    ] {
        let mut group = Group::prepared(2, "");
        let listener = TcpListener::bind(&group.all[1].admin).unwrap();
        std::thread::spawn(move || lie(listener, kind));
        group.all[0].start();
        let one = &group.all[0];
        one.server().process.line(expected);
        one.server().settles(&[(JAPAN, "tokyo")]);
        assert_eq!(one.state_of("ns2").0, "silent");
    }
}

/// Sends one request, and returns all that is answered.
fn get(admin: &str, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(admin).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n{headers}\r\n").unwrap();
    let mut reply = String::new();
    let _ = stream.read_to_string(&mut reply);
    reply
}

/// Opens a stream as a peer does, and returns its lines.
fn stream(admin: &str, name: &str) -> impl Iterator<Item = Value> {
    let mut stream = TcpStream::connect(admin).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(
        stream,
        "GET /peers/stream HTTP/1.0\r\nMeridian-Peer: {name}\r\nMeridian-Peer-Protocol: 1\r\n\
         Authorization: Bearer {SECRET}\r\n\r\n"
    )
    .unwrap();
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    lines
        .skip_while(|line| !line.is_empty())
        .skip(1)
        .map(|line| serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}")))
}

#[test]
fn a_drain_at_one_of_two_peers_says_that_the_other_has_to_be_asked_too() {
    let mut group = Group::prepared(2, "");
    let one = &group.all[0];
    let token = one.home.path("alice");
    fs::write(&token, "alice-alice-alice-alice-alice").unwrap();
    let access = "access: { tokens: [{ name: alice, role: operate, file: ../alice }] }\npeers:\n";
    one.home.edit("server.yaml", "peers:\n", access);
    group.all.iter_mut().for_each(One::start);
    group.settle();
    let token = token.to_str().expect("text");
    let drain =
        ["drain", "tokyo", "--reason", "a test", "--admin", &group.all[0].admin, "--token-file", token];
    let tried = meridian(&[&drain[..], &["--dry-run"]].concat());
    assert!(tried.code == 0 && !tried.err.contains("alone"), "{tried:?}");
    let drained = meridian(&drain);
    assert_eq!(drained.code, 0, "{drained:?}");
    assert!(drained.err.contains("that instance alone has it: ask ns2, too"), "{drained:?}");
}
