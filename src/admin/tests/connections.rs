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
