//! The event log: events as lines of JSON in the state directory, only ever appended to.
//!
//! Each event is written at once and whole, so that whatever was written survives `kill -9`; nothing is
//! flushed to the disk itself, and a power failure may take the last seconds. A line that a crash cut short is
//! ended, so that it spoils no other, and is passed over when the log is read. Size is bounded: the full file
//! becomes `events.jsonl.1`, that one `events.jsonl.2`, and the last is given up.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::event::Event;

/// The name of the file in the state directory.
pub const FILE: &str = "events.jsonl";

/// The size at which a file is full: some 15 000 events of 500 bytes, which is read in a tenth of a second.
pub const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// The most full files beside it: 40 MiB altogether, some 80 000 events.
pub const OLD_FILES: u32 = 4;

/// The most of one file that is read: one line more than it may have when it becomes full. Anything beyond
/// was not written here.
const MAX_READ: u64 = 2 * MAX_BYTES;

/// Why the log could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("events cannot be written to {}", .0.display())]
    Write(PathBuf, #[source] io::Error),
    #[error("the events in {} cannot be read", .0.display())]
    Read(PathBuf, #[source] io::Error),
}

/// The log, to be written by one.
#[derive(Debug)]
pub struct EventLog {
    directory: PathBuf,
    max_bytes: u64,
    open: Option<OpenFile>,
}

/// The file that is written to. It ends with a whole line.
#[derive(Debug)]
struct OpenFile {
    file: File,
    length: u64,
}

impl EventLog {
    /// Returns the log in a directory, which is made with the first event if need be.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory, max_bytes: MAX_BYTES, open: None }
    }

    /// Writes one event.
    ///
    /// # Errors
    ///
    /// When it cannot be written; then nothing of it stays, and the next is tried anew.
    pub fn append(&mut self, event: &Event) -> Result<(), Error> {
        let mut line = serde_json::to_vec(event).expect("plain values become JSON");
        line.push(b'\n');
        self.write(&line).map_err(|error| {
            self.open = None;
            Error::Write(self.directory.join(FILE), error)
        })
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let path = self.directory.join(FILE);
        // An operator may have moved the file away, or put another in its place.
        let mut open = match self.open.take().filter(|open| open.is_at(&path)) {
            Some(open) => open,
            None => OpenFile::at(&self.directory, &path)?,
        };
        if open.length > 0 && open.length + line.len() as u64 > self.max_bytes {
            rotate(&self.directory)?;
            open = OpenFile::at(&self.directory, &path)?;
        }
        open.append(line)?;
        self.open = Some(open);
        Ok(())
    }
}

impl OpenFile {
    /// Opens the file for appending, and ends a line that was cut short.
    fn at(directory: &Path, path: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        // Opening a FIFO waits for a reader.
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(not_a_file());
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let length = file.seek(SeekFrom::End(0))?;
        let mut open = Self { file, length };
        if length > 0 {
            let mut last = [0];
            open.file.seek(SeekFrom::End(-1))?;
            open.file.read_exact(&mut last)?;
            if last != *b"\n" {
                open.append(b"\n")?;
            }
        }
        Ok(open)
    }

    fn is_at(&self, path: &Path) -> bool {
        let identity = |metadata: &fs::Metadata| (metadata.dev(), metadata.ino());
        match (self.file.metadata(), fs::metadata(path)) {
            (Ok(own), Ok(there)) => identity(&own) == identity(&there),
            (Err(_), _) | (_, Err(_)) => false,
        }
    }

    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let written = self.file.write_all(line);
        match &written {
            Ok(()) => self.length += line.len() as u64,
            // A full disk takes a part of a line. If that cannot be taken back, it is ended when the file is
            // opened the next time.
            Err(_) => _ = self.file.set_len(self.length),
        }
        written
    }
}

/// Returns the last events, at most as many as asked for, the latest last.
///
/// # Errors
///
/// When a file is there and cannot be read.
pub fn latest(directory: &Path, at_most: usize) -> Result<Vec<Event>, Error> {
    let mut latest: Vec<Event> = Vec::new();
    for file in open_all(directory)? {
        if latest.len() >= at_most {
            break;
        }
        let mut earlier = file.events()?;
        let first = latest.first().map_or(u64::MAX, |event| event.number);
        earlier.retain(|event| event.number < first);
        latest.splice(0..0, earlier);
    }
    let surplus = latest.len().saturating_sub(at_most);
    latest.drain(..surplus);
    Ok(latest)
}

/// Returns the first events after the one with this number, at most as many as asked for, in their order.
///
/// # Errors
///
/// When a file is there and cannot be read.
pub fn after(directory: &Path, number: u64, at_most: usize) -> Result<Vec<Event>, Error> {
    let mut after = Vec::new();
    let mut files = Vec::new();
    for file in open_all(directory)? {
        // Whatever is in older files is earlier than the first here.
        let begins_before = file.first()?.is_some_and(|first| first.number <= number);
        files.push(file);
        if begins_before {
            break;
        }
    }
    let mut last = number;
    for file in files.into_iter().rev() {
        for event in file.events()? {
            // A file that was renamed while the others were opened is read twice.
            if event.number > last && after.len() < at_most {
                last = event.number;
                after.push(event);
            }
        }
    }
    Ok(after)
}

/// A file of the log that is being read.
struct LogFile {
    path: PathBuf,
    file: File,
}

/// Opens all files, the newest first: one that is renamed meanwhile is met again, and none is missed.
fn open_all(directory: &Path) -> Result<Vec<LogFile>, Error> {
    let mut files = Vec::new();
    for age in 0..=OLD_FILES {
        let path = path(directory, age);
        let is_file = fs::metadata(&path).map(|metadata| metadata.is_file());
        let opened = match is_file {
            Ok(true) => File::open(&path),
            // A directory in the way has no events.
            Ok(false) => continue,
            Err(error) => Err(error),
        };
        match opened {
            Ok(file) => files.push(LogFile { path, file }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::Read(path, error)),
        }
    }
    Ok(files)
}

impl LogFile {
    /// Returns all events in it; lines that are none are passed over.
    fn events(&self) -> Result<Vec<Event>, Error> {
        let text = self.read(MAX_READ)?;
        let lines = text.split(|octet| *octet == b'\n');
        Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }

    fn first(&self) -> Result<Option<Event>, Error> {
        /// More than the longest line that is written: 64 KiB of a request, and its names.
        const BEGINNING: u64 = 128 * 1024;
        let text = self.read(BEGINNING)?;
        Ok(text.split(|octet| *octet == b'\n').find_map(|line| serde_json::from_slice(line).ok()))
    }

    fn read(&self, at_most: u64) -> Result<Vec<u8>, Error> {
        let mut text = Vec::new();
        let mut file = &self.file;
        let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(at_most).read_to_end(&mut text));
        read.map_err(|error| Error::Read(self.path.clone(), error))?;
        Ok(text)
    }
}

/// Makes room for a new file.
fn rotate(directory: &Path) -> io::Result<()> {
    for age in (0..OLD_FILES).rev() {
        match fs::rename(path(directory, age), path(directory, age + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Returns the path of a file that was renamed this often.
fn path(directory: &Path, age: u32) -> PathBuf {
    match age {
        0 => directory.join(FILE),
        age => directory.join(format!("{FILE}.{age}")),
    }
}

fn not_a_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is not a file")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::Moment;

    fn event(number: u64) -> Event {
        Event { number, ..Event::failback("tokyo", "Jo", Moment(number)) }
    }

    /// Appends events with these numbers to files of four events each.
    fn log(numbers: impl IntoIterator<Item = u64>) -> (tempfile::TempDir, EventLog) {
        let directory = tempfile::tempdir().expect("a directory");
        let line = serde_json::to_vec(&event(10_000)).expect("JSON").len() as u64 + 1;
        let mut log =
            EventLog { max_bytes: 4 * line, ..EventLog::new(directory.path().join("made/on/the/way")) };
        numbers.into_iter().for_each(|number| log.append(&event(number)).expect("it has room"));
        (directory, log)
    }

    fn numbers(events: Result<Vec<Event>, Error>) -> Vec<u64> {
        events.expect("readable").iter().map(|event| event.number).collect()
    }

    #[test]
    fn the_latest_are_read_back_across_files_in_their_order() {
        let (_home, log) = log(10_001..=10_010);
        assert_eq!(numbers(latest(&log.directory, 3)), [10_008, 10_009, 10_010]);
        assert_eq!(numbers(latest(&log.directory, 100)), (10_001..=10_010).collect::<Vec<_>>());
        assert_eq!(numbers(latest(&log.directory, 0)), Vec::<u64>::new());
        assert_eq!(numbers(latest(&log.directory.join("nowhere"), 9)), Vec::<u64>::new());
    }

    #[test]
    fn those_after_a_number_are_read_in_their_order_wherever_they_begin() {
        let (_home, log) = log(10_001..=10_010);
        for number in 10_000..=10_011 {
            let expected: Vec<u64> = (number + 1..=10_010).take(3).collect();
            assert_eq!(numbers(after(&log.directory, number, 3)), expected, "after {number}");
        }
    }

    #[test]
    fn the_log_never_grows_beyond_its_files() {
        let (_home, log) = log(10_001..=10_100);
        let files = fs::read_dir(&log.directory).expect("a directory");
        let sizes: Vec<u64> =
            files.map(|file| file.and_then(|file| file.metadata()).expect("a file").len()).collect();
        assert_eq!(sizes.len() as u32, OLD_FILES + 1);
        assert!(sizes.iter().all(|size| *size <= log.max_bytes), "{sizes:?}");
        assert_eq!(numbers(latest(&log.directory, 100)).len(), 20, "five files of four");
    }

    #[test]
    fn a_line_that_a_crash_cut_short_spoils_no_other() {
        let (_home, log) = log([10_001]);
        let path = log.directory.join(FILE);
        let mut text = fs::read(&path).expect("a file");
        text.extend_from_slice(b"{\"time\":\"2026-03-01T09:3");
        fs::write(&path, text).expect("a torn file");
        let mut again = EventLog { open: None, ..log };
        again.append(&event(10_002)).expect("it has room");
        assert_eq!(numbers(latest(&again.directory, 9)), [10_001, 10_002]);
        let text = fs::read_to_string(&path).expect("text");
        assert_eq!(text.lines().count(), 3, "the torn line is ended: {text}");
    }

    #[test]
    fn what_stands_in_the_way_is_an_error_until_it_is_gone() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut log = EventLog::new(directory.path().to_owned());
        fs::create_dir(directory.path().join(FILE)).expect("a directory in the way");
        let error = log.append(&event(1)).expect_err("it is in the way");
        assert!(error.to_string().contains("events.jsonl"), "{error}");
        fs::remove_dir(directory.path().join(FILE)).expect("it is empty");
        log.append(&event(2)).expect("nothing is in the way");
        assert_eq!(numbers(latest(directory.path(), 9)), [2]);
    }

    #[test]
    fn a_file_that_was_moved_away_is_made_anew() {
        let (_home, mut log) = log([10_001]);
        fs::rename(log.directory.join(FILE), log.directory.join("elsewhere")).expect("moved");
        log.append(&event(10_002)).expect("it has room");
        assert_eq!(numbers(latest(&log.directory, 9)), [10_002]);
    }
}
