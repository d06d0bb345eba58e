//! The progress of drains and shifts: what the machine knows of the clients that are sent away. When one is over is told
//! in [`cached_answers`](super::cached_answers).

use foldhash::HashSet;

use super::Control;
use super::cached_answers::{DrainProgress, leaving, place};
use crate::intent::{self, Intent, Transition};
use crate::moment::Moment;

impl Control {
    /// Returns how far the intents are that send clients away.
    pub(super) fn drains(&self, now: Moment) -> Vec<DrainProgress> {
        let regions = &self.base.config.regions;
        let progress =
            |intent: &Intent| self.cached_answers.progress(intent, regions, self.load_of(intent, now));
        self.intents.intents().iter().filter_map(progress).collect()
    }

    /// Takes note of what the places of new intents report, and forgets what is gone.
    pub(super) fn note_loads(&mut self, events: &[intent::IntentChange], now: Moment) {
        for event in events.iter().filter(|event| event.turn == Transition::Made) {
            let (place, load) = (place(&event.intent), self.load_of(&event.intent, now));
            if let (Some(place), Some(load)) = (place, load) {
                // One that takes the place of another goes on with what that began.
                self.cached_answers.loads.entry(place).or_insert(load);
            }
        }
        let places: HashSet<String> = self.intents.intents().iter().filter_map(place).collect();
        self.cached_answers.loads.retain(|place, _| places.contains(place));
    }

    /// Returns whether the clients of other addresses are sent away than when the last snapshot was compiled.
    pub(super) fn others_leave(&self) -> bool {
        leaving(self.intents.intents(), &self.base.config.regions) != self.cached_answers.leaving
    }

    fn load_of(&self, intent: &Intent, now: Moment) -> Option<f64> {
        let site = self.base.config.regions.site(&intent.request.action.target()?)?;
        self.monitor.load(site, now)
    }
}
