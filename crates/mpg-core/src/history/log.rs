//! What was said in all threads, from the records that tell of it.

use std::collections::{BTreeMap, VecDeque};

use super::{KEPT, Said, Speaker};
use crate::id::{ConversationId, RootId, TurnId};
use crate::post::PostKind;
use crate::record::Record;
use crate::snapshot::QueuedTurn;

/// What was said in each thread, the newest of it: what a store that cannot be queried keeps beside
/// the state.
#[derive(Debug, Default)]
pub struct Log {
    threads: BTreeMap<RootId, VecDeque<Entry>>,
}

#[derive(Debug)]
struct Entry {
    said: Said,
    /// The turns that it led to, or the one that it answers.
    turns: Vec<TurnId>,
}

impl Log {
    /// Takes in one record.
    pub fn apply(&mut self, record: &Record) {
        if let Record::TurnQueued { conversation, turn } = record {
            self.asked(conversation, turn);
        } else if let Record::DeliveryPlanned { root, post, at } = record
            && let PostKind::Answer { turn, agent } = &post.kind
        {
            let entries = self.threads.entry(root.clone()).or_default();
            let last = entries.back_mut();
            if let Some(last) = last.filter(|last| last.is_answer_of(*turn)) {
                last.said.text.extend(["\n", post.said()]);
            } else {
                let speaker = Speaker::Agent {
                    name: agent.clone(),
                    turn: *turn,
                };
                let (text, at) = (post.said().to_owned(), *at);
                push(entries, Said { speaker, text, at }, *turn);
            }
        } else if let Record::QueuedEdited {
            conversation,
            turn,
            prompt,
        } = record
        {
            for entry in self.entries(&conversation.root) {
                if entry.turns.contains(turn) {
                    entry.said.text.clone_from(prompt);
                }
            }
        } else if let Record::QueuedDropped { conversation, turn } = record {
            if let Some(entries) = self.threads.get_mut(&conversation.root) {
                entries.retain(|entry| entry.turns != [*turn]);
            }
        } else if let Record::ThreadForgotten { root } = record {
            self.threads.remove(root);
        }
    }

    /// What was said in a thread, in order.
    pub fn said(&self, root: &RootId) -> Vec<Said> {
        let entries = self.threads.get(root).into_iter().flatten();
        entries.map(|entry| entry.said.clone()).collect()
    }

    fn asked(&mut self, conversation: &ConversationId, turn: &QueuedTurn) {
        if !turn.origin.is_person() {
            return;
        }
        let entries = self.threads.entry(conversation.root.clone()).or_default();
        let agent = conversation.agent.clone();
        for entry in entries.iter_mut().rev() {
            if let Speaker::Person { message, to, .. } = &mut entry.said.speaker
                && *message == turn.cause.message
            {
                to.push(agent);
                to.sort();
                entry.turns.push(turn.id);
                return;
            }
        }
        let speaker = Speaker::Person {
            author: turn.author.clone(),
            message: turn.cause.message.clone(),
            to: vec![agent],
        };
        let (text, at) = (turn.prompt.clone(), turn.at);
        push(entries, Said { speaker, text, at }, turn.id);
    }

    fn entries(&mut self, root: &RootId) -> impl Iterator<Item = &mut Entry> {
        self.threads.get_mut(root).into_iter().flatten()
    }
}

impl Entry {
    fn is_answer_of(&self, of: TurnId) -> bool {
        matches!(&self.said.speaker, Speaker::Agent { turn, .. } if *turn == of)
    }
}

fn push(entries: &mut VecDeque<Entry>, said: Said, turn: TurnId) {
    let turns = vec![turn];
    entries.push_back(Entry { said, turns });
    if entries.len() > KEPT {
        entries.pop_front();
    }
}
