//! What a probe makes of TLS.

use super::scripted::Act::{Hear, Say};
use super::scripted::{Act, Server};
use super::{PATIENT, get, probe};
use crate::canary::HttpCheck;
use crate::probe::Trust;

const OK: &[Act] = &[Hear, Say("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")];

/// Probes a server whose certificate is for `certified` under `host`; returns result and request.
async fn check(certified: &str, host: Option<&str>) -> (String, String) {
    let (mut server, certificate) = Server::encrypted(certified, OK).await;
    let check = HttpCheck {
        host: host.map(str::to_owned),
        ..get(format!("https://{{address}}:{}/", server.place.port()))
    };
    let trust = Trust::only(vec![certificate]).unwrap();
    let result = probe(check, &server, &trust, PATIENT).await;
    (result, server.request().await)
}

#[tokio::test]
async fn the_certificate_must_carry_the_host_and_the_probed_address_is_asked() {
    let (result, request) = check("api.example.test", Some("API.example.test:443")).await;
    assert_eq!(result, "ok");
    assert!(request.contains("host: API.example.test:443\r\n"), "{request}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_a_failure_of_tls() {
    let (result, _) = check("other.example.test", Some("api.example.test")).await;
    assert!(result.starts_with("tls: "), "{result}");
    assert!(result.contains("not valid for name"), "{result}");
}

#[tokio::test]
async fn without_a_host_the_certificate_must_carry_the_address() {
    assert_eq!(check("127.0.0.1", None).await.0, "ok");
    let (result, _) = check("api.example.test", None).await;
    assert!(result.starts_with("tls: "), "{result}");
}

#[tokio::test]
async fn an_authority_that_is_not_trusted_is_a_failure_of_tls() {
    let (server, _) = Server::encrypted("127.0.0.1", OK).await;
    let check = get(format!("https://{{address}}:{}/", server.place.port()));
    let trust = Trust::only(vec![]).unwrap();
    let result = probe(check, &server, &trust, PATIENT).await;
    assert!(result.starts_with("tls: "), "{result}");
}

#[tokio::test]
async fn http_in_the_place_of_tls_is_a_failure_of_tls_and_a_closed_handshake_a_refusal() {
    let scripts: [(&'static [Act], &str); 2] =
        [(&[Say("HTTP/1.1 400 Bad\r\n\r\n")], "tls: "), (&[], "refused: ")];
    for (script, class) in scripts {
        let server = Server::start("127.0.0.1", script).await;
        let check = get(format!("https://{{address}}:{}/", server.place.port()));
        let result = probe(check, &server, &Trust::only(vec![]).unwrap(), PATIENT).await;
        assert!(result.starts_with(class), "{result}");
    }
}
