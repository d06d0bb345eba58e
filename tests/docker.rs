//! The configurations of `docker/` are usable: `world/`, also with the `server.yaml` of each instance on top.

use std::fs;
use std::path::Path;

use meridian::config::{self, DatabaseSource};
use meridian::files::configuration;

fn check(own: &str, name: &str, expected: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("docker");
    let mut sources = configuration::read(&root.join("world")).expect("the world can be read");
    let server = sources.find("server.yaml").expect("there is one to lie on top of");
    sources.files[server].octets = fs::read(root.join(own)).expect("the instance has a file").into();
    let compiled = config::compile(&sources).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(compiled.config.server.name, name);
    let warnings: Vec<_> = compiled.warnings.list.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(warnings, expected);
    assert_eq!(compiled.config.server.geo.database, Some(DatabaseSource::Shipped));
}

#[test]
fn every_instance_of_the_compose_file_has_a_usable_configuration() {
    // On a network of the two, on one machine.
    for (name, admin) in [("ns1", "10.53.9.11:8053"), ("ns2", "10.53.9.12:8053")] {
        let warning = format!("`{admin}` is not loopback, and tokens are sent to it in the open");
        check(&format!("{name}/server.yaml"), name, &[&warning]);
    }
}

#[test]
fn the_world_can_be_checked_outside_of_containers() {
    check("world/server.yaml", "ns0", &[]);
}
