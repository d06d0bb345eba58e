//! Health on disk: one JSON file in the state directory, replaced atomically.
//!
//! The file is written beside its place, flushed, and renamed over it, so that at every instant a whole
//! file lies there, the old or the new. Reading believes nothing: a file that is damaged, too large or of
//! another version is an [`Error`], for the shell to say once and to go on without; the next write
//! replaces it. Whether what it says is still true is left to `health`.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::document;
use crate::canary::{Failure, FailureClass};
use crate::health::{Course, Fallen, Grade, Gray, Memory, Phase, Portion, Remembered};
use crate::moment::Moment;
use crate::region::Family;
use crate::share::Share;

/// The name of the file in the state directory.
pub const FILE: &str = "health.json";

/// The version of the format; another one is refused.
const VERSION: u32 = 2;

/// The largest file that is read: 5 000 addresses with four canaries each, all of them down, at 400 bytes
/// a fall. Anything beyond was not written here.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// Why health could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory or the file cannot be written.
    #[error("health cannot be written to {path}; a restart will forget which addresses are down")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is there and cannot be read.
    #[error("{path} cannot be read; every address counts as up until its canaries say otherwise")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is not what was written here.
    #[error("{path} is damaged and is ignored; every address counts as up until its canaries say otherwise")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where it stops making sense.
        source: serde_json::Error,
    },
    /// The file is larger than any that is written here.
    #[error("{path} is larger than {MAX_BYTES} bytes and is ignored")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file is of another version of this program.
    #[error("{path} has format version {found}, this program knows {VERSION}; it is ignored")]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
}

/// Writes health to the state directory, in place of what was there. Makes the directory if need be.
///
/// # Errors
///
/// When the file cannot be written; what was there before is still there then.
pub fn write(directory: &Path, memory: &Memory) -> Result<(), Error> {
    let path = directory.join(FILE);
    let text = serde_json::to_vec_pretty(&Document::of(memory)).expect("plain values become JSON");
    document::replace(directory, &path, &text).map_err(|source| Error::Write { path, source })
}

/// Reads health from the state directory. `None`: nothing was ever written there.
///
/// # Errors
///
/// When a file is there and is not usable.
pub fn read(directory: &Path) -> Result<Option<Memory>, Error> {
    let path = directory.join(FILE);
    let text = match document::load(&path, MAX_BYTES) {
        Ok(text) => text,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::Read { path, source }),
    };
    if text.len() as u64 > MAX_BYTES {
        return Err(Error::TooLarge { path });
    }
    let damaged = |source| Error::Damaged { path: path.clone(), source };
    // The version first: a file of another one may look different in every other way.
    let version = document::version(&text).map_err(damaged)?;
    if version != u64::from(VERSION) {
        return Err(Error::Version { path, found: version });
    }
    let document: Document = serde_json::from_slice(&text).map_err(damaged)?;
    Ok(Some(document.into_memory()))
}

/// The file: `health::Memory` with a version.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    /// In milliseconds since the Unix epoch, as all times here.
    written_at: u64,
    down: Vec<Down>,
    courses: Vec<CourseMirror>,
    grays: Vec<GrayMirror>,
    portions: Vec<PortionMirror>,
}

/// The mirror of `health::Fallen`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Down {
    region: String,
    /// The zone and the address; without them it is about the region as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    canary: String,
    since: u64,
    class: Class,
    detail: String,
}

/// The mirror of `canary::FailureClass`.
#[derive(Serialize, Deserialize)]
#[serde(remote = "FailureClass", rename_all = "snake_case")]
enum ClassMirror {
    Refused,
    Timeout,
    Tls,
    Status,
    Body,
    Dns,
}

#[derive(Serialize, Deserialize)]
struct Class(#[serde(with = "ClassMirror")] FailureClass);

impl Document {
    fn of(memory: &Memory) -> Self {
        Self {
            version: VERSION,
            written_at: memory.written_at.0,
            down: memory.fallen.iter().map(Down::of).collect(),
            courses: memory.courses.iter().map(CourseMirror::of).collect(),
            grays: memory.grays.iter().map(GrayMirror::of).collect(),
            portions: memory.portions.iter().map(PortionMirror::of).collect(),
        }
    }

    fn into_memory(self) -> Memory {
        Memory {
            written_at: Moment(self.written_at),
            fallen: self.down.into_iter().map(Down::into_fallen).collect(),
            courses: self.courses.into_iter().map(CourseMirror::into_remembered).collect(),
            grays: self.grays.into_iter().map(GrayMirror::into_gray).collect(),
            portions: self.portions.into_iter().map(PortionMirror::into_portion).collect(),
        }
    }
}

impl Down {
    fn of(fallen: &Fallen) -> Self {
        Self {
            region: fallen.region.clone(),
            zone: fallen.address.as_ref().map(|(zone, _)| zone.clone()),
            address: fallen.address.as_ref().map(|(_, ip)| *ip),
            canary: fallen.canary.clone(),
            since: fallen.since.0,
            class: Class(fallen.failure.class),
            detail: fallen.failure.detail.clone(),
        }
    }

    fn into_fallen(self) -> Fallen {
        Fallen {
            region: self.region,
            address: self.zone.zip(self.address),
            canary: self.canary,
            since: Moment(self.since),
            failure: Failure { class: self.class.0, detail: self.detail },
        }
    }
}

/// The mirror of `health::Remembered`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CourseMirror {
    region: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    #[serde(with = "FamilyMirror")]
    family: Family,
    phase: PhaseMirror,
    since: u64,
    falls: Vec<u64>,
    awaits_operator: bool,
}

/// The mirror of `region::Family`.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Family", rename_all = "snake_case")]
enum FamilyMirror {
    V4,
    V6,
}

/// The mirror of `health::Phase`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum PhaseMirror {
    Unknown,
    Healthy,
    Suspect,
    Down,
    Recovering { until: u64 },
    Ramp { step: u8, has_slipped: bool },
    Held { share: f64 },
    Quarantined { until: u64 },
}

/// The mirror of `health::Gray`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GrayMirror {
    region: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    #[serde(with = "GradeMirror")]
    grade: Grade,
}

/// The mirror of `health::Grade`.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Grade", rename_all = "snake_case")]
enum GradeMirror {
    Fine,
    Degraded,
    Failing,
}

impl GrayMirror {
    fn of(gray: &Gray) -> Self {
        Self { region: gray.region.clone(), zone: gray.zone.clone(), grade: gray.grade }
    }

    fn into_gray(self) -> Gray {
        Gray { region: self.region, zone: self.zone, grade: self.grade }
    }
}

/// The mirror of `health::Portion`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PortionMirror {
    owner: String,
    order: Vec<String>,
    rate: f64,
    pieces: Vec<(f64, String)>,
}

impl PortionMirror {
    fn of(portion: &Portion) -> Self {
        Self {
            owner: portion.owner.clone(),
            order: portion.order.clone(),
            rate: portion.rate,
            pieces: portion.pieces.clone(),
        }
    }

    fn into_portion(self) -> Portion {
        Portion { owner: self.owner, order: self.order, rate: self.rate, pieces: self.pieces }
    }
}

impl PhaseMirror {
    pub(super) fn of(phase: Phase) -> Self {
        match phase {
            Phase::Unknown => Self::Unknown,
            Phase::Healthy => Self::Healthy,
            Phase::Suspect => Self::Suspect,
            Phase::Down => Self::Down,
            Phase::Recovering { until } => Self::Recovering { until: until.0 },
            Phase::Ramp { step, has_slipped } => Self::Ramp { step, has_slipped },
            Phase::Held(share) => Self::Held { share: share.fraction() },
            Phase::Quarantined { until } => Self::Quarantined { until: until.0 },
        }
    }

    pub(super) fn into_phase(self) -> Phase {
        match self {
            Self::Unknown => Phase::Unknown,
            Self::Healthy => Phase::Healthy,
            Self::Suspect => Phase::Suspect,
            Self::Down => Phase::Down,
            Self::Recovering { until } => Phase::Recovering { until: Moment(until) },
            Self::Ramp { step, has_slipped } => Phase::Ramp { step, has_slipped },
            Self::Held { share } => Phase::Held(Share::of_fraction(share)),
            Self::Quarantined { until } => Phase::Quarantined { until: Moment(until) },
        }
    }
}

impl CourseMirror {
    fn of(remembered: &Remembered) -> Self {
        let course = &remembered.course;
        Self {
            region: remembered.region.clone(),
            zone: remembered.zone.clone(),
            family: remembered.family,
            phase: PhaseMirror::of(course.phase()),
            since: course.since().0,
            falls: course.falls().iter().map(|fall| fall.0).collect(),
            awaits_operator: course.awaits_operator(),
        }
    }

    fn into_remembered(self) -> Remembered {
        let phase = self.phase.into_phase();
        let falls = self.falls.into_iter().map(Moment).collect();
        Remembered {
            region: self.region,
            zone: self.zone,
            family: self.family,
            course: Course::remembered(phase, Moment(self.since), falls, self.awaits_operator),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn memory() -> Memory {
        let fallen = FailureClass::ALL.map(|class| Fallen {
            region: "tokyo".to_owned(),
            address: Some(("tokyo-a".to_owned(), "2001:db8::1".parse().expect("an address"))),
            canary: "shallow".to_owned(),
            since: Moment(1_700_000_000_000),
            failure: Failure { class, detail: "status 503 \"with a quote\"".to_owned() },
        });
        let mut fallen = fallen.to_vec();
        fallen[0].address = None;
        let phases = [
            Phase::Unknown,
            Phase::Healthy,
            Phase::Suspect,
            Phase::Down,
            Phase::Recovering { until: Moment(1_700_000_060_000) },
            Phase::Ramp { step: 1, has_slipped: true },
            Phase::Held(Share::percent(10)),
            Phase::Quarantined { until: Moment(1_700_003_600_000) },
        ];
        let courses =
            phases.into_iter().zip(Family::BOTH.into_iter().cycle()).map(|(phase, family)| Remembered {
                region: "tokyo".to_owned(),
                zone: (family == Family::V6).then(|| "tokyo-a".to_owned()),
                family,
                course: Course::remembered(
                    phase,
                    Moment(1_700_000_000_000),
                    vec![Moment(1_600_000_000_000)],
                    true,
                ),
            });
        let gray = Gray { region: "tokyo".to_owned(), zone: None, grade: Grade::Degraded };
        let portion = Portion {
            owner: "api.example.com.".to_owned(),
            order: vec!["tokyo".to_owned(), "osaka".to_owned()],
            rate: 1234.5,
            pieces: vec![(0.3, "tokyo".to_owned()), (1.0, "osaka".to_owned())],
        };
        Memory {
            written_at: Moment(1_700_000_001_000),
            fallen,
            courses: courses.collect(),
            grays: vec![gray],
            portions: vec![portion],
        }
    }

    /// Reads a file with this content, and returns what is said of it.
    fn said_of(content: &[u8]) -> String {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join(FILE), content).expect("a file");
        let error = read(directory.path()).expect_err("it is not usable");
        let said = error.to_string();
        let place = directory.path().display().to_string();
        said.replace(&place, "STATE")
    }

    #[test]
    fn what_is_written_is_read_again_and_the_last_write_counts() {
        let directory = tempfile::tempdir().expect("a directory");
        let state = directory.path().join("made/on/the/way");
        write(&state, &Memory::default()).expect("written");
        write(&state, &memory()).expect("written again");
        assert_eq!(read(&state).expect("readable"), Some(memory()));
        let files = fs::read_dir(&state).expect("a directory").count();
        assert_eq!(files, 1, "nothing unfinished is left");
    }

    #[test]
    fn a_missing_file_and_a_missing_directory_are_no_error() {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(read(directory.path()).expect("nothing there"), None);
        assert_eq!(read(&directory.path().join("nowhere")).expect("nothing there"), None);
    }

    #[test]
    fn a_file_cut_short_anywhere_is_damaged_and_never_half_believed() {
        let whole = serde_json::to_vec(&Document::of(&memory())).expect("JSON");
        for length in 0..whole.len() {
            let said = said_of(&whole[..length]);
            assert!(said.starts_with("STATE/health.json is damaged"), "{length}: {said}");
        }
    }

    #[test]
    fn garbage_and_foreign_json_are_damaged() {
        let foreign: [&[u8]; 5] = [
            b"\xff\xfe\x00",
            b"[]",
            b"{\"version\":2}",
            b"{\"version\":\"one\",\"written_at\":0,\"down\":[]}",
            b"{\"version\":2,\"written_at\":-1,\"down\":[],\"courses\":[],\"grays\":[],\"portions\":[]}",
        ];
        for content in foreign {
            assert!(said_of(content).contains("is damaged and is ignored"), "{content:?}");
        }
    }

    #[test]
    fn another_version_is_refused_whatever_else_it_says() {
        assert_eq!(
            said_of(b"{\"version\":9,\"something\":\"new\"}"),
            "STATE/health.json has format version 9, this program knows 2; it is ignored"
        );
    }

    #[test]
    fn an_oversized_file_is_refused_without_being_parsed() {
        let large = vec![b' '; usize::try_from(MAX_BYTES).expect("it fits") + 10];
        assert!(said_of(&large).contains("is larger than"));
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_a_write_error_that_names_the_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("file");
        fs::write(&file, "").expect("a file where the directory should be");
        let error = write(&file.join("state"), &memory()).expect_err("not a directory");
        assert!(error.to_string().contains("state/health.json"), "{error}");
        assert!(std::error::Error::source(&error).is_some());
    }

    #[test]
    fn a_failed_write_leaves_what_was_there() {
        let directory = tempfile::tempdir().expect("a directory");
        write(directory.path(), &memory()).expect("written");
        // Something that cannot be overwritten stands where the unfinished file would go.
        fs::create_dir(directory.path().join("health.json.new")).expect("a directory in the way");
        write(directory.path(), &Memory::default()).expect_err("it is in the way");
        assert_eq!(read(directory.path()).expect("readable"), Some(memory()));
    }
}
