//! The fields of actions in JSON: percentages, names, weights and durations as operators write them.

use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Serialize};

use crate::share::Share;
use crate::units::{Malformed, Percent};
use crate::zone::Name;

/// A region with its weight.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RegionWeight {
    /// The name of the region.
    region: String,
    /// Its weight, 0 to 10000.
    weight: u32,
}

/// Reads an owner name: absolute, in lower case.
///
/// # Errors
///
/// When it is not a domain name.
pub fn owner(name: &str) -> Result<Name, Malformed> {
    let mut owner = Name::from_ascii(name).map_err(|_| Malformed {
        message: format!("`{name}` is not a domain name"),
        hint: "write `api.example.com`".to_owned(),
    })?;
    owner.set_fqdn(true);
    Ok(owner.to_lowercase())
}

pub(super) fn everyone() -> Share {
    Share::ALL
}

pub(super) fn a_tenth() -> Share {
    Share::percent(10)
}

fn share<E: Error>(percent: Percent) -> Result<Share, E> {
    percent.to_string().parse().map_err(E::custom)
}

pub(super) mod percent {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::share::Share;
    use crate::units::Percent;

    pub fn serialize<S: Serializer>(share: &Share, serializer: S) -> Result<S::Ok, S::Error> {
        Percent::from(*share).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Share, D::Error> {
        super::share(Percent::deserialize(deserializer)?)
    }
}

pub(super) mod percentages {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::share::Share;
    use crate::units::Percent;

    pub fn serialize<S: Serializer>(shares: &[Share], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(shares.iter().map(|share| Percent::from(*share)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Share>, D::Error> {
        Vec::<Percent>::deserialize(deserializer)?.into_iter().map(super::share).collect()
    }
}

pub(super) mod name {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::zone::Name;

    pub fn serialize<S: Serializer>(name: &Name, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(name)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Name, D::Error> {
        super::owner(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

pub(super) mod weights {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::RegionWeight;

    pub fn serialize<S: Serializer>(members: &[(String, u32)], serializer: S) -> Result<S::Ok, S::Error> {
        let weights = members.iter().cloned().map(|(region, weight)| RegionWeight { region, weight });
        serializer.collect_seq(weights)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, u32)>, D::Error> {
        let weights = Vec::<RegionWeight>::deserialize(deserializer)?;
        Ok(weights.into_iter().map(|RegionWeight { region, weight }| (region, weight)).collect())
    }
}

pub(super) mod time_span {
    use std::time::Duration;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::units::TimeSpan;

    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&TimeSpan(*duration))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(|TimeSpan(duration)| duration).map_err(D::Error::custom)
    }
}
