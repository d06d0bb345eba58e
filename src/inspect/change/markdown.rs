//! The report of a change as Markdown, for a comment on a pull request.

use std::fmt::{self, Write};

use super::text::{self, MAX_LISTED};
use super::{ClientChange, ConfigChange, NameChange};
use crate::config::difference::{ChangeKind, SettingChange, SubjectDifference};

/// Writes a change as Markdown.
#[derive(Clone, Copy, Debug)]
pub struct Markdown<'c>(pub &'c ConfigChange);

impl fmt::Display for Markdown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ConfigChange { names, settings, notes, .. } = self.0;
        writeln!(f, "### meridian plan: {}", escaped(&self.0.summary()))?;
        let clients = self.0.alike();
        clients.iter().take(MAX_LISTED).try_for_each(|(names, change)| write_clients(names, change, f))?;
        write_more(clients.len(), f)?;
        let others: Vec<_> = names.iter().filter(|name| name.clients.is_none()).collect();
        if !others.is_empty() {
            writeln!(f, "\n#### Names\n")?;
        }
        for name in others.iter().take(MAX_LISTED) {
            let word = word(name.change);
            writeln!(f, "- {word} {}, {}", code(&name.name), text::kind(name.kind))?;
            write_settings(&name.settings, name.change, "  ", f)?;
        }
        write_more(others.len(), f)?;
        if !settings.is_empty() {
            writeln!(f, "\n#### Settings\n")?;
        }
        for SubjectDifference { subject, change, settings } in settings {
            writeln!(f, "- {} {}", word(*change), code(subject))?;
            write_settings(settings, *change, "  ", f)?;
        }
        if self.0.is_nothing() {
            return Ok(());
        }
        notes.iter().try_for_each(|note| writeln!(f, "\n{}", escaped(note)))
    }
}

fn write_clients(names: &[&str], change: &NameChange, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "\n#### {}: {}", code(&text::several(names)), change.headline(names.len()))?;
    if let Some(ClientChange { border, moves, regions, .. }) = &change.clients {
        writeln!(f, "\n| share | clients | by country |\n|---:|---|---|")?;
        for one in border {
            let (share, countries) = (text::share(one.share), text::countries(&one.countries));
            writeln!(f, "| {share} | border: **{}** | {countries} |", escaped(&one.sentence()))?;
        }
        for one in moves {
            let (share, countries) = (text::share(one.share), text::countries(&one.countries));
            writeln!(f, "| {share} | {}: {} | {countries} |", one.kind.sentence(), escaped(&one.way()))?;
        }
        if !regions.is_empty() {
            writeln!(f, "\n| region | before | after |\n|---|---:|---:|")?;
        }
        for one in regions {
            let [before, after] = [one.before, one.after].map(text::share);
            writeln!(f, "| {} | {before} | {after} |", escaped(&one.region))?;
        }
    }
    if !change.settings.is_empty() {
        writeln!(f)?;
    }
    write_settings(&change.settings, ChangeKind::Changed, "", f)
}

fn write_settings(
    settings: &[SettingChange],
    of: ChangeKind,
    indent: &str,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let told: Vec<_> = settings.iter().filter_map(|setting| setting.told(of)).collect();
    told.iter().take(MAX_LISTED).try_for_each(|setting| writeln!(f, "{indent}- {}", code(setting)))?;
    write_more(told.len(), f)
}

fn write_more(count: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match count.saturating_sub(MAX_LISTED) {
        0 => Ok(()),
        more => writeln!(f, "\nand {more} more"),
    }
}

fn word(change: ChangeKind) -> &'static str {
    match change {
        ChangeKind::Added => "**added**",
        ChangeKind::Removed => "**removed**",
        ChangeKind::Changed => "changed",
    }
}

/// Writes a text as code, in which nothing is markup: between more backticks in a row than it has.
fn code(text: &str) -> String {
    let line = text.replace(['\n', '\r'], " ");
    let longest = line.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    match longest {
        0 => format!("{fence}{line}{fence}"),
        _ => format!("{fence} {line} {fence}"),
    }
}

/// Writes a text in which nothing is markup.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut written, letter| {
        let _ = match letter {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => write!(written, "\\{letter}"),
            '<' => write!(written, "&lt;"),
            '&' => write!(written, "&amp;"),
            '@' => write!(written, "&#64;"),
            '\n' | '\r' => write!(written, " "),
            letter => write!(written, "{letter}"),
        };
        written
    })
}
