//! What a scenario says: which clients are watched, what happens when, and what is expected of that.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::fault::{Fault, own_fault_word};
use super::quantity::{Jump, Range};
use super::vitals::{self, Vital};
use crate::canary::{BlindCause, Signal};
use crate::client::Prefix;
use crate::config::{Problem, ProblemLevel, Problems};
use crate::health::{AddressState, Phase};
use crate::intent::Request;
use crate::region::{Family, Target};
use crate::units::{Percent, TimeSpan};
use crate::zone::Name;

/// A scenario, before anything is known of the configuration that it is about.
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    /// The file, as problems print it.
    pub file: String,
    /// Its text, for the lines in problems.
    pub text: String,
    /// The configuration directory, relative to the directory of the scenario.
    pub config: Option<String>,
    /// What jitter is drawn from.
    pub seed: u64,
    /// The clients, no two with one name.
    pub clients: Vec<Client>,
    /// The names that they ask for; never empty.
    pub watched: Vec<Name>,
    /// What happens, in the order of the text.
    pub acts: Vec<(Duration, Act, Spot)>,
    /// What is expected, in the order of the text.
    pub expectations: Vec<Expectation>,
    /// When it is over.
    pub until: Duration,
    /// Whether what must always hold is checked throughout, besides what is expected.
    pub is_checked: bool,
}

/// Clients that are watched.
#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    pub name: String,
    pub prefix: Prefix,
    /// How many requests a second they make of the service; `None`: so few that no load shows them.
    pub rate: Option<f64>,
    /// Where their name stands in the scenario.
    pub spot: Spot,
}

/// Something that happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// The addresses in a target do this from now on.
    Fault(Target, Fault),
    /// The addresses in a target say this of themselves from now on.
    Signal(Target, Signal, Vital),
    /// The instance itself cannot probe, for this cause; `None`: it can again.
    OwnFault(Option<BlindCause>),
    /// The references outside the regions answer from now on, or do not.
    References(bool),
    /// Every client makes this many times the requests of its rate from now on.
    Demand(f64),
    /// The wall clock jumps. What has happened and will happen keeps its distance.
    Clock(Jump),
    /// An operator lets the region with this name back.
    FailBack(String),
    /// An operator asks for something.
    Intend(Request),
    /// An operator lifts the intent with this number, at once or step by step.
    Lift(u64, bool),
    /// An operator lifts every intent in force, at once.
    LiftAll,
    /// Snapshots are served this long after they are published from now on.
    ServeAfter(Duration),
    /// The process dies without a word and starts again.
    Restart(StateFile),
    /// The directory, relative to that of the scenario, takes the place of the configuration.
    Reload(String),
    /// The name of an availability zone leads to these addresses from now on; `None`: it cannot be looked up.
    Host(String, Option<Vec<IpAddr>>),
}

/// What the process finds of its state when it starts again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateFile {
    /// What was last written.
    Keep,
    /// What was written before that: the last write came too late.
    Late,
    Lose,
    /// What was last written, too long ago to be believed.
    Stale,
    /// Half of what was last written.
    Corrupt,
}

/// Something that must be so at a moment.
#[derive(Clone, Debug)]
pub struct Expectation {
    pub at: Duration,
    pub aspect: Aspect,
    /// Its words, without the time.
    pub text: String,
    /// Where its client or place stands in the scenario.
    pub spot: Spot,
}

/// What an expectation is about.
#[derive(Clone, Debug)]
pub enum Aspect {
    /// The answers of a client.
    Client {
        client: String,
        /// The name that it asks for; `None`: every one that is watched.
        name: Option<Name>,
        /// A or AAAA; `None`: both, as far as they have records.
        family: Option<Family>,
        claim: Claim,
    },
    /// The addresses in a target are all in this state.
    AddressState(Target, AddressState),
    /// A region or availability zone is in this phase, in every family that it has.
    Phase(Target, Phase),
    /// The load of the region with this name.
    Load(String, Range),
}

/// What is claimed of the answers of a client.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// They lead to one of these regions (or are `nodata`, `servfail`, `refused`), with this TTL if one is named.
    Leads {
        to: Vec<String>,
        /// The share of the client's subnets that is led there; all of them unless the scenario says less.
        share: Range,
        /// The TTL in seconds.
        ttl: Option<u32>,
    },
    /// At every instant since this moment they have led where they did at this moment.
    Stays { since: Duration },
}

/// Words of a scenario: where a problem points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spot {
    /// The line, from 1; 0 is the scenario as a whole.
    pub line: u32,
    /// The first character, from 1.
    pub column: u32,
    pub length: u32,
}

/// What is wrong with a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub spot: Spot,
    pub message: String,
    /// What to do instead.
    pub hint: Option<String>,
}

/// The most mistakes that are told; a file with more is something else than a scenario.
const MAX_TOLD: usize = 100;

impl Scenario {
    /// Returns mistakes as problems, which print as those of the configuration do.
    pub fn problems(&self, mistakes: Vec<Mistake>) -> Problems {
        let omitted = mistakes.len().saturating_sub(MAX_TOLD);
        let lines: Vec<&str> = self.text.lines().collect();
        let list = mistakes.into_iter().take(MAX_TOLD).map(|mistake| Problem {
            level: ProblemLevel::Error,
            file: self.file.clone(),
            line: mistake.spot.line,
            column: mistake.spot.column,
            length: mistake.spot.length,
            message: mistake.message,
            hint: mistake.hint,
            excerpt: excerpt(&lines, mistake.spot),
        });
        Problems { list: list.collect(), omitted }
    }
}

fn excerpt(lines: &[&str], spot: Spot) -> String {
    let index = (spot.line as usize).checked_sub(1);
    index.and_then(|index| lines.get(index)).map_or_else(String::new, |line| (*line).to_owned())
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(target, fault) => write!(f, "{target} {fault}"),
            Self::Signal(target, signal, vital) => {
                write!(f, "{target} {} {}", vitals::word(*signal), vital.of(*signal))
            }
            Self::OwnFault(cause) => {
                write!(f, "this instance {}", cause.map_or("ok".to_owned(), own_fault_word))
            }
            Self::References(answer) => {
                write!(f, "references {}", if *answer { "ok" } else { "fail" })
            }
            Self::Demand(factor) => write!(f, "demand {}", Percent::rounded(*factor)),
            Self::Clock(jump) => write!(f, "the wall clock jumps {jump}"),
            Self::FailBack(region) => write!(f, "failback {region}"),
            Self::Intend(request) => {
                write!(f, "operator {}", request.action)?;
                request.lasts.iter().try_for_each(|lasts| write!(f, " for {}", TimeSpan(*lasts)))?;
                request.overrides.iter().try_for_each(|rule| write!(f, " override {rule}"))
            }
            Self::Lift(number, is_at_once) => {
                write!(f, "lift {number}{}", if *is_at_once { " at-once" } else { "" })
            }
            Self::LiftAll => f.write_str("lift all"),
            Self::ServeAfter(delay) => write!(f, "serve after {}", TimeSpan(*delay)),
            Self::Restart(StateFile::Keep) => f.write_str("restart"),
            Self::Restart(StateFile::Late) => f.write_str("restart, the last write of the state file late"),
            Self::Restart(StateFile::Lose) => f.write_str("restart, the state file lost"),
            Self::Restart(StateFile::Stale) => f.write_str("restart, the state file stale"),
            Self::Restart(StateFile::Corrupt) => f.write_str("restart, the state file corrupt"),
            Self::Reload(directory) => write!(f, "reload {directory}"),
            Self::Host(name, None) => write!(f, "host {name} fails"),
            Self::Host(name, Some(ips)) => {
                write!(f, "host {name} leads to")?;
                ips.iter().try_for_each(|ip| write!(f, " {ip}"))
            }
        }
    }
}
