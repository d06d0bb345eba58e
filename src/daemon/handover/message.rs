//! The messages between a process and its successor: short texts of one length, each with at most one descriptor
//! (`SCM_RIGHTS`, unix(7)).

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

/// The octets of a message: more than any text has. Zeros follow the text. All versions have the same, so that each can tell the
/// other that it does not know it.
const OCTETS: usize = 32;

/// Sends a text, and a descriptor of which the receiver gets a copy.
///
/// # Errors
///
/// What the system says.
pub fn send(mut stream: &UnixStream, text: &str, descriptor: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let mut octets = [0; OCTETS];
    octets.get_mut(..text.len()).ok_or(io::ErrorKind::InvalidInput)?.copy_from_slice(text.as_bytes());
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors: Vec<_> = descriptor.into_iter().collect();
    if !descriptors.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
    }
    let sent = sendmsg(stream, &[IoSlice::new(&octets)], &mut control, SendFlags::NOSIGNAL)?;
    stream.write_all(&octets[sent..])
}

/// Receives a text, and the descriptor that came with it.
///
/// # Errors
///
/// What the system says, and when the other side has ended or sent no text.
pub fn receive(mut stream: &UnixStream) -> io::Result<(String, Option<OwnedFd>)> {
    let mut octets = [0; OCTETS];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received =
        recvmsg(stream, &mut [IoSliceMut::new(&mut octets)], &mut control, RecvFlags::CMSG_CLOEXEC)?.bytes;
    if received == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    stream.read_exact(&mut octets[received..])?;
    let descriptor = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    let text = octets.split(|octet| *octet == 0).next().unwrap_or_default();
    let text = std::str::from_utf8(text).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok((text.to_owned(), descriptor))
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn texts_arrive_one_by_one_and_a_descriptor_with_its_own() {
        let (one, other) = UnixStream::pair().expect("a pair");
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        let address = socket.local_addr().expect("bound");
        send(&one, "first", None).expect("sent");
        send(&one, "second", Some(socket.as_fd())).expect("sent");
        send(&one, "", None).expect("sent");
        drop((one, socket));
        let (text, descriptor) = receive(&other).expect("a message");
        assert!(text == "first" && descriptor.is_none());
        let (text, descriptor) = receive(&other).expect("a message");
        assert_eq!(text, "second");
        let copy = UdpSocket::from(descriptor.expect("it came with the text"));
        assert_eq!(copy.local_addr().expect("it is bound still"), address);
        assert_eq!(receive(&other).expect("a message").0, "");
        assert_eq!(receive(&other).expect_err("the end").kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_text_that_is_too_long_is_not_sent() {
        let (one, _other) = UnixStream::pair().expect("a pair");
        assert!(send(&one, &"x".repeat(OCTETS + 1), None).is_err());
    }
}
