//! When drills start by themselves: windows of the week, and days on which none starts. All times are UTC.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use super::{Action, InvalidAction};
use crate::moment::Moment;
use crate::units::TimeSpan;

/// How many days are looked ahead for a start: no drill is planned for later than in ten years.
const LOOK_AHEAD: usize = 3660;

const MINUTES_A_DAY: u16 = 24 * 60;

/// The days as windows write them, Monday first.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A drill that starts by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    pub action: Action,
    pub lasts: Duration,
    /// It starts at the beginning of each of these.
    pub windows: Vec<Window>,
    /// But on none of these days.
    pub blocked: Vec<Days>,
}

/// A part of a week: `tue 09:00-12:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    day: Weekday,
    /// In minutes since midnight; below 24 hours.
    begin: u16,
    /// In minutes; 1 minute to 24 hours.
    length: u16,
}

/// Days in a row: `2026-12-24`, `2026-12-27..2027-01-02`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    first: Date,
    /// Not before the first.
    last: Date,
}

impl Schedule {
    /// Returns when it starts next after a moment; `None`: never within ten years.
    pub fn next(&self, after: Moment) -> Option<Moment> {
        next_start(&self.windows, &self.blocked, after)
    }
}

/// Returns the next beginning of a window after a moment, on a day that is not blocked. `None`: there is none within
/// ten years.
pub fn next_start(windows: &[Window], blocked: &[Days], after: Moment) -> Option<Moment> {
    let now = Timestamp::from_millisecond(i64::try_from(after.0).ok()?).ok()?;
    let today = now.to_zoned(TimeZone::UTC).date();
    let days = today.series(jiff::Span::new().days(1)).take(LOOK_AHEAD);
    let open = days.filter(|day| !blocked.iter().any(|days| days.has(*day)));
    let starts = |day: Date| {
        let of_day = windows.iter().filter(move |window| window.day == day.weekday());
        of_day.filter_map(move |window| window.start(day)).filter(|start| *start > after).min()
    };
    open.into_iter().find_map(starts)
}

impl Window {
    /// Returns how long it is.
    pub fn length(&self) -> Duration {
        Duration::from_secs(u64::from(self.length) * 60)
    }

    /// Returns how long after the beginning of the week it begins.
    pub fn offset(&self) -> Duration {
        let days = u64::from(self.day.to_monday_zero_offset().unsigned_abs());
        Duration::from_secs((days * u64::from(MINUTES_A_DAY) + u64::from(self.begin)) * 60)
    }

    fn start(&self, day: Date) -> Option<Moment> {
        let clock = |part: u16| i8::try_from(part).expect("a day has 24 hours of 60 minutes");
        let time = day.at(clock(self.begin / 60), clock(self.begin % 60), 0, 0);
        let time = time.to_zoned(TimeZone::UTC).ok()?.timestamp();
        u64::try_from(time.as_millisecond()).ok().map(Moment)
    }
}

impl Days {
    fn has(&self, day: Date) -> bool {
        (self.first..=self.last).contains(&day)
    }
}

impl FromStr for Window {
    type Err = InvalidAction;

    fn from_str(text: &str) -> Result<Self, InvalidAction> {
        let parse = || {
            let (day, times) = text.trim().split_once(' ')?;
            let day = DAYS.iter().position(|name| name.eq_ignore_ascii_case(day))?;
            let day = Weekday::from_monday_zero_offset(i8::try_from(day).ok()?).ok()?;
            let (begin, end) = times.trim().split_once('-')?;
            let (begin, end) = (minutes(begin)?, minutes(end)?);
            // One that ends before it begins does so on the next day.
            let length = if end > begin { end - begin } else { end + MINUTES_A_DAY - begin };
            (begin < MINUTES_A_DAY && end != begin).then_some(Self { day, begin, length })
        };
        parse().ok_or_else(|| InvalidAction(format!("`{text}` is not a window of the week")))
    }
}

/// Reads a time of day, 00:00 to 24:00.
fn minutes(text: &str) -> Option<u16> {
    let part = |text: &str| {
        let is_two_digits = text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_digit());
        is_two_digits.then(|| text.parse::<u16>().ok()).flatten()
    };
    let (hours, rest) = text.trim().split_once(':')?;
    let (hours, rest) = (part(hours)?, part(rest)?);
    let minutes = hours * 60 + rest;
    (rest < 60 && minutes <= MINUTES_A_DAY).then_some(minutes)
}

impl FromStr for Days {
    type Err = InvalidAction;

    fn from_str(text: &str) -> Result<Self, InvalidAction> {
        // A date and nothing beside it, which the parser would take as well.
        let date =
            |text: &str| text.trim().parse::<Date>().ok().filter(|date| date.to_string() == text.trim());
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let days = date(first).zip(date(last)).filter(|(first, last)| first <= last);
        days.map(|(first, last)| Self { first, last })
            .ok_or_else(|| InvalidAction(format!("`{text}` is neither a day nor days in a row")))
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { action, lasts, windows, blocked } = self;
        let list = |things: Vec<String>| things.join(", ");
        let windows = list(windows.iter().map(Window::to_string).collect());
        write!(f, "{action} for {}, {windows} (UTC)", TimeSpan(*lasts))?;
        match blocked.is_empty() {
            true => Ok(()),
            false => write!(f, ", not on {}", list(blocked.iter().map(Days::to_string).collect())),
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = DAYS[usize::from(self.day.to_monday_zero_offset().unsigned_abs())];
        let end = self.begin + self.length;
        let end = if end > MINUTES_A_DAY { end - MINUTES_A_DAY } else { end };
        let begin = self.begin;
        write!(f, "{day} {:02}:{:02}-{:02}:{:02}", begin / 60, begin % 60, end / 60, end % 60)
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.last {
            true => write!(f, "{}", self.first),
            false => write!(f, "{}..{}", self.first, self.last),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Moment {
        let time: Timestamp = text.parse().expect("a time");
        Moment(u64::try_from(time.as_millisecond()).expect("after 1970"))
    }

    /// Writes the starts after a time, until one after the last that is expected.
    fn check(windows: &[&str], blocked: &[&str], after: &str, expected: &[&str]) {
        let windows: Vec<Window> = windows.iter().map(|text| text.parse().expect("a window")).collect();
        let blocked: Vec<Days> = blocked.iter().map(|text| text.parse().expect("days")).collect();
        let mut at = moment(after);
        for start in expected {
            let next = next_start(&windows, &blocked, at);
            assert_eq!(next, Some(moment(start)), "after {at:?}: {start}");
            at = moment(start);
        }
    }

    #[test]
    fn a_drill_starts_at_the_beginning_of_each_window_and_not_within_it() {
        check(
            &["tue 09:00-12:00", "thu 22:30-02:00"],
            &[],
            "2026-11-24T09:00:00Z",
            &["2026-11-26T22:30:00Z", "2026-12-01T09:00:00Z", "2026-12-03T22:30:00Z"],
        );
        check(&["tue 09:00-12:00"], &[], "2026-11-24T08:59:59.999Z", &["2026-11-24T09:00:00Z"]);
    }

    #[test]
    fn two_windows_of_one_day_come_in_the_order_of_the_clock() {
        check(
            &["mon 15:00-16:00", "mon 03:00-04:00"],
            &[],
            "2026-11-29T23:59:00Z",
            &["2026-11-30T03:00:00Z", "2026-11-30T15:00:00Z", "2026-12-07T03:00:00Z"],
        );
    }

    #[test]
    fn the_end_of_a_month_and_a_leap_day_are_days_like_others() {
        check(
            &["tue 00:00-24:00"],
            &[],
            "2028-02-23T00:00:00Z",
            &["2028-02-29T00:00:00Z", "2028-03-07T00:00:00Z"],
        );
        check(&["mon 12:00-13:00"], &[], "2027-02-23T00:00:00Z", &["2027-03-01T12:00:00Z"]);
        check(&["fri 12:00-13:00"], &[], "2026-12-26T00:00:00Z", &["2027-01-01T12:00:00Z"]);
    }

    #[test]
    fn nothing_starts_on_blocked_days_across_the_end_of_a_year() {
        check(
            &["thu 09:00-12:00", "tue 09:00-12:00"],
            &["2026-12-24", "2026-12-27..2027-01-05"],
            "2026-12-22T09:00:00Z",
            &["2027-01-07T09:00:00Z"],
        );
        check(&["tue 09:00-10:00"], &["2028-02-29"], "2028-02-23T00:00:00Z", &["2028-03-07T09:00:00Z"]);
    }

    #[test]
    fn what_is_blocked_for_ever_never_starts() {
        let (windows, blocked) =
            (["tue 09:00-12:00".parse().expect("one")], ["2000-01-01..2099-12-31".parse().expect("days")]);
        assert_eq!(next_start(&windows, &blocked, moment("2026-11-24T00:00:00Z")), None);
        assert_eq!(next_start(&[], &[], moment("2026-11-24T00:00:00Z")), None);
        assert_eq!(next_start(&windows, &[], Moment(u64::MAX)), None);
    }

    #[test]
    fn windows_and_days_print_as_they_are_written() {
        for text in ["tue 09:00-12:00", "sun 22:30-02:00", "mon 00:00-24:00", "sat 12:00-24:00"] {
            assert_eq!(text.parse::<Window>().map(|window| window.to_string()).as_deref(), Ok(text));
        }
        for text in ["2026-12-24", "2026-12-27..2027-01-02"] {
            assert_eq!(text.parse::<Days>().map(|days| days.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_is_no_window_and_no_day_is_refused() {
        for text in [
            "",
            "tue",
            "tue 9:00-12:00",
            "tue 09:00-25:00",
            "tue 09:60-12:00",
            "tue 09:00-09:00",
            "day 09:00-12:00",
            "tue 09:00",
            "tue 24:00-03:00",
            "tue +9:00-12:00",
        ] {
            assert!(text.parse::<Window>().is_err(), "{text}");
        }
        for text in ["", "2026-02-29", "2027-01-02..2026-12-27", "24.12.2026", "2026-12-24T00:00", "2026-12"]
        {
            assert!(text.parse::<Days>().is_err(), "{text}");
        }
    }
}
