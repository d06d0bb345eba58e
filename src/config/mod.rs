//! From YAML text to one validated [`Config`], or to every [`Problem`] there is.
//!
//! Texts come in as [`Sources`]; nothing here opens a file. `yaml` makes trees with places of them,
//! `spec` is what may be written, `lower` turns that into the program's words and finds what is
//! missing, undefined or contradictory, and `records` and `master_file` know the DNS's own texts.

pub mod schema;
pub mod summary;

mod access;
mod alarms;
mod countries;
mod lower;
mod master_file;
mod problem;
mod records;
mod sources;
mod spec;
mod yaml;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::canary::Canary;
use crate::client::{Group, Location, Prefix};
use crate::intent::Schedule;
use crate::region::{Regions, Safety};
use crate::steering::Steering;
use crate::zone::Zone;

pub use access::{Access, Named, Role, Secret, Tls, Token};
pub use alarms::{AlarmRule, Alarms, Level, Measure};
pub use problem::{Origin, Problem, Problems, Severity};
pub use sources::{Source, Sources};

use problem::{Place, Report};

/// A configuration that can be used.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The configuration.
    pub config: Config,
    /// What works but is hardly meant.
    pub warnings: Problems,
}

/// Compiles a configuration. Equal sources give equal configurations.
///
/// # Errors
///
/// Every mistake in every file, by file and line; warnings come after them.
pub fn compile(sources: &Sources) -> Result<Compiled, Problems> {
    let mut report = Report::default();
    let files = read(sources, &mut report);
    let config = lower::config(&files, sources, &mut report);
    let (mut errors, warnings) = report.finish(sources);
    match config {
        Some(config) if errors.is_empty() => Ok(Compiled { config, warnings }),
        _ => {
            errors.list.extend(warnings.list);
            errors.omitted += warnings.omitted;
            Err(errors)
        }
    }
}

/// Reads every YAML file as what its name says it is.
fn read(sources: &Sources, report: &mut Report) -> lower::Files {
    let mut files = lower::Files { server: None, regions: None, zones: Vec::new() };
    let [mut has_server, mut has_regions] = [false; 2];
    for (index, source) in sources.files.iter().enumerate() {
        let Some(stem) = source.name.strip_suffix(".yaml").or_else(|| source.name.strip_suffix(".yml"))
        else {
            continue;
        };
        let place = Place::file(index);
        let kind = if ["server", "regions"].contains(&stem) { stem } else { "zone" };
        let seen = match kind {
            "server" => std::mem::replace(&mut has_server, true),
            "regions" => std::mem::replace(&mut has_regions, true),
            _ => false,
        };
        if seen {
            report
                .error(place, format!("there is another file for `{stem}`"))
                .hint("keep one of .yaml and .yml");
        }
        if let Some(why) = &source.unreadable {
            report.error(place, format!("the file {why}"));
            continue;
        }
        let Some(node) = yaml::parse(&source.text, index, report) else {
            continue;
        };
        match kind {
            "server" => files.server = yaml::read(&node, report).map(|server| (place, server)),
            "regions" => files.regions = yaml::read(&node, report),
            _ => files.zones.extend(yaml::read(&node, report).map(|zone| (place, zone))),
        }
    }
    if !has_server {
        let name = sources.directory.display();
        let draft =
            report.error(Place::file(sources.files.len()), format!("there is no `server.yaml` in `{name}`"));
        draft.hint("it says where to listen: `name: ns1` and `listen: { dns: [\"127.0.0.1:5300\"] }`");
    }
    if !has_regions {
        // Without the file there are no regions, which is not the same as not knowing them.
        files.regions = Some(spec::RegionsSpec::default());
    }
    files
}

/// A whole configuration that has been validated: every reference in it leads somewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// This instance.
    pub server: Server,
    /// Where the API is served from.
    pub regions: Regions,
    /// The canaries, by `CanaryId`.
    pub canaries: Vec<Canary>,
    /// The groups of all zones; the group with `GroupId(n)` is at `n - 1`, for zero is `unknown`.
    pub groups: Vec<Group>,
    /// The steered names of all zones, by `SteeringId`.
    pub steered: Vec<Steering>,
    /// The zones, no two with one apex.
    pub zones: Vec<Zone>,
    /// What holds for all regions together.
    pub safety: Safety,
    /// Drills that start by themselves.
    pub drills: Vec<Schedule>,
    /// What raises an alarm besides the loss of something.
    pub alarms: Alarms,
}

/// What concerns this instance alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Its name: NSID, observer name, log field.
    pub name: String,
    /// Where it answers DNS over UDP and TCP; never empty.
    pub dns: Vec<SocketAddr>,
    /// Where it serves `/metrics`, `/status` and the admin API; `None`: nowhere.
    pub admin: Option<SocketAddr>,
    /// Who may ask there for what.
    pub access: Access,
    /// Where locations come from.
    pub geo: Geo,
    /// The directory for what must survive a restart; `None`: nothing survives.
    pub state: Option<PathBuf>,
    /// Who is told of events over HTTP.
    pub webhooks: Vec<Webhook>,
    /// How it logs.
    pub log: LogFormat,
}

/// A receiver of events over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its name, which no other has.
    pub name: String,
    /// Where events are posted to: an `http` or `https` URL. It may itself be a secret, as Slack's are.
    pub url: String,
    /// What is posted.
    pub shape: Shape,
    /// What requests are signed with, or the routing key of PagerDuty, which always has one.
    pub secret: Option<Secret>,
    /// What is sent.
    pub least: Least,
}

/// What is posted to a webhook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// The event as it is in the event log.
    #[default]
    Json,
    /// A line of text, for an incoming webhook of Slack.
    Slack,
    /// An event of PagerDuty's Events API v2, which ends what it began.
    #[serde(rename = "pagerduty")]
    PagerDuty,
}

/// The least severity that a webhook is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Least {
    /// Everything.
    Info,
    /// What is wrong.
    #[default]
    Warning,
    /// What clients feel.
    Alarm,
}

/// Where locations come from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Geo {
    /// A Country or City database in MaxMind's format.
    pub database: Option<PathBuf>,
    /// An ASN database in MaxMind's format.
    pub asn: Option<PathBuf>,
    /// What the operator knows better: later entries lie on top of earlier ones only where they are
    /// more specific.
    pub networks: Vec<(Prefix, Location)>,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}
