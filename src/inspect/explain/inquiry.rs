//! What is to be explained.

use crate::client::{Prefix, PrefixError, Requester};
use crate::zone::{Name, RecordType};

/// What is to be explained.
#[derive(Clone, Debug, PartialEq)]
pub struct Inquiry {
    /// The name that is asked for.
    pub name: Name,
    pub rtype: RecordType,
    /// Who asks: sent as the client subnet, from its first address.
    pub client: Prefix,
}

impl Inquiry {
    /// Returns who asks, as the engine sees it.
    pub(super) fn requester(&self) -> Requester {
        let subnet = Some(self.client).filter(|client| client.length() > 0);
        Requester { sender: self.client.address(), subnet }
    }
}

/// A question that cannot be explained.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoInquiry {
    #[error("`{0}` is not a domain name")]
    Name(String),
    #[error("the client `{0}`: {1}; write an address, or a network such as 133.11.0.0/24")]
    Client(String, PrefixError),
    #[error("`{0}` is not a record type; A, AAAA and HTTPS are steered")]
    Type(String),
}

impl Inquiry {
    /// Reads the parts of an inquiry as operators write them.
    ///
    /// # Errors
    ///
    /// When a part of it is not what it should be.
    pub fn parse(name: &str, client: &str, rtype: &str) -> Result<Self, NoInquiry> {
        let mut owner = Name::from_ascii(name).map_err(|_| NoInquiry::Name(name.to_owned()))?;
        owner.set_fqdn(true);
        let network = client.parse().map_err(|error| NoInquiry::Client(client.to_owned(), error))?;
        let known = record_type(rtype).ok_or_else(|| NoInquiry::Type(rtype.to_owned()))?;
        Ok(Self { name: owner, rtype: known, client: network })
    }
}

/// Returns the type with this mnemonic, or with this number as in `TYPE65` (RFC 3597, section 5).
fn record_type(text: &str) -> Option<RecordType> {
    let text = text.to_ascii_uppercase();
    match text.strip_prefix("TYPE") {
        Some(number) => number.parse().ok().map(|number: u16| RecordType::from(number)),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_read_by_its_name_and_by_its_number() {
        let check = |text: &str, expected: Option<RecordType>| {
            let found = Inquiry::parse("api.example.com", "192.0.2.1", text);
            assert_eq!(found.ok().map(|inquiry| inquiry.rtype), expected, "{text}");
        };
        check("aaaa", Some(RecordType::AAAA));
        check("TYPE65", Some(RecordType::HTTPS));
        check("type28", Some(RecordType::AAAA));
        check("TYPE65280", Some(RecordType::Unknown(65280)));
        check("TYPE65536", None);
        check("TYPE", None);
    }
}
