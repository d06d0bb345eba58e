//! The configurations of `docker/` are usable: each is `zones/` with another `server.yaml`.

use std::fs;
use std::path::Path;

use meridian::config;
use meridian::files::configuration;

fn check(name: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = root.join("docker").join(name).join("server.yaml");
    let mut sources = configuration::read(&root.join("zones")).expect("the zones can be read");
    let server = sources.find("server.yaml").expect("there is one to lie on top of");
    sources.files[server].octets = fs::read(own).expect("the instance has a file");
    let compiled = config::compile(&sources).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(compiled.config.server.name, name);
    // The port is published on the loopback of the machine around the container, which nobody inside can know.
    let warnings: Vec<_> = compiled.warnings.list.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(warnings, ["`0.0.0.0:8053` is not loopback, and tokens are sent to it in the open"]);
    let image = "/usr/share/meridian/world.mmdb";
    assert_eq!(compiled.config.server.geo.database.as_deref(), Some(Path::new(image)));
}

#[test]
fn both_instances_of_the_compose_file_have_a_usable_configuration() {
    check("ns1");
    check("ns2");
}
