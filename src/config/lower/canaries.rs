//! The canaries of `regions.yaml` to [`Canary`].

use std::net::Ipv6Addr;
use std::time::Duration;

use super::defined::{Defined, check_name};
use super::server::required;
use crate::canary::{Canary, Check, HttpCheck, Thresholds};
use crate::config::problem::{Place, Report};
use crate::config::spec::{self, Statuses, Value, given, items};

/// The most canaries: all of them may watch each address.
const MAX_CANARIES: usize = 256;

const INTERVAL: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(2);
/// Design, section 5: the worst case of 10 s, 2 s and 3 is then 20 s.
const RECHECK: Duration = Duration::from_secs(2);
const FALL: u32 = 3;
const RISE: u32 = 3;
const MAX_THRESHOLD: u32 = 100;

const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);
const LONGEST_INTERVAL: Duration = Duration::from_secs(3600);
const SHORTEST_RECHECK: Duration = Duration::from_millis(50);
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(10);

pub(super) fn names(spec: Option<&spec::Regions>) -> Defined {
    let names = spec.map(|spec| {
        let entries = spec.canaries.iter().filter_map(|canaries| canaries.value.as_ref());
        entries.flat_map(|canaries| canaries.iter().map(|(name, place, _)| (name, place)))
    });
    Defined::new("canary", "regions.yaml", names)
}

pub(super) fn lower(spec: Option<&spec::Regions>, report: &mut Report) -> Vec<Option<Canary>> {
    let entries = spec.and_then(|spec| spec.canaries.as_ref()).and_then(|canaries| canaries.given());
    let Some((entries, place)) = entries else {
        return Vec::new();
    };
    if entries.list.len() > MAX_CANARIES {
        report.error(place, format!("more than {MAX_CANARIES} canaries"));
    }
    let each = entries.iter().map(|(name, place, canary)| {
        check_name(name, place, report);
        if canary.is_missing() {
            nothing_to_check(name, place, report);
        }
        let (canary, _) = canary.given()?;
        self::canary(name, canary, place, report)
    });
    each.collect()
}

fn nothing_to_check(name: &str, place: Place, report: &mut Report) {
    let draft = report.error(place, format!("canary `{name}` checks nothing"));
    draft.hint("add `http: { url: \"http://{address}:8080/health\" }` or `tcp: { port: 443 }`");
}

fn canary(name: &str, spec: &spec::Canary, place: Place, report: &mut Report) -> Option<Canary> {
    let check = match (&spec.http, &spec.tcp) {
        (Some(http), None) => http.given().and_then(|(http, place)| self::http(http, place, report)),
        (None, Some(tcp)) => tcp.given().and_then(|(tcp, place)| {
            let (port, _) = required(&tcp.port, "port", place, "write `tcp: { port: 443 }`", report)?;
            Some(Check::Tcp { port: *port })
        }),
        (Some(_), Some(_)) => {
            let draft = report.error(place, format!("canary `{name}` has both `http` and `tcp`"));
            draft.hint("make it two canaries");
            None
        }
        (None, None) => {
            nothing_to_check(name, place, report);
            None
        }
    };
    let interval =
        duration(&spec.interval, "interval", INTERVAL, (SHORTEST_INTERVAL, LONGEST_INTERVAL), report);
    let canary = Canary {
        name: name.to_owned(),
        check: check?,
        interval,
        timeout: timeout(spec, interval, place, report),
        recheck: duration(
            &spec.recheck,
            "recheck",
            RECHECK.min(interval),
            (SHORTEST_RECHECK, interval),
            report,
        ),
        thresholds: Thresholds {
            fall: threshold(&spec.fall, "fall", FALL, report),
            rise: threshold(&spec.rise, "rise", RISE, report),
        },
    };
    Some(canary)
}

fn timeout(spec: &spec::Canary, interval: Duration, canary: Place, report: &mut Report) -> Duration {
    let timeout = duration(&spec.timeout, "timeout", TIMEOUT, (SHORTEST_TIMEOUT, LONGEST_INTERVAL), report);
    if timeout >= interval {
        let place = given(&spec.timeout).or(given(&spec.interval)).map_or(canary, |(_, place)| place);
        let message =
            format!("`timeout` ({}) must be shorter than `interval` ({})", text(timeout), text(interval));
        report.error(place, message).hint("else probes of one address overlap");
    }
    timeout
}

fn duration(
    setting: &Option<Value<Duration>>,
    key: &str,
    default: Duration,
    (shortest, longest): (Duration, Duration),
    report: &mut Report,
) -> Duration {
    let Some((duration, place)) = given(setting) else {
        return default;
    };
    if *duration < shortest || *duration > longest {
        let message =
            format!("`{key}` goes from {} to {}, not {}", text(shortest), text(longest), text(*duration));
        report.error(place, message);
    }
    *duration
}

/// Writes a duration as the operator would.
fn text(duration: Duration) -> String {
    match duration.as_millis() {
        milliseconds if milliseconds % 1000 != 0 => format!("{milliseconds}ms"),
        milliseconds if milliseconds % 3_600_000 == 0 && milliseconds > 0 => {
            format!("{}h", milliseconds / 3_600_000)
        }
        milliseconds => format!("{}s", milliseconds / 1000),
    }
}

fn threshold(setting: &Option<Value<u32>>, key: &str, default: u32, report: &mut Report) -> u32 {
    let Some((count, place)) = given(setting) else {
        return default;
    };
    if !(1..=MAX_THRESHOLD).contains(count) {
        report.error(place, format!("`{key}` goes from 1 to {MAX_THRESHOLD}, not {count}"));
    }
    *count
}

fn http(spec: &spec::Http, place: Place, report: &mut Report) -> Option<Check> {
    let url = required(&spec.url, "url", place, "write `url: \"http://{address}:8080/health\"`", report);
    if let Some((url, place)) = url {
        check_url(url, place, report);
    }
    let expect = spec.expect.as_ref().and_then(|expect| expect.value.as_ref());
    let statuses = expect.and_then(|expect| expect.status.as_ref()).map(|status| items(status));
    let statuses =
        statuses.map(|list| list.iter().map(|(Statuses(first, last), _)| (*first, *last)).collect());
    let host = given(&spec.host);
    if let Some((host, place)) = host.filter(|(host, _)| !is_host(host)) {
        report.error(place, format!("`{host}` is not a host")).hint("write a name, with a port if need be");
    }
    Some(Check::Http(HttpCheck {
        url: url?.0.clone(),
        host: host.map(|(host, _)| host.clone()),
        method: method(&spec.method, report),
        headers: headers(spec, report),
        statuses: statuses.filter(|list: &Vec<_>| !list.is_empty()).unwrap_or_else(|| vec![(200, 299)]),
        body_contains: expect.and_then(|expect| given(&expect.body)).map(|(body, _)| body.clone()),
    }))
}

/// Checks the URL as it will be with an address in it.
fn check_url(url: &str, place: Place, report: &mut Report) {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let Some(rest) = rest else {
        report.error(place, format!("`{url}` is not an `http` or `https` URL"));
        return;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let concrete = authority.replace("{address}", &format!("[{}]", Ipv6Addr::LOCALHOST));
    let bracket = concrete.rfind(']').map_or(0, |end| end + 1);
    let (host, port) = match concrete[bracket..].split_once(':') {
        Some((end, port)) => (&concrete[..bracket + end.len()], Some(port)),
        None => (concrete.as_str(), None),
    };
    let is_port = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
    let is_plain = !url.chars().any(|character| character.is_whitespace() || character.is_control());
    if host.is_empty()
        || host.contains(['@', '{', '}'])
        || port.is_some_and(|port| !is_port(port))
        || !is_plain
    {
        let draft = report.error(place, format!("`{url}` is not a URL"));
        draft.hint("write `http://{address}:8080/health`; `{address}` stands for the probed address");
    }
}

fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "-_.:[]".contains(character))
}

fn method(setting: &Option<Value<String>>, report: &mut Report) -> String {
    let Some((method, place)) = given(setting) else {
        return "GET".to_owned();
    };
    if method.is_empty() || !method.bytes().all(|letter| letter.is_ascii_uppercase()) {
        report
            .error(place, format!("`{method}` is not a request method"))
            .hint("write `GET`, `HEAD` or `POST`");
    }
    method.clone()
}

fn headers(spec: &spec::Http, report: &mut Report) -> Vec<(String, String)> {
    let entries = spec.headers.as_ref().and_then(|headers| headers.value.as_ref());
    let mut headers = Vec::new();
    for (name, place, value) in entries.into_iter().flat_map(|entries| entries.iter()) {
        let is_token = |letter: u8| letter.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&letter);
        if name.is_empty() || !name.bytes().all(is_token) {
            report.error(place, format!("`{name}` is not the name of a header"));
        }
        if name.eq_ignore_ascii_case("host") {
            report.error(place, "the `Host` header has its own setting").hint("write `host:` beside `url:`");
        }
        let Some((spec::Leaf(text), at)) = value.given() else {
            continue;
        };
        if text.chars().any(char::is_control) {
            report.error(at, format!("the value of `{name}` contains a control character"));
        }
        headers.push((name.to_owned(), text.clone()));
    }
    headers
}
