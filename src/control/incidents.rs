//! Gathers the conditions that stand, from all parts of control, and marks events with their incidents.

use std::collections::BTreeMap;

use super::{Control, Effect, Monitor};
use crate::alarm::{Alarm, IncidentCause, StandingCondition, failure};
use crate::canary::{FailureClass, Subject};
use crate::event::{Condition, Event, but_for};
use crate::health::{AddressHealth, Phase, Suppression};
use crate::intent::IntentPhase;
use crate::moment::Moment;
use crate::region::{Family, Resolved, Site, Target};
use crate::severity::Severity;
use crate::share::Share;

impl Control {
    /// Marks events with their incidents, and adds what became of those that ended silently. Conditions come and go
    /// with events, but for those that a reload takes away.
    pub(super) fn mark_incidents(&mut self, effects: &mut Vec<Effect>, is_reload: bool, now: Moment) {
        let events = effects.iter_mut().filter_map(|effect| match effect {
            Effect::Emit(event) => Some(&mut **event),
            Effect::Publish(_)
            | Effect::Watch(..)
            | Effect::Persist(_)
            | Effect::Keep(_)
            | Effect::PersistAvailability(_)
            | Effect::Answer(_) => None,
        });
        let mut events: Vec<&mut Event> = events.collect();
        if is_reload || events.iter().any(|event| event.condition.is_some()) {
            let closed = self.incidents.update(self.standing(now), &mut events, now);
            effects.extend(closed.into_iter().map(Effect::emit));
        }
    }

    /// Returns every condition that stands.
    fn standing(&self, now: Moment) -> Vec<StandingCondition> {
        let correlated = self.monitor.correlated();
        let mut standing = self.monitor.standing(&correlated);
        for one in &mut standing {
            let region = one.condition.target().filter(|_| matches!(one.condition, Condition::Out(..)));
            if let Some(staying) = region.and_then(|region| self.unborne.share(region)) {
                one.text = but_for(&one.text, staying);
            }
        }
        standing.extend(self.own_alarms().map(|alarm| of_alarm(alarm, "", &correlated, &[])));
        let away = self.base.config.regions.iter().zip(self.balancer.away(&self.base));
        for ((region, _), away) in away.filter(|(_, away)| *away > Share::NONE) {
            let target = self.base.config.regions.target(Resolved::Region(region));
            let text = format!("{target} sends {away} of its clients elsewhere: it is too full");
            standing.push(own(Condition::LoadShed(target), now, text));
        }
        for intent in self.intents.intents() {
            let why = match &intent.phase {
                IntentPhase::Overdue { why, .. } => why.as_str(),
                phase if phase.is_stuck() => "too many requests fail, or it is too full",
                IntentPhase::Scheduled
                | IntentPhase::Standing
                | IntentPhase::Stepping(_)
                | IntentPhase::Returning(_) => continue,
            };
            let (number, action) = (intent.number, &intent.request.action);
            let text = format!("the clients of intent {number} ({action}) cannot come back: {why}");
            standing.push(own(Condition::Intent(number), now, text));
        }
        standing
    }
}

impl Monitor {
    /// Returns the regions whose failover a correlated failure suppresses, and how they fail.
    fn correlated(&self) -> BTreeMap<String, FailureClass> {
        let regions = self.config.regions.iter().filter_map(|(id, region)| {
            let suppressions = self.observed(Site::Region(id)).map(|status| status.suppression);
            let class = suppressions.into_iter().flatten().find_map(|suppression| match suppression {
                Suppression::Correlated(class, _) => Some(class),
                Suppression::Failover(_)
                | Suppression::Unheard
                | Suppression::NoneWell
                | Suppression::Overload(_)
                | Suppression::Keep
                | Suppression::Cascade(_)
                | Suppression::MinInService
                | Suppression::Unconfirmed { .. }
                | Suppression::Blind => None,
            })?;
            Some((region.name.clone(), class))
        });
        regions.collect()
    }

    /// Returns the conditions of regions, zones and addresses that stand, and those of names.
    fn standing(&self, correlated: &BTreeMap<String, FailureClass>) -> Vec<StandingCondition> {
        let regions = &self.config.regions;
        let of_alarm = |alarm: Alarm| {
            let names = self.alarms.regions_of(&alarm.condition).iter();
            let names: Vec<_> = names.map(|region| regions.region(*region).name.clone()).collect();
            let site = alarm.condition.target().and_then(|target| regions.site(target));
            let family = alarm.condition.family();
            let status = site.zip(family).map(|(site, family)| self.observed(site)[family as usize]);
            let state = status.map_or("", |status| status.phase.as_str());
            of_alarm(alarm, state, correlated, &names)
        };
        let mut standing = Vec::new();
        for site in regions.sites() {
            for family in Family::BOTH {
                standing.extend(self.standing_of_site(site, family, correlated));
            }
        }
        // After the sites: of a region that is out the alarm says more, and takes the place of what its phase says.
        standing.extend(self.alarms.standing().map(of_alarm));
        let fallen = self.board.watched().filter(|(_, health)| health.state().is_down());
        standing
            .extend(fallen.map(|(subject, health)| self.standing_of_watched(subject, health, correlated)));
        standing
    }

    /// Returns that an address, or a region as a whole, is down by its canaries.
    fn standing_of_watched(
        &self,
        subject: Subject,
        health: &AddressHealth,
        correlated: &BTreeMap<String, FailureClass>,
    ) -> StandingCondition {
        let regions = &self.config.regions;
        let detail = health.cause().map_or_else(String::new, |cause| cause.failure.detail);
        let (condition, text) = match subject {
            Subject::Address(address) => {
                let target = regions.target(Resolved::Address(address));
                (Condition::Address(target.clone()), format!("{target} is down: {detail}"))
            }
            Subject::Region(region) => {
                let target = regions.target(Resolved::Region(region));
                let text = format!("{target} as a whole is down: {detail}");
                (Condition::RegionCanary(target), text)
            }
        };
        StandingCondition {
            cause: IncidentCause::of(&condition, correlated, &[]),
            state: health.state().as_str(),
            reason: detail,
            ..own(condition, health.since(), text)
        }
    }

    /// Returns that a site is out, or is held at a share.
    fn standing_of_site(
        &self,
        site: Site,
        family: Family,
        correlated: &BTreeMap<String, FailureClass>,
    ) -> Option<StandingCondition> {
        let status = self.observed(site)[family as usize];
        match status.phase {
            Phase::Down | Phase::Recovering | Phase::Held | Phase::Quarantined => {}
            Phase::Unknown | Phase::Healthy | Phase::Suspect | Phase::Ramp => return None,
        }
        let target: Target = self.config.regions.target(site);
        let state = status.phase.as_str();
        let text = format!("{target} ({family}) is {state}");
        let condition = Condition::Out(target, family);
        Some(StandingCondition {
            cause: IncidentCause::of(&condition, correlated, &[]),
            state,
            reason: failure(site, family, &self.board).unwrap_or_default(),
            ..own(condition, status.since, text)
        })
    }
}

fn own(condition: Condition, since: Moment, text: String) -> StandingCondition {
    StandingCondition {
        cause: IncidentCause::of(&condition, &BTreeMap::new(), &[]),
        condition,
        since,
        severity: Severity::Warning,
        state: "",
        reason: String::new(),
        text,
    }
}

fn of_alarm(
    alarm: Alarm,
    state: &'static str,
    correlated: &BTreeMap<String, FailureClass>,
    regions: &[String],
) -> StandingCondition {
    let Alarm { condition, event } = alarm;
    StandingCondition {
        cause: IncidentCause::of(&condition, correlated, regions),
        severity: event.severity,
        state,
        reason: event.reason.unwrap_or_default(),
        ..own(condition, event.time, event.text)
    }
}
