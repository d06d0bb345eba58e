//! The parameters of SVCB and HTTPS records (RFC 9460, section 2.1 and appendix A).

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use data_encoding::BASE64_NOPAD;

use super::lexer::{Token, octets};
use crate::config::problem::ValueError;

/// The registered keys that are written by name (IANA, Service Parameter Keys).
const KEYS: [(&str, u16); 9] = [
    ("mandatory", 0),
    ("alpn", 1),
    ("no-default-alpn", 2),
    ("port", 3),
    ("ipv4hint", 4),
    ("ech", 5),
    ("ipv6hint", 6),
    ("dohpath", 7),
    ("ohttp", 8),
];

/// Returns the parameters in wire format, in the order of their keys (RFC 9460, section 2.2). A mistake
/// comes with the index of its token.
pub(super) fn parameters(words: &[Token]) -> Result<Vec<u8>, (usize, ValueError)> {
    let mut parameters = BTreeMap::new();
    for (index, word) in words.iter().enumerate() {
        let (key, value) = parameter(&word.text).map_err(|wrong| (index, wrong))?;
        if parameters.insert(key, value).is_some() {
            return Err((index, ValueError::new("this parameter occurs twice")));
        }
    }
    let mut wire = Vec::new();
    for (key, value) in parameters {
        let length =
            u16::try_from(value.len()).map_err(|_| (0, ValueError::new("a parameter is too long")))?;
        wire.extend_from_slice(&key.to_be_bytes());
        wire.extend_from_slice(&length.to_be_bytes());
        wire.extend(value);
    }
    Ok(wire)
}

fn parameter(text: &str) -> Result<(u16, Vec<u8>), ValueError> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let key = key(name)?;
    let missing = || ValueError::new(format!("`{name}` needs a value")).hint(format!("write `{name}=…`"));
    let given = || value.filter(|value| !value.is_empty()).ok_or_else(missing);
    let octets = match key {
        0 => mandatory(given()?)?,
        1 => protocols(given()?)?,
        2 | 8 if value.is_some_and(|value| !value.is_empty()) => {
            return Err(ValueError::new(format!("`{name}` takes no value")));
        }
        3 => port(given()?)?,
        4 => {
            each(given()?, |item| Some(item.parse::<Ipv4Addr>().ok()?.octets().to_vec()), "an IPv4 address")?
        }
        5 => base64(given()?).ok_or_else(|| ValueError::new("`ech` is not base 64"))?,
        6 => {
            each(given()?, |item| Some(item.parse::<Ipv6Addr>().ok()?.octets().to_vec()), "an IPv6 address")?
        }
        _ => octets(value.unwrap_or_default())?,
    };
    Ok((key, octets))
}

fn key(name: &str) -> Result<u16, ValueError> {
    let known = KEYS.iter().find(|(known, _)| *known == name).map(|(_, key)| *key);
    let numbered = || name.strip_prefix("key")?.parse().ok();
    let wrong = || {
        let message = format!("`{name}` is not a service parameter");
        ValueError::new(message).hint("write `alpn`, `port`, `ipv4hint` and the like, or `key` with a number")
    };
    known.or_else(numbered).ok_or_else(wrong)
}

fn mandatory(value: &str) -> Result<Vec<u8>, ValueError> {
    let mut keys = value.split(',').map(key).collect::<Result<Vec<u16>, ValueError>>()?;
    keys.sort_unstable();
    Ok(keys.into_iter().flat_map(u16::to_be_bytes).collect())
}

fn port(value: &str) -> Result<Vec<u8>, ValueError> {
    let port: u16 = value.parse().map_err(|_| ValueError::new(format!("`{value}` is not a port")))?;
    Ok(port.to_be_bytes().to_vec())
}

fn each(value: &str, parse: impl Fn(&str) -> Option<Vec<u8>>, what: &str) -> Result<Vec<u8>, ValueError> {
    let parsed = value.split(',').map(|item| {
        let wrong = || ValueError::new(format!("`{item}` is not {what}"));
        parse(item.trim()).ok_or_else(wrong)
    });
    Ok(parsed.collect::<Result<Vec<_>, ValueError>>()?.concat())
}

/// A comma separates protocols, unless it is escaped (RFC 9460, appendix A.1).
fn protocols(value: &str) -> Result<Vec<u8>, ValueError> {
    let list = octets(value)?;
    let mut names = vec![Vec::new()];
    let mut is_escaped = false;
    for octet in list {
        match octet {
            b'\\' if !is_escaped => {
                is_escaped = true;
                continue;
            }
            b',' if !is_escaped => names.push(Vec::new()),
            other => names.last_mut().expect("there is always a last name").push(other),
        }
        is_escaped = false;
    }
    let mut wire = Vec::new();
    for name in names {
        let length = u8::try_from(name.len()).ok().filter(|length| *length > 0);
        wire.push(length.ok_or_else(|| ValueError::new(format!("`{value}` is not a list of protocols")))?);
        wire.extend(name);
    }
    Ok(wire)
}

/// Decodes RFC 4648's base 64, whose padding may be left out.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    BASE64_NOPAD.decode(text.trim_end_matches('=').as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::records::words;

    fn check(text: &str, expected: Result<&[u8], &str>) {
        let got = parameters(&words(text).expect("complete quotes"));
        assert_eq!(got.as_deref().map_err(|(_, wrong)| wrong.message.as_str()), expected, "{text}");
    }

    #[test]
    fn parameters_are_sorted_by_key_and_quotes_may_stand_within() {
        check("port=8443 alpn=\"h2,h3\"", Ok(b"\x00\x01\x00\x06\x02h2\x02h3\x00\x03\x00\x02\x20\xfb"));
        check("ipv4hint=192.0.2.1,192.0.2.2", Ok(b"\x00\x04\x00\x08\xc0\x00\x02\x01\xc0\x00\x02\x02"));
        check("key667=hello\\210qoo", Ok(b"\x02\x9b\x00\x09hello\xd2qoo"));
        check(r#"alpn="f\\\\oo\\,bar,h2""#, Ok(b"\x00\x01\x00\x0c\x08f\\oo,bar\x02h2"));
    }

    #[test]
    fn unknown_repeated_and_empty_parameters_are_refused() {
        check("alpm=h2", Err("`alpm` is not a service parameter"));
        check("port=1 port=2", Err("this parameter occurs twice"));
        check("alpn", Err("`alpn` needs a value"));
        check("no-default-alpn=x", Err("`no-default-alpn` takes no value"));
    }
}
