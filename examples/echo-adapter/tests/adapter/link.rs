//! What comes in over a connection's life.

use echo_adapter::{Config, connect};
use mpg_core::id::Position;
use mpg_core::message::{Inbound, Link};
use mpg_core::port::{Connection, Inbox};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use crate::patience::soon;
use crate::room::{Room, channel};

fn enter(room: &Room, position: Option<&Position>) -> Connection {
    let (reader, writer) = room.streams();
    connect(&Config::new("mpg").unwrap(), position, reader, writer)
}

/// A connection to a server whose part the test plays.
fn play() -> (Connection, DuplexStream) {
    let (bot, server) = tokio::io::duplex(1024 * 1024);
    let (reader, writer) = tokio::io::split(bot);
    let connection = connect(&Config::new("mpg").unwrap(), None, reader, writer);
    (connection, server)
}

async fn text(inbox: &mut dyn Inbox) -> (String, Position) {
    match soon(inbox.next()).await.unwrap() {
        (Inbound::Message(message), Some(position)) => (message.text, position),
        other => panic!("a message with its position: {other:?}"),
    }
}

async fn failure(inbox: &mut dyn Inbox) -> String {
    let (inbound, position) = soon(inbox.next()).await.unwrap();
    assert_eq!(position, None);
    let Inbound::Link(Link::Failed { reason }) = inbound else {
        panic!("a failed link: {inbound:?}");
    };
    assert!(
        soon(inbox.next()).await.is_none(),
        "nothing follows a failure"
    );
    reason
}

#[tokio::test]
async fn what_was_not_stored_comes_again() {
    let room = Room::default();
    let mut first = enter(&room, None);
    let welcome = soon(first.inbox.next()).await.unwrap();
    assert_eq!(welcome, (Inbound::Link(Link::Connected), None));
    let dev = channel("dev");
    for said in ["one", "two", "three"] {
        room.says(&dev, "human", said);
    }
    let (one, position) = text(first.inbox.as_mut()).await;
    assert_eq!(one, "one");
    assert_eq!(text(first.inbox.as_mut()).await.0, "two");
    drop(first);

    let mut second = enter(&room, Some(&position));
    let welcome = soon(second.inbox.next()).await.unwrap();
    assert_eq!(welcome, (Inbound::Link(Link::Resumed), None));
    assert_eq!(text(second.inbox.as_mut()).await.0, "two");
    assert_eq!(text(second.inbox.as_mut()).await.0, "three");
}

#[tokio::test]
async fn a_position_of_another_adapter_is_none() {
    let room = Room::default();
    let mut connection = enter(&room, Some(&Position::new("{\"session\":1}")));
    let welcome = soon(connection.inbox.next()).await.unwrap();
    assert_eq!(welcome, (Inbound::Link(Link::Connected), None));
    assert_eq!(
        room.change(|world| world.heard.clone()),
        ["hello\tmpg\t\t64"]
    );
}

#[tokio::test]
async fn what_is_stored_makes_room_for_more() {
    let room = Room::default();
    let mut connection = enter(&room, None);
    soon(connection.inbox.next()).await.unwrap();
    let dev = channel("dev");
    for number in 1..=200 {
        room.says(&dev, "human", &number.to_string());
    }
    for number in 1..=200 {
        let (text, position) = text(connection.inbox.as_mut()).await;
        assert_eq!(text, number.to_string());
        connection.inbox.ack(&position);
    }
}

#[tokio::test]
async fn the_end_of_the_stream_ends_the_inbox() {
    let (mut connection, mut server) = play();
    let begun = "welcome\tfresh\nevent\t1\tdeleted\tdev\t\t41\nevent\t2\tdel";
    server.write_all(begun.as_bytes()).await.unwrap();
    drop(server);
    let inbox = &mut connection.inbox;
    assert!(matches!(
        soon(inbox.next()).await,
        Some((Inbound::Link(_), None))
    ));
    let deleted = soon(inbox.next()).await;
    assert!(matches!(deleted, Some((Inbound::Deleted(_), Some(_)))));
    assert!(soon(inbox.next()).await.is_none());
}

#[tokio::test]
async fn a_server_that_is_none_is_a_failure() {
    for (line, reason) in [
        (
            "HTTP/1.1 400 Bad Request\n".to_owned(),
            "the server said \"HTTP/1.1 400 Bad Request\"; is it an echo server?",
        ),
        (
            "x".repeat(70_000),
            "the server cannot be read: a line is too long",
        ),
    ] {
        let (mut connection, mut server) = play();
        server.write_all(line.as_bytes()).await.unwrap();
        assert_eq!(failure(connection.inbox.as_mut()).await, reason);
    }
    let (mut connection, mut server) = play();
    server.write_all(&[0xFF, b'\n']).await.unwrap();
    let reason = failure(connection.inbox.as_mut()).await;
    assert!(reason.contains("utf-8"), "{reason}");
}

#[tokio::test]
async fn a_server_that_ignores_the_window_is_a_failure() {
    let (mut connection, mut server) = play();
    for number in 1..=66 {
        let line = format!("event\t{number}\tdeleted\tdev\t\t41\n");
        server.write_all(line.as_bytes()).await.unwrap();
    }
    for _ in 1..=65 {
        let (inbound, _) = soon(connection.inbox.next()).await.unwrap();
        assert!(matches!(inbound, Inbound::Deleted(_)));
    }
    let reason = failure(connection.inbox.as_mut()).await;
    assert_eq!(reason, "the server sent more than 64 events ahead");
}

#[tokio::test]
async fn nothing_runs_on_when_the_connection_is_dropped() {
    let (connection, mut server) = play();
    drop(connection);
    let mut heard = String::new();
    // Ends with the last of the adapter's tasks, which holds the stream.
    soon(server.read_to_string(&mut heard)).await.unwrap();
    assert_eq!(heard, "hello\tmpg\t\t64\n");
}
