//! The configuration directory of the demo: a temporary one, or one that the operator names.
//!
//! Nothing that was there before is ever overwritten. Filling it is left to `directory`.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Error;

/// The configuration directory of one demo.
#[derive(Debug)]
pub enum DemoHome {
    /// Removed when this is dropped.
    Temporary(TempDir),
    /// Named by the operator, and kept.
    Given(PathBuf),
}

impl DemoHome {
    /// Makes a temporary directory, or the wanted one, which must be empty if it exists.
    ///
    /// # Errors
    ///
    /// When it holds something, or cannot be made.
    pub fn make(wanted: Option<PathBuf>) -> Result<Self, Error> {
        let Some(path) = wanted else {
            let made = tempfile::Builder::new().prefix("meridian-demo-").tempdir();
            let made = made.map_err(|cause| Error::Write(std::env::temp_dir(), cause))?;
            return Ok(Self::Temporary(made));
        };
        let is_empty = fs::create_dir_all(&path)
            .and_then(|()| fs::read_dir(&path))
            .map(|mut entries| entries.next().is_none());
        match is_empty {
            Ok(true) => Ok(Self::Given(path)),
            Ok(false) => Err(Error::NotEmpty(path)),
            Err(cause) => Err(Error::Write(path, cause)),
        }
    }

    /// Returns where it is.
    pub fn path(&self) -> &Path {
        match self {
            Self::Temporary(directory) => directory.path(),
            Self::Given(path) => path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_holds_something_is_left_alone() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("new/zones");
        assert!(matches!(DemoHome::make(Some(path.clone())), Ok(DemoHome::Given(_))));
        fs::write(path.join("server.yaml"), "name: dear").expect("a writable directory");
        assert!(matches!(DemoHome::make(Some(path)), Err(Error::NotEmpty(_))));
    }

    #[test]
    fn a_temporary_directory_goes_with_the_demo() {
        let home = DemoHome::make(None).expect("a temporary directory");
        let path = home.path().to_owned();
        assert!(path.is_dir());
        drop(home);
        assert!(!path.exists());
    }
}
