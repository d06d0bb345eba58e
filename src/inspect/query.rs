//! A query as resolvers send it on behalf of clients.

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::rdata::opt::{ClientSubnet, EdnsOption};
use hickory_proto::serialize::binary::BinEncodable;

use crate::client::Prefix;
use crate::zone::{Name, RecordType};

/// The largest reply over UDP that resolvers ask for (DNS flag day 2020), in octets.
const MAX_PAYLOAD: u16 = 1232;

/// Returns the query for a name and a type with the client subnet (ECS, RFC 7871), as it is sent.
pub(crate) fn on_behalf_of(subnet: Prefix, id: u16, name: &Name, rtype: RecordType) -> Vec<u8> {
    let mut query = Message::new(id, MessageType::Query, OpCode::Query);
    query.add_query(Query::query(name.clone(), rtype));
    let mut edns = Edns::new();
    edns.set_max_payload(MAX_PAYLOAD);
    let subnet = ClientSubnet::new(subnet.address(), subnet.length(), 0);
    edns.options_mut().insert(EdnsOption::Subnet(subnet));
    query.set_edns(edns);
    query.to_bytes().expect("a query of one question encodes")
}
