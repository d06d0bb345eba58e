//! Gives up what the server never needs, before there is a second thread: the system asks for it thread by thread, and
//! later ones inherit it.
//!
//! 1. As root with `user` in the configuration: the user, its group and no others (`user`).
//! 2. All capabilities, when the sockets are bound; a reload binds none.
//! 3. No program that it could start gets more than it has (`PR_SET_NO_NEW_PRIVS`).
//! 4. Landlock, where the kernel has it: nothing is executed, nothing is written outside the state directory and that
//!    of backups, and no process outside is traced. Files that are open already, such as the log's, are not concerned.
//! 5. A filter refuses system calls that no name server asks for (`system_calls`).
//!
//! What a kernel does not have is told in the log and in `/status`, and keeps nothing from starting.

mod system_calls;
mod user;

use std::io;
use std::path::Path;

use landlock::{
    ABI, AccessFs, LandlockStatus, PathBeneath, PathFd, RestrictionStatus, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus,
};
use rustix::process::getuid;
use rustix::thread::{no_new_privs, set_no_new_privs};

use super::chain;
use crate::admin::api::{ConfinementStatus, Enforcement, RestraintStatus};
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

/// Gives up all capabilities, lets the process write below these directories alone and execute nothing, and returns what
/// is in force then.
///
/// # Errors
///
/// When the system does not take that no program may gain privileges. A kernel without the rest is told, and is no error.
pub fn restrict(writable: &[&Path]) -> Result<ConfinementStatus, Error> {
    user::give_up_capabilities();
    set_no_new_privs(true).map_err(|error| Error::Privileges(error.into()))?;
    let files = in_words(landlock(writable));
    let calls = match system_calls::refuse() {
        Ok(()) => enforced(Enforcement::Fully, None),
        Err(error) => enforced(Enforcement::No, Some(chain(&error))),
    };
    tracing::info!("running as user {}", getuid().as_raw());
    let status = ConfinementStatus { landlock: files, seccomp: calls, ..open() };
    tell(
        "Landlock",
        "files that are executed, or written outside the state directory and that of backups",
        &status.landlock,
    );
    tell("seccomp", "system calls that no name server asks for", &status.seccomp);
    Ok(status)
}

/// Returns what is in force of a process that is not confined.
pub fn open() -> ConfinementStatus {
    let none = || enforced(Enforcement::No, Some("not asked for".to_owned()));
    ConfinementStatus {
        user: getuid().as_raw(),
        capabilities: user::capability_names(),
        no_new_privs: no_new_privs().unwrap_or(false),
        landlock: none(),
        seccomp: none(),
    }
}

fn tell(name: &str, what: &str, status: &RestraintStatus) {
    let why = status.why.as_deref().unwrap_or_default();
    match status.enforced {
        Enforcement::Fully => tracing::info!("{name} refuses {what}"),
        Enforcement::Partly => tracing::info!("{name} refuses {what}, as far as this kernel goes"),
        Enforcement::No => tracing::warn!("nothing refuses {what}: {name}: {why}"),
    }
}

fn enforced(enforced: Enforcement, why: Option<String>) -> RestraintStatus {
    RestraintStatus { enforced, abi: None, why }
}

fn landlock(writable: &[&Path]) -> Result<RestrictionStatus, RulesetError> {
    let writes = AccessFs::from_write(LANDLOCK);
    let ruleset = Ruleset::default().handle_access(writes | AccessFs::Execute)?.create()?;
    // A directory that is not there cannot be written to, which is told elsewhere.
    let open = writable.iter().filter_map(|path| PathFd::new(path).ok());
    let rules = open.map(|directory| Ok::<_, RulesetError>(PathBeneath::new(directory, writes)));
    ruleset.add_rules(rules)?.restrict_self()
}

fn in_words(restricted: Result<RestrictionStatus, RulesetError>) -> RestraintStatus {
    let status = match restricted {
        Ok(status) => status,
        Err(error) => return enforced(Enforcement::No, Some(chain(&error))),
    };
    let why = match status.landlock {
        LandlockStatus::NotEnabled => Some("this kernel has it, and it is not enabled (`lsm=` at boot)"),
        LandlockStatus::NotImplemented => Some("this kernel has none"),
        LandlockStatus::Available { .. } => None,
    };
    let level = match status.ruleset {
        RulesetStatus::FullyEnforced => Enforcement::Fully,
        RulesetStatus::PartiallyEnforced => Enforcement::Partly,
        RulesetStatus::NotEnforced => Enforcement::No,
    };
    let abi = match status.landlock {
        LandlockStatus::Available { effective_abi, kernel_abi } => {
            Some(kernel_abi.unwrap_or(effective_abi as i32).unsigned_abs())
        }
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => None,
    };
    RestraintStatus { abi, ..enforced(level, why.map(str::to_owned)) }
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
            match in_words(landlock(&[state.path()])).enforced {
                Enforcement::No => return println!("skipped: this kernel has no Landlock"),
                Enforcement::Fully | Enforcement::Partly => {}
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
