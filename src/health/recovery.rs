//! The course of a region or availability zone through trouble: one machine for both, per family.
//!
//! ```text
//!                 good                  too few without the suspects
//!   unknown ──────────────▶ healthy ◀──────────────────────────────▶ suspect
//!                             ▲
//!                             │ the last step has been held
//!                             │
//!      an hour has   ╭─▶   ramp 10 ▶ 50 %  ──── a gate is closed for the second time ───▶ held
//!      passed, or    │        ▲                                                          ▲
//!      an operator   │        │ the wait is over         failback: manual, or held before│
//!      fails back    │        ├──────────────────────────────────────────────────────────╯
//!                    │        │
//!   quarantined ─────╯    recovering
//!        ▲                    ▲
//!        │ the third fall     │ good or suspect
//!        │ within the hour    │
//!        ╰──────────────────down  ◀── bad, from every state
//! ```
//!
//! From held, an operator who fails back leads to the ramp as well. A place waits `min_down` after a fall,
//! twice that after the second within the hour, and so on; what was good for long has waited long enough. A ramp goes through its shares, each
//! for `hold`; at the end of each the gates must be open, else it takes the step before once more, and the
//! second time it stays there, held. With `hold: 0` or no shares it is healthy at once.
//!
//! Three things shorten the way. A clean restart (every address refuses, and all is well again within two
//! minutes) is no flap, if it does not come too often. A quarantine is for one place among well ones, and ends when most
//! are out. And a place that is well while no other one serves in full is healthy at once
//! ([`RecoveryState::serve_at_once`]): its wait and its ramp would only send its clients to others that are no better.
//!
//! Suspect moves nobody. What good and bad mean is left to [`Sites`](super::Sites).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Phase;
use crate::moment::{ClockStep, FollowClock, Moment, follows_clock};
use crate::region::{Failback, LONGEST_WAIT, Recovery};
use crate::share::Share;

/// The time in which falls count together.
const MEMORY_OF_FALLS: Duration = Duration::from_secs(60 * 60);

/// This many falls within an hour are a quarantine.
pub const FALLS_TO_QUARANTINE: usize = 3;

/// The most falls that are kept: the quarantine begins long before, and what is older changes no wait.
const MOST_FALLS: usize = 2 * FALLS_TO_QUARANTINE;

/// A restart is clean that is over within this time of the first refused probe.
const RESTART_WITHIN: Duration = Duration::from_secs(120);

/// Restarts that follow each other sooner are flaps.
const BETWEEN_RESTARTS: Duration = Duration::from_secs(300);

/// This many clean restarts within an hour are no flaps: a roll-out, its mistake and its repair.
const CLEAN_RESTARTS: usize = 3;

/// Where the machine is in the picture above, with what it needs to go on from there; its word is the [`Phase`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Unknown,
    Healthy,
    Suspect,
    Down,
    Recovering {
        until: Moment,
    },
    Ramp {
        /// Which of the shares it has: an index into `Recovery::ramp`.
        step: u8,
        /// Whether a gate was closed before on this ramp.
        has_slipped: bool,
    },
    Held(Share),
    Quarantined {
        until: Moment,
    },
}

impl Stage {
    fn phase(self) -> Phase {
        match self {
            Self::Unknown => Phase::Unknown,
            Self::Healthy => Phase::Healthy,
            Self::Suspect => Phase::Suspect,
            Self::Down => Phase::Down,
            Self::Recovering { .. } => Phase::Recovering,
            Self::Ramp { .. } => Phase::Ramp,
            Self::Held(_) => Phase::Held,
            Self::Quarantined { .. } => Phase::Quarantined,
        }
    }
}

/// What is seen of a place at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assessment {
    Unknown,
    Good,
    /// It can serve, and could not if its suspects fell.
    Suspect,
    Bad,
}

/// What a place does not see itself, and what its course depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// Whether its signals let more clients come to it.
    pub gates_are_open: bool,
    /// Whether it may be kept away for its flaps: most of the others are well, and none of them is kept away.
    pub may_quarantine: bool,
    /// When the first probe failed, if all of its fallen addresses refuse connections; `None`: they do not.
    pub refused_since: Option<Moment>,
}

/// The state of the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryState {
    #[serde(rename = "phase")]
    stage: Stage,
    /// When the phase began.
    since: Moment,
    /// The falls within the last hour, the latest last; at most as many as matter to the wait.
    falls: Vec<Moment>,
    /// The clean restarts within the last hour, the latest last: falls that do not count.
    restarts: Vec<Moment>,
    /// Of a place that is down: when the first probe of its fall was refused, if all of them are.
    refused_since: Option<Moment>,
    /// Of a place that is down: whether none served in full at some time since it fell, so that its clients may never
    /// have left it.
    in_outage: bool,
    /// Whether it was held, and no operator has let it back since: it is held again after every fall.
    awaits_operator: bool,
}

impl RecoveryState {
    /// Returns the course of a place of which nothing is known.
    pub fn new(now: Moment) -> Self {
        Self {
            stage: Stage::Unknown,
            since: now,
            falls: Vec::new(),
            restarts: Vec::new(),
            refused_since: None,
            in_outage: false,
            awaits_operator: false,
        }
    }

    /// Returns the course of a place that is well and has this share of its clients: it goes up the rest of the
    /// ramp.
    pub fn ramp(rules: &Recovery, from: Share, now: Moment) -> Self {
        let step = rules.ramp.iter().position(|share| *share > from);
        let stage = match step {
            Some(step) => Stage::Ramp { step: step as u8, has_slipped: false },
            None => Stage::Healthy,
        };
        Self { stage, ..Self::new(now) }
    }

    /// Lets the present phase begin now.
    pub fn begin_anew(&mut self, now: Moment) {
        self.since = now;
    }

    /// Returns a course as an earlier life left it.
    #[cfg(test)]
    pub(crate) fn remembered(stage: Stage, since: Moment, falls: Vec<Moment>, awaits_operator: bool) -> Self {
        Self { stage, since, falls, awaits_operator, ..Self::new(since) }
    }

    /// Returns whether there is anything in it that a restart must not forget.
    pub fn is_eventful(&self) -> bool {
        let has_past = !self.falls.is_empty() || !self.restarts.is_empty();
        has_past || self.awaits_operator || !self.phase().is_stable()
    }

    /// Returns the course without anything from the future: the wall clock may have been set back between
    /// two lives.
    pub fn as_of(&self, now: Moment) -> Self {
        let not_after = |limit: Duration, until: Moment| until.min(now.plus(limit));
        let stage = match self.stage {
            Stage::Recovering { until } => Stage::Recovering { until: not_after(LONGEST_WAIT, until) },
            Stage::Quarantined { until } => Stage::Quarantined { until: not_after(MEMORY_OF_FALLS, until) },
            stage => stage,
        };
        let past = |moments: &[Moment]| {
            let mut past: Vec<_> = moments.iter().map(|at| (*at).min(now)).collect();
            past.sort_unstable();
            past.drain(..past.len().saturating_sub(MOST_FALLS));
            past
        };
        Self {
            stage,
            since: self.since.min(now),
            falls: past(&self.falls),
            restarts: past(&self.restarts),
            refused_since: self.refused_since.map(|at| at.min(now)),
            ..self.clone()
        }
    }

    /// Returns the phase that it is in.
    pub fn phase(&self) -> Phase {
        self.stage.phase()
    }

    /// Returns the stage that it is in.
    pub(super) fn stage(&self) -> Stage {
        self.stage
    }

    /// Returns when the phase ends if nothing happens; `None`: it has no end, or ends in steps.
    pub fn until(&self) -> Option<Moment> {
        match self.stage {
            Stage::Recovering { until } | Stage::Quarantined { until } => Some(until),
            Stage::Unknown
            | Stage::Healthy
            | Stage::Suspect
            | Stage::Down
            | Stage::Ramp { .. }
            | Stage::Held(_) => None,
        }
    }

    /// Returns whether it has its place in the answers, if only for some clients.
    pub fn serves(&self) -> bool {
        match self.stage {
            Stage::Unknown | Stage::Healthy | Stage::Suspect | Stage::Ramp { .. } => true,
            Stage::Held(share) => share > Share::NONE,
            Stage::Down | Stage::Recovering { .. } | Stage::Quarantined { .. } => false,
        }
    }

    /// Returns whether it has fallen, and comes back by itself in a while.
    pub(super) fn is_on_its_way(&self) -> bool {
        matches!(self.stage, Stage::Down | Stage::Recovering { .. } | Stage::Ramp { .. })
    }

    /// Returns whether a gate was closed since `before`: its ramp goes not on but back, or ends.
    pub(super) fn has_gone_back(&self, before: &Self) -> bool {
        match (before.stage, self.stage) {
            (Stage::Ramp { step: before, .. }, Stage::Ramp { step, .. }) => step <= before,
            (Stage::Ramp { .. }, Stage::Held(_)) => true,
            _ => false,
        }
    }

    /// Returns when that began.
    pub fn since(&self) -> Moment {
        self.since
    }

    /// Returns the falls within the last hour before the last change.
    pub fn falls(&self) -> &[Moment] {
        &self.falls
    }

    /// Returns whether it stays away, whatever is seen, until an operator lets it back.
    pub fn awaits_operator(&self) -> bool {
        self.awaits_operator
    }

    /// Returns the share of its clients that it has; of those who would come to it if it were healthy.
    pub fn share(&self, rules: &Recovery) -> Share {
        match self.stage {
            Stage::Unknown | Stage::Healthy | Stage::Suspect => Share::ALL,
            Stage::Ramp { step, .. } => rules.ramp.get(usize::from(step)).copied().unwrap_or(Share::ALL),
            Stage::Held(share) => share,
            Stage::Down | Stage::Recovering { .. } | Stage::Quarantined { .. } => Share::NONE,
        }
    }

    /// Returns whether it fell in, or into, an outage of everything: its clients may never have left it.
    pub fn is_in_outage(&self) -> bool {
        self.in_outage
    }

    /// Follows what is seen, and returns whether the phase has changed.
    pub fn follow(
        &mut self,
        assessment: Assessment,
        around: Surroundings,
        rules: &Recovery,
        now: Moment,
    ) -> bool {
        let before = self.stage;
        self.falls.retain(|fall| now.since(*fall) < MEMORY_OF_FALLS);
        self.restarts.retain(|restart| now.since(*restart) < MEMORY_OF_FALLS);
        if self.stage == Stage::Down && assessment != Assessment::Bad {
            self.forgive_fall(now);
        }
        // Ends: each transition leads on along the picture, and a ramp without hold has at most eight steps.
        while let Some(next) = self.next(assessment, around, rules, now) {
            self.enter(next, now);
        }
        if self.stage == Stage::Down {
            self.refused_since = around.refused_since;
        }
        self.stage != before
    }

    /// Lets a place that is well and on its way back have all of its clients, because no other one serves in full.
    /// Returns whether it was on its way; one that an operator holds is not.
    pub fn serve_at_once(&mut self, now: Moment) -> bool {
        let is_on_its_way =
            matches!(self.stage, Stage::Recovering { .. } | Stage::Ramp { .. } | Stage::Quarantined { .. });
        if is_on_its_way {
            self.enter(Stage::Healthy, now);
        }
        is_on_its_way
    }

    /// Takes note that no place serves in full.
    pub fn note_outage(&mut self) {
        self.in_outage |= self.stage == Stage::Down;
    }

    /// Lets a place back that is held or quarantined.
    pub fn fail_back(&mut self, rules: &Recovery, now: Moment) {
        if self.phase().is_kept_away() {
            self.awaits_operator = false;
            self.enter(ramp(rules), now);
        }
    }

    /// Takes back the last fall: it was none.
    pub fn undo_fall(&mut self, now: Moment) {
        self.falls.pop();
        self.enter(Stage::Suspect, now);
    }

    /// Returns when the course goes on although nothing happens; `None`: never.
    pub fn wake(&self, rules: &Recovery) -> Option<Moment> {
        match self.stage {
            Stage::Recovering { until } | Stage::Quarantined { until } => Some(until),
            Stage::Ramp { .. } => Some(self.since.plus(rules.hold)),
            Stage::Unknown | Stage::Healthy | Stage::Suspect | Stage::Down | Stage::Held(_) => None,
        }
    }

    /// Returns where the machine goes from here; `None`: it stays.
    fn next(
        &self,
        assessment: Assessment,
        around: Surroundings,
        rules: &Recovery,
        now: Moment,
    ) -> Option<Stage> {
        match (self.stage, assessment) {
            (Stage::Down, Assessment::Bad) => None,
            (_, Assessment::Bad) => Some(Stage::Down),
            (Stage::Down, _) if self.in_outage => Some(Stage::Suspect),
            (Stage::Down, _) => Some(self.away(around.may_quarantine, rules)),
            (Stage::Recovering { until }, _) => (now >= until).then(|| self.back(rules)),
            (Stage::Quarantined { until }, _) => {
                (now >= until || !around.may_quarantine).then(|| self.back(rules))
            }
            (Stage::Ramp { step, has_slipped }, _) => {
                let is_over = now >= self.since.plus(rules.hold);
                is_over.then(|| after_the_step(step, has_slipped, around.gates_are_open, rules))
            }
            (Stage::Held(_), _) => None,
            (Stage::Unknown | Stage::Healthy, Assessment::Suspect) => Some(Stage::Suspect),
            (Stage::Unknown | Stage::Suspect, Assessment::Good) => Some(Stage::Healthy),
            (Stage::Unknown | Stage::Healthy | Stage::Suspect, _) => None,
        }
    }

    fn enter(&mut self, stage: Stage, now: Moment) {
        self.stage = stage;
        self.since = now;
        self.in_outage = false;
        self.awaits_operator |= matches!(stage, Stage::Held(_));
        if stage == Stage::Down {
            self.falls.push(now);
            self.falls.drain(..self.falls.len().saturating_sub(MOST_FALLS));
        }
    }

    /// Takes back the last fall if it was a clean restart, or if its clients had nowhere else to go.
    fn forgive_fall(&mut self, now: Moment) {
        if self.in_outage {
            self.falls.pop();
            return;
        }
        let is_short = self.refused_since.is_some_and(|began| now.since(began) <= RESTART_WITHIN);
        let is_apart = self.restarts.last().is_none_or(|last| now.since(*last) >= BETWEEN_RESTARTS);
        if is_short && is_apart && self.restarts.len() < CLEAN_RESTARTS {
            self.falls.pop();
            self.restarts.push(now);
        }
    }

    /// Returns how long after the last fall the place stays away.
    fn wait(&self, rules: &Recovery) -> Duration {
        let doublings = u32::try_from(self.falls.len().saturating_sub(1)).expect("few falls are kept");
        rules.min_down.saturating_mul(1 << doublings).min(LONGEST_WAIT)
    }

    /// Returns how a place stays away that has fallen and is well again.
    fn away(&self, may_quarantine: bool, rules: &Recovery) -> Stage {
        match self.falls.last() {
            Some(last) if may_quarantine && self.falls.len() >= FALLS_TO_QUARANTINE => {
                Stage::Quarantined { until: last.plus(MEMORY_OF_FALLS) }
            }
            _ => Stage::Recovering { until: self.since.plus(self.wait(rules)) },
        }
    }

    /// Returns where a place goes when it has been away for long enough.
    fn back(&self, rules: &Recovery) -> Stage {
        match (rules.failback, self.awaits_operator) {
            (Failback::Auto, false) => ramp(rules),
            (Failback::Auto, true) | (Failback::Manual, _) => Stage::Held(Share::NONE),
        }
    }
}

/// Returns the beginning of the ramp.
fn ramp(rules: &Recovery) -> Stage {
    match rules.ramp.first() {
        Some(_) => Stage::Ramp { step: 0, has_slipped: false },
        None => Stage::Healthy,
    }
}

/// Returns where a step of the ramp leads when it has been held.
fn after_the_step(step: u8, has_slipped: bool, is_open: bool, rules: &Recovery) -> Stage {
    // A reload may have made the ramp shorter than this.
    let before = || rules.ramp.get(usize::from(step.checked_sub(1)?)).copied();
    let share_before = || before().unwrap_or(Share::NONE);
    match (is_open, has_slipped) {
        (true, _) if usize::from(step) + 1 < rules.ramp.len() => Stage::Ramp { step: step + 1, has_slipped },
        (true, _) => Stage::Healthy,
        (false, false) => Stage::Ramp { step: step.saturating_sub(1), has_slipped: true },
        (false, true) => Stage::Held(share_before()),
    }
}

follows_clock!(RecoveryState: stage, since, falls, restarts, refused_since);

impl FollowClock for Stage {
    fn follow_clock(&mut self, step: ClockStep) {
        match self {
            Self::Recovering { until } | Self::Quarantined { until } => until.follow_clock(step),
            Self::Unknown
            | Self::Healthy
            | Self::Suspect
            | Self::Down
            | Self::Ramp { .. }
            | Self::Held(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A wait of a minute, then 10 and 50 % for a minute each.
    fn rules(failback: Failback) -> Recovery {
        Recovery { failback, ..Recovery::default() }
    }

    const WELL: Surroundings =
        Surroundings { gates_are_open: true, may_quarantine: true, refused_since: None };
    const CLOSED: Surroundings = Surroundings { gates_are_open: false, ..WELL };
    const MOST_OUT: Surroundings = Surroundings { may_quarantine: false, ..WELL };

    fn refused(since: Moment) -> Surroundings {
        Surroundings { refused_since: Some(since), ..WELL }
    }

    /// Follows `SECOND:SIGN` words: `g` good, `s` suspect, `x` bad, `r` bad and refusing since then, `c` good with a
    /// closed gate, `q` good while no quarantine may be, `o` no place serves in full, `b` an operator lets it back; and
    /// compares the phase after each.
    fn check(rules: &Recovery, signs: &str, phases: &str) {
        let mut recovery = RecoveryState::new(Moment(0));
        let reached = signs.split_whitespace().map(|word| {
            let (second, assessment) = word.split_once(':').expect("SECOND:SIGN");
            let now = Moment(second.parse::<u64>().expect("a second") * 1000);
            match assessment {
                "b" => recovery.fail_back(rules, now),
                "x" => drop(recovery.follow(Assessment::Bad, WELL, rules, now)),
                "r" => drop(recovery.follow(Assessment::Bad, refused(now), rules, now)),
                "s" => drop(recovery.follow(Assessment::Suspect, WELL, rules, now)),
                "q" => drop(recovery.follow(Assessment::Good, MOST_OUT, rules, now)),
                "o" => recovery.note_outage(),
                "c" => drop(recovery.follow(Assessment::Good, CLOSED, rules, now)),
                _ => drop(recovery.follow(Assessment::Good, WELL, rules, now)),
            }
            match recovery.stage() {
                Stage::Ramp { .. } => format!("ramp{}", (recovery.share(rules).fraction() * 100.0).round()),
                Stage::Held(share) => format!("held{}", (share.fraction() * 100.0).round()),
                stage => stage.phase().to_string(),
            }
        });
        assert_eq!(reached.collect::<Vec<_>>().join(" "), phases, "after {signs}");
    }

    #[test]
    fn a_place_that_falls_waits_ramps_and_is_healthy_again() {
        check(
            &rules(Failback::Auto),
            "1:g 2:s 3:x 30:g 62:g 63:g 122:g 123:g 183:g",
            "healthy suspect down recovering recovering ramp10 ramp10 ramp50 healthy",
        );
    }

    #[test]
    fn what_was_down_for_longer_than_the_wait_ramps_at_once() {
        check(&rules(Failback::Auto), "1:x 300:g", "down ramp10");
    }

    #[test]
    fn the_wait_doubles_with_each_fall_in_the_hour_and_the_third_fall_is_a_quarantine() {
        check(
            &rules(Failback::Auto),
            "0:x 10:g 60:g 70:x 80:g 189:g 190:g 200:x 210:g 440:g 3799:g 3800:g",
            "down recovering ramp10 down recovering recovering ramp10 down quarantined quarantined quarantined ramp10",
        );
    }

    #[test]
    fn falls_of_an_hour_ago_are_forgotten() {
        check(
            &rules(Failback::Auto),
            "0:x 10:g 60:g 200:g 300:g 4000:x 4010:g 4060:g",
            "down recovering ramp10 ramp50 healthy down recovering ramp10",
        );
    }

    #[test]
    fn a_closed_gate_steps_back_once_and_then_holds() {
        check(
            &rules(Failback::Auto),
            "0:x 60:g 120:g 180:c 240:g 300:c 9999:g",
            "down ramp10 ramp50 ramp10 ramp50 held10 held10",
        );
        check(&rules(Failback::Auto), "0:x 60:g 120:c 180:c", "down ramp10 ramp10 held0");
    }

    #[test]
    fn a_manual_failback_holds_until_an_operator_lets_it_back() {
        check(
            &rules(Failback::Manual),
            "0:x 60:g 9999:g 10000:b 10060:g 10120:g",
            "down held0 held0 ramp10 ramp50 healthy",
        );
        check(&rules(Failback::Manual), "0:b 1:g 2:b", "unknown healthy healthy");
    }

    #[test]
    fn what_is_held_is_held_again_after_a_fall_until_an_operator_lets_it_back() {
        check(
            &rules(Failback::Auto),
            "0:x 60:g 120:c 180:c 200:x 210:g 320:g 400:b 460:g",
            "down ramp10 ramp10 held0 down recovering held0 ramp10 ramp50",
        );
    }

    #[test]
    fn three_clean_restarts_an_hour_are_no_flaps_and_the_fourth_is() {
        let cycle = |start: u64| {
            format!("{start}:r {}:g {}:g {}:g {}:g", start + 90, start + 150, start + 210, start + 270)
        };
        let signs: Vec<_> = [0, 400, 800, 1200].map(cycle).into();
        let clean = "down ramp10 ramp50 healthy healthy";
        check(&rules(Failback::Auto), &signs.join(" "), &[clean; 4].join(" "));
        let mut recovery = RecoveryState::new(Moment(0));
        let mut falls = Vec::new();
        for start in [0u64, 400, 800, 1200, 1300] {
            let at = |second: u64| Moment((start + second) * 1000);
            recovery.follow(Assessment::Bad, refused(at(0)), &rules(Failback::Auto), at(0));
            recovery.follow(Assessment::Good, WELL, &rules(Failback::Auto), at(30));
            falls.push(recovery.falls().len());
        }
        assert_eq!(falls, [0, 0, 0, 1, 2]);
    }

    #[test]
    fn a_restart_that_takes_too_long_or_comes_too_soon_is_a_flap() {
        check(
            &rules(Failback::Auto),
            "0:r 130:g 200:x 210:g 319:g 320:g",
            "down ramp10 down recovering recovering ramp10",
        );
        check(&rules(Failback::Auto), "0:r 70:g 100:r 110:g 160:g", "down ramp10 down recovering ramp10");
    }

    #[test]
    fn nothing_is_quarantined_while_most_are_out_or_another_one_is() {
        let third = "0:x 10:g 60:g 70:x 80:g 190:g 200:x";
        let phases = "down recovering ramp10 down recovering ramp10 down";
        check(
            &rules(Failback::Auto),
            &format!("{third} 210:q 439:q 440:q"),
            &format!("{phases} recovering recovering ramp10"),
        );
        check(
            &rules(Failback::Auto),
            &format!("{third} 210:g 300:q"),
            &format!("{phases} quarantined ramp10"),
        );
    }

    #[test]
    fn what_returns_from_an_outage_of_everything_has_all_its_clients_at_once() {
        check(&rules(Failback::Auto), "0:x 5:o 10:g", "down down healthy");
        check(&rules(Failback::Manual), "0:x 5:o 10:g 20:x 30:g", "down down healthy down recovering");
    }

    #[test]
    fn an_operator_may_end_a_quarantine() {
        check(
            &rules(Failback::Auto),
            "0:x 1:g 2:x 3:g 4:x 600:g 700:b",
            "down recovering down recovering down quarantined ramp10",
        );
    }

    #[test]
    fn without_steps_or_time_everybody_returns_at_once() {
        let at_once = Recovery { ramp: Vec::new(), min_down: Duration::ZERO, ..Recovery::default() };
        check(&at_once, "0:x 5:g", "down healthy");
        let no_hold = Recovery { hold: Duration::ZERO, min_down: Duration::ZERO, ..Recovery::default() };
        check(&no_hold, "0:x 5:g", "down healthy");
    }

    #[test]
    fn suspicion_moves_nobody() {
        check(&rules(Failback::Auto), "0:x 60:g 70:s 120:s", "down ramp10 ramp10 ramp50");
        assert!(Phase::Suspect.is_stable());
    }

    #[test]
    fn a_course_from_a_damaged_or_foreign_file_harms_nobody() {
        let stage = Stage::Ramp { step: 200, has_slipped: true };
        let falls = (0..100).map(|second| Moment(1_000_000 + second)).collect();
        let mut recovery = RecoveryState::remembered(stage, Moment(9_000_000), falls, false).as_of(Moment(0));
        let rules = rules(Failback::Auto);
        assert!(recovery.follow(Assessment::Good, CLOSED, &rules, Moment(60_000)));
        assert_eq!(recovery.stage(), Stage::Held(Share::NONE));
        assert!(recovery.follow(Assessment::Bad, WELL, &rules, Moment(60_000)));
        assert!(recovery.follow(Assessment::Good, WELL, &rules, Moment(60_000)));
        let Stage::Quarantined { until } = recovery.stage() else { panic!("{recovery:?}") };
        assert!(until <= Moment(60_000).plus(MEMORY_OF_FALLS));
    }

    proptest! {
        #[test]
        fn no_ramp_takes_back_what_it_gave_while_the_gates_are_open(
            times in proptest::collection::vec(1u64..200, 1..40),
        ) {
            let rules = rules(Failback::Auto);
            let mut recovery = RecoveryState::new(Moment(0));
            recovery.follow(Assessment::Bad, WELL, &rules, Moment(0));
            let (mut now, mut before) = (0, Share::NONE);
            for time in times {
                now += time * 1000;
                recovery.follow(Assessment::Good, WELL, &rules, Moment(now));
                let share = recovery.share(&rules);
                prop_assert!(share >= before);
                before = share;
            }
        }

        #[test]
        fn the_same_sign_twice_makes_one_transition(signs in proptest::collection::vec(0u8..3, 1..30)) {
            let rules = rules(Failback::Auto);
            let mut recovery = RecoveryState::new(Moment(0));
            for (second, assessment) in (0u64..).zip(signs) {
                let assessment = [Assessment::Good, Assessment::Suspect, Assessment::Bad][usize::from(assessment)];
                let now = Moment(second * 7000);
                recovery.follow(assessment, WELL, &rules, now);
                let once = recovery.clone();
                prop_assert!(!recovery.follow(assessment, WELL, &rules, now));
                prop_assert_eq!(&once, &recovery);
            }
        }
    }
}
