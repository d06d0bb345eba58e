//! Events about floods: networks whose queries are over the rate limits.

use std::time::Duration;

use super::{Condition, Event, EventKind};
use crate::client::Prefix;
use crate::moment::Moment;
use crate::severity::Severity;
use crate::units::TimeSpan;

/// Queries of one network that were over a limit since it was looked at last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloodSighting {
    pub network: Prefix,
    /// How many; at least one.
    pub limited: u64,
}

impl Event {
    /// A network asks for more than the rate limits allow; so many of its queries are over them.
    pub fn flood_began(network: Prefix, limited: u64, at: Moment) -> Self {
        let text = format!(
            "queries from {network} are over the rate limits ({limited} so far): what is beyond them is answered over TCP \
             or with a cookie alone"
        );
        Self::new(EventKind::FLOOD_BEGAN, Severity::Warning, text, at)
            .turns("answered", "limited")
            .seen_by(format!("{limited} queries over the limits"))
            .raises(&Condition::Flood(network))
    }

    /// It has kept to them for a while, after so many queries over them in this time.
    pub fn flood_ended(network: Prefix, limited: u64, lasted: Duration, quiet: Duration, at: Moment) -> Self {
        let [lasted, quiet] = [TimeSpan::rounded(lasted), TimeSpan(quiet)];
        let text = format!(
            "queries from {network} are within the rate limits again: {limited} were over them in {lasted}, and none for \
             {quiet}"
        );
        Self::new(EventKind::FLOOD_ENDED, Severity::Info, text, at)
            .turns("limited", "answered")
            .seen_by(format!("{limited} queries over the limits"))
            .clears(&Condition::Flood(network))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn a_flood_is_told_of_with_its_network() {
        let network = "192.0.2.0/24".parse().expect("a network");
        check(
            &Event::flood_began(network, 412, Moment(0)),
            "flood_began Warning -: answered -> limited | - | 412 queries over the limits | - | flood/192.0.2.0/24",
            "queries from 192.0.2.0/24 are over the rate limits (412 so far): what is beyond them is answered over TCP or \
             with a cookie alone",
        );
        let minute = Duration::from_secs(60);
        check(
            &Event::flood_ended(network, 9000, minute * 3, minute, Moment(0)),
            "flood_ended Info -: limited -> answered | - | 9000 queries over the limits | - | ends flood/192.0.2.0/24",
            "queries from 192.0.2.0/24 are within the rate limits again: 9000 were over them in 3m, and none for 1m",
        );
    }
}
