//! The commit that is checked out where the configuration is, and who brought it.
//!
//! It is read from the files of git: `HEAD`, the branch that it names, and the log of what `HEAD` was. No program is
//! run, for the server may not, and no configuration or hook of the repository is heeded.

use std::fs;
use std::path::{Path, PathBuf};

use super::regular;
use crate::generation::Checkout;

/// The largest file that is read, in octets: a log of some 100 000 commits.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// The most directories above the configuration that are looked at.
const MAX_DEPTH: usize = 16;

/// The longest name of an author that is taken, in characters.
const MAX_AUTHOR: usize = 80;

/// Returns what is checked out in a directory; `None`: it is in no work tree of git, or not in one that can be read.
pub fn checkout(directory: &Path) -> Option<Checkout> {
    let real = fs::canonicalize(directory).ok()?;
    let git = real.ancestors().take(MAX_DEPTH).find_map(|above| repository(&above.join(".git")))?;
    let commit = head(&git)?;
    let author = read(&git.join("logs/HEAD")).and_then(|log| author(&log, &commit));
    Some(Checkout { commit, author })
}

/// Returns the directory of git that belongs to a `.git`, which is a file in worktrees and submodules.
fn repository(path: &Path) -> Option<PathBuf> {
    if fs::metadata(path).ok()?.is_dir() {
        return Some(path.to_owned());
    }
    let text = read(path)?;
    Some(path.parent()?.join(text.strip_prefix("gitdir: ")?.trim_end()))
}

/// Returns the commit that `HEAD` is.
fn head(git: &Path) -> Option<String> {
    let text = read(&git.join("HEAD"))?;
    let Some(name) = text.strip_prefix("ref: ") else { return object_name(&text) };
    let name = crate::config::below(name.trim_end())?;
    // A worktree has its own HEAD, and the branches of the repository that it belongs to.
    let common = read(&git.join("commondir")).map(|text| git.join(text.trim_end()));
    let places = [Some(git.to_owned()), common];
    places.into_iter().flatten().find_map(|place| {
        let loose = read(&place.join(&name)).and_then(|text| object_name(&text));
        loose.or_else(|| packed(&read(&place.join("packed-refs"))?, &name))
    })
}

fn packed(refs: &str, name: &str) -> Option<String> {
    let line = refs.lines().find(|line| line.split_once(' ').is_some_and(|(_, other)| other == name))?;
    object_name(line.split(' ').next()?)
}

fn object_name(text: &str) -> Option<String> {
    let text = text.trim_end();
    let is_name = [40, 64].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_name.then(|| text.to_owned())
}

/// Returns the name of the user who made `HEAD` this commit: `OLD NEW Jo Doe <jo@example.net> 1772357400 +0000`, a tab, what for.
fn author(log: &str, commit: &str) -> Option<String> {
    let last = log.lines().next_back()?;
    let mut words = last.splitn(3, ' ');
    let (_, new, rest) = (words.next()?, words.next()?, words.next()?);
    let name = rest.split(" <").next()?;
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(MAX_AUTHOR).collect();
    (new == commit && !name.trim().is_empty()).then(|| name.trim().to_owned())
}

fn read(path: &Path) -> Option<String> {
    let (bytes, _) = regular::read(path, MAX_FILE).ok()?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "1111111111111111111111111111111111111111";
    const NEW: &str = "2222222222222222222222222222222222222222";

    /// Writes files below a directory, and returns what is checked out in its `zones`.
    fn check(files: &[(&str, &str)], expected: Option<(&str, Option<&str>)>) {
        let root = tempfile::tempdir().expect("a directory");
        fs::create_dir(root.path().join("zones")).expect("a directory");
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().expect("it has one")).expect("directories");
            fs::write(path, text.replace("ROOT", &root.path().display().to_string())).expect("a file");
        }
        let found = checkout(&root.path().join("zones"));
        let found = found.as_ref().map(|found| (found.commit.as_str(), found.author.as_deref()));
        assert_eq!(found, expected, "{files:?}");
    }

    #[test]
    fn the_commit_of_a_branch_is_found_loose_packed_or_detached_and_who_brought_it() {
        let log = format!("{OLD} {OLD} Old <o@x> 1 +0000\tcommit\n{OLD} {NEW} Jo Doe <jo@x> 2 +0000\tpull\n");
        let head = (".git/HEAD", "ref: refs/heads/main\n");
        let loose = (".git/refs/heads/main", NEW);
        check(&[head, loose, (".git/logs/HEAD", &log)], Some((NEW, Some("Jo Doe"))));
        let packed = format!("# pack-refs\n{OLD} refs/heads/other\n{NEW} refs/heads/main\n");
        check(&[head, (".git/packed-refs", &packed)], Some((NEW, None)));
        check(&[(".git/HEAD", OLD), (".git/logs/HEAD", &log)], Some((OLD, None)));
    }

    #[test]
    fn a_worktree_has_its_own_head_and_the_branches_of_its_repository() {
        check(
            &[
                (".git", "gitdir: ROOT/repository/worktrees/zones\n"),
                ("repository/worktrees/zones/HEAD", "ref: refs/heads/main\n"),
                ("repository/worktrees/zones/commondir", "../..\n"),
                ("repository/refs/heads/main", NEW),
            ],
            Some((NEW, None)),
        );
    }

    #[test]
    fn what_is_no_repository_or_leads_out_of_it_is_none() {
        check(&[("zones/server.yaml", "name: ns1")], None);
        check(&[(".git/HEAD", "ref: ../../secret\n"), ("secret", NEW)], None);
        check(&[(".git/HEAD", "nothing of the kind\n")], None);
    }
}
