//! Takes what people ask for: whether it makes sense, whether it is safe, and what becomes of it.
//!
//! ```text
//!  form ──▶ names ──▶ asked for a moment ago? ──▶ one at a time ──▶ forecast ──▶ in force
//!   400      404        its number                   409             409, with the numbers
//! ```
//!
//! Whatever is accepted is in the next snapshot, which is compiled before the answer is given.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::request::{usual_time, wrong_form};
use super::{Command, Control, Done, Effect, Rejection, drills, overlay_of};
use crate::event::Event;
use crate::forecast::{self, Forecast, Situation};
use crate::intent::{self, Action, Intent, MAX_INTENTS, Overlay, Request, ReturnConditions, SafetyRule};
use crate::moment::{Moment, follows_clock};
use crate::region::{RegionId, Resolved, Site};

/// Something that the machine would do if it were allowed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub number: u64,
    /// The region that would leave.
    pub region: String,
    pub at: Moment,
}

impl Control {
    /// Does what an operator asks for, or says why not, and returns what the shell must do.
    pub(super) fn ask(&mut self, command: Command, now: Moment) -> (Result<Done, Rejection>, Vec<Effect>) {
        let drill = drills::asked_for(&command);
        let asked = match command {
            Command::Intend { request, is_dry_run } => self.intend(request, is_dry_run, now),
            Command::Lift { number, author, is_at_once } => self.lift(number, &author, is_at_once, now),
            Command::Approve { number, author, reason, overrides, is_dry_run } => self
                .approval(number, author, reason, overrides)
                .and_then(|request| self.intend(request, is_dry_run, now)),
            Command::FailBack { region, author } => self.let_back(region, author, now),
        };
        match asked {
            Ok((done, effects)) => (Ok(done), effects),
            Err(refusal) => {
                let effects =
                    drill.map_or_else(Vec::new, |request| self.refuse_drill(request, &refusal, now));
                (Err(refusal), effects)
            }
        }
    }

    fn intend(
        &mut self,
        mut request: Request,
        is_dry_run: bool,
        now: Moment,
    ) -> Result<(Done, Vec<Effect>), Rejection> {
        request.lasts = request.lasts.or(usual_time(&request));
        wrong_form(&request, now).map_or(Ok(()), |sentence| Err(Rejection::Wrong(sentence)))?;
        self.find_all(&request.action)?;
        if let Some(same) = self.intents.same(&request, now).filter(|_| !is_dry_run) {
            return Ok((Done::Same(same.clone()), Vec::new()));
        }
        if self.intents.intents().len() >= MAX_INTENTS {
            return Err(Rejection::Conflict(format!(
                "{MAX_INTENTS} intents are in force, which is all there can be; lift some"
            )));
        }
        let forecast = self.predict(&request, now);
        let replaces = self.replaced(&request.action);
        let mut violations = self.violations(&request, &forecast, now);
        if is_dry_run {
            let notes = replaces.iter().map(|what| format!("it takes the place of {what}\n"));
            let forecast = forecast.to_string() + &notes.collect::<String>();
            return Ok((Done::Tried { forecast, violations }, Vec::new()));
        }
        violations.retain(|(rule, _)| !request.overrides.contains(rule));
        if !violations.is_empty() {
            return Err(Rejection::Unsafe { violations, forecast: forecast.to_string() });
        }
        let ended = self.drills_ended_by(&request.action);
        let made = self.intents.make(request, now);
        let intent = made.intent.clone();
        let (mut changes, interrupted) = self.interrupt_drills(&ended, &intent, now);
        self.begin_drill(&intent, &forecast, now);
        changes.push(made);
        let mut effects = self.follow_intents(changes, now);
        effects.extend(interrupted.into_iter().map(Effect::emit));
        let forecast = Some(forecast.to_string());
        Ok((Done::Made { intent, snapshot: self.number, forecast, replaces, is_kept: true }, effects))
    }

    /// Returns what an action takes the place of that the configuration says for good; `None`: nothing.
    fn replaced(&self, action: &Action) -> Option<String> {
        let config = &self.base.config;
        match action {
            Action::Weights { owner, .. } => {
                let steering = config.steered.iter().find(|steering| steering.owner == *owner)?;
                let name = |id: RegionId| &config.regions.region(id).name;
                let weights = steering.weights.iter().rev();
                let weights: Vec<_> =
                    weights.map(|(region, weight)| format!("{}: {weight}", name(*region))).collect();
                let text = format!("`weights: {{ {} }}` in the configuration of {owner}", weights.join(", "));
                (!weights.is_empty()).then_some(text)
            }
            Action::Failover { region, failover } => {
                let is_meant = |name: &str| region.as_deref().is_none_or(|region| region == name);
                let regions = config.regions.iter().filter(|(_, region)| is_meant(&region.name));
                let others = regions.filter(|(_, region)| region.failover != *failover);
                let others: Vec<_> = others
                    .map(|(_, region)| format!("`failover: {}` of {}", region.failover.as_str(), region.name))
                    .collect();
                (!others.is_empty()).then(|| others.join(", "))
            }
            Action::Shift { .. }
            | Action::Drain { .. }
            | Action::Disable { .. }
            | Action::Force { .. }
            | Action::Approve { .. }
            | Action::Capacity { .. }
            | Action::Drill { .. } => None,
        }
    }

    /// Returns the safety rules that an intent would break, with the numbers: those that the machine would not break if
    /// it were allowed to act on what it sees. What it does by itself is not refused to an operator.
    fn violations(&self, request: &Request, forecast: &Forecast, now: Moment) -> Vec<(SafetyRule, String)> {
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

    fn lift(
        &mut self,
        number: u64,
        author: &str,
        is_at_once: bool,
        now: Moment,
    ) -> Result<(Done, Vec<Effect>), Rejection> {
        let change = self
            .with_conditions(now, |intents, conditions| intents.lift(number, is_at_once, conditions, now));
        let change = change.ok_or_else(|| Rejection::Unknown(format!("no intent {number} is in force")))?;
        let lifted = Event::intent_lifted(&change.intent, author, now);
        let text = Event::of_intent(&change, now).text;
        let done = Done::Lifted { intent: change.intent.clone(), text };
        let drill = self.drills.lifted(number, author, now);
        let mut effects = self.follow_intents(vec![change], now);
        effects.push(Effect::emit(lifted));
        effects.extend(drill.map(Effect::emit));
        Ok((done, effects))
    }

    /// Returns the request that approves a proposal.
    fn approval(
        &self,
        number: u64,
        author: String,
        reason: String,
        overrides: Vec<SafetyRule>,
    ) -> Result<Request, Rejection> {
        let proposal = self.proposals.iter().find(|proposal| proposal.number == number);
        let Some(proposal) = proposal else {
            let known: Vec<_> = self.proposals.iter().map(|proposal| proposal.number.to_string()).collect();
            let known = if known.is_empty() {
                "none is open".to_owned()
            } else {
                format!("open: {}", known.join(", "))
            };
            return Err(Rejection::Unknown(format!("no proposal {number} is open ({known})")));
        };
        let action = Action::Approve { region: proposal.region.clone() };
        Ok(Request { action, author, reason, lasts: None, overrides })
    }

    fn let_back(
        &mut self,
        region: String,
        author: String,
        now: Moment,
    ) -> Result<(Done, Vec<Effect>), Rejection> {
        let regions = &self.base.config.regions;
        let id = regions.named(&region)?;
        let zones = regions.zones().filter(|(_, of, _)| *of == id).map(|(zone, _, _)| Site::Zone(zone));
        let sites = std::iter::once(Site::Region(id)).chain(zones);
        if !sites.flat_map(|site| self.monitor.observed(site)).any(|status| status.phase.is_kept_away()) {
            let is = self.monitor.phases_told(Site::Region(id));
            return Err(Rejection::Conflict(format!("{region} is neither held nor quarantined: it is {is}")));
        }
        let findings = self.monitor.fail_back(id, now);
        let mut effects = vec![Effect::emit(Event::failback(&region, &author, now))];
        effects.extend(self.follow(findings, Vec::new(), now));
        Ok((Done::LetBack { region }, effects))
    }

    /// Finds everything that is named, or says what is not there.
    fn find_all(&self, action: &Action) -> Result<(), Rejection> {
        let regions = &self.base.config.regions;
        if let Action::Weights { owner, members, .. } = action {
            let mut steered = self.base.config.steered.iter();
            let steering = steered.find(|steering| steering.owner == *owner);
            let steering =
                steering.ok_or_else(|| Rejection::Unknown(format!("no steered name is called {owner}")))?;
            for (name, _) in members {
                let region = regions.named(name)?;
                if !steering.policy.regions.contains(&region) {
                    return Err(Rejection::Wrong(format!("{owner} is not steered to {name}")));
                }
            }
            return Ok(());
        }
        action.target().iter().try_for_each(|target| regions.resolve(target).map(drop))?;
        Ok(())
    }

    /// Returns the numbers of the intents that are about something that is not configured, and what that is.
    pub(super) fn aimless(&self) -> BTreeMap<u64, String> {
        let missing = |intent: &Intent| match self.find_all(&intent.request.action) {
            Ok(()) => None,
            Err(why) => Some((intent.number, why.to_string())),
        };
        self.intents.intents().iter().filter_map(missing).collect()
    }

    /// Forecasts what a request would lead to.
    fn predict(&self, request: &Request, now: Moment) -> Forecast {
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
    fn no_room_for(&self, intent: &Intent, now: Moment) -> Option<String> {
        let mut intents = self.intents.clone();
        intents.forget(intent.number);
        let forecast = self.predict_under(&overlay_of(&intents, &self.base.config, now), now);
        let region = intent.request.action.region()?;
        let full = forecast.regions.iter().find(|one| one.region == region && one.is_above_hard)?;
        Some(full.over(forecast.hard))
    }

    /// Lets the intents follow time and what is seen, and does what comes of it.
    pub(super) fn attend(&mut self, now: Moment) -> Vec<Effect> {
        self.proposals.retain(|proposal| {
            let id = self.base.config.regions.find(&proposal.region);
            id.is_some_and(|id| !self.monitor.is_stable(Site::Region(id)))
        });
        let mut effects = self.start_drills(now);
        effects.extend(self.follow_calendar(now));
        if self.intents.intents().is_empty() {
            return effects;
        }
        let mut changes = self.with_conditions(now, |intents, conditions| intents.update(conditions, now));
        changes.extend(self.end_approvals(now));
        if !changes.is_empty() {
            effects.extend(self.follow_intents(changes, now));
        }
        effects.extend(self.watch_drills(now));
        effects
    }

    /// Looks when a known event begins or ends next.
    pub(super) fn look_at_calendar(&mut self, now: Moment) {
        let events = self.base.config.capacity_events.iter();
        self.capacity_due = events.flat_map(|event| [event.at, event.until]).filter(|at| *at > now).min();
    }

    /// Lets known events begin and end.
    fn follow_calendar(&mut self, now: Moment) -> Vec<Effect> {
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

    /// What was approved has done its work when the region is well again.
    fn end_approvals(&mut self, now: Moment) -> Vec<intent::IntentChange> {
        let is_done = |intent: &&Intent| match &intent.request.action {
            Action::Approve { region } => {
                let region = self.base.config.regions.find(region);
                region.is_none_or(|id| self.monitor.is_stable(Site::Region(id)))
            }
            _ => false,
        };
        let done: Vec<u64> =
            self.intents.intents().iter().filter(is_done).map(|intent| intent.number).collect();
        let lifted = done.into_iter().filter_map(|number| {
            self.with_conditions(now, |intents, scene| intents.lift(number, true, scene, now))
        });
        lifted.collect()
    }

    /// Runs something on the desk with what is seen of the regions.
    pub(super) fn with_conditions<T>(
        &mut self,
        now: Moment,
        run: impl FnOnce(&mut intent::IntentStore, &ReturnConditions<'_>) -> T,
    ) -> T {
        let mut intents = std::mem::take(&mut self.intents);
        let result = {
            let scene = ReturnConditions {
                regions: &self.base.config.regions,
                obstacle: &|intent| self.obstacle(intent, now),
                is_stable: &|site| self.monitor.is_stable(site),
                is_open: &|site, since| self.monitor.is_open(site, since, now),
            };
            run(&mut intents, &scene)
        };
        self.intents = intents;
        result
    }

    /// Returns why the clients of an intent cannot come back now.
    pub(super) fn obstacle(&self, intent: &Intent, now: Moment) -> Option<String> {
        let regions = &self.base.config.regions;
        let target = intent.request.action.target()?;
        let site = regions.site(&target)?;
        if !self.monitor.is_stable(site) {
            return Some(format!("{target} is {}", self.monitor.phases_told(site)));
        }
        self.no_room_for(intent, now)
    }

    /// Does what follows when intents have come, gone, or gone on.
    pub(super) fn follow_intents(&mut self, changes: Vec<intent::IntentChange>, now: Moment) -> Vec<Effect> {
        let overlay = overlay_of(&self.intents, &self.base.config, now);
        let has_other_weights = overlay.weights != self.monitor.overlay().weights;
        let findings = self.monitor.instruct(overlay, now);
        self.note_loads(&changes, now);
        let settled = self.drills.hear(&changes, now);
        let of_intents = changes.iter().map(|change| Event::of_intent(change, now));
        let mut findings = findings.after(of_intents.chain(settled).collect());
        findings.moves_view |= has_other_weights || self.others_leave();
        let mut effects = self.follow(findings, Vec::new(), now);
        effects.push(Effect::Keep(self.kept()));
        effects
    }

    /// Numbers what the machine advises, so that it can be approved.
    pub(super) fn propose(&mut self, advised: &[(RegionId, Moment)]) {
        for (region, at) in advised {
            let region = self.base.config.regions.region(*region).name.clone();
            if self.proposals.iter().all(|proposal| proposal.region != region) {
                let number = self.intents.next_number();
                self.proposals.push(Proposal { number, region, at: *at });
            }
        }
    }
}

follows_clock!(Proposal: at);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::control::fixture::{Play, number, refusal};

    #[test]
    fn a_shift_is_in_the_answers_at_once_and_its_clients_come_back_by_the_ramp() {
        let mut play = Play::begin();
        number(play.want("shift osaka 60%", Some(30), &[]));
        assert_eq!(play.shares(), [100, 40, 100]);
        play.wait(29 * 60);
        assert_eq!(play.shares(), [100, 40, 100]);
        play.wait(61);
        assert_eq!(play.shares(), [100, 50, 100], "steps of the ramp that it has already are left out");
        play.wait(60);
        assert_eq!(play.shares(), [100; 3]);
        assert!(play.control.intents.intents().is_empty());
        assert!(play.said.iter().any(|line| line.ends_with("(shift osaka 60%) is over")), "{:?}", play.said);
    }

    #[test]
    fn what_was_asked_for_a_moment_ago_has_its_number_already() {
        let mut play = Play::begin();
        let first = number(play.want("drain osaka", None, &[]));
        for _ in 0..1000 {
            assert!(
                matches!(play.want("drain osaka", None, &[]), Ok(Done::Same(intent)) if intent.number == first)
            );
        }
        assert_eq!(play.kept.intents.len(), 1);
    }

    #[test]
    fn there_is_one_shift_at_a_time_unless_it_takes_the_place_of_another_or_says_so() {
        let mut play = Play::begin();
        number(play.want("shift osaka 10%", None, &[]));
        let refused = refusal(play.want("drain oregon", None, &[]));
        assert!(refused.contains("`shift osaka 10%` (intent 1) is in force (one_at_a_time)"), "{refused}");
        number(play.want("shift osaka 40%", None, &[]));
        assert_eq!(play.shares(), [100, 60, 100]);
        number(play.want("drain oregon", None, &[SafetyRule::OneAtATime]));
        assert_eq!(play.shares(), [100, 60, 0]);
    }

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
    fn fewer_regions_than_must_be_in_service_are_refused_and_each_wish_that_makes_no_sense() {
        let mut play = Play::begin();
        number(play.want("disable osaka", None, &[]));
        number(play.want("disable oregon", None, &[]));
        let few = refusal(play.want("disable tokyo", None, &[]));
        assert!(few.contains("(min_in_service)") && few.contains("(no_region)"), "{few}");
        play.control.intents = intent::IntentStore::default();
        for (action, minutes, sentence) in [
            ("drain tokio", None, "no region is called `tokio`; did you mean `tokyo`?"),
            (
                "drain tokyo/tokyo-b",
                None,
                "tokyo has no availability zone `tokyo-b`; did you mean `tokyo-a`?",
            ),
            ("force tokyo/tokyo-a/192.0.2.99 down", None, "tokyo/tokyo-a has no address 192.0.2.99"),
            ("shift osaka 10%", Some(0), "stands for 1m to 3d, not for 0s"),
            ("shift osaka 10%", Some(365 * 24 * 60), "stands for 1m to 3d"),
            ("weights www.example.com tokyo=1 osaka=1", None, "no steered name is called www.example.com."),
            ("weights bank.example.com tokyo=1 oregon=1", None, "is not steered to oregon"),
        ] {
            let refused = refusal(play.want(action, minutes, &[]));
            assert!(refused.contains(sentence), "{action}: {refused}");
        }
        assert_eq!(
            refusal(play.ask(Command::Lift { number: 99, author: "a".to_owned(), is_at_once: false })),
            "no intent 99 is in force"
        );
    }

    #[test]
    fn clients_of_a_shift_that_is_over_stay_away_while_the_region_is_ill_and_that_is_said_once() {
        let mut play = Play::begin();
        number(play.want("drain osaka", Some(10), &[]));
        play.probe(1, false);
        play.wait(11 * 60);
        let overdue = |play: &Play| play.said.iter().filter(|line| line.contains("stay away")).count();
        assert_eq!(overdue(&play), 1, "{:?}", play.said);
        assert_eq!(play.shares(), [100, 0, 100]);
        play.probe(1, true);
        // Ten seconds of waiting, and the ramp of the fall; then, as it is well, the ramp of the intent.
        play.wait(5 * 60);
        assert_eq!(play.shares(), [100; 3]);
        assert_eq!(
            overdue(&play),
            1 + play.said.iter().filter(|line| line.contains("stay away: osaka is ramp")).count()
        );
    }

    #[test]
    fn an_intent_survives_a_restart_and_ends_although_nobody_was_there() {
        let mut play = Play::begin();
        number(play.want("drain osaka", Some(10), &[]));
        let mut after = Play::new(play.kept.clone(), play.now.plus(Duration::from_secs(300)));
        assert_eq!(after.shares(), [100, 0, 100]);
        assert_eq!(number(after.want("force oregon down", None, &[])), 2, "numbers go on");
        let mut late = Play::new(play.kept, play.now.plus(Duration::from_secs(3600)));
        assert_eq!(late.shares(), [100, 10, 100], "it returns by the ramp");
        late.wait(120);
        assert_eq!(late.shares(), [100; 3]);
    }

    #[test]
    fn lifting_ends_step_by_step_or_at_once_and_what_is_forced_shows_the_truth() {
        let mut play = Play::begin();
        let lift = |number, is_at_once| Command::Lift { number, author: "bob".to_owned(), is_at_once };
        let drain = number(play.want("drain osaka", None, &[]));
        play.ask(lift(drain, false)).expect("it is in force");
        assert_eq!(play.shares(), [100, 10, 100]);
        play.ask(lift(drain, false)).expect("it is returning");
        assert_eq!(play.shares(), [100, 10, 100], "lifting it twice brings no clients back sooner");
        play.ask(lift(drain, true)).expect("it is returning");
        assert_eq!(play.shares(), [100; 3]);
        let force = number(play.want("force osaka down", None, &[]));
        assert_eq!(play.shares(), [100, 0, 100]);
        play.ask(lift(force, false)).expect("it is in force");
        assert_eq!(play.shares(), [100, 10, 100], "all at once would be a failover backwards");
        play.wait(120);
        assert_eq!(play.shares(), [100; 3]);
        number(play.want("force osaka down", Some(10), &[]));
        play.wait(10 * 60 + 1);
        assert_eq!(play.shares(), [100, 10, 100], "the same when its time is over");
        play.wait(120);
        assert_eq!(play.shares(), [100; 3]);
        number(play.want("force osaka/osaka-a/192.0.2.11 down", Some(10), &[]));
        play.wait(10 * 60 + 1);
        assert_eq!(play.shares(), [100; 3], "clients of an address stay in its region");
        assert!(
            play.said.iter().any(|line| line == "bob lifted intent 2 (force osaka down)"),
            "{:?}",
            play.said
        );
    }

    #[test]
    fn what_the_machine_advises_happens_when_it_is_approved_and_ends_when_the_region_is_well() {
        let mut play = Play::begin();
        number(play.want("failover advise osaka", None, &[]));
        play.probe(1, false);
        assert_eq!(play.shares(), [100; 3]);
        let [proposal] = &play.control.proposals[..] else { panic!("one is open") };
        let approval = approve(proposal.number, &[]);
        assert!(refusal(play.ask(approve(99, &[]))).contains("no proposal 99 is open (open: 2)"));
        number(play.ask(approval));
        assert_eq!(play.shares(), [100, 0, 100]);
        play.probe(1, true);
        play.wait(200);
        assert_eq!(play.shares(), [100; 3]);
        assert!(play.control.proposals.is_empty());
        let words: Vec<_> =
            play.control.intents.intents().iter().map(|intent| intent.request.action.word()).collect();
        assert_eq!(words, ["failover"]);
    }

    /// Approves a proposal, in the name of bob.
    fn approve(number: u64, overrides: &[SafetyRule]) -> Command {
        let (author, reason) = ("bob".to_owned(), "it is dead".to_owned());
        Command::Approve { number, author, reason, overrides: overrides.to_vec(), is_dry_run: false }
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

    #[test]
    fn a_capacity_that_is_asked_for_ahead_begins_then_and_lasts_from_then_on() {
        let mut play = Play::begin();
        let at = play.now.plus(Duration::from_secs(3600));
        let intent = number(play.want(&format!("capacity osaka 50% at {at}"), Some(60), &[]));
        let capacity = |play: &Play| play.control.monitor.overlay().capacity[1];
        let phase = |play: &Play| play.control.intents.intents()[0].phase.as_str();
        number(play.want("capacity osaka 80%", Some(30), &[]));
        play.wait(59 * 60);
        assert_eq!((capacity(&play), phase(&play)), (1.0, "scheduled"), "the other was over meanwhile");
        play.wait(61);
        assert_eq!((capacity(&play), phase(&play)), (0.5, "standing"));
        let begun =
            format!("intent {intent} (capacity osaka 50% at {at}) is in force, as alice asked for it");
        assert!(play.said.contains(&begun), "{:?}", play.said);
        play.wait(60 * 60);
        assert_eq!((capacity(&play), play.control.intents.intents().len()), (1.0, 0));
        for time in ["1970-01-01T00:00:01Z", "2026-12-24T18:00:00Z"] {
            let refused = refusal(play.want(&format!("capacity osaka 50% at {time}"), None, &[]));
            assert!(refused.contains("begins within 30d from now"), "{refused}");
        }
    }

    #[test]
    fn a_known_event_changes_the_capacity_while_it_lasts_unless_an_operator_says_otherwise() {
        let begins = Moment(1_000_000).plus(Duration::from_secs(3600));
        let event =
            format!("capacity_events:\n  - {{ region: osaka, at: '{begins}', for: 1h, percent: 150% }}\n");
        let base = crate::control::fixture::base_with("", &event);
        let mut play = Play::on(base, intent::SavedIntents::default(), Moment(1_000_000));
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

    #[test]
    fn freezing_failover_during_an_outage_does_not_bring_the_dead_back() {
        for action in ["failover off", "failover advise osaka"] {
            let mut play = Play::begin();
            play.probe(1, false);
            assert_eq!(play.shares(), [100, 0, 100]);
            number(play.want(action, None, &[]));
            assert_eq!(play.shares(), [100, 0, 100], "{action}");
            play.probe(1, true);
            play.wait(200);
            assert_eq!(play.shares(), [100; 3], "{action}: it has gone its way to the end");
            play.probe(1, false);
            assert_eq!(play.shares(), [100; 3], "{action}: from now on it holds");
        }
    }

    #[test]
    fn asking_for_advice_again_does_not_undo_an_approval() {
        let mut play = Play::begin();
        number(play.want("failover advise", None, &[]));
        play.probe(1, false);
        let approval = play.control.proposals[0].number;
        number(play.ask(approve(approval, &[])));
        number(play.want("failover advise osaka", None, &[]));
        assert_eq!(play.shares(), [100, 0, 100]);
    }

    #[test]
    fn a_return_that_meets_an_outage_goes_on_when_the_region_is_well_and_is_never_stuck_for_it() {
        let mut play = Play::begin();
        let drain = number(play.want("drain osaka", None, &[]));
        play.ask(Command::Lift { number: drain, author: "bob".to_owned(), is_at_once: false })
            .expect("it is in force");
        play.probe(1, false);
        play.wait(300);
        play.probe(1, true);
        play.wait(600);
        assert_eq!(play.shares(), [100; 3]);
        assert!(play.control.intents.intents().is_empty());
    }

    #[test]
    fn a_disable_that_is_over_does_not_keep_an_ill_region_out_of_failing_open() {
        let mut play = Play::begin();
        number(play.want("disable tokyo", Some(10), &[SafetyRule::NoRegion]));
        let is_disabled = |play: &Play| play.control.monitor.overlay().disabled.contains(RegionId(0));
        assert!(is_disabled(&play));
        play.probe(0, false);
        play.wait(11 * 60);
        assert!(!is_disabled(&play), "{:?}", play.said);
    }

    #[test]
    fn weights_go_up_in_steps_and_stay_where_a_gate_was_closed_twice() {
        let mut play = Play::begin();
        number(play.want("weights example.com osaka=0 oregon=100 steps 10,50,100 hold 5m", None, &[]));
        let weight = |play: &Play| play.control.monitor.overlay().weights[0].members[0];
        assert_eq!(weight(&play), (RegionId(2), 1000));
        play.wait(300);
        assert_eq!(weight(&play), (RegionId(2), 5000));
        play.probe(2, false);
        play.wait(300);
        assert_eq!(weight(&play), (RegionId(2), 1000), "a region that is not well goes back a step");
        play.wait(301);
        let [intent] = play.control.intents.intents() else { panic!("it is in force") };
        assert_eq!(intent.phase.as_str(), "stuck");
    }
}
