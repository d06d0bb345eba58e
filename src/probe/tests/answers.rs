//! What a probe makes of each answer, and what it sends.

use std::net::IpAddr;

use tokio::net::TcpSocket;

use super::scripted::Act::{Drip, Flood, Hang, Hear, Say};
use super::scripted::{Act, Server};
use super::{PATIENT, SHORT, get, probe, words};
use crate::canary::{Check, HttpCheck};
use crate::probe::{Error, Probe, Trust};

const OK: Act = Say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nall well\n");

/// Probes a server with this script; a probe that should time out is given little time.
async fn check(script: &'static [Act], body_contains: Option<&str>, expected: &str) {
    let mut server = Server::start("127.0.0.1", script).await;
    let mut check = get(format!("http://{{address}}:{}/", server.place.port()));
    check.body_contains = body_contains.map(str::to_owned);
    let timeout = if expected.starts_with("timeout") {
        SHORT
    } else {
        PATIENT
    };
    let result = probe(check, &server, &Trust::default(), timeout).await;
    assert_eq!(result, expected, "{script:?}");
    server.request().await;
    assert!(server.has_no_more(), "a probe is one connection");
}

#[tokio::test]
async fn an_expected_status_is_a_success_and_another_is_a_failure_of_the_status() {
    check(&[Hear, OK], None, "ok").await;
    let unwell = &[Hear, Say("HTTP/1.1 503 Unwell\r\ncontent-length: 0\r\n\r\n")];
    check(unwell, None, "status: status 503").await;
}

#[tokio::test]
async fn a_redirect_is_a_status_and_is_not_followed() {
    let elsewhere = &[
        Hear,
        Say("HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n"),
    ];
    check(elsewhere, None, "status: status 302").await;
}

#[tokio::test]
async fn the_body_must_contain_the_expected_text_which_may_come_in_pieces() {
    check(&[Hear, OK], Some("all well"), "ok").await;
    check(&[Hear, OK], Some("ill"), "body: the body does not contain `ill`").await;
    let chunked = &[
        Hear,
        Say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nall \r\n"),
        Say("4\r\nwell\r\n0\r\n\r\n"),
    ];
    check(chunked, Some("all well"), "ok").await;
}

#[tokio::test]
async fn a_connection_that_is_closed_before_a_whole_answer_is_a_refusal_at_once() {
    let closed = "refused: connection closed before a whole answer";
    check(&[Hear], None, closed).await;
    check(&[Hear, Say("HTTP/1.1 200 OK\r\ncontent-")], None, closed).await;
    let half = &[Hear, Say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nall w")];
    check(half, None, closed).await;
}

#[tokio::test]
async fn silence_and_drips_time_out_and_the_connection_is_closed() {
    // `check` waits until the server has seen the connection end.
    let late = "timeout: no whole answer within 100ms";
    check(&[Hang], None, late).await;
    check(&[Hear, Say("HTTP/1.1 200 OK\r\nx-slow: "), Drip], None, late).await;
    let slow_body = &[
        Hear,
        Say("HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\nall well"),
        Drip,
    ];
    check(slow_body, Some("all well"), late).await;
}

#[tokio::test]
async fn an_endless_body_is_a_failure_even_when_the_text_is_in_it_and_is_not_read_on() {
    let long = "body: the body is longer than 64 KiB";
    let endless = &[Hear, Say("HTTP/1.1 200 OK\r\n\r\nall well"), Flood];
    check(endless, None, long).await;
    check(endless, Some("all well"), long).await;
    let endless_head = &[Hear, Say("HTTP/1.1 200 OK\r\nx-long: "), Flood];
    check(
        endless_head,
        None,
        "body: the answer is not HTTP, message head is too large",
    )
    .await;
}

#[tokio::test]
async fn what_is_not_http_is_a_failure_of_the_body_even_before_it_was_asked() {
    const BANNER: Act = Say("SSH-2.0-OpenSSH_9.2\r\n");
    const NO_CHUNK: Act = Say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nall well\r\n");
    const SCRIPTS: [&[Act]; 3] = [&[Hear, BANNER, Hang], &[BANNER, Hang], &[Hear, NO_CHUNK, Hang]];
    for script in SCRIPTS {
        let server = Server::start("127.0.0.1", script).await;
        let check = get(format!("http://{{address}}:{}/", server.place.port()));
        let result = probe(check, &server, &Trust::default(), PATIENT).await;
        assert!(
            result.starts_with("body: the answer is not HTTP"),
            "{script:?}: {result}"
        );
    }
}

#[tokio::test]
async fn a_port_without_a_listener_refuses_http_and_tcp() {
    // Bound, so that nobody else gets the port, and not listening.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let place = socket.local_addr().unwrap();
    let http = Check::Http(get(format!("http://{{address}}:{}/", place.port())));
    for check in [http, Check::Tcp { port: place.port() }] {
        let probe = Probe::new(&check, place.ip(), &Trust::default()).unwrap();
        let result = words(probe.run(PATIENT).await);
        assert_eq!(result, "refused: connection refused", "{check:?}");
    }
}

#[tokio::test]
async fn a_tcp_canary_only_connects() {
    let mut server = Server::start("127.0.0.1", &[Hang]).await;
    let check = Check::Tcp {
        port: server.place.port(),
    };
    let probe = Probe::new(&check, server.place.ip(), &Trust::default()).unwrap();
    assert_eq!(words(probe.run(PATIENT).await), "ok");
    assert_eq!(server.request().await, "", "connects, sends nothing, and closes");
}

/// Probes `address` and returns the head of the request that the server at `listening` receives. `PORT`
/// stands for its port.
async fn sent(check: HttpCheck, address: &str, listening: &str) -> String {
    let mut server = Server::start(listening, &[Hear, OK]).await;
    let port = server.place.port().to_string();
    let check = HttpCheck {
        url: check.url.replace("PORT", &port),
        ..check
    };
    let address: IpAddr = address.parse().unwrap();
    let probe = Probe::new(&Check::Http(check), address, &Trust::default()).unwrap();
    assert_eq!(words(probe.run(PATIENT).await), "ok");
    server.request().await.replace(&port, "PORT")
}

fn has_line(request: &str, line: &str) -> bool {
    request.lines().any(|it| it.eq_ignore_ascii_case(line))
}

#[tokio::test]
async fn the_address_stands_in_the_url_and_in_the_host_header() {
    let request = sent(
        get("http://{address}:PORT/health?deep=1"),
        "127.1.1.1",
        "127.1.1.1",
    )
    .await;
    assert!(
        request.starts_with("GET /health?deep=1 HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(has_line(&request, "host: 127.1.1.1:PORT"), "{request}");
}

#[tokio::test]
async fn an_ipv4_mapped_address_is_probed_as_the_ipv6_address_that_it_is() {
    let request = sent(get("http://{address}:PORT/"), "::ffff:127.1.1.1", "127.1.1.1").await;
    assert!(has_line(&request, "host: [::ffff:7f01:101]:PORT"), "{request}");
    let named = get("http://api.example.test:PORT/");
    let request = sent(named, "::ffff:127.1.1.1", "127.1.1.1").await;
    assert!(has_line(&request, "host: api.example.test:PORT"), "{request}");
}

#[tokio::test]
async fn whatever_host_the_url_has_the_probed_address_is_asked() {
    let request = sent(get("http://api.example.test:PORT/"), "127.1.1.1", "127.1.1.1").await;
    assert!(has_line(&request, "host: api.example.test:PORT"), "{request}");
    // TEST-NET-1 (RFC 5737) answers nowhere.
    let request = sent(get("http://192.0.2.1:PORT/"), "127.1.1.1", "127.1.1.1").await;
    assert!(has_line(&request, "host: 192.0.2.1:PORT"), "{request}");
}

#[tokio::test]
async fn the_host_setting_is_the_host_header_as_written() {
    for host in [
        "api.example.test",
        "api.example.test:8443",
        "192.0.2.1",
        "[2001:db8::1]:80",
    ] {
        let check = HttpCheck {
            host: Some(host.to_owned()),
            ..get("http://{address}:PORT/")
        };
        let request = sent(check, "127.1.1.1", "127.1.1.1").await;
        assert!(has_line(&request, &format!("host: {host}")), "{request}");
    }
}

#[tokio::test]
async fn method_and_headers_are_sent() {
    let check = HttpCheck {
        method: "HEAD".to_owned(),
        headers: vec![("User-Agent".to_owned(), "canary".to_owned())],
        ..get("http://{address}:PORT/")
    };
    let request = sent(check, "127.1.1.1", "127.1.1.1").await;
    assert!(request.starts_with("HEAD / HTTP/1.1\r\n"), "{request}");
    assert!(has_line(&request, "user-agent: canary"), "{request}");
    assert!(!request.contains("meridian"), "{request}");
}

#[tokio::test]
async fn what_cannot_be_sent_is_an_error_of_the_check() {
    let address = IpAddr::from([127, 0, 0, 1]);
    let prepare = |check| Probe::new(&Check::Http(check), address, &Trust::default()).unwrap_err();
    let error = prepare(get("ftp://{address}/"));
    assert!(matches!(error, Error::Url(_)), "{error}");
    let error = prepare(HttpCheck {
        host: Some("a:b:c".to_owned()),
        ..get("http://{address}/")
    });
    assert!(matches!(error, Error::Host(_)), "{error}");
    let error = prepare(HttpCheck {
        method: "GET /".to_owned(),
        ..get("http://{address}/")
    });
    assert!(matches!(error, Error::Method(_)), "{error}");
    let error = prepare(HttpCheck {
        headers: vec![("x".to_owned(), "a\nb".to_owned())],
        ..get("http://{address}/")
    });
    assert!(matches!(error, Error::Header(_)), "{error}");
}

#[tokio::test]
async fn the_detail_of_a_failure_is_bounded() {
    let server = Server::start("127.0.0.1", &[Hear, OK]).await;
    let mut check = get(format!("http://{{address}}:{}/", server.place.port()));
    check.body_contains = Some("é".repeat(9_999));
    let result = probe(check, &server, &Trust::default(), PATIENT).await;
    assert_eq!(result.chars().count(), "body: ".len() + 200 + 1);
}
