//! From the text of a scenario to a [`Scenario`], or to everything that is wrong with it.
//!
//! ```text
//! config DIR                                     the configuration; --config goes before it
//! seed NUMBER                                    what the jitter of the probes is drawn from
//! client NAME PREFIX [rate NUMBER]               clients, by a name of your own, and their requests per second
//! watch NAME                                     the name that the clients ask for, A and AAAA
//! check                                          what must always hold (`checkers`) is checked throughout
//! at TIME TARGET FAULT                            what a target does
//! at TIME TARGET SIGNAL                           what a target says of itself
//! every TIME from TIME to TIME TARGET FAULT       the same, again and again; or TARGET SIGNAL
//! at TIME this instance OBSTACLE                 what keeps the server's own machine from probing; or `ok`
//! at TIME references fail                        the references of `server.yaml` do not answer any more; or `ok`
//! at TIME demand FRACTION                        all rates, times this, from now on
//! at TIME clock +TIME                            the wall clock jumps; or -TIME
//! at TIME failback REGION                        an operator lets a region back that is held
//! at TIME operator WISH [for TIME] [override RULE]…   an operator asks for something, written as `intent::Action` says
//! at TIME lift NUMBER [at-once]                  an operator lifts an intent; they are numbered from 1
//! at TIME lift all                               an operator lifts every intent in force, at once
//! at TIME serve after TIME                       how long after they are published snapshots are served
//! at TIME restart [keep|late|lose|stale|corrupt] the process dies; what becomes of its state file
//! at TIME reload DIR                             another configuration
//! at TIME host NAME leads to IP IP…              where the name of an availability zone leads
//! at TIME host NAME fails                        it cannot be looked up
//! expect TIME CLIENT [NAME] [A|AAAA] -> REGION [or REGION] [RANGE] [ttl NUMBER]
//! expect TIME CLIENT [NAME] [A|AAAA] stays [since TIME]
//! expect TIME TARGET is STATE                     unknown, up, suspect, rising, down
//! expect TIME TARGET is PHASE                     healthy, recovering, ramp, held, quarantined: a region or zone
//! expect TIME REGION load RANGE                  the load of a region
//! until TIME                                     the end; left out: the last event or expectation
//!
//! TARGET      REGION, REGION/ZONE or REGION/ZONE/ADDRESS
//! FAULT       ok, refuse, reset, timeout, tls, status NUMBER, body, dns (of a region), gray,
//!             slow TIME [whole TIME] (the first byte, the whole answer), loss FRACTION (of the probes)
//! OBSTACLE    no-ipv6, no-route, link-down, gateway-silent, out-of-descriptors, not-permitted, ...
//! SIGNAL     load FRACTION, errors FRACTION, p95 TIME, requests NUMBER, lag TIME, queue NUMBER; each also
//!            `auto` (what fits the rest, as in the beginning) and `silent` (not reported)
//! FRACTION   85% or 0.85
//! RANGE      75%..85%, < 0.9, > 10%
//! ```
//!
//! One statement a line, in any order. A client that is larger than a /24 (a /48) is led somewhere when all its
//! subnets are, or the share of them that RANGE says. Faults and signals are separate: neither resets the other,
//! and a probe that fails brings no signals. Where load comes from is told in `environment` and `traffic`.
//! Whether regions exist is known only with a configuration: `LoadedScenario` checks that.

use std::time::Duration;

use super::act;
use super::expectation;
use super::line::Words;
use super::scenario::{Act, Client, Mistake, Scenario, Spot, StateFile};
use crate::config::Problems;

/// The most events, counting each repetition: more than a week of one every ten seconds.
pub const MAX_ACTS: usize = 100_000;

const STATEMENTS: [&str; 9] =
    ["config", "seed", "client", "watch", "check", "at", "every", "expect", "until"];

impl Scenario {
    /// Parses a scenario; `file` is what problems call it.
    ///
    /// # Errors
    ///
    /// Every mistake in it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problems> {
        let scenario = Self { file: file.to_owned(), text: text.to_owned(), ..Self::default() };
        let mut reader = ScenarioReader { scenario, until: None, mistakes: Vec::new() };
        for (number, line) in (1..).zip(text.lines()) {
            if let Err(mistake) = reader.statement(Words::new(number, line)) {
                reader.mistakes.push(mistake);
            }
        }
        reader.finish()
    }
}

struct ScenarioReader {
    scenario: Scenario,
    until: Option<Duration>,
    mistakes: Vec<Mistake>,
}

impl ScenarioReader {
    fn statement(&mut self, mut line: Words<'_>) -> Result<(), Mistake> {
        let Some(keyword) = line.next() else {
            return Ok(());
        };
        let line = &mut line;
        match keyword.text {
            "config" => self.scenario.config = Some(line.take("a directory")?.text.to_owned()),
            "seed" => self.scenario.seed = line.parse("a number")?,
            "client" => self.client(line)?,
            "watch" => self.watch(line)?,
            "check" => self.scenario.is_checked = true,
            "at" => self.at(line)?,
            "every" => self.every(line)?,
            "expect" => self.expect(line)?,
            "until" => self.until = Some(line.time()?),
            _ => return Err(keyword.unknown("a statement", &STATEMENTS)),
        }
        line.finish()
    }

    fn client(&mut self, line: &mut Words<'_>) -> Result<(), Mistake> {
        let name = line.take("the name of a client")?;
        if self.scenario.clients.iter().any(|known| known.name == name.text) {
            return Err(name.wrong("is a client already", None));
        }
        let network = line.take("a network such as 133.11.0.0/24")?;
        let prefix = network
            .text
            .parse()
            .map_err(|error| network.wrong(&format!("is not a network: {error}"), None))?;
        let rate = line.next_if("rate").map(|_| line.quantity("a rate such as 5000")).transpose()?;
        self.scenario.clients.push(Client { name: name.text.to_owned(), prefix, rate, spot: name.spot });
        Ok(())
    }

    fn watch(&mut self, line: &mut Words<'_>) -> Result<(), Mistake> {
        let word = line.take("a domain name")?;
        let name =
            expectation::domain_name(word.text).ok_or_else(|| word.wrong("is not a domain name", None))?;
        self.scenario.watched.push(name);
        Ok(())
    }

    fn at(&mut self, line: &mut Words<'_>) -> Result<(), Mistake> {
        let at = line.time()?;
        let what =
            line.take("`restart`, `reload`, `host`, `this instance`, `references`, `demand`, `clock`, `failback`, `operator`, `lift`, `serve` or a target such as tokyo/tokyo-a")?;
        let act = match what.text {
            "restart" => {
                Act::Restart(line.next().map_or(Ok(StateFile::Keep), |word| act::state_file(&word))?)
            }
            "reload" => Act::Reload(line.take("a directory")?.text.to_owned()),
            "host" => act::host(line)?,
            "this" => {
                keyword(line, "instance")?;
                Act::OwnFault(act::own_fault(line)?)
            }
            "references" => Act::References(act::references(line)?),
            "demand" => Act::Demand(line.fraction()?),
            "clock" => Act::Clock(line.jump()?),
            "failback" => Act::FailBack(line.take("a region")?.text.to_owned()),
            "operator" => Act::Intend(act::request(&what, line)?),
            "lift" if line.next_if("all").is_some() => Act::LiftAll,
            "lift" => {
                Act::Lift(line.parse("the number of an intent, or `all`")?, line.next_if("at-once").is_some())
            }
            "serve" => {
                keyword(line, "after")?;
                Act::ServeAfter(line.time()?)
            }
            _ => act::fault_or_signal(&what, line)?,
        };
        self.scenario.acts.push((at, act, what.spot));
        Ok(())
    }

    fn every(&mut self, line: &mut Words<'_>) -> Result<(), Mistake> {
        let next = line.peek();
        let period = line.time()?;
        if let Some(word) = next.filter(|_| period.is_zero()) {
            return Err(word.wrong("is no time to wait", Some("write 10s, for example".to_owned())));
        }
        keyword(line, "from")?;
        let from = line.time()?;
        keyword(line, "to")?;
        let to = line.time()?;
        let what = line.take("a target such as tokyo/tokyo-a")?;
        let act = act::fault_or_signal(&what, line)?;
        let room = MAX_ACTS.saturating_sub(self.scenario.acts.len());
        let times = (to.saturating_sub(from).as_millis() / period.as_millis().max(1)) as usize + 1;
        if times > room {
            return Err(what.wrong(&format!("would happen more than {MAX_ACTS} times"), None));
        }
        let repeated = (0u32..).take(times).map(|time| (from + period * time, act.clone(), what.spot));
        self.scenario.acts.extend(repeated);
        Ok(())
    }

    fn expect(&mut self, line: &mut Words<'_>) -> Result<(), Mistake> {
        self.scenario.expectations.push(expectation::parse(line)?);
        Ok(())
    }

    /// Checks what only the whole scenario tells.
    fn finish(mut self) -> Result<Scenario, Problems> {
        let scenario = &mut self.scenario;
        let acts = scenario.acts.iter().map(|(at, _, _)| *at);
        let last = acts.chain(scenario.expectations.iter().map(|expectation| expectation.at)).max();
        scenario.until = self.until.or(last).unwrap_or_default();
        let mut missing = |message: &str, hint: &str| {
            let (message, hint) = (message.to_owned(), Some(hint.to_owned()));
            self.mistakes.push(Mistake { spot: Spot::default(), message, hint });
        };
        if scenario.until.is_zero() {
            missing("the scenario is over before it begins", "say how long it lasts: until 10m");
        }
        if scenario.watched.is_empty() {
            missing("the scenario watches no name", "name one: watch api.example.com");
        }
        if scenario.clients.is_empty() {
            missing("the scenario has no clients", "name one: client JP 133.11.0.0/24");
        }
        let about = scenario
            .expectations
            .iter()
            .filter_map(|expectation| expectation::mistake(scenario, expectation));
        self.mistakes.extend(about);
        let late =
            scenario.acts.iter().filter(|(at, _, _)| *at > scenario.until).map(|(at, act, spot)| Mistake {
                spot: *spot,
                message: format!("`{act}` happens at {at:?}, after the end of the scenario"),
                hint: None,
            });
        self.mistakes.extend(late);
        if self.mistakes.is_empty() {
            return Ok(self.scenario);
        }
        self.mistakes.sort_by_key(|mistake| (mistake.spot.line, mistake.spot.column));
        Err(self.scenario.problems(self.mistakes))
    }
}

fn keyword(line: &mut Words<'_>, keyword: &str) -> Result<(), Mistake> {
    let word = line.take(&format!("`{keyword}`"))?;
    if word.text == keyword { Ok(()) } else { Err(word.wrong(&format!("should be `{keyword}`"), None)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::quantity::{Jump, Range};
    use super::super::scenario::{Aspect, Claim};
    use super::*;
    use crate::region::Family;

    /// Parses a statement in a scenario that is right otherwise.
    fn with(statement: &str) -> Scenario {
        let text = format!("watch api.example.com\nclient JP 133.11.0.0/24\nuntil 1h\n{statement}");
        Scenario::parse("test", &text).unwrap_or_else(|problems| panic!("{problems}"))
    }

    #[test]
    fn a_repeated_event_is_all_of_its_events() {
        let scenario = with("every 20s from 10s to 1m tokyo/tokyo-a slow 3s  # three times");
        let times: Vec<_> = scenario.acts.iter().map(|(at, _, _)| at.as_secs()).collect();
        assert_eq!(times, [10, 30, 50]);
        assert_eq!(scenario.acts[2].1.to_string(), "tokyo/tokyo-a slow 3s");
    }

    #[test]
    fn an_expectation_may_say_all_that_there_is_to_say() {
        let scenario = with("expect 36s JP api.example.com AAAA → osaka or tokyo 75%..85% ttl 10");
        let Aspect::Client { client, name, family, claim } = &scenario.expectations[0].aspect else {
            panic!("it is about a client");
        };
        assert_eq!((client.as_str(), name.as_ref()), ("JP", Some(&scenario.watched[0])));
        assert_eq!(*family, Some(Family::V6));
        let to = vec!["osaka".to_owned(), "tokyo".to_owned()];
        assert_eq!(*claim, Claim::Leads { to, share: Range::Within(0.75, 0.85), ttl: Some(10) });
    }

    /// Parses an event, and compares it as timelines print it.
    fn check(event: &str, printed: &str) {
        assert_eq!(with(&format!("at 1m {event}")).acts[0].1.to_string(), printed);
    }

    #[test]
    fn a_place_says_of_itself_whatever_the_script_says() {
        check("tokyo load 0.85", "tokyo load 85%");
        check("tokyo/tokyo-a errors 20%", "tokyo/tokyo-a errors 20%");
        check("tokyo p95 400ms", "tokyo p95 400ms");
        check("tokyo requests 50", "tokyo requests 50");
        check("tokyo lag 1m30s", "tokyo lag 1m30s");
        check("tokyo queue silent", "tokyo queue silent");
        check("tokyo load auto", "tokyo load auto");
        check("tokyo gray", "tokyo gray");
    }

    #[test]
    fn a_place_fails_in_every_class_and_is_slow_or_lossy() {
        for fault in ["refuse", "reset", "timeout", "tls", "status 503", "body", "dns", "slow 3s", "gray"] {
            check(&format!("tokyo {fault}"), &format!("tokyo {fault}"));
        }
        check("tokyo slow 1s whole 8s", "tokyo slow 1s whole 8s");
        check("tokyo slow 1s whole 1s", "tokyo slow 1s");
        check("tokyo/tokyo-a loss 0.025", "tokyo/tokyo-a loss 2.5%");
    }

    #[test]
    fn demand_and_the_wall_clock_belong_to_no_place() {
        check("demand 140%", "demand 140%");
        check("clock -30m", "the wall clock jumps -30m");
        assert_eq!(with("at 1m clock +1h").acts[0].1, Act::Clock(Jump::Forward(Duration::from_secs(3600))));
    }

    #[test]
    fn a_client_may_have_a_rate() {
        assert_eq!(with("client DE 141.20.0.0/16 rate 3500").clients[1].rate, Some(3500.0));
    }

    #[test]
    fn a_load_is_expected_within_bounds() {
        let load = |statement: &str| match &with(statement).expectations[0].aspect {
            Aspect::Load(region, range) => (region.clone(), *range),
            other => panic!("{other:?} is about no load"),
        };
        assert_eq!(load("expect 1m osaka load < 0.9"), ("osaka".to_owned(), Range::Below(0.9)));
        assert_eq!(load("expect 1m osaka load 75%..0.85"), ("osaka".to_owned(), Range::Within(0.75, 0.85)));
    }

    #[test]
    fn a_script_without_an_end_ends_with_the_last_thing_in_it() {
        let text = "watch a.example\nclient JP ::/0\nat 1m tokyo ok\nexpect 90s JP stays";
        let scenario = Scenario::parse("test", text).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(scenario.until, Duration::from_secs(90));
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange_to_be_read(
            lines in proptest::collection::vec(
                "(at|every|expect|client|watch|until|seed)?( (1m|9h|from|to|is|ttl|->|tokyo|a/b/::1|status|load|loss|slow|whole|clock|rate|<|1%..|[+]1h|\\PC{0,4})){0,8}",
                0..6,
            ),
        ) {
            if let Err(problems) = Scenario::parse("test", &lines.join("\n")) {
                prop_assert!(!problems.to_string().is_empty());
            }
        }
    }
}
