//! Follows a wall clock that was set.

use super::{Control, Effect, overlay_of};
use crate::moment::{ClockStep, FollowClock, Moment};

impl Control {
    /// Reads all times before by the clock as it is now. What was decided stays; schedules start when the clock says so.
    pub(super) fn follow_clock(&mut self, step: ClockStep, now: Moment) -> Vec<Effect> {
        self.intents.follow_clock(step);
        self.monitor.follow_clock(step, overlay_of(&self.intents, &self.base.config, now));
        self.drills.follow_clock(step, now);
        self.look_at_calendar(now);
        let parts: [&mut dyn FollowClock; 11] = [
            &mut self.balancer,
            &mut self.save_schedule,
            &mut self.proposals,
            &mut self.cached_answers,
            &mut self.rules,
            &mut self.server_alarms,
            &mut self.losses,
            &mut self.unborne,
            &mut self.reserve,
            &mut self.incidents,
            &mut self.availability,
        ];
        parts.into_iter().for_each(|part| part.follow_clock(step));
        let told = Effect::emit(self.server_alarms.clock_set(step, now));
        vec![self.publish(now), Effect::Persist(self.memory(now)), Effect::Keep(self.kept()), told]
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::control::tests::{base, letters, seen, start};
    use crate::control::{Command, Input, Restored};
    use crate::intent::{Intent, IntentStore, Request};

    /// Writes everything that control keeps and that has times, but what following the clock adds to itself: the
    /// alarm, its incident, and the answers that the next snapshot supersedes.
    fn kept_times(control: &Control) -> String {
        let Control { monitor, balancer, save_schedule, intents, proposals, rules, availability, .. } =
            control;
        format!(
            "{monitor:?} {balancer:?} {save_schedule:?} {intents:?} {proposals:?} {rules:?} {availability:?}"
        )
    }

    /// Adds so many milliseconds to every `Moment(…)` of a text but the epoch, which stands for no time.
    fn with_moments_moved(text: &str, by: u64) -> String {
        let mut parts = text.split("Moment(");
        let mut moved = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (digits, rest) = part.split_once(')').expect("it is closed");
            let moment: u64 = digits.parse().expect("a number");
            let to = if moment == 0 { 0 } else { moment + by };
            moved += &format!("Moment({to}){rest}");
        }
        moved
    }

    #[test]
    fn a_clock_that_is_set_moves_every_time_that_is_kept_and_changes_nothing_else() {
        let now = Moment(10_000_000);
        let (mut control, _) = start(None, now);
        let ask = |action: &str| {
            let request = Request { action: action.parse().expect("an action"), ..Request::default() };
            Input::Asked(Command::Intend { request, is_dry_run: false })
        };
        for at in [now.0 + 1000, now.0 + 2000, now.0 + 3000] {
            let failed = seen(&control, false, Moment(at));
            control.handle(Input::Observed(vec![failed]), Moment(at));
        }
        let asked_at = Moment(now.0 + 4000);
        for action in ["force osaka up", "capacity osaka 50%"] {
            assert!(!control.handle(ask(action), asked_at).is_empty(), "{action}");
        }
        assert_eq!(control.intents.intents().len(), 2);
        let before = kept_times(&control);
        let by = 3 * 3_600_000;
        let set_at = Moment(now.0 + 5000 + by);
        let effects = control.handle(Input::ClockSet(ClockStep(by.cast_signed())), set_at);
        assert_eq!(letters(&effects), "pkie");
        assert_eq!(kept_times(&control), with_moments_moved(&before, by));
        assert!(before.matches("Moment(").count() > 20, "{before}");
        // An intent of six hours that is a second old ends in six hours.
        let until: Vec<_> = control.intents.intents().iter().filter_map(Intent::until).collect();
        assert_eq!(until, [Moment(asked_at.0 + by).plus(Duration::from_secs(6 * 3600)); 2]);
    }

    #[test]
    fn a_life_that_begins_in_1970_keeps_the_intents_of_the_one_before_until_their_time() {
        let made_at = "2026-03-01T09:30:00Z".parse::<Moment>().expect("a time");
        let mut intents = IntentStore::default();
        intents.make(Request { lasts: Some(Duration::from_secs(7200)), ..Request::default() }, made_at);
        let boot = Moment(20_000);
        let mut control = Control::new(base(), boot);
        let restored = Restored { intents: intents.keep(), ..Restored::default() };
        control.handle(Input::Restored(restored), boot);
        control.handle(Input::Tick, Moment(30_000));
        assert_eq!(control.intents.intents().len(), 1);
        let corrected = made_at.plus(Duration::from_secs(3600));
        let step = ClockStep((corrected.0 - 40_000).cast_signed());
        control.handle(Input::ClockSet(step), corrected);
        let until = control.intents.intents().first().and_then(Intent::until);
        assert_eq!(until, Some(made_at.plus(Duration::from_secs(7200))));
        assert_eq!(control.wake().map(|wake| wake > corrected), Some(true));
    }
}
