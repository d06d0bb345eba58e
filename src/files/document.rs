//! One JSON document a file, replaced atomically: what the state directory consists of.
//!
//! A file is written beside its place, flushed, and renamed over it, so that at every instant a whole file lies
//! there, the old or the new.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use serde::Deserialize;

/// The part of a document that every version has.
#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

/// Puts a file with this content in the place of `path`.
pub(super) fn replace(directory: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    // One writer, so one name for what is not finished; a left-over of a crash is overwritten.
    let unfinished = path.with_extension("json.new");
    let mut file = File::create(&unfinished)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    // The rename itself lives in the directory.
    File::open(directory)?.sync_all()
}

/// Reads at most one byte more than is allowed.
pub(super) fn load(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut text)?;
    Ok(text)
}

/// Reads the version of a document: one of another version may look different in every other way.
pub(super) fn version(text: &[u8]) -> serde_json::Result<u64> {
    serde_json::from_slice(text).map(|Versioned { version }| version)
}
