//! The store behind the pages: nothing is written to it but what a test says.

use std::sync::Mutex;

use async_trait::async_trait;
use jiff::Timestamp;
use mpg_core::agent::Usage;
use mpg_core::audit::Actor;
use mpg_core::id::{ConversationId, DeliveryId, RootId, UserId};
use mpg_core::port::StoreError;
use mpg_core::token::{Scope, Token, Tokens};
use mpg_core::view::{
    Content, Entry, EventView, OwedPost, Stretch, TurnQuery, TurnState, TurnView, Views,
};

use super::{channel, root, turn_id};

/// What is stored: one thread with a turn of each state, some events, and tokens.
#[derive(Debug)]
pub(crate) struct Past {
    pub(super) tokens: Mutex<Vec<Token>>,
    /// How many entries the audit log has.
    pub(super) audited: u64,
    pub(crate) events: Mutex<Vec<EventView>>,
}

impl Past {
    /// Makes a token, and returns what its holder shows.
    pub(crate) fn admit(&self, scope: Scope, expires_at: Option<Timestamp>) -> String {
        let minted = mpg_web::mint(scope, "test", Timestamp::UNIX_EPOCH, expires_at);
        let (token, shown) = minted.unwrap();
        self.tokens.lock().unwrap().push(token);
        shown
    }

    pub(crate) fn revoke_all(&self) {
        self.tokens.lock().unwrap().clear();
    }

    pub(crate) fn happened(&self, number: u64, kind: &str) {
        self.events.lock().unwrap().push(EventView {
            number,
            at: Timestamp::UNIX_EPOCH,
            thread: Some(root()),
            kind: kind.to_owned(),
            detail: r#"{"attempt":1}"#.to_owned(),
        });
    }
}

#[async_trait]
impl Views for Past {
    async fn recent_turns(&self, query: &TurnQuery) -> Result<Vec<TurnView>, StoreError> {
        let turns = TurnState::ALL.into_iter().zip([1, 2, 3]).rev();
        let turns = turns.map(|(state, number)| turn(number, state));
        Ok(turns
            .filter(|turn| query.turn.is_none_or(|id| turn.id == id))
            .filter(|turn| query.state.is_none_or(|state| turn.state == state))
            .filter(|turn| {
                let channel = &turn.conversation.root.channel;
                query
                    .channel
                    .as_ref()
                    .is_none_or(|wanted| wanted == channel)
            })
            .filter(|turn| query.before.is_none_or(|before| turn.number < before))
            .filter(|turn| {
                let root = &turn.conversation.root;
                query.thread.as_ref().is_none_or(|wanted| wanted == root)
            })
            .take(query.limit as usize)
            .collect())
    }

    async fn owed(&self, _limit: u32) -> Result<Vec<OwedPost>, StoreError> {
        Ok(vec![OwedPost {
            root: root(),
            id: DeliveryId::of_turn(turn_id(1), 0),
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
        if *wanted != root() {
            return Ok(None);
        }
        let asked = Entry {
            at: Timestamp::UNIX_EPOCH,
            content: Content::Asked {
                turn: turn_id(1),
                author: UserId::new("ann"),
                agent: None,
                by_person: true,
            },
            text: "<script>alert(1)</script>".to_owned(),
        };
        let posted = Entry {
            at: Timestamp::UNIX_EPOCH,
            content: Content::Posted {
                delivery: DeliveryId::of_turn(turn_id(1), 0),
                kind: "answer".to_owned(),
                persona: None,
                state: "confirmed".to_owned(),
                turn: Some(turn_id(1)),
            },
            text: "no".to_owned(),
        };
        Ok(Some(vec![asked, posted]))
    }

    async fn prompted(&self, key: &str) -> Result<Option<DeliveryId>, StoreError> {
        let known = key.ends_with(" as known");
        Ok(known.then(|| DeliveryId::of_turn(turn_id(6), 0)))
    }

    async fn events(&self, after: u64, limit: u32) -> Result<Vec<EventView>, StoreError> {
        let events = self.events.lock().unwrap();
        let later = events.iter().filter(|event| event.number > after);
        Ok(later.take(limit as usize).cloned().collect())
    }

    async fn newest_event(&self) -> Result<u64, StoreError> {
        let events = self.events.lock().unwrap();
        Ok(events.last().map_or(0, |event| event.number))
    }

    async fn activity(
        &self,
        since: Timestamp,
        _stretch_seconds: u32,
    ) -> Result<Vec<Stretch>, StoreError> {
        Ok(vec![Stretch {
            begins: since,
            channel: channel(),
            agent: None,
            outcome: "answered".to_owned(),
            turns: 2,
            usage: Usage {
                cost_microdollars: 500,
                ..Usage::default()
            },
            waited_ms: 30,
        }])
    }
}

#[async_trait]
impl Tokens for Past {
    async fn token(&self, id: &str) -> Result<Option<Token>, StoreError> {
        let tokens = self.tokens.lock().unwrap();
        Ok(tokens.iter().find(|token| token.id == id).cloned())
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        Ok(self.tokens.lock().unwrap().clone())
    }

    async fn add_token(&self, token: &Token, _by: &Actor) -> Result<(), StoreError> {
        self.tokens.lock().unwrap().push(token.clone());
        Ok(())
    }

    async fn remove_token(&self, id: &str, _by: &Actor) -> Result<bool, StoreError> {
        let mut tokens = self.tokens.lock().unwrap();
        let before = tokens.len();
        tokens.retain(|token| token.id != id);
        Ok(tokens.len() < before)
    }
}

fn turn(number: u64, state: TurnState) -> TurnView {
    let ended = state == TurnState::Ended;
    TurnView {
        number,
        id: turn_id(number.into()),
        conversation: ConversationId {
            root: root(),
            agent: None,
        },
        state,
        author: UserId::new("ann"),
        prompt: "do it".to_owned(),
        by_person: true,
        attempt: Some(1),
        queued_at: Timestamp::UNIX_EPOCH,
        started_at: None,
        ended_at: ended.then_some(Timestamp::UNIX_EPOCH),
        outcome: ended.then(|| "failed".to_owned()),
        failure: ended.then(|| ("other".to_owned(), "it broke".to_owned())),
        usage: Usage::default(),
    }
}
