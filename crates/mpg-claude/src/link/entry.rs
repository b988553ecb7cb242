//! How a gateway is let in by a keeper.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::wire::{self, FromKeeper, Hello, Refusal, ToKeeper, Welcome};

/// How long a keeper may take to let a gateway in.
const ENTRY: Duration = Duration::from_secs(5);

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum NoEntry {
    /// Nobody answers.
    Silent(io::Error),
    Refused(Refusal),
}

impl From<io::Error> for NoEntry {
    fn from(error: io::Error) -> Self {
        Self::Silent(error)
    }
}

/// A connection that was let in.
pub(crate) struct Entrance {
    pub(crate) welcome: Welcome,
    pub(super) stream: UnixStream,
}

/// Asks a keeper to be let in.
pub(crate) async fn enter(mut stream: UnixStream, hello: Hello) -> Result<Entrance, NoEntry> {
    let asking = async {
        stream
            .write_all(&wire::frame(&ToKeeper::Hello(hello))?)
            .await?;
        wire::read::<FromKeeper>(&mut stream).await
    };
    let said = timeout(ENTRY, asking).await.map_err(io::Error::from)??;
    match said {
        Some(FromKeeper::Welcome(welcome)) => Ok(Entrance { welcome, stream }),
        Some(FromKeeper::Refused { reason }) => Err(NoEntry::Refused(reason)),
        Some(_) | None => Err(io::Error::from(io::ErrorKind::ConnectionReset).into()),
    }
}
