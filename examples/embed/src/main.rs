//! `cargo run -p embed`, then `nc 127.0.0.1 7000` in another terminal.

use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (stream, _) = TcpListener::bind("127.0.0.1:7000").await?.accept().await?;
    let (handle, stop) = mpg_engine::stop();
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            handle.next();
        }
    });
    embed::serve(stream, ".", stop).await?;
    Ok(())
}
