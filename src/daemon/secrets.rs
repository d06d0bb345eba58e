//! Reads the secrets that `server.yaml` names: tokens, certificates and keys of `access` and `listen`, the secrets of
//! `cookies`, of `tsig_keys` and of webhooks.
//!
//! All mistakes of a section are reported at once, each at the place that names the secret. No message says what a
//! secret holds.

use std::sync::LazyLock;

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use ring::rand::{SecureRandom, SystemRandom};

use crate::admin::access::{AccessPolicy, HashedToken, UnfitToken};
use crate::admin::api::Role;
use crate::admin::tls::{self, PemFiles, TlsPolicy};
use crate::answer::wire_name;
use crate::config::{self, NamedFile, Problem, ProblemLevel, Problems, Server, SourceLine, TsigKeySource};
use crate::files::secret::{self, SecretBytes};
use crate::serve::DotPolicy;
use crate::webhook::SECRET_BYTES;
use crate::wire::{CookieSecret, CookieSecrets, TSIG_SECRET, TsigKey};

/// The way out of a mistake in a token.
const MAKE: &str = "make one with `openssl rand -hex 32`";

/// The way out of a mistake in a certificate or key.
const PEM: &str = "it must hold PEM, as `openssl` and ACME clients write it";

/// The secrets of all webhooks.
#[derive(Debug)]
pub struct WebhookSecrets {
    /// In the order of the configuration; `None`: that webhook has none.
    pub list: Vec<Option<Vec<u8>>>,
    /// Sentences about files that every user of this machine may read or write.
    pub warnings: Vec<String>,
}

/// Why the secret of a webhook cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WebhookSecretError {
    #[error("`secret` of webhook `{0}` in server.yaml")]
    Read(String, #[source] secret::Error),
    #[error(
        "`secret` of webhook `{0}` in server.yaml: {1} has {2} bytes, expected {first} to {last}: {MAKE}",
        first = SECRET_BYTES.start(),
        last = SECRET_BYTES.end()
    )]
    Length(String, String, usize),
}

/// Reads the secrets of all webhooks. Loading a configuration does not ask for them: an operator who checks or
/// simulates one need not be allowed to know them.
///
/// # Errors
///
/// When one cannot be used.
pub fn of_webhooks(server: &Server) -> Result<WebhookSecrets, WebhookSecretError> {
    let mut secrets = WebhookSecrets { list: Vec::new(), warnings: Vec::new() };
    for config::Webhook { name, secret, .. } in &server.webhooks {
        let Some(source) = secret else {
            secrets.list.push(None);
            continue;
        };
        let failed = |error| WebhookSecretError::Read(name.clone(), error);
        let read = secret::read(source).map_err(failed)?;
        secrets.warnings.extend(sentence(&read, &format!("the secret of webhook `{name}`")));
        let SecretBytes { bytes, .. } = read;
        if !SECRET_BYTES.contains(&bytes.len()) {
            return Err(WebhookSecretError::Length(name.clone(), secret::place(source), bytes.len()));
        }
        secrets.list.push(Some(bytes));
    }
    Ok(secrets)
}

/// Returns the warning about a secret whose place in the configuration is not known.
fn sentence(read: &SecretBytes, holds: &str) -> Option<String> {
    read.warning(holds).map(|[wrong, hint]| format!("{wrong}: `{hint}`"))
}

/// What instances prove themselves with to each other.
pub struct PeerSecret {
    /// What this one shows.
    pub text: String,
    /// What others are held against.
    pub hashed: HashedToken,
    /// A sentence about a file that every user of this machine may read or write.
    pub warning: Option<String>,
}

/// Why the secret of peers cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PeerSecretError {
    #[error("`peers.secret` in server.yaml")]
    Read(#[source] secret::Error),
    #[error("`peers.secret` in server.yaml: {0} {1}: {MAKE}, the same for all instances")]
    Unfit(String, UnfitToken),
}

/// Reads the secret of peers, if there are any.
///
/// # Errors
///
/// When it cannot be used.
pub fn of_peers(server: &Server) -> Result<Option<PeerSecret>, PeerSecretError> {
    let Some(config::Peers { secret: source, .. }) = &server.peers else { return Ok(None) };
    let read = secret::read(source).map_err(PeerSecretError::Read)?;
    let warning = sentence(&read, "the secret of peers");
    let text = String::from_utf8_lossy(&read.bytes).into_owned();
    let unfit = |unfit| PeerSecretError::Unfit(secret::place(source), unfit);
    let hashed = HashedToken::new("peers", Role::Read, &text).map_err(unfit)?;
    Ok(Some(PeerSecret { text, hashed, warning }))
}

/// Reads everything that `access` names, and returns it with warnings.
///
/// # Errors
///
/// With every mistake.
pub fn of_access(config: &config::Access) -> Result<(AccessPolicy, Vec<Problem>), Problems> {
    let mut reader = SecretReader::default();
    let tokens = reader.tokens(config);
    let tls = config.tls.as_ref().and_then(|tls| reader.tls(tls));
    match reader.errors.is_empty() {
        true => Ok((AccessPolicy { tokens, tls, loopback: config.loopback }, reader.warnings)),
        false => Err(Problems { list: reader.errors, omitted: 0 }),
    }
}

/// Reads the tokens of `access` alone, and returns those that can be used, with why the others cannot.
pub fn of_tokens(config: &config::Access) -> (Vec<HashedToken>, Vec<Problem>) {
    let mut reader = SecretReader::default();
    let tokens = reader.tokens(config);
    (tokens, reader.errors)
}

/// Reads the certificate and the key of DNS over TLS, if it is listened for, and returns them with warnings.
///
/// # Errors
///
/// With every mistake.
pub fn of_listen(config: &config::Listen) -> Result<(Option<DotPolicy>, Vec<Problem>), Problems> {
    let mut reader = SecretReader::default();
    let policy = config.tls.as_ref().and_then(|tls| reader.tls(&tls.files));
    match reader.errors.is_empty() {
        true => Ok((policy.map(|policy| DotPolicy::new(policy.config())), reader.warnings)),
        false => Err(Problems { list: reader.errors, omitted: 0 }),
    }
}

/// Reads the secrets of DNS cookies, and returns them with warnings. Where none are configured, it is one that this
/// process has made up, the same with every reload.
///
/// # Errors
///
/// With every mistake.
pub fn of_cookies(
    sources: Option<&config::CookieSources>,
) -> Result<(CookieSecrets, Vec<Problem>), Problems> {
    static OF_THIS_PROCESS: LazyLock<CookieSecret> = LazyLock::new(|| CookieSecret(random()));
    let Some(sources) = sources else {
        let active = *OF_THIS_PROCESS;
        return Ok((CookieSecrets { active, staged: None, retired: None }, Vec::new()));
    };
    let mut reader = SecretReader::default();
    let active = reader.cookie(&sources.active);
    let staged = sources.staged.as_ref().and_then(|source| reader.cookie(source));
    let retired = sources.retired.as_ref().and_then(|source| reader.cookie(source));
    match active {
        Some(active) if reader.errors.is_empty() => {
            Ok((CookieSecrets { active, staged, retired }, reader.warnings))
        }
        Some(_) | None => Err(Problems { list: reader.errors, omitted: 0 }),
    }
}

/// Reads the keys that are shared with secondaries, and returns them with warnings.
///
/// # Errors
///
/// With every mistake.
pub fn of_tsig(sources: &[TsigKeySource]) -> Result<(Vec<TsigKey>, Vec<Problem>), Problems> {
    let mut reader = SecretReader::default();
    let keys: Vec<_> = sources.iter().filter_map(|source| reader.tsig(source)).collect();
    match reader.errors.is_empty() {
        true => Ok((keys, reader.warnings)),
        false => Err(Problems { list: reader.errors, omitted: 0 }),
    }
}

/// Returns 128 bits that cannot be guessed, whatever is known of the process. Those of `fastrand` could: its seed is a hash of
/// the time at which it is first asked.
pub fn random() -> [u8; 16] {
    let mut octets = [0; 16];
    SystemRandom::new().fill(&mut octets).expect("the system has random numbers");
    octets
}

/// Collects mistakes.
#[derive(Debug, Default)]
struct SecretReader {
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl SecretReader {
    fn error(&mut self, origin: &SourceLine, message: String, hint: &str) {
        self.errors.push(origin.problem(ProblemLevel::Error, message, Some(hint.to_owned())));
    }

    /// Returns the tokens that can be used. One that equals an earlier one cannot: the log could not tell their holders
    /// apart.
    fn tokens(&mut self, config: &config::Access) -> Vec<HashedToken> {
        let mut tokens: Vec<HashedToken> = Vec::new();
        for named in &config.tokens {
            let Some(token) = self.token(named) else { continue };
            match tokens.iter().find(|first| first.is_same(&token)) {
                None => tokens.push(token),
                Some(first) => {
                    let message = format!("`{}` has the same token as `{}`", token.name(), first.name());
                    let hint = format!("give each holder a token of their own; {MAKE}");
                    self.error(&named.origin, message, &hint);
                }
            }
        }
        tokens
    }

    fn token(&mut self, token: &config::AccessToken) -> Option<HashedToken> {
        let hint = match &token.secret {
            config::Secret::File(path) => {
                format!("make one with `openssl rand -hex 32 > {}`", path.display())
            }
            config::Secret::Environment(_) => format!("set it to a token before the server starts; {MAKE}"),
            config::Secret::Credential(name) => {
                format!("write `LoadCredential={name}:/…` in the unit; {MAKE}")
            }
        };
        let read = self.taken(secret::read(&token.secret), &token.origin, &hint)?;
        self.warn_of_exposure(&read, &format!("the token of `{}`", token.name), &token.origin);
        // Bytes that are no text are not visible characters either, and are refused as such.
        let made = HashedToken::new(&token.name, token.role, &String::from_utf8_lossy(&read.bytes));
        let place = secret::place(&token.secret);
        made.map_err(|unfit| self.error(&token.origin, format!("{place} {unfit}"), MAKE)).ok()
    }

    fn tls(&mut self, config: &config::AdminTls) -> Option<TlsPolicy> {
        let mut read = |named: &NamedFile| self.taken(secret::read_file(&named.path), &named.origin, PEM);
        let (certificate, key) = (read(&config.certificate), read(&config.key));
        let [clients, revoked] =
            [&config.clients, &config.revoked].map(|named| named.as_ref().map(&mut read));
        // Certificates are public.
        if let Some(key) = &key {
            self.warn_of_exposure(key, "the private key", &config.key.origin);
        }
        // One that is named and cannot be read is an error by now.
        let [clients, revoked] =
            [clients, revoked].map(|read| read.map_or(Some(None), |read| read.map(Some)));
        let (certificate, key, clients, revoked) = (certificate?, key?, clients?, revoked?);
        let pem = PemFiles {
            certificate: &certificate.bytes,
            key: &key.bytes,
            clients: clients.as_ref().map(|clients| clients.bytes.as_slice()),
            revoked: revoked.as_ref().map(|revoked| revoked.bytes.as_slice()),
        };
        let made = TlsPolicy::new(pem, config.operators.clone());
        made.map_err(|error| {
            let named = match error {
                tls::Error::Certificate(_) => None,
                tls::Error::Key(_) | tls::Error::OtherKey => Some(&config.key),
                tls::Error::Clients(_) => config.clients.as_ref(),
                tls::Error::Revoked(_) => config.revoked.as_ref(),
            };
            let named = named.unwrap_or(&config.certificate);
            self.error(&named.origin, format!("`{}` {error}", named.path.display()), PEM);
        })
        .ok()
    }

    fn cookie(&mut self, source: &config::CookieSource) -> Option<CookieSecret> {
        const HINT: &str = "make one with `openssl rand -hex 16`, the same for all instances";
        let read = self.taken(secret::read(&source.secret), &source.origin, HINT)?;
        self.warn_of_exposure(&read, "a secret of DNS cookies", &source.origin);
        let octets = HEXLOWER_PERMISSIVE.decode(&read.bytes).ok();
        let octets = octets.and_then(|octets| octets.try_into().ok());
        if octets.is_none() {
            let place = secret::place(&source.secret);
            let message =
                format!("a secret of DNS cookies has 32 hexadecimal digits, and {place} holds none");
            self.error(&source.origin, message, HINT);
        }
        octets.map(CookieSecret)
    }

    fn tsig(&mut self, source: &TsigKeySource) -> Option<TsigKey> {
        const HINT: &str = "make one with `openssl rand -base64 32`, the same for both servers";
        let read = self.taken(secret::read(&source.secret), &source.origin, HINT)?;
        self.warn_of_exposure(&read, "the secret of a TSIG key", &source.origin);
        let octets = BASE64.decode(&read.bytes).ok().filter(|octets| TSIG_SECRET.contains(&octets.len()));
        if octets.is_none() {
            let (least, most) = (TSIG_SECRET.start(), TSIG_SECRET.end());
            let place = secret::place(&source.secret);
            let message = format!(
                "the secret of a TSIG key is base 64 of {least} to {most} octets, and {place} holds none"
            );
            self.error(&source.origin, message, HINT);
        }
        let name = wire_name(&source.name);
        Some(TsigKey::new(&name, source.algorithm, &octets?).expect("its name is one"))
    }

    /// Returns a secret that could be read, and notes why another could not.
    fn taken(
        &mut self,
        read: Result<SecretBytes, secret::Error>,
        origin: &SourceLine,
        hint: &str,
    ) -> Option<SecretBytes> {
        read.map_err(|error| self.error(origin, super::chain(&error), hint)).ok()
    }

    fn warn_of_exposure(&mut self, read: &SecretBytes, holds: &str, origin: &SourceLine) {
        let warning = read.warning(holds);
        let problem = |[wrong, hint]: [_; 2]| origin.problem(ProblemLevel::Warning, wrong, Some(hint));
        self.warnings.extend(warning.map(problem));
    }
}
