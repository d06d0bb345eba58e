//! The HTTP requests of canaries, and what their responses must look like, to [`HttpCheck`].

use std::net::Ipv6Addr;

use super::server::required;
use crate::canary::HttpCheck;
use crate::config::problem::{Place, Report};
use crate::config::spec::{self, Leaf, Statuses, Value, given, items};
use crate::config::yaml::{Entries, Setting};

/// A request as the operator wrote it, in whatever kind of check.
pub(super) struct Request<'s> {
    url: &'s Value<String>,
    host: &'s Option<Value<String>>,
    method: &'s Option<Value<String>>,
    headers: &'s Option<Setting<Entries<Leaf<String>>>>,
    headers_from_env: &'s Option<Setting<Entries<Leaf<String>>>>,
    expect: &'s Option<Setting<spec::Expect>>,
}

impl<'s> From<&'s spec::Http> for Request<'s> {
    fn from(spec: &'s spec::Http) -> Self {
        let spec::Http { url, host, method, headers, headers_from_env, expect } = spec;
        Self { url, host, method, headers, headers_from_env, expect }
    }
}

impl<'s> From<&'s spec::Json> for Request<'s> {
    fn from(spec: &'s spec::Json) -> Self {
        let spec::Json { url, host, method, headers, headers_from_env, expect, assert: _, signals: _ } = spec;
        Self { url, host, method, headers, headers_from_env, expect }
    }
}

impl<'s> From<&'s spec::Inference> for Request<'s> {
    fn from(spec: &'s spec::Inference) -> Self {
        let spec::Inference { url, host, headers, headers_from_env, expect, .. } = spec;
        Self { url, host, method: &None, headers, headers_from_env, expect }
    }
}

/// Lowers a request.
pub(super) fn lower(request: &Request<'_>, place: Place, report: &mut Report) -> Option<HttpCheck> {
    let url = required(request.url, "url", place, "write `url: \"http://{address}:8080/health\"`", report);
    if let Some((url, place)) = url {
        check_url(url, place, report);
    }
    let expect = request.expect.as_ref().and_then(|expect| expect.value.as_ref());
    let statuses = expect.and_then(|expect| expect.status.as_ref()).map(|status| items(status));
    let statuses =
        statuses.map(|list| list.iter().map(|(Statuses(first, last), _)| (*first, *last)).collect());
    let host = given(request.host);
    if let Some((host, place)) = host.filter(|(host, _)| !is_host(host)) {
        report.error(place, format!("`{host}` is not a host")).hint("write a name, with a port if need be");
    }
    Some(HttpCheck {
        url: url?.0.clone(),
        host: host.map(|(host, _)| host.clone()),
        method: method(request.method, report),
        headers: headers(request.headers, report),
        headers_from_env: secrets(request.headers_from_env, report),
        body: None,
        statuses: statuses.filter(|list: &Vec<_>| !list.is_empty()).unwrap_or_else(|| vec![(200, 299)]),
        body_contains: expect.and_then(|expect| given(&expect.body)).map(|(body, _)| body.clone()),
    })
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

fn headers(setting: &Option<Setting<Entries<Leaf<String>>>>, report: &mut Report) -> Vec<(String, String)> {
    let entries = setting.as_ref().and_then(|headers| headers.value.as_ref());
    let mut headers = Vec::new();
    for (name, place, value) in entries.into_iter().flat_map(|entries| entries.iter()) {
        let is_token = |letter: u8| letter.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&letter);
        if name.is_empty() || !name.bytes().all(is_token) {
            report.error(place, format!("`{name}` is not the name of a header"));
        }
        if name.eq_ignore_ascii_case("host") {
            report.error(place, "the `Host` header has its own setting").hint("write `host:` beside `url:`");
        }
        let Some((Leaf(text), at)) = value.given() else {
            continue;
        };
        if text.chars().any(char::is_control) {
            report.error(at, format!("the value of `{name}` contains a control character"));
        }
        headers.push((name.to_owned(), text.clone()));
    }
    headers
}

/// Lowers headers whose values are names of environment variables.
fn secrets(setting: &Option<Setting<Entries<Leaf<String>>>>, report: &mut Report) -> Vec<(String, String)> {
    let entries = setting.as_ref().and_then(|headers| headers.value.as_ref());
    for (_, _, value) in entries.into_iter().flat_map(|entries| entries.iter()) {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        if let Some((Leaf(variable), place)) = value.given()
            && (variable.is_empty() || !variable.chars().all(is_part))
        {
            let draft =
                report.error(place, format!("`{variable}` is not the name of an environment variable"));
            draft.hint("write `API_TOKEN`, and let the variable hold the whole value, `Bearer` included");
        }
    }
    headers(setting, report)
}
