//! From the words after a target to what it does or says of itself.

use super::fault::{Fault, own_fault_word};
use super::line::{Word, Words};
use super::scenario::{Act, Mistake, StateFile};
use super::vitals::{self, Vital};
use crate::canary::{BlindCause, Signal};
use crate::intent::{InvalidAction, Request};
use crate::units::{Percent, TimeSpan};

/// The author of every request in a scenario.
pub const OPERATOR: &str = "operator";

const FAULTS: [&str; 11] =
    ["ok", "refuse", "reset", "timeout", "tls", "status", "body", "dns", "slow", "loss", "gray"];

/// What may stand after a target, for the mistake that nothing does.
const WHAT_HAPPENS: &str = "what happens there: ok, refuse, reset, timeout, tls, status 503, body, dns, slow 3s, loss 3%, gray, \
                            load 85%";

/// Reads what a target does or says of itself.
pub fn fault_or_signal(target: &Word<'_>, line: &mut Words<'_>) -> Result<Act, Mistake> {
    let target = target.target()?;
    let word = line.take(WHAT_HAPPENS)?;
    let fault = match word.text {
        "ok" => Fault::Ok,
        "refuse" => Fault::Refuse,
        "reset" => Fault::Reset,
        "timeout" => Fault::Timeout,
        "status" => Fault::Status(line.parse("an HTTP status such as 503")?),
        "slow" => slow(line)?,
        "tls" => Fault::Tls,
        "body" => Fault::Body,
        "dns" if target.zone().is_none() => Fault::Dns,
        "dns" => {
            let hint = format!("write `{} dns`; canaries with `probe: region` see it", target.region());
            return Err(word.wrong("happens to a region, whose name is looked up", Some(hint)));
        }
        "loss" => Fault::Loss(loss(line)?),
        "gray" => Fault::Gray,
        other => {
            let known: Vec<_> = FAULTS.into_iter().chain(vitals::words()).collect();
            let unknown = || word.unknown("something that an address does or says", &known);
            let signal = vitals::signal(other).ok_or_else(unknown)?;
            return Ok(Act::Signal(target, signal, vital(signal, line)?));
        }
    };
    Ok(Act::Fault(target, fault))
}

/// Reads when the first byte of an answer comes, and when the whole: as soon, unless the scenario says otherwise.
fn slow(line: &mut Words<'_>) -> Result<Fault, Mistake> {
    let first = line.time()?;
    if line.next_if("whole").is_none() {
        return Ok(Fault::Slow { first, whole: first });
    }
    let next = line.peek();
    let whole = line.time()?;
    match next.filter(|_| whole < first) {
        None => Ok(Fault::Slow { first, whole }),
        Some(word) => {
            let hint = format!("the first byte comes after {}", TimeSpan(first));
            Err(word.wrong("is before the first byte", Some(hint)))
        }
    }
}

/// Reads which part of the probes gets no answer.
fn loss(line: &mut Words<'_>) -> Result<Percent, Mistake> {
    let next = line.peek();
    let part = line.fraction()?;
    match next.filter(|_| part > 1.0) {
        None => Ok(Percent::of_fraction(part)),
        Some(word) => {
            Err(word.wrong("is more than all probes", Some("loss goes from 0% to 100%".to_owned())))
        }
    }
}

/// Reads what keeps the instance itself from probing.
pub fn own_fault(line: &mut Words<'_>) -> Result<Option<BlindCause>, Mistake> {
    let word = line.take("what this instance lacks: ok, no-ipv6, no-route, out-of-descriptors")?;
    if word.text == "ok" {
        return Ok(None);
    }
    let cause = BlindCause::ALL.into_iter().find(|cause| own_fault_word(*cause) == word.text);
    let known = || BlindCause::ALL.map(own_fault_word);
    let unknown =
        || word.unknown("something that an instance lacks", &known().each_ref().map(String::as_str));
    cause.map(Some).ok_or_else(unknown)
}

/// Reads whether the references answer.
pub fn references(line: &mut Words<'_>) -> Result<bool, Mistake> {
    let word = line.take("what they do: `ok` or `fail`")?;
    match word.text {
        "ok" => Ok(true),
        "fail" => Ok(false),
        _ => Err(word.unknown("something that references do", &["ok", "fail"])),
    }
}

/// Reads where the name of an availability zone leads.
pub fn host(line: &mut Words<'_>) -> Result<Act, Mistake> {
    let name = line.take("the `host` of an availability zone")?.text.to_owned();
    let word = line.take("`leads to` addresses, or `fails`")?;
    match word.text {
        "fails" => return Ok(Act::Host(name, None)),
        "leads" if line.next_if("to").is_some() => {}
        _ => return Err(word.unknown("something that a name does", &["leads to", "fails"])),
    }
    let mut ips = vec![line.parse("an address")?];
    while line.peek().is_some() {
        ips.push(line.parse("an address")?);
    }
    Ok(Act::Host(name, Some(ips)))
}

fn vital(signal: Signal, line: &mut Words<'_>) -> Result<Vital, Mistake> {
    if line.next_if("auto").is_some() {
        return Ok(Vital::Auto);
    }
    if line.next_if("silent").is_some() {
        return Ok(Vital::Silent);
    }
    let next = line.peek();
    let value = match signal {
        Signal::Load | Signal::ErrorRate => line.fraction()?,
        Signal::P95Latency | Signal::ReplicationLag => line.time()?.as_secs_f64(),
        Signal::QueueDepth | Signal::Requests => line.quantity("a number such as 10000")?,
    };
    match next.filter(|_| !signal.allows(value)) {
        None => Ok(Vital::Set(value)),
        Some(word) => {
            let hint = format!("{} goes from 0 to {}", vitals::word(signal), signal.highest());
            Err(word.wrong("is more than a server believes", Some(hint)))
        }
    }
}

/// Reads what an operator asks for.
pub fn request(operator: &Word<'_>, line: &mut Words<'_>) -> Result<Request, Mistake> {
    let mut words = Vec::new();
    let (mut lasts, mut overrides) = (None, Vec::new());
    while let Some(word) = line.next() {
        match word.text {
            "for" => lasts = Some(line.time()?),
            "override" => overrides.push(line.parse("a rule such as hard_limit")?),
            text => words.push(text),
        }
    }
    let action = words
        .join(" ")
        .parse()
        .map_err(|wrong: InvalidAction| operator.wrong(&format!("asks wrongly: {wrong}"), None))?;
    let (author, reason) = (OPERATOR.to_owned(), "as the scenario says".to_owned());
    Ok(Request { action, author, reason, lasts, overrides })
}

/// Reads what becomes of a state file.
pub fn state_file(word: &Word<'_>) -> Result<StateFile, Mistake> {
    match word.text {
        "keep" => Ok(StateFile::Keep),
        "late" => Ok(StateFile::Late),
        "lose" => Ok(StateFile::Lose),
        "stale" => Ok(StateFile::Stale),
        "corrupt" => Ok(StateFile::Corrupt),
        _ => Err(word.unknown("what becomes of a state file", &["keep", "late", "lose", "stale", "corrupt"])),
    }
}
