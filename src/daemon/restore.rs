//! Restores a backup on a machine in the place of another one.
//!
//! Everything is looked at before anything is written. `server.yaml` is written last: without it no server starts, so that a
//! restore that was cut off is never served, and the same command completes it.

use std::io;
use std::path::{Path, PathBuf};

use super::load;
use crate::config::{self, Problems, SERVER_FILES};
use crate::files::backup::{self, Backup, BackupContent, BackupReadError};
use crate::files::store::SaveError;
use crate::files::{
    PeekError, SHARED, StateDirectory, Store, configuration, regular, state_directory, store, write_whole,
};
use crate::generation::{ConfigContent, ContentFile, Generation, GenerationCause, Lineage, SavedLineage};
use crate::moment::Moment;

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoredBackup {
    /// The generation that is in force with the next start.
    pub generation: Generation,
    /// The counter of the generation that it has the content of.
    pub of: u64,
    pub made_at: Moment,
    pub files: usize,
    pub intents: usize,
    pub state: PathBuf,
    /// Files that the configuration names, that are no part of a backup and not there.
    pub missing: Vec<PathBuf>,
    /// What the backup has and this program no longer reads.
    pub left_out: Vec<String>,
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error(transparent)]
    Backup(#[from] BackupReadError),
    #[error("nothing was restored: the configuration in the backup cannot be used by this program: {0}")]
    Problems(String),
    #[error("nothing was restored: the backup has a file {0:?} that its configuration does not use")]
    Unused(String),
    #[error(
        "nothing was restored: `{}` is there and is not what the backup has; move the directory away to lose it",
        .0.display()
    )]
    OtherState(PathBuf),
    #[error("nothing was restored: the configuration in the backup names no `state`")]
    NoState,
    #[error(
        "nothing was restored: `{}` has {found}, which is newer than {backed_up} of the backup; move it away to lose it",
        .state.display()
    )]
    Newer {
        state: PathBuf,
        /// The generation in force there, in words.
        found: String,
        backed_up: String,
    },
    #[error("nothing was restored")]
    State(#[from] state_directory::Error),
    #[error("nothing was restored; move the file away")]
    Unusable(#[from] PeekError),
    #[error("nothing was restored: `{}` is there and is another one; restore to an empty directory", .0.display())]
    Other(PathBuf),
    #[error("nothing was restored: the configuration directory cannot be read")]
    Directory(#[from] configuration::Error),
    #[error("cannot write the state; nothing can start yet, and the same command completes it")]
    Save(#[from] SaveError),
    #[error("nothing was restored")]
    Load(#[from] store::LoadError),
    #[error("cannot write `{}`; nothing can start yet, and the same command completes it", .0.display())]
    Write(PathBuf, #[source] io::Error),
}

/// Restores a backup to a configuration directory, and to the state directory that it names.
///
/// # Errors
///
/// When the backup cannot be used, or would take the place of something newer or other: then nothing has changed. When a disk
/// does not take all of it: then the same call completes it.
pub fn restore(
    file: &Path,
    directory: &Path,
    author: Option<String>,
    now: Moment,
) -> Result<RestoredBackup, RestoreError> {
    let (backup, content) = Backup::read(file)?;
    let head = content.head().ok_or_else(|| BackupReadError::Nothing(file.display().to_string()))?;
    let files = head.content.clone().unwrap_or_default();
    let sources = files.sources(directory);
    let compiled = config::compile(&sources).map_err(|problems| RestoreError::Problems(line(&problems)))?;
    // Whoever made the backup decides what is in it, and not where it is written.
    let unused = (0..).zip(&sources.files).find(|(index, _)| !compiled.read.contains(index));
    if let Some((_, file)) = unused {
        return Err(RestoreError::Unused(file.name.clone()));
    }
    let server = compiled.config.server;
    let state = server.state.clone().ok_or(RestoreError::NoState)?;
    check_directory(directory, &files)?;
    check_state(&state, &backup, &content, directory)?;
    let locked = StateDirectory::lock(&state)?;
    // Nobody else has it from now on.
    check_state(&state, &backup, &content, directory)?;
    let lineage = content.lineage(author, now);
    write(&backup, &lineage, &files, directory, &locked)?;
    let missing = load::named(&server).filter(|path| !path.exists()).cloned().collect();
    Ok(RestoredBackup {
        generation: lineage.head().map_or_else(|| head.generation.clone(), |head| head.generation.clone()),
        of: head.generation.counter,
        made_at: backup.made_at,
        files: files.files().len(),
        intents: content.intents,
        state,
        missing,
        left_out: content.left_out,
    })
}

fn line(problems: &Problems) -> String {
    problems.to_string().lines().next().unwrap_or_default().to_owned()
}

/// Holds that nothing in the configuration directory would be written over, or be served beside what is restored.
fn check_directory(directory: &Path, files: &ConfigContent) -> Result<(), RestoreError> {
    if !directory.exists() {
        return Ok(());
    }
    let known = |name: &str| files.files().iter().find(|file| file.name == name);
    for present in configuration::read(directory)?.files {
        let is_other = match known(&present.name) {
            Some(file) => present.octets != file.octets,
            None => present.is_yaml(),
        };
        if is_other {
            return Err(RestoreError::Other(directory.join(present.name)));
        }
    }
    // What is below the directory is read only where it is included.
    for file in files.files() {
        let path = directory.join(&file.name);
        match regular::read(&path, u64::MAX) {
            Ok((octets, _)) if octets == *file.octets => {}
            Err(error) if error.is_not_found() => {}
            Ok(_) | Err(_) => return Err(RestoreError::Other(path)),
        }
    }
    Ok(())
}

/// Holds that a state directory has nothing newer, and nothing else than the backup has. What a restore of the same backup
/// left that was cut off is neither.
fn check_state(
    state: &Path,
    backup: &Backup,
    content: &BackupContent,
    directory: &Path,
) -> Result<(), RestoreError> {
    let others = || match backup.differs(state) {
        Some(name) => Err(RestoreError::OtherState(state.join(name))),
        None => Ok(()),
    };
    let Some(present) = Store::<SavedLineage>::peek(state)? else { return others() };
    let (Some(found), Some(backed_up)) = (present.records.last(), content.head()) else { return others() };
    let is_cut_off = !SERVER_FILES.iter().any(|name| directory.join(name).exists())
        && found.digest == backed_up.digest
        && found.cause == GenerationCause::Restore(backed_up.generation.counter);
    if found.generation <= backed_up.generation || is_cut_off {
        return others();
    }
    // A machine that was set up anew counts from 1: what is newer there is the beginning.
    let is_one_life = found.generation.epoch == backed_up.generation.epoch;
    let words = |generation: &Generation| match is_one_life {
        true => format!("generation {}", generation.counter),
        false => format!("generation {} (epoch {})", generation.counter, Moment(generation.epoch)),
    };
    let (found, backed_up) = (words(&found.generation), words(&backed_up.generation));
    Err(RestoreError::Newer { state: state.to_owned(), found, backed_up })
}

/// Writes everything, what lets a server start last.
fn write(
    backup: &Backup,
    lineage: &Lineage,
    files: &ConfigContent,
    directory: &Path,
    state: &StateDirectory,
) -> Result<(), RestoreError> {
    let (last, first): (Vec<&ContentFile>, Vec<_>) =
        files.files().iter().partition(|file| SERVER_FILES.contains(&file.name.as_str()));
    first.into_iter().try_for_each(|file| put(file, directory))?;
    backup.write(state)?;
    backup::replace(state, &lineage.saved())?;
    last.into_iter().try_for_each(|file| put(file, directory))
}

fn put(file: &ContentFile, directory: &Path) -> Result<(), RestoreError> {
    let path = directory.join(&file.name);
    write_whole(&path, &file.octets, SHARED).map_err(|error| RestoreError::Write(path, error))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::generation::DirectoryContent;

    #[test]
    fn a_backup_with_a_file_that_its_configuration_does_not_use_writes_nothing() {
        let home = tempfile::tempdir().expect("a directory");
        let state = home.path().join("state");
        fs::create_dir(&state).expect("a directory");
        let file = |name: &str, octets: &str| ContentFile {
            name: name.to_owned(),
            sha256: crate::files::sha256(octets.as_bytes()),
            octets: octets.as_bytes().into(),
        };
        let server = "name: ns1\nlisten: { dns: [\"127.0.0.1:5300\"] }\nstate: ../state\n";
        let regions = "regions:\n  tokyo:\n    location: { latitude: 35, longitude: 139 }\n    jurisdiction: JP\n    \
                       zones: { tokyo-a: { addresses: [192.0.2.1] } }\n";
        let files =
            vec![file("server.yaml", server), file("regions.yaml", regions), file(".git/hooks/pull", "rm")];
        let mut lineage = Lineage::adopt("ns1", None, Moment(1));
        let held =
            DirectoryContent { content: ConfigContent::new(files), digest: "ab".to_owned(), checkout: None };
        assert!(lineage.accept(held, Moment(2)));
        Store::open(&StateDirectory::unlocked(&state)).0.save(&lineage.saved()).expect("saved");
        let path = home.path().join("one.backup");
        Store::export(&Backup::of(&state, Moment(3)).expect("it can be read"), &path).expect("it is written");
        let zones = home.path().join("zones");
        let refused = restore(&path, &zones, None, Moment(4)).expect_err("it is hostile").to_string();
        assert!(
            refused.contains("a file \".git/hooks/pull\" that its configuration does not use"),
            "{refused}"
        );
        assert!(!zones.exists());
    }
}
