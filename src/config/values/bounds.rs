//! The forms that most keys have: one that must be there, a number or duration within bounds, a bounded list.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::kinds::Degrees;
use super::leaf::Value;
use crate::client::Coordinates;
use crate::config::problem::{Reporter, Span};
use crate::config::yaml::{Setting, Written};
use crate::units::TimeSpan;

/// The longest name that an operator makes up; a DNS label has the same bound.
pub const MAX_NAME: usize = 63;

/// The highest load that is believed (`Signal::Load`).
pub const HIGHEST_LOAD: f64 = 10.0;

/// A quantity whose bounds can be told.
pub trait Quantity: Clone + PartialOrd {
    /// Returns it as the operator writes it.
    fn text(&self) -> String;
}

impl Quantity for u32 {
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Quantity for Degrees {
    fn text(&self) -> String {
        self.0.to_string()
    }
}

impl Quantity for Duration {
    fn text(&self) -> String {
        TimeSpan(*self).to_string()
    }
}

/// What a key is checked for while its section is lowered. A value that is out of bounds is reported and
/// returned all the same: the result is not used, and what depends on it can be checked.
pub trait Checked: Written {
    /// Returns a value that must be there, or reports that it is missing in the section at `parent`.
    fn required(
        &self,
        key: &str,
        parent: Span,
        hint: &str,
        report: &mut Reporter,
    ) -> Option<(&Self::Value, Span)> {
        if self.is_missing() {
            report.error(parent, format!("`{key}` is missing")).hint(hint);
        }
        self.given()
    }

    /// Returns a quantity that has bounds.
    fn within(
        &self,
        key: &str,
        bounds: &RangeInclusive<Self::Value>,
        report: &mut Reporter,
    ) -> Option<Self::Value>
    where
        Self::Value: Quantity,
    {
        let (value, span) = self.given()?;
        if !bounds.contains(value) {
            let [least, most, value] = [bounds.start(), bounds.end(), value].map(Quantity::text);
            report.error(span, format!("`{key}` goes from {least} to {most}, not {value}"));
        }
        Some(value.clone())
    }

    /// Returns the items of a list that has at most so many.
    fn at_most<'s, T: 's>(&'s self, most: usize, noun: &str, report: &mut Reporter) -> Vec<(&'s T, Span)>
    where
        Self: Written<Value = Vec<Setting<T>>>,
    {
        if let Some((list, span)) = self.given()
            && list.len() > most
        {
            report.error(span, format!("more than {most} {noun}"));
        }
        self.items()
    }

    /// Returns whether a list is empty, or left out.
    fn says_nothing<'s, T: 's>(&'s self) -> bool
    where
        Self: Written<Value = Vec<Setting<T>>>,
    {
        self.is_missing() || self.get().is_some_and(Vec::is_empty)
    }
}

impl<W: Written> Checked for W {}

/// Returns a fraction that is above 0 and at most `highest`.
pub fn fraction(setting: &Option<Value<f64>>, key: &str, highest: f64, report: &mut Reporter) -> Option<f64> {
    let (fraction, span) = setting.given()?;
    if *fraction <= 0.0 || *fraction > highest {
        let message = format!("`{key}` is above 0 and at most {highest}, not {fraction}");
        report.error(span, message).hint("80 % is written `0.80`");
    }
    Some(*fraction)
}

/// Returns a point on the globe.
pub fn point(
    latitude: &Value<Degrees>,
    longitude: &Value<Degrees>,
    parent: Span,
    report: &mut Reporter,
) -> Option<Coordinates> {
    const HINT: &str = "write `location: { latitude: 35.68, longitude: 139.69 }`";
    let mut degrees = |value: &Value<Degrees>, key: &str, bound: f64| {
        value.required(key, parent, HINT, report)?;
        value.within(key, &(Degrees(-bound)..=Degrees(bound)), report).map(|Degrees(degrees)| degrees)
    };
    let latitude = degrees(latitude, "latitude", 90.0);
    let longitude = degrees(longitude, "longitude", 180.0);
    Some(Coordinates { latitude: latitude?, longitude: longitude? })
}

/// Resolves a path that is relative to the configuration directory.
pub fn path(setting: &Option<Value<PathBuf>>, directory: &Path) -> Option<PathBuf> {
    setting.get().map(|path| directory.join(path))
}

/// Returns a name that must be there, whose form it checks.
pub fn required_name<'s>(
    setting: &'s Value<String>,
    parent: Span,
    hint: &str,
    report: &mut Reporter,
) -> Option<(&'s String, Span)> {
    let (name, span) = setting.required("name", parent, hint, report)?;
    check_name(name, span, report);
    Some((name, span))
}

/// Checks the form of a name that the operator makes up.
pub fn check_name(name: &str, span: Span, report: &mut Reporter) {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    let is_name = (1..=MAX_NAME).contains(&name.len()) && name.chars().all(is_plain);
    if !is_name {
        let finding = report.error(span, format!("`{name}` cannot be a name"));
        finding.hint(format!("names have 1 to {MAX_NAME} letters, digits, hyphens, underscores and dots"));
    }
}
