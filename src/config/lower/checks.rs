//! What a canary checks, to [`Check`].

use std::net::Ipv6Addr;

use super::server::required;
use crate::canary::{Check, HttpCheck, TlsCheck};
use crate::config::problem::{Place, Report};
use crate::config::spec::{self, Statuses, Value, given, items};

/// The most days that a certificate may be asked to last: more than any authority grants.
const MAX_DAYS: u32 = 3650;

/// Lowers the one check of a canary.
pub(super) fn check(name: &str, spec: &spec::Canary, place: Place, report: &mut Report) -> Option<Check> {
    let kinds = [("tcp", spec.tcp.is_some()), ("tls", spec.tls.is_some()), ("http", spec.http.is_some())];
    let given: Vec<String> =
        kinds.into_iter().filter(|(_, is_given)| *is_given).map(|(kind, _)| format!("`{kind}`")).collect();
    match given.as_slice() {
        [] => none(name, place, report),
        [_] => {}
        several => {
            let message = format!("canary `{name}` has {}", several.join(" and "));
            report.error(place, message).hint("one canary checks one thing: make it several canaries");
            return None;
        }
    }
    let tcp = spec.tcp.as_ref().and_then(|tcp| tcp.given());
    let tls = spec.tls.as_ref().and_then(|tls| tls.given());
    let http = spec.http.as_ref().and_then(|http| http.given());
    tcp.and_then(|(tcp, place)| self::tcp(tcp, place, report))
        .or_else(|| tls.and_then(|(tls, place)| self::tls(tls, place, report)))
        .or_else(|| http.and_then(|(http, place)| self::http(http, place, report)))
}

/// Reports a canary that checks nothing.
pub(super) fn none(name: &str, place: Place, report: &mut Report) {
    let draft = report.error(place, format!("canary `{name}` checks nothing"));
    draft.hint("add `http: { url: \"http://{address}:8080/health\" }` or `tcp: { port: 443 }`");
}

fn tcp(spec: &spec::Tcp, place: Place, report: &mut Report) -> Option<Check> {
    let (port, _) = required(&spec.port, "port", place, "write `tcp: { port: 443 }`", report)?;
    Some(Check::Tcp { port: *port })
}

fn tls(spec: &spec::Tls, place: Place, report: &mut Report) -> Option<Check> {
    let name = required(&spec.name, "name", place, "write `tls: { name: api.example.com }`", report);
    if let Some((name, place)) = name.filter(|(name, _)| !is_certified(name)) {
        let draft = report.error(place, format!("no certificate is for `{name}`"));
        draft.hint("write a host name or an IP address, without a port");
    }
    let days = given(&spec.min_days_left);
    if let Some((days, place)) = days.filter(|(days, _)| **days > MAX_DAYS) {
        report.error(place, format!("`min_days_left` goes from 0 to {MAX_DAYS}, not {days}"));
    }
    Some(Check::Tls(TlsCheck {
        port: given(&spec.port).map_or(443, |(port, _)| *port),
        name: name?.0.clone(),
        min_days_left: days.map_or(0, |(days, _)| *days),
    }))
}

/// Returns whether a certificate can be for this.
fn is_certified(name: &str) -> bool {
    rustls::pki_types::ServerName::try_from(name).is_ok()
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
