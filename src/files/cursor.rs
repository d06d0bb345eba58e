//! How far a webhook has come in the event log: one number in a file of its own in the state directory.
//!
//! The file is replaced and never written in place, so that after `kill -9` there is the old number or the
//! new. It is not flushed to the disk: after a power failure an event may be sent once more.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The longest content that is read: a number of 64 bits has 20 digits.
const MAX_BYTES: u64 = 32;

/// Returns the number of the last event that the webhook with this name is done with; `None`: it has none yet.
///
/// # Errors
///
/// When a file is there and is not usable.
pub fn read(directory: &Path, webhook: &str) -> io::Result<Option<u64>> {
    let mut text = String::new();
    match File::open(path(directory, webhook)) {
        Ok(file) => file.take(MAX_BYTES).read_to_string(&mut text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let number =
        text.trim_end().parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    Ok(Some(number))
}

/// Writes it down.
///
/// # Errors
///
/// When it cannot be written; then the number before is still there.
pub fn write(directory: &Path, webhook: &str, number: u64) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let path = path(directory, webhook);
    let unfinished = path.with_extension("cursor.new");
    fs::write(&unfinished, format!("{number}\n"))?;
    fs::rename(unfinished, path)
}

fn path(directory: &Path, webhook: &str) -> PathBuf {
    directory.join(format!("webhook-{webhook}.cursor"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_it_was_written_and_garbage_is_an_error() {
        let home = tempfile::tempdir().expect("a directory");
        let directory = home.path().join("made/on/the/way");
        assert_eq!(read(&directory, "oncall").expect("nothing there"), None);
        write(&directory, "oncall", 7).expect("written");
        write(&directory, "oncall", u64::MAX).expect("written again");
        assert_eq!(read(&directory, "oncall").expect("readable"), Some(u64::MAX));
        assert_eq!(read(&directory, "other").expect("nothing there"), None);
        fs::write(directory.join("webhook-oncall.cursor"), "seven").expect("written");
        read(&directory, "oncall").expect_err("it is no number");
    }
}
