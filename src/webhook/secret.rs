//! The secrets of webhooks: from a file of their own or from the environment, never from the configuration itself.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use crate::config;

/// The shortest secret: 128 bits at the very best. Fewer can be guessed.
pub const MIN_OCTETS: usize = 16;

/// The longest: a file that has more is not a secret.
const MAX_OCTETS: u64 = 4096;

/// Why a secret cannot be used. It never says a part of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is missing or cannot be read.
    #[error("the file `{}` cannot be read", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The environment does not have it.
    #[error("the environment variable `{0}` is not set")]
    Unset(String),
    /// Nothing is there.
    #[error("{0} is empty")]
    Empty(String),
    /// Too little is there.
    #[error(
        "{place} has {octets} octets, and a secret has at least {MIN_OCTETS}; `openssl rand -hex 32` makes one"
    )]
    Short {
        /// Where it is.
        place: String,
        /// How many it has.
        octets: usize,
    },
    /// Too much is there.
    #[error("{0} has more than {MAX_OCTETS} octets")]
    Long(String),
}

/// Reads a secret, without the spaces and line ends around it.
///
/// # Errors
///
/// When it is not there, or is too short or too long.
pub fn read(secret: &config::Secret) -> Result<Vec<u8>, Error> {
    let (place, text) = match secret {
        config::Secret::File(path) => {
            let failed = |source| Error::File { path: path.clone(), source };
            (format!("the file `{}`", path.display()), bounded(path).map_err(failed)?)
        }
        config::Secret::Environment(name) => {
            use std::os::unix::ffi::OsStringExt;
            let value = std::env::var_os(name).ok_or_else(|| Error::Unset(name.clone()))?;
            (format!("the environment variable `{name}`"), value.into_vec())
        }
    };
    if text.len() as u64 > MAX_OCTETS {
        return Err(Error::Long(place));
    }
    match text.trim_ascii() {
        [] => Err(Error::Empty(place)),
        text if text.len() < MIN_OCTETS => Err(Error::Short { place, octets: text.len() }),
        text => Ok(text.to_vec()),
    }
}

/// Reads one octet more than the longest secret has.
fn bounded(path: &PathBuf) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(MAX_OCTETS + 1).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a file with this content, and returns the secret or what is said.
    fn check(content: &str) -> Result<Vec<u8>, String> {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("hook");
        std::fs::write(&path, content).expect("a file");
        let place = directory.path().display().to_string();
        read(&config::Secret::File(path)).map_err(|error| error.to_string().replace(&place, "RUN"))
    }

    #[test]
    fn a_secret_is_read_without_the_line_end_after_it() {
        assert_eq!(check("0123456789abcdef\n").as_deref(), Ok(&b"0123456789abcdef"[..]));
    }

    #[test]
    fn a_secret_that_is_empty_short_or_long_is_refused_and_never_shown() {
        assert_eq!(check(" \n"), Err("the file `RUN/hook` is empty".to_owned()));
        let short = check("hunter2\n").expect_err("it is short");
        assert!(
            short.starts_with("the file `RUN/hook` has 7 octets") && !short.contains("hunter2"),
            "{short}"
        );
        assert!(check(&"x".repeat(5000)).expect_err("it is long").contains("more than 4096"));
    }

    #[test]
    fn a_secret_that_is_nowhere_is_named() {
        let missing = read(&config::Secret::File(PathBuf::from("/nonexistent"))).expect_err("it is missing");
        assert_eq!(missing.to_string(), "the file `/nonexistent` cannot be read");
        let unset = config::Secret::Environment("MERIDIAN_NO_SUCH_SECRET".to_owned());
        let unset = read(&unset).expect_err("it is not set").to_string();
        assert_eq!(unset, "the environment variable `MERIDIAN_NO_SUCH_SECRET` is not set");
    }
}
