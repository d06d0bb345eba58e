//! The paths that a file of source names, and the files that they lead to.

use std::collections::{BTreeMap, BTreeSet};

use super::source::SourceFile;

/// A path that a file names, in segments: `["super", "table", "Table"]`.
pub type CodePath = Vec<String>;

/// The files of the program with what they name.
pub struct Imports<'s> {
    files: &'s [SourceFile],
    by_module: BTreeMap<&'s [String], usize>,
    named: Vec<Named>,
}

/// What one file names.
#[derive(Default)]
pub struct Named {
    /// The paths of imports and those inside its code, as far as they begin in this crate.
    pub paths: BTreeSet<CodePath>,
    /// What it only hands on, by name: `pub use table::Table`.
    exports: BTreeMap<String, CodePath>,
}

impl<'s> Imports<'s> {
    pub fn read(files: &'s [SourceFile]) -> Self {
        let by_module = files.iter().map(|file| file.module.as_slice()).zip(0..).collect();
        let named = files.iter().map(|file| Named::read(&file.code)).collect();
        Self { files, by_module, named }
    }

    /// Returns the groups of files that import each other, each in the order of paths.
    pub fn circles(&self) -> Vec<Vec<String>> {
        let direct: Vec<BTreeSet<usize>> = (0..self.files.len()).map(|file| self.imported(file)).collect();
        let reached: Vec<BTreeSet<usize>> = (0..direct.len()).map(|file| reached(&direct, file)).collect();
        let mut circles = BTreeSet::new();
        for (file, others) in reached.iter().enumerate().filter(|(file, others)| others.contains(file)) {
            let circle = others.iter().filter(|other| reached[**other].contains(&file));
            circles.insert(circle.map(|other| self.files[*other].path.display().to_string()).collect());
        }
        circles.into_iter().collect()
    }

    /// Returns the other files that a file imports.
    fn imported(&self, file: usize) -> BTreeSet<usize> {
        let targets = self.named[file].paths.iter().filter_map(|path| self.file_of(file, path));
        targets.filter(|target| *target != file).collect()
    }

    /// Returns the file that defines what a path names; through `mod.rs`, if that only hands it on.
    fn file_of(&self, file: usize, path: &[String]) -> Option<usize> {
        let mut module = match path[0].as_str() {
            "crate" => Vec::new(),
            _ => self.files[file].module.clone(),
        };
        let mut rest = path;
        while let Some((first, others)) = rest.split_first() {
            match first.as_str() {
                "crate" | "self" => {}
                "super" => _ = module.pop(),
                name => {
                    let child = [module.as_slice(), &[name.to_owned()]].concat();
                    if !self.by_module.contains_key(child.as_slice()) {
                        break;
                    }
                    module = child;
                }
            }
            rest = others;
        }
        let found = *self.by_module.get(module.as_slice())?;
        match rest.first().and_then(|name| self.named[found].exports.get(name)) {
            // A module may be named like what it defines, and is then not looked for again.
            Some(export) if found != file => self.file_of(found, export).or(Some(found)),
            _ => Some(found),
        }
    }
}

/// Returns the files that a file imports, directly or through others.
fn reached(direct: &[BTreeSet<usize>], file: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![file];
    while let Some(next) = waiting.pop() {
        waiting.extend(direct[next].iter().filter(|target| reached.insert(**target)));
    }
    reached
}

impl Named {
    pub fn read(code: &str) -> Self {
        let mut named = Self::default();
        let mut imported: BTreeMap<String, CodePath> = BTreeMap::new();
        let mut rest = String::new();
        for statement in statements(code) {
            let Some((is_export, tree)) = import(statement) else {
                rest.push_str(statement);
                continue;
            };
            for path in expanded(tree) {
                let (path, name) = renamed(&path);
                let path = if path[0] == "crate" || path[0] == "super" {
                    path
                } else {
                    [vec!["self".to_owned()], path].concat()
                };
                match is_export {
                    true => _ = named.exports.insert(name, path),
                    false => {
                        named.paths.insert(path.clone());
                        imported.insert(name, path);
                    }
                }
            }
        }
        for path in inline_paths(&rest) {
            match (path[0].as_str(), imported.get(&path[0])) {
                ("crate" | "super" | "self", _) => _ = named.paths.insert(path),
                (_, Some(import)) => _ = named.paths.insert([import.as_slice(), &path[1..]].concat()),
                (_, None) => _ = named.paths.insert([&["self".to_owned()], path.as_slice()].concat()),
            }
        }
        named
    }
}

/// Cuts code behind every `;` and around every brace that belongs to no import.
fn statements(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = code;
    while !rest.is_empty() {
        let end = match import(rest) {
            Some(_) => rest.find(';').map_or(rest.len(), |at| at + 1),
            None => rest.find([';', '{', '}', ']']).map_or(rest.len(), |at| at + 1),
        };
        found.push(&rest[..end]);
        rest = &rest[end..];
    }
    found
}

/// Returns the tree of an import, and whether it hands on what it names.
fn import(statement: &str) -> Option<(bool, &str)> {
    let item = statement.trim_start();
    let public = item.strip_prefix("pub").map(|rest| match rest.strip_prefix('(') {
        Some(scope) => scope.split_once(')').map_or("", |(_, rest)| rest),
        None => rest,
    });
    let tree = public.unwrap_or(item).trim_start().strip_prefix("use ")?;
    Some((public.is_some(), tree.split(';').next()?))
}

/// Returns the paths of an import's tree: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn expanded(tree: &str) -> Vec<String> {
    let Some((head, list)) = tree.trim().split_once('{') else { return vec![tree.trim().to_owned()] };
    let list = list.trim_end().strip_suffix('}').expect("a list that is closed");
    let mut depth = 0;
    let members = list.split(|character| {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        depth == 0 && character == ','
    });
    let members = members.filter(|member| !member.trim().is_empty());
    members.flat_map(expanded).map(|member| format!("{head}{member}")).collect()
}

/// Splits a path of an import into its segments and the name that it gets.
fn renamed(path: &str) -> (CodePath, String) {
    let (path, alias) = path.split_once(" as ").map_or((path, None), |(path, alias)| (path, Some(alias)));
    let mut segments: CodePath = path.split("::").map(|segment| segment.trim().to_owned()).collect();
    segments.pop_if(|last| last == "self");
    let name = alias.map_or_else(|| segments.last().cloned().unwrap_or_default(), str::to_owned);
    (segments, name)
}

/// Returns every path of two or more segments.
fn inline_paths(code: &str) -> Vec<CodePath> {
    let is_path = |character: char| character.is_alphanumeric() || character == '_' || character == ':';
    let words = code.split(|character| !is_path(character)).filter(|word| word.contains("::"));
    let paths = words.map(|word| word.split("::").map(|part| part.trim_matches(':').to_owned()).collect());
    paths.filter(|path: &CodePath| !path[0].is_empty()).collect()
}

#[test]
fn imports_are_read_in_every_form() {
    let code = "use crate::geo::{Table, view::{self, View as V}};\npub use table::Row;\nuse std::fs;\n\
                fn f() { view::g(crate::health::Board::new()); super::h() }\n";
    let named = Named::read(code);
    let texts: Vec<String> = named.paths.iter().map(|path| path.join("::")).collect();
    let expected = [
        "crate::geo::Table",
        "crate::geo::view",
        "crate::geo::view::View",
        "crate::geo::view::g",
        "crate::health::Board::new",
        "self::std::fs",
        "super::h",
    ];
    assert_eq!(texts, expected);
    assert_eq!(
        named
            .exports
            .into_iter()
            .map(|(name, path)| format!("{name} {}", path.join("::")))
            .collect::<Vec<_>>(),
        ["Row self::table::Row"]
    );
}

#[test]
fn files_that_import_each_other_are_a_circle_and_a_module_that_hands_on_is_none() {
    let file = |path: &str, module: &str, code: &str| SourceFile {
        path: path.into(),
        module: module.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect(),
        code: code.to_owned(),
    };
    let files = [
        file("a/mod.rs", "a", "mod b;\nmod c;\nmod d;\npub use b::B;\n"),
        file("a/b.rs", "a/b", "use super::c::C;\n"),
        file("a/c.rs", "a/c", "use super::B;\n"),
        file("a/d.rs", "a/d", "use super::B;\n"),
    ];
    assert_eq!(Imports::read(&files).circles(), [["a/b.rs", "a/c.rs"]]);
}
