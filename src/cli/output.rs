//! Standard output and standard error, which may be closed before everything is printed, as by `| head`.

use std::fmt::Display;
use std::io::{self, Write};
use std::process;

use serde::Serialize;

/// Prints a text as it is.
pub fn text(text: impl Display) {
    or_end(write!(io::stdout(), "{text}").and_then(|()| io::stdout().flush()));
}

/// Prints a line.
pub fn line(text: impl Display) {
    or_end(writeln!(io::stdout(), "{text}"));
}

/// Prints a value as JSON, indented.
pub fn json(value: &impl Serialize) {
    line(serde_json::to_string_pretty(value).expect("what commands print has names as keys"));
}

/// Prints a line on the progress of a command that goes on without a reader.
pub fn progress(text: impl Display) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// Prints a line to standard error.
pub fn remark(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Prints what went wrong.
pub fn complain(text: impl Display) {
    remark(format_args!("meridian: {text}"));
}

/// Ends the process quietly when there is no reader any more: a command that only prints has nothing left to do.
fn or_end(written: io::Result<()>) {
    if written.is_err() {
        process::exit(0);
    }
}
