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
