//! `serve --replace`: another process takes over, and no client notices.

use std::net::{SocketAddr, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::ask;
use crate::home::Home;
use crate::intents::Operated;
use crate::region::Regions;
use crate::server::{Process, Server, wait_for};

/// A client that is nearest to Tokyo.
const JAPAN: &str = "10.81.7.0/24";

/// How long a reply may take on a busy machine, before the query counts as lost: no query is sent twice.
const LOST_AFTER: Duration = Duration::from_secs(20);

/// Clients that ask one query after the other until they are told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(server: SocketAddr) -> Self {
        let (stop, answered) = <(Arc<AtomicBool>, Arc<AtomicUsize>)>::default();
        let clients = (0..4).map(|client| {
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            thread::spawn(move || {
                let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
                socket.connect(server).unwrap();
                socket.set_read_timeout(Some(LOST_AFTER)).unwrap();
                let (query, mut reply) = (ask::query(&format!("api.example.com. A from {JAPAN}")), [0; 512]);
                while !stop.load(Ordering::Relaxed) {
                    socket.send(&query).unwrap();
                    let length =
                        socket.recv(&mut reply).unwrap_or_else(|error| panic!("client {client}: {error}"));
                    assert_eq!(ask::rcode(&reply[..length]), 0);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        });
        Self { clients: clients.collect(), stop, answered }
    }

    /// Waits until so many more queries were answered.
    fn goes_on(&self) {
        let before = self.answered.load(Ordering::Relaxed);
        wait_for("answers", || (self.answered.load(Ordering::Relaxed) > before + 200).then_some(()));
    }

    /// Stops, and returns how many queries were answered; all were.
    fn end(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.clients.into_iter().for_each(|client| client.join().expect("no query is lost"));
        self.answered.load(Ordering::Relaxed)
    }
}

/// Writes the addresses that a server has chosen into its configuration, as operators state them.
fn fix_addresses(Operated { server, admin, home, .. }: &Operated) {
    home.edit("server.yaml", "dns: [\"127.0.0.1:0\"]", &format!("dns: [\"{}\"]", server.dns));
    let admin = admin.trim_start_matches("http://").trim_end_matches('/');
    home.edit("server.yaml", "admin: \"127.0.0.1:0\"", &format!("admin: \"{admin}\""));
    server.process.line("restart");
}

fn successor(home: &Home) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meridian"));
    command.args(["serve", "--replace", "--config"]).arg(home.zones());
    command
}

#[test]
fn under_load_one_process_after_the_other_takes_over_and_no_query_is_lost_nor_health_nor_intents() {
    let mut operated = Operated::start();
    fix_addresses(&operated);
    operated.regions.break_("tokyo");
    operated.server.settles(&[(JAPAN, "osaka")]);
    operated.succeeds("drain frankfurt --reason maintenance --for 1h");
    let load = Load::start(operated.server.dns);
    for _ in 0..3 {
        load.goes_on();
        let next = Server::of(Process::start(&mut successor(&operated.home)));
        next.process.line("is still out of the IPv4 answers");
        assert_eq!(next.regions(JAPAN), ["osaka"]);
        let mut last = std::mem::replace(&mut operated.server, next);
        let status = last.process.wait_at_most(Duration::from_secs(30));
        assert!(status.success(), "{status}");
        let next = operated.server.process.id();
        last.process.line(&format!("process {next} goes on in place of this one"));
    }
    load.goes_on();
    assert!(load.end() > 800);
    assert_eq!(operated.server.regions(JAPAN), ["osaka"]);
    assert!(operated.page("/intents").contains("frankfurt"), "{}", operated.page("/intents"));
    operated.succeeds("lift 1");
}

#[test]
fn a_successor_that_cannot_start_leaves_the_running_server_as_it_was() {
    let operated = Operated::start();
    fix_addresses(&operated);
    let Operated { server, home, .. } = &operated;
    // Found when the configuration is read, and when all sockets are handed over already.
    let secret = "webhooks: [{ name: chat, url: \"http://127.0.0.1:9/\", secret_file: ../missing }]\ngeo:\n";
    for (from, to, code) in [("geo:\n", "nonsense: 1\ngeo:\n", 2), ("nonsense: 1\ngeo:\n", secret, 2)] {
        home.edit("server.yaml", from, to);
        let mut failed = Process::start(&mut successor(home));
        let status = failed.wait_at_most(Duration::from_secs(30));
        assert_eq!(status.code(), Some(code), "{:?}", failed.lines());
    }
    server.settles(&[(JAPAN, "tokyo")]);
    // And it can still be replaced.
    home.edit("server.yaml", secret, "geo:\n");
    let next = Server::of(Process::start(&mut successor(home)));
    next.process.line("admin pages on ");
    assert_eq!(next.regions(JAPAN), ["tokyo"]);
}

#[test]
fn without_a_server_to_replace_it_says_so_and_does_not_start() {
    let regions = Regions::start();
    let home = Home::new(regions.port);
    let mut alone = Process::start(&mut successor(&home));
    assert_eq!(alone.wait_at_most(Duration::from_secs(30)).code(), Some(1));
    alone.line("no server that could be replaced runs on the state directory");
    home.edit("server.yaml", "state: ../state\n", "");
    let mut stateless = Process::start(&mut successor(&home));
    assert_eq!(stateless.wait_at_most(Duration::from_secs(30)).code(), Some(1));
    stateless.line("name one in `state` in server.yaml");
}

#[test]
fn a_supervisor_hears_when_queries_are_answered_by_which_process_and_that_the_writer_lives() {
    let regions = Regions::start();
    let home = Home::new(regions.port);
    let path = home.path("notify");
    let supervisor = UnixDatagram::bind(&path).unwrap();
    supervisor.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let heard = |expected: &str| {
        let mut buffer = [0; 256];
        wait_for(expected, || {
            let length = supervisor.recv(&mut buffer).unwrap();
            String::from_utf8_lossy(&buffer[..length]).contains(expected).then_some(())
        });
    };
    let server = Server::start_with(&home, &[("NOTIFY_SOCKET", path.to_str().unwrap())]);
    heard(&format!("MAINPID={}\nREADY=1", server.process.id()));
    heard("WATCHDOG=1");
    server.process.signal("TERM");
    heard("STOPPING=1");
}
