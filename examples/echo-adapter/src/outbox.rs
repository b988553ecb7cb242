//! What goes out.

use std::sync::Arc;

use async_trait::async_trait;
use mpg_core::capability::{Capabilities, Controls, Reconcile, Threads};
use mpg_core::id::{MessageId, MessageRef, Place, Position, ThreadId};
use mpg_core::port::{self, DeliveryError};
use mpg_core::post::{Post, Status};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{mpsc, watch};

use crate::calls::Calls;
use crate::{line, render};

/// What goes out.
#[derive(Debug)]
pub(crate) struct Outbox {
    pub(crate) calls: Arc<Calls>,
}

#[async_trait]
impl port::Outbox for Outbox {
    fn capabilities(&self, place: &Place) -> Capabilities {
        Capabilities {
            direct: false,
            threads: match place.thread {
                None => Threads::FromMessage,
                Some(_) => Threads::None,
            },
            post_limit: render::POST_LIMIT,
            persona_limit: None,
            typing: true,
            status: true,
            live: None,
            edits: None,
            pins: false,
            spoilers: false,
            controls: Controls::None,
            files: None,
            reconcile: Reconcile::Nonce,
        }
    }

    async fn post(&self, place: &Place, post: &Post) -> Result<MessageId, DeliveryError> {
        let text = post.in_lines();
        let id = self.calls.call(&render::post(place, post, &text)?).await?;
        Ok(MessageId::new(id))
    }

    async fn open_thread(&self, from: &MessageRef, title: &str) -> Result<Place, DeliveryError> {
        let (channel, "") = render::target(&from.place)? else {
            return Err(DeliveryError::Unsupported);
        };
        let title = render::title(title);
        let fields = ["thread", channel, from.message.as_str(), &title];
        let thread = self.calls.call(&fields).await?;
        Ok(Place::thread(
            from.place.channel.clone(),
            ThreadId::new(thread),
        ))
    }

    async fn set_status(&self, on: &MessageRef, status: Status) -> Result<(), DeliveryError> {
        let done = self.calls.call(&render::sign(on, status)?).await;
        done.map(drop)
    }

    async fn typing(&self, place: &Place) -> Result<(), DeliveryError> {
        let (channel, thread) = render::target(place)?;
        let done = self.calls.call(&["typing", channel, thread]).await;
        done.map(drop)
    }
}

/// Writes what is called and what is stored, until nobody calls any more or it cannot be written.
pub(crate) async fn write(
    mut writer: impl AsyncWrite + Unpin,
    hello: String,
    mut calls: mpsc::Receiver<String>,
    mut stored: watch::Receiver<Option<Position>>,
) {
    let mut line = hello;
    loop {
        // The reader sees the end of the stream too, and says so.
        if writer.write_all(line.as_bytes()).await.is_err() || writer.flush().await.is_err() {
            return;
        }
        line = tokio::select! {
            call = calls.recv() => match call {
                Some(call) => call,
                None => return,
            },
            Ok(()) = stored.changed() => {
                let newest = stored.borrow_and_update();
                let number = newest.as_ref().map_or("0", Position::as_str);
                line::join(&["stored", number])
            }
        };
    }
}
