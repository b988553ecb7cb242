//! The keeper's side: from what listens inside to where the model is.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{sleep, timeout};

use super::endpoints::Endpoint;
use super::handover::Entrance;
use crate::log::Log;

/// How many connections of an agent are open at once; more wait until one ends.
const CONNECTIONS: usize = 128;
/// How many names are looked up at once: what looks one up cannot be stopped.
const LOOKUPS: usize = 4;
/// How long it may take to get through to the model.
const CONNECTING: Duration = Duration::from_secs(20);
/// How long the one direction may go on when the other one has ended.
const REST: Duration = Duration::from_mins(1);
/// How long after an error of a listener.
const PAUSE: Duration = Duration::from_millis(100);

/// Takes over what listens inside, and forwards what comes there until this is dropped.
pub(crate) async fn forward(entrance: Entrance, endpoints: Vec<Endpoint>, log: Log) {
    let listeners = match entrance.take(endpoints.len()).await {
        Ok(listeners) => listeners,
        Err(error) => {
            log.line(&format!("nothing is forwarded to the model: {error}"));
            return;
        }
    };
    let outside = Arc::new(Outside {
        lookups: Arc::new(Semaphore::new(LOOKUPS)),
        fails: AtomicBool::new(false),
        log,
    });
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut serving = JoinSet::new();
    for (listener, endpoint) in listeners.into_iter().zip(endpoints) {
        let (places, outside) = (Arc::clone(&places), Arc::clone(&outside));
        serving.spawn(serve(listener, endpoint, places, outside));
    }
    while serving.join_next().await.is_some() {}
}

/// What all connections share.
struct Outside {
    lookups: Arc<Semaphore>,
    /// Whether the last one did not get through, which is said once.
    fails: AtomicBool,
    log: Log,
}

/// Forwards what comes at one listener, while there are places.
async fn serve(
    listener: TcpListener,
    endpoint: Endpoint,
    places: Arc<Semaphore>,
    outside: Arc<Outside>,
) {
    let endpoint = Arc::new(endpoint);
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((inner, _)) => {
                let (endpoint, outside) = (Arc::clone(&endpoint), Arc::clone(&outside));
                connections.spawn(async move {
                    outside.pass(inner, &endpoint).await;
                    drop(place);
                });
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

impl Outside {
    /// Forwards one connection until it ends. One that does not get through is closed.
    async fn pass(&self, mut inner: TcpStream, endpoint: &Endpoint) {
        let connected = timeout(CONNECTING, self.connect(endpoint)).await;
        let connected = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        match connected {
            Ok(mut outer) => {
                self.fails.store(false, Ordering::Relaxed);
                // What is written at once is sent at once; otherwise it is only slower.
                let _slower = inner.set_nodelay(true).is_err() || outer.set_nodelay(true).is_err();
                let (from_inner, to_inner) = inner.split();
                let (from_outer, to_outer) = outer.split();
                // How it ends, its ends know themselves.
                let _broken = both(from_inner, to_outer, from_outer, to_inner)
                    .await
                    .is_err();
            }
            Err(error) => {
                if !self.fails.swap(true, Ordering::Relaxed) {
                    let line = format!("the agent's model at {endpoint} is not reached: {error}");
                    self.log.line(&line);
                }
            }
        }
    }

    async fn connect(&self, endpoint: &Endpoint) -> io::Result<TcpStream> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for address in self.addresses(endpoint).await? {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn addresses(&self, endpoint: &Endpoint) -> io::Result<Vec<SocketAddr>> {
        let lookup = Arc::clone(&self.lookups).acquire_owned().await;
        let lookup = lookup.map_err(io::Error::other)?;
        let (host, port) = (endpoint.host.clone(), endpoint.port);
        let found = spawn_blocking(move || {
            let found = (host, port).to_socket_addrs().map(Iterator::collect);
            drop(lookup);
            found
        });
        found.await.map_err(io::Error::other)?
    }
}

/// Copies in both directions until both have ended, or the one and a while has gone by.
async fn both(
    from_inner: impl AsyncRead,
    to_outer: impl AsyncWrite,
    from_outer: impl AsyncRead,
    to_inner: impl AsyncWrite,
) -> io::Result<()> {
    let mut there = pin!(one(from_inner, to_outer));
    let mut back = pin!(one(from_outer, to_inner));
    let rest = select! {
        ended = &mut there => {
            ended?;
            timeout(REST, back).await
        }
        ended = &mut back => {
            ended?;
            timeout(REST, there).await
        }
    };
    rest.unwrap_or(Ok(()))
}

/// Copies until the end, and says there that it is the end.
async fn one(from: impl AsyncRead, to: impl AsyncWrite) -> io::Result<()> {
    let (mut from, mut to) = (pin!(from), pin!(to));
    copy(&mut from, &mut to).await?;
    to.shutdown().await
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::net::Ipv4Addr;

    use tempfile::TempDir;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpSocket;
    use tokio::task::yield_now;

    use super::*;

    const STUCK: Duration = Duration::from_mins(1);

    /// What listens inside and is served.
    struct Inside {
        address: SocketAddr,
        places: Arc<Semaphore>,
        folder: TempDir,
        _serving: JoinSet<()>,
    }

    impl Inside {
        async fn of(host: &str, outside: SocketAddr, places: usize) -> Self {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let address = listener.local_addr().unwrap();
            let endpoint = Endpoint {
                host: host.to_owned(),
                port: outside.port(),
                inside: address,
            };
            let folder = tempfile::tempdir().unwrap();
            let outside = Outside {
                lookups: Arc::new(Semaphore::new(LOOKUPS)),
                fails: AtomicBool::new(false),
                log: Log::at(folder.path().join("log")),
            };
            let places = Arc::new(Semaphore::new(places));
            let mut serving = JoinSet::new();
            let served = serve(listener, endpoint, Arc::clone(&places), Arc::new(outside));
            serving.spawn(served);
            Self {
                address,
                places,
                folder,
                _serving: serving,
            }
        }

        async fn connect(&self) -> TcpStream {
            TcpStream::connect(self.address).await.unwrap()
        }
    }

    async fn outside() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    async fn accept(listener: &TcpListener) -> TcpStream {
        let accepted = timeout(STUCK, listener.accept()).await;
        accepted.expect("somebody comes").unwrap().0
    }

    async fn rest(stream: &mut TcpStream) -> String {
        let mut read = String::new();
        let reading = timeout(STUCK, stream.read_to_string(&mut read)).await;
        reading.expect("it ends").unwrap();
        read
    }

    #[tokio::test]
    async fn bytes_and_ends_go_both_ways() {
        let (listener, address) = outside().await;
        let inside = Inside::of("localhost", address, 1).await;
        let mut inner = inside.connect().await;
        let mut outer = accept(&listener).await;
        let long = "a question ".repeat(100_000);
        let (asked, heard) = tokio::join!(
            async {
                inner.write_all(long.as_bytes()).await?;
                inner.shutdown().await
            },
            rest(&mut outer),
        );
        asked.unwrap();
        assert!(heard == long);
        outer.write_all(b"an answer").await.unwrap();
        drop(outer);
        assert_eq!(rest(&mut inner).await, "an answer");
    }

    #[tokio::test]
    async fn no_more_are_open_at_once_than_there_are_places() {
        let (listener, address) = outside().await;
        let inside = Inside::of("127.0.0.1", address, 2).await;
        let first = inside.connect().await;
        let first_outside = accept(&listener).await;
        let _second = (inside.connect().await, accept(&listener).await);
        let mut third = inside.connect().await;
        third.write_all(b"third").await.unwrap();
        // Whatever is ready to happen happens meanwhile.
        for _ in 0..1_000 {
            yield_now().await;
        }
        assert_eq!(inside.places.available_permits(), 0);
        let waiting = timeout(Duration::ZERO, listener.accept()).await;
        assert!(waiting.is_err(), "it is not let through");
        drop((first, first_outside));
        let mut outer = accept(&listener).await;
        let mut read = [0; 5];
        outer.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"third");
    }

    #[tokio::test]
    async fn what_does_not_get_through_is_closed_and_said_once() {
        // Bound, so that nobody else gets the port, and nobody listens.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = socket.local_addr().unwrap();
        let inside = Inside::of("127.0.0.1", address, 1).await;
        for _ in 0..3 {
            assert_eq!(rest(&mut inside.connect().await).await, "");
        }
        let said = fs::read_to_string(inside.folder.path().join("log")).unwrap();
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(
            said.contains(&format!("{address} is not reached")),
            "{said}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_goes_on_alone_is_ended_after_a_while() {
        let (inner, _inner) = tokio::io::duplex(8);
        let (outer, outside) = tokio::io::duplex(8);
        let (from_inner, to_inner) = tokio::io::split(inner);
        let (from_outer, to_outer) = tokio::io::split(outer);
        // The model is gone, and the agent neither says nor ends anything.
        drop(outside);
        let both = both(from_inner, to_outer, from_outer, to_inner);
        timeout(2 * REST, both).await.expect("it ends").unwrap();
    }
}
