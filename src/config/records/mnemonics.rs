//! Numbers in record data that have names (IANA registries, under the names that BIND, NSD and Knot print).

use crate::config::problem::ValueError;

/// Names of the numbers of one field.
#[derive(Debug, PartialEq, Eq)]
pub struct Mnemonics {
    /// What the field is, with its article.
    pub what: &'static str,
    /// How many octets it has: 1 or 2.
    pub octets: usize,
    list: &'static [(&'static str, u16)],
}

/// DNS Security Algorithm Numbers.
pub const ALGORITHM: Mnemonics = Mnemonics {
    what: "an algorithm",
    octets: 1,
    list: &[
        ("RSAMD5", 1),
        ("DH", 2),
        ("DSA", 3),
        ("ECC", 4),
        ("RSASHA1", 5),
        ("DSA-NSEC3-SHA1", 6),
        ("NSEC3DSA", 6),
        ("RSASHA1-NSEC3-SHA1", 7),
        ("NSEC3RSASHA1", 7),
        ("RSASHA256", 8),
        ("RSASHA512", 10),
        ("ECC-GOST", 12),
        ("ECCGOST", 12),
        ("ECDSAP256SHA256", 13),
        ("ECDSAP384SHA384", 14),
        ("ED25519", 15),
        ("ED448", 16),
        ("INDIRECT", 252),
        ("PRIVATEDNS", 253),
        ("PRIVATEOID", 254),
    ],
};

/// Digest Algorithms of DS records.
pub const DIGEST: Mnemonics = Mnemonics {
    what: "a digest type",
    octets: 1,
    list: &[
        ("SHA-1", 1),
        ("SHA1", 1),
        ("SHA-256", 2),
        ("SHA256", 2),
        ("GOST", 3),
        ("SHA-384", 4),
        ("SHA384", 4),
    ],
};

/// Certificate types (RFC 4398, section 2.1).
pub const CERTIFICATE: Mnemonics = Mnemonics {
    what: "a certificate type",
    octets: 2,
    list: &[
        ("PKIX", 1),
        ("SPKI", 2),
        ("PGP", 3),
        ("IPKIX", 4),
        ("ISPKI", 5),
        ("IPGP", 6),
        ("ACPKIX", 7),
        ("IACPKIX", 8),
        ("URI", 253),
        ("OID", 254),
    ],
};

/// Flags of keys (RFC 2535, section 3.1.2; RFC 4034, section 2.1.1).
pub const KEY_FLAGS: Mnemonics = Mnemonics {
    what: "flags of a key",
    octets: 2,
    list: &[
        ("USER", 0),
        ("KSK", 0x0001),
        ("REVOKE", 0x0080),
        ("ZONE", 0x0100),
        ("HOST", 0x0200),
        ("EXTEND", 0x1000),
        ("NOCONF", 0x4000),
        ("NOAUTH", 0x8000),
        ("NOKEY", 0xc000),
    ],
};

/// Protocols of keys (RFC 2535, section 3.1.3).
pub const KEY_PROTOCOL: Mnemonics = Mnemonics {
    what: "a protocol",
    octets: 1,
    list: &[("NONE", 0), ("TLS", 1), ("EMAIL", 2), ("DNSSEC", 3), ("IPSEC", 4), ("ALL", 255)],
};

/// Schemes of DSYNC records (RFC 9859, section 2.2).
pub const SCHEME: Mnemonics = Mnemonics { what: "a scheme", octets: 1, list: &[("NOTIFY", 1)] };

/// IP protocols that have well-known services (RFC 1035, section 3.4.2).
pub const IP_PROTOCOL: Mnemonics =
    Mnemonics { what: "an IP protocol", octets: 1, list: &[("ICMP", 1), ("TCP", 6), ("UDP", 17)] };

/// Well-known services, of those that WKS records were made for.
pub const SERVICE: Mnemonics = Mnemonics {
    what: "a service",
    octets: 2,
    list: &[
        ("FTP-DATA", 20),
        ("FTP", 21),
        ("SSH", 22),
        ("TELNET", 23),
        ("SMTP", 25),
        ("TIME", 37),
        ("DOMAIN", 53),
        ("TFTP", 69),
        ("GOPHER", 70),
        ("FINGER", 79),
        ("HTTP", 80),
        ("POP3", 110),
        ("SUNRPC", 111),
        ("NNTP", 119),
        ("NTP", 123),
        ("IMAP2", 143),
        ("SNMP", 161),
        ("HTTPS", 443),
    ],
};

impl Mnemonics {
    /// Returns the number of a name, in either case, or of a number.
    pub fn parse(&self, text: &str) -> Result<u16, ValueError> {
        let largest = if self.octets == 1 { u8::MAX.into() } else { u16::MAX };
        match self.list.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
            Some((_, number)) => Ok(*number),
            None if text.starts_with(|first: char| first.is_ascii_digit()) => number(text, largest),
            None => Err(ValueError::not(text, self.what)
                .hint(format!("write its number, from 0 to {largest}, or `{}`", self.examples()))),
        }
    }

    /// Returns the number of flags, which are joined by `|`.
    pub fn parse_flags(&self, text: &str) -> Result<u16, ValueError> {
        text.split('|').try_fold(0, |number, part| Ok(number | self.parse(part)?))
    }

    fn examples(&self) -> String {
        let names: Vec<_> = self.list.iter().take(3).map(|(name, _)| *name).collect();
        names.join("`, `")
    }
}

/// Parses a number of decimal digits; a sign is none.
pub fn number<N: Into<u64> + TryFrom<u64>>(text: &str, largest: N) -> Result<N, ValueError> {
    let largest = largest.into();
    let is_number = text.bytes().all(|digit| digit.is_ascii_digit());
    let number: Option<u64> = text.parse().ok().filter(|number| is_number && *number <= largest);
    number
        .and_then(|number| N::try_from(number).ok())
        .ok_or_else(|| ValueError::new(format!("`{text}` is not a number from 0 to {largest}")))
}

/// The units of times (BIND, and RFC 1035's successors in practice), in seconds.
const UNITS: [(u8, u64); 5] = [(b'w', 604_800), (b'd', 86_400), (b'h', 3600), (b'm', 60), (b's', 1)];

/// Parses a time in seconds, as `7200`, `2h` or `1h30m`, of at most 32 bits.
pub fn seconds(text: &str) -> Result<u32, ValueError> {
    let wrong =
        || ValueError::not(text, "a time").hint("write seconds as `300`, or `30s`, `5m`, `1h`, `1d`, `2w`");
    let mut total: u64 = 0;
    let mut digits = text;
    while !digits.is_empty() {
        let end = digits.find(|character: char| !character.is_ascii_digit()).unwrap_or(digits.len());
        let count: u64 = digits[..end].parse().map_err(|_| wrong())?;
        let unit = digits.as_bytes().get(end).map(u8::to_ascii_lowercase);
        let scale = match unit {
            None if end == text.len() => 1,
            unit => UNITS.iter().find(|(name, _)| Some(*name) == unit).ok_or_else(wrong)?.1,
        };
        total = total.saturating_add(count.saturating_mul(scale));
        digits = digits.get(end + 1..).unwrap_or_default();
    }
    match u32::try_from(total) {
        _ if text.is_empty() => Err(wrong()),
        Ok(seconds) => Ok(seconds),
        Err(_) => Err(ValueError::new(format!("`{text}` is too long a time"))
            .hint(format!("the longest is {} seconds", u32::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_units_in_either_case_and_takes_32_bits() {
        let read = |text| seconds(text).map_err(|wrong| wrong.message);
        assert_eq!(read("1W2d3H4m5s"), Ok(788_645));
        assert_eq!(read("4294967295"), Ok(u32::MAX));
        assert_eq!(read("4294967296"), Err("`4294967296` is too long a time".to_owned()));
        for wrong in ["", "1x", "m", "1m5", "-1", "é", "99999999999999999999w"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn flags_are_joined_and_an_unknown_name_gets_examples() {
        assert_eq!(KEY_FLAGS.parse_flags("ZONE|KSK"), Ok(257));
        assert_eq!(ALGORITHM.parse("ed25519"), Ok(15));
        assert_eq!(
            ALGORITHM.parse("256").expect_err("too large").message,
            "`256` is not a number from 0 to 255"
        );
        for wrong in ["MD5", "SHA1|SHA256"] {
            let message = DIGEST.parse(wrong).expect_err("there is no such digest").message;
            assert_eq!(message, format!("`{wrong}` is not a digest type"));
        }
    }
}
