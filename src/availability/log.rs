//! Measured availability: for how long each address, availability zone, region and name was up, and how its falls went.
//!
//! ```text
//!   failing since      fell               left                      back
//!        │   to detect   │    to decide    │                          │
//!        ├───────────────┼─────────────────┼──────────────────────────┤
//!        ╰───────────────────── downtime, to recover ─────────────────╯
//! ```
//!
//! Downtime counts from the first failed probe of a fall, not from the verdict. Time without observations counts neither as
//! up nor as down: the time before the first result, while the process was down, and while an operator kept
//! clients from what had fallen. Sums are kept by day (UTC) for [`DAYS`], so that a log has a bound.
//!
//! A name is down in part: of its clients some are, and downtime counts by their share.
//!
//! Who is up is judged elsewhere; the log only keeps the time. An outage that goes on over a gap is one incident, and how
//! long it took to recover is not known.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::moment::{ClockStep, FollowClock, Moment, follows_clock};

/// How many days are kept: a quarter, which is the longest that agreements on availability settle by.
pub const DAYS: u64 = 90;

const DAY: u64 = 24 * 60 * 60 * 1000;

/// What a log is kept for, by names, which outlive numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogSubject {
    Name(String),
    Region(String),
    /// An availability zone: its region and its name.
    Zone(String, String),
    /// An address: its region, its zone, and itself.
    Address(String, String, IpAddr),
}

/// How a subject is at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum SubjectState {
    /// Not known, or withdrawn by an operator.
    #[default]
    Unobserved,
    /// It serves, or could.
    Up,
    Down(Fall),
    /// This share of its clients is sent to what is down.
    Partly(f64),
}

/// What clients of a name lost before it was known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClientLoss {
    /// How that fell which they were sent to.
    pub fall: Fall,
    /// Their share of all clients of the name.
    pub share: f64,
}

/// How something fell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fall {
    /// When the first probe of this fall failed.
    pub failing_since: Moment,
    /// When the verdict was reached.
    pub fell_at: Moment,
    /// Whether it has left the answers.
    pub has_left: bool,
}

/// An outage that is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenOutage {
    /// When the first probe of it failed.
    pub failing_since: Moment,
    /// Whether it has left the answers.
    pub has_left: bool,
    /// Whether observations are missing, so that its length is not known.
    pub has_gap: bool,
}

/// What one day brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// Its number since the Unix epoch, UTC.
    pub day: u64,
    /// For how long it was observed, in milliseconds.
    pub observed: u64,
    /// For how much of that it was down, in milliseconds.
    pub down: u64,
    /// How many outages began to be known.
    pub incidents: u32,
    /// From the first failed probe to the verdict.
    pub detect: TimeSum,
    /// From the verdict to the snapshot without it.
    pub decide: TimeSum,
    /// From the first failed probe until it was back.
    pub recover: TimeSum,
}

/// Times, to take the mean of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeSum {
    /// All of them together, in milliseconds.
    pub total: u64,
    pub count: u32,
}

/// What was observed of one subject.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubjectLog {
    /// The days, the oldest first; at most [`DAYS`].
    pub days: Arc<Vec<Day>>,
    /// The outage that is not over.
    pub outage: Option<OpenOutage>,
    condition: SubjectState,
    /// Up to when `days` has everything.
    settled_at: Moment,
    /// Since when it has been observed without a gap.
    observed_since: Moment,
}

/// The logs of everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AvailabilityLog {
    logs: BTreeMap<LogSubject, SubjectLog>,
    /// Those of the configuration in force, in the order in which conditions come.
    subjects: Arc<Vec<LogSubject>>,
}

/// What a subject's days come to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AvailabilitySummary {
    /// For how long it was observed.
    pub observed: Duration,
    pub down: Duration,
    /// How many outages there were.
    pub incidents: u64,
    /// The mean time from the first failed probe to the verdict; `None`: there was none.
    pub detect: Option<Duration>,
    /// The mean time from the verdict to the answers without it.
    pub decide: Option<Duration>,
    /// The mean time from the first failed probe until it was back.
    pub recover: Option<Duration>,
    /// Whether it is down now; of a name, whether some of its clients are.
    pub is_down: bool,
}

impl AvailabilityLog {
    /// Returns the log that an earlier life wrote down, with no subject registered yet.
    pub fn restore(logs: impl IntoIterator<Item = (LogSubject, SubjectLog)>) -> Self {
        Self { logs: logs.into_iter().collect(), subjects: Arc::default() }
    }

    /// Goes on with these subjects. Others are not observed, and forgotten when their days are.
    pub fn register(&mut self, subjects: Vec<LogSubject>, now: Moment) {
        let today = now.0 / DAY;
        let staying: BTreeSet<&LogSubject> = subjects.iter().collect();
        for (_, log) in self.logs.iter_mut().filter(|(subject, _)| !staying.contains(subject)) {
            log.follow(SubjectState::Unobserved, now);
        }
        let is_recent = |log: &SubjectLog| log.days.last().is_some_and(|day| day.day + DAYS > today);
        self.logs.retain(|subject, log| staying.contains(subject) || is_recent(log));
        for subject in &subjects {
            self.logs.entry(subject.clone()).or_default();
        }
        self.subjects = Arc::new(subjects);
    }

    /// Takes the condition of each subject, in their order, and returns whether an outage has ended.
    pub fn observe(&mut self, conditions: &[SubjectState], now: Moment) -> bool {
        let subjects = Arc::clone(&self.subjects);
        let mut has_ended = false;
        for (subject, condition) in subjects.iter().zip(conditions) {
            let log = self.logs.get_mut(subject).expect("every subject is registered");
            if log.condition != *condition {
                let before = log.outage.is_some();
                log.follow(*condition, now);
                has_ended |= before && log.outage.is_none();
            }
        }
        has_ended
    }

    /// Takes what clients of the name at this place lost, before its condition is observed, and returns whether that
    /// ended an outage: `is_over` says that its clients are sent to what is up by now.
    pub fn lose(&mut self, place: usize, losses: &[ClientLoss], is_over: bool, now: Moment) -> bool {
        let log = self.logs.get_mut(&self.subjects[place]).expect("every subject is registered");
        losses.iter().for_each(|loss| log.lose(*loss, now));
        if is_over {
            log.end(now);
        }
        is_over
    }

    /// Returns whether `observe` would change anything.
    pub fn differs(&self, conditions: &[SubjectState]) -> bool {
        let pairs = self.subjects.iter().zip(conditions);
        pairs.into_iter().any(|(subject, condition)| self.logs[subject].condition != *condition)
    }

    /// Brings all sums up to `now`.
    pub fn settle(&mut self, now: Moment) {
        self.logs.values_mut().for_each(|log| log.settle(now));
    }

    /// Returns what there is to write down.
    pub fn logs(&self) -> impl Iterator<Item = (&LogSubject, &SubjectLog)> {
        self.logs.iter()
    }

    /// Returns what the last `days` days come to, today included, for each subject.
    pub fn summaries(
        &self,
        days: u64,
        now: Moment,
    ) -> impl Iterator<Item = (&LogSubject, AvailabilitySummary)> {
        let first = (now.0 / DAY).saturating_sub(days.saturating_sub(1));
        self.subjects.iter().map(move |subject| (subject, self.logs[subject].summary(first, now)))
    }
}

impl SubjectLog {
    /// Returns what an earlier life wrote down.
    pub fn restore(days: Vec<Day>, outage: Option<OpenOutage>) -> Self {
        let outage = outage.map(|outage| OpenOutage { has_gap: true, ..outage });
        Self { days: Arc::new(days), outage, ..Self::default() }
    }

    fn follow(&mut self, next: SubjectState, now: Moment) {
        self.settle(now);
        if self.condition == SubjectState::Unobserved {
            self.observed_since = now;
        }
        match next {
            SubjectState::Unobserved => {
                self.outage = self.outage.map(|outage| OpenOutage { has_gap: true, ..outage });
            }
            SubjectState::Up => self.end(now),
            SubjectState::Down(fall) => self.fall(fall, now),
            SubjectState::Partly(_) => {
                let fall = Fall { failing_since: now, fell_at: now, has_left: true };
                self.begin(fall, now);
            }
        }
        self.condition = next;
    }

    /// Takes what its clients lost before it was known, and have lost until now.
    fn lose(&mut self, ClientLoss { fall, share }: ClientLoss, now: Moment) {
        if self.condition == SubjectState::Unobserved {
            return;
        }
        self.settle(now);
        self.begin(fall, now);
        let from = fall.failing_since.max(self.observed_since);
        self.spend(from, now, |day, spent| day.down = (day.down + part_of(spent, share)).min(day.observed));
    }

    /// Begins an outage, unless one goes on.
    fn begin(&mut self, fall: Fall, now: Moment) {
        if self.outage.is_some() {
            return;
        }
        let day = self.day(now.0 / DAY);
        day.incidents += 1;
        day.detect.add(fall.fell_at.since(fall.failing_since));
        if fall.has_left {
            day.decide.add(now.since(fall.fell_at));
        }
        let Fall { failing_since, has_left, .. } = fall;
        self.outage = Some(OpenOutage { failing_since, has_left, has_gap: false });
    }

    fn fall(&mut self, fall: Fall, now: Moment) {
        let mut outage = self.outage.unwrap_or_else(|| {
            let detected = fall.fell_at.since(fall.failing_since);
            let day = self.day(now.0 / DAY);
            day.incidents += 1;
            day.detect.add(detected);
            // What was counted as up since the first failed probe was not.
            self.spend(fall.failing_since.max(self.observed_since), now, |day, spent| day.down += spent);
            OpenOutage { failing_since: fall.failing_since, has_left: false, has_gap: false }
        });
        if fall.has_left && !outage.has_left {
            outage.has_left = true;
            if !outage.has_gap {
                self.day(now.0 / DAY).decide.add(now.since(fall.fell_at));
            }
        }
        self.outage = Some(outage);
    }

    fn end(&mut self, now: Moment) {
        if let Some(outage) = self.outage.take()
            && !outage.has_gap
        {
            self.day(now.0 / DAY).recover.add(now.since(outage.failing_since));
        }
    }

    /// Counts the time since the sums were last brought up to date.
    fn settle(&mut self, now: Moment) {
        let since = std::mem::replace(&mut self.settled_at, now);
        let down = match self.condition {
            SubjectState::Unobserved => return,
            SubjectState::Up => 0.0,
            SubjectState::Down(_) => 1.0,
            SubjectState::Partly(share) => share,
        };
        self.spend(since, now, |day, spent| {
            day.observed += spent;
            day.down += part_of(spent, down);
        });
    }

    /// Counts a stretch of time, day by day.
    fn spend(&mut self, from: Moment, to: Moment, count: impl Fn(&mut Day, u64)) {
        let mut from = from.0;
        while from < to.0 {
            let midnight = (from / DAY + 1) * DAY;
            let until = midnight.min(to.0);
            count(self.day(from / DAY), until - from);
            from = until;
        }
    }

    /// Returns a day, which is a new one if need be; the oldest goes then.
    fn day(&mut self, day: u64) -> &mut Day {
        let days = Arc::make_mut(&mut self.days);
        let place = days.partition_point(|known| known.day < day);
        if days.get(place).is_none_or(|known| known.day != day) {
            days.insert(place, Day { day, ..Day::default() });
        }
        let latest = days.last().map_or(day, |last| last.day);
        let gone = days[..place].partition_point(|known| known.day + DAYS <= latest);
        days.drain(..gone);
        &mut days[place - gone]
    }

    fn summary(&self, first: u64, now: Moment) -> AvailabilitySummary {
        let mut settled = self.clone();
        settled.settle(now);
        let mut sum = Day::default();
        for day in settled.days.iter().filter(|day| day.day >= first) {
            sum.observed += day.observed;
            sum.down += day.down;
            sum.incidents += day.incidents;
            sum.detect.merge(day.detect);
            sum.decide.merge(day.decide);
            sum.recover.merge(day.recover);
        }
        AvailabilitySummary {
            observed: Duration::from_millis(sum.observed),
            down: Duration::from_millis(sum.down),
            incidents: u64::from(sum.incidents),
            detect: sum.detect.mean(),
            decide: sum.decide.mean(),
            recover: sum.recover.mean(),
            is_down: matches!(self.condition, SubjectState::Down(_) | SubjectState::Partly(_)),
        }
    }
}

/// Returns this share of so many milliseconds.
fn part_of(spent: u64, share: f64) -> u64 {
    (spent as f64 * share).round() as u64
}

impl TimeSum {
    fn add(&mut self, time: Duration) {
        self.merge(Self { total: u64::try_from(time.as_millis()).unwrap_or(u64::MAX), count: 1 });
    }

    fn merge(&mut self, other: Self) {
        self.total = self.total.saturating_add(other.total);
        self.count = self.count.saturating_add(other.count);
    }

    fn mean(self) -> Option<Duration> {
        (self.count > 0).then(|| Duration::from_millis(self.total / u64::from(self.count)))
    }
}

impl AvailabilitySummary {
    /// Returns the share of the time observed in which it was up, in percent; `None`: it was not observed.
    pub fn uptime_percent(&self) -> Option<f64> {
        let observed = self.observed.as_secs_f64();
        (observed > 0.0).then(|| 100.0 * (1.0 - self.down.as_secs_f64() / observed))
    }
}

follows_clock!(AvailabilityLog: logs);
follows_clock!(SubjectLog: outage, condition, settled_at, observed_since);
follows_clock!(Fall: failing_since, fell_at);
follows_clock!(OpenOutage: failing_since);

impl FollowClock for SubjectState {
    fn follow_clock(&mut self, step: ClockStep) {
        match self {
            Self::Unobserved | Self::Up | Self::Partly(_) => {}
            Self::Down(fall) => fall.follow_clock(step),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject() -> LogSubject {
        LogSubject::Region("tokyo".to_owned())
    }

    fn start() -> AvailabilityLog {
        let mut log = AvailabilityLog::default();
        log.register(vec![subject()], Moment(0));
        log
    }

    fn down(failing_since: u64, fell_at: u64, has_left: bool) -> SubjectState {
        let (failing_since, fell_at) = (Moment(failing_since * 1000), Moment(fell_at * 1000));
        SubjectState::Down(Fall { failing_since, fell_at, has_left })
    }

    fn summary(log: &AvailabilityLog, days: u64, seconds: u64) -> AvailabilitySummary {
        log.summaries(days, Moment(seconds * 1000)).next().expect("it is registered").1
    }

    /// Observes these conditions at these seconds, and writes what is known at `now`: seconds observed, down, incidents,
    /// to detect, to decide, to recover.
    fn check(conditions: &[(u64, SubjectState)], now: u64, expected: [Option<u64>; 6]) {
        let mut log = start();
        for (second, condition) in conditions {
            log.observe(&[*condition], Moment(second * 1000));
        }
        let AvailabilitySummary { observed, down, incidents, detect, decide, recover, .. } =
            summary(&log, 30, now);
        let seconds = |time: Duration| time.as_secs();
        let found = [
            Some(seconds(observed)),
            Some(seconds(down)),
            Some(incidents),
            detect.map(seconds),
            decide.map(seconds),
            recover.map(seconds),
        ];
        assert_eq!(found, expected, "{conditions:?}");
    }

    #[test]
    fn downtime_counts_from_the_first_failed_probe() {
        let fall = down(40, 60, true);
        check(
            &[(0, SubjectState::Up), (61, fall), (100, SubjectState::Up)],
            200,
            [Some(200), Some(60), Some(1), Some(20), Some(1), Some(60)],
        );
    }

    #[test]
    fn a_fall_that_stays_in_the_answers_for_a_while_is_decided_when_it_leaves() {
        check(
            &[(0, SubjectState::Up), (60, down(40, 60, false)), (90, down(40, 60, true))],
            100,
            [Some(100), Some(60), Some(1), Some(20), Some(30), None],
        );
    }

    #[test]
    fn what_nobody_observes_is_neither_up_nor_down_and_does_not_end_an_incident() {
        check(
            &[(0, SubjectState::Unobserved), (50, SubjectState::Up)],
            100,
            [Some(50), Some(0), Some(0), None, None, None],
        );
        let fall = down(40, 50, true);
        check(
            &[
                (0, SubjectState::Up),
                (50, fall),
                (60, SubjectState::Unobserved),
                (80, fall),
                (90, SubjectState::Up),
            ],
            100,
            [Some(80), Some(30), Some(1), Some(10), Some(0), None],
        );
        // What failed before anybody looked is not counted before that.
        check(&[(50, down(0, 10, true))], 60, [Some(10), Some(10), Some(1), Some(10), Some(40), None]);
    }

    #[test]
    fn time_is_counted_to_its_day_and_the_oldest_day_goes() {
        let mut log = start();
        let day = DAY / 1000;
        log.observe(&[SubjectState::Up], Moment(0));
        // It fails 10 s before midnight, and falls 10 s after.
        log.observe(&[down(day - 10, day + 10, true)], Moment((day + 10) * 1000));
        log.observe(&[SubjectState::Up], Moment((day + 20) * 1000));
        let of = |days, now| {
            let AvailabilitySummary { observed, down, .. } = summary(&log, days, now);
            [observed.as_secs(), down.as_secs()]
        };
        assert_eq!(of(1, day + 100), [100, 20]);
        assert_eq!(of(2, day + 100), [day + 100, 30]);
        let mut later = log.clone();
        later.settle(Moment(200 * DAY));
        let (_, log) = later.logs().next().expect("one");
        assert_eq!((log.days.len() as u64, log.days[0].day), (DAYS, 110));
        assert_eq!(summary(&later, DAYS, 200 * day).down, Duration::ZERO);
    }

    #[test]
    fn an_outage_goes_on_after_a_restart_and_the_time_between_is_not_counted() {
        let mut log = start();
        log.observe(&[SubjectState::Up], Moment(0));
        log.observe(&[down(10, 20, true)], Moment(20_000));
        log.settle(Moment(30_000));
        let kept = log
            .logs()
            .map(|(subject, log)| (subject.clone(), SubjectLog::restore(log.days.to_vec(), log.outage)));
        let mut next = AvailabilityLog::restore(kept.collect::<Vec<_>>());
        next.register(vec![subject()], Moment(90_000));
        next.observe(&[down(20, 20, true)], Moment(90_000));
        next.observe(&[SubjectState::Up], Moment(100_000));
        let AvailabilitySummary { observed, down, incidents, detect, recover, .. } = summary(&next, 30, 110);
        assert_eq!((observed.as_secs(), down.as_secs(), incidents), (50, 30, 1));
        assert_eq!((detect, recover), (Some(Duration::from_secs(10)), None));
    }

    #[test]
    fn who_leaves_the_configuration_is_not_observed_and_is_known_again_when_it_returns() {
        let mut log = start();
        log.observe(&[SubjectState::Up], Moment(0));
        log.register(Vec::new(), Moment(10_000));
        assert_eq!(log.summaries(30, Moment(20_000)).count(), 0);
        log.register(vec![subject()], Moment(50_000));
        log.observe(&[SubjectState::Up], Moment(50_000));
        assert_eq!(summary(&log, 30, 60).observed, Duration::from_secs(20));
    }
}
