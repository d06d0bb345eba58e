//! Measured availability on disk, by names, so that it outlives numbers.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::store::Saved;
use crate::availability::log::{AvailabilityLog, Day, LogSubject, OpenOutage, SubjectLog, TimeSum};

impl Saved for AvailabilityLog {
    const FILE: &'static str = "availability.json";
    const VERSION: u64 = 1;
    /// Ten thousand subjects with ninety full days of a hundred bytes.
    const MAX_BYTES: u64 = 100 * 1024 * 1024;
    const LOSS: &'static str = "measured availability starts from nothing";
}

/// What is saved of one subject.
#[derive(Serialize, Deserialize)]
struct SavedLog {
    subject: LogSubject,
    outage: Option<OpenOutage>,
    days: Vec<SavedDay>,
}

/// The number of a day, the milliseconds observed and down, the incidents; then of the times to detect, to decide and
/// to recover the sum and the count. Names would triple the size: thousands of addresses have hundreds of thousands
/// of days.
type SavedDay = [u64; 10];

impl Serialize for AvailabilityLog {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let observed = self.logs().filter(|(_, log)| !log.days.is_empty());
        serializer.collect_seq(observed.map(|(subject, log)| SavedLog {
            subject: subject.clone(),
            outage: log.outage,
            days: log.days.iter().map(save_day).collect(),
        }))
    }
}

impl<'de> Deserialize<'de> for AvailabilityLog {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let saved = Vec::<SavedLog>::deserialize(deserializer)?;
        let log = |SavedLog { subject, outage, days }: SavedLog| {
            (subject, SubjectLog::restore(days.into_iter().map(load_day).collect(), outage))
        };
        Ok(Self::restore(saved.into_iter().map(log)))
    }
}

fn save_day(day: &Day) -> SavedDay {
    let Day { day, observed, down, incidents, detect, decide, recover } = *day;
    let [detects, decides, recovers] = [detect, decide, recover].map(|sum| u64::from(sum.count));
    let (detected, decided, recovered) = (detect.total, decide.total, recover.total);
    [day, observed, down, incidents.into(), detected, detects, decided, decides, recovered, recovers]
}

fn load_day(saved: SavedDay) -> Day {
    let [day, observed, down, incidents, detected, detects, decided, decides, recovered, recovers] = saved;
    let count = |count| u32::try_from(count).unwrap_or(u32::MAX);
    let sum = |total, of| TimeSum { total, count: count(of) };
    Day {
        day,
        observed,
        down,
        incidents: count(incidents),
        detect: sum(detected, detects),
        decide: sum(decided, decides),
        recover: sum(recovered, recovers),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::files::store::tests::check;
    use crate::moment::Moment;

    #[test]
    fn measured_availability_is_read_as_it_was_saved() {
        let (region, zone) = ("tokyo".to_owned(), "tokyo-a".to_owned());
        let sum = |total, count| TimeSum { total, count };
        let day = Day {
            day: 19_675,
            observed: 86_400_000,
            down: 40_000,
            incidents: 3,
            detect: sum(9_000, 1),
            decide: sum(8_000, 2),
            recover: sum(7_000, 3),
        };
        let days = vec![day, Day { day: 19_676, ..Day::default() }];
        let outage = OpenOutage { failing_since: Moment(1_700_000_040_000), has_left: true, has_gap: true };
        let ip = "2001:db8::1".parse().expect("an address");
        let ledger = AvailabilityLog::restore([
            (LogSubject::Name("api.example.com".to_owned()), SubjectLog::restore(days.clone(), None)),
            (LogSubject::Region(region.clone()), SubjectLog::restore(days.clone(), Some(outage))),
            (LogSubject::Zone(region.clone(), zone.clone()), SubjectLog::restore(days.clone(), None)),
            (LogSubject::Address(region, zone, ip), SubjectLog::restore(days, None)),
        ]);
        let log = |subject, outage| {
            let first = [19_675, 86_400_000, 40_000, 3, 9_000, 1, 8_000, 2, 7_000, 3];
            json!({"subject": subject, "outage": outage, "days": [first, [19_676, 0, 0, 0, 0, 0, 0, 0, 0, 0]]})
        };
        let outage = json!({"failing_since": 1_700_000_040_000_u64, "has_left": true, "has_gap": true});
        let form = json!([
            log(json!({"name": "api.example.com"}), json!(null)),
            log(json!({"region": "tokyo"}), outage),
            log(json!({"zone": ["tokyo", "tokyo-a"]}), json!(null)),
            log(json!({"address": ["tokyo", "tokyo-a", "2001:db8::1"]}), json!(null)),
        ]);
        check(&ledger, form);
    }

    #[test]
    fn subjects_without_a_day_are_not_saved() {
        let ledger =
            AvailabilityLog::restore([(LogSubject::Region("tokyo".to_owned()), SubjectLog::default())]);
        assert_eq!(serde_json::to_value(&ledger).expect("plain values"), json!([]));
    }
}
