//! What the records say about turns, and what people saw of them.

use std::collections::{BTreeMap, BTreeSet};

use mpg_core::id::{ConversationId, DeliveryId, MessageRef, TurnId};
use mpg_core::post::PostKind;
use mpg_core::record::{Record, TurnOutcome};
use mpg_core::snapshot::Origin;
use mpg_testkit::fake::FakePlatform;

/// What the records say about one turn.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) conversation: ConversationId,
    pub(crate) cause: MessageRef,
    pub(crate) origin: Origin,
    pub(crate) prompt: String,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) planned: Vec<DeliveryId>,
    /// What it answered, as it was planned.
    pub(crate) answer: String,
    /// What it took in of what was asked behind it.
    pub(crate) took_in: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Dropped,
    Answered,
    Failed,
    Cut,
    /// Another turn answers it.
    Absorbed,
}

/// All turns that were accepted, and their order in each conversation.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    pub(crate) all: BTreeMap<TurnId, Turn>,
    pub(crate) order: BTreeMap<ConversationId, Vec<TurnId>>,
}

impl Turns {
    pub(crate) fn new(made: &[Record]) -> Self {
        let mut turns = Self::default();
        for record in made {
            turns.take(record);
        }
        turns
    }

    /// Those that people asked for with a message.
    pub(crate) fn of_message(&self, message: &MessageRef) -> Vec<TurnId> {
        let turns = self.all.iter();
        let asked = turns.filter(|(_, turn)| turn.cause == *message && turn.origin.is_person());
        asked.map(|(id, _)| *id).collect()
    }

    /// What was asked in a conversation with messages that were deleted.
    pub(crate) fn taken_back<'a>(
        &'a self,
        conversation: &'a ConversationId,
        deleted: &'a BTreeSet<MessageRef>,
    ) -> impl Iterator<Item = &'a str> {
        let turns = self.all.values();
        let turns = turns.filter(move |turn| turn.conversation == *conversation);
        let dropped = turns.filter(|turn| turn.outcomes == [Outcome::Dropped]);
        let deleted = dropped.filter(move |turn| deleted.contains(&turn.cause));
        deleted.map(|turn| turn.prompt.as_str())
    }

    fn take(&mut self, record: &Record) {
        if let Record::TurnQueued { conversation, turn } = record {
            let order = self.order.entry(conversation.clone()).or_default();
            order.push(turn.id);
            let accepted = Turn {
                conversation: conversation.clone(),
                cause: turn.cause.clone(),
                origin: turn.origin.clone(),
                prompt: turn.prompt.clone(),
                outcomes: Vec::new(),
                planned: Vec::new(),
                answer: String::new(),
                took_in: Vec::new(),
            };
            let before = self.all.insert(turn.id, accepted);
            assert!(before.is_none(), "{before:?} was accepted twice");
        } else if let Record::QueuedDropped { turn, .. } = record {
            self.known(*turn).outcomes.push(Outcome::Dropped);
        } else if let Record::TurnAbsorbed { turn, by, .. } = record {
            let absorbed = self.known(*turn);
            absorbed.outcomes.push(Outcome::Absorbed);
            let prompt = absorbed.prompt.clone();
            self.known(*by).took_in.push(prompt);
        } else if let Record::TurnEnded { turn, outcome, .. } = record {
            self.known(*turn).outcomes.push(match outcome {
                TurnOutcome::Answered => Outcome::Answered,
                TurnOutcome::Failed(_) => Outcome::Failed,
                TurnOutcome::Stopped | TurnOutcome::Abandoned => Outcome::Cut,
            });
        } else if let Record::DeliveryPlanned { post, .. } = record
            && let Some(turn) = turn_of(&post.kind)
        {
            let turn = self.known(turn);
            turn.planned.push(post.id);
            if let PostKind::Answer { agent, .. } = &post.kind {
                assert_eq!(*agent, turn.conversation.agent, "another one's answer");
                turn.answer.extend([post.text.as_str(), "\n"]);
            }
        }
    }

    fn known(&mut self, turn: TurnId) -> &mut Turn {
        self.all
            .get_mut(&turn)
            .expect("what becomes of a turn comes after it")
    }
}

/// What people saw of turns, in order.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) all: Vec<TurnId>,
    pub(crate) posts: BTreeMap<TurnId, Vec<(DeliveryId, String)>>,
}

impl Shown {
    pub(crate) fn new(chat: &FakePlatform) -> Self {
        let mut all = Vec::new();
        let mut posts: BTreeMap<TurnId, Vec<(DeliveryId, String)>> = BTreeMap::new();
        for posted in chat.look(|world| world.posts().to_vec()) {
            if let Some(turn) = turn_of(&posted.post.kind) {
                all.push(turn);
                let texts = posts.entry(turn).or_default();
                texts.push((posted.post.id, posted.post.text));
            }
        }
        Self { all, posts }
    }

    pub(crate) fn of(&self, turn: TurnId) -> &[(DeliveryId, String)] {
        self.posts.get(&turn).map_or(&[], Vec::as_slice)
    }
}

fn turn_of(kind: &PostKind) -> Option<TurnId> {
    match kind {
        PostKind::Answer { turn, .. } | PostKind::Failure { turn } => Some(*turn),
        PostKind::Notice
        | PostKind::Progress { .. }
        | PostKind::Live { .. }
        | PostKind::Board
        | PostKind::Request { .. }
        | PostKind::Reply
        | PostKind::Prompt { .. }
        | PostKind::Fork(_)
        | PostKind::Told
        | PostKind::Private => None,
    }
}
