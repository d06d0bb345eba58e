//! Compiles YAML to a configuration, or to every problem there is.

use std::collections::BTreeSet;

use super::problem::{Reporter, Span};
use super::{Config, Problems, SourceFiles, sections, yaml};

/// A configuration that can be used.
#[derive(Clone, Debug)]
pub struct Compiled {
    pub config: Config,
    /// What works but is hardly meant.
    pub warnings: Problems,
    /// The files that it was made of, by their numbers: what lies beside them is not part of it.
    pub read: BTreeSet<usize>,
}

/// Compiles a configuration. Equal sources give equal configurations.
///
/// # Errors
///
/// Every mistake in every file, by file and line; warnings come after them.
pub fn compile(sources: &SourceFiles) -> Result<Compiled, Problems> {
    let mut report = Reporter::default();
    let files = read(sources, &mut report);
    let config = sections::config(&files, sources, &mut report);
    let read = report.read().clone();
    let (mut errors, warnings) = report.finish(sources);
    match config {
        Some(config) if errors.is_empty() => Ok(Compiled { config, warnings, read }),
        _ => {
            errors.list.extend(warnings.list);
            errors.omitted += warnings.omitted;
            Err(errors)
        }
    }
}

/// Reads every YAML file as what its name says it is.
fn read(sources: &SourceFiles, report: &mut Reporter) -> sections::Files {
    let mut files = sections::Files { server: None, regions: None, zones: Vec::new() };
    let [mut has_server, mut has_regions] = [false; 2];
    for (index, source) in sources.files.iter().enumerate() {
        let stem = source.name.strip_suffix(".yaml").or_else(|| source.name.strip_suffix(".yml"));
        // What is below the directory is there because a master file includes it.
        let Some(stem) = stem.filter(|stem| !stem.contains('/')) else {
            continue;
        };
        report.note_read(index);
        let span = Span::file(index);
        let kind = if ["server", "regions"].contains(&stem) { stem } else { "zone" };
        let seen = match kind {
            "server" => std::mem::replace(&mut has_server, true),
            "regions" => std::mem::replace(&mut has_regions, true),
            _ => false,
        };
        if seen {
            report
                .error(span, format!("there is another file for `{stem}`"))
                .hint("keep one of .yaml and .yml");
        }
        let text = match source.text() {
            Ok(text) => text,
            Err(why) => {
                report.error(span, format!("the file {why}"));
                continue;
            }
        };
        let Some(node) = yaml::parse(text, index, report) else {
            continue;
        };
        match kind {
            "server" => files.server = yaml::read(&node, report).map(|server| (span, server)),
            "regions" => files.regions = yaml::read(&node, report),
            _ => files.zones.extend(yaml::read(&node, report).map(|zone| (span, zone))),
        }
    }
    if !has_server {
        report_no_server(sources, report);
    }
    if !has_regions {
        // Without the file there are no regions, which is not the same as not knowing them.
        files.regions = Some(sections::RegionsSpec::default());
    }
    files
}

fn report_no_server(sources: &SourceFiles, report: &mut Reporter) {
    let message = format!("there is no `server.yaml` in `{}`", sources.directory.display());
    report
        .error(Span::file(sources.files.len()), message)
        .hint("it says where to listen: `name: ns1` and `listen: { dns: [\"127.0.0.1:5300\"] }`");
}
