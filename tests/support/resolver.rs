//! A resolver that follows RFC 7871, as far as its answers to clients depend on a client subnet.

use std::net::IpAddr;

use hickory_proto::op::ResponseCode;

use meridian::client::Prefix;
use meridian::snapshot::Snapshot;
use meridian::zone::RecordType;

use super::draft::{addresses, ask_from, width};
use super::support;

/// What resolvers do differently, all within the RFC.
#[derive(Clone, Copy, Debug)]
pub struct Manners {
    /// The address that it asks from.
    pub address: IpAddr,
    /// Whether an answer whose scope is longer than what was asked for is kept for that scope, from the first address
    /// on, or for all that was asked for (section 7.3.1).
    pub keeps_longer_scopes: bool,
}

/// A resolver and its cache.
pub struct Resolver<'s> {
    snapshot: &'s Snapshot,
    manners: Manners,
    cache: Vec<Kept>,
    /// How often it asked the server.
    pub asked: u64,
}

/// What is kept of one answer.
struct Kept {
    rtype: RecordType,
    /// `None`: for all clients.
    block: Option<Prefix>,
    addresses: Vec<IpAddr>,
}

impl<'s> Resolver<'s> {
    pub fn new(snapshot: &'s Snapshot, manners: Manners) -> Self {
        Self { snapshot, manners, cache: Vec::new(), asked: 0 }
    }

    /// Returns the addresses that a client gets, of whose own the resolver tells the server this many bits.
    pub fn resolve(&mut self, client: IpAddr, rtype: RecordType, bits: u8) -> Vec<IpAddr> {
        let is_for = |kept: &&Kept| kept.block.is_none_or(|block| block.contains(client));
        if let Some(kept) = self.cache.iter().filter(|kept| kept.rtype == rtype).find(is_for) {
            return kept.addresses.clone();
        }
        let subnet = Prefix::around(client, bits.clamp(1, width(client)));
        self.asked += 1;
        let told = Some((subnet.address(), subnet.length()));
        let (reply, _) = ask_from(self.snapshot, rtype, told, self.manners.address);
        let (found, block) = match reply.metadata.response_code {
            // Section 7.3: the server may not like the option, and is asked again without.
            ResponseCode::Refused | ResponseCode::FormErr => {
                self.asked += 1;
                let (reply, _) = ask_from(self.snapshot, rtype, None, self.manners.address);
                (addresses(&reply), None)
            }
            ResponseCode::NoError => {
                let found = addresses(&reply);
                let scope = support::scope(&reply);
                // Section 7.4: negative answers are for everybody.
                let block = scope.filter(|scope| *scope > 0 && !found.is_empty());
                (found, block.map(|scope| self.kept_for(subnet, scope)))
            }
            // Nothing is kept of a failure for longer than a moment (RFC 2308, section 7).
            _ => return Vec::new(),
        };
        self.cache.push(Kept { rtype, block, addresses: found.clone() });
        found
    }

    fn kept_for(&self, subnet: Prefix, scope: u8) -> Prefix {
        match scope <= subnet.length() || self.manners.keeps_longer_scopes {
            true => Prefix::around(subnet.address(), scope),
            false => subnet,
        }
    }
}
