//! A small `dig`: questions as people write them, over UDP and TCP, and replies as lines.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::rr::{Name, RecordType};

use crate::support;

/// How long one attempt waits for its reply: a busy machine takes its time.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often a datagram is sent again.
const ATTEMPTS: usize = 5;

/// How a question travels.
#[derive(Clone, Copy, Debug)]
pub enum Over {
    /// As a datagram.
    Udp,
    /// Over a connection of its own.
    Tcp,
}

/// Asks `NAME TYPE`, or `NAME TYPE from NETWORK` with that client subnet.
pub fn ask(server: SocketAddr, question: &str, over: Over) -> Message {
    let bytes = send(server, &query(question), over).expect("a reply");
    let reply = Message::from_vec(&bytes).expect("a reply that decodes");
    assert_eq!(reply.metadata.id, 0x4d52, "the reply to another question");
    reply
}

/// Returns the bytes of a question.
pub fn query(question: &str) -> Vec<u8> {
    let words: Vec<&str> = question.split(' ').collect();
    let (name, rtype, subnet) = match words[..] {
        [name, rtype] => (name, rtype, None),
        [name, rtype, "from", network] => (name, rtype, Some(subnet(network))),
        _ => panic!("not a question: {question}"),
    };
    let name = Name::from_ascii(name).expect("a name");
    let rtype: RecordType = rtype.parse().expect("a type");
    support::query(&name, rtype, subnet)
}

fn subnet(network: &str) -> (IpAddr, u8) {
    let (address, length) = network.split_once('/').expect("a network");
    (address.parse().expect("an address"), length.parse().expect("a length"))
}

/// Sends bytes, and returns what comes back; `None`: nothing does.
pub fn send(server: SocketAddr, bytes: &[u8], over: Over) -> Option<Vec<u8>> {
    (0..ATTEMPTS).find_map(|_| match over {
        Over::Udp => send_udp(server, bytes).ok(),
        Over::Tcp => send_tcp(server, bytes).ok(),
    })
}

fn send_udp(server: SocketAddr, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let local = if server.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
    let socket = UdpSocket::bind(local)?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send(bytes)?;
    let mut reply = vec![0; 65_535];
    let length = socket.recv(&mut reply)?;
    reply.truncate(length);
    Ok(reply)
}

fn send_tcp(server: SocketAddr, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    exchange(&mut stream, bytes)
}

/// Sends bytes over a connection, and returns the message that comes back.
pub fn exchange(stream: &mut (impl Read + Write), bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let length = u16::try_from(bytes.len()).expect("a message has a length of 16 bits");
    stream.write_all(&[&length.to_be_bytes(), bytes].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut reply)?;
    Ok(reply)
}

/// Returns a reply as lines: its response code and flags, the records of the answer in alphabetical
/// order (addresses rotate), the types of the authority section, the scope.
pub fn lines(reply: &Message) -> Vec<String> {
    let flag = |is_set: bool, word: &str| if is_set { format!(" {word}") } else { String::new() };
    let head = format!(
        "{:?}{}{}",
        reply.metadata.response_code,
        flag(reply.metadata.authoritative, "aa"),
        flag(reply.metadata.truncation, "tc")
    );
    let mut records: Vec<String> = reply.answers.iter().map(ToString::to_string).collect();
    records.sort_unstable();
    let authority = reply.authorities.iter();
    let authority = authority.map(|record| format!("authority {} {}", record.name, record.record_type()));
    let scope = support::scope(reply).map(|scope| format!("scope {scope}"));
    [head].into_iter().chain(records).chain(authority).chain(scope).collect()
}

/// Returns the response code of a reply, with the upper bits of its OPT record if it has one.
pub fn rcode(reply: &[u8]) -> u16 {
    let parsed = Message::from_vec(reply).expect("a reply that decodes");
    parsed.metadata.response_code.into()
}
