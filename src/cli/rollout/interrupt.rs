//! SIGINT and SIGTERM, for commands that end only where they can say what state they leave.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, bail};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// Whether SIGINT or SIGTERM has come.
#[derive(Clone, Debug)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on, on a thread of its own.
    pub fn listen() -> anyhow::Result<Self> {
        let has_come = Arc::new(AtomicBool::new(false));
        let runtime = Builder::new_current_thread().enable_all().build().context("cannot start a thread")?;
        let (mut interrupt, mut terminate) = {
            let _entered = runtime.enter();
            let [interrupt, terminate] = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
            (interrupt.context("cannot listen to signals")?, terminate.context("cannot listen to signals")?)
        };
        let told = Arc::clone(&has_come);
        thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            });
            told.store(true, Ordering::Relaxed);
        });
        Ok(Self(has_come))
    }

    /// Ends the work when a signal has come.
    pub fn check(&self) -> anyhow::Result<()> {
        if self.0.load(Ordering::Relaxed) {
            bail!("interrupted");
        }
        Ok(())
    }
}
