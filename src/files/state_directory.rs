//! The state directory, and the lock that keeps a second process out of it.
//!
//! Two processes on one directory would overwrite each other's intents. The lock is `flock(2)` on a file of its
//! own and lasts as long as the process, so that `kill -9` leaves nothing to clean up; the number in that file
//! only tells operators which process holds it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::process::getuid;

/// The name of the lock file.
const LOCK: &str = "lock";

/// More than the digits of any process number.
const MAX_PID_BYTES: u64 = 20;

/// A state directory. Its lock is released with the last clone.
#[derive(Clone, Debug)]
pub struct StateDirectory {
    path: Arc<Path>,
    lock: Option<Arc<File>>,
}

/// Why a state directory is not locked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "the state directory `{}` is in use by {}: give each instance a `state:` of its own",
        .path.display(),
        .process.as_ref().map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
    )]
    InUse {
        path: PathBuf,
        /// The number of that process; `None`: its lock file does not say.
        process: Option<u32>,
    },
    #[error(
        "the state directory `{path}` may not be written by user {user}: `mkdir -p {path} && chown -R {user} {path}`, or name \
         another one in `state` in server.yaml",
        path = .path.display()
    )]
    Forbidden {
        path: PathBuf,
        /// The number of the user that the process runs as.
        user: u32,
    },
    #[error("cannot lock the state directory `{}`", .path.display())]
    Unlockable {
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl StateDirectory {
    /// Locks a directory, which is made if need be.
    ///
    /// # Errors
    ///
    /// When another process has it, it is not this user's, or it cannot be locked.
    pub fn lock(path: &Path) -> Result<Self, Error> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::PermissionDenied => {
                Error::Forbidden { path: path.to_owned(), user: getuid().as_raw() }
            }
            _ => Error::Unlockable { path: path.to_owned(), source },
        };
        fs::create_dir_all(path).map_err(failed)?;
        let mut options = OpenOptions::new();
        // A link may lead to what another user may not write.
        options.read(true).write(true).create(true).truncate(false).custom_flags(libc::O_NOFOLLOW);
        let mut file = options.open(path.join(LOCK)).map_err(failed)?;
        give_to_owner(&file, path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::InUse { path: path.to_owned(), process: holder(file) });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        write_number(&mut file);
        Ok(Self { path: path.into(), lock: Some(Arc::new(file)) })
    }

    /// Returns a directory that another process has locked and handed over, with the file that it is locked by.
    pub fn handed(path: &Path, mut lock: File) -> Self {
        write_number(&mut lock);
        Self { path: path.into(), lock: Some(Arc::new(lock)) }
    }

    /// Returns a directory without its lock: for one that cannot be locked, and whose server starts all the same.
    pub fn unlocked(path: &Path) -> Self {
        Self { path: path.into(), lock: None }
    }

    /// Returns the file that it is locked by: whoever has it open as well keeps the directory locked. `None`: it is not locked.
    pub fn lock_file(&self) -> Option<&File> {
        self.lock.as_deref()
    }

    /// Returns where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Writes which process has the lock. A full disk takes no number, and the lock holds all the same.
fn write_number(file: &mut File) {
    let number = format!("{}\n", std::process::id());
    let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(number.as_bytes()));
}

fn holder(file: File) -> Option<u32> {
    let mut text = String::new();
    file.take(MAX_PID_BYTES).read_to_string(&mut text).ok()?;
    text.trim_end().parse().ok()
}

/// Gives a file to the owner of its directory, where only root may: what root writes in the place of the server can be read
/// by the user that the server runs as.
pub(super) fn give_to_owner(file: &File, directory: &Path) -> io::Result<()> {
    let owner = fs::metadata(directory)?;
    if owner.uid() != file.metadata()?.uid() {
        let _ = fchown(file, Some(owner.uid()), Some(owner.gid()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_in_use_says_by_which_process_and_is_free_again_afterwards() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("made/on/the/way");
        let first = StateDirectory::lock(&path).expect("nobody has it");
        let second = StateDirectory::lock(&path).expect_err("it is in use").to_string();
        assert!(second.contains(&format!("is in use by process {}", std::process::id())), "{second}");
        let clone = first.clone();
        drop(first);
        StateDirectory::lock(&path).expect_err("a clone has it");
        drop(clone);
        StateDirectory::lock(&path).expect("it is free");
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_another_error() {
        let error = StateDirectory::lock(Path::new("/dev/null/state")).expect_err("no directory");
        assert!(matches!(error, Error::Unlockable { .. }), "{error}");
    }
}
