//! The intents in force: how they are taken, how they end, and how their clients come back.
//!
//! The picture is at the head of [`intent`](super). Time and what is seen of the regions are arguments; what the
//! return of clients waits for is asked of the caller ([`Scene`]).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::orders::{Forced, Orders, Weights};
use super::{Drill, Rule, Wish};
use crate::health::{Assessment, Phase as CoursePhase, RecoveryState};
use crate::moment::Moment;
use crate::region::{Failover, Recovery, RegionId, Regions, Resolved, Site, Target};
use crate::share::Share;

/// The most intents at once: more than people can keep in mind.
pub const MAX_INTENTS: usize = 200;

/// How soon somebody asking for the same again is taken to mean the same: clients of the API that try again.
const SAME_WITHIN: Duration = Duration::from_secs(60);

/// How often it is looked whether clients can come back that should have by now.
const RECONSIDER: Duration = Duration::from_secs(10);

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// What.
    pub wish: Wish,
    /// Who.
    pub author: String,
    /// Why.
    pub reason: String,
    /// For how long; `None`: until it is lifted.
    pub lasts: Option<Duration>,
    /// The rules that are broken on purpose.
    pub overrides: Vec<Rule>,
}

#[cfg(test)]
impl Default for Terms {
    fn default() -> Self {
        Self {
            wish: Wish::Drain { target: Target::of_region("tokyo") },
            author: "alice".to_owned(),
            reason: "a test".to_owned(),
            lasts: None,
            overrides: Vec::new(),
        }
    }
}

/// An intent in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Its number; each has a higher one than those before it, across restarts.
    pub number: u64,
    /// What was asked for.
    pub terms: Terms,
    /// When.
    pub made_at: Moment,
    /// Where it stands.
    pub phase: Phase,
}

/// Where an intent stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
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

impl Phase {
    /// Returns the word that `/intents`, logs and pages use.
    pub fn as_str(&self) -> &'static str {
        match self {
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
pub struct Event {
    /// The intent as it is now, or was at last.
    pub intent: Intent,
    /// What became of it.
    pub turn: Turn,
}

/// What became of an intent.
#[derive(Clone, Debug, PartialEq)]
pub enum Turn {
    /// It is in force.
    Made,
    /// Its clients should come back and cannot, for this reason.
    Overdue(String),
    /// This share of those it is about is where it would be without the intent, or goes where weights lead it.
    Step(Share),
    /// A gate was closed twice: it stays where it is until it is lifted at once.
    Stuck,
    /// It is over.
    Gone,
}

/// What was kept across a restart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The intents in force.
    pub intents: Vec<Intent>,
    /// The highest number that was given.
    pub last_number: u64,
    /// What came of drills, the latest last.
    pub drills: Vec<Drill>,
}

/// What is seen of the regions when clients are to come back.
pub struct Scene<'a> {
    /// The regions.
    pub regions: &'a Regions,
    /// Returns why clients of an intent cannot come back now; `None`: they can.
    pub obstacle: &'a dyn Fn(&Intent) -> Option<String>,
    /// Returns whether a site is well.
    pub is_well: &'a dyn Fn(Site) -> bool,
    /// Returns whether the gates of a site's ramp are open, for a step that began then.
    pub is_open: &'a dyn Fn(Site, Moment) -> bool,
}

/// The intents in force, in the order of their numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Desk {
    intents: Vec<Intent>,
    last_number: u64,
}

impl Desk {
    /// Goes on with what an earlier life left.
    pub fn adopt(kept: Kept) -> Self {
        let highest = kept.intents.iter().map(|intent| intent.number).max().unwrap_or(0);
        Self { intents: kept.intents, last_number: kept.last_number.max(highest) }
    }

    /// Returns what must be kept across a restart; of drills it knows nothing.
    pub fn keep(&self) -> Kept {
        Kept { intents: self.intents.clone(), last_number: self.last_number, drills: Vec::new() }
    }

    /// Returns the intents in force.
    pub fn intents(&self) -> &[Intent] {
        &self.intents
    }

    /// Returns the intent that somebody has asked for already who asks for this: within the last minute, in the
    /// same words.
    pub fn same(&self, terms: &Terms, now: Moment) -> Option<&Intent> {
        let is_same = |intent: &&Intent| {
            let Terms { wish, lasts, .. } = &intent.terms;
            intent.phase_is_young()
                && *wish == terms.wish
                && *lasts == terms.lasts
                && now.since(intent.made_at) < SAME_WITHIN
        };
        self.intents.iter().find(is_same)
    }

    /// Returns the intent that must end before this may be asked for: there is one shift, drain or drill at a time,
    /// but for one that this ends.
    pub fn in_the_way(&self, wish: &Wish) -> Option<&Intent> {
        let other = |intent: &&Intent| intent.terms.wish.is_alone() && !wish.ends(&intent.terms.wish);
        self.intents.iter().filter(|_| wish.is_alone()).find(other)
    }

    /// Returns a number that was never given before.
    pub fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// Takes an intent, in the place of those that it ends.
    pub fn make(&mut self, terms: Terms, now: Moment) -> Event {
        let number = self.next_number();
        self.intents.retain(|intent| !terms.wish.ends(&intent.terms.wish));
        let phase = match weights_rules(&terms.wish) {
            Some(rules) => Phase::Stepping(RecoveryState::ramp(&rules, Share::NONE, now)),
            None => Phase::Standing,
        };
        let intent = Intent { number, terms, made_at: now, phase };
        self.intents.push(intent.clone());
        Event { intent, turn: Turn::Made }
    }

    /// Lifts an intent: its clients come back step by step, or at once. `None`: there is none with this number.
    pub fn lift(&mut self, number: u64, is_at_once: bool, scene: &Scene<'_>, now: Moment) -> Option<Event> {
        let index = self.intents.iter().position(|intent| intent.number == number)?;
        let is_gone = is_at_once || self.intents[index].terms.wish.away().is_none();
        if is_gone {
            let intent = self.intents.remove(index);
            return Some(Event { intent, turn: Turn::Gone });
        }
        let intent = &mut self.intents[index];
        let event = match &intent.phase {
            // Lifting it twice brings nobody back sooner.
            Phase::Returning(course) if !is_stuck(course) => {
                let share = course.share(&intent.rules(scene.regions));
                intent.event(Turn::Step(share))
            }
            // Whoever sees it stuck, or overdue, wants it tried anew.
            Phase::Standing | Phase::Stepping(_) | Phase::Overdue { .. } | Phase::Returning(_) => {
                intent.end(scene, now)
            }
        };
        self.intents.retain(|intent| !intent.is_over());
        Some(event)
    }

    /// Forgets an intent, as if it had never been made: to ask what would be without it.
    pub fn forget(&mut self, number: u64) {
        self.intents.retain(|intent| intent.number != number);
    }

    /// Lets time pass, and says what became of whom.
    pub fn update(&mut self, scene: &Scene<'_>, now: Moment) -> Vec<Event> {
        let mut events = Vec::new();
        for intent in &mut self.intents {
            events.extend(intent.update(scene, now));
        }
        self.intents.retain(|intent| !intent.is_over());
        events
    }

    /// Returns when to let time pass although nothing happens; `None`: never.
    pub fn wake(&self, regions: &Regions) -> Option<Moment> {
        self.intents.iter().filter_map(|intent| intent.wake(regions)).min()
    }

    /// Returns what the intents come to.
    pub fn orders(&self, regions: &Regions) -> Orders {
        let mut orders = Orders::none(regions);
        for intent in &self.intents {
            intent.give(&mut orders, regions);
        }
        orders
    }
}

impl Intent {
    /// Returns when it is over; `None`: when it is lifted.
    pub fn until(&self) -> Option<Moment> {
        Some(self.made_at.plus(self.terms.lasts?))
    }

    /// Returns the share of the clients that its region or zone keeps; `None`: it keeps none away.
    pub fn kept(&self, regions: &Regions) -> Option<Share> {
        let away = self.terms.wish.away()?;
        let kept = away.rest();
        match &self.phase {
            Phase::Standing | Phase::Stepping(_) | Phase::Overdue { .. } => Some(kept),
            Phase::Returning(course) => Some(course.share(&self.rules(regions)).max(kept)),
        }
    }

    fn phase_is_young(&self) -> bool {
        matches!(self.phase, Phase::Standing | Phase::Stepping(_))
    }

    /// Returns whether its clients are all back, or its time is over and it kept none away.
    fn is_over(&self) -> bool {
        matches!(&self.phase, Phase::Returning(course) if course.phase().is_stable())
    }

    /// Returns how the clients of its region come back.
    fn rules(&self, regions: &Regions) -> Recovery {
        weights_rules(&self.terms.wish).unwrap_or_else(|| {
            let region = self.terms.wish.target().and_then(|target| regions.find(target.region()));
            region.map_or_else(Recovery::default, |region| regions.region(region).recovery.clone())
        })
    }

    /// Returns the site whose gates count.
    fn site(&self, regions: &Regions) -> Option<Site> {
        match &self.terms.wish {
            Wish::Weights { members, .. } => {
                members.last().and_then(|(region, _)| regions.find(region)).map(Site::Region)
            }
            wish => wish.target().and_then(|target| regions.site(&target)),
        }
    }

    fn update(&mut self, scene: &Scene<'_>, now: Moment) -> Option<Event> {
        match &self.phase {
            Phase::Standing => {
                let is_over = self.until().is_some_and(|until| until <= now);
                is_over.then(|| self.end(scene, now))
            }
            Phase::Overdue { next, .. } => {
                let is_due = *next <= now;
                let why = self.why();
                let event = is_due.then(|| self.end(scene, now));
                // The same obstacle is no news.
                event.filter(|event| !matches!(&event.turn, Turn::Overdue(now) if Some(now.as_str()) == why.as_deref()))
            }
            Phase::Stepping(_) | Phase::Returning(_) => self.follow(scene, now),
        }
    }

    fn why(&self) -> Option<String> {
        match &self.phase {
            Phase::Overdue { why, .. } => Some(why.clone()),
            Phase::Standing | Phase::Stepping(_) | Phase::Returning(_) => None,
        }
    }

    /// Ends: lets the clients come back if they can.
    fn end(&mut self, scene: &Scene<'_>, now: Moment) -> Event {
        let rules = self.rules(scene.regions);
        let Some(kept) = self.kept(scene.regions) else {
            self.phase = Phase::Returning(RecoveryState::ramp(
                &Recovery { ramp: Vec::new(), ..rules },
                Share::NONE,
                now,
            ));
            return self.event(Turn::Gone);
        };
        // What is not there any more has no clients to come back.
        let obstacle = self.site(scene.regions).and_then(|_| (scene.obstacle)(self));
        if let Some(why) = obstacle {
            // Who is back already stays.
            if !matches!(self.phase, Phase::Returning(_)) {
                self.phase = Phase::Overdue { why: why.clone(), next: now.plus(RECONSIDER) };
            }
            return self.event(Turn::Overdue(why));
        }
        let course = RecoveryState::ramp(&rules, kept, now);
        let turn = match course.phase().is_stable() {
            true => Turn::Gone,
            false => Turn::Step(course.share(&rules)),
        };
        self.phase = Phase::Returning(course);
        self.event(turn)
    }

    /// Goes on along the course of a return, or of weights.
    fn follow(&mut self, scene: &Scene<'_>, now: Moment) -> Option<Event> {
        let rules = self.rules(scene.regions);
        let site = self.site(scene.regions);
        let (Phase::Stepping(course) | Phase::Returning(course)) = &mut self.phase else {
            return None;
        };
        let is_well = site.is_none_or(scene.is_well);
        // A region that falls while its clients come back is away for its health: the step begins anew.
        if !is_well && self.terms.wish.away().is_some() && !is_stuck(course) {
            course.begin_anew(now);
            return None;
        }
        let is_open = is_well && site.is_none_or(|site| (scene.is_open)(site, course.since()));
        let before = course.share(&rules);
        let has_turned = course.follow(Assessment::Good, is_open, &rules, now);
        let (after, is_back) = (course.share(&rules), course.phase().is_stable());
        let turn = match () {
            () if is_stuck(course) => Turn::Stuck,
            () if is_back && matches!(self.phase, Phase::Stepping(_)) => {
                self.phase = Phase::Standing;
                Turn::Step(before)
            }
            () if is_back => Turn::Gone,
            () => Turn::Step(after),
        };
        has_turned.then(|| self.event(turn))
    }

    fn wake(&self, regions: &Regions) -> Option<Moment> {
        match &self.phase {
            Phase::Standing => self.until(),
            Phase::Overdue { next, .. } => Some(*next),
            Phase::Stepping(course) | Phase::Returning(course) => course.wake(&self.rules(regions)),
        }
    }

    fn event(&self, turn: Turn) -> Event {
        Event { intent: self.clone(), turn }
    }

    /// Adds what it comes to.
    fn give(&self, orders: &mut Orders, regions: &Regions) {
        // One that is over keeps clients away as a drain does: nobody wants it out at any price any more.
        let is_standing = matches!(self.phase, Phase::Standing);
        let kept = self.kept(regions);
        match &self.terms.wish {
            Wish::Disable { target } if is_standing => match regions.site(target) {
                Some(Site::Region(id)) => orders.disabled.insert(id),
                Some(Site::Zone(id)) => orders.disabled_zones[usize::from(id.0)] = true,
                None => {}
            },
            Wish::Shift { target, .. }
            | Wish::Drain { target }
            | Wish::Drill { target, .. }
            | Wish::Disable { target } => {
                let place = match regions.site(target) {
                    Some(Site::Region(id)) => &mut orders.kept[usize::from(id.0)],
                    Some(Site::Zone(id)) => &mut orders.kept_of_zones[usize::from(id.0)],
                    None => return,
                };
                *place = (*place).min(kept.unwrap_or(Share::ALL));
            }
            Wish::Force { target, forced } => self.force(target, *forced, orders, regions),
            Wish::Failover { region: None, failover } => orders.failover.fill(*failover),
            Wish::Failover { region: Some(region), failover } => {
                set(&mut orders.failover, regions.find(region), *failover);
            }
            Wish::Approve { region } => set(&mut orders.failover, regions.find(region), Failover::Auto),
            Wish::Capacity { region, percent } => {
                set(&mut orders.capacity, regions.find(region), f64::from(*percent) / 100.0);
            }
            Wish::Weights { owner, members, steps, .. } => {
                let members = self.members(members, steps, regions);
                orders.weights.push(Weights { owner: owner.clone(), members });
            }
        }
    }

    fn force(&self, target: &Target, forced: Forced, orders: &mut Orders, regions: &Regions) {
        match regions.resolve(target) {
            Ok(Resolved::Region(id)) => orders.forced[usize::from(id.0)] = Some((forced, self.made_at)),
            Ok(part @ (Resolved::Zone(_) | Resolved::Address(_))) => {
                for address in part.addresses(regions) {
                    orders.forced_addresses[address.0 as usize] = Some((forced, self.made_at));
                }
            }
            Err(_) => {}
        }
    }

    /// Returns the weights of now, the one that grows first. While it grows, the others keep their proportions.
    fn members(&self, members: &[(String, u32)], steps: &[Share], regions: &Regions) -> Vec<(RegionId, u32)> {
        let known = |(name, weight): &(String, u32)| Some((regions.find(name)?, *weight));
        let step = match &self.phase {
            Phase::Stepping(course) => Some(course.share(&self.rules(regions))),
            Phase::Standing | Phase::Overdue { .. } | Phase::Returning(_) => steps.last().copied(),
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

fn set<T>(of: &mut [T], region: Option<RegionId>, value: T) {
    if let Some(region) = region {
        of[usize::from(region.0)] = value;
    }
}

fn is_stuck(course: &RecoveryState) -> bool {
    matches!(course.phase(), CoursePhase::Held(_))
}

/// Returns how weights go up, when they do so in steps.
fn weights_rules(wish: &Wish) -> Option<Recovery> {
    match wish {
        Wish::Weights { steps, hold, .. } if !steps.is_empty() => {
            Some(Recovery { ramp: steps.clone(), hold: *hold, ..Recovery::default() })
        }
        _ => None,
    }
}
