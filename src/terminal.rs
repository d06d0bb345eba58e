//! What the terminal of this process can show.

use std::io::{self, IsTerminal};

use rustix::termios;

/// Returns whether output may be coloured: standard output is a terminal, and the environment does not say
/// otherwise (<https://no-color.org>: `NO_COLOR` is set and not empty).
pub fn has_colours() -> bool {
    let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal() && !is_unwanted
}

/// How large a terminal is, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalSize {
    pub columns: usize,
    pub rows: usize,
}

impl TerminalSize {
    /// Returns the size of standard output; `None`: it is no terminal, or one that does not say.
    pub fn of_output() -> Option<Self> {
        let size = termios::tcgetwinsize(io::stdout()).ok()?;
        let (columns, rows) = (usize::from(size.ws_col), usize::from(size.ws_row));
        (columns > 0 && rows > 0).then_some(Self { columns, rows })
    }
}
