//! How zones are given to secondaries.

use super::regions::words;
use super::setting::{NamedSettings, setting};
use crate::config::{Config, NotifyTarget, TransferClient, ZoneTransfers};
use crate::zone::Name;

/// Returns the settings of `transfer` of each zone that has it.
pub(super) fn subjects(config: &Config) -> impl Iterator<Item = NamedSettings> {
    config.transfers.iter().map(|transfers| {
        // A serial number that is written is in the zone's records.
        let ZoneTransfers { zone, clients, notify, answers_for, written_serial: _ } = transfers;
        let signed =
            |key: &Option<Name>| key.as_ref().map_or_else(String::new, |key| format!(" signed by {key}"));
        let client = |TransferClient { networks, key }: &TransferClient| match networks.is_empty() {
            true => setting("client", format_args!("any address{}", signed(key))),
            false => setting("client", format_args!("{}{}", words(networks), signed(key))),
        };
        let target = |NotifyTarget { address, key }: &NotifyTarget| {
            setting("notify", format_args!("{address}{}", signed(key)))
        };
        let group = usize::from(answers_for.0).checked_sub(1);
        let group = group.map_or("unknown", |index| config.groups[index].name.as_str());
        let clients = clients.iter().map(client);
        let settings = clients.chain(notify.iter().map(target)).chain([setting("answers_for", group)]);
        (format!("transfer of {}", config.zones[*zone].apex), settings.collect())
    })
}
