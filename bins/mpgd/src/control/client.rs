//! An operator's end of the control socket.

use std::io::{self, ErrorKind};
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::socket::SocketPath;
use super::wire::{self, Outcome, Verb};

/// The longest reply, in bytes: a hundred posts of the longest sort, escaped.
const MAX_REPLY: u64 = 16 * 1024 * 1024;

/// How long the gateway may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why the gateway gave no answer.
#[derive(Debug, Error)]
pub(crate) enum AskError {
    /// There is no gateway to answer.
    #[error("no gateway is running on this state; start it: mpgd run")]
    NotRunning,
    /// There is one, and it said no.
    #[error("{0}")]
    Refused(String),
    /// There seems to be one, and it does not answer.
    #[error("the gateway did not answer in {} seconds; it may be busy or stuck", PATIENCE.as_secs())]
    Silent,
    /// It could not be spoken to.
    #[error("the gateway cannot be reached at its control socket")]
    Io(#[source] io::Error),
}

/// Asks the gateway of a state.
pub(crate) async fn ask(socket: &SocketPath, verb: &Verb) -> Result<Outcome, AskError> {
    match timeout(PATIENCE, exchange(socket, verb)).await {
        Ok(answer) => answer,
        Err(_) => Err(AskError::Silent),
    }
}

async fn exchange(socket: &SocketPath, verb: &Verb) -> Result<Outcome, AskError> {
    let stream = match connect(socket).await {
        Ok(stream) => stream,
        Err(error)
            if [ErrorKind::NotFound, ErrorKind::ConnectionRefused].contains(&error.kind()) =>
        {
            return Err(AskError::NotRunning);
        }
        Err(error) => return Err(AskError::Io(error)),
    };
    let mut stream = BufReader::new(stream);
    let request = wire::request(verb);
    let sent = stream.get_mut().write_all(request.as_bytes()).await;
    sent.map_err(lost)?;
    let mut line = Vec::new();
    let mut reply = stream.take(MAX_REPLY);
    let read = reply.read_until(b'\n', &mut line).await;
    read.map_err(lost)?;
    if line.pop() != Some(b'\n') {
        let ended = io::Error::new(ErrorKind::UnexpectedEof, "the reply was cut off");
        return Err(AskError::Io(ended));
    }
    match wire::parse_reply(&line) {
        Ok(Outcome::Refused { reason }) | Err(reason) => Err(AskError::Refused(reason)),
        Ok(outcome) => Ok(outcome),
    }
}

/// A gateway that ends resets the connections whose requests it has not read.
fn lost(error: io::Error) -> AskError {
    if [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe].contains(&error.kind()) {
        AskError::NotRunning
    } else {
        AskError::Io(error)
    }
}

async fn connect(socket: &SocketPath) -> io::Result<UnixStream> {
    socket.check()?;
    UnixStream::connect(socket.as_path()).await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tokio::net::UnixListener;

    use super::*;

    #[tokio::test]
    async fn a_gateway_that_ends_before_it_reads_is_none() {
        let home = tempfile::tempdir().unwrap();
        let socket = SocketPath::of(home.path(), &BTreeMap::new());
        let listener = UnixListener::bind(socket.as_path()).unwrap();
        let ends = async {
            let (stream, _) = listener.accept().await.unwrap();
            stream.readable().await.unwrap();
        };
        let (asked, ()) = tokio::join!(ask(&socket, &Verb::Status), ends);
        assert!(matches!(asked, Err(AskError::NotRunning)), "{asked:?}");
    }
}
