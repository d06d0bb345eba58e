//! Owner names: which are new, gone, or hold something else.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::regions::words;
use super::setting::{self, ChangeKind, SettingChange, SettingTexts};
use super::steered;
use crate::config::{Config, records};
use crate::zone::{Chooser, Name, Node, RData, RRset};

/// What makes the A and AAAA answers of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChooserKind {
    /// Static records, if any.
    Static,
    /// They are chosen for each client.
    Steered,
    /// They are those of one region or availability zone.
    Pin,
}

/// An owner name that is new, gone, or holds something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameDifference {
    pub owner: Name,
    /// What it is after the change; of one that is gone, what it was.
    pub kind: ChooserKind,
    pub change: ChangeKind,
    /// Records by their type, and the settings of what is steered.
    pub settings: Vec<SettingChange>,
}

/// The names of a configuration, each with the zone that it is in: a cut is in two.
type Owners<'c> = BTreeMap<(&'c Name, &'c Name), &'c Node>;

/// Returns the names that differ, in the order of names.
pub(super) fn differences(before: &Config, after: &Config) -> Vec<NameDifference> {
    let [was, is] = [before, after].map(owners);
    let all: BTreeSet<_> = was.keys().chain(is.keys()).collect();
    let differs = |key: &(&Name, &Name)| {
        let [old, new] = [&was, &is].map(|owners| owners.get(key).copied());
        let change = ChangeKind::of(old, new)?;
        let of = |config: &Config, node: Option<&Node>| {
            node.map(|node| settings(config, node)).unwrap_or_default()
        };
        let settings = setting::settings(&of(before, old), &of(after, new));
        let kind = kind(new.or(old)?);
        let is_different = change != ChangeKind::Changed || !settings.is_empty();
        is_different.then(|| NameDifference { owner: key.0.clone(), kind, change, settings })
    };
    all.into_iter().filter_map(differs).collect()
}

fn owners(config: &Config) -> Owners<'_> {
    let nodes = config.zones.iter().flat_map(|zone| zone.nodes.iter().map(|node| (&zone.apex, node)));
    nodes.map(|(apex, (owner, node))| ((owner, apex), node)).collect()
}

fn kind(node: &Node) -> ChooserKind {
    match node.chooser {
        None => ChooserKind::Static,
        Some(Chooser::Steering(_)) => ChooserKind::Steered,
        Some(Chooser::Pin(_)) => ChooserKind::Pin,
    }
}

fn settings(config: &Config, node: &Node) -> SettingTexts {
    let Node { rrsets, chooser } = node;
    let mut settings = match chooser {
        None => Vec::new(),
        Some(Chooser::Steering(id)) => steered::of_name(config, &config.steered[id.0 as usize]),
        Some(Chooser::Pin(id)) => steered::of_pin(config, &config.pins[id.0 as usize]),
    };
    settings.extend(rrsets.iter().map(rrset));
    settings
}

/// Returns the records of one type. The serial number of a zone changes with every change, and is none itself.
fn rrset(set: &RRset) -> (String, String) {
    let RRset { rtype, ttl, rdata } = set;
    let mut data: Vec<String> = rdata.iter().map(data).collect();
    data.sort_unstable();
    setting::setting(&records::type_text(*rtype), format_args!("{} (ttl {}s)", words(data), ttl.seconds()))
}

fn data(data: &RData) -> String {
    match data {
        RData::SOA(soa) => {
            let [refresh, retry, expire] = [soa.refresh, soa.retry, soa.expire];
            format!("{} {} {refresh} {retry} {expire} {}", soa.mname, soa.rname, soa.minimum)
        }
        // Of several strings, with octets that may be anything.
        RData::TXT(txt) => {
            let strings = txt.txt_data.iter().map(|octets| format!("\"{}\"", octets.escape_ascii()));
            strings.collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}
