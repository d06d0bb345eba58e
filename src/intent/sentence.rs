//! Actions as sentences: in scenario scripts, in logs and events, and on the page.
//!
//! ```text
//! shift REGION[/AZ] [PERCENT]          drain REGION[/AZ]            disable REGION[/AZ]
//! force REGION[/AZ[/ADDRESS]] up|down  failover auto|advise|off [REGION]     approve REGION
//! capacity REGION PERCENT [at TIME]    weights NAME REGION=N REGION=N… [steps P,P,…] [hold TIME]
//! drill REGION[/AZ] PERCENT [abort-when RULE]
//! ```
//!
//! What is printed is read back as the same action. The words of a sentence are also those of command lines.

use std::fmt;
use std::str::FromStr;

use schemars::json_schema;

use super::ForcedState;
use super::action::{AbortRule, Action, CAPACITY, HOLD, InvalidAction, MAX_WEIGHT};
use super::form::owner;
use crate::moment::{MalformedMoment, Moment};
use crate::region::{Failover, Target};
use crate::share::Share;
use crate::units::{Malformed, Percent, TimeSpan, json_text};

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
            "force" => Self::Force { target: reader.target()?, forced: reader.forced()? },
            "failover" => Self::Failover {
                failover: reader.failover()?,
                region: reader.words.next().map(str::to_owned),
            },
            "approve" => Self::Approve { region: reader.next("a region")?.to_owned() },
            "capacity" => {
                let region = reader.next("a region")?.to_owned();
                let percent = capacity(reader.next("a percentage")?)?;
                Self::Capacity { region, percent, at: reader.at()? }
            }
            "weights" => reader.weights()?,
            "drill" => Self::Drill {
                target: reader.target()?,
                away: reader.share(Some(Share::percent(10)))?,
                abort: reader.abort()?,
            },
            other => {
                return Err(InvalidAction(format!(
                    "unknown intent `{other}`, expected one of shift, drain, disable, force, failover, approve, \
                     capacity, weights, drill"
                )));
            }
        };
        if let Some(word) = reader.words.next() {
            return Err(InvalidAction(format!("`{word}` is too much in `{text}`")));
        }
        action.check()?;
        Ok(action)
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

    fn target(&mut self) -> Result<Target, InvalidAction> {
        let word = self.next("a region, written REGION or REGION/AZ")?;
        Ok(word.parse()?)
    }

    /// Reads a share above none; without a word, the usual one.
    fn share(&mut self, usual: Option<Share>) -> Result<Share, InvalidAction> {
        let mut ahead = self.words.clone();
        match (ahead.next(), usual) {
            (None | Some("abort-when"), Some(usual)) => Ok(usual),
            _ => Ok(self.next("a percentage, 1 to 100")?.parse()?),
        }
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
        let word = self.next("`auto`, `advise` or `off`")?;
        let unknown = || InvalidAction(format!("`{word}` is none of `auto`, `advise`, `off`"));
        Failover::find(word).ok_or_else(unknown)
    }

    fn abort(&mut self) -> Result<AbortRule, InvalidAction> {
        match self.words.next() {
            None => Ok(AbortRule::Alarm),
            Some("abort-when") => abort(self.next("a rule, such as `alarm` or `load>90%`")?),
            Some(other) => Err(InvalidAction(format!("`{other}` is not `abort-when`"))),
        }
    }

    /// Reads when it begins, if that is said.
    fn at(&mut self) -> Result<Option<Moment>, InvalidAction> {
        match self.words.next() {
            None => Ok(None),
            Some("at") => {
                let time = self.next("a time such as 2026-12-24T18:00:00Z")?;
                time.parse().map(Some).map_err(|wrong: MalformedMoment| InvalidAction(wrong.to_string()))
            }
            Some(other) => Err(InvalidAction(format!("`{other}` is not `at`"))),
        }
    }

    fn weights(&mut self) -> Result<Action, InvalidAction> {
        let name = self.next("the owner name")?;
        let owner = owner(name)?;
        let mut members: Vec<(String, u32)> = Vec::new();
        let (mut steps, mut hold) = (Vec::new(), HOLD);
        while let Some(word) = self.words.next() {
            match word {
                "steps" => steps = shares(self.next("shares such as 10,50,100")?)?,
                "hold" => {
                    hold = self.next("a duration")?.parse::<TimeSpan>()?.0;
                }
                member => members.push(weight(member)?),
            }
        }
        Ok(Action::Weights { owner, members, steps, hold })
    }
}

/// Reads a capacity in percent of the configured one: `50%`, `50`.
///
/// # Errors
///
/// When it is not from 1 to 1000 percent.
pub fn capacity(word: &str) -> Result<Percent, Malformed> {
    Percent::within(word, CAPACITY)
}

/// Reads shares in percent, separated by commas: `10,50,100`.
///
/// # Errors
///
/// When one is no percentage. That they grow is checked with the action.
pub fn shares(words: &str) -> Result<Vec<Share>, Malformed> {
    words.split(',').map(str::parse).collect()
}

/// Reads the weight of a region: `tokyo=90`.
///
/// # Errors
///
/// When it is not of this form.
pub fn weight(word: &str) -> Result<(String, u32), InvalidAction> {
    let parts = word.split_once('=').filter(|(name, _)| !name.is_empty());
    let parts = parts.and_then(|(name, weight)| Some((name.to_owned(), weight.parse().ok()?)));
    let parts = parts.filter(|(_, weight)| *weight <= MAX_WEIGHT);
    parts.ok_or_else(|| InvalidAction(format!("`{word}` is not REGION=N with N from 0 to {MAX_WEIGHT}")))
}

fn abort(word: &str) -> Result<AbortRule, InvalidAction> {
    let fraction =
        |text| Percent::within(text, Percent::ZERO..=Percent::of(1000)).ok().map(Percent::fraction);
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

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.word();
        match self {
            Self::Shift { target, away } => write!(f, "{word} {target} {}", Percent::from(*away)),
            Self::Drain { target } | Self::Disable { target } => write!(f, "{word} {target}"),
            Self::Force { target, forced } => write!(f, "{word} {target} {}", forced.as_str()),
            Self::Failover { region, failover } => {
                write!(f, "{word} {}", failover.as_str())?;
                region.iter().try_for_each(|region| write!(f, " {region}"))
            }
            Self::Approve { region } => write!(f, "{word} {region}"),
            Self::Capacity { region, percent, at } => {
                write!(f, "{word} {region} {percent}")?;
                at.iter().try_for_each(|at| write!(f, " at {at}"))
            }
            Self::Weights { owner, members, steps, hold } => {
                write!(f, "{word} {owner}")?;
                members.iter().try_for_each(|(region, weight)| write!(f, " {region}={weight}"))?;
                if steps.is_empty() {
                    return Ok(());
                }
                let steps: Vec<_> = steps.iter().map(|step| Percent::from(*step).to_string()).collect();
                write!(f, " steps {} hold {}", steps.join(","), TimeSpan(*hold))
            }
            Self::Drill { target, away, abort } => {
                write!(f, "{word} {target} {} abort-when {abort}", Percent::from(*away))
            }
        }
    }
}

impl fmt::Display for AbortRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alarm => f.write_str("alarm"),
            Self::Load(limit) => write!(f, "load>{}", Percent::of_fraction(*limit)),
            Self::ErrorRate(limit) => write!(f, "error_rate>{}", Percent::of_fraction(*limit)),
            Self::P95(limit) => write!(f, "p95>{}", TimeSpan(*limit)),
        }
    }
}

json_text!(AbortRule, json_schema!({ "type": "string" }));

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
            "capacity tokyo 150% at 2026-12-24T18:00:00.000Z",
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
        check("lift tokyo", "unknown intent `lift`");
        check("shift", "lacks a region");
        check("shift tokyo 101", "`101` is not a percentage from 0.01% to 100%");
        check("shift tokyo 0", "is not a percentage");
        check("shift tokyo NaN", "is not a percentage");
        check("shift tokyo/a/192.0.2.1", "only `force` takes one");
        check("shift tokyo/", "does not name a region");
        check("drain tokyo now", "`now` is too much");
        check("force tokyo auto", "`auto` lifts the intent");
        check("capacity tokyo 5000%", "from 1% to 1000%");
        check("weights api.example.com blue=1", "two to 8 different regions");
        check("weights api.example.com blue=1 blue=2", "two to 8 different regions");
        check("weights api.example.com blue=0 green=0", "some weight must be above 0");
        check("weights api.example.com blue=1 green=1 steps 50,10", "must grow");
        check("drill tokyo 10 abort-when moon", "is none of alarm");
    }
}
