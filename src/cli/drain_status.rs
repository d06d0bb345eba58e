//! `meridian drain-status`: when the last client may be gone from where an intent sends clients away.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;

use super::exit::FAILURE;
use super::output;
use super::server::ServerArgs;
use crate::admin::api::{ApiError, DrainStatus, IntentNumber, routes};
use crate::units::{Percent, TimeSpan};

/// The pause between two looks: what changes are seconds.
const PAUSE: Duration = Duration::from_secs(1);

/// Show when the last client may be gone from where an intent sends clients away
///
/// A resolver may keep an address for as long as the answer said that had it. This shows until when that is, by the
/// TTLs that were really given out; how much of the load has gone, where the region reports its load; and which
/// resolvers still get an address. A drain is over when no answer holds an address, that moment has passed, and less
/// than 1 % of load is reported. Exits with 0 when it is over, and with 1 when it is not. The server speaks for itself:
/// what other instances answer, and to which resolvers, it does not know.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The number of the intent, as `intents` shows it
    number: u64,

    /// Wait until it is over
    #[arg(long)]
    wait: bool,

    /// Wait for at most this time
    #[arg(long, value_name = "TIME", default_value = "30m")]
    timeout: TimeSpan,

    /// Print JSON
    #[arg(long, conflicts_with = "wait")]
    json: bool,

    #[command(flatten)]
    server: ServerArgs,
}

pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    let Args { number, wait: waits, timeout, json, server } = arguments;
    let is_over = if *waits {
        wait(server, timeout.0, || Ok(*number))?
    } else {
        let status = look(server, *number)?;
        match json {
            true => output::json(&status),
            false => output::text(written(&status)),
        }
        status.is_over
    };
    Ok(if is_over { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) })
}

/// Waits until the last client of an intent may be gone, and prints what it waits for. Returns whether it is over: not
/// when the time has passed, the intent has ended otherwise, or it never will be. `number` is asked before each look,
/// since another intent may take the place of the first, and its error ends the wait.
pub fn wait(
    server: &ServerArgs,
    timeout: Duration,
    mut number: impl FnMut() -> anyhow::Result<u64>,
) -> anyhow::Result<bool> {
    let start = Instant::now();
    let (mut said, mut has_answered) = (String::new(), false);
    loop {
        match look(server, number()?) {
            Ok(status) => {
                say(&mut said, news(&status), &line(&status));
                if let Some(is_over) = verdict(&status) {
                    return Ok(is_over);
                }
                has_answered = true;
            }
            Err(error) => match error.downcast_ref().map(|ApiError { status, .. }| *status) {
                Some(404) => {
                    output::complain(error);
                    return Ok(false);
                }
                // A server that is started anew goes on with the intent.
                None | Some(500..) if has_answered => {
                    say(&mut said, "silence".to_owned(), &format!("{error:#}; trying on"));
                }
                _ => bail!(error),
            },
        }
        if start.elapsed() >= timeout {
            output::complain(format_args!("it is not over after {}", TimeSpan(timeout)));
            return Ok(false);
        }
        thread::sleep(PAUSE.min(timeout.saturating_sub(start.elapsed())));
    }
}

fn look(server: &ServerArgs, number: u64) -> anyhow::Result<DrainStatus> {
    server.get(&routes::DRAIN_STATUS, &IntentNumber { number })
}

/// Returns whether it is over; `None`: it may yet be.
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

fn line(status: &DrainStatus) -> String {
    let moved = status.moved_share.map(|share| format!("; {} of its load has gone", Percent::rounded(share)));
    let resolvers = match status.resolvers.count {
        0 => String::new(),
        count => format!("; {count} resolvers were still sent there"),
    };
    let instance = if status.is_over { format!(" ({} alone)", status.instance) } else { String::new() };
    format!("{}{}{resolvers}{instance}", status.why, moved.unwrap_or_default())
}

fn written(status: &DrainStatus) -> String {
    let last = match (&status.last_lawful, status.seconds_left) {
        (Some(last), Some(left)) if left > 0.0 => format!("{last}, in {left:.0} s"),
        (Some(last), _) => format!("{last}, which has passed"),
        (None, _) => "not known while its addresses are given out".to_owned(),
    };
    let moved = status
        .moved_share
        .map_or_else(|| "not known".to_owned(), |share| Percent::rounded(share).to_string());
    let more = if status.resolvers.is_more { " or more" } else { "" };
    let mut lines = vec![
        format!("intent       {}: {}", status.intent, status.target),
        format!("instance     {} alone: other instances are not asked", status.instance),
        format!("over         {}: {}", if status.is_over { "yes" } else { "no" }, status.why),
        format!("last lawful  {last}"),
        format!("load moved   {moved}"),
        format!("resolvers    {}{more} were still sent there", status.resolvers.count),
    ];
    let busiest = status.resolvers.sample.iter();
    lines.extend(busiest.map(|one| format!("             {:>8}  {}", one.answers, one.resolver)));
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::api::{ResolverAnswers, ResolversLeft, Timestamp};
    use crate::moment::Moment;
    use crate::region::Target;

    fn status() -> DrainStatus {
        let resolver = ResolverAnswers { resolver: "192.0.2.53".to_owned(), answers: 12 };
        DrainStatus {
            intent: 7,
            instance: "ns1".to_owned(),
            target: Target::of_zone("tokyo", "tokyo-b"),
            last_lawful: Some(Timestamp(Moment(1_772_357_400_000))),
            seconds_left: Some(12.4),
            still_given_out: false,
            given_out: Vec::new(),
            static_names: Vec::new(),
            load: Some(0.2),
            moved_share: Some(0.75),
            resolvers: ResolversLeft { count: 1, is_more: false, sample: vec![resolver] },
            is_returning: false,
            is_over: false,
            why: "resolvers may keep those they have for 13s".to_owned(),
        }
    }

    #[test]
    fn a_status_reads_line_by_line() {
        let expected = "\
intent       7: tokyo/tokyo-b
instance     ns1 alone: other instances are not asked
over         no: resolvers may keep those they have for 13s
last lawful  2026-03-01T09:30:00.000Z, in 12 s
load moved   75%
resolvers    1 were still sent there
                   12  192.0.2.53
";
        assert_eq!(written(&status()), expected);
    }

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
