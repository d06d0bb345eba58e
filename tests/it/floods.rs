//! Floods over UDP, from addresses of loopback that are not exempt.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use hickory_proto::op::Message;

use crate::ask::{self, Over, lines};
use crate::home::Home;
use crate::region::Regions;
use crate::server::{Server, wait_for};

const QUESTION: &str = "status.api.example.com. A";

/// Starts a server that exempts no network.
fn start(limits: &str) -> (Server, Home) {
    let home = Home::new(Regions::start().port);
    let more = format!("admin: \"127.0.0.1:0\"\nrate_limit: {limits}\nlisten:\n");
    home.edit("server.yaml", "listen:\n", &more);
    (Server::start(&home), home)
}

fn client(address: &str, server: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind((address, 0)).expect("an address of loopback");
    socket.connect(server).expect("loopback");
    socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a socket");
    socket
}

/// What came back of a flood.
#[derive(Debug, Default)]
struct Flood {
    full: usize,
    truncated: usize,
    octets: [usize; 2],
}

/// Sends so many queries a second for a second, and returns what came back.
fn flood(socket: &UdpSocket, query: &[u8], count: u32) -> Flood {
    socket.set_nonblocking(true).expect("a socket");
    let (start, mut flood, mut buffer) = (Instant::now(), Flood::default(), [0; 1500]);
    let mut take = |flood: &mut Flood| {
        while let Ok(length) = socket.recv(&mut buffer) {
            let is_truncated = buffer[2] & 2 != 0;
            *(if is_truncated { &mut flood.truncated } else { &mut flood.full }) += 1;
            flood.octets[1] += length;
        }
    };
    for number in 0..count {
        while start.elapsed() < Duration::from_secs(1) * number / count {
            std::thread::sleep(Duration::from_micros(200));
        }
        socket.send(query).expect("loopback takes it");
        flood.octets[0] += query.len();
        take(&mut flood);
    }
    std::thread::sleep(Duration::from_millis(300));
    take(&mut flood);
    flood
}

#[test]
fn a_flood_is_bounded_and_another_network_a_cookie_and_tcp_are_not() {
    let (server, _home) = start("{ exempt: [] }");
    let query = ask::query(QUESTION);
    let flood = flood(&client("127.1.1.1", server.dns), &query, 2000);
    // A burst of one second and the rate of another, and some of it again for each tenth that it took longer.
    assert!((300..=800).contains(&flood.full), "{flood:?}");
    assert!(flood.truncated > 300 && flood.truncated < 900, "{flood:?}");
    assert!(flood.octets[1] * 2 <= flood.octets[0] * 3, "{flood:?}");
    server.process.line("queries from 127.1.1.0/24 are over the rate limits");

    let asked = |address: &str, query: &[u8]| {
        let socket = client(address, server.dns);
        socket.send(query).expect("loopback takes it");
        let mut buffer = [0; 1500];
        let length = socket.recv(&mut buffer).expect("a reply");
        buffer[..length].to_vec()
    };
    let reply = Message::from_vec(&asked("127.1.2.1", &query)).expect("a message");
    assert!(!reply.metadata.truncation, "another network has its own account");
    assert_eq!(lines(&ask::ask(server.dns, QUESTION, Over::Tcp))[0], "NoError aa");
}

#[test]
fn a_client_with_a_cookie_is_told_so_while_its_network_is_limited_and_is_answered_with_it() {
    let (server, _home) = start("{ exempt: [], answers: 1, slip: 1 }");
    let socket = client("127.1.1.1", server.dns);
    let with = |cookie: &[u8]| {
        let mut query = ask::query(QUESTION);
        let length = u8::try_from(cookie.len()).expect("short");
        query[11] = 1;
        query.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 4 + length, 0, 10, 0, length]);
        query.extend(cookie);
        socket.send(&query).expect("loopback takes it");
        let mut buffer = [0; 1500];
        let length = socket.recv(&mut buffer).expect("a reply");
        buffer[..length].to_vec()
    };
    let first = with(b"cookie12");
    assert_eq!(ask::rcode(&first), 0, "within the limit");
    let limited = wait_for("BADCOOKIE", || Some(with(b"cookie12")).filter(|reply| ask::rcode(reply) == 23));
    let reply = Message::from_vec(&limited).expect("a message");
    assert!(reply.answers.is_empty() && !reply.metadata.truncation);
    let head = limited.windows(4).position(|window| window == [0, 10, 0, 24]).expect("a cookie");
    let cookie = limited[head + 4..head + 28].to_vec();
    (0..50).for_each(|_| assert_eq!(ask::rcode(&with(&cookie)), 0, "with a valid cookie"));
}

#[test]
fn a_reload_changes_the_limits() {
    let (server, home) = start("{ exempt: [], answers: 1, slip: 0 }");
    let query = ask::query(QUESTION);
    let socket = client("127.1.1.1", server.dns);
    assert!(flood(&socket, &query, 100).full <= 3);
    home.edit("server.yaml", "rate_limit: { exempt: [], answers: 1, slip: 0 }", "rate_limit: off");
    wait_for("no limits", || (flood(&socket, &query, 100).full == 100).then_some(()));
}
