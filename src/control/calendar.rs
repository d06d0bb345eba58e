//! Known events: when the capacities begin and end that the configuration knows ahead.

use std::sync::Arc;

use super::{Control, Effect};
use crate::event::Event;
use crate::moment::Moment;
use crate::region::Resolved;

impl Control {
    /// Looks when a known event begins or ends next.
    pub(super) fn look_at_calendar(&mut self, now: Moment) {
        let events = self.base.config.capacity_events.iter();
        self.capacity_due = events.flat_map(|event| [event.at, event.until]).filter(|at| *at > now).min();
    }

    /// Lets known events begin and end.
    pub(super) fn follow_calendar(&mut self, now: Moment) -> Vec<Effect> {
        let Some(due) = self.capacity_due.filter(|due| *due <= now) else { return Vec::new() };
        self.look_at_calendar(now);
        let config = Arc::clone(&self.base.config);
        let target = |region| config.regions.target(Resolved::Region(region));
        let news = config.capacity_events.iter().filter_map(|event| match event.is_on(now) {
            true if event.at >= due => Some(Event::capacity_event(&target(event.region), Some(event), now)),
            false if (due..=now).contains(&event.until) => {
                Some(Event::capacity_event(&target(event.region), None, now))
            }
            true | false => None,
        });
        let mut effects = self.follow_intents(Vec::new(), now);
        effects.extend(news.map(Effect::emit));
        effects
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::control::fixture::{Play, base_with, number};
    use crate::intent::SavedIntents;

    #[test]
    fn a_known_event_changes_the_capacity_while_it_lasts_unless_an_operator_says_otherwise() {
        let begins = Moment(1_000_000).plus(Duration::from_secs(3600));
        let event =
            format!("capacity_events:\n  - {{ region: osaka, at: '{begins}', for: 1h, percent: 150% }}\n");
        let base = base_with("", &event);
        let mut play = Play::on(base, SavedIntents::default(), Moment(1_000_000));
        let capacity = |play: &Play| play.control.monitor.overlay().capacity[1];
        play.wait(3599);
        assert_eq!(capacity(&play), 1.0);
        play.wait(2);
        assert_eq!(capacity(&play), 1.5);
        assert!(
            play.said.iter().any(|line| line.contains("osaka has 150% of its capacity until")),
            "{:?}",
            play.said
        );
        number(play.want("capacity osaka 50%", Some(30), &[]));
        assert_eq!(capacity(&play), 0.5);
        play.wait(31 * 60);
        assert_eq!(capacity(&play), 1.5);
        play.wait(30 * 60);
        assert_eq!(capacity(&play), 1.0);
    }
}
