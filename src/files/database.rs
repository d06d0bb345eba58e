//! Reads a geo database whole, or not at all.
//!
//! It promises that the bytes are those of one file at one time: a file that is replaced by renaming
//! keeps its old bytes for whoever has it open, and one that is written over while it is read is
//! noticed by its size or its time of change and read again. Whether the bytes are a database is left
//! to `geo`.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::geo::MAX_DATABASE_BYTES;

/// A file of more bytes than this is refused before it is read.
pub const MAX_SIZE: u64 = MAX_DATABASE_BYTES as u64;

/// How often a file that changes while it is read is read again.
const ATTEMPTS: u32 = 5;

/// The pause before that, growing with each attempt; writing a database takes about a second.
const PAUSE: Duration = Duration::from_millis(200);

/// Why a database cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system says no.
    #[error("cannot read `{}`", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Its reason.
        #[source]
        source: io::Error,
    },
    /// A directory, a pipe or a device.
    #[error("`{}` is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// More than [`MAX_SIZE`].
    #[error("`{}` has {size} bytes, and no geo database has more than {MAX_SIZE}", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        size: u64,
    },
    /// It changed during every attempt.
    #[error("`{}` keeps changing while it is read; replace it by renaming a finished file", .0.display())]
    KeepsChanging(PathBuf),
}

/// Reads the file at `path`. It blocks, for some seconds at worst.
///
/// # Errors
///
/// When it cannot be read, cannot be a database by its kind or size, or does not hold still.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    for attempt in 1..=ATTEMPTS {
        if let Some(bytes) = read_once(path)? {
            return Ok(bytes);
        }
        thread::sleep(PAUSE * attempt);
    }
    Err(Error::KeepsChanging(path.to_owned()))
}

/// Returns `None` when the file changed meanwhile.
fn read_once(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    // Opening a pipe would wait for a writer, so its kind is looked at before.
    check_kind(path, &std::fs::metadata(path).map_err(failed)?)?;
    let mut file = File::open(path).map_err(failed)?;
    let before = file.metadata().map_err(failed)?;
    check_kind(path, &before)?;
    let mut bytes = Vec::with_capacity(usize::try_from(before.len()).expect("MAX_SIZE fits"));
    Read::by_ref(&mut file).take(MAX_SIZE).read_to_end(&mut bytes).map_err(failed)?;
    let after = file.metadata().map_err(failed)?;
    let held_still = is_same(&before, &after) && bytes.len() as u64 == before.len();
    Ok(held_still.then_some(bytes))
}

fn check_kind(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    if !metadata.is_file() {
        return Err(Error::NotAFile(path.to_owned()));
    }
    if metadata.len() > MAX_SIZE {
        return Err(Error::TooLarge { path: path.to_owned(), size: metadata.len() });
    }
    Ok(())
}

fn is_same(before: &Metadata, after: &Metadata) -> bool {
    before.len() == after.len() && before.modified().ok() == after.modified().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.mmdb");
        std::fs::write(&path, b"bytes").unwrap();
        assert_eq!(read(&path).unwrap(), b"bytes");
    }

    #[test]
    fn a_sparse_file_of_two_gigabytes_is_refused_before_it_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("huge.mmdb");
        File::create(&path).unwrap().set_len(2 << 30).unwrap();
        assert!(matches!(read(&path), Err(Error::TooLarge { size: 0x8000_0000, .. })));
    }

    #[test]
    fn a_directory_and_a_device_are_no_databases() {
        let directory = tempfile::tempdir().unwrap();
        assert!(matches!(read(directory.path()), Err(Error::NotAFile(_))));
        assert!(matches!(read(Path::new("/dev/zero")), Err(Error::NotAFile(_))));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read(Path::new("/nowhere/world.mmdb")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read `/nowhere/world.mmdb`");
    }
}
