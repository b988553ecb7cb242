//! What callers are told when something does not work.

use std::time::Duration;

use echo_adapter::{Config, connect};
use mpg_core::id::{DeliveryId, MessageId, MessageRef, Place, ThreadId};
use mpg_core::port::{Connection, DeliveryError};
use mpg_core::post::{Post, PostKind};

use crate::patience::soon;
use crate::room::{Room, channel};

fn enter(room: &Room) -> Connection {
    let (reader, writer) = room.streams();
    connect(&Config::new("mpg").unwrap(), None, reader, writer)
}

fn hello() -> Post {
    Post::new(
        DeliveryId::parse("abcdefghij234567abcd").unwrap(),
        PostKind::Notice,
        "hello".to_owned(),
    )
}

#[tokio::test(start_paused = true)]
async fn the_server_decides_what_the_caller_must_do() {
    let room = Room::default();
    let connection = enter(&room);
    room.change(|world| {
        world.faults.extend([
            Some("gone\t0\tthe channel was closed"),
            Some("rejected\t0\tno such sign"),
            Some("later\t7\ttoo many posts"),
            None,
        ]);
    });
    let mut told = Vec::new();
    for _ in 0..4 {
        let failed = connection.outbox.post(&channel("dev"), &hello()).await;
        told.push(failed.unwrap_err());
    }
    insta::assert_debug_snapshot!(told);
    // The last one may have happened: the same post again is the same message.
    let posted = connection.outbox.post(&channel("dev"), &hello()).await;
    assert_eq!(posted.unwrap(), MessageId::new("1"));
}

#[tokio::test]
async fn a_lost_connection_leaves_what_was_called_unknown() {
    let (bot, server) = tokio::io::duplex(1024);
    let (reader, writer) = tokio::io::split(bot);
    let config = Config::new("mpg").unwrap();
    let config = config.answer_limit(Duration::from_hours(1)).unwrap();
    let mut connection = connect(&config, None, reader, writer);
    let dev = channel("dev");
    let (called, ()) = tokio::join!(soon(connection.outbox.typing(&dev)), async {
        drop(server);
        assert!(soon(connection.inbox.next()).await.is_none());
    });
    assert!(
        matches!(called, Err(DeliveryError::Unknown(_))),
        "{called:?}"
    );
    let later = connection.outbox.post(&dev, &hello()).await;
    assert!(
        matches!(later, Err(DeliveryError::Transient { .. })),
        "{later:?}"
    );
}

#[tokio::test]
async fn there_are_no_threads_in_threads() {
    let room = Room::default();
    let connection = enter(&room);
    let from = MessageRef {
        place: Place::thread(channel("dev").channel, ThreadId::new("41")),
        message: MessageId::new("42"),
    };
    let refused = connection.outbox.open_thread(&from, "inside").await;
    assert!(matches!(refused, Err(DeliveryError::Unsupported)));
}
