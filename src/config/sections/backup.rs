//! `backup` in `server.yaml`: copies of the configuration and the state, made by the server itself.

use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::problem::Reporter;
use crate::config::values::{Checked, Value};
use crate::config::yaml::{Setting, Written};
use crate::units::TimeSpan;

/// The bounds of `every`: state is written every minute, and a backup that is older than a month is no backup.
pub const EVERY: RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(30 * 24 * 3600);

/// The bounds of `keep`.
pub const KEEP: RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(10 * 365 * 24 * 3600);

/// How often a backup is made, unless the configuration says otherwise.
const USUAL_EVERY: Duration = Duration::from_secs(3600);

/// How long a backup is kept, unless the configuration says otherwise.
const USUAL_KEEP: Duration = Duration::from_secs(30 * 24 * 3600);

/// Copies of the configuration with its generations, intents, drills, availability and health: what `meridian restore`
/// takes. No secret is in them that is not written in a file of the configuration. A change takes effect with a restart.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Backup")]
pub struct BackupSpec {
    /// The directory for the copies, relative to the configuration directory: on another disk, or one that is copied
    /// elsewhere. It may not be the configuration directory. Several instances may have the same.
    directory: Value<PathBuf>,
    /// The time between two copies: `1m` to `30d`. Left out: `1h`.
    every: Option<Value<Duration>>,
    /// How long a copy is kept, from `every` to 10 years; the last one is kept for ever. Left out: `30d`.
    keep: Option<Value<Duration>>,
}

/// When and where copies are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backups {
    pub directory: PathBuf,
    pub every: Duration,
    pub keep: Duration,
}

/// Lowers `backup`. Without a state directory there is nothing to copy.
pub(super) fn lower(
    spec: &Option<Setting<BackupSpec>>,
    has_state: bool,
    directory: &Path,
    report: &mut Reporter,
) -> Option<Backups> {
    let (spec, span) = spec.given()?;
    let every = spec.every.within("every", &EVERY, report).unwrap_or(USUAL_EVERY);
    let keep = spec.keep.within("keep", &KEEP, report).unwrap_or(USUAL_KEEP.max(every));
    if keep < every {
        let message = format!("`keep` is {}, shorter than `every`, {}", TimeSpan(keep), TimeSpan(every));
        report.error(span, message).hint("every copy would be gone before the next one is made");
    }
    if !has_state {
        report.error(span, "`backup` needs `state`, which is what is copied").hint("add `state: ../state`");
    }
    let (_, place) = spec.directory.required("directory", span, "write `directory: ../backup`", report)?;
    let copies = directory.join(spec.directory.get()?);
    let plain = |path: &Path| -> PathBuf {
        path.components().filter(|component| *component != Component::CurDir).collect()
    };
    if plain(&copies) == plain(directory) {
        report.error(place, "`directory` is the configuration directory").hint("write `../backup`");
    }
    Some(Backups { directory: copies, every, keep })
}
