//! What a change of the configuration changes: names, settings, and which clients would get other answers.
//!
//! Both configurations are compiled as they are to be served, and every client is led by both ([`Route`]) with everything
//! healthy. Clients are counted as they are everywhere, by IPv4 subnets, so that those who are reached over IPv6 alone
//! weigh nothing; they are there all the same. What is judged is each client by its own address: what a resolver's short
//! prefix gets that the border cuts is at most what all clients in it may get.
//!
//! [`Route`]: crate::steering::Route

mod clients;
mod compare;
mod markdown;
#[cfg(test)]
mod tests;
mod text;

use std::cmp::Reverse;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::difference::{ChangeKind, ChooserKind, NameDifference, SettingChange, SubjectDifference};
use crate::family::Family;
use crate::zone::name_text;

pub use compare::ComparedConfig;
pub use markdown::Markdown;

/// What a change of the configuration changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigChange {
    /// Where the configurations are, before and after.
    pub before: String,
    pub after: String,
    /// Names that change or whose clients get other answers, the worst first.
    pub names: Vec<NameChange>,
    /// Everything else that changes.
    pub settings: Vec<SubjectDifference>,
    /// What was assumed.
    pub notes: Vec<String>,
}

/// An owner name that is new, gone, or answers differently.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NameChange {
    pub name: String,
    /// What it is after the change; of one that is gone, what it was.
    pub kind: ChooserKind,
    pub change: ChangeKind,
    /// Records by their type, and the settings of what is steered.
    pub settings: Vec<SettingChange>,
    /// Of a name that is steered before and after: the clients who get other answers; `None`: none do.
    pub clients: Option<ClientChange>,
}

/// The clients of a steered name who get other answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClientChange {
    /// How many of all clients of the name get other answers, 0 to 1.
    pub share: f64,
    /// The clients who may be sent to other jurisdictions than before, whatever is healthy.
    pub border: Vec<BorderChange>,
    /// The clients who get other answers, the worst first.
    pub moves: Vec<AnswerMove>,
    /// Where all clients of the name go, over IPv4 unless the name has none: regions that have other shares of them.
    pub regions: Vec<RegionShareChange>,
}

/// Clients who may be sent to other jurisdictions than before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BorderChange {
    /// Jurisdictions that they may be sent to from now on.
    pub gained: Vec<String>,
    /// Jurisdictions that they may no longer be sent to.
    pub lost: Vec<String>,
    /// How many of all clients of the name they are, 0 to 1.
    pub share: f64,
    /// The countries that they are in, those with the most first.
    pub countries: Vec<CountryShare>,
}

/// Clients who get other answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AnswerMove {
    pub kind: MoveKind,
    /// `None`: no address.
    pub from: Option<RegionPlace>,
    /// `None`: no address.
    pub to: Option<RegionPlace>,
    /// What they get in place of an address, before and after: `SERVFAIL`, `REFUSED`, `NODATA`.
    pub refusals: [Option<String>; 2],
    pub families: Vec<Family>,
    /// How many of all clients of the name they are, 0 to 1.
    pub share: f64,
    /// The countries that they are in, those with the most first.
    pub countries: Vec<CountryShare>,
}

/// How bad it is that clients get another answer, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MoveKind {
    /// They are sent to another jurisdiction.
    Jurisdiction,
    /// They get no address any more.
    Unanswered,
    /// They get an address, and had none.
    Answered,
    /// They are sent to another region of the same jurisdiction.
    Region,
    /// They are told otherwise that there is no address.
    Refusal,
    /// They get other addresses of the same region.
    Addresses,
}

/// A region and its jurisdiction, as a configuration has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RegionPlace {
    pub region: String,
    pub jurisdiction: String,
}

/// The clients of one country.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CountryShare {
    /// `None`: unknown.
    pub country: Option<String>,
    /// How many of all clients they are, 0 to 1.
    pub share: f64,
    /// How many of the clients in the country they are, 0 to 1.
    pub of_country: f64,
}

/// How many clients a region has before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RegionShareChange {
    pub region: String,
    pub before: f64,
    pub after: f64,
}

impl ConfigChange {
    /// Returns whether nothing changes.
    pub fn is_nothing(&self) -> bool {
        self.names.is_empty() && self.settings.is_empty()
    }
}

impl NameChange {
    /// Returns the place in a list in which the worst comes first.
    fn rank(&self) -> (bool, Option<MoveKind>, Reverse<u64>, u8) {
        let Some(clients) = &self.clients else {
            return (true, None, Reverse(0), self.kind as u8);
        };
        let crosses = |one: &AnswerMove| matches!(one.kind, MoveKind::Jurisdiction | MoveKind::Unanswered);
        let is_border = !clients.border.is_empty() || clients.moves.iter().any(crosses);
        let worst = clients.moves.first().map(|one| one.kind);
        // In millionths, in which shares have an order.
        (!is_border, worst, Reverse((clients.share * 1e6).round() as u64), 0)
    }
}

impl From<NameDifference> for NameChange {
    fn from(difference: NameDifference) -> Self {
        let NameDifference { owner, kind, change, settings } = difference;
        Self { name: name_text(&owner), kind, change, settings, clients: None }
    }
}
