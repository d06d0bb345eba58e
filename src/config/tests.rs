//! The rules of the configuration, one mistake a test.

use super::*;

#[test]
fn the_example_configuration_is_right() {
    let files = [
        "server.yaml",
        "regions.yaml",
        "api.example.com.yaml",
        "example.org.yaml",
        "example.org.zone",
    ];
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/zones/");
    let read = |name: &&str| {
        Source::new(
            *name,
            std::fs::read_to_string(format!("{directory}{name}")).expect("it is shipped"),
        )
    };
    let sources = Sources::new("zones", files.iter().map(read).collect());
    match compile(&sources) {
        Ok(compiled) => {
            assert_eq!(compiled.warnings.to_string(), "");
            println!("{}", summary::Summary(&compiled.config));
        }
        Err(problems) => panic!("{problems}"),
    }
}
