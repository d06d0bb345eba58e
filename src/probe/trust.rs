//! Whom a probe believes: over TLS, and about names.

use std::fmt;
use std::sync::{Arc, OnceLock};

use hickory_resolver::net::NetError;
use reqwest::dns::Resolve;
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;

use super::names::System;
use crate::canary::Authorities;

/// The certificate authorities and the name servers that probes believe: those of the system, read when the
/// first `https` canary, or the first canary of regions, appears. A canary may name authorities of its own.
#[derive(Default)]
pub struct Trust {
    encrypted: OnceLock<ClientConfig>,
    names: OnceLock<Arc<dyn Resolve>>,
}

impl Trust {
    /// Returns the trust in exactly these authorities.
    ///
    /// # Errors
    ///
    /// When one of them is not a certificate.
    #[cfg(test)]
    pub fn only(authorities: Vec<rustls::pki_types::CertificateDer<'static>>) -> Result<Self, rustls::Error> {
        let mut roots = rustls::RootCertStore::empty();
        for authority in authorities {
            roots.add(authority)?;
        }
        Ok(Self { encrypted: OnceLock::from(client(roots)), names: OnceLock::new() })
    }

    /// Returns the same trust, but in these words about where names lead.
    #[cfg(test)]
    pub fn with_names(self, names: Arc<dyn Resolve>) -> Self {
        Self { names: OnceLock::from(names), ..self }
    }

    /// Returns who says where names lead.
    ///
    /// # Errors
    ///
    /// When the system does not say who its name servers are.
    pub fn names(&self) -> Result<Arc<dyn Resolve>, NetError> {
        if let Some(names) = self.names.get() {
            return Ok(Arc::clone(names));
        }
        let system: Arc<dyn Resolve> = Arc::new(System::new()?);
        Ok(Arc::clone(self.names.get_or_init(|| system)))
    }

    /// Returns the TLS side of a probe that trusts these authorities; `None`: those of the system.
    pub fn encrypted(&self, authorities: Option<&Authorities>) -> ClientConfig {
        let Some(authorities) = authorities else {
            return self.encrypted.get_or_init(|| client(system())).clone();
        };
        let mut roots = rustls::RootCertStore::empty();
        let certificates = authorities.certificates.iter();
        // The configuration has refused those that cannot be parsed.
        roots.add_parsable_certificates(certificates.map(|der| CertificateDer::from_slice(der)));
        client(roots)
    }

    /// Returns the TLS side of a probe that does not use TLS: it trusts no authority, and costs no search for
    /// authorities.
    pub fn plain() -> ClientConfig {
        client(rustls::RootCertStore::empty())
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").finish_non_exhaustive()
    }
}

/// Reads the authorities of the system, from where OpenSSL would or where `SSL_CERT_FILE` points.
fn system() -> rustls::RootCertStore {
    let mut roots = rustls::RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        tracing::warn!(
            "this system has no certificate authorities, so that every https canary will fail; \
             install ca-certificates or let SSL_CERT_FILE point to a bundle"
        );
    }
    roots
}

fn client(roots: rustls::RootCertStore) -> ClientConfig {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A resumed session shows no certificate: an expired one would go unnoticed for a day, and a ticket
    // of one address would be offered to another of the same name.
    config.resumption = Resumption::disabled();
    config
}
