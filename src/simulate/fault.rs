//! What an address does to a client that probes it.

use std::fmt;
use std::time::Duration;

use crate::canary::{BlindCause, Canary, Check, Failure, FailureClass, ProbeError, Signals};

/// How long a probe of a healthy address takes, and one that is refused: a round trip on one continent.
const ROUND_TRIP: Duration = Duration::from_millis(20);

/// What an address does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// It answers as it should.
    #[default]
    Ok,
    Refuse,
    Timeout,
    /// It answers HTTP with this status; connections succeed.
    Status(u16),
    /// It answers as it should, after this long.
    Slow(Duration),
    /// It answers every canary as it should and fails its clients: by its own word, unless the scenario has
    /// it say something else, a fifth of their requests, and the others are slow.
    Gray,
}

/// How a probe ends.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeEnd {
    /// How long it took.
    pub took: Duration,
    /// What came of it.
    pub result: Result<(), ProbeError>,
    /// What the address said of itself. `None`: nothing.
    pub signals: Option<Signals>,
}

impl Fault {
    /// Returns what a canary sees of an address that does this, without its signals.
    pub fn probed_by(self, canary: &Canary) -> ProbeEnd {
        let after = match self {
            Self::Ok | Self::Refuse | Self::Status(_) | Self::Gray => ROUND_TRIP,
            Self::Slow(after) => after,
            Self::Timeout => Duration::MAX,
        };
        // A canary with less patience than a round trip would fail against everything; it is let off.
        if after > canary.timeout.max(ROUND_TRIP) {
            let detail = format!("no whole answer within {:?}", canary.timeout);
            return failed(canary.timeout, FailureClass::Timeout, detail);
        }
        match self {
            Self::Refuse => failed(after, FailureClass::Refused, "connection refused".to_owned()),
            Self::Status(status) if !accepts(&canary.check, status) => {
                failed(after, FailureClass::Status, format!("status {status}"))
            }
            Self::Ok | Self::Status(_) | Self::Slow(_) | Self::Gray | Self::Timeout => {
                ProbeEnd { took: after, result: Ok(()), signals: None }
            }
        }
    }

    /// Returns whether clients get through to an address that does this, however they are served there.
    pub fn takes_requests(self) -> bool {
        match self {
            Self::Ok | Self::Status(_) | Self::Slow(_) | Self::Gray => true,
            Self::Refuse | Self::Timeout => false,
        }
    }
}

fn failed(took: Duration, class: FailureClass, detail: String) -> ProbeEnd {
    ProbeEnd { took, result: Err(Failure { class, detail }.into()), signals: None }
}

fn accepts(check: &Check, status: u16) -> bool {
    let http = match check {
        Check::Tcp { .. } | Check::Tls(_) => return true,
        Check::Http(http) => http,
        Check::Json(json) => &json.http,
        Check::Inference(inference) => &inference.http,
    };
    http.statuses.iter().any(|(first, last)| (*first..=*last).contains(&status))
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("ok"),
            Self::Refuse => f.write_str("refuse"),
            Self::Timeout => f.write_str("timeout"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::Slow(after) => write!(f, "slow {after:?}"),
            Self::Gray => f.write_str("gray"),
        }
    }
}

/// Returns the word of a scenario for what keeps the instance itself from probing: `no-ipv6`.
pub fn own_fault_word(cause: BlindCause) -> String {
    cause.as_str().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::{Criticality, HttpCheck, Reach, Thresholds};

    /// Probes with a timeout of 2 s, and compares how long it takes and the class of the failure.
    fn check(fault: Fault, is_http: bool, took: u64, class: Option<FailureClass>) {
        let http = Check::Http(HttpCheck {
            url: "http://{address}/".to_owned(),
            host: None,
            method: "GET".to_owned(),
            headers: Vec::new(),
            headers_from_env: Vec::new(),
            body: None,
            statuses: vec![(200, 299)],
            body_contains: None,
        });
        let canary = Canary {
            name: "shallow".to_owned(),
            check: if is_http { http } else { Check::Tcp { port: 80 } },
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(2),
            recheck: Duration::from_secs(2),
            effect: Criticality::Critical,
            reach: Reach::Address,
            slow: None,
            thresholds: Thresholds { fall: 3, rise: 3 },
        };
        let outcome = fault.probed_by(&canary);
        assert_eq!(outcome.took, Duration::from_millis(took), "{fault}");
        let failed = outcome.result.err().map(|error| match error {
            ProbeError::Failed(failure) => failure.class,
            ProbeError::Blind(blindness) => panic!("{fault} is not this instance's: {blindness:?}"),
        });
        assert_eq!(failed, class, "{fault}");
    }

    #[test]
    fn a_refusal_is_known_at_once_and_silence_after_the_timeout() {
        check(Fault::Ok, true, 20, None);
        check(Fault::Refuse, true, 20, Some(FailureClass::Refused));
        check(Fault::Timeout, true, 2000, Some(FailureClass::Timeout));
    }

    #[test]
    fn no_canary_sees_a_gray_failure() {
        check(Fault::Gray, true, 20, None);
        check(Fault::Gray, false, 20, None);
    }

    #[test]
    fn a_slow_answer_is_a_success_until_patience_ends() {
        check(Fault::Slow(Duration::from_millis(1500)), true, 1500, None);
        check(Fault::Slow(Duration::from_secs(3)), true, 2000, Some(FailureClass::Timeout));
    }

    #[test]
    fn a_bad_status_is_seen_by_those_who_ask_for_one() {
        check(Fault::Status(503), true, 20, Some(FailureClass::Status));
        check(Fault::Status(204), true, 20, None);
        check(Fault::Status(503), false, 20, None);
    }
}
