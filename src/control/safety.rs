//! Forecasts what an intent would lead to, and says which safety rules it would break.

use super::{Control, overlay_of};
use crate::forecast::{self, Forecast, Situation};
use crate::intent::{Action, Intent, Overlay, Request, SafetyRule};
use crate::moment::Moment;
use crate::region::Site;

impl Control {
    /// Returns the safety rules that an intent would break, with the numbers: those that the machine would not break if
    /// it were allowed to act on what it sees. What it does by itself is not refused to an operator.
    pub(super) fn violations(
        &self,
        request: &Request,
        forecast: &Forecast,
        now: Moment,
    ) -> Vec<(SafetyRule, String)> {
        let other = self.intents.in_the_way(&request.action).map(|Intent { number, request, .. }| {
            (SafetyRule::OneAtATime, format!("`{}` (intent {number}) is in force", request.action))
        });
        let mut others = forecast.violations();
        others.retain(|one| request.action.rules().contains(&one.rule));
        if !others.is_empty() {
            let by_machine = self.broken_by_machine(&request.action, now);
            others.retain(|one| !by_machine.contains(&one.rule));
        }
        let others = others.into_iter().map(|one| (one.rule, one.sentence));
        other.into_iter().chain(others).collect()
    }

    /// Returns the rules that the machine would break by letting the region leave that an action is about, if that
    /// should leave.
    fn broken_by_machine(&self, action: &Action, now: Moment) -> Vec<SafetyRule> {
        let region = action.region().and_then(|name| self.base.config.regions.find(name));
        let failing = region.filter(|id| !self.monitor.is_stable(Site::Region(*id)));
        let Some(id) = failing else { return Vec::new() };
        let region = self.base.config.regions.region(id).name.clone();
        let action = Action::Approve { region };
        let request = Request {
            action,
            author: String::new(),
            reason: String::new(),
            lasts: None,
            overrides: Vec::new(),
        };
        self.predict(&request, now).violations().into_iter().map(|one| one.rule).collect()
    }

    /// Forecasts what a request would lead to.
    pub(super) fn predict(&self, request: &Request, now: Moment) -> Forecast {
        let mut intents = self.intents.clone();
        let action = request.action.clone().at_once();
        intents.make(Request { action, ..request.clone() }, now);
        self.predict_under(&overlay_of(&intents, &self.base.config, now), now)
    }

    /// Predicts what would happen if operators wanted this.
    fn predict_under(&self, overlay: &Overlay, now: Moment) -> Forecast {
        let after = self.monitor.view_under(overlay, now);
        let readings = [self.monitor.overlay(), overlay]
            .map(|overlay| self.monitor.readings_under(overlay, &self.base, now));
        let before = Situation { view: self.monitor.view(), readings: &readings[0] };
        let after = Situation { view: &after, readings: &readings[1] };
        forecast::predict(&self.base, &self.outlook(now), before, after, 1.0)
    }

    /// Returns why the region of an intent has no room for its clients; `None`: it has, or that is not known.
    pub(super) fn no_room_for(&self, intent: &Intent, now: Moment) -> Option<String> {
        let mut intents = self.intents.clone();
        intents.forget(intent.number);
        let forecast = self.predict_under(&overlay_of(&intents, &self.base.config, now), now);
        let region = intent.request.action.region()?;
        let full = forecast.regions.iter().find(|one| one.region == region && one.is_above_hard)?;
        Some(full.over(forecast.hard))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::control::fixture::{Play, approve, number, refusal};

    #[test]
    fn draining_the_only_region_that_somebody_may_be_sent_to_is_refused_until_it_is_overridden() {
        let mut play = Play::begin();
        let refused = refusal(play.want("drain tokyo", None, &[]));
        assert!(refused.contains("(no_region)") && refused.contains("--override no_region"), "{refused}");
        assert_eq!(play.shares(), [100; 3], "nothing is half done");
        let long = refusal(play.want("drain tokyo", Some(300), &[SafetyRule::NoRegion]));
        assert!(long.contains("what breaks a rule stands for at most 4h"), "{long}");
        number(play.want("drain tokyo", Some(60), &[SafetyRule::NoRegion]));
        assert_eq!(play.shares(), [0, 100, 100]);
        assert!(play.said[0].contains("overriding no_region"), "{:?}", play.said);
    }

    #[test]
    fn what_auto_would_do_about_a_dead_region_is_not_refused_to_an_operator() {
        // The clients of banks may be sent to tokyo only, where they have been lost since it is dead.
        for (action, is_approved) in [("", true), ("drain tokyo", false)] {
            let mut play = Play::begin();
            number(play.want("failover advise tokyo", None, &[]));
            play.probe(0, false);
            let proposal = play.control.proposals[0].number;
            match is_approved {
                true => number(play.ask(approve(proposal, &[]))),
                false => number(play.want(action, None, &[])),
            };
            assert_eq!(play.shares(), [0, 100, 100], "{action}");
        }
    }

    #[test]
    fn an_override_is_of_a_rule_that_the_action_can_break_and_ends_after_four_hours() {
        let mut play = Play::begin();
        for (action, rule, sentence) in [
            (
                "disable osaka",
                SafetyRule::OneAtATime,
                "`disable` cannot break one_at_a_time; it can break no_region",
            ),
            ("weights example.com tokyo=1 osaka=1", SafetyRule::NoRegion, "it can break hard_limit"),
            ("failover off", SafetyRule::HardLimit, "`failover` breaks no safety rule"),
        ] {
            let refused = refusal(play.want(action, None, &[rule]));
            assert!(refused.contains(sentence), "{action}: {refused}");
        }
        number(play.want("disable osaka", None, &[SafetyRule::NoRegion]));
        number(play.want("force oregon down", None, &[SafetyRule::HardLimit]));
        number(play.want("failover advise tokyo", None, &[]));
        play.probe(0, false);
        let proposal = play.control.proposals[0].number;
        number(play.ask(approve(proposal, &[SafetyRule::NoRegion])));
        let four_hours = play.now.plus(Duration::from_secs(4 * 3600));
        let ends =
            play.control.intents.intents().iter().filter(|intent| !intent.request.overrides.is_empty());
        let ends: Vec<_> = ends.map(|intent| intent.until()).collect();
        assert_eq!(ends, [Some(four_hours); 3]);
    }
}
