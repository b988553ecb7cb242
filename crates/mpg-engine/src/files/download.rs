//! One file, from its platform to the disk.

use std::io;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::time::Duration;

use futures_util::FutureExt as _;
use mpg_core::attachment::{ImageType, Omission};
use mpg_core::message::Attachment;
use mpg_core::port::{FetchError, Outbox};
use tokio::fs::{self, OpenOptions};
use tokio::io::AsyncWriteExt as _;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{error, warn};

/// How often one file is tried.
const ATTEMPTS: u32 = 3;

/// How long is waited before the second attempt; before each later one, twice as long.
const PAUSE: Duration = Duration::from_secs(1);

/// How long one file may take, so that one that hangs is not all that comes.
const LIMIT: Duration = Duration::from_mins(1);

/// A file on the disk.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) size: u64,
    /// How it begins.
    pub(super) head: Vec<u8>,
}

/// Why one attempt failed.
enum Failure {
    Fetch(FetchError),
    Disk(io::Error),
}

/// Fetches a file of at most `limit` bytes to `path`; nothing is left there otherwise.
pub(super) async fn fetch(
    outbox: &dyn Outbox,
    attachment: &Attachment,
    limit: u64,
    path: &Path,
    until: Instant,
) -> Result<Fetched, Omission> {
    let until = until.min(Instant::now() + LIMIT);
    let mut pause = PAUSE;
    let mut attempt = 1;
    loop {
        let fetching = AssertUnwindSafe(download(outbox, attachment, limit, path)).catch_unwind();
        let failure = match timeout_at(until, fetching).await {
            Ok(Ok(Ok(fetched))) => return Ok(fetched),
            Ok(Ok(Err(failure))) => failure,
            Ok(Err(_)) => {
                error!("the adapter panicked while it fetched a file");
                let message = "the adapter failed unexpectedly".to_owned();
                Failure::Fetch(FetchError::Transient(message))
            }
            Err(_) => {
                discard(path).await;
                return Err(Omission::Failed("it took too long".to_owned()));
            }
        };
        discard(path).await;
        let message = match failure {
            Failure::Disk(error) => {
                warn!(%error, "a file could not be written");
                return Err(Omission::NotKept);
            }
            Failure::Fetch(FetchError::Host(host)) => return Err(Omission::Host(host)),
            Failure::Fetch(FetchError::Gone(_)) => return Err(Omission::Gone),
            Failure::Fetch(FetchError::TooLong) => return Err(Omission::Size(limit)),
            Failure::Fetch(FetchError::Unsupported) => return Err(Omission::Unsupported),
            Failure::Fetch(FetchError::Transient(message)) => message,
        };
        if attempt == ATTEMPTS || Instant::now() + pause >= until {
            return Err(Omission::Failed(message));
        }
        sleep(pause).await;
        attempt += 1;
        pause *= 2;
    }
}

async fn download(
    outbox: &dyn Outbox,
    attachment: &Attachment,
    limit: u64,
    path: &Path,
) -> Result<Fetched, Failure> {
    let mut download = outbox
        .fetch(attachment, limit)
        .await
        .map_err(Failure::Fetch)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(path).await.map_err(Failure::Disk)?;
    let mut fetched = Fetched {
        size: 0,
        head: Vec::new(),
    };
    while let Some(bytes) = download.next().await.map_err(Failure::Fetch)? {
        fetched.size = fetched.size.saturating_add(bytes.len() as u64);
        if fetched.size > limit {
            return Err(Failure::Fetch(FetchError::TooLong));
        }
        let missing = ImageType::HEAD.saturating_sub(fetched.head.len());
        fetched.head.extend(bytes.iter().take(missing));
        file.write_all(&bytes).await.map_err(Failure::Disk)?;
    }
    // A write is not done before this is.
    file.flush().await.map_err(Failure::Disk)?;
    Ok(fetched)
}

async fn discard(path: &Path) {
    match fs::remove_file(path).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            warn!(%error, "the rest of a file is left until its turn ends");
        }
        Ok(()) | Err(_) => {}
    }
}
