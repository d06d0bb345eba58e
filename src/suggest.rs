//! Suggestions for a word that names nothing: the nearest known word, or the words there are.

/// The most words that a hint lists: every key of a section of the configuration, and of many names enough to
/// see what kind of name is wanted.
const MAX_LISTED: usize = 16;

/// Returns the candidate that is nearest to `word`, if it is near enough to be a typing error.
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

/// Returns the question that names the nearest candidate: ``did you mean `tokyo`?``.
pub fn question<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
    nearest(word, candidates).map(|meant| format!("did you mean `{meant}`?"))
}

/// Returns the question, or when no candidate is near, the candidates: `` there are `tokyo` and `osaka` ``.
pub fn hint<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    question(word, candidates.iter().copied()).unwrap_or_else(|| match candidates.len() {
        0 => "there are none".to_owned(),
        1 => format!("there is {}", listed(candidates)),
        _ => format!("there are {}", listed(candidates)),
    })
}

/// Returns words for a sentence: `` `a`, `b` and `c` ``; of many only the first.
pub fn listed<'c>(words: impl IntoIterator<Item = &'c str>) -> String {
    let mut quoted: Vec<String> =
        words.into_iter().take(MAX_LISTED + 1).map(|word| format!("`{word}`")).collect();
    let last = match quoted.len() > MAX_LISTED {
        true => {
            quoted.truncate(MAX_LISTED);
            Some("others".to_owned())
        }
        false => quoted.pop(),
    };
    match (quoted.is_empty(), last) {
        (_, None) => String::new(),
        (true, Some(last)) => last,
        (false, Some(last)) => format!("{} and {last}", quoted.join(", ")),
    }
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

    const REGIONS: [&str; 3] = ["tokyo", "osaka", "oregon"];

    #[test]
    fn a_typing_error_is_recognised_and_another_word_is_not() {
        assert_eq!(nearest("tokio", REGIONS), Some("tokyo"));
        assert_eq!(nearest("Osaka", REGIONS), Some("osaka"));
        assert_eq!(nearest("frankfurt", REGIONS), None);
    }

    #[test]
    fn a_hint_names_the_nearest_or_lists_the_first() {
        assert_eq!(hint("tokio", REGIONS), "did you mean `tokyo`?");
        assert_eq!(hint("frankfurt", REGIONS), "there are `tokyo`, `osaka` and `oregon`");
        assert_eq!(hint("frankfurt", ["tokyo"]), "there is `tokyo`");
        assert_eq!(hint("frankfurt", []), "there are none");
        assert!(hint("frankfurt", ["a"; 17]).ends_with("`a`, `a` and others"));
    }
}
