//! Who asks, and whether they may: decided once for each request, before any handler sees it.
//!
//! | who | may |
//! |---|---|
//! | anybody | ask `/healthz`, and for the files of the page |
//! | this machine, without a token | read |
//! | `Authorization: Bearer TOKEN` | what the token's role says |
//! | a client certificate of a configured authority | read, and operate if its name is listed |
//!
//! Handlers that change anything ask [`operator`], which also says who it was, for the log. Being on this
//! machine is worth little: a browser here runs other people's pages, and a proxy here asks for other people.
//! A page whose own name was turned to this machine (DNS rebinding) is told by its `Host`, a proxy by what it
//! adds. A page cannot send `Authorization` unasked, because that needs a preflight (Fetch, section 3.2.2),
//! which is not answered here; a client certificate it can, so that [`operator`] looks at the `Origin`.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{self, Request};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ring::digest;

use super::State;
use super::listen::Peer;
use super::tls::Tls;
use crate::moment::Moment;

pub use crate::config::Role;

/// The header in which somebody says their name, for tokens that several people share.
pub const AUTHOR: &str = "meridian-author";

/// The longest name of an author, in octets: it goes into a line of the log.
pub(super) const MAX_AUTHOR: usize = 100;

/// The shortest token, in octets: 24 hexadecimal digits are 96 bits, which nobody guesses over a network.
pub const MIN_TOKEN: usize = 24;

/// The longest token, in octets: far below the largest head of a request.
pub const MAX_TOKEN: usize = 512;

/// The fewest different characters of a token: 24 random hexadecimal digits have so many but for one in a
/// million, and `aaaaaaaaaaaaaaaaaaaaaaaa` has not.
const MIN_DIFFERENT: usize = 6;

/// The wrong tokens in a second that are answered one by one: more than a handful of misconfigured programs send.
const MAX_WRONG: u32 = 10;

/// Returns whether a path is open to everybody: load balancers have no token, and the files of the page, which are
/// the same everywhere, let people enter theirs.
fn is_open(path: &str) -> bool {
    path == "/healthz" || path == "/" || path.starts_with("/ui/")
}

/// What a proxy adds to what it passes on.
const FORWARDED: [&str; 4] = ["forwarded", "via", "x-forwarded-for", "x-real-ip"];

/// Who may ask for what.
#[derive(Debug, Default)]
pub struct Access {
    /// The tokens, no two alike.
    pub tokens: Vec<Token>,
    /// How connections are encrypted; `None`: not at all.
    pub tls: Option<Tls>,
}

/// A token, of which only the hash is kept.
pub struct Token {
    name: String,
    role: Role,
    /// Comparing hashes tells nobody by its time how much of a guess was right.
    hash: [u8; digest::SHA256_OUTPUT_LEN],
}

/// Why a text cannot be a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// There is none.
    #[error("is empty")]
    Empty,
    /// Less than [`MIN_TOKEN`].
    #[error("has {0} octets, and a token has at least {MIN_TOKEN}")]
    Short(usize),
    /// More than [`MAX_TOKEN`].
    #[error("has {0} octets, and a token has at most {MAX_TOKEN}")]
    Long(usize),
    /// Something that does not fit into a header.
    #[error("is not one line of visible ASCII characters")]
    NotVisible,
    /// The same few characters over and over.
    #[error("has only {0} different characters, which anybody guesses")]
    Dull(usize),
}

/// Somebody who may read at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who it is, for the log.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// How they are known.
    pub via: Via,
}

/// How a caller is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// Only by asking from this machine.
    Loopback,
    /// By a token.
    Token,
    /// By a client certificate.
    Certificate,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing says who asks.
    Unknown,
    /// A proxy on this machine asks, for nobody knows whom.
    Forwarded,
    /// From this machine, but addressed to a name that might be anybody's.
    ByName,
    /// The token is none of ours.
    WrongToken,
    /// As before, and there were many of them.
    TooManyWrong,
    /// The caller may only read.
    MustOperate(Caller),
    /// A page of another site made a browser send this.
    ForeignPage,
    /// `Meridian-Author` cannot be anybody's name.
    NoName,
}

impl Access {
    /// Returns who asks.
    fn caller(&self, peer: &Peer, headers: &HeaderMap) -> Result<Caller, Refusal> {
        if headers.contains_key(header::AUTHORIZATION) {
            let token = bearer(headers).and_then(|token| self.find(token)).ok_or(Refusal::WrongToken)?;
            return Ok(Caller { name: token.name.clone(), role: token.role, via: Via::Token });
        }
        if let (Some(subject), Some(tls)) = (&peer.subject, &self.tls) {
            let (name, role) = tls.who(subject);
            return Ok(Caller { name, role, via: Via::Certificate });
        }
        on_loopback(peer.address, headers)
    }

    /// Finds a token. It compares all of them, whichever it is.
    fn find(&self, text: &[u8]) -> Option<&Token> {
        let hash = hash(text);
        self.tokens.iter().fold(None, |found, token| if token.hash == hash { Some(token) } else { found })
    }
}

impl Token {
    /// Makes a token of its text.
    ///
    /// # Errors
    ///
    /// When the text cannot be one, or anybody could guess it.
    pub fn new(name: &str, role: Role, text: &str) -> Result<Self, Unfit> {
        match text.len() {
            0 => return Err(Unfit::Empty),
            length @ 1..MIN_TOKEN => return Err(Unfit::Short(length)),
            MIN_TOKEN..=MAX_TOKEN => {}
            length => return Err(Unfit::Long(length)),
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Unfit::NotVisible);
        }
        let different = text.bytes().collect::<std::collections::BTreeSet<_>>().len();
        if different < MIN_DIFFERENT {
            return Err(Unfit::Dull(different));
        }
        Ok(Self { name: name.to_owned(), role, hash: hash(text.as_bytes()) })
    }

    /// Returns whose it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether another token has the same text.
    pub fn is_same(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl fmt::Debug for Token {
    // A hash can be guessed at without asking the server.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("name", &self.name).field("role", &self.role).finish_non_exhaustive()
    }
}

fn hash(text: &[u8]) -> [u8; digest::SHA256_OUTPUT_LEN] {
    let hash = digest::digest(&digest::SHA256, text);
    hash.as_ref().try_into().expect("SHA-256 has 32 octets")
}

/// Returns the token of a request (RFC 6750, section 2.1). `None`: it has none, several, or another scheme.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, token) = value.as_bytes().split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token.trim_ascii())
}

/// Returns this machine as a caller, unless somebody else may be behind it.
fn on_loopback(address: SocketAddr, headers: &HeaderMap) -> Result<Caller, Refusal> {
    if !address.ip().to_canonical().is_loopback() {
        return Err(Refusal::Unknown);
    }
    if FORWARDED.iter().any(|name| headers.contains_key(*name)) {
        return Err(Refusal::Forwarded);
    }
    // Every browser sends a `Host`, so that a request without one is nobody's page.
    let mut hosts = headers.get_all(header::HOST).iter();
    if !hosts.all(|host| host.to_str().is_ok_and(is_plain)) {
        return Err(Refusal::ByName);
    }
    Ok(Caller { name: "loopback".to_owned(), role: Role::Read, via: Via::Loopback })
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

/// Returns who changes something, for the log: `alice`, or `Jo (ops)` when a name was sent along.
///
/// # Errors
///
/// When the caller may only read, or a page of another site made their browser ask.
pub fn operator(caller: &Caller, headers: &HeaderMap) -> Result<String, Refusal> {
    match caller.role {
        Role::Read => return Err(Refusal::MustOperate(caller.clone())),
        Role::Operate => {}
    }
    // Browsers send certificates along with whatever any page asks for, and its origin with what is no GET.
    if caller.via == Via::Certificate && is_foreign(headers) {
        return Err(Refusal::ForeignPage);
    }
    let Some(author) = headers.get(AUTHOR) else { return Ok(caller.name.clone()) };
    let author = std::str::from_utf8(author.as_bytes()).map_err(|_| Refusal::NoName)?.trim();
    let is_name = (1..=MAX_AUTHOR).contains(&author.len()) && !author.chars().any(char::is_control);
    if is_name { Ok(format!("{author} ({})", caller.name)) } else { Err(Refusal::NoName) }
}

/// Returns whether a page of another origin than this server made a browser send a request.
fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let ours = text(header::HOST).map(|host| format!("https://{host}"));
    ours.is_none_or(|ours| !origin.as_bytes().eq_ignore_ascii_case(ours.as_bytes()))
}

impl Refusal {
    /// Returns its word for metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Forwarded => "forwarded",
            Self::ByName => "by_name",
            Self::WrongToken => "wrong_token",
            Self::TooManyWrong => "too_many_wrong",
            Self::MustOperate(_) => "must_operate",
            Self::ForeignPage => "foreign_page",
            Self::NoName => "no_name",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Unknown | Self::Forwarded | Self::WrongToken => StatusCode::UNAUTHORIZED,
            Self::ByName | Self::MustOperate(_) | Self::ForeignPage => StatusCode::FORBIDDEN,
            Self::TooManyWrong => StatusCode::TOO_MANY_REQUESTS,
            Self::NoName => StatusCode::BAD_REQUEST,
        }
    }

    /// Returns the headers that tell programs what to do (RFC 6750, section 3; RFC 6585, section 4).
    fn headers(&self) -> Option<(HeaderName, &'static str)> {
        match self {
            Self::Unknown | Self::Forwarded => Some((header::WWW_AUTHENTICATE, "Bearer")),
            Self::WrongToken => Some((header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")),
            Self::TooManyWrong => Some((header::RETRY_AFTER, "1")),
            Self::ByName | Self::MustOperate(_) | Self::ForeignPage | Self::NoName => None,
        }
    }
}

impl fmt::Display for Refusal {
    /// Writes what is wrong and what to do, as one sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const GIVE: &str = "give one with --token-file or $MERIDIAN_TOKEN_FILE";
        match self {
            Self::Unknown => write!(f, "only this machine reads without a token, so {GIVE}"),
            Self::Forwarded => write!(f, "a proxy asks for somebody else, who needs a token, so {GIVE}"),
            Self::ByName => f.write_str(
                "without a token it is read at an IP address or `localhost` only, so address it so",
            ),
            Self::WrongToken => {
                f.write_str("this token is not known here; `access` in server.yaml says which ones are")
            }
            Self::TooManyWrong => f.write_str("too many wrong tokens, so wait before the next"),
            Self::MustOperate(caller) => match caller.via {
                Via::Loopback => write!(
                    f,
                    "this needs a token whose role is `operate`: `access` in server.yaml lists them; {GIVE}"
                ),
                Via::Token => write!(
                    f,
                    "the role of `{}` is `read`, and this needs `operate`: see `access` in server.yaml",
                    caller.name
                ),
                Via::Certificate => write!(
                    f,
                    "`{}` may only read: `operators` of `access.tls` in server.yaml lists who may do this",
                    caller.name
                ),
            },
            Self::ForeignPage => f.write_str("a page of another site asks for this, so do it from here"),
            Self::NoName => {
                write!(f, "`Meridian-Author` is a name of at most {MAX_AUTHOR} octets, and may be left out")
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let headers = self.headers().map(|header| [header]);
        let mut response = (self.status(), format!("{self}\n")).into_response();
        response.headers_mut().extend(
            headers
                .into_iter()
                .flatten()
                .map(|(name, value)| (name, header::HeaderValue::from_static(value))),
        );
        // For whoever counts.
        response.extensions_mut().insert(self);
        response
    }
}

/// The wrong tokens of the present second.
///
/// A right token passes however many wrong ones come along: nobody can lock an operator out. What makes
/// guessing hopeless is therefore the length of tokens, and this keeps it from filling the log.
#[derive(Debug, Default)]
pub struct Wrong(Mutex<Tally>);

#[derive(Debug, Default)]
struct Tally {
    second: u64,
    count: u32,
}

impl Wrong {
    /// Counts one, and returns how many there were in this second with it.
    fn count(&self, now: Moment) -> u32 {
        let mut tally = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let second = now.0 / 1000;
        if tally.second != second {
            *tally = Tally { second, count: 0 };
        }
        tally.count = tally.count.saturating_add(1);
        tally.count
    }
}

/// Lets a request through to its handler, with its [`Caller`], or refuses it.
pub(super) async fn admit(
    extract::State(state): extract::State<Arc<State>>,
    mut request: Request,
    next: Next,
) -> Response {
    if is_open(request.uri().path()) {
        return next.run(request).await;
    }
    let peer = request.extensions().get::<Peer>().expect("every connection has its peer").clone();
    let response = match state.access.load().caller(&peer, request.headers()) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(Refusal::WrongToken) => wrong_token(&state, peer.address).into_response(),
        Err(refusal) => refusal.into_response(),
    };
    if let Some(refusal) = response.extensions().get::<Refusal>() {
        state.metrics.admin_refused(refusal.word());
    }
    response
}

/// Counts a wrong token, and says so once a second.
fn wrong_token(state: &State, address: SocketAddr) -> Refusal {
    let count = state.wrong.count((state.sources.now)());
    if count == 1 {
        tracing::warn!("a wrong token for the admin address, from {}", address.ip());
    }
    if count > MAX_WRONG { Refusal::TooManyWrong } else { Refusal::WrongToken }
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
        let tokens = tokens.map(|(name, role, text)| Token::new(name, role, text).expect("a token"));
        let access = Access { tokens: tokens.into(), tls: None };
        let peer =
            Peer { address: SocketAddr::new(address.parse().expect("an address"), 40_000), subject: None };
        match access.caller(&peer, &headers(text)) {
            Ok(caller) => format!("{} {}", caller.name, caller.role.as_str()),
            Err(refusal) => format!("{} {}", refusal.status().as_u16(), refusal.word()),
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
    fn a_token_is_long_visible_varied_and_never_printed() {
        let check = |text: &str, expected: Option<Unfit>| {
            assert_eq!(Token::new("alice", Role::Read, text).err(), expected, "{text}");
        };
        check(ALICE, None);
        check("", Some(Unfit::Empty));
        check(&ALICE[..23], Some(Unfit::Short(23)));
        check(&ALICE.repeat(22)[..513], Some(Unfit::Long(513)));
        check(&ALICE.repeat(22)[..512], None);
        check("0123456789abcdef 1234567", Some(Unfit::NotVisible));
        check("0123456789abcdef\n1234567", Some(Unfit::NotVisible));
        check("0123456789abcdefghijklmnopqö", Some(Unfit::NotVisible));
        check(&"ab".repeat(12), Some(Unfit::Dull(2)));
        let token = Token::new("alice", Role::Operate, ALICE).expect("a token");
        assert_eq!(format!("{token:?}"), "Token { name: \"alice\", role: Operate, .. }");
    }

    #[test]
    fn who_changes_something_operates_and_is_named_for_the_log() {
        for (role, via, text, expected) in [
            (Role::Operate, Via::Token, "", Ok("alice")),
            (Role::Operate, Via::Token, "meridian-author: Jo", Ok("Jo (alice)")),
            (Role::Operate, Via::Token, "meridian-author:  ", Err("no_name")),
            (Role::Operate, Via::Token, "origin: https://evil.example\nhost: ns1", Ok("alice")),
            (Role::Operate, Via::Certificate, "host: ns1", Ok("alice")),
            (Role::Operate, Via::Certificate, "origin: https://ns1:8053\nhost: ns1:8053", Ok("alice")),
            (Role::Operate, Via::Certificate, "origin: https://evil.example\nhost: ns1", Err("foreign_page")),
            (Role::Operate, Via::Certificate, "origin: null\nhost: ns1", Err("foreign_page")),
            (Role::Read, Via::Token, "meridian-author: Jo", Err("must_operate")),
            (Role::Read, Via::Certificate, "", Err("must_operate")),
            (Role::Read, Via::Loopback, "", Err("must_operate")),
        ] {
            let caller = Caller { name: "alice".to_owned(), role, via };
            let found = operator(&caller, &headers(text)).map_err(|refusal| refusal.word());
            assert_eq!(found.as_deref().map_err(|word| *word), expected, "{role:?} {via:?} {text}");
        }
        let long = format!("meridian-author: {}", "a".repeat(101));
        let caller = Caller { name: "alice".to_owned(), role: Role::Operate, via: Via::Token };
        assert_eq!(operator(&caller, &headers(&long)), Err(Refusal::NoName));
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
        let wrong = Wrong::default();
        let counts = [1000, 1500, 1999, 2000, 2001, 9000].map(|now| wrong.count(Moment(now)));
        assert_eq!(counts, [1, 2, 3, 1, 2, 1]);
    }
}
