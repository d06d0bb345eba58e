//! Callers and their roles, decided once for each request, before any handler sees it.
//!
//! | credential | role |
//! |---|---|
//! | none | `/healthz` and the files of the page only |
//! | none, from this machine | read, unless `access.loopback` is `token` |
//! | `Authorization: Bearer TOKEN` | that of the token |
//! | a client certificate of a configured authority | read; operate if its name is listed |
//!
//! Which tokens there are, and that one ends with its file, is the business of `daemon::reload`.
//!
//! Handlers that change anything ask [`operator`], which also names the author for the log. Being on this
//! machine is worth little: a browser here runs other people's pages, and a proxy here asks for other people.
//! A page whose own name was turned to this machine (DNS rebinding) is told by its `Host`, a proxy by what it
//! adds. A page cannot send `Authorization` unasked, because that needs a preflight (Fetch, section 3.2.2),
//! which is not answered here; a client certificate it can. [`operator`] looks at the `Origin` of every change.

mod refusal;
mod token;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderName, header};

use super::api::caller::AUTHOR;
use super::api::{CallerIdentity, Credential, Role};
use super::tls::{CertificateNames, TlsPolicy};
use crate::config::LoopbackAccess;
use crate::intent::MAX_AUTHOR;
use crate::moment::Moment;
use crate::units::is_readable;

pub use refusal::AccessRefusal;
pub use token::{HashedToken, MAX_TOKEN, MIN_TOKEN, UnfitToken};

/// The wrong tokens in a second that are answered one by one: more than a handful of misconfigured programs send.
pub const MAX_WRONG: u32 = 10;

/// The name under which a proxy was asked.
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The headers that proxies and content delivery networks add to what they pass on.
const FORWARDED: [&str; 12] = [
    "cf-connecting-ip",
    "client-ip",
    "fastly-client-ip",
    "forwarded",
    "true-client-ip",
    "via",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
];

/// The credentials that are accepted.
#[derive(Debug, Default)]
pub struct AccessPolicy {
    /// The tokens, no two alike.
    pub tokens: Vec<HashedToken>,
    /// How connections are encrypted; `None`: not at all.
    pub tls: Option<TlsPolicy>,
    /// What this machine may do without a credential.
    pub loopback: LoopbackAccess,
}

/// The other end of a connection.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub address: SocketAddr,
    /// The names in its certificate, which was verified; `None`: it showed none.
    pub names: Option<CertificateNames>,
}

impl AccessPolicy {
    /// Returns the caller of a request.
    pub(super) fn caller(&self, peer: &Peer, headers: &HeaderMap) -> Result<CallerIdentity, AccessRefusal> {
        let caller = |name, role, via| Ok(CallerIdentity { name, role, via });
        if headers.contains_key(header::AUTHORIZATION) {
            let token =
                bearer(headers).and_then(|token| self.find(token)).ok_or(AccessRefusal::WrongToken)?;
            return caller(token.name.clone(), token.role, Credential::Token);
        }
        if let (Some(names), Some(tls)) = (&peer.names, &self.tls) {
            let (name, role) = tls.caller(names);
            return caller(name, role, Credential::Certificate);
        }
        if self.loopback == LoopbackAccess::Token {
            return Err(AccessRefusal::Unknown);
        }
        check_loopback(peer.address, headers)?;
        caller("loopback".to_owned(), Role::Read, Credential::Loopback)
    }

    /// Finds a token. It compares all of them, whichever it is.
    fn find(&self, text: &[u8]) -> Option<&HashedToken> {
        let hash = token::hash(text);
        self.tokens.iter().fold(None, |found, token| if token.has(&hash) { Some(token) } else { found })
    }
}

/// Returns the token of a request (RFC 6750, section 2.1). `None`: it has none, several, or another scheme.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, token) = value.as_bytes().split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token.trim_ascii())
}

/// Holds that a request comes from this machine, and that no other may be behind it.
fn check_loopback(address: SocketAddr, headers: &HeaderMap) -> Result<(), AccessRefusal> {
    if !address.ip().to_canonical().is_loopback() {
        return Err(AccessRefusal::Unknown);
    }
    if FORWARDED.iter().any(|name| headers.contains_key(*name)) {
        return Err(AccessRefusal::Forwarded);
    }
    // Every browser sends a `Host`, so that a request without one comes from no page.
    let mut hosts = headers.get_all(header::HOST).iter();
    if !hosts.all(|host| host.to_str().is_ok_and(is_plain)) {
        return Err(AccessRefusal::ByName);
    }
    Ok(())
}

/// Returns whether a `Host` is an IP address or `localhost`, with or without a port.
fn is_plain(host: &str) -> bool {
    let name = match host.parse::<SocketAddr>() {
        Ok(_) => return true,
        Err(_) => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let is_ip = |text: &str| text.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    name.eq_ignore_ascii_case("localhost") || is_ip(name) || is_ip(host)
}

/// Returns the author of a change, for the log: `alice`, or `Jo (ops)` when a name came along.
///
/// # Errors
///
/// When the caller may only read, or a page of another site made their browser ask.
pub fn operator(caller: &CallerIdentity, headers: &HeaderMap) -> Result<String, AccessRefusal> {
    match caller.role {
        Role::Read => return Err(AccessRefusal::MustOperate(caller.clone())),
        Role::Operate => {}
    }
    if is_foreign(headers, caller.via) {
        return Err(AccessRefusal::ForeignPage);
    }
    let Some(author) = headers.get(AUTHOR) else { return Ok(caller.name.clone()) };
    let author = std::str::from_utf8(author.as_bytes()).map_err(|_| AccessRefusal::NoName)?.trim();
    let is_name = (1..=MAX_AUTHOR).contains(&author.len()) && is_readable(author);
    if is_name { Ok(format!("{author} ({})", caller.name)) } else { Err(AccessRefusal::NoName) }
}

/// Returns whether a page of another origin than this server made a browser send a request: browsers send the origin of a
/// page with what is no GET.
///
/// They send certificates along with whatever any page asks for, so that only the very origin will do. A token is in the
/// hands of the page that sends it; there may be a proxy before this server, which speaks TLS and knows its name.
fn is_foreign(headers: &HeaderMap, via: Credential) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let Some((scheme, origin)) = origin.to_str().ok().and_then(|origin| origin.split_once("://")) else {
        return true;
    };
    let (names, schemes): (&[HeaderName], &[&str]) = match via {
        Credential::Certificate => (&[header::HOST], &["https"]),
        Credential::Token | Credential::Loopback => (&[header::HOST, FORWARDED_HOST], &["https", "http"]),
    };
    // A proxy after a proxy makes a list of it, and some add the port that the scheme has anyway.
    let hosts = names.iter().filter_map(|name| headers.get(name)?.to_str().ok());
    let mut hosts = hosts.flat_map(|hosts| hosts.split(',').map(str::trim));
    let usual_port = if scheme == "https" { ":443" } else { ":80" };
    let is_origin = |host: &str| host.strip_suffix(usual_port).unwrap_or(host).eq_ignore_ascii_case(origin);
    !(schemes.contains(&scheme) && hosts.any(is_origin))
}

/// The wrong tokens of the present second.
///
/// A right token passes however many wrong ones come along: no client can lock an operator out. What makes
/// guessing hopeless is therefore the length of tokens, and this keeps it from filling the log.
#[derive(Debug, Default)]
pub struct WrongTokens(Mutex<(u64, u32)>);

impl WrongTokens {
    /// Counts one, warns of the first in a second, and returns the refusal.
    pub(super) fn refuse(&self, address: SocketAddr, now: Moment) -> AccessRefusal {
        let count = self.count(now);
        if count == 1 {
            tracing::warn!("a wrong token for the admin address, from {}", address.ip());
        }
        Self::refusal(count)
    }

    /// Counts the wrong secret of a peer, whose refusals are logged by themselves.
    pub(super) fn refuse_peer(&self, now: Moment) -> AccessRefusal {
        Self::refusal(self.count(now))
    }

    fn refusal(count: u32) -> AccessRefusal {
        if count > MAX_WRONG { AccessRefusal::TooManyWrong } else { AccessRefusal::WrongToken }
    }

    /// Counts one, and returns the number of those in this second.
    fn count(&self, now: Moment) -> u32 {
        let mut tally = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let second = now.0 / 1000;
        let count = if tally.0 == second { tally.1.saturating_add(1) } else { 1 };
        *tally = (second, count);
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "0123456789abcdef01234567";
    const GRAFANA: &str = "a-token-of-32-octets-for-grafana";

    /// Returns headers that are written one a line.
    fn headers(text: &str) -> HeaderMap {
        let lines = text.lines().map(|line| line.split_once(": ").expect("a name and a value"));
        let header = |(name, value): (&str, &str)| {
            (name.parse::<HeaderName>().expect("a name"), value.parse().expect("a value"))
        };
        let mut headers = HeaderMap::new();
        lines.map(header).for_each(|(name, value)| _ = headers.append(name, value));
        headers
    }

    /// Returns who asks from this address with these headers: `alice operate`, or why they are refused.
    fn who(address: &str, text: &str) -> String {
        let tokens = [("alice", Role::Operate, ALICE), ("grafana", Role::Read, GRAFANA)];
        let tokens = tokens.map(|(name, role, text)| HashedToken::new(name, role, text).expect("a token"));
        let access = AccessPolicy { tokens: tokens.into(), ..AccessPolicy::default() };
        let peer =
            Peer { address: SocketAddr::new(address.parse().expect("an address"), 40_000), names: None };
        match access.caller(&peer, &headers(text)) {
            Ok(caller) => format!("{} {}", caller.name, caller.role.as_str()),
            Err(refusal) => format!("{} {}", refusal.status().0, refusal.word()),
        }
    }

    #[test]
    fn this_machine_reads_unless_somebody_else_may_be_behind_it_and_everybody_else_needs_a_token() {
        for (address, headers, expected) in [
            ("127.0.0.1", "", "loopback read"),
            ("127.9.9.9", "host: 127.9.9.9:8053", "loopback read"),
            ("::1", "host: [::1]:8053", "loopback read"),
            ("::ffff:127.0.0.1", "host: localhost", "loopback read"),
            ("127.0.0.1", "host: evil.example", "403 by_name"),
            ("127.0.0.1", "host: localhost\nhost: evil.example", "403 by_name"),
            ("127.0.0.1", "host: localhost\nx-forwarded-for: 192.0.2.9", "401 forwarded"),
            ("127.0.0.1", "host: localhost\nforwarded: for=192.0.2.9", "401 forwarded"),
            ("192.0.2.9", "host: localhost", "401 unknown"),
            ("::ffff:192.0.2.9", "host: 192.0.2.1", "401 unknown"),
        ] {
            assert_eq!(who(address, headers), expected, "{address} {headers}");
        }
    }

    #[test]
    fn a_token_has_its_role_from_anywhere_and_a_wrong_one_is_refused_even_here() {
        for (authorization, expected) in [
            (format!("Bearer {ALICE}"), "alice operate"),
            (format!("bearer  {ALICE} "), "alice operate"),
            (format!("Bearer {GRAFANA}"), "grafana read"),
            (format!("Bearer {ALICE}x"), "401 wrong_token"),
            (format!("Bearer {}", &ALICE[..23]), "401 wrong_token"),
            (format!("Basic {ALICE}"), "401 wrong_token"),
            (format!("Bearer {ALICE}\nauthorization: Bearer {GRAFANA}"), "401 wrong_token"),
            ("Bearer".to_owned(), "401 wrong_token"),
            ("Bearer ".to_owned(), "401 wrong_token"),
        ] {
            for address in ["127.0.0.1", "192.0.2.9"] {
                let headers = format!("host: evil.example\nauthorization: {authorization}");
                assert_eq!(who(address, &headers), expected, "{address} {headers}");
            }
        }
    }

    #[test]
    fn who_changes_something_operates_and_is_named_for_the_log() {
        for (role, via, text, expected) in [
            (Role::Operate, Credential::Token, "", Ok("alice")),
            (Role::Operate, Credential::Token, "meridian-author: Jo", Ok("Jo (alice)")),
            (Role::Operate, Credential::Token, "meridian-author:  ", Err("no_name")),
            (
                Role::Operate,
                Credential::Token,
                "origin: https://evil.example\nhost: ns1",
                Err("foreign_page"),
            ),
            (Role::Operate, Credential::Token, "origin: http://ns1:8053\nhost: ns1:8053", Ok("alice")),
            (
                Role::Operate,
                Credential::Token,
                "origin: https://ns1.example.com\nhost: 10.0.0.1:8053\nx-forwarded-host: ns1.example.com:443, inner",
                Ok("alice"),
            ),
            (
                Role::Operate,
                Credential::Certificate,
                "origin: http://ns1:8053\nhost: ns1:8053",
                Err("foreign_page"),
            ),
            (Role::Operate, Credential::Certificate, "host: ns1", Ok("alice")),
            (Role::Operate, Credential::Certificate, "origin: https://ns1:8053\nhost: ns1:8053", Ok("alice")),
            (
                Role::Operate,
                Credential::Certificate,
                "origin: https://evil.example\nhost: ns1",
                Err("foreign_page"),
            ),
            (Role::Operate, Credential::Certificate, "origin: null\nhost: ns1", Err("foreign_page")),
            (Role::Read, Credential::Token, "meridian-author: Jo", Err("must_operate")),
            (Role::Read, Credential::Certificate, "", Err("must_operate")),
            (Role::Read, Credential::Loopback, "", Err("must_operate")),
        ] {
            let caller = CallerIdentity { name: "alice".to_owned(), role, via };
            let found = operator(&caller, &headers(text)).map_err(|refusal| refusal.word());
            assert_eq!(found.as_deref().map_err(|word| *word), expected, "{role:?} {via:?} {text}");
        }
        let long = format!("meridian-author: {}", "a".repeat(101));
        let caller = CallerIdentity { name: "alice".to_owned(), role: Role::Operate, via: Credential::Token };
        assert_eq!(operator(&caller, &headers(&long)), Err(AccessRefusal::NoName));
    }

    #[test]
    fn a_host_is_plain_when_no_name_server_was_asked_for_it() {
        for host in ["127.0.0.1", "127.0.0.1:8053", "[::1]:8053", "[::1]", "localhost", "LocalHost:8053"] {
            assert!(is_plain(host), "{host}");
        }
        for host in ["", "evil.example", "evil.example:8053", "127.0.0.1.evil.example", ":8053"] {
            assert!(!is_plain(host), "{host}");
        }
    }

    #[test]
    fn wrong_tokens_are_counted_by_the_second() {
        let wrong = WrongTokens::default();
        let counts = [1000, 1500, 1999, 2000, 2001, 9000].map(|now| wrong.count(Moment(now)));
        assert_eq!(counts, [1, 2, 3, 1, 2, 1]);
    }
}
