//! Reference targets: places outside the regions that are probed to tell an outage of this instance's own network from
//! one of the regions.

use std::fmt;
use std::str::FromStr;

use crate::moment::Moment;

/// A place outside the regions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferenceTarget {
    /// A host, by its name or IP address, and a TCP port. A connection is an answer.
    Tcp {
        /// An IPv6 address stands without brackets.
        host: String,
        /// The port, 1 to 65535.
        port: u16,
    },
    /// An `http` or `https` URL. A response is an answer, whatever its status.
    Http(String),
}

/// The result of a probe of a reference target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceSighting {
    /// The target, as the configuration has it.
    pub name: String,
    /// When the result was known.
    pub at: Moment,
    /// `Err` says why there was no answer.
    pub result: Result<(), String>,
}

/// A text that is neither a URL nor a host with a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither a URL nor a host with a port")]
pub struct InvalidReference;

impl FromStr for ReferenceTarget {
    type Err = InvalidReference;

    /// Parses `https://www.example.com/`, `192.0.2.1:443`, `[2001:db8::1]:443` or `www.example.com:443`. Whether the
    /// parts are a host and a URL is left to the caller.
    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        if text.contains("://") {
            return Ok(Self::Http(text.to_owned()));
        }
        let (host, port) = text.rsplit_once(':').ok_or(InvalidReference)?;
        let port = port.parse().ok().filter(|port| *port > 0).ok_or(InvalidReference)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        match bare {
            Some(bare) => Ok(Self::Tcp { host: bare.to_owned(), port }),
            None if host.contains(':') => Err(InvalidReference),
            None => Ok(Self::Tcp { host: host.to_owned(), port }),
        }
    }
}

/// Writes it as it is parsed.
impl fmt::Display for ReferenceTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Http(url) => f.write_str(url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_url_or_a_host_with_a_port_and_is_written_as_it_was_read() {
        for text in ["https://www.example.com/", "192.0.2.1:443", "[2001:db8::1]:443", "www.example.com:53"] {
            let target: ReferenceTarget = text.parse().expect("a target");
            assert_eq!(target.to_string(), text);
        }
        for text in ["192.0.2.1", "www.example.com", "2001:db8::1", "a:0", "a:65536", "a:b", ""] {
            assert_eq!(text.parse::<ReferenceTarget>(), Err(InvalidReference), "{text}");
        }
    }
}
