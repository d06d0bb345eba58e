//! The intents in force: how they are taken, how they end, and how their clients come back.
//!
//! The picture is at the head of [`intent`](super). Time and what is seen of the regions are arguments; what the
//! return of clients waits for is asked of the caller ([`ReturnConditions`]).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::overlay::{ForcedState, Overlay, Weights};
use super::{Action, Drill, Request};
use crate::health::{Assessment, Phase, RecoveryState, Surroundings};
use crate::moment::{ClockStep, FollowClock, Moment};
use crate::region::{Failover, Recovery, RegionId, Regions, Resolved, Site, Target};
use crate::share::Share;

/// The most intents at once: more than people can keep in mind.
pub const MAX_INTENTS: usize = 200;

/// How soon the same request again is taken for the same: clients of the API that try again.
const SAME_WITHIN: Duration = Duration::from_secs(60);

/// How often it is looked whether clients can come back that should have by now.
const RECONSIDER: Duration = Duration::from_secs(10);

/// An intent in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Its number; each has a higher one than those before it, across restarts.
    pub number: u64,
    /// What was asked for.
    pub request: Request,
    pub made_at: Moment,
    pub phase: IntentPhase,
}

/// Where an intent stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentPhase {
    /// It was asked for ahead, and is not in force yet.
    Scheduled,
    /// It is in force.
    Standing,
    /// Weights on their way: each step is a step of this course.
    Stepping(RecoveryState),
    /// It is over, and its clients stay away: for this reason.
    Overdue {
        /// Why they cannot come back.
        why: String,
        /// When that is looked at again.
        next: Moment,
    },
    /// Its clients come back along this course.
    Returning(RecoveryState),
}

impl IntentPhase {
    /// Goes on in a life whose clock may be behind that of the life before, as one is that begins in 1970: a step that
    /// was taken in its future would never be over.
    fn resume(&mut self, now: Moment) {
        match self {
            Self::Scheduled | Self::Standing => {}
            Self::Overdue { next, .. } => *next = now.plus(RECONSIDER).min(*next),
            Self::Stepping(course) | Self::Returning(course) if course.since() > now => {
                course.begin_anew(now)
            }
            Self::Stepping(_) | Self::Returning(_) => {}
        }
    }

    /// Returns whether its clients go no further on their way back, or to where weights lead them.
    pub fn is_stuck(&self) -> bool {
        matches!(self, Self::Stepping(course) | Self::Returning(course) if is_stuck(course))
    }

    /// Returns the word that `/intents`, logs and pages use.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Standing => "standing",
            Self::Stepping(course) | Self::Returning(course) if is_stuck(course) => "stuck",
            Self::Stepping(_) => "stepping",
            Self::Overdue { .. } => "overdue",
            Self::Returning(_) => "returning",
        }
    }
}

/// What became of an intent.
#[derive(Clone, Debug, PartialEq)]
pub struct IntentChange {
    /// The intent as it is now, or was at last.
    pub intent: Intent,
    /// What became of it.
    pub turn: Transition,
}

/// What became of an intent.
#[derive(Clone, Debug, PartialEq)]
pub enum Transition {
    /// It is in force, or will be.
    Made,
    /// It is in force, as was asked for ahead.
    Begun,
    /// Its clients should come back and cannot, for this reason.
    Overdue(String),
    /// This share of those it is about is where it would be without the intent, or goes where weights lead it.
    Step(Share),
    /// A gate was closed twice: it stays where it is until it is lifted at once.
    Stuck,
    Gone,
}

/// What was kept across a restart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SavedIntents {
    /// The intents in force.
    pub intents: Vec<Intent>,
    /// The highest number that was given.
    pub last_number: u64,
    /// What came of drills, the latest last.
    pub drills: Vec<Drill>,
}

/// What is seen of the regions when clients are to come back.
pub struct ReturnConditions<'a> {
    pub regions: &'a Regions,
    /// Returns why clients of an intent cannot come back now; `None`: they can.
    pub obstacle: &'a dyn Fn(&Intent) -> Option<String>,
    /// Returns whether a site is well.
    pub is_stable: &'a dyn Fn(Site) -> bool,
    /// Returns whether the gates of a site's ramp are open, for a step that began then.
    pub is_open: &'a dyn Fn(Site, Moment) -> bool,
}

/// The intents in force, in the order of their numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IntentStore {
    intents: Vec<Intent>,
    last_number: u64,
    /// The highest number of those that an earlier life made, by whatever its clock said.
    adopted: u64,
}

impl IntentStore {
    /// Goes on with what an earlier life left.
    pub fn adopt(kept: SavedIntents, now: Moment) -> Self {
        let SavedIntents { mut intents, last_number, drills: _ } = kept;
        let highest = intents.iter().map(|intent| intent.number).max().unwrap_or(0);
        intents.iter_mut().for_each(|intent| intent.phase.resume(now));
        let last_number = last_number.max(highest);
        Self { intents, last_number, adopted: last_number }
    }

    /// Returns what must be kept across a restart; of drills it knows nothing.
    pub fn keep(&self) -> SavedIntents {
        SavedIntents { intents: self.intents.clone(), last_number: self.last_number, drills: Vec::new() }
    }

    /// Returns the intents in force.
    pub fn intents(&self) -> &[Intent] {
        &self.intents
    }

    /// Returns the intent that this author has asked for already in these words: within the last minute, in the
    /// same words.
    pub fn same(&self, request: &Request, now: Moment) -> Option<&Intent> {
        let is_same = |intent: &&Intent| {
            let Request { action, lasts, .. } = &intent.request;
            intent.phase_is_young()
                && *action == request.action
                && *lasts == request.lasts
                && now.since(intent.made_at) < SAME_WITHIN
        };
        self.intents.iter().find(is_same)
    }

    /// Returns the intent that must end before this may be asked for: there is one shift, drain or drill at a time,
    /// but for one that this ends.
    pub fn in_the_way(&self, action: &Action) -> Option<&Intent> {
        let other =
            |intent: &&Intent| intent.request.action.is_alone() && !action.ends(&intent.request.action);
        self.intents.iter().filter(|_| action.is_alone()).find(other)
    }

    /// Returns a number that was never given before.
    pub fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// Takes an intent, in the place of those that it ends.
    pub fn make(&mut self, request: Request, now: Moment) -> IntentChange {
        let number = self.next_number();
        self.intents.retain(|intent| !request.action.ends(&intent.request.action));
        let phase = match weights_rules(&request.action) {
            Some(rules) => IntentPhase::Stepping(RecoveryState::ramp(&rules, Share::NONE, now)),
            None if request.action.begins_at().is_some_and(|at| at > now) => IntentPhase::Scheduled,
            None => IntentPhase::Standing,
        };
        let intent = Intent { number, request, made_at: now, phase };
        self.intents.push(intent.clone());
        IntentChange { intent, turn: Transition::Made }
    }

    /// Lifts an intent: its clients come back step by step, or at once. `None`: there is none with this number.
    pub fn lift(
        &mut self,
        number: u64,
        is_at_once: bool,
        scene: &ReturnConditions<'_>,
        now: Moment,
    ) -> Option<IntentChange> {
        let index = self.intents.iter().position(|intent| intent.number == number)?;
        let is_gone = is_at_once || !self.intents[index].request.action.returns_by_ramp();
        if is_gone {
            let intent = self.intents.remove(index);
            return Some(IntentChange { intent, turn: Transition::Gone });
        }
        let intent = &mut self.intents[index];
        let event = match &intent.phase {
            // Lifting it twice brings no clients back sooner.
            IntentPhase::Returning(course) if !is_stuck(course) => {
                let share = course.share(&intent.rules(scene.regions));
                intent.event(Transition::Step(share))
            }
            // An operator who sees it stuck, or overdue, wants it tried anew.
            IntentPhase::Scheduled
            | IntentPhase::Standing
            | IntentPhase::Stepping(_)
            | IntentPhase::Overdue { .. }
            | IntentPhase::Returning(_) => intent.end(scene, now),
        };
        self.intents.retain(|intent| !intent.is_over());
        Some(event)
    }

    /// Returns whether an intent says how much capacity a region has now.
    pub fn sets_capacity(&self, region: &str) -> bool {
        self.intents.iter().any(|intent| {
            let is_in_force = !matches!(intent.phase, IntentPhase::Scheduled);
            is_in_force
                && matches!(&intent.request.action, Action::Capacity { region: other, .. } if other == region)
        })
    }

    /// Forgets an intent, as if it had never been made: to ask what would be without it.
    pub fn forget(&mut self, number: u64) {
        self.intents.retain(|intent| intent.number != number);
    }

    /// Lets time pass, and says what became of whom.
    pub fn update(&mut self, scene: &ReturnConditions<'_>, now: Moment) -> Vec<IntentChange> {
        let mut events = Vec::new();
        for intent in &mut self.intents {
            events.extend(intent.update(scene, now));
        }
        // Of two that say the same of one region the last decides: what was asked for ahead counts from when it begins.
        let has_begun = |event: &&IntentChange| event.turn == Transition::Begun;
        let begun: Vec<u64> = events.iter().filter(has_begun).map(|event| event.intent.number).collect();
        self.intents.sort_by_key(|intent| begun.contains(&intent.number));
        self.intents.retain(|intent| !intent.is_over());
        events
    }

    /// Returns when to let time pass although nothing happens; `None`: never.
    pub fn wake(&self, regions: &Regions) -> Option<Moment> {
        self.intents.iter().filter_map(|intent| intent.wake(regions)).min()
    }

    /// Returns what the intents come to.
    pub fn overlay(&self, regions: &Regions) -> Overlay {
        let mut overlay = Overlay::none(regions);
        for intent in &self.intents {
            intent.give(&mut overlay, regions);
        }
        overlay
    }
}

impl Intent {
    /// Returns when it is over; `None`: when it is lifted.
    pub fn until(&self) -> Option<Moment> {
        Some(self.begins_at().plus(self.request.lasts?))
    }

    /// Returns when it is in force from.
    pub fn begins_at(&self) -> Moment {
        self.request.action.begins_at().map_or(self.made_at, |at| at.max(self.made_at))
    }

    /// Returns the share of the clients that its region or zone keeps; `None`: it keeps none away.
    pub fn kept(&self, regions: &Regions) -> Option<Share> {
        let kept = match (self.request.action.away(), &self.phase) {
            (Some(away), _) => away.rest(),
            // While it stands the region counts as down, and keeps no clients for that.
            (None, IntentPhase::Returning(_)) if self.request.action.returns_by_ramp() => Share::NONE,
            (None, _) => return None,
        };
        match &self.phase {
            IntentPhase::Scheduled
            | IntentPhase::Standing
            | IntentPhase::Stepping(_)
            | IntentPhase::Overdue { .. } => Some(kept),
            IntentPhase::Returning(course) => Some(course.share(&self.rules(regions)).max(kept)),
        }
    }

    fn phase_is_young(&self) -> bool {
        matches!(self.phase, IntentPhase::Scheduled | IntentPhase::Standing | IntentPhase::Stepping(_))
    }

    /// Returns whether its clients are all back, or its time is over and it kept none away.
    fn is_over(&self) -> bool {
        matches!(&self.phase, IntentPhase::Returning(course) if course.phase().is_stable())
    }

    /// Returns how the clients of its region come back.
    fn rules(&self, regions: &Regions) -> Recovery {
        weights_rules(&self.request.action).unwrap_or_else(|| {
            let region = self.request.action.target().and_then(|target| regions.find(target.region()));
            region.map_or_else(Recovery::default, |region| regions.region(region).recovery.clone())
        })
    }

    /// Returns the site whose gates count.
    fn site(&self, regions: &Regions) -> Option<Site> {
        match &self.request.action {
            Action::Weights { members, .. } => {
                members.last().and_then(|(region, _)| regions.find(region)).map(Site::Region)
            }
            action => action.target().and_then(|target| regions.site(&target)),
        }
    }

    fn update(&mut self, scene: &ReturnConditions<'_>, now: Moment) -> Option<IntentChange> {
        match &self.phase {
            IntentPhase::Scheduled => {
                let has_begun = self.begins_at() <= now;
                has_begun.then(|| {
                    self.phase = IntentPhase::Standing;
                    self.event(Transition::Begun)
                })
            }
            IntentPhase::Standing => {
                let is_over = self.until().is_some_and(|until| until <= now);
                is_over.then(|| self.end(scene, now))
            }
            IntentPhase::Overdue { next, .. } => {
                let is_due = *next <= now;
                let why = self.why();
                let event = is_due.then(|| self.end(scene, now));
                // The same obstacle is no news.
                event.filter(|event| !matches!(&event.turn, Transition::Overdue(now) if Some(now.as_str()) == why.as_deref()))
            }
            IntentPhase::Stepping(_) | IntentPhase::Returning(_) => self.follow(scene, now),
        }
    }

    fn why(&self) -> Option<String> {
        match &self.phase {
            IntentPhase::Overdue { why, .. } => Some(why.clone()),
            IntentPhase::Scheduled
            | IntentPhase::Standing
            | IntentPhase::Stepping(_)
            | IntentPhase::Returning(_) => None,
        }
    }

    /// Ends: lets the clients come back if they can.
    fn end(&mut self, scene: &ReturnConditions<'_>, now: Moment) -> IntentChange {
        let rules = self.rules(scene.regions);
        let is_forced = matches!(self.request.action, Action::Force { .. });
        // What is forced down and is down has no clients to bring back: health does when it is well.
        let is_down = is_forced && self.site(scene.regions).is_some_and(|site| !(scene.is_stable)(site));
        let kept = if is_forced { Some(Share::NONE) } else { self.kept(scene.regions) };
        let Some(kept) = kept.filter(|_| self.request.action.returns_by_ramp() && !is_down) else {
            self.phase = IntentPhase::Returning(RecoveryState::ramp(
                &Recovery { ramp: Vec::new(), ..rules },
                Share::NONE,
                now,
            ));
            return self.event(Transition::Gone);
        };
        // What is not there any more has no clients to come back.
        let obstacle = self.site(scene.regions).and_then(|_| (scene.obstacle)(self));
        if let Some(why) = obstacle {
            // Who is back already stays.
            if !matches!(self.phase, IntentPhase::Returning(_)) {
                self.phase = IntentPhase::Overdue { why: why.clone(), next: now.plus(RECONSIDER) };
            }
            return self.event(Transition::Overdue(why));
        }
        let course = RecoveryState::ramp(&rules, kept, now);
        let turn = match course.phase().is_stable() {
            true => Transition::Gone,
            false => Transition::Step(course.share(&rules)),
        };
        self.phase = IntentPhase::Returning(course);
        self.event(turn)
    }

    /// Goes on along the course of a return, or of weights.
    fn follow(&mut self, scene: &ReturnConditions<'_>, now: Moment) -> Option<IntentChange> {
        let rules = self.rules(scene.regions);
        let site = self.site(scene.regions);
        let (IntentPhase::Stepping(course) | IntentPhase::Returning(course)) = &mut self.phase else {
            return None;
        };
        let is_stable = site.is_none_or(scene.is_stable);
        // A region that falls while its clients come back is away for its health: the step begins anew.
        if !is_stable && self.request.action.returns_by_ramp() && !is_stuck(course) {
            course.begin_anew(now);
            return None;
        }
        let is_open = is_stable && site.is_none_or(|site| (scene.is_open)(site, course.since()));
        let before = course.share(&rules);
        let around = Surroundings { gates_are_open: is_open, may_quarantine: false, refused_since: None };
        let has_turned = course.follow(Assessment::Good, around, &rules, now);
        let (after, is_back) = (course.share(&rules), course.phase().is_stable());
        let turn = match () {
            () if is_stuck(course) => Transition::Stuck,
            () if is_back && matches!(self.phase, IntentPhase::Stepping(_)) => {
                self.phase = IntentPhase::Standing;
                Transition::Step(before)
            }
            () if is_back => Transition::Gone,
            () => Transition::Step(after),
        };
        has_turned.then(|| self.event(turn))
    }

    fn wake(&self, regions: &Regions) -> Option<Moment> {
        match &self.phase {
            IntentPhase::Scheduled => Some(self.begins_at()),
            IntentPhase::Standing => self.until(),
            IntentPhase::Overdue { next, .. } => Some(*next),
            IntentPhase::Stepping(course) | IntentPhase::Returning(course) => {
                course.wake(&self.rules(regions))
            }
        }
    }

    fn event(&self, turn: Transition) -> IntentChange {
        IntentChange { intent: self.clone(), turn }
    }

    /// Adds what it comes to.
    fn give(&self, overlay: &mut Overlay, regions: &Regions) {
        // One that is over keeps clients away as a drain does: it need not be out at any price any more.
        let is_standing = matches!(self.phase, IntentPhase::Standing);
        let kept = self.kept(regions);
        match &self.request.action {
            Action::Disable { target } if is_standing => {
                for part in regions.covered(target) {
                    match part.site(regions) {
                        Site::Region(id) => overlay.disabled.insert(id),
                        Site::Zone(id) => overlay.disabled_zones[usize::from(id.0)] = true,
                    }
                }
            }
            Action::Force { target, forced } if !matches!(self.phase, IntentPhase::Returning(_)) => {
                self.force(target, *forced, overlay, regions);
            }
            Action::Shift { target, .. }
            | Action::Drain { target }
            | Action::Drill { target, .. }
            | Action::Force { target, .. }
            | Action::Disable { target } => {
                for part in regions.covered(target) {
                    let place = match part.site(regions) {
                        Site::Region(id) => &mut overlay.kept[usize::from(id.0)],
                        Site::Zone(id) => &mut overlay.kept_of_zones[usize::from(id.0)],
                    };
                    *place = (*place).min(kept.unwrap_or(Share::ALL));
                }
            }
            Action::Failover { region: None, failover } => {
                overlay.failover.fill(*failover);
                overlay.moves_all_names = *failover == Failover::Auto;
            }
            Action::Failover { region: Some(region), failover } => {
                set(&mut overlay.failover, regions.with_services(region), *failover);
            }
            Action::Approve { region } => {
                set(&mut overlay.failover, regions.find(region), Failover::Auto);
                regions.find(region).into_iter().for_each(|id| overlay.approved.insert(id));
            }
            Action::Capacity { .. } if matches!(self.phase, IntentPhase::Scheduled) => {}
            Action::Capacity { region, percent, .. } => {
                set(&mut overlay.capacity, regions.with_services(region), percent.fraction());
            }
            Action::Weights { owner, members, steps, .. } => {
                let members = self.members(members, steps, regions);
                overlay.weights.push(Weights { owner: owner.clone(), members });
            }
        }
    }

    fn force(&self, target: &Target, forced: ForcedState, overlay: &mut Overlay, regions: &Regions) {
        for part in regions.covered(target) {
            match part {
                Resolved::Region(id) => overlay.forced[usize::from(id.0)] = Some((forced, self.made_at)),
                Resolved::Zone(_) | Resolved::Address(_) => {
                    for address in part.addresses(regions) {
                        overlay.forced_addresses[address.0 as usize] = Some((forced, self.made_at));
                    }
                }
            }
        }
    }

    /// Returns the weights of now, the one that grows first. While it grows, the others keep their proportions.
    fn members(&self, members: &[(String, u32)], steps: &[Share], regions: &Regions) -> Vec<(RegionId, u32)> {
        let known = |(name, weight): &(String, u32)| Some((regions.find(name)?, *weight));
        let step = match &self.phase {
            IntentPhase::Stepping(course) => Some(course.share(&self.rules(regions))),
            IntentPhase::Scheduled
            | IntentPhase::Standing
            | IntentPhase::Overdue { .. }
            | IntentPhase::Returning(_) => steps.last().copied(),
        };
        let (last, others) = members.split_last().expect("weights have two members at least");
        let Some(step) = step else {
            return members.iter().rev().filter_map(known).collect();
        };
        let total: u32 = others.iter().map(|(_, weight)| weight).sum();
        let rest = step.rest().fraction();
        let scaled = |(name, weight): &(String, u32)| {
            let part =
                if total == 0 { 1.0 / others.len() as f64 } else { f64::from(*weight) / f64::from(total) };
            Some((regions.find(name)?, (part * rest * 10_000.0).round() as u32))
        };
        let grown = regions.find(&last.0).map(|region| (region, (step.fraction() * 10_000.0).round() as u32));
        grown.into_iter().chain(others.iter().rev().filter_map(scaled)).collect()
    }
}

fn set<T: Copy>(of: &mut [T], regions: impl IntoIterator<Item = RegionId>, value: T) {
    for region in regions {
        of[usize::from(region.0)] = value;
    }
}

fn is_stuck(course: &RecoveryState) -> bool {
    course.phase() == Phase::Held
}

/// Returns how weights go up, when they do so in steps.
fn weights_rules(action: &Action) -> Option<Recovery> {
    match action {
        Action::Weights { steps, hold, .. } if !steps.is_empty() => {
            Some(Recovery { ramp: steps.clone(), hold: *hold, ..Recovery::default() })
        }
        _ => None,
    }
}

impl FollowClock for IntentStore {
    /// An intent that stands for two hours goes on to do so. One of an earlier life ends when it was told to: the clock
    /// was right then for all that is known, and the machine may have been off meanwhile.
    fn follow_clock(&mut self, step: ClockStep) {
        for intent in &mut self.intents {
            if intent.number > self.adopted {
                intent.made_at.follow_clock(step);
            }
            intent.phase.follow_clock(step);
        }
    }
}

impl FollowClock for IntentPhase {
    fn follow_clock(&mut self, step: ClockStep) {
        match self {
            // It begins when the wall clock says so.
            Self::Scheduled | Self::Standing => {}
            Self::Overdue { next, .. } => next.follow_clock(step),
            Self::Stepping(course) | Self::Returning(course) => course.follow_clock(step),
        }
    }
}
