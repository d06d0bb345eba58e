//! Rules about zones that secondaries are given.

use super::*;

/// Checks a zone with this beside its names.
fn check_transfer(transfer: &str, expected: &[&str]) {
    // Without the rule of the usual zone, of which another test is.
    let zone = ZONE.replace(", residency: [{ clients: eu, jurisdictions: EU }]", "");
    let regions = REGIONS.replace("groups:\n  eu: { european_union: true }\n", "");
    let zone = format!("{transfer}\n{zone}");
    let files = vec![
        SourceFile::new("server.yaml", SERVER),
        SourceFile::new("regions.yaml", regions),
        SourceFile::new("a.yaml", zone.clone()),
    ];
    let found = match compile(&SourceFiles::new("", files)) {
        Ok(compiled) => compiled.warnings,
        Err(problems) => problems,
    };
    let lines = found.list.iter().map(|problem| {
        let hint = problem.hint.as_ref().map(|hint| format!(" | {hint}")).unwrap_or_default();
        format!("{}:{}:{}: {}{hint}", problem.file, problem.line, problem.column, problem.message)
    });
    assert_eq!(lines.collect::<Vec<_>>(), expected, "\n{zone}");
}

#[test]
fn what_secondaries_give_to_clients_whom_rules_bind_is_said_or_warned_of() {
    let clients = "transfer: { clients: [{ networks: 192.0.2.9 }] }";
    check(
        "a.yaml",
        &format!("{clients}\n{ZONE}"),
        &[
            "a.yaml:1:11: warning: secondaries give all clients one answer, also those whom rules of `example.org.` bind | name the clients whose answer that is: `transfer_as: unknown`, or a group that the rules bind",
        ],
    );
    check("a.yaml", &format!("{clients}\ntransfer_as: unknown\n{ZONE}"), &[]);
}

#[test]
fn an_entry_names_addresses_or_a_key_of_server_yaml() {
    check_transfer("transfer: { clients: [{ networks: [192.0.2.0/24, '2001:db8::53'] }] }", &[]);
    check_transfer(
        "transfer: { clients: [{ key: secondary.example }] }",
        &["a.yaml:1:30: key `secondary.example` is not in `tsig_keys` of server.yaml | there are none"],
    );
    check_transfer(
        "transfer: { clients: [{}, { networks: [] }] }",
        &[
            "a.yaml:1:23: the entry lets every name server take the zone | add `networks` or `key`",
            "a.yaml:1:27: `networks` is empty | name an address or a network, or leave it out",
        ],
    );
    check_transfer(
        "transfer: { clients: [] }",
        &[
            "a.yaml:1:11: no name server may take the zone | write `clients: [{ networks: 192.0.2.53, key: secondary.example.net }]`",
        ],
    );
}

#[test]
fn a_secondary_is_told_once_at_an_address_with_or_without_a_port() {
    let notify =
        |list: &str| format!("transfer: {{ clients: [{{ networks: 192.0.2.9 }}], notify: [{list}] }}");
    check_transfer(&notify("{ address: 192.0.2.9 }, { address: '[2001:db8::53]:5353' }"), &[]);
    check_transfer(
        &notify("{ address: 192.0.2.9 }, { address: '192.0.2.9:53' }"),
        &["a.yaml:1:93: `192.0.2.9:53` is told twice | one entry is enough"],
    );
    check_transfer(
        &notify("{ address: ns2.example }"),
        &[
            "a.yaml:1:69: `ns2.example` is not an address of a name server | write `192.0.2.53`, `192.0.2.53:5353` or `\"[2001:db8::53]:5353\"`",
        ],
    );
}

#[test]
fn a_group_whose_answers_are_given_is_defined_and_needs_transfers() {
    const EU: &str = "groups: { eu: { european_union: true } }";
    let clients = "transfer: { clients: [{ networks: 192.0.2.9 }] }";
    check_transfer(&format!("{clients}\ntransfer_as: eu\n{EU}"), &[]);
    check_transfer(
        &format!("{clients}\ntransfer_as: us"),
        &[
            "a.yaml:2:14: group `us` is not defined | define it under `groups:`, for example `us: { countries: [JP] }`",
        ],
    );
    check_transfer(
        &format!("transfer_as: eu\n{EU}"),
        &[
            "a.yaml:1:14: `transfer_as` needs `transfer` | write `transfer: { clients: [{ networks: 192.0.2.53 }] }`, or leave it out",
        ],
    );
}

#[test]
fn a_key_has_a_name_a_known_algorithm_and_a_place_of_its_secret() {
    let check_keys = |keys: &str, expected: &[&str]| {
        check("server.yaml", &format!("tsig_keys: [{keys}]\n{SERVER}"), expected);
    };
    check_keys("{ name: a.example, algorithm: hmac-sha512, secret: { file: a.key } }", &[]);
    check_keys(
        "{ name: a.example, algorithm: hmac-md5, secret: { file: a.key } }",
        &[
            "server.yaml:1:43: `hmac-md5` is not an algorithm of TSIG | there are `hmac-sha256` and `hmac-sha512`; MD5 and SHA-1 are not taken",
        ],
    );
    check_keys(
        "{ name: a.example, secret: { file: a.key } }, { name: A.example., secret: { file: b.key } }",
        &["server.yaml:1:67: there are two keys `a.example` | give each a name of its own"],
    );
}
