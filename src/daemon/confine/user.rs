//! The user and the capabilities of the process.
//!
//! ```text
//!   root ──▶ the user, with CAP_NET_BIND_SERVICE alone ──▶ the state directory is locked, sockets are bound ──▶ no capability
//! ```
//!
//! A process that another user starts with some capabilities, as a unit of systemd does, takes the last step as well.

use std::fs;
use std::io;

use rustix::process::{Gid, Uid, getuid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_keep_capabilities, set_thread_groups,
    set_thread_res_gid, set_thread_res_uid,
};

use crate::config::SystemUser;

/// Why the process is not the user's.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "`user: {0}` in server.yaml is no user of this machine: name one of /etc/passwd, or write its number"
    )]
    Unknown(SystemUser),
    #[error("`user: {0}` in server.yaml is root, as whom nothing is given up: name a user of its own")]
    IsRoot(SystemUser),
    #[error("cannot become the user `{user}`")]
    Refused {
        user: SystemUser,
        #[source]
        reason: io::Error,
    },
}

/// No capability in any set.
const NONE: CapabilitySets = CapabilitySets {
    effective: CapabilitySet::empty(),
    permitted: CapabilitySet::empty(),
    inheritable: CapabilitySet::empty(),
};

/// Becomes a user, if the process is root's; otherwise it is one already, and stays it. Of the capabilities only the one for
/// ports below 1024 is left, until [`give_up_capabilities`].
///
/// # Errors
///
/// When there is no such user, it is root under another name, or the system does not allow it.
pub fn become_user(user: &SystemUser) -> Result<(), Error> {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let (uid, gid) = find(user, &passwd).ok_or_else(|| Error::Unknown(user.clone()))?;
    if uid == 0 {
        return Err(Error::IsRoot(user.clone()));
    }
    if !getuid().is_root() {
        tracing::debug!("`user` in server.yaml is passed over: the process is not root's");
        return Ok(());
    }
    turn_into(Uid::from_raw(uid), Gid::from_raw(gid))
        .map_err(|reason| Error::Refused { user: user.clone(), reason })
}

fn turn_into(uid: Uid, gid: Gid) -> io::Result<()> {
    // While it is allowed; what a kernel does not know it does not have.
    for capability in CapabilitySet::all().iter() {
        let _ = remove_capability_from_bounding_set(capability);
    }
    set_keep_capabilities(true)?;
    set_thread_groups(&[])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)?;
    let kept = capabilities(None)?.permitted & CapabilitySet::NET_BIND_SERVICE;
    set_capabilities(None, CapabilitySets { effective: kept, permitted: kept, ..NONE })?;
    Ok(())
}

/// Returns the numbers of a user and its group. One without an entry has a group of its own number.
fn find(user: &SystemUser, passwd: &str) -> Option<(u32, u32)> {
    let mut entries = passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (name, uid, gid) = (fields.next()?, fields.nth(1)?, fields.next()?);
        Some((name, uid.parse::<u32>().ok()?, gid.parse::<u32>().ok()?))
    });
    match user {
        SystemUser::Named(named) => entries.find(|(name, ..)| name == named).map(|(_, uid, gid)| (uid, gid)),
        SystemUser::Numbered(number) => {
            let entry = entries.find(|(_, uid, _)| uid == number);
            Some((*number, entry.map_or(*number, |(.., gid)| gid)))
        }
    }
}

/// Gives up every capability, when sockets are bound. Root keeps them: without them it is a user whose files others own.
pub fn give_up_capabilities() {
    if getuid().is_root() {
        tracing::warn!(
            "running as root with all its privileges: `user` in server.yaml names a user to become"
        );
        return;
    }
    if let Err(error) = clear_capabilities() {
        // As under a unit whose `SystemCallFilter` has no `capset`. It answers all the same, and `/status` says so.
        tracing::warn!("capabilities cannot be given up: {error}");
    }
}

fn clear_capabilities() -> io::Result<()> {
    // An error where there is no ambient set, before Linux 4.3.
    let _ = clear_ambient_capability_set();
    let CapabilitySets { effective, permitted, inheritable } = capabilities(None)?;
    if !(effective | permitted | inheritable).is_empty() {
        set_capabilities(None, NONE)?;
    }
    Ok(())
}

/// Returns the names of the capabilities that the process has, in lower case.
pub fn capability_names() -> Vec<String> {
    let held = capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.permitted);
    held.iter_names().map(|(name, _)| name.to_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(user: SystemUser, expected: Option<(u32, u32)>) {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nbroken\nmeridian:x:990:980::/:/bin/false\n990:x:7:8::/:/bin/false\n";
        assert_eq!(find(&user, passwd), expected, "{user}");
    }

    #[test]
    fn a_user_is_a_name_or_a_number() {
        check(SystemUser::Named("meridian".to_owned()), Some((990, 980)));
        check(SystemUser::Numbered(990), Some((990, 980)));
        check(SystemUser::Numbered(65_532), Some((65_532, 65_532)));
        check(SystemUser::Named("nobody".to_owned()), None);
        check(SystemUser::Named(String::new()), None);
    }

    #[test]
    fn a_thread_without_root_has_no_capability_left() {
        let names = std::thread::spawn(|| {
            clear_capabilities().expect("giving up is allowed");
            capability_names()
        });
        assert_eq!(names.join().expect("nothing is amiss"), Vec::<String>::new());
    }
}
