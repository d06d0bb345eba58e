//! The documentation: Markdown pages that are part of the program.
//!
//! The text is the `.md` files beside this one, which read well as they are; the configuration reference alone is made
//! from the schema (`reference`). `html` turns them into pages for the admin address and for a static site. What can
//! go stale is tested: every kind of event, every metric, every page that a page links to.

mod anchor;
mod html;
mod pages;
mod reference;
#[cfg(test)]
mod tests;

pub use html::{Edition, STYLE, front, page, site};
pub use pages::{PAGES, Page, find, list};

/// Alert rules for Prometheus.
pub const ALERTS: &str = include_str!("alerts.yaml");

/// A dashboard for Grafana.
pub const DASHBOARD: &str = include_str!("dashboard.json");
