//! `meridian receipt`: when the last client may be gone from where an intent sends clients away.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;
use reqwest::StatusCode;

use super::FAILURE;
use super::server::Server;
use crate::admin::drain_status::Receipt;
use crate::admin::intents::Refused;
use crate::moment::Time;

/// The pause between two looks: what changes are seconds.
const PAUSE: Duration = Duration::from_secs(1);

/// Show when the last client may be gone from where an intent sends clients away
///
/// A resolver may keep an address for as long as the answer said that had it. The receipt says until when that is, by the
/// TTLs that were really given out; how much of the load has gone, where the region reports its load; and which
/// resolvers still get an address. It is over when no answer holds one, that moment has passed, and less than 1 % of
/// load is reported. Exits with 0 when it is over, and with 1 when it is not.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The number of the intent, as `intents` shows it
    number: u64,

    /// Wait until it is over
    #[arg(long)]
    wait: bool,

    /// For how long to wait
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = time)]
    timeout: Duration,

    /// Print JSON
    #[arg(long, conflicts_with = "wait")]
    json: bool,

    #[command(flatten)]
    server: Server,
}

/// Runs the command.
///
/// # Errors
///
/// When the server cannot be asked, or the intent is not in force or sends nobody away.
pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    let Args { number, wait: waits, timeout, json, server } = arguments;
    let is_over = if *waits {
        wait(server, *number, *timeout)?
    } else {
        let receipt = match look(server, *number)? {
            Seen::Receipt(receipt) => receipt,
            Seen::Gone(sentence) | Seen::Silence(sentence) => bail!("{sentence}"),
        };
        match json {
            true => println!("{}", serde_json::to_string_pretty(&receipt)?),
            false => print!("{}", told(&receipt)),
        }
        receipt.is_over
    };
    Ok(if is_over { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) })
}

/// Waits until an intent's last client may be gone, and says what there is to wait for. Returns whether it is over:
/// not when the time has passed, the intent has ended otherwise, or it never will be.
///
/// # Errors
///
/// When the server cannot be asked at all, or the intent sends nobody away.
pub fn wait(server: &Server, number: u64, timeout: Duration) -> anyhow::Result<bool> {
    wait_for(server, timeout, || Ok(number))
}

/// Waits as [`wait`] does for an intent that another may take the place of: `number` is asked before each look, and
/// its error ends the wait.
///
/// # Errors
///
/// As [`wait`], and those of `number`.
pub(super) fn wait_for(
    server: &Server,
    timeout: Duration,
    mut number: impl FnMut() -> anyhow::Result<u64>,
) -> anyhow::Result<bool> {
    let start = Instant::now();
    let (mut said, mut has_answered) = (String::new(), false);
    loop {
        match look(server, number()?)? {
            Seen::Receipt(receipt) => {
                say(&mut said, news(&receipt), &line(&receipt));
                if let Some(is_over) = verdict(&receipt) {
                    return Ok(is_over);
                }
                has_answered = true;
            }
            Seen::Gone(sentence) => {
                eprintln!("meridian: {sentence}");
                return Ok(false);
            }
            // A server that is started anew goes on with the intent.
            Seen::Silence(sentence) if has_answered => {
                say(&mut said, "silence".to_owned(), &format!("{sentence}; trying on"));
            }
            Seen::Silence(sentence) => bail!("{sentence}"),
        }
        if start.elapsed() >= timeout {
            eprintln!("meridian: it is not over after {}", Time(timeout));
            return Ok(false);
        }
        thread::sleep(PAUSE.min(timeout.saturating_sub(start.elapsed())));
    }
}

/// What a look at a receipt shows.
enum Seen {
    Receipt(Box<Receipt>),
    /// The intent is not in force.
    Gone(String),
    /// Nobody answers now.
    Silence(String),
}

fn look(server: &Server, number: u64) -> anyhow::Result<Seen> {
    let path = ["intents", &number.to_string(), "receipt"];
    let (status, text) = match server.reply(&path, |client, url| client.get(url)) {
        Ok(reply) => reply,
        Err(error) => return Ok(Seen::Silence(format!("{error:#}"))),
    };
    let sentence = || {
        serde_json::from_str(&text).map_or_else(|_| text.trim_end().to_owned(), |Refused { error, .. }| error)
    };
    match status {
        StatusCode::NOT_FOUND => Ok(Seen::Gone(sentence())),
        status if status.is_server_error() => Ok(Seen::Silence(sentence())),
        status if status.is_success() => Ok(Seen::Receipt(Box::new(serde_json::from_str(&text)?))),
        _ => bail!("{}", sentence()),
    }
}

/// Returns whether it is over; `None`: it may yet be.
fn verdict(receipt: &Receipt) -> Option<bool> {
    let is_for_ever = receipt.still_given_out && receipt.given_out.is_empty();
    match receipt.is_over {
        true => Some(true),
        false => (receipt.is_returning || is_for_ever).then_some(false),
    }
}

/// Says something on a line of its own, unless nothing is new.
fn say(said: &mut String, news: String, line: &str) {
    if *said != news {
        println!("{line}");
        *said = news;
    }
}

/// Returns what makes a line worth saying: not each second that passes.
fn news(receipt: &Receipt) -> String {
    let Receipt { given_out, last_lawful, is_over, is_returning, resolvers, moved_share, .. } = receipt;
    let has_passed = receipt.seconds_left.is_some_and(|left| left <= 0.0);
    // Tenths: a load is never still.
    let moved = moved_share.map(|share| (share * 10.0).round());
    format!(
        "{given_out:?} {last_lawful:?} {has_passed} {is_over} {is_returning} {moved:?} {}",
        resolvers.count
    )
}

fn line(receipt: &Receipt) -> String {
    let moved = receipt.moved_share.map(|share| format!("; {:.0} % of its load has gone", share * 100.0));
    let resolvers = match receipt.resolvers.count {
        0 => String::new(),
        count => format!("; {count} resolvers were still sent there"),
    };
    format!("{}{}{resolvers}", receipt.why, moved.unwrap_or_default())
}

fn told(receipt: &Receipt) -> String {
    let zone = receipt.zone.as_ref().map_or_else(String::new, |zone| format!("/{zone}"));
    let last = match (&receipt.last_lawful, receipt.seconds_left) {
        (Some(last), Some(left)) if left > 0.0 => format!("{last}, in {left:.0} s"),
        (Some(last), _) => format!("{last}, which has passed"),
        (None, _) => "not known while its addresses are given out".to_owned(),
    };
    let moved =
        receipt.moved_share.map_or_else(|| "not known".to_owned(), |share| format!("{:.0} %", share * 100.0));
    let more = if receipt.resolvers.is_more { " or more" } else { "" };
    let mut lines = vec![
        format!("intent       {}: {}{zone}", receipt.intent, receipt.region),
        format!("over         {}: {}", if receipt.is_over { "yes" } else { "no" }, receipt.why),
        format!("last lawful  {last}"),
        format!("load moved   {moved}"),
        format!("resolvers    {}{more} were still sent there", receipt.resolvers.count),
    ];
    let busiest = receipt.resolvers.sample.iter();
    lines.extend(busiest.map(|one| format!("             {:>8}  {}", one.answers, one.resolver)));
    lines.join("\n") + "\n"
}

/// Reads a time for clap.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    Time::parse(text).map(|time| time.0).ok_or_else(|| "write a time such as 30m or 1h30m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::drain_status::{Resolver, Resolvers};

    fn receipt() -> Receipt {
        let resolver = Resolver { resolver: "192.0.2.53".to_owned(), answers: 12 };
        Receipt {
            intent: 7,
            region: "tokyo".to_owned(),
            zone: Some("tokyo-b".to_owned()),
            last_lawful: Some("2026-03-01T09:30:00Z".to_owned()),
            seconds_left: Some(12.4),
            still_given_out: false,
            given_out: Vec::new(),
            static_names: Vec::new(),
            load: Some(0.2),
            moved_share: Some(0.75),
            resolvers: Resolvers { count: 1, is_more: false, sample: vec![resolver] },
            is_returning: false,
            is_over: false,
            why: "resolvers may keep those they have for 13s".to_owned(),
        }
    }

    #[test]
    fn a_receipt_reads_line_by_line() {
        let expected = "\
intent       7: tokyo/tokyo-b
over         no: resolvers may keep those they have for 13s
last lawful  2026-03-01T09:30:00Z, in 12 s
load moved   75 %
resolvers    1 were still sent there
                   12  192.0.2.53
";
        assert_eq!(told(&receipt()), expected);
    }

    #[test]
    fn a_second_that_passes_is_no_news_and_the_last_one_is() {
        let before = news(&receipt());
        assert_eq!(news(&Receipt { seconds_left: Some(11.4), ..receipt() }), before);
        assert_ne!(news(&Receipt { seconds_left: Some(0.0), ..receipt() }), before);
    }

    #[test]
    fn waiting_ends_when_it_is_over_when_clients_come_back_and_when_it_never_will_be() {
        assert_eq!(verdict(&receipt()), None);
        assert_eq!(verdict(&Receipt { is_over: true, ..receipt() }), Some(true));
        assert_eq!(verdict(&Receipt { is_returning: true, ..receipt() }), Some(false));
        let given = Receipt { still_given_out: true, given_out: vec!["192.0.2.1".to_owned()], ..receipt() };
        assert_eq!(verdict(&given), None);
        assert_eq!(verdict(&Receipt { given_out: Vec::new(), ..given }), Some(false));
    }
}
