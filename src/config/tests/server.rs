//! Rules about `server.yaml`.

use super::*;

#[test]
fn the_pages_are_not_served_where_dns_is_answered() {
    let server = |dns: &str, admin: &str| {
        format!("name: ns1\nlisten: {{ dns: '{dns}' }}\nadmin: '{admin}'\ngeo: {{ database: w, asn: a }}\n")
    };
    check("server.yaml", &server("127.0.0.1:53", "127.0.0.1:8053"), &[]);
    check("server.yaml", &server("127.0.0.1:0", "127.0.0.1:0"), &[]);
    check(
        "server.yaml",
        &server("127.0.0.1:53", "127.0.0.1:53"),
        &[
            "server.yaml:3:8: `admin` is `127.0.0.1:53`, where DNS is answered | give it a port of its own, for example 8053",
        ],
    );
}

/// Checks a server with this webhook.
fn check_webhook(webhook: &str, expected: &[&str]) {
    check("server.yaml", &format!("{SERVER}webhooks:\n  - {{ {webhook} }}\n"), expected);
}

#[test]
fn a_webhook_needs_a_name_and_an_http_url_and_a_shape_that_exists() {
    check_webhook("name: oncall, url: 'https://hooks.example.com/x?y=z', secret: { environment: HOOK }", &[]);
    check_webhook(
        "shape: json",
        &[
            "server.yaml:5:5: `name` is missing | write `name: oncall`",
            "server.yaml:5:5: `url` is missing | write `url: https://hooks.example.com/meridian`",
        ],
    );
    for url in ["ftp://hooks.example.com", "hooks.example.com", "https://", "https://a b/"] {
        check_webhook(
            &format!("name: oncall, url: '{url}'"),
            &[&format!(
                "server.yaml:5:26: `{url}` is not an `http` or `https` URL | write `https://hooks.example.com/meridian`"
            )],
        );
    }
    let url = "url: 'http://127.0.0.1:9/'";
    check_webhook(
        &format!("name: oncall, {url}, shape: slak"),
        &["server.yaml:5:56: `slak` is not a choice here | did you mean `slack`?"],
    );
    check_webhook(
        &format!("name: oncall, {url}, least: debug"),
        &["server.yaml:5:56: `debug` is not a choice here | the choices are `info`, `warning` and `alarm`"],
    );
}

#[test]
fn a_secret_is_in_one_place_and_pagerduty_needs_one() {
    let url = "name: oncall, url: 'http://127.0.0.1:9/'";
    check_webhook(
        &format!("{url}, shape: pagerduty"),
        &[
            "server.yaml:5:5: `secret` is missing: PagerDuty needs a routing key | write `secret: { file: /run/secrets/pagerduty }`",
        ],
    );
    let either = "a secret is in a file or in the environment | write `secret: { file: /run/secrets/hook }` or `secret: { environment: HOOK }`";
    for secret in ["{}", "{ file: a, environment: B }"] {
        check_webhook(&format!("{url}, secret: {secret}"), &[&format!("server.yaml:5:57: {either}")]);
    }
    check_webhook(
        &format!("{url}, secret: {{ environment: a-b }}"),
        &["server.yaml:5:72: `a-b` is not the name of an environment variable"],
    );
}

#[test]
fn two_webhooks_of_one_name_would_share_a_cursor() {
    let one = "  - { name: oncall, url: 'http://127.0.0.1:9/' }\n";
    check(
        "server.yaml",
        &format!("{SERVER}webhooks:\n{one}{one}"),
        &[
            "server.yaml:6:13: there are two webhooks `oncall` | each keeps under its name how far it has come",
        ],
    );
}
