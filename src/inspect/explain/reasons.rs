//! How an answer was chosen, and how that is told.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::steering::{Policy, Remover};

/// How the answer of a steered name was chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reasons {
    /// The steered name at the end of the chain.
    pub owner: String,
    /// Where the client is taken to be: `JP, 35.7 N 139.7 E`.
    pub location: String,
    /// The network that says so, and whose word it is.
    pub network: String,
    /// The groups that the client belongs to.
    pub groups: Vec<String>,
    /// Every region of the policy: those of the plan in their order, then those that a rule removed.
    pub regions: Vec<RegionReason>,
    /// What happens to the clients when no region of the plan is in service.
    pub outcome: [String; 2],
}

/// What became of one region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RegionReason {
    /// Its name.
    pub region: String,
    /// The great-circle distance to the client, when the client's coordinates are known.
    pub distance_km: Option<u32>,
    /// What became of it for IPv4 and for IPv6.
    pub fates: [String; 2],
}

/// Says why a region may not be answered.
pub(super) fn removal(policy: &Policy, by: Remover) -> String {
    match by {
        Remover::Rule(rule) => {
            format!("removed by residency rule {}: {}", rule + 1, policy.residency[rule].text)
        }
        Remover::Admission(place) => {
            format!("removed: {}, and this client is another one", policy.admissions[place].text)
        }
        Remover::Neighbours => {
            "removed by residency: other clients of the prefix may not be sent there".to_owned()
        }
    }
}

impl fmt::Display for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = if self.groups.is_empty() { "none".to_owned() } else { self.groups.join(", ") };
        writeln!(f, "\nsteered by  {}", self.owner)?;
        writeln!(f, "location    {}", self.location)?;
        writeln!(f, "network     {}", self.network)?;
        writeln!(f, "groups      {groups}")?;
        writeln!(f, "IPv4        {}", self.outcome[0])?;
        writeln!(f, "IPv6        {}\n", self.outcome[1])?;
        let width = |text: fn(&RegionReason) -> usize| self.regions.iter().map(text).max().unwrap_or(0);
        let name = width(|reason| reason.region.len()).max(6);
        let v4 = width(|reason| reason.fates[0].len()).max(4);
        writeln!(f, "{:name$}  {:>9}  {:v4$}  IPv6", "region", "distance", "IPv4")?;
        for RegionReason { region, distance_km, fates: [first, second] } in &self.regions {
            let distance = distance_km.map_or_else(|| "?".to_owned(), |km| format!("{km} km"));
            let second = if first == second { "the same" } else { second };
            writeln!(f, "{region:name$}  {distance:>9}  {first:v4$}  {second}")?;
        }
        Ok(())
    }
}
