//! The identity of a host in HIP records (RFC 8005, sections 5 and 6).

use super::mnemonics::number;
use super::writer::{RdataWriter, base64, hex};
use crate::config::problem::ValueError;

/// Writes the algorithm, the host identity tag and the key. On the wire their lengths come first.
pub(super) fn write(writer: &mut RdataWriter<'_>) -> Result<(), ValueError> {
    let algorithm = writer.one("an algorithm", |text| number(text, u8::MAX))?;
    let tag = writer.one("a host identity tag", |text| {
        let tag = hex(text).filter(|tag| !tag.is_empty() && tag.len() <= usize::from(u8::MAX));
        tag.ok_or_else(|| ValueError::not(text, "a host identity tag").hint("write hexadecimal digits"))
    })?;
    let key = writer.one("a key", |text| {
        let key = base64(text).filter(|key| !key.is_empty() && key.len() <= usize::from(u16::MAX));
        key.ok_or_else(|| ValueError::not(text, "a key").hint("write base 64 without blanks"))
    })?;
    let length = u16::try_from(key.len()).expect("it was looked at");
    writer.put(&[u8::try_from(tag.len()).expect("it was looked at"), algorithm]);
    writer.put(&length.to_be_bytes());
    writer.put(&tag);
    writer.put(&key);
    Ok(())
}
