//! Takes over another configuration, and says what it takes away.

use std::sync::Arc;

use super::cached_answers::longest_hold;
use super::{Control, Effect, NumberedConfig, Rollback, overlay_of};
use crate::config::Config;
use crate::event::Event;
use crate::load::Guests;
use crate::moment::Moment;
use crate::snapshot::Base;

impl Control {
    pub(super) fn reloaded(&mut self, base: Arc<Base>, now: Moment) -> Vec<Effect> {
        let recovered = self.rules.reload(&base.config, base.refused_database.as_deref(), now);
        let told = |number, config: &Config| {
            let reloaded = Event::reloaded(number, config.zones.len(), config.regions.len(), now);
            std::iter::once(reloaded).chain(recovered).collect()
        };
        self.take_over(base, told, now)
    }

    /// Says how the configuration in force came to be.
    pub(super) fn numbered(&mut self, numbered: &NumberedConfig, now: Moment) -> Vec<Effect> {
        let NumberedConfig { passed_over, rollback } = numbered;
        let rollback =
            rollback.as_ref().map(|Rollback { to, of, author }| Event::rolled_back(*to, *of, author, now));
        let passed_over = self.server_alarms.passed_over(passed_over.as_ref(), now);
        rollback.into_iter().chain(passed_over).map(Effect::emit).collect()
    }

    /// Goes on with another base. `told` returns what is said of it, by the number of its first snapshot.
    pub(super) fn take_over(
        &mut self,
        base: Arc<Base>,
        told: impl FnOnce(u64, &Config) -> Vec<Event>,
        now: Moment,
    ) -> Vec<Effect> {
        let aimless = self.aimless();
        let before = std::mem::replace(&mut self.base, base);
        self.look_at_calendar(now);
        let overlay = overlay_of(&self.intents, &self.base.config, now);
        let findings = self.monitor.reload(Arc::clone(&self.base.config), overlay, now);
        self.balancer.reload(&before, &self.base, now);
        self.guests = Guests::new(&self.base);
        self.losses.restart(now);
        self.drills.reload(&self.base.config, now);
        self.land(now);
        self.cached_answers.reload(&self.base.config, now);
        let shares = self.look_at_shares(now);
        let mut effects = vec![self.publish(now), self.watch()];
        let told = told(self.number, &self.base.config);
        self.availability.reload(&self.base, now);
        effects.extend(self.measure_availability(true, now));
        // How long its answers may be held is known to nobody else.
        if longest_hold(&before.config) > longest_hold(&self.base.config) {
            effects.push(Effect::Persist(self.memory(now)));
        }
        let found = self.server_alarms.forget_hosts(&self.base.config.regions, now);
        effects.extend(told.into_iter().chain(found).chain(findings.events).map(Effect::emit));
        let lost = self.aimless().into_iter().filter(|(number, _)| !aimless.contains_key(number));
        let intents = self.intents.intents().iter();
        effects.extend(lost.filter_map(|(number, why)| {
            let intent = intents.clone().find(|intent| intent.number == number)?;
            Some(Effect::emit(Event::intent_without_target(intent, &why, now)))
        }));
        effects.extend(shares);
        effects
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Input;
    use crate::control::tests::{ZONE, base, letters, seen, start};
    use crate::intent::Request;
    use crate::region::AddressId;
    use crate::snapshot::fixture;

    #[test]
    fn a_reload_that_takes_away_what_an_intent_is_about_says_so_once() {
        let (mut control, _) = start(None, Moment(0));
        let request = Request { action: "drain tokyo".parse().expect("an action"), ..Request::default() };
        control.intents.make(request, Moment(0));
        let osaka = "regions:\n  osaka:\n    location: { latitude: 35, longitude: 139 }\n    jurisdiction: JP\n    \
                     zones: { osaka-a: { addresses: [192.0.2.2] } }\n";
        let zone = ZONE.replace("tokyo, ", "");
        let smaller = Arc::new(fixture::base(osaka, &zone));
        let said = |effects: Vec<Effect>| {
            let events = effects.into_iter().filter_map(|effect| match effect {
                Effect::Emit(event) => Some(event.text),
                _ => None,
            });
            events.filter(|text| text.contains("has no effect")).collect::<Vec<_>>()
        };
        assert_eq!(
            said(control.handle(Input::Reloaded(Arc::clone(&smaller)), Moment(1000))),
            [
                "intent 1 (drain tokyo) has no effect in the configuration in force: no region is called `tokyo`; \
              there is `osaka`; it goes on standing until it is over or lifted"
            ]
        );
        assert_eq!(said(control.handle(Input::Reloaded(smaller), Moment(2000))), [""; 0]);
    }

    #[test]
    fn a_reload_that_shortens_the_times_to_live_writes_down_how_long_the_old_answers_may_be_held() {
        let (mut control, _) = start(None, Moment(0));
        for at in [1000, 2000, 3000] {
            control.handle(Input::Observed(vec![seen(&control, true, Moment(at))]), Moment(at));
        }
        let zone = ZONE.replace("order: listed", "order: listed, ttl: 20s, short_ttl: 5s");
        let other = fixture::base(
            "regions:\n  tokyo:\n    location: { latitude: 35, longitude: 139 }\n    jurisdiction: JP\n    \
             zones: { tokyo-a: { addresses: [192.0.2.1] } }\n",
            &zone.replace("[tokyo, osaka]", "[tokyo]"),
        );
        let effects = control.handle(Input::Reloaded(Arc::new(other)), Moment(100_000));
        let kept = effects.into_iter().find_map(|effect| match effect {
            Effect::Persist(memory) => Some(memory.held_until),
            _ => None,
        });
        assert_eq!(kept, Some(Moment(130_000)), "30 s is what was given out before");
    }

    #[test]
    fn a_reload_publishes_and_watches_and_forgets_no_fall() {
        let (mut control, _) = start(None, Moment(0));
        for at in [1000, 2000] {
            control.handle(Input::Observed(vec![seen(&control, false, Moment(at))]), Moment(at));
        }
        let stale = seen(&control, true, Moment(3000));
        let effects = control.handle(Input::Reloaded(base()), Moment(3000));
        assert_eq!(letters(&effects), "pwe");
        let Some(Effect::Publish(snapshot)) = effects.first() else { panic!("it published nothing") };
        assert!(snapshot.health.of(AddressId(0)).is_down());
        assert!(!control.is_current(&stale), "a result from before the reload counts for nothing");
    }
}
