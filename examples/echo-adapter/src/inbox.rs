//! What comes in.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use mpg_core::id::Position;
use mpg_core::message::{Inbound, Link};
use mpg_core::port;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};
use tokio::sync::{mpsc, watch};

use crate::calls::Calls;
use crate::line;
use crate::translate::{Incoming, translate};

/// How many events may be on the way that are not stored: what the server is told, and room for the
/// welcome.
pub(crate) const WINDOW: usize = 64;

/// What comes in.
#[derive(Debug)]
pub(crate) struct Inbox {
    pub(crate) events: mpsc::Receiver<(Inbound, Option<Position>)>,
    pub(crate) stored: watch::Sender<Option<Position>>,
}

#[async_trait]
impl port::Inbox for Inbox {
    async fn next(&mut self) -> Option<(Inbound, Option<Position>)> {
        self.events.recv().await
    }

    fn ack(&self, position: &Position) {
        // The newest one says all that the earlier ones did.
        self.stored.send_replace(Some(position.clone()));
    }
}

/// Reads lines until there are none, or nobody listens any more.
pub(crate) struct Reader<R> {
    pub(crate) lines: R,
    pub(crate) calls: Arc<Calls>,
    pub(crate) events: mpsc::Sender<(Inbound, Option<Position>)>,
}

impl<R: AsyncBufRead + Unpin> Reader<R> {
    pub(crate) async fn run(mut self) {
        let events = self.events.clone();
        let failure = tokio::select! {
            () = events.closed() => None,
            failure = self.read_all() => failure,
        };
        self.calls.close();
        if let Some(reason) = failure {
            let failed = Inbound::Link(Link::Failed { reason });
            // The only error is that nobody listens.
            drop(events.send((failed, None)).await);
        }
    }

    /// Reads to the end, or to what cannot be read: why, for the operator.
    async fn read_all(&mut self) -> Option<String> {
        loop {
            let line = match self.read_line().await {
                Ok(line) => line?,
                Err(error) => return Some(format!("the server cannot be read: {error}")),
            };
            match translate(&line) {
                Some(Incoming::Answer(call, answer)) => self.calls.answer(call, answer),
                // Answers stand behind events: waiting for room here could wait for ever.
                Some(Incoming::Inbound(inbound, position)) => {
                    if self.events.try_send((inbound, position)).is_err() {
                        return Some(format!("the server sent more than {WINDOW} events ahead"));
                    }
                }
                None => {
                    let start: String = line.chars().take(80).collect();
                    return Some(format!("the server said {start:?}; is it an echo server?"));
                }
            }
        }
    }

    /// The next whole line without its end; a part of one at the end of the stream counts as
    /// nothing, for the server still has it.
    async fn read_line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        let mut lines = (&mut self.lines).take(line::LONGEST);
        lines.read_until(b'\n', &mut line).await?;
        if line.pop_if(|byte| *byte == b'\n').is_none() {
            let too_long = lines.limit() == 0;
            return if too_long {
                Err(io::Error::other("a line is too long"))
            } else {
                Ok(None)
            };
        }
        String::from_utf8(line).map(Some).map_err(io::Error::other)
    }
}
