//! One JSON document a file, replaced atomically: what the state directory consists of.
//!
//! A file is written beside its place, flushed, and renamed over it, so that at every instant a whole file lies
//! there, the old or the new.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

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

/// What a document looks like that is believed.
pub(super) struct Format {
    /// Its version; another one is refused.
    pub version: u64,
    /// The most bytes that it has.
    pub most: u64,
}

/// A document that cannot be used.
pub(super) struct Unusable {
    /// Where it was.
    pub path: PathBuf,
    /// Where it is now.
    pub aside: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

/// Reads a document; `None`: there is none. One that cannot be used is renamed, so that nothing overwrites it.
pub(super) fn read<D: DeserializeOwned, T>(
    path: PathBuf,
    format: &Format,
    accept: impl FnOnce(D) -> Result<T, String>,
) -> Result<Option<T>, Unusable> {
    let text = match load(&path, format.most) {
        Ok(text) => parse(&text, format),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => Err(error.to_string()),
    };
    text.and_then(accept).map(Some).map_err(|why| {
        let aside = free_name(&path);
        // Where even that fails, the next write does: the directory is not ours.
        let _ = fs::rename(&path, &aside);
        Unusable { path, aside, why }
    })
}

/// Returns a name beside a file that no other file has: what was set aside before stays there.
fn free_name(path: &Path) -> PathBuf {
    let numbered = (1..1000).map(|number| path.with_extension(format!("json.unusable.{number}")));
    let mut names = [path.with_extension("json.unusable")].into_iter().chain(numbered);
    names.find(|name| !name.exists()).unwrap_or_else(|| path.with_extension("json.unusable"))
}

fn parse<D: DeserializeOwned>(text: &[u8], format: &Format) -> Result<D, String> {
    let Format { version: known, most } = format;
    if text.len() as u64 > *most {
        return Err(format!("it is larger than {most} bytes"));
    }
    let found = version(text).map_err(|error| error.to_string())?;
    if found != *known {
        return Err(format!("its format has version {found}, this program knows {known}"));
    }
    serde_json::from_slice(text).map_err(|error| error.to_string())
}
