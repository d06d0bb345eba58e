//! `meridian drain-status`: when the last client may be gone from where an intent sends clients away.

pub mod joint;
mod watch;

use std::process::ExitCode;

use anyhow::ensure;

use super::exit::FAILURE;
use super::output;
use super::reading;
use super::server::{Instance, ServerArgs, ask_all};
use super::undo;
use crate::admin::api::{DrainStatus, InstanceDrainStatus, JointDrainStatus, routes};
use crate::units::{Percent, TimeSpan};
pub use watch::{DrainHolder, KnownBy, wait};

/// Show when the last client may be gone from where an intent sends clients away
///
/// A resolver may keep an address for as long as the answer said that had it. This shows until when that is, by the
/// TTLs that were really given out; how much of the load has gone, where the region reports its load; and which
/// resolvers still get an address. A drain is over when no answer holds an address, that moment has passed, and less
/// than 1 % of load is reported. Exits with 0 when it is over, and with 1 when it is not.
///
/// It speaks for the instances that are asked, and for no other. Of several the last one counts; one that cannot be asked
/// counts as if it had given addresses out until it was last heard, and one that was never heard as if it did so now.
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
    let holders = holders(*number, &server.instances()?)?;
    let is_over = match (&holders[..], *waits) {
        (_, true) => wait(timeout.0, || Ok(holders.clone()))?,
        ([holder], false) => {
            let status = holder.look()?;
            match json {
                true => output::json(&status),
                false => output::text(written(&status)),
            }
            status.is_over
        }
        (_, false) => {
            let joint = watch::look_once(&holders)?;
            match json {
                true => output::json(&joint),
                false => output::text(jointly_written(&joint)),
            }
            joint.is_over
        }
    };
    Ok(if is_over { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) })
}

/// Returns the intent with this number as each instance knows it: a single one by the number, several by the words.
fn holders(number: u64, instances: &[Instance]) -> anyhow::Result<Vec<DrainHolder>> {
    let known_by = match instances {
        [_] => KnownBy::Number(number),
        several => {
            let lists = ask_all(several, |instance| instance.look(&routes::INTENTS));
            // Of those that cannot be asked now the wait will tell; without any there are no words.
            ensure!(reading::some_answered(&lists), "none of the instances can be asked");
            KnownBy::Words(undo::words(number, &lists)?)
        }
    };
    let holder = |instance: &Instance| DrainHolder {
        instance: instance.clone(),
        known_by: known_by.clone(),
        accepted: None,
    };
    Ok(instances.iter().map(holder).collect())
}

fn written(status: &DrainStatus) -> String {
    let mut lines = vec![
        format!("intent       {}: {}", status.intent, status.target),
        format!("instance     {} alone: other instances are not asked", status.instance),
    ];
    lines.extend(facts(status));
    lines.join("\n") + "\n"
}

/// Writes the progress over several instances: first of all together, then of each.
fn jointly_written(joint: &JointDrainStatus) -> String {
    let JointDrainStatus { is_over, seconds_left, why, instances } = joint;
    let names: Vec<_> = instances.iter().map(|part| part.instance.as_str()).collect();
    let last = match seconds_left {
        Some(left) if *left > 0.0 => format!("in {left:.0} s, at the last of them"),
        Some(_) => "has passed at all of them".to_owned(),
        None => "not known while one of them gives addresses out, or may do so".to_owned(),
    };
    let mut lines = vec![
        format!("instances    {}: others are not asked", names.join(", ")),
        format!("over         {}: {why}", if *is_over { "yes" } else { "no" }),
        format!("last lawful  {last}"),
    ];
    for InstanceDrainStatus { instance, is_over, silent_seconds, why, status, .. } in instances {
        let over = format!("over         {}: {why}", if *is_over { "yes" } else { "no" });
        match status.as_ref().filter(|_| silent_seconds.is_none()) {
            None => lines.extend([String::new(), format!("instance     {instance}"), over]),
            Some(status) => {
                lines.extend([String::new(), format!("instance     {instance} ({})", status.instance)]);
                lines.push(format!("intent       {}: {}", status.intent, status.target));
                lines.extend(facts(status));
            }
        }
    }
    lines.join("\n") + "\n"
}

/// Writes what an instance says of a drain.
fn facts(status: &DrainStatus) -> Vec<String> {
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
        format!("over         {}: {}", if status.is_over { "yes" } else { "no" }, status.why),
        format!("last lawful  {last}"),
        format!("load moved   {moved}"),
        format!("resolvers    {}{more} were still sent there", status.resolvers.count),
    ];
    let busiest = status.resolvers.sample.iter();
    lines.extend(busiest.map(|one| format!("             {:>8}  {}", one.answers, one.resolver)));
    lines
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::admin::api::{ResolverAnswers, ResolversLeft, Timestamp};
    use crate::moment::Moment;
    use crate::region::Target;

    pub(crate) fn status() -> DrainStatus {
        let resolver = ResolverAnswers { resolver: "192.0.2.53".to_owned(), answers: 12 };
        DrainStatus {
            intent: 7,
            instance: "ns1".to_owned(),
            target: Target::of_zone("tokyo", "tokyo-b"),
            last_lawful: Some(Timestamp(Moment(1_772_357_400_000))),
            seconds_left: Some(12.4),
            longest_seconds: 30.0,
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
}
