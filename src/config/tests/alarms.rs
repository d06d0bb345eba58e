//! Rules about what is measured and when that is an alarm.

use std::time::Duration;

use super::*;
use crate::config::{AlarmRule, AlarmRules, Measure};
use crate::severity::Severity;

/// Returns the alarms of these lines at the end of `regions.yaml`.
fn alarms(lines: &str) -> AlarmRules {
    let files = [("server.yaml", SERVER), ("regions.yaml", &format!("{REGIONS}{lines}\n")), ("a.yaml", ZONE)];
    let sources = SourceFiles::new("", files.map(|(name, text)| SourceFile::new(name, text)).into());
    compile(&sources).unwrap_or_else(|problems| panic!("{problems}")).config.alarms
}

/// Checks what is said of these lines, each problem as `column: message | hint`.
fn check(line: &str, expected: &[&str]) {
    let found = problems("regions.yaml", &format!("{REGIONS}{line}\n"));
    let lines = found.list.iter().map(|problem| {
        let hint = problem.hint.as_ref().map(|hint| format!(" | {hint}")).unwrap_or_default();
        format!("{}: {}{hint}", problem.column, problem.message)
    });
    assert_eq!(lines.collect::<Vec<_>>(), expected, "\n{line}");
}

#[test]
fn what_is_left_out_is_as_usual_and_off_is_off() {
    assert_eq!(alarms(""), AlarmRules::default());
    assert_eq!(alarms("alarms: {}"), AlarmRules::default());
    let off = "alarms: { error_rate: off, p95_latency: off, load: off, replication_lag: off, certificate: off, \
               probe_loss: off, database_age: off, reload_failed: off }";
    assert_eq!(alarms(off), AlarmRules { rules: Vec::new(), reload_failed: false });
}

#[test]
fn a_rule_is_said_key_by_key() {
    let off = "load: { for: 1m }, replication_lag: off, certificate: off, database_age: off";
    let said = alarms(&format!(
        "alarms: {{ error_rate: {{ above: 0.2, for: 1s }}, p95_latency: {{ above: 90ms }}, \
         probe_loss: {{ above: 0.1, for: 2m }}, {off} }}"
    ));
    let rule = |measure, limit, seconds, severity| {
        let lasts = Duration::from_secs(seconds);
        AlarmRule { measure, limit, lasts, severity }
    };
    let expected = [
        rule(Measure::ErrorRate, 0.2, 1, Severity::Critical),
        rule(Measure::P95Latency, 0.09, 300, Severity::Warning),
        rule(Measure::Load, 0.8, 60, Severity::Warning),
        rule(Measure::Load, 1.0, 0, Severity::Critical),
        rule(Measure::ProbeLoss, 0.1, 120, Severity::Warning),
    ];
    assert_eq!(said.rules, expected);
}

#[test]
fn a_rule_that_makes_no_sense_is_refused() {
    check(
        "alarms: { error_rate: { above: 5 } }",
        &["32: `above` is more than 0 and at most 1, not 5 | 1 % is written `0.01`"],
    );
    check(
        "alarms: { probe_loss: { above: 0.0 } }",
        &["32: `above` is more than 0 and at most 1, not 0 | 1 % is written `0.01`"],
    );
    check("alarms: { error_rate: never }", &["23: `never` is not a choice here | there is `off`"]);
    check("alarms: { database_age: { above_days: 0 } }", &["39: `above_days` goes from 1 to 3650, not 0"]);
    check(
        "alarms: { replication_lag: { warning: 3m } }",
        &[
            "39: `critical` must be longer than `warning` | a warning comes first: `{ warning: 30s, critical: 2m }`",
        ],
    );
    check(
        "alarms: { certificate: { critical_days: 14 } }",
        &["41: `critical_days` must be fewer than `warning_days` | a warning comes first: \
           `{ warning_days: 14, critical_days: 3 }`"],
    );
    check("alarms: { eror_rate: off }", &["11: unknown key `eror_rate` | did you mean `error_rate`?"]);
}
