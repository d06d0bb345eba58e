//! Numbers of things.

use std::fmt;

/// A number of things: `1 name`, `2 names`. The noun is one whose plural ends in `s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count<'n>(pub usize, pub &'n str);

impl fmt::Display for Count<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number, noun) = self;
        write!(f, "{number} {noun}{}", if *number == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_singular() {
        let told = |number| Count(number, "name").to_string();
        assert_eq!([told(0), told(1), told(2)], ["0 names", "1 name", "2 names"]);
    }
}
