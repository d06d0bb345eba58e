//! Intents on disk: one JSON file in the state directory, written before anybody is told that an intent holds.
//!
//! What was asked for is kept in the words in which it is asked for, by names. A file that cannot be read is set aside
//! and said loudly, never overwritten: it may be all that tells why a region was kept empty.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::document::{self, Format, Unusable};
use super::state::PhaseMirror;
use crate::health::Course;
use crate::intent::{Drill, Intent, Kept, MAX_DRILLS, MAX_INTENTS, Outcome, Phase, Rule, Terms};
use crate::moment::Moment;

/// The name of the file in the state directory.
pub const FILE: &str = "intents.json";

/// What is believed; a larger one is not read: 200 intents and 200 drills with the longest reasons and names.
const FORMAT: Format = Format { version: 1, most: 2 * 1024 * 1024 };

/// Why intents could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be written.
    #[error("intents cannot be written to {path}; a restart would forget them")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is there and cannot be used.
    #[error(
        "{path} cannot be used and is set aside as {aside}: NO INTENT IS IN FORCE, so shift or drain again what must be; {why}"
    )]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Where it is now.
        aside: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// Writes the intents in force, in place of what was there. Makes the directory if need be.
///
/// # Errors
///
/// When the file cannot be written; what was there before is still there then.
pub fn write(directory: &Path, kept: &Kept) -> Result<(), Error> {
    let path = directory.join(FILE);
    let text = serde_json::to_vec_pretty(&Document::of(kept)).expect("plain values become JSON");
    document::replace(directory, &path, &text).map_err(|source| Error::Write { path, source })
}

/// Reads the intents that were in force; none when nothing was ever written there.
///
/// # Errors
///
/// When a file is there and is not usable. It is renamed then, so that nothing overwrites it.
pub fn read(directory: &Path) -> Result<Kept, Error> {
    let read = document::read(directory.join(FILE), &FORMAT, Document::into_kept);
    let unusable = |Unusable { path, aside, why }| Error::Unusable { path, aside, why };
    Ok(read.map_err(unusable)?.unwrap_or_default())
}

/// The file: `intent::Kept` with a version.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u64,
    last_number: u64,
    intents: Vec<Mirror>,
    /// Since there are drills; left out without any, for a program that knows none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    drills: Vec<DrillMirror>,
}

/// The mirror of `intent::Intent`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mirror {
    number: u64,
    wish: String,
    author: String,
    reason: String,
    /// In milliseconds since the Unix epoch.
    made_at: u64,
    /// In milliseconds.
    lasts: Option<u64>,
    overrides: Vec<String>,
    state: State,
}

/// The mirror of `intent::Drill`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DrillMirror {
    number: u64,
    wish: String,
    author: String,
    reason: String,
    /// In milliseconds.
    lasts: Option<u64>,
    overrides: Vec<String>,
    /// In milliseconds since the Unix epoch.
    began_at: u64,
    ended_at: Option<u64>,
    outcome: String,
    why: Option<String>,
    given: Vec<String>,
    standing: Vec<String>,
}

/// The mirror of `intent::Phase`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum State {
    Standing,
    Stepping { phase: PhaseMirror, since: u64 },
    Overdue { why: String, next: u64 },
    Returning { phase: PhaseMirror, since: u64 },
}

impl Document {
    fn of(kept: &Kept) -> Self {
        Self {
            version: FORMAT.version,
            last_number: kept.last_number,
            intents: kept.intents.iter().map(Mirror::of).collect(),
            drills: kept.drills.iter().map(DrillMirror::of).collect(),
        }
    }

    fn into_kept(self) -> Result<Kept, String> {
        if self.intents.len() > MAX_INTENTS {
            return Err(format!("it holds more than {MAX_INTENTS} intents"));
        }
        if self.drills.len() > MAX_DRILLS {
            return Err(format!("it holds more than {MAX_DRILLS} drills"));
        }
        let intents = self.intents.into_iter().map(Mirror::into_intent);
        let drills = self.drills.into_iter().map(DrillMirror::into_drill);
        Ok(Kept {
            intents: intents.collect::<Result<_, _>>()?,
            last_number: self.last_number,
            drills: drills.collect::<Result<_, _>>()?,
        })
    }
}

impl Mirror {
    fn of(intent: &Intent) -> Self {
        let Intent { number, terms, made_at, phase } = intent;
        let Terms { wish, author, reason, lasts, overrides } = terms;
        let along = |course: &Course| (PhaseMirror::of(course.phase()), course.since().0);
        let state = match phase {
            Phase::Standing => State::Standing,
            Phase::Stepping(course) => {
                let (phase, since) = along(course);
                State::Stepping { phase, since }
            }
            Phase::Overdue { why, next } => State::Overdue { why: why.clone(), next: next.0 },
            Phase::Returning(course) => {
                let (phase, since) = along(course);
                State::Returning { phase, since }
            }
        };
        Self {
            number: *number,
            wish: wish.to_string(),
            author: author.clone(),
            reason: reason.clone(),
            made_at: made_at.0,
            lasts: lasts.map(milliseconds),
            overrides: words(overrides),
            state,
        }
    }

    fn into_intent(self) -> Result<Intent, String> {
        let course = |phase: PhaseMirror, since: u64| {
            Course::remembered(phase.into_phase(), Moment(since), Vec::new(), false)
        };
        let phase = match self.state {
            State::Standing => Phase::Standing,
            State::Stepping { phase, since } => Phase::Stepping(course(phase, since)),
            State::Overdue { why, next } => Phase::Overdue { why, next: Moment(next) },
            State::Returning { phase, since } => Phase::Returning(course(phase, since)),
        };
        let terms = Terms {
            wish: self.wish.parse().map_err(|wrong| format!("intent {}: {wrong}", self.number))?,
            author: self.author,
            reason: self.reason,
            lasts: self.lasts.map(Duration::from_millis),
            overrides: rules(&self.overrides)?,
        };
        Ok(Intent { number: self.number, terms, made_at: Moment(self.made_at), phase })
    }
}

impl DrillMirror {
    fn of(drill: &Drill) -> Self {
        let Drill { number, terms, began_at, ended_at, outcome, why, given, standing } = drill;
        let Terms { wish, author, reason, lasts, overrides } = terms;
        Self {
            number: *number,
            wish: wish.to_string(),
            author: author.clone(),
            reason: reason.clone(),
            lasts: lasts.map(milliseconds),
            overrides: words(overrides),
            began_at: began_at.0,
            ended_at: ended_at.map(|at| at.0),
            outcome: outcome.as_str().to_owned(),
            why: why.clone(),
            given: given.clone(),
            standing: standing.clone(),
        }
    }

    fn into_drill(self) -> Result<Drill, String> {
        let mut outcomes = Outcome::ALL.into_iter();
        let outcome = outcomes.find(|outcome| outcome.as_str() == self.outcome);
        let outcome = outcome.ok_or_else(|| format!("`{}` is not what comes of a drill", self.outcome))?;
        let terms = Terms {
            wish: self.wish.parse().map_err(|wrong| format!("drill {}: {wrong}", self.number))?,
            author: self.author,
            reason: self.reason,
            lasts: self.lasts.map(Duration::from_millis),
            overrides: rules(&self.overrides)?,
        };
        Ok(Drill {
            number: self.number,
            terms,
            began_at: Moment(self.began_at),
            ended_at: self.ended_at.map(Moment),
            outcome,
            why: self.why,
            given: self.given,
            standing: self.standing,
        })
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn words(rules: &[Rule]) -> Vec<String> {
    rules.iter().map(|rule| rule.as_str().to_owned()).collect()
}

fn rules(words: &[String]) -> Result<Vec<Rule>, String> {
    let rule = |word: &String| word.parse().map_err(|()| format!("`{word}` is not a rule"));
    words.iter().map(rule).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::region::Recovery;
    use crate::share::Share;

    fn kept() -> Kept {
        let course = Course::ramp(&Recovery::default(), Share::NONE, Moment(1_700_000_000_000));
        let phases = [
            Phase::Standing,
            Phase::Stepping(course.clone()),
            Phase::Overdue { why: "tokyo is down".to_owned(), next: Moment(9) },
            Phase::Returning(course),
        ];
        let intents = (1..).zip(phases).map(|(number, phase)| Intent {
            number,
            terms: Terms {
                wish: "shift tokyo/tokyo-a 12.5%".parse().expect("a wish"),
                author: "ops (alice)".to_owned(),
                reason: "a \"reason\" with\tmarks".to_owned(),
                lasts: (number % 2 == 0).then(|| Duration::from_millis(7_200_001)),
                overrides: vec![Rule::HardLimit, Rule::OneAtATime],
            },
            made_at: Moment(1_700_000_000_000),
            phase,
        });
        let terms = Terms {
            wish: "drill tokyo 10% abort-when p95>900ms".parse().expect("a wish"),
            lasts: Some(Duration::from_secs(1800)),
            ..Terms::default()
        };
        let drill = Drill::begin(7, terms, Moment(1_700_000_000_000));
        let given = vec!["osaka".to_owned()];
        let pending = Drill { given, standing: vec!["region/paris/IPv4".to_owned()], ..drill };
        let over = |outcome| pending.clone().over(outcome, Some("why".to_owned()), Moment(1_700_000_000_001));
        let outcomes = Outcome::ALL.into_iter().filter(|outcome| *outcome != Outcome::Pending);
        let drills = outcomes.map(over).chain([pending.clone()]).collect();
        Kept { intents: intents.collect(), last_number: 40, drills }
    }

    #[test]
    fn a_file_of_before_there_were_drills_is_read_and_without_any_is_as_it_was() {
        let none = Kept { drills: Vec::new(), ..kept() };
        let text = serde_json::to_string(&Document::of(&none)).expect("plain values");
        assert!(!text.contains("drills"), "{text}");
        let directory = tempfile::tempdir().expect("a temporary directory");
        fs::write(directory.path().join(FILE), text).expect("it is writable");
        assert_eq!(read(directory.path()).expect("it is whole"), none);
    }

    #[test]
    fn what_is_written_is_read() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        assert_eq!(read(directory.path()).expect("nothing is there"), Kept::default());
        write(directory.path(), &kept()).expect("it is writable");
        assert_eq!(read(directory.path()).expect("it is whole"), kept());
    }

    #[test]
    fn a_file_that_cannot_be_used_is_set_aside_and_told() {
        let check = |text: &str, why: &str| {
            let directory = tempfile::tempdir().expect("a temporary directory");
            fs::write(directory.path().join(FILE), text).expect("it is writable");
            let error = read(directory.path()).expect_err("it is damaged").to_string();
            assert!(error.contains(why) && error.contains("NO INTENT IS IN FORCE"), "{error}");
            let aside = fs::read_to_string(directory.path().join("intents.json.unusable"));
            assert_eq!(aside.expect("it is there"), text);
            assert_eq!(read(directory.path()).expect("nothing is there"), Kept::default());
        };
        check("{", "EOF");
        check("{\"version\":9}", "version 9");
        check("{\"version\":1,\"last_number\":1,\"intents\":[7]}", "invalid type");
        let mut text = serde_json::to_string(&Document::of(&kept())).expect("plain values");
        text = text.replace("shift tokyo", "lift tokyo");
        check(&text, "`lift` is nothing to ask for");
        let text = serde_json::to_string(&Document::of(&kept())).expect("plain values");
        check(&text.replace("\"interrupted\"", "\"forgotten\""), "`forgotten` is not what comes of a drill");
    }
}
