//! The ledger of availability on disk: one JSON file in the state directory, of names, so that it outlives numbers.
//!
//! A day is a list of ten numbers, since a ledger of thousands of addresses has hundreds of thousands of days. A file that cannot
//! be used is set aside and said: what was measured begins anew then.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::document::{self, Format, Unusable};
use crate::availability::log::{Account, Day, Ledger, Outage, Subject, Sum};
use crate::moment::Moment;

/// The name of the file in the state directory.
pub const FILE: &str = "availability.json";

/// What is believed; a larger one is not read: ten thousand subjects with ninety full days of a hundred bytes.
const FORMAT: Format = Format { version: 1, most: 100 * 1024 * 1024 };

/// Why a ledger could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be written.
    #[error("the ledger of availability cannot be written to {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is there and cannot be used.
    #[error(
        "{path} cannot be used and is set aside as {aside}: what is measured of availability begins anew; {why}"
    )]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Where it is now.
        aside: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// Writes a ledger, in place of what was there. Makes the directory if need be.
///
/// # Errors
///
/// When the file cannot be written; what was there before is still there then.
pub fn write(directory: &Path, ledger: &Ledger) -> Result<(), Error> {
    let path = directory.join(FILE);
    let accounts = ledger.accounts().filter(|(_, account)| !account.days.is_empty());
    let accounts = accounts.map(|(subject, account)| Mirror::of(subject, account)).collect();
    let text = serde_json::to_vec(&Document { version: FORMAT.version, accounts })
        .expect("plain values become JSON");
    document::replace(directory, &path, &text).map_err(|source| Error::Write { path, source })
}

/// Reads the ledger of the last run; an empty one when nothing was ever written there.
///
/// # Errors
///
/// When a file is there and is not usable. It is renamed then, so that nothing overwrites it.
pub fn read(directory: &Path) -> Result<Ledger, Error> {
    let read = document::read(directory.join(FILE), &FORMAT, Document::into_ledger);
    let unusable = |Unusable { path, aside, why }| Error::Unusable { path, aside, why };
    Ok(read.map_err(unusable)?.unwrap_or_default())
}

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u64,
    accounts: Vec<Mirror>,
}

impl Document {
    fn into_ledger(self) -> Result<Ledger, String> {
        let accounts = self.accounts.into_iter().map(Mirror::into_account);
        Ok(Ledger::restore(accounts.collect::<Result<Vec<_>, _>>()?))
    }
}

/// The mirror of one account.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mirror {
    /// A name alone; or a region, and in it a zone, and in it an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    /// Since when it fails, in milliseconds since the Unix epoch, and whether it has left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outage: Option<(u64, bool)>,
    /// Day, milliseconds observed and down, incidents, and then to detect, to decide and to recover: the sum and the count.
    days: Vec<[u64; 10]>,
}

impl Mirror {
    fn of(subject: &Subject, account: &Account) -> Self {
        let (name, region, zone, address) = match subject.clone() {
            Subject::Name(name) => (Some(name), None, None, None),
            Subject::Region(region) => (None, Some(region), None, None),
            Subject::Zone(region, zone) => (None, Some(region), Some(zone), None),
            Subject::Address(region, zone, ip) => (None, Some(region), Some(zone), Some(ip)),
        };
        let outage = account.outage.map(|outage| (outage.failing_since.0, outage.has_left));
        let days = account.days.iter().map(|day| {
            let Day { day, observed, down, incidents, detect, decide, recover } = *day;
            let [detect, decide, recover] =
                [detect, decide, recover].map(|sum| [sum.total, u64::from(sum.count)]);
            let incidents = u64::from(incidents);
            [
                day, observed, down, incidents, detect[0], detect[1], decide[0], decide[1], recover[0],
                recover[1],
            ]
        });
        Self { name, region, zone, address, outage, days: days.collect() }
    }

    fn into_account(self) -> Result<(Subject, Account), String> {
        let subject = match (self.name, self.region, self.zone, self.address) {
            (Some(name), None, None, None) => Subject::Name(name),
            (None, Some(region), None, None) => Subject::Region(region),
            (None, Some(region), Some(zone), None) => Subject::Zone(region, zone),
            (None, Some(region), Some(zone), Some(ip)) => Subject::Address(region, zone, ip),
            _ => return Err("it has an account of nothing".to_owned()),
        };
        let is_sorted = self.days.windows(2).all(|pair| pair[0][0] < pair[1][0]);
        if !is_sorted || self.days.iter().any(|day| day[2] > day[1]) {
            return Err(format!("the days of {subject:?} make no sense"));
        }
        let outage = self.outage.map(|(failing_since, has_left)| Outage {
            failing_since: Moment(failing_since),
            has_left,
            has_gap: true,
        });
        Ok((subject, Account::restore(self.days.into_iter().map(day).collect(), outage)))
    }
}

fn day(numbers: [u64; 10]) -> Day {
    let [day, observed, down, incidents, detected, detects, decided, decides, recovered, recovers] = numbers;
    let count = |count| u32::try_from(count).unwrap_or(u32::MAX);
    let sum = |total, of| Sum { total, count: count(of) };
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
    use std::time::Duration;

    use std::fs;

    use super::*;
    use crate::availability::log::{Condition, Fall};

    fn subjects() -> Vec<Subject> {
        let (region, zone) = ("tokyo".to_owned(), "tokyo-a".to_owned());
        vec![
            Subject::Name("api.example.com".to_owned()),
            Subject::Region(region.clone()),
            Subject::Zone(region.clone(), zone.clone()),
            Subject::Address(region, zone, "2001:db8::1".parse().expect("an address")),
        ]
    }

    fn ledger() -> Ledger {
        let (boot, mut ledger) = (Moment(1_700_000_000_000), Ledger::default());
        ledger.enrol(subjects(), boot);
        let after = |seconds| boot.plus(Duration::from_secs(seconds));
        let fall = Fall { failing_since: after(40), fell_at: after(60), has_left: true };
        ledger.observe(&[Condition::Up; 4], boot);
        let [up, down] = [Condition::Up, Condition::Down(fall)];
        ledger.observe(&[up, down, down, down], after(60));
        ledger.observe(&[up, up, down, down], after(100));
        ledger.settle(after(200));
        ledger
    }

    #[test]
    fn what_is_written_is_read() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        assert_eq!(read(directory.path()).expect("nothing is there"), Ledger::default());
        write(directory.path(), &ledger()).expect("it is writable");
        let mut read = read(directory.path()).expect("it is whole");
        let now = Moment(1_700_000_200_000);
        read.enrol(subjects(), now);
        let summaries = |ledger: &Ledger| -> Vec<_> {
            let all = ledger.summaries(30, now);
            all.map(|(_, summary)| (summary.observed, summary.down, summary.incidents, summary.recover))
                .collect()
        };
        assert_eq!(summaries(&read), summaries(&ledger()));
        let outages = read.accounts().filter(|(_, account)| account.outage.is_some());
        assert_eq!(outages.count(), 2, "they are not over");
    }

    #[test]
    fn a_file_that_cannot_be_used_is_set_aside_and_told() {
        let check = |text: &str, why: &str| {
            let directory = tempfile::tempdir().expect("a temporary directory");
            fs::write(directory.path().join(FILE), text).expect("it is writable");
            let error = read(directory.path()).expect_err("it is damaged").to_string();
            assert!(error.contains(why), "{error}");
            let aside = fs::read_to_string(directory.path().join("availability.json.unusable"));
            assert_eq!(aside.expect("it is there"), text);
            assert_eq!(read(directory.path()).expect("nothing is there"), Ledger::default());
        };
        check("{", "EOF");
        check("{\"version\":9}", "version 9");
        check("{\"version\":1,\"accounts\":[{\"days\":[]}]}", "an account of nothing");
        let days = "[[2,9,1,0,0,0,0,0,0,0],[1,9,1,0,0,0,0,0,0,0]]";
        check(
            &format!("{{\"version\":1,\"accounts\":[{{\"name\":\"a\",\"days\":{days}}}]}}"),
            "make no sense",
        );
    }
}
