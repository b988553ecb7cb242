//! What was stored: little, and nothing is added.

use async_trait::async_trait;
use jiff::Timestamp;
use mpg_core::agent::Usage;
use mpg_core::audit::{Actor, AuditLog, Audited};
use mpg_core::id::{DeliveryId, RootId, UserId};
use mpg_core::port::StoreError;
use mpg_core::token::{Token, Tokens};
use mpg_core::view::{
    Content, Entry, EventView, OwedPost, Stretch, TurnQuery, TurnState, TurnView, Views,
};

use super::{conversation, delivery, root, turn_id};

/// A turn, a post, an event, and the tokens.
#[derive(Debug)]
pub(super) struct Past([Token; 3]);

impl Past {
    pub(super) fn new(tokens: [Token; 3]) -> Self {
        Self(tokens)
    }
}

#[async_trait]
impl Views for Past {
    async fn recent_turns(&self, query: &TurnQuery) -> Result<Vec<TurnView>, StoreError> {
        let turn = TurnView {
            number: 1,
            id: turn_id(),
            conversation: conversation(),
            state: TurnState::Ended,
            author: UserId::new("ann"),
            prompt: "do it".to_owned(),
            by_person: true,
            attempt: Some(1),
            queued_at: Timestamp::UNIX_EPOCH,
            started_at: None,
            ended_at: Some(Timestamp::UNIX_EPOCH),
            outcome: Some("failed".to_owned()),
            failure: Some(("other".to_owned(), "it broke".to_owned())),
            usage: Usage::default(),
        };
        let wanted = query.turn.is_none_or(|id| id == turn.id)
            && query.thread.as_ref().is_none_or(|thread| *thread == root())
            && query.before.is_none_or(|before| turn.number < before);
        Ok(wanted.then_some(turn).into_iter().collect())
    }

    async fn owed(&self, _limit: u32) -> Result<Vec<OwedPost>, StoreError> {
        Ok(vec![OwedPost {
            root: root(),
            id: delivery(),
            kind: "answer".to_owned(),
            text: "soon".to_owned(),
            planned_at: Timestamp::UNIX_EPOCH,
        }])
    }

    async fn transcript(
        &self,
        wanted: &RootId,
        _limit: u32,
    ) -> Result<Option<Vec<Entry>>, StoreError> {
        let asked = Entry {
            at: Timestamp::UNIX_EPOCH,
            content: Content::Asked {
                turn: turn_id(),
                author: UserId::new("ann"),
                agent: None,
                by_person: true,
            },
            text: "<b>do it</b>".to_owned(),
        };
        Ok((*wanted == root()).then(|| vec![asked]))
    }

    async fn prompted(&self, key: &str) -> Result<Option<DeliveryId>, StoreError> {
        Ok(key.ends_with(" as known").then(delivery))
    }

    async fn events(&self, after: u64, limit: u32) -> Result<Vec<EventView>, StoreError> {
        let event = EventView {
            number: 1,
            at: Timestamp::UNIX_EPOCH,
            thread: Some(root()),
            kind: "turn_started".to_owned(),
            detail: r#"{"attempt":1}"#.to_owned(),
        };
        let wanted = after < 1 && limit > 0;
        Ok(wanted.then_some(event).into_iter().collect())
    }

    async fn newest_event(&self) -> Result<u64, StoreError> {
        Ok(1)
    }

    async fn activity(
        &self,
        since: Timestamp,
        _stretch_seconds: u32,
    ) -> Result<Vec<Stretch>, StoreError> {
        Ok(vec![Stretch {
            begins: since,
            channel: root().channel,
            agent: None,
            outcome: "answered".to_owned(),
            turns: 2,
            usage: Usage::default(),
            waited_ms: 30,
        }])
    }
}

#[async_trait]
impl Tokens for Past {
    async fn token(&self, id: &str) -> Result<Option<Token>, StoreError> {
        Ok(self.0.iter().find(|token| token.id == id).cloned())
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        Ok(self.0.to_vec())
    }

    async fn add_token(&self, _token: &Token, _by: &Actor) -> Result<(), StoreError> {
        Ok(())
    }

    async fn remove_token(&self, id: &str, _by: &Actor) -> Result<bool, StoreError> {
        Ok(self.0.iter().any(|token| token.id == id))
    }
}

#[async_trait]
impl AuditLog for Past {
    async fn audited(&self, before: Option<u64>, limit: u32) -> Result<Vec<Audited>, StoreError> {
        let entry = Audited {
            number: 1,
            at: Timestamp::UNIX_EPOCH,
            body: r#"{"about":"turn 1","act":"asked","actor":{"id":"7","kind":"person","name":"<i>Ann</i>","platform":"chat"}}"#.to_owned(),
            hash: "cd".to_owned(),
        };
        let wanted = limit > 0 && before.is_none_or(|before| before > 1);
        Ok(wanted.then_some(entry).into_iter().collect())
    }
}
