//! Record types: their names, their numbers, and the fields of their data.

use hickory_proto::rr::RecordType;

use super::mnemonics::{
    ALGORITHM, CERTIFICATE, DIGEST, IP_PROTOCOL, KEY_PROTOCOL, Mnemonics, SCHEME, number,
};
use crate::config::problem::ValueError;
use crate::suggest;
use Field::*;

/// A field of a record's data, as it is written. Those that have a file of their own are read there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    U8,
    U16,
    U32,
    U64,
    /// A time in seconds or with units, of 32 bits.
    Time,
    Ipv4,
    Ipv6,
    Domain,
    /// The name of a mailbox, which is no host (RFC 1035, section 8).
    Mailbox,
    /// Any number of names, up to the end.
    Domains,
    /// One string of at most 255 octets.
    Text,
    /// Another one, or nothing.
    OptionalText,
    /// One or more such strings, up to the end.
    Texts,
    /// A string of letters and digits (RFC 8659, section 4.1).
    Tag,
    /// The octets of one token.
    Octets,
    /// Hexadecimal digits up to the end, with blanks anywhere.
    Hex,
    /// Base 64 up to the end, with blanks anywhere.
    Base64,
    /// The same, or nothing.
    OptionalBase64,
    /// The same, or `-` for nothing.
    Base64OrDash,
    /// A number that may be written as a name.
    Named(&'static Mnemonics),
    /// Flags of a key, by number or by names.
    KeyFlags,
    /// A record type, by name.
    Type,
    /// Record types up to the end, as a bitmap (`bitmap`).
    Types,
    /// Ports up to the end, as a bitmap (`bitmap`).
    Ports,
    /// So many octets with hyphens between them (`octet_groups`).
    Hyphened(usize),
    /// 64 bits in four groups (`octet_groups`).
    Locator,
    /// An NSAP address (`octet_groups`).
    Nsap,
    /// An ATM address (`octet_groups`).
    Atm,
    /// Latitude, longitude, altitude and precision (`location`).
    Location,
    /// Address prefixes up to the end (`prefixes`).
    Prefixes,
    /// What is left of an IPv6 address after a prefix, and the name of the prefix (`prefixes`).
    Ipv6Suffix,
    /// The gateway whose kind the octet before the last says (`gateway`).
    Gateway,
    /// The bit for discovery, the kind and the name of a relay (`gateway`).
    Relay,
    /// The identity and the key of a host (`host_identity`).
    HostIdentity,
    /// The parameters of SVCB and HTTPS, up to the end (`svcb`).
    ServiceParameters,
}

/// The types that can be written by name, with the fields of their data in presentation format: those that
/// BIND 9.20, NSD 4.12 and Knot 3.4 print. Any other type is written as `TYPE65280` with RFC 3597's `\#`.
const TYPES: [(&str, u16, &[Field]); 77] = [
    ("A", 1, &[Ipv4]),
    ("A6", 38, &[Ipv6Suffix]),
    ("AAAA", 28, &[Ipv6]),
    ("AFSDB", 18, &[U16, Domain]),
    ("AMTRELAY", 260, &[U8, Relay]),
    ("APL", 42, &[Prefixes]),
    ("ATMA", 34, &[Atm]),
    ("AVC", 258, &[Texts]),
    ("BRID", 68, &[Base64]),
    ("CAA", 257, &[U8, Tag, Octets]),
    ("CDNSKEY", 60, &[KeyFlags, Named(&KEY_PROTOCOL), Named(&ALGORITHM), Base64]),
    ("CDS", 59, &[U16, Named(&ALGORITHM), Named(&DIGEST), Hex]),
    ("CERT", 37, &[Named(&CERTIFICATE), U16, Named(&ALGORITHM), Base64]),
    ("CLA", 263, &[Texts]),
    ("CNAME", 5, &[Domain]),
    ("CSYNC", 62, &[U32, U16, Types]),
    ("DHCID", 49, &[Base64]),
    ("DLV", 32769, &[U16, Named(&ALGORITHM), Named(&DIGEST), Hex]),
    ("DNAME", 39, &[Domain]),
    ("DNSKEY", 48, &[KeyFlags, Named(&KEY_PROTOCOL), Named(&ALGORITHM), Base64]),
    ("DOA", 259, &[U32, U32, U8, Text, Base64OrDash]),
    ("DS", 43, &[U16, Named(&ALGORITHM), Named(&DIGEST), Hex]),
    ("DSYNC", 66, &[Type, Named(&SCHEME), U16, Domain]),
    ("EID", 31, &[Hex]),
    ("EUI48", 108, &[Hyphened(6)]),
    ("EUI64", 109, &[Hyphened(8)]),
    ("GPOS", 27, &[Text, Text, Text]),
    ("HHIT", 67, &[Base64]),
    ("HINFO", 13, &[Text, Text]),
    ("HIP", 55, &[HostIdentity, Domains]),
    ("HTTPS", 65, &[U16, Domain, ServiceParameters]),
    ("IPN", 264, &[U64]),
    ("IPSECKEY", 45, &[U8, U8, U8, Gateway, OptionalBase64]),
    ("ISDN", 20, &[Text, OptionalText]),
    ("KEY", 25, &[KeyFlags, Named(&KEY_PROTOCOL), Named(&ALGORITHM), OptionalBase64]),
    ("KX", 36, &[U16, Domain]),
    ("L32", 105, &[U16, Ipv4]),
    ("L64", 106, &[U16, Locator]),
    ("LOC", 29, &[Location]),
    ("LP", 107, &[U16, Domain]),
    ("MB", 7, &[Domain]),
    ("MD", 3, &[Domain]),
    ("MF", 4, &[Domain]),
    ("MG", 8, &[Mailbox]),
    ("MINFO", 14, &[Mailbox, Mailbox]),
    ("MR", 9, &[Mailbox]),
    ("MX", 15, &[U16, Domain]),
    ("NAPTR", 35, &[U16, U16, Text, Text, Text, Domain]),
    ("NID", 104, &[U16, Locator]),
    ("NIMLOC", 32, &[Hex]),
    ("NINFO", 56, &[Texts]),
    ("NS", 2, &[Domain]),
    ("NSAP", 22, &[Nsap]),
    ("NSAP-PTR", 23, &[Domain]),
    ("OPENPGPKEY", 61, &[Base64]),
    ("PTR", 12, &[Domain]),
    ("PX", 26, &[U16, Domain, Domain]),
    ("RESINFO", 261, &[Texts]),
    ("RKEY", 57, &[KeyFlags, U8, Named(&ALGORITHM), Base64]),
    ("RP", 17, &[Mailbox, Domain]),
    ("RT", 21, &[U16, Domain]),
    ("SINK", 40, &[U8, U8, U8, OptionalBase64]),
    ("SMIMEA", 53, &[U8, U8, U8, Hex]),
    ("SOA", 6, &[Domain, Mailbox, U32, Time, Time, Time, Time]),
    ("SPF", 99, &[Texts]),
    ("SRV", 33, &[U16, U16, U16, Domain]),
    ("SSHFP", 44, &[U8, U8, Hex]),
    ("SVCB", 64, &[U16, Domain, ServiceParameters]),
    ("TA", 32768, &[U16, Named(&ALGORITHM), Named(&DIGEST), Hex]),
    ("TALINK", 58, &[Domain, Domain]),
    ("TLSA", 52, &[U8, U8, U8, Hex]),
    ("TXT", 16, &[Texts]),
    ("URI", 256, &[U16, U16, Octets]),
    ("WALLET", 262, &[Texts]),
    ("WKS", 11, &[Ipv4, Named(&IP_PROTOCOL), Ports]),
    ("X25", 19, &[Text]),
    ("ZONEMD", 63, &[U32, U8, U8, Hex]),
];

/// Types that a signing server makes itself, and their predecessors (RFC 3755, section 3).
const MADE_BY_SERVER: [(&str, u16); 6] =
    [("RRSIG", 46), ("NSEC", 47), ("NSEC3", 50), ("NSEC3PARAM", 51), ("SIG", 24), ("NXT", 30)];

/// Types that stand in messages and never in zones: nothing, OPT, and 128 to 255 (RFC 6895, section 3.1).
fn is_meta(number: u16) -> bool {
    matches!(number, 0 | 41 | 128..=255)
}

/// Returns the names of the types that can be written by name.
pub fn names() -> impl Iterator<Item = &'static str> {
    TYPES.iter().map(|(name, _, _)| *name)
}

/// Returns what is wrong with records of a type that a server that signs makes.
pub fn made_by_server(rtype: RecordType) -> Option<ValueError> {
    let number = u16::from(rtype);
    let (name, _) = MADE_BY_SERVER.iter().find(|(_, made)| *made == number)?;
    let message = format!("{name} records are made by the server that signs the zone");
    // Without signatures, DS records at the parent make every answer bogus (RFC 4035, section 5.2).
    let hint =
        "signed zones are not served: remove the zone's DS records at its parent, then leave these out";
    Some(ValueError::new(message).hint(hint))
}

/// Parses the name of a type, in either case, or `TYPE` with its number (RFC 3597, section 5).
pub fn parse(text: &str) -> Result<RecordType, ValueError> {
    let upper = text.to_ascii_uppercase();
    let named = known().find(|(name, _)| *name == upper).map(|(_, number)| number);
    let number = named.or_else(|| number(upper.strip_prefix("TYPE")?, u16::MAX).ok());
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
    let name = known().find(|(_, known)| *known == number).map(|(name, _)| name);
    name.map_or_else(|| format!("TYPE{number}"), str::to_owned)
}

fn known() -> impl Iterator<Item = (&'static str, u16)> {
    TYPES.iter().map(|(name, number, _)| (*name, *number)).chain(MADE_BY_SERVER)
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
        assert_eq!(to_text(RecordType::from(46)), "RRSIG");
    }

    #[test]
    fn types_of_messages_and_unknown_words_are_refused() {
        assert!(parse("TYPE252").is_err());
        assert!(parse("TYPE+15").is_err());
        let wrong = parse("CNAM").expect_err("there is no such type");
        assert_eq!(wrong.hint.as_deref(), Some("did you mean `CNAME`?"));
    }

    #[test]
    fn no_name_and_no_number_is_there_twice() {
        let mut numbers: Vec<u16> = known().map(|(_, number)| number).collect();
        let mut names: Vec<&str> = known().map(|(name, _)| name).collect();
        let count = numbers.len();
        names.sort_unstable();
        names.dedup();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!((numbers.len(), names.len()), (count, count));
    }
}
