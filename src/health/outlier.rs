//! RememberedGrade failure: what passes its canaries and fails its clients.
//!
//! Sites are compared with each other, each with the others without it, over windows of [`WINDOW`]. One
//! whose error rate or latency stands out for two windows in a row is degraded: it keeps half of its
//! clients; for four, it leaves. Two windows in which it does not stand out end either. Where too few
//! requests were seen nothing is judged; and when the others are bad too nothing stands out, because then
//! moving clients would not help.
//!
//! A place without clients cannot show whether it still fails them, so that one whose fault lasts would come and go with
//! each ramp. One that left within the last half hour leaves again after two windows, and each time that it does, three
//! times as many good ones must pass before it may come back.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Vitals;
use crate::share::Share;

/// How long is looked at a time: three rounds of a canary with the usual interval of 10 s.
pub const WINDOW: Duration = Duration::from_secs(30);

/// This many windows in a row degrade a place.
const WINDOWS_TO_DEGRADE: u8 = 2;

/// This many windows in a row take it out.
const WINDOWS_TO_LEAVE: u8 = 4;

/// This many good windows in a row end either, and three times as many after each relapse.
const WINDOWS_TO_RECOVER: u8 = 2;

/// So many relapses lengthen the way back at most: to 54 windows, 27 minutes.
const MOST_RELAPSES: u8 = 3;

/// After so many windows in a row that are good, half an hour, what was before is forgotten.
const WINDOWS_TO_FORGET: u8 = 60;

/// The share of its clients that a degraded place keeps: enough requests to see whether it recovers.
pub const DEGRADED: Share = Share::HALF;

/// With fewer requests an error rate says nothing: one failure of fifty would be 2 %.
const ENOUGH_REQUESTS: f64 = 100.0;

/// How many times worse than the others a place must be.
const TIMES_WORSE: (f64, f64) = (3.0, 2.0);

/// Below this error rate no region stands out, however good the others are.
const NOTABLE_ERROR_RATE: f64 = 0.02;

/// Above this error rate of the others all are bad.
const COMMON_ERROR_RATE: f64 = 0.05;

/// A latency that is less than this above the others', in seconds, does not stand out.
const NOTABLE_LATENCY_SECONDS: f64 = 0.1;

/// What the windows so far say of a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutlierGrade {
    /// Nothing against it.
    #[default]
    Fine,
    /// It stood out for two windows, and keeps half of its clients.
    Degraded,
    /// It stood out for four windows, and leaves.
    Failing,
}

/// The windows of one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Windows {
    grade: OutlierGrade,
    /// In a row; at most one of the two is above zero.
    outstanding: u8,
    ordinary: u8,
    /// How often it has left; at most one more than [`MOST_RELAPSES`].
    exits: u8,
}

impl Windows {
    /// Returns the windows of a place that had this grade when an earlier life ended.
    pub fn remembered(grade: OutlierGrade) -> Self {
        let outstanding = match grade {
            OutlierGrade::Fine => 0,
            OutlierGrade::Degraded => WINDOWS_TO_DEGRADE,
            OutlierGrade::Failing => WINDOWS_TO_LEAVE,
        };
        Self { grade, outstanding, ordinary: 0, exits: u8::from(grade == OutlierGrade::Failing) }
    }

    /// Returns what they say.
    pub fn grade(&self) -> OutlierGrade {
        self.grade
    }

    /// Returns whether the last window was ordinary, or there was none.
    pub fn is_ordinary(&self) -> bool {
        self.outstanding == 0
    }

    /// Adds a window, and returns whether the grade has changed.
    pub fn add(&mut self, stands_out: bool) -> bool {
        let before = self.grade;
        if stands_out {
            self.ordinary = 0;
            self.outstanding = self.outstanding.saturating_add(1);
            let to_leave = if self.exits > 0 { WINDOWS_TO_DEGRADE } else { WINDOWS_TO_LEAVE };
            self.grade = match self.outstanding {
                windows if windows >= to_leave => OutlierGrade::Failing,
                WINDOWS_TO_DEGRADE.. if before == OutlierGrade::Fine => OutlierGrade::Degraded,
                _ => before,
            };
            if self.grade == OutlierGrade::Failing && before != OutlierGrade::Failing {
                self.exits = (self.exits + 1).min(MOST_RELAPSES + 1);
            }
        } else {
            self.outstanding = 0;
            self.ordinary = self.ordinary.saturating_add(1);
            let relapses = self.exits.saturating_sub(1);
            if self.ordinary >= WINDOWS_TO_RECOVER * 3_u8.pow(relapses.into()) {
                self.grade = OutlierGrade::Fine;
            }
            if self.ordinary >= WINDOWS_TO_FORGET {
                self.exits = 0;
            }
        }
        self.grade != before
    }
}

/// Of a place that stands out, what the others have in the middle; `None`: it does not by that signal.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standout {
    pub error_rate: Option<f64>,
    pub p95_latency_seconds: Option<f64>,
}

/// Returns which of these places stand out against the others.
pub fn outstanding(places: &[Vitals]) -> Vec<bool> {
    compared(places).into_iter().map(|standout| standout != Standout::default()).collect()
}

/// Compares each place with the others.
pub fn compared(places: &[Vitals]) -> Vec<Standout> {
    let judged: Vec<Option<&Vitals>> = places
        .iter()
        .map(|vitals| {
            Some(vitals).filter(|it| it.requests.is_some_and(|requests| requests >= ENOUGH_REQUESTS))
        })
        .collect();
    let compare = |index: usize| {
        let Some(own) = judged[index] else {
            return Standout::default();
        };
        let others = || judged.iter().enumerate().filter(move |(other, _)| *other != index);
        let others = || others().filter_map(|(_, other)| *other);
        let errors = median(others().filter_map(|other| other.error_rate));
        let latency = median(others().filter_map(|other| other.p95_latency_seconds));
        let by_errors = own.error_rate.zip(errors).filter(|(own, others)| {
            *others <= COMMON_ERROR_RATE && *own > NOTABLE_ERROR_RATE && *own > others * TIMES_WORSE.0
        });
        let by_latency = own
            .p95_latency_seconds
            .zip(latency)
            .filter(|(own, others)| *own > others + NOTABLE_LATENCY_SECONDS && *own > others * TIMES_WORSE.1);
        Standout {
            error_rate: by_errors.map(|(_, others)| others),
            p95_latency_seconds: by_latency.map(|(_, others)| others),
        }
    };
    (0..places.len()).map(compare).collect()
}

/// Returns the middle one, or the mean of the two in the middle; `None` when there are none.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(error_rate: f64, p95: f64, requests: f64) -> Vitals {
        Vitals {
            load: None,
            error_rate: Some(error_rate),
            p95_latency_seconds: Some(p95),
            requests: Some(requests),
            ..Vitals::default()
        }
    }

    /// Compares which places stand out, by error rate, latency in seconds and requests.
    fn check(places: &[(f64, f64, f64)], expected: &[bool]) {
        let places: Vec<_> = places.iter().map(|(errors, p95, seen)| place(*errors, *p95, *seen)).collect();
        assert_eq!(outstanding(&places), expected);
    }

    #[test]
    fn one_that_fails_more_or_answers_later_than_the_others_stands_out() {
        check(&[(0.2, 0.1, 1e4), (0.002, 0.1, 1e4), (0.004, 0.1, 1e4)], &[true, false, false]);
        check(&[(0.0, 0.5, 1e4), (0.0, 0.1, 1e4), (0.0, 0.15, 1e4)], &[true, false, false]);
    }

    #[test]
    fn nobody_stands_out_when_all_are_bad() {
        check(&[(0.2, 0.9, 1e4), (0.3, 0.8, 1e4), (0.25, 1.0, 1e4)], &[false; 3]);
        check(&[(0.9, 0.1, 1e4), (0.2, 0.1, 1e4), (0.2, 0.1, 1e4)], &[false; 3]);
    }

    #[test]
    fn few_requests_and_small_differences_are_not_judged() {
        check(&[(0.5, 0.1, 99.0), (0.0, 0.1, 1e4)], &[false, false]);
        check(&[(0.015, 0.1, 1e4), (0.0, 0.1, 1e4)], &[false, false]);
        check(&[(0.0, 0.15, 1e4), (0.0, 0.06, 1e4)], &[false, false]);
        check(&[(0.5, 0.1, 1e4)], &[false]);
    }

    #[test]
    fn what_is_not_known_is_not_judged() {
        let silent = Vitals::default();
        assert_eq!(outstanding(&[place(0.5, 1.0, 1e4), silent, silent]), [false; 3]);
    }

    #[test]
    fn two_windows_degrade_four_take_out_and_two_good_ones_end_it() {
        let mut windows = Windows::default();
        let grades = "xxxxxooxoo".chars().map(|window| {
            windows.add(window == 'x');
            windows.grade()
        });
        use OutlierGrade::{Degraded, Failing, Fine};
        let expected = [Fine, Degraded, Degraded, Failing, Failing, Failing, Fine, Fine, Fine, Fine];
        assert_eq!(grades.collect::<Vec<_>>(), expected);
    }

    /// Plays windows, and returns the first letters of the grades after them.
    fn grades(windows: &str) -> String {
        let mut track = Windows::default();
        let grade = |window| {
            track.add(window == 'x');
            match track.grade() {
                OutlierGrade::Fine => '-',
                OutlierGrade::Degraded => 'd',
                OutlierGrade::Failing => 'f',
            }
        };
        windows.chars().map(grade).collect()
    }

    #[test]
    fn one_that_fails_again_when_clients_are_back_leaves_sooner_and_stays_away_longer_each_time() {
        assert_eq!(grades("xxxxooxxooooooxxoooooooooooooooooo"), "-ddff--ffffff--ffffffffffffffffff-");
        let forgotten = grades(&format!("xxxxoo{}xx", "o".repeat(58)));
        assert!(forgotten.ends_with("--d"), "half an hour later it is as any other: {forgotten}");
    }
}
