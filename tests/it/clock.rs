//! The wall clock is set while the real binary runs, or is in 1970 when it starts.
//!
//! The clock of the machine is not touched: a library that is loaded before the C library answers `clock_gettime` with
//! what a file says it is off by.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::home::Home;
use crate::intents::Operated;
use crate::server::{Server, wait_for};

const SHIFTED_CLOCK: &str = r#"
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *at) {
    long result = syscall(SYS_clock_gettime, clock, at);
    if (clock == CLOCK_REALTIME) {
        long seconds = 0;
        FILE *file = fopen(getenv("CLOCK_OFF_BY"), "r");
        if (file) { if (fscanf(file, "%ld", &seconds) != 1) seconds = 0; fclose(file); }
        at->tv_sec += seconds;
    }
    return result;
}
"#;

/// A server whose wall clock is off by so many seconds.
struct Shifted {
    operated: Operated,
    off_by: PathBuf,
}

impl Shifted {
    fn start(seconds: i64) -> Self {
        let (home, regions) = Operated::home();
        let (off_by, library) = (home.path("off_by"), build(&home));
        fs::write(&off_by, seconds.to_string()).unwrap();
        let text = |path: &Path| path.to_str().expect("a path of letters").to_owned();
        let (library, file) = (text(&library), text(&off_by));
        let environment = [("LD_PRELOAD", &*library), ("CLOCK_OFF_BY", &*file)];
        let server = Server::start_with(&home, &environment);
        Self { operated: Operated::running(home, regions, server), off_by }
    }

    /// Sets the clock, and waits until the server has followed it.
    fn set(&self, seconds: i64) {
        let new = self.off_by.with_extension("new");
        fs::write(&new, seconds.to_string()).unwrap();
        fs::rename(new, &self.off_by).unwrap();
        self.operated.server.process.line("the wall clock was set ");
    }

    /// Waits until the first intent is told to be over in two hours: the pages tell it right after the log does.
    fn intent_ends_in_two_hours(&self) {
        wait_for("an intent that ends in two hours", || {
            ((self.intent_ends_in() - 7200).abs() < SLACK).then_some(())
        });
    }

    /// Returns in how many seconds of the machine's clock the first intent is over.
    fn intent_ends_in(&self) -> i64 {
        let intents: Value = serde_json::from_str(&self.operated.page("/intents")).expect("JSON");
        let until = intents["intents"][0]["until"].as_str().unwrap_or_else(|| panic!("no end: {intents}"));
        seconds(until) - now()
    }
}

fn build(home: &Home) -> PathBuf {
    let (source, library) = (home.path("clock.c"), home.path("clock.so"));
    fs::write(&source, SHIFTED_CLOCK).unwrap();
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
    assert!(built.is_ok_and(|status| status.success()), "cc builds it, as it links Rust");
    library
}

fn seconds(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().expect("a time").as_second()
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// The longest that a step of these tests takes on a busy machine.
const SLACK: i64 = 120;

#[test]
fn an_intent_of_two_hours_lasts_two_hours_although_the_clock_is_set_by_three() {
    let shifted = Shifted::start(-3 * 3600);
    shifted.operated.succeeds("drain tokyo --for 2h --reason kernel");
    assert!((shifted.intent_ends_in() + 3600).abs() < SLACK, "{}", shifted.intent_ends_in());
    shifted.set(0);
    shifted.intent_ends_in_two_hours();
    let line = shifted.operated.server.process.line("the wall clock was set forward by 3h");
    assert!(line.contains("clock_set"), "{line}");
    let is_told = || shifted.operated.page("/status").contains("the wall clock was set forward by 3h");
    wait_for("the alarm", || is_told().then_some(()));
    shifted.operated.succeeds("undrain tokyo");
    let log = fs::read_to_string(shifted.operated.home.path("state/events.jsonl")).unwrap();
    let last: Value = serde_json::from_str(log.lines().last().expect("an event")).expect("JSON");
    let age = now() - seconds(last["time"].as_str().expect("a time"));
    assert!((0..SLACK).contains(&age), "events have the time of the clock as it is now: {last}");
}

#[test]
fn a_boot_in_1970_is_over_when_the_clock_is_set_and_no_health_is_lost_by_it() {
    let shifted = Shifted::start(-now());
    shifted.operated.regions.break_("tokyo");
    shifted.operated.server.settles(&[("10.81.7.0/24", "osaka")]);
    // Each family is judged by probes of its own, and IPv6 may be the later one.
    shifted.operated.server.process.line("tokyo left the IPv6 answers");
    shifted.operated.succeeds("capacity osaka 90% --for 2h --reason fewer");
    let said = shifted.operated.server.process.lines().len();
    shifted.set(0);
    shifted.operated.server.settles(&[("10.81.7.0/24", "osaka")]);
    shifted.intent_ends_in_two_hours();
    let [since, loaded] = wait_for("tokyo to be down in /status", || {
        let status: Value = serde_json::from_str(&shifted.operated.page("/status")).ok()?;
        let tokyo = status["regions"].as_array()?.iter().find(|region| region["name"] == "tokyo")?;
        let times = [&tokyo["ipv4"]["since"], &status["configuration"]["loaded_at"]];
        times.iter().all(|time| time.is_string()).then(|| times.map(|time| time.as_str().unwrap().to_owned()))
    });
    assert!((0..SLACK).contains(&(now() - seconds(&since))), "tokyo is down since {since}");
    assert!((0..SLACK).contains(&(now() - seconds(&loaded))), "the configuration was loaded at {loaded}");
    let moved: Vec<_> = shifted
        .operated
        .server
        .process
        .lines()
        .into_iter()
        .skip(said)
        .filter(|line| line.contains("tokyo"))
        .collect();
    assert!(moved.is_empty(), "the step moves no region: {moved:?}");
}
