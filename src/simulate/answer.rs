//! What clients get: the answer of one subnet, and those of all subnets of a client together.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::net::IpAddr;

use hickory_proto::op::{Message, ResponseCode};

use crate::units::Percent;
use crate::zone::RData;

/// What one subnet gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAnswer {
    /// Where it leads: the name of a region, or `nodata`, `servfail`, `refused`, or an address of no region.
    pub leads: String,
    /// The TTL in seconds; `None` without records.
    pub ttl: Option<u32>,
    /// The addresses, sorted.
    pub addresses: Vec<IpAddr>,
}

/// What the subnets of a client get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// Where they are led and how many of them, the most first.
    pub leads: Vec<(String, usize)>,
    pub subnets: usize,
    /// The TTLs in seconds, the smallest first; none without records.
    pub ttls: Vec<u32>,
    /// The addresses, sorted.
    pub addresses: Vec<IpAddr>,
}

impl ClientAnswer {
    /// Reads a reply of the engine.
    pub fn read(reply: &[u8], regions: &HashMap<IpAddr, String>) -> Self {
        let message = Message::from_vec(reply).expect("the engine's replies decode");
        let records = message.answers.iter().filter_map(|record| match &record.data {
            RData::A(address) => Some((IpAddr::V4(address.0), record.ttl)),
            RData::AAAA(address) => Some((IpAddr::V6(address.0), record.ttl)),
            _ => None,
        });
        let records: Vec<(IpAddr, u32)> = records.collect();
        let mut addresses: Vec<IpAddr> = records.iter().map(|(address, _)| *address).collect();
        addresses.sort_unstable();
        // Behind those of the chosen region may be those of the regions that follow it.
        let leads = match (message.metadata.response_code, records.first()) {
            (ResponseCode::NoError, None) => "nodata".to_owned(),
            (ResponseCode::NoError, Some((first, _))) => {
                regions.get(first).cloned().unwrap_or_else(|| first.to_string())
            }
            (ResponseCode::ServFail, _) => "servfail".to_owned(),
            (ResponseCode::Refused, _) => "refused".to_owned(),
            (other, _) => other.to_string(),
        };
        Self { leads, ttl: records.iter().map(|(_, ttl)| *ttl).min(), addresses }
    }
}

impl Distribution {
    /// Puts the answers of all subnets of a client together.
    pub fn of<'a>(answers: impl Iterator<Item = &'a ClientAnswer>) -> Self {
        let mut leads: BTreeMap<&str, usize> = BTreeMap::new();
        let (mut ttls, mut addresses, mut subnets) = (BTreeSet::new(), BTreeSet::new(), 0);
        for answer in answers {
            subnets += 1;
            *leads.entry(&answer.leads).or_default() += 1;
            ttls.extend(answer.ttl);
            addresses.extend(&answer.addresses);
        }
        let mut leads: Vec<_> = leads.into_iter().map(|(to, count)| (to.to_owned(), count)).collect();
        leads.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Self { leads, subnets, ttls: ttls.into_iter().collect(), addresses: addresses.into_iter().collect() }
    }

    /// Returns the share of the subnets that is led to one of these.
    pub fn share(&self, to: &[String]) -> f64 {
        let led = self.leads.iter().filter(|(lead, _)| to.contains(lead)).map(|(_, count)| count);
        led.sum::<usize>() as f64 / self.subnets as f64
    }

    /// Returns where the subnets are led, for people: `tokyo`, or `tokyo 80 % osaka 20 %`.
    pub fn led(&self) -> String {
        match &self.leads[..] {
            [(all, _)] => all.clone(),
            several => {
                let share = |(to, count): &(String, usize)| {
                    format!("{to} {}", Percent::rounded(*count as f64 / self.subnets as f64))
                };
                several.iter().map(share).collect::<Vec<_>>().join(" ")
            }
        }
    }

    /// Returns the TTLs, for people: `30`, `10/30`, `none`.
    pub fn ttl(&self) -> String {
        if self.ttls.is_empty() {
            return "none".to_owned();
        }
        self.ttls.iter().map(u32::to_string).collect::<Vec<_>>().join("/")
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.led())?;
        if self.ttls.is_empty() { Ok(()) } else { write!(f, " ttl {}", self.ttl()) }
    }
}

/// How an answer became another: `tokyo → osaka  ttl 30 → 10`, `tokyo  ttl 30  −192.0.2.1`.
pub struct Difference<'a>(pub Option<&'a Distribution>, pub &'a Distribution);

impl fmt::Display for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(from, to) = self;
        let Some(from) = from else {
            return fmt::Display::fmt(to, f);
        };
        let arrow = |from: String, to: String| if from == to { to } else { format!("{from} → {to}") };
        write!(f, "{}  ttl {}", arrow(from.led(), to.led()), arrow(from.ttl(), to.ttl()))?;
        let led_to =
            |split: &Distribution| split.leads.iter().map(|(to, _)| to.clone()).collect::<BTreeSet<_>>();
        // Elsewhere all addresses are others.
        if led_to(from) == led_to(to) {
            let lacks = |list: &[IpAddr], address: &IpAddr| !list.contains(address);
            for gone in from.addresses.iter().filter(|address| lacks(&to.addresses, address)) {
                write!(f, "  −{gone}")?;
            }
            for new in to.addresses.iter().filter(|address| lacks(&from.addresses, address)) {
                write!(f, "  +{new}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::{MessageType, OpCode};
    use hickory_proto::rr::Record;

    use super::*;

    /// Puts answers together, `REGION:TTL:ADDRESS` a word.
    fn split(words: &str) -> Distribution {
        let answers = words.split_whitespace().map(|word| {
            let mut parts = word.split(':');
            let mut part = || parts.next().expect("REGION:TTL:ADDRESS");
            let (leads, ttl, address) = (part().to_owned(), part(), part());
            let addresses = vec![address.parse().expect("an address")];
            ClientAnswer { leads, ttl: ttl.parse().ok(), addresses }
        });
        Distribution::of(answers.collect::<Vec<_>>().iter())
    }

    fn check(from: &str, to: &str, difference: &str) {
        assert_eq!(Difference(Some(&split(from)), &split(to)).to_string(), difference);
    }

    #[test]
    fn a_change_shows_what_was_and_what_is_and_nothing_twice() {
        let tokyo = "tokyo:30:10.0.0.1";
        check(tokyo, "osaka:30:10.0.0.2", "tokyo → osaka  ttl 30");
        check(tokyo, "tokyo:10:10.0.0.9", "tokyo  ttl 30 → 10  −10.0.0.1  +10.0.0.9");
        check(
            &format!("{tokyo} {tokyo} {tokyo} {tokyo}"),
            &format!("{tokyo} osaka:10:10.0.0.2 {tokyo} {tokyo}"),
            "tokyo → tokyo 75% osaka 25%  ttl 30 → 10/30",
        );
    }

    #[test]
    fn a_share_is_that_of_all_regions_that_are_meant() {
        let split = split("tokyo:30:10.0.0.1 osaka:30:10.0.0.2 osaka:30:10.0.0.2 oregon:30:10.0.0.3");
        let share = |to: &[&str]| split.share(&to.iter().map(|to| (*to).to_owned()).collect::<Vec<_>>());
        assert_eq!((share(&["osaka"]), share(&["tokyo", "oregon"]), share(&["dublin"])), (0.5, 0.5, 0.0));
        assert_eq!(split.led(), "osaka 50% oregon 25% tokyo 25%");
    }

    #[test]
    fn clients_are_led_where_the_first_record_leads_whatever_region_follows() {
        let mut reply = Message::new(7, MessageType::Response, OpCode::Query);
        for last in [9, 1] {
            let address = RData::A(std::net::Ipv4Addr::new(192, 0, 2, last).into());
            reply.add_answer(Record::from_rdata("api.example.com.".parse().expect("a name"), 30, address));
        }
        let regions = [(9, "tokyo"), (1, "osaka")];
        let regions = regions.map(|(last, name)| (IpAddr::from([192, 0, 2, last]), name.to_owned()));
        let answer = ClientAnswer::read(&reply.to_vec().expect("a message"), &regions.into_iter().collect());
        assert_eq!((answer.leads.as_str(), answer.ttl, answer.addresses.len()), ("tokyo", Some(30), 2));
        assert!(answer.addresses.is_sorted());
    }
}
