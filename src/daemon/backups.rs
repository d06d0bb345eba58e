//! Makes backups while the server runs: as often as the configuration says, and one at a start when the last is too old.
//!
//! What could not be written is tried again every ten seconds, with the alarm of a file that cannot be written.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time;

use super::clock::SystemClock;
use super::state_writer::{RETRY_EVERY, chain};
use super::write_outcomes::WriteOutcomes;
use crate::config::{Backups, Server};
use crate::files::backup::{Backup, BackupError};
use crate::files::{Saved, Store};
use crate::moment::Moment;

/// How the names of backups end.
const SUFFIX: &str = ".backup";

/// How long a server that has started waits: its first state is on disk then.
const SETTLE: Duration = Duration::from_secs(2);

/// Makes backups for as long as the server runs; without the setting it makes none.
pub async fn run(server: Server, clock: SystemClock, outcomes: WriteOutcomes) {
    let (Some(backups), Some(state)) = (server.backup, server.state) else { return };
    let instance = server.name;
    let last = newest(&backups.directory, &instance);
    let due = last.map_or(Duration::ZERO, |last| backups.every.saturating_sub(clock.now().since(last)));
    time::sleep(due.max(SETTLE)).await;
    loop {
        let (backups_now, state_now, named) = (backups.clone(), state.clone(), instance.clone());
        let now = clock.now();
        let made = tokio::task::spawn_blocking(move || make(&backups_now, &state_now, &named, now)).await;
        let why = match made {
            Ok(Ok(path)) => {
                tracing::info!("backed up to {}", path.display());
                None
            }
            Ok(Err(error)) => Some(chain(&error)),
            Err(panic) => Some(panic.to_string()),
        };
        let pause = if why.is_none() { backups.every } else { RETRY_EVERY };
        outcomes.note(Backup::FILE, why);
        time::sleep(pause).await;
    }
}

/// Makes a backup, removes those that are too old, and returns where it is.
fn make(backups: &Backups, state: &Path, instance: &str, now: Moment) -> Result<PathBuf, BackupError> {
    let path = backups.directory.join(name(instance, now));
    Store::export(&Backup::of(state, now)?, &path)?;
    // A directory that cannot be read keeps all of them, which is told when it cannot be written either.
    let _ = let_go(&backups.directory, instance, now.minus(backups.keep), &path);
    Ok(path)
}

/// Returns the name of a backup: `ns1-2026-03-01T09-30-00Z.backup`, without colons, which some file systems refuse.
fn name(instance: &str, at: Moment) -> String {
    let time = at.to_string();
    let time = time.split('.').next().unwrap_or(&time).replace(':', "-");
    format!("{instance}-{time}Z{SUFFIX}")
}

/// Returns when a backup of an instance was made, by its name; `None`: it is none.
fn made_at(name: &OsStr, instance: &str) -> Option<Moment> {
    let rest = name.to_str()?.strip_prefix(instance)?.strip_prefix('-')?;
    let (date, time) = rest.strip_suffix(SUFFIX)?.split_once('T')?;
    format!("{date}T{}", time.replace('-', ":")).parse().ok()
}

fn newest(directory: &Path, instance: &str) -> Option<Moment> {
    let entries = fs::read_dir(directory).ok()?.flatten();
    entries.filter_map(|entry| made_at(&entry.file_name(), instance)).max()
}

/// Removes the backups of an instance that were made before a moment, but not this one.
fn let_go(directory: &Path, instance: &str, before: Moment, newest: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let made_at = path.file_name().and_then(|name| made_at(name, instance));
        if path != newest && made_at.is_some_and(|made_at| made_at < before) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment(1_772_357_400_250);

    #[test]
    fn the_name_of_a_backup_says_of_whom_and_when_and_nothing_else_is_one() {
        assert_eq!(name("ns1", NOW), "ns1-2026-03-01T09-30-00Z.backup");
        let read = |name: &str| made_at(OsStr::new(name), "ns1");
        assert_eq!(read("ns1-2026-03-01T09-30-00Z.backup"), Some(Moment(1_772_357_400_000)));
        for other in [
            "ns10-2026-03-01T09-30-00Z.backup",
            "ns1-2026-03-01T09-30-00Z.json",
            "ns1-mine.backup",
            "ns1-2026-03-01T09-30-00Z.backup.json.new",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn old_backups_of_this_instance_are_removed_and_no_other_file_is() {
        let home = tempfile::tempdir().expect("a directory");
        let day = |days: u64| NOW.minus(Duration::from_secs(days * 24 * 3600));
        let names = [name("ns1", day(40)), name("ns1", day(10)), name("ns2", day(40)), "notes".to_owned()];
        for name in &names {
            fs::write(home.path().join(name), "").expect("a file");
        }
        let_go(home.path(), "ns1", day(30), &home.path().join(name("ns1", NOW))).expect("it is readable");
        let left = names.map(|name| home.path().join(name).exists());
        assert_eq!(left, [false, true, true, true]);
        assert_eq!(newest(home.path(), "ns1"), Some(Moment(day(10).0 / 1000 * 1000)));
    }
}
