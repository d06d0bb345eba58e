//! The output of the demo: an opening page with commands to type, then one line an event.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::directory::{self, Settings, slowest_failover};
use super::world::{DemoRegion, DemoZone, REGIONS};
use crate::moment::Moment;
use crate::terminal;

/// Standard output, with colours where it is a terminal.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    has_colours: bool,
}

/// The originator of an event.
#[derive(Clone, Copy, Debug)]
pub enum Actor {
    /// The operator who breaks and heals.
    You,
    Server,
}

/// The contents of the opening page.
#[derive(Debug)]
pub struct OpeningPage<'a> {
    /// How this program was called, so that the commands can be pasted.
    pub program: &'a str,
    pub directory: &'a Path,
    /// Where the demo listens for `break` and `heal`; `None`: at the default address.
    pub control: Option<SocketAddr>,
    /// What the configuration depends on.
    pub settings: &'a Settings,
}

const BOLD: &str = "1";
const DIM: &str = "2";
const CYAN: &str = "36";

impl Screen {
    /// Returns the screen of this process.
    pub fn of_this_process() -> Self {
        Self { has_colours: terminal::has_colours() }
    }

    /// Returns a screen without colours.
    #[cfg(test)]
    pub fn plain() -> Self {
        Self { has_colours: false }
    }

    /// Prints the opening page.
    pub fn open(self, page: &OpeningPage<'_>) {
        self.print(&self.page(page));
    }

    /// Prints an event of just now as one line.
    pub fn event(self, actor: Actor, text: &str) {
        let time = self.paint(DIM, &time_of_day(SystemTime::now()));
        let actor = match actor {
            Actor::You => self.paint(CYAN, "you   "),
            Actor::Server => self.paint(BOLD, "server"),
        };
        self.print(&format!("{time}  {actor}  {text}\n"));
    }

    fn print(self, text: &str) {
        // The reader may be gone (`meridian demo | head`); the demo goes on regardless.
        let _unread = io::stdout().lock().write_all(text.as_bytes());
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.has_colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn page(self, page: &OpeningPage<'_>) -> String {
        let parts = [
            self.views(page),
            self.regions(page),
            self.questions(page.settings.dns),
            self.commands(page),
            format!("{}\n", self.paint(BOLD, &events_heading())),
        ];
        parts.join("\n")
    }

    fn views(self, page: &OpeningPage<'_>) -> String {
        let (program, admin) = (page.program, page.settings.admin);
        let mut text = format!("{}\n", self.paint(BOLD, "watch it"));
        text.push_str(&self.command(&format!("http://{admin}/"), "in a browser: the map, loads, incidents"));
        text.push_str(
            &self.command(&format!("{program} status --watch --admin {admin}"), "the same in a terminal"),
        );
        text
    }

    fn regions(self, page: &OpeningPage<'_>) -> String {
        let also = if page.settings.ipv6 { ", and as ::ffff:127.1.…" } else { "" };
        let heading = format!(
            "{:<10} {:<25} {:<4} addresses (port {}){also}",
            "region", "where", "law", page.settings.port
        );
        let mut text = format!("{}\n", self.paint(BOLD, &heading));
        for region in &REGIONS {
            text.push_str(&row(region));
        }
        text
    }

    fn questions(self, dns: SocketAddr) -> String {
        let dig = format!("dig @{} -p {} api.example.com", dns.ip(), dns.port());
        let below = |name: &str| dig.replace("api.example.com", &format!("{name}.api.example.com"));
        let mut text = format!("{}\n", self.paint(BOLD, "ask, in another terminal"));
        for (question, remark) in [
            (format!("{dig} A +subnet=133.11.0.0/24"), "from Tokyo"),
            (format!("{dig} A +subnet=141.20.0.0/24"), "from Germany: the EU only"),
            (format!("{dig} A +subnet=128.146.0.0/24"), "from the United States"),
            (format!("{dig} HTTPS +subnet=133.11.0.0/24"), "hints; also AAAA"),
            (format!("{} A +subnet=133.11.0.0/24", below("eu")), "from Tokyo, and stays in the EU"),
            (format!("{} A", below("missing")), "NXDOMAIN"),
        ] {
            text.push_str(&self.command(&question, remark));
        }
        text
    }

    fn commands(self, page: &OpeningPage<'_>) -> String {
        let program = page.program;
        let directory = page.directory.display();
        let token = directory::token(page.directory);
        let token = token.display();
        let control = page.control.map_or_else(String::new, |address| format!(" --control {address}"));
        let mut text = format!("{}\n", self.paint(BOLD, "then break the region that Tokyo got, or another"));
        for (command, remark) in [
            (format!("{program} demo break tokyo{control}"), "osaka fills, and sheds what is too much"),
            (format!("{program} demo heal tokyo{control}"), "back step by step, in 20 s"),
            (format!("{program} demo break paris/paris-a --how gray{control}"), "or timeout, status, slow"),
            (
                format!(
                    "{program} explain api.example.com --client 141.20.0.0/24 --admin {}",
                    page.settings.admin
                ),
                "",
            ),
            (format!("ls {directory}"), "edit them: the server reloads"),
            (format!("export MERIDIAN_TOKEN_FILE={token}"), "for what changes: failback, …"),
        ] {
            text.push_str(&self.command(&command, remark));
        }
        text
    }

    fn command(self, command: &str, remark: &str) -> String {
        if remark.is_empty() {
            return format!("  {command}\n");
        }
        format!("  {command:<66} {}\n", self.paint(DIM, &format!("# {remark}")))
    }
}

fn events_heading() -> String {
    let slowest = slowest_failover().as_secs_f64();
    format!("--- what happens (times in UTC; what breaks is out of the answers within {slowest:.1} s) ---")
}

fn row(region: &'static DemoRegion) -> String {
    let addresses = region.zones().map(DemoZone::ipv4).map(|address| address.to_string());
    let (name, city, country) = (region.name, region.city, region.country);
    format!("{name:<10} {city:<25} {country:<4} {}\n", addresses.join("  "))
}

/// Returns hours, minutes, seconds and tenths of a second (UTC): fine enough for the timeouts of canaries.
fn time_of_day(now: SystemTime) -> String {
    let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let moment = Moment(u64::try_from(since_epoch.as_millis()).unwrap_or_default());
    moment.to_string()["2026-03-01T".len().."2026-03-01T09:30:00.2".len()].to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn page(screen: Screen) -> String {
        screen.page(&OpeningPage {
            program: "meridian",
            directory: Path::new("/tmp/demo"),
            control: None,
            settings: &Settings {
                dns: SocketAddr::from(([127, 0, 0, 1], 5300)),
                admin: SocketAddr::from(([127, 0, 0, 1], 8053)),
                port: 8080,
                ipv6: true,
            },
        })
    }

    #[test]
    fn the_page_fits_on_a_screen_and_names_every_region() {
        let page = page(Screen::plain());
        assert!(page.lines().count() <= 32, "{page}");
        assert!(page.lines().all(|line| line.chars().count() <= 110), "{page}");
        assert!(REGIONS.iter().all(|region| page.contains(region.name)));
    }

    #[test]
    fn colours_appear_only_where_they_are_seen() {
        assert!(!page(Screen::plain()).contains('\x1b'));
        assert!(page(Screen { has_colours: true }).contains("\x1b[1m"));
    }

    #[test]
    fn an_event_has_the_time_of_day_in_tenths() {
        let moment = UNIX_EPOCH + Duration::from_millis(86_400_000 + 3_723_450);
        assert_eq!(time_of_day(moment), "01:02:03.4");
    }
}
