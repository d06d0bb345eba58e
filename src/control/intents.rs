//! Lets intents follow time and what is seen of the regions, and does what comes of it.

use super::{Control, Effect, overlay_of};
use crate::event::Event;
use crate::intent::{self, Action, Intent, ReturnConditions};
use crate::load::LoadStep;
use crate::moment::Moment;
use crate::region::Site;

impl Control {
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
        let mut effects = self.follow(findings, &LoadStep::default(), now);
        effects.push(Effect::Keep(self.kept()));
        effects
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::control::Command;
    use crate::control::fixture::{Play, approve, number, refusal};
    use crate::intent::SafetyRule;
    use crate::region::RegionId;

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
    fn a_capacity_that_begins_decides_over_one_that_was_asked_for_later_and_stands_already() {
        let mut play = Play::begin();
        let at = play.now.plus(Duration::from_secs(3600));
        number(play.want(&format!("capacity osaka 50% at {at}"), Some(60), &[]));
        number(play.want("capacity osaka 80%", Some(180), &[]));
        let capacity = |play: &Play| play.control.monitor.overlay().capacity[1];
        assert_eq!(capacity(&play), 0.8);
        play.wait(60 * 60 + 1);
        assert_eq!(capacity(&play), 0.5);
        play.wait(60 * 60);
        assert_eq!(capacity(&play), 0.8, "the other stands still");
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
