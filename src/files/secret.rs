//! Reads secrets: tokens, keys and certificates, from a file or the environment. None is ever printed.

use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::regular;
use crate::config;

/// The largest file, 1 MiB: a chain of certificates has some 10 KiB, and a bundle of authorities some 300.
pub const MAX_BYTES: u64 = 1 << 20;

/// The permissions of every user of this machine, of the mode of a file. Those of its group are not among them, for
/// Kubernetes gives a secret to a process by its group.
const OTHERS: u32 = 0o007;

/// The variable that says where credentials are (systemd.exec(5)).
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// What a file or a variable holds.
pub struct SecretBytes {
    /// Without spaces and line ends around it, except when [`read_file`] has read it.
    pub bytes: Vec<u8>,
    /// The file, if every user of this machine may read or write it.
    pub exposed: Option<PathBuf>,
}

impl SecretBytes {
    /// Returns what is wrong with a file that is exposed, and the way out; `holds` is what is in it: `the secret of peers`.
    pub fn warning(&self, holds: &str) -> Option<[String; 2]> {
        let path = self.exposed.as_ref()?.display();
        let wrong = format!("every user of this machine may read or write `{path}`, {holds}");
        Some([wrong, format!("chmod o= {path}")])
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretBytes").field("exposed", &self.exposed).finish_non_exhaustive()
    }
}

/// Why a secret cannot be used. It never says a part of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read `{}`", .0.display())]
    File(PathBuf, #[source] regular::Error),
    #[error("cannot read `{path}`: file too large for a secret: {1} bytes (limit 1 MiB)", path = .0.display())]
    FileTooLarge(PathBuf, u64),
    #[error("${0} is not set")]
    Unset(String),
    #[error(
        "there is no credential `{0}`: $CREDENTIALS_DIRECTORY is not set, as systemd does for `LoadCredential=`"
    )]
    NoCredentials(String),
}

/// Reads a secret, without the spaces and line ends around it.
///
/// # Errors
///
/// When it is not there, or the file cannot be one.
pub fn read(source: &config::Secret) -> Result<SecretBytes, Error> {
    let SecretBytes { bytes, exposed } = match source {
        config::Secret::File(path) => read_file(path)?,
        config::Secret::Environment(variable) => {
            let value = std::env::var_os(variable).ok_or_else(|| Error::Unset(variable.clone()))?;
            SecretBytes { bytes: value.into_vec(), exposed: None }
        }
        config::Secret::Credential(name) => {
            let directory =
                std::env::var_os(CREDENTIALS).ok_or_else(|| Error::NoCredentials(name.clone()))?;
            read_file(&Path::new(&directory).join(name))?
        }
    };
    Ok(SecretBytes { bytes: bytes.trim_ascii().to_vec(), exposed })
}

/// Reads a whole file as it is.
///
/// # Errors
///
/// When it cannot be read, is not a regular file, or is too large for what it should hold.
pub fn read_file(path: &Path) -> Result<SecretBytes, Error> {
    let owned = || path.to_owned();
    match regular::read(path, MAX_BYTES) {
        Ok((bytes, metadata)) => {
            let exposed = (metadata.mode() & OTHERS != 0).then(owned);
            Ok(SecretBytes { bytes, exposed })
        }
        Err(regular::Error::TooLarge { bytes, .. }) => Err(Error::FileTooLarge(owned(), bytes)),
        Err(error @ (regular::Error::Io(_) | regular::Error::NotRegular)) => Err(Error::File(owned(), error)),
    }
}

/// Returns the name of a place for messages: the path of a file, `$VARIABLE`, or the credential.
pub fn place(source: &config::Secret) -> String {
    match source {
        config::Secret::File(path) => format!("`{}`", path.display()),
        config::Secret::Environment(variable) => format!("${variable}"),
        config::Secret::Credential(name) => format!("the credential `{name}`"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_is_read_without_spaces_and_line_ends_around_it() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("hook");
        fs::write(&path, " 0123456789abcdef\n").expect("a writable directory");
        let secret = read(&config::Secret::File(path)).expect("a file");
        assert_eq!(secret.bytes, b"0123456789abcdef");
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let unset = config::Secret::Environment("MERIDIAN_NO_SUCH_SECRET".to_owned());
        let error = read(&unset).expect_err("it is not set");
        assert_eq!(error.to_string(), "$MERIDIAN_NO_SUCH_SECRET is not set");
    }

    #[test]
    fn a_file_is_read_with_whether_everybody_could() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("token");
        fs::write(&path, "secret").expect("a writable directory");
        for (mode, expected) in [(0o600, false), (0o640, false), (0o644, true), (0o602, true)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("it is ours");
            let secret = read_file(&path).expect("a file");
            let is_exposed = secret.exposed.is_some();
            assert_eq!((secret.bytes.as_slice(), is_exposed), (&b"secret"[..], expected), "{mode:o}");
            assert!(!format!("{secret:?}").contains("115"), "no octet is printed");
        }
    }

    #[test]
    fn what_cannot_be_a_secret_is_refused_before_it_is_read() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let huge = directory.path().join("huge");
        File::create(&huge).and_then(|file| file.set_len(2 << 30)).expect("a sparse file");
        let error = read_file(&huge).expect_err("it is huge").to_string();
        assert!(error.ends_with("file too large for a secret: 2147483648 bytes (limit 1 MiB)"), "{error}");
        for path in [directory.path(), Path::new("/dev/zero"), Path::new("/nowhere/token")] {
            assert!(matches!(read_file(path), Err(Error::File(..))), "{}", path.display());
        }
    }
}
