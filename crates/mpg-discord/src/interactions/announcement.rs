//! What announces a reply, and must not stay where the reply comes as something else.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use mpg_core::port::DeliveryError;
use mpg_core::post::{Post, PostKind};
use tokio::task::JoinSet;
use twilight_http::routing::Route;

use super::open::{Acknowledged, Open, Reply};
use crate::event::Message;
use crate::missed::first_id;
use crate::render::{LOADING, snowflake};
use crate::rest::{Failure, Rest, Verb};

/// Discord's codes for a token that is not taken any more.
///
/// Source: the page on opcodes and status codes of Discord's documentation, as for the other.
pub(super) const DEAD: [u64; 3] = [10015, 10062, 50027];

/// Discord's code for a message that somebody took away.
pub(super) const UNKNOWN_MESSAGE: u64 = 10008;

/// How many announcements are looked after at once. Those beyond stay until Discord gives them up
/// itself, with its own words.
const WATCHED: usize = 1024;

/// How many messages around an interaction are looked through for what announced its reply.
const AROUND: u16 = 50;

/// The announcements whose replies are awaited. They are forgotten when it is dropped.
#[derive(Debug)]
pub(super) struct Announcements {
    /// The first id that belongs to the time of this process.
    first: u64,
    watched: Mutex<JoinSet<()>>,
}

impl Announcements {
    pub(super) fn new() -> Self {
        Self {
            first: first_id(Timestamp::now()),
            watched: Mutex::default(),
        }
    }

    /// Takes the announcement of a reply back where the reply does not come while its token lives.
    ///
    /// Has to be called inside a runtime.
    pub(super) fn watch(&self, rest: &Arc<Rest>, open: &Arc<Open>) {
        let (rest, open) = (Arc::clone(rest), Arc::clone(open));
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        while watched.try_join_next().is_some() {}
        if watched.len() < WATCHED {
            watched.spawn(async move { outlast(&rest, &open).await });
        }
    }

    /// Whether an announcement of an earlier process may stand where a post was made.
    fn may_be_left(&self, post: &Post) -> bool {
        let replies = match post.kind {
            PostKind::Reply | PostKind::Private => true,
            PostKind::Answer { .. }
            | PostKind::Failure { .. }
            | PostKind::Notice
            | PostKind::Progress { .. }
            | PostKind::Live { .. }
            | PostKind::Board
            | PostKind::Request { .. }
            | PostKind::Prompt { .. }
            | PostKind::Fork(_)
            | PostKind::Told => false,
        };
        let asked = post.reply_to.as_ref().and_then(|id| snowflake(id.as_str()));
        replies && asked.is_some_and(|id| id < self.first)
    }

    /// Removes what announced a reply that was posted in the channel instead: an earlier process had
    /// the token, or it is dead. What cannot be removed stays, and Discord gives it up itself.
    pub(crate) async fn clear(&self, rest: &Rest, channel: u64, post: &Post, open: Option<&Open>) {
        let left = match open {
            Some(open) => open.announces().await,
            None => self.may_be_left(post),
        };
        let asked = post.reply_to.as_ref();
        let asked = asked.filter(|_| left).and_then(|id| snowflake(id.as_str()));
        if let Some(asked) = asked
            && let Err(failure) = remove(rest, channel, asked).await
        {
            tracing::debug!(id = asked, ?failure, "an announcement may have stayed");
        }
    }
}

/// Waits for the reply, and takes its announcement back where it does not come.
async fn outlast(rest: &Rest, open: &Open) {
    match open.acknowledged().await {
        Acknowledged::Announced(_) => {}
        Acknowledged::Silently | Acknowledged::Refused => return,
    }
    if !open.is_held_up().await {
        return;
    }
    let _shown = open.shown.lock().await;
    // What may have been written is not taken away again.
    if open.reply() == Reply::Owed
        && let Err(error) = withdraw(rest, open).await
    {
        tracing::debug!(id = open.id, %error, "an announcement may have stayed");
    }
}

/// Takes an announcement back.
pub(super) async fn withdraw(rest: &Rest, open: &Open) -> Result<(), DeliveryError> {
    let route = Route::DeleteInteractionOriginal {
        application_id: open.application,
        interaction_token: open.token.expose(),
    };
    match rest.call(&route).await {
        Ok(()) => {}
        Err(failure)
            if failure
                .code()
                .is_some_and(|code| code == UNKNOWN_MESSAGE || DEAD.contains(&code)) => {}
        Err(failure) => return Err(failure.delivery(Verb::Sign)),
    }
    open.set_reply(Reply::Withdrawn);
    Ok(())
}

/// Removes the message that announces the reply to an interaction, if it is there.
async fn remove(rest: &Rest, channel: u64, asked: u64) -> Result<(), Failure> {
    let route = Route::GetMessages {
        after: None,
        around: Some(asked),
        before: None,
        channel_id: channel,
        limit: Some(AROUND),
    };
    let page: Vec<Message> = rest.get(&route).await?;
    let announcement = page.iter().find(|message| {
        let answered = message.interaction_metadata.as_ref();
        answered.is_some_and(|answered| answered.id.get() == asked)
            && message.flags.unwrap_or_default() & LOADING != 0
    });
    let Some(announcement) = announcement else {
        return Ok(());
    };
    let route = Route::DeleteMessage {
        channel_id: channel,
        message_id: announcement.id.get(),
    };
    rest.call(&route).await
}
