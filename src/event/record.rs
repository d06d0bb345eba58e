//! What the event log, webhooks and the page tell of a notice: the same parts under the same names everywhere.
//!
//! A record is also a JSON object, in the event log one a line. Fields are only added, and one that is read
//! back may lack what was added since. What the parts say is in [`story`](super::story); which records are
//! about one trouble, from its beginning to its end, in [`incident`](crate::alarm::Incident).

use std::borrow::Cow;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::story::Story;
use super::{Notice, Severity};
use crate::alarm::Incident;
use crate::moment::Moment;

/// One event. Whatever is not known or does not apply is `None`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When it happened.
    #[serde(rename = "time", with = "rfc3339")]
    pub at: Moment,
    /// Its number: one more than that of the event before. It goes on after a restart when there is a state
    /// directory, and starts with 1 otherwise.
    pub number: u64,
    /// The number of the snapshot that was served when it was told.
    pub snapshot: u64,
    /// The word for this kind of event, for example `address_down`.
    pub kind: Cow<'static, str>,
    /// How loudly it is said.
    pub severity: Severity,
    /// The name of the region that it is about.
    pub region: Option<String>,
    /// The name of the availability zone that it is about.
    pub zone: Option<String>,
    /// The address that it is about.
    pub address: Option<IpAddr>,
    /// What was the case before, in one word.
    pub from: Option<String>,
    /// What is the case now, in one word.
    pub to: Option<String>,
    /// Why, in one sentence.
    pub why: Option<String>,
    /// What that was concluded from: the canary, the numbers.
    pub evidence: Option<String>,
    /// Who did it, when a person did.
    pub author: Option<String>,
    /// The trouble that it begins, goes on with or ends.
    #[serde(default)]
    pub incident: Option<Incident>,
    /// The whole event as one readable line.
    pub text: String,
}

impl Record {
    /// Returns the record of a notice.
    pub fn of(notice: &Notice, number: u64, snapshot: u64) -> Self {
        let Story { zone, address, from, to, why, evidence, author } = Story::of(notice);
        Self {
            at: notice.at,
            number,
            snapshot,
            kind: Cow::Borrowed(notice.kind()),
            severity: notice.severity(),
            region: notice.region().map(str::to_owned),
            zone,
            address,
            from,
            to,
            why,
            evidence,
            author,
            incident: Incident::of(notice),
            text: notice.to_string(),
        }
    }

    /// Returns the record that stands in the event log for those that it could not take: as many as `lost`,
    /// the last of which had this number.
    pub fn of_loss(lost: u64, why: &str, number: u64, snapshot: u64, at: Moment) -> Self {
        let events = if lost == 1 { "1 event was" } else { &format!("{lost} events were") };
        Self {
            at,
            number,
            snapshot,
            kind: Cow::Borrowed("events_lost"),
            severity: Severity::Warning,
            region: None,
            zone: None,
            address: None,
            from: None,
            to: None,
            why: Some(why.to_owned()),
            evidence: Some(format!("{lost} lost")),
            author: None,
            incident: None,
            text: format!("{events} lost before this one: {why}"),
        }
    }

    /// Returns the time as the JSON of a record has it: `2026-03-01T09:30:00.250Z`.
    pub fn time(&self) -> String {
        rfc3339::text(self.at)
    }
}

/// A moment as text in RFC 3339, in UTC, always with milliseconds: lines sort by it.
mod rfc3339 {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::moment::Moment;

    pub(crate) fn text(at: Moment) -> String {
        let milliseconds = i64::try_from(at.0).unwrap_or(i64::MAX);
        // What lies beyond the year 9999 comes from a nonsensical clock.
        let time = jiff::Timestamp::from_millisecond(milliseconds).unwrap_or(jiff::Timestamp::MAX);
        format!("{time:.3}")
    }

    pub(crate) fn serialize<S: Serializer>(at: &Moment, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&text(*at))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time: jiff::Timestamp = text.parse().map_err(D::Error::custom)?;
        u64::try_from(time.as_millisecond()).map(Moment).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alarm::Alarm;
    use crate::event::What;
    use crate::health::Count;
    use crate::region::Family;

    #[test]
    fn a_record_is_one_line_of_json_and_is_read_back_as_it_was() {
        let alarm = Alarm::RegionOut {
            region: "tokyo".to_owned(),
            family: Family::V4,
            count: Count { up: 0, total: 2, needed: 1 },
            reason: None,
            is_remembered: false,
        };
        let notice = Notice { at: Moment(1_772_357_400_250), what: What::Raised(alarm) };
        let record = Record::of(&notice, 7, 3);
        let line = serde_json::to_string(&record).expect("JSON");
        assert_eq!(
            line,
            "{\"time\":\"2026-03-01T09:30:00.250Z\",\"number\":7,\"snapshot\":3,\"kind\":\"region_out\",\
             \"severity\":\"warning\",\"region\":\"tokyo\",\"zone\":null,\"address\":null,\"from\":\"in\",\
             \"to\":\"out\",\"why\":\"too few of its addresses are up\",\
             \"evidence\":\"IPv4: 0 of 2 addresses are up, 1 needed\",\"author\":null,\
             \"incident\":{\"key\":\"region/tokyo/IPv4\",\"severity\":\"warning\",\"is_over\":false},\
             \"text\":\"tokyo leaves the IPv4 answers: 0 of 2 addresses are up\"}"
        );
        assert_eq!(serde_json::from_str::<Record>(&line).expect("a record"), record);
    }

    #[test]
    fn a_record_of_another_version_is_read_as_far_as_it_is_known() {
        let line = "{\"time\":\"2026-03-01T09:30:00Z\",\"number\":7,\"snapshot\":3,\"kind\":\"moon_full\",\
                    \"severity\":\"info\",\"text\":\"the moon is full\",\"phase_of_the_moon\":1}";
        let record: Record = serde_json::from_str(line).expect("a record");
        assert_eq!((record.kind.as_ref(), record.region, record.incident), ("moon_full", None, None));
        assert_eq!(record.at, Moment(1_772_357_400_000));
    }
}
