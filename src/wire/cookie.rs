//! DNS cookies (RFC 7873), with the server cookies of RFC 9018, which BIND, Knot and NSD make and take as well.
//!
//! ```text
//!   0        8         9          12          16        24
//!   │ client │ version │ reserved │ timestamp │ SipHash │
//! ```
//!
//! A valid server cookie shows that the client gets what is sent to its address. The cookies of instances that share
//! their secrets are valid at each other. Time is an argument, in seconds since the epoch, modulo 2^32.

use std::fmt;
use std::hash::Hasher;
use std::net::IpAddr;

use siphasher::sip::SipHasher24;

use super::FormatError;

/// The option's code.
pub(super) const OPTION: u16 = 10;

/// The octets of a client cookie.
const CLIENT_OCTETS: usize = 8;

/// The octets of a server cookie as they are made here (RFC 9018, section 4).
const SERVER_OCTETS: usize = 16;

/// The octets of a server cookie of any server (RFC 7873, section 4).
const FOREIGN_OCTETS: std::ops::RangeInclusive<usize> = 8..=32;

/// The octets of both.
pub const OCTETS: usize = CLIENT_OCTETS + SERVER_OCTETS;

/// The octets before the hash, which it is made of, together with the address.
const HASHED_OCTETS: usize = 16;

/// The version of RFC 9018.
const VERSION: u8 = 1;

/// The age from which a cookie is renewed, and the age and the advance up to which it is valid, in seconds (RFC 9018,
/// section 4.3).
const RENEWED_FROM: u32 = 1800;
const VALID_FOR: u32 = 3600;
const AHEAD: u32 = 300;

/// The cookie of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookie {
    client: [u8; CLIENT_OCTETS],
    server: ServerCookie,
}

/// The server's part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ServerCookie {
    Absent,
    /// It has the length of ours.
    Present([u8; SERVER_OCTETS]),
    /// It has another length.
    Foreign,
}

/// What a cookie says of its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieStatus {
    /// It has no server cookie yet.
    New,
    /// It got our reply at this address within the last hour.
    Valid,
    /// Its server cookie is too old, of another server, or forged.
    Bad,
}

impl CookieStatus {
    /// Every status, in the order in which metrics list them.
    pub const ALL: [Self; 3] = [Self::New, Self::Valid, Self::Bad];

    /// Returns its label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Valid => "valid",
            Self::Bad => "bad",
        }
    }
}

impl Cookie {
    /// Parses the data of the option (RFC 7873, section 4).
    ///
    /// # Errors
    ///
    /// When it has not 8 octets, nor 16 to 40.
    pub fn parse(data: &[u8]) -> Result<Self, FormatError> {
        let (client, server) = data.split_first_chunk().ok_or(FormatError)?;
        let server = match (server.try_into(), server.len()) {
            (_, 0) => ServerCookie::Absent,
            (Ok(server), _) => ServerCookie::Present(server),
            (Err(_), length) if FOREIGN_OCTETS.contains(&length) => ServerCookie::Foreign,
            (Err(_), _) => return Err(FormatError),
        };
        Ok(Self { client: *client, server })
    }
}

/// A secret of server cookies: 128 bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CookieSecret(pub [u8; 16]);

impl fmt::Debug for CookieSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieSecret").finish_non_exhaustive()
    }
}

impl CookieSecret {
    /// Returns the server cookie of a client, but for its hash what stands in `head`, with the hash.
    fn hash(self, head: &[u8; HASHED_OCTETS], client: IpAddr) -> [u8; 8] {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        // One piece: the hasher is slower over two.
        let mut octets = [0; HASHED_OCTETS + 16];
        octets[..HASHED_OCTETS].copy_from_slice(head);
        let length = match client {
            IpAddr::V4(v4) => {
                octets[HASHED_OCTETS..][..4].copy_from_slice(&v4.octets());
                HASHED_OCTETS + 4
            }
            IpAddr::V6(v6) => {
                octets[HASHED_OCTETS..].copy_from_slice(&v6.octets());
                octets.len()
            }
        };
        hasher.write(&octets[..length]);
        hasher.finish().to_le_bytes()
    }
}

/// The secrets of an instance, and of those that answer at the same addresses (RFC 9018, section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookieSecrets {
    /// What cookies are made with.
    pub active: CookieSecret,
    /// What other instances may make cookies with already.
    pub staged: Option<CookieSecret>,
    /// What cookies were made with before the last roll-over: those still count.
    pub retired: Option<CookieSecret>,
}

impl CookieSecrets {
    /// Judges the cookie of a query from `client`, and returns the one for the reply: the same while it is young and of
    /// the active secret, else a new one.
    pub fn judge(&self, cookie: &Cookie, client: IpAddr, now: u32) -> (CookieStatus, [u8; OCTETS]) {
        let ServerCookie::Present(server) = cookie.server else {
            let status = match cookie.server {
                ServerCookie::Absent => CookieStatus::New,
                ServerCookie::Foreign | ServerCookie::Present(_) => CookieStatus::Bad,
            };
            return (status, self.make(cookie, client, now));
        };
        let [version, _, _, _, stamp @ ..] = server.first_chunk::<8>().expect("it has 16 octets");
        let age = now.wrapping_sub(u32::from_be_bytes(*stamp));
        // Serial numbers (RFC 1982): what is ahead has a very great age.
        let is_timely = age <= VALID_FOR || age.wrapping_neg() <= AHEAD;
        if *version != VERSION || !is_timely {
            return (CookieStatus::Bad, self.make(cookie, client, now));
        }
        let mut head = [0; HASHED_OCTETS];
        head[..CLIENT_OCTETS].copy_from_slice(&cookie.client);
        head[CLIENT_OCTETS..].copy_from_slice(&server[..8]);
        let is_of = |secret: CookieSecret| secret.hash(&head, client) == server[8..];
        if is_of(self.active) {
            if age >= RENEWED_FROM {
                return (CookieStatus::Valid, self.make(cookie, client, now));
            }
            let mut same = [0; OCTETS];
            same[..CLIENT_OCTETS].copy_from_slice(&cookie.client);
            same[CLIENT_OCTETS..].copy_from_slice(&server);
            return (CookieStatus::Valid, same);
        }
        let is_of_another = [self.staged, self.retired].into_iter().flatten().any(is_of);
        let status = if is_of_another { CookieStatus::Valid } else { CookieStatus::Bad };
        (status, self.make(cookie, client, now))
    }

    /// Makes a cookie for a client.
    fn make(&self, cookie: &Cookie, client: IpAddr, now: u32) -> [u8; OCTETS] {
        let mut head = [0; HASHED_OCTETS];
        head[..CLIENT_OCTETS].copy_from_slice(&cookie.client);
        head[CLIENT_OCTETS] = VERSION;
        head[CLIENT_OCTETS + 4..].copy_from_slice(&now.to_be_bytes());
        let mut made = [0; OCTETS];
        made[..HASHED_OCTETS].copy_from_slice(&head);
        made[HASHED_OCTETS..].copy_from_slice(&self.active.hash(&head, client));
        made
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    const ACTIVE: &str = "e5e973e5a6b2a43f48e7dc849e37bfcf";

    fn secret(text: &str) -> CookieSecret {
        CookieSecret(octets(text).try_into().expect("128 bits"))
    }

    fn octets(text: &str) -> Vec<u8> {
        HEXLOWER.decode(text.as_bytes()).expect("hexadecimal")
    }

    /// Judges a cookie at a second, with an active secret and a retired one.
    fn check(secrets: [&str; 2], client: &str, cookie: &str, now: u32, status: CookieStatus, reply: &str) {
        let secrets =
            CookieSecrets { active: secret(secrets[0]), staged: None, retired: Some(secret(secrets[1])) };
        let cookie = Cookie::parse(&octets(cookie)).expect("a cookie");
        let (found, made) = secrets.judge(&cookie, client.parse().expect("an address"), now);
        assert_eq!((found, HEXLOWER.encode(&made).as_str()), (status, reply));
    }

    #[test]
    fn the_examples_of_rfc_9018_are_answered_as_they_say() {
        let (other, first) = ("445536bcd2513298075a5d379663c962", "198.51.100.100");
        let made = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";
        let renewed = "2464c4abcf10c957010000005cf7a871d4a564a1442aca77";
        let (new, valid) = (CookieStatus::New, CookieStatus::Valid);
        check([ACTIVE, other], first, "2464c4abcf10c957", 0x5cf7_9f11, new, made);
        check([ACTIVE, other], first, made, 0x5cf7_a871, valid, renewed);
        // Reserved octets that are not zero are hashed as they came, and are zero in the next cookie.
        let (third, reserved) = ("203.0.113.203", "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5");
        let zeroed = "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e";
        check([ACTIVE, other], third, reserved, 0x5cf7_8f71, valid, reserved);
        check([ACTIVE, other], third, reserved, 0x5cf7_a9ac, CookieStatus::Bad, zeroed);
        check([ACTIVE, other], third, zeroed, 0x5cf7_a9ac, valid, zeroed);
        // A secret that was rolled over.
        let (v6, retired) = ("2001:db8:220:1:59de:d0f4:8769:82b8", "dd3bdf9344b678b185a6f5cb60fca715");
        let before = "22681ab97d52c298010000005cf7c57926556bd0934c72f8";
        let after = "22681ab97d52c298010000005cf7c609a6bb79d16625507a";
        check([other, retired], v6, before, 0x5cf7_c609, valid, after);
    }

    #[test]
    fn a_cookie_is_valid_for_an_hour_at_its_own_address_and_with_a_known_secret() {
        let secrets =
            |active| CookieSecrets { active: CookieSecret([active; 16]), staged: None, retired: None };
        let [here, there] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().expect("an address"));
        for made_at in [1_000_000, 100, u32::MAX - 100] {
            let first = Cookie::parse(b"12345678").expect("a cookie");
            let (_, made) = secrets(1).judge(&first, here, made_at);
            let cookie = Cookie::parse(&made).expect("a cookie");
            for (later, status, is_same) in [
                (0, CookieStatus::Valid, true),
                (1799, CookieStatus::Valid, true),
                (1800, CookieStatus::Valid, false),
                (3600, CookieStatus::Valid, false),
                (3601, CookieStatus::Bad, false),
                (0_u32.wrapping_sub(301), CookieStatus::Bad, false),
            ] {
                let (found, reply) = secrets(1).judge(&cookie, here, made_at.wrapping_add(later));
                assert_eq!((found, reply == made), (status, is_same), "{made_at} + {later}");
            }
            assert_eq!(secrets(1).judge(&cookie, there, made_at).0, CookieStatus::Bad);
            assert_eq!(secrets(2).judge(&cookie, here, made_at).0, CookieStatus::Bad);
            let staged = CookieSecrets { staged: Some(CookieSecret([1; 16])), ..secrets(2) };
            assert_eq!(staged.judge(&cookie, here, made_at).0, CookieStatus::Valid);
        }
    }

    #[test]
    fn a_cookie_has_8_octets_or_16_to_40_and_those_of_other_servers_are_bad() {
        for length in 0..60 {
            let parsed = Cookie::parse(&vec![7; length]);
            assert_eq!(parsed.is_ok(), length == 8 || (16..=40).contains(&length), "{length}");
            let Ok(cookie) = parsed else { continue };
            let secrets = CookieSecrets { active: CookieSecret([0; 16]), staged: None, retired: None };
            let (status, _) = secrets.judge(&cookie, [192, 0, 2, 1].into(), 0);
            let expected = if length == 8 { CookieStatus::New } else { CookieStatus::Bad };
            assert_eq!(status, expected, "{length}");
        }
    }
}
