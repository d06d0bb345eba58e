//! Runs commands that end by themselves.

use std::process::Command;

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Runs `meridian` with these arguments until it ends.
pub fn meridian(arguments: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_meridian")).args(arguments).output();
    let output = output.expect("the binary runs");
    Ran {
        code: output.status.code().expect("an exit code, not a signal"),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}
