//! Rules about canaries.

use super::*;

#[test]
fn a_canary_checks_exactly_one_thing() {
    check_canary(
        "interval: 5s",
        &[
            "3: canary `new` checks nothing | add `http: { url: \"http://{address}:8080/health\" }` or `tcp: { port: 443 }`",
        ],
    );
    check_canary(
        "tcp: { port: 1 }, http: { url: 'http://{address}/' }",
        &["3: canary `new` has `tcp` and `http` | one canary checks one thing: make it several canaries"],
    );
    check_canary("tcp: {}", &["15: `port` is missing | write `tcp: { port: 443 }`"]);
}

#[test]
fn a_tls_canary_has_a_name_that_a_certificate_can_be_for() {
    check_canary("tls: { name: api.example.com }", &[]);
    check_canary("tls: { name: 192.0.2.1, port: 8443, min_days_left: 14 }", &[]);
    check_canary("tls: {}", &["15: `name` is missing | write `tls: { name: api.example.com }`"]);
    check_canary(
        "tls: { name: 'api.example.com:443', min_days_left: 4000 }",
        &[
            "23: no certificate is for `api.example.com:443` | write a host name or an IP address, without a port",
            "61: `min_days_left` goes from 0 to 3650, not 4000",
        ],
    );
}

#[test]
fn a_url_is_http_or_https_with_a_host() {
    check_canary("http: { url: 'http://{address}:8080/health?deep=1' }", &[]);
    check_canary("http: { url: 'https://api.example.com' }", &[]);
    check_canary(
        "http: { url: '{address}:8080' }",
        &["23: `{address}:8080` is not an `http` or `https` URL"],
    );
    check_canary(
        "http: { url: 'http://{adress}/' }",
        &[
            "23: `http://{adress}/` is not a URL | write `http://{address}:8080/health`; `{address}` stands for the probed address",
        ],
    );
}

#[test]
fn a_canary_that_cannot_be_run_with_an_address_in_its_url_or_with_its_headers_is_an_error() {
    check_canary(
        "http: { url: 'http://[{address}]/' }",
        &[
            "23: `http://[{address}]/` is not a URL once an address is in it | write `{address}` without brackets: an IPv6 address gets its own",
        ],
    );
    let hint = "write `http://{address}:8080/health`; `{address}` stands for the probed address";
    check_canary(
        "http: { url: 'http://user:pass@{address}/' }",
        &[
            "23: the URL has a user or a password | send them as a header: `headers_from_env: { Authorization: PROBE_AUTHORIZATION }`",
        ],
    );
    for host in ["1.2.3.4.5", "256.1.1.1", "a<b", "xn--", "[::1"] {
        check_canary(
            &format!("http: {{ url: 'http://{host}/' }}"),
            &[&format!("23: `http://{host}/` is not a URL | {hint}")],
        );
    }
    check_canary(
        "http: { url: 'http://{address}/', headers: { X-Team: größe } }",
        &[
            "63: the value of `X-Team` is not ASCII, and cannot be sent | encode it as its reader expects, for example `%C3%BC` or Base64",
        ],
    );
}

#[test]
fn times_have_units_and_bounds_and_the_timeout_is_shorter_than_the_interval() {
    check_canary(
        "tcp: { port: 1 }, interval: 10",
        &["38: `10` is not a duration | write `30s`, `500ms`, `1h30m` or `1d`"],
    );
    check_canary(
        "tcp: { port: 1 }, interval: 2s, timeout: 2s",
        &["51: `timeout` (2s) must be shorter than `interval` (2s) | else probes of one address overlap"],
    );
    check_canary(
        "tcp: { port: 1 }, interval: 2h, recheck: 1ms",
        &["38: `interval` goes from 100ms to 1h, not 2h", "51: `recheck` goes from 50ms to 2h, not 1ms"],
    );
}

#[test]
fn it_takes_at_least_one_result_to_fall_or_rise() {
    check_canary(
        "tcp: { port: 1 }, fall: 0, rise: 101",
        &["34: `fall` goes from 1 to 100, not 0", "43: `rise` goes from 1 to 100, not 101"],
    );
}

#[test]
fn statuses_are_numbers_or_ranges() {
    check_canary("http: { url: 'http://{address}/', expect: { status: [200, 300-399] } }", &[]);
    check_canary(
        "http: { url: 'http://{address}/', expect: { status: [20, 299-200] } }",
        &[
            "63: `20` is not an HTTP status | write `200`, or `200-299` for a range; statuses go from 100 to 599",
            "67: `299-200` is not an HTTP status | write `200`, or `200-299` for a range; statuses go from 100 to 599",
        ],
    );
}

#[test]
fn a_json_canary_asserts_by_pointer() {
    let json = |more: &str| format!("json: {{ url: 'http://{{address}}/', {more} }}");
    let assert = |entry: &str| json(&format!("assert: [{{ {entry} }}]"));
    for entry in [
        "pointer: /checks/gpu, equals: true",
        "pointer: /status, equals: ok",
        "pointer: /load, at_least: 0, at_most: 0.95",
        "pointer: '', exists: true",
        "pointer: /a~1b, equals: 'null'",
    ] {
        check_canary(&assert(entry), &[]);
    }
    check_canary(
        &assert("pointer: checks/gpu, equals: true"),
        &[
            "64: `checks/gpu` is not a JSON pointer | write `/checks/gpu`, with a slash before every step (RFC 6901)",
        ],
    );
    check_canary(
        &assert("pointer: /a~b, exists: true"),
        &["64: `/a~b` is not a JSON pointer | write `~0` for `~` and `~1` for `/` (RFC 6901)"],
    );
    check_canary(
        &assert("pointer: /load, at_mots: 0.95"),
        &[
            "53: this assertion expects nothing | add `equals`, `at_most`, `at_least` or `exists`; null is written `equals: 'null'`",
            "71: unknown key `at_mots` | did you mean `at_most`?",
        ],
    );
    check_canary(&assert("equals: 1"), &["53: `pointer` is missing | write `pointer: /checks/gpu`"]);
    check_canary(
        &assert("pointer: /load, exists: true, at_most: 1"),
        &["53: `equals` and `exists` stand alone in an assertion | make it two assertions, or leave one out"],
    );
    check_canary(
        &assert("pointer: /load, at_least: 2, at_most: 1"),
        &["53: no number is at least 2 and at most 1"],
    );
    check_canary(
        &assert("pointer: /load, at_most: high"),
        &["80: `high` is not a number | write `0.95` or `3`"],
    );
    let many = vec!["{ pointer: /a, exists: true }"; 65].join(", ");
    check_canary(&json(&format!("assert: [{many}]")), &["52: more than 64 assertions"]);
}

#[test]
fn signals_are_known_ones_and_found_by_pointer() {
    check_canary("json: { url: 'http://{address}/', signals: { load: /load, queue_depth: /queue } }", &[]);
    check_canary(
        "json: { url: 'http://{address}/', signals: { laod: /load, error_rate: errors } }",
        &[
            "55: unknown key `laod` | did you mean `load`?",
            "80: `errors` is not a JSON pointer | write `/checks/gpu`, with a slash before every step (RFC 6901)",
        ],
    );
}

#[test]
fn slow_is_shorter_than_the_timeout() {
    check_canary("tcp: { port: 1 }, slow: 1999ms", &[]);
    check_canary(
        "tcp: { port: 1 }, slow: 2s",
        &[
            "34: `slow` (2s) must be shorter than `timeout` (2s) | what takes longer than the timeout is a failure, not slow",
        ],
    );
    check_canary("tcp: { port: 1 }, slow: 0s", &["34: `slow` is at least 1ms"]);
}

#[test]
fn an_inference_has_a_prompt_of_json() {
    let inference = |more: &str| format!("inference: {{ url: 'http://{{address}}/', {more} }}");
    check_canary(&inference("body: '{\"prompt\": \"1\"}'"), &[]);
    check_canary(
        &inference("body: hello"),
        &[
            "55: `body` is not JSON: expected value at line 1 column 1 | write `body: '{\"prompt\": \"1\", \"max_tokens\": 1}'`",
        ],
    );
    check_canary(
        &inference("host: a"),
        &["21: `body` is missing | write `body: '{\"prompt\": \"1\", \"max_tokens\": 1}'`"],
    );
}

#[test]
fn the_limits_of_an_inference_lie_within_each_other() {
    let inference = |limits: &str, more: &str| {
        format!("inference: {{ url: 'http://{{address}}/', body: '1', {limits} }}, {more}")
    };
    check_canary(&inference("first_byte: 2s, total: 10s", "interval: 60s"), &[]);
    check_canary(&inference("first_byte: 2s", "fall: 2"), &[]);
    check_canary(
        &inference("first_byte: 11s, total: 10s", "interval: 60s"),
        &["72: `first_byte` (11s) is longer than `total` (10s) | it would never matter: raise `total`"],
    );
    check_canary(
        &inference("first_byte: 3s", "fall: 2"),
        &["72: `first_byte` (3s) is longer than `timeout` (2s) | it would never matter: raise `timeout`"],
    );
    check_canary(
        &inference("total: 10s", "interval: 60s, timeout: 5s"),
        &["67: `total` (10s) is longer than `timeout` (5s) | it would never matter: raise `timeout`"],
    );
    check_canary(
        &inference("total: 10s", "fall: 2"),
        &["67: `timeout` (10s) must be shorter than `interval` (10s) | else probes of one address overlap"],
    );
}

#[test]
fn a_secret_is_named_by_its_environment_variable() {
    let http =
        |secrets: &str| format!("http: {{ url: 'http://{{address}}/', headers_from_env: {{ {secrets} }} }}");
    check_canary(&http("Authorization: API_TOKEN"), &[]);
    check_canary(
        &http("Authorization: Bearer abc"),
        &[
            "79: this cannot be the name of an environment variable | write `API_TOKEN`, and let the variable hold the whole value, `Bearer` included",
        ],
    );
}

#[test]
fn an_advisory_canary_leaves_a_share_that_is_neither_nobody_nor_everybody() {
    check_canary("tcp: { port: 1 }, advisory: 50%", &[]);
    for share in ["0%", "100%", "half", "0.5"] {
        let expected = format!("38: `{share}` is not a percentage from 1% to 99% | write `10%` or `10`");
        check_canary(&format!("tcp: {{ port: 1 }}, advisory: {share}"), &[&expected]);
    }
}

#[test]
fn a_canary_of_regions_has_a_url_with_a_host() {
    for url in ["https://{region}.example.com/health", "http://api.example.com:8080", "http://192.0.2.7/"] {
        check_canary(&format!("probe: region, http: {{ url: '{url}' }}"), &[]);
    }
    check_canary("probe: address, http: { url: 'http://{address}/' }", &[]);
    check_canary(
        "probe: regoin, http: { url: 'http://{address}/' }",
        &["17: `regoin` is not a choice here | did you mean `region`?"],
    );
    check_canary(
        "probe: region, http: { url: 'http://{address}:8080/' }",
        &[
            "38: `{address}` stands for nothing in this URL | write a name that leads to the region: `https://{region}.example.com/health`",
        ],
    );
    check_canary(
        "http: { url: 'http://{address}/{region}' }",
        &["23: `{region}` stands for nothing in this URL | add `probe: region`, or write `{address}`"],
    );
    for url in ["http://a..b/", "http://-/", "http://10.1/", "http://{region}.7/"] {
        let expected = format!(
            "38: `{url}` is not a URL | write `https://{{region}}.example.com/health`; `{{region}}` stands for the name of the region"
        );
        check_canary(&format!("probe: region, http: {{ url: '{url}' }}"), &[&expected]);
    }
    for (kind, check) in [("tcp", "tcp: { port: 1 }"), ("tls", "tls: { name: api.example.com }")] {
        let expected = format!(
            "17: `{kind}` probes addresses, not a region as a whole | use `http`, `json` or `inference`, whose URL names a host, or leave `probe` out"
        );
        check_canary(&format!("probe: region, {check}"), &[&expected]);
    }
}

#[test]
fn a_host_is_a_name_or_an_ip_address_with_or_without_a_port() {
    let host = |host: &str| format!("http: {{ url: 'http://{{address}}/', host: '{host}' }}");
    for good in
        ["api.example.com", "api.example.com:8443", "a_b", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:443"]
    {
        check_canary(&host(good), &[]);
    }
    for bad in ["a:b:c", "api:", "api:0", "api:70000", "a..b", "[a]", "[::1", "1.2.3", "-a", ""] {
        let expected = format!(
            "50: `{bad}` is not a host | write a name or an IP address, with a port if need be: `api.example.com:8443`"
        );
        check_canary(&host(bad), &[&expected]);
    }
}

/// Checks a configuration in which a canary over TLS trusts what is in `internal.pem`.
fn check_authorities(pem: &str, expected: &[&str]) {
    let regions = REGIONS
        .replace("tcp: { tcp: { port: 443 } }", "tcp: { tls: { name: api.internal, ca: internal.pem } }");
    let files =
        [("server.yaml", SERVER), ("regions.yaml", &regions), ("a.yaml", ZONE), ("internal.pem", pem)];
    let sources = SourceFiles::new("", files.map(|(name, text)| SourceFile::new(name, text)).into());
    let found = compile(&sources).err().unwrap_or_default();
    let lines = found.list.iter().map(|problem| {
        let hint = problem.hint.as_ref().map(|hint| format!(" | {hint}")).unwrap_or_default();
        format!("{}:{}:{}: {}{hint}", problem.file, problem.line, problem.column, problem.message)
    });
    assert_eq!(lines.collect::<Vec<_>>(), expected);
}

#[test]
fn a_canary_may_trust_authorities_in_a_file_of_the_configuration_directory() {
    let key = rcgen::KeyPair::generate().expect("a key");
    let own = rcgen::CertificateParams::new(vec!["authority".to_owned()]).expect("a name");
    let der = own.self_signed(&key).expect("a certificate").der().to_vec();
    let section = |kind: &str, der: &[u8]| {
        format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", data_encoding::BASE64.encode(der))
    };
    let authority = section("CERTIFICATE", &der);
    check_authorities(&authority, &[]);
    check_authorities(&authority.repeat(64), &[]);
    check_authorities(
        &authority.repeat(65),
        &["regions.yaml:5:41: file `internal.pem` holds 65 certificates, more than 64 | \
           name the authority of these addresses only; without `ca`, those of the system are trusted"],
    );
    check_authorities(
        "",
        &["regions.yaml:5:41: file `internal.pem` holds no certificate | \
           it takes PEM, which begins with `-----BEGIN CERTIFICATE-----`"],
    );
    check_authorities(
        &(authority.clone() + &section("PRIVATE KEY", &key.serialize_der())),
        &["regions.yaml:5:41: file `internal.pem` holds a private key | \
           leave the certificate of the authority only: a canary needs no key"],
    );
    check_authorities(
        &(authority + &section("CERTIFICATE", b"not one")),
        &["regions.yaml:5:41: certificate 2 in file `internal.pem` is damaged"],
    );
    check_authorities(
        "-----BEGIN CERTIFICATE-----\nAAAA\n",
        &["regions.yaml:5:41: file `internal.pem` is not PEM: a section has no end"],
    );
}

#[test]
fn authorities_of_a_canary_are_there_and_for_https() {
    check_canary(
        "http: { url: 'https://{address}/', ca: ca.pem }",
        &[
            "49: there is no file `ca.pem` in the configuration directory | put the certificate of the authority there, in PEM, \
           and write its name: `ca: internal.pem`",
        ],
    );
    check_canary(
        "http: { url: 'http://{address}/', ca: a.yaml }",
        &[
            "48: `ca` is for `https`, and the URL is an `http` one | leave `ca` out, or write an `https` URL",
            "48: file `a.yaml` holds no certificate | it takes PEM, which begins with `-----BEGIN CERTIFICATE-----`",
        ],
    );
}
