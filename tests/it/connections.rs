//! DNS over TCP: requests sent ahead, times, limits, and clients that hurt.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use crate::ask::{self, Over, lines, query};
use crate::home::Home;
use crate::region::Regions;
use crate::server::{DEADLINE, Process, Server, wait_for};

const QUESTION: &str = "status.api.example.com. A from 192.0.2.0/24";

fn home(tcp: &str) -> Home {
    let home = Home::new(Regions::start().port);
    home.edit("server.yaml", "listen:\n", &format!("listen:\n  tcp: {{ {tcp} }}\n"));
    home
}

fn start(tcp: &str) -> (Server, Home) {
    let home = home(tcp);
    (Server::start(&home), home)
}

/// A connection.
struct Client(TcpStream);

impl Client {
    fn connect(server: &Server) -> Self {
        Self::connect_to(server.dns)
    }

    fn connect_to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        Self(stream)
    }

    fn send(&mut self, requests: &[Vec<u8>]) {
        let framed = |request: &Vec<u8>| [&(request.len() as u16).to_be_bytes(), &request[..]].concat();
        self.0.write_all(&requests.iter().flat_map(framed).collect::<Vec<u8>>()).unwrap();
    }

    /// Returns the next reply; `None`: the server has closed the connection.
    fn receive(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 2];
        match self.0.read_exact(&mut length) {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {
                return None;
            }
            Err(error) => panic!("neither a reply nor an end: {error}"),
        }
        let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
        self.0.read_exact(&mut reply).unwrap();
        Some(reply)
    }

    fn ask(&mut self) -> bool {
        self.send(&[query(QUESTION)]);
        self.receive().is_some_and(|reply| ask::rcode(&reply) == 0)
    }
}

#[test]
fn requests_that_are_sent_ahead_are_all_answered() {
    let (server, _home) = start("idle: 10s");
    let mut client = Client::connect(&server);
    let numbered = |number: u16| [&number.to_be_bytes(), &query(QUESTION)[2..]].concat();
    client.send(&(0..500).map(numbered).collect::<Vec<_>>());
    for number in 0..500u16 {
        let reply = client.receive().expect("a reply");
        assert_eq!(reply[..2], number.to_be_bytes());
        assert_eq!(ask::rcode(&reply), 0);
    }
}

#[test]
fn a_client_that_asks_is_told_how_long_a_connection_may_be_idle_and_only_over_tcp() {
    let (server, _home) = start("idle: 30s");
    // The option stands behind the client subnet; the OPT record's length is two octets before those 11.
    let mut request = query(QUESTION);
    let at = request.len() - 12;
    request[at] += 4;
    request.extend([0, 11, 0, 0]);
    let option = [0, 11, 0, 2, 300u16.to_be_bytes()[0], 300u16.to_be_bytes()[1]];
    let has_it = |reply: Vec<u8>| reply.windows(6).any(|octets| octets == option);
    assert!(has_it(ask::send(server.dns, &request, Over::Tcp).expect("a reply")));
    assert!(!has_it(ask::send(server.dns, &request, Over::Udp).expect("a reply")));
    assert!(!has_it(ask::send(server.dns, &query(QUESTION), Over::Tcp).expect("a reply")));
}

#[test]
fn an_idle_connection_is_closed_and_so_is_one_whose_request_never_becomes_whole() {
    let (server, _home) = start("idle: 1s");
    let mut idle = Client::connect(&server);
    let mut slow = Client::connect(&server);
    assert!(idle.ask() && slow.ask());
    slow.0.write_all(&[0]).unwrap();
    assert_eq!(idle.receive(), None);
    assert_eq!(slow.receive(), None);
    // A half-closed peer gets its reply first.
    let mut half = Client::connect(&server);
    half.send(&[query(QUESTION)]);
    half.0.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(half.receive().is_some());
    assert_eq!(half.receive(), None);
}

#[test]
fn beyond_the_limit_for_one_network_its_oldest_idle_connection_makes_room() {
    let (server, _home) = start("per_client: 2, idle: 5m");
    let (mut first, mut second) = (Client::connect(&server), Client::connect(&server));
    assert!(first.ask());
    // Its thread is a nice one, and on a busy machine it notes some time after the reply that the connection is idle.
    std::thread::sleep(Duration::from_secs(2));
    assert!(second.ask());
    // While the second is still being served it is not idle, and a third may be turned away.
    wait_for("a third that is answered", || Client::connect(&server).ask().then_some(()));
    assert_eq!(first.receive(), None, "it was idle for the longest time");
    assert!(second.ask());
}

#[test]
fn clients_that_never_read_keep_no_other_waiting_and_are_closed() {
    let home = home("idle: 5m");
    let text: Vec<String> = (0..120).map(|number| format!("'{number:0>240}'")).collect();
    let many = format!("big: {{ TXT: [{}] }}\n  status: {{", text.join(", "));
    home.edit("api.example.com.yaml", "status: {", &many);
    let server = Server::start(&home);
    let flood: Vec<Vec<u8>> = vec![query("big.api.example.com. TXT"); 1000];
    let mut deaf: Vec<Client> = (0..8).map(|_| Client::connect(&server)).collect();
    deaf.iter_mut().for_each(|client| client.send(&flood));
    assert!(Client::connect(&server).ask());
    assert_eq!(lines(&server.ask(QUESTION))[0], "NoError aa");
    // Whatever waits in the kernel is still read; then the connection is over, and not all was answered.
    let mut last = deaf.pop().expect("eight");
    // Three times what a client may leave a reply unread, for a machine that is busy.
    std::thread::sleep(Duration::from_secs(15));
    let mut answered = 0;
    while last.receive_some() {
        answered += 1;
    }
    assert!(answered < 1000, "{answered} replies were kept for a client that did not read");
}

impl Client {
    /// Returns whether another whole reply comes before the end, wherever that is.
    fn receive_some(&mut self) -> bool {
        let mut length = [0; 2];
        if self.0.read_exact(&mut length).is_err() {
            return false;
        }
        self.0.read_exact(&mut vec![0; usize::from(u16::from_be_bytes(length))]).is_ok()
    }
}

#[test]
fn two_thousand_idle_connections_leave_descriptors_for_everything_else() {
    let home = home("connections: 2000, per_client: 2000, idle: 5m");
    home.edit("server.yaml", "dns: [\"127.0.0.1:0\"]", "dns: [\"0.0.0.0:0\"]");
    let mut command = Command::new("sh");
    let run = format!(
        "ulimit -n 256; exec {} serve --config {}",
        env!("CARGO_BIN_EXE_meridian"),
        home.zones().display()
    );
    let process = Process::start(command.args(["-c", &run]));
    let line = process.line("answering DNS on ");
    let port = line.split(' ').find_map(|word| word.parse::<SocketAddr>().ok()).expect("an address").port();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    // Held in parts: the test has a limit of its own.
    let mut held = Vec::new();
    for _ in 0..2000 {
        held.push(Client::connect_to(address));
        if held.len() == 500 {
            held.drain(..250);
        }
    }
    // On a busy machine the kernel's queue of connections is full for a moment longer, and drops the next one.
    wait_for("a connection that is answered", || Client::connect_to(address).ask().then_some(()));
    assert_eq!(lines(&ask::ask(address, QUESTION, Over::Udp))[0], "NoError aa");
    // A reload needs descriptors, too.
    home.edit("api.example.com.yaml", "192.0.2.10", "192.0.2.11");
    wait_for("the reload", || {
        let reply = ask::ask(address, QUESTION, Over::Udp);
        lines(&reply).iter().any(|line| line.contains("192.0.2.11")).then_some(())
    });
    let logged = process.lines();
    assert!(!logged.iter().any(|line| line.contains("cannot accept")), "{logged:?}");
}
