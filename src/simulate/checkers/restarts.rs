//! Restarts: what was down, held, quarantined, ramping or asked for is so after a restart that finds its state.
//!
//! A process that is killed forgets at most its last second of health, or with a late write what the one before it did
//! not say yet; of intents it forgets nothing, whatever became of the file of health: one that is not there any more was told
//! to be over.

use std::time::Duration;

use super::{Checker, Found};
use crate::control::Report;
use crate::event::EventKind;
use crate::health::{Phase, Status};
use crate::intent::{Action, Intent};
use crate::moment::Moment;
use crate::region::{Family, Target};
use crate::simulate::happening::Happening;
use crate::simulate::scenario::{Act, StateFile};

/// What is younger than this may be forgotten when the last write is found.
pub(super) const LAST_WRITE: Duration = Duration::from_secs(1);

/// The same when the one before is found: two writes are at most this far apart with the probes between them.
pub(super) const WRITE_BEFORE: Duration = Duration::from_secs(300);

/// Checks what a process takes up of the one before.
#[derive(Debug, Default)]
pub struct RestartChecker {
    /// The last look, and when it was.
    last: Option<(Report, Moment)>,
    /// What was found on disk, until the new process is looked at.
    file: Option<StateFile>,
    /// The intents of which it was told since then that they are over, as events name them.
    over: Vec<String>,
    has_jumped: bool,
}

impl Checker for RestartChecker {
    fn name(&self) -> &'static str {
        "restarts"
    }

    fn see(&mut self, _at: Duration, happening: &Happening<'_>, found: &mut Found) {
        match happening {
            // How old a memory is cannot be told when the wall clock was elsewhere.
            Happening::Act(Act::Clock(_)) => self.has_jumped = true,
            Happening::Act(Act::Restart(file)) => {
                self.file = Some(*file);
                self.over.clear();
            }
            Happening::Emitted(event) if event.kind == EventKind::INTENT_OVER => {
                self.over.extend(event.evidence.clone());
            }
            Happening::Looked(look) => {
                let report = look.report;
                let before = self.last.replace((report.clone(), look.now));
                if let (Some(file), Some((before, died))) = (self.file.take(), before)
                    && !std::mem::take(&mut self.has_jumped)
                {
                    compare_intents(&before, report, &self.over, found);
                    compare(&before, died, report, file, found);
                }
            }
            _ => {}
        }
    }
}

fn compare_intents(before: &Report, after: &Report, over: &[String], found: &mut Found) {
    let asked = before.intents.iter().filter(|one| !matches!(one.request.action, Action::Approve { .. }));
    for Intent { number, request, .. } in asked {
        let is_kept = after.intents.iter().any(|intent| intent.number == *number);
        let name = format!("intent {number}: {}", request.action);
        if !is_kept && !over.contains(&name) {
            found.push(format!("{name} is forgotten"));
        }
    }
}

fn compare(before: &Report, died: Moment, after: &Report, file: StateFile, found: &mut Found) {
    let young = match file {
        StateFile::Keep => LAST_WRITE,
        StateFile::Late => WRITE_BEFORE,
        StateFile::Lose | StateFile::Stale | StateFile::Corrupt => return,
    };
    let is_old = |since: Moment| died.since(since) > young;
    for (before, after) in before.regions.iter().zip(&after.regions) {
        let target = Target::of_region(&before.name);
        compare_site(&target, &before.status, &after.status, is_old, found);
        for (before, after) in before.zones.iter().zip(&after.zones) {
            let target = Target::of_zone(target.region(), &before.name);
            compare_site(&target, &before.status, &after.status, is_old, found);
            for (before, after) in before.addresses.iter().zip(&after.addresses) {
                if before.state.is_down() && is_old(before.since) && !after.state.is_down() {
                    let (ip, state) = (before.ip, after.state.as_str());
                    found.push(format!("{target}/{ip} was down since {} and is {state}", before.since));
                }
            }
        }
    }
}

fn compare_site(
    target: &Target,
    before: &[Status; 2],
    after: &[Status; 2],
    is_old: impl Fn(Moment) -> bool,
    found: &mut Found,
) {
    for family in Family::BOTH {
        let (before, after) = (&before[family as usize], &after[family as usize]);
        if is_remembered(before.phase) && is_old(before.since) && before.phase != after.phase {
            let (was, is) = (before.phase.as_str(), after.phase.as_str());
            found.push(format!("{target} ({family}) was {was} since {} and is {is}", before.since));
        }
    }
}

/// Returns whether a phase must not be forgotten.
fn is_remembered(phase: Phase) -> bool {
    match phase {
        Phase::Unknown | Phase::Healthy | Phase::Suspect => false,
        Phase::Down | Phase::Recovering | Phase::Ramp | Phase::Held | Phase::Quarantined => true,
    }
}
