//! Reads a configuration directory into memory, within stated bounds.
//!
//! A file that is too large or is not text is kept with that as its reason: `config` knows whether it is needed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::regular;
use crate::config::{SourceFile, SourceFiles};

/// The most files in a directory: a configuration has one for each zone.
pub const MAX_FILES: usize = 10_000;

/// The largest file: a master file of some 300 000 records.
pub const MAX_FILE: u64 = 16 * 1024 * 1024;

/// The most text altogether.
pub const MAX_TOTAL: usize = 256 * 1024 * 1024;

/// Why a directory cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read the configuration directory `{}`", .0.display())]
    Directory(PathBuf, #[source] io::Error),
    #[error("`{}` has more than {MAX_FILES} files; is it a configuration directory?", .0.display())]
    TooManyFiles(PathBuf),
    #[error("the files in `{}` have more than 256 MiB; is it a configuration directory?", .0.display())]
    TooLarge(PathBuf),
}

/// Reads the files of a directory. Hidden files and directories are passed over; symbolic links are
/// followed, for that is how Kubernetes mounts a ConfigMap.
///
/// # Errors
///
/// When the directory cannot be read, or is too large to be a configuration.
pub fn read(directory: &Path) -> Result<SourceFiles, Error> {
    let failed = |error| Error::Directory(directory.to_owned(), error);
    let mut files = Vec::new();
    let mut total = 0;
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // `DirEntry::metadata` does not follow links, this does; a dangling one is not a file.
        let is_file = fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_file());
        if name.starts_with('.') || !is_file {
            continue;
        }
        if files.len() == MAX_FILES {
            return Err(Error::TooManyFiles(directory.to_owned()));
        }
        let source = read_file(name, &entry.path());
        total += source.text.len();
        if total > MAX_TOTAL {
            return Err(Error::TooLarge(directory.to_owned()));
        }
        files.push(source);
    }
    Ok(SourceFiles::new(directory, files))
}

fn read_file(name: String, path: &Path) -> SourceFile {
    match regular::read(path, MAX_FILE) {
        Ok((bytes, _)) => match String::from_utf8(bytes) {
            Ok(text) => SourceFile::new(name, text),
            Err(error) => {
                let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
                unreadable(name, format!("is not UTF-8 text: see line {line}"))
            }
        },
        Err(regular::Error::TooLarge { .. }) => unreadable(name, "is larger than 16 MiB"),
        Err(error @ (regular::Error::Io(_) | regular::Error::NotRegular)) => {
            unreadable(name, format!("cannot be read: {error}"))
        }
    }
}

fn unreadable(name: String, why: impl Into<String>) -> SourceFile {
    SourceFile { name, text: String::new(), unreadable: Some(why.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_sorted_by_name_and_hidden_ones_and_directories_are_passed_over() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for name in ["b.yaml", "a.zone", ".hidden.yaml"] {
            fs::write(directory.path().join(name), name).expect("a file is written");
        }
        fs::create_dir(directory.path().join("..data")).expect("a directory is made");
        let sources = read(directory.path()).expect("the directory can be read");
        let names: Vec<_> = sources.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["a.zone", "b.yaml"]);
    }

    #[test]
    fn what_is_too_large_or_not_text_is_kept_with_the_reason() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        fs::write(directory.path().join("a.bin"), b"line\n\xff\xfe").expect("a file is written");
        let large = fs::File::create(directory.path().join("b.bin")).expect("a file is made");
        large.set_len(2 * 1024 * 1024 * 1024).expect("a sparse file");
        let sources = read(directory.path()).expect("the directory can be read");
        let reasons: Vec<_> = sources.files.iter().map(|file| file.unreadable.as_deref()).collect();
        assert_eq!(reasons, [Some("is not UTF-8 text: see line 2"), Some("is larger than 16 MiB")]);
    }

    #[test]
    fn a_missing_directory_is_named() {
        let error = read(Path::new("/nonexistent")).expect_err("there is no such directory");
        assert_eq!(error.to_string(), "cannot read the configuration directory `/nonexistent`");
    }
}
