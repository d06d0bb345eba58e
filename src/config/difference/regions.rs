//! The settings of `regions.yaml`, and of groups: where, how much, how it is watched, and what protects it.

use crate::canary::{
    Authorities, Canary, Check, Criticality, HttpCheck, InferenceCheck, JsonCheck, Reach, Thresholds,
    TlsCheck,
};
use crate::client::{Group, Member};
use crate::config::sections::capacity_events::CapacityEvent;
use crate::config::{AlarmRule, AlarmRules, Config};
use crate::region::{AvailabilityZone, Failback, Gates, Limits, Recovery, Region, Safety};
use crate::units::{Percent, TimeSpan};

use super::setting::{NamedSettings, SettingTexts, setting};

/// Returns the settings of everything in a configuration but names and `server.yaml`.
pub(super) fn subjects(config: &Config) -> Vec<NamedSettings> {
    let regions = config.regions.iter();
    let regions = regions.map(|(_, one)| (format!("region {}", one.name), region(config, one)));
    let groups = config.groups.iter().map(|one| (format!("group {}", one.name), group(one)));
    let canaries = config.canaries.iter().map(|one| (format!("canary {}", one.name), canary(one)));
    let drills = config.drills.iter().map(|drill| setting("drill", drill)).collect();
    let events = config.capacity_events.iter().map(|event| capacity_event(config, event)).collect();
    let together = [
        ("safety", safety(&config.safety)),
        ("alarms", alarms(&config.alarms)),
        ("drills", drills),
        ("capacity_events", events),
    ];
    let together = together.into_iter().map(|(name, settings)| (name.to_owned(), settings));
    regions.chain(groups).chain(together).chain(canaries).collect()
}

fn region(config: &Config, region: &Region) -> SettingTexts {
    let Region {
        name: _,
        location,
        jurisdiction,
        capacity,
        min_healthy,
        failover,
        recovery,
        canaries,
        zones,
    } = region;
    let canaries = canaries.iter().map(|id| config.canaries[usize::from(id.0)].name.as_str());
    let mut settings = vec![
        setting("jurisdiction", jurisdiction),
        setting("location", format_args!("{}, {}", location.latitude, location.longitude)),
        setting("capacity", or_none(*capacity)),
        setting("min_healthy", min_healthy),
        setting("failover", failover.as_str()),
        setting("canaries", words(canaries)),
    ];
    settings.extend(recovered(recovery));
    settings.extend(zones.iter().map(zone));
    settings
}

fn zone(zone: &AvailabilityZone) -> (String, String) {
    let AvailabilityZone { name, addresses, host } = zone;
    let addresses = match host {
        None => words(addresses),
        // What a name leads to is no setting.
        Some(host) if host.takes_private => format!("what {} leads to, private addresses too", host.name),
        Some(host) => format!("what {} leads to", host.name),
    };
    (format!("zone {name}"), addresses)
}

fn recovered(recovery: &Recovery) -> SettingTexts {
    let Recovery { min_down, ramp, hold, gates: Gates { error_rate, load }, failback } = recovery;
    let failback = match failback {
        Failback::Auto => "auto",
        Failback::Manual => "manual",
    };
    vec![
        setting("recovery.min_down", TimeSpan(*min_down)),
        setting("recovery.ramp", words(ramp)),
        setting("recovery.hold", TimeSpan(*hold)),
        setting("recovery.gates.error_rate", Percent::of_fraction(*error_rate)),
        setting("recovery.gates.load", Percent::of_fraction(*load)),
        setting("recovery.failback", failback),
    ]
}

fn safety(safety: &Safety) -> SettingTexts {
    let Safety { min_in_service, keep, shared_hold, velocity, limits: Limits { soft, hard, back, step } } =
        safety;
    let least = or_none(*min_in_service);
    let mut settings = vec![
        setting("min_in_service", least),
        setting("keep", keep),
        setting("shared_hold", TimeSpan(*shared_hold)),
        setting("velocity", velocity),
    ];
    let limits = [("soft", soft), ("hard", hard), ("back", back), ("step", step)];
    let limits = limits.map(|(key, limit)| setting(&format!("load.{key}"), Percent::of_fraction(*limit)));
    settings.extend(limits);
    settings
}

fn group(group: &Group) -> SettingTexts {
    group.members.iter().map(|member| setting("member", of_member(member))).collect()
}

fn of_member(member: &Member) -> String {
    match member {
        Member::Continent(continent) => format!("continent {continent:?}"),
        Member::Country(country) => format!("country {country}"),
        Member::Subdivision(subdivision) => format!("subdivision {subdivision}"),
        Member::EuropeanUnion => "european_union".to_owned(),
        Member::EuropeanEconomicArea => "european_economic_area".to_owned(),
        Member::Asn(number) => format!("AS{number}"),
        Member::Network(prefix) => prefix.to_string(),
        Member::Unknown => "unknown".to_owned(),
    }
}

fn alarms(alarms: &AlarmRules) -> SettingTexts {
    let AlarmRules { rules, reload_failed } = alarms;
    let rules = rules.iter().map(|rule| {
        let AlarmRule { measure, limit, lasts, severity } = rule;
        setting(measure.as_str(), format_args!("{severity} beyond {limit} for {}", TimeSpan(*lasts)))
    });
    rules.chain([setting("reload_failed", if *reload_failed { "on" } else { "off" })]).collect()
}

fn capacity_event(config: &Config, event: &CapacityEvent) -> (String, String) {
    let CapacityEvent { region, at, until, percent } = event;
    let region = &config.regions.region(*region).name;
    setting("event", format_args!("{region} has {percent} of its capacity from {at} until {until}"))
}

fn canary(canary: &Canary) -> SettingTexts {
    let Canary { name: _, check, interval, timeout, recheck, thresholds, effect, reach, slow } = canary;
    let Thresholds { fall, rise } = thresholds;
    let effect = match effect {
        Criticality::Critical => "critical".to_owned(),
        Criticality::Advisory(share) => format!("advisory, keeps {share}"),
    };
    let reach = match reach {
        Reach::Address => "address",
        Reach::Region => "region",
    };
    let mut settings = vec![
        setting("check", check.kind()),
        setting("interval", TimeSpan(*interval)),
        setting("timeout", TimeSpan(*timeout)),
        setting("recheck", TimeSpan(*recheck)),
        setting("fall", fall),
        setting("rise", rise),
        setting("effect", effect),
        setting("reach", reach),
        setting("slow", or_none(slow.map(TimeSpan))),
    ];
    settings.extend(checked(check));
    settings
}

fn checked(check: &Check) -> SettingTexts {
    match check {
        Check::Tcp { port } => vec![setting("port", port)],
        Check::Tls(TlsCheck { port, name, min_days_left, authorities }) => {
            let days = setting("min_days_left", min_days_left);
            vec![setting("port", port), setting("name", name), days, trusted(authorities.as_ref())]
        }
        Check::Http(http) => requested(http),
        Check::Json(JsonCheck { http, assertions, signals }) => {
            let asserted = assertions.iter().map(|one| setting("asserts", one));
            let heard = signals.iter().map(|(signal, pointer)| setting(signal.as_str(), pointer));
            requested(http).into_iter().chain(asserted).chain(heard).collect()
        }
        Check::Inference(InferenceCheck { http, assertions, first_byte, total }) => {
            let asserted = assertions.iter().map(|one| setting("asserts", one));
            let limits = [("first_byte", first_byte), ("total", total)];
            let limits = limits.map(|(key, limit)| setting(key, or_none(limit.map(TimeSpan))));
            requested(http).into_iter().chain(asserted).chain(limits).collect()
        }
    }
}

/// Tells authorities by their certificates too: the file may hold others under the same name.
fn trusted(authorities: Option<&Authorities>) -> (String, String) {
    let of_file = |Authorities { file, certificates }: &Authorities| {
        let mut hasher = ring::digest::Context::new(&ring::digest::SHA256);
        certificates.iter().for_each(|der| hasher.update(der));
        let digest = data_encoding::HEXLOWER.encode(&hasher.finish().as_ref()[..8]);
        format!("{file} ({digest})")
    };
    setting("ca", or_none(authorities.map(of_file)))
}

fn requested(http: &HttpCheck) -> SettingTexts {
    let HttpCheck {
        url,
        host,
        authorities,
        method,
        headers,
        headers_from_env,
        body,
        statuses,
        body_contains,
    } = http;
    let header = |(name, value): &(String, String)| setting(&format!("header {name}"), value);
    let secret =
        |(name, variable): &(String, String)| setting(&format!("header {name}"), format_args!("${variable}"));
    let status = |(first, last): &(u16, u16)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    let mut settings = vec![
        setting("url", url),
        setting("host", or_none(host.as_ref())),
        trusted(authorities.as_ref()),
        setting("method", method),
        setting("body", or_none(body.as_ref())),
        setting("statuses", words(statuses.iter().map(status))),
        setting("body_contains", or_none(body_contains.as_ref())),
    ];
    settings.extend(headers.iter().map(header));
    settings.extend(headers_from_env.iter().map(secret));
    settings
}

fn or_none(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}

/// Writes a list; one of nothing is `none`.
pub(super) fn words(list: impl IntoIterator<Item = impl ToString>) -> String {
    let words: Vec<_> = list.into_iter().map(|one| one.to_string()).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}
