//! What happened, for people: a line for each event with its time, and a summary.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::time::Duration;

use super::answer::Difference;
use super::clients::ClientMove;
use super::expect::record_type;
use super::happening::Happening;
use super::loaded::LoadedScenario;
use super::probers::Detection;
use super::scenario::Act;
use crate::units::Percent;

/// Writes down what happens.
#[derive(Debug, Default)]
pub struct Timeline {
    /// The lines so far.
    pub text: String,
    pub summary: PlaySummary,
    /// The columns of names: of the longest client, and whether several names are watched.
    width: usize,
    names_differ: bool,
    /// The loads that were last told, and when.
    loads: BTreeMap<String, f64>,
    gauged: Duration,
}

/// A load that differs this much from what was last told is told at once.
const NEWS: f64 = 0.05;

/// One that moves at all, so that it shows in print, is told this often.
const REMINDER: (f64, Duration) = (0.01, Duration::from_secs(60));

/// What is counted of a simulation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlaySummary {
    /// How long it was.
    pub lasted: Duration,
    /// Acts of the scenario.
    pub acts: usize,
    /// Probes that came back.
    pub probes: usize,
    /// Those that had failed.
    pub failures: usize,
    pub snapshots: usize,
    /// How often the subnets of each client were led elsewhere than before; A and AAAA count apart.
    pub moves: BTreeMap<String, usize>,
    /// The highest load of each region that was looked at.
    pub loads: BTreeMap<String, f64>,
    /// The fall that took longest to see.
    pub slowest: Option<Detection>,
    /// Expectations that were met.
    pub met: usize,
    /// Those that were not, and falls that were seen later than promised.
    pub failed: usize,
    /// Times that the process died.
    pub restarts: usize,
    /// What checkers found that must not be.
    pub violations: usize,
}

impl Timeline {
    /// Takes what happens at a moment.
    pub fn take(&mut self, at: Duration, happening: &Happening<'_>) {
        self.summary.count(at, happening);
        match happening {
            Happening::Begun(loaded) => self.begin(loaded),
            Happening::Act(act) => self.line(at, "event", &act.to_string()),
            Happening::Forgotten(why) => self.line(at, "warning", why),
            Happening::Refused(why) => {
                let line = format!("the configuration is refused, and the one before stays in force: {why}");
                self.line(at, "error", &line);
            }
            Happening::Declined(why) => self.line(at, "error", why),
            Happening::Emitted(event) => self.line(at, "notice", &event.text),
            Happening::Detected(detection) if detection.is_late() => {
                let Detection { took, promised, .. } = detection;
                self.line(at, "FAILED", &format!("seen after {took:?}, promised within {promised:?}"));
            }
            Happening::Moved(one) => self.moved(one),
            Happening::Violated(violation) => self.line(at, "FAILED", &violation.to_string()),
            Happening::Gauged(loads) => self.gauged(at, loads),
            Happening::Expected(expectation, None) => {
                self.line(at, "expect", &format!("{}: ok", expectation.text));
            }
            Happening::Expected(expectation, Some(got)) => {
                self.line(at, "expect", &format!("{}: FAILED, got {got}", expectation.text));
            }
            Happening::Ended => {
                let summary = self.summary.to_string();
                self.text.push('\n');
                self.text.push_str(&summary);
            }
            Happening::Probed(_)
            | Happening::Published(_)
            | Happening::Served(..)
            | Happening::Looked(..)
            | Happening::Detected(_) => {}
        }
    }

    fn begin(&mut self, loaded: &LoadedScenario) {
        let scenario = &loaded.scenario;
        self.width = scenario.clients.iter().map(|client| client.name.chars().count()).max().unwrap_or(0);
        self.names_differ = scenario.watched.len() > 1;
        let config = &loaded.base.config;
        let facts = format!(
            "regions {}, addresses {}, canaries {}, seed {}",
            config.regions.len(),
            config.regions.addresses().count(),
            config.canaries.len(),
            scenario.seed
        );
        self.line(Duration::ZERO, "begin", &facts);
    }

    fn line(&mut self, at: Duration, what: &str, text: &str) {
        let _ = writeln!(self.text, "{}  {what:7}  {text}", ScenarioTime(at));
    }

    fn moved(&mut self, one: &ClientMove) {
        let width = self.width;
        let _ = write!(self.text, "{:11}  {:7}  {:width$}", "", "", one.client);
        if self.names_differ {
            let _ = write!(self.text, "  {}", one.name);
        }
        if let [family] = one.families[..] {
            let _ = write!(self.text, "  {}", record_type(family));
        }
        let _ = writeln!(self.text, "  {}", Difference(one.from.as_ref(), &one.to));
    }
}

impl Timeline {
    /// Tells the loads, if there is news of one, and `none` where nothing is left; at first all that are known.
    fn gauged(&mut self, at: Duration, loads: &[(&str, Option<f64>)]) {
        let is_long_ago = at >= self.gauged + REMINDER.1;
        let told = self.loads.clone();
        let differs = |region: &str, load: Option<f64>, by: f64| match (told.get(region), load) {
            (Some(told), Some(load)) => (load - told).abs() >= by,
            (None, None) => false,
            (Some(_), None) | (None, Some(_)) => true,
        };
        let is_news = loads.iter().any(|(region, load)| differs(region, *load, NEWS));
        let is_due = is_long_ago && loads.iter().any(|(region, load)| differs(region, *load, REMINDER.0));
        if !is_news && !is_due {
            return;
        }
        let mut parts = Vec::new();
        for (region, load) in loads.iter().filter(|(region, load)| differs(region, *load, REMINDER.0)) {
            let before =
                told.get(*region).map_or_else(String::new, |load| format!("{} → ", Percent::rounded(*load)));
            let now = load.map_or_else(|| "none".to_owned(), |load| Percent::rounded(load).to_string());
            parts.push(format!("{region} {before}{now}"));
            match load {
                Some(load) => self.loads.insert((*region).to_owned(), *load),
                None => self.loads.remove(*region),
            };
        }
        self.gauged = at;
        self.line(at, "load", &parts.join(", "));
    }
}

impl PlaySummary {
    /// Returns whether everything was as expected, and as promised.
    pub fn is_ok(&self) -> bool {
        self.failed == 0 && self.violations == 0
    }

    /// Counts what happens.
    pub fn count(&mut self, at: Duration, happening: &Happening<'_>) {
        match happening {
            Happening::Act(act) => {
                self.acts += 1;
                self.restarts += usize::from(matches!(act, Act::Restart(_)));
            }
            Happening::Probed(probed) => {
                self.probes += 1;
                self.failures += usize::from(probed.has_failed());
            }
            Happening::Published(_) => self.snapshots += 1,
            Happening::Moved(one) => {
                *self.moves.entry(one.client.clone()).or_default() += one.elsewhere.len();
            }
            Happening::Gauged(loads) => {
                for (region, load) in loads.iter().filter_map(|(region, load)| Some((region, (*load)?))) {
                    let highest = self.loads.entry((*region).to_owned()).or_default();
                    *highest = highest.max(load);
                }
            }
            Happening::Detected(detection) => {
                self.failed += usize::from(detection.is_late());
                let is_slower = self.slowest.as_ref().is_none_or(|slowest| detection.took > slowest.took);
                if is_slower {
                    self.slowest = Some((*detection).clone());
                }
            }
            Happening::Expected(_, None) => self.met += 1,
            Happening::Expected(_, Some(_)) => self.failed += 1,
            Happening::Violated(_) => self.violations += 1,
            Happening::Ended => self.lasted = at,
            Happening::Begun(_)
            | Happening::Forgotten(_)
            | Happening::Refused(_)
            | Happening::Declined(_)
            | Happening::Served(..)
            | Happening::Looked(..)
            | Happening::Emitted(_) => {}
        }
    }
}

impl fmt::Display for PlaySummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acts, probes, failures, snapshots, met, failed, .. } = self;
        writeln!(f, "lasted        {}", ScenarioTime(self.lasted))?;
        writeln!(f, "events        {acts}")?;
        writeln!(f, "probes        {probes}, {failures} failed")?;
        writeln!(f, "snapshots     {snapshots}")?;
        let moves: Vec<_> = self.moves.iter().map(|(client, moves)| format!("{client} {moves}")).collect();
        writeln!(f, "moves         {}", moves.join(", "))?;
        if !self.loads.is_empty() {
            let loads =
                self.loads.iter().map(|(region, load)| format!("{region} {}", Percent::rounded(*load)));
            writeln!(f, "highest load  {}", loads.collect::<Vec<_>>().join(", "))?;
        }
        if let Some(Detection { target, canary, took, promised }) = &self.slowest {
            let zone = target.without_address();
            writeln!(f, "detection     {took:?} at the longest, promised {promised:?}: {canary} of {zone}")?;
        }
        writeln!(f, "expectations  {met} ok, {failed} failed")?;
        match self.violations {
            0 => Ok(()),
            violations => writeln!(f, "violations    {violations}"),
        }
    }
}

impl Detection {
    /// Returns whether it took longer than promised.
    pub fn is_late(&self) -> bool {
        self.took > self.promised
    }
}

/// A time of the simulation: `0:01:30.000`.
struct ScenarioTime(Duration);

impl fmt::Display for ScenarioTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, milliseconds) = (self.0.as_secs(), self.0.subsec_millis());
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        write!(f, "{hours}:{minutes:02}:{:02}.{milliseconds:03}", seconds % 60)
    }
}
