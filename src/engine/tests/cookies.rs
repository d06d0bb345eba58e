//! DNS cookies in queries and replies.

use super::*;

/// Returns the option of the reply, and what is counted.
fn ask(ask: &Ask) -> (Option<Vec<u8>>, super::super::ReplyTally) {
    let (outcome, bytes) = reply(&zones(), &ask.bytes, ask.transport);
    let Disposition::Reply { tally, .. } = outcome else { panic!("silence") };
    let head = [0, 10, 0, 24];
    let at = bytes.windows(4).position(|window| window == head);
    (at.map(|at| bytes[at + 4..at + 28].to_vec()), tally)
}

/// Asks with this as the data of the option.
fn check(data: &[u8], rcode: Rcode, status: Option<CookieStatus>) -> Option<Vec<u8>> {
    let mut question = Ask::new("www.example.com. A +edns");
    let octets = u8::try_from(data.len()).expect("short");
    *question.bytes.last_mut().expect("a length") = 4 + octets;
    question.bytes.extend([0, 10, 0, octets]);
    question.bytes.extend(data);
    let (cookie, tally) = ask(&question);
    assert_eq!((tally.rcode, tally.cookie), (rcode, status), "{data:?}");
    cookie
}

#[test]
fn a_query_with_a_cookie_is_answered_and_gets_one_that_is_valid_the_next_time() {
    let first = check(b"cookie12", Rcode::NoError, Some(CookieStatus::New)).expect("a cookie");
    assert_eq!(first[..8], *b"cookie12");
    let second = check(&first, Rcode::NoError, Some(CookieStatus::Valid)).expect("a cookie");
    assert_eq!(first, second);
    let mut forged = first.clone();
    forged[23] ^= 1;
    let renewed = check(&forged, Rcode::NoError, Some(CookieStatus::Bad)).expect("a cookie");
    assert_eq!(renewed, first);
    assert!(check(&[1; 40], Rcode::NoError, Some(CookieStatus::Bad)).is_some());
}

#[test]
fn every_reply_to_a_query_with_a_cookie_has_one_and_no_other_has() {
    for question in [
        "www.example.com. A +cookie",
        "missing.example.com. A +cookie +tcp",
        "www.example.net. A +cookie +nsid +subnet=192.0.2.0/24",
        "www.example.com. SOA +cookie +opcode=4",
    ] {
        assert!(ask(&Ask::new(question)).0.is_some(), "{question}");
    }
    assert!(ask(&Ask::new("www.example.com. A +cookie +edns=1")).0.is_none());
    assert!(ask(&Ask::new("www.example.com. A +edns")).0.is_none());
}

#[test]
fn a_cookie_of_another_length_is_malformed() {
    for length in [0, 7, 9, 15, 41] {
        assert!(check(&vec![7; length], Rcode::FormErr, None).is_none());
    }
}

#[test]
fn a_query_without_a_question_gets_a_cookie_if_it_brings_one() {
    let bare = |options: &[u8]| {
        let mut bytes = b"\0\x01\0\0\0\0\0\0\0\0\0\x01\0\0\x29\x04\xd0\0\0\0\0\0".to_vec();
        bytes.push(u8::try_from(options.len()).expect("short"));
        bytes.extend(options);
        ask(&Ask { bytes, transport: Transport::Udp })
    };
    let (cookie, tally) = bare(b"\0\x0a\0\x08cookie12");
    assert_eq!((cookie.is_some(), tally.rcode), (true, Rcode::NoError));
    assert_eq!(bare(b"").1.rcode, Rcode::FormErr);
    assert_eq!(bare(b"\0\x0a\0\x07cookie1").1.rcode, Rcode::FormErr);
}
