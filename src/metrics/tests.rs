//! The rules of the page as a whole. Those of the counters of answers are beside them.

use std::time::Duration;

use super::*;
use crate::alarm::Alarm;
use crate::canary::{CanaryId, Epoch, Failure, Subject};
use crate::engine::{ReplySubject, ReplyTally, Transport};
use crate::event::AffectedNames;
use crate::geo;
use crate::health::{Board, Phase, SiteShare, Sites, Standing, Status, fixture};
use crate::intent::{self, Drill, Intent, Request};
use crate::moment::Moment;
use crate::region::{Family as RegionFamily, Region, RegionId};
use crate::share::Share;
use crate::snapshot::Base;
use crate::steering::AllDown;
use crate::steering::fixture::{policy, steering};
use crate::wire::Rcode;

/// One zone, these regions, and the canaries `shallow` and `deep`.
fn config(regions: Vec<Region>) -> Config {
    Config {
        regions: Regions::new(regions),
        canaries: vec![fixture::canary("shallow", 3, 3), fixture::canary("deep", 3, 3)],
        ..answers::tests::config(&["api.test."])
    }
}

/// Two regions with an address each; `oregon` has both canaries.
fn two_regions() -> Config {
    let oregon =
        Region { canaries: vec![CanaryId(0), CanaryId(1)], ..fixture::region("oregon", &["192.0.2.2"]) };
    config(vec![fixture::region("tokyo", &["192.0.2.1"]), oregon])
}

fn observation(address: u32, canary: u16, result: Result<(), FailureClass>) -> Observation {
    Observation {
        epoch: Epoch(1),
        subject: Subject::Address(AddressId(address)),
        canary: CanaryId(canary),
        at: Moment(0),
        latency: Duration::from_millis(30),
        result: result.map_err(|class| Failure { class, detail: "whatever it was".to_owned() }),
        signals: None,
    }
}

/// Checks that the page has exactly these lines with `name`, without the name's `meridian_`.
fn check(metrics: &Metrics, name: &str, expected: &[&str]) {
    let page = metrics.render(Exposition::OpenMetrics);
    let mut lines: Vec<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("meridian_"))
        .filter(|line| line.split(['{', ' ']).next() == Some(name))
        .collect();
    lines.sort_unstable();
    assert_eq!(lines, expected, "in {page}");
}

/// Checks which of the series with `name` are 1, in each set of `states` of which only one may be.
fn check_states(metrics: &Metrics, name: &str, states: usize, expected: &[&str]) {
    let page = metrics.render(Exposition::OpenMetrics);
    let series = page.lines().filter_map(|line| line.strip_prefix("meridian_")?.strip_prefix(name));
    let series: Vec<_> = series.filter(|line| line.starts_with('{')).collect();
    let mut set: Vec<_> = series.iter().filter_map(|line| line.strip_suffix(" 1")).collect();
    set.sort_unstable();
    assert_eq!(set, expected, "in {page}");
    assert_eq!(series.len(), states * expected.len(), "in {page}");
}

#[test]
fn answers_are_printed_by_zone_type_code_transport_and_by_region() {
    let metrics = Metrics::default();
    let answers = metrics.begin(&two_regions(), 0);
    let tally = ReplyTally {
        zone: Some(0),
        qtype: Some(28),
        rcode: Rcode::NoError,
        region: Some(RegionId(1)),
        part: None,
        is_leaving: false,
        is_truncated: true,
        has_client_subnet: true,
        cookie: None,
        subject: ReplySubject::Name(None),
    };
    answers.count(&tally, Transport::Udp);
    answers.count_silence();
    let line = r#"queries_total{zone="api.test.",type="AAAA",rcode="NOERROR",transport="udp"} 1"#;
    check(&metrics, "queries_total", &[line]);
    let lines = [r#"region_answers_total{region="oregon"} 1"#, r#"region_answers_total{region="tokyo"} 0"#];
    check(&metrics, "region_answers_total", &lines);
    let lines =
        [r#"truncated_answers_total{transport="tcp"} 0"#, r#"truncated_answers_total{transport="udp"} 1"#];
    check(&metrics, "truncated_answers_total", &lines);
    check(&metrics, "client_subnet_queries_total", &["client_subnet_queries_total{} 1"]);
    let lines =
        [r#"dropped_queries_total{reason="malformed"} 1"#, r#"dropped_queries_total{reason="unread"} 0"#];
    check(&metrics, "dropped_queries_total", &lines);
}

#[test]
fn canary_results_are_counted_by_class_and_their_latency_measured() {
    let metrics = Metrics::default();
    let config = two_regions();
    metrics.begin(&config, 0);
    for result in [Ok(()), Ok(()), Err(FailureClass::Tls)] {
        metrics.observed(&config, &observation(1, 1, result));
    }
    let lines = [
        r#"canary_results_total{region="oregon",canary="deep",result="ok"} 2"#,
        r#"canary_results_total{region="oregon",canary="deep",result="tls"} 1"#,
    ];
    check(&metrics, "canary_results_total", &lines);
    let line = r#"canary_duration_seconds_count{region="oregon",canary="deep"} 3"#;
    check(&metrics, "canary_duration_seconds_count", &[line]);
    let page = metrics.render(Exposition::OpenMetrics);
    let bucket = r#"meridian_canary_duration_seconds_bucket{le="0.05",region="oregon",canary="deep"} 3"#;
    assert!(page.contains(bucket), "{page}");
}

#[test]
fn a_success_above_the_limit_is_counted_as_slow() {
    let metrics = Metrics::default();
    let mut config = two_regions();
    config.canaries[1].slow = Some(Duration::from_millis(29));
    metrics.begin(&config, 0);
    // All take 30 ms.
    for (canary, result) in [(0, Ok(())), (1, Ok(())), (1, Err(FailureClass::Timeout))] {
        metrics.observed(&config, &observation(1, canary, result));
    }
    check(&metrics, "canary_slow_total", &[r#"canary_slow_total{region="oregon",canary="deep"} 1"#]);
}

#[test]
fn a_change_of_state_is_counted_and_a_reload_is_none() {
    let metrics = Metrics::default();
    let config = two_regions();
    let (up, suspect) = (
        View::all_up(&config.regions),
        View::counted(&config.regions, vec![Standing::Up, Standing::Suspect]),
    );
    metrics.standings(&config.regions, &suspect, None);
    check(&metrics, "state_changes_total", &[]);
    metrics.standings(&config.regions, &up, Some(&suspect));
    metrics.standings(&config.regions, &suspect, Some(&up));
    let lines = [
        r#"state_changes_total{region="oregon",state="suspect"} 1"#,
        r#"state_changes_total{region="oregon",state="up"} 1"#,
    ];
    check(&metrics, "state_changes_total", &lines);
    let lines = [
        r#"{region="oregon",availability_zone="oregon-a",address="192.0.2.2",state="suspect"}"#,
        r#"{region="tokyo",availability_zone="tokyo-a",address="192.0.2.1",state="up"}"#,
    ];
    check_states(&metrics, "address_state", 3, &lines);
}

#[test]
fn the_share_phase_and_load_of_a_region_are_printed_and_an_unknown_load_has_no_series() {
    let metrics = Metrics::default();
    let config = two_regions();
    let (board, sites) =
        (Board::new(&config.regions, &config.canaries, Moment(0)), Sites::new(&config.regions, Moment(0)));
    let mut report = Report::new(1, &config, [&board; 2], &sites, &sites.view(&board), Vec::new(), Moment(0));
    report.regions[1].vitals.load = Some(0.4);
    report.regions[1].away = Share::percent(10);
    let share = SiteShare::Part(Share::percent(50));
    report.regions[1].status[0] = Status { phase: Phase::Ramp, share, ..report.regions[1].status[0] };
    report.regions[1].zones[0].status[0] =
        Status { phase: Phase::Held, share: SiteShare::Waiting, ..report.regions[1].status[0] };
    metrics.reported(&report);
    let of = |region: &str, family: &str, value: &str| {
        format!(r#"{{region="{region}",family="{family}"}} {value}"#)
    };
    let tokyo = of("tokyo", "ipv4", "1.0");
    let share = format!("region_share{}", of("oregon", "ipv4", "0.5"));
    check(&metrics, "region_share", &[&share, &format!("region_share{tokyo}")]);
    let phases = [
        r#"{region="oregon",family="ipv4",phase="ramp"}"#,
        r#"{region="tokyo",family="ipv4",phase="unknown"}"#,
    ];
    check_states(&metrics, "region_phase", 8, &phases);
    let zones = [
        r#"{region="oregon",availability_zone="oregon-a",family="ipv4",phase="held"}"#,
        r#"{region="tokyo",availability_zone="tokyo-a",family="ipv4",phase="unknown"}"#,
    ];
    check_states(&metrics, "zone_phase", 8, &zones);
    check(&metrics, "region_load", &[r#"region_load{region="oregon"} 0.4"#]);
    let shed = [r#"region_shed{region="oregon"} 0.1"#, r#"region_shed{region="tokyo"} 0.0"#];
    check(&metrics, "region_shed", &shed);
    report.regions[1].vitals.load = None;
    report.regions[1].status[0].phase = Phase::Healthy;
    metrics.reported(&report);
    let healthy = r#"{region="oregon",family="ipv4",phase="healthy"}"#;
    check_states(&metrics, "region_phase", 8, &[healthy, phases[1]]);
    check(&metrics, "region_load", &[]);
    metrics.begin(&config, 0);
    check(&metrics, "region_share", &[]);
}

#[test]
fn reloads_are_there_before_the_first_and_count_failures_apart() {
    let metrics = Metrics::default();
    let lines = |failed| format!(r#"reloads_total{{result="failed"}} {failed}"#);
    let ok = r#"reloads_total{result="ok"} 0"#;
    check(&metrics, "reloads_total", &[&lines(0), ok]);
    metrics.reloaded(false, Moment(7_000_500));
    check(&metrics, "reloads_total", &[&lines(1), ok]);
    check(&metrics, "last_reload_timestamp_seconds", &["last_reload_timestamp_seconds 7000"]);
    check(&metrics, "last_reload_successful", &["last_reload_successful 0"]);
}

#[test]
fn the_number_of_the_snapshot_that_is_served_is_printed() {
    let metrics = Metrics::default();
    let config = Config { zones: vec![], ..two_regions() };
    let sources = geo::TableSources { database: None, asn: None, networks: &[] };
    let table = geo::Table::compile(sources, &config.distinctions()).expect("nothing to be damaged");
    let up = View::all_up(&config.regions);
    let base = Base::build(Arc::new(config), table);
    metrics.published(&Snapshot::compile(Arc::new(base), up, 7));
    check(&metrics, "snapshot_number", &["snapshot_number 7"]);
}

#[test]
fn the_age_of_a_database_can_be_told_and_no_database_has_none() {
    let metrics = Metrics::default();
    check(&metrics, "geo_database_build_timestamp_seconds", &[]);
    metrics.located_by(Some(("GeoLite2-City", "ab12", Moment(1_700_000_000_000))));
    let line = "geo_database_build_timestamp_seconds{} 1700000000";
    check(&metrics, "geo_database_build_timestamp_seconds", &[line]);
    let line = r#"geo_database_info{kind="GeoLite2-City",sha256="ab12"} 1"#;
    check(&metrics, "geo_database_info", &[line]);
    metrics.located_by(None);
    check(&metrics, "geo_database_build_timestamp_seconds", &[]);
}

#[test]
fn only_the_configuration_in_force_has_a_series() {
    let metrics = Metrics::default();
    metrics.configured("ns1", "ab12");
    metrics.configured("ns1", "cd34");
    check(&metrics, "configuration_info", &[r#"configuration_info{name="ns1",digest="cd34"} 1"#]);
}

#[test]
fn clients_that_fail_open_are_told_by_name_and_rule_and_an_alarm_that_is_over_counts_zero() {
    let metrics = Metrics::default();
    let mut config = two_regions();
    config.steered = ["a.test.", "b.test."].map(|owner| steering(owner, policy(&[0, 1]))).into();
    metrics.begin(&config, 0);
    let names = AffectedNames { owner: "a.test".to_owned(), others: 1, rule: None };
    let event = Event::no_region_available(&names, RegionFamily::V6, AllDown::FailOpen, Moment(0));
    let alarm = Alarm { condition: names.condition(RegionFamily::V6), event };
    let of = |name: &str, family: &str, value: u8| {
        format!(r#"failing_open{{name="{name}",clients="all",family="{family}"}} {value}"#)
    };
    let lines = |value| {
        [
            of("a.test", "ipv4", 0),
            of("a.test", "ipv6", value),
            of("b.test", "ipv4", 0),
            of("b.test", "ipv6", value),
        ]
    };
    let alarms = |count: u8| format!(r#"alarms{{kind="no_region_available",severity="critical"}} {count}"#);
    for (standing, value) in [(vec![alarm], 1), (vec![], 0)] {
        metrics.instance.alarmed(&standing);
        check(&metrics, "failing_open", &lines(value).each_ref().map(String::as_str));
        check(&metrics, "alarms", &[&alarms(value)]);
    }
}

#[test]
fn the_process_is_measured_under_the_names_that_every_client_library_has() {
    let page = Metrics::default().render(Exposition::Plain);
    for name in [
        "process_resident_memory_bytes",
        "process_cpu_seconds_total",
        "process_open_fds",
        "process_start_time_seconds",
    ] {
        let line = page.lines().find(|line| line.split(' ').next() == Some(name));
        let value = line.and_then(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
        assert!(value.is_some_and(|value| value > 0.0) || name.contains("cpu"), "{name} in {page}");
    }
}

#[test]
fn what_a_reload_removes_takes_its_series_along_and_the_rest_goes_on_counting() {
    let metrics = Metrics::default();
    let before = two_regions();
    metrics.begin(&before, 0);
    for (address, canary) in [(0, 0), (1, 0), (1, 1)] {
        metrics.observed(&before, &observation(address, canary, Err(FailureClass::Timeout)));
    }
    let down = View::counted(&before.regions, vec![Standing::Suspect; 2]);
    metrics.standings(&before.regions, &down, Some(&View::all_up(&before.regions)));
    // `tokyo` is gone, and `oregon` has lost its canary `deep`.
    let after = config(vec![fixture::region("oregon", &["192.0.2.2"])]);
    metrics.begin(&after, 0);
    metrics.observed(&after, &observation(0, 0, Err(FailureClass::Timeout)));
    let line = r#"canary_results_total{region="oregon",canary="shallow",result="timeout"} 2"#;
    check(&metrics, "canary_results_total", &[line]);
    let line = r#"canary_duration_seconds_count{region="oregon",canary="shallow"} 2"#;
    check(&metrics, "canary_duration_seconds_count", &[line]);
    let line = r#"state_changes_total{region="oregon",state="suspect"} 1"#;
    check(&metrics, "state_changes_total", &[line]);
    check(&metrics, "address_state", &[]);
}

#[test]
fn intents_are_counted_by_what_they_are_and_a_region_that_was_never_drilled_has_no_series() {
    let metrics = Metrics::default();
    let config = two_regions();
    let (board, sites) =
        (Board::new(&config.regions, &config.canaries, Moment(0)), Sites::new(&config.regions, Moment(0)));
    let mut report = Report::new(1, &config, [&board; 2], &sites, &sites.view(&board), Vec::new(), Moment(0));
    let request = |action: &str| Request { action: action.parse().expect("an action"), ..Request::default() };
    let intent = |action| Intent {
        number: 1,
        request: request(action),
        made_at: Moment(0),
        phase: intent::IntentPhase::Standing,
    };
    report.intents = vec![intent("force tokyo up"), intent("force oregon up"), intent("drill oregon")];
    let over =
        |action, outcome, at| Drill::begin(1, request(action), Moment(0)).over(outcome, None, Moment(at));
    report.drills = Arc::new(vec![
        over("drill oregon", intent::DrillOutcome::Succeeded, 7_000_500),
        over("drill oregon", intent::DrillOutcome::Failed, 8_000_000),
        over("drill tokyo/tokyo-a", intent::DrillOutcome::Succeeded, 9_000_000),
    ]);
    metrics.reported(&report);
    let forces = r#"intents{kind="force",state="standing"} "#;
    let drill = |count| format!(r#"intents{{kind="drill",state="standing"}} {count}"#);
    check(&metrics, "intents", &[&drill(1), &format!("{forces}2")]);
    let last = r#"drill_last_success_timestamp_seconds{region="oregon"} 7000"#;
    check(&metrics, "drill_last_success_timestamp_seconds", &[last]);
    report.intents.truncate(1);
    metrics.reported(&report);
    check(&metrics, "intents", &[&drill(0), &format!("{forces}1")]);
}
