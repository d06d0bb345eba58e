//! Canaries of private endpoints: an `https` service whose certificate is from an authority that no system knows.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::access::Authority;
use crate::home::Home;
use crate::region::{Regions, regions_in};
use crate::run::meridian;
use crate::server::{Server, wait_for};

/// Serves `https` for a name of an authority on an address, healthy for ever, and returns the port.
fn serve_https(authority: &Authority, name: &str, address: &str) -> u16 {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority.issuer).unwrap().der().clone();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::try_from(key.serialize_der()).unwrap());
    let config = Arc::new(config.unwrap());
    let listener = TcpListener::bind((address, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            thread::spawn(move || answer(StreamOwned::new(connection, stream)));
        }
    });
    port
}

/// Answers one request, unless the client does not trust the certificate.
fn answer(mut stream: StreamOwned<ServerConnection, TcpStream>) -> std::io::Result<()> {
    let mut request = [0; 1024];
    let mut read = 0;
    while !request[..read].ends_with(b"\r\n\r\n") {
        match stream.read(&mut request[read..])? {
            0 => return Ok(()),
            more => read += more,
        }
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")?;
    stream.conn.send_close_notify();
    stream.flush()
}

/// A home in which osaka has a canary over `https`, whose authority is in `internal.pem`.
fn home(port: u16, ca: &str) -> Home {
    let home = Home::new(Regions::start().port);
    let canary = format!(
        "canaries:\n  private: {{ http: {{ url: 'https://{{address}}:{port}/health', host: api.internal, ca: internal.pem }}, \
         interval: 500ms, timeout: 450ms, recheck: 50ms, fall: 3, rise: 2 }}\n"
    );
    home.edit("regions.yaml", "canaries:\n  shallow:", &format!("{canary}  shallow:"));
    home.edit(
        "regions.yaml",
        "2.1\"] }\n    canaries: [shallow]",
        "2.1\"] }\n    canaries: [shallow, private]",
    );
    let names = "names:\n  private: { steer: { regions: [osaka, tokyo], order: listed } }\n";
    home.edit("api.example.com.yaml", "names:\n", names);
    home.write("internal.pem", ca);
    home
}

#[test]
fn a_canary_trusts_the_authority_in_its_file_only_and_the_file_is_read_again_when_it_changes() {
    let [ours, stranger] = [Authority::new(), Authority::new()];
    let port = serve_https(&ours, "api.internal", "127.7.2.1");
    let home = home(port, &stranger.pem);
    let server = Server::start(&home);
    let region = || regions_in(&server.ask("private.api.example.com. A from 10.81.7.0/24"));
    let becomes = |expected: &str| {
        wait_for(&format!("clients in {expected}"), || (region() == [expected]).then_some(()));
    };
    becomes("tokyo");
    let down = server.process.line("osaka-a/127.7.2.1 is down: private failed 3 times in a row");
    assert!(down.contains("certificate"), "{down}");
    home.write("internal.pem", &ours.pem);
    becomes("osaka");
    // While an authority is replaced, the file holds both.
    home.write("internal.pem", &format!("{}{}", stranger.pem, ours.pem));
    let reloads = || server.process.lines().iter().filter(|line| line.contains("reloaded: ")).count();
    wait_for("the second change", || (reloads() == 2).then_some(()));
    assert_eq!(region(), ["osaka"]);
    home.write("internal.pem", &stranger.pem);
    becomes("tokyo");
    // What cannot be used changes nothing, and is told with the place of the setting.
    home.write("internal.pem", "");
    server.process.line("file `internal.pem` holds no certificate");
    assert_eq!(region(), ["tokyo"]);
}

#[test]
fn check_names_the_place_of_a_file_of_authorities_that_cannot_be_used() {
    let home = home(443, "");
    let zones = home.zones().display().to_string();
    let ran = meridian(&["check", &zones]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("regions.yaml:"), "{ran:?}");
    assert!(ran.err.contains("file `internal.pem` holds no certificate"), "{ran:?}");
    home.write("internal.pem", &Authority::new().pem);
    let ran = meridian(&["check", &zones]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("trusts the authorities in internal.pem only"), "{ran:?}");
}
