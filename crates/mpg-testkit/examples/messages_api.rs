//! A stand-in for the Messages API, to try the real `claude` by hand without an account.
//!
//! ```console
//! $ cargo run -p mpg-testkit --example messages_api
//! export ANTHROPIC_BASE_URL=http://127.0.0.1:40001
//! export ANTHROPIC_API_KEY=stand-in
//! ```
//!
//! With these two lines in a shell, `mpgd try` there talks to it: `SAY:hello` is answered with
//! `hello`, and so on as in [`MessagesApi`]. It runs until its input ends.

#![expect(clippy::print_stdout, reason = "it tells how to reach it")]

use std::io::Read as _;

use mpg_testkit::messages_api::MessagesApi;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let api = MessagesApi::start().await;
    println!("export ANTHROPIC_BASE_URL={}", api.url());
    println!("export ANTHROPIC_API_KEY=stand-in");
    let input = || std::io::stdin().lock().read_to_end(&mut Vec::new());
    tokio::task::spawn_blocking(input).await??;
    Ok(())
}
