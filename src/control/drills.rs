//! Drills: how one begins, what is watched while it lasts, and what came of it.
//!
//! A drill is an intent that keeps clients away as a shift does; the picture of its life is at the head of
//! `intent::drill`. What ends it by time is the intent itself, so that it ends whatever becomes of the process; here
//! is what ends it earlier, and the record of it, which is kept with the intents. The schedule of the configuration
//! starts drills by the same way that people do.

use std::time::Duration;

use super::{Command, Control, Effect, Rejection};
use crate::alarm::Alarm;
use crate::event::Event;
use crate::forecast::Forecast;
use crate::intent::{
    self, AbortRule, Action, Drill, DrillOutcome, Intent, IntentPhase, Request, SafetyRule, Transition,
};
use crate::load::Readings;
use crate::moment::Moment;
use crate::region::Regions;
use crate::units::{Percent, TimeSpan};

/// Returns the drill that a request is about, if it is to be done and not only tried.
pub(super) fn asked_for(request: &Command) -> Option<Request> {
    match request {
        Command::Intend { request, is_dry_run: false } if is_drill(&request.action) => Some(request.clone()),
        Command::Intend { .. }
        | Command::Lift { .. }
        | Command::Approve { .. }
        | Command::FailBack { .. } => None,
    }
}

fn is_drill(action: &Action) -> bool {
    matches!(action, Action::Drill { .. })
}

impl Control {
    /// Goes on with the drills of an earlier life: those that should have ended while the server was down are no success.
    pub(super) fn resume_drills(&mut self, now: Moment) -> Vec<Effect> {
        let gone = |drill: &Drill| {
            let intent = self.intents.intents().iter().find(|intent| intent.number == drill.number);
            let why = match intent {
                None => "its intent was not in force any more when the server started",
                Some(intent) if intent.phase != IntentPhase::Standing => return None,
                Some(intent) if intent.until().is_some_and(|until| until <= now) => {
                    "the server was not there when it was to end"
                }
                Some(_) => return None,
            };
            Some((drill.number, why))
        };
        let gone: Vec<_> = self.drills.pending().filter_map(gone).collect();
        let settle = |(number, why): (u64, &str)| {
            self.drills.settle(number, DrillOutcome::Interrupted, Some(why.to_owned()), now)
        };
        let said: Vec<_> = gone.into_iter().filter_map(settle).map(Effect::emit).collect();
        if said.is_empty() { said } else { [Effect::Keep(self.kept())].into_iter().chain(said).collect() }
    }

    /// Returns the drills that are over when this is taken.
    pub(super) fn drills_ended_by(&self, action: &Action) -> Vec<Intent> {
        let intents = self.intents.intents().iter();
        let ended =
            intents.filter(|intent| is_drill(&intent.request.action) && action.ends(&intent.request.action));
        ended.cloned().collect()
    }

    /// Says of drills that another intent has ended them.
    pub(super) fn interrupt_drills(
        &mut self,
        ended: &[Intent],
        by: &Intent,
        now: Moment,
    ) -> (Vec<intent::IntentChange>, Vec<Event>) {
        let why = || Some(format!("`{}` (intent {}) took over", by.request.action, by.number));
        let settle =
            |intent: &Intent| self.drills.settle(intent.number, DrillOutcome::Interrupted, why(), now);
        let notices = ended.iter().filter_map(settle).collect();
        let events = ended
            .iter()
            .map(|intent| intent::IntentChange { intent: intent.clone(), turn: Transition::Gone });
        (events.collect(), notices)
    }

    /// Begins to watch a drill that is in force from now on.
    pub(super) fn begin_drill(&mut self, intent: &Intent, forecast: &Forecast, now: Moment) {
        if !is_drill(&intent.request.action) {
            return;
        }
        let moves = forecast.moves.iter().filter(|one| one.to != one.from);
        let mut given: Vec<String> = moves.filter_map(|one| one.to.clone()).collect();
        given.sort_unstable();
        given.dedup();
        let standing = self.alarms().iter().map(|alarm| alarm.condition.to_string()).collect();
        let drill = Drill::begin(intent.number, intent.request.clone(), now);
        self.drills.add(Drill { given, standing, ..drill });
    }

    /// Remembers a drill that was refused for what it would lead to.
    pub(super) fn refuse_drill(&mut self, request: Request, refusal: &Rejection, now: Moment) -> Vec<Effect> {
        let Rejection::Unsafe { violations, .. } = refusal else {
            return Vec::new();
        };
        let broken = violations.iter().filter(|(rule, _)| *rule != SafetyRule::OneAtATime);
        let sentences: Vec<_> = broken.map(|(rule, sentence)| format!("{sentence} ({rule})")).collect();
        match sentences.is_empty() {
            true => Vec::new(),
            false => self.not_begun(request, DrillOutcome::CapacityCheckFailed, sentences.join("; "), now),
        }
    }

    fn not_begun(
        &mut self,
        request: Request,
        outcome: DrillOutcome,
        why: String,
        now: Moment,
    ) -> Vec<Effect> {
        let lasts = request.lasts.or(request.action.usual_time());
        let drill = Drill::begin(self.intents.next_number(), Request { lasts, ..request }, now);
        let drill = drill.over(outcome, Some(why), now);
        self.drills.add(drill.clone());
        vec![Effect::Keep(self.kept()), Effect::emit(Event::drill_outcome(&drill, now))]
    }

    /// Starts the drills whose time has come.
    pub(super) fn start_drills(&mut self, now: Moment) -> Vec<Effect> {
        let mut effects = Vec::new();
        for request in self.drills.due(now) {
            let under_way = self.drills.pending().next().map(|drill| drill.to_string());
            if let Some(other) = under_way {
                let why = format!("it was not begun: {other}");
                effects.extend(self.not_begun(request, DrillOutcome::Interrupted, why, now));
                continue;
            }
            let (answer, done) =
                self.ask(Command::Intend { request: request.clone(), is_dry_run: false }, now);
            let is_told = !done.is_empty();
            effects.extend(done);
            // What kept it from being asked for is no fault of the regions, but an operator waits for it.
            if let Err(refusal) = answer
                && !is_told
            {
                let why = format!("it was not begun: {}", sentence(&refusal));
                effects.extend(self.not_begun(request, DrillOutcome::Interrupted, why, now));
            }
        }
        effects
    }

    /// Ends the drills that something speaks against.
    pub(super) fn watch_drills(&mut self, now: Moment) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (number, why) in self.drill_troubles(now) {
            let Some(intent) = self.intents.intents().iter().find(|intent| intent.number == number) else {
                continue;
            };
            // Where the clients came from is not always fit to have them back.
            let is_at_once = self.obstacle(intent, now).is_none();
            let told = self.drills.settle(number, DrillOutcome::Failed, Some(why), now);
            let event = self.with_conditions(now, |intents, conditions| {
                intents.lift(number, is_at_once, conditions, now)
            });
            effects.extend(self.follow_intents(event.into_iter().collect(), now));
            effects.extend(told.map(Effect::emit));
        }
        effects
    }

    /// Returns every alarm that stands, of what was lost and of what is measured.
    fn alarms(&self) -> Vec<Alarm> {
        self.monitor.alarms().chain(self.rules.standing()).collect()
    }

    fn drill_troubles(&self, now: Moment) -> Vec<(u64, String)> {
        let mut readings = None;
        let alarms = self.alarms();
        let troubles = self.drills.pending().filter_map(|drill| {
            let raised = alarms.iter().find(|alarm| !drill.standing.contains(&alarm.condition.to_string()));
            let why = raised.map(|alarm| alarm.event.text.clone()).or_else(|| {
                let Action::Drill { abort, .. } = drill.request.action else { return None };
                if abort == AbortRule::Alarm {
                    return None;
                }
                let readings = readings.get_or_insert_with(|| self.monitor.readings(&self.base, now));
                broken(drill, abort, readings, &self.base.config.regions)
            })?;
            Some((drill.number, why))
        });
        troubles.collect()
    }
}

/// Says why something was not done, without what a person could do about it.
fn sentence(refusal: &Rejection) -> String {
    match refusal {
        Rejection::Unsafe { violations, .. } => {
            violations.iter().map(|(_, sentence)| sentence.as_str()).collect::<Vec<_>>().join("; ")
        }
        Rejection::Wrong(_) | Rejection::Unknown(_) | Rejection::Conflict(_) => refusal.to_string(),
    }
}

/// Returns how the rule of a drill is broken, by the region of the drill or one that its clients go to; `None`: it is
/// kept, or it is not known.
fn broken(drill: &Drill, abort: AbortRule, readings: &Readings, regions: &Regions) -> Option<String> {
    let concerned = drill.request.action.region().into_iter().chain(drill.given.iter().map(String::as_str));
    let mut vitals =
        concerned.filter_map(|name| Some((name, readings.vitals.get(usize::from(regions.find(name)?.0))?)));
    vitals.find_map(|(name, vitals)| match abort {
        AbortRule::Alarm => None,
        AbortRule::Load(limit) => {
            let load = vitals.load.filter(|load| *load > limit)?;
            Some(format!("{name} is at {} of its capacity ({abort})", Percent::rounded(load)))
        }
        AbortRule::ErrorRate(limit) => {
            let rate = vitals.error_rate.filter(|rate| *rate > limit)?;
            Some(format!("{name} fails {} of its requests ({abort})", Percent::rounded(rate)))
        }
        AbortRule::P95(limit) => {
            let p95 = vitals.p95_latency_seconds.filter(|p95| *p95 > limit.as_secs_f64())?;
            // A sensor may say anything; what it says was checked to be a number of seconds.
            let p95 = Duration::try_from_secs_f64((p95 * 1000.0).round() / 1000.0).unwrap_or(Duration::MAX);
            Some(format!("{name} takes {} for 95% of its requests ({abort})", TimeSpan(p95)))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::{Signal, Signals};
    use crate::control::Input;
    use crate::control::fixture::{Play, base, base_with, number, refusal};
    use crate::health::Vitals;
    use crate::intent::SavedIntents;

    const MINUTE: u64 = 60;

    /// When plays with a schedule begin: a Thursday, a quarter past midnight.
    const THURSDAY: Moment = Moment(15 * 60_000);

    /// Checks what came of the last drill, and why.
    fn check(play: &Play, outcome: DrillOutcome, why: &str) {
        let drill = play.kept.drills.last().expect("there was a drill");
        assert_eq!(drill.outcome, outcome, "{drill}");
        assert!(drill.why.as_deref().unwrap_or_default().contains(why), "{drill}");
        assert_eq!(drill.ended_at.is_none(), drill.is_pending());
    }

    fn said(play: &Play, text: &str) -> usize {
        play.said.iter().filter(|line| line.contains(text)).count()
    }

    #[test]
    fn a_drill_that_lasts_its_time_succeeded_when_its_clients_are_back() {
        let mut play = Play::begin();
        number(play.want("drill osaka 60", Some(30), &[]));
        assert_eq!(play.shares(), [100, 40, 100]);
        play.wait(30 * MINUTE);
        assert_eq!(play.shares(), [100, 50, 100], "it ends by the ramp");
        check(&play, DrillOutcome::Pending, "");
        play.wait(MINUTE);
        assert_eq!(play.shares(), [100; 3]);
        check(&play, DrillOutcome::Succeeded, "");
        assert_eq!(said(&play, "`drill osaka 60% abort-when alarm` (1) succeeded"), 1, "{:?}", play.said);
    }

    #[test]
    fn an_alarm_ends_a_drill_at_once_and_it_failed() {
        let mut play = Play::begin();
        number(play.want("drill osaka 60", None, &[]));
        play.probe(2, false);
        assert_eq!(play.shares(), [100, 100, 0]);
        check(&play, DrillOutcome::Failed, "oregon left the IPv4 answers");
        assert!(play.control.intents.intents().is_empty());
        play.wait(60 * MINUTE);
        check(&play, DrillOutcome::Failed, "oregon");
        assert_eq!(said(&play, "failed: oregon left"), 1, "{:?}", play.said);
    }

    #[test]
    fn an_alarm_that_stood_when_it_began_ends_no_drill_not_even_after_a_restart() {
        let mut play = Play::begin();
        play.probe(2, false);
        number(play.want("drill osaka 60", None, &[]));
        play.probe(0, true);
        check(&play, DrillOutcome::Pending, "");
        let mut after = Play::new(play.kept, play.now.plus(Duration::from_secs(60)));
        after.probe(2, false);
        check(&after, DrillOutcome::Pending, "");
        after.probe(1, false);
        check(&after, DrillOutcome::Failed, "osaka left the IPv4 answers");
    }

    #[test]
    fn clients_of_a_region_that_falls_while_it_is_drilled_come_back_when_it_is_well() {
        let mut play = Play::begin();
        number(play.want("drill osaka 60", None, &[]));
        play.probe(1, false);
        check(&play, DrillOutcome::Failed, "osaka left");
        assert_eq!(play.shares(), [100, 0, 100]);
        let [intent] = play.control.intents.intents() else { panic!("its clients stay away") };
        assert_eq!(intent.phase.as_str(), "overdue");
        play.probe(1, true);
        play.wait(5 * MINUTE);
        assert_eq!(play.shares(), [100; 3]);
        assert_eq!(play.kept.drills.len(), 1);
        check(&play, DrillOutcome::Failed, "osaka left");
    }

    #[test]
    fn whoever_moves_clients_in_earnest_is_not_kept_waiting_by_a_drill() {
        for (action, shares) in [
            ("shift oregon 10%", [100, 100, 90]),
            ("drain osaka", [100, 0, 100]),
            ("disable oregon", [100, 100, 0]),
        ] {
            let mut play = Play::begin();
            number(play.want("drill osaka 60", None, &[]));
            number(play.want(action, None, &[]));
            assert_eq!(play.shares(), shares, "{action}");
            check(&play, DrillOutcome::Interrupted, "(intent 2) took over");
            assert_eq!(play.kept.intents.len(), 1, "{action}");
        }
        let mut play = Play::begin();
        number(play.want("drill osaka 60", None, &[]));
        number(play.want("failover advise", None, &[]));
        check(&play, DrillOutcome::Pending, "");
        let other = refusal(play.want("drill oregon", None, &[]));
        assert!(other.contains("(one_at_a_time)"), "{other}");
        assert_eq!(play.kept.drills.len(), 1, "that another one is under way says nothing of the regions");
        number(play.want("drill osaka 70", None, &[]));
        assert_eq!(play.kept.drills[0].outcome, DrillOutcome::Interrupted);
        check(&play, DrillOutcome::Pending, "");
    }

    #[test]
    fn whoever_only_tries_to_move_clients_interrupts_nothing() {
        let mut play = Play::begin();
        number(play.want("drill osaka 60", None, &[]));
        let request = Request { action: "drain osaka".parse().expect("an action"), ..Request::default() };
        let request = Request { lasts: Some(Duration::from_secs(600)), ..request };
        play.ask(Command::Intend { request, is_dry_run: true }).expect("it is only tried");
        check(&play, DrillOutcome::Pending, "");
        assert_eq!(play.shares(), [100, 40, 100]);
    }

    #[test]
    fn a_drill_that_is_lifted_was_interrupted_and_its_clients_come_back_step_by_step() {
        let mut play = Play::begin();
        let drill = number(play.want("drill osaka", Some(30), &[]));
        number(play.want("drill osaka 100", Some(30), &[]));
        let lift = Command::Lift { number: drill + 1, author: "bob".to_owned(), is_at_once: false };
        play.ask(lift).expect("it is in force");
        check(&play, DrillOutcome::Interrupted, "bob lifted it");
        assert_eq!(play.shares(), [100, 10, 100]);
        play.wait(2 * MINUTE);
        check(&play, DrillOutcome::Interrupted, "bob lifted it");
        assert_eq!(play.shares(), [100; 3]);
    }

    #[test]
    fn a_drill_that_ends_badly_by_calculation_is_not_begun_and_remembered_with_the_numbers() {
        let mut play = Play::begin();
        let refused = refusal(play.want("drill tokyo 100", None, &[]));
        assert!(refused.contains("(no_region)"), "{refused}");
        check(&play, DrillOutcome::CapacityCheckFailed, "(no_region)");
        assert_eq!(play.shares(), [100; 3]);
        assert_eq!(said(&play, "was not begun, for the capacity check failed"), 1, "{:?}", play.said);
        assert_eq!(play.kept.drills[0].request.lasts, Some(Duration::from_secs(1800)));
    }

    #[test]
    fn the_rule_of_a_drill_is_about_its_region_and_those_that_its_clients_go_to() {
        let mut play = Play::begin();
        number(play.want("drill osaka 60 abort-when load>90%", None, &[]));
        let load = |load| {
            let mut signals = Signals::default();
            signals.set(Signal::Load, load);
            Some(signals)
        };
        play.hear(1, true, load(0.9));
        check(&play, DrillOutcome::Pending, "");
        play.hear(1, true, load(0.91));
        check(&play, DrillOutcome::Failed, "osaka is at 91% of its capacity (load>90%)");
        assert_eq!(play.shares(), [100; 3]);
    }

    #[test]
    fn each_rule_says_what_broke_it() {
        let request = Request { action: "drill osaka".parse().expect("an action"), ..Request::default() };
        let drill = Drill { given: vec!["oregon".to_owned()], ..Drill::begin(1, request, Moment(0)) };
        let base = base();
        let check = |rule: &str, region: usize, vitals: Vitals, expected: Option<&str>| {
            let mut readings = Readings { vitals: vec![Vitals::default(); 3], ..Readings::default() };
            readings.vitals[region] = vitals;
            let abort = rule.parse().expect("a rule");
            let told = broken(&drill, abort, &readings, &base.config.regions);
            assert_eq!(told.as_deref(), expected, "{rule}");
        };
        let load = Vitals { load: Some(0.95), ..Vitals::default() };
        check("load>90%", 0, load, None);
        check("load>90%", 2, load, Some("oregon is at 95% of its capacity (load>90%)"));
        check("alarm", 2, load, None);
        let errors = Vitals { error_rate: Some(0.031), ..Vitals::default() };
        check("error_rate>2%", 2, errors, Some("oregon fails 3.1% of its requests (error_rate>2%)"));
        let slow = Vitals { p95_latency_seconds: Some(0.95), ..Vitals::default() };
        check("p95>900ms", 1, slow, Some("osaka takes 950ms for 95% of its requests (p95>900ms)"));
        check("p95>1s", 1, slow, None);
    }

    #[test]
    fn a_drill_goes_on_after_a_restart_and_one_that_nobody_watched_to_its_end_is_no_success() {
        let mut play = Play::begin();
        number(play.want("drill osaka 60", Some(30), &[]));
        play.wait(MINUTE);
        let mut after = Play::new(play.kept.clone(), play.now.plus(Duration::from_secs(5 * MINUTE)));
        assert_eq!(after.shares(), [100, 40, 100]);
        after.wait(30 * MINUTE);
        check(&after, DrillOutcome::Succeeded, "");
        let mut late = Play::new(play.kept, play.now.plus(Duration::from_secs(40 * MINUTE)));
        check(&late, DrillOutcome::Interrupted, "the server was not there when it was to end");
        assert_eq!(late.shares(), [100, 50, 100], "it ends all the same");
        late.wait(2 * MINUTE);
        assert_eq!(late.shares(), [100; 3]);
        let none = SavedIntents { intents: Vec::new(), ..late.kept };
        let pending = Drill { outcome: DrillOutcome::Pending, ended_at: None, ..none.drills[0].clone() };
        let lost = Play::new(SavedIntents { drills: vec![pending], ..none }, Moment(0));
        check(&lost, DrillOutcome::Interrupted, "its intent was not in force any more");
    }

    const SCHEDULE: &str = "drills: [{ region: osaka, percent: 60, windows: ['thu 01:00-02:00'] }]\n";

    #[test]
    fn the_schedule_starts_a_drill_at_the_beginning_of_a_window_and_again_a_week_later() {
        let mut play = Play::on(base_with("", SCHEDULE), SavedIntents::default(), THURSDAY);
        play.wait(44 * MINUTE);
        assert!(play.kept.drills.is_empty());
        play.wait(2 * MINUTE);
        assert_eq!(play.shares(), [100, 40, 100]);
        assert_eq!(said(&play, "schedule: drill osaka 60% abort-when alarm for 30m: drill by schedule"), 1);
        play.wait(7 * 24 * 60 * MINUTE);
        assert_eq!(play.kept.drills.len(), 2);
        assert_eq!(play.kept.drills[0].outcome, DrillOutcome::Succeeded);
        check(&play, DrillOutcome::Pending, "");
    }

    #[test]
    fn a_window_that_was_missed_is_not_made_up_for() {
        let late = Moment(61 * 60_000);
        let mut play = Play::on(base_with("", SCHEDULE), SavedIntents::default(), late);
        play.wait(60 * MINUTE);
        assert!(play.kept.drills.is_empty());
        let mut play = Play::on(base_with("", SCHEDULE), SavedIntents::default(), THURSDAY);
        play.now = late.plus(Duration::from_secs(1));
        play.handle(Input::Tick);
        assert!(play.kept.drills.is_empty(), "the machine slept");
        assert!(play.control.drills.wake() > Some(late), "the next one is in a week");
    }

    #[test]
    fn a_drill_of_the_schedule_that_cannot_begin_says_why() {
        let mut play = Play::on(base_with("", SCHEDULE), SavedIntents::default(), THURSDAY);
        number(play.want("shift oregon 10%", Some(120), &[]));
        play.wait(46 * MINUTE);
        check(
            &play,
            DrillOutcome::Interrupted,
            "it was not begun: `shift oregon 10%` (intent 1) is in force",
        );
        let mut play = Play::on(base_with("", SCHEDULE), SavedIntents::default(), THURSDAY);
        number(play.want("drill oregon", Some(120), &[]));
        play.wait(46 * MINUTE);
        check(
            &play,
            DrillOutcome::Interrupted,
            "it was not begun: `drill oregon 10% abort-when alarm` (1) is under way",
        );
        let mut play = Play::on(
            base_with("", &SCHEDULE.replace("osaka, percent: 60", "tokyo, percent: 100")),
            SavedIntents::default(),
            THURSDAY,
        );
        play.wait(46 * MINUTE);
        check(&play, DrillOutcome::CapacityCheckFailed, "(no_region)");
    }

    #[test]
    fn a_reload_changes_the_schedule_and_keeps_what_is_as_it_was() {
        let mut play = Play::on(base_with("", SCHEDULE), SavedIntents::default(), THURSDAY);
        let begin = play.control.drills.wake();
        assert_eq!(begin, Some(Moment(60 * 60_000)));
        // A reload in the very moment of a start does not swallow it.
        play.control.handle(Input::Reloaded(base_with("", SCHEDULE)), Moment(60 * 60_000));
        assert_eq!(play.control.drills.wake(), begin);
        let later = SCHEDULE.replace("thu 01:00-02:00", "fri 01:00-02:00");
        play.control.handle(Input::Reloaded(base_with("", &later)), play.now);
        assert_eq!(play.control.drills.wake(), Some(Moment(25 * 60 * 60_000)));
        play.control.handle(Input::Reloaded(base()), play.now);
        assert_eq!(play.control.drills.wake(), None);
    }
}
