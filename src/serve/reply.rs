//! Decodes the engine's bytes into the parts of hickory-server's response type.
//!
//! Record data travels as uninterpreted octets wherever it holds no compressed name, and EDNS options
//! always do, so that hickory's encoder rewrites nothing.

use hickory_proto::ProtoError;
use hickory_proto::op::{Edns, Header, Metadata, ResponseCode};
use hickory_proto::rr::rdata::NULL;
use hickory_proto::rr::rdata::opt::{EdnsOption, OPT};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, BinEncoder, DecodeError};
use hickory_server::zone_handler::{MessageResponse, MessageResponseBuilder, Queries};

/// The parts of a reply.
#[derive(Debug)]
pub struct DecodedReply {
    metadata: Metadata,
    queries: Queries,
    answers: Vec<Record>,
    authorities: Vec<Record>,
    additionals: Vec<Record>,
    edns: Option<Edns>,
}

type Records<'a> = std::slice::Iter<'a, Record>;

impl DecodedReply {
    /// Decodes a reply.
    ///
    /// # Errors
    ///
    /// When `bytes` are not a DNS message: the engine wrote something wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut decoder = BinDecoder::new(bytes);
        let Header { metadata, counts } = Header::read(&mut decoder)?;
        let mut reply = Self {
            metadata,
            queries: Queries::read(&mut decoder, usize::from(counts.queries))?,
            answers: Vec::new(),
            authorities: Vec::new(),
            additionals: Vec::new(),
            edns: None,
        };
        for _ in 0..counts.answers {
            reply.answers.push(Fields::read(&mut decoder)?.record(&mut decoder)?);
        }
        for _ in 0..counts.authorities {
            reply.authorities.push(Fields::read(&mut decoder)?.record(&mut decoder)?);
        }
        for _ in 0..counts.additionals {
            let fields = Fields::read(&mut decoder)?;
            if fields.rtype == RecordType::OPT {
                let edns = fields.edns(&mut decoder)?;
                reply.metadata.merge_response_code(edns.rcode_high());
                reply.edns = Some(edns);
            } else {
                reply.additionals.push(fields.record(&mut decoder)?);
            }
        }
        Ok(reply)
    }

    /// Empties the sections and sets TC when hickory's encoding is longer than `limit` octets. It is
    /// longer than the engine's by up to the length of a name, because it does not compress against
    /// the question; and left to itself it would cut within an RRset and drop the OPT record.
    ///
    /// # Errors
    ///
    /// When hickory cannot encode the reply at all.
    pub fn fit(&mut self, limit: u16) -> Result<(), ProtoError> {
        let mut bytes = Vec::with_capacity(usize::from(limit));
        let mut encoder = BinEncoder::new(&mut bytes);
        encoder.set_max_size(limit);
        let encoded = self.response().destructive_emit(&mut encoder)?;
        if encoded.truncation && !self.metadata.truncation {
            self.answers.clear();
            self.authorities.clear();
            self.additionals.clear();
            self.metadata.truncation = true;
        }
        Ok(())
    }

    /// Returns the reply in the form that hickory sends.
    pub fn response(&self) -> MessageResponse<'_, '_, Records<'_>, Records<'_>, Records<'_>, Records<'_>> {
        MessageResponseBuilder::new(&self.queries, self.edns.as_ref()).build(
            self.metadata,
            &self.answers,
            &self.authorities,
            &[],
            &self.additionals,
        )
    }

    /// Empties the reply and says SERVFAIL.
    pub fn fail(&mut self) {
        self.answers.clear();
        self.authorities.clear();
        self.additionals.clear();
        self.metadata.response_code = ResponseCode::ServFail;
    }
}

/// The fixed fields of a record; its data comes next.
struct Fields {
    name: Name,
    rtype: RecordType,
    class: u16,
    ttl: u32,
    length: u16,
}

impl Fields {
    fn read(decoder: &mut BinDecoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            name: Name::read(decoder)?,
            rtype: RecordType::read(decoder)?,
            class: decoder.read_u16()?.unverified(),
            ttl: decoder.read_u32()?.unverified(),
            length: decoder.read_u16()?.unverified(),
        })
    }

    fn record(self, decoder: &mut BinDecoder<'_>) -> Result<Record, DecodeError> {
        let data = match self.rtype {
            // The types of RFC 1035 whose data may hold compressed names (RFC 3597, section 4).
            RecordType::NS | RecordType::CNAME | RecordType::PTR => {
                name_data(self.rtype, Name::read(decoder)?)
            }
            RecordType::MX | RecordType::SOA => {
                let length = hickory_proto::serialize::binary::Restrict::new(self.length);
                RData::read(decoder, self.rtype, length)?
            }
            code => match decoder.read_vec(usize::from(self.length))?.unverified() {
                empty if empty.is_empty() => RData::Update0(code),
                octets => RData::Unknown { code, rdata: NULL::with(octets) },
            },
        };
        let mut record = Record::from_rdata(self.name, self.ttl, data);
        record.dns_class = DNSClass::from(self.class);
        Ok(record)
    }

    /// Reads the OPT record (RFC 6891, section 6.1.2), each option as the octets that it is.
    fn edns(self, decoder: &mut BinDecoder<'_>) -> Result<Edns, DecodeError> {
        let mut options = Vec::new();
        let mut data = BinDecoder::new(decoder.read_slice(usize::from(self.length))?.unverified());
        while !data.is_empty() {
            let code = data.read_u16()?.unverified();
            let length = usize::from(data.read_u16()?.unverified());
            let value = data.read_vec(length)?.unverified();
            options.push((code.into(), EdnsOption::Unknown(code, value)));
        }
        let [rcode_high, version, flags @ ..] = self.ttl.to_be_bytes();
        let mut edns = Edns::new();
        edns.set_rcode_high(rcode_high).set_version(version).set_max_payload(self.class);
        *edns.flags_mut() = u16::from_be_bytes(flags).into();
        *edns.options_mut() = OPT::new(options);
        Ok(edns)
    }
}

fn name_data(rtype: RecordType, name: Name) -> RData {
    use hickory_proto::rr::rdata::{CNAME, NS, PTR};
    match rtype {
        RecordType::NS => RData::NS(NS(name)),
        RecordType::CNAME => RData::CNAME(CNAME(name)),
        _ => RData::PTR(PTR(name)),
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use hickory_proto::op::{Message, MessageType, OpCode, Query};
    use hickory_proto::rr::rdata::{A, MX, TXT};

    use super::*;

    fn name(text: &str) -> Name {
        Name::from_str(text).unwrap()
    }

    /// A reply to a query for `api.Example.com` with mixed case, all that EDNS has, and these answers.
    fn reply(answers: Vec<RData>) -> Message {
        let mut message = Message::new(7, MessageType::Response, OpCode::Query);
        message.metadata.authoritative = true;
        message.add_query(Query::query(name("api.Example.com."), RecordType::A));
        let records = answers.into_iter();
        message.add_answers(records.map(|data| Record::from_rdata(name("api.Example.com."), 30, data)));
        let mut edns = Edns::new();
        edns.set_max_payload(1232).set_dnssec_ok(true);
        // A client subnet of 192.0.2.0/24 with scope 22, and an NSID.
        edns.options_mut().insert(EdnsOption::Unknown(8, vec![0, 1, 24, 22, 192, 0, 2]));
        edns.options_mut().insert(EdnsOption::Unknown(3, b"ns1".to_vec()));
        message.set_edns(edns);
        message
    }

    /// Sends a reply through hickory with room for `limit` octets; returns what arrives.
    fn check(sent: &Message, limit: u16) -> Message {
        let mut reply = DecodedReply::parse(&sent.to_vec().unwrap()).unwrap();
        reply.fit(limit).unwrap();
        let mut bytes = Vec::new();
        let mut encoder = BinEncoder::new(&mut bytes);
        encoder.set_max_size(limit);
        reply.response().destructive_emit(&mut encoder).unwrap();
        assert!(bytes.len() <= usize::from(limit));
        Message::from_vec(&bytes).unwrap()
    }

    #[test]
    fn a_reply_arrives_as_the_engine_wrote_it() {
        let sent = reply(vec![
            RData::A(A::new(192, 0, 2, 1)),
            RData::MX(MX::new(10, name("mail.Example.com."))),
            name_data(RecordType::CNAME, name("Other.Example.com.")),
            RData::TXT(TXT::new(vec!["one".to_owned(), String::new()])),
            RData::Unknown { code: RecordType::Unknown(65_280), rdata: NULL::with(b"\0octets\xff".to_vec()) },
        ]);
        let arrived = check(&sent, 1232);
        assert_eq!(arrived.to_vec().unwrap(), sent.to_vec().unwrap());
    }

    #[test]
    fn an_extended_response_code_keeps_its_upper_bits() {
        let mut sent = reply(vec![]);
        sent.metadata.response_code = ResponseCode::BADVERS;
        assert_eq!(u16::from(check(&sent, 1232).metadata.response_code), 16);
    }

    #[test]
    fn what_hickory_makes_too_long_is_truncated_whole_and_keeps_question_and_options() {
        let addresses = (0..40).map(|last| RData::A(A::new(192, 0, 2, last)));
        // Read back, as hickory's reader turns octets into options that have types.
        let sent = Message::from_vec(&reply(addresses.collect()).to_vec().unwrap()).unwrap();
        let arrived = check(&sent, 512);
        assert!(arrived.metadata.truncation);
        assert_eq!(arrived.queries, sent.queries);
        assert!(arrived.answers.is_empty());
        assert_eq!(arrived.edns, sent.edns);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(0u8.., 0..200)) {
            let _ = DecodedReply::parse(&bytes);
        }
    }
}
