//! The page itself: a document, a style sheet and a script, part of the program.
//!
//! It needs no other host and no build. It may load and ask for nothing but what is here, whatever ends up
//! in it: that is what its headers say.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::docs;

/// A file of the page.
#[derive(Clone, Copy, Debug)]
pub(super) struct File {
    /// Where it is served.
    pub path: &'static str,
    kind: &'static str,
    text: &'static str,
}

/// The document; it is served at `/`.
pub(super) const DOCUMENT: File =
    File { path: "/", kind: "text/html; charset=utf-8", text: include_str!("index.html") };

/// What it loads.
pub(super) const FILES: [File; 22] = [
    style("/ui/style.css", include_str!("style.css")),
    style("/ui/incidents.css", include_str!("incidents.css")),
    style("/ui/map.css", include_str!("map.css")),
    style("/ui/regions.css", include_str!("regions.css")),
    style("/ui/panels.css", include_str!("panels.css")),
    style("/ui/docs.css", docs::STYLE),
    script("/ui/script.js", include_str!("script.js")),
    script("/ui/stream.js", include_str!("stream.js")),
    script("/ui/words.js", include_str!("words.js")),
    script("/ui/incidents.js", include_str!("incidents.js")),
    script("/ui/regions.js", include_str!("regions.js")),
    script("/ui/details.js", include_str!("details.js")),
    script("/ui/load.js", include_str!("load.js")),
    script("/ui/sparks.js", include_str!("sparks.js")),
    script("/ui/map.js", include_str!("map.js")),
    script("/ui/flows.js", include_str!("flows.js")),
    script("/ui/legend.js", include_str!("legend.js")),
    script("/ui/intents.js", include_str!("intents.js")),
    script("/ui/instances.js", include_str!("instances.js")),
    script("/ui/explain.js", include_str!("explain.js")),
    script("/ui/access.js", include_str!("access.js")),
    script("/ui/act.js", include_str!("act.js")),
];

const fn style(path: &'static str, text: &'static str) -> File {
    File { path, kind: "text/css; charset=utf-8", text }
}

const fn script(path: &'static str, text: &'static str) -> File {
    File { path, kind: "text/javascript; charset=utf-8", text }
}

/// What the page may load and which hosts it may ask: its own server only. Forms are sent by the
/// script, so none may be sent anywhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The headers of everything that a browser shows.
const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    // After an update the next look must be at the new page, and all of it costs some milliseconds.
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    // The same path is a list for those who do not ask for HTML.
    (header::VARY, HeaderValue::from_static("accept")),
];

/// Returns whether the client shows HTML: browsers say so, and `curl` does not.
pub(super) fn is_browser(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// Returns a file of the page.
pub(super) fn file(file: File) -> Response {
    ([(header::CONTENT_TYPE, file.kind)], HEADERS, file.text).into_response()
}

/// Returns a document that is made for the request.
pub(super) fn document(html: String) -> Response {
    ([(header::CONTENT_TYPE, DOCUMENT.kind)], HEADERS, html).into_response()
}

/// Returns a picture for the page, or for a document.
pub(super) fn picture(svg: String) -> Response {
    ([(header::CONTENT_TYPE, "image/svg+xml")], HEADERS, svg).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the paths that stand between quotes, or before a `?`, in the scripts and the document.
    fn asked() -> Vec<String> {
        let texts = FILES.iter().chain([&DOCUMENT]).map(|file| file.text);
        let quoted = texts.flat_map(|text| text.split(['"', '`', '\'']));
        let paths =
            quoted.filter(|part| part.starts_with('/') && part.len() > 1 && !part.contains([' ', '%']));
        paths.map(|path| path.split(['?', '$']).next().unwrap_or(path).to_owned()).collect()
    }

    #[test]
    fn every_path_that_the_page_asks_for_is_one_that_is_answered() {
        let routes = crate::admin::routes::operations();
        let asked = asked();
        for path in &asked {
            let is_file = FILES.iter().any(|file| file.path == path);
            let is_route = routes.iter().any(|route| {
                route.path == path || route.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('{'))
            });
            assert!(is_file || is_route, "nobody answers {path}");
        }
        assert!(asked.len() >= 8, "{asked:?}");
    }

    #[test]
    fn the_page_names_no_other_host_and_never_writes_html() {
        for file in FILES.iter().chain([&DOCUMENT]) {
            for unwanted in
                ["http://", "https://", "innerHTML", "insertAdjacentHTML", "eval(", " style=\"", " on"]
            {
                let lines = file.text.lines().filter(|line| line.contains(unwanted));
                // SVG's namespace is a name and not an address; ` on` is a word unless it sets a handler.
                let bad: Vec<_> = lines
                    .filter(|line| !line.contains("www.w3.org"))
                    // An attribution is a link, as licences ask; nothing is loaded from there.
                    .filter(|line| !(line.contains("<a href=") && line.contains("data-database=")))
                    .filter(|line| unwanted != " on" || line.contains("=\"") && line.contains(" onclick"))
                    .collect();
                assert!(bad.is_empty(), "{}: {bad:?}", file.path);
            }
        }
    }
}
