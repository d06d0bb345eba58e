//! EDNS (RFC 6891): the OPT records of queries and replies.
//!
//! Unknown options and unknown flags are passed over, as sections 6.1.2 and 6.1.4 want; an OPT of another
//! version is not looked into, for only its version has a meaning that is known.

use std::time::Duration;

use super::client_subnet::{self, ClientSubnet};
use super::codes::{Rcode, rtype};
use super::cookie::{self, Cookie};
use super::{FormatError, read_u16};

/// The largest UDP reply that is sent and announced: it passes every path without fragments
/// (DNS Flag Day 2020: the IPv6 minimum of 1280 less 48 for headers).
pub const UDP_PAYLOAD: u16 = 1232;

/// The code of the NSID option (RFC 5001).
const NSID: u16 = 3;

/// The code of the edns-tcp-keepalive option (RFC 7828).
const KEEPALIVE: u16 = 11;

/// The octets of an OPT record without options: root, type, class, TTL, length.
const OPT_OCTETS: usize = 11;

/// The octets of an option's code and length.
const OPTION_OCTETS: usize = 4;

/// The code of the option for extended errors (RFC 8914).
const EXTENDED_ERROR: u16 = 15;

/// The octets of a server name that fit into every reply: 512 less the header (12), the longest question
/// (259), the OPT record (11), the longest client subnet (24), the cookie (28), the longest extended error (70) and the
/// option's own head (4).
const MAX_NSID: usize = 104;

/// The octets of an extended error's text that fit into every reply.
const MAX_TEXT: usize = 64;

/// An error beside the response code (RFC 8914).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtendedError {
    code: u16,
    text: &'static str,
}

impl ExtendedError {
    /// The client may not be sent anywhere.
    pub const PROHIBITED: Self = Self::new(18, "the rules of this name permit no region to this client");
    /// The name is in no zone of this server.
    pub const NOT_AUTHORITATIVE: Self = Self::new(20, "");
    /// All regions are down, and the name answers nothing then.
    pub const ALL_DOWN: Self = Self::new(0, "no region that this client may be sent to is up");
    /// All regions are down, and the name answers all the same.
    pub const FAIL_OPEN: Self = Self::new(0, "no region is known to be up; this is the first choice");

    const fn new(code: u16, text: &'static str) -> Self {
        assert!(text.len() <= MAX_TEXT);
        Self { code, text }
    }

    /// Returns the length of the option's data.
    fn octets(self) -> usize {
        2 + self.text.len()
    }

    fn write(self, out: &mut [u8]) {
        out[..2].copy_from_slice(&self.code.to_be_bytes());
        out[2..].copy_from_slice(self.text.as_bytes());
    }
}

/// The OPT record of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edns {
    /// The largest UDP reply that the sender takes, in octets.
    pub payload: u16,
    /// When it is not 0, the options are unknown and counted as absent.
    pub version: u8,
    /// The DO bit: the sender understands DNSSEC records.
    pub is_dnssec_ok: bool,
    /// Whether the sender asks for the name of the server.
    pub wants_nsid: bool,
    /// Whether the sender asks how long a connection may be idle.
    pub wants_keepalive: bool,
    /// `None`: the query has none, or a malformed one.
    pub client_subnet: Option<ClientSubnet>,
    /// `None`: as for the client subnet.
    pub cookie: Option<Cookie>,
}

impl Edns {
    /// Reads an OPT record from its class, its TTL and its RDATA. A fault in an option is returned beside
    /// the record, because a FORMERR reply carries an OPT as well (RFC 6891, section 6.1.1).
    pub(super) fn read(class: u16, ttl: [u8; 4], rdata: &[u8]) -> (Self, Result<(), FormatError>) {
        let mut edns = Self {
            payload: class,
            version: ttl[1],
            is_dnssec_ok: ttl[2] & 0x80 != 0,
            wants_nsid: false,
            wants_keepalive: false,
            client_subnet: None,
            cookie: None,
        };
        let read = if edns.version == 0 { edns.options(rdata) } else { Ok(()) };
        if read.is_err() {
            edns.client_subnet = None;
            edns.cookie = None;
        }
        (edns, read)
    }

    /// Reads the options that are known.
    fn options(&mut self, mut rdata: &[u8]) -> Result<(), FormatError> {
        while !rdata.is_empty() {
            let code = read_u16(rdata, 0)?;
            let end = OPTION_OCTETS + usize::from(read_u16(rdata, 2)?);
            let data = rdata.get(OPTION_OCTETS..end).ok_or(FormatError)?;
            match code {
                NSID => self.wants_nsid = true,
                KEEPALIVE => self.wants_keepalive = true,
                // A second one may name another network, and the reply can echo one only.
                client_subnet::OPTION if self.client_subnet.is_some() => return Err(FormatError),
                client_subnet::OPTION => self.client_subnet = Some(ClientSubnet::parse(data)?),
                // All but the first are passed over (RFC 7873, section 4).
                cookie::OPTION if self.cookie.is_none() => self.cookie = Some(Cookie::parse(data)?),
                _ => {}
            }
            rdata = &rdata[end..];
        }
        Ok(())
    }
}

/// The OPT record of a reply.
#[derive(Clone, Copy, Debug)]
pub struct Opt<'a> {
    is_dnssec_ok: bool,
    nsid: Option<&'a [u8]>,
    /// How long a connection may be idle, in tenths of a second.
    keepalive: Option<u16>,
    client_subnet: Option<ClientSubnet>,
    cookie: Option<[u8; cookie::OCTETS]>,
    extended_error: Option<ExtendedError>,
}

impl<'a> Opt<'a> {
    /// Returns the record that answers `edns`: version 0, DO as it came (RFC 3225, section 3), all other
    /// flags clear, the server's name if it was asked for, the client subnet if one came.
    pub fn replying_to(edns: &Edns, server: Option<&'a [u8]>) -> Self {
        let nsid = server.filter(|_| edns.wants_nsid);
        Self {
            is_dnssec_ok: edns.is_dnssec_ok,
            nsid: nsid.map(|name| &name[..name.len().min(MAX_NSID)]),
            keepalive: None,
            client_subnet: edns.client_subnet,
            cookie: None,
            extended_error: None,
        }
    }

    /// Adds how long the connection may be idle, as far as the format goes (RFC 7828, section 3.1).
    pub fn keep_alive(&mut self, idle: Duration) {
        self.keepalive = Some(u16::try_from(idle.as_millis() / 100).unwrap_or(u16::MAX));
    }

    /// Adds the client's cookie with that of the server.
    pub fn set_cookie(&mut self, cookie: [u8; cookie::OCTETS]) {
        self.cookie = Some(cookie);
    }

    /// Adds what the response code does not say, if the record then fits into `room` octets.
    pub fn explain(&mut self, error: Option<ExtendedError>, room: usize) {
        let fits = |error: &ExtendedError| self.octets() + OPTION_OCTETS + error.octets() <= room;
        self.extended_error = error.filter(fits);
    }

    /// Returns the length of the record.
    pub fn octets(&self) -> usize {
        OPT_OCTETS + self.options_octets()
    }

    /// Returns the length of the options.
    fn options_octets(&self) -> usize {
        let nsid = self.nsid.map_or(0, |name| OPTION_OCTETS + name.len());
        let keepalive = self.keepalive.map_or(0, |tenths| OPTION_OCTETS + size_of_val(&tenths));
        let error = self.extended_error.map_or(0, |error| OPTION_OCTETS + error.octets());
        let subnet = self.client_subnet.map_or(0, |subnet| OPTION_OCTETS + subnet.octets());
        let cookie = self.cookie.map_or(0, |cookie| OPTION_OCTETS + cookie.len());
        nsid + keepalive + error + cookie + subnet
    }

    /// Writes the record into exactly [`Opt::octets`] octets.
    pub fn write(&self, rcode: Rcode, scope: u8, out: &mut [u8]) {
        let [rcode_high, _] = (rcode.code() >> 4 << 8).to_be_bytes();
        let flags = if self.is_dnssec_ok { 0x80 } else { 0 };
        out[0] = 0;
        out[1..3].copy_from_slice(&rtype::OPT.to_be_bytes());
        out[3..5].copy_from_slice(&UDP_PAYLOAD.to_be_bytes());
        out[5..9].copy_from_slice(&[rcode_high, 0, flags, 0]);
        out[9..11].copy_from_slice(&short(self.options_octets()).to_be_bytes());
        let mut rest = &mut out[OPT_OCTETS..];
        if let Some(name) = self.nsid {
            rest = option(rest, NSID, name.len(), |data| data.copy_from_slice(name));
        }
        if let Some(tenths) = self.keepalive {
            rest = option(rest, KEEPALIVE, 2, |data| data.copy_from_slice(&tenths.to_be_bytes()));
        }
        if let Some(error) = self.extended_error {
            rest = option(rest, EXTENDED_ERROR, error.octets(), |data| error.write(data));
        }
        if let Some(cookie) = self.cookie {
            rest = option(rest, cookie::OPTION, cookie.len(), |data| data.copy_from_slice(&cookie));
        }
        if let Some(subnet) = self.client_subnet {
            option(rest, client_subnet::OPTION, subnet.octets(), |data| {
                subnet.write(scope, data);
            });
        }
    }
}

/// Writes one option and returns what is left of `out`.
fn option(out: &mut [u8], code: u16, octets: usize, write: impl FnOnce(&mut [u8])) -> &mut [u8] {
    out[..2].copy_from_slice(&code.to_be_bytes());
    out[2..4].copy_from_slice(&short(octets).to_be_bytes());
    let (data, rest) = out[OPTION_OCTETS..].split_at_mut(octets);
    write(data);
    rest
}

/// Returns a length as the 16 bits that the format has for it.
fn short(octets: usize) -> u16 {
    u16::try_from(octets).expect("options are bounded by MAX_NSID and the width of an address")
}
