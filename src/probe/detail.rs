//! Details of failures, of bounded length.

/// The most characters of a foreign message that are kept: a line's worth, because details go to logs, to
/// `/status` and to the state file.
const MAX_DETAIL: usize = 200;

/// Returns a text of bounded length.
pub fn bounded(text: impl Into<String>) -> String {
    let mut text = text.into();
    if let Some((end, _)) = text.char_indices().nth(MAX_DETAIL) {
        text.truncate(end);
        text.push('…');
    }
    text
}
