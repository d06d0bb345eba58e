//! Gives up what the server never needs, before there is a second thread: the system asks for it thread by thread, and
//! later ones inherit it.
//!
//! 1. As root with `user` in the configuration: the user, its group and no others (`user`).
//! 2. All capabilities, when the sockets are bound; a reload binds none.
//! 3. No program that it could start gets more than it has (`PR_SET_NO_NEW_PRIVS`).
//! 4. Landlock, where the kernel has it: nothing is executed, nothing is written outside the state directory, and no
//!    process outside is traced. Files that are open already, such as the log's, are not concerned.

mod user;

use std::io;
use std::path::Path;

use landlock::{
    ABI, AccessFs, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus,
};
use rustix::process::getuid;
use rustix::thread::set_no_new_privs;

pub use user::become_user;

/// The version of Landlock whose rules are asked for; an older kernel enforces what it knows of them.
const LANDLOCK: ABI = ABI::V5;

/// Why the process is not confined as it should be.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    User(#[from] user::Error),
    #[error("cannot give up privileges that programs may gain")]
    Privileges(#[source] io::Error),
}

/// Gives up all capabilities, and lets the process write below its state directory alone, and execute nothing.
///
/// # Errors
///
/// When the system does not take that no program may gain privileges. A kernel without Landlock is told, and is no error.
pub fn restrict(state: Option<&Path>) -> Result<(), Error> {
    user::give_up_capabilities();
    tracing::info!("running as user {}", getuid().as_raw());
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
    use std::fs;

    use super::*;

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
}
