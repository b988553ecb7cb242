//! Connections, and what one of them may use.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::{debug, warn};

use crate::patient::Patient;

/// How many connections are served at the same time; the next ones wait. Each page that is looked at
/// holds one.
const CONNECTIONS: usize = 256;

/// How long a client may take to send the head of a request, or leave a connection unused.
const HEAD_LIMIT: Duration = Duration::from_secs(20);

/// How long a client may leave what it asked for unread before its connection is cut.
const READ_LIMIT: Duration = Duration::from_secs(30);

/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;

/// How long to wait where a client cannot be accepted: most likely, too many files are open.
const PAUSE: Duration = Duration::from_millis(500);

/// An address that is listened at.
#[derive(Debug)]
pub struct Listener(TcpListener);

/// Why an address is not listened at.
#[derive(Debug, Error)]
pub enum BindError {
    /// Another program listens there.
    #[error("{0} is in use by another program")]
    InUse(SocketAddr),
    /// It does not work.
    #[error("{address} cannot be listened at")]
    Io {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

impl Listener {
    /// Listens at an address; port 0 is any that is free.
    ///
    /// # Errors
    ///
    /// If it cannot be had.
    pub async fn bind(address: SocketAddr) -> Result<Self, BindError> {
        match TcpListener::bind(address).await {
            Ok(listener) => Ok(Self(listener)),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                Err(BindError::InUse(address))
            }
            Err(source) => Err(BindError::Io { address, source }),
        }
    }

    /// The address, with its port.
    ///
    /// # Errors
    ///
    /// If the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// Serves until the future is dropped, which ends every connection.
pub async fn serve(listener: Listener, router: Router) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        while connections.try_join_next().is_some() {}
        match listener.0.accept().await {
            Ok((stream, _)) => {
                let router = router.clone();
                connections.spawn(async move {
                    converse(stream, router).await;
                    drop(place);
                });
            }
            Err(error) => {
                warn!(%error, "a connection over http was not accepted");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, router: Router) {
    // Events are small and should not wait for one another.
    drop(stream.set_nodelay(true));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(
            TokioIo::new(Patient::new(stream, READ_LIMIT)),
            TowerToHyperService::new(router),
        )
        .await;
    if let Err(error) = served {
        debug!(%error, "a connection over http ended");
    }
}
