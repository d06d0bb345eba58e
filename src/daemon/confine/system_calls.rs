//! A filter of system calls (seccomp): what a name server never asks for is refused, whatever a client makes it do.
//!
//! It lists what is refused, not what is allowed: a C library or a runtime that is newer asks in other ways for what it is
//! allowed to, and must not fail for it. `clone3` takes its flags from memory, where no filter can see them, so that a new
//! namespace is refused by `unshare` and `setns` alone; it needs a privilege, or user namespaces that are open to all.

use std::collections::BTreeMap;

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter};

/// What is refused: other programs and other processes' memory; mounts and namespaces; the kernel, its modules, keys, clock
/// and devices.
const REFUSED: [libc::c_long; 54] = [
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_open_by_handle_at,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_personality,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_fanotify_init,
    libc::SYS_mknodat,
    libc::SYS_setuid,
    libc::SYS_setresuid,
    libc::SYS_setgroups,
];

/// What only some processors have.
#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: [libc::c_long; 5] =
    [libc::SYS_kexec_file_load, libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_modify_ldt, libc::SYS_mknod];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: [libc::c_long; 0] = [];

/// The bit of the numbers by which x86-64 has every call a second time (x32).
#[cfg(target_arch = "x86_64")]
const SECOND_NUMBERS: Option<libc::c_long> = Some(0x4000_0000);
#[cfg(not(target_arch = "x86_64"))]
const SECOND_NUMBERS: Option<libc::c_long> = None;

/// Refuses them with EPERM from now on, to this thread and all that it starts.
///
/// # Errors
///
/// When the kernel has no such filters, or is not allowed to take one.
pub fn refuse() -> Result<(), seccompiler::Error> {
    let numbers = REFUSED.into_iter().chain(REFUSED_HERE);
    let all = numbers.flat_map(|number| [Some(number), SECOND_NUMBERS.map(|bit| number | bit)]);
    let rules: BTreeMap<i64, Vec<_>> = all.flatten().map(|number| (number, Vec::new())).collect();
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    let processor = TargetArch::try_from(std::env::consts::ARCH)?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refused, processor)?;
    apply_filter(&BpfProgram::try_from(filter)?)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_filtered_thread_starts_no_program_changes_no_root_and_goes_on() {
        let filtered = std::thread::spawn(|| {
            refuse().expect("the kernel takes filters");
            let denied = |error: io::Error| assert_eq!(error.raw_os_error(), Some(libc::EPERM));
            denied(std::process::Command::new("/bin/true").status().expect_err("no program"));
            denied(rustix::process::chroot("/").expect_err("no other root").into());
            std::thread::spawn(|| std::fs::read("/proc/self/status").expect("it is readable"))
                .join()
                .expect("threads start")
        });
        assert!(!filtered.join().expect("nothing is amiss").is_empty());
    }
}
