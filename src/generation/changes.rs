//! How two contents differ, in a line: `regions.yaml +2 -1, shop.yaml new`.

use std::collections::BTreeMap;

use super::{ConfigContent, ContentFile};
use crate::units::Count;

/// The most files that are named; the others are counted.
const MAX_NAMED: usize = 4;

/// Says how a content differs from the one before it; `None`: there was none, or it is not kept.
pub fn changes(before: Option<&ConfigContent>, after: &ConfigContent) -> String {
    let Some(before) = before else { return Count(after.files().len(), "file").to_string() };
    let old: BTreeMap<&str, &ContentFile> =
        before.files().iter().map(|file| (file.name.as_str(), file)).collect();
    let new: BTreeMap<&str, &ContentFile> =
        after.files().iter().map(|file| (file.name.as_str(), file)).collect();
    let changed = new.iter().filter_map(|(name, file)| match old.get(name) {
        None => Some(format!("{name} new")),
        Some(before) if before.sha256 != file.sha256 => Some(format!("{name} {}", lines(before, file))),
        Some(_) => None,
    });
    let gone = old.keys().filter(|name| !new.contains_key(*name)).map(|name| format!("{name} gone"));
    let all: Vec<String> = changed.chain(gone).collect();
    match all.len() {
        0 => "nothing".to_owned(),
        1..=MAX_NAMED => all.join(", "),
        count => format!("{}, and {}", all[..MAX_NAMED].join(", "), Count(count - MAX_NAMED, "more file")),
    }
}

/// Counts the lines that a file has and had not, and had and has not: `+2 -1`. Lines that only moved are none.
fn lines(before: &ContentFile, after: &ContentFile) -> String {
    let mut counts: BTreeMap<&[u8], i64> = BTreeMap::new();
    after.octets.split(|byte| *byte == b'\n').for_each(|line| *counts.entry(line).or_default() += 1);
    before.octets.split(|byte| *byte == b'\n').for_each(|line| *counts.entry(line).or_default() -= 1);
    let sum = |sign: i64| counts.values().map(|count| (count * sign).max(0)).sum::<i64>();
    match (sum(1), sum(-1)) {
        (0, 0) => "in another order".to_owned(),
        (added, removed) => format!("+{added} -{removed}"),
    }
}
