//! What tests of intents and drills play on: three regions, a written clock, and everything that was said.

use std::sync::Arc;
use std::time::Duration;

use super::{Command, Control, Done, Effect, Input, Rejection, Restored};
use crate::canary::{CanaryId, Failure, FailureClass, Observation, Signals, Subject};
use crate::intent::{Request, SafetyRule, SavedIntents};
use crate::moment::Moment;
use crate::region::{AddressId, Family, RegionId};
use crate::snapshot::{Base, fixture};

/// Three regions of one address; clients of 10.0.0.0/8 may be sent to tokyo only. At least one region stays.
pub(super) fn base() -> Arc<Base> {
    base_with("", "")
}

/// The same, where each region says this as well, and there is this below them.
pub(super) fn base_with(each: &str, below: &str) -> Arc<Base> {
    let region = |(index, name): (usize, &&str)| {
        format!(
            "  {name}:\n    location: {{ latitude: 35, longitude: {} }}\n    jurisdiction: JP\n    \
             zones: {{ {name}-a: {{ addresses: [192.0.2.1{index}] }} }}\n    canaries: [tcp]\n    \
             recovery: {{ min_down: 10s, ramp: [10%, 50%], hold: 60s }}\n{each}",
            index * 40
        )
    };
    let regions: String = ["tokyo", "osaka", "oregon"].iter().enumerate().map(region).collect();
    let canaries = "canaries:\n  tcp: { tcp: { port: 443 }, fall: 1, rise: 1 }\n";
    let safety = "safety: { min_in_service: 1 }\n";
    let zone = "zone: example.com\nnameservers: [ns1.example.net]\ngroups: { banks: { networks: [10.0.0.0/8] } }\n\
                names:\n  '@': { steer: { regions: [tokyo, osaka, oregon], order: listed } }\n  \
                bank: { steer: { regions: [tokyo, osaka], order: listed, residency: [{ clients: banks, regions: [tokyo] }] } }\n";
    Arc::new(fixture::base(&format!("regions:\n{regions}{canaries}{safety}{below}"), zone))
}

/// A control, the time, and everything that was said.
pub(super) struct Play {
    pub(super) control: Control,
    pub(super) now: Moment,
    pub(super) said: Vec<String>,
    pub(super) kept: SavedIntents,
}

impl Play {
    pub(super) fn new(kept: SavedIntents, now: Moment) -> Self {
        Self::on(base(), kept, now)
    }

    pub(super) fn on(base: Arc<Base>, kept: SavedIntents, now: Moment) -> Self {
        let restored = Restored { intents: kept.clone(), ..Restored::default() };
        let mut play = Self { control: Control::new(base, now), now, said: Vec::new(), kept };
        play.handle(Input::Restored(restored));
        play
    }

    pub(super) fn begin() -> Self {
        Self::new(SavedIntents::default(), Moment(1_000_000))
    }

    /// Hands an input to the machine, and returns the reply if it was a question.
    pub(super) fn handle(&mut self, input: Input) -> Option<Result<Done, Rejection>> {
        let mut reply = None;
        for effect in self.control.handle(input, self.now) {
            match effect {
                Effect::Answer(answer) => reply = Some(*answer),
                Effect::Emit(event) => self.said.push(event.text),
                Effect::Keep(kept) => self.kept = kept,
                Effect::Publish(_)
                | Effect::Watch(..)
                | Effect::Persist(_)
                | Effect::PersistAvailability(_) => {}
            }
        }
        reply
    }

    pub(super) fn ask(&mut self, request: Command) -> Result<Done, Rejection> {
        self.handle(Input::Asked(request)).expect("every question is answered")
    }

    pub(super) fn want(
        &mut self,
        action: &str,
        minutes: Option<u64>,
        overrides: &[SafetyRule],
    ) -> Result<Done, Rejection> {
        let action = action.parse().expect("an action");
        let (author, reason) = ("alice".to_owned(), "a test".to_owned());
        let lasts = minutes.map(|minutes| Duration::from_secs(minutes * 60));
        let request = Request { action, author, reason, lasts, overrides: overrides.to_vec() };
        self.ask(Command::Intend { request, is_dry_run: false })
    }

    pub(super) fn probe(&mut self, address: u32, is_success: bool) {
        self.hear(address, is_success, None);
    }

    pub(super) fn hear(&mut self, address: u32, is_success: bool, signals: Option<Signals>) {
        let failure = Failure { class: FailureClass::Refused, detail: "connection refused".to_owned() };
        let seen = Observation {
            epoch: self.control.monitor.epoch(),
            subject: Subject::Address(AddressId(address)),
            canary: CanaryId(0),
            at: self.now,
            latency: Duration::from_millis(3),
            result: if is_success { Ok(()) } else { Err(failure) },
            signals,
        };
        self.handle(Input::Observed(vec![seen]));
    }

    pub(super) fn wait(&mut self, seconds: u64) {
        let end = self.now.plus(Duration::from_secs(seconds));
        while let Some(wake) = self.control.wake().filter(|wake| *wake <= end) {
            self.now = wake.max(self.now.plus(Duration::from_millis(1)));
            self.handle(Input::Tick);
        }
        self.now = end;
    }

    /// Returns the percent of its clients that each region takes in IPv4.
    pub(super) fn shares(&self) -> [u32; 3] {
        [0, 1, 2].map(|id| {
            let share = self.control.monitor.view().status(RegionId(id), Family::V4).takes();
            (share.fraction() * 100.0).round() as u32
        })
    }
}

/// Approves a proposal, in the name of bob.
pub(super) fn approve(number: u64, overrides: &[SafetyRule]) -> Command {
    let (author, reason) = ("bob".to_owned(), "it is dead".to_owned());
    Command::Approve { number, author, reason, overrides: overrides.to_vec(), is_dry_run: false }
}

pub(super) fn number(answer: Result<Done, Rejection>) -> u64 {
    match answer {
        Ok(Done::Made { intent, .. } | Done::Same(intent)) => intent.number,
        other => panic!("no intent: {other:?}"),
    }
}

pub(super) fn refusal(answer: Result<Done, Rejection>) -> String {
    answer.expect_err("it should be refused").to_string()
}
