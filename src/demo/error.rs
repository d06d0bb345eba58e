//! What keeps a demo from starting.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Why a demo does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0} is in use, perhaps by another demo: stop that, or choose another with {1}")]
    InUse(SocketAddr, &'static str),
    #[error("cannot listen on {0} for {1}")]
    Listen(SocketAddr, &'static str, #[source] io::Error),
    #[error(
        "cannot listen on {0}; the demo needs all of 127.0.0.0/8 on loopback, which Linux has from the start"
    )]
    Service(Ipv4Addr, #[source] io::Error),
    /// A target that is not one availability zone.
    #[error("{0}")]
    NoZone(String),
    #[error(
        "{0} is not empty: choose a new directory, or run what is there with `meridian serve --config {0}`"
    )]
    NotEmpty(PathBuf),
    #[error("cannot write the configuration to {0}")]
    Write(PathBuf, #[source] io::Error),
}
