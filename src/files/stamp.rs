//! Stamps of files: what changed before a watch was in place.
//!
//! Loading takes a stamp before it reads, for it may take seconds; a watch that starts afterwards
//! compares. Contents are not looked at.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The identity and version of files at one time. Links are followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp(BTreeMap<PathBuf, Option<FileMark>>);

/// The identity and version of one file. `None` in its place: it is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FileMark {
    inode: u64,
    size: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    /// Looks at every file in a directory, but not below it.
    pub fn of_directory(directory: &Path) -> Self {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        let marks = entries.map(|entry| (entry.path(), mark(&entry.path())));
        Self(marks.filter(|(_, mark)| mark.is_some()).collect())
    }

    /// Looks at more files, wherever they are.
    pub fn and_files<'a>(mut self, files: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        self.0.extend(files.into_iter().map(|file| (file.clone(), mark(file))));
        self
    }
}

fn mark(path: &Path) -> Option<FileMark> {
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some(FileMark { inode: metadata.ino(), size: metadata.len(), modified: metadata.modified().ok() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns whether the stamp of a directory and of one file elsewhere changes by `act`.
    fn changes(act: impl FnOnce(&Path)) -> bool {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("zones")).unwrap();
        fs::write(root.path().join("zones/server.yaml"), "name: ns1").unwrap();
        let elsewhere = root.path().join("world.mmdb");
        let stamp = || Stamp::of_directory(&root.path().join("zones")).and_files([&elsewhere]);
        let before = stamp();
        act(root.path());
        stamp() != before
    }

    #[test]
    fn a_file_that_is_new_gone_longer_or_another_is_a_change() {
        assert!(changes(|root| fs::write(root.join("zones/new.yaml"), "").unwrap()));
        assert!(changes(|root| fs::remove_file(root.join("zones/server.yaml")).unwrap()));
        assert!(changes(|root| fs::write(root.join("zones/server.yaml"), "name: ns22").unwrap()));
        assert!(changes(|root| fs::write(root.join("world.mmdb"), "").unwrap()));
        assert!(changes(|root| {
            fs::write(root.join("beside"), "name: ns2").unwrap();
            fs::rename(root.join("beside"), root.join("zones/server.yaml")).unwrap();
        }));
    }

    #[test]
    fn nothing_and_a_directory_below_are_no_change() {
        assert!(!changes(|_| ()));
        assert!(!changes(|root| fs::create_dir(root.join("zones/state")).unwrap()));
    }
}
