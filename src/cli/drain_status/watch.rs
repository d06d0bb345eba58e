//! Looks at a drain again and again, at all instances, until it is over at the last of them.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;

use super::joint::{DrainSight, joint};
use crate::admin::api::{ApiError, DrainStatus, IntentNumber, JointDrainStatus, routes};
use crate::cli::operator::NumberedIntent;
use crate::cli::output;
use crate::cli::server::{Instance, InstanceReply, ask_all};
use crate::units::{Percent, TimeSpan};

/// The pause between two looks: what changes are seconds.
const PAUSE: Duration = Duration::from_secs(1);

/// An intent at one instance.
#[derive(Clone, Debug)]
pub struct DrainHolder {
    pub instance: Instance,
    pub known_by: KnownBy,
    /// When the instance accepted it; `None`: that is not known here.
    pub accepted: Option<Instant>,
}

/// How an intent is told from others at an instance.
#[derive(Clone, Debug)]
pub enum KnownBy {
    Number(u64),
    /// All of it, as the commands write it.
    Words(String),
}

impl DrainHolder {
    /// Asks the instance for the progress.
    pub fn look(&self) -> anyhow::Result<DrainStatus> {
        let number = match &self.known_by {
            KnownBy::Number(number) => *number,
            KnownBy::Words(words) => {
                let intents = self.instance.look(&routes::INTENTS)?.intents;
                let intent = intents.into_iter().find(|intent| intent.intent == *words);
                let missing =
                    || ApiError::not_found(format!("no `{words}` is in force: it sends no clients away"));
                intent.ok_or_else(missing)?.number
            }
        };
        self.instance.get(&routes::DRAIN_STATUS, &IntentNumber { number })
    }
}

impl From<NumberedIntent> for DrainHolder {
    /// Returns the holder of an intent that its instance has just accepted.
    fn from(intent: NumberedIntent) -> Self {
        let NumberedIntent { instance, number } = intent;
        Self { instance, known_by: KnownBy::Number(number), accepted: Some(Instant::now()) }
    }
}

/// Waits until the last client of an intent may be gone from the last instance, and prints what it waits for. Returns
/// whether it is over: not when the time has passed, the intent has ended otherwise at an instance, or it never will be.
/// `holders` is asked before each look, since another intent may take the place of the first, and its error ends the wait.
pub fn wait(
    timeout: Duration,
    mut holders: impl FnMut() -> anyhow::Result<Vec<DrainHolder>>,
) -> anyhow::Result<bool> {
    let start = Instant::now();
    let mut watch = DrainWatch::default();
    loop {
        let holders = holders()?;
        watch.look(&holders)?;
        watch.tell();
        if let Some(is_over) = watch.verdict() {
            return Ok(is_over);
        }
        if start.elapsed() >= timeout {
            output::complain(format_args!("it is not over after {}", TimeSpan(timeout)));
            return Ok(false);
        }
        thread::sleep(PAUSE.min(timeout.saturating_sub(start.elapsed())));
    }
}

/// Looks once at several instances.
pub fn look_once(holders: &[DrainHolder]) -> anyhow::Result<JointDrainStatus> {
    let mut watch = DrainWatch::default();
    watch.look(holders)?;
    Ok(joint(&watch.sights, Instant::now()))
}

/// What was seen and said so far.
#[derive(Debug, Default)]
struct DrainWatch {
    /// By instance, in their order.
    sights: Vec<DrainSight>,
    /// What was last said of each instance, by its address.
    said: BTreeMap<String, String>,
}

impl DrainWatch {
    /// Asks all instances. A refusal is the error, and so is the silence of all that were never heard.
    fn look(&mut self, holders: &[DrainHolder]) -> anyhow::Result<()> {
        if self.sights.is_empty() {
            let sight = |holder: &DrainHolder| DrainSight::new(&holder.instance.address, holder.accepted);
            self.sights = holders.iter().map(sight).collect();
        }
        let instances: Vec<_> = holders.iter().map(|holder| holder.instance.clone()).collect();
        let replies = ask_all(&instances, |instance| {
            let holder = holders.iter().find(|holder| holder.instance.address == instance.address);
            holder.expect("each instance is that of a holder").look()
        });
        let now = Instant::now();
        let mut silence = None;
        for (sight, InstanceReply { address, answer }) in self.sights.iter_mut().zip(replies) {
            match answer {
                Ok(status) => {
                    (sight.status, sight.heard, sight.is_silent) = (Some(status), Some(now), false);
                    sight.ended = None;
                }
                Err(error) => match error.downcast_ref().map(|ApiError { status, .. }| *status) {
                    Some(404) => sight.ended = Some(error.to_string()),
                    // A server that is started anew goes on with the intent.
                    None | Some(500..) => {
                        sight.is_silent = true;
                        silence = Some(error);
                    }
                    Some(_) if instances.len() == 1 => bail!(error),
                    Some(_) => return Err(error.context(address)),
                },
            }
        }
        match silence {
            Some(error) if self.sights.iter().all(|sight| sight.is_silent && sight.heard.is_none()) => {
                Err(error)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Prints what is new of each instance, and of several how all stand together.
    fn tell(&mut self) {
        let joint = joint(&self.sights, Instant::now());
        let is_single = self.sights.len() == 1;
        for (sight, part) in self.sights.iter().zip(&joint.instances) {
            let label = if is_single { String::new() } else { format!("{}: ", part.instance) };
            let said = self.said.entry(part.instance.clone()).or_default();
            match &sight.status {
                _ if sight.ended.is_some() => output::complain(format_args!("{label}{}", part.why)),
                Some(status) if sight.is_seen() => {
                    say(said, news(status), &format!("{label}{}", line(status, is_single)));
                }
                Some(_) | None => {
                    let news = format!("silent {} {}", part.is_over, part.seconds_left.is_some());
                    say(said, news, &format!("{label}{}", part.why));
                }
            }
        }
        if !is_single && joint.is_over {
            output::progress(&joint.why);
        }
    }

    /// Returns whether it is over; `None`: it may yet be.
    fn verdict(&self) -> Option<bool> {
        for sight in &self.sights {
            if sight.ended.is_some() {
                return Some(false);
            }
            let status = sight.status.as_ref().filter(|_| !sight.is_silent);
            if status.is_some_and(|status| verdict(status) == Some(false)) {
                return Some(false);
            }
        }
        joint(&self.sights, Instant::now()).is_over.then_some(true)
    }
}

/// Returns whether it is over at an instance; `None`: it may yet be.
fn verdict(status: &DrainStatus) -> Option<bool> {
    let is_for_ever = status.still_given_out && status.given_out.is_empty();
    match status.is_over {
        true => Some(true),
        false => (status.is_returning || is_for_ever).then_some(false),
    }
}

/// Prints a line, unless there is nothing new.
fn say(said: &mut String, news: String, line: &str) {
    if *said != news {
        output::progress(line);
        *said = news;
    }
}

/// Returns what makes a line worth printing: not each second that passes.
fn news(status: &DrainStatus) -> String {
    let DrainStatus { given_out, last_lawful, is_over, is_returning, resolvers, moved_share, .. } = status;
    let has_passed = status.seconds_left.is_some_and(|left| left <= 0.0);
    // Tenths: a load is never still.
    let moved = moved_share.map(|share| (share * 10.0).round());
    format!(
        "{given_out:?} {last_lawful:?} {has_passed} {is_over} {is_returning} {moved:?} {}",
        resolvers.count
    )
}

fn line(status: &DrainStatus, is_single: bool) -> String {
    let moved = status.moved_share.map(|share| format!("; {} of its load has gone", Percent::rounded(share)));
    let resolvers = match status.resolvers.count {
        0 => String::new(),
        count => format!("; {count} resolvers were still sent there"),
    };
    let instance = match status.is_over && is_single {
        true => format!(" ({} alone)", status.instance),
        false => String::new(),
    };
    format!("{}{}{resolvers}{instance}", status.why, moved.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::drain_status::tests::status;

    #[test]
    fn a_second_that_passes_is_no_news_and_the_last_one_is() {
        let before = news(&status());
        assert_eq!(news(&DrainStatus { seconds_left: Some(11.4), ..status() }), before);
        assert_ne!(news(&DrainStatus { seconds_left: Some(0.0), ..status() }), before);
    }

    #[test]
    fn waiting_ends_when_it_is_over_when_clients_come_back_and_when_it_never_will_be() {
        assert_eq!(verdict(&status()), None);
        assert_eq!(verdict(&DrainStatus { is_over: true, ..status() }), Some(true));
        assert_eq!(verdict(&DrainStatus { is_returning: true, ..status() }), Some(false));
        let given =
            DrainStatus { still_given_out: true, given_out: vec!["192.0.2.1".to_owned()], ..status() };
        assert_eq!(verdict(&given), None);
        assert_eq!(verdict(&DrainStatus { given_out: Vec::new(), ..given }), Some(false));
    }
}
