//! Random trouble: what happens in a world, as lines of a scenario.
//!
//! Trouble begins and ends by itself; one may begin before another is over. At the end of a run comes a calm, in which
//! nothing is wrong, nothing is asked for, and an operator lets back what is held.

use std::time::Duration;

use super::draw::Draw;
use super::world::World;
use crate::intent::Action;

/// How long the calm lasts: an hour of quarantine; the longest rise, ramp and return of load that a world may have; an
/// operator who lets regions back after the quarantine; and a second ramp.
pub const CALM: Duration = minutes(200);

/// When in the calm an operator lets back what is held.
const LET_BACK_AFTER: Duration = minutes(105);

/// How many worlds a run may be reloaded with, besides the one it begins with.
pub const EDITED: usize = 3;

/// Draws lines of a scenario.
pub struct Trouble<'w> {
    draw: &'w mut Draw,
    world: &'w World,
    targets: Vec<String>,
    lines: Vec<(Duration, String)>,
    until: Duration,
}

const FAULTS: [&str; 14] = [
    "refuse",
    "refuse",
    "refuse",
    "timeout",
    "timeout",
    "timeout",
    "status 503",
    "tls",
    "body",
    "slow 1s",
    "slow 8s",
    "slow 600ms whole 3s",
    "loss 5%",
    "loss 50%",
];
const SIGNALS: [&str; 8] = [
    "load 95%",
    "load 85%",
    "load 20%",
    "load silent",
    "errors 30%",
    "errors silent",
    "p95 2s",
    "requests 5",
];
const RESTARTS: [&str; 6] = ["keep", "keep", "late", "lose", "stale", "corrupt"];
const RULES: [&str; 4] = ["one_at_a_time", "hard_limit", "min_in_service", "no_region"];

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

impl<'w> Trouble<'w> {
    /// Draws all that happens until this moment, the calm included, one trouble each `pace` on average.
    pub fn draw(
        draw: &'w mut Draw,
        world: &'w World,
        until: Duration,
        pace: Duration,
    ) -> Vec<(Duration, String)> {
        let targets = world.targets();
        let calm = until.saturating_sub(CALM);
        let mut trouble = Self { draw, world, targets, lines: Vec::new(), until: calm };
        let mut at = minutes(1);
        loop {
            at += trouble.draw.time(pace / 20..=pace * 4);
            if at >= calm {
                break;
            }
            trouble.one(at);
        }
        trouble.calm();
        let mut lines = trouble.lines;
        lines.sort_by_key(|(at, _)| *at);
        lines
    }

    fn one(&mut self, at: Duration) {
        match self.draw.number(0..=99) {
            0..=27 => self.fault(at),
            28..=29 => self.unnamed(at),
            30..=37 => self.flapping(at),
            38..=43 => self.lost_probes(at),
            44..=48 => self.family(at),
            49..=54 => self.shared_cause(at),
            55..=64 => self.signals(at),
            65..=67 => self.demand(at),
            68..=84 => self.operator(at),
            85..=92 => self.restart(at),
            93..=97 => self.reload(at),
            _ => self.late_service(at),
        }
    }

    /// Adds an act; none comes after the calm has begun.
    fn add(&mut self, at: Duration, act: impl Into<String>) {
        self.lines.push((at.min(self.until), act.into()));
    }

    /// Adds an act and what ends it.
    fn during(&mut self, at: Duration, lasts: Duration, act: String, end: String) {
        self.add(at, act);
        self.add(at + lasts, end);
    }

    fn lasting(&mut self) -> Duration {
        self.draw.time(Duration::from_secs(2)..=minutes(40))
    }

    fn target(&mut self) -> String {
        self.draw.one(&self.targets).clone()
    }

    fn region(&mut self) -> &'static str {
        self.draw.one(&self.world.regions).name
    }

    fn fault(&mut self, at: Duration) {
        let (target, lasts) = (self.target(), self.lasting());
        let fault = self.draw.one(&FAULTS);
        self.during(at, lasts, format!("{target} {fault}"), format!("{target} ok"));
    }

    /// The name of a region cannot be looked up.
    fn unnamed(&mut self, at: Duration) {
        let (region, lasts) = (self.region(), self.lasting());
        self.during(at, lasts, format!("{region} dns"), format!("{region} ok"));
    }

    /// A target comes and goes.
    fn flapping(&mut self, at: Duration) {
        let target = self.target();
        let [bad, good] = [0, 1].map(|_| self.draw.time(Duration::from_secs(5)..=minutes(4)));
        let fault = *self.draw.one(&FAULTS);
        for time in 0..self.draw.number(2..=6) as u32 {
            let at = at + (bad + good) * time;
            self.during(at, bad, format!("{target} {fault}"), format!("{target} ok"));
        }
    }

    /// Probes of a target are lost for a moment, again and again.
    fn lost_probes(&mut self, at: Duration) {
        let target = self.target();
        let mut at = at;
        for _ in 0..self.draw.number(2..=8) {
            let lasts = self.draw.time(Duration::from_millis(500)..=Duration::from_secs(15));
            self.during(at, lasts, format!("{target} timeout"), format!("{target} ok"));
            at += lasts + self.draw.time(Duration::from_secs(5)..=minutes(2));
        }
    }

    /// A region loses one family.
    fn family(&mut self, at: Duration) {
        let region = self.draw.one(&self.world.regions);
        let (is_v6, lasts) = (self.draw.is(70), self.lasting());
        let fault = *self.draw.one(&FAULTS);
        for (zone, addresses) in &region.zones {
            for address in addresses.iter().filter(|address| address.contains(':') == is_v6) {
                let target = format!("{}/{zone}/{address}", region.name);
                self.during(at, lasts, format!("{target} {fault}"), format!("{target} ok"));
            }
        }
    }

    /// Several regions fail alike, nearly at once.
    fn shared_cause(&mut self, at: Duration) {
        let names: Vec<&str> = self.world.regions.iter().map(|region| region.name).collect();
        let regions = if self.draw.is(50) { names } else { self.draw.some(&names) };
        let (fault, lasts) = (*self.draw.one(&FAULTS), self.lasting());
        for region in regions {
            let at = at + self.draw.time(Duration::from_millis(1)..=Duration::from_secs(90));
            self.during(at, lasts, format!("{region} {fault}"), format!("{region} ok"));
        }
    }

    fn signals(&mut self, at: Duration) {
        let (target, lasts) = (self.target(), self.lasting());
        if !self.world.has_signals || self.draw.is(40) {
            return self.during(at, lasts, format!("{target} gray"), format!("{target} ok"));
        }
        let signal = *self.draw.one(&SIGNALS);
        let word = signal.split(' ').next().unwrap_or_default();
        self.during(at, lasts, format!("{target} {signal}"), format!("{target} {word} auto"));
    }

    fn demand(&mut self, at: Duration) {
        let (percent, lasts) = (self.draw.number(20..=900), self.lasting());
        self.during(at, lasts, format!("demand {percent}%"), "demand 100%".to_owned());
    }

    fn operator(&mut self, at: Duration) {
        let region = self.region();
        let site = {
            let sites: Vec<_> =
                self.targets.iter().filter(|target| target.matches('/').count() < 2).collect();
            (*self.draw.one(&sites)).clone()
        };
        let target = self.target();
        let percent = self.draw.number(1..=100);
        let action = match self.draw.number(0..=12) {
            0 | 1 => format!("shift {site} {percent}%"),
            2 | 3 => format!("drain {site}"),
            4 => format!("disable {site}"),
            5 => format!("force {target} {}", self.draw.one(&["up", "down", "down"])),
            6 => format!("failover {} {region}", self.draw.one(&["auto", "advise", "off"])),
            7 => format!("failover {}", self.draw.one(&["advise", "off"])),
            8 => format!("capacity {region} {}%", self.draw.number(10..=200)),
            9 => self.weights(),
            10 => format!("drill {site} {}%", self.draw.number(1..=30)),
            11 => format!("approve {region}"),
            _ => return self.add(at, format!("failback {region}")),
        };
        let known = action.parse::<Action>().map_or(&[][..], |action| action.rules());
        let overrides = RULES.iter().filter(|_| self.draw.is(30));
        let overrides = overrides.filter(|rule| known.iter().any(|known| known.as_str() == **rule));
        let overrides: Vec<_> = overrides.map(|rule| format!(" override {rule}")).collect();
        let lasts = self.draw.time(minutes(1)..=minutes(90));
        let lasts = Duration::from_secs(lasts.as_secs());
        self.add(at, format!("operator {action} for {}s{}", lasts.as_secs(), overrides.concat()));
        if self.draw.is(30) {
            let number = self.draw.number(1..=30);
            let at_once = if self.draw.is(30) { " at-once" } else { "" };
            let lifted = at + self.lasting();
            self.add(lifted, format!("lift {number}{at_once}"));
        }
        if self.draw.is(15) {
            let lifted = at + self.lasting();
            self.add(lifted, "lift all");
        }
    }

    fn weights(&mut self) -> String {
        let names: Vec<&str> = self.world.regions.iter().map(|region| region.name).collect();
        let members = self.draw.shuffled(&names);
        let members = members.iter().take(2).map(|region| format!(" {region}={}", self.draw.number(0..=100)));
        let members: String = members.collect();
        let name = self.draw.one(&["api.example.com", "bank.api.example.com"]);
        let steps = if self.draw.is(50) { " steps 10,50,100 hold 2m" } else { "" };
        format!("weights {name}{members}{steps}")
    }

    fn restart(&mut self, at: Duration) {
        let mut at = at;
        // One that dies comes back to die again.
        for _ in 0..*self.draw.one(&[1, 1, 1, 4]) {
            let file = self.draw.one(&RESTARTS);
            self.add(at, format!("restart {file}"));
            at += self.draw.time(Duration::from_millis(100)..=Duration::from_secs(60));
        }
    }

    fn reload(&mut self, at: Duration) {
        let directory = match self.draw.number(0..=EDITED as u64 + 1) {
            0 => "broken".to_owned(),
            number => format!("world-{}", number - 1),
        };
        self.add(at, format!("reload {directory}"));
    }

    fn late_service(&mut self, at: Duration) {
        let (delay, lasts) =
            (self.draw.time(Duration::from_millis(50)..=Duration::from_secs(20)), self.lasting());
        let delay = format!("serve after {}ms", delay.as_millis());
        self.during(at, lasts, delay, "serve after 0s".to_owned());
    }

    /// Ends everything, and lets back what is held when a quarantine would be over.
    fn calm(&mut self) {
        // After whatever else ends at that moment.
        let at = self.until + Duration::from_secs(1);
        let mut lines = vec![
            (at, "demand 100%".to_owned()),
            (at, "serve after 0s".to_owned()),
            (at, "lift all".to_owned()),
        ];
        for region in &self.world.regions {
            let name = region.name;
            lines.push((at, format!("{name} ok")));
            lines.extend(
                ["load", "errors", "p95", "requests"].map(|signal| (at, format!("{name} {signal} auto"))),
            );
            lines.push((at + LET_BACK_AFTER, format!("failback {name}")));
        }
        self.lines.extend(lines);
    }
}
