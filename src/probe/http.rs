//! One HTTP canary, prepared for one address.
//!
//! Wherever the URL points, the connection goes to the probed address: a name in it, or `host`, becomes
//! the name of `Host`, SNI and certificate, and nothing is ever looked up. No redirect is followed, no
//! proxy asked, no request repeated, and no connection kept: a probe proves that a new client is served
//! now, which a connection of ten seconds ago cannot.

use std::net::{IpAddr, SocketAddr};

use reqwest::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response, StatusCode, Url, dns, redirect, retry};

use super::failure::{self, failure};
use super::trust::Trust;
use crate::canary::{Failure, FailureClass, HttpCheck, in_url};

/// The largest body that counts as an answer to a health check (design, section 8: bounded memory).
const MAX_BODY: usize = 64 * 1024;

/// What a request says of its sender, unless the canary's headers say something else.
const USER_AGENT: &str = concat!("meridian/", env!("CARGO_PKG_VERSION"));

/// One HTTP canary, prepared for one address.
#[derive(Debug)]
pub struct HttpProbe {
    client: Client,
    method: Method,
    url: Url,
    headers: HeaderMap,
    statuses: Vec<(u16, u16)>,
    body_contains: Option<String>,
}

/// Why a canary cannot be run at all. The configuration is checked so that this does not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL is not one.
    #[error("`{0}` is not an http or https URL")]
    Url(String),
    /// `host` is neither a name nor an address, with or without a port.
    #[error("`{0}` is not a host")]
    Host(String),
    /// The method is not a token.
    #[error("`{0}` is not a request method")]
    Method(String),
    /// A header has a name or value that cannot be sent.
    #[error("header `{0}` cannot be sent")]
    Header(String),
    /// The HTTP client does not take the settings.
    #[error("the HTTP client cannot be set up")]
    Client(#[from] reqwest::Error),
}

impl HttpProbe {
    /// Prepares `check` for `address`.
    ///
    /// # Errors
    ///
    /// When the check says something that cannot be sent.
    pub fn new(check: &HttpCheck, address: IpAddr, trust: &Trust) -> Result<Self, Error> {
        let mut url = parse(&check.url, address)?;
        let named = match &check.host {
            Some(host) => {
                let named = Url::parse(&format!("{}://{host}", url.scheme()));
                named.map_err(|_| Error::Host(host.clone()))?
            }
            None => url.clone(),
        };
        let mut headers = headers(check)?;
        let host = check.host.clone().unwrap_or_else(|| authority(&named));
        headers.insert(HOST, value("host", &host)?);
        // A name is pinned to the address below; nothing but the address itself can stand for an address,
        // so that over TLS one that is written in its place is not what the certificate must carry.
        let is_set = match named.domain() {
            Some(name) => url.set_host(Some(name)).is_ok(),
            None => url.set_ip_host(address).is_ok(),
        };
        if !is_set {
            return Err(Error::Host(host));
        }
        let tls = match url.scheme() {
            "https" => trust.encrypted(),
            _ => Trust::plain(),
        };
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Nowhere)
            .resolve(url.host_str().unwrap_or_default(), SocketAddr::new(address, 0))
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .http1_only()
            .pool_max_idle_per_host(0)
            .user_agent(USER_AGENT);
        Ok(Self {
            client: client.build()?,
            method: method(&check.method)?,
            url,
            headers,
            statuses: check.statuses.clone(),
            body_contains: check.body_contains.clone(),
        })
    }

    /// Sends one request and looks at the response. Sets no limit to the time that takes.
    pub async fn run(&self) -> Result<(), Failure> {
        let request = self.client.request(self.method.clone(), self.url.clone());
        let response = request
            .headers(self.headers.clone())
            .send()
            .await
            .map_err(|error| failure::of(&error))?;
        self.judge_status(response.status())?;
        self.judge_body(&read(response).await?)
    }

    fn judge_status(&self, status: StatusCode) -> Result<(), Failure> {
        let status = status.as_u16();
        let is_expected = |(first, last): &(u16, u16)| (*first..=*last).contains(&status);
        if self.statuses.iter().any(is_expected) {
            return Ok(());
        }
        Err(failure(FailureClass::Status, format!("status {status}")))
    }

    fn judge_body(&self, body: &[u8]) -> Result<(), Failure> {
        let Some(expected) = &self.body_contains else {
            return Ok(());
        };
        // Bytes, not characters: a body in another charset does not contain the text.
        let mut places = body.windows(expected.len().max(1));
        if expected.is_empty() || places.any(|place| place == expected.as_bytes()) {
            return Ok(());
        }
        let detail = format!("the body does not contain `{expected}`");
        Err(failure(FailureClass::Body, detail))
    }
}

/// Reads a body to its end, but not beyond the bound.
async fn read(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure::of(&error))? {
        if body.len() + chunk.len() > MAX_BODY {
            let detail = format!("the body is longer than {} KiB", MAX_BODY / 1024);
            return Err(failure(FailureClass::Body, detail));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Parses a URL with the address in the place of `{address}`.
fn parse(template: &str, address: IpAddr) -> Result<Url, Error> {
    let text = template.replace("{address}", &in_url(address));
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
    pairs.collect()
}

fn value(name: &str, text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text).map_err(|_| Error::Header(name.to_owned()))
}

/// Returns the host of a URL with its port, if that is not the scheme's own.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// A resolver that finds nothing: every name that a probe may use is pinned before.
#[derive(Debug)]
struct Nowhere;

impl dns::Resolve for Nowhere {
    fn resolve(&self, name: dns::Name) -> dns::Resolving {
        let error = format!("`{}` is not the probed address", name.as_str());
        Box::pin(std::future::ready(Err(error.into())))
    }
}
