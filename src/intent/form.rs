//! The fields of actions in JSON: percentages, names, weights and durations as operators write them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::share::Share;
use crate::units::Malformed;
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

fn to_percent(share: Share) -> f64 {
    // Shares are hundredths of a percent; without rounding 0.29 would be 28.999999999999996.
    (share.fraction() * 10_000.0).round() / 100.0
}

fn from_percent(percent: f64) -> Result<Share, String> {
    match (0.01..=100.0).contains(&percent) {
        true => Ok(Share::of_fraction(percent / 100.0)),
        false => Err(format!("{percent} is not a percentage from 0.01 to 100")),
    }
}

pub(super) mod percent {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::share::Share;

    pub fn serialize<S: Serializer>(share: &Share, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(super::to_percent(*share))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Share, D::Error> {
        super::from_percent(f64::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

pub(super) mod percentages {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::share::Share;

    pub fn serialize<S: Serializer>(shares: &[Share], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(shares.iter().map(|share| super::to_percent(*share)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Share>, D::Error> {
        let percentages = Vec::<f64>::deserialize(deserializer)?;
        percentages.into_iter().map(super::from_percent).collect::<Result<_, _>>().map_err(D::Error::custom)
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

pub(super) mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
