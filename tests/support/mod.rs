//! Queries and replies as values, for tests that talk to the engine in bytes.

use std::net::IpAddr;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::rdata::opt::{ClientSubnet, EdnsCode, EdnsOption};
use hickory_proto::rr::{Name, RecordType};
use hickory_proto::serialize::binary::BinEncodable;

/// Returns the bytes of a query, with a client subnet when there is one.
pub fn query(name: &Name, rtype: RecordType, subnet: Option<(IpAddr, u8)>) -> Vec<u8> {
    let mut message = Message::new(0x4d52, MessageType::Query, OpCode::Query);
    message.add_query(Query::query(name.clone(), rtype));
    if let Some((address, length)) = subnet {
        let mut edns = Edns::new();
        edns.set_max_payload(1232);
        edns.options_mut().insert(EdnsOption::Subnet(ClientSubnet::new(address, length, 0)));
        message.set_edns(edns);
    }
    message.to_bytes().expect("a query encodes")
}

/// Returns the scope prefix length of a reply's client subnet.
pub fn scope(reply: &Message) -> Option<u8> {
    match reply.edns.as_ref()?.option(EdnsCode::Subnet)? {
        EdnsOption::Subnet(subnet) => Some(subnet.scope_prefix()),
        _ => None,
    }
}
