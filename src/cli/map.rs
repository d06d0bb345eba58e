//! `meridian map`: draws where the clients of each country go.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;

use super::refuse;
use super::server::Server;
use crate::admin::{atlas, map};
use crate::daemon;
use crate::health::View;
use crate::inspect::Atlas;
use crate::snapshot::{Base, Snapshot};

/// Draw a map of the world: the regions, and where each country's clients go
///
/// The picture is an SVG that needs no other file, for a document. Without --admin it is drawn for a
/// configuration directory with everything healthy; with --admin it shows a running server as it is now.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to write the picture
    #[arg(short, long, value_name = "FILE", default_value = "map.svg")]
    output: PathBuf,

    /// The configuration directory to draw
    #[arg(long, value_name = "DIR", default_value = "zones", conflicts_with = "admin")]
    config: PathBuf,

    /// The steered name whose clients are meant; without it, the first one
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    #[command(flatten)]
    server: Server,
}

/// Runs the command.
///
/// # Errors
///
/// When the running server cannot be asked, the name is not steered, or the file cannot be written.
pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    let svg = match &arguments.server.admin {
        Some(_) => ask(&arguments.server, arguments.name.as_deref())?,
        None => match daemon::load(&arguments.config) {
            Ok(loaded) => draw(loaded.base, arguments.name.as_deref())?,
            Err(error) => return Ok(refuse(&error)),
        },
    };
    write(&arguments.output, &svg)?;
    println!("wrote {} ({} bytes)", arguments.output.display(), svg.len());
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, svg: &str) -> anyhow::Result<()> {
    fs::write(path, svg).with_context(|| format!("cannot write {}", path.display()))
}

fn ask(server: &Server, name: Option<&str>) -> anyhow::Result<String> {
    let query: Vec<_> = name.map(|name| ("name", name)).into_iter().collect();
    server.ask(&["map.svg"], |client, url| client.get(url).query(&query))
}

/// Draws a world in which all is well.
fn draw(base: Arc<Base>, name: Option<&str>) -> anyhow::Result<String> {
    let health = View::all_up(base.config.regions.addresses().count());
    let snapshot = Snapshot::compile(base, health, 0);
    let id = atlas::find_name(&snapshot, name)?;
    let drawn = id.map(|id| Atlas::of(&snapshot, id)).unwrap_or_default();
    Ok(map::draw(&atlas::drawing(&snapshot, id, &drawn, None)))
}
