//! Programs that follow what happens over HTTP, and come back when the gateway does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How long a viewer stays away that was cut off.
const PAUSE: Duration = Duration::from_millis(500);

/// Those who look; they go when this is dropped.
pub(crate) struct Viewers {
    seen: Arc<AtomicU64>,
    _looking: JoinSet<()>,
}

impl Viewers {
    /// So many viewers, one of whom never reads what he is sent.
    pub(crate) fn start(address: SocketAddr, token: &str, count: usize) -> Self {
        let seen = Arc::new(AtomicU64::new(0));
        let request = format!(
            "GET /api/events HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        let mut looking = JoinSet::new();
        for number in 0..count {
            let (seen, request) = (Arc::clone(&seen), request.clone());
            looking.spawn(async move {
                loop {
                    drop(look(address, &request, number > 0, &seen).await);
                    sleep(PAUSE).await;
                }
            });
        }
        Self {
            seen,
            _looking: looking,
        }
    }

    /// How many bytes they were sent.
    pub(crate) fn sent(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }
}

async fn look(
    address: SocketAddr,
    request: &str,
    reads: bool,
    seen: &AtomicU64,
) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut buffer = [0; 4_096];
    loop {
        if !reads {
            stream.writable().await?;
            sleep(PAUSE).await;
            // It notices that it was cut off by writing alone.
            stream.write_all(b"\r\n").await?;
            continue;
        }
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            length => seen.fetch_add(length as u64, Ordering::Relaxed),
        };
    }
}
