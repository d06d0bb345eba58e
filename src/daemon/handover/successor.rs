//! The process that comes next, as the running one sees it.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;

use rustix::net::sockopt::socket_peercred;
use rustix::process::geteuid;
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::super::chain;
use super::{
    ALL, HELLO, MESSAGE_WITHIN, PATH, PAUSE, READY, SERVING, SERVING_WITHIN, SOCKET, STATE, UNKNOWN, message,
};
use crate::files::StateDirectory;

/// The sockets of this process, once more: what answers on them closes its own when it ends.
#[derive(Debug, Default)]
pub struct HeldSockets(Vec<OwnedFd>);

impl HeldSockets {
    /// Holds a socket as well.
    ///
    /// # Errors
    ///
    /// When there is no descriptor for it.
    pub fn hold(&mut self, socket: &impl AsFd) -> io::Result<()> {
        self.0.push(socket.as_fd().try_clone_to_owned()?);
        Ok(())
    }
}

/// A process that is ready to go on instead of this one.
#[derive(Debug)]
pub struct Successor {
    stream: UnixStream,
    /// The number of the process.
    pub pid: i32,
}

/// Why a handover failed when it could no longer be undone.
#[derive(Debug, thiserror::Error)]
#[error("process {pid} was handed the state, and does not answer")]
pub struct HandoverError {
    pid: i32,
    source: io::Error,
}

impl Successor {
    /// Gives the state, which is written, with the lock of its directory, and waits until the process answers.
    ///
    /// # Errors
    ///
    /// When it ends before, or takes too long.
    pub async fn take_over(self, directory: Option<StateDirectory>) -> Result<(), HandoverError> {
        let pid = self.pid;
        let told = tokio::task::spawn_blocking(move || self.give(directory.as_ref()));
        told.await
            .unwrap_or_else(|panic| Err(io::Error::other(panic)))
            .map_err(|source| HandoverError { pid, source })
    }

    fn give(&self, directory: Option<&StateDirectory>) -> io::Result<()> {
        let lock = directory.and_then(StateDirectory::lock_file).map(AsFd::as_fd);
        message::send(&self.stream, STATE, lock)?;
        self.stream.set_read_timeout(Some(SERVING_WITHIN))?;
        match message::receive(&self.stream)? {
            (text, _) if text == SERVING => Ok(()),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// Waits for successors.
#[derive(Debug)]
pub struct SuccessorListener {
    successors: mpsc::Receiver<Successor>,
    task: Option<JoinHandle<()>>,
}

impl SuccessorListener {
    /// Starts to wait in a state directory; without one there is nothing to wait for. Where the system refuses, the process cannot
    /// be replaced, which is logged.
    pub fn start(directory: Option<&StateDirectory>, held: HeldSockets) -> Self {
        let (ready, successors) = mpsc::channel(1);
        let listener = directory.map(|directory| listen(directory.path()));
        let task = match listener {
            Some(Ok(listener)) => Some(tokio::spawn(meet(listener, Arc::new(held), ready))),
            Some(Err(error)) => {
                tracing::warn!("`serve --replace` cannot replace this process: {}", chain(&error));
                None
            }
            None => None,
        };
        Self { successors, task }
    }

    /// Returns the next process that is ready; it waits for ever when none can come.
    pub async fn next(&mut self) -> Successor {
        match self.successors.recv().await {
            Some(successor) => successor,
            None => std::future::pending().await,
        }
    }
}

impl Drop for SuccessorListener {
    fn drop(&mut self) {
        self.task.iter().for_each(JoinHandle::abort);
    }
}

/// Listens in a directory that this process has locked, so that what is there is of a process that is gone.
fn listen(directory: &Path) -> io::Result<UnixListener> {
    let path = directory.join(PATH);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    UnixListener::bind(path)
}

/// Meets one process after the other.
async fn meet(listener: UnixListener, held: Arc<HeldSockets>, ready: mpsc::Sender<Successor>) {
    loop {
        let stream = listener.accept().await.and_then(|(stream, _)| stream.into_std());
        let held = Arc::clone(&held);
        let greeted = match stream {
            Ok(stream) => tokio::task::spawn_blocking(move || greet(stream, &held)).await,
            Err(error) => Ok(Err(error)),
        };
        match greeted.unwrap_or_else(|panic| Err(io::Error::other(panic))) {
            Ok(successor) => _ = ready.send(successor).await,
            Err(error) => {
                tracing::warn!(
                    "a process that was to replace this one did not come so far: {}",
                    chain(&error)
                );
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Gives a process the sockets, and waits until it is ready.
fn greet(stream: UnixStream, held: &HeldSockets) -> io::Result<Successor> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(MESSAGE_WITHIN))?;
    stream.set_write_timeout(Some(MESSAGE_WITHIN))?;
    let peer = socket_peercred(&stream)?;
    if !peer.uid.is_root() && peer.uid != geteuid() {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("it is of user {}", peer.uid.as_raw()),
        ));
    }
    let pid = peer.pid.as_raw_nonzero().get();
    match message::receive(&stream)? {
        (text, _) if text == HELLO => {}
        _ => {
            message::send(&stream, UNKNOWN, None)?;
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is of another version"));
        }
    }
    tracing::info!("process {pid} is about to replace this one");
    for socket in &held.0 {
        message::send(&stream, SOCKET, Some(socket.as_fd()))?;
    }
    message::send(&stream, ALL, None)?;
    match message::receive(&stream)? {
        (text, _) if text == READY => Ok(Successor { stream, pid }),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::super::{Predecessor, ReplaceError};
    use super::*;
    use crate::serve::PassedSockets;

    /// Starts to wait with one socket in a directory that is locked.
    fn start(home: &Path) -> (StateDirectory, UdpSocket, SuccessorListener) {
        let directory = StateDirectory::lock(home).expect("it is free");
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        let mut held = HeldSockets::default();
        held.hold(&socket).expect("a descriptor");
        let listener = SuccessorListener::start(Some(&directory), held);
        (directory, socket, listener)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn sockets_and_lock_pass_from_process_to_process_and_the_directory_is_never_free() {
        let home = tempfile::tempdir().expect("a directory");
        let (directory, socket, mut listener) = start(home.path());
        let address = socket.local_addr().expect("bound");
        let path = home.path().to_owned();
        let successor = tokio::task::spawn_blocking(move || {
            let mut passed = PassedSockets::default();
            let predecessor = Predecessor::meet(&path, &mut passed).expect("it hands over");
            let lock = predecessor.take_state().expect("it hands over").expect("it is locked");
            let directory = StateDirectory::handed(&path, lock);
            predecessor.release();
            (passed.udp(address).len(), directory)
        });
        listener.next().await.take_over(Some(directory)).await.expect("it answers");
        drop((listener, socket));
        let (sockets, handed) = successor.await.expect("no panic");
        assert_eq!(sockets, 1);
        StateDirectory::lock(home.path()).expect_err("the successor has it");
        drop(handed);
        StateDirectory::lock(home.path()).expect("it is free");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_successor_that_fails_before_it_is_ready_leaves_everything_as_it_was() {
        let home = tempfile::tempdir().expect("a directory");
        let (directory, _socket, mut listener) = start(home.path());
        let meet = |path: std::path::PathBuf| {
            tokio::task::spawn_blocking(move || Predecessor::meet(&path, &mut PassedSockets::default()))
        };
        drop(meet(home.path().to_owned()).await.expect("no panic").expect("it hands over"));
        let second = meet(home.path().to_owned()).await.expect("no panic").expect("it hands over");
        let ready = tokio::task::spawn_blocking(move || second.take_state().map(|lock| lock.is_some()));
        let successor = listener.next().await;
        // It ends before it answers.
        let error = successor.take_over(Some(directory)).await.expect_err("it does not answer");
        assert!(error.to_string().contains("does not answer"), "{error}");
        assert!(ready.await.expect("no panic").expect("it hands over"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn where_no_server_runs_none_is_replaced_and_that_is_said() {
        let home = tempfile::tempdir().expect("a directory");
        let meet = |home: &Path| Predecessor::meet(home, &mut PassedSockets::default());
        assert!(matches!(meet(home.path()), Err(ReplaceError::NoneRuns(_))));
        // A process that was killed leaves its socket.
        drop(std::os::unix::net::UnixListener::bind(home.path().join(PATH)).expect("a socket"));
        assert!(matches!(meet(home.path()), Err(ReplaceError::NoneRuns(_))));
        let (_directory, ..) = start(home.path());
    }
}
