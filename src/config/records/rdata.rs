//! The data of one record: tokens to wire format to typed RDATA.

use hickory_proto::rr::rdata::NULL;
use hickory_proto::rr::{Name, RData, RecordType};
use hickory_proto::serialize::binary::{BinDecoder, BinEncodable, BinEncoder, NameEncoding, Restrict};

use super::lexer::Token;
use super::writer::{RdataWriter, RecordTarget};
use super::{fields, types};
use crate::config::problem::ValueError;

/// The data of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    pub rdata: RData,
    /// The name that it points to, if it does: the last one in it.
    pub target: Option<RecordTarget>,
}

/// What is wrong with a record's data, and at which token, if at one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordFault {
    /// The index of the token.
    pub word: Option<usize>,
    pub wrong: ValueError,
}

/// Parses the data of a record of `rtype`; names in it are relative to `origin`.
pub fn parse(rtype: RecordType, words: &[Token], origin: &Name) -> Result<Parsed, RecordFault> {
    let mut writer = RdataWriter { words, position: 0, wire: Vec::new(), target: None, origin };
    let is_generic = words.first().is_some_and(|word| word.is("\\#"));
    let written = match types::fields(rtype) {
        _ if is_generic => writer.generic(),
        Some(fields) => fields::write(&mut writer, fields),
        None => {
            let message = format!("{} has no presentation format here", types::to_text(rtype));
            Err(ValueError::new(message)
                .hint("write `\\#`, the length and hexadecimal digits, as in `\\# 4 0A000001`"))
        }
    };
    let word = (writer.position < words.len()).then_some(writer.position);
    written.map_err(|wrong| RecordFault { word, wrong })?;
    let rdata =
        read_wire(rtype, writer.wire, is_generic).map_err(|wrong| RecordFault { word: None, wrong })?;
    Ok(Parsed { rdata, target: writer.target })
}

/// Reads wire format into typed RDATA, as far as hickory-proto reads the type and writes it back to the same
/// octets. In 0.26.3 it refuses flags of NAPTR that are no letters, certificates without octets, and protocols
/// of `alpn` that are not UTF-8; what the fields of a type allow is kept as the octets that it is.
fn read_wire(rtype: RecordType, wire: Vec<u8>, is_generic: bool) -> Result<RData, ValueError> {
    let length = u16::try_from(wire.len())
        .map_err(|_| ValueError::new("the data of a record has at most 65535 octets"))?;
    match RData::read(&mut BinDecoder::new(&wire), rtype, Restrict::new(length)) {
        Ok(rdata) if uncompressed(&rdata).as_deref() == Some(&wire[..]) => Ok(rdata),
        Err(error) if is_generic => {
            Err(ValueError::new(format!("not valid data of type {}: {error}", types::to_text(rtype))))
        }
        Ok(_) | Err(_) => Ok(RData::Unknown { code: rtype, rdata: NULL::with(wire) }),
    }
}

/// Returns how many octets a record's data takes, uncompressed; as many as there are when it has no wire form.
pub fn wire_length(rdata: &RData) -> usize {
    uncompressed(rdata).map_or(usize::from(u16::MAX), |octets| octets.len())
}

fn uncompressed(rdata: &RData) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    let mut encoder = BinEncoder::new(&mut octets);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    rdata.emit(&mut encoder).ok()?;
    Some(octets)
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER_PERMISSIVE;

    use super::*;
    use crate::config::records::words;

    /// Parses data of a type in the zone `example.org` and compares it with wire format in hexadecimal.
    fn check(rtype: &str, text: &str, expected: &str) {
        let rtype = types::parse(rtype).expect("a known type");
        let origin = Name::from_ascii("example.org.").expect("a valid name");
        let words = words(text).expect("complete quotes");
        let got = match parse(rtype, &words, &origin) {
            Ok(parsed) => wire_of(&parsed.rdata),
            Err(fault) => fault.wrong.message,
        };
        let is_hex = expected.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b' ');
        let expected = if is_hex { expected.replace(' ', "") } else { expected.to_owned() };
        assert_eq!(got, expected, "{text}");
    }

    fn wire_of(rdata: &RData) -> String {
        use hickory_proto::serialize::binary::{BinEncodable, BinEncoder};
        let mut wire = Vec::new();
        rdata.emit(&mut BinEncoder::new(&mut wire)).expect("data that was read can be written");
        HEXLOWER_PERMISSIVE.encode(&wire)
    }

    #[test]
    fn every_common_type_is_read_as_it_is_usually_written() {
        check("A", "192.0.2.1", "c0000201");
        check("AAAA", "2001:db8::a", "20010db800000000000000000000000a");
        check("MX", "10 mail.example.net.", "000a046d61696c076578616d706c65036e657400");
        check("CAA", "0 issue \"le.org; x=1\"", "000569737375656c652e6f72673b20783d31");
        check("SRV", "1 2 443 a.", "0001000201bb016100");
        check("TLSA", "3 1 1 0a0b 0C", "0301010a0b0c");
        check("SSHFP", "4 2 00ff", "040200ff");
        check("DS", "1 ECDSAP256SHA256 2 00ff", "00010d0200ff");
        check("DNAME", "a.", "016100");
        check(
            "NAPTR",
            "1 2 u E2U+sip !^.*$!sip:x! .",
            "000100020175074532552b7369700c215e2e2a24217369703a782100",
        );
        check("SOA", "a. b. 7 2h 15m 2w 60", "01610001620000000007 00001c20 00000384 00127500 0000003c");
    }

    /// Those that BIND 9.18 reads are compared with it in `tests/master_files.rs`.
    #[test]
    fn types_that_are_newer_than_the_program_to_compare_with_are_read() {
        check("DSYNC", "CDS NOTIFY 5359 a.", "003b 01 14ef 016100");
        check("RESINFO", "qnamemin exterr=15-17", "08716e616d656d696e 0c6578746572723d31352d3137");
        check("IPN", "18446744073709551615", "ffffffffffffffff");
        check("HHIT", "AQID", "010203");
        check("CLA", "a", "0161");
    }

    #[test]
    fn what_a_type_does_not_allow_is_named() {
        check("LOC", "91 N 0 E 0m", "`91` is not a part of a latitude");
        check("LOC", "90 1 N 0 E 0m", "a latitude of more than 90 degrees");
        check("LOC", "1 N 1 N 0m", "`N` is not a part of a longitude");
        check("LOC", "1 2 3", "a direction is missing at the end");
        check("LOC", "1 N 2 E 0.001m", "`0.001m` is not an altitude in metres");
        check("EUI48", "00-00-5e-00-53", "`00-00-5e-00-53` is not an address of 6 octets");
        check("NID", "1 1:2:3", "`1:2:3` is not 64 bits in four groups");
        check("APL", "1:::/0", "`1:::/0` is not a prefix of a family");
        check("IPSECKEY", "1 0 1 a. AQID", "kind 0 means that there is none, but `a.` is there");
        check("IPSECKEY", "1 4 1 a. AQID", "4 is not a kind of gateway or relay");
        check("CSYNC", "1 3 A OPT", "`OPT` is not a record type");
        check("HIP", "2 xyz AQID", "`xyz` is not a host identity tag");
        check("DS", "1 8 MD5 00", "`MD5` is not a digest type");
        check("OPENPGPKEY", "", "base 64 is missing at the end");
        check("TLSA", "1 1 1", "hexadecimal digits are missing at the end");
        check("A6", "129 ::1 a.", "`129` is not a number from 0 to 128");
    }

    #[test]
    fn strings_keep_their_blanks_and_escapes_are_decimal() {
        check("TXT", r#""a b" c\000\"d"#, "03612062 0463002264");
        check("TXT", "", "a text is missing");
    }

    #[test]
    fn any_type_can_be_written_as_rfc_3597_says() {
        check("TYPE65280", r"\# 4 0A00 0001", "0a000001");
        check("A", r"\# 4 0A000001", "0a000001");
        check("TYPE65280", r"\# 3 0A000001", "the length says 3, but there are 4 octets");
        check("TYPE65280", "10.0.0.1", "TYPE65280 has no presentation format here");
    }

    #[test]
    fn what_is_too_much_too_little_or_out_of_range_is_refused() {
        check("A", "192.0.2.1 192.0.2.2", "`192.0.2.2` is more than this type takes");
        check("MX", "10", "a name is missing at the end");
        check("MX", "70000 a.", "`70000` is not a number from 0 to 65535");
        check("A", "192.0.2", "`192.0.2` is not an IPv4 address");
    }
}
