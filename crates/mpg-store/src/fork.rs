//! What a thread grows from that goes on with another one's conversation, as a column of JSON.

use mpg_core::id::{
    AgentName, ChannelId, ChannelKey, Place, PlatformId, SessionId, ThreadId, UserId,
};
use mpg_core::post::{Fork, PostKind};
use serde::{Deserialize, Serialize};

use crate::failure::UnknownValue;
use crate::key;

#[derive(Debug, Deserialize, Serialize)]
struct Written {
    session: String,
    platform: String,
    channel: String,
    thread: Option<String>,
    author: String,
    prompt: Option<String>,
}

/// The column of a post of this kind.
pub(crate) fn written(kind: &PostKind) -> Option<String> {
    let PostKind::Fork(fork) = kind else {
        return None;
    };
    let written = Written {
        session: fork.session.to_string(),
        platform: fork.from.channel.platform.to_string(),
        channel: fork.from.channel.channel.to_string(),
        thread: fork.from.thread.as_ref().map(ToString::to_string),
        author: fork.author.to_string(),
        prompt: fork.prompt.clone(),
    };
    serde_json::to_string(&written).ok()
}

/// Reads the column, of a fork for this agent.
pub(crate) fn read(column: Option<&str>, agent: Option<AgentName>) -> Result<Fork, UnknownValue> {
    let column = column.unwrap_or_default();
    let unknown = || UnknownValue::new("delivery.fork", column);
    let written: Written = serde_json::from_str(column).map_err(|_| unknown())?;
    let platform = PlatformId::new(written.platform);
    Ok(Fork {
        agent,
        session: SessionId::from_uuid(key::uuid("delivery.fork", &written.session)?),
        from: Place {
            channel: ChannelKey::new(platform, ChannelId::new(written.channel)),
            thread: written.thread.map(ThreadId::new),
        },
        author: UserId::new(written.author),
        prompt: written.prompt,
    })
}
