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
pub struct Stamp {
    directory: PathBuf,
    /// The files in the directory, but not below it.
    inside: BTreeMap<PathBuf, FileMark>,
    /// More files, wherever they are. `None`: it is not there.
    named: BTreeMap<PathBuf, Option<FileMark>>,
}

/// The identity and version of one file.
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
        let marks = entries.filter_map(|entry| Some((entry.path(), mark(&entry.path())?)));
        Self { directory: directory.to_owned(), inside: marks.collect(), named: BTreeMap::new() }
    }

    /// Looks at one more file.
    pub fn add(&mut self, file: &Path) {
        self.named.insert(file.to_owned(), mark(file));
    }

    /// Looks at the same files again.
    pub fn again(&self) -> Self {
        let mut again = Self::of_directory(&self.directory);
        self.named.keys().for_each(|file| again.add(file));
        again
    }
}

fn mark(path: &Path) -> Option<FileMark> {
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some(FileMark { inode: metadata.ino(), size: metadata.len(), modified: metadata.modified().ok() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns whether the stamp of a directory, of one file elsewhere and of one below changes by `act`.
    fn changes(act: impl FnOnce(&Path)) -> bool {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("zones")).unwrap();
        fs::write(root.path().join("zones/server.yaml"), "name: ns1").unwrap();
        fs::create_dir(root.path().join("zones/below")).unwrap();
        fs::write(root.path().join("zones/below/one"), "one").unwrap();
        let mut before = Stamp::of_directory(&root.path().join("zones"));
        ["world.mmdb", "zones/below/one"].iter().for_each(|file| before.add(&root.path().join(file)));
        act(root.path());
        before.again() != before
    }

    #[test]
    fn a_file_that_is_new_gone_longer_or_another_is_a_change() {
        assert!(changes(|root| fs::write(root.join("zones/new.yaml"), "").unwrap()));
        assert!(changes(|root| fs::remove_file(root.join("zones/server.yaml")).unwrap()));
        assert!(changes(|root| fs::write(root.join("zones/server.yaml"), "name: ns22").unwrap()));
        assert!(changes(|root| fs::write(root.join("world.mmdb"), "").unwrap()));
        assert!(changes(|root| fs::write(root.join("zones/below/one"), "longer").unwrap()));
        assert!(changes(|root| {
            fs::write(root.join("beside"), "name: ns2").unwrap();
            fs::rename(root.join("beside"), root.join("zones/server.yaml")).unwrap();
        }));
    }

    #[test]
    fn nothing_and_what_is_not_named_below_are_no_change() {
        assert!(!changes(|_| ()));
        assert!(!changes(|root| fs::write(root.join("zones/below/two"), "").unwrap()));
        assert!(!changes(|root| fs::create_dir(root.join("zones/state")).unwrap()));
    }
}
