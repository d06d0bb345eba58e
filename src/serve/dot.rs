//! What clients of DNS over TLS are shown (RFC 7858): a certificate that a reload may replace.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// The protocol in TLS's negotiation (RFC 7858, section 3.1).
const ALPN: &[u8] = b"dot";

/// A certificate and its key. Connections show the one that is in force when they begin.
pub struct DotPolicy {
    shown: Arc<ShownCertificate>,
    config: Arc<ServerConfig>,
}

/// The configuration whose certificate is shown.
struct ShownCertificate(ArcSwap<ServerConfig>);

impl DotPolicy {
    /// Makes it of a server's side of TLS, of which it takes all but the protocol.
    pub fn new(config: Arc<ServerConfig>) -> Self {
        let shown = Arc::new(ShownCertificate(ArcSwap::new(Arc::clone(&config))));
        let mut config = ServerConfig::clone(&config);
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.cert_resolver = Arc::clone(&shown) as Arc<dyn ResolvesServerCert>;
        Self { shown, config: Arc::new(config) }
    }

    /// Shows the certificate of another policy from now on.
    pub fn show(&self, other: &Self) {
        self.shown.0.store(other.shown.0.load_full());
    }

    /// Returns the server's side of handshakes.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

impl fmt::Debug for DotPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DotPolicy").finish_non_exhaustive()
    }
}

impl ResolvesServerCert for ShownCertificate {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.load().cert_resolver.resolve(hello)
    }
}

impl fmt::Debug for ShownCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShownCertificate").finish_non_exhaustive()
    }
}
