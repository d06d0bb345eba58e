//! `meridian docs`: prints reference pages.

mod limits;

use std::process::ExitCode;

use super::output;

/// Print a page of the reference
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The page
    pub page: DocsPage,
}

/// A page of the reference.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum DocsPage {
    /// Every limit that an operator may meet
    Limits,
}

pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    let page = match arguments.page {
        DocsPage::Limits => limits::page(),
    };
    output::text(page);
    Ok(ExitCode::SUCCESS)
}
