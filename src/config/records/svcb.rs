//! The parameters of SVCB and HTTPS records (RFC 9460, sections 2.1, 7 and 8, and appendix A).

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::lexer::{Token, octets};
use super::mnemonics::number;
use super::writer::base64;
use crate::config::problem::ValueError;

const MANDATORY: u16 = 0;
const ALPN: u16 = 1;
const NO_DEFAULT_ALPN: u16 = 2;
const PORT: u16 = 3;
const IPV4_HINT: u16 = 4;
const ECH: u16 = 5;
const IPV6_HINT: u16 = 6;
const DOH_PATH: u16 = 7;
const OHTTP: u16 = 8;
const TLS_GROUPS: u16 = 9;

/// The registered keys that are written by name (IANA, Service Parameter Keys).
const KEYS: [(&str, u16); 10] = [
    ("mandatory", MANDATORY),
    ("alpn", ALPN),
    ("no-default-alpn", NO_DEFAULT_ALPN),
    ("port", PORT),
    ("ipv4hint", IPV4_HINT),
    ("ech", ECH),
    ("ipv6hint", IPV6_HINT),
    ("dohpath", DOH_PATH),
    ("ohttp", OHTTP),
    ("tls-supported-groups", TLS_GROUPS),
];

/// Returns the parameters in wire format, in the order of their keys (RFC 9460, section 2.2). A mistake
/// comes with the index of its token.
pub(super) fn parameters(words: &[Token]) -> Result<Vec<u8>, (usize, ValueError)> {
    let mut parameters: BTreeMap<u16, (usize, Vec<u8>)> = BTreeMap::new();
    let mut position = 0;
    while let Some(word) = words.get(position) {
        let index = position;
        position += 1;
        let mut text = word.raw.clone();
        // Quotes may begin after the `=`.
        if let Some(value) = words.get(position)
            && value.is_quoted
            && value.is_joined
            && !word.is_quoted
            && text.ends_with(b"=")
        {
            text.extend_from_slice(&value.raw);
            position += 1;
        }
        let (key, value) = parameter(&text).map_err(|wrong| (index, wrong))?;
        if parameters.insert(key, (index, value)).is_some() {
            return Err((index, ValueError::new(format!("`{}` occurs twice", name_of(key)))));
        }
    }
    are_consistent(&parameters)?;
    let mut wire = Vec::new();
    for (key, (index, value)) in parameters {
        let length = u16::try_from(value.len())
            .map_err(|_| (index, ValueError::new("a parameter has at most 65535 octets")))?;
        wire.extend_from_slice(&key.to_be_bytes());
        wire.extend_from_slice(&length.to_be_bytes());
        wire.extend(value);
    }
    Ok(wire)
}

/// Finds what one parameter asks of another (RFC 9460, sections 7.1.1 and 8).
fn are_consistent(parameters: &BTreeMap<u16, (usize, Vec<u8>)>) -> Result<(), (usize, ValueError)> {
    if let Some((index, list)) = parameters.get(&MANDATORY) {
        let mut keys = list.chunks_exact(2).map(|key| u16::from_be_bytes([key[0], key[1]]));
        if let Some(key) = keys.find(|key| !parameters.contains_key(key)) {
            let message = format!("`mandatory` lists `{}`, which is not there", name_of(key));
            let hint =
                "clients pass over a record whose mandatory parameters are missing (RFC 9460, section 8)";
            return Err((*index, ValueError::new(message).hint(hint)));
        }
    }
    match parameters.get(&NO_DEFAULT_ALPN) {
        Some((index, _)) if !parameters.contains_key(&ALPN) => {
            let wrong = ValueError::new("`no-default-alpn` without `alpn` leaves no protocol");
            Err((*index, wrong.hint("add `alpn=…` (RFC 9460, section 7.1.1)")))
        }
        _ => Ok(()),
    }
}

fn parameter(text: &[u8]) -> Result<(u16, Vec<u8>), ValueError> {
    let equals = text.iter().position(|octet| *octet == b'=');
    let (name, value) = text.split_at(equals.unwrap_or(text.len()));
    let (name, value) = (String::from_utf8_lossy(name), value.get(1..).unwrap_or_default());
    let (key, is_generic) = key(&name)?;
    if is_generic {
        // `keyNNNNN` has the octets of the wire (RFC 9460, section 2.1), of a known key as well.
        let value = octets(value)?;
        return match is_valid(key, &value) {
            true => Ok((key, value)),
            false => Err(ValueError::new(format!("not the octets of a value of `{}`", name_of(key)))
                .hint(format!("`{name}=` takes wire format; write `{}=…`", name_of(key)))),
        };
    }
    let takes_none = matches!(key, NO_DEFAULT_ALPN | OHTTP);
    match value.is_empty() {
        true if takes_none => return Ok((key, Vec::new())),
        false if takes_none => return Err(ValueError::new(format!("`{name}` takes no value"))),
        true => {
            let wrong = ValueError::new(format!("`{name}` needs a value"));
            return Err(wrong.hint(format!("write `{name}=…`")));
        }
        false => {}
    }
    let octets = value_of(key, value)?;
    let wrong = || ValueError::new(format!("not a value of `{name}`: `{}`", String::from_utf8_lossy(value)));
    if is_valid(key, &octets) { Ok((key, octets)) } else { Err(wrong()) }
}

/// Returns the wire format of the value of a key that is written by name.
fn value_of(key: u16, value: &[u8]) -> Result<Vec<u8>, ValueError> {
    let text = String::from_utf8_lossy(value);
    match key {
        MANDATORY => mandatory(&text),
        ALPN => protocols(value),
        PORT => port(&text),
        IPV4_HINT => {
            each(&text, |item| Some(item.parse::<Ipv4Addr>().ok()?.octets().into()), "an IPv4 address")
        }
        ECH => base64(&text).ok_or_else(|| ValueError::new("`ech` is not base 64")),
        IPV6_HINT => {
            each(&text, |item| Some(item.parse::<Ipv6Addr>().ok()?.octets().into()), "an IPv6 address")
        }
        TLS_GROUPS => {
            each(&text, |item| Some(number(item, u16::MAX).ok()?.to_be_bytes().into()), "a TLS group")
        }
        _ => octets(value),
    }
}

/// Returns whether these octets can be the value of a key; of an unknown one, any can.
fn is_valid(key: u16, value: &[u8]) -> bool {
    let whole = |octets: usize| !value.is_empty() && value.len().is_multiple_of(octets);
    match key {
        MANDATORY => {
            let keys: Vec<_> = value.chunks_exact(2).collect();
            whole(2) && keys[0] != [0, 0] && keys.is_sorted_by(|one, next| one < next)
        }
        ALPN => are_strings(value),
        NO_DEFAULT_ALPN | OHTTP => value.is_empty(),
        PORT => value.len() == 2,
        IPV4_HINT => whole(4),
        ECH => !value.is_empty(),
        IPV6_HINT => whole(16),
        // A relative URI template with the variable `dns` (RFC 9461, section 5).
        DOH_PATH => std::str::from_utf8(value).is_ok_and(|path| path.contains("{?dns}")),
        TLS_GROUPS => whole(2),
        _ => true,
    }
}

/// Returns whether these are one or more strings with their lengths before them, none of them empty.
fn are_strings(mut value: &[u8]) -> bool {
    let is_there = !value.is_empty();
    while let Some((&length, rest)) = value.split_first() {
        match rest.get(usize::from(length)..) {
            Some(after) if length > 0 => value = after,
            _ => return false,
        }
    }
    is_there
}

/// Returns the number of a key, and whether it was written as `keyNNNNN`.
fn key(name: &str) -> Result<(u16, bool), ValueError> {
    if let Some((_, key)) = KEYS.iter().find(|(known, _)| *known == name) {
        return Ok((*key, false));
    }
    let digits = name.strip_prefix("key").filter(|digits| *digits == "0" || !digits.starts_with('0'));
    // 65535 is reserved as the invalid key (RFC 9460, section 14.3.2).
    let numbered = digits.and_then(|digits| number(digits, u16::MAX - 1).ok());
    let wrong = || {
        let message = format!("`{name}` is not a service parameter");
        ValueError::new(message).hint("write `alpn`, `port`, `ipv4hint` and the like, or `key` with a number")
    };
    numbered.map(|key| (key, true)).ok_or_else(wrong)
}

fn name_of(key: u16) -> String {
    let name = KEYS.iter().find(|(_, known)| *known == key).map(|(name, _)| *name);
    name.map_or_else(|| format!("key{key}"), str::to_owned)
}

/// Reads the keys that a client must understand (RFC 9460, section 8).
fn mandatory(value: &str) -> Result<Vec<u8>, ValueError> {
    let mut keys = Vec::new();
    for name in value.split(',') {
        let (key, _) = key(name)?;
        if key == MANDATORY {
            return Err(ValueError::new("`mandatory` lists itself")
                .hint("it is always mandatory (RFC 9460, section 8)"));
        }
        if keys.contains(&key) {
            return Err(ValueError::new(format!("`mandatory` lists `{}` twice", name_of(key))));
        }
        keys.push(key);
    }
    keys.sort_unstable();
    Ok(keys.into_iter().flat_map(u16::to_be_bytes).collect())
}

fn port(value: &str) -> Result<Vec<u8>, ValueError> {
    let port = number(value, u16::MAX).map_err(|_| ValueError::not(value, "a port"))?;
    Ok(port.to_be_bytes().to_vec())
}

fn each(value: &str, parse: impl Fn(&str) -> Option<Vec<u8>>, what: &str) -> Result<Vec<u8>, ValueError> {
    let parsed = value.split(',').map(|item| {
        let wrong = || ValueError::not(item, what);
        parse(item.trim()).ok_or_else(wrong)
    });
    Ok(parsed.collect::<Result<Vec<_>, ValueError>>()?.concat())
}

/// A comma separates protocols, unless it is escaped (RFC 9460, appendix A.1).
fn protocols(value: &[u8]) -> Result<Vec<u8>, ValueError> {
    let mut names = vec![Vec::new()];
    let mut is_escaped = false;
    for octet in octets(value)? {
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
        let wrong = || ValueError::not(&String::from_utf8_lossy(value), "a list of protocols");
        wire.push(length.ok_or_else(wrong)?);
        wire.extend(name);
    }
    Ok(wire)
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
        check("port=1 port=2", Err("`port` occurs twice"));
        check("alpn", Err("`alpn` needs a value"));
        check("port=+1", Err("`+1` is not a port"));
        check("no-default-alpn=x", Err("`no-default-alpn` takes no value"));
    }

    #[test]
    fn a_numbered_key_has_the_octets_of_the_wire_of_a_known_key_as_well() {
        check("key1=\\002h2", Ok(b"\x00\x01\x00\x03\x02h2"));
        check("key3=\\001\\187", Ok(b"\x00\x03\x00\x02\x01\xbb"));
        check("key1=h2", Err("not the octets of a value of `alpn`"));
        check("alpn=h2 key1=\\002h3", Err("`alpn` occurs twice"));
        check("key01=x", Err("`key01` is not a service parameter"));
        check("key65535=x", Err("`key65535` is not a service parameter"));
    }

    #[test]
    fn mandatory_lists_what_is_there_once_and_never_itself() {
        check("mandatory=port alpn=h2", Err("`mandatory` lists `port`, which is not there"));
        check("mandatory=mandatory", Err("`mandatory` lists itself"));
        check("mandatory=alpn,alpn alpn=h2", Err("`mandatory` lists `alpn` twice"));
        check("key0=\\000\\001\\000\\001 alpn=h2", Err("not the octets of a value of `mandatory`"));
        check(
            "mandatory=port,alpn port=1 alpn=h2",
            Ok(b"\x00\x00\x00\x04\x00\x01\x00\x03\x00\x01\x00\x03\x02h2\x00\x03\x00\x02\x00\x01"),
        );
        check("no-default-alpn", Err("`no-default-alpn` without `alpn` leaves no protocol"));
    }

    #[test]
    fn quotes_begin_right_after_the_equals_sign_or_around_the_whole() {
        check("\"port=1\"", Ok(b"\x00\x03\x00\x02\x00\x01"));
        check("port= \"1\"", Err("`port` needs a value"));
    }
}
