//! From the words of an `expect` to an [`Expectation`], and whether the scenario knows the client that it is about.

use super::line::{Word, Words};
use super::quantity::Range;
use super::scenario::{Aspect, Claim, Expectation, Mistake, Scenario};
use crate::health::{AddressState, Phase};
use crate::region::{Family, Target};
use crate::zone::Name;

/// Reads what is expected, and when.
pub fn parse(line: &mut Words<'_>) -> Result<Expectation, Mistake> {
    let at = line.time()?;
    let text = line.rest();
    let who = line.take("a client or a target")?;
    let aspect = if line.next_if("is").is_some() {
        state_of(who.target()?, &line.take("a state")?)?
    } else if line.next_if("load").is_some() {
        Aspect::Load(who.text.to_owned(), range(line)?)
    } else {
        client_aspect(&who, line)?
    };
    Ok(Expectation { at, aspect, text, spot: who.spot })
}

/// Returns what is wrong with the client of an expectation, or with its time.
pub fn mistake(scenario: &Scenario, expectation: &Expectation) -> Option<Mistake> {
    let word = |text| Word { text, spot: expectation.spot };
    if expectation.at > scenario.until {
        let after = word(expectation.text.as_str()).wrong("is expected after the end of the scenario", None);
        return Some(after);
    }
    let Aspect::Client { client, name, .. } = &expectation.aspect else {
        return None;
    };
    let clients: Vec<&str> = scenario.clients.iter().map(|client| client.name.as_str()).collect();
    if !clients.contains(&client.as_str()) {
        return Some(word(client).unknown("a client", &clients));
    }
    let is_watched = name.as_ref().is_none_or(|name| scenario.watched.contains(name));
    (!is_watched).then(|| word(&expectation.text).wrong("is about a name that is not watched", None))
}

/// Reads what is expected of the answers of a client.
fn client_aspect(client: &Word<'_>, line: &mut Words<'_>) -> Result<Aspect, Mistake> {
    const CLAIMS: [&str; 7] = ["->", "→", "stays", "is", "load", "A", "AAAA"];
    let (mut name, mut family) = (None, None);
    let claim = loop {
        let word = line.take("`->` and a region, or `stays`")?;
        match word.text {
            "A" => family = Some(Family::V4),
            "AAAA" => family = Some(Family::V6),
            "->" | "→" => break leads(line)?,
            "stays" => {
                let since = line.next_if("since").map(|_| line.time()).transpose()?.unwrap_or_default();
                break Claim::Stays { since };
            }
            text if text.contains('.') => name = domain_name(text),
            _ => return Err(word.unknown("what can be expected of a client", &CLAIMS)),
        }
    };
    Ok(Aspect::Client { client: client.text.to_owned(), name, family, claim })
}

fn leads(line: &mut Words<'_>) -> Result<Claim, Mistake> {
    let mut to = vec![line.take("a region")?.text.to_owned()];
    while line.next_if("or").is_some() {
        to.push(line.take("a region")?.text.to_owned());
    }
    let share = line.next_range()?.unwrap_or(Range::ALL);
    let ttl = line.next_if("ttl").map(|_| line.parse("a number of seconds")).transpose()?;
    Ok(Claim::Leads { to, share, ttl })
}

fn range(line: &mut Words<'_>) -> Result<Range, Mistake> {
    let word = line.peek();
    match (line.next_range()?, word) {
        (Some(range), _) => Ok(range),
        (None, Some(word)) => Err(word.wrong("is not a range", Some("write 0.75..0.85 or < 0.9".to_owned()))),
        (None, None) => Err(line.take("a range such as 0.75..0.85 or < 0.9").expect_err("nothing is left")),
    }
}

fn state_of(target: Target, word: &Word<'_>) -> Result<Aspect, Mistake> {
    let state = AddressState::ALL.into_iter().find(|state| state.as_str() == word.text);
    // What an address can be as well is said of the addresses of a region or zone.
    let phase = Phase::ALL.into_iter().find(|phase| phase.as_str() == word.text);
    match (state, phase) {
        (Some(state), _) => Ok(Aspect::AddressState(target, state)),
        (None, Some(_)) if target.address().is_some() => {
            Err(word.wrong("is said of regions and zones", Some("an address is up or down".to_owned())))
        }
        (None, Some(phase)) => Ok(Aspect::Phase(target, phase)),
        (None, None) => {
            let states = AddressState::ALL.map(AddressState::as_str);
            let phases = Phase::ALL.map(Phase::as_str).into_iter().filter(|phase| !states.contains(phase));
            let known: Vec<_> = states.into_iter().chain(phases).collect();
            Err(word.unknown("a state", &known))
        }
    }
}

/// Reads an absolute domain name; `None` when the text is none.
pub fn domain_name(text: &str) -> Option<Name> {
    let mut name = Name::from_ascii(text).ok()?;
    name.set_fqdn(true);
    Some(name)
}
