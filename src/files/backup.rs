//! A backup: the files of a state directory that a machine in its place needs, in one file with one checksum.
//!
//! ```json
//! {"version":1,"sha256":"1f0c…","saved":{"made_at":…,"instance":"ns1","generation":7,"program":"0.1.0","parts":{
//!   "generations.json":{"version":1,"saved":…},"intents.json":{"version":1,"saved":…},…}}}
//! ```
//!
//! The version outside is that of this form; each part has that of its own file. A newer program reads what it can of an
//! older backup, and says what it leaves out. The event log and how far webhooks are stay with the machine.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::state_directory::StateDirectory;
use super::store::{PeekError, SaveError, Saved, Store};
use crate::availability::log::AvailabilityLog;
use crate::generation::{GenerationRecord, Lineage, SavedLineage};
use crate::health::Memory;
use crate::intent::SavedIntents;
use crate::moment::Moment;
use crate::region::HostAddresses;

/// The configuration and the state of an instance.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    pub made_at: Moment,
    /// The name of the instance whose generation is in force.
    pub instance: String,
    /// The counter of that generation.
    pub generation: u64,
    /// The version of the program that made it.
    pub program: String,
    /// By the names of their files.
    parts: BTreeMap<String, BackupPart>,
}

/// A file of the state directory.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BackupPart {
    version: u64,
    saved: Box<RawValue>,
}

/// What a backup has, read and found to be whole.
#[derive(Debug)]
pub struct BackupContent {
    /// It has a generation in force, whose content is kept.
    pub generations: SavedLineage,
    /// How many intents are in it.
    pub intents: usize,
    /// Parts in a form that this program no longer reads, each with what follows.
    pub left_out: Vec<String>,
}

/// What may be in a backup beside the generations.
const PARTS: [StatePart; 4] = [
    StatePart::of::<SavedIntents>(),
    StatePart::of::<AvailabilityLog>(),
    StatePart::of::<Memory>(),
    StatePart::of::<HostAddresses>(),
];

/// A file of a state directory as backups treat it.
struct StatePart {
    file: &'static str,
    /// Reads it in a state directory.
    read: fn(&Path) -> Result<Option<BackupPart>, PeekError>,
    /// Holds that it can be used, and says when it no longer is.
    check: fn(&Backup, &Path, &mut Vec<String>) -> Result<(), BackupReadError>,
    /// Writes it to a state directory.
    write: fn(&Backup, &StateDirectory) -> Result<(), SaveError>,
}

impl StatePart {
    const fn of<T: Saved>() -> Self {
        Self {
            file: T::FILE,
            read: |state| Ok(Store::<T>::peek(state)?.as_ref().map(BackupPart::of)),
            check: |backup, path, left_out| backup.part::<T>(path, left_out).map(drop),
            write: |backup, state| {
                // It could be used when the backup was read, or was left out.
                let part = backup.parts.get(T::FILE).filter(|part| part.version == T::VERSION);
                let value = part.and_then(|part| serde_json::from_str::<T>(part.saved.get()).ok());
                value.map_or(Ok(()), |value| replace(state, &value))
            },
        }
    }
}

impl BackupPart {
    fn of<T: Saved>(value: &T) -> Self {
        let saved = to_raw_value(value).expect("plain values become JSON");
        Self { version: T::VERSION, saved }
    }

    /// Returns whether two of them say the same; what is no JSON says nothing.
    fn says(&self, other: &Self) -> bool {
        let value = |part: &Self| serde_json::from_str::<serde_json::Value>(part.saved.get()).ok();
        value(self) == value(other)
    }
}

/// Saves a value in a state directory. A file that is damaged is set aside, as at any start.
///
/// # Errors
///
/// When it cannot be saved; the file before is still there then.
pub fn replace<T: Saved>(state: &StateDirectory, value: &T) -> Result<(), SaveError> {
    let (store, loaded) = Store::<T>::open(state);
    if let Err(error) = loaded {
        tracing::warn!("{error}");
    }
    store.save(value)
}

/// Why a backup is not made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    State(#[from] PeekError),
    #[error(
        "`{0}` has no generation of the configuration: it is made when a server starts with this `state`"
    )]
    Nothing(String),
    #[error("the configuration in force is larger than a generation may be that is kept: copy its directory")]
    Unkept,
    #[error(transparent)]
    Write(#[from] SaveError),
}

/// Why a backup cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BackupReadError {
    #[error("there is no file `{0}`")]
    Missing(String),
    #[error("`{0}` cannot be read")]
    Unreadable(String, #[source] PeekError),
    #[error("`{0}` is damaged, or it is no backup of Meridian")]
    Damaged(String, #[source] PeekError),
    #[error("`{0}` is a backup of version {1}, which this program does not read: use a newer one")]
    Version(String, u64),
    #[error("`{0}` has `{1}` of version {2}, which this program does not read: use a newer one")]
    PartVersion(String, &'static str, u64),
    #[error("`{0}` is no whole backup: its `{1}` cannot be used")]
    Part(String, &'static str, #[source] serde_json::Error),
    #[error("`{0}` is no whole backup: it has no configuration")]
    Nothing(String),
}

impl Saved for Backup {
    const FILE: &'static str = "backup";
    const VERSION: u64 = 1;
    /// As much as all its parts may have.
    const MAX_BYTES: u64 = SavedLineage::MAX_BYTES
        + SavedIntents::MAX_BYTES
        + AvailabilityLog::MAX_BYTES
        + Memory::MAX_BYTES
        + HostAddresses::MAX_BYTES;
    const LOSS: &'static str = "there is no newer backup";
}

impl Backup {
    /// Reads what a state directory has, whether a server has it or not: each of its files is whole at any moment.
    ///
    /// # Errors
    ///
    /// When a file there cannot be used, or there is no configuration.
    pub fn of(state: &Path, now: Moment) -> Result<Self, BackupError> {
        let place = || state.display().to_string();
        let lineage = Store::<SavedLineage>::peek(state)?.ok_or_else(|| BackupError::Nothing(place()))?;
        let head = lineage.records.last().ok_or_else(|| BackupError::Nothing(place()))?;
        head.content.as_ref().ok_or(BackupError::Unkept)?;
        let mut parts = BTreeMap::from([(SavedLineage::FILE.to_owned(), BackupPart::of(&lineage))]);
        for StatePart { file, read, .. } in &PARTS {
            parts.extend(read(state)?.map(|part| ((*file).to_owned(), part)));
        }
        let program = env!("CARGO_PKG_VERSION").to_owned();
        let (instance, generation) = (head.generation.origin.clone(), head.generation.counter);
        Ok(Self { made_at: now, instance, generation, program, parts })
    }

    /// Reads a backup, and holds that every part of it can be used.
    ///
    /// # Errors
    ///
    /// When it is not one, or is not whole, or is of a version to come.
    pub fn read(path: &Path) -> Result<(Self, BackupContent), BackupReadError> {
        let place = || path.display().to_string();
        let backup = Store::<Self>::import(path).map_err(|error| match error {
            PeekError::Version(_, version) => BackupReadError::Version(place(), version),
            error @ PeekError::Damaged(..) => BackupReadError::Damaged(place(), error),
            error @ PeekError::Unreadable(..) => BackupReadError::Unreadable(place(), error),
        })?;
        let backup = backup.ok_or_else(|| BackupReadError::Missing(place()))?;
        let mut left_out = Vec::new();
        let generations = backup.part::<SavedLineage>(path, &mut left_out)?;
        let generations = generations.ok_or_else(|| BackupReadError::Nothing(place()))?;
        PARTS.iter().try_for_each(|part| (part.check)(&backup, path, &mut left_out))?;
        let intents = backup.part::<SavedIntents>(path, &mut Vec::new())?;
        let intents = intents.map_or(0, |intents| intents.intents.len());
        let content = BackupContent { generations, intents, left_out };
        match content.head() {
            Some(_) => Ok((backup, content)),
            None => Err(BackupReadError::Nothing(place())),
        }
    }

    /// Returns the name of a file in a state directory that says something else than this backup does. Generations have an
    /// order of their own, and what is damaged is set aside when it is written anew.
    pub fn differs(&self, state: &Path) -> Option<&'static str> {
        let is_other = |part: &&StatePart| {
            let present = (part.read)(state).ok().flatten();
            present.is_some_and(|present| !self.parts.get(part.file).is_some_and(|own| own.says(&present)))
        };
        PARTS.iter().find(is_other).map(|part| part.file)
    }

    /// Writes everything but the generations to a state directory.
    ///
    /// # Errors
    ///
    /// When a file cannot be written; those before it are there then.
    pub fn write(&self, state: &StateDirectory) -> Result<(), SaveError> {
        PARTS.iter().try_for_each(|part| (part.write)(self, state))
    }

    fn part<T: Saved>(&self, path: &Path, left_out: &mut Vec<String>) -> Result<Option<T>, BackupReadError> {
        let Some(part) = self.parts.get(T::FILE) else { return Ok(None) };
        let place = || path.display().to_string();
        match part.version.cmp(&T::VERSION) {
            std::cmp::Ordering::Greater => Err(BackupReadError::PartVersion(place(), T::FILE, part.version)),
            std::cmp::Ordering::Less => {
                let (file, version, loss) = (T::FILE, part.version, T::LOSS);
                left_out.push(format!("{file} is of version {version}, which is no longer read: {loss}"));
                Ok(None)
            }
            std::cmp::Ordering::Equal => {
                let read = serde_json::from_str(part.saved.get());
                read.map(Some).map_err(|error| BackupReadError::Part(place(), T::FILE, error))
            }
        }
    }
}

impl BackupContent {
    /// Returns the generation in force; `None`: its content is not kept.
    pub fn head(&self) -> Option<&GenerationRecord> {
        self.generations.records.last().filter(|record| record.content.is_some())
    }

    /// Returns the generations as those of a machine that is restored now.
    pub fn lineage(&self, author: Option<String>, now: Moment) -> Lineage {
        let origin = self.head().map_or("", |head| head.generation.origin.as_str());
        let mut lineage = Lineage::adopt(origin, Some(self.generations.clone()), now);
        lineage.restore(author, now);
        lineage
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::generation::{ConfigContent, ContentFile, DirectoryContent};

    /// Makes a backup of a state directory with one generation and a lifted intent, and returns where it lies.
    fn backup() -> (tempfile::TempDir, std::path::PathBuf) {
        let home = tempfile::tempdir().expect("a directory");
        let state = StateDirectory::unlocked(home.path());
        let file = ContentFile {
            name: "server.yaml".to_owned(),
            sha256: "ab".to_owned(),
            octets: b"name: ns1".as_slice().into(),
        };
        let mut lineage = Lineage::adopt("ns1", None, Moment(1));
        let content = ConfigContent::new(vec![file]);
        let held = DirectoryContent { content, digest: "cd".to_owned(), checkout: None };
        assert!(lineage.accept(held, Moment(2)));
        Store::open(&state).0.save(&lineage.saved()).expect("saved");
        let intents = SavedIntents { last_number: 7, ..SavedIntents::default() };
        Store::open(&state).0.save(&intents).expect("saved");
        let path = home.path().join("one.backup");
        let made = Backup::of(home.path(), Moment(3)).expect("it can be read");
        Store::export(&made, &path).expect("it is written");
        (home, path)
    }

    /// Expects that a backup that is changed by its text is refused with this sentence.
    fn check(change: impl FnOnce(String) -> Vec<u8>, expected: &str) {
        let (_home, path) = backup();
        let text = fs::read_to_string(&path).expect("text");
        fs::write(&path, change(text)).expect("it is writable");
        let error = Backup::read(&path).expect_err("it cannot be used").to_string();
        assert_eq!(error.replace(&path.display().to_string(), "FILE"), expected);
    }

    /// Seals a text anew, as a program that is right about its checksum.
    fn sealed(text: &str, from: &str, to: &str) -> Vec<u8> {
        let (_, saved) = text.trim_end().split_once("\"saved\":").expect("an envelope");
        let saved = saved.strip_suffix('}').expect("an envelope").replace(from, to);
        let sha256 = crate::files::sha256(format!("1\n{saved}").as_bytes());
        format!("{{\"version\":1,\"sha256\":\"{sha256}\",\"saved\":{saved}}}\n").into_bytes()
    }

    #[test]
    fn a_backup_is_read_as_it_was_made_and_only_its_owner_may() {
        use std::os::unix::fs::PermissionsExt;
        let (_home, path) = backup();
        let (backup, content) = Backup::read(&path).expect("it is whole");
        assert_eq!((backup.instance.as_str(), backup.made_at), ("ns1", Moment(3)));
        assert!(backup.parts.contains_key("intents.json") && backup.parts.len() == 2);
        assert!(content.left_out.is_empty());
        assert_eq!(content.generations.records[0].digest, "cd");
        let mode = fs::metadata(&path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_is_damaged_truncated_foreign_or_of_a_version_to_come_is_refused_in_a_line() {
        let damaged = "`FILE` is damaged, or it is no backup of Meridian";
        check(|text| text.replace("ns1", "ns2").into_bytes(), damaged);
        check(|text| text.as_bytes()[..text.len() / 2].to_vec(), damaged);
        check(|_| b"\x1f\x8b\x08 a tar archive".to_vec(), damaged);
        check(|_| Vec::new(), damaged);
        check(|_| b"{\"version\":1,\"sha256\":\"17\",\"saved\":{}}".to_vec(), damaged);
        // Another file of Meridian has the same envelope.
        check(|text| sealed(&text, "\"made_at\"", "\"written_at\""), damaged);
        check(
            |text| {
                let saved = text.trim_end().split_once("\"saved\":").expect("an envelope").1;
                let saved = saved.strip_suffix('}').expect("an envelope").to_owned();
                let sha256 = crate::files::sha256(format!("2\n{saved}").as_bytes());
                format!("{{\"version\":2,\"sha256\":\"{sha256}\",\"saved\":{saved}}}").into_bytes()
            },
            "`FILE` is a backup of version 2, which this program does not read: use a newer one",
        );
        let [one, two] = ["\"intents.json\":{\"version\":1", "\"intents.json\":{\"version\":2"];
        check(
            |text| sealed(&text, one, two),
            "`FILE` has `intents.json` of version 2, which this program does not read: use a newer one",
        );
        check(
            |text| sealed(&text, "\"last_number\":7", "\"last_number\":true"),
            "`FILE` is no whole backup: its `intents.json` cannot be used",
        );
    }

    #[test]
    fn a_backup_whose_file_would_be_written_outside_the_directory_is_refused() {
        for name in ["../server.yaml", "/etc/server.yaml", "a/../../server.yaml"] {
            check(
                |text| sealed(&text, "\"server.yaml\":\"ab\"", &format!("\"{name}\":\"ab\"")),
                "`FILE` is no whole backup: its `generations.json` cannot be used",
            );
        }
    }

    #[test]
    fn intents_that_were_asked_for_since_are_something_else_than_the_backup_has() {
        let (home, path) = backup();
        let (backup, _) = Backup::read(&path).expect("it is whole");
        assert_eq!(backup.differs(home.path()), None);
        let newer = SavedIntents { last_number: 8, ..SavedIntents::default() };
        Store::open(&StateDirectory::unlocked(home.path())).0.save(&newer).expect("saved");
        assert_eq!(backup.differs(home.path()), Some("intents.json"));
        fs::write(home.path().join("intents.json"), "damaged").expect("it is writable");
        assert_eq!(backup.differs(home.path()), None, "it is set aside");
    }

    #[test]
    fn a_part_that_is_no_longer_read_is_left_out_and_told() {
        let (_home, path) = backup();
        let text = fs::read_to_string(&path).expect("text");
        let [one, zero] = ["\"intents.json\":{\"version\":1", "\"intents.json\":{\"version\":0"];
        fs::write(&path, sealed(&text, one, zero)).expect("it is writable");
        let (_, content) = Backup::read(&path).expect("the rest is whole");
        assert_eq!(content.intents, 0);
        assert_eq!(
            content.left_out,
            [
                "intents.json is of version 0, which is no longer read: NO INTENT IS IN FORCE, so shift or drain again \
              what must be"
            ]
        );
    }

    #[test]
    fn a_state_directory_without_a_generation_has_nothing_to_back_up() {
        let home = tempfile::tempdir().expect("a directory");
        let error = Backup::of(home.path(), Moment(1)).expect_err("it is empty").to_string();
        assert!(error.contains("has no generation of the configuration"), "{error}");
    }
}
