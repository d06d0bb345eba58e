//! Which records are about one trouble, so that whoever was told of its beginning is told of its end.

use serde::{Deserialize, Serialize};

use super::{Alarm, word};
use crate::event::{Notice, Severity, What};
use crate::health::{AddressState, Phase};
use crate::intent::Transition;
use crate::region::Family;
use crate::share::Share;

/// A trouble that has a beginning and an end, in one record of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// What all records of this trouble, and of the same trouble later, have in common: `region/tokyo/IPv4`.
    pub key: String,
    /// How loudly its beginning is said at most: who hears that is to hear the end as well.
    pub severity: Severity,
    /// Whether this record is its end.
    pub is_over: bool,
}

impl Incident {
    /// Returns the trouble that a notice is about; `None`: it is about none that ends.
    pub(crate) fn of(notice: &Notice) -> Option<Self> {
        let warning = |key: String, is_over| Some(Self { key, severity: Severity::Warning, is_over });
        match &notice.what {
            What::Suspect { target, .. } | What::Down { target, .. } => {
                warning(format!("address/{target}"), false)
            }
            What::Up { target, .. } => warning(format!("address/{target}"), true),
            What::Whole { region, state, .. } => warning(
                format!("region_canary/{region}"),
                matches!(state, AddressState::Up | AddressState::Unknown),
            ),
            What::Turned { region, zone, family, to, is_back, .. } => {
                let key = site(region, zone.as_deref(), *family);
                match to {
                    // A ramp follows the end of what it comes from, and must not be taken for it.
                    Phase::Ramp { .. } if *is_back => None,
                    Phase::Ramp { .. } | Phase::Healthy => warning(key, true),
                    Phase::Down | Phase::Held(_) | Phase::Quarantined { .. } => warning(key, false),
                    Phase::Unknown | Phase::Suspect | Phase::Recovering { .. } => None,
                }
            }
            What::Shed { region, away, .. } => warning(format!("load/{region}"), *away == Share::NONE),
            What::Raised(alarm) => Some(Self::of_alarm(alarm, false)),
            What::Cleared(alarm) => Some(Self::of_alarm(alarm, true)),
            What::Intent(event) => {
                let key = format!("intent/{}", event.intent.number);
                match event.turn {
                    Transition::Overdue(_) | Transition::Stuck => warning(key, false),
                    Transition::Gone => warning(key, true),
                    Transition::Made | Transition::Step(_) => None,
                }
            }
            What::Drill(_)
            | What::Lifted { .. }
            | What::LetBack { .. }
            | What::Reloaded { .. }
            | What::Remembered { .. }
            | What::Foreign { .. }
            | What::Stale { .. } => None,
        }
    }

    /// Returns the trouble that an alarm is about.
    pub(crate) fn of_alarm(alarm: &Alarm, is_over: bool) -> Self {
        let (key, severity) = match alarm {
            Alarm::RegionOut { region, family, .. } => (site(region, None, *family), Severity::Warning),
            Alarm::Exhausted { owner, rule, family, .. } => {
                let rule = rule.iter().map(|rule| format!("/{rule}")).collect::<String>();
                (format!("all_down/{owner}/{}{rule}", word(*family)), Severity::Alarm)
            }
            // An end does not say which restraint there was, and one of them is an alarm.
            Alarm::Restrained { region, family, .. } => {
                (format!("restrained/{region}/{}", word(*family)), Severity::Alarm)
            }
            Alarm::Advised { region, address: Some((_, ip)), .. } => {
                (format!("advised/{region}/{ip}"), Severity::Warning)
            }
            Alarm::Advised { region, address: None, .. } => (format!("advised/{region}"), Severity::Warning),
            Alarm::Gray { region, zone, .. } => {
                let zone = zone.iter().map(|zone| format!("/{zone}")).collect::<String>();
                (format!("gray/{region}{zone}"), Severity::Warning)
            }
            Alarm::Measured(excess) => {
                let region = excess.region.iter().map(|region| format!("/{region}")).collect::<String>();
                let rule = excess.rule;
                let (measure, level) = (rule.measure.as_str(), rule.level.as_str());
                (format!("{measure}/{level}{region}"), Severity::of(rule.level))
            }
            Alarm::ReloadFailed { .. } => ("reload_failed".to_owned(), Severity::Warning),
        };
        Self { key, severity, is_over }
    }
}

fn site(region: &str, zone: Option<&str>, family: Family) -> String {
    let family = word(family);
    match zone {
        Some(zone) => format!("zone/{region}/{zone}/{family}"),
        None => format!("region/{region}/{family}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::Moment;

    /// Writes the trouble of a turn of tokyo: its key and whether it is over.
    fn check(to: Phase, is_back: bool, expected: Option<(&str, bool)>) {
        let what = What::Turned {
            region: "tokyo".to_owned(),
            zone: None,
            family: Family::V4,
            from: Phase::Down,
            to,
            share: Share::HALF,
            is_back,
            is_advice: false,
        };
        let incident = Incident::of(&Notice { at: Moment(0), what });
        let seen = incident.as_ref().map(|incident| (incident.key.as_str(), incident.is_over));
        assert_eq!(seen, expected, "{to:?}");
    }

    #[test]
    fn a_region_is_in_trouble_until_clients_come_back_to_it() {
        let key = "region/tokyo/IPv4";
        let ramp = Phase::Ramp { step: 0, has_slipped: false };
        check(Phase::Down, false, Some((key, false)));
        check(Phase::Recovering { until: Moment(9) }, false, None);
        check(Phase::Held(Share::NONE), false, Some((key, false)));
        check(ramp, false, Some((key, true)));
        check(ramp, true, None);
        check(Phase::Healthy, false, Some((key, true)));
    }
}
