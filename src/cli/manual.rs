//! `meridian man` and `meridian completions`: what packages install beside the program, made from its own arguments.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

use super::output;

/// Print the manual page, or write one for each command
#[derive(Clone, Debug, clap::Args)]
pub struct ManArgs {
    /// Write the pages of all commands to this directory
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Print the completions of commands and flags for a shell
#[derive(Clone, Debug, clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub fn man(arguments: &ManArgs, program: Command) -> anyhow::Result<ExitCode> {
    if let Some(directory) = &arguments.output {
        fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        write(directory, program)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut page = Vec::new();
    Man::new(program).render(&mut page).context("cannot make the page")?;
    output::text(String::from_utf8_lossy(&page));
    Ok(ExitCode::SUCCESS)
}

fn write(directory: &Path, program: Command) -> anyhow::Result<()> {
    let written = || format!("cannot write to {}", directory.display());
    clap_mangen::generate_to(program, directory).with_context(written)
}

pub fn completions(arguments: &CompletionsArgs, mut program: Command) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut program, "meridian", &mut script);
    output::text(String::from_utf8_lossy(&script));
    Ok(ExitCode::SUCCESS)
}
