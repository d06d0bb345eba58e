//! The live stream: what it begins with, what it goes on with, and readers that come back or fall behind.

use super::*;

/// Opens a stream and returns it with its head.
async fn stream(address: SocketAddr, headers: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let request = format!("GET /events HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let head = read_until(&mut stream, "\r\n\r\n").await;
    (stream, head)
}

/// Reads until a text has come, and returns everything up to there and beyond.
async fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut received = Vec::new();
    while !String::from_utf8_lossy(&received).contains(text) {
        let length = stream.read_buf(&mut received).await.expect("it goes on");
        assert_ne!(length, 0, "it ended without {text:?}: {}", String::from_utf8_lossy(&received));
    }
    String::from_utf8(received).expect("text")
}

/// A writer that tells events.
struct Teller {
    state: Arc<AdminState>,
    history: Arc<Mutex<Vec<Arc<Event>>>>,
}

impl Teller {
    fn tell(&self, event: Arc<Event>) {
        self.history.lock().expect("no panic").push(Arc::clone(&event));
        self.state.tell(&event);
    }
}

/// Serves a state that the test goes on to tell events.
async fn told<T>(ask: impl AsyncFnOnce(SocketAddr, Teller) -> T) -> T {
    let history: Arc<Mutex<Vec<Arc<Event>>>> = Arc::default();
    let (mut state, kept) = (state(), Arc::clone(&history));
    state.sources.history = Box::new(move |at_most| {
        let kept = kept.lock().expect("no panic");
        kept[kept.len().saturating_sub(at_most)..].to_vec()
    });
    let state = Arc::new(state);
    let listener = bind(([127, 0, 0, 1], 0).into(), None).expect("loopback is free");
    let address = listener.address;
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, Arc::clone(&state), async {
        let _ = stopped.await;
    }));
    let answer = ask(address, Teller { state, history }).await;
    drop(stop);
    server.await.expect("no panic").expect("the socket is taken");
    answer
}

#[tokio::test]
async fn a_stream_begins_with_the_state_and_the_events_and_goes_on_with_what_happens() {
    told(async |address, state| {
        state.tell(event(1));
        let (mut watching, head) = stream(address, "").await;
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        let first = head + &read_until(&mut watching, "Jo let tokyo back\"}\n\n").await;
        let (state_at, record_at) =
            (first.find("event: state\ndata: {"), first.find("id: 1\nevent: event\n"));
        assert!(state_at.is_some() && state_at < record_at, "{first}");
        state.tell(event(2));
        assert!(read_until(&mut watching, "\n\n").await.contains("id: 2\nevent: event\ndata: {"));
    })
    .await;
}

#[tokio::test]
async fn who_comes_back_gets_what_happened_in_between_and_no_more_than_is_kept() {
    told(async |address, state| {
        (1..=300).for_each(|number| state.tell(event(number)));
        let (mut back, head) = stream(address, "last-event-id: 298\r\n").await;
        let missed = head + &read_until(&mut back, "\"number\":300,").await;
        assert_eq!(missed.matches("event: event").count(), 2, "{missed}");
        let (mut new, head) = stream(address, "last-event-id: nonsense\r\n").await;
        let kept = head + &read_until(&mut new, "\"number\":300,").await;
        assert_eq!(kept.matches("event: event").count(), 200);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_outlives_other_connections_and_says_so() {
    told(async |address, state| {
        let (mut watching, _) = stream(address, "").await;
        read_until(&mut watching, ": still here\n\n").await;
        state.tell(event(1));
        read_until(&mut watching, "\"number\":1,").await;
    })
    .await;
}

#[tokio::test]
async fn the_129th_stream_is_refused_and_pages_are_still_answered() {
    told(async |address, state| {
        let mut watching = Vec::new();
        for _ in 0..ConnectionLimits::default().streams {
            watching.push(stream(address, "").await);
        }
        let (_, head) = stream(address, "").await;
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
        let answer = exchange(address, "GET /healthz HTTP/1.1\r\nhost: ns1\r\n\r\n").await;
        assert!(answer.ends_with("ok\n"), "{answer}");
        state.tell(event(1));
        for (stream, _) in &mut watching {
            read_until(stream, "\"number\":1,").await;
        }
    })
    .await;
}

#[tokio::test]
async fn who_does_not_read_is_dropped_and_others_go_on() {
    told(async |address, state| {
        let (mut idle, _) = stream(address, "").await;
        let (mut watching, _) = stream(address, "").await;
        let long = |number| Arc::new(Event { text: "x".repeat(1 << 20), ..(*event(number)).clone() });
        for number in 1..=100 {
            state.tell(long(number));
            read_until(&mut watching, "\"}\n\n").await;
        }
        let mut received = Vec::new();
        let _ = idle.read_to_end(&mut received).await;
        assert!(received.len() < 90 << 20, "{} octets were queued for it", received.len());
    })
    .await;
}
