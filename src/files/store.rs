//! One value in one file of the state directory.
//!
//! ```json
//! {"version":1,"sha256":"1f0c…","saved":…}
//! ```
//!
//! The file is written beside its place, flushed, and renamed over it, so that at every instant a whole file lies
//! there, the old or the new. The checksum covers the version and the value: a file is believed as a whole or not
//! at all. What cannot be used is never overwritten:
//!
//! | the file | becomes of it |
//! |---|---|
//! | damaged, too large, or of a version that is no longer read | set aside under another name |
//! | of a newer version, or damaged where it cannot be set aside | left alone; nothing is saved until it is moved away |
//! | unreadable, or not a file at all | left alone; the server does not start (`daemon::state_writer`), for the file may be whole |

use std::cmp;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::marker::PhantomData;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use data_encoding::HEXLOWER;
use ring::digest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::regular;
use super::state_directory::{StateDirectory, give_to_owner};

/// The most files that are set aside of one kind: an operator looks before there are as many restarts.
pub const MAX_SET_ASIDE: u32 = 100;

/// The mode of a file that others may read, as far as the process permits: an operator looks.
pub const SHARED: u32 = 0o666;

/// The mode of a file with what only this user may know.
const PRIVATE: u32 = 0o600;

/// A value that outlives the process.
pub trait Saved: Serialize + DeserializeOwned {
    /// The name of its file, which ends with `.json`.
    const FILE: &'static str;
    /// The version of what `Serialize` writes. It changes with that.
    const VERSION: u64;
    /// The largest file that is written or read.
    const MAX_BYTES: u64;
    /// The consequence of starting without it, as the end of a sentence.
    const LOSS: &'static str;
}

/// The file of a value.
#[derive(Debug)]
pub struct Store<T> {
    file: SavedFile,
    /// Whether the file that lies there must not be replaced.
    is_left_alone: AtomicBool,
    value: PhantomData<fn(T)>,
}

/// A file of the state directory, for messages.
#[derive(Clone, Debug)]
pub struct SavedFile {
    path: PathBuf,
    loss: &'static str,
}

impl fmt::Display for SavedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("{0} is damaged and is set aside as {path}: {loss}", path = .1.display(), loss = .0.loss)]
    Damaged(SavedFile, PathBuf, #[source] Damage),
    #[error(
        "{0} has version {2} of its format, older than this program reads, and is set aside as {path}: {loss}",
        path = .1.display(), loss = .0.loss
    )]
    Outdated(SavedFile, PathBuf, u64),
    #[error("{0} has version {1} of its format, newer than this program reads, and is left alone: {loss}", loss = .0.loss)]
    Newer(SavedFile, u64),
    #[error("{0} cannot be used, and cannot be set aside either: {loss}", loss = .0.loss)]
    Immovable(SavedFile, #[source] io::Error),
    #[error("{0} cannot be read, and is left alone: make it readable, or move it away; then {loss}", loss = .0.loss)]
    Unreadable(SavedFile, #[source] regular::Error),
}

/// What is wrong with a damaged file.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// It is not JSON, or not of the right form.
    #[error(transparent)]
    Json(serde_json::Error),
    #[error("its checksum does not match")]
    Checksum,
    /// It is larger than any that is written.
    #[error(transparent)]
    Size(regular::Error),
}

/// Why a file is of no use to a process that does not own the state directory.
#[derive(Debug, thiserror::Error)]
pub enum PeekError {
    #[error("{0} is damaged")]
    Damaged(SavedFile, #[source] Damage),
    #[error("{0} has version {1} of its format, which this program does not read")]
    Version(SavedFile, u64),
    #[error("{0} cannot be read")]
    Unreadable(SavedFile, #[source] regular::Error),
}

/// Why a value is not saved. The file before is still there then.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    #[error("{0} is not written: {1} bytes (limit {2}); after a restart, {loss}", loss = .0.loss)]
    TooLarge(SavedFile, u64, u64),
    #[error("{0} is left alone, move it away to have it written; after a restart, {loss}", loss = .0.loss)]
    LeftAlone(SavedFile),
    #[error("cannot write {0}; after a restart, {loss}", loss = .0.loss)]
    Write(SavedFile, #[source] io::Error),
}

impl<T: Saved> Store<T> {
    /// Opens the file of a value, and reads it. `None`: nothing was ever saved.
    pub fn open(directory: &StateDirectory) -> (Self, Result<Option<T>, LoadError>) {
        let file = SavedFile { path: directory.path().join(T::FILE), loss: T::LOSS };
        let loaded = load(&file);
        let is_left_alone = match &loaded {
            Ok(_) | Err(LoadError::Damaged(..) | LoadError::Outdated(..)) => false,
            Err(LoadError::Newer(..) | LoadError::Immovable(..) | LoadError::Unreadable(..)) => true,
        };
        let is_left_alone = AtomicBool::new(is_left_alone);
        (Self { file, is_left_alone, value: PhantomData }, loaded)
    }

    /// Reads the file of a value in a state directory that another process may own, and leaves it alone whatever it is.
    /// `None`: nothing was ever saved.
    ///
    /// # Errors
    ///
    /// When it cannot be used.
    pub fn peek(directory: &Path) -> Result<Option<T>, PeekError> {
        Self::import(&directory.join(T::FILE))
    }

    /// Reads a value from any place. `None`: there is no such file.
    ///
    /// # Errors
    ///
    /// When it cannot be used.
    pub fn import(path: &Path) -> Result<Option<T>, PeekError> {
        let file = SavedFile { path: path.to_owned(), loss: T::LOSS };
        match regular::read(&file.path, T::MAX_BYTES) {
            Ok((content, _)) => match unseal(&content) {
                Ok(value) => Ok(Some(value)),
                Err(UnfitContent::Damaged(damage)) => Err(PeekError::Damaged(file, damage)),
                Err(UnfitContent::Outdated(version) | UnfitContent::Newer(version)) => {
                    Err(PeekError::Version(file, version))
                }
            },
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(PeekError::Unreadable(file, error)),
        }
    }

    /// Writes a value to any place, in place of the file that is there, for this user alone, and returns how many octets it
    /// has.
    ///
    /// # Errors
    ///
    /// When the disk does not take it; the file before is still there then.
    pub fn export(value: &T, path: &Path) -> Result<u64, SaveError> {
        write(value, &SavedFile { path: path.to_owned(), loss: T::LOSS }, PRIVATE)
    }

    /// Saves a value in place of the one before. It blocks until the disk has it.
    ///
    /// # Errors
    ///
    /// When it cannot be saved; the file before is still there then.
    pub fn save(&self, value: &T) -> Result<(), SaveError> {
        if self.is_left_alone.load(Ordering::Relaxed) {
            match fs::symlink_metadata(&self.file.path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Ok(_) | Err(_) => return Err(SaveError::LeftAlone(self.file.clone())),
            }
            self.is_left_alone.store(false, Ordering::Relaxed);
        }
        write(value, &self.file, SHARED).map(drop)
    }
}

/// Writes a value, and returns how many octets it has.
fn write<T: Saved>(value: &T, file: &SavedFile, mode: u32) -> Result<u64, SaveError> {
    let content = seal(value);
    let bytes = content.len() as u64;
    if bytes > T::MAX_BYTES {
        return Err(SaveError::TooLarge(file.clone(), bytes, T::MAX_BYTES));
    }
    let written = write_whole(&file.path, content.as_bytes(), mode);
    written.map(|()| bytes).map_err(|error| SaveError::Write(file.clone(), error))
}

/// The file. This form is the same for all versions, so that an older program recognises a newer one's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'t> {
    version: u64,
    sha256: &'t str,
    #[serde(borrow)]
    saved: &'t RawValue,
}

/// Why the content of a file is not used.
#[derive(Debug)]
enum UnfitContent {
    Damaged(Damage),
    Outdated(u64),
    Newer(u64),
}

impl From<serde_json::Error> for UnfitContent {
    fn from(error: serde_json::Error) -> Self {
        Self::Damaged(Damage::Json(error))
    }
}

fn seal<T: Saved>(value: &T) -> String {
    let saved = serde_json::to_string(value).expect("plain values become JSON");
    let (version, sha256) = (T::VERSION, checksum(T::VERSION, &saved));
    format!("{{\"version\":{version},\"sha256\":\"{sha256}\",\"saved\":{saved}}}\n")
}

fn unseal<T: Saved>(content: &[u8]) -> Result<T, UnfitContent> {
    let Envelope { version, sha256, saved } = serde_json::from_slice(content)?;
    let saved = saved.get();
    if checksum(version, saved) != sha256 {
        return Err(UnfitContent::Damaged(Damage::Checksum));
    }
    match version.cmp(&T::VERSION) {
        cmp::Ordering::Greater => Err(UnfitContent::Newer(version)),
        cmp::Ordering::Less => Err(UnfitContent::Outdated(version)),
        cmp::Ordering::Equal => Ok(serde_json::from_str(saved)?),
    }
}

fn checksum(version: u64, saved: &str) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    // The version is part of it, so that one flipped bit there is damage and not a newer program's file.
    context.update(format!("{version}\n").as_bytes());
    context.update(saved.as_bytes());
    HEXLOWER.encode(context.finish().as_ref())
}

fn load<T: Saved>(file: &SavedFile) -> Result<Option<T>, LoadError> {
    let unreadable = |error| LoadError::Unreadable(file.clone(), error);
    let unfit = match regular::read(&file.path, T::MAX_BYTES) {
        Ok((content, _)) => match unseal(&content) {
            Ok(value) => return Ok(Some(value)),
            Err(unfit) => unfit,
        },
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error @ regular::Error::TooLarge { .. }) => UnfitContent::Damaged(Damage::Size(error)),
        Err(error @ (regular::Error::Io(_) | regular::Error::NotRegular)) => return Err(unreadable(error)),
    };
    let set_aside = || set_aside(&file.path).map_err(|error| LoadError::Immovable(file.clone(), error));
    Err(match unfit {
        UnfitContent::Damaged(damage) => LoadError::Damaged(file.clone(), set_aside()?, damage),
        UnfitContent::Outdated(version) => LoadError::Outdated(file.clone(), set_aside()?, version),
        UnfitContent::Newer(version) => LoadError::Newer(file.clone(), version),
    })
}

/// Renames a file to a name that no other file has, so that what was set aside before stays there, and returns
/// that name.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let mut names = (0..MAX_SET_ASIDE).map(|number| match number {
        0 => path.with_extension("json.unusable"),
        number => path.with_extension(format!("json.unusable.{number}")),
    });
    let aside = names.find(|name| fs::symlink_metadata(name).is_err());
    let aside = aside.ok_or_else(|| io::Error::other("too many files are set aside already"))?;
    fs::rename(path, &aside)?;
    Ok(aside)
}

/// Writes a file in place of the one before, so that at every instant a whole one lies there. Directories are made. What root
/// writes belongs to the owner of the directory.
///
/// # Errors
///
/// When the disk does not take it; the file before is still there then.
pub fn write_whole(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        Some(_) | None => Path::new("."),
    };
    fs::create_dir_all(directory)?;
    // One process writes here, so one name does for what is not finished. What a crash left under it is
    // removed, not opened: it may be anything by now, and opening a FIFO would wait.
    let unfinished = path.with_extension("json.new");
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&unfinished)?;
    give_to_owner(&file, directory)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    if let Err(error) = written.and_then(|()| fs::rename(&unfinished, path)) {
        // It may be what keeps the disk full.
        let _ = fs::remove_file(&unfinished);
        return Err(error);
    }
    // The rename itself lives in the directory.
    File::open(directory)?.sync_all()
}

#[cfg(test)]
pub(super) mod tests {
    use std::fmt::Debug;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    /// Holds a kind of value to what every store promises: the value is read as it was saved, and a file with any
    /// one bit flipped or any of its end missing is read as that value or not at all. `form` is the JSON of the
    /// value: a change of it needs another version.
    pub(in crate::files) fn check<T: Saved + PartialEq + Debug>(value: &T, form: serde_json::Value) {
        let json = serde_json::to_value(value).expect("plain values");
        assert_eq!(json, form, "the form has changed: change VERSION with it");
        let sealed = seal(value).into_bytes();
        let is_equal_or_damaged = |content: &[u8]| match unseal::<T>(content) {
            Ok(read) => read == *value,
            Err(unfit) => matches!(unfit, UnfitContent::Damaged(_)),
        };
        assert_eq!(&unseal::<T>(&sealed).expect("it is whole"), value);
        for length in 0..sealed.len() {
            assert!(is_equal_or_damaged(&sealed[..length]), "cut to {length}");
        }
        let mut flipped = sealed.clone();
        for bit in 0..sealed.len() * 8 {
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(is_equal_or_damaged(&flipped), "bit {bit}: {}", String::from_utf8_lossy(&flipped));
            flipped[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Note(String);

    impl Saved for Note {
        const FILE: &'static str = "note.json";
        const VERSION: u64 = 3;
        const MAX_BYTES: u64 = 200;
        const LOSS: &'static str = "nothing is noted";
    }

    fn note(text: &str) -> Note {
        Note(text.to_owned())
    }

    /// A state directory for one test.
    struct TestHome(tempfile::TempDir);

    impl TestHome {
        fn new() -> Self {
            Self(tempfile::tempdir().expect("a directory"))
        }

        /// Returns a home whose file has this content.
        fn with(content: impl AsRef<[u8]>) -> Self {
            let home = Self::new();
            fs::write(home.path("note.json"), content).expect("a file");
            home
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn open(&self) -> (Store<Note>, Result<Option<Note>, LoadError>) {
            Store::open(&StateDirectory::unlocked(self.0.path()))
        }

        /// Opens a file that cannot be used, and returns the store and what is said.
        fn refused(&self) -> (Store<Note>, String) {
            let (store, loaded) = self.open();
            let error = loaded.expect_err("it cannot be used");
            let cause =
                std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
            let directory = format!("{}/", self.0.path().display());
            (store, format!("{error}{cause}").replace(&directory, ""))
        }
    }

    /// Returns the content of a file of some version.
    fn of_version(version: u64, saved: &str) -> String {
        let sha256 = checksum(version, saved);
        format!("{{\"version\":{version},\"sha256\":\"{sha256}\",\"saved\":{saved}}}")
    }

    #[test]
    fn a_value_is_read_as_it_was_saved_last() {
        let home = TestHome::new();
        let (store, loaded) = home.open();
        assert_eq!(loaded.expect("nothing there"), None);
        store.save(&note("one")).expect("saved");
        store.save(&note("two")).expect("saved again");
        assert_eq!(home.open().1.expect("whole"), Some(note("two")));
        assert_eq!(
            fs::read_dir(home.0.path()).expect("a directory").count(),
            1,
            "nothing unfinished is left"
        );
        check(&note("three"), serde_json::json!("three"));
    }

    #[test]
    fn a_process_that_dies_before_the_rename_leaves_the_value_before() {
        let home = TestHome::new();
        home.open().0.save(&note("before")).expect("saved");
        fs::write(home.path("note.json.new"), &seal(&note("after"))[..40]).expect("half a file");
        let (store, loaded) = home.open();
        assert_eq!(loaded.expect("whole"), Some(note("before")));
        store.save(&note("again")).expect("what a crash left is in nobody's way");
        assert_eq!(home.open().1.expect("whole"), Some(note("again")));
    }

    #[test]
    fn a_damaged_file_is_set_aside_with_the_loss_and_stays_there() {
        let home = TestHome::new();
        for (content, aside, why) in [
            (&b"{"[..], "note.json.unusable", "EOF while parsing an object at line 1 column 1"),
            (b"\xff", "note.json.unusable.1", "expected value at line 1 column 1"),
            (&[b' '; 201], "note.json.unusable.2", "file too large: 201 bytes (limit 200)"),
        ] {
            fs::write(home.path("note.json"), content).expect("a file");
            let (store, said) = home.refused();
            assert_eq!(
                said,
                format!("note.json is damaged and is set aside as {aside}: nothing is noted: {why}")
            );
            store.save(&note("new")).expect("nothing is in the way");
            assert_eq!(fs::read(home.path(aside)).expect("it is kept"), content);
        }
    }

    #[test]
    fn an_edited_file_is_damaged() {
        let (_, said) = TestHome::with(seal(&note("one")).replace("one", "two")).refused();
        assert!(said.ends_with(": its checksum does not match"), "{said}");
    }

    #[test]
    fn an_older_version_is_set_aside() {
        let (_, said) = TestHome::with(of_version(1, "7")).refused();
        assert_eq!(
            said,
            "note.json has version 1 of its format, older than this program reads, and is set aside as \
             note.json.unusable: nothing is noted"
        );
    }

    #[test]
    fn a_newer_version_is_left_alone_until_it_is_moved_away() {
        let newer = of_version(4, "{\"anything\":1}");
        let home = TestHome::with(&newer);
        let (store, said) = home.refused();
        assert!(
            said.contains("version 4 of its format, newer than this program reads, and is left alone"),
            "{said}"
        );
        assert!(matches!(store.save(&note("no")), Err(SaveError::LeftAlone(_))));
        assert_eq!(fs::read_to_string(home.path("note.json")).expect("it is there"), newer);
        fs::remove_file(home.path("note.json")).expect("it is ours");
        store.save(&note("yes")).expect("nothing is in the way");
        store.save(&note("yes again")).expect("it is our own now");
    }

    #[test]
    fn what_is_not_a_file_is_left_alone() {
        let home = TestHome::new();
        fs::create_dir(home.path("note.json")).expect("a directory in the way");
        let (store, said) = home.refused();
        assert_eq!(
            said,
            "note.json cannot be read, and is left alone: make it readable, or move it away; then nothing is noted: \
             not a regular file"
        );
        assert!(matches!(store.save(&note("no")), Err(SaveError::LeftAlone(_))));
    }

    #[test]
    fn what_may_not_be_read_is_left_alone() {
        let home = TestHome::with(seal(&note("one")));
        fs::set_permissions(home.path("note.json"), fs::Permissions::from_mode(0o000)).expect("it is ours");
        let (store, loaded) = home.open();
        // Root reads everything.
        if let Err(error) = loaded {
            assert!(matches!(error, LoadError::Unreadable(..)), "{error}");
            assert!(matches!(store.save(&note("no")), Err(SaveError::LeftAlone(_))));
        }
    }

    #[test]
    fn a_value_that_would_not_be_read_is_not_written() {
        let home = TestHome::new();
        let (store, _) = home.open();
        store.save(&note("before")).expect("saved");
        let error = store.save(&note(&"x".repeat(200))).expect_err("it is too large");
        assert!(error.to_string().ends_with("(limit 200); after a restart, nothing is noted"), "{error}");
        assert_eq!(home.open().1.expect("whole"), Some(note("before")));
    }

    #[test]
    fn what_root_writes_can_be_read_by_the_user_that_the_directory_belongs_to() {
        let home = TestHome::new();
        let own = fs::metadata(home.0.path()).expect("it is there").uid();
        // Where the test is not root, the directory stays its own.
        let _ = std::os::unix::fs::chown(home.0.path(), Some(7), Some(7));
        let owner = if own == 0 { 7 } else { own };
        drop(StateDirectory::lock(home.0.path()).expect("it is free"));
        home.open().0.save(&note("one")).expect("saved");
        assert_eq!(fs::metadata(home.path("lock")).expect("it is there").uid(), owner);
        let path = home.path("note.json");
        assert_eq!(fs::metadata(&path).expect("it is there").uid(), owner);
        Store::export(&note("two"), &path).expect("saved");
        assert_eq!(fs::metadata(&path).expect("it is there").uid(), owner);
    }

    #[test]
    fn a_failed_write_leaves_what_was_there() {
        let home = TestHome::new();
        let (store, _) = home.open();
        store.save(&note("before")).expect("saved");
        fs::create_dir(home.path("note.json.new")).expect("a directory in the way");
        let error = store.save(&note("after")).expect_err("it is in the way");
        assert!(error.to_string().contains("note.json; after a restart, nothing is noted"), "{error}");
        assert_eq!(home.open().1.expect("whole"), Some(note("before")));
    }
}
