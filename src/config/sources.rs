//! The text of a configuration, before anything is known about it.

use std::path::PathBuf;

/// The files of one configuration directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceFiles {
    /// The directory; relative paths in `server.yaml` start here.
    pub directory: PathBuf,
    /// Its files by name. What cannot be read as text is kept with the reason.
    pub files: Vec<SourceFile>,
}

/// One file of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name in the directory, for example `regions.yaml`.
    pub name: String,
    /// Its text; empty when it is unreadable.
    pub text: String,
    /// Why it has no text: `is larger than 16 MiB`.
    pub unreadable: Option<String>,
}

impl SourceFile {
    /// Makes a source of a name and a text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), unreadable: None }
    }
}

impl SourceFiles {
    /// Makes sources of files, in the order of their names whatever order they come in.
    pub fn new(directory: impl Into<PathBuf>, mut files: Vec<SourceFile>) -> Self {
        files.sort_by(|one, other| one.name.cmp(&other.name));
        Self { directory: directory.into(), files }
    }

    /// Returns the number of the file with this name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.files.iter().position(|file| file.name == name)
    }

    /// Returns the path of a file as problems print it.
    pub fn display(&self, index: usize) -> String {
        let name = self.files.get(index).map_or("", |file| file.name.as_str());
        self.directory.join(name).display().to_string()
    }
}
