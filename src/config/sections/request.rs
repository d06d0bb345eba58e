//! The HTTP requests of canaries, and what their responses must look like.

use std::net::Ipv6Addr;

use reqwest::Url;
use schemars::JsonSchema;
use serde::Deserialize;

use super::authorities;
use super::secret;
use crate::canary::{HttpCheck, Reach};
use crate::config::SourceFiles;
use crate::config::problem::{Reporter, Span};
use crate::config::values::url::{REGION, has_user, is_host, is_host_with_port, is_port, parts};
use crate::config::values::{Checked, List, Statuses, Value};
use crate::config::yaml::{Entries, Setting, Written};

/// What the check of a canary depends on besides what is written of it.
pub(super) struct CheckContext<'s> {
    pub reach: Reach,
    /// Where the files are that it names.
    pub sources: &'s SourceFiles,
}

/// Defines what is written of a check that sends a request: the keys of the request, and further ones.
macro_rules! request_spec {
    ($(#[$doc:meta])* $name:ident { $($(#[$key_doc:meta])* $key:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// An `http` or `https` URL. `{address}` in it stands for the probed address, for example
            /// `http://{address}:8080/health`. A URL with a host name is sent to the probed address too. With
            /// `probe: region` it is sent to where the name leads, and `{region}` in it stands for the name of
            /// the region: `https://{region}.example.com/health`.
            url: Value<String>,
            /// The `Host` header, with a port if need be, and with `https` the name that the certificate must
            /// carry. Left out: the host of the URL.
            host: Option<Value<String>>,
            /// A file in the configuration directory, in PEM, with the certificate authorities that the certificate
            /// of an `https` URL must be from: `ca: internal.pem`. It is read again when it changes. Left out: those
            /// of the system.
            ca: Option<Value<String>>,
            /// Further request headers by name.
            headers: Option<Setting<Entries<String>>>,
            /// Further request headers whose values are secrets, each with the name of the environment variable
            /// that holds its value: `{ Authorization: API_TOKEN }`. One that is not set when the server starts
            /// is logged, and the canary does not run.
            headers_from_env: Option<Setting<Entries<String>>>,
            /// What the response must look like apart from JSON in it. Left out: any status from 200 to 299.
            expect: Option<Setting<ExpectSpec>>,
            $($(#[$key_doc])* pub(super) $key: $type,)*
        }

        impl $name {
            fn request(&self) -> RequestSpec<'_> {
                let Self { url, host, ca, headers, headers_from_env, expect, .. } = self;
                RequestSpec { url, host, ca, headers, headers_from_env, expect }
            }
        }
    };
}

pub(super) use request_spec;

/// A request as the operator wrote it, in whatever kind of check.
pub(super) struct RequestSpec<'s> {
    pub url: &'s Value<String>,
    pub host: &'s Option<Value<String>>,
    pub ca: &'s Option<Value<String>>,
    pub headers: &'s Option<Setting<Entries<String>>>,
    pub headers_from_env: &'s Option<Setting<Entries<String>>>,
    pub expect: &'s Option<Setting<ExpectSpec>>,
}

/// What an HTTP response must look like.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectSpec {
    /// The statuses that are a success: `200`, or `200-299` for a range. Left out: `200-299`.
    status: Option<List<Statuses>>,
    /// A text that must occur in the first 64 KiB of the body.
    body: Option<Value<String>>,
}

/// Lowers a GET request without a body.
pub(super) fn lower(
    spec: RequestSpec<'_>,
    context: &CheckContext<'_>,
    span: Span,
    report: &mut Reporter,
) -> Option<HttpCheck> {
    let url = spec.url.required("url", span, "write `url: \"http://{address}:8080/health\"`", report);
    if let Some((url, span)) = url {
        check_url(url, context.reach, span, report);
    }
    if let (Some((url, _)), Some((_, span))) = (url, spec.ca.given())
        && url.starts_with("http://")
    {
        let finding = report.error(span, "`ca` is for `https`, and the URL is an `http` one");
        finding.hint("leave `ca` out, or write an `https` URL");
    }
    let authorities = authorities::lower(spec.ca, context.sources, report);
    if let Some((host, span)) = spec.host.given().filter(|(host, _)| !is_host_with_port(host)) {
        let finding = report.error(span, format!("`{host}` is not a host"));
        finding.hint("write a name or an IP address, with a port if need be: `api.example.com:8443`");
    }
    let headers = headers(spec.headers, report);
    let headers_from_env = secrets(spec.headers_from_env, report);
    let expect = spec.expect.get();
    let statuses = expect.map_or_else(Vec::new, |expect| expect.status.items());
    let statuses: Vec<_> = statuses.into_iter().map(|(Statuses(first, last), _)| (*first, *last)).collect();
    Some(HttpCheck {
        url: url?.0.clone(),
        host: spec.host.get().cloned(),
        authorities,
        method: "GET".to_owned(),
        headers,
        headers_from_env,
        body: None,
        statuses: if statuses.is_empty() { vec![(200, 299)] } else { statuses },
        body_contains: expect.and_then(|expect| expect.body.get().cloned()),
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
    if authority.contains("[{address}]") {
        let finding = report.error(span, format!("`{url}` is not a URL once an address is in it"));
        finding.hint("write `{address}` without brackets: an IPv6 address gets its own");
    } else if has_user(url) {
        let finding = report.error(span, "the URL has a user or a password");
        finding.hint("send them as a header: `headers_from_env: { Authorization: PROBE_AUTHORIZATION }`");
    } else if host.is_empty()
        || host.contains(['{', '}'])
        || port.is_some_and(|port| !is_port(port))
        || !is_plain
        || !is_led_to
        || !is_sent(url)
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

/// Returns whether a URL is one for every address and region: what the prober makes of it.
fn is_sent(url: &str) -> bool {
    ["192.0.2.1", "[2001:db8::1]"].into_iter().all(|address| {
        let concrete = url.replace("{address}", address).replace(REGION, "region");
        Url::parse(&concrete).is_ok_and(|url| url.has_host())
    })
}

/// Returns the method of a request.
pub(super) fn method(spec: &Option<Value<String>>, report: &mut Reporter) -> String {
    if let Some((method, span)) = spec.given()
        && (method.is_empty() || !method.bytes().all(|letter| letter.is_ascii_uppercase()))
    {
        let finding = report.error(span, format!("`{method}` is not a request method"));
        finding.hint("write `GET`, `HEAD` or `POST`");
    }
    spec.get_or("GET".to_owned())
}

fn headers(spec: &Option<Setting<Entries<String>>>, report: &mut Reporter) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for (name, span, value) in spec.entries() {
        let is_token = |letter: u8| letter.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&letter);
        if name.is_empty() || !name.bytes().all(is_token) {
            report.error(span, format!("`{name}` is not the name of a header"));
        }
        if name.eq_ignore_ascii_case("host") {
            report.error(span, "the `Host` header has its own setting").hint("write `host:` beside `url:`");
        }
        let Some((text, at)) = value.given() else {
            continue;
        };
        if text.chars().any(char::is_control) {
            report.error(at, format!("the value of `{name}` contains a control character"));
        } else if !text.is_ascii() {
            let finding = report.error(at, format!("the value of `{name}` is not ASCII, and cannot be sent"));
            finding.hint("encode it as its reader expects, for example `%C3%BC` or Base64");
        }
        headers.push((name.to_owned(), text.clone()));
    }
    headers
}

/// Lowers headers whose values are names of environment variables.
fn secrets(spec: &Option<Setting<Entries<String>>>, report: &mut Reporter) -> Vec<(String, String)> {
    for (_, _, value) in spec.entries() {
        if let Some((_, span)) = value.given().filter(|(variable, _)| !secret::is_variable(variable)) {
            let finding = report.error(span, secret::NOT_A_VARIABLE);
            finding.hint("write `API_TOKEN`, and let the variable hold the whole value, `Bearer` included");
        }
    }
    headers(spec, report)
}
