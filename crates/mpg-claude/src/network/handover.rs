//! How a process inside hands over what it listens with, and gets its standard input for it.
//!
//! Both ends are of a pair of sockets that the keeper makes: the one is the standard input of the
//! process that becomes the CLI, so that there is nothing in the file system that somebody else could
//! connect to. Descriptors go through it as `unix(7)` says.

use std::io::{self, IoSlice, IoSliceMut, PipeReader, PipeWriter};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream as StdStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use tokio::io::Interest;
use tokio::net::{TcpListener, UnixStream};

/// How many descriptors are handed over at once.
const MOST: usize = 8;

/// The keeper's end, until it was used.
#[derive(Debug)]
pub(crate) struct Entrance {
    inside: UnixStream,
    /// The standard input of the CLI, for its process.
    input: PipeReader,
}

impl Entrance {
    /// The keeper's end, what becomes the standard input of the process that is started, and what the
    /// CLI's own standard input is written to.
    pub(crate) fn new() -> io::Result<(Self, OwnedFd, PipeWriter)> {
        let (ours, theirs) = StdStream::pair()?;
        ours.set_nonblocking(true)?;
        let (input, writer) = io::pipe()?;
        let inside = UnixStream::from_std(ours)?;
        Ok((Self { inside, input }, theirs.into(), writer))
    }

    /// Takes so many listeners over, and hands the standard input out for them.
    ///
    /// # Errors
    ///
    /// If others come, or nobody is there any more.
    pub(crate) async fn take(self, count: usize) -> io::Result<Vec<TcpListener>> {
        let Self { inside, input } = self;
        let taken = inside.async_io(Interest::READABLE, || receive(&inside));
        let taken = taken.await?.into_iter().map(|listener| {
            let listener = std::net::TcpListener::from(listener);
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener)
        });
        let listeners: Vec<TcpListener> = taken.collect::<io::Result<_>>()?;
        if listeners.len() != count {
            return Err(io::Error::other("something else listens inside"));
        }
        // One short message always has room.
        send(&inside, &[input.as_fd()])?;
        Ok(listeners)
    }
}

/// Sends descriptors.
pub(super) fn send(socket: &impl AsFd, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::other("too much is handed over"));
    }
    // A message needs a byte to come with.
    sendmsg(
        socket,
        &[IoSlice::new(b"x")],
        &mut control,
        SendFlags::NOSIGNAL,
    )?;
    Ok(())
}

/// Receives the descriptors of one message.
pub(super) fn receive(socket: &impl AsFd) -> io::Result<Vec<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut bytes = [IoSliceMut::new(&mut byte)];
    let received = recvmsg(socket, &mut bytes, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    if received.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    Ok(descriptors)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    #[tokio::test]
    async fn listeners_go_out_and_the_input_comes_in() {
        let (entrance, theirs, mut writer) = Entrance::new().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        send(&theirs, &[listener.as_fd()]).unwrap();
        let taken = entrance.take(1).await.unwrap();
        assert_eq!(taken[0].local_addr().unwrap(), address);
        let mut input = receive(&theirs).unwrap();
        assert_eq!(input.len(), 1);
        writer.write_all(b"first line").unwrap();
        drop(writer);
        let mut read = String::new();
        let mut input = PipeReader::from(input.remove(0));
        input.read_to_string(&mut read).unwrap();
        assert_eq!(read, "first line");
    }

    #[tokio::test]
    async fn who_does_not_hand_over_what_is_expected_gets_nothing() {
        let (entrance, theirs, _writer) = Entrance::new().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        send(&theirs, &[listener.as_fd()]).unwrap();
        entrance.take(2).await.unwrap_err();
        receive(&theirs).unwrap_err();

        let (entrance, theirs, mut writer) = Entrance::new().unwrap();
        drop(theirs);
        entrance.take(1).await.unwrap_err();
        writer.write_all(b"to nobody").unwrap_err();
    }
}
