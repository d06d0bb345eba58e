//! A whole world on loopback, in one process.
//!
//! ```text
//! demo break ──HTTP──▶ switchboard ──▶ service, service, … ◀──canaries── the server, as `serve`
//!                                         ▲ traffic                       ▲  │ reads
//!                                      clients ──DNS──────────────────────┘  │
//! world (a constant) ──▶ directory: server.yaml, regions.yaml, … ◀───────────┘
//! ```
//!
//! [`Demo::start`] starts the regions' HTTP services and their clients, and writes a configuration that names them.
//! Running the server on that configuration is left to the command, which runs the very same one as
//! `meridian serve`.

mod clients;
mod directory;
mod error;
mod home;
mod screen;
mod service;
mod switchboard;
mod world;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use clients::DemoTraffic;
use directory::Settings;
use home::DemoHome;
use screen::OpeningPage;
use switchboard::Switchboard;
use world::DemoZone;

use crate::region::Target;

pub use error::Error;
pub use screen::{Actor, Screen};
pub use service::{DemoService, FailureMode};
pub use switchboard::{Error as AskError, ask};
pub use world::parse_target;

/// The default address of the demo for `break` and `heal`: the port after that of the admin API.
pub const CONTROL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8054);

/// The options of a demo.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// Where the server answers DNS. Port 0, here and below, is one that is free.
    pub dns: SocketAddr,
    /// Where its admin API is.
    pub admin: SocketAddr,
    /// Where the demo listens for `break` and `heal`.
    pub control: SocketAddr,
    /// Where the configuration is written; `None`: into a directory that lives as long as the demo.
    pub directory: Option<PathBuf>,
    /// How this program was called, for the commands on the opening page.
    pub program: String,
}

/// A running world without its server. Dropping it closes every service and removes a temporary directory.
#[derive(Debug)]
pub struct Demo {
    home: DemoHome,
    program: String,
    settings: Settings,
    control: SocketAddr,
    switchboard: JoinHandle<()>,
    clients: JoinHandle<io::Result<()>>,
    screen: Screen,
}

impl Demo {
    /// Starts the services, their clients and the API of `break` and `heal`, and writes the configuration.
    ///
    /// # Errors
    ///
    /// When an address or the directory cannot be used; then nothing keeps running.
    pub async fn start(options: DemoOptions, screen: Screen) -> Result<Self, Error> {
        let control = listen(options.control, "--control").await?;
        let traffic = watch::Sender::new(DemoTraffic::default());
        let services = service::start_all(&traffic.subscribe())
            .await
            .map_err(|(address, cause)| Error::Service(address, cause))?;
        // The server's own addresses are tried before the opening page names them.
        let settings = Settings {
            dns: free_address(options.dns, "--dns")?,
            admin: free_address(options.admin, "--admin")?,
            port: services[0].address.port(),
            ipv6: can_reach_ipv6(&services[0]).await,
        };
        let home = DemoHome::make(options.directory)?;
        directory::write(home.path(), &settings)
            .map_err(|cause| Error::Write(home.path().to_owned(), cause))?;
        let demo = Self {
            home,
            program: options.program,
            settings,
            control: control.local_addr().map_err(|cause| unusable(options.control, "--control", cause))?,
            switchboard: spawn(control, Switchboard::new(services, screen)),
            clients: tokio::spawn(clients::ask_forever(settings.dns, traffic)),
            screen,
        };
        Ok(demo)
    }

    /// Returns the configuration directory that the server is to be run on.
    pub fn directory(&self) -> &Path {
        self.home.path()
    }

    /// Prints the opening page.
    pub fn introduce(&self) {
        self.screen.open(&OpeningPage {
            program: &self.program,
            directory: self.home.path(),
            control: (self.control != CONTROL).then_some(self.control),
            settings: &self.settings,
        });
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.switchboard.abort();
        self.clients.abort();
    }
}

/// Starts the healthy service of one availability zone, wherever it is to listen.
///
/// # Errors
///
/// When the target is not one zone of the demo's world, or the address cannot be listened on.
pub async fn serve_zone(target: &Target, address: SocketAddr) -> Result<DemoService, Error> {
    let zones = world::zones(target).map_err(|unknown| Error::NoZone(unknown.to_string()))?;
    let [zone] = zones[..] else {
        let names = zones.iter().map(DemoZone::to_string).collect::<Vec<_>>().join("` and `");
        return Err(Error::NoZone(format!("{target} is a region; its availability zones are `{names}`")));
    };
    let listener = listen(address, "--listen").await?;
    // It is a region without clients.
    let idle = watch::Sender::new(DemoTraffic::default()).subscribe();
    DemoService::start(zone, listener, idle).map_err(|cause| unusable(address, "--listen", cause))
}

async fn listen(address: SocketAddr, option: &'static str) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|cause| unusable(address, option, cause))
}

/// Returns the address itself if the server will be able to listen there over UDP and TCP. For port
/// 0 it finds a free one.
fn free_address(address: SocketAddr, option: &'static str) -> Result<SocketAddr, Error> {
    let found = std::net::TcpListener::bind(address).and_then(|listener| {
        let found = listener.local_addr()?;
        UdpSocket::bind(found).map(|_socket| found)
    });
    found.map_err(|cause| unusable(address, option, cause))
}

fn spawn(listener: TcpListener, switchboard: Switchboard) -> JoinHandle<()> {
    let router = switchboard.router();
    tokio::spawn(async move {
        // It ends by being aborted: axum goes on accepting after every error.
        let _ended = axum::serve(listener, router).await;
    })
}

fn unusable(address: SocketAddr, option: &'static str, cause: io::Error) -> Error {
    match cause.kind() {
        io::ErrorKind::AddrInUse => Error::InUse(address, option),
        _ => Error::Listen(address, option, cause),
    }
}

/// Returns whether this machine has IPv6 sockets with which mapped addresses are reached.
async fn can_reach_ipv6(service: &DemoService) -> bool {
    let mapped = SocketAddr::from((service.zone.ipv6(), service.address.port()));
    TcpStream::connect(mapped).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_in_use_is_named_with_the_option_that_changes_it() {
        let taken = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = taken.local_addr().expect("a bound listener");
        for error in [
            free_address(address, "--dns").expect_err("taken"),
            listen(address, "--dns").await.expect_err("taken"),
        ] {
            let sentence = format!(
                "{address} is in use, perhaps by another demo: stop that, or choose another with --dns"
            );
            assert_eq!(error.to_string(), sentence);
        }
    }

    #[tokio::test]
    async fn one_zone_is_served_alone_and_a_region_is_none() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let zone = "tokyo/tokyo-b".parse().expect("a zone");
        let service = serve_zone(&zone, any).await.expect("a free port");
        assert!(TcpStream::connect(service.address).await.is_ok());
        let region = "tokyo".parse().expect("a region");
        let error = serve_zone(&region, any).await.expect_err("two zones");
        let sentence = "tokyo is a region; its availability zones are `tokyo/tokyo-a` and `tokyo/tokyo-b`";
        assert_eq!(error.to_string(), sentence);
    }

    #[tokio::test]
    async fn a_started_demo_has_written_its_configuration_and_can_be_broken() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let options = DemoOptions {
            dns: any,
            admin: any,
            control: any,
            directory: None,
            program: "meridian".to_owned(),
        };
        let demo = Demo::start(options, Screen::plain()).await.expect("free ports");
        for file in ["server.yaml", "regions.yaml", "api.example.com.yaml"] {
            assert!(demo.directory().join(file).is_file(), "{file}");
        }
        let token = std::fs::metadata(directory::token(demo.directory())).expect("a token");
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&token) & 0o777, 0o600, "only its owner reads it");
        assert_ne!(demo.settings.dns.port(), 0);
        let place = "saopaulo/saopaulo-a".parse().expect("a place of the world");
        let lines = ask(demo.control, place, Some(FailureMode::Slow)).await;
        assert_eq!(lines.expect("the demo answers"), "saopaulo/saopaulo-a now answers too late\n");
    }
}
