//! One connection: turns of work, and waiting with bounds between them.
//!
//! A connection that waits has no buffers: what a turn works with belongs to the thread. Only half of a request, or
//! replies that the client does not read, are kept, and let go as soon as they are whole or written.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{self, Instant};

use super::admission::ConnectionPlace;
use super::turn::{self, Next, Stream};
use crate::serve::serving::Current;

/// How long a request may take from its first octet to its last.
pub const READ_WITHIN: Duration = Duration::from_secs(5);

/// How long a client may take to read the replies of one turn.
pub const WRITE_WITHIN: Duration = Duration::from_secs(5);

/// A connection and what it has in hand.
pub struct Connection {
    stream: TcpStream,
    client: IpAddr,
    current: Arc<Current>,
    place: ConnectionPlace,
    state: turn::Held,
    begun: RequestBegun,
}

/// The number of the last request of which a part came before the rest, and until when it must be whole.
#[derive(Debug, Default)]
struct RequestBegun(Option<(u64, Instant)>);

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The client has closed it.
    Closed,
    /// An error of the network.
    Broken,
    /// No request came for as long as `idle` says.
    Idle,
    /// It made room for another.
    Displaced,
    /// A request was not whole in time.
    SlowWriter,
    /// Replies were not read in time.
    SlowReader,
}

impl Ending {
    /// Returns its label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Broken => "broken",
            Self::Idle => "idle",
            Self::Displaced => "displaced",
            Self::SlowWriter => "slow_writer",
            Self::SlowReader => "slow_reader",
        }
    }
}

impl Connection {
    /// Takes over a connection that was accepted.
    pub fn new(stream: TcpStream, client: IpAddr, current: Arc<Current>, place: ConnectionPlace) -> Self {
        Self { stream, client, current, place, state: turn::Held::default(), begun: RequestBegun::default() }
    }

    /// Answers until it ends.
    pub async fn run(mut self) -> Ending {
        loop {
            match turn::take(&mut self.state, &Socket(&self.stream), self.client, &self.current) {
                Err(_) => return Ending::Broken,
                Ok(Next::Again) => tokio::task::yield_now().await,
                Ok(Next::Write) => match time::timeout(WRITE_WITHIN, self.write()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return Ending::Broken,
                    Err(_) => return Ending::SlowReader,
                },
                Ok(Next::End) => return Ending::Closed,
                Ok(Next::Read) => {
                    if let Err(ending) = self.wait().await {
                        return ending;
                    }
                }
            }
        }
    }

    /// Waits for octets, for as long as they may take.
    async fn wait(&mut self) -> Result<(), Ending> {
        let now = Instant::now();
        let (until, ending) = if self.state.has_part() {
            (self.begun.whole_until(self.state.answered, now), Ending::SlowWriter)
        } else {
            self.place.idle();
            (now + self.idle(), Ending::Idle)
        };
        let come = tokio::select! {
            come = self.stream.readable() => come.map_err(|_| Ending::Broken),
            () = self.place.must_leave() => Err(Ending::Displaced),
            () = time::sleep_until(until) => Err(ending),
        };
        if self.place.busy() { come } else { Err(Ending::Displaced) }
    }

    /// Returns how long a connection may be idle, as the configuration in force says.
    fn idle(&self) -> Duration {
        self.current.load().snapshot.base.config.server.listen.tcp.idle
    }

    /// Writes what a turn could not.
    async fn write(&mut self) -> io::Result<()> {
        let unsent = std::mem::take(&mut self.state.unsent);
        let mut rest = &unsent[..];
        while !rest.is_empty() {
            self.stream.writable().await?;
            rest = &rest[Socket(&self.stream).write(rest)?..];
        }
        Ok(())
    }
}

impl RequestBegun {
    /// Returns until when a request must be whole: one that dribbles in has one time for all of it, which does not begin
    /// before it does, however slowly the client reads the replies to others.
    fn whole_until(&mut self, number: u64, now: Instant) -> Instant {
        match self.0 {
            Some((begun, until)) if begun == number => until,
            Some(_) | None => {
                let until = now + READ_WITHIN;
                self.0 = Some((number, until));
                until
            }
        }
    }
}

/// A socket that does not wait: what it cannot do at once is nothing read or written.
struct Socket<'s>(&'s TcpStream);

impl Stream for Socket<'_> {
    fn read(&self, into: &mut [u8]) -> io::Result<Option<usize>> {
        match self.0.try_read(into) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            read => read.map(Some),
        }
    }

    fn write(&self, octets: &[u8]) -> io::Result<usize> {
        match self.0.try_write(octets) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            written => written,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_has_one_time_for_all_of_it_which_begins_with_its_first_octet() {
        let (mut begun, start) = (RequestBegun::default(), Instant::now());
        let mut check = |number, second, expected| {
            let until = begun.whole_until(number, start + Duration::from_secs(second));
            assert_eq!(until - start, Duration::from_secs(expected), "{number} at {second}");
        };
        check(0, 0, 5);
        check(0, 4, 5);
        // The next one had begun when the one before was answered, and waited until its reply was read.
        check(1, 9, 14);
        check(1, 13, 14);
        check(7, 13, 18);
    }
}
