//! Rules about the schedule of drills.

use super::*;

/// Checks the regions with these drills, each on a line of its own.
fn check_drills(drills: &[&str], expected: &[&str]) {
    let drills: String = drills.iter().map(|drill| format!("  - {{ {drill} }}\n")).collect();
    check("regions.yaml", &format!("{REGIONS}drills:\n{drills}"), expected);
}

#[test]
fn a_drill_says_where_and_when_and_the_rest_is_the_usual() {
    let drills = "drills:\n  - { region: tokyo, windows: 'tue 09:00-12:00' }\n  \
                  - region: dublin/a\n    percent: 25%\n    for: 2h\n    abort_when: load>90%\n    \
                    windows: [wed 09:00-12:00, thu 22:00-00:30]\n    blocked: [2026-12-24, 2026-12-27..2027-01-02]\n";
    let regions = format!("{REGIONS}{drills}");
    let files = [("server.yaml", SERVER), ("regions.yaml", &regions), ("a.yaml", ZONE)];
    let sources = SourceFiles::new("", files.map(|(name, text)| SourceFile::new(name, text)).into());
    let config = compile(&sources).expect("it can be used").config;
    let text = summary::ConfigSummary(&config).to_string();
    let drills: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("by schedule: ")).collect();
    assert_eq!(
        drills,
        [
            "drill tokyo 10% abort-when alarm for 30m, tue 09:00-12:00 (UTC)",
            "drill dublin/a 25% abort-when load>90% for 2h, wed 09:00-12:00, thu 22:00-00:30 (UTC), \
             not on 2026-12-24, 2026-12-27..2027-01-02",
        ]
    );
}

#[test]
fn what_is_missing_or_nowhere_is_reported_with_a_way_out() {
    check_drills(
        &[
            "percent: 10",
            "region: tokio, windows: 'tue 09:00-12:00'",
            "region: tokyo/b, windows: ['tue 09:00-12:00']",
        ],
        &[
            "regions.yaml:9:5: `region` is missing | write `region: tokyo` or `region: tokyo/tokyo-a`",
            "regions.yaml:9:5: the drill has no `windows` | write `windows: [\"tue 09:00-12:00\"]`, in UTC",
            "regions.yaml:10:15: region `tokio` is not defined | regions.yaml defines `tokyo`",
            "regions.yaml:11:15: region `tokyo` has no availability zone `b` | did you mean `a`?",
        ],
    );
    check_drills(
        &["region: tokyo/a/192.0.2.1, windows: 'tue 09:00-12:00'"],
        &[
            "regions.yaml:9:15: `tokyo/a/192.0.2.1` is neither a region nor an availability zone | write `tokyo` or \
           `tokyo/tokyo-a`",
        ],
    );
}

#[test]
fn each_value_has_a_form() {
    check_drills(
        &["region: tokyo, percent: 101, abort_when: moon, windows: [day 09:00-12:00], blocked: [2026-02-29]"],
        &[
            "regions.yaml:9:31: `101` is not a percentage from 0.01% to 100% | write `10%` or `10`",
            "regions.yaml:9:48: `moon` is not a condition that ends a drill early | write `alarm`, `load>90%`, \
             `error_rate>2%` or `p95>900ms`",
            "regions.yaml:9:64: `day 09:00-12:00` is not a window of the week | write `tue 09:00-12:00`: mon to sun, \
             and times in UTC",
            "regions.yaml:9:92: `2026-02-29` is neither a day nor days in a row | write `2026-12-24`, or \
             `2026-12-27..2027-01-02` for a week of them",
        ],
    );
}

#[test]
fn a_drill_fits_into_its_window_and_is_no_shorter_than_an_intent() {
    check_drills(
        &["region: tokyo, for: 2h, windows: ['tue 09:00-10:00', 'thu 23:00-01:00']"],
        &[
            "regions.yaml:9:41: a drill of 2h does not fit into `tue 09:00-10:00` | let the window be longer, or `for` \
           shorter",
        ],
    );
    check_drills(
        &["region: tokyo, for: 59s, windows: ['tue 09:00-10:00']"],
        &["regions.yaml:9:27: `for` goes from 1m to 1d, not 59s"],
    );
}

#[test]
fn drills_that_meet_are_a_warning() {
    check_drills(
        &[
            "region: tokyo, for: 1h, windows: ['sun 23:30-01:00']",
            "region: dublin, windows: ['mon 00:00-02:00']",
            "region: dublin, windows: ['mon 00:30-02:00']",
        ],
        &[
            "regions.yaml:10:5: warning: the drill of `mon 00:00-02:00` meets the one of line 9 | there is one at a \
           time: the second is not begun, unless `blocked` keeps them apart",
        ],
    );
}
