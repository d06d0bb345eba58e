//! Requests that are refused before a handler sees them.

use std::fmt;

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::admin::api::{ApiError, CallerIdentity, Credential};
use crate::intent::MAX_AUTHOR;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessRefusal {
    /// No credential came along.
    Unknown,
    /// A proxy on this machine asks, on behalf of an unknown client.
    Forwarded,
    /// From this machine without a credential, and addressed by a name that another site may have turned here.
    ByName,
    /// The token is none of ours.
    WrongToken,
    /// The token is none of ours, and there were many of those in this second.
    TooManyWrong,
    /// The caller may only read.
    MustOperate(CallerIdentity),
    /// A page of another site made a browser send this.
    ForeignPage,
    /// `Meridian-Author` is not a name.
    NoName,
}

impl AccessRefusal {
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

    /// Returns the status, and the header that tells programs what to do (RFC 6750, section 3; RFC 6585, section 4).
    pub(super) fn status(&self) -> (u16, Option<(HeaderName, &'static str)>) {
        match self {
            Self::Unknown | Self::Forwarded => (401, Some((header::WWW_AUTHENTICATE, "Bearer"))),
            Self::WrongToken => (401, Some((header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""))),
            Self::TooManyWrong => (429, Some((header::RETRY_AFTER, "1"))),
            Self::ByName | Self::MustOperate(_) | Self::ForeignPage => (403, None),
            Self::NoName => (400, None),
        }
    }
}

impl fmt::Display for AccessRefusal {
    /// Writes what is wrong and what to do, as one sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const GIVE: &str = "give one with --token-file or $MERIDIAN_TOKEN_FILE";
        match self {
            Self::Unknown => write!(f, "reading from here needs a token, so {GIVE}"),
            Self::Forwarded => write!(f, "a proxy asks on behalf of a client that needs a token, so {GIVE}"),
            Self::ByName => {
                f.write_str("without a token, requests are answered at an IP address or `localhost` only")
            }
            Self::WrongToken => {
                f.write_str("this token is not known here; `access` in server.yaml says which ones are")
            }
            Self::TooManyWrong => f.write_str("too many wrong tokens, so wait before the next"),
            Self::MustOperate(caller) => match caller.via {
                Credential::Loopback => write!(
                    f,
                    "this needs a token whose role is `operate`: `access` in server.yaml lists them; {GIVE}"
                ),
                Credential::Token => write!(
                    f,
                    "the role of `{}` is `read`, and this needs `operate`: see `access` in server.yaml",
                    caller.name
                ),
                Credential::Certificate => write!(
                    f,
                    "`{}` may only read: `operators` of `access.tls` in server.yaml lists the certificates that may operate",
                    caller.name
                ),
            },
            Self::ForeignPage => f.write_str(
                "a page of another site asks for this, so do it from here; a proxy must pass on `Host`, or say it in \
                 `X-Forwarded-Host`",
            ),
            Self::NoName => {
                write!(f, "`Meridian-Author` is a name of at most {MAX_AUTHOR} octets, and may be left out")
            }
        }
    }
}

impl IntoResponse for AccessRefusal {
    fn into_response(self) -> Response {
        let (status, header) = self.status();
        let mut response = ApiError::new(status, self.to_string()).into_response();
        let headers = header.map(|(name, value)| (name, HeaderValue::from_static(value)));
        response.headers_mut().extend(headers);
        // The middleware counts it.
        response.extensions_mut().insert(self);
        response
    }
}
