//! Incidents: the conditions of one cause, told as one.
//!
//! ```text
//!   conditions that stand ──▶ the cause of each ──▶ incidents: opened, joined, merged, over
//! ```
//!
//! Both families of a region, its availability zones and its addresses have one cause, the region; regions that fail
//! alike, while that suppresses their failover, have the correlated failure; and names that no region is left for have
//! that of their regions, where it is the same for all of them ([`IncidentCause`]).
//!
//! A condition stays with its incident for as long as it stands, also when its cause is seen differently: the addresses
//! of five regions may fall before it shows that they fall alike. When all members of an incident have another cause,
//! that becomes the cause of the incident; of two incidents with one cause the later ends in the earlier. An incident
//! is over when no member of it stands.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::canary::FailureClass;
use crate::config::Measure;
use crate::event::{Condition, Event, IncidentMark};
use crate::moment::{Moment, follows_clock, rfc3339};
use crate::region::{Family, Target};
use crate::severity::Severity;

/// How many incidents are kept that are over: a bad day, for those who look after it.
pub const MAX_OVER: usize = 50;

/// The most members of an incident that are told one by one: what a person reads. Their number is told as well.
pub const MAX_TOLD: usize = 100;

/// The conditions of one cause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    /// Its number in this process.
    pub id: u64,
    /// What it has in common with the same incident of another process, or at another time: `region/tokyo`.
    pub key: String,
    /// When its first condition began.
    #[serde(with = "rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub since: Moment,
    /// When the last one ended; `null`: it is open.
    #[serde(with = "rfc3339::option")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub ended_at: Option<Moment>,
    /// How severe it has been at most.
    pub severity: Severity,
    /// What it is, in a line.
    pub text: String,
    /// How many conditions belong to it; when it is over, did so at last.
    pub count: usize,
    /// The first of these conditions.
    pub members: Vec<IncidentMember>,
}

/// A condition that belongs to an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IncidentMember {
    /// Its key: `out/tokyo/IPv4`.
    pub key: String,
    /// When it began.
    #[serde(with = "rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub since: Moment,
    /// What it is, in a line.
    pub text: String,
}

/// A condition that stands, as incidents are made of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StandingCondition {
    pub(crate) condition: Condition,
    pub(crate) cause: IncidentCause,
    pub(crate) since: Moment,
    pub(crate) severity: Severity,
    /// In which state its target is, in a word.
    pub(crate) state: &'static str,
    /// Why; empty: that is not known.
    pub(crate) reason: String,
    /// What it is, in a line.
    pub(crate) text: String,
}

/// What conditions have in common that belong together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum IncidentCause {
    /// Half of the regions or more fail in this way.
    Correlated(FailureClass),
    /// The region with this name.
    Region(String),
    /// No region is left for this name, for more causes than one.
    Names(String),
    Own(String),
}

/// The incidents that are open, and the last of those that are over.
#[derive(Debug, Default)]
pub(crate) struct Incidents {
    open: Vec<OpenIncident>,
    over: VecDeque<Incident>,
    last_id: u64,
}

#[derive(Debug)]
struct OpenIncident {
    id: u64,
    key: String,
    since: Moment,
    severity: Severity,
    cause: IncidentCause,
    members: BTreeMap<Condition, StandingCondition>,
}

impl IncidentCause {
    /// Returns the cause of a condition, given in which class the regions fail whose failover a correlated failure
    /// suppresses, and the regions that a name may lead to if the condition is about one.
    pub(crate) fn of(
        condition: &Condition,
        correlated: &BTreeMap<String, FailureClass>,
        regions: &[String],
    ) -> Self {
        let of_region = |region: &str| match correlated.get(region) {
            Some(class) => Self::Correlated(*class),
            None => Self::Region(region.to_owned()),
        };
        match condition {
            Condition::Out(target, _)
            | Condition::ClientsStay { region: target, .. }
            | Condition::Unborne(target)
            | Condition::Suppressed(target, _)
            | Condition::Flapping(target, _)
            | Condition::Disagreement(target, _)
            | Condition::RegionCanary(target)
            | Condition::Outlier(target)
            | Condition::Address(target)
            | Condition::Advisory(target)
            | Condition::Threshold(Measure::ErrorRate | Measure::P95Latency, _, Some(target)) => {
                of_region(target.region())
            }
            Condition::NoRegion { owner, .. } => {
                let causes: BTreeSet<_> = regions.iter().map(|region| of_region(region)).collect();
                match causes.len() {
                    1 => causes.into_iter().next().unwrap_or_else(|| Self::Names(owner.clone())),
                    _ => Self::Names(owner.clone()),
                }
            }
            // A warning and the critical alarm after it are about the same.
            Condition::Threshold(measure, _, target) => {
                let target = target.iter().map(|target| format!("/{target}")).collect::<String>();
                Self::Own(format!("{}{target}", measure.as_str()))
            }
            Condition::LoadShed(_)
            | Condition::ReserveUsed(_)
            | Condition::Intent(_)
            | Condition::Blind(_)
            | Condition::Reference(_)
            | Condition::Peer(_)
            | Condition::Host(_)
            | Condition::Webhook(_)
            | Condition::ReloadFailed
            | Condition::PassedOver
            | Condition::StateFile(_)
            | Condition::ClockSet
            | Condition::Flood
            | Condition::Redundancy => Self::Own(condition.to_string()),
        }
    }
}

impl fmt::Display for IncidentCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Correlated(class) => write!(f, "correlated/{}", class.as_str()),
            Self::Region(region) => write!(f, "region/{region}"),
            Self::Names(owner) => write!(f, "names/{owner}"),
            Self::Own(key) => f.write_str(key),
        }
    }
}

impl Incidents {
    /// Takes the conditions that stand now, marks the events that led to them with their incidents, and adds an event
    /// for each incident that ended without one: in another, or because a reload took its conditions away.
    pub(crate) fn update(
        &mut self,
        standing: Vec<StandingCondition>,
        events: &mut [&mut Event],
        now: Moment,
    ) -> Vec<Event> {
        let before: BTreeMap<String, u64> = self.by_member();
        let ended = self.follow(standing, now);
        let after = self.by_member();
        let mut told = BTreeSet::new();
        // From the last to the first: the last event of an incident that is over is its end.
        for event in events.iter_mut().rev() {
            let Some(key) = event.condition.as_ref().map(|mark| &mark.key) else { continue };
            let Some(id) = after.get(key).or(before.get(key)) else { continue };
            if let Some((incident, into)) = ended.iter().find(|(incident, _)| incident.id == *id) {
                let is_over = into.is_none() && told.insert(*id);
                event.incident = Some(mark(incident.id, &incident.key, incident.severity, is_over));
            } else if let Some(open) = self.open.iter().find(|open| open.id == *id) {
                event.incident = Some(mark(open.id, &open.key, open.severity, false));
            }
        }
        let untold = ended.iter().filter(|(incident, _)| !told.contains(&incident.id));
        let closed = untold.map(|(incident, into)| Event {
            incident: Some(mark(incident.id, &incident.key, incident.severity, true)),
            ..Event::incident_closed(incident.id, &incident.text, *into, now)
        });
        closed.collect()
    }

    /// Returns the incidents that are open, the most severe first and of those the ones that leave clients without a region,
    /// and after them those that are over, the last first.
    pub(crate) fn report(&self) -> Vec<Incident> {
        let mut open: Vec<_> = self.open.iter().collect();
        open.sort_by_key(|one| (Reverse(one.severity), !one.strands_clients(), one.since));
        let open = open.into_iter().map(|open| open.told(None));
        open.chain(self.over.iter().rev().cloned()).collect()
    }

    fn by_member(&self) -> BTreeMap<String, u64> {
        let members = |open: &OpenIncident| {
            let id = open.id;
            open.members.keys().map(move |condition| (condition.to_string(), id)).collect::<Vec<_>>()
        };
        self.open.iter().flat_map(members).collect()
    }

    /// Follows the conditions, and returns the incidents that ended, and in which other one if they did.
    fn follow(&mut self, standing: Vec<StandingCondition>, now: Moment) -> Vec<(Incident, Option<u64>)> {
        let mut standing: BTreeMap<_, _> =
            standing.into_iter().map(|one| (one.condition.clone(), one)).collect();
        // What an incident was is told by those that stood last.
        let last: BTreeMap<u64, Incident> =
            self.open.iter().map(|open| (open.id, open.told(Some(now)))).collect();
        for open in &mut self.open {
            let before = std::mem::take(&mut open.members);
            open.members = before
                .into_values()
                .filter_map(|before| {
                    let (condition, now) = standing.remove_entry(&before.condition)?;
                    Some((condition, StandingCondition { since: before.since.min(now.since), ..now }))
                })
                .collect();
            let mut causes = open.members.values().map(|member| &member.cause);
            if let Some(first) = causes.next()
                && causes.all(|cause| cause == first)
            {
                open.cause = first.clone();
            }
        }
        let mut ended = self.merge(&last);
        // The condition that began first opens the incident that the others join.
        let mut new: Vec<_> = standing.into_iter().collect();
        new.sort_by_key(|(_, one)| one.since);
        for (condition, one) in new {
            self.join(condition, one);
        }
        for open in &mut self.open {
            let severities = open.members.values().map(|member| member.severity);
            open.severity = severities.fold(open.severity, Severity::max);
        }
        self.open.retain(|open| {
            if open.members.is_empty() {
                ended.extend(last.get(&open.id).cloned().map(|incident| (incident, None)));
            }
            !open.members.is_empty()
        });
        for (incident, _) in &ended {
            if self.over.len() == MAX_OVER {
                self.over.pop_front();
            }
            self.over.push_back(incident.clone());
        }
        ended
    }

    /// Ends every incident in an earlier one that has come to have the same cause.
    fn merge(&mut self, last: &BTreeMap<u64, Incident>) -> Vec<(Incident, Option<u64>)> {
        let mut merged = Vec::new();
        let mut kept: Vec<OpenIncident> = Vec::new();
        for open in std::mem::take(&mut self.open) {
            match kept.iter_mut().find(|earlier| earlier.cause == open.cause && !open.members.is_empty()) {
                Some(earlier) => {
                    merged.extend(last.get(&open.id).cloned().map(|incident| (incident, Some(earlier.id))));
                    earlier.members.extend(open.members);
                    earlier.severity = earlier.severity.max(open.severity);
                }
                None => kept.push(open),
            }
        }
        self.open = kept;
        merged
    }

    /// Adds a condition to the incident of its cause, or of one that has a member of it, or opens one.
    fn join(&mut self, condition: Condition, one: StandingCondition) {
        let has_cause = |open: &OpenIncident| open.members.values().any(|member| member.cause == one.cause);
        let index = self.open.iter().position(|open| open.cause == one.cause);
        let index = index.or_else(|| self.open.iter().position(has_cause)).unwrap_or_else(|| {
            self.last_id += 1;
            self.open.push(OpenIncident {
                id: self.last_id,
                key: one.cause.to_string(),
                since: one.since,
                severity: one.severity,
                cause: one.cause.clone(),
                members: BTreeMap::new(),
            });
            self.open.len() - 1
        });
        self.open[index].members.insert(condition, one);
    }
}

impl OpenIncident {
    /// Returns whether no region is left for some clients.
    fn strands_clients(&self) -> bool {
        self.members.keys().any(|condition| matches!(condition, Condition::NoRegion { .. }))
    }

    fn told(&self, ended_at: Option<Moment>) -> Incident {
        let member = |member: &StandingCondition| IncidentMember {
            key: member.condition.to_string(),
            since: member.since,
            text: member.text.clone(),
        };
        Incident {
            id: self.id,
            key: self.key.clone(),
            since: self.since,
            ended_at,
            severity: self.severity,
            text: self.text(),
            count: self.members.len(),
            members: self.members.values().take(MAX_TOLD).map(member).collect(),
        }
    }

    /// Says what it is by the members that say most: the region before its zones, these before their addresses.
    fn text(&self) -> String {
        if let IncidentCause::Correlated(class) = &self.cause {
            let targets = self.members.keys().filter_map(Condition::target);
            let regions: BTreeSet<&str> = targets.map(Target::region).collect();
            let names = regions.iter().copied().collect::<Vec<_>>().join(", ");
            return format!("correlated failure ({}): {names}", class.as_str());
        }
        let Some(rank) = self.members.keys().map(rank).min() else { return self.key.clone() };
        let leading: Vec<_> =
            self.members.values().filter(|member| rank == self::rank(&member.condition)).collect();
        let first = leading[0];
        if let Condition::NoRegion { owner, rule, .. } = &first.condition {
            return without_region(owner, rule.as_ref(), &leading);
        }
        let (Condition::Out(target, _) | Condition::Address(target)) = &first.condition else {
            return first.text.clone();
        };
        let targets: BTreeSet<_> = leading.iter().filter_map(|member| member.condition.target()).collect();
        let families: BTreeSet<Family> =
            leading.iter().filter_map(|member| member.condition.family()).collect();
        let families: Vec<_> = families.iter().map(Family::to_string).collect();
        let families =
            if families.is_empty() { String::new() } else { format!(" ({})", families.join(", ")) };
        let subject = match targets.len() {
            1 => format!("{target} is"),
            count => format!("{target} and {} more are", count - 1),
        };
        let reason = if first.reason.is_empty() { String::new() } else { format!(": {}", first.reason) };
        let is_suppressed = self.members.keys().any(|one| matches!(one, Condition::Suppressed(..)));
        let follows = if is_suppressed { "; failover is suppressed" } else { "" };
        format!("{subject} {}{families}{reason}{follows}", first.state)
    }
}

/// Says for which clients of a name no region is left, once for both families.
fn without_region(owner: &str, rule: Option<&String>, leading: &[&StandingCondition]) -> String {
    let alike = leading.iter().filter(|member| {
        matches!(&member.condition, Condition::NoRegion { owner: name, rule: bound, .. }
            if name == owner && bound.as_ref() == rule)
    });
    let families: Vec<_> = alike.filter_map(|member| member.condition.family()).collect();
    let text = &leading[0].text;
    match families[..] {
        [first, second] => text.replacen(&format!("({first}"), &format!("({first}, {second}"), 1),
        _ => text.clone(),
    }
}

fn mark(id: u64, key: &str, severity: Severity, is_over: bool) -> IncidentMark {
    IncidentMark { id, key: key.to_owned(), severity, is_over }
}

/// Returns how late a condition is asked what its incident is.
fn rank(condition: &Condition) -> u8 {
    match condition {
        Condition::Out(target, _) if target.zone().is_none() => 0,
        Condition::Suppressed(..) | Condition::Disagreement(..) => 1,
        Condition::Out(..) => 2,
        Condition::NoRegion { .. } | Condition::ClientsStay { .. } | Condition::Unborne(_) => 3,
        Condition::RegionCanary(_) | Condition::Outlier(_) => 4,
        Condition::Address(_) => 5,
        Condition::Advisory(_)
        | Condition::Threshold(..)
        | Condition::LoadShed(_)
        | Condition::ReserveUsed(_)
        | Condition::Flapping(..)
        | Condition::Intent(_)
        | Condition::Blind(_)
        | Condition::Reference(_)
        | Condition::Peer(_)
        | Condition::Host(_)
        | Condition::Webhook(_)
        | Condition::ReloadFailed
        | Condition::PassedOver
        | Condition::StateFile(_)
        | Condition::ClockSet
        | Condition::Flood
        | Condition::Redundancy => 6,
    }
}

follows_clock!(Incidents: open, over);
follows_clock!(OpenIncident: since, members);
follows_clock!(StandingCondition: since);
follows_clock!(Incident: since, ended_at, members);
follows_clock!(IncidentMember: since);

#[cfg(test)]
mod tests {
    use super::*;

    /// The conditions that stand in a test: words such as `tokyo@4`, `tokyo/a@6`, `tokyo/a/192.0.2.1`, `~tokyo` for a
    /// suppression by a correlated failure, and `api=tokyo+osaka` for a name without a region.
    fn standing(words: &str) -> Vec<StandingCondition> {
        let words = || words.split_whitespace();
        let suppressed = words().filter_map(|word| word.strip_prefix('~'));
        let correlated = suppressed.map(|region| (region.to_owned(), FailureClass::Timeout)).collect();
        let of = |word: &str| {
            let family = |text: &str| if text == "4" { Family::V4 } else { Family::V6 };
            let target = |text: &str| text.parse::<Target>().expect("a target");
            let (condition, regions) = match (word.strip_prefix('~'), word.split_once('=')) {
                (Some(region), _) => (Condition::Suppressed(target(region), Family::V4), ""),
                (_, Some((owner, regions))) => {
                    let (owner, family) = (owner.to_owned(), Family::V4);
                    (Condition::NoRegion { owner, rule: None, family }, regions)
                }
                _ => match word.split_once('@') {
                    Some((place, number)) => (Condition::Out(target(place), family(number)), ""),
                    None => (Condition::Address(target(word)), ""),
                },
            };
            let regions: Vec<_> = regions.split('+').map(str::to_owned).collect();
            StandingCondition {
                cause: IncidentCause::of(&condition, &correlated, &regions),
                text: condition.to_string(),
                condition,
                since: Moment(0),
                severity: Severity::Warning,
                state: "down",
                reason: "connection refused".to_owned(),
            }
        };
        words().map(of).collect()
    }

    /// Lets these conditions stand one after the other, and writes the open incidents at the end: `id key: text [count]`.
    fn check(stages: &[&str], expected: &[&str]) -> Incidents {
        let mut incidents = Incidents::default();
        for (stage, at) in stages.iter().zip(1..) {
            incidents.update(standing(stage), &mut [], Moment(at));
        }
        let open = incidents.report().into_iter().filter(|one| one.ended_at.is_none());
        let lines: Vec<_> =
            open.map(|one| format!("{} {}: {} [{}]", one.id, one.key, one.text, one.count)).collect();
        assert_eq!(lines, expected, "{stages:?}");
        incidents
    }

    #[test]
    fn both_families_of_a_region_its_zones_and_its_addresses_are_one_incident() {
        let stages = [
            "tokyo/a/192.0.2.1",
            "tokyo/a/192.0.2.1 tokyo/a/2001:db8::1 tokyo/b/192.0.2.2 tokyo/a@4",
            "tokyo/a/192.0.2.1 tokyo/a/2001:db8::1 tokyo/b/192.0.2.2 tokyo/b/2001:db8::2 tokyo/a@4 tokyo@4 tokyo@6",
        ];
        check(&stages[..1], &["1 region/tokyo: tokyo/a/192.0.2.1 is down: connection refused [1]"]);
        check(&stages[..2], &["1 region/tokyo: tokyo/a is down (IPv4): connection refused [4]"]);
        check(&stages, &["1 region/tokyo: tokyo is down (IPv4, IPv6): connection refused [7]"]);
    }

    #[test]
    fn regions_that_fail_for_themselves_are_incidents_of_their_own_and_one_that_falls_again_is_another() {
        check(
            &["tokyo@4", "tokyo@4 osaka@4", "osaka@4", "osaka@4 tokyo@4"],
            &[
                "2 region/osaka: osaka is down (IPv4): connection refused [1]",
                "3 region/tokyo: tokyo is down (IPv4): connection refused [1]",
            ],
        );
    }

    #[test]
    fn a_shared_suppression_is_one_incident_whatever_was_seen_of_its_regions_before() {
        let seen = "tokyo/a/192.0.2.1 osaka/a/192.0.2.3";
        let incidents = check(
            &["tokyo/a/192.0.2.1", seen, &format!("{seen} ~tokyo ~osaka ~oregon")],
            &["1 region/tokyo: correlated failure (timeout): oregon, osaka, tokyo [5]"],
        );
        assert_eq!(incidents.over.iter().map(|one| one.id).collect::<Vec<_>>(), [2]);
        // When it holds no longer, each condition stays where it is, and what falls after it belongs there too.
        let all = format!("{seen} tokyo@4 osaka@4");
        check(
            &["tokyo/a/192.0.2.1", seen, &format!("{seen} ~tokyo ~osaka ~oregon"), &all],
            &["1 region/tokyo: correlated failure (timeout): osaka, tokyo [4]"],
        );
    }

    #[test]
    fn a_name_belongs_to_the_incident_of_its_regions_where_that_is_one() {
        check(&["tokyo@4 api=tokyo"], &["1 region/tokyo: tokyo is down (IPv4): connection refused [2]"]);
        check(
            &["tokyo@4", "tokyo@4 osaka@4 api=tokyo+osaka"],
            &[
                "2 names/api: no_region/api/IPv4 [1]",
                "1 region/tokyo: tokyo is down (IPv4): connection refused [1]",
                "3 region/osaka: osaka is down (IPv4): connection refused [1]",
            ],
        );
    }

    #[test]
    fn a_name_without_a_region_in_both_families_is_told_once() {
        let member = |family, text: &str| {
            let (owner, rule) = ("api".to_owned(), Some("eu only in EU".to_owned()));
            let condition = Condition::NoRegion { owner, rule, family };
            StandingCondition { condition, text: text.to_owned(), ..standing("tokyo@4").remove(0) }
        };
        let [v4, v6] = [
            member(Family::V4, "no region is left for api (IPv4, eu only in EU): all are down"),
            member(Family::V6, "no region is left for api (IPv6, eu only in EU): all are down"),
        ];
        let rule = "eu only in EU".to_owned();
        assert_eq!(
            without_region("api", Some(&rule), &[&v4, &v6]),
            "no region is left for api (IPv4, IPv6, eu only in EU): all are down"
        );
        assert_eq!(without_region("api", Some(&rule), &[&v6]), v6.text);
    }

    #[test]
    fn the_last_event_of_an_incident_is_its_end_and_one_that_ends_silently_gets_an_event() {
        let mut incidents = Incidents::default();
        let region = Target::of_region("tokyo");
        let mut lost = Event::failover_resumed(&region, Family::V4, Moment(1));
        let mark = |event: &Event| event.condition.clone().expect("it has one");
        lost.condition =
            Some(crate::event::ConditionMark { key: "out/tokyo/IPv4".to_owned(), ..mark(&lost) });
        let mut begun = lost.clone();
        incidents.update(standing("tokyo@4"), &mut [&mut begun], Moment(1));
        let ids = |event: &Event| event.incident.as_ref().map(|mark| (mark.id, mark.is_over));
        assert_eq!(ids(&begun), Some((1, false)));
        let (mut first, mut last) = (lost.clone(), lost.clone());
        let closed = incidents.update(Vec::new(), &mut [&mut first, &mut last], Moment(2));
        assert_eq!((ids(&first), ids(&last), closed.len()), (Some((1, false)), Some((1, true)), 0));
        incidents.update(standing("tokyo@4"), &mut [], Moment(3));
        let closed = incidents.update(Vec::new(), &mut [], Moment(4));
        assert_eq!(closed.iter().map(ids).collect::<Vec<_>>(), [Some((2, true))]);
    }
}
