//! One running instance, asked by the routes of its API.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Once};

use anyhow::{Context, bail};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{RequestBuilder, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::credentials::Credentials;
use crate::admin::api::caller::AUTHOR;
use crate::admin::api::route::NoParameters;
use crate::admin::api::{ApiError, ApiRoute, Method, Operation};
use crate::cli::exit::run_here;
use crate::cli::output;

/// Where the server is asked unless it is said.
pub(super) const ADMIN: &str = "127.0.0.1:8053";

/// An instance by its admin address, and what it is shown.
#[derive(Clone, Debug)]
pub struct Instance {
    /// The address as it was given: its label in what is printed.
    pub address: String,
    credentials: Credentials,
    /// Whether the warning of a token in the open has been given.
    warned: Arc<Once>,
}

impl Instance {
    pub(super) fn new(address: String, credentials: Credentials) -> Self {
        Self { address, credentials, warned: Arc::new(Once::new()) }
    }

    /// Reads what a route answers to these parameters.
    pub fn get<P: Serialize, A: DeserializeOwned>(
        &self,
        route: &ApiRoute<P, (), A>,
        parameters: &P,
    ) -> anyhow::Result<A> {
        read(&self.exchange(&route.operation(), parameters, |request| request)?)
    }

    /// Reads what a route without parameters answers.
    pub fn look<A: DeserializeOwned>(&self, route: &ApiRoute<NoParameters, (), A>) -> anyhow::Result<A> {
        self.get(route, &NoParameters {})
    }

    /// Reads the text that a route answers.
    pub fn text<P: Serialize>(
        &self,
        route: &ApiRoute<P, (), String>,
        parameters: &P,
    ) -> anyhow::Result<String> {
        self.exchange(&route.operation(), parameters, |request| request)
    }

    /// Asks for a change, in the name of an author.
    pub fn order<P: Serialize, B: Serialize, A: DeserializeOwned>(
        &self,
        route: &ApiRoute<P, B, A>,
        parameters: &P,
        body: &B,
        author: Option<&str>,
    ) -> anyhow::Result<A> {
        let author = self::author(author)?;
        let text = self.exchange(&route.operation(), parameters, |mut request| {
            if route.operation().body.is_some() {
                request = request.json(body);
            }
            match author {
                Some(author) => request.header(AUTHOR, author),
                None => request,
            }
        })?;
        read(&text)
    }

    /// Sends a request, and returns the text of the answer.
    fn exchange(
        &self,
        operation: &Operation,
        parameters: &impl Serialize,
        complete: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> anyhow::Result<String> {
        let address = &self.address;
        let url = fill(base(address)?, operation, parameters)?;
        let token = self.credentials.token()?;
        if token.is_some() && is_in_the_open(&url) {
            self.warned.call_once(|| {
                output::complain(format_args!(
                    "warning: the token is sent to {address} in the open; https:// would hide it"
                ));
            });
        }
        let client = self.credentials.client()?.build().context("cannot use these certificates")?;
        let mut request = complete(client.request(method(operation), url));
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, token);
        }
        let asked = async {
            let reply = request.send().await?;
            let status = reply.status();
            Ok::<_, reqwest::Error>((status, reply.text().await?))
        };
        let (status, text) = run_here(asked)?.with_context(|| {
            format!(
                "cannot ask the server at {address}; is it running, is this its `admin` address, and does it \
                 speak TLS (https://…) or not?"
            )
        })?;
        if status.is_success() {
            return Ok(text);
        }
        // What is no JSON comes from a proxy, or another program.
        let refusal = serde_json::from_str(&text);
        Err(refusal.unwrap_or_else(|_| ApiError::new(status.as_u16(), text.trim_end())).into())
    }
}

fn author(named: Option<&str>) -> anyhow::Result<Option<HeaderValue>> {
    let author = named.map(str::to_owned).or_else(|| std::env::var("USER").ok());
    let author = author.filter(|author| !author.trim().is_empty());
    let header = |author: String| {
        HeaderValue::from_bytes(author.as_bytes())
            .with_context(|| format!("`{author}` cannot be the name of an author"))
    };
    author.map(header).transpose()
}

/// Reads an answer.
fn read<A: DeserializeOwned>(text: &str) -> anyhow::Result<A> {
    serde_json::from_str(text).context("the server is of another version, or it is another program")
}

/// Returns the URL of a route with its parameters.
fn fill(mut url: Url, operation: &Operation, parameters: &impl Serialize) -> anyhow::Result<Url> {
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let Value::Object(mut values) = serde_json::to_value(parameters)? else { bail!("parameters have names") };
    // Whatever is in a name stays in one segment of the path.
    let mut segments = url.path_segments_mut().ok().context("an admin address has a path")?;
    segments.pop_if_empty();
    for segment in operation.path.split('/').skip(1) {
        let name = segment.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
        match name.and_then(|name| values.remove(name)) {
            Some(value) => segments.push(&text(value)),
            None => segments.push(segment),
        };
    }
    drop(segments);
    if !values.is_empty() {
        url.query_pairs_mut().extend_pairs(values.into_iter().map(|(name, value)| (name, text(value))));
    }
    Ok(url)
}

/// Reads what `--admin` says.
fn base(address: &str) -> anyhow::Result<Url> {
    let has_scheme = address.contains("://");
    let text = if has_scheme { address.to_owned() } else { format!("http://{address}") };
    let url = Url::parse(&text).ok().filter(|url| {
        let is_usual = ["http", "https"].contains(&url.scheme());
        let has_user = !url.username().is_empty() || url.password().is_some();
        is_usual && !has_user && url.query().is_none() && is_written(url, &text)
    });
    url.with_context(|| {
        format!("`{address}` is not an address such as {ADMIN} or https://ns1.example.net:8053")
    })
}

/// Returns whether a URL with an IPv4 address was written with that address: the URL Standard (section 3.5) takes `8053` for
/// `0.0.31.117` and `127.1` for `127.0.0.1`, and a token would be sent wherever that is.
fn is_written(url: &Url, text: &str) -> bool {
    let Some(ip) = url.host_str().and_then(|host| host.parse::<Ipv4Addr>().ok()) else { return true };
    let rest = text.split_once("://").and_then(|(_, rest)| rest.strip_prefix(&ip.to_string()));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/', '?', '#']))
}

/// Returns an admin address in the form that all its spellings have; what is none stays as it is.
pub(super) fn normal(address: &str) -> String {
    let url = base(address).map_or_else(|_| address.to_owned(), String::from);
    url.trim_end_matches('/').to_owned()
}

/// Returns whether what is sent there crosses a network that others may read.
fn is_in_the_open(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let is_loopback = |text: &str| text.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback());
    url.scheme() == "http" && host != "localhost" && !is_loopback(host.trim_matches(['[', ']']))
}

fn method(operation: &Operation) -> reqwest::Method {
    match operation.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Delete => reqwest::Method::DELETE,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::admin::api::routes;

    #[test]
    fn an_admin_address_is_one_with_or_without_a_scheme() {
        for (address, expected) in [
            ("127.0.0.1:8053", Some("http://127.0.0.1:8053/")),
            ("[::1]:8053", Some("http://[::1]:8053/")),
            ("ns1.example.net", Some("http://ns1.example.net/")),
            ("https://ns1.example.net:8053", Some("https://ns1.example.net:8053/")),
            ("https://proxy.example/meridian/", Some("https://proxy.example/meridian/")),
            ("ftp://ns1.example.net", None),
            ("8053", None),
            ("127.1:8053", None),
            ("2130706433", None),
            ("http://0x7f.1/", None),
            ("10.0.0.256", None),
            ("192.0.2.1", Some("http://192.0.2.1/")),
            ("/8053", None),
            ("http:///127.1:5499", None),
            ("http://:secret@ns1.example.net", None),
            ("4f2a9b7c1d3e:8053", Some("http://4f2a9b7c1d3e:8053/")),
            ("http://jo:secret@ns1.example.net", None),
            ("", None),
        ] {
            let url = base(address).ok().map(|url| url.to_string());
            assert_eq!(url.as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn parameters_go_where_their_route_has_them() {
        let url = |operation: Operation, parameters: Value| {
            fill(base("ns1.example.net/x/").expect("an address"), &operation, &parameters)
                .expect("a URL")
                .to_string()
        };
        assert_eq!(
            url(routes::LIFT.operation(), json!({ "number": 7, "at_once": true })),
            "http://ns1.example.net/x/intents/7?at_once=true"
        );
        assert_eq!(
            url(routes::REGION.operation(), json!({ "region": "a/b?c" })),
            "http://ns1.example.net/x/status/a%2Fb%3Fc"
        );
    }

    #[test]
    fn a_token_is_in_the_open_where_it_is_neither_encrypted_nor_stays_on_this_machine() {
        for (address, expected) in [
            ("127.0.0.1:8053", false),
            ("[::1]:8053", false),
            ("localhost:8053", false),
            ("https://192.0.2.1", false),
            ("192.0.2.1:8053", true),
            ("127.0.0.1.evil.example", true),
        ] {
            assert_eq!(is_in_the_open(&base(address).expect("an address")), expected, "{address}");
        }
    }
}
