//! How a command ends: its exit code, and what is said of a failure.

use std::fmt::Display;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use tokio::runtime::Builder;

use super::output;
use crate::daemon::LoadError;

/// The exit code of a failure.
pub const FAILURE: u8 = 1;

/// The exit code of a change that some of several instances made, and others did not.
pub const PARTIAL: u8 = 3;

/// The exit code of a comparison that finds a difference.
pub const DIFFERENT: u8 = 3;

/// The exit code of a bad configuration, and of bad usage.
pub const BAD_INPUT: u8 = 2;

/// An argument or an input that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadInput(String);

impl BadInput {
    pub fn new(error: impl Display) -> Self {
        Self(error.to_string())
    }
}

/// How long the end of the process waits for work on other threads, such as a large database that is
/// being read for a reload.
const LINGER: Duration = Duration::from_secs(1);

/// Runs a future on a thread for each processor, and leaves behind what does not end with it.
pub fn run_to_end<T>(future: impl Future<Output = T>) -> anyhow::Result<T> {
    run(&mut Builder::new_multi_thread(), future)
}

/// Runs a future on this thread alone, and leaves behind what does not end with it.
pub fn run_here<T>(future: impl Future<Output = T>) -> anyhow::Result<T> {
    run(&mut Builder::new_current_thread(), future)
}

fn run<T>(threads: &mut Builder, future: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = threads.enable_all().build().context("cannot start threads")?;
    let result = runtime.block_on(future);
    runtime.shutdown_timeout(LINGER);
    Ok(result)
}

/// Prints why a command failed, and returns its exit code.
pub fn fail(error: &anyhow::Error) -> ExitCode {
    let unloaded = error.downcast_ref::<LoadError>();
    match unloaded {
        Some(LoadError::Problems(problems)) => {
            let count = problems.count();
            output::remark(format_args!("{problems}{count} problem{}", if count == 1 { "" } else { "s" }));
        }
        Some(_) | None => output::complain(format_args!("{error:#}")),
    }
    ExitCode::from(if unloaded.is_some() || error.is::<BadInput>() { BAD_INPUT } else { FAILURE })
}
