//! What the steered names of a configuration say together.

use std::time::Duration;

use super::Config;
use crate::health::HealthTerms;
use crate::intent::Weights;
use crate::steering::Steering;

impl Config {
    /// Returns how the clients of names are divided between regions: as operators want, and else as `weights` say.
    pub fn weights_over(&self, mut wanted: Vec<Weights>) -> Vec<Weights> {
        for steering in self.steered.iter().filter(|steering| !steering.weights.is_empty()) {
            if wanted.iter().all(|weights| weights.owner != steering.owner) {
                let (owner, members) = (steering.owner.clone(), steering.weights.clone());
                wanted.push(Weights { owner, members });
            }
        }
        wanted
    }

    /// Returns the limits of the replication lag that names have.
    pub fn lag_limits(&self) -> impl Iterator<Item = Duration> {
        self.steered.iter().filter_map(|steering| match steering.policy.terms {
            HealthTerms::MaxLag(limit) => Some(limit),
            HealthTerms::Usual | HealthTerms::Steady => None,
        })
    }

    /// Returns the names whose clients stay with regions that are down.
    pub fn steady_names(&self) -> impl Iterator<Item = &Steering> {
        self.steered.iter().filter(|steering| steering.policy.terms == HealthTerms::Steady)
    }

    /// Returns what names make of health that do not see what all others do, each once.
    pub fn own_terms(&self) -> Vec<HealthTerms> {
        let mut own = Vec::new();
        for terms in self.steered.iter().map(|steering| steering.policy.terms) {
            if terms != HealthTerms::Usual && !own.contains(&terms) {
                own.push(terms);
            }
        }
        own
    }
}
