//! The files that a configuration is made of: those that were read for it, and none that lie beside them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::config::{SourceFile, SourceFiles};

/// The content of a configuration. All clones share it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigContent {
    /// The files in the order of their names.
    files: Arc<[ContentFile]>,
}

/// A file of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentFile {
    /// Its name in the directory, or its path below it.
    pub name: String,
    /// In hexadecimal digits.
    pub sha256: String,
    pub octets: Arc<[u8]>,
}

impl ConfigContent {
    /// Makes a content of files, in the order of their names whatever order they come in.
    pub fn new(mut files: Vec<ContentFile>) -> Self {
        files.sort_by(|one, other| one.name.cmp(&other.name));
        Self { files: files.into() }
    }

    /// Returns the files in the order of their names.
    pub fn files(&self) -> &[ContentFile] {
        &self.files
    }

    /// Returns the files as if they were read from a directory.
    pub fn sources(&self, directory: &Path) -> SourceFiles {
        let source = |file: &ContentFile| SourceFile {
            name: file.name.clone(),
            octets: Arc::clone(&file.octets),
            ..SourceFile::default()
        };
        SourceFiles::new(directory, self.files.iter().map(source).collect())
    }

    /// Returns the text that its digest is taken of: names and digests of the files.
    pub fn listing(&self) -> String {
        self.files.iter().map(|file| format!("{} {}\n", file.sha256, file.name)).collect()
    }

    /// Returns the same content with octets that are known already in place of its own.
    pub(super) fn shared(self, known: &BTreeMap<String, Arc<[u8]>>) -> Self {
        let shared = |file: &ContentFile| ContentFile {
            octets: known.get(&file.sha256).unwrap_or(&file.octets).clone(),
            ..file.clone()
        };
        Self { files: self.files.iter().map(shared).collect() }
    }
}
