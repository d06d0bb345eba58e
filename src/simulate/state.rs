//! The state directory of a simulated process: what one life writes and what the next one finds.

use std::time::Duration;

use super::scenario::StateFile;
use crate::files::{Saved, StateDirectory, Store};
use crate::health::{FRESH_FOR, Memory};
use crate::intent::SavedIntents;
use crate::moment::Moment;

/// What lies in the state directory.
#[derive(Debug, Default)]
pub struct StateFiles {
    /// The intents in force: always as they were written last, for a reply waits for that.
    pub intents: SavedIntents,
    health: Option<Memory>,
    /// What lay there before the last write.
    health_before: Option<Memory>,
}

impl StateFiles {
    /// Writes health.
    pub fn persist(&mut self, memory: Memory) {
        self.health_before = self.health.replace(memory);
    }

    /// Returns what the next life reads of health when this becomes of the file; `Err` says why it cannot be used. What is
    /// read stays there.
    pub fn health(&mut self, file: StateFile, now: Moment) -> Result<Option<Memory>, String> {
        let (last, before) = (self.health.take(), self.health_before.take());
        let memory = match file {
            StateFile::Lose => None,
            StateFile::Keep | StateFile::Corrupt => last,
            StateFile::Late => before,
            StateFile::Stale => last.map(|memory| {
                let age = FRESH_FOR + Duration::from_secs(60);
                let milliseconds = u64::try_from(age.as_millis()).expect("it is minutes");
                Memory { written_at: Moment(now.0 - milliseconds), ..memory }
            }),
        };
        let Some(memory) = memory else { return Ok(None) };
        let read = through_the_disk(&memory, file == StateFile::Corrupt)?;
        self.health.clone_from(&read);
        Ok(read)
    }
}

/// Writes a memory and reads it back by the code that serves, damaged on the way if asked for. `Err` says
/// why it cannot be used.
fn through_the_disk(memory: &Memory, is_damaged: bool) -> Result<Option<Memory>, String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = directory.path();
    let directory = StateDirectory::unlocked(path);
    Store::open(&directory).0.save(memory).map_err(|error| error.to_string())?;
    if is_damaged {
        let file = path.join(Memory::FILE);
        let text = std::fs::read(&file).map_err(|error| error.to_string())?;
        std::fs::write(&file, &text[..text.len() / 2]).map_err(|error| error.to_string())?;
    }
    // Where it lies while it is simulated is of no interest, and different every time.
    Store::open(&directory).1.map_err(|error| error.to_string().replace(&path.display().to_string(), "state"))
}
