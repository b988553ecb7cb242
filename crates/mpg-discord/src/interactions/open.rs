//! One interaction, and how far its answer has come.

use std::time::Duration;

use mpg_core::id::{DeliveryId, MessageId};
use mpg_core::native::Audience;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, timeout, timeout_at};

use crate::event::interaction::Interaction;
use crate::settings::Token;

/// Discord's code for an interaction that has its first answer.
///
/// Source: the page on opcodes and status codes of Discord's documentation, as for the others.
pub(super) const ALREADY_ACKNOWLEDGED: u64 = 40060;

/// How long a token is used: Discord takes it for 15 minutes.
const TOKEN_LIFE: Duration = Duration::from_secs(14 * 60 + 30);

/// How long an announcement stands without its reply: it has to be taken back while the token lives.
const ANNOUNCED: Duration = Duration::from_mins(14);

/// How long a thread or a sign waits for the message that it belongs to.
const PATIENCE: Duration = Duration::from_secs(20);

/// An interaction of this process.
#[derive(Debug)]
pub(crate) struct Open {
    pub(super) id: u64,
    pub(super) application: u64,
    pub(super) token: Token,
    since: Instant,
    acknowledged: watch::Sender<Option<Acknowledged>>,
    reply: watch::Sender<Reply>,
    /// Held by whoever changes what is shown as its reply.
    pub(super) shown: Mutex<()>,
    /// The message that everybody sees as its reply.
    message: watch::Sender<Option<u64>>,
}

/// What became of the first answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acknowledged {
    /// A reply was announced, to those who will see it.
    Announced(Audience),
    /// Nothing is to be seen.
    Silently,
    /// It was not taken.
    Refused,
}

/// How far the reply has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Reply {
    /// It has not.
    #[default]
    Owed,
    /// It may have been written.
    Tried,
    /// What was announced was taken back.
    Withdrawn,
    /// This delivery is there.
    Made(DeliveryId, MessageId),
}

impl Open {
    pub(super) fn new(interaction: &Interaction) -> Self {
        Self {
            id: interaction.id.get(),
            application: interaction.application_id.get(),
            token: interaction.token.clone(),
            since: Instant::now(),
            acknowledged: watch::Sender::new(None),
            reply: watch::Sender::default(),
            shown: Mutex::default(),
            message: watch::Sender::new(None),
        }
    }

    pub(super) fn acknowledge(&self, acknowledged: Acknowledged) {
        self.acknowledged.send_replace(Some(acknowledged));
    }

    /// What became of the first answer, which takes a few seconds at most.
    pub(super) async fn acknowledged(&self) -> Acknowledged {
        let mut seen = self.acknowledged.subscribe();
        let known = seen.wait_for(Option::is_some).await;
        known
            .ok()
            .and_then(|known| *known)
            .unwrap_or(Acknowledged::Refused)
    }

    /// Whether what announced its reply may still stand there, although the reply does not.
    pub(super) async fn announces(&self) -> bool {
        let announced = match self.acknowledged().await {
            Acknowledged::Announced(audience) => audience == Audience::Everyone,
            Acknowledged::Silently | Acknowledged::Refused => false,
        };
        announced
            && match self.reply() {
                Reply::Owed | Reply::Tried => true,
                Reply::Withdrawn | Reply::Made(..) => false,
            }
    }

    /// Whether its token may still be taken.
    pub(super) fn is_alive(&self) -> bool {
        self.since.elapsed() < TOKEN_LIFE
    }

    pub(super) fn reply(&self) -> Reply {
        self.reply.borrow().clone()
    }

    pub(super) fn set_reply(&self, reply: Reply) {
        self.reply.send_replace(reply);
    }

    /// Waits until there is a reply, or until what was announced is to be taken back because its token
    /// ends soon. Whether that is so.
    pub(super) async fn is_held_up(&self) -> bool {
        let mut reply = self.reply.subscribe();
        let settled = reply.wait_for(|reply| match reply {
            Reply::Owed | Reply::Tried => false,
            Reply::Withdrawn | Reply::Made(..) => true,
        });
        timeout_at(self.since + ANNOUNCED, settled).await.is_err()
    }

    /// Remembers the message that everybody sees as the reply.
    pub(crate) fn shown_as(&self, message: &MessageId) {
        if let Some(message) = crate::render::snowflake(message.as_str()) {
            self.message.send_replace(Some(message));
        }
    }

    /// The message that everybody sees as the reply, once it is there.
    pub(crate) async fn message(&self) -> Option<u64> {
        let mut seen = self.message.subscribe();
        let known = timeout(PATIENCE, seen.wait_for(Option::is_some)).await;
        known.ok()?.ok().and_then(|known| *known)
    }
}
