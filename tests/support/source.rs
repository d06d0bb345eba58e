//! The source of the program as text, for the tests of its layout.

#![allow(dead_code, reason = "each program uses a part of it")]

use std::fs;
use std::path::{Path, PathBuf};

/// One file of `src/`.
pub struct SourceFile {
    /// Its path below `src/`.
    pub path: PathBuf,
    /// The path of the module that it holds: `["geo", "tree"]` for `geo/tree.rs`, `["geo"]` for `geo/mod.rs`.
    pub module: Vec<String>,
    /// Its production code: comments, the insides of literals and tests are blank, so that lines keep their numbers.
    pub code: String,
}

/// Returns every file that is compiled outside tests, in the order of paths.
pub fn production() -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    read(&root, &root, &mut files);
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let texts = files.iter().map(|file| (&file.module, &file.code));
    let tests: Vec<Vec<String>> = texts.flat_map(|(module, code)| test_modules(module, code)).collect();
    files.retain(|file| !tests.iter().any(|test| file.module.starts_with(test)));
    files.iter_mut().for_each(|file| file.code = without_tests(&file.code));
    files
}

fn read(root: &Path, directory: &Path, files: &mut Vec<SourceFile>) {
    for entry in fs::read_dir(directory).expect("a directory of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read(root, &path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source file");
            let path = path.strip_prefix(root).expect("found below src").to_owned();
            files.push(SourceFile { module: module_of(&path), code: code_of(&text), path });
        }
    }
}

fn module_of(path: &Path) -> Vec<String> {
    let mut module: Vec<String> =
        path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    module.pop_if(|last| ["mod", "lib"].contains(&last.as_str()));
    module
}

/// Returns the modules that a file declares for tests only.
fn test_modules(module: &[String], code: &str) -> Vec<Vec<String>> {
    let declarations = code.split("#[cfg(test)]").skip(1).filter_map(|rest| {
        let item = rest[..rest.find([';', '{'])? + 1].trim_start();
        let name = item.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';')?;
        Some([module, &[name.to_owned()]].concat())
    });
    declarations.collect()
}

/// Blanks every item that is compiled for tests only.
fn without_tests(code: &str) -> String {
    let mut rest = code;
    let mut kept = String::new();
    while let Some(at) = rest.find("#[cfg(test)]") {
        kept.push_str(&rest[..at]);
        let end = at + end_of_item(&rest[at..]);
        kept.extend(rest[at..end].chars().filter(|character| *character == '\n'));
        rest = &rest[end..];
    }
    kept + rest
}

/// Returns where the first item of `code` ends: at its `;`, or at the brace that closes its block.
pub fn end_of_item(code: &str) -> usize {
    let (mut depth, mut has_block) = (0_usize, false);
    for (at, character) in code.char_indices() {
        match character {
            '{' | '(' | '[' => {
                depth += 1;
                has_block |= character == '{';
            }
            '}' | ')' | ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 && (character == ';' || has_block && character == '}') {
            return at + 1;
        }
    }
    code.len()
}

/// Returns a text with its comments and literals blank.
pub fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = opaque(rest, code.chars().next_back());
        if length == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            code.extend(rest[..length].chars().filter(|character| *character == '\n'));
            rest = &rest[length..];
        }
    }
    code
}

/// Returns the length of the comment or literal that `rest` begins with; zero: it begins with code.
fn opaque(rest: &str, before: Option<char>) -> usize {
    let is_in_word = before.is_some_and(|character| character.is_alphanumeric() || character == '_');
    let raw = rest.strip_prefix('r').or_else(|| rest.strip_prefix("br")).filter(|_| !is_in_word);
    if let Some(raw) = raw {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let close = format!("\"{}", "#".repeat(hashes));
            let start = rest.len() - raw.len() + hashes + 1;
            return start + rest[start..].find(&close).expect("a raw string that ends") + close.len();
        }
    }
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with('"') {
        return quoted(rest, '"').expect("a string that ends");
    }
    // A lifetime is no character: `'a` has no second quote in the place of one.
    if rest.starts_with('\'') { quoted(rest, '\'').unwrap_or(0) } else { 0 }
}

/// Returns the length of a literal between quotes; `None`: what begins with a single quote is a lifetime.
fn quoted(rest: &str, quote: char) -> Option<usize> {
    let mut characters = rest.char_indices().skip(1);
    let mut count = 0;
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => _ = characters.next(),
            _ if character == quote => return Some(at + 1),
            _ => {}
        }
        count += 1;
        let is_escape = rest[1..].starts_with('\\');
        if quote == '\'' && !is_escape && count > 1 {
            return None;
        }
    }
    None
}

#[test]
fn comments_literals_and_tests_are_no_code() {
    let text = concat!(
        "use a; // use b\nlet c = \"{\\\"\"; let d = 'x'; let e: &'a str = '\\'';\n",
        "let f = br#\"}\"#;\n#[cfg(test)]\nfn g() {\n    h(\"}\");\n}\nfn i() {}\n"
    );
    let expected = "use a; \nlet c = ; let d = ; let e: &'a str = ;\nlet f = ;\n\n\n\n\nfn i() {}\n";
    assert_eq!(without_tests(&code_of(text)), expected);
    let declared =
        test_modules(&["geo".to_owned()], "#[cfg(test)]\npub mod fixture;\n#[cfg(test)]\nmod tests {}\n");
    assert_eq!(declared, [["geo", "fixture"]]);
}
