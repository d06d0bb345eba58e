//! Record types: their names, their numbers, and the fields of their data.

use hickory_proto::rr::RecordType;

use crate::config::problem::ValueError;
use crate::suggest;
use Field::*;

/// A field of a record's data, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// A number from 0 to 255.
    U8,
    /// A number from 0 to 65535.
    U16,
    /// A number from 0 to 4294967295.
    U32,
    /// A time in seconds or with units.
    Time,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    Domain,
    /// One string of at most 255 octets.
    Text,
    /// One or more such strings, up to the end.
    Texts,
    /// A string of letters and digits (RFC 8659, section 4.1).
    Tag,
    /// The octets of one token, up to the end.
    Octets,
    /// Hexadecimal digits up to the end, with blanks anywhere.
    Hex,
    /// Base 64 up to the end, with blanks anywhere.
    Base64,
    /// A DNSSEC algorithm by number or mnemonic.
    Algorithm,
    /// A certificate type by number or mnemonic (RFC 4398, section 2.1).
    CertificateType,
    /// The parameters of SVCB and HTTPS, up to the end.
    ServiceParameters,
}

/// The types that can be written by name, with the fields of their data in presentation format. Any
/// other type is written as `TYPE65280` with RFC 3597's `\#`.
const TYPES: [(&str, u16, &[Field]); 30] = [
    ("A", 1, &[Ipv4]),
    ("AAAA", 28, &[Ipv6]),
    ("AFSDB", 18, &[U16, Domain]),
    ("CAA", 257, &[U8, Tag, Octets]),
    ("CDNSKEY", 60, &[U16, U8, Algorithm, Base64]),
    ("CDS", 59, &[U16, Algorithm, U8, Hex]),
    ("CERT", 37, &[CertificateType, U16, Algorithm, Base64]),
    ("CNAME", 5, &[Domain]),
    ("DNAME", 39, &[Domain]),
    ("DNSKEY", 48, &[U16, U8, Algorithm, Base64]),
    ("DS", 43, &[U16, Algorithm, U8, Hex]),
    ("HINFO", 13, &[Text, Text]),
    ("HTTPS", 65, &[U16, Domain, ServiceParameters]),
    ("KX", 36, &[U16, Domain]),
    ("MX", 15, &[U16, Domain]),
    ("NAPTR", 35, &[U16, U16, Text, Text, Text, Domain]),
    ("NS", 2, &[Domain]),
    ("OPENPGPKEY", 61, &[Base64]),
    ("PTR", 12, &[Domain]),
    ("RP", 17, &[Domain, Domain]),
    ("SMIMEA", 53, &[U8, U8, U8, Hex]),
    ("SOA", 6, &[Domain, Domain, U32, Time, Time, Time, Time]),
    ("SPF", 99, &[Texts]),
    ("SRV", 33, &[U16, U16, U16, Domain]),
    ("SSHFP", 44, &[U8, U8, Hex]),
    ("SVCB", 64, &[U16, Domain, ServiceParameters]),
    ("TLSA", 52, &[U8, U8, U8, Hex]),
    ("TXT", 16, &[Texts]),
    ("URI", 256, &[U16, U16, Octets]),
    ("ZONEMD", 63, &[U32, U8, U8, Hex]),
];

/// Types that a signing server makes itself: RRSIG, NSEC, NSEC3, NSEC3PARAM.
const MADE_BY_SERVER: [(&str, u16); 4] = [("RRSIG", 46), ("NSEC", 47), ("NSEC3", 50), ("NSEC3PARAM", 51)];

/// Types that stand in messages and never in zones: nothing, OPT, and 128 to 255 (RFC 6895, section 3.1).
fn is_meta(number: u16) -> bool {
    matches!(number, 0 | 41 | 128..=255)
}

/// Returns the names of the types that can be written by name.
pub fn names() -> impl Iterator<Item = &'static str> {
    TYPES.iter().map(|(name, _, _)| *name)
}

/// Returns whether records of this type are made by a server that signs.
pub fn is_made_by_server(rtype: RecordType) -> bool {
    let number = u16::from(rtype);
    MADE_BY_SERVER.iter().any(|(_, made)| *made == number)
}

/// Parses the name of a type, in either case, or `TYPE` with its number (RFC 3597, section 5).
pub fn parse(text: &str) -> Result<RecordType, ValueError> {
    let upper = text.to_ascii_uppercase();
    let known = TYPES.iter().map(|(name, number, _)| (*name, *number)).chain(MADE_BY_SERVER);
    let named = known.clone().find(|(name, _)| *name == upper).map(|(_, number)| number);
    let number = named.or_else(|| upper.strip_prefix("TYPE")?.parse().ok());
    let wrong = || ValueError::new(format!("`{text}` is not a record type"));
    match number {
        Some(number) if is_meta(number) => Err(wrong().hint("this type cannot stand in a zone")),
        Some(number) => Ok(RecordType::from(number)),
        None => {
            let other = "write other types as `TYPE` with their number (RFC 3597), for example `TYPE65280`";
            Err(wrong().hint(suggest::question(&upper, names()).unwrap_or_else(|| other.to_owned())))
        }
    }
}

/// Returns the name of a type, or `TYPE` with its number.
pub fn to_text(rtype: RecordType) -> String {
    let number = u16::from(rtype);
    let name = TYPES.iter().find(|(_, known, _)| *known == number).map(|(name, _, _)| *name);
    name.map_or_else(|| format!("TYPE{number}"), str::to_owned)
}

/// Returns the fields of a type's data, if they can be written other than by `\#`.
pub(super) fn fields(rtype: RecordType) -> Option<&'static [Field]> {
    let number = u16::from(rtype);
    TYPES.iter().find(|(_, known, _)| *known == number).map(|(_, _, fields)| *fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_known_by_name_in_either_case_and_by_number() {
        assert_eq!(parse("mx"), Ok(RecordType::MX));
        assert_eq!(parse("TYPE15"), Ok(RecordType::MX));
        assert_eq!(parse("TYPE65280"), Ok(RecordType::Unknown(65280)));
        assert_eq!(to_text(RecordType::Unknown(65280)), "TYPE65280");
    }

    #[test]
    fn types_of_messages_and_unknown_words_are_refused() {
        assert!(parse("TYPE252").is_err());
        let wrong = parse("CNAM").expect_err("there is no such type");
        assert_eq!(wrong.hint.as_deref(), Some("did you mean `CNAME`?"));
    }
}
