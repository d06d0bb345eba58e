//! Pages as HTML: for the admin address, where they have paths, and for a site, where they are files.
//!
//! There is no script, and no host but their own: the pages may be shown under the strictest policy.

use std::fmt::Write as _;

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use super::anchor::anchor;
use super::pages::{PAGES, Page};

/// Where pages are shown, which decides how they refer to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edition {
    /// Below `/docs` of the admin address.
    Admin,
    /// Files of one directory.
    Site,
}

/// The style sheet of a site; the admin address serves the same.
pub const STYLE: &str = include_str!("docs.css");

impl Edition {
    fn page(self, name: &str) -> String {
        match self {
            Self::Admin => format!("/docs/{name}"),
            Self::Site => format!("{name}.html"),
        }
    }

    fn front(self) -> &'static str {
        match self {
            Self::Admin => "/docs",
            Self::Site => "index.html",
        }
    }

    fn style(self) -> &'static str {
        match self {
            Self::Admin => "/ui/docs.css",
            Self::Site => "docs.css",
        }
    }

    /// Returns where a link in Markdown leads; `None`: it is no link to a page.
    fn link(self, destination: &str) -> Option<String> {
        let (file, anchor) = destination.split_once('#').unwrap_or((destination, ""));
        let name = file.strip_suffix(".md").filter(|name| !name.contains('/'))?;
        let page = self.page(name);
        Some(if anchor.is_empty() { page } else { format!("{page}#{anchor}") })
    }
}

/// Returns the list of all pages.
pub fn front(edition: Edition) -> String {
    let mut body = String::from(
        "<h1>Meridian</h1>\n<p>An authoritative GeoDNS server with health-driven answers.</p>\n<dl>\n",
    );
    for page in PAGES {
        let (link, title, summary) = (edition.page(page.name), page.title, page.summary);
        let _ = writeln!(body, "<dt><a href=\"{link}\">{title}</a></dt><dd>{summary}</dd>");
    }
    frame("Documentation", None, &(body + "</dl>\n"), edition)
}

/// Returns a page.
pub fn page(page: &Page, edition: Edition) -> String {
    frame(page.title, Some(page.name), &body(page.markdown(), edition), edition)
}

/// Returns every file of a static site: its name and its text.
pub fn site() -> Vec<(String, String)> {
    let pages = PAGES.iter().map(|each| (Edition::Site.page(each.name), page(each, Edition::Site)));
    let others = [("index.html", front(Edition::Site)), ("docs.css", STYLE.to_owned())];
    pages.chain(others.map(|(name, text)| (name.to_owned(), text))).collect()
}

fn frame(title: &str, current: Option<&str>, body: &str, edition: Edition) -> String {
    let mut links = String::new();
    for page in PAGES {
        let mark = if current == Some(page.name) { " aria-current=\"page\"" } else { "" };
        let _ = writeln!(links, "<li><a href=\"{}\"{mark}>{}</a></li>", edition.page(page.name), page.title);
    }
    let (style, front) = (edition.style(), edition.front());
    let home = match edition {
        Edition::Admin => "<p><a href=\"/\">Back to the map</a></p>\n",
        Edition::Site => "",
    };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} – Meridian</title>\n<link rel=\"stylesheet\" href=\"{style}\">\n</head>\n<body>\n\
         <nav aria-label=\"Pages\">\n<p><a href=\"{front}\">Meridian</a></p>\n<ul>\n{links}</ul>\n{home}</nav>\n\
         <main>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// Returns the text of a page: its links lead to pages of the same edition, and its headings can be linked to.
fn body(markdown: &str, edition: Edition) -> String {
    let mut events: Vec<Event> = Parser::new_ext(markdown, Options::ENABLE_TABLES).collect();
    let mut heading = None;
    for index in 0..events.len() {
        match &events[index] {
            Event::Start(Tag::Heading { level, .. }) if *level != HeadingLevel::H1 => {
                heading = Some((index, String::new()));
            }
            Event::Text(text) | Event::Code(text) => {
                heading.iter_mut().for_each(|(_, title)| title.push_str(text));
            }
            Event::End(TagEnd::Heading(_)) => {
                if let Some((start, title)) = heading.take()
                    && let Event::Start(Tag::Heading { id, .. }) = &mut events[start]
                {
                    *id = Some(CowStr::from(anchor(&title)));
                }
            }
            Event::Start(Tag::Link { dest_url, .. }) => {
                let link = edition.link(dest_url);
                if let (Some(link), Event::Start(Tag::Link { dest_url, .. })) = (link, &mut events[index]) {
                    *dest_url = CowStr::from(link);
                }
            }
            _ => {}
        }
    }
    let mut page = String::new();
    html::push_html(&mut page, events.into_iter().map(without_html));
    page
}

/// Shows HTML in Markdown as the text that it is: the pages have none.
fn without_html(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        other => other,
    }
}
