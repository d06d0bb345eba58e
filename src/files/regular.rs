//! Opens regular files within a size limit.
//!
//! Every reader of this module goes through here: opening a FIFO waits for a writer, a device never ends, and a
//! file may be larger than anything that belongs there.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;

/// Why a file is not opened or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("not a regular file")]
    NotRegular,
    #[error("file too large: {bytes} bytes (limit {limit})")]
    TooLarge {
        /// Its size; of a file that grows meanwhile, as much as was read.
        bytes: u64,
        /// In bytes.
        limit: u64,
    },
}

impl Error {
    /// Returns whether there is no such file, nor can be: what should be its directory is none.
    pub fn is_not_found(&self) -> bool {
        use io::ErrorKind::{NotADirectory, NotFound};
        matches!(self, Self::Io(error) if matches!(error.kind(), NotFound | NotADirectory))
    }
}

/// Opens a file for reading. Symbolic links are followed, for that is how Kubernetes mounts files.
///
/// # Errors
///
/// When the file cannot be opened, is not a regular one, or has more bytes than `limit`.
pub fn open(path: &Path, limit: u64) -> Result<(File, Metadata), Error> {
    // The kind is looked at before the file is opened, and again afterwards, when it can no longer be replaced.
    check(&fs::metadata(path)?, limit)?;
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    check(&metadata, limit)?;
    Ok((file, metadata))
}

/// Reads a whole file.
///
/// # Errors
///
/// Those of [`open`], and when reading fails or the file grows beyond `limit` meanwhile.
pub fn read(path: &Path, limit: u64) -> Result<(Vec<u8>, Metadata), Error> {
    let (file, metadata) = open(path, limit)?;
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    let read = bytes.len() as u64;
    if read > limit { Err(Error::TooLarge { bytes: read, limit }) } else { Ok((bytes, metadata)) }
}

fn check(metadata: &Metadata, limit: u64) -> Result<(), Error> {
    match metadata.len() {
        _ if !metadata.is_file() => Err(Error::NotRegular),
        bytes if bytes > limit => Err(Error::TooLarge { bytes, limit }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_within_the_limit_are_read() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("file");
        fs::write(&path, "12345").expect("a file");
        assert_eq!(read(&path, 5).expect("within the limit").0, b"12345");
        assert!(matches!(read(&path, 4), Err(Error::TooLarge { bytes: 5, limit: 4 })));
        assert!(matches!(read(home.path(), 5), Err(Error::NotRegular)));
        assert!(matches!(read(Path::new("/dev/zero"), 5), Err(Error::NotRegular)));
        assert!(read(&home.path().join("missing"), 5).is_err_and(|error| error.is_not_found()));
        let fifo = home.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs");
        assert!(made.success() && matches!(read(&fifo, 5), Err(Error::NotRegular)));
    }
}
