//! What packets get that no resolver sends.

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

use crate::ask::{self, Over, lines, query};
use crate::home::Home;
use crate::region::Regions;
use crate::server::Server;

/// A question that is answered, to be changed.
const QUESTION: &str = "status.api.example.com. A from 192.0.2.0/24";

/// Where the client subnet's family, source and scope prefix length are, counted from the end of
/// [`QUESTION`] in bytes: family (2), source (1), scope (1), address (3).
const FAMILY: usize = 7;
const SOURCE: usize = 5;
const SCOPE: usize = 4;

fn start() -> (Server, Home) {
    let home = Home::new(Regions::start().port);
    (Server::start(&home), home)
}

/// Returns the bytes of the question after a change.
fn changed(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = query(QUESTION);
    change(&mut bytes);
    bytes
}

/// Returns a change of one octet that is counted from the end.
fn octet(from_end: usize, value: u8) -> Vec<u8> {
    changed(|bytes| {
        let index = bytes.len() - from_end;
        bytes[index] = value;
    })
}

/// Sends bytes over both transports and compares the response code of the reply.
fn check(server: &Server, what: &str, bytes: &[u8], rcode: u16) {
    for over in [Over::Udp, Over::Tcp] {
        let reply =
            ask::send(server.dns, bytes, over).unwrap_or_else(|| panic!("no reply to {what}, {over:?}"));
        assert_eq!(reply[..2], bytes[..2], "{what}: the id comes back");
        assert_ne!(reply[2] & 0x80, 0, "{what}: QR is set");
        assert_eq!(ask::rcode(&reply), rcode, "{what} over {over:?}");
    }
}

#[test]
fn malformed_questions_get_an_error_and_the_server_goes_on() {
    let (server, _home) = start();
    const FORMERR: u16 = 1;
    const NOTIMP: u16 = 4;
    const BADVERS: u16 = 16;
    check(&server, "a header alone", &[0x4d, 0x52, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], FORMERR);
    check(&server, "half of a question", &query(QUESTION)[..20], FORMERR);
    check(&server, "more questions than there are", &changed(|bytes| bytes[4..6].fill(0xff)), FORMERR);
    check(
        &server,
        "more additional records than there are",
        &changed(|bytes| bytes[10..12].fill(0xff)),
        FORMERR,
    );
    check(&server, "more answers than there are", &changed(|bytes| bytes[6..8].fill(0xff)), FORMERR);
    check(&server, "octets after the end", &changed(|bytes| bytes.extend(b"garbage")), FORMERR);
    check(
        &server,
        "a name that points to itself",
        &changed(|bytes| bytes[12..14].copy_from_slice(b"\xc0\x0c")),
        FORMERR,
    );
    check(&server, "a client subnet of no family", &octet(FAMILY - 1, 7), FORMERR);
    check(&server, "a client subnet that is too long", &octet(SOURCE, 33), FORMERR);
    check(&server, "a client subnet with a scope", &octet(SCOPE, 8), FORMERR);
    check(&server, "a client subnet with bits beyond its prefix", &octet(SOURCE, 22), FORMERR);
    check(&server, "the opcode STATUS", &changed(|bytes| bytes[2] = 2 << 3), NOTIMP);
    check(&server, "the opcode UPDATE", &changed(|bytes| bytes[2] = 5 << 3), NOTIMP);
    // The version is the second octet of the OPT record's TTL, which stands before its length (2), the
    // option (4) and the client subnet (7).
    check(&server, "EDNS version 1", &octet(FAMILY + 4 + 2 + 3, 1), BADVERS);
    assert_eq!(lines(&server.ask(QUESTION))[0], "NoError aa");
}

#[test]
fn scraps_and_responses_are_met_with_silence_and_nothing_is_logged_for_a_packet() {
    let (server, _home) = start();
    assert_eq!(lines(&server.ask(QUESTION))[0], "NoError aa");
    let before = server.process.lines();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server.dns).unwrap();
    let response = changed(|bytes| bytes[2] |= 0x80);
    let noise: Vec<u8> = (0..400u16).map(|index| (index * 7 % 251) as u8 & 0x7f).collect();
    for length in 0..200 {
        socket.send(&response).unwrap();
        socket.send(&noise[..length]).unwrap();
        socket.send(&query(QUESTION)[..length % 12]).unwrap();
    }
    // The one reply without an error is that to the question at the end.
    socket.send(&query(QUESTION)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut reply = [0; 2048];
    let mut replies = 0;
    loop {
        let length = socket.recv(&mut reply).expect("the question is answered");
        assert_ne!(&reply[..length], &response[..], "a response was answered");
        if ask::rcode(&reply[..length]) == 0 {
            break;
        }
        replies += 1;
    }
    assert!(replies <= 200, "{replies} replies");
    assert_eq!(server.process.lines(), before, "packets were logged");
}

#[test]
fn broken_connections_leave_no_trace() {
    let (server, _home) = start();
    let before = server.process.lines();
    for bytes in [b"".as_slice(), b"\0", b"\xff\xff", b"\0\0", b"\0\x0cshort", b"GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = TcpStream::connect(server.dns).unwrap();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        // It is closed from the other side; an error message for what could be read is fine.
        let _ = stream.read_to_end(&mut Vec::new());
    }
    for over in [Over::Udp, Over::Tcp] {
        assert_eq!(lines(&ask::ask(server.dns, QUESTION, over))[0], "NoError aa");
    }
    assert_eq!(server.process.lines(), before, "connections were logged");
}

#[test]
fn an_answer_too_long_for_a_datagram_is_truncated_and_whole_over_tcp() {
    let home = Home::new(Regions::start().port);
    let addresses: Vec<String> = (0..200).map(|last| format!("192.0.2.{last}")).collect();
    let many = format!("status: {{ A: [{}], AAAA", addresses.join(", "));
    home.edit("api.example.com.yaml", "status: { A: [192.0.2.10], AAAA", &many);
    let server = Server::start(&home);
    let short = ask::ask(server.dns, QUESTION, Over::Udp);
    assert_eq!(lines(&short), ["NoError aa tc", "scope 0"]);
    assert_eq!(short.queries.len(), 1);
    let whole = ask::ask(server.dns, QUESTION, Over::Tcp);
    assert_eq!(whole.answers.len(), 200);
}
