//! Kinds of single values: how each is written, and the mistakes in writing it.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use schemars::{Schema, json_schema};

use super::leaf::FromText;
use crate::client::{Continent, Country, Jurisdiction, Prefix, Subdivision};
use crate::config::countries;
use crate::config::problem::ValueError;
use crate::region::Minimum;
use crate::share::Share;
use crate::units::{Percent, TimeSpan};
use crate::zone::Ttl;

/// Returns what a text was parsed to, or the mistake of one that is not of its kind.
pub fn parsed<T>(value: Option<T>, text: &str, noun: &str, hint: &str) -> Result<T, ValueError> {
    value.ok_or_else(|| ValueError::not(text, noun).hint(hint))
}

impl FromText for String {
    const NAME: &'static str = "a text";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        Ok(text.to_owned())
    }
}

impl FromText for PathBuf {
    const NAME: &'static str = "a path";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        Ok(Self::from(text))
    }
}

impl FromText for Duration {
    const NAME: &'static str = "a duration";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        let TimeSpan(duration) = text.parse()?;
        Ok(duration)
    }

    fn schema() -> Schema {
        TimeSpan::schema()
    }
}

impl FromText for Ttl {
    const NAME: &'static str = "a TTL";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        let time = match text.parse() {
            Ok(seconds) => Some(Duration::from_secs(seconds)),
            Err(_) => text.parse().ok().map(|TimeSpan(time)| time),
        };
        let hint = "write seconds as `300`, or `30s`, `5m`, `1h`, `1d`";
        let time = parsed(time, text, "a TTL", hint)?;
        let whole = Some(time.as_secs()).filter(|_| time.subsec_nanos() == 0);
        let seconds = parsed(whole, text, "a TTL in whole seconds", hint)?;
        u32::try_from(seconds).ok().and_then(Self::from_seconds).ok_or_else(|| {
            ValueError::new(format!("`{text}` is longer than a TTL can be"))
                .hint(format!("the longest is {} seconds", Self::MAX.seconds()))
        })
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

    fn from_text(text: &str) -> Result<Self, ValueError> {
        text.parse().map_err(|_| not_an_address(text))
    }
}

/// Says what is wrong with an address, as well as can be told.
fn not_an_address(text: &str) -> ValueError {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<IpAddr>().is_ok() {
        return ValueError::not(text, "an IP address").hint(format!("write `{bare}` without brackets"));
    }
    let is_v6 = text.contains(':');
    let hint = match text.matches("::").count() {
        _ if text.parse::<SocketAddr>().is_ok() => "an address stands here without a port",
        0 if is_v6 => "write eight groups of hexadecimal digits, or `::` for zeros, as in `2001:db8::a`",
        0 => "write `192.0.2.1` or `2001:db8::a`; names are not looked up",
        1 => "groups have one to four of the digits 0 to 9 and a to f",
        _ => "`::` may occur once",
    };
    ValueError::not(text, if is_v6 { "an IPv6 address" } else { "an IP address" }).hint(hint)
}

impl FromText for SocketAddr {
    const NAME: &'static str = "an address and port";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        parsed(text.parse().ok(), text, "an address with a port", "write `127.0.0.1:53` or `[::1]:53`")
    }
}

impl FromText for Prefix {
    const NAME: &'static str = "a network";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        text.parse().map_err(|error| ValueError::not(text, "a network").hint(format!("{error}")))
    }
}

impl FromText for u16 {
    const NAME: &'static str = "a port";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        let port = text.parse().ok().filter(|port| *port > 0);
        parsed(port, text, "a port", "ports go from 1 to 65535")
    }

    fn schema() -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": u16::MAX })
    }
}

/// A whole number from 0 to 4294967295.
impl FromText for u32 {
    const NAME: &'static str = "a number";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        number(text)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "integer", "minimum": 0, "maximum": u32::MAX })
    }
}

impl FromText for u64 {
    const NAME: &'static str = "a large number";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        number(text)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "integer", "minimum": 0 })
    }
}

fn number<T: FromStr>(text: &str) -> Result<T, ValueError> {
    // Digits may be grouped as in Rust and YAML 1.1: 500_000.
    let digits = text.replace('_', "");
    let is_whole = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let number = if is_whole { digits.parse().ok() } else { None };
    number.ok_or_else(|| ValueError::new(format!("`{text}` is not a whole number, or is too large")))
}

impl FromText for f64 {
    const NAME: &'static str = "a number with or without a fraction";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        let number = text.parse().ok().filter(|number: &Self| number.is_finite());
        parsed(number, text, "a number", "write `0.95` or `3`")
    }

    fn schema() -> Schema {
        json_schema!({ "type": "number" })
    }
}

/// Degrees of latitude or longitude.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Degrees(pub f64);

impl FromText for Degrees {
    const NAME: &'static str = "degrees";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        let degrees = text.parse().ok().filter(|degrees: &f64| degrees.is_finite());
        parsed(degrees.map(Self), text, "a number of degrees", "write `35.68`; south and west are negative")
    }

    fn schema() -> Schema {
        json_schema!({ "type": "number", "minimum": -180, "maximum": 180 })
    }
}

/// A distance in whole kilometres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kilometres(pub u32);

/// The bounds of a distance that makes no difference: half of the way between two continents is more than that.
const NEAR_KILOMETRES: RangeInclusive<u32> = 1..=5000;

impl FromText for Kilometres {
    const NAME: &'static str = "a distance";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        let number = text.strip_suffix("km").and_then(|number| number.trim_end().parse().ok());
        let number = number.filter(|number| NEAR_KILOMETRES.contains(number));
        parsed(number.map(Self), text, "a distance", "write kilometres, as `100 km`; at most `5000 km`")
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+ *km$", "examples": ["100 km"] })
    }
}

impl FromText for Country {
    const NAME: &'static str = "a country";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        countries::find(text)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Z]{2}$", "examples": ["JP"] })
    }
}

impl FromText for Jurisdiction {
    const NAME: &'static str = "a jurisdiction";

    fn from_text(text: &str) -> Result<Self, ValueError> {
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

    fn from_text(text: &str) -> Result<Self, ValueError> {
        let hint = "the continents are AF, AN, AS, EU, NA, OC and SA";
        parsed(Self::from_code(text), text, "a continent", hint)
    }

    fn schema() -> Schema {
        json_schema!({ "enum": Continent::ALL.map(Continent::code) })
    }
}

impl FromText for Subdivision {
    const NAME: &'static str = "a subdivision";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        let is_code = |letters: &str| {
            (1..=3).contains(&letters.len())
                && letters.bytes().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit())
        };
        let parts = text.split_once('-').filter(|(_, letters)| is_code(letters));
        let hint = "write its ISO 3166-2 code, for example `US-CA`";
        let (country, letters) = parsed(parts, text, "a subdivision", hint)?;
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

    fn from_text(text: &str) -> Result<Self, ValueError> {
        let number = text.strip_prefix("AS").unwrap_or(text).parse().ok().filter(|number| *number > 0);
        parsed(number.map(Self), text, "the number of an autonomous system", "write `64496` or `AS64496`")
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

    fn from_text(text: &str) -> Result<Self, ValueError> {
        if text.ends_with('%') {
            return Ok(Self::Percent(Percent::within(text, Percent::of(1)..=Percent::WHOLE)?));
        }
        let count = text.parse().ok().filter(|count| *count > 0).map(Self::Count);
        let neither = || ValueError::new(format!("`{text}` is neither a number nor a percentage"));
        count.ok_or_else(|| neither().hint("write `2` or `50%`, at least 1 and at most 100%"))
    }

    fn schema() -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 1 },
                { "type": "string", "pattern": "^[0-9]+(\\.[0-9]{1,4})? *%$" }
            ]
        })
    }
}

/// A share of the clients between none and all of them: 1 to 99 percent.
impl FromText for Share {
    const NAME: &'static str = "a share of the clients";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        Ok(Percent::within(text, Percent::of(1)..=Percent::of(99))?.into())
    }

    fn schema() -> Schema {
        Percent::schema()
    }
}

/// A status or a range of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statuses(pub u16, pub u16);

impl FromText for Statuses {
    const NAME: &'static str = "a status or range of statuses";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        let status = |digits: &str| digits.trim().parse().ok().filter(|status| (100..=599).contains(status));
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let range = status(first).zip(status(last)).filter(|(first, last)| first <= last);
        let hint = "write `200`, or `200-299` for a range; statuses go from 100 to 599";
        parsed(range.map(|(first, last)| Self(first, last)), text, "an HTTP status", hint)
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
