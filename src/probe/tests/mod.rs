//! The rules of probes: what a probe makes of each answer, and when the prober sends one.

mod answers;
mod encrypted;
mod rounds;
mod scripted;

use std::time::Duration;

use super::{Probe, Trust};
use crate::canary::{Check, Failure, HttpCheck};
use scripted::Server;

/// For probes whose result does not depend on time: long, because machines are slow at times.
const PATIENT: Duration = Duration::from_secs(20);

/// For probes that are meant to time out.
const SHORT: Duration = Duration::from_millis(100);

/// A `GET` of `url` that wants any status from 200 to 299.
fn get(url: impl Into<String>) -> HttpCheck {
    HttpCheck {
        url: url.into(),
        host: None,
        method: "GET".to_owned(),
        headers: vec![],
        statuses: vec![(200, 299)],
        body_contains: None,
    }
}

/// Returns `ok`, or the class of the failure and its detail: `status: status 503`.
fn words(result: Result<(), Failure>) -> String {
    match result {
        Ok(()) => "ok".to_owned(),
        Err(failure) => format!("{}: {}", failure.class.as_str(), failure.detail),
    }
}

/// Probes `server` once.
async fn probe(check: HttpCheck, server: &Server, trust: &Trust, timeout: Duration) -> String {
    let probe = Probe::new(&Check::Http(check), server.place.ip(), trust).expect("a check that can be run");
    words(probe.run(timeout).await)
}
