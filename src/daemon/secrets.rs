//! Reads the tokens and certificates that `access` in `server.yaml` names.
//!
//! All that is wrong with them is told at once, each at the place that names it; no message says what a
//! secret holds.

use crate::admin::access::{Access, Token};
use crate::admin::tls::{self, Pem, Tls};
use crate::config::{self, Named, Origin, Problem, Problems, Severity};
use crate::files::secret::{self, Secret};

/// How a token is made.
const MAKE: &str = "make one with `openssl rand -hex 32`";

/// Reads every secret.
///
/// # Errors
///
/// Whatever cannot be used, all of it.
pub fn read(config: &config::Access) -> Result<(Access, Vec<Problem>), Problems> {
    let mut reading = Reading::default();
    let tokens = config.tokens.iter().filter_map(|token| reading.token(token));
    let tokens = tokens.collect();
    let tls = config.tls.as_ref().and_then(|tls| reading.tls(tls));
    let access = Access { tokens: reading.distinct(tokens, &config.tokens), tls };
    match reading.errors.is_empty() {
        true => Ok((access, reading.warnings)),
        false => Err(Problems { list: reading.errors, omitted: 0 }),
    }
}

/// What was wrong so far.
#[derive(Debug, Default)]
struct Reading {
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Reading {
    fn error(&mut self, origin: &Origin, message: String, hint: &str) {
        self.errors.push(origin.problem(Severity::Error, message, Some(hint.to_owned())));
    }

    fn token(&mut self, token: &config::Token) -> Option<Token> {
        let (what, text) = match &token.secret {
            config::Secret::File(path) => {
                let what = format!("`{}`", path.display());
                let hint = format!("make one with `openssl rand -hex 32 > {}`", path.display());
                let named = Named { path: path.clone(), origin: token.origin.clone() };
                (what, self.file(&named, &hint)?.bytes)
            }
            config::Secret::Environment(variable) => {
                let what = format!("${variable}");
                match std::env::var_os(variable) {
                    Some(text) => (what, text.into_encoded_bytes()),
                    None => {
                        let hint = format!("set it to a token before the server starts; {MAKE}");
                        self.error(&token.origin, format!("{what} is not set"), &hint);
                        return None;
                    }
                }
            }
        };
        // What is no text is not visible either.
        let text = String::from_utf8_lossy(text.trim_ascii());
        let made = Token::new(&token.name, token.role, &text);
        made.map_err(|unfit| self.error(&token.origin, format!("{what} {unfit}"), MAKE)).ok()
    }

    /// Reads a file that only the server should be able to read.
    fn file(&mut self, named: &Named, hint: &str) -> Option<Secret> {
        let secret = self.public_file(named, hint)?;
        if secret.is_open {
            let path = named.path.display();
            let message = format!("everybody on this machine may read or write `{path}`");
            let hint = Some(format!("chmod o= {path}"));
            self.warnings.push(named.origin.problem(Severity::Warning, message, hint));
        }
        Some(secret)
    }

    /// Reads a file that everybody may see.
    fn public_file(&mut self, named: &Named, hint: &str) -> Option<Secret> {
        let read = secret::read(&named.path);
        let say = |error| {
            let message = format!("cannot read `{}`: {error}", named.path.display());
            self.error(&named.origin, message, hint);
        };
        read.map_err(say).ok()
    }

    /// Returns the tokens if no two are alike: the log could not tell their holders apart.
    fn distinct(&mut self, tokens: Vec<Token>, config: &[config::Token]) -> Vec<Token> {
        for (index, token) in tokens.iter().enumerate() {
            let Some(first) = tokens[..index].iter().find(|first| first.is_same(token)) else { continue };
            let is_this = |config: &&config::Token| config.name == token.name();
            let origin = &config.iter().find(is_this).expect("it was made of one of these").origin;
            let message = format!("`{}` has the same token as `{}`", token.name(), first.name());
            self.error(origin, message, &format!("give everybody their own; {MAKE}"));
        }
        tokens
    }

    fn tls(&mut self, config: &config::Tls) -> Option<Tls> {
        const PEM: &str = "it is to hold PEM, as `openssl` and ACME clients write it";
        let certificate = self.public_file(&config.certificate, PEM);
        let key = self.file(&config.key, PEM);
        let clients = config.clients.as_ref().map(|clients| self.public_file(clients, PEM));
        let clients = match clients {
            None => None,
            Some(read) => Some(read?),
        };
        let (certificate, key) = (certificate?, key?);
        let pem = Pem {
            certificate: &certificate.bytes,
            key: &key.bytes,
            clients: clients.as_ref().map(|clients| clients.bytes.as_slice()),
        };
        let made = Tls::new(pem, config.operators.clone());
        made.map_err(|error| {
            let named = match (&error, &config.clients) {
                (tls::Error::Clients(_), Some(clients)) => clients,
                (tls::Error::Key(_) | tls::Error::OtherKey, _) => &config.key,
                (tls::Error::Certificate(_) | tls::Error::Clients(_), _) => &config.certificate,
            };
            self.error(&named.origin, format!("`{}` {error}", named.path.display()), PEM);
        })
        .ok()
    }
}
