//! Rules about `server.yaml`.

use super::*;

#[test]
fn the_pages_are_not_served_where_dns_is_answered() {
    let server = |dns: &str, admin: &str| {
        format!("name: ns1\nlisten: {{ dns: '{dns}' }}\nadmin: '{admin}'\ngeo: {{ database: w, asn: a }}\n")
    };
    check("server.yaml", &server("127.0.0.1:53", "127.0.0.1:8053"), &[]);
    check("server.yaml", &server("127.0.0.1:0", "127.0.0.1:0"), &[]);
    let tls = "127.0.0.1:53', tls: { addresses: '127.0.0.1:853', certificate: c, key: k }, threads: '1";
    check(
        "server.yaml",
        &server(tls, "127.0.0.1:853"),
        &[
            "server.yaml:3:8: `admin` is `127.0.0.1:853`, where DNS is answered | give it a port of its own, for example 8053",
        ],
    );
    check(
        "server.yaml",
        &server("127.0.0.1:53", "127.0.0.1:53"),
        &[
            "server.yaml:3:8: `admin` is `127.0.0.1:53`, where DNS is answered | give it a port of its own, for example 8053",
        ],
    );
}

#[test]
fn a_user_that_would_keep_everything_or_is_none_is_refused_in_one_sentence() {
    let server = |user: &str| {
        format!(
            "name: ns1\nlisten: {{ dns: '127.0.0.1:53' }}\nuser: {user}\ngeo: {{ database: w, asn: a }}\n"
        )
    };
    for user in ["meridian", "65532", "4294967294", "1"] {
        check("server.yaml", &server(user), &[]);
    }
    for user in ["root", "0", "00"] {
        let expected = "server.yaml:3:7: as root nothing is given up | name a user of its own, for example `user: meridian`, or leave `user` out";
        check("server.yaml", &server(user), &[expected]);
    }
    for user in ["4294967295", "4294967296", "99999999999999999999"] {
        let expected = format!(
            "server.yaml:3:7: `{user}` is the number of no user | name one of /etc/passwd, or write a number from 1 to 4294967294"
        );
        check("server.yaml", &server(user), &[&expected]);
    }
}

/// Checks a server whose admin address is this, and whose `access` in line 4 says this.
fn check_access(admin: &str, access: &str, expected: &[&str]) {
    let server = format!(
        "name: ns1\nlisten: {{ dns: '127.0.0.1:53' }}\nadmin: '{admin}'\naccess: {{ {access} }}\n\
         geo: {{ database: w, asn: a }}\n"
    );
    check("server.yaml", &server, expected);
}

#[test]
fn a_token_has_a_name_of_its_own_a_role_and_one_place_where_it_is() {
    let check = |token: &str, expected: &[&str]| {
        check_access("127.0.0.1:8053", &format!("tokens: [{{ {token} }}]"), expected);
    };
    check("name: alice, role: operate, file: alice", &[]);
    check("name: alice, role: read, environment: MERIDIAN_ALICE", &[]);
    check("name: alice, role: read, credential: alice", &[]);
    check(
        "name: alice, role: read, credential: ../alice",
        &[
            "server.yaml:4:59: this cannot be the name of a credential | name the one that holds the token, for example `alice` of `LoadCredential=alice:/…`",
        ],
    );
    check("role: read, file: alice", &["server.yaml:4:20: `name` is missing | write `name: alice`"]);
    check(
        "name: alice, file: alice",
        &["server.yaml:4:20: `role` is missing | write `role: read` or `role: operate`"],
    );
    check(
        "name: loopback, role: read, file: a",
        &[
            "server.yaml:4:28: a token cannot be called `loopback` | it is what the log calls this machine itself",
        ],
    );
    check(
        "name: a, role: read",
        &[
            "server.yaml:4:20: it is not said where the token is | add `file: /run/secrets/alice`, `environment: MERIDIAN_ALICE` or `credential: alice`",
        ],
    );
    check(
        "name: a, role: read, file: a, environment: A",
        &[
            "server.yaml:4:20: a token is in a file, in the environment or in a credential | leave all but one of them out",
        ],
    );
    check(
        "name: a, role: read, environment: 1A",
        &[
            "server.yaml:4:56: this cannot be the name of an environment variable | name the variable that holds the token, for example MERIDIAN_ALICE",
        ],
    );
    check(
        "name: a, role: read, file: a }, { name: a, role: read, file: b",
        &[
            "server.yaml:4:62: there is another token called `a` | first in line 4; the log could not tell them apart",
        ],
    );
}

#[test]
fn operators_are_told_by_certificates_that_somebody_signs() {
    let check = |tls: &str, expected: &[&str]| {
        check_access("127.0.0.1:8053", &format!("tls: {{ {tls} }}"), expected);
    };
    check("certificate: a, key: b", &[]);
    check("certificate: a, key: b, clients: c, operators: alice.example.com", &[]);
    check(
        "certificate: a",
        &["server.yaml:4:16: `key` is missing | write `certificate: admin.pem` and `key: admin.key`"],
    );
    check(
        "certificate: a, key: b, operators: [alice]",
        &[
            "server.yaml:4:53: `operators` are told by their certificates, and no authority signs those | add `clients: clients.pem`, the authorities of client certificates",
        ],
    );
    check(
        "certificate: a, key: b, clients: c, operators: []",
        &["server.yaml:4:65: `operators` is empty | leave it out: every certificate then reads"],
    );
    check(
        "certificate: a, key: b, clients: c, operators: ['*.example.com']",
        &[
            "server.yaml:4:66: `*.example.com` cannot be the name of an operator | write the whole name in the certificate, for example alice.example.com",
        ],
    );
}

#[test]
fn an_address_that_others_reach_needs_tokens_and_hides_them() {
    let token = "tokens: [{ name: a, role: read, file: a }]";
    let tls = "tls: { certificate: a, key: b }";
    check_access(
        "0.0.0.0:8053",
        "",
        &[
            "server.yaml:3:8: warning: no other machine can read `0.0.0.0:8053`: there are no tokens | add `access: { tokens: [{ name: grafana, role: read, file: /run/secrets/grafana }] }`",
        ],
    );
    check_access(
        "192.0.2.1:8053",
        token,
        &[
            "server.yaml:3:8: warning: `192.0.2.1:8053` is not loopback, and tokens are sent to it in the open | add `tls: { certificate: …, key: … }` to `access`",
        ],
    );
    check_access("192.0.2.1:8053", &format!("{token}, {tls}"), &[]);
    check_access("192.0.2.1:8053", "tls: { certificate: a, key: b, clients: c }", &[]);
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
                "server.yaml:5:26: `{url}` is not an `http` or `https` URL | write `url: https://hooks.example.com/meridian`"
            )],
        );
    }
    check_webhook(
        "name: oncall, url: 'https://user:pass@hooks.example.com/'",
        &["server.yaml:5:26: the URL has a user or a password | leave them out: they are not sent"],
    );
    let url = "url: 'http://127.0.0.1:9/'";
    check_webhook(
        &format!("name: oncall, {url}, shape: slak"),
        &["server.yaml:5:56: `slak` is not a choice here | did you mean `slack`?"],
    );
    check_webhook(
        &format!("name: oncall, {url}, min_severity: debug"),
        &["server.yaml:5:63: `debug` is not a choice here | there are `info`, `warning` and `critical`"],
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
    for (secret, message) in [
        (
            "{}",
            "it is not said where the secret is | add `file: /run/secrets/alice`, `environment: MERIDIAN_ALICE` or `credential: alice`",
        ),
        (
            "{ file: a, environment: B }",
            "a secret is in a file, in the environment or in a credential | leave all but one of them out",
        ),
    ] {
        check_webhook(&format!("{url}, secret: {secret}"), &[&format!("server.yaml:5:57: {message}")]);
    }
    check_webhook(
        &format!("{url}, secret: {{ environment: a-b }}"),
        &[
            "server.yaml:5:72: this cannot be the name of an environment variable | name the variable that holds the secret, for example MERIDIAN_ALICE",
        ],
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

/// Checks a server with these references, which stand in line 3.
fn check_references(references: &str, expected: &[&str]) {
    let server = format!(
        "name: ns1\nlisten: {{ dns: '127.0.0.1:53' }}\nreferences: [{references}]\ngeo: {{ database: w, asn: a }}\n"
    );
    check("server.yaml", &server, expected);
}

#[test]
fn a_reference_is_a_url_or_a_host_with_a_port_outside_the_regions() {
    check_references("'203.0.113.1:443', 'https://www.example.net/', 'www.example.org:53'", &[]);
    check_references("'[2001:db8:ffff::1]:443'", &[]);
    const HINT: &str = "write `192.0.2.1:443`, `www.example.com:443` or `https://www.example.com/`";
    for wrong in ["203.0.113.1", "www.example.org:0", "ftp://www.example.org/", "http://1.2.3.4.5/", "a b:1"]
    {
        check_references(
            &format!("'{wrong}'"),
            &[&format!("server.yaml:3:14: `{wrong}` is not a reference | {HINT}")],
        );
    }
    check_references("'a.example:1', 'a.example:1'", &["server.yaml:3:29: `a.example:1` is listed twice"]);
    check_references(
        "'http://192.0.2.1:8080/'",
        &[
            "server.yaml:3:14: `http://192.0.2.1:8080/` is an address of region `tokyo` | a reference lies outside the regions: it must answer when they do not",
        ],
    );
}

/// Checks a server that says this in `listen`, in line 2, beside its address.
fn check_listen(listen: &str, expected: &[&str]) {
    let server =
        format!("name: ns1\nlisten: {{ dns: '127.0.0.1:53', {listen} }}\ngeo: {{ database: w, asn: a }}\n");
    check("server.yaml", &server, expected);
}

#[test]
fn threads_and_the_limits_of_tcp_have_bounds() {
    check_listen("threads: 4, tcp: { connections: 100, per_client: 10, idle: 30s }", &[]);
    check_listen("threads: 0", &["server.yaml:2:41: `threads` goes from 1 to 256, not 0"]);
    check_listen(
        "tcp: { connections: 0, per_client: 100001, idle: 1h }",
        &[
            "server.yaml:2:52: `connections` goes from 1 to 100000, not 0",
            "server.yaml:2:67: `per_client` goes from 1 to 100000, not 100001",
            "server.yaml:2:81: `idle` goes from 1s to 10m, not 1h",
        ],
    );
}

#[test]
fn dns_over_tls_has_addresses_of_its_own_a_certificate_and_a_key() {
    const HINT: &str = "write `tls: { addresses: [\"192.0.2.53:853\"], certificate: dot.pem, key: dot.key }`";
    check_listen("tls: { addresses: '127.0.0.1:853', certificate: c, key: k }", &[]);
    check_listen(
        "tls: { addresses: '127.0.0.1:53', certificate: c, key: k }",
        &["server.yaml:2:50: `127.0.0.1:53` is listed twice"],
    );
    check_listen(
        "tls: { addresses: [], certificate: c }",
        &[
            &format!("server.yaml:2:37: DNS over TLS is answered nowhere | {HINT}"),
            &format!("server.yaml:2:37: `key` is missing | {HINT}"),
        ],
    );
}

#[test]
fn the_secrets_of_cookies_are_in_files_or_the_environment_and_one_is_active() {
    let cookies = |cookies: &str| {
        format!(
            "name: ns1\nlisten: {{ dns: '127.0.0.1:53' }}\ncookies: {{ {cookies} }}\ngeo: {{ database: w, asn: a }}\n"
        )
    };
    check(
        "server.yaml",
        &cookies("active: { file: a }, staged: { environment: B }, retired: { file: c }"),
        &[],
    );
    check(
        "server.yaml",
        &cookies("staged: { file: a }"),
        &["server.yaml:3:10: `active` is missing | write `active: { file: /run/secrets/dns-cookies }`"],
    );
    check(
        "server.yaml",
        &cookies("active: {}"),
        &[
            "server.yaml:3:20: it is not said where the secret is | add `file: /run/secrets/alice`, `environment: MERIDIAN_ALICE` or `credential: alice`",
        ],
    );
}

#[test]
fn what_clients_are_told_of_the_server_is_a_short_text_or_none() {
    let identity = |identity: &str| {
        format!(
            "name: ns1\nlisten: {{ dns: '127.0.0.1:53' }}\nidentity: {{ {identity} }}\ngeo: {{ database: w, asn: a }}\n"
        )
    };
    check("server.yaml", &identity("nsid: none, server_id: tokyo-1, version: 'one, two'"), &[]);
    for wrong in ["''", "naïve", &"x".repeat(64)] {
        check(
            "server.yaml",
            &identity(&format!("nsid: {wrong}")),
            &[
                "server.yaml:3:19: what clients are told has 1 to 63 printable ASCII characters | write `none` to tell nothing",
            ],
        );
    }
}

/// Checks a server called `ns1` whose `peers` in line 4 say this.
fn check_peers(admin: &str, peers: &str, expected: &[&str]) {
    let server = format!(
        "name: ns1\nlisten: {{ dns: '127.0.0.1:53' }}\n{admin}\npeers: {{ {peers} }}\ngeo: {{ database: w, asn: a }}\n"
    );
    check("server.yaml", &server, expected);
}

#[test]
fn peers_are_the_others_each_once_at_their_admin_addresses() {
    let check = |instances: &str, expected: &[&str]| {
        let peers = format!("secret: {{ file: s }}, instances: [{instances}]");
        check_peers("admin: 127.0.0.1:8053", &peers, expected);
    };
    let ns2 = "{ name: ns2, url: 'http://192.0.2.54:8053' }";
    check(ns2, &[]);
    check("{ name: ns2, url: 'https://ns2.example.net/' }", &[]);
    check("", &["server.yaml:4:42: `instances` names no other instance | leave `peers` out"]);
    check(
        &format!("{ns2}, {{ name: ns2, url: 'http://192.0.2.55:8053' }}"),
        &["server.yaml:4:97: there are two peers `ns2`"],
    );
    check(
        &format!("{ns2}, {{ name: ns3, url: 'http://192.0.2.54:8053/' }}"),
        &["server.yaml:4:107: peer `ns3` has the same `url` as `ns2`"],
    );
    check(
        "{ name: ns1, url: 'http://192.0.2.54:8053' }",
        &["server.yaml:4:51: peer `ns1` is this instance | list only the others"],
    );
    check(
        "{ name: ns2, url: 'http://127.0.0.1:8053' }",
        &[
            "server.yaml:4:61: `http://127.0.0.1:8053` is the `admin` address of this instance | list only the others",
        ],
    );
    check(
        "{ name: ns2, url: '192.0.2.54:8053' }",
        &[
            "server.yaml:4:61: `192.0.2.54:8053` is not the URL of an admin address | write `url: http://192.0.2.54:8053`, the `admin` address of that instance",
        ],
    );
    let seven: Vec<_> = (2..=8)
        .map(|number| format!("{{ name: ns{number}, url: 'http://192.0.2.5{number}:8053' }}"))
        .collect();
    check(&seven.join(", "), &["server.yaml:4:42: more than 6 peers"]);
}

#[test]
fn peers_need_an_admin_address_a_secret_a_quorum_that_can_be_and_a_region_that_exists() {
    let ns2 = "instances: [{ name: ns2, url: 'http://192.0.2.54:8053' }]";
    let with = |rest: &str, expected: &[&str]| {
        check_peers("admin: 127.0.0.1:8053", &format!("{ns2}{rest}"), expected);
    };
    with(", secret: { file: s }, down_quorum: majority, alone_after: 2s", &[]);
    with(", secret: { environment: MERIDIAN_PEERS }, down_quorum: 2", &[]);
    with("", &["server.yaml:4:8: `secret` is missing | write `secret: { file: peers.secret }`"]);
    with(
        ", secret: { file: s }, down_quorum: 3",
        &["server.yaml:4:103: `down_quorum` is 3, but the instances are 2 | `all` grows with their number"],
    );
    with(
        ", secret: { file: s }, down_quorum: most",
        &[
            "server.yaml:4:103: `most` is not a quorum | write `all`, `majority`, or a number of instances such as `2`",
        ],
    );
    with(
        ", secret: { file: s }, alone_after: 1s",
        &["server.yaml:4:103: `alone_after` goes from 2s to 10m, not 1s"],
    );
    with(
        ", secret: { file: s }, region: mars",
        &[
            "server.yaml:4:98: region `mars` is not defined | name the region in which this instance runs, or leave `region` out",
        ],
    );
    check_peers(
        "# no admin",
        &format!("{ns2}, secret: {{ file: s }}"),
        &[
            "server.yaml:4:8: `peers` needs an `admin` address: peers ask for it there | add `admin: 192.0.2.53:8053`, where the other instances reach it",
        ],
    );
}

#[test]
fn the_secret_of_peers_should_not_be_sent_in_the_open() {
    let peers = "secret: { file: s }, instances: [{ name: ns2, url: 'http://192.0.2.54:8053' }]";
    check_peers(
        "admin: 192.0.2.53:8053",
        peers,
        &[
            "server.yaml:3:8: warning: `192.0.2.53:8053` is not loopback, and the secret of `peers` is sent to it in the open | add `tls: { certificate: …, key: … }` to `access`",
        ],
    );
}

#[test]
fn rate_limits_have_bounds_and_may_be_off() {
    let limits = |limits: &str| {
        format!(
            "name: ns1\nlisten: {{ dns: '127.0.0.1:53' }}\nrate_limit: {limits}\ngeo: {{ database: w, asn: a }}\n"
        )
    };
    for right in
        ["off", "{}", "{ answers: 1, negative: 1000000, excess: 1000, slip: 0, exempt: [10.0.0.0/8] }"]
    {
        check("server.yaml", &limits(right), &[]);
    }
    for (wrong, said) in [
        ("{ answers: 0 }", "24: `answers` goes from 1 to 1000000, not 0"),
        ("{ excess: 10 }", "23: `excess` goes from 1000 to 100000000, not 10"),
        ("{ slip: 11 }", "21: `slip` goes from 0 to 10, not 11"),
    ] {
        check("server.yaml", &limits(wrong), &[&format!("server.yaml:3:{said}")]);
    }
}

#[test]
fn a_backup_needs_a_state_and_a_place_of_its_own_and_is_kept_until_the_next() {
    let check = |state: &str, backup: &str, expected: &[&str]| {
        check("server.yaml", &format!("{SERVER}{state}backup: {{ {backup} }}\n"), expected);
    };
    let state = "state: ../state\n";
    check(state, "directory: ../backups", &[]);
    check(state, "directory: ../backups, every: 1d, keep: 1d", &[]);
    check(
        "",
        "directory: ../b",
        &["server.yaml:4:9: `backup` needs `state`, which is what is copied | add `state: ../state`"],
    );
    check(state, "every: 1h", &["server.yaml:5:9: `directory` is missing | write `directory: ../backup`"]);
    check(
        state,
        "directory: .",
        &["server.yaml:5:22: `directory` is the configuration directory | write `../backup`"],
    );
    check(
        state,
        "directory: b, every: 2d, keep: 1d",
        &[
            "server.yaml:5:9: `keep` is 1d, shorter than `every`, 2d | every copy would be gone before the next one is made",
        ],
    );
    check(state, "directory: b, every: 5s", &["server.yaml:5:32: `every` goes from 1m to 30d, not 5s"]);
}
