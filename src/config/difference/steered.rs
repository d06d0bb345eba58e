//! The settings of steered names and of pins.

use std::time::Duration;

use super::regions::words;
use super::setting::{SettingTexts, setting};
use crate::config::Config;
use crate::config::summary::ConfigSummary;
use crate::health::HealthTerms;
use crate::region::{RegionId, Site};
use crate::steering::{AllDown, Https, Pin, Policy, Refusal, ResidencyRule, Spread, Steering};
use crate::units::TimeSpan;

/// Returns the settings of a steered name.
pub(super) fn of_name(config: &Config, steering: &Steering) -> SettingTexts {
    let Steering { owner: _, policy, ttl, short_ttl, max_answers, https, weights } = steering;
    let seconds = |seconds: u32| TimeSpan(Duration::from_secs(seconds.into()));
    let weight = |(region, weight): &(RegionId, u32)| format!("{} {weight}", name(config, *region));
    let mut settings = of_policy(config, policy);
    settings.extend([
        setting("ttl", seconds(ttl.seconds())),
        setting("short_ttl", seconds(short_ttl.seconds())),
        setting("max_answers", max_answers),
        setting("weights", words(weights.iter().map(weight))),
    ]);
    settings.extend(of_https(config, https.as_ref()));
    settings
}

fn of_policy(config: &Config, policy: &Policy) -> SettingTexts {
    let Policy {
        regions,
        order,
        residency,
        admissions,
        unknown_location,
        all_down,
        terms,
        max_regions,
        one_zone,
        // It is set by `https.failover`.
        names_next: _,
        spread,
    } = policy;
    let all_down = match all_down {
        AllDown::FailOpen => "fail_open",
        AllDown::Servfail => "servfail",
        AllDown::Nodata => "nodata",
    };
    let spread = match spread {
        None => "none".to_owned(),
        // The capacities are settings of the regions.
        Some(Spread { km, capacities: _ }) => format!("{km} km"),
    };
    let [max_lag, failover] = match terms {
        HealthTerms::Usual => ["none".to_owned(), "auto".to_owned()],
        HealthTerms::MaxLag(limit) => [TimeSpan(*limit).to_string(), "auto".to_owned()],
        HealthTerms::Steady => ["none".to_owned(), "off".to_owned()],
    };
    let mut settings = vec![setting("regions", words(regions.iter().map(|region| name(config, *region))))];
    settings.extend(residency.iter().map(|rule| residency_rule(config, rule)));
    settings.extend(admissions.iter().map(|admission| setting("region", &admission.text)));
    settings.extend([
        setting("order", ConfigSummary(config).order(order)),
        setting("unknown_location", words(unknown_location.iter().map(|region| name(config, *region)))),
        setting("all_down", all_down),
        setting("max_lag", max_lag),
        setting("failover", failover),
        setting("max_regions", max_regions),
        setting("one_zone", one_zone),
        setting("spread", spread),
    ]);
    settings
}

fn residency_rule(config: &Config, rule: &ResidencyRule) -> (String, String) {
    let ResidencyRule { clients: _, permitted, otherwise, text } = rule;
    let permitted = config.regions.iter().filter(|(id, _)| permitted.contains(*id));
    let permitted = words(permitted.map(|(_, region)| &region.name));
    let otherwise = match otherwise {
        None | Some(Refusal::Servfail) => "",
        Some(Refusal::Refuse) => ", otherwise REFUSED",
        Some(Refusal::Nodata) => ", otherwise NODATA",
    };
    setting("residency", format_args!("{text} ({permitted}){otherwise}"))
}

fn of_https(config: &Config, https: Option<&Https>) -> SettingTexts {
    let Some(Https { alpn, port, pins }) = https else { return vec![setting("https", "none")] };
    let port = port.unwrap_or(443);
    let pins = pins.iter().map(|(region, pin)| format!("{} {pin}", name(config, *region)));
    vec![
        setting("https", format_args!("alpn {}, port {port}", words(alpn))),
        setting("https.failover", words(pins)),
    ]
}

/// Returns the settings of a pin.
pub(super) fn of_pin(config: &Config, pin: &Pin) -> SettingTexts {
    let Pin { owner: _, of, site } = pin;
    let of = &config.steered[of.0 as usize].owner;
    let regions = &config.regions;
    let addresses = regions.addresses_of(site.region(regions)).map(|(_, address)| address);
    let addresses =
        addresses.filter(|address| *site == Site::from(address.region) || *site == Site::from(address.zone));
    vec![setting("pin of", of), setting("addresses", words(addresses.map(|address| address.ip)))]
}

fn name(config: &Config, region: RegionId) -> &str {
    &config.regions.region(region).name
}
