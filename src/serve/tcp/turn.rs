//! A turn of a connection: read what is there, answer the requests that are whole, write the replies together.
//!
//! Requests are framed by two octets with their length (RFC 1035, section 4.2.2), and are answered as they come, however
//! many are sent ahead (RFC 7766, section 6.2.1.1). A turn is short, so that one busy connection keeps no other waiting, and
//! ends when the client does not read: nothing more is read from it until its replies are written. A zone transfer goes on
//! over as many turns as it takes, and what was sent ahead of its end is answered after it.

use std::cell::RefCell;
use std::io;
use std::net::IpAddr;

use crate::engine::{MAX_REPLY, Transport};
use crate::serve::serving::{self, Current, StreamReply};
use crate::transfer::TransferStream;

/// The octets of a length.
const LENGTH: usize = 2;

/// The octets of the longest message with its length.
const MAX_FRAME: usize = LENGTH + u16::MAX as usize;

/// The most requests that are answered in a turn: some 20 µs of work, or one reply of the largest size and its copy.
const MAX_ANSWERS: usize = 64;

/// What is in hand between two turns.
#[derive(Debug, Default)]
pub struct Held {
    /// What was read and not answered.
    input: Vec<u8>,
    /// Replies that were not written. While there are any, no turn is taken.
    pub unsent: Vec<u8>,
    /// A zone transfer that is under way.
    transfer: Option<Box<TransferStream>>,
    /// How many requests were whole so far.
    pub answered: u64,
    /// Whether the client has sent all that it wants to send.
    is_ended: bool,
    /// Whether a transfer could not be brought to its end.
    is_broken: bool,
}

impl Held {
    /// Returns whether a part of a request is here.
    pub fn has_part(&self) -> bool {
        !self.input.is_empty()
    }
}

/// What comes after a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// More requests are here already.
    Again,
    /// Replies have to be written first.
    Write,
    /// More has to come.
    Read,
    /// The client has closed its side, and everything is answered.
    End,
}

/// Octets in and out, of which none is waited for.
pub trait Stream {
    /// Reads some; `None`: none are there, zero: none will come.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    fn read(&self, into: &mut [u8]) -> io::Result<Option<usize>>;

    /// Writes as many as can be, and returns how many.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    fn write(&self, octets: &[u8]) -> io::Result<usize>;
}

/// Buffers of a thread, for whichever connection has its turn.
struct Desk {
    input: Box<[u8]>,
    output: Box<[u8]>,
}

thread_local! {
    static DESK: RefCell<Desk> = RefCell::new(Desk {
        input: vec![0; MAX_FRAME].into(),
        output: vec![0; 2 * MAX_FRAME].into(),
    });
}

/// Takes a turn.
///
/// # Errors
///
/// When the connection is broken.
pub fn take(held: &mut Held, stream: &impl Stream, client: IpAddr, current: &Current) -> io::Result<Next> {
    DESK.with_borrow_mut(|desk| desk.turn(held, stream, client, current))
}

impl Desk {
    fn turn(
        &mut self,
        held: &mut Held,
        stream: &impl Stream,
        client: IpAddr,
        current: &Current,
    ) -> io::Result<Next> {
        let filled = self.fill(held, stream)?;
        let (taken, written) = self.answer(held, filled, client, current);
        let rest = &self.input[taken..filled];
        held.input = rest.to_vec();
        let sent = stream.write(&self.output[..written])?;
        held.unsent = self.output[sent..written].to_vec();
        Ok(if !held.unsent.is_empty() {
            Next::Write
        } else if held.transfer.is_some() {
            Next::Again
        } else if held.is_broken {
            Next::End
        } else if request(rest).is_some() {
            Next::Again
        } else if held.is_ended {
            Next::End
        } else {
            Next::Read
        })
    }

    /// Puts what is in hand on the desk, and what can be read behind it, unless there is a whole request already;
    /// returns how much it is.
    fn fill(&mut self, held: &mut Held, stream: &impl Stream) -> io::Result<usize> {
        let input = std::mem::take(&mut held.input);
        let mut filled = input.len();
        self.input[..filled].copy_from_slice(&input);
        if request(&input).is_none() && held.transfer.is_none() && !held.is_ended {
            match stream.read(&mut self.input[filled..])? {
                Some(0) => held.is_ended = true,
                Some(count) => filled += count,
                None => {}
            }
        }
        Ok(filled)
    }

    /// Answers whole requests while there is room for the longest reply; returns how many octets of the input were
    /// taken and how many of the output were written.
    fn answer(
        &mut self,
        held: &mut Held,
        filled: usize,
        client: IpAddr,
        current: &Current,
    ) -> (usize, usize) {
        let (mut taken, mut written) = (0, 0);
        let serving = current.load();
        let time = serving::now();
        for _ in 0..MAX_ANSWERS {
            let room = &mut self.output[written..];
            if room.len() < MAX_FRAME {
                break;
            }
            let reply = &mut room[LENGTH..LENGTH + MAX_REPLY];
            let length = if let Some(transfer) = &mut held.transfer {
                let length = transfer.next(reply, time.wall);
                if length.is_none() {
                    serving.transferred(transfer, client, time);
                    held.is_broken = transfer.has_failed;
                    held.transfer = None;
                }
                length
            } else {
                let Some(request) = request(&self.input[taken..filled]).filter(|_| !held.is_broken) else {
                    break;
                };
                taken += LENGTH + request.len();
                held.answered += 1;
                match serving.answer_stream(request, (client, Transport::Tcp), time, reply) {
                    StreamReply::Message(length) => Some(length),
                    StreamReply::Silence => None,
                    StreamReply::Transfer(transfer) => {
                        held.transfer = Some(transfer);
                        None
                    }
                }
            };
            if let Some(length) = length {
                let prefix = u16::try_from(length).expect("no reply is longer than the format allows");
                room[..LENGTH].copy_from_slice(&prefix.to_be_bytes());
                written += LENGTH + length;
            }
        }
        (taken, written)
    }
}

/// Returns the first request, if it is whole.
fn request(input: &[u8]) -> Option<&[u8]> {
    let (length, rest) = input.split_first_chunk::<LENGTH>()?;
    rest.get(..usize::from(u16::from_be_bytes(*length)))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::serve::fixture::{self, QUERY, REPLY};

    /// A connection whose input comes in these pieces, and whose client takes so many octets of each write.
    struct Script {
        input: RefCell<Vec<Vec<u8>>>,
        takes: usize,
        output: RefCell<Vec<u8>>,
    }

    impl Stream for Script {
        fn read(&self, into: &mut [u8]) -> io::Result<Option<usize>> {
            let mut pieces = self.input.borrow_mut();
            let Some(piece) = pieces.first_mut() else { return Ok(Some(0)) };
            let count = piece.len().min(into.len());
            into[..count].copy_from_slice(&piece[..count]);
            piece.drain(..count);
            if piece.is_empty() {
                pieces.remove(0);
            }
            Ok(Some(count))
        }

        fn write(&self, octets: &[u8]) -> io::Result<usize> {
            let count = octets.len().min(self.takes);
            self.output.borrow_mut().extend(&octets[..count]);
            Ok(count)
        }
    }

    fn framed(message: &[u8]) -> Vec<u8> {
        [&u16::try_from(message.len()).expect("short").to_be_bytes(), message].concat()
    }

    /// Plays a connection to its end, and returns what the client got, how many turns it took, and what was the most
    /// that was kept between two of them.
    fn play(pieces: Vec<Vec<u8>>, takes: usize) -> (Vec<u8>, usize, usize) {
        let script = Script { input: RefCell::new(pieces), takes, output: RefCell::default() };
        let (mut held, current) = (Held::default(), fixture::current());
        let (mut turns, mut most) = (0, 0);
        loop {
            turns += 1;
            let next = take(&mut held, &script, Ipv4Addr::LOCALHOST.into(), &current).expect("no error");
            most = most.max(held.input.capacity() + held.unsent.capacity());
            match next {
                Next::End => return (script.output.into_inner(), turns, most),
                Next::Write => script.output.borrow_mut().append(&mut std::mem::take(&mut held.unsent)),
                Next::Again | Next::Read => {}
            }
        }
    }

    #[test]
    fn requests_are_answered_in_their_order_however_they_are_cut_into_pieces() {
        let requests = framed(QUERY).repeat(3);
        let replies = framed(REPLY).repeat(3);
        for size in [1, 2, 7, 40, 1000] {
            let pieces = requests.chunks(size).map(<[u8]>::to_vec).collect();
            assert_eq!(play(pieces, usize::MAX).0, replies, "pieces of {size}");
        }
    }

    #[test]
    fn a_client_that_reads_slowly_gets_the_same_and_is_not_read_from_meanwhile() {
        let replies = framed(REPLY).repeat(200);
        let (got, turns, _) = play(vec![framed(QUERY).repeat(200)], 10);
        assert_eq!(got, replies);
        assert!(turns >= 200 / MAX_ANSWERS, "{turns} turns");
    }

    #[test]
    fn large_replies_to_requests_that_are_sent_ahead_fill_no_memory() {
        let big = [&QUERY[..12], b"\x03big", &QUERY[16..QUERY.len() - 4], b"\0\x10\0\x01"].concat();
        let (got, _, most) = play(vec![framed(&big).repeat(500)], 0);
        assert!(got.len() > 500 * 28_000, "{} octets", got.len());
        assert!(most < 3 * MAX_FRAME, "{most} octets were kept");
    }

    #[test]
    fn a_request_of_the_largest_size_is_read_whole_and_answered() {
        let longest = [QUERY, &vec![0; 65_535 - QUERY.len()]].concat();
        let pieces = framed(&longest).chunks(1400).map(<[u8]>::to_vec).collect();
        let (got, ..) = play(pieces, usize::MAX);
        // Octets behind the question are malformed: FORMERR.
        assert_eq!((&got[2..4], got[5] & 0xf), (&QUERY[..2], 1));
    }

    #[test]
    fn half_a_request_at_the_end_is_no_request() {
        let cut = &framed(QUERY)[..20];
        assert_eq!(play(vec![[&framed(QUERY)[..], cut].concat()], usize::MAX).0, framed(REPLY));
        assert_eq!(play(vec![b"\0".to_vec()], usize::MAX).0, b"");
    }

    #[test]
    fn a_turn_without_a_rest_allocates_nothing() {
        let script = |count| Script {
            input: RefCell::new(vec![framed(QUERY).repeat(count)]),
            takes: usize::MAX,
            output: RefCell::new(Vec::with_capacity(1 << 16)),
        };
        let (mut held, current) = (Held::default(), fixture::current());
        let mut turn = |script: Script| {
            let client = Ipv4Addr::LOCALHOST.into();
            allocation_counter::measure(|| {
                assert_eq!(take(&mut held, &script, client, &current).expect("no error"), Next::Read);
            })
        };
        turn(script(1));
        assert_eq!(turn(script(MAX_ANSWERS)).count_total, 0);
    }
}
