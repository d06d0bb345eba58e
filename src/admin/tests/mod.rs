//! The answers of the admin address, over loopback.

mod changes;
mod connections;
mod openapi;
mod streams;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

use super::access::AccessPolicy;
use super::api::{FileDigest, Role};
use super::*;
use crate::canary::{CanaryId, Epoch, Failure, FailureClass, Heard, Observation, Sighting, Signals, Subject};
use crate::config::{self, DatabaseSource, SourceFile};
use crate::control::{Command, Control, Done, Effect, Input, RegionReport, Rejection, Restored};
use crate::event::Event;
use crate::geo::{self, Table};
use crate::health::{Phase, SiteShare};
use crate::inspect::{Explanation, Inquiry};
use crate::intent::SafetyRule;
use crate::moment::Moment;
use crate::region::{AddressId, RegionId};
use crate::share::Share;
use crate::snapshot::Base;

const SERVER: &str = "\
name: ns1
listen: { dns: [\"127.0.0.1:5300\"] }
geo: { networks: [{ network: 10.0.0.0/8, country: JP }] }
";

const REGIONS: &str = "\
regions:
  tokyo:
    location: { latitude: 35.68, longitude: 139.69 }
    jurisdiction: JP
    zones: { tokyo-a: { addresses: [192.0.2.1, 192.0.2.2] } }
    canaries: [shallow]
  dublin:
    location: { latitude: 53.35, longitude: -6.26 }
    jurisdiction: IE
    zones: { dublin-a: { addresses: [192.0.2.3, \"2001:db8::3\"] } }
    canaries: [whole]
canaries:
  shallow: { tcp: { port: 443 }, fall: 3, slow: 800ms }
  whole:
    json: { url: 'http://{region}.example.org/', signals: { error_rate: /errors, requests: /requests } }
    probe: region
    advisory: 30%
    fall: 1
";

const ZONE: &str = "\
zone: example.org
nameservers: [ns1.example.net]
soa: { serial: 7 }
names:
  '@': { steer: { regions: [tokyo, dublin] } }
  text: { TXT: hello }
";

/// 2026-03-01T00:00:00Z, when these tests begin.
const START: Moment = Moment(1_772_323_200_000);

fn at(seconds: u64) -> Moment {
    START.plus(Duration::from_secs(seconds))
}

fn base() -> Arc<Base> {
    let files = [("server.yaml", SERVER), ("regions.yaml", REGIONS), ("a.yaml", ZONE)];
    let files = files.map(|(name, text)| SourceFile::new(name, text)).to_vec();
    let compiled = config::compile(&config::SourceFiles::new("zones", files));
    let config = Arc::new(compiled.unwrap_or_else(|problems| panic!("{problems}")).config);
    let sources = geo_sources(&config.server.geo);
    let table = Table::compile(sources, &config.distinctions()).expect("there is no database");
    Arc::new(Base::build(config, table))
}

fn geo_sources(geo: &config::Geo) -> geo::TableSources<'_> {
    geo::TableSources { database: None, asn: None, networks: &geo.networks }
}

fn unavailable() -> Failure {
    Failure { class: FailureClass::Status, detail: "status 503".to_owned() }
}

/// Returns a minute of a server whose first address fell, and whose second region keeps 30 % of its clients.
pub(super) fn state() -> AdminState {
    let base = base();
    let mut control = Control::new(Arc::clone(&base), START);
    let mut effects = control.handle(Input::Restored(Restored::default()), START);
    for second in [10, 20, 30] {
        let seen = Observation {
            epoch: Epoch(0),
            subject: Subject::Address(AddressId(0)),
            canary: CanaryId(0),
            at: at(second),
            latency: Duration::from_micros(3500),
            result: Err(unavailable()),
            signals: None,
        };
        effects.extend(control.handle(Input::Observed(vec![seen]), at(second)));
    }
    let signals = Signals { error_rate: Some(0.25), requests: Some(400.0), ..Signals::default() };
    let seen = Observation {
        epoch: Epoch(0),
        subject: Subject::Region(RegionId(1)),
        canary: CanaryId(1),
        at: at(30),
        latency: Duration::from_millis(8),
        result: Err(unavailable()),
        signals: Some(signals),
    };
    effects.extend(control.handle(Input::Observed(vec![seen]), at(30)));
    let published = effects.into_iter().filter_map(|effect| match effect {
        Effect::Publish(snapshot) => Some(snapshot),
        Effect::Watch(..)
        | Effect::Persist(_)
        | Effect::Keep(_)
        | Effect::PersistAvailability(_)
        | Effect::Emit(_)
        | Effect::Answer(_) => None,
    });
    let published = Published {
        snapshot: published.last().expect("the first snapshot at least"),
        published_at: at(30),
        report: control.report(at(31)),
    };
    let origin = ConfigOrigin {
        directory: "zones".into(),
        loaded_at: START,
        database: None,
        asn_database: None,
        networks_sha256: None,
        files: Vec::new(),
        files_sha256: String::new(),
        failed: None,
        generations: Arc::default(),
    };
    let config = Arc::clone(&base.config);
    let sources = AdminSources {
        now: Box::new(|| at(60)),
        told: Box::new(|steady| steady),
        last: Box::new(|_, _| None),
        locate: Box::new(move |address| Some(geo_sources(&config.server.geo).locate(address))),
        history: Box::new(|_| Vec::new()),
        orders: mpsc::channel(1).0,
        rollbacks: mpsc::channel(1).0,
    };
    let state = AdminState::new(published, origin, Arc::default(), START, sources);
    let alice = access::HashedToken::new("alice", Role::Operate, "0123456789abcdef01234567");
    state
        .access
        .store(Arc::new(AccessPolicy { tokens: vec![alice.expect("a token")], ..AccessPolicy::default() }));
    state
}

/// Serves `state` while `ask` is under way.
async fn serving<T>(state: AdminState, ask: impl AsyncFnOnce(SocketAddr) -> T) -> T {
    let listener = bind(([127, 0, 0, 1], 0).into(), None).expect("loopback is free");
    let address = listener.address;
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, Arc::new(state), async {
        let _ = stopped.await;
    }));
    let answer = ask(address).await;
    drop(stop);
    server.await.expect("no panic").expect("the socket is taken");
    answer
}

/// Sends bytes and returns all that comes back until the connection is closed.
async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut response = Vec::new();
    // A server that has not read everything resets the connection after its answer.
    let _ = stream.read_to_end(&mut response).await;
    String::from_utf8(response).expect("text")
}

/// Returns the status, the headers and the body of the answer.
async fn ask_of(state: AdminState, method: &str, target: &str, headers: &str) -> (u16, String, String) {
    let request = format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
    let response = serving(state, async |address| exchange(address, &request).await).await;
    let (head, body) = response.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.expect("a status"), head.to_lowercase(), body.to_owned())
}

async fn check(target: &str, expected_status: u16, expected: &[&str]) {
    let (status, _, body) = ask_of(state(), "GET", target, "").await;
    assert_eq!(status, expected_status, "{target}: {body}");
    for part in expected {
        assert!(body.contains(part), "{target} lacks {part:?}: {body}");
    }
}

async fn status_of(state: AdminState) -> Value {
    let (_, head, body) = ask_of(state, "GET", "/status", "").await;
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(head.contains("cache-control: no-store"), "{head}");
    serde_json::from_str(&body).expect("JSON")
}

#[tokio::test]
async fn availability_is_told_of_everything_for_as_many_days_as_are_kept() {
    check("/availability", 200, &["\"days\": 30", "\"kind\": \"region\"", "\"subject\": \"dublin\""]).await;
    check("/availability?days=90", 200, &["\"days\": 90"]).await;
    check("/availability?days=0", 400, &["`days` goes from 1 to 90; write /availability?days=30"]).await;
    check("/availability?weeks=1", 400, &["write /availability?days=30"]).await;
}

#[tokio::test]
async fn health_is_ok_while_a_snapshot_is_served() {
    check("/healthz", 200, &["ok"]).await;
}

#[tokio::test]
async fn the_index_and_an_unknown_path_list_the_paths() {
    check("/", 200, &["/healthz", "/status", "/metrics", "/explain"]).await;
    check("/metric", 404, &["there is no /metric here", "/metrics"]).await;
}

#[tokio::test]
async fn only_get_and_head_are_answered() {
    let (status, head, body) = ask_of(state(), "POST", "/status", "content-length: 0\r\n").await;
    assert_eq!(status, 405);
    assert!(body.contains("allowed methods: GET, HEAD"), "{body}");
    assert!(head.contains("allow: get, head") || head.contains("allow: get,head"), "{head}");
    let (status, head, body) = ask_of(state(), "HEAD", "/status", "").await;
    assert_eq!((status, body.as_str()), (200, ""));
    assert!(head.contains("content-length: "), "{head}");
}

#[tokio::test]
async fn a_body_is_not_waited_for() {
    let (status, ..) = ask_of(state(), "POST", "/", "content-length: 1000000000\r\n").await;
    assert_eq!(status, 405);
}

#[tokio::test]
async fn the_status_names_everything() {
    let page = status_of(state()).await;
    assert_eq!(page["server"], "ns1");
    assert_eq!(page["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(page["uptime_seconds"], 60);
    // The first one, one with the short TTLs of a suspect address, one without it, one for the advisory canary.
    assert_eq!(page["snapshot"], json!({ "number": 4, "published_at": "2026-03-01T00:00:30.000Z" }));
    let zone = json!({ "name": "example.org.", "names": 2, "steered": 1, "serial": 7 });
    assert_eq!(page["zones"], json!([zone]));
    assert_eq!(page["geo"]["database"], Value::Null);
    assert!(page["geo"]["classes"].as_u64() >= Some(2), "{}", page["geo"]);
    let advice = "dublin keeps 30% of its clients: the advisory canary whole failed (status 503)";
    assert_eq!(page["alarms"], json!([advice]));
}

#[tokio::test]
async fn the_status_says_since_when_and_why_an_address_is_down() {
    let page = status_of(state()).await;
    let tokyo = &page["regions"][0];
    assert_eq!((&tokyo["name"], &tokyo["jurisdiction"]), (&json!("tokyo"), &json!("JP")));
    let expected = json!({
        "service": "in", "up": 1, "total": 2, "needed": 1, "phase": "healthy", "since": "2026-03-01T00:00:10.000Z",
        "until": null, "share": 1.0, "falls": 0, "suppression": null, "limited_zones": null,
    });
    assert_eq!(tokyo["ipv4"], expected);
    let [service, phase, share] = ["service", "phase", "share"].map(|key| &tokyo["ipv6"][key]);
    assert_eq!((service, phase, share), (&json!("absent"), &Value::Null, &Value::Null));
    let failure = json!({ "class": "status", "detail": "status 503" });
    assert_eq!(
        tokyo["zones"][0]["addresses"][0],
        json!({
            "address": "192.0.2.1",
            "state": "down",
            "since": "2026-03-01T00:00:30.000Z",
            "why": { "canary": "shallow", "class": "status", "detail": "status 503" },
            "canaries": [{
                "name": "shallow",
                "kind": "tcp",
                "advisory": null,
                "state": "down",
                "since": "2026-03-01T00:00:30.000Z",
                "last": {
                    "at": "2026-03-01T00:00:30.000Z", "ok": false, "latency_ms": 3.5, "slow": false,
                    "failure": failure, "remark": null,
                },
                "blind": null,
                "signals": null,
            }],
        })
    );
    let healthy = &tokyo["zones"][0]["addresses"][1];
    assert_eq!((&healthy["state"], &healthy["why"]), (&json!("unknown"), &Value::Null));
    assert_eq!(healthy["canaries"][0]["last"], Value::Null);
}

#[tokio::test]
async fn the_status_has_the_share_and_vitals_of_a_region_and_its_canaries_as_a_whole() {
    let page = status_of(state()).await;
    let dublin = &page["regions"][1];
    assert_eq!(
        (&dublin["failover"], &dublin["grade"], &dublin["shed"]),
        (&json!("auto"), &json!("fine"), &json!(0.0))
    );
    assert_eq!(dublin["ipv4"]["share"], 0.3);
    let vitals = json!({
        "load": null, "error_rate": 0.25, "p95_latency_seconds": null, "requests": 400.0,
        "replication_lag_seconds": null, "certificate_days": null,
        "probe_loss": null,
    });
    assert_eq!(dublin["vitals"], vitals);
    let canary = &dublin["canaries"][0];
    let [name, advisory, state] = ["name", "advisory", "state"].map(|key| canary[key].clone());
    assert_eq!(json!([name, advisory, state]), json!(["whole", 0.3, "down"]));
    assert_eq!(canary["last"]["failure"]["detail"], "status 503");
    assert_eq!(dublin["zones"][0]["ipv6"]["share"], 1.0);
}

#[tokio::test]
async fn a_result_that_is_later_than_the_report_is_shown() {
    let mut state = state();
    state.sources.last = Box::new(|_, _| Some(sighting(None)));
    let page = status_of(state).await;
    let last = &page["regions"][0]["zones"][0]["addresses"][0]["canaries"][0]["last"];
    let expected = json!({
        "at": "2026-03-01T00:00:32.000Z", "ok": true, "latency_ms": 900.0, "slow": true, "failure": null, "remark": null,
    });
    assert_eq!(last, &expected);
}

/// A success at second 32 that took 900 ms.
fn sighting(signals: Option<Heard>) -> Sighting {
    Sighting { at: at(32), latency: Duration::from_millis(900), result: Ok(()), remark: None, signals }
}

/// Checks what the page says, at second 60, of a load of 0.4 that was heard at `second`.
async fn check_load(second: u64, expected: Value) {
    let mut state = state();
    let heard = Heard { at: at(second), signals: Signals { load: Some(0.4), ..Signals::default() } };
    state.sources.last = Box::new(move |_, _| Some(sighting(Some(heard))));
    let page = status_of(state).await;
    let signals = &page["regions"][0]["zones"][0]["addresses"][0]["canaries"][0]["signals"];
    let [age, stale, load] = ["age_seconds", "stale", "load"].map(|key| signals[key].clone());
    assert_eq!(json!([age, stale, load, signals["error_rate"]]), expected);
}

#[tokio::test]
async fn a_signal_is_shown_with_its_age_and_unknown_after_three_intervals() {
    check_load(30, json!([30, false, 0.4, null])).await;
    check_load(29, json!([31, true, null, null])).await;
}

#[tokio::test]
async fn the_status_keeps_what_was_wrong_with_the_last_reload() {
    let state = state();
    let mut loaded = ConfigOrigin::clone(&state.origin.load());
    loaded.failed =
        Some(FailedReload { at: at(40), problems: vec!["zones/a.yaml:3:1: unknown key `nmaes`".to_owned()] });
    let source = DatabaseSource::File("world.mmdb".into());
    loaded.database = Some(DatabaseOrigin {
        source,
        kind: "World-Country".to_owned(),
        built_at: START,
        sha256: "cd".repeat(32),
    });
    let regions = FileDigest { name: "regions.yaml".to_owned(), sha256: "ab".repeat(32) };
    loaded.files = vec![regions];
    state.origin.store(Arc::new(loaded));
    let page = status_of(state).await;
    let expected = json!({
        "directory": "zones",
        "files": [{ "name": "regions.yaml", "sha256": "ab".repeat(32) }],
        "generation": null,
        "loaded_at": "2026-03-01T00:00:00.000Z",
        "failed_at": "2026-03-01T00:00:40.000Z",
        "problems": ["zones/a.yaml:3:1: unknown key `nmaes`"],
    });
    assert_eq!(page["configuration"], expected);
    assert_eq!(page["geo"]["kind"], "World-Country");
    assert_eq!(page["geo"]["built_at"], "2026-03-01T00:00:00.000Z");
    assert_eq!(page["geo"]["age_seconds"], 60);
    assert_eq!(page["geo"]["sha256"], "cd".repeat(32));
    assert_eq!(page["now"], "2026-03-01T00:01:00.000Z");
    assert_eq!(page["answers"][0]["sha256"].as_str().map(str::len), Some(64), "{page}");
}

#[tokio::test]
async fn metrics_are_open_metrics_for_scrapers_that_know_it_and_else_plain() {
    let accept = "accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n";
    for (headers, kind, is_open) in [
        (accept, "content-type: application/openmetrics-text; version=1.0.0", true),
        ("", "content-type: text/plain; version=0.0.4", false),
    ] {
        let (status, head, body) = ask_of(state(), "GET", "/metrics", headers).await;
        assert_eq!(status, 200);
        assert!(head.contains(kind) && head.contains("vary: accept"), "{head}");
        assert_eq!(body.ends_with("# EOF\n"), is_open, "{body}");
    }
}

#[tokio::test]
async fn an_explanation_is_json_unless_text_is_asked_for() {
    let target = "/explain?name=example.org&client=10.1.2.3";
    let (_, _, body) = ask_of(state(), "GET", target, "").await;
    let explanation: Explanation = serde_json::from_str(&body).expect("JSON");
    assert_eq!(explanation.answer.len(), 1, "{body}");
    assert_eq!(explanation.client, "10.1.2.3/32");
    let reasons = explanation.steering.expect("a steered name");
    assert!(reasons.network.starts_with("10.0.0.0/8"), "{}", reasons.network);

    let (_, head, text) = ask_of(state(), "GET", target, "accept: text/plain\r\n").await;
    assert!(head.contains("content-type: text/plain"), "{head}");
    assert_eq!(text, ask_of(state(), "GET", &format!("{target}&format=text"), "").await.2);
    assert!(text.starts_with("example.org. A for 10.1.2.3/32, snapshot 4\n"), "{text}");
}

#[tokio::test]
async fn bad_parameters_get_a_sentence_that_says_what_to_write() {
    for (query, expected) in [
        ("", "missing field `name`"),
        ("name=example.org", "missing field `client`"),
        ("name=a..b&client=192.0.2.1", "`a..b` is not a domain name"),
        ("name=example.org&client=tokyo", "`tokyo` is not an IP address"),
        ("name=example.org&client=192.0.2.1/24", "write 192.0.2.0/24"),
        ("name=example.org&client=192.0.2.1&type=B", "`B` is not a record type"),
        ("name=example.org&client=192.0.2.1&form=text", "unknown field `form`"),
        ("name=a&name=b&client=192.0.2.1", "duplicate field `name`"),
        ("name=a&client=192.0.2.1&format=xml", "unknown variant `xml`"),
    ] {
        check(&format!("/explain?{query}"), 400, &[expected, "; write /explain?name="]).await;
    }
}

#[tokio::test]
async fn odd_names_types_and_clients_are_explained() {
    check("/explain?name=example.org&client=0.0.0.0/0&type=any", 200, &["rcode"]).await;
    check("/explain?name=.&client=::1", 200, &["REFUSED"]).await;
    check("/explain?name=text.example.org&client=2001:db8::/32&type=TYPE16", 200, &["hello"]).await;
    let longest = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".");
    check(&format!("/explain?name={longest}&client=::1"), 200, &["ddd"]).await;
}

#[tokio::test]
async fn a_loss_is_simulated_as_json_and_as_text() {
    check("/simulate?lose=tokyo", 200, &["\"lost\": [", "\"region\": \"tokyo\"", "\"is_serving\": false"])
        .await;
    check("/simulate?lose=tokyo&load=1.4&format=text", 200, &["tokyo lost, at 1.4 times the demand"]).await;
    check("/simulate?each=true&format=text", 200, &["\nTried every region"]).await;
}

#[tokio::test]
async fn a_loss_that_makes_no_sense_is_refused_with_a_sentence() {
    for (target, status, sentence) in [
        ("/simulate", 400, "say either `lose` or `each=true`; write /simulate?lose="),
        ("/simulate?lose=tokyo&each=true", 400, "say either"),
        ("/simulate?each=true&load=0", 400, "`load` is a factor above 0"),
        ("/simulate?each=true&load=NaN", 400, "`load` is a factor above 0"),
        ("/simulate?loose=tokyo", 400, "loose"),
        ("/simulate?lose=tokio", 404, "no region is called `tokio`; did you mean `tokyo`?"),
    ] {
        check(target, status, &[sentence]).await;
    }
}

/// The engine's replies to every type are decoded again, including types that are never asked for.
#[test]
fn every_type_is_explained() {
    let state = state();
    for rtype in (0..=300).chain(32_767..32_770).chain(65_280..=65_535u16) {
        let inquiry = Inquiry {
            name: "example.org.".parse().expect("a name"),
            rtype: rtype.into(),
            client: "192.0.2.0/24".parse().expect("a prefix"),
        };
        explain::explained(&state, &inquiry);
    }
}

const JO: &str = "host: ns1\r\nauthorization: Bearer 0123456789abcdef01234567\r\nmeridian-author: Jo Ö\r\n";

fn let_back() -> Result<Done, Rejection> {
    Ok(Done::LetBack { region: "tokyo".to_owned() })
}

#[tokio::test]
async fn a_page_that_cannot_be_made_is_a_mistake_of_the_server() {
    let mut state = state();
    state.sources.locate = Box::new(|_| panic!("this database is cursed"));
    let (status, _, body) = ask_of(state, "GET", "/explain?name=example.org&client=192.0.2.1", "").await;
    assert_eq!(status, 500, "{body}");
}

/// Returns an event about nothing in particular.
fn event(number: u64) -> Arc<Event> {
    Arc::new(Event { number, ..Event::failback("tokyo", "Jo", at(number)) })
}

#[tokio::test]
async fn the_first_view_is_small_and_may_load_nothing_from_elsewhere() {
    let html = "accept: text/html,application/xhtml+xml;q=0.9\r\n";
    let (status, head, document) = ask_of(state(), "GET", "/", html).await;
    assert_eq!(status, 200);
    for header in [
        "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
         img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "content-type: text/html; charset=utf-8",
    ] {
        assert!(head.contains(header), "{header} is not in {head}");
    }
    let mut total = document.len();
    let files = ui::FILES.iter().map(|file| file.path);
    for path in files.chain(["/map.svg", "/atlas"]) {
        let (status, _, body) = ask_of(state(), "GET", path, "").await;
        assert_eq!(status, 200, "{path}");
        total += body.len();
    }
    // What streams begin with: the state, and the longest tale of events that are as long as real ones.
    total += 200 * 350;
    assert!(total <= 250_000, "{total} octets");
}

#[tokio::test]
async fn the_overview_says_in_a_line_what_the_status_says_at_length() {
    let (_, _, body) = ask_of(state(), "GET", "/overview", "").await;
    let page: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(page["names"], json!(["example.org."]));
    let dublin = &page["regions"][1];
    assert_eq!(
        json!([dublin["name"], dublin["phase"], dublin["ipv4"]["share"]]),
        json!(["dublin", "healthy", 0.3])
    );
    assert_eq!((&dublin["zones"], &page["events"]), (&Value::Null, &json!([])));

    let (_, _, body) = ask_of(state(), "GET", "/status/dublin", "").await;
    let region: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(region["zones"][0]["name"], "dublin-a");
    check("/status/mars", 404, &["no region is called `mars`"]).await;
}

#[test]
fn a_region_that_operators_keep_empty_looks_different_from_one_that_is_down() {
    let check = |phase: Option<Phase>, intent: Option<&str>, share: Share, expected: &str| {
        let mut tokyo = state().published.load().report.regions[0].clone();
        tokyo.intent = intent.map(str::to_owned);
        for status in &mut tokyo.status {
            (status.phase, status.share) = (phase.unwrap_or(status.phase), SiteShare::of(share));
        }
        assert_eq!(overview::look(&tokyo), expected, "{phase:?} {intent:?} {share}");
    };
    let drain = Some("drain tokyo (intent 1)");
    check(None, drain, Share::NONE, "withdrawn");
    check(None, drain, Share::percent(40), "healthy");
    check(None, None, Share::NONE, "healthy");
    check(Some(Phase::Down), drain, Share::NONE, "down");
}

#[test]
fn a_region_one_of_whose_zones_is_held_is_not_plainly_healthy() {
    let published = state().published.load_full();
    let config = &published.snapshot.base.config;
    let (_, region) = config.regions.iter().next().expect("tokyo");
    let mut tokyo = published.report.regions[0].clone();
    tokyo.zones = vec![tokyo.zones[0].clone(); 3];
    let stands = |tokyo: &RegionReport| {
        let family = status::summary(region, tokyo).ipv4;
        let phase = family.site.phase.expect("it has IPv4");
        (phase, family.limited_zones, overview::look(tokyo), overview::state(tokyo))
    };
    assert_eq!(stands(&tokyo), (Phase::Healthy, None, "healthy", "healthy".to_owned()));
    let held = &mut tokyo.zones[1].status[0];
    (held.phase, held.share) = (Phase::Held, SiteShare::Waiting);
    let (zones, state) = ("1 of 3 zones held".to_owned(), "healthy, 1 of 3 zones held".to_owned());
    assert_eq!(stands(&tokyo), (Phase::Healthy, Some(zones), "limited", state));
}

#[tokio::test]
async fn the_atlas_and_the_map_say_where_the_clients_of_a_country_go() {
    check("/atlas", 200, &["\"tokyo\",\n", "\"name\": \"example.org.\""]).await;
    check("/atlas?name=example.org", 200, &["\"snapshot\": 4"]).await;
    check("/map.svg?name=example.org.", 200, &["<title>Japan: tokyo 100%</title>", "mark-dublin"]).await;
    for target in ["/atlas?name=example.net", "/map.svg?name=a..b"] {
        check(target, 400, &["is not a steered name"]).await;
    }
    check("/atlas?nmae=x", 400, &["unknown field `nmae`"]).await;
}

#[tokio::test]
async fn what_has_been_is_told_and_a_question_that_makes_no_sense_is_refused() {
    check("/history", 200, &["\"events\": []", "\"target\": \"tokyo\"", "\"text\": \"never\""]).await;
    check("/history?limit=5&kind=drill", 200, &["\"drills\": []"]).await;
    check("/history?limit=0", 400, &["`limit` goes from 1 to 1000, not 0"]).await;
    check("/history?limit=many", 400, &["invalid digit"]).await;
    check("/history?age=1", 400, &["unknown field `age`"]).await;
}
