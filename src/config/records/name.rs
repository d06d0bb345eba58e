//! Domain names in presentation format (RFC 1035, section 5.1).

use hickory_proto::rr::Name;

use super::lexer::escape;
use crate::config::problem::ValueError;

/// The most octets in a label (RFC 1035, section 2.3.4).
const MAX_LABEL: usize = 63;

/// Parses a name; without a trailing dot it is relative to `origin`, and `@` is `origin` itself.
pub fn parse(text: &str, origin: &Name) -> Result<Name, ValueError> {
    parse_relative(text, origin).map(|(name, _)| name)
}

/// Parses a name as `parse` does, and returns the text beside it if that is relative to `origin`.
pub fn parse_relative(text: &str, origin: &Name) -> Result<(Name, Option<String>), ValueError> {
    if text == "@" {
        return Ok((origin.clone(), None));
    }
    let (mut labels, is_absolute) = split(text)?;
    if !is_absolute {
        labels.extend(origin.iter().map(<[u8]>::to_vec));
    }
    // 255 octets with the length of each label and the root (RFC 1035, section 2.3.4).
    let length: usize = labels.iter().map(|label| label.len() + 1).sum::<usize>() + 1;
    if length > 255 {
        let message = format!("the name is too long: {length} octets");
        return Err(ValueError::new(message).hint("a name has at most 255 octets"));
    }
    let name = Name::from_labels(labels)
        .map_err(|error| ValueError::new(format!("`{text}` is not a name: {error}")))?;
    Ok((name, (!is_absolute).then(|| text.to_owned())))
}

/// Returns the labels, and whether the name ends with a dot.
fn split(text: &str) -> Result<(Vec<Vec<u8>>, bool), ValueError> {
    let wrong = |why: &str| ValueError::new(format!("`{text}` is not a name: {why}"));
    match text {
        "" => return Err(wrong("it is empty")),
        "." => return Ok((Vec::new(), true)),
        _ => {}
    }
    let mut labels = Vec::new();
    let mut label = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&octet, after)) = rest.split_first() {
        rest = after;
        match octet {
            b'.' if label.is_empty() => return Err(wrong("there is nothing between two dots")),
            b'.' => labels.push(std::mem::take(&mut label)),
            b'\\' => {
                let escaped;
                (escaped, rest) = escape(rest)?;
                label.push(escaped);
            }
            ascii if ascii.is_ascii_graphic() => label.push(ascii),
            other if other.is_ascii() => return Err(wrong("it contains a blank or control character")),
            _ => return Err(wrong("it is not ASCII").hint("write its punycode form, `xn--…`")),
        }
        if label.len() > MAX_LABEL {
            return Err(wrong("a label is longer than 63 octets"));
        }
    }
    let is_absolute = label.is_empty();
    if !is_absolute {
        labels.push(label);
    }
    Ok((labels, is_absolute))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&[&[u8]], &str>) {
        let origin = Name::from_ascii("example.org.").expect("a valid name");
        match (parse(text, &origin), expected) {
            (Ok(name), Ok(labels)) => assert_eq!(name.iter().collect::<Vec<_>>(), labels),
            (Err(wrong), Err(message)) => assert_eq!(wrong.message, message),
            (got, expected) => panic!("{text}: got {got:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn a_name_is_relative_unless_it_ends_with_a_dot() {
        check("www", Ok(&[b"www", b"example", b"org"]));
        check("www.example.net.", Ok(&[b"www", b"example", b"net"]));
        check("@", Ok(&[b"example", b"org"]));
        check(".", Ok(&[]));
    }

    #[test]
    fn a_dot_after_an_escaped_backslash_ends_the_name() {
        let relative = |text: &str| parse_relative(text, &Name::root()).expect("a name").1;
        assert_eq!(relative(r"a\\."), None);
        assert_eq!(relative(r"a\."), Some(r"a\.".to_owned()));
    }

    #[test]
    fn an_escape_is_decimal_and_an_escaped_dot_ends_no_label() {
        check(r"a\.b.c\065\032", Ok(&[b"a.b", b"cA ", b"example", b"org"]));
        check(r"a\300", Err("`\\` before a digit needs three of them, from `\\000` to `\\255`"));
    }

    #[test]
    fn empty_and_overlong_labels_are_refused() {
        check("a..b", Err("`a..b` is not a name: there is nothing between two dots"));
        check("", Err("`` is not a name: it is empty"));
        let long = "x".repeat(64);
        check(&long, Err(&format!("`{long}` is not a name: a label is longer than 63 octets")));
    }
}
