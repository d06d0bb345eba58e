//! From the text of a script to a [`Script`], or to everything that is wrong with it.
//!
//! ```text
//! config DIR                                     the configuration; --config goes before it
//! seed NUMBER                                    what the jitter of the probes is drawn from
//! client NAME PREFIX                             a client subnet, by a name of your own
//! watch NAME                                     the name that the clients ask for, A and AAAA
//! at TIME PLACE FAULT                            ok, refuse, timeout, status NUMBER, slow TIME
//! every TIME from TIME to TIME PLACE FAULT       the same, again and again
//! at TIME restart [keep|lose|stale|corrupt]      the process dies; what becomes of its state file
//! at TIME reload DIR                             another configuration
//! expect TIME CLIENT [NAME] [A|AAAA] -> REGION [or REGION] [ttl NUMBER]
//! expect TIME CLIENT [NAME] [A|AAAA] stays [since TIME]
//! expect TIME PLACE is STATE                     unknown, up, suspect, rising, down
//! until TIME                                     the end; left out: the last event or expectation
//! ```
//!
//! One statement a line, in any order. Whether regions exist is known only with a configuration: that is
//! checked by `Plan`.

use std::time::Duration;

use super::fault::Fault;
use super::line::{Line, Word};
use super::script::{Act, Claim, Expectation, Mistake, Script, Spot, StateFile, Subject};
use crate::config::Problems;
use crate::health::State;
use crate::region::Family;
use crate::zone::Name;

/// The most events, counting each repetition: more than a week of one every ten seconds.
const MAX_ACTS: usize = 100_000;

const STATEMENTS: [&str; 8] = ["config", "seed", "client", "watch", "at", "every", "expect", "until"];
const FAULTS: [&str; 5] = ["ok", "refuse", "timeout", "status", "slow"];

impl Script {
    /// Parses a script; `file` is what problems call it.
    ///
    /// # Errors
    ///
    /// Every mistake in it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problems> {
        let script = Self { file: file.to_owned(), text: text.to_owned(), ..Self::default() };
        let mut reader = Reader { script, until: None, mistakes: Vec::new() };
        for (number, line) in (1..).zip(text.lines()) {
            if let Err(mistake) = reader.statement(Line::new(number, line)) {
                reader.mistakes.push(mistake);
            }
        }
        reader.finish()
    }
}

struct Reader {
    script: Script,
    until: Option<Duration>,
    mistakes: Vec<Mistake>,
}

impl Reader {
    fn statement(&mut self, mut line: Line<'_>) -> Result<(), Mistake> {
        let Some(keyword) = line.next() else {
            return Ok(());
        };
        let line = &mut line;
        match keyword.text {
            "config" => self.script.config = Some(line.take("a directory")?.text.to_owned()),
            "seed" => self.script.seed = number(line, "a number")?,
            "client" => self.client(line)?,
            "watch" => self.watch(line)?,
            "at" => self.at(line)?,
            "every" => self.every(line)?,
            "expect" => self.expect(line)?,
            "until" => self.until = Some(line.time()?),
            _ => return Err(keyword.unknown("a statement", &STATEMENTS)),
        }
        line.finish()
    }

    fn client(&mut self, line: &mut Line<'_>) -> Result<(), Mistake> {
        let name = line.take("the name of a client")?;
        if self.script.clients.iter().any(|(known, _)| known == name.text) {
            return Err(name.wrong("is a client already", None));
        }
        let network = line.take("a network such as 133.11.0.0/24")?;
        let prefix = network
            .text
            .parse()
            .map_err(|error| network.wrong(&format!("is not a network: {error}"), None))?;
        self.script.clients.push((name.text.to_owned(), prefix));
        Ok(())
    }

    fn watch(&mut self, line: &mut Line<'_>) -> Result<(), Mistake> {
        let word = line.take("a domain name")?;
        let name = domain_name(word.text).ok_or_else(|| word.wrong("is not a domain name", None))?;
        self.script.watched.push(name);
        Ok(())
    }

    fn at(&mut self, line: &mut Line<'_>) -> Result<(), Mistake> {
        let at = line.time()?;
        let what = line.take("`restart`, `reload` or a place such as tokyo/tokyo-a")?;
        let act = match what.text {
            "restart" => Act::Restart(line.next().map_or(Ok(StateFile::Keep), |word| state_file(&word))?),
            "reload" => Act::Reload(line.take("a directory")?.text.to_owned()),
            _ => Act::Fault(what.place()?, fault(line)?),
        };
        self.script.acts.push((at, act, what.spot));
        Ok(())
    }

    fn every(&mut self, line: &mut Line<'_>) -> Result<(), Mistake> {
        let period = line.time()?;
        keyword(line, "from")?;
        let from = line.time()?;
        keyword(line, "to")?;
        let to = line.time()?;
        let what = line.take("a place such as tokyo/tokyo-a")?;
        let act = Act::Fault(what.place()?, fault(line)?);
        let room = MAX_ACTS.saturating_sub(self.script.acts.len());
        let times = (to.saturating_sub(from).as_millis() / period.as_millis().max(1)) as usize + 1;
        if times > room {
            return Err(what.wrong(&format!("would happen more than {MAX_ACTS} times"), None));
        }
        let repeated = (0u32..).take(times).map(|time| (from + period * time, act.clone(), what.spot));
        self.script.acts.extend(repeated);
        Ok(())
    }

    fn expect(&mut self, line: &mut Line<'_>) -> Result<(), Mistake> {
        let at = line.time()?;
        let text = line.rest();
        let who = line.take("a client or a place")?;
        let subject = match line.next_if("is") {
            Some(_) => Subject::State(who.place()?, state(&line.take("a state")?)?),
            None => client_subject(&who, line)?,
        };
        self.script.expectations.push(Expectation { at, subject, text, spot: who.spot });
        Ok(())
    }

    /// Checks what only the whole script tells.
    fn finish(mut self) -> Result<Script, Problems> {
        let script = &mut self.script;
        let acts = script.acts.iter().map(|(at, _, _)| *at);
        let last = acts.chain(script.expectations.iter().map(|expectation| expectation.at)).max();
        script.until = self.until.or(last).unwrap_or_default();
        let mut missing = |message: &str, hint: &str| {
            let (message, hint) = (message.to_owned(), Some(hint.to_owned()));
            self.mistakes.push(Mistake { spot: Spot::default(), message, hint });
        };
        if script.until.is_zero() {
            missing("the script is over before it begins", "say how long it lasts: until 10m");
        }
        if script.watched.is_empty() {
            missing("the script watches no name", "name one: watch api.example.com");
        }
        if script.clients.is_empty() {
            missing("the script has no clients", "name one: client JP 133.11.0.0/24");
        }
        let about = script.expectations.iter().filter_map(|expectation| strangers(script, expectation));
        self.mistakes.extend(about);
        let late =
            script.acts.iter().filter(|(at, _, _)| *at > script.until).map(|(at, act, spot)| Mistake {
                spot: *spot,
                message: format!("`{act}` happens at {at:?}, after the end of the script"),
                hint: None,
            });
        self.mistakes.extend(late);
        if self.mistakes.is_empty() {
            return Ok(self.script);
        }
        self.mistakes.sort_by_key(|mistake| (mistake.spot.line, mistake.spot.column));
        Err(self.script.problems(self.mistakes))
    }
}

/// Returns what is wrong with whom an expectation is about, and with its time.
fn strangers(script: &Script, expectation: &Expectation) -> Option<Mistake> {
    let word = |text| Word { text, spot: expectation.spot };
    if expectation.at > script.until {
        let after = word(expectation.text.as_str()).wrong("is expected after the end of the script", None);
        return Some(after);
    }
    let Subject::Client { client, name, .. } = &expectation.subject else {
        return None;
    };
    let clients: Vec<&str> = script.clients.iter().map(|(name, _)| name.as_str()).collect();
    if !clients.contains(&client.as_str()) {
        return Some(word(client).unknown("a client", &clients));
    }
    let is_watched = name.as_ref().is_none_or(|name| script.watched.contains(name));
    (!is_watched).then(|| word(&expectation.text).wrong("is about a name that is not watched", None))
}

/// Reads what is expected of the answers of a client.
fn client_subject(client: &Word<'_>, line: &mut Line<'_>) -> Result<Subject, Mistake> {
    const CLAIMS: [&str; 6] = ["->", "→", "stays", "is", "A", "AAAA"];
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
    Ok(Subject::Client { client: client.text.to_owned(), name, family, claim })
}

fn leads(line: &mut Line<'_>) -> Result<Claim, Mistake> {
    let mut to = vec![line.take("a region")?.text.to_owned()];
    while line.next_if("or").is_some() {
        to.push(line.take("a region")?.text.to_owned());
    }
    let ttl = line.next_if("ttl").map(|_| number(line, "a number of seconds")).transpose()?;
    Ok(Claim::Leads { to, ttl })
}

fn fault(line: &mut Line<'_>) -> Result<Fault, Mistake> {
    let word = line.take("what happens there: ok, refuse, timeout, status 503, slow 3s")?;
    match word.text {
        "ok" => Ok(Fault::Ok),
        "refuse" => Ok(Fault::Refuse),
        "timeout" => Ok(Fault::Timeout),
        "status" => number(line, "an HTTP status such as 503").map(Fault::Status),
        "slow" => line.time().map(Fault::Slow),
        _ => Err(word.unknown("something that an address does", &FAULTS)),
    }
}

fn state_file(word: &Word<'_>) -> Result<StateFile, Mistake> {
    match word.text {
        "keep" => Ok(StateFile::Keep),
        "lose" => Ok(StateFile::Lose),
        "stale" => Ok(StateFile::Stale),
        "corrupt" => Ok(StateFile::Corrupt),
        _ => Err(word.unknown("what becomes of a state file", &["keep", "lose", "stale", "corrupt"])),
    }
}

fn state(word: &Word<'_>) -> Result<State, Mistake> {
    let known = State::ALL.into_iter().find(|state| state.as_str() == word.text);
    known.ok_or_else(|| word.unknown("a state", &State::ALL.map(State::as_str)))
}

fn number<N: std::str::FromStr>(line: &mut Line<'_>, what: &str) -> Result<N, Mistake> {
    let word = line.take(what)?;
    word.text.parse().map_err(|_| word.wrong(&format!("is not {what}"), None))
}

fn keyword(line: &mut Line<'_>, keyword: &str) -> Result<(), Mistake> {
    let word = line.take(&format!("`{keyword}`"))?;
    if word.text == keyword { Ok(()) } else { Err(word.wrong(&format!("should be `{keyword}`"), None)) }
}

fn domain_name(text: &str) -> Option<Name> {
    let mut name = Name::from_ascii(text).ok()?;
    name.set_fqdn(true);
    Some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Parses a statement in a script that is right otherwise.
    fn with(statement: &str) -> Script {
        let text = format!("watch api.example.com\nclient JP 133.11.0.0/24\nuntil 1h\n{statement}");
        Script::parse("test", &text).unwrap_or_else(|problems| panic!("{problems}"))
    }

    #[test]
    fn a_repeated_event_is_all_of_its_events() {
        let script = with("every 20s from 10s to 1m tokyo/tokyo-a slow 3s  # three times");
        let times: Vec<_> = script.acts.iter().map(|(at, _, _)| at.as_secs()).collect();
        assert_eq!(times, [10, 30, 50]);
        assert_eq!(script.acts[2].1.to_string(), "tokyo/tokyo-a slow 3s");
    }

    #[test]
    fn an_expectation_may_say_all_that_there_is_to_say() {
        let script = with("expect 36s JP api.example.com AAAA → osaka or tokyo ttl 10");
        let Subject::Client { client, name, family, claim } = &script.expectations[0].subject else {
            panic!("it is about a client");
        };
        assert_eq!((client.as_str(), name.as_ref()), ("JP", Some(&script.watched[0])));
        assert_eq!(*family, Some(Family::V6));
        let to = vec!["osaka".to_owned(), "tokyo".to_owned()];
        assert_eq!(*claim, Claim::Leads { to, ttl: Some(10) });
    }

    #[test]
    fn a_script_without_an_end_ends_with_the_last_thing_in_it() {
        let text = "watch a.example\nclient JP ::/0\nat 1m tokyo ok\nexpect 90s JP stays";
        let script = Script::parse("test", text).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(script.until, Duration::from_secs(90));
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange_to_be_read(
            lines in proptest::collection::vec(
                "(at|every|expect|client|watch|until|seed)?( (1m|9h|from|to|is|ttl|->|tokyo|a/b/::1|status|\\PC{0,4})){0,8}",
                0..6,
            ),
        ) {
            if let Err(problems) = Script::parse("test", &lines.join("\n")) {
                prop_assert!(!problems.to_string().is_empty());
            }
        }
    }
}
