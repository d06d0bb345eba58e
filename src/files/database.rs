//! Reads a geo database whole, or not at all.
//!
//! The bytes are those of one file at one time: a file that is replaced by renaming keeps its old bytes for a
//! process that has it open, and one that is written over while it is read is noticed by its size or its time of
//! change, and read again. Whether the bytes are a database is left to `geo`. One database is part of the program.

use std::fs::{File, Metadata};
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use lzma_rust2::LzmaReader;

use super::regular;
use crate::geo::MAX_DATABASE_BYTES;

/// The database in the program: geoip/world.mmdb, as `build.rs` compresses it.
static SHIPPED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/world.mmdb.lzma"));

/// A file of more bytes than this is refused before it is read.
pub const MAX_SIZE: u64 = MAX_DATABASE_BYTES as u64;

/// The most attempts to read a file that changes meanwhile.
const ATTEMPTS: u32 = 5;

/// The pause before that, growing with each attempt; writing a database takes about a second.
const PAUSE: Duration = Duration::from_millis(200);

/// Why a database cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read `{}`", .0.display())]
    Read(PathBuf, #[source] regular::Error),
    #[error("`{}` keeps changing while it is read; replace it by renaming a finished file", .0.display())]
    KeepsChanging(PathBuf),
}

/// A database that was read, and is open still.
#[derive(Debug)]
pub struct HeldFile {
    file: File,
    read: Metadata,
}

impl HeldFile {
    /// Returns the bytes that were read; `None`: the file was written over.
    pub fn read_again(&self) -> Option<Vec<u8>> {
        let mut file = &self.file;
        file.rewind().ok()?;
        bytes(file, &self.read).ok()?
    }
}

/// Returns the database in the program: the bytes of geoip/world.mmdb.
pub fn shipped() -> Vec<u8> {
    let mut bytes = Vec::new();
    let reader = LzmaReader::new_mem_limit(SHIPPED, u32::MAX, None);
    let expanded = reader.and_then(|mut reader| reader.read_to_end(&mut bytes));
    expanded.expect("what the build compressed expands");
    bytes
}

/// Reads the file at `path`, and keeps it open. It blocks, for some seconds at worst.
///
/// # Errors
///
/// When it cannot be read, cannot be a database by its kind or size, or does not hold still.
pub fn read(path: &Path) -> Result<(Vec<u8>, HeldFile), Error> {
    for attempt in 1..=ATTEMPTS {
        let read = read_once(path).map_err(|error| Error::Read(path.to_owned(), error))?;
        if let Some(read) = read {
            return Ok(read);
        }
        thread::sleep(PAUSE * attempt);
    }
    Err(Error::KeepsChanging(path.to_owned()))
}

/// Returns `None` when the file changed meanwhile.
fn read_once(path: &Path) -> Result<Option<(Vec<u8>, HeldFile)>, regular::Error> {
    let (file, read) = regular::open(path, MAX_SIZE)?;
    let bytes = bytes(&file, &read)?;
    Ok(bytes.map(|bytes| (bytes, HeldFile { file, read })))
}

/// Returns `None` when the file is not the one that `before` describes.
fn bytes(mut file: &File, before: &Metadata) -> Result<Option<Vec<u8>>, regular::Error> {
    let mut bytes = Vec::with_capacity(usize::try_from(before.len()).expect("MAX_SIZE fits"));
    Read::by_ref(&mut file).take(MAX_SIZE).read_to_end(&mut bytes)?;
    let held_still = is_same(before, &file.metadata()?) && bytes.len() as u64 == before.len();
    Ok(held_still.then_some(bytes))
}

fn is_same(before: &Metadata, after: &Metadata) -> bool {
    before.len() == after.len() && before.modified().ok() == after.modified().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_in_the_program_is_the_file_in_the_tree() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("geoip/world.mmdb");
        assert!(shipped() == std::fs::read(file).unwrap());
    }

    #[test]
    fn a_file_is_read_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.mmdb");
        std::fs::write(&path, b"bytes").unwrap();
        assert_eq!(read(&path).unwrap().0, b"bytes");
    }

    #[test]
    fn a_file_is_read_again_after_it_was_replaced_but_not_after_it_was_written_over() {
        let directory = tempfile::tempdir().unwrap();
        let (path, new) = (directory.path().join("a.mmdb"), directory.path().join("new.mmdb"));
        std::fs::write(&path, b"bytes").unwrap();
        let (_, held) = read(&path).unwrap();
        std::fs::write(&new, b"others").unwrap();
        std::fs::rename(&new, &path).unwrap();
        assert_eq!(held.read_again().unwrap(), b"bytes");
        assert_eq!(held.read_again().unwrap(), b"bytes");
        let (_, held) = read(&path).unwrap();
        std::fs::write(&path, b"anything else").unwrap();
        assert_eq!(held.read_again(), None);
    }

    #[test]
    fn a_sparse_file_of_two_gigabytes_is_refused_before_it_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("huge.mmdb");
        std::fs::File::create(&path).unwrap().set_len(2 << 30).unwrap();
        let Err(Error::Read(_, source)) = read(&path) else { panic!("it is too large") };
        assert!(source.to_string().starts_with("file too large: 2147483648 bytes"), "{source}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read(Path::new("/nowhere/world.mmdb")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read `/nowhere/world.mmdb`");
    }
}
