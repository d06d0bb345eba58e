//! The process that is replaced, as its successor sees it.

use std::fs::File;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use socket2::Socket;

use super::{ALL, HELLO, MESSAGE_WITHIN, PATH, READY, SERVING, SOCKET, STATE, message};
use crate::serve::{PassedSocketError, PassedSockets};

/// A process that is to be replaced. While this is not told otherwise, it goes on.
#[derive(Debug)]
pub struct Predecessor {
    stream: UnixStream,
}

/// Why a process cannot be replaced. Its message is the sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    #[error(
        "`--replace` finds the running server by its state directory: name one in `state` in server.yaml"
    )]
    Stateless,
    #[error(
        "no server that could be replaced runs on the state directory `{}`: start one without `--replace`",
        .0.display()
    )]
    NoneRuns(PathBuf),
    #[error(
        "the running server is of a version that cannot hand over to this one: stop it, and start this one"
    )]
    Unknown,
    #[error("the running server did not hand over, see its log")]
    Broken(#[from] io::Error),
    #[error("a socket of the running server cannot be used")]
    Socket(#[from] PassedSocketError),
}

impl Predecessor {
    /// Asks the process that has a state directory for its sockets, and adds them to those that were passed.
    ///
    /// # Errors
    ///
    /// When there is none, or it does not give them.
    pub fn meet(directory: &Path, passed: &mut PassedSockets) -> Result<Self, ReplaceError> {
        let stream = UnixStream::connect(directory.join(PATH)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                ReplaceError::NoneRuns(directory.to_owned())
            }
            _ => ReplaceError::Broken(error),
        })?;
        stream.set_read_timeout(Some(MESSAGE_WITHIN))?;
        stream.set_write_timeout(Some(MESSAGE_WITHIN))?;
        message::send(&stream, HELLO, None)?;
        loop {
            let (text, descriptor) = message::receive(&stream)?;
            match (&text[..], descriptor) {
                (ALL, _) => return Ok(Self { stream }),
                (SOCKET, Some(descriptor)) => passed.add(Socket::from(descriptor))?,
                _ => return Err(ReplaceError::Unknown),
            }
        }
    }

    /// Has the process write its state and give up the directory, and returns the file that the directory is locked by; `None`:
    /// it could not lock it either.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub fn take_state(&self) -> Result<Option<File>, ReplaceError> {
        message::send(&self.stream, READY, None)?;
        match message::receive(&self.stream)? {
            (text, lock) if text == STATE => Ok(lock.map(File::from)),
            _ => Err(ReplaceError::Unknown),
        }
    }

    /// Tells the process that queries are answered without it. It may be gone by now.
    pub fn release(self) {
        let _ = message::send(&self.stream, SERVING, None);
    }
}
