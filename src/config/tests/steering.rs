//! Rules about steered names, groups and residency.

use super::*;

#[test]
fn regions_are_listed_once_and_there_is_at_least_one() {
    check_steer(
        "ttl: 1s",
        &["a.yaml:5:15: there are no regions to choose from | write `regions:` with names from regions.yaml"],
    );
    check_steer("regions: [tokyo, tokyo]", &["a.yaml:5:34: region `tokyo` is listed twice"]);
}

#[test]
fn answers_hold_up_to_four_regions_and_where_the_first_fills_them_is_a_warning() {
    check_steer("regions: [tokyo, dublin], max_regions: 4, one_zone: true", &[]);
    check_steer(
        "regions: [tokyo, dublin], max_regions: 5",
        &["a.yaml:5:56: `max_regions` goes from 1 to 4, not 5"],
    );
    check_steer(
        "regions: [tokyo, dublin], max_regions: 2, max_answers: 1",
        &[
            "a.yaml:5:56: warning: no region follows tokyo, dublin, whose addresses fill the answer | `max_answers` is 1",
        ],
    );
}

#[test]
fn the_failover_of_a_name_is_auto_or_off_and_off_contradicts_a_limit_of_the_lag() {
    for mode in ["auto", "off"] {
        check_steer(&format!("regions: [tokyo, dublin], failover: {mode}"), &[]);
    }
    check_steer(
        "regions: [tokyo, dublin], failover: advise",
        &["a.yaml:5:53: `advise` is not a choice here | there are `auto` and `off`"],
    );
    check_steer(
        "regions: [tokyo, dublin], failover: off, max_lag: 30s",
        &[
            "a.yaml:5:67: `max_lag` moves clients, and `failover: off` lets nothing but operators move them | leave one of `max_lag` and `failover` out",
        ],
    );
}

#[test]
fn a_rule_that_permits_none_of_the_regions_needs_an_otherwise() {
    check_steer(
        "regions: tokyo, residency: [{ clients: eu, jurisdictions: [EU] }]",
        &[
            "a.yaml:5:45: the rule `eu only in EU` permits none of the name's regions | add a region, or say that the clients get no answer: `otherwise: servfail`",
        ],
    );
    check_steer(
        "regions: tokyo, residency: [{ clients: eu, jurisdictions: [EU], otherwise: servfail }]",
        &[],
    );
}

#[test]
fn what_resolvers_make_of_refused_and_nodata_is_a_warning() {
    check_steer(
        "regions: tokyo, residency: [{ clients: eu, jurisdictions: [EU], otherwise: refuse }]",
        &[
            "a.yaml:5:92: warning: resolvers ask again without the client subnet when they are refused (RFC 7871, 7.3), and give the client what is permitted to them; some stop asking this server for a while | `otherwise: servfail` has neither effect",
        ],
    );
    check_steer(
        "regions: tokyo, residency: [{ clients: eu, jurisdictions: [EU], otherwise: nodata }]",
        &[
            "a.yaml:5:92: warning: resolvers may keep NODATA for all of their clients, whatever their subnets (RFC 7871, 7.4) | `otherwise: servfail` has neither effect",
        ],
    );
}

#[test]
fn rules_that_leave_one_group_nothing_together_are_an_error() {
    check_steer(
        "regions: [tokyo, dublin], residency: [{ clients: eu, jurisdictions: EU }, { clients: eu, regions: tokyo }]",
        &[
            "a.yaml:5:91: the rule `eu only in tokyo` leaves nothing of what line 5 permits | add a region, or say that the clients get no answer: `otherwise: servfail`",
        ],
    );
}

#[test]
fn an_order_may_not_list_for_a_group_what_a_rule_forbids_to_it() {
    check_steer(
        "regions: [tokyo, dublin], order: { eu: [dublin, tokyo], otherwise: nearest }, residency: [{ clients: eu, jurisdictions: EU }]",
        &[
            "a.yaml:5:65: region `tokyo` is listed for group `eu`, to whom a rule forbids it | line 5 says: eu only in EU",
        ],
    );
    check_steer(
        "regions: [tokyo, dublin], unknown_location: tokyo, residency: [{ clients: [eu, unknown], jurisdictions: EU }]",
        &[
            "a.yaml:5:61: region `tokyo` is listed for clients of unknown location, to whom a rule forbids it | line 5 says: eu, unknown only in EU",
        ],
    );
}

#[test]
fn an_order_by_group_says_what_everybody_else_gets() {
    check_steer(
        "regions: [tokyo, dublin], order: { eu: [dublin] }",
        &[
            "a.yaml:5:50: the order for the clients of no listed group is missing | add `otherwise: nearest` or `otherwise: listed`",
        ],
    );
    check_steer(
        "regions: [tokyo], order: { eu: dublin, ue: [dublin], otherwise: [tokyo] }",
        &[
            "a.yaml:5:48: `dublin` is not a choice here | there are `nearest` and `listed`",
            "a.yaml:5:56: group `ue` is not defined | did you mean `eu`?",
            "a.yaml:5:61: region `dublin` is not one of the name's regions | add it to `regions:`",
            "a.yaml:5:81: `otherwise` is `nearest` or `listed`, not a list | the order of `regions:` is the list that `listed` means",
        ],
    );
    check_steer(
        "regions: tokyo, order: neerest",
        &["a.yaml:5:40: `neerest` is not a choice here | did you mean `nearest`?"],
    );
}

#[test]
fn numbers_have_bounds() {
    check_steer(
        "regions: tokyo, ttl: 2d, max_answers: 0",
        &[
            "a.yaml:5:38: a TTL of 172800 seconds is too long for a steered name | at most `1d`: failover waits for it",
            "a.yaml:5:55: `max_answers` goes from 1 to 32, not 0",
        ],
    );
    check_steer(
        "regions: tokyo, ttl: 5s, short_ttl: 6s",
        &["a.yaml:5:53: `short_ttl` is longer than `ttl`, which is 5 seconds"],
    );
}

#[test]
fn a_rule_says_whom_it_binds_and_what_it_permits() {
    check_steer(
        "regions: tokyo, residency: [{ jurisdictions: JP }, { clients: eu }]",
        &[
            "a.yaml:5:45: the rule binds no clients | write `clients:` with a group, for example `clients: eu`",
            "a.yaml:5:68: the rule does not say what is permitted | add `jurisdictions: [EU]` or `regions: [frankfurt]`",
        ],
    );
}

#[test]
fn names_of_groups_are_not_taken_and_groups_have_members() {
    let groups = "groups: { unknown: { countries: JP }, eu: { countries: JP }, none: {}, kr: { countries: [KR, XXX] } }\n";
    check(
        "a.yaml",
        &format!("{ZONE}{groups}"),
        &[
            "a.yaml:5:11: a group cannot be called `unknown` | it is built in: the clients whose location is not known",
            "a.yaml:5:39: regions.yaml already defines group `eu` | give it another name",
            "a.yaml:5:62: group `none` has no members | add for example `countries: [JP]` or `european_union: true`",
            "a.yaml:5:94: `XXX` is not an ISO 3166-1 country code | write two letters, for example `JP`",
            "a.yaml:5:11: warning: nothing refers to group `unknown`",
            "a.yaml:5:62: warning: nothing refers to group `none`",
            "a.yaml:5:72: warning: nothing refers to group `kr`",
        ],
    );
}

#[test]
fn weights_are_for_several_regions_of_the_name_and_some_weight_is_above_zero() {
    check_steer("regions: [tokyo, dublin], weights: { tokyo: 90, dublin: 10 }", &[]);
    check_steer(
        "regions: [tokyo, dublin], weights: { tokyo: 1 }",
        &[
            "a.yaml:5:52: `weights` divide clients between several regions | name two to 8 regions, or leave `weights` out",
        ],
    );
    check_steer(
        "regions: [tokyo, dublin], weights: { tokyo: 0, dublin: 0 }",
        &["a.yaml:5:52: all weights are 0 | some region must have a weight above 0"],
    );
    check_steer(
        "regions: [tokyo, dublin], weights: { tokyo: 10001, dublin: 1 }",
        &["a.yaml:5:61: the weight 10001 of `tokyo` is too large | weights go from 0 to 10000"],
    );
}

#[test]
fn the_names_of_pins_are_free() {
    check_steer("regions: [tokyo, dublin], pins: true", &[]);
    let steered = "  x: { steer: { regions: [tokyo], pins: true } }\n";
    let check_beside =
        |other: &str, expected: &[&str]| check("a.yaml", &format!("{ZONE}{steered}{other}"), expected);
    check_beside(
        "  www.tokyo.x: { A: 192.0.2.7 }\n  '*.y': { steer: { regions: [tokyo], pins: true } }\n",
        &[],
    );
    check_beside(
        "  tokyo.x: { TXT: taken }\n",
        &[
            "a.yaml:5:41: the pin `tokyo.x.example.org.` is a name of its own already | it is at a.yaml:6: take it away, or leave `pins` out",
        ],
    );
    check_beside(
        "  TOKYO.x: { steer: { regions: [tokyo] } }\n",
        &[
            "a.yaml:5:41: the pin `tokyo.x.example.org.` is a name of its own already | it is at a.yaml:6: take it away, or leave `pins` out",
        ],
    );
}

#[test]
fn https_records_of_the_next_region_lead_to_its_pin() {
    check_steer("regions: [tokyo, dublin], pins: true, https: { failover: true }", &[]);
    check_steer(
        "regions: [tokyo, dublin], https: { failover: true }",
        &[
            "a.yaml:5:62: `failover` of HTTPS leads to pins, and the name has none | add `pins: true` to `steer`",
        ],
    );
}

#[test]
fn regions_that_are_equally_near_share_clients_where_distance_decides() {
    check_steer("regions: [tokyo, dublin], spread: 100 km", &[]);
    check_steer(
        "regions: [tokyo, dublin], spread: 100",
        &["a.yaml:5:51: `100` is not a distance | write kilometres, as `100 km`; at most `5000 km`"],
    );
    check_steer(
        "regions: [tokyo, dublin], spread: 100 km, order: listed",
        &[
            "a.yaml:5:51: no client is sent to the nearest region | `spread` is for `order: nearest`; `weights` divide the clients of listed regions",
        ],
    );
    check_steer(
        "regions: [tokyo, dublin], spread: 100 km, weights: { tokyo: 1, dublin: 1 }",
        &["a.yaml:5:51: `weights` divide the clients already | leave one of `spread` and `weights` out"],
    );
}
