//! The turns of each thread that ended, for a store that cannot be queried.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use super::{PastTurn, Turns};
use crate::agent::Usage;
use crate::id::{ConversationId, RootId};
use crate::record::{ABSORBED, Record};
use crate::snapshot::{QueuedTurn, Snapshot};

/// How many turns of a thread are kept one by one.
const KEPT: usize = 100;

/// What the turns of each thread were, the newest of them one by one.
#[derive(Debug, Default)]
pub struct Ledger {
    threads: BTreeMap<RootId, Page>,
}

#[derive(Debug, Default)]
struct Page {
    ended: u64,
    usage: Usage,
    /// The oldest first.
    turns: VecDeque<PastTurn>,
}

impl Ledger {
    /// Takes in one record, before the state does.
    pub fn apply(&mut self, state: &Snapshot, record: &Record) {
        if let Record::TurnEnded {
            conversation,
            turn,
            outcome,
            usage,
            at,
        } = record
        {
            let running = state.conversation(conversation);
            let running = running.and_then(|conversation| conversation.running.as_deref());
            let Some(running) = running.filter(|running| running.turn.id == *turn) else {
                return;
            };
            let outcome = outcome.name();
            self.ended(conversation, &running.turn, outcome, *usage, *at);
        } else if let Record::TurnAbsorbed {
            conversation,
            turn,
            by: _,
            at,
        } = record
        {
            let waiting = state.conversation(conversation);
            let mut waiting = waiting.into_iter().flat_map(|c| &c.queue);
            if let Some(asked) = waiting.find(|queued| queued.id == *turn) {
                self.ended(conversation, asked, ABSORBED, Usage::default(), *at);
            }
        } else if let Record::ThreadForgotten { root } = record {
            self.threads.remove(root);
        }
    }

    fn ended(
        &mut self,
        conversation: &ConversationId,
        asked: &QueuedTurn,
        outcome: &str,
        usage: Usage,
        at: Timestamp,
    ) {
        let page = self.threads.entry(conversation.root.clone()).or_default();
        page.ended += 1;
        page.usage.add(&usage);
        if page.turns.len() == KEPT {
            page.turns.pop_front();
        }
        page.turns.push_back(PastTurn {
            id: asked.id,
            agent: conversation.agent.clone(),
            author: asked.author.clone(),
            prompt: PastTurn::beginning(&asked.prompt).to_owned(),
            by_person: asked.origin.is_person(),
            outcome: outcome.to_owned(),
            usage,
            at,
        });
    }

    /// What the turns of some threads were.
    pub fn turns(&self, threads: &[RootId], last: usize) -> Turns {
        let mut turns = Turns::default();
        for page in threads.iter().filter_map(|root| self.threads.get(root)) {
            turns.ended += page.ended;
            turns.usage.add(&page.usage);
            turns.last.extend(page.turns.iter().rev().cloned());
        }
        turns.keep_last(last);
        turns
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::id::{
        ChannelId, ChannelKey, InstallationId, MessageId, MessageRef, Place, PlatformId, TurnId,
        UserId,
    };
    use crate::snapshot::Origin;

    #[test]
    fn the_turn_that_another_one_took_in_is_told_and_no_other_that_waits() {
        let channel = ChannelKey::new(PlatformId::new("chat"), ChannelId::new("1"));
        let place = Place::channel(channel);
        let conversation = ConversationId {
            root: RootId::of_place(&place),
            agent: None,
        };
        let turn = |number| TurnId::from_uuid(Uuid::from_u128(number));
        let mut state = Snapshot::new(InstallationId::from_uuid(Uuid::nil()));
        for (number, prompt) in [(1, "runs"), (2, "waits"), (3, "is taken in")] {
            state.apply(&Record::TurnQueued {
                conversation: conversation.clone(),
                turn: QueuedTurn {
                    id: turn(number),
                    cause: MessageRef {
                        place: place.clone(),
                        message: MessageId::new(number.to_string()),
                    },
                    author: UserId::new("ann"),
                    prompt: prompt.to_owned(),
                    attachments: Vec::new(),
                    at: Timestamp::UNIX_EPOCH,
                    origin: Origin::Person,
                },
            });
        }
        let mut ledger = Ledger::default();
        let absorbed = Record::TurnAbsorbed {
            conversation: conversation.clone(),
            turn: turn(3),
            by: turn(1),
            at: Timestamp::UNIX_EPOCH,
        };
        ledger.apply(&state, &absorbed);
        let told = ledger.turns(&[conversation.root], 10);
        let prompts: Vec<&str> = told.last.iter().map(|turn| turn.prompt.as_str()).collect();
        assert_eq!(prompts, ["is taken in"]);
    }
}
