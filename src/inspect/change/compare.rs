//! Compares two configurations.

use std::collections::BTreeMap;

use super::clients::ClientComparison;
use super::{ConfigChange, NameChange};
use crate::config::Config;
use crate::config::difference::{self, ChangeKind, ChooserKind};
use crate::geo::Cohort;
use crate::snapshot::Base;
use crate::zone::{Name, SteeringId, name_text};

/// A configuration that is compared with another one.
#[derive(Clone, Copy, Debug)]
pub struct ComparedConfig<'a> {
    /// Where it is.
    pub place: &'a str,
    /// What is served.
    pub base: &'a Base,
    /// What its files say, as if they lay in one directory with those of the other: paths are relative to it.
    pub settings: &'a Config,
}

impl ConfigChange {
    /// Compares two configurations. The cohorts are those of their tables.
    pub fn of(before: &ComparedConfig<'_>, after: &ComparedConfig<'_>, cohorts: &[Cohort]) -> Self {
        let mut clients = ClientComparison::new([before.base, after.base], cohorts);
        let mut names: Vec<NameChange> = difference::name_differences(before.settings, after.settings)
            .into_iter()
            .map(NameChange::from)
            .collect();
        for (owner, ids) in steered_in_both(before.base, after.base) {
            let Some(change) = clients.compare(ids) else { continue };
            let name = name_text(owner);
            let is_it = |one: &&mut NameChange| one.name == name && one.kind == ChooserKind::Steered;
            match names.iter_mut().find(is_it) {
                Some(known) => known.clients = Some(change),
                None => names.push(NameChange {
                    name,
                    kind: ChooserKind::Steered,
                    change: ChangeKind::Changed,
                    settings: Vec::new(),
                    clients: Some(change),
                }),
            }
        }
        names.sort_by_key(NameChange::rank);
        Self {
            before: before.place.to_owned(),
            after: after.place.to_owned(),
            names,
            settings: difference::differences(before.settings, after.settings),
            notes: clients.notes(),
        }
    }
}

/// Returns the names that are steered before and after, in the order of those after.
fn steered_in_both<'b>(before: &Base, after: &'b Base) -> Vec<(&'b Name, [SteeringId; 2])> {
    let numbered = |base: &'b Base| (0..).map(SteeringId).zip(&base.config.steered);
    let known: BTreeMap<&Name, SteeringId> = (0..)
        .map(SteeringId)
        .zip(&before.config.steered)
        .map(|(id, steering)| (&steering.owner, id))
        .collect();
    let both = numbered(after).filter_map(|(id, steering)| {
        let was = known.get(&steering.owner)?;
        Some((&steering.owner, [*was, id]))
    });
    both.collect()
}
