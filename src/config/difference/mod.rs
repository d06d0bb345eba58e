//! What two configurations say differently, setting by setting, with every default filled in.
//!
//! Settings are compared as texts, in the words of the configuration, of values in which numbers of regions, canaries and
//! groups have become names: two configurations number them differently. A setting that says its default is no change.
//! Each value is taken apart field by field, so that a new field is missed by the compiler and not by an operator.
//!
//! Of `server.yaml`, which is each instance's own and may name secrets, only the keys are told.

mod regions;
mod server;
mod setting;
mod steered;
#[cfg(test)]
mod tests;
mod transfers;
mod zones;

use super::Config;

pub use setting::{ChangeKind, SettingChange, SubjectDifference};
pub use zones::{ChooserKind, NameDifference};

/// Returns what differs of everything but names, what decides about answers first.
pub fn differences(before: &Config, after: &Config) -> Vec<SubjectDifference> {
    let [one, other] = [before, after].map(|config| {
        let transfers = transfers::subjects(config);
        regions::subjects(config).into_iter().chain(transfers).collect()
    });
    let mut found = setting::subjects(one, other);
    found.extend(server::difference(&before.server, &after.server));
    found
}

/// Returns the owner names whose static records or choosers differ, in the order of names.
pub fn name_differences(before: &Config, after: &Config) -> Vec<NameDifference> {
    zones::differences(before, after)
}
