//! The text of a configuration, before anything is known about it.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// The names of the file that is each instance's own, and without which no server starts.
pub const SERVER_FILES: [&str; 2] = ["server.yaml", "server.yml"];

/// The files of one configuration directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceFiles {
    /// The directory; relative paths in `server.yaml` start here.
    pub directory: PathBuf,
    /// Its files by name, and those below it that master files include. What cannot be read is kept with the
    /// reason.
    pub files: Vec<SourceFile>,
}

/// One file of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name in the directory, for example `regions.yaml`, or its path below it.
    pub name: String,
    /// What is in it; empty when it is unreadable. A YAML file must be UTF-8, a master file need not.
    pub octets: Arc<[u8]>,
    /// Why it cannot be read: `is larger than 256 MiB`.
    pub unreadable: Option<String>,
    /// Whether a symbolic link leads out of the directory.
    pub is_outside: bool,
}

impl SourceFile {
    /// Makes a source of a name and its contents.
    pub fn new(name: impl Into<String>, octets: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), octets: octets.into().into(), ..Self::default() }
    }

    /// Returns the text, or why there is none: `is not UTF-8 text: see line 3`.
    pub fn text(&self) -> Result<&str, String> {
        if let Some(why) = &self.unreadable {
            return Err(why.clone());
        }
        str::from_utf8(&self.octets).map_err(|error| {
            let valid = &self.octets[..error.valid_up_to()];
            let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
            format!("is not UTF-8 text: see line {line}")
        })
    }

    /// Returns whether it is a YAML file by its name.
    pub fn is_yaml(&self) -> bool {
        self.name.ends_with(".yaml") || self.name.ends_with(".yml")
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

/// Returns the path of a file below the directory without `.`, or `None` when it leads elsewhere by its text.
pub fn below(path: &str) -> Option<String> {
    let mut names = Vec::new();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(name) => names.push(name.to_str()?),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!names.is_empty()).then(|| names.join("/"))
}
