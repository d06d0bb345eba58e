//! The commands for intents: each writes one wish and asks the running server for it.
//!
//! What is right or wrong with a wish is known to the server alone; here it is only put into words.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::{Args, ValueEnum};
use reqwest::{Client, RequestBuilder, Url};

use super::server::{Server, author};
use super::{FAILURE, drain_status};
use crate::admin::access::AUTHOR;
use crate::admin::intents::{Because, Intents, Refused, Told, Wanted};
use crate::region::Target;

/// Who asks, and which server.
#[derive(Clone, Debug, Args)]
pub struct Who {
    /// Who says so, for the server's log, besides the name of the token; without it, $USER
    #[arg(long, value_name = "NAME")]
    author: Option<String>,

    #[command(flatten)]
    pub server: Server,
}

/// Why something is wanted, and how carefully.
#[derive(Clone, Debug, Args)]
pub struct Terms {
    /// Why, for everybody who looks later
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// Say what would happen, and do nothing
    #[arg(long)]
    dry_run: bool,

    /// Break this rule on purpose, for at most 4h: no_region, min_in_service, hard_limit, one_at_a_time
    #[arg(long = "override", value_name = "RULE")]
    overrides: Vec<String>,

    #[command(flatten)]
    pub who: Who,
}

/// Send clients of a region or availability zone elsewhere
///
/// The share is a set of /24s (IPv6: /48s) that is the same on every instance. When the time is over, or with
/// `unshift`, they come back by the ramp of the region, if it is well and has room; else they stay away, and the
/// server says so.
#[derive(Debug, Args)]
pub struct Shift {
    /// REGION or REGION/AZ
    target: Target,

    /// How many percent of its clients go elsewhere
    #[arg(long, default_value = "100", value_name = "N")]
    percent: String,

    /// For how long, 1m to 72h
    #[arg(long = "for", value_name = "TIME", default_value = "2h")]
    lasts: String,

    #[command(flatten)]
    terms: Terms,
}

/// Send all clients of a region or availability zone elsewhere, and know when the last one is gone
#[derive(Debug, Args)]
pub struct Drain {
    /// REGION or REGION/AZ
    pub target: Target,

    /// For how long, 1m to 72h
    #[arg(long = "for", value_name = "TIME", default_value = "2h")]
    lasts: String,

    /// Wait until no resolver may lawfully send anybody there; exit 1 when that is not reached in time
    #[arg(long, conflicts_with = "dry_run")]
    wait: bool,

    /// How long to wait
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = drain_status::time, requires = "wait")]
    timeout: Duration,

    #[command(flatten)]
    pub terms: Terms,
}

/// Take a region or availability zone out of every answer, even of those that fail open
#[derive(Debug, Args)]
pub struct Disable {
    /// REGION or REGION/AZ
    target: Target,

    /// For how long, 1m to 72h; without it, until `enable`
    #[arg(long = "for", value_name = "TIME")]
    lasts: Option<String>,

    #[command(flatten)]
    terms: Terms,
}

/// Take a region, availability zone or address for up or down, whatever its canaries say
///
/// What the canaries say is kept: `auto` shows it again.
#[derive(Debug, Args)]
pub struct Force {
    /// REGION, REGION/AZ or REGION/AZ/ADDRESS
    target: Target,

    /// As what it counts; `auto` ends it
    forced: Forced,

    /// For how long, 1m to 72h
    #[arg(long = "for", value_name = "TIME", default_value = "6h")]
    lasts: String,

    /// Why, for everybody who looks later; `auto` needs none
    #[arg(long, value_name = "TEXT", required_if_eq_any([("forced", "up"), ("forced", "down")]))]
    reason: Option<String>,

    /// Say what would happen, and do nothing
    #[arg(long)]
    dry_run: bool,

    /// Break this rule on purpose, for at most 4h: no_region, min_in_service, hard_limit
    #[arg(long = "override", value_name = "RULE")]
    overrides: Vec<String>,

    #[command(flatten)]
    who: Who,
}

/// As what something counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Forced {
    Up,
    Down,
    Auto,
}

/// Say what the machine may do about regions that should leave
///
/// `auto`: it acts. `advise`: it says what it would do, for somebody to `approve`. `off`: not even that.
#[derive(Debug, Args)]
pub struct Failover {
    /// What
    #[arg(value_parser = ["auto", "advise", "off"])]
    mode: String,

    /// Of this region only
    #[arg(long, value_name = "REGION")]
    region: Option<String>,

    /// For how long, 1m to 72h; without it, until `lift`
    #[arg(long = "for", value_name = "TIME")]
    lasts: Option<String>,

    #[command(flatten)]
    terms: Terms,
}

/// Say how much of its configured capacity a region has
#[derive(Debug, Args)]
pub struct Capacity {
    /// The region
    region: String,

    /// In percent of what the configuration says, 1% to 1000%
    percent: String,

    /// For how long, 1m to 72h
    #[arg(long = "for", value_name = "TIME", default_value = "6h")]
    lasts: String,

    #[command(flatten)]
    terms: Terms,
}

/// Divide the clients of a name between regions: blue and green
///
/// Clients whose way leads to one of the regions are divided between those of them that are in service and
/// permitted, by sets of /24s. With --steps the last region named goes up step by step, while the gates of its
/// ramp are open; a step back at the first closed gate, and no further after the second.
#[derive(Debug, Args)]
pub struct Weights {
    /// The steered name
    name: String,

    /// REGION=N, two to eight of them
    #[arg(value_name = "REGION=N", num_args = 2.., required = true)]
    members: Vec<String>,

    /// The shares of the last region on its way up, such as 10,50,100
    #[arg(long, value_name = "P,P,…")]
    steps: Option<String>,

    /// How long each step is held
    #[arg(long, value_name = "TIME", requires = "steps", default_value = "10m")]
    hold: String,

    #[command(flatten)]
    terms: Terms,
}

/// End what was asked for about a region or availability zone
///
/// Its clients come back by the ramp of the region, if it is well and has room.
#[derive(Debug, Args)]
pub struct Undo {
    /// REGION or REGION/AZ
    target: Target,

    /// Bring its clients back at once
    #[arg(long)]
    at_once: bool,

    #[command(flatten)]
    who: Who,
}

/// End an intent by its number
#[derive(Debug, Args)]
pub struct Lift {
    /// Its number, as `intents` shows it
    number: u64,

    /// Bring its clients back at once
    #[arg(long)]
    at_once: bool,

    #[command(flatten)]
    who: Who,
}

/// Let the machine do what it advises
#[derive(Debug, Args)]
pub struct Approve {
    /// The number of the proposal, as `intents` shows it
    number: u64,

    /// Why, for everybody who looks later
    #[arg(long, value_name = "TEXT")]
    reason: String,

    #[command(flatten)]
    who: Who,
}

/// Show the intents in force, and what the machine advises
#[derive(Debug, Args)]
pub struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    server: Server,
}

/// Runs `shift`.
///
/// # Errors
///
/// When the server cannot be asked; what it refuses is the command's result. So with all of them.
pub fn shift(Shift { target, percent, lasts, terms }: &Shift) -> anyhow::Result<ExitCode> {
    terms.want(format!("shift {target} {percent}"), Some(lasts.clone()))
}

/// Runs `drain`.
///
/// # Errors
///
/// As [`shift`].
pub fn drain(Drain { target, lasts, wait, timeout, terms }: &Drain) -> anyhow::Result<ExitCode> {
    let answer = terms.ask(format!("drain {target}"), Some(lasts.clone()))?;
    let number = answer.as_ref().ok().and_then(|told| told.intent.as_ref()).map(|intent| intent.number);
    let done = told(answer, terms.dry_run)?;
    match number.filter(|_| *wait) {
        Some(number) if !drain_status::wait(&terms.who.server, number, *timeout)? => {
            Ok(ExitCode::from(FAILURE))
        }
        Some(_) | None => Ok(done),
    }
}

/// Runs `disable`.
///
/// # Errors
///
/// As [`shift`].
pub fn disable(Disable { target, lasts, terms }: &Disable) -> anyhow::Result<ExitCode> {
    terms.want(format!("disable {target}"), lasts.clone())
}

/// Runs `force`.
///
/// # Errors
///
/// As [`shift`].
pub fn force(arguments: &Force) -> anyhow::Result<ExitCode> {
    let Force { target, forced, lasts, reason, dry_run, overrides, who } = arguments;
    let word = match forced {
        Forced::Auto => return who.undo("force", target, false),
        Forced::Up => "up",
        Forced::Down => "down",
    };
    let reason = reason.clone().unwrap_or_default();
    let terms = Terms { reason, dry_run: *dry_run, overrides: overrides.clone(), who: who.clone() };
    terms.want(format!("force {target} {word}"), Some(lasts.clone()))
}

/// Runs `failover`.
///
/// # Errors
///
/// As [`shift`].
pub fn failover(Failover { mode, region, lasts, terms }: &Failover) -> anyhow::Result<ExitCode> {
    let region = region.as_ref().map_or_else(String::new, |region| format!(" {region}"));
    terms.want(format!("failover {mode}{region}"), lasts.clone())
}

/// Runs `capacity`.
///
/// # Errors
///
/// As [`shift`].
pub fn capacity(Capacity { region, percent, lasts, terms }: &Capacity) -> anyhow::Result<ExitCode> {
    terms.want(format!("capacity {region} {percent}"), Some(lasts.clone()))
}

/// Runs `weights`.
///
/// # Errors
///
/// As [`shift`].
pub fn weights(Weights { name, members, steps, hold, terms }: &Weights) -> anyhow::Result<ExitCode> {
    let steps = steps.as_ref().map_or_else(String::new, |steps| format!(" steps {steps} hold {hold}"));
    terms.want(format!("weights {name} {}{steps}", members.join(" ")), None)
}

/// Runs `unshift`, `undrain` and `enable`, which end what `word` asked for.
///
/// # Errors
///
/// As [`shift`], and when there is nothing to end.
pub fn undo(word: &str, Undo { target, at_once, who }: &Undo) -> anyhow::Result<ExitCode> {
    who.undo(word, target, *at_once)
}

/// Runs `lift`.
///
/// # Errors
///
/// As [`shift`].
pub fn lift(Lift { number, at_once, who }: &Lift) -> anyhow::Result<ExitCode> {
    who.lift(*number, *at_once)
}

/// Runs `approve`.
///
/// # Errors
///
/// As [`shift`].
pub fn approve(Approve { number, reason, who }: &Approve) -> anyhow::Result<ExitCode> {
    let because = Because { reason: reason.clone() };
    let path = ["proposals", &number.to_string(), "approve"];
    told(who.ask(&path, |client, url| client.post(url).json(&because))?, false)
}

/// Runs `intents`.
///
/// # Errors
///
/// When the server cannot be asked.
pub fn list(List { json, server }: &List) -> anyhow::Result<ExitCode> {
    let text = server.ask(&["intents"], |client, url| client.get(url))?;
    if *json {
        println!("{}", text.trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    let Intents { intents, proposals } = serde_json::from_str(&text)?;
    if intents.is_empty() && proposals.is_empty() {
        println!("nothing is asked for, and nothing is advised");
    }
    for intent in &intents {
        println!("{:>5}  {:9}  {}", intent.number, intent.state, intent.text);
        intent.why.iter().for_each(|why| println!("                  clients stay away: {why}"));
    }
    for proposal in &proposals {
        let (number, region) = (proposal.number, &proposal.region);
        println!(
            "{number:>5}  advised    {region} leaves; `meridian approve {number}` lets it, since {}",
            proposal.at
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// What the server answered.
type Answer = Result<Told, Refused>;

impl Terms {
    /// Asks for a wish, and returns what the server answers.
    ///
    /// # Errors
    ///
    /// When the server cannot be asked.
    pub fn ask(&self, wish: String, lasts: Option<String>) -> anyhow::Result<Answer> {
        let (reason, overrides) = (self.reason.clone(), self.overrides.clone());
        let wanted = Wanted { intent: wish, lasts, reason, overrides, dry_run: self.dry_run };
        self.who.ask(&["intents"], |client, url| client.post(url).json(&wanted))
    }

    /// Returns whether only to say what would happen.
    pub fn is_trial(&self) -> bool {
        self.dry_run
    }

    /// Returns whether a rule is broken on purpose.
    pub fn is_breaking(&self) -> bool {
        !self.overrides.is_empty()
    }

    /// Asks for a wish, and prints what becomes of it.
    fn want(&self, wish: String, lasts: Option<String>) -> anyhow::Result<ExitCode> {
        told(self.ask(wish, lasts)?, self.dry_run)
    }
}

impl Who {
    /// Asks for a change.
    ///
    /// # Errors
    ///
    /// When the server cannot be asked, or with its sentence when somebody may not ask.
    pub fn ask(
        &self,
        path: &[&str],
        request: impl FnOnce(&Client, Url) -> RequestBuilder,
    ) -> anyhow::Result<Answer> {
        let author = author(self.author.as_deref())?;
        let (status, text) = self.server.reply(path, |client, url| match author {
            Some(author) => request(client, url).header(AUTHOR, author),
            None => request(client, url),
        })?;
        if status.is_success() {
            return Ok(Ok(serde_json::from_str(&text)?));
        }
        match serde_json::from_str(&text) {
            Ok(refused) => Ok(Err(refused)),
            // Who may not ask is told in plain text.
            Err(_) => bail!("{}", text.trim_end()),
        }
    }

    fn lift(&self, number: u64, is_at_once: bool) -> anyhow::Result<ExitCode> {
        let query: &[(&str, &str)] = if is_at_once { &[("at_once", "true")] } else { &[] };
        let path = ["intents", &number.to_string()];
        told(self.ask(&path, |client, url| client.delete(url).query(query))?, false)
    }

    /// Ends what this word asked for about a place.
    fn undo(&self, word: &str, target: &Target, is_at_once: bool) -> anyhow::Result<ExitCode> {
        let text = self.server.ask(&["intents"], |client, url| client.get(url))?;
        let Intents { intents, .. } = serde_json::from_str(&text)?;
        let about = |intent: &crate::admin::intents::Intent| {
            let parts = [&intent.region, &intent.zone, &intent.address];
            parts.into_iter().flatten().cloned().collect::<Vec<_>>().join("/")
        };
        match intents.iter().find(|intent| intent.kind == word && about(intent) == target.to_string()) {
            Some(intent) => self.lift(intent.number, is_at_once),
            None => bail!("no `{word} {target}` is in force; `meridian intents` shows what is"),
        }
    }
}

/// Prints an answer: what was done, or why not.
pub fn told(answer: Answer, is_trial: bool) -> anyhow::Result<ExitCode> {
    match answer {
        Ok(Told { text, prediction, violations, .. }) => {
            if is_trial {
                prediction.iter().for_each(|prediction| println!("{}\n", prediction.trim_end()));
            }
            violations.iter().for_each(|one| println!("it breaks {}: {}", one.rule, one.sentence));
            println!("{text}");
            Ok(if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) })
        }
        Err(Refused { error, prediction, .. }) => {
            prediction.iter().for_each(|prediction| eprintln!("{}\n", prediction.trim_end()));
            eprintln!("meridian: {error}");
            Ok(ExitCode::from(FAILURE))
        }
    }
}
