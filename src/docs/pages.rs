//! The list of pages, and their text.

use std::sync::LazyLock;

use super::reference;

/// A page.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Its name in commands, links and addresses: `quick-start`.
    pub name: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// Its content in a line.
    pub summary: &'static str,
    text: PageText,
}

/// The text of a page in Markdown.
#[derive(Clone, Copy, Debug)]
enum PageText {
    Written(&'static str),
    /// Made once, when it is first asked for.
    Generated(&'static LazyLock<String>),
}

/// The configuration reference after its introduction.
static CONFIGURATION: LazyLock<String> =
    LazyLock::new(|| format!("{}\n{}", include_str!("configuration.md"), reference::markdown()));

impl Page {
    /// Returns the page in Markdown.
    pub fn markdown(&self) -> &'static str {
        match self.text {
            PageText::Written(text) => text,
            PageText::Generated(text) => text.as_str(),
        }
    }
}

const fn written(name: &'static str, title: &'static str, summary: &'static str, text: &'static str) -> Page {
    Page { name, title, summary, text: PageText::Written(text) }
}

/// Every page, in the order in which a newcomer reads them.
pub static PAGES: [Page; 11] = [
    written(
        "quick-start",
        "Quick start",
        "from the demo to a configuration of your own that answers",
        include_str!("quick-start.md"),
    ),
    written(
        "concepts",
        "Concepts",
        "how an answer is decided: residency, health, order, share, scope",
        include_str!("concepts.md"),
    ),
    Page {
        name: "configuration",
        title: "Configuration",
        summary: "every file and every key, with defaults and bounds",
        text: PageText::Generated(&CONFIGURATION),
    },
    written(
        "recipes",
        "Recipes",
        "an LLM API, EU residency, blue/green, maintenance, moving from other servers",
        include_str!("recipes.md"),
    ),
    written(
        "operating",
        "Operating",
        "an outage step by step, drains, drills, reload, state, clock",
        include_str!("operating.md"),
    ),
    written(
        "alarms",
        "Alarms and events",
        "every kind, with its meaning and what to do",
        include_str!("alarms.md"),
    ),
    written("metrics", "Metrics", "every metric, with its meaning", include_str!("metrics.md")),
    written("limits", "Limits", "every limit that an operator may meet", include_str!("limits.md")),
    written("security", "Security", "what is exposed, and how it is protected", include_str!("security.md")),
    written(
        "comparison",
        "Comparison",
        "gdnsd, PowerDNS, Knot, k8gb, Route 53: when to take which",
        include_str!("comparison.md"),
    ),
    written("upgrade", "Upgrade", "updating, and going back", include_str!("upgrade.md")),
];

/// Returns the page with this name.
pub fn find(name: &str) -> Option<Page> {
    PAGES.into_iter().find(|page| page.name == name)
}

/// Returns the list of all pages as text, a line for each.
pub fn list() -> String {
    let longest = PAGES.iter().map(|page| page.name.len()).max().unwrap_or_default();
    PAGES.iter().map(|page| format!("{:<longest$}  {}\n", page.name, page.summary)).collect()
}
