//! `meridian docs`: prints the documentation, or writes it as a static site.

mod limits;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::builder::PossibleValuesParser;

use super::exit::BadInput;
use super::output;
use crate::docs::{self, PAGES};

/// Print a page of the documentation, or the list of pages
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The page; without it, the pages are listed
    #[arg(value_parser = PossibleValuesParser::new(PAGES.map(|page| page.name)))]
    page: Option<String>,
    /// Write all pages as a static site to this directory
    #[arg(short, long, value_name = "DIR", conflicts_with = "page")]
    output: Option<PathBuf>,
    /// Print alert rules for Prometheus
    #[arg(long, conflicts_with_all = ["page", "output"])]
    alerts: bool,
    /// Print a dashboard for Grafana
    #[arg(long, conflicts_with_all = ["page", "output", "alerts"])]
    dashboard: bool,
}

pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    if let Some(directory) = &arguments.output {
        write(directory)?;
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.alerts {
        output::text(docs::ALERTS);
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.dashboard {
        output::text(docs::DASHBOARD);
        return Ok(ExitCode::SUCCESS);
    }
    match arguments.page.as_deref() {
        None => output::text(docs::list()),
        // From the constants of this build, of which the page that others show is a copy.
        Some("limits") => output::text(limits::page()),
        Some(name) => output::text(docs::find(name).expect("the parser knows the pages").markdown()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the name of a file in a directory that is none of a site, if there is one.
fn foreign(directory: &Path, site: &[(String, String)]) -> anyhow::Result<Option<String>> {
    let cannot = || format!("cannot read {}", directory.display());
    for file in fs::read_dir(directory).with_context(cannot)? {
        let name = file.with_context(cannot)?.file_name().to_string_lossy().into_owned();
        if !site.iter().any(|(known, _)| *known == name) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn write(directory: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let site = docs::site();
    if let Some(foreign) = foreign(directory, &site)? {
        let why = format!(
            "{} has `{foreign}`, which is no page of the documentation: name an empty directory, or that of an earlier site",
            directory.display()
        );
        return Err(BadInput::new(why).into());
    }
    for (name, text) in &site {
        let path = directory.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    output::line(format_args!(
        "{} files, to begin with {}",
        site.len(),
        directory.join("index.html").display()
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_written_twice_to_its_directory_and_never_over_files_of_others() {
        let home = tempfile::tempdir().expect("a directory");
        let site = home.path().join("site");
        write(&site).expect("it is new");
        write(&site).expect("it is its own");
        let page = fs::read_to_string(site.join("index.html")).expect("a page");
        fs::write(site.join("notes.txt"), "mine").expect("it is writable");
        fs::write(site.join("index.html"), "mine").expect("it is writable");
        let error = write(&site).expect_err("it has files of others").to_string();
        assert!(error.contains("`notes.txt`") && !page.is_empty(), "{error}");
        assert_eq!(fs::read_to_string(site.join("index.html")).expect("a page"), "mine");
    }
}
