//! The report of a change for terminals, and its sentences.

use std::fmt;

use super::{
    AnswerMove, BorderChange, ClientChange, ConfigChange, CountryShare, MoveKind, NameChange, RegionPlace,
    RegionShareChange,
};
use crate::config::difference::{ChangeKind, ChooserKind, SettingChange, SubjectDifference};
use crate::units::Percent;

/// The most countries that are listed of some clients.
const MAX_COUNTRIES: usize = 5;

/// The most names with the same change that are listed.
const MAX_NAMES: usize = 3;

/// The most names, and settings of one thing, that are listed one by one.
pub(super) const MAX_LISTED: usize = 20;

/// Writes a share of clients; a few are not none.
pub(super) fn share(fraction: f64) -> String {
    match Percent::rounded(fraction) {
        Percent::ZERO if fraction > 0.0 => "under 0.1%".to_owned(),
        percent => percent.to_string(),
    }
}

impl ConfigChange {
    /// Says in one line what becomes of clients.
    pub fn summary(&self) -> String {
        let Self { before, after, names, .. } = self;
        if self.is_nothing() {
            return format!("nothing changes from {before} to {after}");
        }
        let has = |kind: MoveKind| {
            let moves =
                names.iter().filter_map(|name| name.clients.as_ref()).flat_map(|clients| &clients.moves);
            moves.filter(|one| one.kind == kind).count() > 0
        };
        let gains = |one: &NameChange| {
            one.clients.iter().flat_map(|clients| &clients.border).any(|one| !one.gained.is_empty())
        };
        let what = if has(MoveKind::Jurisdiction) {
            "CLIENTS ARE SENT TO ANOTHER JURISDICTION"
        } else if has(MoveKind::Unanswered) {
            "CLIENTS GET NO ANSWER ANY MORE"
        } else if names.iter().any(gains) {
            "CLIENTS MAY BE SENT TO ANOTHER JURISDICTION"
        } else if names.iter().any(|name| name.clients.is_some()) {
            "clients get other answers"
        } else {
            "no client of a name that stays steered gets another answer"
        };
        format!("{what}: from {before} to {after}, with everything healthy")
    }
}

impl fmt::Display for ConfigChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.summary())?;
        let clients = self.alike();
        for (names, change) in clients.iter().take(MAX_LISTED) {
            writeln!(f, "\n{}: {}", several(names), change.headline(names.len()))?;
            change.clients.iter().try_for_each(|clients| write!(f, "{clients}"))?;
            write_settings(&change.settings, change.change, "  ", f)?;
        }
        let more = clients.len().saturating_sub(MAX_LISTED);
        if more > 0 {
            writeln!(f, "\nand {more} more kinds of names whose clients get other answers; see --json")?;
        }
        let others: Vec<_> = self.names.iter().filter(|name| name.clients.is_none()).collect();
        if !others.is_empty() {
            writeln!(f, "\nnames")?;
        }
        for name in others.iter().take(MAX_LISTED) {
            writeln!(f, "  {} {}, {}", name.change.sign(), name.name, kind(name.kind))?;
            write_settings(&name.settings, name.change, "      ", f)?;
        }
        let more = others.len().saturating_sub(MAX_LISTED);
        if more > 0 {
            writeln!(f, "  and {more} more; see --json")?;
        }
        if !self.settings.is_empty() {
            writeln!(f, "\nsettings")?;
        }
        for SubjectDifference { subject, change, settings } in &self.settings {
            writeln!(f, "  {} {subject}", change.sign())?;
            write_settings(settings, *change, "      ", f)?;
        }
        if self.is_nothing() {
            return Ok(());
        }
        writeln!(f)?;
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))
    }
}

impl ConfigChange {
    /// Returns the names whose clients get other answers, those with the same change together.
    pub(super) fn alike(&self) -> Vec<(Vec<&str>, &NameChange)> {
        let mut alike: Vec<(Vec<&str>, &NameChange)> = Vec::new();
        for name in self.names.iter().filter(|name| name.clients.is_some()) {
            let is_alike =
                |known: &NameChange| known.clients == name.clients && known.settings == name.settings;
            match alike.iter_mut().find(|(_, known)| is_alike(known)) {
                Some((names, _)) => names.push(&name.name),
                None => alike.push((vec![&name.name], name)),
            }
        }
        alike
    }
}

impl NameChange {
    /// Says how many clients of so many names get other answers.
    pub(super) fn headline(&self, names: usize) -> String {
        let its = if names == 1 { "its" } else { "their" };
        match &self.clients {
            Some(clients) if !clients.moves.is_empty() => {
                format!("{} of {its} clients get other answers", share(clients.share))
            }
            Some(_) | None => format!("{its} clients may be sent elsewhere when regions are down"),
        }
    }
}

/// Lists names with the same change.
pub(super) fn several(names: &[&str]) -> String {
    let told = names[..names.len().min(MAX_NAMES)].join(", ");
    match names.len().saturating_sub(MAX_NAMES) {
        0 => told,
        more => format!("{told} and {more} more"),
    }
}

impl fmt::Display for ClientChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for border in &self.border {
            writeln!(
                f,
                "  border: {} {}: {}",
                share(border.share),
                border.sentence(),
                countries(&border.countries)
            )?;
        }
        let mut before = None;
        for one in &self.moves {
            if before.replace(one.kind) != Some(one.kind) {
                writeln!(f, "  {}", one.kind.sentence())?;
            }
            writeln!(f, "    {} {}: {}", share(one.share), one.way(), countries(&one.countries))?;
        }
        if !self.regions.is_empty() {
            let regions: Vec<_> = self.regions.iter().map(ToString::to_string).collect();
            writeln!(f, "  regions: {}", regions.join(", "))?;
        }
        Ok(())
    }
}

impl BorderChange {
    /// Says where the clients may be sent from now on.
    pub(super) fn sentence(&self) -> String {
        let (gained, lost) = (self.gained.join(", "), self.lost.join(", "));
        match (gained.as_str(), lost.as_str()) {
            (gained, "") => format!("may be sent to {gained} from now on"),
            ("", lost) => format!("may no longer be sent to {lost}"),
            (gained, lost) => format!("may be sent to {gained} from now on, and no longer to {lost}"),
        }
    }
}

impl AnswerMove {
    /// Returns from where to where, in which families.
    pub(super) fn way(&self) -> String {
        let [before, after] = &self.refusals;
        let families: Vec<_> = self.families.iter().map(ToString::to_string).collect();
        let [from, to] = [place(&self.from, before), place(&self.to, after)];
        format!("{from} -> {to}, {}", families.join(" and "))
    }
}

fn place(region: &Option<RegionPlace>, refusal: &Option<String>) -> String {
    match (region, refusal) {
        (Some(RegionPlace { region, jurisdiction }), _) => format!("{region} ({jurisdiction})"),
        (None, Some(refusal)) => refusal.clone(),
        (None, None) => "no address".to_owned(),
    }
}

impl MoveKind {
    /// Says what happens to the clients.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::Jurisdiction => "sent to another jurisdiction",
            Self::Unanswered => "without an address from now on",
            Self::Answered => "with an address from now on",
            Self::Region => "sent to another region of the same jurisdiction",
            Self::Refusal => "told otherwise that there is no address",
            Self::Addresses => "other addresses of the same region",
        }
    }
}

impl fmt::Display for RegionShareChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { region, before, after } = self;
        write!(f, "{region} {} -> {}", share(*before), share(*after))
    }
}

/// Lists the countries with the most of some clients, and how much of each they are.
pub(super) fn countries(list: &[CountryShare]) -> String {
    let one = |CountryShare { country, share: _, of_country }: &CountryShare| {
        format!("{} {}", country.as_deref().unwrap_or("unknown"), share(*of_country))
    };
    let words: Vec<_> = list.iter().take(MAX_COUNTRIES).map(one).collect();
    match list.len().saturating_sub(MAX_COUNTRIES) {
        0 => words.join(", "),
        more => format!("{} and {more} more", words.join(", ")),
    }
}

/// Returns what a name is in words.
pub(super) fn kind(kind: ChooserKind) -> &'static str {
    match kind {
        ChooserKind::Static => "static",
        ChooserKind::Steered => "steered",
        ChooserKind::Pin => "a pin",
    }
}

/// Writes the settings of something; those of what is gone say nothing.
fn write_settings(
    settings: &[SettingChange],
    of: ChangeKind,
    indent: &str,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let told = settings.iter().filter_map(|setting| setting.told(of));
    told.take(MAX_LISTED).try_for_each(|setting| writeln!(f, "{indent}{setting}"))?;
    match settings.len().saturating_sub(MAX_LISTED) {
        0 => Ok(()),
        _ if of == ChangeKind::Removed => Ok(()),
        more => writeln!(f, "{indent}and {more} more; see --json"),
    }
}
