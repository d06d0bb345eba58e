//! DNS over TLS, which hickory-server carries: the same answers as over TCP, whatever is asked.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use fastrand::Rng;
use hickory_proto::op::Message;
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::access::pem;
use crate::ask::{self, query};
use crate::home::Home;
use crate::region::Regions;
use crate::server::{DEADLINE, Process, Server, wait_for};

/// How many random queries are compared.
const QUERIES: usize = 20_000;

/// Names that are there, and some that are not.
const NAMES: [&str; 8] = [
    "api.example.com.",
    "status.api.example.com.",
    "api.internal.example.com.",
    "missing.api.example.com.",
    "internal.api.example.com.",
    "a.b.c.internal.api.example.com.",
    "example.net.",
    ".",
];

const TYPES: [&str; 9] = ["A", "AAAA", "HTTPS", "TXT", "NS", "SOA", "MX", "ANY", "DS"];

/// A server with DNS over TLS, and the certificate that it shows.
struct Encrypted {
    server: Server,
    tls: SocketAddr,
    home: Home,
    shown: CertificateDer<'static>,
}

impl Encrypted {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(environment: &[(&str, &str)]) -> Self {
        let home = Home::new(Regions::start().port);
        let tls =
            "listen:\n  tls: { addresses: [\"127.0.0.1:0\"], certificate: ../dot.pem, key: ../dot.key }\n";
        home.edit("server.yaml", "listen:\n", tls);
        let shown = certify(&home);
        let server = Server::start_with(&home, environment);
        let tls = address(&server.process);
        Self { server, tls, home, shown }
    }

    fn connect(&self, shown: &CertificateDer<'static>) -> Option<Dot> {
        let mut roots = RootCertStore::empty();
        roots.add(shown.clone()).expect("a certificate");
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the default versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"dot".to_vec()];
        let name = "dot.example.com".try_into().expect("a name");
        let mut connection = ClientConnection::new(Arc::new(config), name).expect("a client");
        let mut stream = TcpStream::connect(self.tls).expect("the address is listened on");
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        connection.complete_io(&mut stream).ok()?;
        assert_eq!(connection.alpn_protocol(), Some(&b"dot"[..]));
        Some(Dot(StreamOwned::new(connection, stream)))
    }
}

/// Makes a certificate and its key where the server looks for them.
fn certify(home: &Home) -> CertificateDer<'static> {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["dot.example.com".to_owned()]).expect("a name");
    let certificate = params.self_signed(&key).expect("a certificate");
    fs::write(home.path("dot.key"), pem("PRIVATE KEY", &key.serialize_der())).unwrap();
    fs::write(home.path("dot.pem"), pem("CERTIFICATE", certificate.der())).unwrap();
    certificate.der().clone()
}

fn address(process: &Process) -> SocketAddr {
    let line = process.line("answering DNS over TLS on ");
    line.rsplit(' ').next().and_then(|word| word.parse().ok()).expect("the log names the address")
}

/// A connection to the server.
struct Dot(StreamOwned<ClientConnection, TcpStream>);

impl Dot {
    fn ask(&mut self, request: &[u8]) -> Vec<u8> {
        ask::exchange(&mut self.0, request)
            .unwrap_or_else(|error| panic!("{}: {error}", request.escape_ascii()))
    }
}

/// Returns a query that may be malformed in its EDNS options.
fn random(rng: &mut Rng) -> Vec<u8> {
    let name = NAMES[rng.usize(..NAMES.len())];
    let name: String =
        name.chars().map(|letter| if rng.bool() { letter.to_ascii_uppercase() } else { letter }).collect();
    let rtype = TYPES[rng.usize(..TYPES.len())];
    let octet = |rng: &mut Rng| rng.u8(..);
    let subnet = match rng.u8(..4) {
        0 => String::new(),
        1 => format!(" from 2001:db8:{:x}::/48", rng.u16(..)),
        _ => format!(" from {}.{}.{}.0/24", [10, 10, 192][rng.usize(..3)], octet(rng), octet(rng)),
    };
    let mut bytes = query(&format!("{name} {rtype}{subnet}"));
    bytes[..2].copy_from_slice(&rng.u16(..).to_be_bytes());
    // RD, CD and AD.
    bytes[2] |= rng.u8(..) & 0x01;
    bytes[3] |= rng.u8(..) & 0x30;
    if !subnet.is_empty() && rng.u8(..8) == 0 {
        // An octet of the client subnet, which may become malformed.
        let at = bytes.len() - 1 - rng.usize(..7);
        bytes[at] = octet(rng);
    }
    bytes
}

/// Compares what two transports say. The differences that hickory-server 0.26.3 makes:
///
/// - What is malformed gets FORMERR with a header alone: no question, no OPT record.
fn compare(request: &[u8], tcp: &[u8], tls: &[u8]) {
    let what = request.escape_ascii();
    let parsed = |reply: &[u8]| Message::from_vec(reply).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(tcp[..2], tls[..2], "{what}");
    assert_eq!(ask::rcode(tcp), ask::rcode(tls), "{what}");
    if ask::rcode(tcp) == 1 {
        return;
    }
    // Both are read and written by the same code, so that compression makes no difference.
    let [tcp, tls] = [tcp, tls].map(|reply| parsed(reply).to_vec().expect("it was read"));
    assert!(tcp == tls, "{what}\nTCP {}\nTLS {}", tcp.escape_ascii(), tls.escape_ascii());
}

#[test]
fn random_queries_get_the_same_over_tcp_and_over_tls() {
    let encrypted = Encrypted::start();
    let mut tls = encrypted.connect(&encrypted.shown).expect("its certificate is trusted");
    let mut tcp = TcpStream::connect(encrypted.server.dns).unwrap();
    tcp.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut rng = Rng::with_seed(12);
    for _ in 0..QUERIES {
        let request = random(&mut rng);
        let reply = ask::exchange(&mut tcp, &request).unwrap();
        compare(&request, &reply, &tls.ask(&request));
    }
}

#[test]
fn a_new_certificate_is_shown_without_a_restart_and_a_bad_one_changes_nothing() {
    let encrypted = Encrypted::start();
    let question = query("status.api.example.com. A");
    fs::write(encrypted.home.path("dot.key"), "no key").unwrap();
    encrypted.server.process.line("holds no private key that can be used");
    assert_eq!(ask::rcode(&encrypted.connect(&encrypted.shown).expect("the old one").ask(&question)), 0);
    let next = certify(&encrypted.home);
    let mut renewed = wait_for("the new certificate", || encrypted.connect(&next));
    assert_eq!(ask::rcode(&renewed.ask(&question)), 0);
    assert!(encrypted.connect(&encrypted.shown).is_none());
}

#[test]
fn no_query_and_no_address_of_a_client_is_logged_whatever_is_asked_of_the_log() {
    let everything = "trace,hickory_server=trace,hickory_proto=trace,hickory_net::runtime=trace";
    let encrypted = Encrypted::start_with(&[("RUST_LOG", everything)]);
    let mut connection = encrypted.connect(&encrypted.shown).expect("its certificate is trusted");
    let client = connection.0.sock.local_addr().unwrap().to_string();
    let question = query("status.api.example.com. A from 192.0.2.0/24");
    let mut cut = question.clone();
    cut.truncate(question.len() - 2);
    for request in [&question, &cut, &question] {
        connection.ask(request);
    }
    let logged = encrypted.server.process.lines();
    assert!(logged.iter().any(|line| line.contains("TRACE") || line.contains("DEBUG")), "{logged:?}");
    for line in logged {
        assert!(!line.contains("status.api.example.com") && !line.contains(&client), "{line}");
    }
}
