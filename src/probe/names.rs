//! Where the names in the URLs of canaries lead.
//!
//! For a canary of addresses that is known ahead ([`Pinned`]). For one of regions the name servers of the
//! system are asked for every probe ([`System`]), so that a name that leads elsewhere, or nowhere any more,
//! shows in the next result.

use std::error::Error;
use std::future;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::system_conf::read_system_conf;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time;

/// How long a name may take to resolve. Less than the default timeout of a canary (2 s), so that name
/// servers that are silent show as such, and not as a region that is.
const PATIENCE: Duration = Duration::from_millis(1500);

/// The name servers of the system are silent, or cannot be reached.
#[derive(Debug, thiserror::Error)]
#[error("the name servers of this system do not answer for `{name}`: {why}")]
pub(super) struct ResolverSilent {
    name: String,
    why: String,
}

/// Leads every name to one address.
#[derive(Debug)]
pub(super) struct Pinned(pub IpAddr);

impl Resolve for Pinned {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: Addrs = Box::new(std::iter::once(SocketAddr::new(self.0, 0)));
        Box::pin(future::ready(Ok(addresses)))
    }
}

/// Leads every name to where one of them leads: `Host` and certificate may be for another name than the one
/// that is looked up.
pub(super) struct Leading {
    name: String,
    names: Arc<dyn Resolve>,
    /// The addresses of the last lookup that has ended; none while one runs.
    led: Arc<Mutex<Vec<IpAddr>>>,
}

impl Leading {
    pub(super) fn new(name: String, names: Arc<dyn Resolve>) -> Self {
        Self { name, names, led: Arc::default() }
    }

    /// Returns the addresses that the last lookup led to; none if it failed, or has not ended.
    pub(super) fn led(&self) -> Vec<IpAddr> {
        self.led.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Resolve for Leading {
    fn resolve(&self, _: Name) -> Resolving {
        let Ok(name) = self.name.parse() else {
            let error = format!("`{}` is not a name", self.name);
            return Box::pin(future::ready(Err(error.into())));
        };
        let (found, led) = (self.names.resolve(name), Arc::clone(&self.led));
        // A probe that ends before its lookup does must not be judged by the addresses of the probe before.
        led.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Box::pin(async move {
            let found: Vec<SocketAddr> = found.await?.collect();
            *led.lock().unwrap_or_else(PoisonError::into_inner) = found.iter().map(SocketAddr::ip).collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// The name servers of the system, and its file of hosts.
pub(super) struct System {
    resolver: TokioResolver,
}

impl System {
    /// Reads who they are, which is in `/etc/resolv.conf`.
    ///
    /// # Errors
    ///
    /// When that cannot be read: no other servers are asked instead.
    pub(super) fn new() -> Result<Self, NetError> {
        let (config, options) = read_system_conf()?;
        Self::asking(config, options)
    }

    fn asking(config: ResolverConfig, mut options: ResolverOpts) -> Result<Self, NetError> {
        // Both families: a region that is reachable over one of them is reachable.
        options.ip_strategy = LookupIpStrategy::Ipv6AndIpv4;
        // What is remembered for its TTL would hide for as long that the name is gone.
        options.cache_size = 0;
        let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        Ok(Self { resolver: builder.with_options(options).build()? })
    }
}

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.resolver.clone();
        Box::pin(async move {
            let name = name.as_str();
            let found = time::timeout(PATIENCE, resolver.lookup_ip(name)).await;
            let silent = |why: String| ResolverSilent { name: name.to_owned(), why };
            let found = found.map_err(|_| silent(format!("nothing came within {PATIENCE:?}")))?;
            let found = found.map_err(|error| match error {
                NetError::Timeout | NetError::NoConnections | NetError::Busy | NetError::Io(_) => {
                    Box::from(silent(error.to_string()))
                }
                error if error.is_no_records_found() => {
                    Box::<dyn Error + Send + Sync>::from(format!("`{name}` has no address"))
                }
                error => Box::from(format!("`{name}` does not resolve: {error}")),
            })?;
            let addresses: Vec<_> = found.iter().map(|address| SocketAddr::new(address, 0)).collect();
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use hickory_proto::op::{Message, ResponseCode};
    use hickory_proto::rr::{RData, Record, RecordType};
    use hickory_resolver::config::{ConnectionConfig, NameServerConfig};
    use tokio::net::UdpSocket;

    use super::*;

    /// Leads all names to the next entry with every question, and for ever to the last.
    pub struct Book {
        pages: Mutex<VecDeque<Option<IpAddr>>>,
    }

    impl Book {
        pub fn of(pages: &[Option<&str>]) -> Arc<Self> {
            let address = |text: &str| text.parse().expect("an address");
            Arc::new(Self { pages: Mutex::new(pages.iter().map(|page| page.map(address)).collect()) })
        }
    }

    impl Resolve for Book {
        fn resolve(&self, name: Name) -> Resolving {
            let mut pages = self.pages.lock().expect("nobody panics with it");
            let page = if pages.len() > 1 { pages.pop_front() } else { pages.front().copied() };
            match page.flatten() {
                Some(address) => Pinned(address).resolve(name),
                None => {
                    let error = format!("`{}` has no address", name.as_str());
                    Box::pin(future::ready(Err(error.into())))
                }
            }
        }
    }

    /// Name servers that are silent.
    pub struct Silence;

    impl Resolve for Silence {
        fn resolve(&self, name: Name) -> Resolving {
            let silent = ResolverSilent { name: name.as_str().to_owned(), why: "no answer".to_owned() };
            Box::pin(future::ready(Err(Box::from(silent))))
        }
    }

    /// Never ends a lookup, as name servers do not that lose every query.
    pub struct Forever;

    impl Resolve for Forever {
        fn resolve(&self, _: Name) -> Resolving {
            Box::pin(future::pending())
        }
    }

    /// Asks for a name; `Err` is what is said.
    async fn ask(system: &System, name: &str) -> Result<Vec<IpAddr>, String> {
        let found = system.resolve(name.parse().expect("a name")).await;
        found.map(|list| list.map(|place| place.ip()).collect()).map_err(|error| error.to_string())
    }

    /// Returns a system whose only name server is this place on loopback.
    fn system(server: SocketAddr) -> System {
        let mut connection = ConnectionConfig::udp();
        connection.port = server.port();
        let server = NameServerConfig::new(server.ip(), true, vec![connection]);
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        System::asking(config, ResolverOpts::default()).expect("it is built")
    }

    /// Starts a name server that knows 127.0.0.7 for every name, and after `known` questions for A records
    /// nothing any more.
    async fn forgetful(known: usize) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let place = socket.local_addr().expect("it is bound");
        tokio::spawn(async move {
            let (mut packet, mut known) = ([0; 1500], known);
            while let Ok((length, from)) = socket.recv_from(&mut packet).await {
                let question = Message::from_vec(&packet[..length]).expect("a query");
                let query = question.queries[0].clone();
                let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
                match (query.query_type(), known) {
                    (RecordType::A, 0) => answer.metadata.response_code = ResponseCode::NXDomain,
                    (RecordType::A, _) => {
                        known -= 1;
                        let data = RData::A("127.0.0.7".parse().expect("an address"));
                        answer.add_answer(Record::from_rdata(query.name().clone(), 3600, data));
                    }
                    _ => {}
                }
                answer.add_query(query);
                let bytes = answer.to_vec().expect("it is small");
                socket.send_to(&bytes, from).await.expect("loopback");
            }
        });
        place
    }

    #[tokio::test]
    async fn a_name_is_looked_up_anew_each_time_whatever_its_ttl() {
        let system = system(forgetful(2).await);
        let found = Ok(vec!["127.0.0.7".parse().expect("an address")]);
        assert_eq!(ask(&system, "tokyo.example.com").await, found);
        assert_eq!(ask(&system, "tokyo.example.com").await, found);
        let gone = Err("`tokyo.example.com` has no address".to_owned());
        assert_eq!(ask(&system, "tokyo.example.com").await, gone);
    }

    #[tokio::test]
    async fn name_servers_that_are_silent_are_given_up_before_the_probe_is() {
        let silent = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let place = silent.local_addr().expect("it is bound");
        time::pause();
        let said = ask(&system(place), "tokyo.example.com").await;
        let silence =
            "the name servers of this system do not answer for `tokyo.example.com`: nothing came within 1.5s";
        assert_eq!(said, Err(silence.to_owned()));
    }

    #[tokio::test]
    async fn this_machine_needs_no_name_server_and_what_is_invalid_has_none() {
        let nobody = ResolverConfig::from_parts(None, Vec::new(), Vec::new());
        let system = System::asking(nobody, ResolverOpts::default()).expect("it is built");
        let own = ask(&system, "localhost").await.expect("every system knows it");
        assert!(own.iter().all(IpAddr::is_loopback), "{own:?}");
        let gone = Err("`gone.invalid` has no address".to_owned());
        assert_eq!(ask(&system, "gone.invalid").await, gone);
    }
}
