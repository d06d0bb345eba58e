//! Takes what people ask for: whether it makes sense, whether it is safe, and what becomes of it.
//!
//! ```text
//!  form ──▶ names ──▶ asked for a moment ago? ──▶ one at a time ──▶ forecast ──▶ in force
//!   400      404        its number                   409             409, with the numbers
//! ```
//!
//! Whatever is accepted is in the next snapshot, which is compiled before the answer is given.

use std::collections::BTreeMap;

use super::request::{usual_time, wrong_form};
use super::{Command, Control, Done, Effect, Proposal, Rejection, approval, drills};
use crate::event::Event;
use crate::forecast::Forecast;
use crate::intent::{Action, Intent, MAX_INTENTS, Request, SafetyRule};
use crate::load::LoadStep;
use crate::moment::Moment;
use crate::region::{Failover, RegionId, Site};

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
        let violations = self.violations(&request, &forecast, now);
        let (broken, violations): (Vec<_>, Vec<_>) =
            violations.into_iter().partition(|(rule, _)| request.overrides.contains(rule));
        if is_dry_run {
            let replaces = replaces.iter().map(|what| format!("it takes the place of {what}\n"));
            let broken =
                broken.iter().map(|(rule, sentence)| format!("it breaks {rule} on purpose: {sentence}\n"));
            let forecast =
                self.told(&request.action, &forecast) + &replaces.chain(broken).collect::<String>();
            return Ok((Done::Tried { forecast, violations }, Vec::new()));
        }
        let told = self.told(&request.action, &forecast);
        if !violations.is_empty() {
            return Err(Rejection::Unsafe { violations, forecast: told });
        }
        let ended = self.drills_ended_by(&request.action);
        let made = self.intents.make(request, now);
        let intent = made.intent.clone();
        let (mut changes, interrupted) = self.interrupt_drills(&ended, &intent, now);
        self.begin_drill(&intent, &forecast, now);
        changes.push(made);
        let mut effects = self.follow_intents(changes, now);
        effects.extend(interrupted.into_iter().map(Effect::emit));
        let forecast = Some(told);
        Ok((Done::Made { intent, snapshot: self.number, forecast, replaces, is_kept: true }, effects))
    }

    /// Returns a forecast in words, and what an approval is about.
    fn told(&self, action: &Action, forecast: &Forecast) -> String {
        let extent = match action {
            Action::Approve { region } => {
                let regions = self.base.config.regions.iter().map(|(_, region)| region.name.as_str());
                approval::extent(region, regions, &self.proposals, self.intents.intents()) + "\n"
            }
            _ => String::new(),
        };
        extent + &forecast.to_string()
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
                let others = others.map(|(_, region)| {
                    format!("`failover: {}` of {}", region.failover.as_str(), region.name)
                });
                // For all regions it speaks for all names.
                let moves_all = region.is_none() && *failover == Failover::Auto;
                let names = config.steady_names().filter(|_| moves_all);
                let names = names.map(|steering| format!("`failover: off` of {}", steering.owner));
                let others: Vec<_> = others.chain(names).collect();
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
        effects.extend(self.follow(findings, &LoadStep::default(), now));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::fixture::{Play, number, refusal};
    use crate::intent::IntentStore;

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
    fn a_trial_that_breaks_a_rule_on_purpose_would_be_accepted_and_says_what_it_breaks() {
        let mut play = Play::begin();
        number(play.want("shift osaka 10%", None, &[]));
        let mut attempt = |overrides: &[SafetyRule]| {
            let action = "drain oregon".parse().expect("an action");
            let (author, reason) = ("alice".to_owned(), "a test".to_owned());
            let request = Request { action, author, reason, lasts: None, overrides: overrides.to_vec() };
            match play.ask(Command::Intend { request, is_dry_run: true }) {
                Ok(Done::Tried { forecast, violations }) => (forecast, violations),
                other => panic!("no trial: {other:?}"),
            }
        };
        let (forecast, violations) = attempt(&[SafetyRule::OneAtATime]);
        assert_eq!(violations, []);
        assert!(forecast.contains("it breaks one_at_a_time on purpose: "), "{forecast}");
        assert_eq!(attempt(&[]).1.len(), 1);
    }

    #[test]
    fn fewer_regions_than_must_be_in_service_are_refused_and_each_wish_that_makes_no_sense() {
        let mut play = Play::begin();
        number(play.want("disable osaka", None, &[]));
        number(play.want("disable oregon", None, &[]));
        let few = refusal(play.want("disable tokyo", None, &[]));
        assert!(few.contains("(min_in_service)") && few.contains("(no_region)"), "{few}");
        play.control.intents = IntentStore::default();
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
}
