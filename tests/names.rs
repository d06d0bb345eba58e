//! Holds the names: one word for one thing, so that no two types have the same name.

#[path = "support/source.rs"]
mod source;

use std::collections::{BTreeMap, BTreeSet};

/// The names that several types have, each with the reason.
const SHARED: [(&str, &str); 2] = [
    ("Args", "the arguments of a command, always read behind its module: `check::Args`"),
    ("Error", "the error of a module, always read behind it: `files::Error`"),
];

#[test]
fn no_two_types_have_one_name() {
    let shared = BTreeSet::from(SHARED.map(|(name, _)| name));
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in source::production() {
        for name in types_of(&file.code) {
            places.entry(name).or_default().push(file.path.display().to_string());
        }
    }
    places.retain(|name, files| files.len() > 1 && !shared.contains(name.as_str()));
    let repeated: Vec<String> =
        places.iter().map(|(name, files)| format!("`{name}` in {}", files.join(", "))).collect();
    assert!(repeated.is_empty(), "names that several types have:\n{}", repeated.join("\n"));
}

/// Returns the structs, enums, unions, traits and type aliases that are defined outside `impl` and `trait` blocks.
fn types_of(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let item = without_visibility(line.trim_start());
        let (keyword, rest) = item.split_once(' ').unwrap_or((item, ""));
        if ["struct", "enum", "union", "trait", "type"].contains(&keyword) {
            names.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
        let opens_block = keyword == "trait" || keyword == "impl" || keyword.starts_with("impl<");
        if opens_block && !line.ends_with('}') {
            // rustfmt closes a block where its first line begins.
            let close = format!("{}}}", &line[..line.len() - line.trim_start().len()]);
            lines.find(|line| *line == close);
        }
    }
    names
}

fn without_visibility(item: &str) -> &str {
    let Some(rest) = item.strip_prefix("pub") else { return item };
    let rest = if rest.starts_with('(') { rest.split_once(')').map_or("", |(_, rest)| rest) } else { rest };
    rest.trim_start()
}

#[test]
fn types_are_found_whatever_their_visibility_and_associated_ones_are_none() {
    let code = "pub struct A;\npub(super) enum B<'a> {\n}\ntype C = D;\nimpl Iterator for A {\n    type Item = B;\n}\n\
                trait E {\n    type F;\n}\nfn g() {\n    struct H;\n}\n";
    assert_eq!(types_of(code), ["A", "B", "C", "E", "H"]);
}
