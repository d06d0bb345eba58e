//! The certificate authorities that one canary trusts in place of the system's.

use std::fmt;
use std::sync::Arc;

/// Certificate authorities, and the file in the configuration directory that holds them. Two are equal when their
/// certificates are: the probes of a canary begin anew when its file has changed.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorities {
    /// The name of the file.
    pub file: Arc<str>,
    /// Each certificate, in DER.
    pub certificates: Arc<[Vec<u8>]>,
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorities({}: {})", self.file, self.certificates.len())
    }
}
