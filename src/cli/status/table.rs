//! The table of regions: the worst first, in 80 columns.

use std::cmp::Reverse;

use super::writer::{Brevity, PageWriter};
use crate::admin::api::{FamilyStatus, RegionOverview};
use crate::health::{LIMITED, WITHDRAWN};
use crate::units::Percent;

/// The columns of everything but the names.
const NUMBERS: usize = 67;

/// What stands in a line of the table.
struct RegionRow<'a> {
    name: &'a str,
    state: String,
    /// Share, load, p95, errors, away, up.
    numbers: [String; 6],
}

/// Writes the table.
pub(super) fn write(page: &mut PageWriter, regions: &[RegionOverview], brevity: Brevity) {
    let names = regions.iter().map(|region| region.summary.name.chars().count());
    let longest = names.max().unwrap_or_default().max("region".len());
    let width = page.columns().map_or(longest, |columns| longest.min(columns.saturating_sub(NUMBERS).max(6)));
    let titles = ["share", "load", "p95", "errors", "away", "up"].map(str::to_owned);
    page.heading(&line(&RegionRow { name: "region", state: "state".to_owned(), numbers: titles }, width));
    let mut sorted: Vec<&RegionOverview> = regions.iter().collect();
    sorted.sort_by_key(|region| (is_calm(region), Reverse(region.phase)));
    let (calm, shown): (Vec<_>, Vec<_>) = sorted
        .into_iter()
        .partition(|region| brevity > Brevity::Whole && is_calm(region) && region.look != WITHDRAWN);
    for region in shown {
        let rows = rows(region).into_iter().map(|row| line(&row, width));
        let zones = region.notable_zones.iter().map(|zone| format!("{:<width$}  {zone}", ""));
        for line in rows.chain(zones) {
            if is_calm(region) { page.line(&line) } else { page.loud(&line) }
        }
    }
    let names: Vec<_> = calm.iter().map(|region| region.summary.name.as_str()).collect();
    if !names.is_empty() {
        page.line(&format!("well: {}", names.join(", ")));
    }
}

fn line(
    RegionRow { name, state, numbers: [share, load, p95, errors, away, up] }: &RegionRow<'_>,
    width: usize,
) -> String {
    let name = match name.chars().count() > width {
        true => name.chars().take(width - 1).chain(['…']).collect(),
        false => (*name).to_owned(),
    };
    let line =
        format!("{name:<width$}  {state:<23} {share:>5} {load:>5} {p95:>8} {errors:>6} {away:>5} {up:>7}");
    line.trim_end().to_owned()
}

/// Returns whether no operator need look at a region.
fn is_calm(region: &RegionOverview) -> bool {
    region.phase.is_well() && region.look != LIMITED && region.summary.blind.is_none()
}

/// Returns a row, or one for each family where these differ.
fn rows(region: &RegionOverview) -> Vec<RegionRow<'_>> {
    let RegionOverview { summary, look, .. } = region;
    let suffix = [
        (look == WITHDRAWN, ", withdrawn"),
        (look == LIMITED, ", limited"),
        (summary.blind.is_some(), ", blind"),
    ];
    let suffix: String = suffix.into_iter().filter(|(applies, _)| *applies).map(|(_, word)| word).collect();
    let families = [("IPv4 ", &summary.ipv4), ("IPv6 ", &summary.ipv6)];
    let present = families.into_iter().filter(|(_, family)| family.site.phase.is_some());
    let mut present: Vec<_> = present.map(|(label, family)| (label, family, up([family]))).collect();
    let seen = |family: &FamilyStatus| (state(family), percent(family.site.share));
    if present.windows(2).all(|pair| seen(pair[0].1) == seen(pair[1].1)) {
        let all = up(present.iter().map(|(_, family, _)| *family));
        present.truncate(1);
        present.iter_mut().for_each(|(label, _, up)| (*label, *up) = ("", all.clone()));
    }
    let rows = present.into_iter().enumerate().map(|(index, (label, family, up))| {
        // What is known of the region as a whole stands once.
        let once = |text: String| if index == 0 { text } else { String::new() };
        let vitals = &summary.vitals;
        RegionRow {
            name: if index == 0 { &summary.name } else { "" },
            state: format!("{label}{}{suffix}", state(family)),
            numbers: [
                percent(family.site.share),
                once(percent(vitals.load)),
                once(milliseconds(vitals.p95_latency_seconds)),
                once(percent(vitals.error_rate)),
                once(percent(Some(summary.shed))),
                up,
            ],
        }
    });
    rows.collect()
}

fn state(family: &FamilyStatus) -> String {
    family.site.phase.map_or_else(String::new, |phase| phase.to_string())
}

fn up<'f>(families: impl IntoIterator<Item = &'f FamilyStatus>) -> String {
    let sum = |(up, total), family: &FamilyStatus| (up + family.up, total + family.total);
    let (up, total) = families.into_iter().fold((0, 0), sum);
    format!("{up}/{total}")
}

fn percent(fraction: Option<f64>) -> String {
    fraction.map_or_else(|| "-".to_owned(), |part| Percent::rounded(part).to_string())
}

fn milliseconds(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{:.0} ms", seconds * 1000.0))
}
