//! One HTTP canary, prepared for one address or one region.
//!
//! Wherever the URL points, the connection goes to the probed address: a name in it, or `host`, becomes
//! the name of `Host`, SNI and certificate, and nothing is ever looked up. When a region is probed, the
//! connection goes to where the name in the URL leads at that moment, whatever `host` says. No redirect is
//! followed, no proxy asked, no request repeated, and no connection kept: a probe proves that a new client
//! is served now, which a connection of ten seconds ago cannot.

use std::env;
use std::net::IpAddr;
use std::sync::Arc;

use reqwest::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response, StatusCode, Url, dns, redirect, retry};

use super::failure::{self, failure};
use super::names::{Leading, Pinned};
use super::schedule::Watched;
use super::trust::Trust;
use crate::canary::{Failure, FailureClass, HttpCheck, ProbeError, in_url};
use crate::region::split_service;

/// The largest body that counts as an answer to a health check (design, section 8: bounded memory).
pub const MAX_BODY: usize = 64 * 1024;

/// What a request says of its sender, unless the canary's headers say something else.
const USER_AGENT: &str = concat!("meridian/", env!("CARGO_PKG_VERSION"));

/// One HTTP canary, prepared for what it watches.
#[derive(Debug)]
pub struct HttpProbe {
    client: Client,
    destination: Endpoint,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<String>,
    statuses: Vec<(u16, u16)>,
    body_contains: Option<String>,
}

/// Where connections go, whatever name they are for.
enum Endpoint {
    /// To one address.
    Address(IpAddr),
    /// To where a name leads when it is looked up, for every probe.
    Name(Arc<Leading>),
}

/// Why a canary cannot be run at all. The configuration is checked so that this does not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{0}` is not an http or https URL")]
    Url(String),
    #[error("`{0}` is not a request method")]
    Method(String),
    #[error("header `{0}` cannot be sent")]
    Header(String),
    #[error("`{0}` is not a name for a certificate")]
    Name(String),
    #[error("the environment variable `{0}` is not set")]
    Secret(String),
    #[error("`{0}` probes addresses, not a region as a whole")]
    Nowhere(&'static str),
    #[error("the system's name servers are not known: {0}")]
    Names(#[from] hickory_resolver::net::NetError),
    #[error("the HTTP client cannot be set up")]
    Client(#[from] reqwest::Error),
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::Name(leading) => write!(f, "where a name leads, {:?} at last", leading.led()),
        }
    }
}

impl HttpProbe {
    /// Prepares `check` for what it watches.
    ///
    /// # Errors
    ///
    /// When the check says something that cannot be sent.
    pub fn new(check: &HttpCheck, watched: &Watched, trust: &Trust) -> Result<Self, Error> {
        let mut url = parse(&check.url, watched)?;
        let mut headers = headers(check)?;
        let written = url.host_str().map(str::to_owned).unwrap_or_default();
        if let Some(host) = &check.host {
            headers.insert(HOST, value("host", host)?);
        }
        let name = check.host.as_deref().map_or(written.as_str(), without_port);
        let destination = Endpoint::new(watched, &written, trust)?;
        // A name leads to the destination whatever it is; with anything else the place itself is the host.
        let host = if is_ip(name) { destination.host(&written) } else { name.to_owned() };
        url.set_host(Some(&host)).map_err(|_| Error::Url(host.clone()))?;
        if check.host.is_none() && written != host {
            headers.insert(HOST, value("host", &written)?);
        }
        let tls = match url.scheme() {
            "https" => trust.encrypted(check.authorities.as_ref()),
            _ => Trust::plain(),
        };
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(destination.resolver())
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .http1_only()
            // As all user agents do (RFC 9112, sections 5.1 and 5.2).
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .http1_allow_spaces_after_header_name_in_responses(true)
            .pool_max_idle_per_host(0)
            .user_agent(USER_AGENT);
        Ok(Self {
            client: client.build()?,
            destination,
            method: method(&check.method)?,
            url,
            headers,
            body: check.body.clone(),
            statuses: check.statuses.clone(),
            body_contains: check.body_contains.clone(),
        })
    }

    /// Returns where the last connection went: one address of several, for a name.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        match &self.destination {
            Endpoint::Address(address) => vec![*address],
            Endpoint::Name(leading) => leading.led(),
        }
    }

    /// Sends one request and looks at the response. Sets no limit to the time that takes.
    pub async fn run(&self) -> Result<(), ProbeError> {
        let (body, is_whole) = read(self.send().await?).await?;
        Ok(self.judge_body(&body, is_whole)?)
    }

    /// Sends one request, looks at the response, and returns its body, all of it.
    pub(super) async fn fetch(&self) -> Result<Vec<u8>, ProbeError> {
        let (body, is_whole) = read(self.send().await?).await?;
        if !is_whole {
            return Err(too_long().into());
        }
        self.judge_body(&body, true)?;
        Ok(body)
    }

    /// Sends one request and looks at the head of the response.
    pub(super) async fn send(&self) -> Result<Response, ProbeError> {
        let mut request = self.client.request(self.method.clone(), self.url.clone());
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        }
        let response =
            request.headers(self.headers.clone()).send().await.map_err(|error| failure::of(&error))?;
        self.judge_status(response.status())?;
        Ok(response)
    }

    fn judge_status(&self, status: StatusCode) -> Result<(), Failure> {
        let status = status.as_u16();
        let is_expected = |(first, last): &(u16, u16)| (*first..=*last).contains(&status);
        if self.statuses.iter().any(is_expected) {
            return Ok(());
        }
        Err(failure(FailureClass::Status, format!("status {status}")))
    }

    /// Looks for the text that must be in the body, or in what was read of it.
    pub(super) fn judge_body(&self, body: &[u8], is_whole: bool) -> Result<(), Failure> {
        let Some(expected) = &self.body_contains else {
            return Ok(());
        };
        // Bytes, not characters: a body in another charset does not contain the text.
        let mut places = body.windows(expected.len().max(1));
        if expected.is_empty() || places.any(|place| place == expected.as_bytes()) {
            return Ok(());
        }
        let detail = match is_whole {
            true => format!("the body does not contain `{expected}`"),
            false => format!("the first {} KiB of the body do not contain `{expected}`", MAX_BODY / 1024),
        };
        Err(failure(FailureClass::Body, detail))
    }
}

/// Reads a body to its end, but not beyond the bound, and returns it and whether that is all of it.
async fn read(mut response: Response) -> Result<(Vec<u8>, bool), ProbeError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure::of(&error))? {
        let room = MAX_BODY - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Ok((body, false));
        }
    }
    Ok((body, true))
}

/// Returns the failure of a body beyond the bound.
pub(super) fn too_long() -> Failure {
    failure(FailureClass::Body, format!("the body is longer than {} KiB", MAX_BODY / 1024))
}

impl Endpoint {
    /// Returns where to connect for a URL with this host.
    fn new(watched: &Watched, written: &str, trust: &Trust) -> Result<Self, Error> {
        let address = match watched {
            Watched::Address(address) => Some(*address),
            Watched::Region(_) => bare_ip(written),
        };
        Ok(match address {
            Some(address) => Self::Address(address),
            None => Self::Name(Arc::new(Leading::new(written.to_owned(), trust.names()?))),
        })
    }

    /// Returns the host of the URL for a connection that is for no name.
    fn host(&self, written: &str) -> String {
        match self {
            Self::Address(address) => in_url(*address),
            Self::Name(_) => written.to_owned(),
        }
    }

    /// Returns what leads every name there.
    fn resolver(&self) -> Arc<dyn dns::Resolve> {
        match self {
            Self::Address(address) => Arc::new(Pinned(*address)),
            Self::Name(leading) => Arc::clone(leading) as Arc<dyn dns::Resolve>,
        }
    }
}

/// Parses a URL for what is probed.
fn parse(template: &str, watched: &Watched) -> Result<Url, Error> {
    let text = match watched {
        Watched::Address(address) => template.replace("{address}", &in_url(*address)),
        // Its services are where the region is.
        Watched::Region(name) => template.replace("{region}", split_service(name).0),
    };
    Url::parse(&text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or(Error::Url(text))
}

fn method(text: &str) -> Result<Method, Error> {
    Method::from_bytes(text.as_bytes()).map_err(|_| Error::Method(text.to_owned()))
}

fn headers(check: &HttpCheck) -> Result<HeaderMap, Error> {
    let pairs = check.headers.iter().map(|(name, text)| {
        let parsed = HeaderName::from_bytes(name.as_bytes());
        let parsed = parsed.map_err(|_| Error::Header(name.clone()))?;
        Ok((parsed, value(name, text)?))
    });
    let mut headers = pairs.collect::<Result<HeaderMap, Error>>()?;
    for (name, variable) in &check.headers_from_env {
        let secret = env::var(variable).map_err(|_| Error::Secret(variable.clone()))?;
        let mut secret = value(name, secret.trim())?;
        // Kept out of what is printed of a request.
        secret.set_sensitive(true);
        let parsed = HeaderName::from_bytes(name.as_bytes());
        headers.insert(parsed.map_err(|_| Error::Header(name.clone()))?, secret);
    }
    if check.body.is_some() && !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    Ok(headers)
}

fn value(name: &str, text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text).map_err(|_| Error::Header(name.to_owned()))
}

/// Returns the host of `api.example.com:8443`.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Returns whether a host is an IP address, bare or in brackets.
fn is_ip(host: &str) -> bool {
    bare_ip(host).is_some()
}

/// Returns the IP address that a host is, bare or in brackets.
fn bare_ip(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_address_stands_in_brackets() {
        let watched = Watched::Address("2001:db8::1".parse().expect("an address"));
        let url = parse("https://{address}:8443/health", &watched).expect("a URL");
        assert_eq!(url.as_str(), "https://[2001:db8::1]:8443/health");
    }

    #[test]
    fn what_cannot_be_sent_is_refused_before_it_is_tried() {
        let watched = Watched::Address("192.0.2.1".parse().expect("an address"));
        let said_of = |url: &str, method: &str, header: &str| {
            let check = HttpCheck {
                url: url.to_owned(),
                host: None,
                authorities: None,
                method: method.to_owned(),
                headers: vec![(header.to_owned(), "yes".to_owned())],
                headers_from_env: Vec::new(),
                body: None,
                statuses: vec![(200, 200)],
                body_contains: None,
            };
            let error = HttpProbe::new(&check, &watched, &Trust::default()).expect_err("it cannot");
            error.to_string()
        };
        let good = "http://{address}/";
        assert_eq!(said_of("ftp://{address}/", "GET", "a"), "`ftp://192.0.2.1/` is not an http or https URL");
        assert_eq!(said_of("no URL", "GET", "a"), "`no URL` is not an http or https URL");
        assert_eq!(said_of(good, "GE T", "a"), "`GE T` is not a request method");
        assert_eq!(said_of(good, "GET", "a b"), "header `a b` cannot be sent");
    }

    #[test]
    fn the_port_of_a_host_is_no_part_of_its_name() {
        for (host, name) in [
            ("api.example.com", "api.example.com"),
            ("api.example.com:8443", "api.example.com"),
            ("[2001:db8::1]", "[2001:db8::1]"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(without_port(host), name);
        }
    }
}
