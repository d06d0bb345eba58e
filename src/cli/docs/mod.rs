//! `meridian docs`: prints the documentation, or writes it as a static site.

mod limits;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::builder::PossibleValuesParser;

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

fn write(directory: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let site = docs::site();
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
