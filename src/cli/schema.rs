//! `meridian schema`: prints the JSON Schema of the configuration.

use std::process::ExitCode;

use super::output;
use crate::config::schema::{self, FileKind};

/// Print the JSON Schema (draft 2020-12) of the configuration files
///
/// Editors complete and check YAML by it. Without an argument one schema covers every file; with one,
/// the schema is of that kind of file, and its errors say more.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The kind of file
    pub file: Option<SchemaFile>,
}

/// A kind of file.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum SchemaFile {
    /// `server.yaml`
    Server,
    /// `regions.yaml`
    Regions,
    /// Any other YAML file
    Zone,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let schema = match args.file {
        None => schema::whole(),
        Some(SchemaFile::Server) => schema::of(FileKind::Server),
        Some(SchemaFile::Regions) => schema::of(FileKind::Regions),
        Some(SchemaFile::Zone) => schema::of(FileKind::Zone),
    };
    output::json(&schema);
    Ok(ExitCode::SUCCESS)
}
