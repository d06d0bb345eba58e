//! Settings as texts, and how they are compared.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::problem::printable;

/// Whether something is new, gone, or another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    Added,
    Removed,
    Changed,
}

impl ChangeKind {
    /// Returns the sign that stands before it in a list.
    pub fn sign(self) -> char {
        match self {
            Self::Added => '+',
            Self::Removed => '-',
            Self::Changed => '~',
        }
    }

    /// Returns what happened to something that is there before and after; `None`: it is in neither.
    pub(super) fn of<T>(before: Option<&T>, after: Option<&T>) -> Option<Self> {
        match (before, after) {
            (None, Some(_)) => Some(Self::Added),
            (Some(_), None) => Some(Self::Removed),
            (Some(_), Some(_)) => Some(Self::Changed),
            (None, None) => None,
        }
    }
}

/// A setting that has another value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SettingChange {
    /// What it is called in the configuration.
    pub setting: String,
    /// `None`: it is new, or its values are not told.
    pub before: Option<String>,
    /// `None`: it is gone, or its values are not told.
    pub after: Option<String>,
}

/// SettingTexts that differ of one thing: a region, a canary, `safety`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubjectDifference {
    /// `region tokyo`, `canary shallow`, `group eu`, `safety`, `alarms`, `drills`, `capacity_events`, `server.yaml`.
    pub subject: String,
    pub change: ChangeKind,
    pub settings: Vec<SettingChange>,
}

/// The settings of one thing in order, each with its value. A setting may be there several times.
pub(super) type SettingTexts = Vec<(String, String)>;

/// A thing by its name, with its settings.
pub(super) type NamedSettings = (String, SettingTexts);

/// Returns a setting in one line, of which a terminal may be given every character.
pub(super) fn setting(key: &str, value: impl fmt::Display) -> (String, String) {
    let printable = |text: &str| text.chars().map(printable).collect();
    (printable(key), printable(&value.to_string()))
}

/// Compares things by name, in the order of those after.
pub(super) fn subjects(before: Vec<NamedSettings>, after: Vec<NamedSettings>) -> Vec<SubjectDifference> {
    let find = |list: &[NamedSettings], name: &str| {
        list.iter().find(|(known, _)| known == name).map(|(_, settings)| settings.clone())
    };
    let gone = before.iter().filter(|(name, _)| find(&after, name).is_none()).map(|(name, _)| name);
    let names: Vec<&String> = after.iter().map(|(name, _)| name).chain(gone).collect();
    let differs = |name: &&String| {
        let [was, is] = [&before, &after].map(|list| find(list, name));
        let change = ChangeKind::of(was.as_ref(), is.as_ref())?;
        let settings = settings(&was.unwrap_or_default(), &is.unwrap_or_default());
        let is_different = change != ChangeKind::Changed || !settings.is_empty();
        is_different.then(|| SubjectDifference { subject: (*name).clone(), change, settings })
    };
    names.iter().filter_map(differs).collect()
}

/// Compares settings: those that have one value before and another one after, and those that are there once.
pub(super) fn settings(before: &SettingTexts, after: &SettingTexts) -> Vec<SettingChange> {
    let lacks = |list: &SettingTexts, one: &(String, String)| !list.contains(one);
    let mut gone: SettingTexts = before.iter().filter(|one| lacks(after, one)).cloned().collect();
    let new = after.iter().filter(|one| lacks(before, one));
    let mut changes: Vec<SettingChange> = new
        .map(|(key, value)| {
            let was = gone.iter().position(|(known, _)| known == key).map(|position| gone.remove(position).1);
            SettingChange { setting: key.clone(), before: was, after: Some(value.clone()) }
        })
        .collect();
    changes.extend(gone.into_iter().map(|(setting, value)| SettingChange {
        setting,
        before: Some(value),
        after: None,
    }));
    changes
}

impl SettingChange {
    /// Says what becomes of the setting of something that changes so. `None`: it goes with what it is a setting of.
    pub fn told(&self, of: ChangeKind) -> Option<String> {
        let Self { setting, before, after } = self;
        Some(match (before, after, of) {
            (_, _, ChangeKind::Removed) => return None,
            (_, Some(after), ChangeKind::Added) => format!("{setting}: {after}"),
            (Some(before), Some(after), _) => format!("{setting}: {before} -> {after}"),
            (None, Some(after), _) => format!("{setting}: {after}, new"),
            (Some(before), None, _) => format!("{setting}: {before}, gone"),
            (None, None, _) => setting.clone(),
        })
    }
}
