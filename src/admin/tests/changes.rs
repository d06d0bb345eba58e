//! What operators ask for: read whole, asked of the writer, refused with a sentence; and tokens that are wrong.

use super::*;

/// Asks for a change, of a writer that answers like this, and returns what the writer was asked for.
async fn check_change(
    target: &str,
    headers: &str,
    body: &str,
    done: Result<Done, Rejection>,
    (status, sentence): (u16, &str),
) -> Option<Command> {
    let mut state = state();
    let (orders, mut received) = mpsc::channel(1);
    state.sources.orders = orders;
    let writer = tokio::spawn(async move {
        let order: OperatorOrder = received.recv().await?;
        // Whoever asked may have gone.
        let _ = order.reply.send(done);
        Some(order.command)
    });
    let request = format!("{target} HTTP/1.1\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len());
    let response = serving(state, async |address| exchange(address, &request).await).await;
    assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{target}: {response}");
    assert!(response.contains(sentence), "{target}: {response}");
    writer.await.expect("it does not panic")
}

#[tokio::test]
async fn a_region_is_let_back_by_a_request_that_names_its_author() {
    let told = (200, "tokyo is let back: it takes its clients share by share");
    let request = check_change("POST /failback/tokyo", JO, "", let_back(), told).await;
    let (region, author) = ("tokyo".to_owned(), "Jo Ö (alice)".to_owned());
    assert_eq!(request, Some(Command::FailBack { region, author }));
}

#[tokio::test]
async fn what_the_writer_refuses_is_told_with_its_kind() {
    let sentence = || "there is a reason".to_owned();
    let violations = vec![(SafetyRule::HardLimit, "osaka would stand at 112%".to_owned())];
    for (refusal, status, text) in [
        (Rejection::Wrong(sentence()), 400, "there is a reason"),
        (Rejection::Unknown(sentence()), 404, "there is a reason"),
        (Rejection::Conflict(sentence()), 409, "there is a reason"),
        (Rejection::Unsafe { violations, forecast: "a table".to_owned() }, 409, "--override hard_limit"),
    ] {
        let request = check_change("POST /failback/tokyo", JO, "", Err(refusal), (status, text)).await;
        assert!(request.is_some(), "{status}");
    }
}

#[tokio::test]
async fn a_wish_is_read_whole_before_anybody_is_asked() {
    let body = r#"{"intent": {"action": "shift", "target": "tokyo", "percent": 50}, "for": "2h", "reason": "a kernel", "override": ["hard_limit"]}"#;
    let request = check_change("POST /intents", JO, body, let_back(), (200, "tokyo")).await;
    let Some(Command::Intend { request, is_dry_run: false }) = request else { panic!("it was: {request:?}") };
    assert_eq!(
        (request.action.to_string().as_str(), request.author.as_str()),
        ("shift tokyo 50%", "Jo Ö (alice)")
    );
    assert_eq!(
        (request.lasts, &*request.overrides),
        (Some(Duration::from_secs(7200)), &[SafetyRule::HardLimit][..])
    );
}

#[tokio::test]
async fn a_change_that_makes_no_sense_or_may_not_be_asked_for_never_reaches_the_writer() {
    let tokyo = "POST /failback/tokyo";
    let (anonymous, rebound) =
        ("host: localhost\r\nmeridian-author: Jo\r\n", "host: evil.example\r\nmeridian-author: Jo\r\n");
    let huge = format!(
        r#"{{"intent": {{"action": "drain", "target": "tokyo"}}, "reason": "{}"}}"#,
        "a".repeat(api::intents::MAX_BODY)
    );
    for (target, headers, body, status, sentence) in [
        (tokyo, anonymous, "", 403, "this needs a token whose role is `operate`"),
        (tokyo, rebound, "", 403, "at an IP address or `localhost` only"),
        ("POST /intents", anonymous, "{}", 403, "this needs a token whose role is `operate`"),
        ("DELETE /intents/1", anonymous, "", 403, "this needs a token whose role is `operate`"),
        ("POST /proposals/1/approve", anonymous, "{}", 403, "this needs a token whose role is `operate`"),
        ("POST /intents", JO, "", 400, "the body is not as /openapi.json says"),
        ("POST /intents", JO, "{\"intent\": 7}", 400, "invalid type"),
        (
            "POST /intents",
            JO,
            r#"{"intent": {"action": "lift", "target": "x"}, "reason": "y"}"#,
            400,
            "unknown variant `lift`",
        ),
        (
            "POST /intents",
            JO,
            r#"{"intent": {"action": "drain", "target": "x"}, "reason": "y", "for": "soon"}"#,
            400,
            "`soon` is not a duration",
        ),
        (
            "POST /intents",
            JO,
            r#"{"intent": {"action": "drain", "target": "x"}, "reason": "y", "override": ["all"]}"#,
            400,
            "unknown variant `all`",
        ),
        (
            "POST /intents",
            JO,
            r#"{"intent": {"action": "drain", "target": "x"}, "because": "y"}"#,
            400,
            "unknown field `because`",
        ),
        ("POST /intents", JO, &huge, 413, "a request has at most 16384 octets"),
        ("DELETE /intents/moon", JO, "", 400, "number: invalid digit"),
        ("DELETE /intents/1?at_once=perhaps", JO, "", 400, "?at_once=true"),
        ("GET /failback/tokyo", JO, "", 405, "allowed methods: POST"),
        ("POST /intents/1", JO, "", 405, "allowed methods: DELETE"),
    ] {
        let request = check_change(target, headers, body, let_back(), (status, sentence)).await;
        assert_eq!(request, None, "{target} {headers}");
    }
}

#[tokio::test]
async fn many_wrong_tokens_are_limited_and_counted_while_right_ones_work() {
    let state = state();
    let (wrong, right) = ("host: localhost\r\nauthorization: Bearer nobody\r\n", JO);
    let text = serving(state, async |address| {
        let ask = async |headers: &str, path: &str| {
            exchange(address, &format!("GET {path} HTTP/1.1\r\n{headers}\r\n")).await
        };
        for number in 0..20 {
            let reply = ask(wrong, "/status").await;
            let expected = if number < 10 { "HTTP/1.1 401 " } else { "HTTP/1.1 429 " };
            assert!(reply.starts_with(expected), "{number}: {reply}");
            assert!(ask(right, "/status").await.starts_with("HTTP/1.1 200 "), "{number}");
        }
        assert!(ask(wrong, "/healthz").await.starts_with("HTTP/1.1 200 "), "it is open to everybody");
        ask("host: localhost\r\n", "/metrics").await
    })
    .await;
    for (why, count) in [("wrong_token", 10), ("too_many_wrong", 10)] {
        assert!(
            text.contains(&format!("meridian_admin_refusals_total{{why=\"{why}\"}} {count}\n")),
            "{text}"
        );
    }
}
