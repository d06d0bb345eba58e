//! TLS on the admin address: what the server shows, and whom it believes.
//!
//! Client certificates are asked for but not demanded: `/healthz` and tokens need none. One of another
//! authority ends the handshake. Sessions are not resumed, so that every connection shows its certificate
//! to the authorities and the list of operators that are in force.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::api::Role;

/// The longest name of a subject that is used, in octets: a domain name has at most 253.
const MAX_NAME: usize = 253;

/// How connections are encrypted.
#[derive(Clone)]
pub struct TlsPolicy {
    config: Arc<ServerConfig>,
    /// The names in client certificates that may operate, in lower case.
    operators: Vec<String>,
}

/// The files that TLS needs, as they were read.
#[derive(Clone, Copy)]
pub struct PemFiles<'a> {
    /// The certificate and those that lead to its authority.
    pub certificate: &'a [u8],
    pub key: &'a [u8],
    /// The authorities of client certificates, if those are asked for.
    pub clients: Option<&'a [u8]>,
    /// Their revocation lists, if there are any.
    pub revoked: Option<&'a [u8]>,
}

/// Which of the files cannot be used, and why.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("holds no certificate that can be used: {0}")]
    Certificate(String),
    #[error("holds no private key that can be used: {0}")]
    Key(String),
    #[error("holds the key of another certificate")]
    OtherKey,
    #[error("holds no authorities that can be used: {0}")]
    Clients(String),
    #[error("holds no revocation lists that can be used: {0}")]
    Revoked(String),
}

/// The names in a client certificate that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateNames(Vec<String>);

impl TlsPolicy {
    /// Makes it of what the files hold.
    ///
    /// # Errors
    ///
    /// When one of them holds something else.
    pub fn new(pem: PemFiles<'_>, operators: Vec<String>) -> Result<Self, Error> {
        let certificates = certificates(pem.certificate).map_err(Error::Certificate)?;
        let key = PrivateKeyDer::from_pem_slice(pem.key).map_err(|error| Error::Key(in_words(&error)))?;
        let provider = Arc::new(ring::default_provider());
        let signer = provider.key_provider.load_private_key(key.clone_key());
        signer.map_err(|error| Error::Key(error.to_string()))?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring supports the default protocol versions");
        let builder = match pem.clients {
            None => builder.with_no_client_auth(),
            Some(clients) => builder.with_client_cert_verifier(verifier(clients, pem.revoked, provider)?),
        };
        let config = builder.with_single_cert(certificates, key).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => Error::OtherKey,
            other => Error::Certificate(other.to_string()),
        });
        let mut config = config?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self { config: Arc::new(config), operators })
    }

    /// Returns the server side of a handshake.
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// Returns what the log calls the holder of a verified certificate, and what they may do.
    pub fn caller(&self, names: &CertificateNames) -> (String, Role) {
        let listed = names.0.iter().find(|name| self.operators.contains(&name.to_lowercase()));
        match (listed, names.0.first()) {
            (Some(name), _) => (name.clone(), Role::Operate),
            (None, Some(name)) => (name.clone(), Role::Read),
            (None, None) => ("a certificate without a name".to_owned(), Role::Read),
        }
    }
}

impl fmt::Debug for TlsPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsPolicy").field("operators", &self.operators).finish_non_exhaustive()
    }
}

impl CertificateNames {
    /// Reads the names of a certificate: its dNSNames, or its common names where there is none (RFC 6125,
    /// section 6.4.4).
    pub fn of(certificate: &CertificateDer<'_>) -> Self {
        let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return Self(Vec::new()) };
        let alternatives = certificate.subject_alternative_name().ok().flatten();
        let names = alternatives.iter().flat_map(|extension| &extension.value.general_names);
        let names = names.filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        });
        let mut names: Vec<String> = names.collect();
        if names.is_empty() {
            let common = certificate.subject().iter_common_name();
            names = common.filter_map(|name| name.as_str().ok().map(str::to_owned)).collect();
        }
        // They go into the log.
        names.retain(|name| (1..=MAX_NAME).contains(&name.len()) && !name.chars().any(char::is_control));
        Self(names)
    }
}

/// Reads certificates, at least one.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(certificates) if certificates.is_empty() => Err(in_words(&pem::Error::NoItemsFound)),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(in_words(&error)),
    }
}

/// Reads revocation lists, at least one.
fn revocation_lists(pem: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(pem).collect();
    match read {
        Ok(lists) if lists.is_empty() => Err(in_words(&pem::Error::NoItemsFound)),
        Ok(lists) => Ok(lists),
        Err(error) => Err(in_words(&error)),
    }
}

/// Returns who looks at client certificates.
fn verifier(
    pem: &[u8],
    revoked: Option<&[u8]>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(pem).map_err(Error::Clients)? {
        roots.add(authority).map_err(|error| Error::Clients(error.to_string()))?;
    }
    let lists = revoked.map_or_else(|| Ok(Vec::new()), revocation_lists).map_err(Error::Revoked)?;
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).with_crls(lists);
    // Authorities above the one that signs, and one without a list, need none.
    let builder = builder.only_check_end_entity_revocation().allow_unknown_revocation_status();
    builder.allow_unauthenticated().build().map_err(|error| match error {
        VerifierBuilderError::InvalidCrl(error) => {
            Error::Revoked(rustls::Error::InvalidCertRevocationList(error).to_string())
        }
        error => Error::Clients(error.to_string()),
    })
}

/// Says what is wrong with PEM.
fn in_words(error: &pem::Error) -> String {
    match error {
        pem::Error::NoItemsFound => "there is none in PEM, which begins with `-----BEGIN`".to_owned(),
        other => other.to_string(),
    }
}
