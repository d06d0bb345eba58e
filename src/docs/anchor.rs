//! The anchors of headings, which links between pages lead to.

/// Returns the anchor of a heading, as the usual hosts of Markdown make it.
pub fn anchor(title: &str) -> String {
    let kept = title.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter.to_ascii_lowercase() }).collect()
}
