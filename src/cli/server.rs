//! Asking a running server: where it is, who asks, and whom to believe.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Certificate, Client, ClientBuilder, Identity, RequestBuilder, StatusCode, Url, redirect};

use super::run_to_end;

/// Where the server is asked unless it is said.
const ADMIN: &str = "127.0.0.1:8053";

/// The variables of the environment that say where a token is, and what it is.
const TOKEN_FILE: &str = "MERIDIAN_TOKEN_FILE";
const TOKEN: &str = "MERIDIAN_TOKEN";

/// How long a running server may take: to explain, it reads its database.
const PATIENCE: Duration = Duration::from_secs(10);

/// The options of every command that asks a running server.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "The running server")]
pub struct Server {
    /// Its admin address, such as `127.0.0.1:8053` or `https://ns1.example.net:8053`
    #[arg(long, value_name = "ADDRESS|URL")]
    pub admin: Option<String>,

    /// The file with the token that it wants; without it, $MERIDIAN_TOKEN_FILE or $MERIDIAN_TOKEN
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// The authority of its certificate (PEM); without it, those of the system
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// The certificate to show it (PEM), where it knows clients by theirs
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,

    /// The key of that certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
}

impl Server {
    /// Asks for the path of these segments, and returns the text of the answer.
    ///
    /// # Errors
    ///
    /// When the server cannot be asked, or with its own sentence when it refuses.
    pub fn ask(
        &self,
        path: &[&str],
        request: impl FnOnce(&Client, Url) -> RequestBuilder,
    ) -> anyhow::Result<String> {
        let (status, text) = self.reply(path, request)?;
        if !status.is_success() {
            bail!("{}", text.trim_end());
        }
        Ok(text)
    }

    /// Asks for the path of these segments, and returns the status and the text of the answer.
    ///
    /// # Errors
    ///
    /// When the server cannot be asked.
    pub fn reply(
        &self,
        path: &[&str],
        request: impl FnOnce(&Client, Url) -> RequestBuilder,
    ) -> anyhow::Result<(StatusCode, String)> {
        let address = self.admin.as_deref().unwrap_or(ADMIN);
        let mut url = base(address)?;
        let token = self.token()?;
        if token.is_some() && is_in_the_open(&url) {
            eprintln!(
                "meridian: warning: the token is sent to {address} in the open; https:// would hide it"
            );
        }
        // Whatever is in a name stays in one segment of the path.
        let mut segments = url.path_segments_mut().ok().context("an admin address has a path")?;
        segments.pop_if_empty().extend(path);
        drop(segments);
        let client = self.client()?.build().context("cannot use these certificates")?;
        let mut request = request(&client, url);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, token);
        }
        let asked = async {
            let reply = request.send().await?;
            let status = reply.status();
            Ok::<_, reqwest::Error>((status, reply.text().await?))
        };
        run_to_end(asked)?.with_context(|| {
            format!(
                "cannot ask the server at {address}; is it running, is this its `admin` address, and does it \
                 speak TLS (https://…) or not?"
            )
        })
    }

    fn client(&self) -> anyhow::Result<ClientBuilder> {
        // A token must not follow a redirection.
        let mut client = Client::builder().no_proxy().timeout(PATIENCE).redirect(redirect::Policy::none());
        if let Some(path) = &self.ca {
            let authorities = Certificate::from_pem_bundle(&read(path)?);
            let authorities = authorities.with_context(|| format!("`{}` is not PEM", path.display()))?;
            client = client.tls_certs_only(authorities);
        }
        if let (Some(certificate), Some(key)) = (&self.certificate, &self.key) {
            let pem = [read(certificate)?, read(key)?].join(&b'\n');
            let identity = Identity::from_pem(&pem).with_context(|| {
                format!("`{}` and `{}` are no certificate and key", certificate.display(), key.display())
            });
            client = client.identity(identity?);
        }
        Ok(client)
    }

    /// Returns the header with the token, if there is one anywhere.
    fn token(&self) -> anyhow::Result<Option<HeaderValue>> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let file = self.token_file.clone().or_else(|| variable(TOKEN_FILE).map(PathBuf::from));
        let (text, whence) = match (file, variable(TOKEN)) {
            (Some(path), _) => (read(&path)?, format!("`{}`", path.display())),
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

/// Returns the header that names an author: who is named, or else $USER. `None`: nobody is.
///
/// # Errors
///
/// When a header cannot hold the name.
pub fn author(named: Option<&str>) -> anyhow::Result<Option<HeaderValue>> {
    let author = named.map(str::to_owned).or_else(|| std::env::var("USER").ok());
    let author = author.filter(|author| !author.trim().is_empty());
    let header = |author: String| {
        HeaderValue::from_bytes(author.as_bytes())
            .with_context(|| format!("`{author}` cannot be the name of an author"))
    };
    author.map(header).transpose()
}

/// Reads what `--admin` says.
fn base(address: &str) -> anyhow::Result<Url> {
    let has_scheme = address.contains("://");
    let text = if has_scheme { address.to_owned() } else { format!("http://{address}") };
    let url = Url::parse(&text).ok().filter(|url| {
        ["http", "https"].contains(&url.scheme()) && url.username().is_empty() && url.query().is_none()
    });
    url.with_context(|| {
        format!("`{address}` is not an address such as {ADMIN} or https://ns1.example.net:8053")
    })
}

/// Returns whether what is sent there crosses a network that others may read.
fn is_in_the_open(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let is_loopback = |text: &str| text.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback());
    url.scheme() == "http" && host != "localhost" && !is_loopback(host.trim_matches(['[', ']']))
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_address_is_one_with_or_without_a_scheme() {
        for (address, expected) in [
            ("127.0.0.1:8053", Some("http://127.0.0.1:8053/")),
            ("[::1]:8053", Some("http://[::1]:8053/")),
            ("ns1.example.net", Some("http://ns1.example.net/")),
            ("https://ns1.example.net:8053", Some("https://ns1.example.net:8053/")),
            ("https://proxy.example/meridian/", Some("https://proxy.example/meridian/")),
            ("ftp://ns1.example.net", None),
            ("http://jo:secret@ns1.example.net", None),
            ("", None),
        ] {
            let url = base(address).ok().map(|url| url.to_string());
            assert_eq!(url.as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn a_token_is_in_the_open_where_it_is_neither_encrypted_nor_stays_on_this_machine() {
        for (address, expected) in [
            ("127.0.0.1:8053", false),
            ("[::1]:8053", false),
            ("localhost:8053", false),
            ("https://192.0.2.1", false),
            ("192.0.2.1:8053", true),
            ("127.0.0.1.evil.example", true),
        ] {
            assert_eq!(is_in_the_open(&base(address).expect("an address")), expected, "{address}");
        }
    }
}
