//! One canary, prepared for one address, and run as often as wanted.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time;

use super::failure;
use super::http::{self, HttpProbe};
use super::trust::Trust;
use crate::canary::{Check, Failure};

/// One canary, prepared for one address.
#[derive(Debug)]
pub enum Probe {
    /// Connects to this place.
    Tcp(SocketAddr),
    /// Sends a request.
    Http(Box<HttpProbe>),
}

impl Probe {
    /// Prepares `check` for `address`.
    ///
    /// # Errors
    ///
    /// When the check says something that cannot be done.
    pub fn new(check: &Check, address: IpAddr, trust: &Trust) -> Result<Self, http::Error> {
        match check {
            Check::Tcp { port } => Ok(Self::Tcp(SocketAddr::new(address, *port))),
            Check::Http(check) => Ok(Self::Http(Box::new(HttpProbe::new(check, address, trust)?))),
        }
    }

    /// Runs once. Whatever the other side does, this ends within `timeout`.
    pub async fn run(&self, timeout: Duration) -> Result<(), Failure> {
        time::timeout(timeout, self.attempt())
            .await
            .unwrap_or_else(|_| Err(failure::timed_out(timeout)))
    }

    async fn attempt(&self) -> Result<(), Failure> {
        match self {
            Self::Tcp(place) => match TcpStream::connect(place).await {
                Ok(_) => Ok(()),
                Err(error) => Err(failure::of(&error)),
            },
            Self::Http(probe) => probe.run().await,
        }
    }
}
