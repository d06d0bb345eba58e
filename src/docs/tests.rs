//! What goes stale when the program changes: the pages must have every kind, every metric and every limit.

use std::collections::BTreeSet;

use super::*;
use crate::canary::BlindCause;
use crate::metrics::{Exposition, Metrics};

/// Returns the words between backquotes of a page.
fn quoted(name: &str) -> BTreeSet<String> {
    let page = find(name).expect("a page").markdown();
    page.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Checks that a page has every one of these words between backquotes.
fn check(page: &str, words: impl IntoIterator<Item = String>) {
    let quoted = quoted(page);
    let words: Vec<String> = words.into_iter().collect();
    assert!(words.len() > 5, "{words:?}");
    let missing: Vec<_> = words.into_iter().filter(|word| !quoted.contains(word)).collect();
    assert!(missing.is_empty(), "src/docs/{page}.md lacks a row for: {missing:?}");
}

/// Returns what stands in a source between each `before` and the next quote or slash.
fn words_after(source: &str, before: &str) -> Vec<String> {
    let parts = source.split(before).skip(1);
    parts.filter_map(|part| part.split(['"', '/']).next()).map(str::to_owned).collect()
}

#[test]
fn every_kind_of_event_has_a_row_with_its_meaning() {
    check("alarms", words_after(include_str!("../event/kind.rs"), "Self::word(\""));
}

#[test]
fn every_kind_of_condition_has_its_key() {
    let source = include_str!("../event/condition.rs");
    let writes = [words_after(source, "=> write!(f, \""), words_after(source, "=> f.write_str(\"")].concat();
    let keys: BTreeSet<String> = writes.into_iter().filter(|key| !key.contains('{')).collect();
    let page = find("alarms").expect("a page").markdown();
    let missing: Vec<_> = keys
        .iter()
        .filter(|key| ["`", "/"].iter().all(|end| !page.contains(&format!("`{key}{end}"))))
        .collect();
    assert!(
        keys.len() > 9 && missing.is_empty(),
        "src/docs/alarms.md lacks the keys {missing:?} of {keys:?}"
    );
}

#[test]
fn every_cause_of_blindness_has_a_row() {
    check("alarms", BlindCause::ALL.map(|cause| cause.as_str().to_owned()));
}

#[test]
fn every_metric_has_a_row_with_its_meaning() {
    // A family without series is not on a page of metrics, so that those of the sources are looked at as well.
    let sources = [
        include_str!("../metrics/delivery.rs"),
        include_str!("../metrics/instance.rs"),
        include_str!("../metrics/mod.rs"),
        include_str!("../metrics/peers.rs"),
        include_str!("../metrics/sites.rs"),
        include_str!("../metrics/transports.rs"),
    ];
    let calls = sources.iter().flat_map(|source| source.split("register(").skip(1));
    let registered = calls.filter_map(|call| call.trim_start().strip_prefix('"')?.split('"').next());
    let registered: Vec<_> = registered.map(|name| format!("meridian_{name}")).collect();
    assert!(registered.len() > 40, "{registered:?}");
    let page = Metrics::default().render(Exposition::Plain);
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let quoted = quoted("metrics");
    let has_row =
        |name: &String| [name.clone(), format!("{name}_total")].iter().any(|name| quoted.contains(name));
    let all = registered.into_iter().chain(types.map(str::to_owned));
    let missing: Vec<_> = all.filter(|name| !has_row(name)).collect();
    assert!(missing.is_empty(), "src/docs/metrics.md lacks a row for: {missing:?}");
}

#[test]
fn every_link_leads_to_a_heading_of_a_page() {
    for page in PAGES {
        for link in page.markdown().split("](").skip(1) {
            let link = link.split(')').next().unwrap_or_default();
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let to = file.strip_suffix(".md").and_then(find);
            let to = to.unwrap_or_else(|| panic!("{}: `{link}` leads to no page", page.name));
            let text = to.markdown();
            let anchors = text.lines().filter_map(|line| line.strip_prefix('#'));
            let mut anchors = anchors.map(|title| anchor::anchor(title.trim_start_matches('#').trim()));
            assert!(
                heading.is_empty() || anchors.any(|anchor| anchor == heading),
                "{}: `{link}` leads to no heading",
                page.name
            );
        }
    }
}

#[test]
fn every_page_begins_with_its_title() {
    for page in PAGES {
        assert!(page.markdown().starts_with(&format!("# {}\n", page.title)), "{}", page.name);
    }
}

#[test]
fn a_page_is_html_without_scripts_and_its_links_lead_to_pages_of_the_same_place() {
    let admin = page(&find("concepts").expect("a page"), Edition::Admin);
    assert!(admin.contains("<h2 id=\"health-and-recovery\">Health and recovery</h2>"), "{admin}");
    let quick_start = find("quick-start").expect("a page");
    assert!(page(&quick_start, Edition::Admin).contains("<a href=\"/docs/concepts\">concepts</a>"));
    assert!(page(&quick_start, Edition::Site).contains("<a href=\"concepts.html\">concepts</a>"));
    for (name, text) in site() {
        assert!(!text.contains("<script") && !text.contains(" style=") && !text.contains("]("), "{name}");
    }
    assert_eq!(site().len(), PAGES.len() + 2);
}

#[test]
fn the_reference_has_every_key_once_with_its_place() {
    let page = find("configuration").expect("a page").markdown();
    for row in [
        "| `name` | text | **Required.** The name of this instance",
        "| `recovery` | [Recovery](configuration.md#regionsyaml-recovery) | ",
        "| `interval` | `10s` | The time between the starts of two probes",
        "| `auto` | ",
    ] {
        assert!(page.contains(row), "{row} is not in {page}");
    }
    let rows = page.lines().filter(|line| line.starts_with('|'));
    assert!(rows.clone().count() > 100 && rows.clone().all(|row| !row.contains("` |  | ")), "{page}");
}
