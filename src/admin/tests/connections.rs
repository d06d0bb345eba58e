//! Connections that stall, do not read, or say too much.

use super::*;

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let (status, ..) = ask_of(state(), "GET", &format!("/{}", "a".repeat(9 << 10)), "").await;
    assert!([414, 431].contains(&status), "{status}");
    let headers: String = (0..100).map(|number| format!("x-{number}: y\r\n")).collect();
    let (status, ..) = ask_of(state(), "GET", "/healthz", &headers).await;
    assert_eq!(status, 431);
}

#[tokio::test(start_paused = true)]
async fn stalled_connections_are_dropped_and_keep_nobody_out() {
    serving(state(), async |address| {
        let mut stalled = Vec::new();
        for _ in 0..100 {
            let mut stream = TcpStream::connect(address).await.expect("it listens");
            stream.write_all(b"GET /healthz HTTP/1.1\r\nho").await.expect("it reads");
            stalled.push(stream);
        }
        let answer = exchange(address, "GET /healthz HTTP/1.1\r\nhost: ns1\r\n\r\n").await;
        assert!(answer.ends_with("ok\n"), "{answer}");
        let mut rest = Vec::new();
        let _ = stalled[0].read_to_end(&mut rest).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_dropped() {
    let state = state();
    let mut loaded = ConfigOrigin::clone(&state.origin.load());
    // More than the sockets of both sides take.
    let problems = vec!["x".repeat(40 << 20)];
    loaded.failed = Some(FailedReload { at: START, problems });
    state.origin.store(Arc::new(loaded));
    let received = serving(state, async |address| {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        let request = b"GET /status HTTP/1.1\r\nhost: localhost\r\n\r\n";
        stream.write_all(request).await.expect("it reads");
        stream.readable().await.expect("the page begins");
        tokio::time::sleep(Duration::from_secs(11)).await;
        let mut received = Vec::new();
        let _ = stream.read_to_end(&mut received).await;
        received.len()
    })
    .await;
    assert!(received < 40 << 20, "{received}");
}

#[tokio::test(start_paused = true)]
async fn a_stalled_connection_does_not_keep_the_server_from_stopping() {
    let stalled = serving(state(), async |address| {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        stream.write_all(b"GET").await.expect("it reads");
        stream
    })
    .await;
    drop(stalled);
}

#[tokio::test]
async fn health_is_answered_beside_hundreds_of_connections_that_say_nothing() {
    serving(state(), async |address| {
        let mut silent = Vec::new();
        for _ in 0..300 {
            silent.push(TcpStream::connect(address).await.expect("it listens"));
        }
        let answer = exchange(address, "GET /healthz HTTP/1.1\r\nhost: ns1\r\n\r\n").await;
        assert!(answer.ends_with("ok\n"), "{answer}");
        // It waited for none of them: the later ones are still there, the first has made room.
        let mut octet = [0];
        let later = silent[250].try_read(&mut octet).expect_err("it is open");
        assert_eq!(later.kind(), std::io::ErrorKind::WouldBlock);
        let first = silent[0].read(&mut octet).await;
        assert!(!matches!(first, Ok(1..)), "{first:?}");
    })
    .await;
}

#[tokio::test]
async fn a_request_has_one_host_and_an_absolute_target_is_it() {
    for (request, expected) in [
        ("GET /status HTTP/1.1\r\n\r\n", "400 Bad Request"),
        ("GET /status HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n\r\n", "400 Bad Request"),
        ("GET http://evil.example/status HTTP/1.1\r\nhost: localhost\r\n\r\n", "403 Forbidden"),
        ("GET http://localhost/status HTTP/1.1\r\nhost: evil.example\r\n\r\n", "200 OK"),
        ("GET /status HTTP/1.0\r\n\r\n", "200 OK"),
    ] {
        let response = serving(state(), async |address| exchange(address, request).await).await;
        assert!(
            response.starts_with(&format!("HTTP/1.1 {expected}\r\n"))
                || response.starts_with(&format!("HTTP/1.0 {expected}\r\n")),
            "{request}: {response}"
        );
    }
}

#[tokio::test]
async fn no_answer_is_taken_for_anything_else_than_it_says() {
    for target in ["/status", "/healthz", "/nothing", "/metrics", "/"] {
        let (_, head, _) = ask_of(state(), "GET", target, "").await;
        assert_eq!(head.matches("x-content-type-options: nosniff").count(), 1, "{target}: {head}");
    }
}
