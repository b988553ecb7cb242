//! Connections over the loopback.

use std::net::SocketAddr;

use mpg_web::{BindError, Listener, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
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
