//! The numbers of DNS that the engine names: opcodes, response codes, types and classes (IANA "DNS Parameters").

/// The kind of a request: four bits of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opcode(pub u8);

impl Opcode {
    /// A standard query, the only kind that is answered.
    pub const QUERY: Self = Self(0);
    /// A zone has changed (RFC 1996).
    pub const NOTIFY: Self = Self(4);
}

/// A response code, with the eight high bits that EDNS adds to the header's four (RFC 6891, section 6.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rcode {
    /// The name exists; without records of the type it is NODATA.
    NoError,
    /// The request does not follow the format.
    FormErr,
    /// The answer cannot be given now.
    ServFail,
    /// The name does not exist.
    NxDomain,
    /// This kind of request is not implemented.
    NotImp,
    /// The server does not answer this, by policy or for lack of the zone.
    Refused,
    /// A name that DNAME substitution made is too long (RFC 6672, section 2.2).
    YxDomain,
    /// The server is not authoritative for the zone, or a signature is wrong (RFC 8945, section 5.2).
    NotAuth,
    /// The version of EDNS is not implemented (RFC 6891, section 6.1.3).
    BadVers,
    /// The client is to come back with the cookie of this reply (RFC 7873, section 5.2.3).
    BadCookie,
}

impl Rcode {
    /// Every code that the server answers with, in the order in which metrics list them.
    pub const ALL: [Self; 10] = [
        Self::NoError,
        Self::FormErr,
        Self::ServFail,
        Self::NxDomain,
        Self::NotImp,
        Self::Refused,
        Self::YxDomain,
        Self::NotAuth,
        Self::BadVers,
        Self::BadCookie,
    ];

    /// Returns the number.
    pub fn code(self) -> u16 {
        match self {
            Self::NoError => 0,
            Self::FormErr => 1,
            Self::ServFail => 2,
            Self::NxDomain => 3,
            Self::NotImp => 4,
            Self::Refused => 5,
            Self::YxDomain => 6,
            Self::NotAuth => 9,
            Self::BadVers => 16,
            Self::BadCookie => 23,
        }
    }

    /// Returns the word that `dig` and metrics use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoError => "NOERROR",
            Self::FormErr => "FORMERR",
            Self::ServFail => "SERVFAIL",
            Self::NxDomain => "NXDOMAIN",
            Self::NotImp => "NOTIMP",
            Self::Refused => "REFUSED",
            Self::YxDomain => "YXDOMAIN",
            Self::NotAuth => "NOTAUTH",
            Self::BadVers => "BADVERS",
            Self::BadCookie => "BADCOOKIE",
        }
    }
}

/// The record types with a treatment of their own.
pub mod rtype {
    /// An IPv4 address.
    pub const A: u16 = 1;
    /// The servers of a zone.
    pub const NS: u16 = 2;
    /// The canonical name of an alias.
    pub const CNAME: u16 = 5;
    /// The start of a zone's authority.
    pub const SOA: u16 = 6;
    /// A pointer to another name.
    pub const PTR: u16 = 12;
    /// A mail exchange.
    pub const MX: u16 = 15;
    /// Texts.
    pub const TXT: u16 = 16;
    /// An IPv6 address.
    pub const AAAA: u16 = 28;
    /// The redirection of a subtree (RFC 6672).
    pub const DNAME: u16 = 39;
    /// The pseudo-record of EDNS (RFC 6891).
    pub const OPT: u16 = 41;
    /// The digest of a delegated zone's key, on the parent's side of a cut (RFC 4034, section 5).
    pub const DS: u16 = 43;
    /// A binding to an HTTPS service (RFC 9460).
    pub const HTTPS: u16 = 65;
    /// A type that exists only inside NSEC bitmaps and is never asked for (RFC 9824).
    pub const NXNAME: u16 = 128;
    /// The key agreement of transactions (RFC 2930).
    pub const TKEY: u16 = 249;
    /// The signature of a transaction (RFC 8945).
    pub const TSIG: u16 = 250;
    /// An incremental zone transfer.
    pub const IXFR: u16 = 251;
    /// A zone transfer.
    pub const AXFR: u16 = 252;
    /// Mailbox records, never in use.
    pub const MAILB: u16 = 253;
    /// Mail agent records, never in use.
    pub const MAILA: u16 = 254;
    /// Any type.
    pub const ANY: u16 = 255;
}

/// The classes that are told apart.
pub mod class {
    /// The Internet.
    pub const IN: u16 = 1;
    /// CHAOS, in which servers tell of themselves (RFC 4892).
    pub const CH: u16 = 3;
}
