//! Health on disk. Whether what it says is still true is left to `health`.

use super::store::Saved;
use crate::health::Memory;

impl Saved for Memory {
    const FILE: &'static str = "health.json";
    const VERSION: u64 = 1;
    /// 5 000 addresses with four canaries each, all of them down, at 400 bytes a fall.
    const MAX_BYTES: u64 = 8 * 1024 * 1024;
    const LOSS: &'static str = "every address counts as up until its canaries say otherwise";
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::canary::{Failure, FailureClass};
    use crate::files::store::tests::check;
    use crate::health::{
        DrawnClients, OutlierGrade, RecoveryState, RememberedDemand, RememberedFall, RememberedGrade,
        RememberedGuests, RememberedRecovery, Stage,
    };
    use crate::moment::Moment;
    use crate::region::{Failover, Family};
    use crate::share::Share;

    fn recovery(zone: Option<&str>, family: Family, stage: Stage) -> RememberedRecovery {
        let recovery = RecoveryState::remembered(stage, Moment(7), vec![Moment(5)], true);
        RememberedRecovery {
            region: "tokyo".to_owned(),
            zone: zone.map(str::to_owned),
            family,
            recovery,
            failover: Failover::Auto,
        }
    }

    #[test]
    fn health_is_read_as_it_was_saved() {
        let fallen = RememberedFall {
            region: "tokyo".to_owned(),
            address: Some(("tokyo-a".to_owned(), "2001:db8::1".parse().expect("an address"))),
            canary: "shallow".to_owned(),
            since: Moment(6),
            failure: Failure { class: FailureClass::Status, detail: "status 503 \"quoted\"".to_owned() },
        };
        let memory = Memory {
            written_at: Moment(1_700_000_000_000),
            fallen: vec![RememberedFall { address: None, ..fallen.clone() }, fallen],
            recoveries: vec![
                recovery(None, Family::V4, Stage::Down),
                recovery(Some("tokyo-a"), Family::V6, Stage::Recovering { until: Moment(9) }),
                recovery(None, Family::V6, Stage::Ramp { step: 1, has_slipped: true }),
                recovery(Some("tokyo-b"), Family::V4, Stage::Held(Share::percent(10))),
            ],
            grades: vec![RememberedGrade {
                region: "tokyo".to_owned(),
                zone: None,
                grade: OutlierGrade::Degraded,
            }],
            portions: vec![RememberedDemand {
                owner: "api.example.com.".to_owned(),
                order: vec!["tokyo".to_owned(), "osaka".to_owned()],
                drawn: DrawnClients::All,
                rate: 1234.1,
                pieces: vec![(0.3, "tokyo".to_owned()), (1.0, "osaka".to_owned())],
            }],
            guests: vec![RememberedGuests { region: "osaka".to_owned(), given: Moment(8) }],
            held_until: Moment(1_700_000_300_000),
        };
        let recovery = |zone, family, stage| {
            json!({
                "region": "tokyo", "zone": zone, "family": family, "failover": "auto",
                "recovery": {"phase": stage, "since": 7, "falls": [5], "restarts": [],
                    "refused_since": null, "in_outage": false, "awaits_operator": true},
            })
        };
        let fallen = |address| {
            json!({
                "region": "tokyo", "address": address, "canary": "shallow", "since": 6,
                "failure": {"class": "status", "detail": "status 503 \"quoted\""},
            })
        };
        let form = json!({
            "written_at": 1_700_000_000_000_u64,
            "fallen": [fallen(json!(null)), fallen(json!(["tokyo-a", "2001:db8::1"]))],
            "recoveries": [
                recovery(json!(null), "ipv4", json!("down")),
                recovery(json!("tokyo-a"), "ipv6", json!({"recovering": {"until": 9}})),
                recovery(json!(null), "ipv6", json!({"ramp": {"step": 1, "has_slipped": true}})),
                recovery(json!("tokyo-b"), "ipv4", json!({"held": 0.1})),
            ],
            "grades": [{"region": "tokyo", "zone": null, "grade": "degraded"}],
            "portions": [{
                "owner": "api.example.com.", "order": ["tokyo", "osaka"], "rate": 1234.1,
                "pieces": [[0.3, "tokyo"], [1.0, "osaka"]],
            }],
            "guests": [{"region": "osaka", "given": 8}],
            "held_until": 1_700_000_300_000_u64,
        });
        check(&memory, form);
    }
}
