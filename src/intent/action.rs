//! What can be asked for, and the one way to write it: on the command line, in a request, in a script, and on
//! disk.
//!
//! ```text
//! shift REGION[/AZ] [PERCENT]          drain REGION[/AZ]            disable REGION[/AZ]
//! force REGION[/AZ[/ADDRESS]] up|down  failover auto|advise|off [REGION]     approve REGION
//! capacity REGION PERCENT              weights NAME REGION=N REGION=N… [steps P,P,…] [hold TIME]
//! drill REGION[/AZ] PERCENT [abort-when RULE]
//! ```

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ForcedState;
use crate::region::{Failover, Target};
use crate::share::Share;
use crate::units::{Malformed, TimeSpan};
use crate::zone::Name;

/// The most regions that clients of one name are divided between by weights.
const MAX_MEMBERS: usize = 8;

/// The largest weight: shares are drawn in hundredths of a percent.
const MAX_WEIGHT: u32 = 10_000;

/// The most steps of weights, as many as a ramp may have.
const MAX_STEPS: usize = 8;

/// The largest capacity, in percent of the configured one.
const MAX_CAPACITY: u32 = 1000;

/// How long each step of weights is held when nothing else is said.
const HOLD: Duration = Duration::from_secs(600);

/// Something that an operator may ask for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Action {
    /// A share of the clients of a region or zone goes elsewhere.
    Shift {
        /// Which.
        target: Target,
        /// The share.
        away: Share,
    },
    /// All of its clients go elsewhere, and it is told when the last of them may be gone.
    Drain {
        /// Which.
        target: Target,
    },
    /// It is in no answer, whatever happens to the others.
    Disable {
        /// Which.
        target: Target,
    },
    /// It counts as up or as down, whatever its canaries say.
    Force {
        /// Which.
        target: Target,
        /// As what.
        forced: ForcedState,
    },
    /// What the machine may do about regions that should leave.
    Failover {
        /// The region; `None`: all of them.
        region: Option<String>,
        /// What.
        failover: Failover,
    },
    /// A region leaves for which the machine only advised it, until it is well again.
    Approve {
        /// The region.
        region: String,
    },
    /// A region can serve this much of what the configuration says.
    Capacity {
        /// The region.
        region: String,
        /// In percent.
        percent: u32,
    },
    /// Clients of a name whose way leads to one of these regions are divided between them.
    Weights {
        /// The owner name, absolute.
        owner: Name,
        /// The regions, with their weights.
        members: Vec<(String, u32)>,
        /// The shares of the last region on its way up; empty: the weights hold at once.
        steps: Vec<Share>,
        /// How long each step is held.
        hold: Duration,
    },
    /// A shift to learn from, which ends at the first sign of trouble.
    Drill {
        /// Which.
        target: Target,
        /// The share.
        away: Share,
        /// What ends it early.
        abort: AbortRule,
    },
}

/// What ends a drill early.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AbortRule {
    /// An alarm that did not stand when it began.
    Alarm,
    /// A region's load above this fraction of its capacity, or such an alarm.
    Load(f64),
    /// A region's error rate above this fraction, or such an alarm.
    ErrorRate(f64),
    /// A region's p95 latency above this, or such an alarm.
    P95(Duration),
}

/// What is wrong with what was asked for. Its message is the sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidAction(pub String);

impl From<Malformed> for InvalidAction {
    fn from(malformed: Malformed) -> Self {
        Self(malformed.to_string())
    }
}

impl Action {
    /// Returns the word that it begins with.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Shift { .. } => "shift",
            Self::Drain { .. } => "drain",
            Self::Disable { .. } => "disable",
            Self::Force { .. } => "force",
            Self::Failover { .. } => "failover",
            Self::Approve { .. } => "approve",
            Self::Capacity { .. } => "capacity",
            Self::Weights { .. } => "weights",
            Self::Drill { .. } => "drill",
        }
    }

    /// Returns the region, zone or address that it is about; `None`: a name, or all regions.
    pub fn target(&self) -> Option<Target> {
        match self {
            Self::Shift { target, .. }
            | Self::Drain { target }
            | Self::Disable { target }
            | Self::Force { target, .. }
            | Self::Drill { target, .. } => Some(target.clone()),
            Self::Failover { region, .. } => region.as_deref().map(Target::of_region),
            Self::Approve { region } | Self::Capacity { region, .. } => Some(Target::of_region(region)),
            Self::Weights { .. } => None,
        }
    }

    /// Returns the name of the region that it is about; `None`: a name, or all regions.
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Shift { target, .. }
            | Self::Drain { target }
            | Self::Disable { target }
            | Self::Force { target, .. }
            | Self::Drill { target, .. } => Some(target.region()),
            Self::Failover { region, .. } => region.as_deref(),
            Self::Approve { region } | Self::Capacity { region, .. } => Some(region),
            Self::Weights { .. } => None,
        }
    }

    /// Returns the share of its clients that goes elsewhere, if it is one that keeps clients away.
    pub fn away(&self) -> Option<Share> {
        match self {
            Self::Shift { away, .. } | Self::Drill { away, .. } => Some(*away),
            Self::Drain { .. } | Self::Disable { .. } => Some(Share::ALL),
            Self::Force { .. }
            | Self::Failover { .. }
            | Self::Approve { .. }
            | Self::Capacity { .. }
            | Self::Weights { .. } => None,
        }
    }

    /// Returns whether there may be only one of its kind at a time.
    pub fn is_alone(&self) -> bool {
        matches!(self, Self::Shift { .. } | Self::Drain { .. } | Self::Drill { .. })
    }

    /// Returns how long it stands when nothing is said; `None`: until it is lifted.
    pub fn usual_time(&self) -> Option<Duration> {
        const HOUR: Duration = Duration::from_secs(3600);
        match self {
            Self::Shift { .. } | Self::Drain { .. } => Some(2 * HOUR),
            Self::Force { .. } | Self::Capacity { .. } => Some(6 * HOUR),
            Self::Drill { .. } => Some(HOUR / 2),
            Self::Disable { .. } | Self::Failover { .. } | Self::Approve { .. } | Self::Weights { .. } => {
                None
            }
        }
    }

    /// Returns whether another one is over when this is taken: one that this replaces, and any drill where people
    /// shift, drain or disable in earnest.
    pub fn ends(&self, other: &Self) -> bool {
        let is_earnest = matches!(self, Self::Shift { .. } | Self::Drain { .. } | Self::Disable { .. });
        self.replaces(other) || is_earnest && matches!(other, Self::Drill { .. })
    }

    /// Returns whether another one takes its place: it is about the same in the same way.
    pub fn replaces(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Weights { owner, .. }, Self::Weights { owner: before, .. }) => owner == before,
            (one, other) => one.word() == other.word() && one.target() == other.target(),
        }
    }
}

impl FromStr for AbortRule {
    type Err = InvalidAction;

    fn from_str(text: &str) -> Result<Self, InvalidAction> {
        abort(text)
    }
}

impl FromStr for Action {
    type Err = InvalidAction;

    fn from_str(text: &str) -> Result<Self, InvalidAction> {
        let mut words = text.split_whitespace();
        let mut reader = Reader { text, words: &mut words };
        let action = match reader.next("what to do")? {
            "shift" => Self::Shift { target: reader.target()?, away: reader.share(Some(Share::ALL))? },
            "drain" => Self::Drain { target: reader.target()? },
            "disable" => Self::Disable { target: reader.target()? },
            "force" => Self::Force { target: reader.any_target()?, forced: reader.forced()? },
            "failover" => Self::Failover {
                failover: reader.failover()?,
                region: reader.words.next().map(str::to_owned),
            },
            "approve" => Self::Approve { region: reader.next("a region")?.to_owned() },
            "capacity" => {
                let region = reader.next("a region")?.to_owned();
                Self::Capacity { region, percent: reader.percent(MAX_CAPACITY)? }
            }
            "weights" => reader.weights()?,
            "drill" => Self::Drill {
                target: reader.target()?,
                away: reader.share(Some(Share::percent(10)))?,
                abort: reader.abort()?,
            },
            other => {
                return Err(InvalidAction(format!(
                    "`{other}` is nothing to ask for; write shift, drain, disable, force, failover, approve, \
                     capacity, weights or drill"
                )));
            }
        };
        match reader.words.next() {
            None => Ok(action),
            Some(word) => Err(InvalidAction(format!("`{word}` is too much in `{text}`"))),
        }
    }
}

/// Reads words one after the other.
struct Reader<'t, 'w> {
    text: &'t str,
    words: &'w mut std::str::SplitWhitespace<'t>,
}

impl<'t> Reader<'t, '_> {
    fn next(&mut self, what: &str) -> Result<&'t str, InvalidAction> {
        self.words.next().ok_or_else(|| InvalidAction(format!("`{}` lacks {what}", self.text)))
    }

    /// Reads a region or zone.
    fn target(&mut self) -> Result<Target, InvalidAction> {
        let target = self.any_target()?;
        match target.address() {
            None => Ok(target),
            Some(_) => Err(InvalidAction(format!(
                "`{target}` is one address; only `force` takes one, so name a region or a zone"
            ))),
        }
    }

    fn any_target(&mut self) -> Result<Target, InvalidAction> {
        let word = self.next("a region, written REGION or REGION/AZ")?;
        Ok(word.parse()?)
    }

    /// Reads a share above nobody; without a word, the usual one.
    fn share(&mut self, usual: Option<Share>) -> Result<Share, InvalidAction> {
        let mut ahead = self.words.clone();
        match (ahead.next(), usual) {
            (None | Some("abort-when"), Some(usual)) => Ok(usual),
            _ => share(self.next("a percentage, 1 to 100")?),
        }
    }

    fn percent(&mut self, most: u32) -> Result<u32, InvalidAction> {
        let word = self.next("a percentage")?;
        let number = word.strip_suffix('%').unwrap_or(word).parse().ok();
        number
            .filter(|percent| (1..=most).contains(percent))
            .ok_or_else(|| InvalidAction(format!("`{word}` is not a percentage from 1 to {most}")))
    }

    fn forced(&mut self) -> Result<ForcedState, InvalidAction> {
        match self.next("`up` or `down`")? {
            "up" => Ok(ForcedState::Up),
            "down" => Ok(ForcedState::Down),
            other => {
                Err(InvalidAction(format!("`{other}` is neither `up` nor `down`; `auto` lifts the intent")))
            }
        }
    }

    fn failover(&mut self) -> Result<Failover, InvalidAction> {
        match self.next("`auto`, `advise` or `off`")? {
            "auto" => Ok(Failover::Auto),
            "advise" => Ok(Failover::Advise),
            "off" => Ok(Failover::Off),
            other => Err(InvalidAction(format!("`{other}` is none of `auto`, `advise`, `off`"))),
        }
    }

    fn abort(&mut self) -> Result<AbortRule, InvalidAction> {
        match self.words.next() {
            None => Ok(AbortRule::Alarm),
            Some("abort-when") => abort(self.next("a rule, such as `alarm` or `load>90%`")?),
            Some(other) => Err(InvalidAction(format!("`{other}` is not `abort-when`"))),
        }
    }

    fn weights(&mut self) -> Result<Action, InvalidAction> {
        let name = self.next("the owner name")?;
        let mut owner =
            Name::from_ascii(name).map_err(|_| InvalidAction(format!("`{name}` is not a domain name")))?;
        owner.set_fqdn(true);
        let owner = owner.to_lowercase();
        let mut members: Vec<(String, u32)> = Vec::new();
        let (mut steps, mut hold) = (Vec::new(), HOLD);
        while let Some(word) = self.words.next() {
            match word {
                "steps" => steps = self.steps()?,
                "hold" => {
                    hold = self.next("a duration")?.parse::<TimeSpan>()?.0;
                    if hold.is_zero() {
                        return Err(InvalidAction("each step of weights is held for some time".to_owned()));
                    }
                }
                member => members.push(weight(member)?),
            }
        }
        let is_twice =
            |(at, (name, _)): (usize, &(String, u32))| members[..at].iter().any(|(one, _)| one == name);
        if members.len() < 2 || members.len() > MAX_MEMBERS || members.iter().enumerate().any(is_twice) {
            return Err(InvalidAction(format!(
                "weights are for two to {MAX_MEMBERS} different regions, REGION=N each"
            )));
        }
        if members.iter().all(|(_, weight)| *weight == 0) {
            return Err(InvalidAction("some weight must be above 0".to_owned()));
        }
        Ok(Action::Weights { owner, members, steps, hold })
    }

    fn steps(&mut self) -> Result<Vec<Share>, InvalidAction> {
        let word = self.next("shares such as 10,50,100")?;
        let steps: Vec<Share> = word.split(',').map(share).collect::<Result<_, _>>()?;
        match steps.windows(2).all(|pair| pair[0] < pair[1]) && steps.len() <= MAX_STEPS {
            true => Ok(steps),
            false => Err(InvalidAction(format!("the steps `{word}` must grow, and be at most {MAX_STEPS}"))),
        }
    }
}

fn share(word: &str) -> Result<Share, InvalidAction> {
    let percent = word.strip_suffix('%').unwrap_or(word).parse().ok();
    let percent = percent.filter(|percent: &f64| (0.01..=100.0).contains(percent));
    let share = percent.map(|percent| Share::of_fraction(percent / 100.0));
    share.ok_or_else(|| InvalidAction(format!("`{word}` is not a percentage from 1 to 100")))
}

fn weight(word: &str) -> Result<(String, u32), InvalidAction> {
    let parts = word.split_once('=').filter(|(name, _)| !name.is_empty());
    let parts = parts.and_then(|(name, weight)| Some((name.to_owned(), weight.parse().ok()?)));
    let parts = parts.filter(|(_, weight)| *weight <= MAX_WEIGHT);
    parts.ok_or_else(|| InvalidAction(format!("`{word}` is not REGION=N with N from 0 to {MAX_WEIGHT}")))
}

fn abort(word: &str) -> Result<AbortRule, InvalidAction> {
    let fraction = |text: &str| {
        let percent: Option<f64> = text.strip_suffix('%').unwrap_or(text).parse().ok();
        percent.filter(|percent| (0.0..=1000.0).contains(percent)).map(|percent| percent / 100.0)
    };
    let parsed = match word.split_once('>') {
        None => (word == "alarm").then_some(AbortRule::Alarm),
        Some(("load", limit)) => fraction(limit).map(AbortRule::Load),
        Some(("error_rate", limit)) => fraction(limit).map(AbortRule::ErrorRate),
        Some(("p95", limit)) => limit.parse().ok().map(|TimeSpan(limit)| AbortRule::P95(limit)),
        Some(_) => None,
    };
    parsed.ok_or_else(|| {
        InvalidAction(format!("`{word}` is none of alarm, load>90%, error_rate>2%, p95>900ms"))
    })
}

/// A share as it is written: `10%`, `12.5%`.
struct Percent(Share);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = (self.0.fraction() * 10_000.0).round();
        write!(f, "{}%", hundredths / 100.0)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.word();
        match self {
            Self::Shift { target, away } => write!(f, "{word} {target} {}", Percent(*away)),
            Self::Drain { target } | Self::Disable { target } => write!(f, "{word} {target}"),
            Self::Force { target, forced } => write!(f, "{word} {target} {}", forced.as_str()),
            Self::Failover { region, failover } => {
                write!(f, "{word} {}", failover.as_str())?;
                region.iter().try_for_each(|region| write!(f, " {region}"))
            }
            Self::Approve { region } => write!(f, "{word} {region}"),
            Self::Capacity { region, percent } => write!(f, "{word} {region} {percent}%"),
            Self::Weights { owner, members, steps, hold } => {
                write!(f, "{word} {owner}")?;
                members.iter().try_for_each(|(region, weight)| write!(f, " {region}={weight}"))?;
                if steps.is_empty() {
                    return Ok(());
                }
                let steps: Vec<_> = steps.iter().map(|step| Percent(*step).to_string()).collect();
                write!(f, " steps {} hold {}", steps.join(","), TimeSpan(*hold))
            }
            Self::Drill { target, away, abort } => {
                write!(f, "{word} {target} {} abort-when {abort}", Percent(*away))
            }
        }
    }
}

impl TryFrom<String> for Action {
    type Error = InvalidAction;

    fn try_from(text: String) -> Result<Self, InvalidAction> {
        text.parse()
    }
}

impl From<Action> for String {
    fn from(action: Action) -> Self {
        action.to_string()
    }
}

impl fmt::Display for AbortRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alarm => f.write_str("alarm"),
            Self::Load(limit) => write!(f, "load>{}%", limit * 100.0),
            Self::ErrorRate(limit) => write!(f, "error_rate>{}%", limit * 100.0),
            Self::P95(limit) => write!(f, "p95>{}", TimeSpan(*limit)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_prints_as_it_is_written() {
        for text in [
            "shift tokyo 100%",
            "shift tokyo/tokyo-a 12.5%",
            "drain tokyo/tokyo-a",
            "disable tokyo",
            "force tokyo/tokyo-a/2001:db8::1 down",
            "force tokyo up",
            "failover advise",
            "failover off tokyo",
            "approve tokyo",
            "capacity tokyo 150%",
            "weights api.example.com. blue=90 green=10",
            "weights api.example.com. blue=0 green=100 steps 10%,50%,100% hold 10m",
            "drill tokyo 10% abort-when alarm",
            "drill tokyo/tokyo-a 10% abort-when error_rate>2.5%",
            "drill tokyo 10% abort-when p95>900ms",
        ] {
            let action: Action = text.parse().unwrap_or_else(|wrong| panic!("{text}: {wrong}"));
            assert_eq!(action.to_string(), text);
        }
    }

    #[test]
    fn what_is_left_out_is_the_usual() {
        let check = |text: &str, whole: &str| {
            assert_eq!(text.parse::<Action>().map(|action| action.to_string()).as_deref(), Ok(whole));
        };
        check("shift tokyo", "shift tokyo 100%");
        check("shift tokyo 40", "shift tokyo 40%");
        check("drill tokyo", "drill tokyo 10% abort-when alarm");
        check("weights API.example.com blue=1 green=1", "weights api.example.com. blue=1 green=1");
    }

    #[test]
    fn what_cannot_be_asked_for_is_said_in_one_sentence() {
        let check = |text: &str, sentence: &str| {
            let wrong = text.parse::<Action>().expect_err(text).to_string();
            assert!(wrong.contains(sentence), "{text}: {wrong}");
        };
        check("", "lacks what to do");
        check("lift tokyo", "`lift` is nothing to ask for");
        check("shift", "lacks a region");
        check("shift tokyo 101", "`101` is not a percentage from 1 to 100");
        check("shift tokyo 0", "is not a percentage");
        check("shift tokyo NaN", "is not a percentage");
        check("shift tokyo/a/192.0.2.1", "only `force` takes one");
        check("shift tokyo/", "does not name a region");
        check("drain tokyo now", "`now` is too much");
        check("force tokyo auto", "`auto` lifts the intent");
        check("capacity tokyo 5000%", "from 1 to 1000");
        check("weights api.example.com blue=1", "two to 8 different regions");
        check("weights api.example.com blue=1 blue=2", "two to 8 different regions");
        check("weights api.example.com blue=0 green=0", "some weight must be above 0");
        check("weights api.example.com blue=1 green=1 steps 50,10", "must grow");
        check("drill tokyo 10 abort-when moon", "is none of alarm");
    }
}
