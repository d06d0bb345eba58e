//! Gives up what the server never needs, before there is a second thread: the system asks for it thread by thread, and
//! later ones inherit it.
//!
//! 1. As root with `user:` in the configuration: the user, its group and no others, which takes all capabilities with it.
//!    Sockets are bound by then; a reload binds none.
//! 2. No program that it could start gets more than it has (`PR_SET_NO_NEW_PRIVS`).
//! 3. Landlock, where the kernel has it: nothing is executed, nothing is written outside the state directory, and no
//!    process outside is traced. Files that are open already, such as the log's, are not concerned.

use std::fs;
use std::io;
use std::path::Path;

use landlock::{
    ABI, AccessFs, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus,
};
use rustix::process::{Gid, Uid, getuid};
use rustix::thread::{set_no_new_privs, set_thread_groups, set_thread_res_gid, set_thread_res_uid};

/// The version of Landlock whose rules are asked for; an older kernel enforces what it knows of them.
const LANDLOCK: ABI = ABI::V5;

/// Why the process is not confined as it should be.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "`user: {0}` of server.yaml is no user of this machine: name one of /etc/passwd, or write its number"
    )]
    NoSuchUser(String),
    #[error("cannot become the user `{user}`")]
    User {
        user: String,
        #[source]
        reason: io::Error,
    },
    #[error("cannot give up privileges that programs may gain")]
    Privileges(#[source] io::Error),
}

/// Becomes a user, if the process is root's; otherwise it is one already, and stays it.
///
/// # Errors
///
/// When there is no such user, or the system does not allow it.
pub fn become_user(user: &str) -> Result<(), Error> {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let (uid, gid) = find(user, &passwd).ok_or_else(|| Error::NoSuchUser(user.to_owned()))?;
    if !getuid().is_root() {
        tracing::debug!("`user` of server.yaml is passed over: the process is not root's");
        return Ok(());
    }
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    set_thread_groups(&[])
        .and_then(|()| set_thread_res_gid(gid, gid, gid))
        .and_then(|()| set_thread_res_uid(uid, uid, uid))
        .map_err(|error| Error::User { user: user.to_owned(), reason: error.into() })?;
    tracing::info!("running as user {} and group {} without capabilities", uid.as_raw(), gid.as_raw());
    Ok(())
}

/// Returns the numbers of a user and its group. One without an entry has a group of its own number.
fn find(user: &str, passwd: &str) -> Option<(u32, u32)> {
    let entries = passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (name, uid, gid) = (fields.next()?, fields.nth(1)?, fields.next()?);
        Some((name, uid.parse::<u32>().ok()?, gid.parse::<u32>().ok()?))
    });
    let number = user.parse::<u32>().ok();
    let mut found = entries.filter(|(name, uid, _)| *name == user || Some(*uid) == number);
    let found = found.next().map(|(_, uid, gid)| (uid, gid));
    found.or(number.map(|number| (number, number)))
}

/// Lets the process write below its state directory alone, and execute nothing.
///
/// # Errors
///
/// When the system does not take that no program may gain privileges. A kernel without Landlock is told, and is no error.
pub fn restrict(state: Option<&Path>) -> Result<(), Error> {
    set_no_new_privs(true).map_err(|error| Error::Privileges(error.into()))?;
    match landlock(state) {
        Ok(RulesetStatus::FullyEnforced) => {
            tracing::info!(
                "confined by Landlock: nothing is executed, or written outside the state directory"
            );
        }
        Ok(RulesetStatus::PartiallyEnforced) => {
            tracing::info!("confined by Landlock, as far as this kernel goes");
        }
        Ok(RulesetStatus::NotEnforced) => {
            tracing::warn!("this kernel has no Landlock: files are not confined")
        }
        Err(error) => tracing::warn!("files are not confined by Landlock: {error}"),
    }
    Ok(())
}

fn landlock(state: Option<&Path>) -> Result<RulesetStatus, RulesetError> {
    let writes = AccessFs::from_write(LANDLOCK);
    let ruleset = Ruleset::default().handle_access(writes | AccessFs::Execute)?.create()?;
    // A directory that is not there cannot be written to, which is told elsewhere.
    let state = state.and_then(|path| PathFd::new(path).ok());
    let rules = state.map(|state| Ok::<_, RulesetError>(PathBeneath::new(state, writes)));
    Ok(ruleset.add_rules(rules)?.restrict_self()?.ruleset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(user: &str, expected: Option<(u32, u32)>) {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nbroken\nmeridian:x:990:980::/:/bin/false\n";
        assert_eq!(find(user, passwd), expected, "{user}");
    }

    #[test]
    fn a_confined_thread_writes_to_its_state_alone_and_executes_nothing() {
        let (state, other) =
            (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
        let (inside, outside) = (state.path().join("one"), other.path().join("one"));
        fs::write(&outside, "before").expect("it is writable");
        let confined = std::thread::spawn(move || {
            match landlock(Some(state.path())).expect("the rules are right") {
                RulesetStatus::NotEnforced => return println!("skipped: this kernel has no Landlock"),
                RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => {}
            }
            let denied = |result: io::Result<()>| {
                assert_eq!(result.expect_err("it is denied").kind(), io::ErrorKind::PermissionDenied);
            };
            fs::write(&inside, "new")
                .and_then(|()| fs::rename(&inside, state.path().join("two")))
                .expect("its own");
            denied(fs::write(&outside, "new"));
            denied(fs::remove_file(&outside));
            denied(fs::write(other.path().join("two"), "new"));
            assert_eq!(fs::read_to_string(&outside).expect("it is readable"), "before");
            denied(std::process::Command::new("/bin/true").status().map(drop));
        });
        confined.join().expect("nothing is amiss");
    }

    #[test]
    fn a_user_is_a_name_or_a_number() {
        check("meridian", Some((990, 980)));
        check("990", Some((990, 980)));
        check("65532", Some((65532, 65532)));
        check("nobody", None);
        check("", None);
    }
}
