//! The bot as the person at the other end sees it.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::time::Duration;

use mpg_engine::{Ended, EngineError, StopHandle};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long anything may take before the test counts as stuck.
const PATIENCE: Duration = Duration::from_mins(1);

struct Chat {
    lines: Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
    stop: StopHandle,
    bot: JoinHandle<Result<Ended, EngineError>>,
}

impl Chat {
    async fn begin() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let person = TcpStream::connect(address).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let (stop, signal) = mpg_engine::stop();
        let bot = tokio::spawn(async move { embed::serve(stream, "/", signal).await });
        let (reader, writer) = person.into_split();
        let lines = BufReader::new(reader).lines();
        Self {
            lines,
            writer,
            stop,
            bot,
        }
    }

    async fn say(&mut self, text: &str) {
        let line = format!("{text}\n");
        self.writer.write_all(line.as_bytes()).await.unwrap();
    }

    async fn line(&mut self) -> Option<String> {
        let line = timeout(PATIENCE, self.lines.next_line()).await;
        line.expect("the bot says something").unwrap()
    }

    async fn ended(self) -> Ended {
        let ended = timeout(PATIENCE, self.bot).await;
        ended.expect("the bot ends").unwrap().unwrap()
    }
}

#[tokio::test]
async fn the_bot_answers_what_is_its_own_and_passes_on_the_rest() {
    let mut chat = Chat::begin().await;
    chat.say("ping").await;
    assert_eq!(chat.line().await.unwrap(), "pong");
    chat.say("hello there").await;
    let first = chat.line().await.unwrap();
    assert!(
        first.ends_with("(message 1 of this conversation): hello there"),
        "{first}"
    );
    chat.say("and on").await;
    let second = chat.line().await.unwrap();
    assert_eq!(second, "You wrote (message 2 of this conversation): and on");
    chat.stop.drain();
    assert_eq!(chat.ended().await, Ended::Drained);
}

#[tokio::test]
async fn who_leaves_is_still_answered() {
    let mut chat = Chat::begin().await;
    chat.say("!help").await;
    chat.say("one more thing").await;
    chat.writer.shutdown().await.unwrap();
    let mut said = Vec::new();
    while let Some(line) = chat.line().await {
        said.push(line);
    }
    assert!(
        said.iter().any(|line| line.contains("`!sessions")),
        "{said:?}"
    );
    let last = said.last().unwrap();
    assert!(last.ends_with(": one more thing"), "{said:?}");
    assert_eq!(chat.ended().await, Ended::Drained);
}
