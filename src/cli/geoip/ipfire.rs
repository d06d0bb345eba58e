//! Converts the IPFire location data, in the form in which Tor ships it, into a country database: lines of
//! `first,last,CC` under a header, one file for each family.
//!
//! The result is a MaxMind database of the type [`KIND`]: for each block the continent, the country, its
//! membership of the European Union, and the centre of its population. Its build date is the one in the
//! headers, so that equal sources give equal bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::mmdb::{self, DataValue, DatabaseWriter, Metadata};
use super::value;
use crate::client::{Country, Prefix};
use crate::geo::countries;
use crate::region::Family;

/// The type that the metadata states.
pub const KIND: &str = "Meridian-World-Country";

/// The sentence that the metadata states; the licence asks for the name of the source.
const DESCRIPTION: &str =
    "Countries from the IPFire Location database (https://location.ipfire.org), CC BY-SA 4.0";

/// Data that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("line {line}: expected `first,last,CC` in ascending order, found `{text}`")]
    Line {
        /// Its number, from one.
        line: usize,
        text: String,
    },
    #[error("the header has no line such as `# Generated: Thu, 25 Jun 2026 04:33:59 GMT`")]
    Date,
    #[error("cannot write the database")]
    Write(#[from] mmdb::Error),
}

/// The data of one family.
struct CountryRanges {
    family: Family,
    /// In seconds since the Unix epoch.
    generated: u64,
    /// Ascending ranges, both ends included. Neighbours differ or leave a gap.
    ranges: Vec<(u128, u128, Code)>,
}

/// A country's two letters, or `None` for `??`.
type Code = Option<Country>;

/// Returns a database in MaxMind's format from the texts of both files.
///
/// # Errors
///
/// Names the first line that cannot be read, with the family of its file.
pub fn build(ipv4: &str, ipv6: &str) -> Result<Vec<u8>, (Family, Error)> {
    let ipv4 = parse(Family::V4, ipv4).map_err(|error| (Family::V4, error))?;
    let ipv6 = parse(Family::V6, ipv6).map_err(|error| (Family::V6, error))?;
    let mut writer = DatabaseWriter::new(Metadata {
        kind: KIND.to_owned(),
        description: DESCRIPTION.to_owned(),
        build_epoch: ipv4.generated.max(ipv6.generated),
        family: Family::V6,
        record_bits: None,
    });
    for source in [&ipv4, &ipv6] {
        add(&mut writer, source).map_err(|error| (source.family, error.into()))?;
    }
    let bytes = writer.finish();
    bytes.map_err(|error| (Family::V6, error.into()))
}

fn add(writer: &mut DatabaseWriter, source: &CountryRanges) -> Result<(), mmdb::Error> {
    for (first, last, code) in &source.ranges {
        let Some(value) = code.and_then(record) else {
            continue;
        };
        for block in blocks(source.family, *first, *last) {
            writer.add(block, &value)?;
        }
    }
    Ok(())
}

/// Returns the record of a code, or `None` when there is none. The data has some codes that are no
/// countries: `EU` has a continent, `AP` (somewhere in Asia or the Pacific) not even that.
fn record(code: Country) -> Option<DataValue> {
    match countries::find(code) {
        Some(entry) => Some(value::record(code, entry, entry.point)),
        None if code.as_str() == "EU" => Some(DataValue::Map(vec![value::continent("EU")])),
        None => None,
    }
}

fn parse(family: Family, text: &str) -> Result<CountryRanges, Error> {
    let mut source = CountryRanges {
        family,
        generated: text.lines().find_map(generated).ok_or(Error::Date)?,
        ranges: Vec::new(),
    };
    let lines = (1..).zip(text.lines().map(str::trim));
    for (line, text) in lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#')) {
        let wrong = || Error::Line { line, text: text.chars().take(80).collect() };
        let (first, last, code) = range(family, text).ok_or_else(wrong)?;
        match source.ranges.last_mut() {
            Some((_, end, _)) if first <= *end => return Err(wrong()),
            Some((_, end, before)) if *before == code && first == *end + 1 => *end = last,
            _ => source.ranges.push((first, last, code)),
        }
    }
    Ok(source)
}

/// Reads `first,last,CC`.
fn range(family: Family, text: &str) -> Option<(u128, u128, Code)> {
    let mut fields = text.split(',');
    let (first, last, code) = (fields.next()?, fields.next()?, fields.next()?);
    let address = |text: &str| match family {
        Family::V4 => text.parse::<u32>().ok().map(u128::from),
        Family::V6 => Ipv6Addr::from_str(text).ok().map(Ipv6Addr::to_bits),
    };
    let code = match code {
        "??" => None,
        letters => Some(letters.parse().ok()?),
    };
    let (first, last) = (address(first)?, address(last)?);
    (first <= last && fields.next().is_none()).then_some((first, last, code))
}

/// Splits a range into the fewest blocks.
fn blocks(family: Family, first: u128, last: u128) -> impl Iterator<Item = Prefix> {
    let width = match family {
        Family::V4 => 32,
        Family::V6 => 128,
    };
    let mut next = Some(first);
    std::iter::from_fn(move || {
        let start = next.filter(|start| *start <= last)?;
        // As many addresses as the alignment of the first one and the end of the range allow.
        let left = (last - start).checked_add(1).map_or(128, u128::ilog2);
        let free_bits = start.trailing_zeros().min(left).min(width);
        next = 1u128.checked_shl(free_bits).and_then(|size| start.checked_add(size));
        let length = u8::try_from(width - free_bits).expect("at most 128");
        Some(Prefix::around(address(family, start), length))
    })
}

fn address(family: Family, bits: u128) -> IpAddr {
    match family {
        Family::V4 => {
            let bits = u32::try_from(bits).expect("an IPv4 address was read from 32 bits");
            IpAddr::V4(Ipv4Addr::from_bits(bits))
        }
        Family::V6 => IpAddr::V6(Ipv6Addr::from_bits(bits)),
    }
}

/// Reads the date of a header line, `# Generated: Thu, 25 Jun 2026 04:33:59 GMT`.
fn generated(line: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let date = line.strip_prefix('#')?.trim().strip_prefix("Generated:")?;
    let [_, day, month, year, time, "GMT"] = *date.split_whitespace().collect::<Vec<_>>() else {
        return None;
    };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let days = days_since_1970(year.parse().ok()?, u64::try_from(month).ok()?, day.parse().ok()?)?;
    let mut seconds = 0;
    for part in time.split(':') {
        seconds = seconds * 60 + part.parse::<u64>().ok().filter(|part| *part < 60)?;
    }
    (seconds < 86_400).then_some(days * 86_400 + seconds)
}

/// Counts the days from 1 January 1970 in the Gregorian calendar; `None` for dates before it and for
/// what is no date.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let valid = (1970..10_000).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    valid.then(|| {
        // Years that begin in March have the leap day last; then months are about 30.6 days.
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let before_year = year * 365 + year / 4 - year / 100 + year / 400;
        before_year + (month * 153 + 2) / 5 + day - 1 - 719_468
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::Database;

    const HEADER: &str = "# Generated: Thu, 25 Jun 2026 04:33:59 GMT\n";

    fn built(ipv4: &str, ipv6: &str) -> Result<Database, (Family, Error)> {
        let bytes = build(&format!("{HEADER}{ipv4}"), &format!("{HEADER}{ipv6}"))?;
        Ok(Database::parse(bytes).expect("what is written can be read"))
    }

    #[test]
    fn a_range_is_found_under_its_widest_block_and_neighbours_of_one_country_are_joined() {
        // 1.0.0.0 to 1.0.2.255 in two lines, then a single address.
        let ipv4 = "16777216,16777471,DE\n16777472,16777983,DE\n16777984,16777984,JP\n16777985,16778239,??\n";
        let database =
            built(ipv4, "2001:db8::,2001:db8:2:ffff:ffff:ffff:ffff:ffff,FR\n").expect("sound data");
        let check = |address: &str, country: &str, network: &str| {
            let (location, found) = database.locate(address.parse().expect("an address"));
            let code = location.country.map_or("nowhere".to_owned(), |country| country.to_string());
            assert_eq!((code.as_str(), found.to_string().as_str()), (country, network), "{address}");
        };
        check("1.0.0.7", "DE", "1.0.0.0/23");
        check("1.0.2.9", "DE", "1.0.2.0/24");
        check("1.0.3.0", "JP", "1.0.3.0/32");
        check("1.0.3.255", "nowhere", "1.0.3.128/25");
        check("2001:db8:1::1", "FR", "2001:db8::/47");
        check("2001:db8:2::1", "FR", "2001:db8:2::/48");
        assert_eq!(database.build_epoch(), 1_782_362_039);
    }

    #[test]
    fn codes_that_are_no_countries_give_their_continent_or_nothing() {
        let database = built("0,255,EU\n256,511,AP\n", "").expect("sound data");
        let at = |address: &str| database.locate(address.parse().expect("an address")).0;
        assert_eq!(at("0.0.0.1").continent.map(crate::client::Continent::code), Some("EU"));
        assert!(at("0.0.0.1").is_unknown());
        assert_eq!(at("0.0.1.1"), crate::client::Location::default());
    }

    #[test]
    fn a_line_that_makes_no_sense_is_named() {
        let check = |ipv4: &str| match built(ipv4, "") {
            Err((Family::V4, Error::Line { line, .. })) => line,
            other => panic!("{ipv4:?} gave {other:?}"),
        };
        assert_eq!(check("0,255,DE\n200,300,DE\n"), 3, "overlapping");
        assert_eq!(check("9,5,DE\n"), 2, "backwards");
        assert_eq!(check("0,255\n"), 2, "too short");
        assert_eq!(check("0,4294967296,DE\n"), 2, "beyond IPv4");
        assert_eq!(check("0,255,Germany\n"), 2, "no code");
        let undated = build("0,255,DE\n", HEADER);
        assert_eq!(undated, Err((Family::V4, Error::Date)));
    }

    #[test]
    fn the_whole_address_space_in_one_range_is_two_blocks_of_a_tree() {
        let halves: Vec<String> =
            blocks(Family::V4, 1, u128::from(u32::MAX)).map(|block| block.to_string()).collect();
        assert_eq!(halves.len(), 32, "one of each size");
        assert_eq!(blocks(Family::V6, 0, u128::MAX).map(|block| block.length()).collect::<Vec<_>>(), [0]);
        assert_eq!(blocks(Family::V4, 0, u128::from(u32::MAX)).count(), 1);
    }
}
