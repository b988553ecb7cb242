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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::id::{
        AgentName, ChannelId, ChannelKey, DeliveryId, InstallationId, MessageId, MessageRef, Place,
        PlatformId, UserId,
    };
    use crate::post::Post;
    use crate::snapshot::Origin;

    fn place() -> Place {
        Place::channel(ChannelKey::new(
            PlatformId::new("chat"),
            ChannelId::new("1"),
        ))
    }

    fn root() -> RootId {
        RootId::of_place(&place())
    }

    fn conversation(agent: Option<&str>) -> ConversationId {
        ConversationId {
            root: root(),
            agent: agent.map(AgentName::new),
        }
    }

    fn turn(number: u128) -> TurnId {
        TurnId::from_uuid(Uuid::from_u128(number))
    }

    fn asked(agent: Option<&str>, number: u128, message: &str, prompt: &str) -> Record {
        let turn = QueuedTurn {
            id: turn(number),
            cause: MessageRef {
                place: place(),
                message: MessageId::new(message),
            },
            author: UserId::new("ann"),
            prompt: prompt.to_owned(),
            attachments: Vec::new(),
            at: Timestamp::UNIX_EPOCH,
            origin: Origin::Person,
        };
        Record::TurnQueued {
            conversation: conversation(agent),
            turn,
        }
    }

    fn answered(agent: Option<&str>, number: u128, part: &str) -> Record {
        let installation = InstallationId::from_uuid(Uuid::nil());
        let kind = PostKind::Answer {
            turn: turn(number),
            agent: agent.map(AgentName::new),
        };
        let id = DeliveryId::of_prompt(installation, &number.to_string(), part);
        Record::DeliveryPlanned {
            root: root(),
            post: Post::new(id, kind, part),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    fn told(records: &[Record]) -> Vec<String> {
        let mut log = Log::default();
        for record in records {
            log.apply(record);
        }
        let said = log.said(&root()).into_iter();
        said.map(|said| match said.speaker {
            Speaker::Person { to, .. } => {
                let to: Vec<&str> = to.iter().flatten().map(AgentName::as_str).collect();
                format!("ann to {to:?}: {}", said.text)
            }
            Speaker::Agent { name, .. } => format!("{name:?}: {}", said.text),
        })
        .collect()
    }

    #[test]
    fn a_message_to_several_and_an_answer_in_parts_are_said_once() {
        let records = [
            asked(Some("qa"), 1, "10", "look"),
            asked(Some("pm"), 2, "10", "look"),
            asked(None, 3, "11", "and you"),
            answered(Some("qa"), 1, "it"),
            answered(Some("qa"), 1, "works"),
            answered(None, 3, "yes"),
        ];
        assert_eq!(
            told(&records),
            [
                "ann to [\"pm\", \"qa\"]: look",
                "ann to []: and you",
                "Some(AgentName(qa)): it\nworks",
                "None: yes",
            ]
        );
    }

    #[test]
    fn what_an_agent_handed_over_is_not_said_by_a_person() {
        let mut handed = asked(Some("qa"), 2, "10", "look");
        if let Record::TurnQueued { turn: queued, .. } = &mut handed {
            queued.origin = Origin::Handoff {
                from: None,
                parent: turn(1),
            };
        }
        assert!(told(&[handed]).is_empty());
    }

    #[test]
    fn what_waits_can_be_changed_and_taken_back() {
        let conversation = || conversation(None);
        let records = [
            asked(None, 1, "10", "look"),
            asked(None, 2, "11", "here"),
            Record::QueuedEdited {
                conversation: conversation(),
                turn: turn(1),
                prompt: "look there".to_owned(),
            },
            Record::QueuedDropped {
                conversation: conversation(),
                turn: turn(2),
            },
        ];
        assert_eq!(told(&records), ["ann to []: look there"]);
        let forgotten = Record::ThreadForgotten { root: root() };
        let mut log = Log::default();
        log.apply(&records[0]);
        log.apply(&forgotten);
        assert!(log.said(&root()).is_empty());
    }

    #[test]
    fn the_newest_is_kept() {
        let records: Vec<Record> = (0..=KEPT as u128)
            .map(|number| asked(None, number, &number.to_string(), &number.to_string()))
            .collect();
        assert_eq!(told(&records[..KEPT]).len(), KEPT);
        let kept = told(&records);
        assert_eq!(kept.len(), KEPT);
        assert_eq!(kept[0], "ann to []: 1");
    }
}
