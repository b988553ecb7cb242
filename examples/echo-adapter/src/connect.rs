//! Putting the adapter together.

use std::sync::Arc;

use mpg_core::id::{PlatformId, Position};
use mpg_core::port::Connection;
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::sync::{mpsc, watch};

use crate::PLATFORM;
use crate::calls::Calls;
use crate::config::Config;
use crate::inbox::{Inbox, Reader, WINDOW};
use crate::line;
use crate::outbox::{self, Outbox};

/// How many lines wait to be written.
const LINES: usize = 8;

/// Connects to the server at the other end of two streams, and goes on behind `position`, which was
/// stored by an earlier run.
///
/// The two tasks that it starts end with the connection's halves or with the streams. The end of
/// the streams is the end of the inbox: whoever has an address instead connects again and reports
/// it as a link.
///
/// # Panics
///
/// Panics outside a runtime.
pub fn connect<R, W>(
    config: &Config,
    position: Option<&Position>,
    reader: R,
    writer: W,
) -> Connection
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    // A position that this adapter did not make is none.
    let after = position
        .filter(|position| position.as_str().parse::<u64>().is_ok())
        .map_or("", Position::as_str);
    let hello = line::join(&["hello", &config.name, after, &WINDOW.to_string()]);

    let (lines, waiting) = mpsc::channel(LINES);
    let calls = Arc::new(Calls::new(lines, config.answer_limit));
    let (stored, newest) = watch::channel(None);
    tokio::spawn(outbox::write(writer, hello, waiting, newest));

    // One more for the welcome.
    let (sender, events) = mpsc::channel(WINDOW + 1);
    let reader = Reader {
        lines: BufReader::new(reader),
        calls: Arc::clone(&calls),
        events: sender,
    };
    tokio::spawn(reader.run());

    Connection {
        platform: PlatformId::new(PLATFORM),
        inbox: Box::new(Inbox { events, stored }),
        outbox: Arc::new(Outbox { calls }),
    }
}
