//! Finds what an error means in the chain of errors that led to it: blindness of this machine, or a failure and its
//! class.

use std::error::Error;
use std::io;
use std::time::Duration;

use super::blindness;
use super::detail::bounded;
use crate::canary::{Failure, FailureClass, ProbeError};

/// Returns a failure with a detail of bounded length.
pub fn failure(class: FailureClass, detail: impl Into<String>) -> Failure {
    Failure { class, detail: bounded(detail) }
}

/// Returns the failure of a probe that was given up.
pub fn timed_out(limit: Duration) -> Failure {
    failure(FailureClass::Timeout, format!("no whole answer within {limit:?}"))
}

/// Returns what an error stands for: blindness if any cause is this machine's own, or else the failure that the
/// outermost cause tells whose kind is known.
pub fn of(error: &(dyn Error + 'static)) -> ProbeError {
    if let Some(blindness) = causes(error).find_map(blindness::known) {
        return ProbeError::Blind(blindness);
    }
    let mut innermost = error;
    for cause in causes(error) {
        if let Some(failure) = known(cause) {
            return failure.into();
        }
        innermost = cause;
    }
    // Something about the connection, then: names, TLS and HTTP have kinds of their own.
    failure(FailureClass::Reset, innermost.to_string()).into()
}

/// Returns what a single error says for itself, if its kind is known.
fn known(error: &(dyn Error + 'static)) -> Option<Failure> {
    if let Some(request) = error.downcast_ref::<reqwest::Error>() {
        let cause = causes(error).last().unwrap_or(error);
        return request.is_dns().then(|| failure(FailureClass::Dns, cause.to_string()));
    }
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(failure(FailureClass::Tls, told(tls)));
    }
    if let Some(http) = error.downcast_ref::<hyper::Error>() {
        return of_http(http);
    }
    error.downcast_ref::<io::Error>().and_then(of_io)
}

/// Returns what TLS failed for, in words where rustls has none.
fn told(error: &rustls::Error) -> String {
    use rustls::CertificateError::{Other, UnknownIssuer};
    match error {
        rustls::Error::InvalidCertificate(UnknownIssuer) => {
            "the certificate is self-signed, or of an authority that SSL_CERT_FILE does not have".to_owned()
        }
        rustls::Error::InvalidCertificate(Other(other))
            if matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity)) =>
        {
            "the certificate is self-signed as an authority's and no server's (CA:TRUE)".to_owned()
        }
        _ => error.to_string(),
    }
}

fn of_http(error: &hyper::Error) -> Option<Failure> {
    if error.is_canceled()
        && let Some(cause) = error.source()
    {
        // A request that was never sent: what went wrong with the connection comes next, and what has no
        // kind of its own there is a server that speaks before it is asked, as those of SSH and SMTP do.
        let too_soon = || failure(FailureClass::Body, "the answer is not HTTP, it came before the request");
        let is_known = causes(cause).any(|cause| known(cause).is_some());
        return (!is_known).then(too_soon);
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        return Some(closed());
    }
    let not_http = || failure(FailureClass::Body, format!("the answer is not HTTP, {error}"));
    error.is_parse().then(not_http)
}

fn of_io(error: &io::Error) -> Option<Failure> {
    // One that wraps an error of TLS or HTTP is judged by that one, which comes next.
    if error.get_ref().is_some_and(|inner| known(inner).is_some()) {
        return None;
    }
    use FailureClass::{Body, Refused, Reset, Timeout};
    Some(match error.kind() {
        io::ErrorKind::ConnectionRefused => failure(Refused, "connection refused"),
        // No refusal: something took the connection, be it a server that is full or a box on the way.
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotConnected => failure(Reset, "connection reset"),
        io::ErrorKind::UnexpectedEof => closed(),
        io::ErrorKind::HostUnreachable => failure(Timeout, "host unreachable"),
        io::ErrorKind::NetworkUnreachable => failure(Timeout, "network unreachable"),
        io::ErrorKind::TimedOut => failure(Timeout, "connection timed out"),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            failure(Body, format!("the answer is not HTTP, {error}"))
        }
        _ => return None,
    })
}

fn closed() -> Failure {
    failure(FailureClass::Reset, "connection closed before a whole answer")
}

/// Returns an error and everything that caused it, the outermost first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // The source of an `io::Error` is the source of what it wraps, which itself would be passed over.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|inner| inner as _).or_else(|| error.source())
    })
}
