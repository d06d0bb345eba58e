//! What the terminal of this process can show.

use std::io::{self, IsTerminal};

/// Returns whether output may be coloured: standard output is a terminal, and the environment does not say
/// otherwise (<https://no-color.org>: `NO_COLOR` is set and not empty).
pub fn has_colours() -> bool {
    let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal() && !is_unwanted
}
