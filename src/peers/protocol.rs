//! The lines that instances tell each other, and what they mean.
//!
//! ```text
//! {"sequence":7,"hello":{"protocol":1,"name":"ns2","version":"0.1.0","boot":"…","configuration":"…","is_blind":false}}
//! {"sequence":7,"state":{"is_last":true,"facts":[{"region":"tokyo","canary":"tcp","state":"up","age_ms":120, …}]}}
//! {"sequence":8,"change":{"facts":[…]}}
//! {"sequence":9,"alive":{"is_blind":false}}
//! ```
//!
//! The greeting and the state have the number of the last line before them; each line that follows has the next one, so
//! that one that is missing shows. Times are told as ages: no instance reads the clock of another. Fields are only
//! added, and those that are not known are passed over, so that instances whose versions are one apart understand
//! each other.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::canary::{Failure, FailureClass};
use crate::health::{AddressState, Fact, FactKey, PeerHello};
use crate::moment::Moment;

/// The version of the protocol that this program speaks.
pub const PROTOCOL: u32 = 1;

/// The longest line, in octets: two hundred facts with the longest details take less than half.
pub const MAX_LINE: usize = 256 << 10;

/// The most facts in one line.
pub const MAX_FACTS: usize = 200;

/// The longest detail of a failure, in characters; more is cut off.
const MAX_DETAIL: usize = 200;

/// The longest name of an instance, in characters; more is cut off.
pub const MAX_NAME: usize = 63;

/// The longest age that is believed, a year: what is older is as old.
const LONGEST_AGE: Duration = Duration::from_secs(365 * 24 * 3600);

/// Returns whether another instance that speaks this version of the protocol is understood.
pub fn is_understood(protocol: u32) -> bool {
    protocol.abs_diff(PROTOCOL) <= 1
}

/// One line. One of another version may have none of these parts, and is passed over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PeerLine {
    pub sequence: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hello: Option<ToldHello>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ToldState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ToldChange>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alive: Option<ToldAlive>,
}

/// The greeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldHello {
    pub protocol: u32,
    pub name: String,
    pub version: String,
    pub boot: String,
    pub configuration: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The same as in a heartbeat, so that what it sees counts at once; `None`: it says so with its first heartbeat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_blind: Option<bool>,
}

/// A part of all facts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToldState {
    /// Whether it is the last part.
    pub is_last: bool,
    pub facts: Vec<ToldFact>,
}

/// Facts that have changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToldChange {
    pub facts: Vec<ToldFact>,
}

/// A heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldAlive {
    /// Whether it may be cut off from everything that it should see.
    pub is_blind: bool,
}

/// What one observer sees by one canary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToldFact {
    region: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    canary: String,
    state: AddressState,
    count: u32,
    age_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failing_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    succeeded_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    class: Option<FailureClass>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    detail: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_blind: bool,
}

impl ToldFact {
    /// Tells a fact as of `now`.
    pub fn of(key: &FactKey, fact: &Fact, now: Moment) -> Self {
        let age = |at: Moment| u64::try_from(now.since(at).as_millis()).unwrap_or(u64::MAX);
        let (zone, address) = key.address.clone().unzip();
        let failure = fact.failure.as_ref();
        Self {
            region: key.region.clone(),
            zone,
            address,
            canary: key.canary.clone(),
            state: fact.state,
            count: fact.count,
            age_ms: age(fact.since),
            failing_ms: fact.failing_since.map(age),
            succeeded_ms: fact.succeeded.map(age),
            class: failure.map(|failure| failure.class),
            detail: failure.map_or_else(String::new, |failure| cut(&failure.detail, MAX_DETAIL)),
            is_blind: fact.is_blind,
        }
    }

    /// Returns the fact, as of `now`.
    pub fn fact(self, now: Moment) -> (FactKey, Fact) {
        let at = |age: u64| now.minus(Duration::from_millis(age).min(LONGEST_AGE));
        let key = FactKey { region: self.region, address: self.zone.zip(self.address), canary: self.canary };
        let fact = Fact {
            state: self.state,
            count: self.count,
            since: at(self.age_ms),
            failing_since: self.failing_ms.map(at),
            failure: self.class.map(|class| Failure { class, detail: cut(&self.detail, MAX_DETAIL) }),
            succeeded: self.succeeded_ms.map(at),
            is_blind: self.is_blind,
        };
        (key, fact)
    }
}

impl ToldHello {
    /// Returns what a peer says of itself.
    pub fn hello(&self) -> PeerHello {
        PeerHello {
            protocol: self.protocol,
            version: cut(&self.version, MAX_DETAIL),
            boot: cut(&self.boot, MAX_DETAIL),
            configuration: cut(&self.configuration, MAX_DETAIL),
            region: self.region.as_deref().map(|region| cut(region, MAX_DETAIL)),
            is_blind: self.is_blind,
        }
    }
}

impl PeerLine {
    /// Writes it, with the line end.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("a line has names as keys and no other maps");
        bytes.push(b'\n');
        bytes
    }
}

/// Returns the first characters of a text of another instance, and none that would disturb a log.
pub fn cut(text: &str, most: usize) -> String {
    text.chars().filter(|character| !character.is_control()).take(most).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(address: bool, state: AddressState, detail: &str) -> (FactKey, Fact) {
        let address = address.then(|| ("tokyo-a".to_owned(), IpAddr::from([192, 0, 2, 1])));
        let key = FactKey { region: "tokyo".to_owned(), address, canary: "tcp".to_owned() };
        let failure = Failure { class: FailureClass::Timeout, detail: detail.to_owned() };
        let fact = Fact {
            state,
            count: 3,
            since: Moment(5000),
            failing_since: Some(Moment(4000)),
            failure: Some(failure),
            succeeded: None,
            is_blind: false,
        };
        (key, fact)
    }

    #[test]
    fn a_fact_is_told_by_ages_so_that_the_clocks_of_two_instances_do_not_matter() {
        for (is_address, state) in [(true, AddressState::Down), (false, AddressState::Up)] {
            let (key, fact) = told(is_address, state, "no answer");
            let line = serde_json::to_string(&ToldFact::of(&key, &fact, Moment(6000))).expect("JSON");
            let read: ToldFact = serde_json::from_str(&line).expect("its own line");
            let hour = 3_600_000;
            let (there, moved) = read.fact(Moment(6000 + hour));
            assert_eq!(there, key);
            let expected =
                Fact { since: Moment(5000 + hour), failing_since: Some(Moment(4000 + hour)), ..fact };
            assert_eq!(moved, expected);
        }
    }

    #[test]
    fn a_line_of_a_later_version_is_read_and_what_is_not_known_passed_over() {
        let line = r#"{"sequence":4,"alive":{"is_blind":true,"mood":"good"},"weather":{"tokyo":"rain"}}"#;
        let read: PeerLine = serde_json::from_str(line).expect("a line");
        assert_eq!(
            read,
            PeerLine { sequence: 4, alive: Some(ToldAlive { is_blind: true }), ..PeerLine::default() }
        );
        let understood: Vec<u32> = (0..4).filter(|protocol| is_understood(*protocol)).collect();
        assert_eq!(understood, [0, 1, 2]);
    }

    #[test]
    fn what_a_peer_writes_into_details_is_short_and_has_no_control_characters() {
        let long = "x\n\u{1b}[2J".repeat(1000);
        let (key, fact) = told(true, AddressState::Down, &long);
        let (_, fact) = ToldFact::of(&key, &fact, Moment(6000)).fact(Moment(6000));
        let detail = fact.failure.expect("it failed").detail;
        assert!(detail.chars().count() == MAX_DETAIL && !detail.contains(['\n', '\u{1b}']), "{detail}");
    }

    #[test]
    fn the_most_facts_of_one_line_fit_in_it() {
        let long = "\u{10ffff}".repeat(MAX_DETAIL);
        let (key, fact) = told(true, AddressState::Down, &long);
        let name = "r".repeat(63);
        let key = FactKey {
            region: name.clone(),
            address: key.address.map(|(_, ip)| (name.clone(), ip)),
            canary: name,
        };
        let facts = vec![ToldFact::of(&key, &fact, Moment(6000)); MAX_FACTS];
        let line = PeerLine { change: Some(ToldChange { facts }), ..PeerLine::default() };
        assert!(line.bytes().len() <= MAX_LINE, "{}", line.bytes().len());
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_line_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(line) = serde_json::from_slice::<PeerLine>(&bytes) {
                let again: PeerLine = serde_json::from_slice(&line.bytes()).expect("its own line");
                prop_assert_eq!(again, line);
            }
        }

        #[test]
        fn no_age_that_is_told_is_nonsense(age in any::<u64>()) {
            let (key, fact) = told(true, AddressState::Down, "x");
            let mut lied = ToldFact::of(&key, &fact, Moment(6000));
            lied.age_ms = age;
            let now = Moment(1_700_000_000_000);
            let (_, fact) = lied.fact(now);
            prop_assert!(fact.since <= now && now.since(fact.since) <= LONGEST_AGE);
        }
    }
}
