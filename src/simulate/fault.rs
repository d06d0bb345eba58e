//! What an address does to a client that probes it.

use std::fmt;
use std::time::Duration;

use crate::canary::{BlindCause, Canary, Check, Failure, FailureClass, ProbeError, Reach, Signals};
use crate::units::Percent;

/// How long a probe of a healthy address takes, and one that is refused: a round trip on one continent.
const ROUND_TRIP: Duration = Duration::from_millis(20);

/// What an address does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// It answers as it should.
    #[default]
    Ok,
    Refuse,
    /// It takes connections, and resets them before it has answered.
    Reset,
    Timeout,
    /// It takes connections, and fails in every TLS handshake.
    Tls,
    /// It answers HTTP with this status; connections succeed.
    Status(u16),
    /// It answers HTTP with a body in which nothing is as expected: neither a text nor JSON.
    Body,
    /// It answers as it should, and the name of its region cannot be looked up.
    Dns,
    /// It answers as it should: the first byte comes after this long, the whole after that.
    Slow {
        first: Duration,
        whole: Duration,
    },
    /// It answers as it should, but this part of the probes gets no answer.
    Loss(Percent),
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
    /// Returns what a canary sees of an address that does this, without its signals. Of an address that loses probes it
    /// sees those that are not lost.
    pub fn probed_by(self, canary: &Canary) -> ProbeEnd {
        let [first, whole] = match self {
            Self::Slow { first, whole } => [first, whole],
            Self::Timeout => [Duration::MAX; 2],
            Self::Ok
            | Self::Refuse
            | Self::Reset
            | Self::Tls
            | Self::Status(_)
            | Self::Body
            | Self::Dns
            | Self::Loss(_)
            | Self::Gray => [ROUND_TRIP; 2],
        };
        if let Some(late) = too_late(canary, first, whole) {
            return late;
        }
        let took = answered_after(&canary.check, first, whole);
        match self.failure(canary) {
            Some((class, detail)) => failed(took, class, detail),
            None => ProbeEnd { took, result: Ok(()), signals: None },
        }
    }

    /// Returns how a canary fails that has its answer in time; `None`: it does not.
    fn failure(self, canary: &Canary) -> Option<(FailureClass, String)> {
        let check = &canary.check;
        let (sees, class, detail) = match self {
            Self::Refuse => (true, FailureClass::Refused, "connection refused".to_owned()),
            Self::Reset => (waits_for_more(check), FailureClass::Reset, "connection reset".to_owned()),
            Self::Tls => (shakes_hands(check), FailureClass::Tls, "the handshake failed".to_owned()),
            Self::Status(status) => {
                (!accepts(check, status), FailureClass::Status, format!("status {status}"))
            }
            Self::Body => {
                (expects_a_body(check), FailureClass::Body, "the body is not as expected".to_owned())
            }
            Self::Dns => {
                (canary.reach == Reach::Region, FailureClass::Dns, "the name has no address".to_owned())
            }
            Self::Ok | Self::Timeout | Self::Slow { .. } | Self::Loss(_) | Self::Gray => return None,
        };
        sees.then_some((class, detail))
    }

    /// Returns which part of the probes gets no answer, from 0 to 1.
    pub fn loss(self) -> f64 {
        match self {
            Self::Loss(part) => part.fraction(),
            Self::Ok
            | Self::Refuse
            | Self::Reset
            | Self::Timeout
            | Self::Tls
            | Self::Status(_)
            | Self::Body
            | Self::Dns
            | Self::Slow { .. }
            | Self::Gray => 0.0,
        }
    }

    /// Returns whether clients get through to an address that does this, however they are served there.
    pub fn takes_requests(self) -> bool {
        match self {
            Self::Ok
            | Self::Status(_)
            | Self::Body
            | Self::Dns
            | Self::Slow { .. }
            | Self::Loss(_)
            | Self::Gray => true,
            Self::Refuse | Self::Reset | Self::Timeout | Self::Tls => false,
        }
    }
}

/// Returns how the first limit ends a probe that an answer with these times exceeds; `None`: none does.
fn too_late(canary: &Canary, first: Duration, whole: Duration) -> Option<ProbeEnd> {
    let answered = answered_after(&canary.check, first, whole);
    let [first_byte, total] = match &canary.check {
        Check::Inference(inference) => [inference.first_byte, inference.total],
        Check::Tcp { .. } | Check::Tls(_) | Check::Http(_) | Check::Json(_) => [None; 2],
    };
    let late = |what: &str, limit: Duration| format!("{what} took longer than {limit:?}");
    let limits = [
        (first_byte, first, first_byte.map(|limit| late("the first byte", limit))),
        (total, whole, total.map(|limit| late("the whole answer", limit))),
        (Some(canary.timeout), answered, Some(format!("no whole answer within {:?}", canary.timeout))),
    ];
    // A canary with less patience than a round trip would fail against everything; it is let off.
    let exceeded = limits.into_iter().filter_map(|(limit, after, detail)| {
        let limit = limit.filter(|limit| after > ROUND_TRIP.max(*limit))?;
        Some((limit, detail?))
    });
    let (limit, detail) = exceeded.min_by_key(|(limit, _)| *limit)?;
    Some(failed(limit, FailureClass::Timeout, detail))
}

/// Returns when a check has what it waits for.
fn answered_after(check: &Check, first: Duration, whole: Duration) -> Duration {
    match check {
        Check::Tcp { .. } | Check::Tls(_) => first,
        Check::Http(_) | Check::Json(_) | Check::Inference(_) => whole,
    }
}

fn failed(took: Duration, class: FailureClass, detail: String) -> ProbeEnd {
    ProbeEnd { took, result: Err(Failure { class, detail }.into()), signals: None }
}

fn accepts(check: &Check, status: u16) -> bool {
    let Some(http) = check.request() else { return true };
    http.statuses.iter().any(|(first, last)| (*first..=*last).contains(&status))
}

/// Returns whether a check waits for more than a connection.
fn waits_for_more(check: &Check) -> bool {
    !matches!(check, Check::Tcp { .. })
}

fn shakes_hands(check: &Check) -> bool {
    matches!(check, Check::Tls(_)) || check.request().is_some_and(|http| http.url.starts_with("https:"))
}

/// Returns whether a check fails when a body is neither the text nor the JSON that it should be.
fn expects_a_body(check: &Check) -> bool {
    match check {
        Check::Tcp { .. } | Check::Tls(_) => false,
        Check::Http(http) => http.body_contains.is_some(),
        Check::Json(_) => true,
        Check::Inference(inference) => {
            !inference.assertions.is_empty() || inference.http.body_contains.is_some()
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("ok"),
            Self::Refuse => f.write_str("refuse"),
            Self::Reset => f.write_str("reset"),
            Self::Timeout => f.write_str("timeout"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::Tls => f.write_str("tls"),
            Self::Body => f.write_str("body"),
            Self::Dns => f.write_str("dns"),
            Self::Slow { first, whole } if first == whole => write!(f, "slow {first:?}"),
            Self::Slow { first, whole } => write!(f, "slow {first:?} whole {whole:?}"),
            Self::Loss(part) => write!(f, "loss {part}"),
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
    use crate::canary::{Criticality, HttpCheck, InferenceCheck, Thresholds, TlsCheck};

    const TCP: Check = Check::Tcp { port: 80 };

    fn http(url: &str, body_contains: Option<&str>) -> HttpCheck {
        HttpCheck {
            url: url.to_owned(),
            host: None,
            authorities: None,
            method: "GET".to_owned(),
            headers: Vec::new(),
            headers_from_env: Vec::new(),
            body: None,
            statuses: vec![(200, 299)],
            body_contains: body_contains.map(str::to_owned),
        }
    }

    fn plain() -> Check {
        Check::Http(http("http://{address}/", None))
    }

    /// Wants the first byte within 500 ms and the whole answer within 1500 ms.
    fn prompt() -> Check {
        Check::Inference(InferenceCheck {
            http: http("http://{address}/chat", None),
            assertions: Vec::new(),
            first_byte: Some(Duration::from_millis(500)),
            total: Some(Duration::from_millis(1500)),
        })
    }

    fn slow(first: u64, whole: u64) -> Fault {
        Fault::Slow { first: Duration::from_millis(first), whole: Duration::from_millis(whole) }
    }

    /// Probes with a timeout of 2 s, and compares how long it takes and the class of the failure.
    fn check(fault: Fault, check: Check, took: u64, class: Option<FailureClass>) {
        check_reach(fault, check, Reach::Address, took, class);
    }

    fn check_reach(fault: Fault, check: Check, reach: Reach, took: u64, class: Option<FailureClass>) {
        let canary = Canary {
            name: "shallow".to_owned(),
            check,
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(2),
            recheck: Duration::from_secs(2),
            effect: Criticality::Critical,
            reach,
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
        check(Fault::Ok, plain(), 20, None);
        check(Fault::Refuse, plain(), 20, Some(FailureClass::Refused));
        check(Fault::Reset, plain(), 20, Some(FailureClass::Reset));
        check(Fault::Reset, TCP, 20, None);
        check(Fault::Timeout, plain(), 2000, Some(FailureClass::Timeout));
    }

    #[test]
    fn no_canary_sees_a_gray_failure() {
        check(Fault::Gray, plain(), 20, None);
        check(Fault::Gray, TCP, 20, None);
    }

    #[test]
    fn a_slow_answer_is_a_success_until_patience_ends() {
        check(slow(1500, 1500), plain(), 1500, None);
        check(slow(3000, 3000), plain(), 2000, Some(FailureClass::Timeout));
        check(slow(1000, 3000), TCP, 1000, None);
    }

    #[test]
    fn the_limits_of_a_prompt_end_its_probe_at_the_first_that_is_exceeded() {
        check(slow(400, 1400), prompt(), 1400, None);
        check(slow(600, 600), prompt(), 500, Some(FailureClass::Timeout));
        check(slow(400, 1600), prompt(), 1500, Some(FailureClass::Timeout));
        check(slow(600, 1600), prompt(), 500, Some(FailureClass::Timeout));
        check(Fault::Timeout, prompt(), 500, Some(FailureClass::Timeout));
    }

    #[test]
    fn a_bad_status_is_seen_by_those_who_ask_for_one() {
        check(Fault::Status(503), plain(), 20, Some(FailureClass::Status));
        check(Fault::Status(204), plain(), 20, None);
        check(Fault::Status(503), TCP, 20, None);
    }

    #[test]
    fn a_broken_handshake_is_seen_by_those_who_shake_hands() {
        let tls =
            TlsCheck { port: 443, name: "api.example.com".to_owned(), min_days_left: 0, authorities: None };
        check(Fault::Tls, Check::Tls(tls), 20, Some(FailureClass::Tls));
        check(Fault::Tls, Check::Http(http("https://{address}/", None)), 20, Some(FailureClass::Tls));
        check(Fault::Tls, plain(), 20, None);
        check(Fault::Tls, TCP, 20, None);
    }

    #[test]
    fn a_wrong_body_is_seen_by_those_who_expect_one() {
        check(Fault::Body, Check::Http(http("http://{address}/", Some("ok"))), 20, Some(FailureClass::Body));
        check(Fault::Body, plain(), 20, None);
        check(Fault::Body, TCP, 20, None);
    }

    #[test]
    fn a_name_without_addresses_is_seen_by_those_who_look_it_up() {
        check_reach(Fault::Dns, plain(), Reach::Region, 20, Some(FailureClass::Dns));
        check(Fault::Dns, plain(), 20, None);
    }
}
