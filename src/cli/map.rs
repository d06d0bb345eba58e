//! `meridian map`: draws where the clients of each country go.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;

use super::output;
use super::server::ServerArgs;
use crate::admin::api::{SteeredNameQuery, routes};
use crate::admin::{atlas, map};
use crate::daemon;
use crate::health::View;
use crate::inspect::Atlas;
use crate::snapshot::{Base, Snapshot};

/// Draw a map of the world: the regions, and where each country's clients go
///
/// The picture is an SVG that needs no other file, for a document. Without --admin and
/// $MERIDIAN_ADMIN it is drawn for a configuration directory with everything healthy; with one of them it shows a running
/// server as it is now.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write the picture to this file
    #[arg(short, long, value_name = "FILE", default_value = "map.svg")]
    output: PathBuf,

    /// Draw the configuration in this directory; without it, and without a server, that in zones
    #[arg(long, value_name = "DIR", conflicts_with = "admin")]
    config: Option<PathBuf>,

    /// Draw the clients of this steered name; without it, of the first one
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    #[command(flatten)]
    server: ServerArgs,
}

pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    let svg = match &arguments.config {
        None if arguments.server.is_named() => {
            let query = SteeredNameQuery { name: arguments.name.clone() };
            arguments.server.single("a map")?.text(&routes::MAP, &query)?
        }
        directory => {
            let directory = directory.as_deref().unwrap_or(Path::new("zones"));
            draw(daemon::load(directory)?.base, arguments.name.as_deref())?
        }
    };
    write(&arguments.output, &svg)?;
    output::line(format_args!("wrote {} ({} bytes)", arguments.output.display(), svg.len()));
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, svg: &str) -> anyhow::Result<()> {
    fs::write(path, svg).with_context(|| format!("cannot write {}", path.display()))
}

/// Draws a world in which all is well.
fn draw(base: Arc<Base>, name: Option<&str>) -> anyhow::Result<String> {
    let health = View::all_up(&base.config.regions);
    let snapshot = Snapshot::compile(base, health, 0);
    let id = atlas::find_name(&snapshot, name)?;
    let drawn = id.map(|id| Atlas::of(&snapshot, id)).unwrap_or_default();
    Ok(map::draw(&atlas::drawing(&snapshot, id, &drawn, None)))
}
