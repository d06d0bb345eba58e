//! Events about floods: queries that are over the rate limits.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::{Condition, Event, EventKind};
use crate::client::Prefix;
use crate::moment::Moment;
use crate::severity::Severity;
use crate::units::{Count, TimeSpan};

/// The most networks that are told apart in one flood; queries of further ones are counted.
pub const MAX_MEMBERS: usize = 64;

/// How many networks an event names: those with the most queries.
const NAMED: usize = 3;

/// Queries of one network that were over a limit since it was looked at last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloodSighting {
    pub network: Prefix,
    /// How many; at least one.
    pub limited: u64,
}

/// All queries that were over a limit since the last look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitedQueries {
    pub networks: Vec<FloodSighting>,
    /// How many were of networks that were not noted.
    pub others: u64,
}

impl LimitedQueries {
    /// Returns how many there were.
    pub fn count(&self) -> u64 {
        self.others + self.networks.iter().map(|seen| seen.limited).sum::<u64>()
    }
}

/// What a flood has been so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FloodExtent {
    /// The queries over the limits, of all networks.
    pub limited: u64,
    /// Those of at most [`MAX_MEMBERS`] networks.
    networks: BTreeMap<Prefix, u64>,
}

impl FloodExtent {
    /// Adds what came since the last look.
    pub fn add(&mut self, seen: &LimitedQueries) {
        self.limited += seen.count();
        for FloodSighting { network, limited } in &seen.networks {
            if self.networks.len() < MAX_MEMBERS || self.networks.contains_key(network) {
                *self.networks.entry(*network).or_default() += limited;
            }
        }
    }

    fn evidence(&self) -> String {
        format!("{} queries over the limits", self.limited)
    }
}

/// Writes the networks with the most queries: `192.0.2.0/24, 198.51.100.0/24 and 2 more networks`.
impl fmt::Display for FloodExtent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut networks: Vec<_> = self.networks.iter().collect();
        networks.sort_by_key(|(_, limited)| std::cmp::Reverse(**limited));
        let names: Vec<_> = networks.iter().take(NAMED).map(|(network, _)| network.to_string()).collect();
        match (&names[..], networks.len().saturating_sub(NAMED)) {
            ([], _) => f.write_str("many networks"),
            ([name], 0) => f.write_str(name),
            ([names @ .., last], 0) => write!(f, "{} and {last}", names.join(", ")),
            (names, more) => write!(f, "{} and {}", names.join(", "), Count(more, "more network")),
        }
    }
}

impl Event {
    /// Networks ask for more than the rate limits allow.
    pub fn flood_began(extent: &FloodExtent, at: Moment) -> Self {
        let text = format!(
            "queries from {extent} are over the rate limits ({} so far): what is beyond them is answered over TCP or with a \
             cookie alone",
            extent.limited
        );
        Self::new(EventKind::FLOOD_BEGAN, Severity::Warning, text, at)
            .turns("answered", "limited")
            .seen_by(extent.evidence())
            .raises(&Condition::Flood)
    }

    /// They have kept to them, but for a few queries, for a while after this time.
    pub fn flood_ended(extent: &FloodExtent, lasted: Duration, quiet: Duration, at: Moment) -> Self {
        let [lasted, quiet] = [TimeSpan::rounded(lasted), TimeSpan(quiet)];
        let text = format!(
            "queries from {extent} are within the rate limits again: {} were over them in {lasted}, and hardly any for {quiet}",
            extent.limited
        );
        Self::new(EventKind::FLOOD_ENDED, Severity::Info, text, at)
            .turns("limited", "answered")
            .seen_by(extent.evidence())
            .clears(&Condition::Flood)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    fn extent(limited: &[(&str, u64)], others: u64) -> FloodExtent {
        let networks = limited.iter().map(|(network, limited)| FloodSighting {
            network: network.parse().expect("a network"),
            limited: *limited,
        });
        let mut extent = FloodExtent::default();
        extent.add(&LimitedQueries { networks: networks.collect(), others });
        extent
    }

    #[test]
    fn a_flood_is_told_of_with_its_network() {
        check(
            &Event::flood_began(&extent(&[("192.0.2.0/24", 412)], 0), Moment(0)),
            "flood_began Warning -: answered -> limited | - | 412 queries over the limits | - | flood",
            "queries from 192.0.2.0/24 are over the rate limits (412 so far): what is beyond them is answered over TCP or \
             with a cookie alone",
        );
        let minute = Duration::from_secs(60);
        check(
            &Event::flood_ended(&extent(&[("192.0.2.0/24", 9000)], 0), minute * 3, minute, Moment(0)),
            "flood_ended Info -: limited -> answered | - | 9000 queries over the limits | - | ends flood",
            "queries from 192.0.2.0/24 are within the rate limits again: 9000 were over them in 3m, and hardly any for 1m",
        );
    }

    #[test]
    fn of_many_networks_those_with_the_most_queries_are_named_and_no_more_are_kept() {
        let [one, two, three, four] =
            [("192.0.2.0/24", 5), ("2001:db8::/56", 90), ("198.51.100.0/24", 7), ("203.0.113.0/24", 6)];
        let named = |limited: &[_]| extent(limited, 1).to_string();
        assert_eq!(named(&[]), "many networks");
        assert_eq!(named(&[one, two]), "2001:db8::/56 and 192.0.2.0/24");
        assert_eq!(
            named(&[one, two, three, four]),
            "2001:db8::/56, 198.51.100.0/24, 203.0.113.0/24 and 1 more network"
        );
        let texts: Vec<String> = (0..200).map(|net| format!("10.0.{net}.0/24")).collect();
        let many = extent(&texts.iter().map(|text| (text.as_str(), 2)).collect::<Vec<_>>(), 3);
        assert_eq!((many.networks.len(), many.limited), (MAX_MEMBERS, 403));
    }
}
