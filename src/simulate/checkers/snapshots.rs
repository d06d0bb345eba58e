//! Snapshots: each published one says something that the one before did not, under a higher number.

use std::sync::Arc;
use std::time::Duration;

use super::{Checker, Found};
use crate::simulate::happening::Happening;
use crate::simulate::scenario::Act;
use crate::snapshot::Snapshot;

/// Checks what is published.
#[derive(Debug, Default)]
pub struct SnapshotChecker {
    last: Option<Arc<Snapshot>>,
    /// A reload is published although nothing changes: there is another base.
    is_other_base: bool,
}

impl Checker for SnapshotChecker {
    fn name(&self) -> &'static str {
        "snapshots"
    }

    fn see(&mut self, _at: Duration, happening: &Happening<'_>, found: &mut Found) {
        match happening {
            // Each life of the process numbers its own.
            Happening::Act(Act::Restart(_)) => self.last = None,
            Happening::Act(Act::Reload(_) | Act::Host(..)) => self.is_other_base = true,
            Happening::Published(snapshot) => {
                let is_other_base = std::mem::take(&mut self.is_other_base);
                let Some(last) = self.last.replace(Arc::clone(snapshot)) else { return };
                let number = snapshot.number;
                if number <= last.number {
                    found.push(format!("snapshot {number} follows {}", last.number));
                }
                let is_news = !snapshot.answers_like(&last)
                    || snapshot.health != last.health
                    || snapshot.weights != last.weights
                    || snapshot.leaving != last.leaving;
                if !is_news && !is_other_base {
                    found.push(format!("snapshot {number} says what {} said", last.number));
                }
            }
            _ => {}
        }
    }
}
