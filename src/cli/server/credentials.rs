//! What a command shows to a server, and whom it trusts: token, certificate, authority.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use reqwest::header::HeaderValue;
use reqwest::{Certificate, Client, ClientBuilder, Identity, redirect};

/// The variables of the environment that say where a token is, and what it is.
const TOKEN_FILE: &str = "MERIDIAN_TOKEN_FILE";
const TOKEN: &str = "MERIDIAN_TOKEN";

/// How long a running server may take: to explain, it reads its database.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same for all instances that a command asks.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Credentials {
    /// Send the token in this file; without it, that of $MERIDIAN_TOKEN_FILE or $MERIDIAN_TOKEN
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// Trust this authority of the server's certificate (PEM); without it, those of the system
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// Show this certificate (PEM) to the server
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,

    /// Prove the certificate with this key (PEM)
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
}

impl Credentials {
    pub(super) fn client(&self) -> anyhow::Result<ClientBuilder> {
        // A token must not follow a redirection.
        let mut client = Client::builder().no_proxy().timeout(PATIENCE).redirect(redirect::Policy::none());
        if let Some(path) = &self.ca {
            let authorities = Certificate::from_pem_bundle(&read_file(path)?);
            let authorities = authorities.with_context(|| format!("`{}` is not PEM", path.display()))?;
            client = client.tls_certs_only(authorities);
        }
        if let (Some(certificate), Some(key)) = (&self.certificate, &self.key) {
            let pem = [read_file(certificate)?, read_file(key)?].join(&b'\n');
            let identity = Identity::from_pem(&pem).with_context(|| {
                format!("`{}` and `{}` are no certificate and key", certificate.display(), key.display())
            });
            client = client.identity(identity?);
        }
        Ok(client)
    }

    /// Returns the header with the token, if there is one anywhere.
    pub(super) fn token(&self) -> anyhow::Result<Option<HeaderValue>> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let file = self.token_file.clone().or_else(|| variable(TOKEN_FILE).map(PathBuf::from));
        let (text, whence) = match (file, variable(TOKEN)) {
            (Some(path), _) => (read_file(&path)?, format!("`{}`", path.display())),
            (None, Some(text)) => (text.into_encoded_bytes(), format!("${TOKEN}")),
            (None, None) => return Ok(None),
        };
        let header = HeaderValue::from_bytes(&[b"Bearer ", text.trim_ascii()].concat());
        // The error would not say what the token is, but this says where it is.
        let mut header = header.ok().with_context(|| format!("{whence} holds no token: it is one line"))?;
        header.set_sensitive(true);
        Ok(Some(header))
    }
}

fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))
}
