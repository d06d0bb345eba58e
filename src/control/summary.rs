//! One sentence on how clients fare: what operators read first, on the page and in `meridian status`.
//!
//! It says in this order which clients no region is left for and what they get, which regions are out and since when,
//! which take a part of their clients, and how many are out; and when there is none of that, what else stands.

use std::collections::BTreeMap;

use super::{RegionReport, Report};
use crate::config::Config;
use crate::event::Condition;
use crate::health::{Phase, WITHDRAWN};
use crate::moment::Moment;
use crate::region::Family;
use crate::share::Share;
use crate::steering::AllDown;
use crate::units::Count;

/// The most regions that are named for one thing: their number is told as well.
const MAX_NAMED: usize = 3;

impl Report {
    /// Says in a sentence how clients fare. The report is of this configuration.
    pub fn summary(&self, config: &Config, now: Moment) -> String {
        let stranded = self.stranded(config);
        let out = self.out(now);
        let reduced = self.reduced();
        let causes: Vec<_> = [out, reduced].into_iter().flatten().collect();
        let gone = self.regions.iter().filter(|region| region.has_left_whole()).count();
        let count = (gone > 0).then(|| format!("{gone} of {} out", Count(self.regions.len(), "region")));
        let rest = [Some(causes.join(", ")).filter(|causes| !causes.is_empty()), count];
        let rest = rest.into_iter().flatten().collect::<Vec<_>>().join("; ");
        match (stranded, rest.is_empty()) {
            (Some(stranded), false) => format!("{stranded}: {rest}"),
            (Some(stranded), true) => stranded,
            (None, false) => rest,
            (None, true) => self.calm(),
        }
    }

    /// Says what clients get for whom no region is left: `eu clients of api.example.com fail open`.
    fn stranded(&self, config: &Config) -> Option<String> {
        let mut families: BTreeMap<(&str, Option<&str>), Vec<Family>> = BTreeMap::new();
        for alarm in &self.alarms {
            if let Condition::NoRegion { owner, rule, family } = &alarm.condition {
                families.entry((owner, rule.as_deref())).or_default().push(*family);
            }
        }
        // That all clients are concerned says all that their rules could.
        let whole: Vec<_> =
            families.keys().filter(|(_, rule)| rule.is_none()).map(|(owner, _)| *owner).collect();
        families.retain(|(owner, rule), _| rule.is_none() || !whole.contains(owner));
        let count = families.len();
        let ((owner, rule), families) = families.into_iter().next()?;
        let steering = config.steered.iter().find(|steering| steering.name() == owner)?;
        let policy = &steering.policy;
        let alike = config.steered.iter().filter(|other| other.policy == *policy).count();
        let clients = match policy.residency.iter().find(|one| Some(one.text.as_str()) == rule) {
            Some(rule) => {
                let names = rule.clients.iter().map(|group| match group.0 {
                    0 => "unknown",
                    number => config.groups[usize::from(number) - 1].name.as_str(),
                });
                format!("{} clients", named(&names.collect::<Vec<_>>()))
            }
            None if rule.is_some() => "some clients".to_owned(),
            None => "all clients".to_owned(),
        };
        let names = match alike {
            1 => owner.to_owned(),
            alike => format!("{owner} and {}", Count(alike - 1, "more name")),
        };
        let has_both = self.regions.iter().any(|region| region.status.iter().all(|status| status.exists()));
        let over = match families[..] {
            [family] if has_both => format!(" over {family}"),
            _ => String::new(),
        };
        let others = if count > 1 { format!(", and {} more", count - 1) } else { String::new() };
        Some(format!("{clients} of {names}{others} {}{over}", fate(policy.all_down)))
    }

    /// Says which regions are out, and since when: `frankfurt and paris are down since 15:02`.
    fn out(&self, now: Moment) -> Option<String> {
        let mut groups: Vec<(&str, Vec<String>, Moment)> = Vec::new();
        for region in &self.regions {
            let left: Vec<_> = Family::BOTH
                .into_iter()
                .filter(|family| {
                    let status = &region.status[*family as usize];
                    status.exists() && status.has_left()
                })
                .collect();
            let Some(family) =
                left.iter().copied().max_by_key(|family| region.status[*family as usize].phase)
            else {
                continue;
            };
            let status = &region.status[family as usize];
            let word = if status.phase.is_stable() { WITHDRAWN } else { status.phase.as_str() };
            let name = match left[..] {
                [family] if !region.has_left_whole() => format!("{} ({family})", region.name),
                _ => region.name.clone(),
            };
            match groups.iter_mut().find(|(known, ..)| *known == word) {
                Some((_, names, since)) => {
                    names.push(name);
                    *since = status.since.min(*since);
                }
                None => groups.push((word, vec![name], status.since)),
            }
        }
        let clauses = groups.into_iter().map(|(word, names, since)| {
            let verb = if names.len() == 1 { "is" } else { "are" };
            let names = named(&names.iter().map(String::as_str).collect::<Vec<_>>());
            // The phase of what an operator keeps away says nothing of when that began.
            let since =
                if word == WITHDRAWN { String::new() } else { format!(" since {}", clock(since, now)) };
            format!("{names} {verb} {word}{since}")
        });
        let clauses: Vec<_> = clauses.collect();
        (!clauses.is_empty()).then(|| clauses.join(", "))
    }

    /// Says which regions take a part of their clients: `osaka takes 10% of its clients (ramp)`.
    fn reduced(&self) -> Option<String> {
        let reduced: Vec<_> = self.regions.iter().filter_map(RegionReport::part).collect();
        match &reduced[..] {
            [] => None,
            [(region, share, phase)] => {
                let why = if phase.is_stable() { String::new() } else { format!(" ({phase})") };
                Some(format!("{} takes {share} of its clients{why}", region.name))
            }
            several => {
                let names: Vec<_> = several.iter().map(|(region, ..)| region.name.as_str()).collect();
                Some(format!("{} take a part of their clients", named(&names)))
            }
        }
    }

    /// Says what stands while every region serves.
    fn calm(&self) -> String {
        let serve = match self.regions.len() {
            1 => "the only region serves".to_owned(),
            count => format!("all {} serve", Count(count, "region")),
        };
        let mut open = self.incidents.iter().filter(|incident| incident.ended_at.is_none());
        match (open.next(), open.count()) {
            (None, _) => serve,
            (Some(first), 0) => format!("{serve}; {}", first.text),
            (Some(first), more) => format!("{serve}; {}, and {}", first.text, Count(more, "more incident")),
        }
    }
}

impl RegionReport {
    /// Returns whether it is out in every family that it has.
    fn has_left_whole(&self) -> bool {
        let mut there = self.status.iter().filter(|status| status.exists()).peekable();
        there.peek().is_some() && there.all(|status| status.has_left())
    }

    /// Returns the least share of its clients that it takes in a family, and its phase there; `None`: all or none.
    fn part(&self) -> Option<(&Self, Share, Phase)> {
        let parts = self.status.iter().filter(|status| status.exists() && !status.has_left());
        let least = parts.min_by_key(|status| status.takes())?;
        (least.takes() < Share::ALL).then_some((self, least.takes(), least.phase))
    }
}

fn fate(all_down: AllDown) -> &'static str {
    match all_down {
        AllDown::FailOpen => "fail open",
        AllDown::Servfail => "get SERVFAIL",
        AllDown::Nodata => "get no address",
    }
}

/// Writes names as a sentence does: `tokyo, osaka and 2 more`.
fn named(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [name] => (*name).to_owned(),
        names if names.len() > MAX_NAMED + 1 => {
            format!("{} and {} more", names[..MAX_NAMED].join(", "), names.len() - MAX_NAMED)
        }
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Writes a moment to the minute, in UTC, with the day unless it is today's.
fn clock(at: Moment, now: Moment) -> String {
    let [at, now] = [at, now].map(|moment| moment.to_string());
    let (day, time) = at.split_once('T').unwrap_or(("", &at));
    let minute = time.get(..5).unwrap_or(time);
    if now.starts_with(day) { minute.to_owned() } else { format!("{day} {minute}") }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Play;
    use super::*;

    /// Compares the sentence after these addresses have failed and those that follow have come back.
    #[track_caller]
    fn check(play: &mut Play, expected: &str) {
        let report = play.control.report(play.now);
        assert_eq!(report.summary(&play.control.base.config, play.now), expected);
    }

    fn begun() -> Play {
        let mut play = Play::begin();
        (0..3).for_each(|address| play.probe(address, true));
        play
    }

    #[test]
    fn while_all_is_well_the_sentence_says_that() {
        check(&mut begun(), "all 3 regions serve");
    }

    #[test]
    fn clients_that_fail_open_come_first_and_the_regions_with_their_times_after_them() {
        let mut play = begun();
        play.probe(0, false);
        check(
            &mut play,
            "banks clients of bank.example.com fail open: tokyo is down since 00:16; 1 of 3 regions out",
        );
        play.wait(120);
        play.probe(1, false);
        check(
            &mut play,
            "all clients of bank.example.com fail open: tokyo and osaka are down since 00:16; 2 of 3 regions out",
        );
    }

    #[test]
    fn a_ramp_and_what_operators_keep_away_are_told() {
        let mut play = begun();
        play.probe(1, false);
        play.wait(10);
        play.probe(1, true);
        play.wait(20);
        check(&mut play, "osaka takes 10% of its clients (ramp)");
        play.want("drain oregon", Some(60), &crate::intent::SafetyRule::ALL).map(drop).unwrap_or_default();
        check(&mut play, "oregon is withdrawn, osaka takes 10% of its clients (ramp); 1 of 3 regions out");
    }

    #[test]
    fn a_fall_of_another_day_has_its_date_and_long_lists_are_cut() {
        assert_eq!(clock(Moment(0), Moment(60_000)), "00:00");
        assert_eq!(clock(Moment(0), Moment(86_400_000)), "1970-01-01 00:00");
        assert_eq!(named(&["a", "b", "c", "d"]), "a, b, c and d");
        assert_eq!(named(&["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
    }
}
