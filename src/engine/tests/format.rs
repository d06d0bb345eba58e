//! Requests that are no plain questions: flags, opcodes, classes, EDNS, and bytes that do not parse.

use super::*;

const WWW: &str = "AN www.example.com. 3600 A 192.0.2.1";

/// Sends bytes as they are, and compares the reply with the response code and flags, and with how many
/// questions and OPT records it has; `None` is silence.
fn check_bytes(request: &[u8], expected: Option<(&str, u8, u8)>) {
    let (outcome, bytes) = reply(&zones(), request, Transport::Udp);
    let seen = match outcome {
        Disposition::Silence | Disposition::Transaction => None,
        Disposition::Reply { tally, .. } => {
            assert_eq!(bytes[..2], request[..2]);
            Some((in_words(&tally.rcode, &bytes), bytes[5], bytes[11]))
        }
    };
    let seen = seen.as_ref().map(|(status, question, opt)| (&status[..], *question, *opt));
    assert_eq!(seen, expected, "{}", request.escape_ascii());
}

/// Returns the bytes of a question after a change.
fn changed(question: &str, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = Ask::new(question).bytes;
    change(&mut bytes);
    bytes
}

#[test]
fn recursion_desired_is_repeated_and_every_other_flag_is_clear() {
    check("www.example.com. A +rd", "NOERROR aa rd", &[WWW]);
    check("www.example.com. A +cd +ad +z +tc +aa", "NOERROR aa", &[WWW]);
    check("www.example.net. A +rd", "REFUSED rd", &[]);
}

#[test]
fn another_opcode_is_not_implemented() {
    check("www.example.com. SOA +opcode=4", "NOTIMP", &[]);
    check("www.example.com. SOA +opcode=15 +rd +cd +tc +z +aa", "NOTIMP", &[]);
    check("www.example.com. SOA +opcode=15 +edns", "NOTIMP", &[]);
    // Nothing but a header, as `dig +header-only` sends it.
    check_bytes(&[0, 1, 0x7f, 0x70, 0, 0, 0, 0, 0, 0, 0, 0], Some(("NOTIMP", 0, 0)));
    let (_, bytes) = reply(&zones(), &Ask::new("a. A +opcode=15").bytes, Transport::Udp);
    assert_eq!(bytes[2] >> 3 & 0xf, 15);
}

#[test]
fn classes_other_than_in_are_refused() {
    check("www.example.com. A +class=3", "REFUSED", &[]);
    check("www.example.com. A +class=255", "REFUSED", &[]);
    check("www.example.com. A +class=254", "REFUSED", &[]);
}

#[test]
fn the_server_tells_of_itself_in_class_chaos_what_is_configured() {
    for (question, text) in [
        ("id.server. TXT +class=3", "ns1"),
        ("Hostname.BIND. TXT +class=3", "ns1"),
        ("version.bind. TXT +class=3", "meridian 1"),
        ("version.server. ANY +class=3 +edns +tcp", "meridian 1"),
    ] {
        let owner = question.split(' ').next().expect("a name");
        check(question, "NOERROR aa", &[&format!("AN {owner} 0 TXT {text}")]);
        let ask = Ask::new(question);
        let (_, bytes) = reply(&zones(), &ask.bytes, ask.transport);
        let record = Message::from_vec(&bytes).expect("a reply can be read").answers.remove(0);
        assert_eq!(u16::from(record.dns_class), 3, "{question}");
    }
    check("id.server. A +class=3", "REFUSED", &[]);
    check("authors.bind. TXT +class=3", "REFUSED", &[]);
    check("id.server. TXT", "REFUSED", &[]);
}

#[test]
fn the_server_tells_nothing_of_itself_where_that_is_configured() {
    let tree = NameTree::compile(&[]);
    let steer = |_, _, _: &Requester| unreachable!("there is no steered name");
    let idle = Duration::from_secs(10);
    let source = AnswerSource {
        tree: &tree,
        identity: &Identity::default(),
        cookies: None,
        idle,
        transactions: false,
        steer,
    };
    for question in ["id.server. TXT +class=3 +nsid", "version.bind. TXT +class=3 +nsid"] {
        let (mut buffer, ask) = ([0; 512], Ask::new(question));
        let outcome = respond(
            &source,
            &ask.bytes,
            Arrival { client: CLIENT, transport: ask.transport, at: NOW },
            &mut buffer,
        );
        let Disposition::Reply { length, tally } = outcome else { panic!("{question}: silence") };
        assert_eq!(tally.rcode, Rcode::Refused, "{question}");
        assert_eq!(buffer[length - 11..length], *b"\0\0\x29\x04\xd0\0\0\0\0\0\0", "{question}");
    }
}

#[test]
fn transfers_are_refused_and_types_of_other_messages_are_malformed() {
    check("example.com. AXFR +tcp", "REFUSED", &[]);
    check("example.com. 251", "REFUSED", &[]);
    check("www.example.com. 41", "FORMERR", &[]);
    check("www.example.com. 250", "FORMERR", &[]);
    check("www.example.com. 128", "FORMERR", &[]);
    check("www.example.com. 249", "NOTIMP", &[]);
    check("www.example.com. 253", "NOTIMP", &[]);
    let ixfr = changed("example.com. 251", |bytes| {
        bytes[9] = 1;
        bytes.extend(b"\xc0\x0c\0\x06\0\x01\0\0\0\0\0\x16\0\0");
        bytes.extend([0; 20]);
    });
    check_bytes(&ixfr, Some(("REFUSED", 1, 0)));
}

#[test]
fn responses_and_scraps_are_met_with_silence() {
    check_bytes(&[], None);
    check_bytes(&[0; 11], None);
    check_bytes(&changed("www.example.com. A", |bytes| bytes[2] |= 0x80), None);
}

#[test]
fn a_question_that_cannot_be_read_is_malformed() {
    check_bytes(&[0; 12], Some(("FORMERR", 0, 0)));
    check_bytes(&changed("www.example.com. A", |bytes| bytes[5] = 0), Some(("FORMERR", 0, 0)));
    check_bytes(&changed("www.example.com. A", |bytes| bytes[5] = 2), Some(("FORMERR", 0, 0)));
    check_bytes(b"\0\x01\0\0\0\x01\0\0\0\0\0\0\xc0\x0c\0\x01\0\x01", Some(("FORMERR", 0, 0)));
    check_bytes(b"\0\x01\0\0\0\x01\0\0\0\0\0\0\x03www\0\0\x01\0", Some(("FORMERR", 0, 0)));
}

#[test]
fn records_where_a_query_has_none_and_garbage_at_the_end_are_malformed() {
    let record = b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\0";
    for count in [7, 9] {
        let request = changed("www.example.com. A", |bytes| {
            bytes[count] = 1;
            bytes.extend(record);
        });
        check_bytes(&request, Some(("FORMERR", 1, 0)));
    }
    check_bytes(&changed("www.example.com. A", |bytes| bytes.push(0)), Some(("FORMERR", 1, 0)));
    check_bytes(&changed("www.example.com. A +edns", |bytes| bytes.push(0)), Some(("FORMERR", 1, 1)));
    check_bytes(
        &changed("www.example.com. A", |bytes| {
            bytes[11] = 1;
            bytes.extend(record);
        }),
        Some(("NOERROR aa", 1, 0)),
    );
}

#[test]
fn the_opt_record_stands_once_at_the_root_in_the_additional_section() {
    let opt = b"\0\0\x29\x04\xd0\0\0\0\0\0\0";
    let twice = changed("www.example.com. A +edns", |bytes| {
        bytes[11] = 2;
        bytes.extend(opt);
    });
    check_bytes(&twice, Some(("FORMERR", 1, 1)));
    let elsewhere = changed("www.example.com. A", |bytes| {
        bytes[11] = 1;
        bytes.extend(b"\x01a\0\0\x29\x04\xd0\0\0\0\0\0\0");
    });
    check_bytes(&elsewhere, Some(("FORMERR", 1, 0)));
    let answer = changed("www.example.com. A", |bytes| {
        bytes[7] = 1;
        bytes.extend(opt);
    });
    check_bytes(&answer, Some(("FORMERR", 1, 0)));
    let without_question = b"\0\x01\0\0\0\0\0\0\0\0\0\x01\0\0\x29\x04\xd0\0\0\0\0\0\0";
    check_bytes(without_question, Some(("FORMERR", 0, 1)));
}

#[test]
fn a_malformed_option_is_formerr_with_an_opt() {
    for options in [
        &b"\0\x08\0\x07\0\x01\x18\x18\xc0\0\x02"[..],
        b"\0\x08\0\x08\0\x01\x18\0\xc0\0\x02\0",
        b"\0\x08\0\x07\0\x01\x18\0\xc0\0",
        b"\0\x08\0\x07\0\x01\x18\0\xc0\0\x02\0\x08\0\x04\0\x01\0\0",
        b"\0\x03\0",
    ] {
        let request = changed("www.example.com. A +edns", |bytes| {
            let length = bytes.len();
            bytes[length - 1] = u8::try_from(options.len()).expect("a short option");
            bytes.extend(options);
        });
        check_bytes(&request, Some(("FORMERR", 1, 1)));
    }
}

/// Asks, and compares the whole OPT record of the reply.
fn check_opt(question: &str, status: &str, expected: &[u8]) {
    let ask = Ask::new(question);
    let (outcome, bytes) = reply(&zones(), &ask.bytes, ask.transport);
    let Disposition::Reply { tally, .. } = outcome else {
        panic!("{question}: silence");
    };
    assert_eq!(in_words(&tally.rcode, &bytes), status, "{question}");
    let opt = &bytes[bytes.len() - expected.len()..];
    assert_eq!(opt.escape_ascii().to_string(), expected.escape_ascii().to_string(), "{question}");
}

#[test]
fn edns_is_answered_with_our_size_version_zero_and_do_alone() {
    check_opt("www.example.com. A +edns", "NOERROR aa", b"\0\0\x29\x04\xd0\0\0\0\0\0\0");
    check_opt("www.example.com. A +do", "NOERROR aa", b"\0\0\x29\x04\xd0\0\0\x80\0\0\0");
    check_opt("www.example.com. A +eflags=64", "NOERROR aa", b"\0\0\x29\x04\xd0\0\0\0\0\0\0");
    check_opt("www.example.com. A +option=100", "NOERROR aa", b"\0\0\x29\x04\xd0\0\0\0\0\0\0");
    let refused = b"\0\0\x29\x04\xd0\0\0\x80\0\0\x06\0\x0f\0\x02\0\x14";
    check_opt("www.example.net. A +do", "REFUSED", refused);
}

#[test]
fn another_version_of_edns_is_badvers_and_its_options_are_not_looked_at() {
    check("www.example.com. A +edns=1", "BADVERS", &[]);
    let badvers = b"\0\0\x29\x04\xd0\x01\0\0\0\0\0";
    check_opt("www.example.com. A +edns=1", "BADVERS", badvers);
    check_opt("www.example.com. A +edns=1 +option=100 +nsid", "BADVERS", badvers);
    check_opt("www.example.com. A +edns=255 +eflags=64", "BADVERS", badvers);
    check_opt("www.example.com. A +edns=1 +subnet=192.0.2.0/24", "BADVERS", badvers);
}

#[test]
fn the_name_of_the_server_is_told_to_who_asks() {
    check_opt("www.example.com. A +nsid", "NOERROR aa", b"\0\0\x29\x04\xd0\0\0\0\0\0\x07\0\x03\0\x03ns1");
    check_opt(
        "example.net. A +nsid +subnet=192.0.2.0/24 +do",
        "REFUSED",
        b"\0\0\x29\x04\xd0\0\0\x80\0\0\x18\0\x03\0\x03ns1\0\x0f\0\x02\0\x14\0\x08\0\x07\0\x01\x18\0\xc0\0\x02",
    );
}
