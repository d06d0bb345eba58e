//! What people want to know, one readable line each.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use crate::canary::Failure;
use crate::health::{Count as AddressCount, FRESH_FOR};
use crate::moment::Moment;
use crate::region::Family;
use crate::steering::AllDown;

/// Something that people want to know. It displays as one line; the parts are there for logs.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// When it happened.
    pub at: Moment,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// An address failed, too seldom to act: its traffic stays, its TTLs shrink.
    Suspect {
        /// The address.
        place: Place,
        /// The canary that failed.
        canary: String,
        /// How often it has failed in a row.
        failures: u32,
        /// How often it must fail in a row for the address to fall.
        fall: u32,
        /// How it failed.
        failure: Failure,
    },
    /// An address fell, and leaves the answers.
    Down {
        /// The address.
        place: Place,
        /// The canary that took it down.
        canary: String,
        /// How often it has failed in a row.
        failures: u32,
        /// How it failed last.
        failure: Failure,
    },
    /// An address is up again.
    Up {
        /// The address.
        place: Place,
        /// Whether it was down, and not merely suspect.
        was_down: bool,
        /// For how long.
        after: Duration,
    },
    /// Something larger than an address was lost.
    Raised(Alarm),
    /// It is back.
    Cleared(Alarm),
    /// Another configuration or database is in force.
    Reloaded {
        /// The number of the first snapshot that was compiled from it.
        snapshot: u64,
        /// How many zones it has.
        zones: usize,
        /// How many regions it has.
        regions: usize,
    },
    /// Falls that the last run knew of are in force again.
    Remembered {
        /// How many.
        falls: usize,
    },
    /// Falls that the last run knew of are about addresses or canaries that are not in this configuration.
    Foreign {
        /// How many.
        falls: usize,
    },
    /// What the last run knew is too old to be worth anything.
    Stale {
        /// When it was written.
        written_at: Moment,
    },
}

/// A loss that lasts until it is cleared.
#[derive(Clone, Debug, PartialEq)]
pub enum Alarm {
    /// A region has too few addresses of a family, and left the answers of that family.
    RegionOut {
        /// The name of the region.
        region: String,
        /// The family.
        family: Family,
        /// How many of its addresses are left.
        count: AddressCount,
    },
    /// Every region that some clients of a name may be sent to is out.
    Exhausted {
        /// The owner name.
        owner: String,
        /// How many more names have the same policy.
        others: usize,
        /// The residency rule that binds those clients; `None`: all clients are concerned.
        rule: Option<String>,
        /// The family.
        family: Family,
        /// What they are answered.
        all_down: AllDown,
    },
}

/// One address, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name of its region.
    pub region: String,
    /// The name of its availability zone.
    pub zone: String,
    /// The address.
    pub ip: IpAddr,
}

/// How loudly something is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something is wrong, and was dealt with.
    Warning,
    /// Clients feel it, or soon will.
    Alarm,
}

impl Notice {
    /// Returns the word that logs and metrics use for this kind of notice.
    pub fn kind(&self) -> &'static str {
        match &self.what {
            What::Suspect { .. } => "address_suspect",
            What::Down { .. } => "address_down",
            What::Up { .. } => "address_up",
            What::Raised(Alarm::RegionOut { .. }) => "region_out",
            What::Cleared(Alarm::RegionOut { .. }) => "region_back",
            What::Raised(Alarm::Exhausted { .. }) => "all_down",
            What::Cleared(Alarm::Exhausted { .. }) => "all_down_over",
            What::Reloaded { .. } => "reloaded",
            What::Remembered { .. } => "health_remembered",
            What::Foreign { .. } => "health_foreign",
            What::Stale { .. } => "health_stale",
        }
    }

    /// Returns how loudly to say it.
    pub fn severity(&self) -> Severity {
        match &self.what {
            What::Raised(Alarm::Exhausted { .. }) => Severity::Alarm,
            What::Raised(Alarm::RegionOut { .. })
            | What::Suspect { .. }
            | What::Down { .. }
            | What::Foreign { .. }
            | What::Stale { .. } => Severity::Warning,
            What::Up { .. } | What::Cleared(_) | What::Reloaded { .. } | What::Remembered { .. } => {
                Severity::Info
            }
        }
    }

    /// Returns the address that it is about, if it is about one.
    pub fn place(&self) -> Option<&Place> {
        match &self.what {
            What::Suspect { place, .. } | What::Down { place, .. } | What::Up { place, .. } => Some(place),
            What::Raised(_)
            | What::Cleared(_)
            | What::Reloaded { .. }
            | What::Remembered { .. }
            | What::Foreign { .. }
            | What::Stale { .. } => None,
        }
    }

    /// Returns the name of the region that it is about, if it is about one.
    pub fn region(&self) -> Option<&str> {
        match &self.what {
            What::Raised(Alarm::RegionOut { region, .. })
            | What::Cleared(Alarm::RegionOut { region, .. }) => Some(region),
            _ => self.place().map(|place| place.region.as_str()),
        }
    }

    /// Returns how a canary failed, if that is what it is about.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.what {
            What::Suspect { failure, .. } | What::Down { failure, .. } => Some(failure),
            _ => None,
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Suspect {
                place,
                canary,
                failures,
                fall,
                failure,
            } => {
                let detail = &failure.detail;
                write!(
                    f,
                    "{place} is suspect: {canary} failed {failures} of {fall} times, {detail}"
                )
            }
            What::Down {
                place,
                canary,
                failures,
                failure,
            } => {
                let detail = &failure.detail;
                write!(
                    f,
                    "{place} is down: {canary} failed {failures} times in a row, {detail}"
                )
            }
            What::Up {
                place,
                was_down,
                after,
            } => {
                let state = if *was_down { "down" } else { "suspect" };
                write!(f, "{place} is up again, was {state} for {}", Seconds(*after))
            }
            What::Raised(alarm) => alarm.fmt(f),
            What::Cleared(alarm) => alarm.fmt_cleared(f),
            What::Reloaded {
                snapshot,
                zones,
                regions,
            } => {
                write!(
                    f,
                    "reloaded: {zones} zones, {regions} regions, from snapshot {snapshot} on"
                )
            }
            What::Remembered { falls } => {
                write!(
                    f,
                    "{falls} falls of the last run stay in force until the canaries see a recovery"
                )
            }
            What::Foreign { falls } => {
                write!(
                    f,
                    "the state of the last run is partly about another configuration: "
                )?;
                write!(f, "{} ignored", Count(*falls, "fall"))
            }
            What::Stale { written_at } => fmt_stale(f, *written_at, self.at),
        }
    }
}

/// Writes that a state of `written_at` was ignored at `now`. It may lie in the future, when the clock
/// was set back between the runs.
fn fmt_stale(f: &mut fmt::Formatter<'_>, written_at: Moment, now: Moment) -> fmt::Result {
    let age = Seconds(now.since(written_at).max(written_at.since(now)));
    let limit = Seconds(FRESH_FOR);
    write!(
        f,
        "the state of the last run is ignored: it is {age} away from now, "
    )?;
    write!(
        f,
        "more than {limit}; every address counts as up until its canaries say otherwise"
    )
}

impl Alarm {
    /// Writes that it is over.
    fn fmt_cleared(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RegionOut {
                region,
                family,
                count,
            } => {
                let (family, AddressCount { up, total, .. }) = (word(*family), count);
                write!(
                    f,
                    "{region} returns to the {family} answers: {up} of {total} addresses are up"
                )
            }
            Self::Exhausted { .. } => {
                self.fmt_whom(f)?;
                f.write_str(": a region is up again")
            }
        }
    }

    /// Writes which clients of which names are concerned.
    fn fmt_whom(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Exhausted {
            owner,
            others,
            rule,
            family,
            ..
        } = self
        else {
            return Ok(());
        };
        f.write_str(owner)?;
        if *others > 0 {
            write!(f, " and {}", Count(*others, "more name"))?;
        }
        write!(f, " ({}", word(*family))?;
        match rule {
            Some(rule) => write!(f, ", {rule})"),
            None => f.write_str(")"),
        }
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RegionOut {
                region,
                family,
                count,
            } => {
                let (family, AddressCount { up, total, .. }) = (word(*family), count);
                write!(
                    f,
                    "{region} leaves the {family} answers: {up} of {total} addresses are up"
                )
            }
            Self::Exhausted { all_down, .. } => {
                self.fmt_whom(f)?;
                f.write_str(": every permitted region is down, ")?;
                f.write_str(match all_down {
                    AllDown::FailOpen => "answering with them all the same (fail-open)",
                    AllDown::Servfail => "answering SERVFAIL",
                    AllDown::Nodata => "answering without data",
                })
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} {}", self.region, self.zone, self.ip)
    }
}

/// A number of things: `1 name`, `2 names`.
struct Count(usize, &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number, thing) = self;
        write!(f, "{number} {thing}{}", if *number == 1 { "" } else { "s" })
    }
}

/// A duration as people say it: `0.8s`, `35s`, `12min`.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            0..10 => write!(f, "{:.1}s", self.0.as_secs_f64()),
            seconds @ 10..120 => write!(f, "{seconds}s"),
            seconds @ 120..7200 => write!(f, "{}min", seconds / 60),
            seconds => write!(f, "{}h", seconds / 3600),
        }
    }
}

/// Returns what people call a family.
fn word(family: Family) -> &'static str {
    match family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    }
}
