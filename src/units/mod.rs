//! Quantities in text: durations, percentages and numbers of things.
//!
//! Each has one parser and one printer, whose text the parser takes back; configuration, scenarios, flags, the
//! API and logs use these. What is measured is rounded first and printed by the same printer.

/// Makes a type that `FromStr` reads and `Display` prints a text in JSON, with this schema.
macro_rules! json_text {
    ($type:ident, $schema:expr) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $schema
            }
        }
    };
}

pub(crate) use json_text;

mod count;
mod line;
mod percent;
mod time_span;

pub use count::Count;
pub use line::is_readable;
pub use percent::Percent;
pub use time_span::TimeSpan;

/// Why a text is not of the form it should have, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}; {hint}")]
pub struct Malformed {
    /// What is wrong: `` `12` is not a duration ``.
    pub message: String,
    /// What to write: ``write `30s`, `500ms`, `1h30m` or `1d` ``.
    pub hint: String,
}
