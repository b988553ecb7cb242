//! An engine inside a bot that owns its connection.

use std::sync::Arc;

use mpg_core::id::Position;
use mpg_core::port::Connection;
use mpg_engine::{Ended, Engine, InboxClosed, channel_inbox, stop};

use crate::stage::{Stage, echo};

#[tokio::test(start_paused = true)]
async fn a_bot_feeds_the_inbox_by_hand() {
    let stage = Stage::new(echo());
    let mut bot = stage.chat.connect();
    let (mut sender, inbox) = channel_inbox();
    let connection = Connection {
        platform: stage.chat.id(),
        inbox,
        outbox: Arc::clone(&bot.outbox),
    };
    // Nothing but what has no default: the state is kept in memory.
    let engine = Engine::builder(Arc::new(stage.config()), Arc::clone(&stage.runtime))
        .connection(connection)
        .build();
    let (_stop, signal) = stop();
    let engine = tokio::spawn(engine.run(signal));

    stage.chat.say(&stage.general, "ann", "hello");
    let (inbound, _) = bot.inbox.next().await.unwrap();
    assert_eq!(sender.stored(), None);
    let position = Position::new("event 17");
    sender.send(inbound, Some(position.clone())).await.unwrap();
    assert_eq!(sender.next_stored().await, Ok(position.clone()));
    assert_eq!(sender.stored(), Some(position));
    drop(sender);

    assert_eq!(engine.await.unwrap().unwrap(), Ended::Drained);
    assert_eq!(stage.texts(), ["re: hello"]);
}

#[tokio::test(start_paused = true)]
async fn a_sender_is_told_that_the_engine_has_ended() {
    let stage = Stage::new(echo());
    let (mut sender, inbox) = channel_inbox();
    let connection = Connection {
        inbox,
        ..stage.chat.connect()
    };
    let engine = stage.start_with(connection).await;
    engine.drain().await;
    let link = mpg_core::message::Inbound::Link(mpg_core::message::Link::Connected);
    assert_eq!(sender.send(link, None).await, Err(InboxClosed));
    assert_eq!(sender.next_stored().await, Err(InboxClosed));
}
