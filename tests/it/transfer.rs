//! Zones that secondaries take, without one: what comes over TCP and UDP, and what a reload and restarts make of it. Real
//! secondaries are in `tests/secondaries`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, Record, RecordType};

use crate::ask::{self, Over, query};
use crate::home::Home;
use crate::region::{Regions, regions_in};
use crate::server::{DEADLINE, Server, wait_for};

const PERMIT: &str = "transfer: { clients: [{ networks: 127.0.0.1 }] }\nnames:\n";

/// Takes a zone over TCP: every message up to the second SOA record, or the first message that has none.
fn take(server: SocketAddr, question: &str) -> Vec<Message> {
    let mut stream = TcpStream::connect(server).expect("it listens");
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let request = query(question);
    let length = u16::try_from(request.len()).unwrap().to_be_bytes();
    stream.write_all(&[&length[..], &request].concat()).unwrap();
    let (mut messages, mut ends) = (Vec::new(), 0);
    while ends < 2 {
        let mut length = [0; 2];
        stream.read_exact(&mut length).expect("a length");
        let mut message = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut message).expect("a message");
        let message = Message::from_vec(&message).expect("a message");
        let soas = message.answers.iter().filter(|record| record.record_type() == RecordType::SOA).count();
        messages.push(message);
        if soas == 0 && ends == 0 {
            break;
        }
        ends += soas;
    }
    messages
}

/// Returns the serial number that a server tells.
fn serial(server: &Server) -> u32 {
    let reply = server.ask("api.example.com. SOA");
    let Some(RData::SOA(soa)) = reply.answers.first().map(|record| record.data.clone()) else {
        panic!("{reply:?}")
    };
    soa.serial
}

#[test]
fn a_zone_is_given_over_tcp_to_those_who_may_take_it_with_the_answers_of_unknown_clients() {
    let regions = Regions::start();
    let home = Home::new(regions.port);
    home.edit("api.example.com.yaml", "names:\n", PERMIT);
    let server = Server::start(&home);
    let messages = take(server.dns, "api.example.com. AXFR");
    let records: Vec<_> = messages.iter().flat_map(|message| &message.answers).collect();
    assert_eq!(records.first(), records.last());
    let of = |rtype| records.iter().filter(|record| record.record_type() == rtype).count();
    assert_eq!((of(RecordType::SOA), of(RecordType::NS), of(RecordType::CNAME)), (2, 2, 1));
    // Clients of unknown location go to oregon; so does the wildcard.
    assert!(of(RecordType::A) >= 3 && of(RecordType::HTTPS) == 2, "{records:?}");

    let code = |reply: &Message| reply.metadata.response_code;
    let datagram = ask::ask(server.dns, "api.example.com. AXFR", Over::Udp);
    assert_eq!(code(&datagram), ResponseCode::Refused);
    assert_eq!(code(&take(server.dns, "internal.api.example.com. AXFR")[0]), ResponseCode::Refused);
    assert_eq!(code(&take(server.dns, "www.api.example.com. AXFR")[0]), ResponseCode::NotAuth);
    assert_eq!(code(&take(server.dns, "example.net. AXFR")[0]), ResponseCode::NotAuth);
    server
        .process
        .line("a zone transfer or a signed request is refused: a whole zone is given over TCP only");
    server.process.line("a secondary has taken a zone");
}

#[test]
fn a_region_that_falls_leaves_the_transferred_zone_under_a_later_serial_number_that_no_restart_takes_back() {
    let regions = Regions::start();
    let home = Home::new(regions.port);
    home.edit("api.example.com.yaml", "names:\n", PERMIT);
    let mut server = Server::start(&home);
    let first = serial(&server);
    let given = |server: &Server| {
        let mut messages = take(server.dns, "api.example.com. AXFR");
        let is_apex = |record: &Record| record.name.to_string() == "api.example.com.";
        messages.iter_mut().for_each(|message| message.answers.retain(is_apex));
        messages.iter().flat_map(regions_in).collect::<Vec<_>>()
    };
    assert!(given(&server).contains(&"oregon"));
    regions.break_("oregon");
    wait_for("oregon to leave the zone", || (!given(&server).contains(&"oregon")).then_some(()));
    let second = serial(&server);
    assert!(second > first, "{second} after {first}");
    server.process.signal("TERM");
    server.process.wait_at_most(DEADLINE);
    server = Server::start(&home);
    let third = serial(&server);
    assert!(third >= second, "{third} after {second}");
    assert!(!given(&server).contains(&"oregon"));
    server.process.signal("KILL");
    server = Server::start(&home);
    assert!(serial(&server) > third, "what was told before is not known");
}

#[test]
fn a_reload_begins_and_ends_transfers_and_a_zone_without_them_keeps_its_number() {
    let regions = Regions::start();
    let home = Home::new(regions.port);
    let server = Server::start(&home);
    let (before, other) = (serial(&server), server.ask("example.org. SOA"));
    assert_eq!(take(server.dns, "api.example.com. AXFR")[0].metadata.response_code, ResponseCode::Refused);
    home.edit("api.example.com.yaml", "names:\n", PERMIT);
    wait_for("the zone to be transferred", || (serial(&server) != before).then_some(()));
    assert!(take(server.dns, "api.example.com. AXFR").iter().all(|message| !message.answers.is_empty()));
    assert_eq!(server.ask("example.org. SOA").answers, other.answers);
    home.edit("api.example.com.yaml", PERMIT, "names:\n");
    wait_for("the number of the file", || (serial(&server) == before).then_some(()));
    assert_eq!(take(server.dns, "api.example.com. AXFR")[0].metadata.response_code, ResponseCode::Refused);
}
