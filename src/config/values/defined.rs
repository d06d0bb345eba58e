//! Names that one part of the configuration defines and others refer to.

use crate::config::problem::{Reporter, Span};
use crate::config::yaml::{Entries, Setting, Written};
use crate::suggest;

/// The names of one kind of thing, by number.
#[derive(Clone, Debug)]
pub struct Defined {
    /// `region`, `canary` or `group`.
    noun: &'static str,
    /// Where they are defined, for hints: `regions.yaml`.
    whereabouts: &'static str,
    /// `false` when the file that defines them could not be read: then nothing is known to be missing.
    is_complete: bool,
    names: Vec<(String, Span)>,
    is_used: Vec<bool>,
}

impl Defined {
    /// Collects the keys of a mapping. `is_complete`: the file that defines them could be read.
    pub fn of<T>(
        noun: &'static str,
        whereabouts: &'static str,
        spec: &Option<Setting<Entries<T>>>,
        is_complete: bool,
    ) -> Self {
        let names: Vec<_> = spec.entries().map(|(name, span, _)| (name.to_owned(), span)).collect();
        Self { noun, whereabouts, is_complete, is_used: vec![false; names.len()], names }
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Returns the number of a name, without a report.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|(defined, _)| defined == name)
    }

    /// Returns a name by its number.
    pub fn name(&self, index: usize) -> &str {
        &self.names[index].0
    }

    /// Returns whether everything that is defined is here.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Returns every name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(name, _)| name.as_str())
    }

    /// Notes that a name is referred to.
    pub fn note_use(&mut self, index: usize) {
        self.is_used[index] = true;
    }

    /// Returns the number of a name that is referred to at `place`, or reports that there is none.
    pub fn find(&mut self, name: &str, span: Span, report: &mut Reporter) -> Option<usize> {
        if let Some(index) = self.position(name) {
            self.note_use(index);
            return Some(index);
        }
        if self.is_complete {
            let message = format!("{} `{name}` is not defined", self.noun);
            report.error(span, message).hint(self.hint(name));
        }
        None
    }

    fn hint(&self, name: &str) -> String {
        if let Some(meant) = suggest::nearest(name, self.names()) {
            return format!("{} defines `{meant}`", self.whereabouts);
        }
        match self.names.is_empty() {
            true => format!("{} defines no {}", self.whereabouts, self.noun),
            false => format!("{} defines {}", self.whereabouts, suggest::listed(self.names())),
        }
    }

    /// Warns of what nothing refers to.
    pub fn report_unused(&self, report: &mut Reporter) {
        for ((name, span), _) in self.names.iter().zip(&self.is_used).filter(|(_, is_used)| !**is_used) {
            report.warning(*span, format!("nothing refers to {} `{name}`", self.noun));
        }
    }
}
