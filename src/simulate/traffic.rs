//! Traffic: how many requests a second the clients make, and in which region they arrive.
//!
//! Where clients go is what the engine answers to a sample of their subnets ([`Clients`]), not what
//! was meant to be answered. They follow their A records, a steady stream of them as long as an old answer
//! may live in a cache: when answers change, the traffic of a client goes over evenly within the TTL that the
//! answers had before. A change on the way begins another such time, from where the traffic is then.

use std::collections::BTreeMap;
use std::time::Duration;

use super::clients::Clients;
use super::scenario::Client;
use crate::moment::Moment;

/// All clients that make requests.
#[derive(Debug)]
pub struct Traffic {
    flows: Vec<ClientTraffic>,
    factor: f64,
}

/// The traffic of one client.
#[derive(Debug)]
struct ClientTraffic {
    client: String,
    rate: f64,
    from: Shares,
    to: Shares,
    began: Moment,
    takes: Duration,
    /// The TTL of the answers that are given now.
    ttl: Duration,
}

/// The share of a client's requests that goes to each region, by name.
type Shares = BTreeMap<String, f64>;

impl Traffic {
    /// Returns the demand of the clients that have a rate.
    pub fn new(clients: &[Client]) -> Self {
        let flows = clients.iter().filter_map(|client| {
            Some(ClientTraffic {
                client: client.name.clone(),
                rate: client.rate?,
                from: Shares::new(),
                to: Shares::new(),
                began: Moment::default(),
                takes: Duration::ZERO,
                ttl: Duration::ZERO,
            })
        });
        Self { flows: flows.collect(), factor: 1.0 }
    }

    /// Returns whether no client makes requests.
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// Makes every client send this many times the requests of their rate.
    pub fn scale(&mut self, factor: f64) {
        self.factor = factor;
    }

    /// Follows the answers that are given now.
    pub fn follow(&mut self, clients: &Clients, now: Moment) {
        for flow in &mut self.flows {
            let (to, ttl) = clients.shares_of(&flow.client);
            flow.turn(to, now);
            flow.ttl = ttl;
        }
    }

    /// Returns how many queries of each of `count` parts of the clients come in a second: one for each request.
    pub fn queries(&self, clients: &Clients, count: usize) -> Vec<f64> {
        let mut queries = vec![0.0; count];
        for flow in &self.flows {
            for (part, fraction) in clients.parts_of(&flow.client) {
                queries[usize::from(part)] += flow.rate * fraction * self.factor;
            }
        }
        queries
    }

    /// Returns how many requests a second arrive in a region. `None`: no client has a rate.
    pub fn arriving(&self, region: &str, now: Moment) -> Option<f64> {
        let requests = self.flows.iter().map(|flow| flow.rate * flow.share(region, now));
        (!self.is_empty()).then(|| requests.sum::<f64>() * self.factor)
    }
}

impl ClientTraffic {
    fn turn(&mut self, to: Shares, now: Moment) {
        if self.to == to {
            return;
        }
        let regions = self.from.keys().chain(self.to.keys()).cloned();
        let present = regions.map(|region| {
            let share = self.share(&region, now);
            (region, share)
        });
        // A client that asks for the first time has nothing in a cache.
        let is_first = self.to.is_empty();
        self.from = if is_first { to.clone() } else { present.collect() };
        (self.to, self.began, self.takes) = (to, now, self.ttl);
    }

    fn share(&self, region: &str, now: Moment) -> f64 {
        let of = |shares: &Shares| shares.get(region).copied().unwrap_or(0.0);
        let passed = now.since(self.began).as_secs_f64();
        let progress =
            if passed < self.takes.as_secs_f64() { passed / self.takes.as_secs_f64() } else { 1.0 };
        of(&self.from) + (of(&self.to) - of(&self.from)) * progress
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns a flow to tokyo at 0 s, with a TTL of 40 s, then to osaka at 100 s, and wherever else is said.
    fn check(turns: &[(u64, &str)], at: u64, tokyo: f64) {
        let mut flow = ClientTraffic {
            client: "JP".to_owned(),
            rate: 1.0,
            from: Shares::new(),
            to: Shares::new(),
            began: Moment(0),
            takes: Duration::ZERO,
            ttl: Duration::from_secs(40),
        };
        let all_to = |region: &str| Shares::from([(region.to_owned(), 1.0)]);
        flow.turn(all_to("tokyo"), Moment(0));
        turns.iter().for_each(|(second, region)| flow.turn(all_to(region), Moment(second * 1000)));
        let share = flow.share("tokyo", Moment(at * 1000));
        assert!((share - tokyo).abs() < 1e-9, "{share} at {at} s");
    }

    #[test]
    fn traffic_goes_over_evenly_within_the_old_ttl() {
        let turns = [(100, "osaka")];
        check(&turns, 1, 1.0);
        check(&turns, 100, 1.0);
        check(&turns, 110, 0.75);
        check(&turns, 139, 0.025);
        check(&turns, 1000, 0.0);
    }

    #[test]
    fn a_change_on_the_way_begins_from_where_the_traffic_is() {
        let turns = [(100, "osaka"), (120, "tokyo")];
        check(&turns, 120, 0.5);
        check(&turns, 140, 0.75);
        check(&turns, 160, 1.0);
    }

    #[test]
    fn an_answer_that_says_the_same_again_changes_nothing() {
        check(&[(100, "osaka"), (110, "osaka")], 120, 0.5);
    }
}
