//! Reads databases in MaxMind's format for the commands of this module.

use std::path::Path;

use anyhow::Context;

use crate::files;
use crate::geo::Database;

pub(super) fn database(path: &Path) -> anyhow::Result<Database> {
    let (bytes, _) = files::database::read(path)?;
    Database::parse(bytes).with_context(|| format!("`{}` cannot be used", path.display()))
}
