//! What a target says of itself: the signals in the responses to its canaries.
//!
//! Each signal is a thing of its own: setting one leaves the others, and what the target does ([`Fault`]), as
//! they are. As long as the scenario says nothing, a signal has the value that fits what happens there.

use std::fmt;
use std::time::Duration;

use super::fault::Fault;
use crate::canary::Signal;
use crate::units::{Percent, TimeSpan};

/// The words for signals in scenarios.
const WORDS: [(&str, Signal); 6] = [
    ("load", Signal::Load),
    ("errors", Signal::ErrorRate),
    ("p95", Signal::P95Latency),
    ("requests", Signal::Requests),
    ("lag", Signal::ReplicationLag),
    ("queue", Signal::QueueDepth),
];

/// The share of requests that fail in a healthy target: 0.2 %, and a hundred times that in a gray one.
const ERROR_RATES: [f64; 2] = [0.002, 0.2];

/// The latency that 95 % of requests do not exceed, in seconds: 100 ms, and four times that in a gray target.
const P95_SECONDS: [f64; 2] = [0.1, 0.4];

/// How many requests the error rate and the latency are about where no traffic is simulated: enough to judge.
const USUAL_REQUESTS: f64 = 10_000.0;

/// What a signal is at a target.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Vital {
    /// What fits everything else that happens.
    #[default]
    Auto,
    /// It is not reported.
    Silent,
    Set(f64),
}

/// What the value of a signal follows from while the scenario does not set it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct VitalInputs {
    /// What the address does.
    pub fault: Fault,
    /// The share of its capacity that is in use; `None`: no traffic is simulated.
    pub load: Option<f64>,
    /// How many requests it had in the last minute; `None` likewise.
    pub requests: Option<f64>,
}

impl Vital {
    /// Returns what an address says; `None`: nothing.
    pub fn value(self, signal: Signal, inputs: &VitalInputs) -> Option<f64> {
        match self {
            Self::Auto => inputs.usual(signal),
            Self::Silent => None,
            Self::Set(value) => Some(value),
        }
    }

    /// Returns the vital as scenarios write it of this signal.
    pub fn of(self, signal: Signal) -> impl fmt::Display {
        match (self, signal) {
            (Self::Auto, _) => "auto".to_owned(),
            (Self::Silent, _) => "silent".to_owned(),
            (Self::Set(value), Signal::Load | Signal::ErrorRate) => Percent::rounded(value).to_string(),
            (Self::Set(value), Signal::P95Latency | Signal::ReplicationLag) => {
                TimeSpan(Duration::from_secs_f64(value)).to_string()
            }
            (Self::Set(value), Signal::QueueDepth | Signal::Requests) => value.to_string(),
        }
    }
}

impl VitalInputs {
    fn usual(&self, signal: Signal) -> Option<f64> {
        let gray = usize::from(self.fault == Fault::Gray);
        match signal {
            // A service that is overrun reports what it can count.
            Signal::Load => self.load.map(|load| load.min(signal.highest())),
            Signal::ErrorRate => Some(ERROR_RATES[gray]),
            Signal::P95Latency => Some(P95_SECONDS[gray]),
            Signal::Requests => Some(self.requests.unwrap_or(USUAL_REQUESTS)),
            Signal::ReplicationLag | Signal::QueueDepth => Some(0.0),
        }
    }
}

/// Returns the word for a signal in scenarios.
pub fn word(signal: Signal) -> &'static str {
    let known = WORDS.iter().find(|(_, known)| *known == signal);
    known.expect("every signal has a word").0
}

/// Returns the signal with this word.
pub fn signal(word: &str) -> Option<Signal> {
    WORDS.iter().find(|(known, _)| *known == word).map(|(_, signal)| *signal)
}

/// Returns every word for a signal.
pub fn words() -> impl Iterator<Item = &'static str> {
    WORDS.iter().map(|(word, _)| *word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_has_a_word_and_a_word_one_signal() {
        assert!(Signal::ALL.into_iter().all(|known| signal(word(known)) == Some(known)));
    }

    #[test]
    fn a_gray_place_says_of_itself_what_its_canaries_do_not_see() {
        let errors = |fault| {
            let inputs = VitalInputs { fault, ..VitalInputs::default() };
            Vital::Auto.value(Signal::ErrorRate, &inputs)
        };
        assert_eq!((errors(Fault::Ok), errors(Fault::Gray)), (Some(0.002), Some(0.2)));
    }

    #[test]
    fn a_load_is_unknown_unless_traffic_is_simulated_or_the_script_sets_it() {
        let nothing = VitalInputs::default();
        assert_eq!(Vital::Auto.value(Signal::Load, &nothing), None);
        assert_eq!(Vital::Set(0.9).value(Signal::Load, &nothing), Some(0.9));
        let busy = VitalInputs { load: Some(0.4), ..nothing };
        assert_eq!(Vital::Auto.value(Signal::Load, &busy), Some(0.4));
        assert_eq!(Vital::Silent.value(Signal::Load, &busy), None);
    }
}
