//! What-ifs for people.

use std::fmt;

use super::{LossOutcome, Survey, WhatIf};
use crate::forecast::text;

impl fmt::Display for WhatIf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} lost, {}\n", self.lost.join(" and "), demand(self.forecast.load))?;
        write!(f, "{}", self.forecast)?;
        if self.bad.is_empty() {
            return writeln!(f, "\nIt ends well.");
        }
        // What breaks a rule has been said.
        let said: Vec<_> = self.forecast.violations().into_iter().map(|broken| broken.sentence).collect();
        let mut unsaid = self.bad.iter().filter(|sentence| !said.contains(sentence));
        unsaid.try_for_each(|sentence| writeln!(f, "{sentence}."))?;
        writeln!(f, "\nIT ENDS BADLY.")
    }
}

impl fmt::Display for Survey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.losses.iter().map(|outcome| outcome.lost.join(", ")).collect();
        let fullest: Vec<_> = self.losses.iter().map(fullest).collect();
        let width = |texts: &[String]| texts.iter().map(|text| text.chars().count()).max().unwrap_or(0);
        let (name, full) = (width(&names).max(4), width(&fullest).max(7));
        writeln!(f, "{:name$}  {:>7}  {:>9}  {:full$}  ends", "lost", "moves", "farther", "fullest")?;
        for ((outcome, name_of), fullest) in self.losses.iter().zip(&names).zip(&fullest) {
            let km = outcome.added_km.map_or_else(|| "-".to_owned(), text::farther);
            let end = match outcome.bad.len() {
                0 => "well".to_owned(),
                _ if outcome.is_allowed => format!("badly, as is known: {}", outcome.bad.join("; ")),
                _ => format!("BADLY: {}", outcome.bad.join("; ")),
            };
            writeln!(
                f,
                "{name_of:name$}  {:>7}  {km:>9}  {fullest:full$}  {end}",
                text::percent(outcome.moved)
            )?;
        }
        writeln!(f)?;
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))?;
        let bad = || self.losses.iter().filter(|outcome| !outcome.bad.is_empty());
        let known = bad().filter(|outcome| outcome.is_allowed).count();
        let unknown = bad().count() - known;
        let pairs =
            if self.tries_pairs { "every region and every pair" } else { "every region, and no pairs" };
        let end = match (known, unknown) {
            (0, 0) => "all end well".to_owned(),
            (0, unknown) => format!("{unknown} END BADLY"),
            (known, 0) => format!("{known} {} badly as is known", if known == 1 { "ends" } else { "end" }),
            (known, unknown) => format!("{unknown} END BADLY, and {known} as is known"),
        };
        writeln!(f, "Tried {pairs}, {}: {} losses, {end}.", demand(self.load), self.losses.len())
    }
}

fn fullest(outcome: &LossOutcome) -> String {
    outcome
        .fullest
        .as_ref()
        .map_or_else(|| "?".to_owned(), |(region, load)| format!("{region} {}", text::percent(*load)))
}

fn demand(load: f64) -> String {
    if load == 1.0 { "at the present demand".to_owned() } else { format!("at {load} times the demand") }
}
