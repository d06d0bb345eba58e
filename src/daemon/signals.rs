//! The signals that the process takes: SIGHUP to reload, SIGTERM and SIGINT to stop.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Takes signals from when it is made.
pub struct ProcessSignals {
    /// Asks for a reload.
    pub hangup: Signal,
    /// Asks for the end.
    pub stop: StopSignals,
}

/// SIGTERM and SIGINT.
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl ProcessSignals {
    /// Begins to take signals.
    ///
    /// # Errors
    ///
    /// When the system does not let the process.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { hangup: signal(SignalKind::hangup())?, stop: StopSignals::listen()? })
    }
}

impl StopSignals {
    /// Begins to take them. The first process of a container has to: there the kernel lets none of them end it.
    ///
    /// # Errors
    ///
    /// When the system does not let the process.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for either.
    pub async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
