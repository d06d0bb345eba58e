//! Events about what operators do: intents, drills, failback.

use super::{Condition, Event, EventKind};
use crate::intent::{Action, Drill, DrillOutcome, Intent, IntentChange, Request, Transition};
use crate::moment::Moment;
use crate::region::Target;
use crate::severity::Severity;
use crate::share::Share;
use crate::units::TimeSpan;

impl Event {
    /// Something became of an intent.
    pub fn of_intent(change: &IntentChange, at: Moment) -> Self {
        let intent = &change.intent;
        match &change.turn {
            Transition::Made => Self::intent_made(intent, at),
            Transition::Begun => Self::intent_begun(intent, at),
            Transition::Overdue(why) => Self::intent_overdue(intent, why, at),
            Transition::Step(share) => Self::intent_step(intent, *share, at),
            Transition::Stuck => Self::intent_stuck(intent, at),
            Transition::Gone => Self::intent_over(intent, at),
        }
    }

    /// An intent is in force.
    pub fn intent_made(intent: &Intent, at: Moment) -> Self {
        let Intent { number, request: Request { action, author, reason, lasts, overrides }, .. } = intent;
        let lasts = lasts.iter().map(|lasts| format!(" for {}", TimeSpan(*lasts))).collect::<String>();
        let overrides = overrides.iter().map(|rule| format!(", overriding {rule}")).collect::<String>();
        let text = format!("{author}: {action}{lasts}{overrides}: {reason} (intent {number})");
        Self::new(EventKind::INTENT_MADE, Severity::Info, text, at).of(intent)
    }

    /// An intent is in force from now on that was asked for ahead.
    pub fn intent_begun(intent: &Intent, at: Moment) -> Self {
        let text = format!("{} is in force, as {} asked for it", name(intent), intent.request.author);
        Self::new(EventKind::INTENT_BEGUN, Severity::Info, text, at).of(intent)
    }

    /// An intent is over, and its clients cannot come back for this reason.
    pub fn intent_overdue(intent: &Intent, why: &str, at: Moment) -> Self {
        let text = format!("{} is over, and its clients stay away: {why}", name(intent));
        let event = Self::new(EventKind::INTENT_OVERDUE, Severity::Warning, text, at).of(intent).because(why);
        event.raises(&Condition::Intent(intent.number))
    }

    /// This share of the clients of an intent is back, or goes where weights lead it.
    pub fn intent_step(intent: &Intent, share: Share, at: Moment) -> Self {
        let name = name(intent);
        let text = match &intent.request.action {
            Action::Weights { members, .. } => {
                let last = members.last().map_or("", |(region, _)| region);
                format!("{name}: {last} has a weight of {share}")
            }
            _ => format!("{name} ends step by step: {share} of the clients are where they belong"),
        };
        Self::new(EventKind::INTENT_STEP, Severity::Info, text, at).of(intent)
    }

    /// The clients of an intent cannot all come back, or go where weights lead them.
    pub fn intent_stuck(intent: &Intent, at: Moment) -> Self {
        let text = format!(
            "{} goes no further: too many requests fail, or it is too full; `meridian lift {} --at-once` ends it all the \
             same",
            name(intent),
            intent.number
        );
        let event = Self::new(EventKind::INTENT_STUCK, Severity::Warning, text, at).of(intent);
        event.raises(&Condition::Intent(intent.number))
    }

    /// An intent is over, and its clients are back.
    pub fn intent_over(intent: &Intent, at: Moment) -> Self {
        let text = format!("{} is over", name(intent));
        let event = Self::new(EventKind::INTENT_OVER, Severity::Info, text, at).of(intent);
        Self { to: Some("over".to_owned()), ..event }.clears(&Condition::Intent(intent.number))
    }

    /// An operator lifted an intent.
    pub fn intent_lifted(intent: &Intent, author: &str, at: Moment) -> Self {
        let text = format!("{author} lifted {}", name(intent));
        let event = Self::new(EventKind::INTENT_LIFTED, Severity::Info, text, at).of(intent).by(author);
        Self { to: Some("lifted".to_owned()), ..event }
    }

    /// A configuration came into force that lacks what an intent is about, as `why` says.
    pub fn intent_without_target(intent: &Intent, why: &str, at: Moment) -> Self {
        let text = format!(
            "{} has no effect in the configuration in force: {why}; it goes on standing until it is over or lifted",
            name(intent)
        );
        Self::new(EventKind::INTENT_WITHOUT_TARGET, Severity::Warning, text, at).of(intent).because(why)
    }

    /// Fills in what all events about an intent have.
    fn of(self, intent: &Intent) -> Self {
        let Intent { number, request, phase, .. } = intent;
        let event = Self { target: request.action.target(), to: Some(phase.as_str().to_owned()), ..self };
        event
            .because(&request.reason)
            .seen_by(format!("intent {number}: {}", request.action))
            .by(&request.author)
    }

    /// The outcome of a drill is known.
    pub fn drill_outcome(drill: &Drill, at: Moment) -> Self {
        let Drill { number, request, outcome, why, given, .. } = drill;
        let (kind, severity) = match outcome {
            DrillOutcome::Pending => (EventKind::DRILL_PENDING, Severity::Info),
            DrillOutcome::Succeeded => (EventKind::DRILL_SUCCEEDED, Severity::Info),
            DrillOutcome::Interrupted => (EventKind::DRILL_INTERRUPTED, Severity::Info),
            DrillOutcome::Failed => (EventKind::DRILL_FAILED, Severity::Warning),
            DrillOutcome::CapacityCheckFailed => (EventKind::DRILL_CAPACITY_CHECK_FAILED, Severity::Warning),
        };
        let to = if given.is_empty() { String::new() } else { format!(", to {}", given.join(", ")) };
        let event = Self::new(kind, severity, drill.to_string(), at);
        Self { target: request.action.target(), ..event }
            .turns(DrillOutcome::Pending.as_str(), outcome.as_str())
            .because(why.as_ref().unwrap_or(&request.reason))
            .seen_by(format!("intent {number}: {}{to}", request.action))
            .by(&request.author)
    }

    /// An operator let a region back that was held or quarantined.
    pub fn failback(region: &str, author: &str, at: Moment) -> Self {
        let text = format!("{author} let {region} back");
        Self::new(EventKind::FAILBACK, Severity::Info, text, at).about(&Target::of_region(region)).by(author)
    }
}

fn name(intent: &Intent) -> String {
    format!("intent {} ({})", intent.number, intent.request.action)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::check;
    use super::*;
    use crate::intent::{IntentPhase, SafetyRule};

    const SEEN: &str = "a test | intent 3: drain tokyo/tokyo-a | alice";

    fn intent(phase: IntentPhase) -> Intent {
        let lasts = Some(Duration::from_secs(1800));
        let action = "drain tokyo/tokyo-a".parse().expect("a action");
        let request = Request { action, lasts, overrides: vec![SafetyRule::NoRegion], ..Request::default() };
        Intent { number: 3, request, made_at: Moment(0), phase }
    }

    #[test]
    fn an_intent_is_told_of_from_its_beginning_to_its_end() {
        let standing = intent(IntentPhase::Standing);
        check(
            &Event::intent_made(&standing, Moment(0)),
            &format!("intent_made Info tokyo/tokyo-a: - -> standing | {SEEN} | -"),
            "alice: drain tokyo/tokyo-a for 30m, overriding no_region: a test (intent 3)",
        );
        check(
            &Event::intent_over(&standing, Moment(0)),
            &format!("intent_over Info tokyo/tokyo-a: - -> over | {SEEN} | ends intent/3"),
            "intent 3 (drain tokyo/tokyo-a) is over",
        );
        check(
            &Event::intent_lifted(&standing, "bob", Moment(0)),
            &format!("intent_lifted Info tokyo/tokyo-a: - -> lifted | {} | -", SEEN.replace("alice", "bob")),
            "bob lifted intent 3 (drain tokyo/tokyo-a)",
        );
        check(
            &Event::intent_step(&standing, Share::HALF, Moment(0)),
            &format!("intent_step Info tokyo/tokyo-a: - -> standing | {SEEN} | -"),
            "intent 3 (drain tokyo/tokyo-a) ends step by step: 50% of the clients are where they belong",
        );
    }

    #[test]
    fn an_intent_whose_clients_cannot_come_back_is_a_condition_until_it_is_over() {
        let why = "tokyo/tokyo-a is down".to_owned();
        let overdue = intent(IntentPhase::Overdue { why: why.clone(), next: Moment(9) });
        let seen = SEEN.replace("a test", &why);
        check(
            &Event::intent_overdue(&overdue, &why, Moment(0)),
            &format!("intent_overdue Warning tokyo/tokyo-a: - -> overdue | {seen} | intent/3"),
            "intent 3 (drain tokyo/tokyo-a) is over, and its clients stay away: tokyo/tokyo-a is down",
        );
        check(
            &Event::intent_stuck(&intent(IntentPhase::Standing), Moment(0)),
            &format!("intent_stuck Warning tokyo/tokyo-a: - -> standing | {SEEN} | intent/3"),
            "intent 3 (drain tokyo/tokyo-a) goes no further: too many requests fail, or it is too full; \
             `meridian lift 3 --at-once` ends it all the same",
        );
    }

    #[test]
    fn the_outcome_of_a_drill_is_told_with_what_ended_it_and_its_author() {
        let request =
            Request { action: "drill tokyo/tokyo-a".parse().expect("a action"), ..Request::default() };
        let begun = Drill { given: vec!["osaka".to_owned()], ..Drill::begin(3, request, Moment(0)) };
        let over = |outcome, why: Option<&str>| {
            Event::drill_outcome(&begun.clone().over(outcome, why.map(str::to_owned), Moment(1)), Moment(1))
        };
        let seen = "intent 3: drill tokyo/tokyo-a 10% abort-when alarm, to osaka | alice | -";
        check(
            &over(DrillOutcome::Succeeded, None),
            &format!("drill_succeeded Info tokyo/tokyo-a: pending -> succeeded | a test | {seen}"),
            "`drill tokyo/tokyo-a 10% abort-when alarm` (3) succeeded",
        );
        check(
            &over(DrillOutcome::Failed, Some("osaka is down")),
            &format!("drill_failed Warning tokyo/tokyo-a: pending -> failed | osaka is down | {seen}"),
            "`drill tokyo/tokyo-a 10% abort-when alarm` (3) failed: osaka is down",
        );
    }

    #[test]
    fn a_failback_is_told_of_with_its_author() {
        check(
            &Event::failback("tokyo", "Jo", Moment(0)),
            "failback Info tokyo: - -> - | - | - | Jo | -",
            "Jo let tokyo back",
        );
    }
}
