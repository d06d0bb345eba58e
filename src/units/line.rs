//! Lines of text that people write for other people: reasons, and names of authors.

/// Returns whether all of a text can be seen on one line: no control characters, no line or paragraph separators, none that
/// turn the direction of others (Unicode UAX #9) and none without width. What is read in a log must be what was written.
pub fn is_readable(text: &str) -> bool {
    !text.chars().any(is_unseen)
}

fn is_unseen(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_whose_parts_cannot_all_be_seen_is_not_readable() {
        for text in ["new kernel", "Zürich: 新しい", "100% 🚀", "a\u{a0}b"] {
            assert!(is_readable(text), "{text}");
        }
        for text in [
            "two\nlines",
            "\u{1b}[2J",
            "a\u{2028}b",
            "\u{202e}txt.exe",
            "a\u{200b}b",
            "\u{feff}a",
            "\u{2066}a",
        ] {
            assert!(!is_readable(text), "{text:?}");
        }
    }
}
