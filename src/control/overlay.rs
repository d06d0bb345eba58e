//! What operators want: by their intents and, where these say nothing, by the configuration.

use crate::config::Config;
use crate::intent::{IntentStore, Overlay};
use crate::moment::Moment;

/// Returns what operators want now.
pub(super) fn overlay_of(intents: &IntentStore, config: &Config, now: Moment) -> Overlay {
    let mut overlay = intents.overlay(&config.regions);
    overlay.weights = config.weights_over(overlay.weights);
    for event in config.capacity_events.iter().filter(|event| event.is_on(now)) {
        if !intents.sets_capacity(&config.regions.region(event.region).name) {
            overlay.capacity[usize::from(event.region.0)] = event.percent.fraction();
        }
    }
    overlay
}
