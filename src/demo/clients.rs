//! The clients of the demo: cities that ask the server where to go, and whose requests make the loads.
//!
//! A resolver asks for each subnet of a city, over UDP and with the client subnet (ECS, RFC 7871), and again when the
//! answer has expired. The requests of a subnet go to the addresses of its last answer, in equal parts. What arrives at
//! each address is the [`DemoTraffic`], from which the services report their loads.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::rr::{Name, RData, RecordType};
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::world::DemoZone;
use crate::client::Prefix;
use crate::inspect::query;

/// The first two octets of a city's subnets, and the requests a second of all its clients.
type DemoCity = ([u8; 2], f64);

/// Cities near every region, and some that have none of their own.
const CITIES: [DemoCity; 15] = [
    ([133, 11], 3000.0),  // Tokyo
    ([133, 1], 1500.0),   // Osaka
    ([147, 46], 800.0),   // Seoul
    ([137, 132], 1200.0), // Singapore
    ([129, 94], 1000.0),  // Sydney
    ([141, 20], 1500.0),  // Berlin
    ([148, 81], 700.0),   // Warsaw
    ([134, 157], 1500.0), // Paris
    ([144, 82], 1500.0),  // London, which is outside the EU
    ([146, 141], 400.0),  // Johannesburg
    ([128, 122], 2000.0), // New York
    ([128, 135], 1000.0), // Chicago
    ([128, 95], 1500.0),  // Seattle
    ([128, 97], 1000.0),  // Los Angeles
    ([143, 107], 1200.0), // São Paulo
];

/// The subnets (/24) of a city: enough of them to divide its clients by tenths, for some two dozen queries a second.
const SUBNETS_OF_CITY: u8 = 10;

/// The time for which a reply is waited, and after which is asked again when there is none.
const PATIENCE: Duration = Duration::from_secs(1);

/// The time between two first queries, so that not all answers expire at once.
const STAGGER: Duration = Duration::from_millis(20);

/// The name that is asked for.
const NAME: &str = "api.example.com.";

/// The requests a second that arrive at each address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DemoTraffic(HashMap<Ipv4Addr, f64>);

impl DemoTraffic {
    /// Returns the share of a zone's capacity that is in use: 0 without requests, above 1 with more than it can bear.
    pub fn load(&self, zone: DemoZone) -> f64 {
        let requests = self.0.get(&zone.ipv4()).copied().unwrap_or_default();
        requests / zone.capacity()
    }

    fn of(subnets: &[DemoSubnet]) -> Self {
        let mut requests = HashMap::new();
        for subnet in subnets {
            for address in &subnet.answer {
                *requests.entry(*address).or_default() += subnet.requests / subnet.answer.len() as f64;
            }
        }
        Self(requests)
    }
}

/// The clients that share an answer.
#[derive(Debug)]
struct DemoSubnet {
    network: Ipv4Addr,
    requests: f64,
    /// The addresses of the last answer that had some.
    answer: Vec<Ipv4Addr>,
    expires: Instant,
}

/// Asks the server for all subnets, each as often as its answers expire, until the services are gone.
///
/// # Errors
///
/// When there is no socket for it.
pub async fn ask_forever(server: SocketAddr, traffic: watch::Sender<DemoTraffic>) -> std::io::Result<()> {
    let any: IpAddr = if server.is_ipv4() { [0; 4].into() } else { [0u16; 8].into() };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    let mut subnets = subnets(Instant::now());
    let mut id = 0u16;
    while !traffic.is_closed() {
        let next = subnets.iter_mut().min_by_key(|subnet| subnet.expires).expect("there are cities");
        sleep_until(next.expires).await;
        id = id.wrapping_add(1);
        let reply = timeout(PATIENCE, exchange(&socket, id, next.network)).await;
        match reply {
            Ok(Ok((answer, ttl))) => {
                next.answer = answer;
                next.expires = Instant::now() + ttl;
            }
            // The server starts, or has ended, or limits its replies.
            Ok(Err(_)) | Err(_) => next.expires = Instant::now() + PATIENCE,
        }
        traffic.send_replace(DemoTraffic::of(&subnets));
    }
    Ok(())
}

fn subnets(now: Instant) -> Vec<DemoSubnet> {
    let of_city = |&([a, b], requests): &DemoCity| {
        (0..SUBNETS_OF_CITY).map(move |c| (Ipv4Addr::new(a, b, c, 0), requests / f64::from(SUBNETS_OF_CITY)))
    };
    let numbered = (0..).zip(CITIES.iter().flat_map(of_city));
    let subnet = |(number, (network, requests))| DemoSubnet {
        network,
        requests,
        answer: Vec::new(),
        expires: now + STAGGER * number,
    };
    numbered.map(subnet).collect()
}

/// Asks for a subnet, and returns the addresses with their time to live.
async fn exchange(
    socket: &UdpSocket,
    id: u16,
    network: Ipv4Addr,
) -> std::io::Result<(Vec<Ipv4Addr>, Duration)> {
    let name = Name::from_ascii(NAME).expect("a name");
    let subnet = Prefix::around(network.into(), 24);
    socket.send(&query::on_behalf_of(subnet, id, &name, RecordType::A)).await?;
    let mut octets = [0; 1232];
    loop {
        let length = socket.recv(&mut octets).await?;
        // A reply that came too late belongs to another question.
        if let Some(answer) = Message::from_vec(&octets[..length]).ok().filter(|reply| reply.id == id) {
            return Ok(addresses(&answer));
        }
    }
}

/// Returns the addresses of an answer and how long it may be kept; without addresses, for [`PATIENCE`].
fn addresses(reply: &Message) -> (Vec<Ipv4Addr>, Duration) {
    let found = reply.answers.iter().filter_map(|record| match &record.data {
        RData::A(address) => Some((address.0, record.ttl)),
        _ => None,
    });
    let (addresses, ttls): (Vec<_>, Vec<_>) = found.unzip();
    let ttl = ttls.into_iter().min().map_or(PATIENCE, |ttl| Duration::from_secs(ttl.into()));
    (addresses, ttl.max(PATIENCE))
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::{MessageType, OpCode};

    use super::super::world::{DemoRegion, REGIONS};
    use super::*;

    /// A server that leads every client to the first zone of Tokyo, for so many seconds.
    async fn serve_tokyo(ttl: u32) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let address = socket.local_addr().expect("a bound socket");
        tokio::spawn(async move {
            let mut octets = [0; 1232];
            loop {
                let (length, sender) = socket.recv_from(&mut octets).await.expect("a query");
                let query = Message::from_vec(&octets[..length]).expect("a query");
                let mut reply = Message::new(query.id, MessageType::Response, OpCode::Query);
                let tokyo = RData::A(REGIONS[0].zones()[0].ipv4().into());
                let name = Name::from_ascii(NAME).expect("a name");
                reply.add_answer(hickory_proto::rr::Record::from_rdata(name, ttl, tokyo));
                let reply = reply.to_vec().expect("a reply");
                socket.send_to(&reply, sender).await.expect("loopback takes it");
            }
        });
        address
    }

    #[tokio::test]
    async fn the_requests_of_all_cities_arrive_where_the_answers_lead() {
        let (sender, mut traffic) = watch::channel(DemoTraffic::default());
        let asking = tokio::spawn(ask_forever(serve_tokyo(60).await, sender));
        let all: f64 = CITIES.iter().map(|(_, requests)| requests).sum();
        let [first, second] = REGIONS[0].zones();
        let everything = all / first.capacity();
        let arrived = traffic.wait_for(|traffic| (traffic.load(first) - everything).abs() < 1e-6);
        timeout(Duration::from_secs(60), arrived).await.expect("in time").expect("somebody asks");
        assert_eq!(traffic.borrow().load(second), 0.0, "no answer leads there");
        drop(traffic);
        asking.abort();
    }

    #[test]
    fn requests_are_divided_over_the_addresses_of_an_answer() {
        let [one, two] = REGIONS[0].zones();
        let mut subnets = subnets(Instant::now());
        subnets.truncate(1);
        subnets[0].answer = vec![one.ipv4(), two.ipv4()];
        let traffic = DemoTraffic::of(&subnets);
        let half = subnets[0].requests / 2.0;
        assert_eq!([traffic.load(one), traffic.load(two)], [half / one.capacity(), half / two.capacity()]);
    }

    #[test]
    fn the_capacities_together_bear_all_requests_without_any_one_region() {
        let all: f64 = CITIES.iter().map(|(_, requests)| requests).sum();
        let capacity = |region: &'static DemoRegion| f64::from(region.capacity);
        let whole: f64 = REGIONS.iter().map(capacity).sum();
        for region in &REGIONS {
            assert!(all < 0.8 * (whole - capacity(region)), "{}", region.name);
        }
    }
}
