//! Connections over the loopback.

use std::net::SocketAddr;

use jiff::Timestamp;
use mpg_core::observe::{Observer as _, Sight};
use mpg_web::{BindError, Listener, serve};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::stage::Stage;

async fn listen() -> (Listener, SocketAddr) {
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let address = listener.address().unwrap();
    (listener, address)
}

async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn an_address_is_served_and_taken() {
    let (listener, address) = listen().await;
    let taken = Listener::bind(address).await.unwrap_err();
    assert!(
        matches!(taken, BindError::InUse(it) if it == address),
        "{taken}"
    );
    let serving = tokio::spawn(serve(listener, Stage::new().router));

    let request = format!("GET /health HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let answer = exchange(address, &request).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    serving.abort();
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_the_next_one_answered() {
    let (listener, address) = listen().await;
    let serving = tokio::spawn(serve(listener, Stage::new().router));
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(64 * 1024));
    for (request, begins) in [
        ("\u{0}\u{1}\r\n\r\n", "HTTP/1.1 400"),
        (
            "GET /health HTTP/1.1\r\nconnection: close\r\n\r\n",
            "HTTP/1.1 421",
        ),
        (long.as_str(), "HTTP/1.1 4"),
    ] {
        let answer = exchange(address, request).await;
        assert!(answer.starts_with(begins), "{begins}: {answer}");
    }
    serving.abort();
}

#[tokio::test]
async fn a_hundred_pages_hear_of_a_change_and_one_that_does_not_read_holds_nobody_up() {
    let stage = Stage::new();
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let address = listener.address().unwrap();
    let serving = tokio::spawn(serve(listener, stage.router.clone()));
    let mut viewers = Vec::new();
    for _ in 0..100 {
        let mut viewer = BufReader::new(TcpStream::connect(address).await.unwrap());
        let ask = format!(
            "GET /live HTTP/1.1\r\nhost: localhost\r\ncookie: mpg_session={}\r\n\r\n",
            stage.read
        );
        viewer.write_all(ask.as_bytes()).await.unwrap();
        viewers.push(viewer);
    }
    for viewer in &mut viewers {
        until(viewer, "").await;
    }
    let mut silent = viewers.pop().unwrap();
    let committed = Sight::Committed {
        records: &[],
        took: std::time::Duration::ZERO,
    };
    for number in 1..=1_000 {
        stage.past.happened(number, "turn-started");
        stage.watch.see(Timestamp::UNIX_EPOCH, &committed);
    }
    for viewer in &mut viewers {
        until(viewer, "data: changed").await;
    }
    // A thousand changes are one signal for who looks late: nothing is kept for anybody.
    until(&mut silent, "data: changed").await;
    stage.past.happened(1_001, "turn-ended");
    stage.watch.see(Timestamp::UNIX_EPOCH, &committed);
    viewers.push(silent);
    for viewer in &mut viewers {
        assert_eq!(signals(viewer).await, 1);
    }
    serving.abort();
}

/// How many signals come until the next one has come whole.
async fn signals(viewer: &mut BufReader<TcpStream>) -> usize {
    until(viewer, "data: changed").await;
    let rest = String::from_utf8_lossy(viewer.buffer()).into_owned();
    1 + rest.matches("data: changed").count()
}

/// Reads up to a line that says this; an empty one ends a head.
async fn until(viewer: &mut BufReader<TcpStream>, text: &str) {
    let mut line = String::new();
    loop {
        line.clear();
        let read = viewer.read_line(&mut line).await.unwrap();
        assert_ne!(read, 0, "the stream ended before {text:?}");
        if line.trim_end() == text {
            return;
        }
    }
}
