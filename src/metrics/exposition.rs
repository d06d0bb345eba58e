//! The two text formats of metrics: OpenMetrics, and the older one that other scrapers and `promtool` read.

/// The media type of OpenMetrics 1.0.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The media type of the text format of Prometheus (prometheus.io, "Exposition formats", 0.0.4).
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A text format of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposition {
    /// `# TYPE meridian_reloads counter`, and an end.
    OpenMetrics,
    /// `# TYPE meridian_reloads_total counter`.
    Plain,
}

impl Exposition {
    /// The media types of all formats, in the order of preference.
    pub const MEDIA_TYPES: [&'static str; 2] = [PLAIN, OPEN_METRICS];

    /// Returns the format for a client that sends this `Accept`; OpenMetrics only to those that know it.
    pub fn accepted(accept: Option<&str>) -> Self {
        match accept.is_some_and(|accept| accept.contains("application/openmetrics-text")) {
            true => Self::OpenMetrics,
            false => Self::Plain,
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => OPEN_METRICS,
            Self::Plain => PLAIN,
        }
    }

    /// Turns a page of OpenMetrics into this format.
    pub(super) fn of(self, page: String) -> String {
        match self {
            Self::OpenMetrics => page,
            Self::Plain => plain(&page),
        }
    }
}

/// Turns a page of OpenMetrics into the text format: counters are described under the names of their series, and what
/// the text format does not know (units, the end) is left out.
fn plain(page: &str) -> String {
    let mut lines = Vec::new();
    let mut help = None;
    for line in page.lines() {
        if let Some(text) = line.strip_prefix("# HELP ") {
            help = Some(text);
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        {
            let suffix = if kind == "counter" { "_total" } else { "" };
            let about = help.take().and_then(|help| help.split_once(' ')).filter(|(of, _)| *of == name);
            lines.extend(about.map(|(_, text)| format!("# HELP {name}{suffix} {text}")));
            lines.push(format!("# TYPE {name}{suffix} {kind}"));
        } else if !line.starts_with('#') {
            lines.push(line.to_owned());
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clients_that_know_openmetrics_get_it() {
        for (accept, expected) in [
            (None, Exposition::Plain),
            (Some("*/*"), Exposition::Plain),
            (Some("text/plain;version=0.0.4"), Exposition::Plain),
            (Some("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"), Exposition::OpenMetrics),
        ] {
            assert_eq!(Exposition::accepted(accept), expected, "{accept:?}");
        }
    }

    #[test]
    fn the_older_format_describes_counters_by_the_names_of_their_series_and_has_no_end() {
        let page = "# HELP a_b Of b.\n# TYPE a_b counter\na_b_total{c=\"d\"} 1\n# HELP e E.\n# TYPE e gauge\n# UNIT e seconds\ne 2\n# EOF\n";
        let expected = "# HELP a_b_total Of b.\n# TYPE a_b_total counter\na_b_total{c=\"d\"} 1\n# HELP e E.\n# TYPE e gauge\ne 2\n";
        assert_eq!(Exposition::Plain.of(page.to_owned()), expected);
    }
}
