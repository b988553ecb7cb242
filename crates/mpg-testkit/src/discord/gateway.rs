//! The gateway: one WebSocket a connection, which sends what its session holds.

mod hub;
mod opcode;
mod session;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::shared::Shared;

pub use self::hub::GatewayFault;
pub(super) use self::hub::{Frame, Hub};
pub(super) use self::session::Event;

/// The bits of the intents that this server knows.
pub(super) mod intent {
    use crate::discord::snowflake::Snowflake;

    pub(crate) const GUILDS: u64 = 1;
    pub(crate) const GUILD_MEMBERS: u64 = 1 << 1;
    pub(crate) const GUILD_PRESENCES: u64 = 1 << 8;
    pub(crate) const GUILD_MESSAGES: u64 = 1 << 9;
    pub(crate) const GUILD_MESSAGE_REACTIONS: u64 = 1 << 10;
    pub(crate) const GUILD_MESSAGE_TYPING: u64 = 1 << 11;
    pub(crate) const DIRECT_MESSAGES: u64 = 1 << 12;
    pub(crate) const DIRECT_MESSAGE_REACTIONS: u64 = 1 << 13;
    pub(crate) const DIRECT_MESSAGE_TYPING: u64 = 1 << 14;
    pub(crate) const MESSAGE_CONTENT: u64 = 1 << 15;
    /// Every bit that Discord has given a meaning.
    pub(crate) const KNOWN: u64 = 0x331_FFFF;

    /// The intent of what happens in a guild's channel, or of the same in a direct conversation.
    pub(crate) fn of(guild: Option<Snowflake>, in_guild: u64) -> u64 {
        match (guild, in_guild) {
            (None, GUILD_MESSAGES) => DIRECT_MESSAGES,
            (None, GUILD_MESSAGE_REACTIONS) => DIRECT_MESSAGE_REACTIONS,
            (None, GUILD_MESSAGE_TYPING) => DIRECT_MESSAGE_TYPING,
            (_, other) => other,
        }
    }
}

/// The largest message that a client may send: Discord's own limit.
const CLIENT_MESSAGE: usize = 4096;

/// How long a client has to answer a close frame.
const CLOSING: Duration = Duration::from_secs(5);

/// Takes a connection to the gateway.
pub(super) async fn upgrade(
    State(shared): State<Arc<Shared>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    if shared.update(|world| {
        world
            .hub
            .take_fault(GatewayFault::RefuseConnection)
            .is_some()
    }) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    upgrade
        .max_message_size(CLIENT_MESSAGE)
        .on_upgrade(move |socket| serve(shared, socket))
}

async fn serve(shared: Arc<Shared>, mut socket: WebSocket) {
    let mut changes = shared.changes();
    let (connection, interval) = shared.update(|world| {
        let connection = world.hub.connect();
        (connection, world.settings.heartbeat_interval)
    });
    let interval = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
    let hello = json!({
        "op": opcode::HELLO,
        "t": null,
        "s": null,
        "d": {"heartbeat_interval": interval, "_trace": []},
    });
    shared.quietly(|world| {
        let hello = Frame::Text(hello.to_string());
        world.hub.send(connection, hello);
    });
    let mut left = None;
    loop {
        let frames = shared.quietly(|world| world.hub.outgoing(connection));
        if !send(&mut socket, frames).await {
            break;
        }
        tokio::select! {
            woken = changes.changed() => if woken.is_err() {
                break;
            },
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) => {
                    shared.update(|world| world.receive(connection, text.as_str()));
                }
                Some(Ok(Message::Close(frame))) => {
                    left = Some(frame.map_or(1005, |frame| frame.code));
                    // The stream goes on until the closing handshake is through.
                }
                // Only the etf encoding, which is not served, uses binary frames.
                Some(Ok(Message::Binary(_))) => {
                    shared.update(|world| world.hub.close(connection, 4002, "Decode error"));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Err(_)) | None => break,
            },
        }
    }
    shared.update(|world| world.hub.disconnect(connection, left));
}

/// Sends frames in order; `false` when the connection is over.
async fn send(socket: &mut WebSocket, frames: Vec<Frame>) -> bool {
    for frame in frames {
        match frame {
            Frame::Text(text) => {
                if socket.send(Message::text(text)).await.is_err() {
                    return false;
                }
            }
            Frame::Close(code, reason) => {
                let frame = CloseFrame {
                    code,
                    reason: reason.into(),
                };
                let sent = socket.send(Message::Close(Some(frame))).await;
                // The client's answer completes the handshake; without reading it the socket would
                // be reset before the client has read the code.
                let answer = async { while matches!(socket.recv().await, Some(Ok(_))) {} };
                if sent.is_ok() {
                    drop(tokio::time::timeout(CLOSING, answer).await);
                }
                return false;
            }
            Frame::Drop => return false,
        }
    }
    true
}
