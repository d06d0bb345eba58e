//! `/openapi.json` tells the truth: what is really answered is as it says.

use std::collections::BTreeSet;

use jsonschema::Validator;

use super::*;
use crate::admin::api::Method;
use crate::admin::openapi::document;
use crate::admin::routes::operations;
use crate::intent::Action;
use crate::intent::{IntentStore, Request};

/// Returns the description, strict: what it does not name must not be there.
fn strict() -> Value {
    let mut described = document(&operations());
    let schemas = described["components"]["schemas"].as_object_mut().expect("schemas by name");
    for schema in schemas.values_mut() {
        let Some(schema) = schema.as_object_mut().filter(|schema| schema.contains_key("properties")) else {
            continue;
        };
        schema.entry("additionalProperties").or_insert(json!(false));
    }
    described
}

/// Returns what checks a schema in which names of the description stand.
fn validator(described: &Value, schema: &Value) -> Validator {
    let whole = json!({ "components": described["components"], "allOf": [schema] });
    jsonschema::draft202012::new(&whole).expect("a schema")
}

/// Checks that the answer to a request is one that is described for its path.
fn check_answer(described: &Value, method: &str, path: &str, response: &str) {
    let (head, body) = response.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).expect("a status");
    let kind = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap_or_default();
    let operation = &described["paths"][path][method.to_lowercase()];
    let content = &operation["responses"][status]["content"];
    let Some(answer) = content.get(kind) else {
        panic!("{method} {path} answers {status} with `{kind}`, which is not described: {body}");
    };
    if kind.starts_with("application/json") {
        let value: Value = serde_json::from_str(body).expect("JSON");
        let validator = validator(described, &answer["schema"]);
        let wrong: Vec<_> =
            validator.iter_errors(&value).map(|one| format!("{}: {one}", one.instance_path())).collect();
        assert!(wrong.is_empty(), "{method} {path} {status}: {wrong:#?}\n{body}");
    }
}

#[test]
fn every_path_is_described_and_nothing_else() {
    let described = document(&operations());
    let paths = described["paths"].as_object().expect("paths");
    let written: BTreeSet<_> = paths
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().into_iter().flatten().map(move |(method, _)| (path, method))
        })
        .map(|(path, method)| (path.clone(), method.to_uppercase()))
        .collect();
    let routed: BTreeSet<_> =
        operations().iter().map(|one| (one.path.to_owned(), one.method.to_string())).collect();
    assert_eq!(written, routed);
    assert_eq!(written.len(), operations().len(), "two operations have one place");
}

#[test]
fn every_variable_of_a_path_is_described_and_every_name_of_a_schema_is_there() {
    let described = document(&operations());
    for operation in operations() {
        let told = &described["paths"][operation.path][operation.method.to_string().to_lowercase()];
        let parameters = told["parameters"].as_array().expect("parameters");
        let inside = parameters.iter().filter(|one| one["in"] == "path").count();
        assert_eq!(inside, operation.path.matches('{').count(), "{}", operation.path);
        let text = told.to_string();
        let names = text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next());
        for name in names {
            let schema = &described["components"]["schemas"][name];
            assert!(schema.is_object(), "{name} is not described");
            validator(&described, schema);
        }
    }
}

#[test]
fn every_property_has_a_description() {
    let described = document(&operations());
    for (name, schema) in described["components"]["schemas"].as_object().expect("schemas") {
        for (property, schema) in schema["properties"].as_object().into_iter().flatten() {
            let is_named = schema["description"].is_string() || schema["$ref"].is_string();
            assert!(is_named, "{name}.{property} has no description");
        }
    }
}

/// Returns the usual state, with intents of two kinds in force and something that the machine advises.
fn busy() -> AdminState {
    let mut state = state();
    let seen = state.published.load_full();
    let mut report = seen.report.clone();
    let mut desk = IntentStore::default();
    for action in
        ["shift tokyo 40%", "disable dublin/dublin-a", "weights example.org tokyo=9 dublin=1 steps 10,100"]
    {
        let request = Request { action: action.parse().expect("an action"), ..Request::default() };
        desk.make(request, at(20));
    }
    report.intents = desk.intents().to_vec();
    report.drains = vec![progress()];
    report.proposals = vec![crate::control::Proposal { number: 7, region: "tokyo".to_owned(), at: at(30) }];
    let (snapshot, published_at) = (Arc::clone(&seen.snapshot), seen.published_at);
    state.published.store(Arc::new(Published { snapshot, published_at, report }));
    state.sources.history = Box::new(|_| vec![event(1)]);
    state
}

/// Returns how far a shift is that has begun.
fn progress() -> crate::control::DrainProgress {
    crate::control::DrainProgress {
        intent: 1,
        region: "tokyo".to_owned(),
        zone: None,
        kept: crate::share::Share::percent(60),
        is_configured: true,
        is_returning: false,
        given_out: vec!["192.0.2.1".parse().expect("an address")],
        static_names: vec!["text.example.org.".to_owned()],
        last_lawful: Some(at(90)),
        load: Some(0.2),
        load_at_first: Some(0.5),
    }
}

#[tokio::test]
async fn what_is_read_is_as_described() {
    let described = strict();
    for (path, target) in [
        ("/", "/"),
        ("/ui/{file}", "/ui/style.css"),
        ("/ui/{file}", "/ui/script.js"),
        ("/ui/{file}", "/ui/none"),
        ("/docs", "/docs"),
        ("/docs/{page}", "/docs/concepts"),
        ("/docs/{page}", "/docs/none"),
        ("/healthz", "/healthz"),
        ("/openapi.json", "/openapi.json"),
        ("/whoami", "/whoami"),
        ("/status", "/status"),
        ("/status/{region}", "/status/dublin"),
        ("/status/{region}", "/status/mars"),
        ("/overview", "/overview"),
        ("/atlas", "/atlas"),
        ("/atlas", "/atlas?name=nobody.example"),
        ("/map.svg", "/map.svg"),
        ("/map.svg", "/map.svg?name=nobody.example"),
        ("/metrics", "/metrics"),
        ("/explain", "/explain?name=example.org&client=10.0.0.1"),
        ("/explain", "/explain?name=example.org&client=10.0.0.1&format=text"),
        ("/explain", "/explain?name=text.example.org&client=2001:db8::/32&type=TXT"),
        ("/explain", "/explain"),
        ("/simulate", "/simulate?lose=tokyo"),
        ("/simulate", "/simulate?each=true&load=2"),
        ("/simulate", "/simulate?each=true&format=text"),
        ("/simulate", "/simulate"),
        ("/simulate", "/simulate?lose=mars"),
        ("/intents", "/intents"),
        ("/intents/{number}/drain-status", "/intents/1/drain-status"),
        ("/intents/{number}/drain-status", "/intents/3/drain-status"),
        ("/intents/{number}/drain-status", "/intents/9/drain-status"),
        ("/intents/{number}/drain-status", "/intents/x/drain-status"),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        let response = serving(busy(), async |address| exchange(address, &request).await).await;
        check_answer(&described, "GET", path, &response);
    }
}

/// Answers a change as the writer would, and returns the whole response.
async fn changed(method: &str, target: &str, body: &str, done: Result<Done, Rejection>) -> String {
    let mut state = state();
    let (orders, mut received) = mpsc::channel(1);
    state.sources.orders = orders;
    tokio::spawn(async move {
        if let Some(OperatorOrder { reply, .. }) = received.recv().await {
            // Whoever asked may have gone.
            let _ = reply.send(done);
        }
    });
    let request = format!("{method} {target} HTTP/1.1\r\ncontent-length: {}\r\n{JO}\r\n{body}", body.len());
    serving(state, async |address| exchange(address, &request).await).await
}

fn intent() -> crate::intent::Intent {
    let mut desk = IntentStore::default();
    desk.make(Request::default(), START).intent
}

#[tokio::test]
async fn what_becomes_of_a_change_is_as_described() {
    let described = strict();
    let violations = || vec![(SafetyRule::HardLimit, "osaka would stand at 112 %".to_owned())];
    let (sentence, forecast) = (|| "there is a reason".to_owned(), || "a table".to_owned());
    let dones = || {
        [
            Ok(Done::Made {
                intent: intent(),
                snapshot: 8,
                forecast: Some(forecast()),
                replaces: None,
                is_kept: true,
            }),
            Ok(Done::Same(intent())),
            Ok(Done::Tried { forecast: forecast(), violations: violations() }),
            Ok(Done::Lifted { intent: intent(), text: sentence() }),
            Err(Rejection::Wrong(sentence())),
            Err(Rejection::Unknown(sentence())),
            Err(Rejection::Conflict(sentence())),
            Err(Rejection::Unsafe { violations: violations(), forecast: forecast() }),
        ]
    };
    let wanted = r#"{"intent": {"action": "drain", "target": "tokyo"}, "for": "2h", "reason": "a kernel"}"#;
    for done in dones() {
        let response = changed("POST", "/intents", wanted, done).await;
        check_answer(&described, "POST", "/intents", &response);
    }
    for done in
        dones().into_iter().filter(|done| !matches!(done, Ok(Done::Tried { .. } | Done::Lifted { .. })))
    {
        let response = changed("POST", "/proposals/7/approve", r#"{"reason": "go"}"#, done).await;
        check_answer(&described, "POST", "/proposals/{number}/approve", &response);
    }
    for (method, target, path) in [
        ("DELETE", "/intents/7", "/intents/{number}"),
        ("DELETE", "/intents/x", "/intents/{number}"),
        ("DELETE", "/intents/7?at_once=1", "/intents/{number}"),
        ("POST", "/failback/tokyo", "/failback/{region}"),
        ("POST", "/intents", "/intents"),
        ("POST", "/proposals/x/approve", "/proposals/{number}/approve"),
    ] {
        let response = changed(method, target, "", let_back()).await;
        check_answer(&described, method, path, &response);
    }
}

#[test]
fn what_is_described_as_a_wish_is_what_is_taken() {
    let described = document(&operations());
    let validator = validator(&described, &json!({ "$ref": "#/components/schemas/IntentRequest" }));
    let wanted = |intent: &str, lasts: &str, reason: &str| {
        let action = serde_json::to_value(intent.parse::<Action>().expect("an action")).expect("JSON");
        json!({ "intent": action, "for": lasts, "reason": reason })
    };
    for good in [
        wanted("shift tokyo/tokyo-a 50%", "2h", "a kernel"),
        wanted(" drain tokyo", "1h30m", "ü"),
        wanted("weights api.example.com blue=90 green=10 steps 10,50,100 hold 10m", "2h", "x y"),
        json!({ "intent": {"action": "disable", "target": "tokyo"}, "reason": "x", "override": ["no_region"], "dry_run": true }),
    ] {
        assert!(validator.is_valid(&good), "{good}");
    }
    let long = "a".repeat(501);
    for bad in [
        json!({ "intent": { "action": "lift", "target": "tokyo" }, "for": "2h", "reason": "x" }),
        json!({ "intent": { "action": "shift", "target": "tokyo", "percent": 101 }, "reason": "x" }),
        json!({ "intent": { "action": "drain", "target": "tokyo", "percent": 10 }, "reason": "x" }),
        wanted("drain tokyo", "soon", "x"),
        wanted("drain tokyo", "2h", " "),
        wanted("drain tokyo", "2h", "two\nlines"),
        wanted("drain tokyo", "2h", &long),
        json!({ "intent": {"action": "drain", "target": "tokyo"}, "reason": "x", "override": ["all"] }),
        json!({ "intent": {"action": "drain", "target": "tokyo"}, "reason": "x", "because": "y" }),
        json!({ "intent": {"action": "drain", "target": "tokyo"} }),
    ] {
        assert!(!validator.is_valid(&bad), "{bad}");
    }
}

#[tokio::test]
async fn who_may_only_read_changes_nothing_at_any_path() {
    let viewer = "authorization: Bearer abcdef0123456789abcdef01\r\n";
    for operation in operations() {
        let is_change = operation.role == Some(Role::Operate);
        assert_eq!(is_change, operation.method != Method::Get, "{}", operation.path);
        if !is_change {
            continue;
        }
        let target = operation.path.replace("{number}", "1").replace("{region}", "tokyo");
        for headers in ["", viewer] {
            let mut state = state();
            let tokens = [
                ("alice", Role::Operate, "0123456789abcdef01234567"),
                ("bob", Role::Read, "abcdef0123456789abcdef01"),
            ];
            let tokens =
                tokens.map(|(name, role, text)| access::HashedToken::new(name, role, text).expect("a token"));
            state.access.store(Arc::new(AccessPolicy { tokens: tokens.into(), ..AccessPolicy::default() }));
            let (orders, mut received) = mpsc::channel(1);
            state.sources.orders = orders;
            let (status, _, body) = ask_of(state, &operation.method.to_string(), &target, headers).await;
            assert_eq!(status, 403, "{} {target}: {body}", operation.method);
            assert!(received.try_recv().is_err(), "the writer was asked: {target}");
        }
    }
}

#[tokio::test]
async fn whoever_asks_is_told_who_they_are() {
    for (headers, expected) in [
        ("", json!({ "name": "loopback", "role": "read", "via": "loopback" })),
        (
            "authorization: Bearer 0123456789abcdef01234567\r\n",
            json!({ "name": "alice", "role": "operate", "via": "token" }),
        ),
    ] {
        let (_, _, body) = ask_of(state(), "GET", "/whoami", headers).await;
        assert_eq!(serde_json::from_str::<Value>(&body).expect("JSON"), expected);
    }
}
