//! The HTTP requests of canaries, and what their responses must look like.

use std::net::Ipv6Addr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::json::{AssertSpec, SignalsSpec};
use crate::canary::{HttpCheck, Reach};
use crate::config::problem::{Reporter, Span};
use crate::config::values::url::{REGION, is_host, is_host_with_port, is_port, parts};
use crate::config::values::{Leaf, List, Statuses, Value, given, items, required};
use crate::config::yaml::{Entries, Setting};

/// An HTTP request and what its response must look like.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpSpec {
    /// An `http` or `https` URL. `{address}` in it stands for the probed address, for example
    /// `http://{address}:8080/health`. A URL with a host name is sent to the probed address too. With
    /// `probe: region` it is sent to where the name leads, and `{region}` in it stands for the name of the
    /// region: `https://{region}.example.com/health`.
    pub url: Value<String>,
    /// The `Host` header, with a port if need be, and with `https` the name that the certificate must
    /// carry. Left out: the host of the URL.
    pub host: Option<Value<String>>,
    /// The request method. Left out: `GET`.
    pub method: Option<Value<String>>,
    /// Further request headers by name.
    pub headers: Option<Setting<Entries<Leaf<String>>>>,
    /// Further request headers whose values are secrets, each with the name of the environment variable
    /// that holds its value: `{ Authorization: API_TOKEN }`. One that is not set when the server starts
    /// is logged, and the canary does not run.
    pub headers_from_env: Option<Setting<Entries<Leaf<String>>>>,
    /// What the response must look like. Left out: any status from 200 to 299.
    pub expect: Option<Setting<ExpectSpec>>,
}

/// An HTTP request whose response is a JSON document: UTF-8, at most 64 KiB.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonSpec {
    /// An `http` or `https` URL, as in `http`.
    pub url: Value<String>,
    /// The `Host` header, with a port if need be, and with `https` the name that the certificate must
    /// carry. Left out: the host of the URL.
    pub host: Option<Value<String>>,
    /// The request method. Left out: `GET`.
    pub method: Option<Value<String>>,
    /// Further request headers by name.
    pub headers: Option<Setting<Entries<Leaf<String>>>>,
    /// Further request headers whose values are secrets, each with the name of the environment variable
    /// that holds its value: `{ Authorization: API_TOKEN }`. One that is not set when the server starts
    /// is logged, and the canary does not run.
    pub headers_from_env: Option<Setting<Entries<Leaf<String>>>>,
    /// What the response must look like apart from its JSON. Left out: any status from 200 to 299.
    pub expect: Option<Setting<ExpectSpec>>,
    /// What the document must say, all of it; at most 64 assertions. Left out: any JSON will do.
    pub assert: Option<Setting<Vec<Setting<AssertSpec>>>>,
    /// Where the document reports load and the like.
    pub signals: Option<Setting<SignalsSpec>>,
}

/// A tiny prompt to a model and what its answer must be: whole, or as a stream (`text/event-stream`, or a
/// body of unstated length), which is read to its end or to 64 KiB.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InferenceSpec {
    /// An `http` or `https` URL, as in `http`. The request is a POST.
    pub url: Value<String>,
    /// The `Host` header, with a port if need be, and with `https` the name that the certificate must
    /// carry. Left out: the host of the URL.
    pub host: Option<Value<String>>,
    /// Further request headers by name. `Content-Type` is `application/json` unless it is among them.
    pub headers: Option<Setting<Entries<Leaf<String>>>>,
    /// Further request headers whose values are secrets, each with the name of the environment variable
    /// that holds its value: `{ Authorization: API_TOKEN }`. One that is not set when the server starts
    /// is logged, and the canary does not run.
    pub headers_from_env: Option<Setting<Entries<Leaf<String>>>>,
    /// The body of the request, JSON of at most 16 KiB: the prompt. Every address answers it in every
    /// interval, so keep it cheap: one token will do.
    pub body: Value<String>,
    /// What the response must look like apart from its JSON. Left out: any status from 200 to 299.
    pub expect: Option<Setting<ExpectSpec>>,
    /// What the answer must say, all of it; at most 64 assertions. Of a stream of events, the data of one must
    /// say all of it. Left out: anything but nothing will do.
    pub assert: Option<Setting<Vec<Setting<AssertSpec>>>>,
    /// When the first byte of the answer's body must be there, counted from the start of the probe: at
    /// least `10ms`, and at most `total`. Left out: whenever.
    pub first_byte: Option<Value<Duration>>,
    /// When the whole answer must be there: at least `10ms`, and at most `timeout`. Left out: within
    /// `timeout`.
    pub total: Option<Value<Duration>>,
}

/// What an HTTP response must look like.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectSpec {
    /// The statuses that are a success: `200`, or `200-299` for a range. Left out: `200-299`.
    pub status: Option<List<Statuses>>,
    /// A text that must occur in the first 64 KiB of the body.
    pub body: Option<Value<String>>,
}

/// A request as the operator wrote it, in whatever kind of check.
pub(super) struct RequestSpec<'s> {
    url: &'s Value<String>,
    host: &'s Option<Value<String>>,
    method: &'s Option<Value<String>>,
    headers: &'s Option<Setting<Entries<Leaf<String>>>>,
    headers_from_env: &'s Option<Setting<Entries<Leaf<String>>>>,
    expect: &'s Option<Setting<ExpectSpec>>,
}

impl<'s> From<&'s HttpSpec> for RequestSpec<'s> {
    fn from(spec: &'s HttpSpec) -> Self {
        let HttpSpec { url, host, method, headers, headers_from_env, expect } = spec;
        Self { url, host, method, headers, headers_from_env, expect }
    }
}

impl<'s> From<&'s JsonSpec> for RequestSpec<'s> {
    fn from(spec: &'s JsonSpec) -> Self {
        let JsonSpec { url, host, method, headers, headers_from_env, expect, assert: _, signals: _ } = spec;
        Self { url, host, method, headers, headers_from_env, expect }
    }
}

impl<'s> From<&'s InferenceSpec> for RequestSpec<'s> {
    fn from(spec: &'s InferenceSpec) -> Self {
        let InferenceSpec { url, host, headers, headers_from_env, expect, .. } = spec;
        Self { url, host, method: &None, headers, headers_from_env, expect }
    }
}

/// Lowers a request.
pub(super) fn lower(
    request: &RequestSpec<'_>,
    reach: Reach,
    span: Span,
    report: &mut Reporter,
) -> Option<HttpCheck> {
    let url = required(request.url, "url", span, "write `url: \"http://{address}:8080/health\"`", report);
    if let Some((url, span)) = url {
        check_url(url, reach, span, report);
    }
    let expect = request.expect.as_ref().and_then(|expect| expect.value.as_ref());
    let statuses = expect.and_then(|expect| expect.status.as_ref()).map(|status| items(status));
    let statuses =
        statuses.map(|list| list.iter().map(|(Statuses(first, last), _)| (*first, *last)).collect());
    let host = given(request.host);
    if let Some((host, span)) = host.filter(|(host, _)| !is_host_with_port(host)) {
        let draft = report.error(span, format!("`{host}` is not a host"));
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
fn check_url(url: &str, reach: Reach, span: Span, report: &mut Reporter) {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let Some(rest) = rest else {
        report.error(span, format!("`{url}` is not an `http` or `https` URL"));
        return;
    };
    let (stranger, hint) = match reach {
        Reach::Address => ("{region}", "add `probe: region`, or write `{address}`"),
        Reach::Region => {
            ("{address}", "write a name that leads to the region: `https://{region}.example.com/health`")
        }
    };
    if url.contains(stranger) {
        report.error(span, format!("`{stranger}` stands for nothing in this URL")).hint(hint);
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
        let draft = report.error(span, format!("`{url}` is not a URL"));
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

fn method(setting: &Option<Value<String>>, report: &mut Reporter) -> String {
    let Some((method, span)) = given(setting) else {
        return "GET".to_owned();
    };
    if method.is_empty() || !method.bytes().all(|letter| letter.is_ascii_uppercase()) {
        report
            .error(span, format!("`{method}` is not a request method"))
            .hint("write `GET`, `HEAD` or `POST`");
    }
    method.clone()
}

fn headers(setting: &Option<Setting<Entries<Leaf<String>>>>, report: &mut Reporter) -> Vec<(String, String)> {
    let entries = setting.as_ref().and_then(|headers| headers.value.as_ref());
    let mut headers = Vec::new();
    for (name, span, value) in entries.into_iter().flat_map(|entries| entries.iter()) {
        let is_token = |letter: u8| letter.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&letter);
        if name.is_empty() || !name.bytes().all(is_token) {
            report.error(span, format!("`{name}` is not the name of a header"));
        }
        if name.eq_ignore_ascii_case("host") {
            report.error(span, "the `Host` header has its own setting").hint("write `host:` beside `url:`");
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
fn secrets(setting: &Option<Setting<Entries<Leaf<String>>>>, report: &mut Reporter) -> Vec<(String, String)> {
    let entries = setting.as_ref().and_then(|headers| headers.value.as_ref());
    for (_, _, value) in entries.into_iter().flat_map(|entries| entries.iter()) {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        if let Some((Leaf(variable), span)) = value.given()
            && (variable.is_empty() || !variable.chars().all(is_part))
        {
            let draft =
                report.error(span, format!("`{variable}` is not the name of an environment variable"));
            draft.hint("write `API_TOKEN`, and let the variable hold the whole value, `Bearer` included");
        }
    }
    headers(setting, report)
}
