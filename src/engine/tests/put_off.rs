//! Replies that ask a client to come back.

use super::*;
use crate::engine::{PutOff, put_off};

/// Puts a query off, and returns how, the reply in words, and by how many octets it is longer.
fn check(question: &str) -> Option<(PutOff, String, i64)> {
    let ask = Ask::new(question);
    let arrival = Arrival { client: CLIENT, transport: ask.transport, at: NOW };
    let mut buffer = [0; 512];
    let (length, how) = put_off(Some(&COOKIES), &ask.bytes, arrival, &mut buffer)?;
    let reply = &buffer[..length];
    let message = Message::from_vec(reply).expect("a reply can be read");
    assert_eq!((reply[..2].to_vec(), all_records(&message)), (ask.bytes[..2].to_vec(), Vec::new()));
    assert_eq!(message.edns.is_some(), ask.bytes[11] == 1, "{question}: OPT");
    assert!(reply[12..].starts_with(&name(question.split(' ').next().expect("a name"))), "the question");
    let rcode = if how == PutOff::BadCookie { Rcode::BadCookie } else { Rcode::NoError };
    assert_eq!(u16::from(message.metadata.response_code), rcode.code());
    Some((how, in_words(&rcode, reply), length as i64 - ask.bytes.len() as i64))
}

#[test]
fn a_client_comes_back_over_tcp_or_with_a_cookie_and_the_reply_is_hardly_longer_than_the_query() {
    let truncated = |rest| Some((PutOff::Truncated, format!("NOERROR tc{rest}"), 0));
    assert_eq!(check("www.example.com. A"), truncated(""));
    assert_eq!(check("www.example.com. A +edns +rd"), truncated(" rd"));
    assert_eq!(check("geo.example.com. A +subnet=203.0.113.0/24 +do"), truncated(""));
    assert_eq!(check("www.example.net. A +nsid"), Some((PutOff::Truncated, "NOERROR tc".to_owned(), -4)));
    let cookie = Some((PutOff::BadCookie, "BADCOOKIE".to_owned(), 16));
    assert_eq!(check("missing.example.com. A +cookie"), cookie);
}

#[test]
fn what_cannot_come_back_hears_nothing() {
    assert_eq!(check("www.example.com. SOA +opcode=4"), None);
    let arrival = Arrival { client: CLIENT, transport: Transport::Udp, at: NOW };
    for request in [&b""[..], b"\0\x01\x80\0\0\0\0\0\0\0\0\0", b"\0\x01\0\0\0\0\0\0\0\0\0\0"] {
        assert_eq!(put_off(None, request, arrival, &mut [0; 512]), None);
    }
}
