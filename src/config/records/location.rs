//! Locations (RFC 1876): `52 14 05 N 0 8 50.5 E 10m 1m 10000m 10m`.

use super::writer::RdataWriter;
use crate::config::problem::ValueError;

/// The size and the precisions that are left out: 1 m, 10 km and 10 m, in centimetres.
const USUAL: [u64; 3] = [100, 1_000_000, 1000];

/// The largest size or precision in centimetres: 9 followed by nine zeros (RFC 1876, section 2).
const LARGEST: u64 = 9_000_000_000;

/// The lowest altitude is 100 000 m below the spheroid, in centimetres.
const LOWEST: i64 = 10_000_000;

/// Writes version, size, horizontal and vertical precision, latitude, longitude and altitude.
pub(super) fn write(writer: &mut RdataWriter<'_>) -> Result<(), ValueError> {
    let latitude = angle(writer, "a latitude", 90, ["N", "S"])?;
    let longitude = angle(writer, "a longitude", 180, ["E", "W"])?;
    let altitude = writer.one("an altitude", |text| {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let centimetres = metres(digits).and_then(|centimetres| i64::try_from(centimetres).ok());
        let above = centimetres.map(|centimetres| sign * centimetres + LOWEST);
        above.and_then(|above| u32::try_from(above).ok()).ok_or_else(|| {
            ValueError::not(text, "an altitude in metres")
                .hint("write `10m`; from -100000.00m to 42849672.95m")
        })
    })?;
    let mut sizes = USUAL;
    for size in &mut sizes {
        if writer.is_at_end() {
            break;
        }
        *size = writer.one("a size", |text| {
            let size = metres(text).filter(|centimetres| *centimetres <= LARGEST);
            size.ok_or_else(|| {
                ValueError::not(text, "a size in metres").hint("write `10m`; at most 90000000m")
            })
        })?;
    }
    writer.put(&[0]);
    writer.put(&sizes.map(scientific));
    for part in [latitude, longitude, altitude] {
        writer.put(&part.to_be_bytes());
    }
    Ok(())
}

/// Reads degrees, with minutes and seconds or without, and a direction: thousandths of a second from 2^31.
fn angle(
    writer: &mut RdataWriter<'_>,
    what: &str,
    most: u64,
    directions: [&str; 2],
) -> Result<u32, ValueError> {
    let [plus, minus] = directions;
    let is_direction = |text: &str| directions.iter().any(|known| text.eq_ignore_ascii_case(known));
    let wrong = |text: &str| {
        ValueError::new(format!("`{text}` is not a part of {what}"))
            .hint(format!("write degrees, minutes, seconds and `{plus}` or `{minus}`"))
    };
    let mut total = 0;
    for (index, (bound, thousandths, decimals)) in
        [(most, 3_600_000, 0), (59, 60_000, 0), (59, 1, 3)].into_iter().enumerate()
    {
        if index > 0 && writer.peek().is_some_and(|text| is_direction(&text)) {
            break;
        }
        let scale = 10_u64.pow(decimals);
        let part = writer.one(what, |text| {
            let part = fixed(text, decimals).filter(|part| *part < (bound + 1) * scale);
            part.ok_or_else(|| wrong(text))
        })?;
        total += part * thousandths;
    }
    let sign = writer.one("a direction", |text| match text {
        text if text.eq_ignore_ascii_case(plus) => Ok(1),
        text if text.eq_ignore_ascii_case(minus) => Ok(-1),
        _ => Err(wrong(text)),
    })?;
    if total > most * 3_600_000 {
        return Err(ValueError::new(format!("{what} of more than {most} degrees")));
    }
    let total = i64::try_from(total).expect("180 degrees are 648 000 000 thousandths of a second");
    Ok(u32::try_from((1_i64 << 31) + sign * total).expect("180 degrees are less than 2^31"))
}

/// Reads metres with at most two decimals, and `m` or not: centimetres.
fn metres(text: &str) -> Option<u64> {
    fixed(text.strip_suffix(['m', 'M']).unwrap_or(text), 2)
}

/// Reads a number with at most so many decimals, as so many powers of ten.
fn fixed(text: &str, decimals: u32) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let places = u32::try_from(part.len()).ok().filter(|places| *places <= decimals)?;
    let digits = [whole, part].concat();
    let is_number =
        !whole.is_empty() && digits.len() <= 15 && digits.bytes().all(|digit| digit.is_ascii_digit());
    let number: u64 = digits.parse().ok().filter(|_| is_number)?;
    Some(number * 10_u64.pow(decimals - places))
}

/// Returns a length as one decimal digit and a power of ten (RFC 1876, section 2); the digits after the first
/// are lost.
fn scientific(mut centimetres: u64) -> u8 {
    let mut exponent = 0;
    while centimetres >= 10 {
        centimetres /= 10;
        exponent += 1;
    }
    u8::try_from(centimetres).expect("one digit is left") << 4 | exponent
}
