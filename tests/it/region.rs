//! The services of the regions: one small HTTP server for every address, healthy until it is broken.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::rr::RData;

/// The regions of `tests/it/zones/regions.yaml` and how many addresses each has; their places in this
/// list are the third octets of those.
const REGIONS: [(&str, u8); 6] =
    [("tokyo", 2), ("osaka", 1), ("oregon", 1), ("frankfurt", 1), ("paris", 1), ("saopaulo", 1)];

/// How often another port is tried when one that is free on one address is taken on another.
const PORT_ATTEMPTS: usize = 20;

/// The services of all regions, on one port. Their threads end with the process.
pub struct Regions {
    /// The port.
    pub port: u16,
    services: Vec<(&'static str, Arc<Service>)>,
}

/// What one service does, and has done.
struct Service {
    address: Ipv4Addr,
    is_broken: AtomicBool,
    /// The value of the `Host` header for which it is broken besides; `None`: for none.
    is_broken_for: Mutex<Option<String>>,
    successes: AtomicUsize,
    failures: AtomicUsize,
}

impl Service {
    fn new(address: Ipv4Addr) -> Self {
        Self {
            address,
            is_broken: AtomicBool::new(false),
            is_broken_for: Mutex::new(None),
            successes: AtomicUsize::new(0),
            failures: AtomicUsize::new(0),
        }
    }

    fn set(&self, is_broken: bool) {
        self.successes.store(0, Ordering::SeqCst);
        self.failures.store(0, Ordering::SeqCst);
        self.is_broken.store(is_broken, Ordering::SeqCst);
    }
}

impl Regions {
    /// Starts all of them, healthy.
    pub fn start() -> Self {
        let mut listeners = None;
        for _ in 0..PORT_ATTEMPTS {
            listeners = listeners.or_else(bind_all);
        }
        let (port, listeners) = listeners.expect("a port is free on all addresses");
        let start = |(region, address, listener)| {
            let service = Arc::new(Service::new(address));
            let served = Arc::clone(&service);
            thread::spawn(move || serve(&listener, &served));
            (region, service)
        };
        Self { port, services: listeners.into_iter().map(start).collect() }
    }

    /// Makes a region, or one address, answer with status 503 from now on.
    pub fn break_(&self, place: &str) {
        self.at(place).for_each(|service| service.set(true));
    }

    /// Makes it answer with status 503 to requests with this `Host`, as to an instance whose path is bad; `None`: to none.
    pub fn break_for(&self, place: &str, host: Option<&str>) {
        for service in self.at(place) {
            *service.is_broken_for.lock().unwrap() = host.map(|host| format!("\r\nhost: {host}\r\n"));
        }
    }

    /// Makes it answer with status 200 again.
    pub fn heal(&self, place: &str) {
        self.at(place).for_each(|service| service.set(false));
    }

    /// Returns how often an address has failed since it was broken or healed.
    pub fn failures(&self, address: &str) -> usize {
        self.at(address).map(|service| service.failures.load(Ordering::SeqCst)).sum()
    }

    /// Returns how often an address has succeeded since it was broken or healed.
    pub fn successes(&self, address: &str) -> usize {
        self.at(address).map(|service| service.successes.load(Ordering::SeqCst)).sum()
    }

    fn at<'a>(&'a self, place: &'a str) -> impl Iterator<Item = &'a Service> {
        let services = self.services.iter();
        let meant = services
            .filter(move |(region, service)| *region == place || service.address.to_string() == place);
        meant.map(|(_, service)| &**service)
    }
}

/// Returns the names of the regions whose addresses an answer has, in the order of the list.
pub fn regions_in(reply: &Message) -> Vec<&'static str> {
    let addresses = reply.answers.iter().filter_map(|record| match &record.data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        RData::AAAA(address) => Some(IpAddr::V6(address.0)),
        _ => None,
    });
    let octets = addresses.map(|address| match address.to_canonical() {
        IpAddr::V4(address) => address.octets(),
        IpAddr::V6(address) => panic!("{address} is of no region"),
    });
    let mut numbers: Vec<usize> = octets
        .map(|octets| {
            assert_eq!(octets[..2], [127, 7], "an address of no region");
            usize::from(octets[2]) - 1
        })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.into_iter().map(|number| REGIONS[number].0).collect()
}

/// A region, one of its addresses, and the listener there.
type Bound = (&'static str, Ipv4Addr, TcpListener);

/// Listens on all addresses on one port that the first of them chooses. `None`: it is taken on another.
fn bind_all() -> Option<(u16, Vec<Bound>)> {
    let mut port = 0;
    let mut listeners = Vec::new();
    for (number, (region, zones)) in (1..).zip(REGIONS) {
        for zone in 1..=zones {
            let address = Ipv4Addr::new(127, 7, number, zone);
            let listener = TcpListener::bind((address, port)).ok()?;
            port = listener.local_addr().ok()?.port();
            listeners.push((region, address, listener));
        }
    }
    Some((port, listeners))
}

fn serve(listener: &TcpListener, service: &Service) {
    for stream in listener.incoming().flatten() {
        // A probe that gives up is the prober's affair.
        let _ = respond(stream, service);
    }
}

fn respond(mut stream: TcpStream, service: &Service) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            length => request.extend_from_slice(&buffer[..length]),
        }
    }
    let request = String::from_utf8_lossy(&request).to_lowercase();
    let is_meant = service.is_broken_for.lock().unwrap().as_ref().is_some_and(|host| request.contains(host));
    let (status, counter) = if is_meant || service.is_broken.load(Ordering::SeqCst) {
        ("503 Service Unavailable", &service.failures)
    } else {
        ("200 OK", &service.successes)
    };
    counter.fetch_add(1, Ordering::SeqCst);
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n")
}
