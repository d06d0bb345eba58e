//! Looks up the names that lead to the addresses of availability zones.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::system_conf::read_system_conf;
use tokio::time;

/// How long a lookup may take, with what is asked again: a load balancer that cannot be looked up stays where it was.
const LOOKUP_PATIENCE: Duration = Duration::from_secs(5);

/// Asks name servers.
#[derive(Clone)]
pub struct HostResolver {
    resolver: TokioResolver,
}

/// What a name leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundAddresses {
    /// Of both families, as they came.
    pub ips: Vec<IpAddr>,
    /// The shortest of any record on the way.
    pub ttl: Duration,
}

impl HostResolver {
    /// Asks these name servers, or those of the system if there are none.
    ///
    /// # Errors
    ///
    /// When those of the system cannot be read: no others are asked instead.
    pub fn new(servers: &[SocketAddr]) -> Result<Self, NetError> {
        let (config, mut options) = match servers.is_empty() {
            true => read_system_conf()?,
            false => {
                let servers = servers.iter().map(name_server).collect();
                (ResolverConfig::from_parts(None, Vec::new(), servers), ResolverOpts::default())
            }
        };
        // A name is asked for when its time to live is over, and not sooner.
        options.cache_size = 0;
        let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        Ok(Self { resolver: builder.with_options(options).build()? })
    }

    /// Looks up the addresses of a name. Both families are known or it has failed: a family whose name servers were silent
    /// must not look as if it had no address.
    ///
    /// # Errors
    ///
    /// A sentence without its subject, which is the name.
    pub async fn look_up(&self, host: &str) -> Result<FoundAddresses, String> {
        let name = Name::from_ascii(format!("{host}.")).map_err(|error| format!("is not a name: {error}"))?;
        let both =
            async { tokio::try_join!(self.of(&name, RecordType::A), self.of(&name, RecordType::AAAA)) };
        let found = time::timeout(LOOKUP_PATIENCE, both).await;
        let (v4, v6) = found.map_err(|_| format!("was not looked up within {LOOKUP_PATIENCE:?}"))??;
        let ttl = v4.ttl.min(v6.ttl);
        Ok(FoundAddresses { ips: [v4.ips, v6.ips].concat(), ttl })
    }

    async fn of(&self, name: &Name, rtype: RecordType) -> Result<FoundAddresses, String> {
        let lookup = match self.resolver.lookup(name.clone(), rtype).await {
            Ok(lookup) => lookup,
            Err(error) if error.is_no_records_found() => {
                return Ok(FoundAddresses { ips: Vec::new(), ttl: Duration::MAX });
            }
            Err(error) => return Err(format!("does not resolve: {error}")),
        };
        let ips = lookup.answers().iter().filter_map(|record| match &record.data {
            RData::A(ip) => Some(IpAddr::V4(ip.0)),
            RData::AAAA(ip) => Some(IpAddr::V6(ip.0)),
            _ => None,
        });
        let ttl = lookup.answers().iter().map(|record| record.ttl).min().unwrap_or_default();
        Ok(FoundAddresses { ips: ips.collect(), ttl: Duration::from_secs(ttl.into()) })
    }
}

/// Returns a name server that is asked over UDP, and over TCP when an answer is long.
fn name_server(place: &SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = place.port();
        connection
    });
    NameServerConfig::new(place.ip(), true, connections.to_vec())
}
