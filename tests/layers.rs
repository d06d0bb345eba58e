//! Holds the layers: reads every import of `src/`, and fails when one points downwards, when words or core reach
//! for the outside world, or when files import each other in a circle.

#[path = "support/imports.rs"]
mod imports;
#[path = "support/source.rs"]
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use imports::{Imports, Named};

/// The modules in the order of the table in `src/lib.rs`; each imports only from those before it.
const LAYERS: [(&str, &[&str]); 5] = [
    (
        "words",
        &[
            "suggest", "moment", "units", "severity", "family", "ids", "share", "zone", "client", "canary",
            "region",
        ],
    ),
    ("core", &["wire", "geo", "health", "intent", "steering", "answer"]),
    (
        "assembly",
        &[
            "config",
            "generation",
            "snapshot",
            "engine",
            "transfer",
            "event",
            "load",
            "forecast",
            "inspect",
            "availability",
            "alarm",
            "control",
        ],
    ),
    ("edges", &["docs", "metrics", "probe", "outbound", "serve", "files", "webhook", "peers", "admin"]),
    ("shell", &["terminal", "daemon", "demo", "simulate", "cli"]),
];

/// What words and core name nothing of: formats of the edges, I/O, clocks, threads and logging. They take values,
/// `now` and bytes, so that every rule can be tried with a written clock.
const IMPURE: [&str; 16] = [
    "serde_json",
    "tokio",
    "tracing",
    "axum",
    "hyper",
    "reqwest",
    "rustls",
    "std::env",
    "std::fs",
    "std::process",
    "std::thread",
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "Instant::now",
    "SystemTime::now",
];

#[test]
fn the_table_in_lib_rs_is_the_order_and_has_every_module() {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).expect("src/lib.rs");
    for (layer, modules) in LAYERS {
        let links: Vec<String> = modules.iter().map(|module| format!("[`{module}`]")).collect();
        let row = format!("//! | {layer} | {} |", links.join(", "));
        assert!(text.lines().any(|line| line == row), "the table lacks the row: {row}");
    }
    let declaration = |line: &str| Some(line.strip_prefix("pub mod ")?.strip_suffix(';')?.to_owned());
    let declared: BTreeSet<String> = text.lines().filter_map(declaration).collect();
    assert_eq!(declared, order().map(str::to_owned).collect());
}

#[test]
fn every_module_imports_only_from_those_before_it() {
    let rank: BTreeMap<&str, usize> = order().zip(0..).collect();
    let mut crossings = Vec::new();
    for file in source::production() {
        let Some(own) = file.module.first().filter(|module| *module != "main") else { continue };
        for path in Named::read(&file.code).paths.iter().filter(|path| path[0] == "crate") {
            let imported = &path[1];
            if rank.get(imported.as_str()) > rank.get(own.as_str()) {
                crossings.push(format!("{}: `{own}` imports `{imported}`", file.path.display()));
            }
        }
    }
    assert!(crossings.is_empty(), "imports against the order:\n{}", crossings.join("\n"));
}

#[test]
fn words_and_core_do_no_io_and_read_no_clock() {
    let pure: Vec<&str> = LAYERS[..2].iter().flat_map(|(_, modules)| modules.iter().copied()).collect();
    let mut impure = Vec::new();
    for file in source::production() {
        if file.module.first().is_some_and(|module| pure.contains(&module.as_str())) {
            let named = IMPURE.iter().filter(|word| file.code.contains(**word));
            impure.extend(named.map(|word| format!("{}: {word}", file.path.display())));
        }
    }
    assert!(impure.is_empty(), "words and core reach outside:\n{}", impure.join("\n"));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let files = source::production();
    let circles = Imports::read(&files).circles();
    let texts: Vec<String> = circles.iter().map(|circle| circle.join(" ")).collect();
    assert!(texts.is_empty(), "files that cannot be read one after the other:\n{}", texts.join("\n"));
}

fn order() -> impl Iterator<Item = &'static str> {
    LAYERS.iter().flat_map(|(_, modules)| modules.iter().copied())
}
