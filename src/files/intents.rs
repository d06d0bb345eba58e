//! Intents and past drills on disk, written before an operator is told that an intent is in force.

use super::store::Saved;
use crate::intent::SavedIntents;

impl Saved for SavedIntents {
    const FILE: &'static str = "intents.json";
    const VERSION: u64 = 1;
    /// 200 intents and 200 drills with the longest reasons and names.
    const MAX_BYTES: u64 = 2 * 1024 * 1024;
    const LOSS: &'static str = "NO INTENT IS IN FORCE, so shift or drain again what must be";
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::files::store::tests::check;
    use crate::health::RecoveryState;
    use crate::intent::{Drill, DrillOutcome, Intent, IntentPhase, Request, SafetyRule};
    use crate::moment::Moment;
    use crate::region::Recovery;
    use crate::share::Share;

    fn request(action: &str) -> Request {
        Request {
            action: action.parse().expect("an action"),
            author: "ops (alice)".to_owned(),
            reason: "a \"reason\" with\tmarks".to_owned(),
            lasts: Some(Duration::from_millis(7_200_001)),
            overrides: vec![SafetyRule::HardLimit, SafetyRule::OneAtATime],
        }
    }

    #[test]
    fn intents_and_drills_are_read_as_they_were_saved() {
        let course = RecoveryState::ramp(&Recovery::default(), Share::NONE, Moment(8));
        let intent = |number, phase| Intent {
            number,
            request: Request { lasts: None, ..request("shift tokyo/tokyo-a 12.5%") },
            made_at: Moment(7),
            phase,
        };
        let drill = Drill::begin(7, request("drill tokyo 10% abort-when p95>900ms"), Moment(6));
        let given = vec!["osaka".to_owned()];
        let pending = Drill { given, standing: vec!["region/paris/IPv4".to_owned()], ..drill };
        let kept = SavedIntents {
            intents: vec![
                intent(1, IntentPhase::Standing),
                intent(2, IntentPhase::Stepping(course.clone())),
                intent(3, IntentPhase::Overdue { why: "tokyo is down".to_owned(), next: Moment(9) }),
                intent(4, IntentPhase::Returning(course)),
            ],
            last_number: 40,
            drills: vec![
                pending.clone().over(DrillOutcome::CapacityCheckFailed, Some("full".to_owned()), Moment(10)),
                pending,
            ],
        };
        let form = |sentence: &str| match sentence {
            "shift tokyo/tokyo-a 12.5%" => {
                json!({"action": "shift", "target": "tokyo/tokyo-a", "percent": 12.5})
            }
            _ => json!({"action": "drill", "target": "tokyo", "percent": 10, "abort_when": "p95>900ms"}),
        };
        let request = |action, lasts| {
            json!({
                "action": form(action), "author": "ops (alice)", "reason": "a \"reason\" with\tmarks", "lasts": lasts,
                "overrides": ["hard_limit", "one_at_a_time"],
            })
        };
        let intent = |number, phase| {
            let request = request("shift tokyo/tokyo-a 12.5%", json!(null));
            json!({"number": number, "request": request, "made_at": 7, "phase": phase})
        };
        let course = json!({
            "phase": {"ramp": {"step": 0, "has_slipped": false}}, "since": 8, "falls": [],
            "restarts": [], "refused_since": null, "in_outage": false, "awaits_operator": false,
        });
        let lasts = json!({"secs": 7200, "nanos": 1_000_000});
        let drill = |ended_at, outcome, why, standing| {
            json!({
                "number": 7, "request": request("drill tokyo 10% abort-when p95>900ms", lasts.clone()), "began_at": 6,
                "ended_at": ended_at, "outcome": outcome, "why": why, "given": ["osaka"], "standing": standing,
            })
        };
        let form = json!({
            "intents": [
                intent(1, json!("standing")),
                intent(2, json!({"stepping": course})),
                intent(3, json!({"overdue": {"why": "tokyo is down", "next": 9}})),
                intent(4, json!({"returning": course})),
            ],
            "last_number": 40,
            "drills": [
                drill(json!(10), "capacity_check_failed", json!("full"), json!([])),
                drill(json!(null), "pending", json!(null), json!(["region/paris/IPv4"])),
            ],
        });
        check(&kept, form);
    }
}
