//! What the process tells whoever supervises it, by the protocol of systemd (sd_notify(3)), which other supervisors have as well.
//!
//! Without `$NOTIFY_SOCKET` nobody listens, and nothing is told.

use sd_notify::NotifyState;

/// Tells that queries are answered, and by which process: one that replaces another was not started by the supervisor.
pub fn ready() {
    tell(&[NotifyState::MainPid(std::process::id()), NotifyState::Ready]);
}

/// Tells that the process is about to end.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells that the one writer still works. The supervisor ends a process that has not said so for `WatchdogSec=`.
pub fn alive() {
    tell(&[NotifyState::Watchdog]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!("the supervisor is not told: {error}");
    }
}
