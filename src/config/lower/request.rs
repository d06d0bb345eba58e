//! The HTTP requests of canaries, and what their responses must look like, to [`HttpCheck`].

use std::net::{IpAddr, Ipv6Addr};

use rustls::pki_types::ServerName;

use super::server::required;
use crate::canary::{HttpCheck, Reach};
use crate::config::problem::{Place, Report};
use crate::config::spec::{self, Leaf, Statuses, Value, given, items};
use crate::config::yaml::{Entries, Setting};

/// What stands in the URL of a canary of regions for the name of each.
pub(super) const REGION: &str = "{region}";

/// A request as the operator wrote it, in whatever kind of check.
pub(super) struct Request<'s> {
    url: &'s Value<String>,
    host: &'s Option<Value<String>>,
    method: &'s Option<Value<String>>,
    headers: &'s Option<Setting<Entries<Leaf<String>>>>,
    headers_from_env: &'s Option<Setting<Entries<Leaf<String>>>>,
    expect: &'s Option<Setting<spec::ExpectSpec>>,
}

impl<'s> From<&'s spec::HttpSpec> for Request<'s> {
    fn from(spec: &'s spec::HttpSpec) -> Self {
        let spec::HttpSpec { url, host, method, headers, headers_from_env, expect } = spec;
        Self { url, host, method, headers, headers_from_env, expect }
    }
}

impl<'s> From<&'s spec::JsonSpec> for Request<'s> {
    fn from(spec: &'s spec::JsonSpec) -> Self {
        let spec::JsonSpec { url, host, method, headers, headers_from_env, expect, assert: _, signals: _ } =
            spec;
        Self { url, host, method, headers, headers_from_env, expect }
    }
}

impl<'s> From<&'s spec::InferenceSpec> for Request<'s> {
    fn from(spec: &'s spec::InferenceSpec) -> Self {
        let spec::InferenceSpec { url, host, headers, headers_from_env, expect, .. } = spec;
        Self { url, host, method: &None, headers, headers_from_env, expect }
    }
}

/// Lowers a request.
pub(super) fn lower(
    request: &Request<'_>,
    reach: Reach,
    place: Place,
    report: &mut Report,
) -> Option<HttpCheck> {
    let url = required(request.url, "url", place, "write `url: \"http://{address}:8080/health\"`", report);
    if let Some((url, place)) = url {
        check_url(url, reach, place, report);
    }
    let expect = request.expect.as_ref().and_then(|expect| expect.value.as_ref());
    let statuses = expect.and_then(|expect| expect.status.as_ref()).map(|status| items(status));
    let statuses =
        statuses.map(|list| list.iter().map(|(Statuses(first, last), _)| (*first, *last)).collect());
    let host = given(request.host);
    if let Some((host, place)) = host.filter(|(host, _)| !is_host_with_port(host)) {
        let draft = report.error(place, format!("`{host}` is not a host"));
        draft.hint("write a name or an IP address, with a port if need be: `api.example.com:8443`");
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

/// Checks the URL as it will be with an address, or the name of a region, in it.
fn check_url(url: &str, reach: Reach, place: Place, report: &mut Report) {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let Some(rest) = rest else {
        report.error(place, format!("`{url}` is not an `http` or `https` URL"));
        return;
    };
    let (stranger, hint) = match reach {
        Reach::Address => ("{region}", "add `probe: region`, or write `{address}`"),
        Reach::Region => {
            ("{address}", "write a name that leads to the region: `https://{region}.example.com/health`")
        }
    };
    if url.contains(stranger) {
        report.error(place, format!("`{stranger}` stands for nothing in this URL")).hint(hint);
        return;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let concrete = authority.replace("{address}", &format!("[{}]", Ipv6Addr::LOCALHOST));
    let concrete = concrete.replace(REGION, "region");
    let (host, port) = parts(&concrete);
    let is_led_to = reach == Reach::Address || is_host(host);
    let is_plain = !url.chars().any(|character| character.is_whitespace() || character.is_control());
    if host.is_empty()
        || host.contains(['@', '{', '}'])
        || port.is_some_and(|port| !is_port(port))
        || !is_plain
        || !is_led_to
    {
        let draft = report.error(place, format!("`{url}` is not a URL"));
        draft.hint(match reach {
            Reach::Address => {
                "write `http://{address}:8080/health`; `{address}` stands for the probed address"
            }
            Reach::Region => {
                "write `https://{region}.example.com/health`; `{region}` stands for the name of the region"
            }
        });
    }
}

/// Returns whether this is an `http` or `https` URL with a host.
pub(super) fn is_url(url: &str) -> bool {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let authority = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    let is_plain = !url.chars().any(|character| character.is_whitespace() || character.is_control());
    is_plain && is_host_with_port(authority)
}

/// Returns whether the URL of a canary of regions has a host when it is for this one.
pub(super) fn leads_to(region: &str, url: &str) -> bool {
    let authority = url.split('/').nth(2).unwrap_or_default();
    let authority = authority.split(['?', '#']).next().unwrap_or_default();
    is_host(parts(&authority.replace(REGION, region)).0)
}

/// Returns the host and the port of `api.example.com:8443`.
fn parts(authority: &str) -> (&str, Option<&str>) {
    let bracket = authority.rfind(']').map_or(0, |end| end + 1);
    match authority[bracket..].split_once(':') {
        Some((end, port)) => (&authority[..bracket + end.len()], Some(port)),
        None => (authority, None),
    }
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Returns whether this can be the `host` of a request: a name or an IP address, with or without a port.
fn is_host_with_port(text: &str) -> bool {
    if text.parse::<IpAddr>().is_ok() {
        return true;
    }
    let (host, port) = parts(text);
    is_host(host) && port.is_none_or(is_port)
}

/// Returns whether this can be the host of a URL: a name, or an IP address, in brackets if it is IPv6.
fn is_host(text: &str) -> bool {
    if let Some(bare) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return bare.parse::<Ipv6Addr>().is_ok();
    }
    // A name that ends in a number is read as an IPv4 address (WHATWG URL, section 3.5), right or wrong.
    let last = text.strip_suffix('.').unwrap_or(text).rsplit('.').next().unwrap_or_default();
    let is_number = last.starts_with("0x") || last.bytes().all(|digit| digit.is_ascii_digit());
    match ServerName::try_from(text) {
        Ok(ServerName::DnsName(_)) => !is_number,
        Ok(ServerName::IpAddress(_)) => !text.contains(':'),
        Ok(_) | Err(_) => false,
    }
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
