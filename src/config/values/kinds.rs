//! Kinds of single values: how each is written, and how it is told that it is written wrong.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use schemars::{Schema, json_schema};

use super::leaf::FromText;
use crate::client::{Continent, Country, Jurisdiction, Prefix, Subdivision};
use crate::config::countries;
use crate::config::yaml::Mistake;
use crate::region::Minimum;
use crate::units::TimeSpan;
use crate::zone::Ttl;

impl FromText for String {
    const NAME: &'static str = "a text";

    fn from_text(text: &str) -> Result<Self, Mistake> {
        Ok(text.to_owned())
    }
}

impl FromText for PathBuf {
    const NAME: &'static str = "a path";

    fn from_text(text: &str) -> Result<Self, Mistake> {
        Ok(Self::from(text))
    }
}

impl FromText for Duration {
    const NAME: &'static str = "a duration";

    fn from_text(text: &str) -> Result<Self, Mistake> {
        let TimeSpan(duration) = text.parse()?;
        Ok(duration)
    }

    fn schema() -> Schema {
        TimeSpan::schema()
    }
}

impl FromText for Ttl {
    const NAME: &'static str = "a TTL";

    fn from_text(text: &str) -> Result<Self, Mistake> {
        let hint = "write seconds as `300`, or `30s`, `5m`, `1h`, `1d`";
        let wrong = || Mistake::new(format!("`{text}` is not a TTL")).hint(hint);
        let seconds = match text.parse::<u64>() {
            Ok(seconds) => seconds,
            Err(_) => match text.parse::<TimeSpan>().map_err(|_| wrong())?.0 {
                span if span.subsec_nanos() == 0 => span.as_secs(),
                _ => return Err(Mistake::new(format!("`{text}` is not a TTL in whole seconds")).hint(hint)),
            },
        };
        let too_long = || {
            Mistake::new(format!("`{text}` is longer than a TTL can be"))
                .hint("the longest is 2147483647 seconds")
        };
        u32::try_from(seconds).ok().and_then(Self::from_seconds).ok_or_else(too_long)
    }

    fn schema() -> Schema {
        json_schema!({
            "anyOf": [{ "type": "integer", "minimum": 0, "maximum": Ttl::MAX.seconds() }, TimeSpan::schema()],
            "examples": ["30s", 300]
        })
    }
}

impl FromText for IpAddr {
    const NAME: &'static str = "an IP address";

    fn from_text(text: &str) -> Result<Self, Mistake> {
        text.parse().map_err(|_| not_an_address(text))
    }
}

/// Says what is wrong with an address, as well as can be told.
fn not_an_address(text: &str) -> Mistake {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<IpAddr>().is_ok() {
        return Mistake::new(format!("`{text}` is not an IP address"))
            .hint(format!("write `{bare}` without brackets"));
    }
    let family = if text.contains(':') { "an IPv6 address" } else { "an IP address" };
    let wrong = Mistake::new(format!("`{text}` is not {family}"));
    if text.parse::<SocketAddr>().is_ok() {
        return wrong.hint("an address stands here without a port");
    }
    match text.matches("::").count() {
        0 if text.contains(':') => {
            wrong.hint("write eight groups of hexadecimal digits, or `::` for zeros, as in `2001:db8::a`")
        }
        0 => wrong.hint("write `192.0.2.1` or `2001:db8::a`; names are not looked up"),
        1 => wrong.hint("groups have one to four of the digits 0 to 9 and a to f"),
        _ => wrong.hint("`::` may occur once"),
    }
}

impl FromText for SocketAddr {
    const NAME: &'static str = "an address and port";

    fn from_text(text: &str) -> Result<Self, Mistake> {
        let wrong = || {
            let message = format!("`{text}` is not an address with a port");
            Mistake::new(message).hint("write `127.0.0.1:53` or `[::1]:53`")
        };
        text.parse().map_err(|_| wrong())
    }
}

impl FromText for Prefix {
    const NAME: &'static str = "a network";

    fn from_text(text: &str) -> Result<Self, Mistake> {
        text.parse().map_err(|error| {
            let message = format!("`{text}` is not a network");
            Mistake::new(message).hint(format!("{error}"))
        })
    }
}

impl FromText for u16 {
    const NAME: &'static str = "a port";

    fn from_text(text: &str) -> Result<Self, Mistake> {
        let port = text.parse().ok().filter(|port| *port > 0);
        port.ok_or_else(|| Mistake::new(format!("`{text}` is not a port")).hint("ports go from 1 to 65535"))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": u16::MAX })
    }
}

/// A whole number from 0 to 4294967295.
impl FromText for u32 {
    const NAME: &'static str = "a number";

    fn from_text(text: &str) -> Result<Self, Mistake> {
        number(text)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "integer", "minimum": 0, "maximum": u32::MAX })
    }
}

impl FromText for u64 {
    const NAME: &'static str = "a large number";

    fn from_text(text: &str) -> Result<Self, Mistake> {
        number(text)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "integer", "minimum": 0 })
    }
}

fn number<T: FromStr>(text: &str) -> Result<T, Mistake> {
    // Digits may be grouped as in Rust and YAML 1.1: 500_000.
    let digits = text.replace('_', "");
    let is_whole = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let parsed = if is_whole { digits.parse().ok() } else { None };
    parsed.ok_or_else(|| Mistake::new(format!("`{text}` is not a whole number, or is too large")))
}

impl FromText for f64 {
    const NAME: &'static str = "degrees";

    fn from_text(text: &str) -> Result<Self, Mistake> {
        let degrees = text.parse::<Self>().ok().filter(|degrees| degrees.is_finite());
        degrees.ok_or_else(|| {
            Mistake::new(format!("`{text}` is not a number of degrees"))
                .hint("write `35.68`; south and west are negative")
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "number", "minimum": -180, "maximum": 180 })
    }
}

impl FromText for Country {
    const NAME: &'static str = "a country";

    fn from_text(text: &str) -> Result<Self, Mistake> {
        countries::find(text)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Z]{2}$", "examples": ["JP"] })
    }
}

impl FromText for Jurisdiction {
    const NAME: &'static str = "a jurisdiction";

    fn from_text(text: &str) -> Result<Self, Mistake> {
        match text {
            "EU" => Ok(Self::EuropeanUnion),
            "EEA" => Ok(Self::EuropeanEconomicArea),
            country => countries::find(country).map(Self::Country),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^([A-Z]{2}|EEA)$", "examples": ["EU", "EEA", "JP"] })
    }
}

impl FromText for Continent {
    const NAME: &'static str = "a continent";

    fn from_text(text: &str) -> Result<Self, Mistake> {
        let wrong = || {
            let message = format!("`{text}` is not a continent");
            Mistake::new(message).hint("the continents are AF, AN, AS, EU, NA, OC and SA")
        };
        Self::from_code(text).ok_or_else(wrong)
    }

    fn schema() -> Schema {
        json_schema!({ "enum": Continent::ALL.map(Continent::code) })
    }
}

impl FromText for Subdivision {
    const NAME: &'static str = "a subdivision";

    fn from_text(text: &str) -> Result<Self, Mistake> {
        let wrong = || {
            let message = format!("`{text}` is not a subdivision");
            Mistake::new(message).hint("write its ISO 3166-2 code, for example `US-CA`")
        };
        let (country, letters) = text.split_once('-').ok_or_else(wrong)?;
        let is_code = (1..=3).contains(&letters.len())
            && letters.bytes().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit());
        if !is_code {
            return Err(wrong());
        }
        let mut code = [0; 3];
        code[..letters.len()].copy_from_slice(letters.as_bytes());
        Ok(Self { country: countries::find(country)?, code })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Z]{2}-[A-Z0-9]{1,3}$", "examples": ["US-CA"] })
    }
}

/// The number of an autonomous system.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asn(pub u32);

impl FromText for Asn {
    const NAME: &'static str = "an autonomous system";

    fn from_text(text: &str) -> Result<Self, Mistake> {
        let digits = text.strip_prefix("AS").unwrap_or(text);
        let wrong = || {
            let message = format!("`{text}` is not the number of an autonomous system");
            Mistake::new(message).hint("write `64496` or `AS64496`")
        };
        digits.parse().ok().filter(|number| *number > 0).map(Self).ok_or_else(wrong)
    }

    fn schema() -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 1, "maximum": u32::MAX },
                { "type": "string", "pattern": "^(AS)?[1-9][0-9]*$" }
            ]
        })
    }
}

impl FromText for Minimum {
    const NAME: &'static str = "a number or share";

    fn from_text(text: &str) -> Result<Self, Mistake> {
        let wrong = || {
            let message = format!("`{text}` is neither a number nor a share");
            Mistake::new(message).hint("write `2` or `50%`, at least 1 and at most 100%")
        };
        let parsed = match text.strip_suffix('%') {
            Some(digits) => digits.parse().ok().filter(|share| (1..=100).contains(share)).map(Self::Percent),
            None => text.parse().ok().filter(|count| *count > 0).map(Self::Count),
        };
        parsed.ok_or_else(wrong)
    }

    fn schema() -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 1 },
                { "type": "string", "pattern": "^([1-9][0-9]?|100)%$" }
            ]
        })
    }
}

/// A share that is neither nobody nor everybody: 1 to 99 percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percent(pub u8);

impl FromText for Percent {
    const NAME: &'static str = "a share of the clients";

    fn from_text(text: &str) -> Result<Self, Mistake> {
        let digits = text.strip_suffix('%');
        let share = digits.and_then(|digits| digits.parse().ok()).filter(|share| (1..=99).contains(share));
        let wrong = || Mistake::new(format!("`{text}` is not a share")).hint("write `50%`, from 1% to 99%");
        share.map(Self).ok_or_else(wrong)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[1-9][0-9]?%$", "examples": ["50%"] })
    }
}

/// A status or a range of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statuses(pub u16, pub u16);

impl FromText for Statuses {
    const NAME: &'static str = "a status or range of statuses";

    fn from_text(text: &str) -> Result<Self, Mistake> {
        let status = |digits: &str| digits.parse().ok().filter(|status| (100..=599).contains(status));
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let range = status(first.trim()).zip(status(last.trim())).filter(|(first, last)| first <= last);
        let wrong = || {
            let message = format!("`{text}` is not an HTTP status");
            Mistake::new(message).hint("write `200`, or `200-299` for a range; statuses go from 100 to 599")
        };
        range.map(|(first, last)| Self(first, last)).ok_or_else(wrong)
    }

    fn schema() -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 100, "maximum": 599 },
                { "type": "string", "pattern": "^[1-5][0-9]{2}(-[1-5][0-9]{2})?$" }
            ]
        })
    }
}

/// A number, with or without a fraction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number(pub f64);

impl FromText for Number {
    const NAME: &'static str = "a number with or without a fraction";

    fn from_text(text: &str) -> Result<Self, Mistake> {
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        let wrong = || Mistake::new(format!("`{text}` is not a number")).hint("write `0.95` or `3`");
        number.map(Self).ok_or_else(wrong)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "number" })
    }
}
