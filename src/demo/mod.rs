//! A whole world on loopback, in one process.
//!
//! ```text
//! demo break ──HTTP──▶ switchboard ──▶ service, service, … ◀──canaries── the server, as `serve`
//!                                                                            │ reads
//! world (a constant) ──▶ directory: server.yaml, regions.yaml, … ◀───────────┘
//! ```
//!
//! [`Demo::start`] starts the regions' HTTP services and writes a configuration that names them.
//! Running the server on that configuration is left to the command, which runs the very same one as
//! `meridian serve`.

mod directory;
mod screen;
mod service;
mod switchboard;
mod world;

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub use screen::{Screen, Who};
pub use service::Fault;
pub use switchboard::{Error as AskError, ask};
pub use world::{NoSuchPlace, Place};

use directory::Settings;
use screen::Page;
use service::Service;
use switchboard::Switchboard;

/// Where a demo listens for `break` and `heal`, and where those look for it: the port after that of
/// the admin API.
pub const CONTROL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8054);

/// What can be chosen about a demo.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the server answers DNS.
    pub dns: SocketAddr,
    /// Where its admin API is.
    pub admin: SocketAddr,
    /// Where the demo listens for `break` and `heal`.
    pub control: SocketAddr,
    /// Where the configuration is written; `None`: into a directory that lives as long as the demo.
    pub directory: Option<PathBuf>,
    /// How this program was called, for the commands that people are told to type.
    pub program: String,
}

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address is somebody else's already.
    #[error("{address} is in use, perhaps by another demo: stop that, or choose another with {option}")]
    InUse {
        /// The address.
        address: SocketAddr,
        /// The option that chooses it.
        option: &'static str,
    },
    /// An address cannot be listened on for another reason.
    #[error("cannot listen on {address} for {option}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The option that chooses it.
        option: &'static str,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// A region's own address cannot be listened on.
    #[error(
        "cannot listen on {0}; the demo needs all of 127.0.0.0/8 on loopback, which Linux has from the start"
    )]
    Service(Ipv4Addr, #[source] io::Error),
    /// The directory holds something that might be dear to somebody.
    #[error(
        "{0} is not empty: choose a new directory, or run what is there with `meridian serve --config {0}`"
    )]
    NotEmpty(PathBuf),
    /// The configuration cannot be written.
    #[error("cannot write the configuration to {0}")]
    Write(PathBuf, #[source] io::Error),
}

/// A running world without its server. Dropping it closes every service and removes a temporary
/// directory.
#[derive(Debug)]
pub struct Demo {
    home: Home,
    options: Options,
    settings: Settings,
    control: JoinHandle<()>,
    screen: Screen,
}

impl Demo {
    /// Starts the services and the API of `break` and `heal`, and writes the configuration.
    ///
    /// # Errors
    ///
    /// When an address or the directory cannot be used; then nothing is left behind.
    pub async fn start(options: Options, screen: Screen) -> Result<Self, Error> {
        // The server's own addresses are tried before people are told to ask there.
        check_free(options.dns, "--dns")?;
        drop(listen(options.admin, "--admin").await?);
        let control = listen(options.control, "--control").await?;
        let services = service::start_all()
            .await
            .map_err(|(address, cause)| Error::Service(address, cause))?;
        let settings = Settings {
            dns: options.dns,
            admin: options.admin,
            port: services[0].address.port(),
            ipv6: can_reach_ipv6(&services[0]).await,
        };
        let home = Home::make(options.directory.clone())?;
        directory::write(home.path(), &settings)
            .map_err(|cause| Error::Write(home.path().to_owned(), cause))?;
        let router = Switchboard::new(services, screen).router();
        let control = tokio::spawn(async move {
            // It ends by being aborted: axum goes on accepting after every error.
            let _ended = axum::serve(control, router).await;
        });
        Ok(Self {
            home,
            options,
            settings,
            control,
            screen,
        })
    }

    /// Returns the configuration directory that the server is to be run on.
    pub fn directory(&self) -> &Path {
        self.home.path()
    }

    /// Prints what there is and what to type next.
    pub fn introduce(&self) {
        let options = &self.options;
        self.screen.open(&Page {
            program: &options.program,
            directory: self.home.path(),
            dns: options.dns,
            admin: options.admin,
            control: (options.control != CONTROL).then_some(options.control),
            port: self.settings.port,
            ipv6: self.settings.ipv6,
        });
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.control.abort();
    }
}

/// The configuration directory.
#[derive(Debug)]
enum Home {
    /// One of our own, removed when this is dropped.
    Temporary(TempDir),
    /// One that was asked for, and that stays.
    Given(PathBuf),
}

impl Home {
    fn make(wanted: Option<PathBuf>) -> Result<Self, Error> {
        let Some(path) = wanted else {
            let made = tempfile::Builder::new().prefix("meridian-demo-").tempdir();
            let made = made.map_err(|cause| Error::Write(std::env::temp_dir(), cause))?;
            return Ok(Self::Temporary(made));
        };
        let is_empty = fs::create_dir_all(&path)
            .and_then(|()| fs::read_dir(&path))
            .map(|mut entries| entries.next().is_none());
        match is_empty {
            Ok(true) => Ok(Self::Given(path)),
            Ok(false) => Err(Error::NotEmpty(path)),
            Err(cause) => Err(Error::Write(path, cause)),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Temporary(directory) => directory.path(),
            Self::Given(path) => path,
        }
    }
}

async fn listen(address: SocketAddr, option: &'static str) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|cause| unusable(address, option, cause))
}

/// Checks that the server will be able to listen here over UDP and TCP.
fn check_free(address: SocketAddr, option: &'static str) -> Result<(), Error> {
    let udp = UdpSocket::bind(address).map(drop);
    let tcp = std::net::TcpListener::bind(address).map(drop);
    udp.and(tcp).map_err(|cause| unusable(address, option, cause))
}

fn unusable(address: SocketAddr, option: &'static str, cause: io::Error) -> Error {
    if cause.kind() == io::ErrorKind::AddrInUse {
        Error::InUse { address, option }
    } else {
        Error::Listen {
            address,
            option,
            cause,
        }
    }
}

/// Returns whether this machine has IPv6 sockets with which mapped addresses are reached.
async fn can_reach_ipv6(service: &Service) -> bool {
    let mapped = SocketAddr::from((service.zone.ipv6(), service.address.port()));
    TcpStream::connect(mapped).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_holds_something_is_left_alone() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("new/zones");
        assert!(matches!(Home::make(Some(path.clone())), Ok(Home::Given(_))));
        fs::write(path.join("server.yaml"), "name: dear").expect("a writable directory");
        assert!(matches!(Home::make(Some(path)), Err(Error::NotEmpty(_))));
    }

    #[test]
    fn a_temporary_directory_goes_with_the_demo() {
        let home = Home::make(None).expect("a temporary directory");
        let path = home.path().to_owned();
        assert!(path.is_dir());
        drop(home);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn an_address_in_use_is_named_with_the_option_that_changes_it() {
        let taken = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = taken.local_addr().expect("a bound listener");
        for error in [
            check_free(address, "--dns").expect_err("taken"),
            listen(address, "--dns").await.expect_err("taken"),
        ] {
            let sentence = format!(
                "{address} is in use, perhaps by another demo: stop that, or choose another with --dns"
            );
            assert_eq!(error.to_string(), sentence);
        }
    }
}
