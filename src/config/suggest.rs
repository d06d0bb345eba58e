//! Finds what somebody may have meant.

/// Returns the candidate that is nearest to `word`, if it is near enough to be a slip of the finger.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    // A third of the letters may be wrong; beyond that a suggestion is a guess.
    let allowed = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= allowed * 4)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The longest word that is compared letter by letter; the comparison takes the square of it.
const MAX_COMPARED: usize = 64;

fn distance(word: &str, candidate: &str) -> usize {
    if word.len() > MAX_COMPARED || candidate.len() > MAX_COMPARED {
        return usize::MAX;
    }
    if word.eq_ignore_ascii_case(candidate) { 0 } else { strsim::damerau_levenshtein(word, candidate) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_another_word_is_not() {
        let regions = ["tokyo", "osaka", "oregon"];
        assert_eq!(nearest("tokio", regions), Some("tokyo"));
        assert_eq!(nearest("Osaka", regions), Some("osaka"));
        assert_eq!(nearest("frankfurt", regions), None);
    }
}
