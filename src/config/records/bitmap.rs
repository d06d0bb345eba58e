//! Bitmaps: record types by windows (RFC 4034, section 4.1.2) and ports (RFC 1035, section 3.4.2).

use std::collections::BTreeMap;

use super::mnemonics::SERVICE;
use super::types;
use super::writer::RdataWriter;
use crate::config::problem::ValueError;

/// Writes the types up to the end; there may be none.
pub(super) fn types(writer: &mut RdataWriter<'_>) -> Result<(), ValueError> {
    let mut windows: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
    while !writer.is_at_end() {
        let rtype = writer.one("a record type", types::parse)?;
        let [window, low] = u16::from(rtype).to_be_bytes();
        set(windows.entry(window).or_default(), usize::from(low));
    }
    for (window, bitmap) in windows {
        writer.put(&[window]);
        writer.put_string(&bitmap);
    }
    Ok(())
}

/// Writes the ports up to the end; there may be none.
pub(super) fn ports(writer: &mut RdataWriter<'_>) -> Result<(), ValueError> {
    let mut bitmap = Vec::new();
    while !writer.is_at_end() {
        let port = writer.one("a port", |text| SERVICE.parse(text))?;
        set(&mut bitmap, usize::from(port));
    }
    writer.put(&bitmap);
    Ok(())
}

/// Sets a bit; the first one is the highest of the first octet.
fn set(bitmap: &mut Vec<u8>, bit: usize) {
    if bitmap.len() <= bit / 8 {
        bitmap.resize(bit / 8 + 1, 0);
    }
    bitmap[bit / 8] |= 0x80 >> (bit % 8);
}
