//! The demand of the parts of the clients as their queries show it.
//!
//! How many addresses a part has says little about how much it asks for: a customer with one /24 may ask for more than
//! a continent. The queries that this instance answers itself say more. They are counted by part and smoothed; what
//! the regions report then says how many requests come with a query.

use std::time::Duration;

use crate::moment::{Moment, follows_clock};
use crate::snapshot::{DemandPart, DrawnFor};

/// After this time a query counts half: longer than the TTLs of answers, shorter than the changes of a day.
const HALF_LIFE: Duration = Duration::from_secs(600);

/// With fewer queries than this nothing is learnt: the numbers of addresses are the better guess.
const ENOUGH_QUERIES: f64 = 1000.0;

/// The fraction of all queries that is ascribed to parts by their numbers of addresses, whatever was counted: a part
/// that has not asked yet may.
const UNSEEN: f64 = 0.02;

/// The queries of every part, by the place in `Base::demand`.
#[derive(Clone, Debug)]
pub(super) struct LearntDemand {
    queries: Vec<f64>,
    counted_at: Moment,
}

impl LearntDemand {
    /// Starts without any query.
    pub fn new(parts: usize, now: Moment) -> Self {
        Self { queries: vec![0.0; parts], counted_at: now }
    }

    /// Adds the queries since the last call. Those of another numbering count nothing.
    pub fn count(&mut self, queries: &[u64], now: Moment) {
        if queries.len() != self.queries.len() {
            return;
        }
        let kept = 0.5_f64.powf(now.since(self.counted_at).div_duration_f64(HALF_LIFE));
        self.counted_at = now;
        for (sum, count) in self.queries.iter_mut().zip(queries) {
            *sum = *sum * kept + *count as f64;
        }
    }

    /// Returns how the demand of parts compares, on a scale whose sum is 1; `None`: too few queries were counted.
    pub fn weights(&self, parts: &[DemandPart]) -> Option<Vec<f64>> {
        let sum: f64 = self.queries.iter().sum();
        let addresses: f64 = parts.iter().map(|part| part.weight).sum();
        (sum >= ENOUGH_QUERIES && addresses > 0.0).then(|| {
            let queries = of_drawn(&self.queries, parts);
            let parts = queries.iter().zip(parts);
            parts
                .map(|(queries, part)| (1.0 - UNSEEN) * queries / sum + UNSEEN * part.weight / addresses)
                .collect()
        })
    }
}

/// Divides the queries of clients who are drawn for several regions, which are counted with the first, by their numbers.
fn of_drawn(queries: &[f64], parts: &[DemandPart]) -> Vec<f64> {
    let mut divided = queries.to_vec();
    for (first, part) in parts.iter().enumerate() {
        let Some(DrawnFor { position: 0, of, .. }) = part.drawn else { continue };
        let group = first..first + of;
        let all: f64 = parts[group.clone()].iter().map(|part| part.weight).sum();
        for index in group {
            divided[index] = queries[first] * parts[index].weight / all;
        }
    }
    divided
}

follows_clock!(LearntDemand: counted_at);

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> [DemandPart; 2] {
        [1.0, 3.0].map(|weight| DemandPart { partition: 0, part: 0, weight, order: Vec::new(), drawn: None })
    }

    #[test]
    fn a_part_with_few_addresses_and_many_queries_weighs_more() {
        let mut learnt = LearntDemand::new(2, Moment(0));
        learnt.count(&[900, 50], Moment(1000));
        assert_eq!(learnt.weights(&parts()), None, "too few to tell");
        learnt.count(&[900, 150], Moment(1000));
        let weights = learnt.weights(&parts()).expect("enough");
        assert!((weights[0] - (0.98 * 0.9 + 0.02 * 0.25)).abs() < 1e-9, "{weights:?}");
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn what_was_asked_ten_minutes_ago_counts_half() {
        let mut learnt = LearntDemand::new(2, Moment(0));
        learnt.count(&[2000, 0], Moment(0));
        learnt.count(&[0, 1000], Moment(600_000));
        let weights = learnt.weights(&parts()).expect("enough");
        assert!((weights[0] - (0.49 + 0.02 * 0.25)).abs() < 1e-9, "{weights:?}");
    }

    #[test]
    fn counts_of_another_configuration_are_not_mixed_up() {
        let mut learnt = LearntDemand::new(2, Moment(0));
        learnt.count(&[9000], Moment(0));
        assert_eq!(learnt.weights(&parts()), None);
    }
}
