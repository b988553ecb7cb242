//! The control socket: what an operator's commands ask of the running gateway.
//!
//! Each connection carries lines of JSON, a request and its reply in turn. Only this user is
//! answered, and root, who could do the same anyway.

mod client;
mod replies;
mod socket;
mod user;
mod view;
mod wire;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mpg_core::token::Tokens;
use mpg_engine::ControlHandle;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

pub(crate) use client::{AskError, ask};
use replies::answer;
pub(crate) use socket::{SocketPath, bind, is_trusted};
pub(crate) use user::local;
#[cfg(test)]
pub(crate) use view::{ActiveView, LinkView};
pub(crate) use view::{
    DeadLetterView, ReloadView, RequestView, SentView, StatusView, StopView, TokenView,
    is_connected,
};
pub(crate) use wire::{Outcome, Verb};

use crate::dashboard::Doorway;
use crate::ending::Ending;
use crate::reload::ReloadHandle;
use crate::sent::Sent;

/// How many clients are served at the same time; the next ones wait.
const CLIENTS: usize = 8;

/// The longest request, in bytes: the longest text that may be asked, escaped.
const MAX_REQUEST: u64 = 1024 * 1024;

/// How long a client may be silent, or not take its reply.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait where a client cannot be accepted: most likely, too many files are open.
const PAUSE: Duration = Duration::from_millis(500);

/// A bound control socket. Its file is removed with it.
#[derive(Debug)]
pub(crate) struct Control {
    listener: UnixListener,
    path: SocketPath,
}

impl Control {
    /// Binds the socket. A file that is there already is replaced: whoever holds the state's lock
    /// knows that its owner is gone.
    pub(crate) fn bind(path: SocketPath) -> io::Result<Self> {
        Ok(Self {
            listener: bind(&path)?,
            path,
        })
    }

    /// Serves clients until the future is dropped.
    pub(crate) async fn serve(self, served: Served) {
        let mut clients = JoinSet::new();
        loop {
            tokio::select! {
                Some(_) = clients.join_next() => {}
                accepted = self.listener.accept(), if clients.len() < CLIENTS => match accepted {
                    Ok((stream, _)) => {
                        clients.spawn(converse(stream, served.clone()));
                    }
                    Err(error) => {
                        warn!(%error, "a client of the control socket was not accepted");
                        sleep(PAUSE).await;
                    }
                },
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.path.remove();
    }
}

/// What clients are served with.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) engine: ControlHandle,
    pub(crate) tokens: Arc<dyn Tokens>,
    pub(crate) reload: ReloadHandle,
    /// Where HTTP is served.
    pub(crate) doorway: Option<Doorway>,
    pub(crate) sent: Arc<Sent>,
    pub(crate) ending: Ending,
    /// When the gateway started.
    pub(crate) started: Instant,
}

async fn converse(stream: UnixStream, served: Served) {
    let by = match stream.peer_cred() {
        Ok(peer) if is_trusted(peer.uid()) => local(peer.uid()).await,
        Ok(peer) => {
            warn!(
                uid = peer.uid(),
                "another user was refused at the control socket"
            );
            return;
        }
        Err(error) => {
            warn!(%error, "a client of the control socket does not say who it is");
            return;
        }
    };
    let mut stream = BufReader::new(stream);
    while let Ok(Ok(Some(line))) = timeout(PATIENCE, request(&mut stream)).await {
        let outcome = match wire::parse(&line) {
            Ok(verb) => answer(verb, &served, &by).await,
            Err(reason) => Outcome::Refused { reason },
        };
        let reply = wire::reply(&outcome);
        let written = timeout(PATIENCE, stream.get_mut().write_all(reply.as_bytes())).await;
        // Only now: the end takes this connection with it.
        if let Outcome::Stopping(StopView { waits, .. }) = outcome {
            info!(%by, waits, "asked to stop");
            if waits {
                served.ending.drain();
            } else {
                served.ending.cut();
            }
        }
        if !matches!(written, Ok(Ok(()))) {
            debug!("a client of the control socket did not take its reply");
            return;
        }
    }
}

/// The next line; `None` at the end, and for one that is too long, which ends the conversation.
async fn request(stream: &mut BufReader<UnixStream>) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    stream
        .take(MAX_REQUEST)
        .read_until(b'\n', &mut line)
        .await?;
    Ok((line.pop() == Some(b'\n')).then_some(line))
}
