//! Rules about name servers that no resolver can find.

use super::*;

/// Checks a zone `example.org` with these name servers and names.
fn check_servers(nameservers: &str, names: &str, expected: &[&str]) {
    let zone = ZONE.replace("[ns1.example.net]", nameservers);
    check("a.yaml", &format!("{zone}{names}\n"), expected);
}

#[test]
fn a_name_server_is_a_whole_name_of_a_host() {
    check_servers(
        "[192.0.2.53, ns1, localhost, '*.example.net']",
        "",
        &[
            "a.yaml:2:15: warning: the NS record points at `192.0.2.53`: an address, where a name belongs | write the name of a host, and give that host an A or AAAA record",
            "a.yaml:2:27: warning: name server `ns1.` has a single label | write `ns1.example.org.` if it is in the zone; a whole name if not",
            "a.yaml:2:32: warning: name server `localhost.` has a single label | write `localhost.example.org.` if it is in the zone; a whole name if not",
            "a.yaml:2:43: warning: name server `*.example.net.` is a wildcard | write the name of a host",
        ],
    );
}

#[test]
fn a_name_server_in_the_zone_has_addresses_there() {
    check_servers(
        "[ns1.example.org]",
        "",
        &[
            "a.yaml:2:15: warning: name server `ns1.example.org.` has no addresses in the zone | add its A or AAAA records: what asks this zone for them gets none",
        ],
    );
    check_servers("[ns1.example.org]", "  ns1: { AAAA: '2001:db8::1' }", &[]);
    check_servers("[ns1.example.org]", "  '*': { A: 192.0.2.1 }", &[]);
    check_servers("[example.org]", "", &[]);
}

#[test]
fn a_server_below_its_delegation_has_glue() {
    check_names(
        "  lab: { NS: [ns.lab, ns.other, ns.example.net.] }\n  other: { NS: [ns.example.net., ns.lab] }",
        &[
            "a.yaml:5:15: warning: name server `ns.lab.example.org.` has no glue | add its A or AAAA records here: without them no resolver reaches it",
        ],
    );
}
