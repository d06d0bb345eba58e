//! Who may read and change what, asked as operators, programs and strangers ask.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use data_encoding::BASE64;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber, date_time_ymd,
};

use crate::home::{Home, replace};
use crate::run::{Ran, meridian};
use crate::server::{Server, wait_for};

const ALICE: &str = "0123456789abcdef01234567";
const BOB: &str = "76543210fedcba9876543210";

/// A server whose admin address has tokens, and whatever else a test writes into its directory.
struct Guarded {
    server: Server,
    admin: String,
    home: Home,
}

/// Puts `access` into a configuration, with an admin address.
fn configure(home: &Home, access: &str) {
    let access = format!("admin: \"127.0.0.1:0\"\naccess: {{ {access} }}\ngeo:\n");
    home.edit("server.yaml", "geo:\n", &access);
}

/// Writes a file beside the configuration, and returns its path.
fn file(home: &Home, name: &str, text: &str) -> String {
    replace(&home.path(name), text.as_bytes());
    path(home.path(name))
}

fn path(path: PathBuf) -> String {
    path.to_str().expect("a path of letters").to_owned()
}

impl Guarded {
    /// Starts a server with this in `access`; the operator's token is in `alice`.
    fn start(home: Home, access: &str) -> Self {
        file(&home, "alice", ALICE);
        configure(&home, access);
        let server = Server::start(&home);
        let line = server.process.line("admin pages on http");
        let admin = line.rsplit(' ').next().expect("a URL").to_owned();
        Self { server, admin, home }
    }

    fn with_alice() -> Self {
        Self::start(Home::new(1), "tokens: [{ name: alice, role: operate, file: ../alice }]")
    }

    /// Reads from it, as `explain` does.
    fn read(&self, options: &[&str]) -> Ran {
        let question = ["explain", "api.example.com", "--client", "10.81.7.0/24", "--admin", &self.admin];
        meridian(&[&question, options].concat())
    }

    /// Changes something, or would if there were anything to change.
    fn change(&self, options: &[&str]) -> Ran {
        meridian(&[&["failback", "tokyo", "--admin", &self.admin], options].concat())
    }

    /// Returns the metric of what was refused for this reason.
    fn refused(&self, why: &str) -> u64 {
        let name = format!("meridian_admin_refusals_total{{why=\"{why}\"}} ");
        let page = self.get("/metrics", None).1;
        page.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok()).unwrap_or(0)
    }

    /// Gets a page, and returns the status and the body.
    fn get(&self, path: &str, token: Option<&str>) -> (u16, String) {
        use std::io::{Read, Write};
        let address = self.admin.strip_prefix("http://").expect("plain HTTP");
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n{token}\r\n").unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").expect("a head and a body");
        (head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status"), body.to_owned())
    }
}

/// Checks that a command could not do what it wanted, and that this is why.
fn check_refused(ran: &Ran, sentence: &str) {
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains(sentence), "{ran:?}");
}

/// The answer to who may change things, where there is nothing to change.
const HEALTHY: &str = "tokyo is neither held nor quarantined";

#[test]
fn this_machine_reads_without_a_token_and_changes_nothing() {
    let guarded = Guarded::with_alice();
    assert_eq!(guarded.read(&[]).code, 0);
    check_refused(&guarded.change(&[]), "this needs a token whose role is `operate`");
    let token = path(guarded.home.path("alice"));
    check_refused(&guarded.change(&["--token-file", &token]), HEALTHY);
    assert_eq!(guarded.refused("must_operate"), 1);
}

#[test]
fn a_token_comes_from_an_option_or_the_environment_and_a_wrong_one_is_refused() {
    let guarded = Guarded::with_alice();
    let change = |variable: &str, value: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meridian"));
        command.args(["failback", "tokyo", "--admin", &guarded.admin]).env(variable, value);
        String::from_utf8(command.output().unwrap().stderr).unwrap()
    };
    assert!(change("MERIDIAN_TOKEN", ALICE).contains(HEALTHY));
    assert!(change("MERIDIAN_TOKEN_FILE", &path(guarded.home.path("alice"))).contains(HEALTHY));
    let refused = change("MERIDIAN_TOKEN", BOB);
    assert!(refused.contains("this token is not known here"), "{refused}");
    let wrong = file(&guarded.home, "wrong", "short");
    check_refused(&guarded.read(&["--token-file", &wrong]), "this token is not known here");
    guarded.server.process.line("a wrong token for the admin address, from 127.0.0.1");
    assert!(guarded.server.process.lines().iter().all(|line| !line.contains(BOB)), "a token is in the log");
}

#[test]
fn what_is_wrong_with_a_token_is_told_with_its_place_and_without_the_token() {
    let home = Home::new(1);
    configure(
        &home,
        "tokens: [\n  { name: a, role: read, file: ../short },\n  { name: b, role: read, file: ../none },\n  \
         { name: c, role: read, environment: MERIDIAN_NOT_SET },\n  { name: d, role: read, file: ../open },\n  \
         { name: e, role: read, file: ../open }]",
    );
    file(&home, "short", "hunter2");
    let open = file(&home, "open", ALICE);
    let zones = path(home.zones());
    let ran = meridian(&["check", &zones]);
    assert_eq!(ran.code, 2, "{ran:?}");
    for part in [
        "server.yaml:7:32: `",
        "short` has 7 octets, and a token has at least 24\n",
        "hint: make one with `openssl rand -hex 32`",
        "none`: No such file or directory",
        "server.yaml:9:39: $MERIDIAN_NOT_SET is not set\n",
        "server.yaml:11:32: `e` has the same token as `d`\n",
        "4 problems",
    ] {
        assert!(ran.err.contains(part), "`{part}` is not in {}", ran.err);
    }
    assert!(!ran.err.contains("hunter2"), "{ran:?}");

    let text = fs::read_to_string(home.zones().join("server.yaml")).unwrap();
    let kept =
        |line: &&str| !["../short", "../none", "NOT_SET", "name: e"].iter().any(|part| line.contains(part));
    let text: Vec<&str> = text.lines().filter(kept).collect();
    home.write("server.yaml", &text.join("\n").replace("file: ../open },", "file: ../open }] }"));
    let ran = meridian(&["check", &zones]);
    let warning =
        format!("warning: every user of this machine may read or write `{}", open.replace("/open", ""));
    assert!(ran.code == 0 && ran.err.contains(&warning), "{ran:?}");
    assert!(ran.err.contains("hint: chmod o= "), "{ran:?}");
}

#[test]
fn a_token_that_is_replaced_takes_effect_at_once_and_the_old_one_is_refused() {
    let guarded = Guarded::with_alice();
    file(&guarded.home, "alice", BOB);
    wait_for("the new token", || (guarded.get("/status", Some(BOB)).0 == 200).then_some(()));
    // Asking again and again with a wrong token may have been too much for this second.
    wait_for("the refusal", || (guarded.get("/status", Some(ALICE)).0 == 401).then_some(()));
}

#[test]
fn a_token_whose_file_is_gone_or_unfit_or_another_one_is_revoked_although_the_configuration_is_refused() {
    let guarded = Guarded::with_alice();
    let is = |token: &'static str, status: u16| {
        wait_for("the status", || (guarded.get("/status", Some(token)).0 == status).then_some(()));
    };
    is(ALICE, 200);
    file(&guarded.home, "alice", "short");
    guarded.server.process.line("a token is revoked until it can be read again: ");
    is(ALICE, 401);
    // Something else is broken, too, and the new token counts all the same.
    guarded.home.write("regions.yaml", "regions: [");
    file(&guarded.home, "alice", BOB);
    is(BOB, 200);
    fs::remove_file(path(guarded.home.zones()) + "/../alice").unwrap();
    is(BOB, 401);
}

#[test]
fn behind_a_proxy_this_machine_needs_a_token_too_when_the_operator_says_so() {
    let guarded = Guarded::with_alice();
    assert_eq!(guarded.get("/status", None).0, 200);
    let text = fs::read_to_string(guarded.home.zones().join("server.yaml")).unwrap();
    guarded.home.write("server.yaml", &text.replace("access: { ", "access: { loopback: token, "));
    wait_for("the refusal", || (guarded.get("/status", None).0 == 401).then_some(()));
    assert_eq!(guarded.get("/status", Some(ALICE)).0, 200);
    assert_eq!(guarded.get("/healthz", None).0, 200);
}

#[test]
fn many_wrong_tokens_are_limited_while_the_right_one_works() {
    let guarded = Guarded::with_alice();
    // Any second may end between two of them, so that some more are answered one by one.
    let statuses: Vec<u16> = (0..200).map(|_| guarded.get("/status", Some(BOB)).0).collect();
    assert!(statuses.iter().all(|status| [401, 429].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&429), "{statuses:?}");
    assert_eq!(guarded.get("/status", Some(ALICE)).0, 200);
    assert_eq!(guarded.refused("wrong_token") + guarded.refused("too_many_wrong"), 200);
}

/// Files of certificates: an authority, and whom it signs for.
pub struct Authority {
    pub issuer: Issuer<'static, KeyPair>,
    pub pem: String,
}

pub fn pem(kind: &str, der: &[u8]) -> String {
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", BASE64.encode(der))
}

impl Authority {
    pub fn new() -> Self {
        let mut own = CertificateParams::new(Vec::new()).unwrap();
        own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = pem("CERTIFICATE", own.self_signed(&key).unwrap().der());
        Self { issuer: Issuer::new(own, key), pem }
    }

    /// Signs for a name, and returns the options with which a command shows the certificate.
    fn sign(&self, home: &Home, name: &str, usage: ExtendedKeyUsagePurpose) -> [String; 4] {
        let mut own = CertificateParams::new(vec![name.to_owned()]).unwrap();
        own.extended_key_usages = vec![usage];
        own.serial_number = Some(serial(name));
        let key = KeyPair::generate().unwrap();
        let certificate = own.signed_by(&key, &self.issuer).unwrap();
        let certificate = file(home, &format!("{name}.pem"), &pem("CERTIFICATE", certificate.der()));
        let key = file(home, &format!("{name}.key"), &pem("PRIVATE KEY", &key.serialize_der()));
        ["--certificate".to_owned(), certificate, "--key".to_owned(), key]
    }
}

/// Returns the serial number of the certificate of a name.
fn serial(name: &str) -> SerialNumber {
    SerialNumber::from_slice(&name.as_bytes()[..8])
}

impl Authority {
    /// Returns a list of the certificates of these names that are revoked.
    fn revoke(&self, names: &[&str]) -> String {
        let revoked = names.iter().map(|name| RevokedCertParams {
            serial_number: serial(name),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(2026, 1, 2),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        pem("X509 CRL", list.signed_by(&self.issuer).unwrap().der())
    }
}

#[test]
fn a_revoked_certificate_opens_nothing_from_the_moment_its_list_is_there() {
    let home = Home::new(1);
    let ours = Authority::new();
    let ca = file(&home, "ca.pem", &ours.pem);
    let revoked = file(&home, "revoked.pem", &ours.revoke(&["mallory.example.com"]));
    ours.sign(&home, "127.0.0.1", ExtendedKeyUsagePurpose::ServerAuth);
    let client = |name| ours.sign(&home, name, ExtendedKeyUsagePurpose::ClientAuth);
    let (alice, bob) = (client("alice.example.com"), client("bob.example.com"));
    let tls = "tls: { certificate: ../127.0.0.1.pem, key: ../127.0.0.1.key, clients: ../ca.pem, revoked: ../revoked.pem }";
    let guarded = Guarded::start(home, tls);
    let read = |options: &[String; 4]| {
        let options: Vec<&str> =
            ["--ca", &ca].into_iter().chain(options.iter().map(String::as_str)).collect();
        guarded.read(&options)
    };
    assert_eq!((read(&alice).code, read(&bob).code), (0, 0), "a list has expired, and counts all the same");
    fs::write(&revoked, ours.revoke(&["mallory.example.com", "alice.example.com"])).unwrap();
    guarded.server.process.line("reloaded: ");
    check_refused(&read(&alice), "cannot ask the server");
    assert_eq!(read(&bob).code, 0);
    // What cannot be used changes nothing.
    fs::write(&revoked, "nothing").unwrap();
    guarded.server.process.line("revoked.pem` holds no revocation lists that can be used");
    check_refused(&read(&alice), "cannot ask the server");
    assert_eq!(read(&bob).code, 0);
}

#[test]
fn over_tls_a_certificate_reads_and_operates_if_it_is_listed_and_one_of_another_authority_is_refused() {
    let home = Home::new(1);
    let (ours, other) = (Authority::new(), Authority::new());
    let ca = file(&home, "ca.pem", &ours.pem);
    ours.sign(&home, "127.0.0.1", ExtendedKeyUsagePurpose::ServerAuth);
    let client =
        |authority: &Authority, name| authority.sign(&home, name, ExtendedKeyUsagePurpose::ClientAuth);
    let alice = client(&ours, "Alice.example.com");
    let bob = client(&ours, "bob.example.com");
    let eve = client(&other, "alice.example.com");
    let tls = "tls: { certificate: ../127.0.0.1.pem, key: ../127.0.0.1.key, clients: ../ca.pem, \
               operators: [alice.example.com] }, tokens: [{ name: alice, role: operate, file: ../alice }]";
    let guarded = Guarded::start(home, tls);
    assert!(guarded.admin.starts_with("https://"), "{}", guarded.admin);
    let with = |options: &[String]| {
        [&["--ca", &ca][..], &options.iter().map(String::as_str).collect::<Vec<_>>()]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let read =
        |options: &[String]| guarded.read(&with(options).iter().map(String::as_str).collect::<Vec<_>>());
    let change =
        |options: &[String]| guarded.change(&with(options).iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(read(&[]).code, 0, "this machine reads");
    check_refused(&change(&[]), "this needs a token whose role is `operate`");
    check_refused(&change(&alice), HEALTHY);
    assert_eq!(read(&bob).code, 0);
    check_refused(&change(&bob), "`bob.example.com` may only read");
    check_refused(&read(&eve), "cannot ask the server");
    let token = ["--token-file".to_owned(), path(guarded.home.path("alice"))];
    check_refused(&change(&token), HEALTHY);
    check_refused(&guarded.read(&[]), "cannot ask the server");

    // A key that is another's keeps what was there.
    file(
        &guarded.home,
        "127.0.0.1.key",
        &fs::read_to_string(guarded.home.path("bob.example.com.key")).unwrap(),
    );
    guarded.server.process.line("127.0.0.1.key` holds the key of another certificate");
    assert_eq!(read(&[]).code, 0);
    ours.sign(&guarded.home, "127.0.0.1", ExtendedKeyUsagePurpose::ServerAuth);
    guarded.server.process.line("reloaded: ");
    assert_eq!(read(&[]).code, 0);
}
