//! Reads a configuration directory into memory, within stated bounds.
//!
//! A file that cannot be read is kept with the reason: `config` knows whether it is needed. Directories below are
//! passed over, except for the files there that a master file includes.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::regular;
use super::stamp::Stamp;
use crate::config::{self, SourceFile, SourceFiles};

/// The most files in a directory: a configuration has one for each zone.
pub const MAX_FILES: usize = 10_000;

/// The largest file: a master file of some five million records.
pub const MAX_FILE: u64 = 256 * 1024 * 1024;

/// The most text altogether.
pub const MAX_TOTAL: usize = 1024 * 1024 * 1024;

/// Why a directory cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read the configuration directory `{}`", .0.display())]
    Directory(PathBuf, #[source] io::Error),
    #[error("`{}` has more than {MAX_FILES} files; is it a configuration directory?", .0.display())]
    TooManyFiles(PathBuf),
    #[error("the files in `{}` have more than 1 GiB; is it a configuration directory?", .0.display())]
    TooLarge(PathBuf),
}

/// Reads the files of a directory. Hidden files and directories are passed over; symbolic links are
/// followed, for that is how Kubernetes mounts a ConfigMap.
///
/// # Errors
///
/// When the directory cannot be read, or is too large to be a configuration.
pub fn read(directory: &Path) -> Result<SourceFiles, Error> {
    read_stamped(directory, &mut Stamp::default())
}

/// Reads as `read` does, and adds to a stamp of the directory what is named below it, right before that is read.
///
/// # Errors
///
/// When the directory cannot be read, or is too large to be a configuration.
pub fn read_stamped(directory: &Path, stamp: &mut Stamp) -> Result<SourceFiles, Error> {
    let failed = |error| Error::Directory(directory.to_owned(), error);
    let mut reader = DirectoryReader {
        directory,
        real: fs::canonicalize(directory).map_err(failed)?,
        files: Vec::new(),
        total: 0,
    };
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // `DirEntry::metadata` does not follow links, this does; a dangling one is not a file.
        let is_file = fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_file());
        if !name.starts_with('.') && is_file {
            reader.add(name)?;
        }
    }
    reader.add_included(stamp)?;
    Ok(SourceFiles::new(directory, reader.files))
}

struct DirectoryReader<'d> {
    directory: &'d Path,
    /// The directory without symbolic links.
    real: PathBuf,
    files: Vec<SourceFile>,
    total: usize,
}

impl DirectoryReader<'_> {
    /// Reads a file of the directory, or below it.
    fn add(&mut self, name: String) -> Result<(), Error> {
        let path = self.directory.join(&name);
        let is_outside = fs::canonicalize(&path).is_ok_and(|path| !path.starts_with(&self.real));
        self.keep(SourceFile { is_outside, ..read_file(name, &path) })
    }

    fn keep(&mut self, source: SourceFile) -> Result<(), Error> {
        if self.files.len() == MAX_FILES {
            return Err(Error::TooManyFiles(self.directory.to_owned()));
        }
        self.total += source.octets.len();
        if self.total > MAX_TOTAL {
            return Err(Error::TooLarge(self.directory.to_owned()));
        }
        self.files.push(source);
        Ok(())
    }

    /// Reads what master files include from directories below, and what those include. What a link puts
    /// outside is known by name only.
    fn add_included(&mut self, stamp: &mut Stamp) -> Result<(), Error> {
        let mut known: BTreeSet<String> = self.files.iter().map(|file| file.name.clone()).collect();
        let mut position = 0;
        while let Some(file) = self.files.get(position) {
            position += 1;
            let names = if file.is_yaml() { Vec::new() } else { config::included(&file.octets) };
            for name in names.iter().filter_map(|name| config::below(name)) {
                if known.contains(&name) {
                    continue;
                }
                // Names of files that are not there are from outside as well, and count.
                if known.len() == MAX_FILES {
                    return Err(Error::TooManyFiles(self.directory.to_owned()));
                }
                known.insert(name.clone());
                let path = self.directory.join(&name);
                stamp.add(&path);
                match fs::canonicalize(path) {
                    Ok(path) if path.starts_with(&self.real) => self.add(name)?,
                    Ok(_) => self.keep(SourceFile { is_outside: true, ..SourceFile::new(name, "") })?,
                    Err(_) => {}
                }
            }
        }
        Ok(())
    }
}

fn read_file(name: String, path: &Path) -> SourceFile {
    match regular::read(path, MAX_FILE) {
        Ok((octets, _)) => SourceFile::new(name, octets),
        Err(regular::Error::TooLarge { .. }) => unreadable(name, "is larger than 256 MiB"),
        Err(error @ (regular::Error::Io(_) | regular::Error::NotRegular)) => {
            unreadable(name, format!("cannot be read: {error}"))
        }
    }
}

fn unreadable(name: String, why: impl Into<String>) -> SourceFile {
    SourceFile { unreadable: Some(why.into()), ..SourceFile::new(name, "") }
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
    fn what_is_too_large_is_kept_with_the_reason_and_what_is_not_text_as_it_is() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        fs::write(directory.path().join("a.bin"), b"line\n\xff\xfe").expect("a file is written");
        let large = fs::File::create(directory.path().join("b.bin")).expect("a file is made");
        large.set_len(2 * 1024 * 1024 * 1024).expect("a sparse file");
        let sources = read(directory.path()).expect("the directory can be read");
        let reasons: Vec<_> = sources.files.iter().map(SourceFile::text).collect();
        let expected = ["is not UTF-8 text: see line 2", "is larger than 256 MiB"];
        assert_eq!(reasons, expected.map(|why| Err(why.to_owned())));
        assert_eq!(*sources.files[0].octets, *b"line\n\xff\xfe");
    }

    #[test]
    fn what_a_master_file_includes_below_is_read_and_nothing_outside_is() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let directory = root.path().join("zones");
        fs::create_dir_all(directory.join("sub")).expect("directories are made");
        let write =
            |path: &str, text: &str| fs::write(directory.join(path), text).expect("a file is written");
        write(
            "a.zone",
            "\u{feff}$INCLUDE sub/one\n$include ./sub/link x\n$INCLUDE ../secret\n$INCLUDE sub/none\n",
        );
        write("sub/one", "$INCLUDE \"sub/two\"\n");
        write("sub/two", "two");
        write("sub/beside", "beside");
        fs::write(root.path().join("secret"), "secret").expect("a file is written");
        for link in ["zones/sub/link", "zones/link.zone"] {
            std::os::unix::fs::symlink(root.path().join("secret"), root.path().join(link)).expect("a link");
        }
        let sources = read(&directory).expect("the directory can be read");
        let read = |file: &SourceFile| (file.name.clone(), file.octets.len(), file.is_outside);
        let files: Vec<_> = sources.files.iter().skip(1).map(read).collect();
        let expected =
            [("link.zone", 6, true), ("sub/link", 0, true), ("sub/one", 19, false), ("sub/two", 3, false)];
        assert_eq!(files, expected.map(|(name, length, is_outside)| (name.to_owned(), length, is_outside)));
    }

    #[test]
    fn a_missing_directory_is_named() {
        let error = read(Path::new("/nonexistent")).expect_err("there is no such directory");
        assert_eq!(error.to_string(), "cannot read the configuration directory `/nonexistent`");
    }
}
