//! Holds the layers: reads every import of `src/` and fails when one points downwards.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The layers from the top of the table in `src/lib.rs` down; each imports from those before it.
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
            "snapshot",
            "engine",
            "load",
            "forecast",
            "inspect",
            "availability",
            "event",
            "alarm",
            "control",
        ],
    ),
    ("edges", &["probe", "serve", "admin", "files", "webhook", "metrics"]),
    ("shell", &["terminal", "daemon", "demo", "simulate", "cli"]),
];

#[test]
fn every_module_has_a_layer() {
    let declared = modules_of(&fs::read_to_string(source().join("lib.rs")).expect("src/lib.rs"));
    let layered: Vec<&str> = LAYERS.iter().flat_map(|(_, modules)| modules.iter().copied()).collect();
    for module in &declared {
        assert!(layered.contains(&module.as_str()), "`{module}` has no layer in tests/layers.rs");
    }
    for module in layered {
        assert!(declared.iter().any(|one| one == module), "src/lib.rs declares no `{module}`");
    }
}

#[test]
fn the_table_in_lib_rs_is_this_one() {
    let text = fs::read_to_string(source().join("lib.rs")).expect("src/lib.rs");
    for (layer, modules) in LAYERS {
        let row = text
            .lines()
            .find(|line| line.starts_with(&format!("//! | {layer} |")))
            .unwrap_or_else(|| panic!("the table has no row `{layer}`"));
        for module in modules {
            assert!(row.contains(&format!("[`{module}`]")), "`{module}` is missing in the row: {row}");
        }
    }
}

#[test]
fn imports_point_up() {
    let mut crossings = Vec::new();
    for (file, module) in files() {
        let text = fs::read_to_string(&file).expect("a source file");
        for (line, imported) in imports_of(&text) {
            if !may_import(&module, &imported) {
                crossings.push(format!("{}:{line}: `{module}` imports `{imported}`", file.display()));
            }
        }
    }
    assert!(crossings.is_empty(), "layers are crossed:\n{}", crossings.join("\n"));
}

fn may_import(module: &str, imported: &str) -> bool {
    let (Some(own), Some(other)) = (layer_of(module), layer_of(imported)) else {
        return true;
    };
    if module == imported {
        return true;
    }
    match LAYERS[own].0 {
        // Edges meet in the shell, and count in one place.
        "edges" => other < own || imported == "metrics",
        // Words are in one order, the plainest first.
        "words" => other == own && rank(module) > rank(imported),
        _ => other <= own,
    }
}

/// Returns where a module stands in its layer.
fn rank(module: &str) -> Option<usize> {
    LAYERS.iter().find_map(|(_, modules)| modules.iter().position(|one| *one == module))
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|(_, modules)| modules.contains(&module))
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Returns every source file below a module, with the module.
fn files() -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![source()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).expect("a directory of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                // Tests may use what they like, to build what they check.
                if !path.ends_with("tests") {
                    waiting.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let module = module_of(&path);
                found.insert(path, module);
            }
        }
    }
    found
}

/// Returns the top-level module that a file belongs to: `geo` for `src/geo/tree.rs`.
fn module_of(path: &Path) -> String {
    let inside = path.strip_prefix(source()).expect("found below src");
    let first = inside.iter().next().expect("a file name").to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

fn modules_of(text: &str) -> Vec<String> {
    let declaration = |line: &str| Some(line.strip_prefix("pub mod ")?.strip_suffix(';')?.to_owned());
    text.lines().filter_map(declaration).collect()
}

/// Returns the modules that are named as `crate::module` outside comments and tests, with their lines.
fn imports_of(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        // Tests come last, and are left out like the folders of tests.
        if line.starts_with("mod tests {") {
            break;
        }
        let code = line.split("//").next().unwrap_or_default();
        for rest in code.split("crate::").skip(1) {
            let names = rest.strip_prefix('{').map_or(rest, |list| list.split('}').next().unwrap_or(list));
            let is_list = rest.starts_with('{');
            for name in names.split(',').take(if is_list { usize::MAX } else { 1 }) {
                let name: String =
                    name.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                found.push((number, name));
            }
        }
    }
    found
}

#[test]
fn the_reader_of_imports_sees_every_form() {
    let text = "use crate::geo::Table;\nuse crate::{zone, client::Prefix};\nlet x = crate::health::Board::new(); // crate::cli\n//! [`crate::daemon`]\nmod tests {\n    use crate::probe;\n";
    let names: Vec<String> = imports_of(text).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["geo", "zone", "client", "health"]);
}
