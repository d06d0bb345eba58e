//! Availability zones whose addresses are looked up, as the load balancers of clouds have it.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, Record, RecordType};

use crate::home::Home;
use crate::region::Regions;
use crate::run::meridian;
use crate::server::{Server, wait_for};

/// A name server that leads every name to the same addresses.
struct NameServer {
    place: SocketAddr,
    /// `None`: it answers SERVFAIL.
    leads_to: Arc<Mutex<Option<Vec<Ipv4Addr>>>>,
}

impl NameServer {
    fn start(first: &str) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let place = socket.local_addr().unwrap();
        let leads_to = Arc::new(Mutex::new(Some(parse(first))));
        let answers = Arc::clone(&leads_to);
        thread::spawn(move || {
            let mut packet = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut packet) {
                let Ok(query) = Message::from_vec(&packet[..length]) else { continue };
                let reply = reply(&query, answers.lock().unwrap().as_deref());
                let _ = socket.send_to(&reply.to_vec().unwrap(), from);
            }
        });
        Self { place, leads_to }
    }

    fn lead_to(&self, ips: &str) {
        *self.leads_to.lock().unwrap() = Some(parse(ips));
    }

    fn fail(&self) {
        *self.leads_to.lock().unwrap() = None;
    }
}

fn parse(ips: &str) -> Vec<Ipv4Addr> {
    ips.split_whitespace().map(|ip| ip.parse().unwrap()).collect()
}

fn reply(query: &Message, ips: Option<&[Ipv4Addr]>) -> Message {
    let question = query.queries[0].clone();
    let mut reply = Message::response(query.metadata.id, query.metadata.op_code);
    match ips {
        None => reply.metadata.response_code = ResponseCode::ServFail,
        Some(ips) if question.query_type() == RecordType::A => {
            for ip in ips {
                // Looked up again after 5 s all the same.
                reply.add_answer(Record::from_rdata(question.name().clone(), 1, RData::A((*ip).into())));
            }
        }
        Some(_) => {}
    }
    reply.add_query(question);
    reply
}

/// A home whose `osaka` is looked up.
fn home(regions: &Regions, names: &NameServer, host: &str) -> Home {
    let home = Home::new(regions.port);
    home.edit("regions.yaml", "      tokyo-b: { addresses: [127.7.1.2] }\n", "");
    let listed = "osaka-a: { addresses: [127.7.2.1, \"::ffff:127.7.2.1\"] }";
    home.edit("regions.yaml", listed, &format!("osaka-a: {{ {host} }}"));
    home.edit("server.yaml", "geo:\n", &format!("resolvers: [\"{}\"]\ngeo:\n", names.place));
    // Clients of Japan are sent to osaka only.
    home.edit("api.example.com.yaml", "regions: [tokyo, osaka,", "regions: [osaka,");
    home.edit("api.example.com.yaml", "[oregon, tokyo]", "[oregon]");
    home
}

/// Returns the addresses of osaka that a client gets, in order.
fn osaka(server: &Server) -> Vec<String> {
    let reply = server.ask("api.example.com. A from 10.81.7.0/24");
    let mut ips: Vec<_> = reply.answers.iter().map(|record| record.data.to_string()).collect();
    ips.sort();
    ips
}

const HOST: &str = "host: lb.example.net, private: true";

#[test]
fn a_zone_has_the_addresses_that_its_name_leads_to_and_keeps_them_over_failures_and_restarts() {
    let regions = Regions::start();
    let names = NameServer::start("127.7.2.1");
    let home = home(&regions, &names, HOST);
    let server = Server::start(&home);
    wait_for("the address is up", || (osaka(&server) == ["127.7.2.1"]).then_some(()));
    names.lead_to("127.7.2.1 127.7.1.2");
    wait_for("another address is answered", || (osaka(&server) == ["127.7.1.2", "127.7.2.1"]).then_some(()));
    server.process.line("lb.example.net leads to 127.7.1.2, 127.7.2.1: osaka/osaka-a had 127.7.2.1 before");
    names.fail();
    server.process.line("lb.example.net does not resolve");
    assert_eq!(osaka(&server), ["127.7.1.2", "127.7.2.1"]);
    names.lead_to("");
    drop(server);
    // The name leads nowhere as the server starts again.
    let server = Server::start(&home);
    assert_eq!(osaka(&server), ["127.7.1.2", "127.7.2.1"]);
    server.process.line("lb.example.net has no address; osaka/osaka-a keeps its 2 addresses");
    names.lead_to("127.7.2.1");
    server.process.line("lb.example.net is looked up again: osaka/osaka-a has 1 addresses");
    wait_for("one address is left", || (osaka(&server) == ["127.7.2.1"]).then_some(()));
    regions.break_("127.7.2.1");
    let is_gone = || !osaka(&server).contains(&"127.7.2.1".to_owned());
    wait_for("what the name leads to has its canaries", || is_gone().then_some(()));
}

#[test]
fn a_name_that_leads_to_the_server_itself_or_to_private_addresses_is_not_followed() {
    let regions = Regions::start();
    let names = NameServer::start("127.0.0.1");
    let lax = home(&regions, &names, HOST);
    let server = Server::start(&lax);
    let why = "lb.example.net leads to 127.0.0.1, which is this server; osaka/osaka-a keeps its 0 addresses";
    server.process.line(why);
    assert!(!osaka(&server).is_empty(), "other regions serve its clients");
    names.lead_to("127.7.2.1");
    let strict = home(&regions, &names, "host: lb.example.net");
    let strict = Server::start(&strict);
    let why = "lb.example.net leads to the private address 127.7.2.1, and the zone has no `private: true`";
    strict.process.line(why);
}

#[test]
fn hosts_that_cannot_be_are_told_with_their_lines() {
    let regions = Regions::start();
    let names = NameServer::start("127.7.2.1");
    for (host, expected) in [
        (
            "host: lb.api.example.com",
            "`lb.api.example.com` is in the zone `api.example.com.`, which this server answers",
        ),
        ("host: 192.0.2.1", "`192.0.2.1` is not the name of a host"),
        ("host: lb.example.net, addresses: [192.0.2.1]", "the zone has `addresses` and `host`"),
        ("private: true, addresses: [192.0.2.1]", "`private` is about `host`, which is missing"),
    ] {
        let home = home(&regions, &names, host);
        let ran = meridian(&["check", home.zones().to_str().unwrap()]);
        assert!(ran.code == 2 && ran.err.contains(expected), "{host}: {ran:?}");
    }
}
