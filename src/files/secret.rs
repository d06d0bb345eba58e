//! Reads small files that others must not see: tokens and keys.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The largest file: a chain of certificates has some 10 KiB, and a bundle of authorities some 300.
const MAX_SIZE: u64 = 1 << 20;

/// The permission of everybody on this machine, of the mode of a file.
const EVERYBODY: u32 = 0o007;

/// What a file holds. It is never printed.
pub struct Secret {
    /// Its octets.
    pub bytes: Vec<u8>,
    /// Whether everybody on this machine may read or write it.
    pub is_open: bool,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("is_open", &self.is_open).finish_non_exhaustive()
    }
}

/// Reads a file. Links are followed, for that is how Kubernetes mounts secrets.
///
/// # Errors
///
/// When it cannot be read, is no regular file, or is too large for what it should hold.
pub fn read(path: &Path) -> io::Result<Secret> {
    // Opening a pipe would wait for a writer, so its kind is looked at before.
    check(&fs::metadata(path)?)?;
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    check(&metadata)?;
    let mut bytes = Vec::new();
    file.take(MAX_SIZE).read_to_end(&mut bytes)?;
    Ok(Secret { bytes, is_open: metadata.mode() & EVERYBODY != 0 })
}

fn check(metadata: &fs::Metadata) -> io::Result<()> {
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if metadata.len() > MAX_SIZE {
        return Err(io::Error::other(format!("it has {} octets, which no secret has", metadata.len())));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_read_with_whether_everybody_could() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("token");
        fs::write(&path, "secret").expect("a writable directory");
        for (mode, expected) in [(0o600, false), (0o640, false), (0o644, true), (0o602, true)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("it is ours");
            let secret = read(&path).expect("a file");
            assert_eq!((secret.bytes.as_slice(), secret.is_open), (&b"secret"[..], expected), "{mode:o}");
            assert!(!format!("{secret:?}").contains("115"), "no octet is printed");
        }
    }

    #[test]
    fn what_cannot_be_a_secret_is_refused_before_it_is_read() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let huge = directory.path().join("huge");
        File::create(&huge).and_then(|file| file.set_len(2 << 30)).expect("a sparse file");
        for path in [directory.path(), Path::new("/dev/zero"), &huge, Path::new("/nowhere/token")] {
            assert!(read(path).is_err(), "{}", path.display());
        }
    }
}
