//! One message in each channel that tells what its threads do: posted once, remembered for good, and
//! changed whenever a thread does something else.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::time::Duration;

use jiff::Timestamp;

use super::{Gateway, after};
use crate::board::{Board, BoardMessage, Doing, Row};
use crate::capability::{Capabilities, EditPace, Reconcile, Threads};
use crate::config::Project;
use crate::event::Effect;
use crate::id::{AgentName, ChannelKey, DeliveryId, MessageId, Place, Root, RootId};
use crate::post::{Post, PostKind};
use crate::record::{ParkReason, Record};
use crate::snapshot::{Conversation, RunningTurn, Snapshot, Thread};
use crate::wording;

/// How many threads are named.
const NAMED: usize = 12;

/// How many threads without anything to do are remembered for it, those that were busy last.
const IDLE: usize = 3;

/// How long a channel gets no other message after the one that it had, or was to have, is gone: what
/// somebody removed is not put back at once, and platforms may know it by its id until then.
const HOLD_OFF: Duration = Duration::from_mins(15);

/// What the threads of all channels do, as far as somebody should know.
#[derive(Debug, Default)]
pub(super) struct Boards {
    channels: BTreeMap<ChannelKey, Channel>,
    /// The channels in which something is different by now.
    changed: BTreeSet<ChannelKey>,
    /// When a channel may get another message.
    held_off: BTreeMap<ChannelKey, Timestamp>,
}

#[derive(Debug, Default)]
struct Channel {
    busy: BTreeMap<RootId, Busy>,
    /// Those that are not busy any more, and since when: at most [`IDLE`].
    idle: BTreeMap<RootId, Timestamp>,
}

/// What a thread is busy with.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Busy {
    doing: Doing,
    agents: Vec<AgentName>,
    since: Timestamp,
}

impl Boards {
    /// What the threads of a stored state do.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let mut boards = Self::default();
        for (root, thread) in &snapshot.threads {
            boards.look_at(root, Some(thread));
            boards.remember(root, thread);
            // What the message says is an earlier gateway's word.
            if root.root == Root::Channel && !thread.kept.is_empty() {
                boards.changed.insert(root.channel.clone());
            }
        }
        boards
    }

    /// Takes a thread that does nothing for one that was busy.
    fn remember(&mut self, root: &RootId, thread: &Thread) {
        if !root.is_aside() && !thread.conversations.is_empty() && busy(thread).is_none() {
            let channel = self.channels.entry(root.channel.clone()).or_default();
            channel.idle.insert(root.clone(), thread.active_at);
            channel.keep_few();
        }
    }

    /// Looks at the thread that a record was about.
    pub(super) fn note(&mut self, state: &Snapshot, record: &Record) {
        if let Some(root) = record.root() {
            self.look_at(root, state.threads.get(root));
        }
    }

    fn look_at(&mut self, root: &RootId, thread: Option<&Thread>) {
        // What is asked aside is no thread that anybody could go to.
        if root.is_aside() {
            return;
        }
        let busy = thread.and_then(busy);
        let known = self.channels.get_mut(&root.channel);
        let Some(mut busy) = busy else {
            let Some(channel) = known else {
                return;
            };
            let was = channel.busy.remove(root).is_some();
            if let (true, Some(thread)) = (was, thread) {
                channel.idle.insert(root.clone(), thread.active_at);
                channel.keep_few();
            }
            if was || (thread.is_none() && channel.idle.remove(root).is_some()) {
                self.changed.insert(root.channel.clone());
            }
            return;
        };
        let channel = match known {
            Some(channel) => channel,
            None => self.channels.entry(root.channel.clone()).or_default(),
        };
        let before = channel.busy.get(root);
        // Since when it waits is not stored: it began when it was seen to.
        if let Some(before) = before.filter(|before| before.doing == busy.doing)
            && busy.doing != Doing::Works
        {
            busy.since = before.since;
        }
        if before != Some(&busy) {
            channel.idle.remove(root);
            channel.busy.insert(root.clone(), busy);
            self.changed.insert(root.channel.clone());
        }
    }

    /// The message of a channel is there, or another one is needed.
    pub(super) fn renew(&mut self, channel: &ChannelKey) {
        self.changed.insert(channel.clone());
    }

    /// A channel gets no other message for a while.
    pub(super) fn hold_off(&mut self, channel: &ChannelKey, now: Timestamp) {
        self.held_off.retain(|_, until| *until > now);
        self.held_off.insert(channel.clone(), after(now, HOLD_OFF));
    }

    fn is_held_off(&self, channel: &ChannelKey, now: Timestamp) -> bool {
        self.held_off.get(channel).is_some_and(|until| *until > now)
    }
}

impl Channel {
    fn keep_few(&mut self) {
        while self.idle.len() > IDLE {
            let oldest = self.idle.iter().min_by_key(|(_, since)| **since);
            let Some(oldest) = oldest.map(|(root, _)| root.clone()) else {
                return;
            };
            self.idle.remove(&oldest);
        }
    }
}

/// What a thread is busy with: what needs somebody most of what its conversations do.
fn busy(thread: &Thread) -> Option<Busy> {
    let doing = |conversation: &Conversation| match &conversation.running {
        Some(running) => Some(match (asked_since(running), running.parked) {
            (Some(since), _) => (Doing::Asks, since),
            (None, None) => (Doing::Works, running.started_at),
            (None, Some(parked)) => match parked.reason {
                ParkReason::Interrupted => (Doing::Asks, thread.active_at),
                ParkReason::UsageLimit => (Doing::Limited, thread.active_at),
                ParkReason::Budget => (Doing::OverBudget, thread.active_at),
            },
        }),
        None => conversation
            .queue
            .front()
            .map(|turn| (Doing::InLine, turn.at)),
    };
    let all = thread.conversations.iter();
    let all = all.filter_map(|(agent, conversation)| Some((agent, doing(conversation)?)));
    let all: Vec<_> = all.collect();
    let (_, (first, since)) = all.iter().min_by_key(|(_, doing)| *doing)?;
    let agents = all.iter().filter(|(_, (doing, _))| doing == first);
    Some(Busy {
        doing: *first,
        agents: agents.filter_map(|(agent, _)| (*agent).clone()).collect(),
        since: *since,
    })
}

/// Since when a turn has waited for an answer to something that its agent asked.
fn asked_since(running: &RunningTurn) -> Option<Timestamp> {
    let open = running.asks.iter().filter(|ask| ask.is_open());
    open.map(|ask| ask.at).min()
}

impl Gateway {
    /// Brings the messages of the channels up to date in which something is different by now.
    pub(super) fn show_boards(&mut self) {
        for channel in mem::take(&mut self.boards.changed) {
            self.show_board(&channel);
        }
    }

    fn show_board(&mut self, channel: &ChannelKey) {
        let root = root_of(channel);
        let id = DeliveryId::of_board(self.state.installation, channel);
        let project = self.project_of(channel).cloned();
        let project = project.filter(|project| project.status_message);
        let thread = self.thread(&root);
        let message = thread.and_then(|thread| thread.kept.get(&id)).cloned();
        let owed = thread.is_some_and(|thread| {
            let mut owed = thread.deliveries.iter();
            owed.any(|post| post.id == id || post.replaces == Some(id))
        });
        let can = self.capabilities(channel);
        match (project, message) {
            _ if owed => {}
            (Some(project), Some(message)) => {
                if let Some(pace) = can.edits {
                    let board = self.board(channel, &project, &can);
                    self.effect(Effect::ShowBoard(Box::new(BoardMessage {
                        place: Place::channel(channel.clone()),
                        message,
                        post: Post::new(id, PostKind::Board, ""),
                        board,
                        pace,
                    })));
                }
            }
            (Some(project), None) => {
                let waits = self.draining || self.boards.is_held_off(channel, self.now);
                if !waits && pace(&can).is_some() {
                    let text = self.board(channel, &project, &can);
                    let text = text.text(|_| None, |_| None);
                    if self.thread(&root).is_none() {
                        self.bind(&root, Place::channel(channel.clone()));
                    }
                    self.plan(&root, Post::new(id, PostKind::Board, text));
                }
            }
            // It says nothing that will not be true any more.
            (None, Some(_)) => {
                let retired = wording::board::retired();
                let topic = "board";
                let notice = DeliveryId::of_notice(self.state.installation, &root, topic, self.now);
                let post = Post {
                    replaces: Some(id),
                    ..Post::new(notice, PostKind::Notice, retired)
                };
                self.plan(&root, post);
            }
            (None, None) => {}
        }
    }

    /// Somebody removed the message of a channel, or it cannot be changed any more.
    pub(super) fn board_gone(&mut self, channel: &ChannelKey, message: &MessageId) {
        let root = root_of(channel);
        let delivery = DeliveryId::of_board(self.state.installation, channel);
        let kept = self.thread(&root).map(|thread| &thread.kept);
        if kept.and_then(|kept| kept.get(&delivery)) == Some(message) {
            self.record(Record::KeptLost { root, delivery });
            self.boards.hold_off(channel, self.now);
        }
    }

    /// The message of a channel was made, or could not be.
    pub(super) fn board_posted(&mut self, root: &RootId, post: &Post, made: bool) {
        if post.kind == PostKind::Board {
            if made {
                self.boards.renew(&root.channel);
            } else {
                self.boards.hold_off(&root.channel, self.now);
            }
        }
    }

    /// Whether a thread holds the message of its channel, so that it is not forgotten.
    pub(super) fn has_board(&self, root: &RootId) -> bool {
        let id = DeliveryId::of_board(self.state.installation, &root.channel);
        self.thread(root)
            .is_some_and(|thread| thread.kept.contains_key(&id))
            && self
                .project_of(&root.channel)
                .is_some_and(|project| project.status_message)
    }

    /// Another configuration may want messages in other channels.
    pub(super) fn renew_boards(&mut self) {
        let threads = self.state.threads.iter();
        let kept =
            threads.filter(|(root, thread)| root.root == Root::Channel && !thread.kept.is_empty());
        let channels: Vec<ChannelKey> = kept.map(|(root, _)| root.channel.clone()).collect();
        self.boards.changed.extend(channels);
    }

    fn board(&self, channel: &ChannelKey, project: &Project, can: &Capabilities) -> Board {
        let known = self.boards.channels.get(channel);
        let busy = known.map(|known| &known.busy).into_iter().flatten();
        let mut busy: Vec<Row> = busy
            .map(|(root, busy)| Row {
                place: self.place_or_channel(root),
                doing: busy.doing,
                agents: busy.agents.clone(),
                since: busy.since,
            })
            .collect();
        busy.sort_by_key(|row| (row.doing, row.since));
        let mut counts = BTreeMap::new();
        for row in &busy {
            *counts.entry(row.doing).or_default() += 1;
        }
        busy.truncate(NAMED);
        let idle = known.map(|known| &known.idle).into_iter().flatten();
        let mut idle: Vec<Row> = idle
            .map(|(root, since)| Row {
                place: self.place_or_channel(root),
                doing: Doing::Idle,
                agents: Vec::new(),
                since: *since,
            })
            .collect();
        idle.sort_by_key(|row| std::cmp::Reverse(row.since));
        Board {
            project: project.name.clone(),
            counts,
            rows: busy.into_iter().chain(idle).collect(),
            limit: can.post_limit,
        }
    }

    fn place_or_channel(&self, root: &RootId) -> Place {
        let place = self.expected_place(root);
        place.unwrap_or_else(|| Place::channel(root.channel.clone()))
    }
}

/// How often the message of a channel may be changed, where it is to have one: there are threads that
/// it can tell of, and nobody can get two of them.
fn pace(can: &Capabilities) -> Option<EditPace> {
    let has_threads = can.threads != Threads::None && !can.direct;
    let found_again = can.reconcile != Reconcile::None;
    can.edits.filter(|_| has_threads && found_again)
}

fn root_of(channel: &ChannelKey) -> RootId {
    RootId {
        channel: channel.clone(),
        root: Root::Channel,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ChannelId, PlatformId};

    fn channel(name: &str) -> ChannelKey {
        ChannelKey::new(PlatformId::new("chat"), ChannelId::new(name))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_channel_is_held_off_for_as_long_and_no_longer() {
        let minutes = |minutes: i64| at(minutes * 60);
        let mut boards = Boards::default();
        boards.hold_off(&channel("one"), minutes(0));
        assert!(boards.is_held_off(&channel("one"), at(15 * 60 - 1)));
        assert!(!boards.is_held_off(&channel("one"), minutes(15)));
        assert!(!boards.is_held_off(&channel("two"), minutes(0)));
        boards.hold_off(&channel("two"), minutes(14));
        assert_eq!(boards.held_off.len(), 2);
        boards.hold_off(&channel("three"), minutes(15));
        let held: Vec<&ChannelKey> = boards.held_off.keys().collect();
        assert_eq!(held, [&channel("three"), &channel("two")]);
    }

    #[test]
    fn those_that_were_busy_last_are_remembered() {
        let mut known = Channel::default();
        let root =
            |number: i64| RootId::of_message(channel("one"), MessageId::new(number.to_string()));
        for number in [5, 1, 4, 2, 3] {
            known.idle.insert(root(number), at(number));
            known.keep_few();
        }
        let idle: Vec<RootId> = known.idle.into_keys().collect();
        assert_eq!(idle, [3, 4, 5].map(root));
    }
}
