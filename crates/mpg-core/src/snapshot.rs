//! The durable state as plain values: what every store loads, and what records are applied to.

mod seen;

use std::collections::{BTreeMap, VecDeque};
use std::mem;

use jiff::Timestamp;

pub use self::seen::SeenMessages;
use crate::id::{
    AgentName, ChannelKey, ConversationId, DeliveryId, InstallationId, MessageId, MessageRef,
    Place, PlatformId, Position, RootId, SessionId, TurnId, UserId,
};
use crate::post::Post;
use crate::record::{ParkReason, Record, TurnOutcome, UnboundReason};

/// Everything that outlives the process.
///
/// [`Snapshot::apply`] is the one place that says what a [`Record`] means: the memory store *is* a
/// snapshot, a disk store must load one equal to it after any prefix of commits.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The namespace of all derived ids.
    pub installation: InstallationId,
    /// How far each adapter has read.
    pub positions: BTreeMap<PlatformId, Position>,
    /// The messages that were seen in each place.
    pub seen: BTreeMap<Place, SeenMessages>,
    /// The channels that are listened to.
    pub channels: BTreeMap<ChannelKey, KnownChannel>,
    /// All threads that are known.
    pub threads: BTreeMap<RootId, Thread>,
    /// The posts that were given up, oldest first, at most [`DeadLetter::KEPT`].
    pub dead: VecDeque<DeadLetter>,
}

/// A post that somebody waited for and that could not be made. It outlives its thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The thread that it was owed to.
    pub root: RootId,
    /// The post.
    pub post: Post,
    /// Why it was given up.
    pub reason: String,
    /// When it was given up.
    pub at: Timestamp,
}

impl DeadLetter {
    /// How many are kept; the oldest go first.
    pub const KEPT: usize = 100;
}

/// A channel that is listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownChannel {
    /// Since when.
    pub since: Timestamp,
    /// When it was noticed that something may be missing, until that was read back.
    pub gap: Option<Timestamp>,
}

/// A thread: where it is, what is owed to it, and its conversations.
#[derive(Clone, Debug, PartialEq)]
pub struct Thread {
    /// Where its posts go; `None` while the platform has not opened it yet.
    pub place: Option<Place>,
    /// The agent that took the last turn.
    pub last_agent: Option<AgentName>,
    /// The turns that were started since a person last spoke.
    pub turns_since_human: u32,
    /// When something last happened in it.
    pub active_at: Timestamp,
    /// Its conversations, by agent. Boxed, because a map makes room for eleven even for the one that
    /// most threads have.
    pub conversations: BTreeMap<Option<AgentName>, Box<Conversation>>,
    /// The posts that are owed to it and not confirmed, in order.
    pub deliveries: VecDeque<Post>,
    /// The message that the last confirmed post became in its place, this thread's or another one's:
    /// what is not confirmed and was made all the same stands behind it.
    pub confirmed: Option<MessageId>,
}

/// A conversation: what waits, what runs, and in which session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conversation {
    /// The turns that wait, oldest first.
    pub queue: VecDeque<QueuedTurn>,
    /// The turn that runs.
    pub running: Option<RunningTurn>,
    /// The session that turns run in.
    pub session: Option<Session>,
    /// Why it has no session though it had one.
    pub unbound: Option<UnboundReason>,
    /// The last of the turns that people were told wait for another start of the gateway.
    pub told: Option<TurnId>,
}

/// A turn that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedTurn {
    /// Its id.
    pub id: TurnId,
    /// The message that it answers.
    pub cause: MessageRef,
    /// Who asked.
    pub author: UserId,
    /// What the agent is asked.
    pub prompt: String,
    /// When it was accepted.
    pub at: Timestamp,
}

/// A turn that was started and has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningTurn {
    /// The turn.
    pub turn: QueuedTurn,
    /// The attempt that runs, from 1.
    pub attempt: u32,
    /// Whether this attempt goes on with one that was cut off.
    pub continues: bool,
    /// When the first attempt started.
    pub started_at: Timestamp,
    /// How often its agent was cut off.
    pub setbacks: u32,
    /// How often it had to wait for a usage limit.
    pub waits: u32,
    /// What it waits for, if it does.
    pub parked: Option<Parked>,
}

/// What a turn waits for before its next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parked {
    /// What for.
    pub reason: ParkReason,
    /// When it goes on by itself; `None` if somebody has to say so.
    pub until: Option<Timestamp>,
}

/// A session of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Where it works, in the words of the workspace that prepared it. It resumes only there.
    pub directory: String,
    /// Whether a turn of it ever ended with an answer, so that it has something to resume.
    pub answered: bool,
}

impl Snapshot {
    /// The state of a new installation.
    pub fn new(installation: InstallationId) -> Self {
        Self {
            installation,
            positions: BTreeMap::new(),
            seen: BTreeMap::new(),
            channels: BTreeMap::new(),
            threads: BTreeMap::new(),
            dead: VecDeque::new(),
        }
    }

    /// The conversation, if it is known.
    pub fn conversation(&self, id: &ConversationId) -> Option<&Conversation> {
        let thread = self.threads.get(&id.root)?;
        thread.conversations.get(&id.agent).map(Box::as_ref)
    }

    /// Whether the message was seen before.
    pub fn has_seen(&self, message: &MessageRef) -> bool {
        self.seen
            .get(&message.place)
            .is_some_and(|seen| seen.contains(&message.message))
    }

    /// Makes one fact true.
    ///
    /// Applying a record to something that is no longer known changes nothing: a forgotten thread
    /// is not revived by what arrives late.
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::PositionMoved { platform, position } => {
                self.positions.insert(platform.clone(), position.clone());
            }
            Record::MessageSeen { message, .. } => {
                let seen = self.seen.entry(message.place.clone()).or_default();
                seen.insert(message.message.clone());
            }
            Record::ChannelKnown { channel, at } => self.know(channel, *at),
            Record::GapOpened { channel, at } => self.open_gap(channel, *at),
            Record::GapClosed { channel, given_up } => self.close_gap(channel, *given_up),
            Record::PlaceRead { place, upto } => {
                let seen = self.seen.entry(place.clone()).or_default();
                seen.read(upto.clone());
            }
            Record::ThreadBound { root, place, at } => self.bind(root, place, *at),
            Record::TurnQueued { conversation, turn } => self.queue(conversation, turn),
            Record::QueuedEdited {
                conversation,
                turn,
                prompt,
            } => self.edit(conversation, *turn, prompt),
            Record::QueuedDropped { conversation, turn } => {
                if let Some(conversation) = self.conversation_mut(conversation) {
                    conversation.queue.retain(|queued| queued.id != *turn);
                    give_back(&mut conversation.queue);
                }
            }
            Record::SessionBound {
                conversation,
                session,
            } => {
                if let Some(conversation) = self.conversation_mut(conversation) {
                    conversation.session = Some(session.clone());
                    conversation.unbound = None;
                }
            }
            Record::SessionUnbound {
                conversation,
                reason,
            } => {
                if let Some(conversation) = self.conversation_mut(conversation) {
                    conversation.session = None;
                    conversation.unbound = Some(*reason);
                }
            }
            Record::TurnStarted {
                conversation,
                turn,
                attempt,
                continues,
                at,
            } => self.start(conversation, *turn, *attempt, *continues, *at),
            Record::TurnSetBack { conversation, turn } => {
                if let Some(running) = self.running_mut(conversation, *turn) {
                    running.setbacks = running.setbacks.saturating_add(1);
                }
            }
            Record::TurnParked {
                conversation,
                turn,
                reason,
                until,
                at,
            } => self.park(conversation, *turn, *reason, *until, *at),
            Record::WaitTold { conversation, turn } => {
                if let Some(conversation) = self.conversation_mut(conversation) {
                    conversation.told = Some(*turn);
                }
            }
            Record::TurnEnded {
                conversation,
                turn,
                outcome,
                at,
                usage: _,
            } => self.end(conversation, *turn, outcome, *at),
            Record::DeliveryPlanned { root, post, at } => self.plan(root, post, *at),
            Record::DeliveryConfirmed {
                root,
                delivery,
                message,
            } => {
                if !self.take_delivery(root, *delivery).is_empty() {
                    self.raise_floor(root, message);
                }
            }
            Record::DeliveryDead {
                root,
                delivery,
                reason,
                at,
            } => self.bury(root, *delivery, reason, *at),
            Record::FloorRaised { root, after } => self.raise_floor(root, after),
            Record::DeliveryDropped { root, delivery } => {
                drop(self.take_delivery(root, *delivery));
            }
            Record::ThreadForgotten { root } => self.forget(root),
        }
    }

    fn raise_floor(&mut self, root: &RootId, message: &MessageId) {
        if let Some(thread) = self.threads.get_mut(root) {
            thread.confirmed = Some(message.clone());
        }
    }

    fn know(&mut self, channel: &ChannelKey, at: Timestamp) {
        let new = KnownChannel {
            since: at,
            gap: None,
        };
        self.channels.entry(channel.clone()).or_insert(new);
    }

    fn open_gap(&mut self, channel: &ChannelKey, at: Timestamp) {
        if let Some(known) = self.channels.get_mut(channel) {
            known.gap.get_or_insert(at);
        }
    }

    fn close_gap(&mut self, channel: &ChannelKey, given_up: Option<Timestamp>) {
        if let Some(known) = self.channels.get_mut(channel) {
            known.gap = None;
            known.since = given_up.unwrap_or(known.since);
        }
    }

    fn bind(&mut self, root: &RootId, place: &Place, at: Timestamp) {
        let thread = self.thread_or_new(root, at);
        // Messages of two places are in no order.
        if thread.place.as_ref() != Some(place) {
            thread.confirmed = None;
        }
        thread.place = Some(place.clone());
    }

    fn queue(&mut self, id: &ConversationId, turn: &QueuedTurn) {
        let thread = self.thread_or_new(&id.root, turn.at);
        thread.active_at = turn.at;
        thread.turns_since_human = 0;
        let conversation = thread.conversations.entry(id.agent.clone()).or_default();
        conversation.queue.push_back(turn.clone());
    }

    fn edit(&mut self, id: &ConversationId, turn: TurnId, prompt: &str) {
        let queue = self.conversation_mut(id).map(|c| &mut c.queue);
        let queued = queue.and_then(|queue| queue.iter_mut().find(|q| q.id == turn));
        if let Some(queued) = queued {
            prompt.clone_into(&mut queued.prompt);
        }
    }

    fn plan(&mut self, root: &RootId, post: &Post, at: Timestamp) {
        if let Some(thread) = self.threads.get_mut(root) {
            thread.active_at = at;
            thread.deliveries.push_back(post.clone());
            self.dead
                .retain(|dead| dead.root != *root || dead.post.id != post.id);
        }
    }

    fn bury(&mut self, root: &RootId, delivery: DeliveryId, reason: &str, at: Timestamp) {
        for post in self.take_delivery(root, delivery) {
            self.dead.push_back(DeadLetter {
                root: root.clone(),
                post,
                reason: reason.to_owned(),
                at,
            });
        }
        while self.dead.len() > DeadLetter::KEPT {
            self.dead.pop_front();
        }
    }

    fn forget(&mut self, root: &RootId) {
        if let Some(thread) = self.threads.remove(root)
            && let Some(place) = thread.place
            && place.thread.is_some()
        {
            self.seen.remove(&place);
        }
    }

    fn thread_or_new(&mut self, root: &RootId, at: Timestamp) -> &mut Thread {
        self.threads.entry(root.clone()).or_insert_with(|| Thread {
            place: None,
            last_agent: None,
            turns_since_human: 0,
            active_at: at,
            conversations: BTreeMap::new(),
            deliveries: VecDeque::new(),
            confirmed: None,
        })
    }

    /// Takes a post out of what a thread is owed, as often as it is there.
    fn take_delivery(&mut self, root: &RootId, delivery: DeliveryId) -> VecDeque<Post> {
        let Some(thread) = self.threads.get_mut(root) else {
            return VecDeque::new();
        };
        let owed = mem::take(&mut thread.deliveries);
        let (taken, left): (VecDeque<_>, VecDeque<_>) =
            owed.into_iter().partition(|post| post.id == delivery);
        thread.deliveries = left;
        give_back(&mut thread.deliveries);
        taken
    }

    fn conversation_mut(&mut self, id: &ConversationId) -> Option<&mut Conversation> {
        let thread = self.threads.get_mut(&id.root)?;
        thread.conversations.get_mut(&id.agent).map(Box::as_mut)
    }

    fn running_mut(&mut self, id: &ConversationId, turn: TurnId) -> Option<&mut RunningTurn> {
        let running = self.conversation_mut(id)?.running.as_mut();
        running.filter(|running| running.turn.id == turn)
    }

    fn park(
        &mut self,
        id: &ConversationId,
        turn: TurnId,
        reason: ParkReason,
        until: Option<Timestamp>,
        at: Timestamp,
    ) {
        let Some(running) = self.running_mut(id, turn) else {
            return;
        };
        // Another word on what waits already is no other wait.
        if reason == ParkReason::UsageLimit && running.parked.is_none() {
            running.waits = running.waits.saturating_add(1);
        }
        running.parked = Some(Parked { reason, until });
        if let Some(thread) = self.threads.get_mut(&id.root) {
            thread.active_at = at;
        }
    }

    fn start(
        &mut self,
        id: &ConversationId,
        turn: TurnId,
        attempt: u32,
        continues: bool,
        at: Timestamp,
    ) {
        let Some(thread) = self.threads.get_mut(&id.root) else {
            return;
        };
        let Some(conversation) = thread.conversations.get_mut(&id.agent) else {
            return;
        };
        match &mut conversation.running {
            Some(running) if running.turn.id == turn => {
                running.attempt = attempt;
                running.continues = continues;
                running.parked = None;
            }
            Some(_) => return,
            None => {
                let position = conversation.queue.iter().position(|q| q.id == turn);
                let Some(queued) = position.and_then(|at| conversation.queue.remove(at)) else {
                    return;
                };
                give_back(&mut conversation.queue);
                conversation.running = Some(RunningTurn {
                    turn: queued,
                    attempt,
                    continues,
                    started_at: at,
                    setbacks: 0,
                    waits: 0,
                    parked: None,
                });
                thread.turns_since_human = thread.turns_since_human.saturating_add(1);
            }
        }
        thread.last_agent.clone_from(&id.agent);
        thread.active_at = at;
    }

    fn end(&mut self, id: &ConversationId, turn: TurnId, outcome: &TurnOutcome, at: Timestamp) {
        let Some(thread) = self.threads.get_mut(&id.root) else {
            return;
        };
        let Some(conversation) = thread.conversations.get_mut(&id.agent) else {
            return;
        };
        if conversation.running.as_ref().map(|r| r.turn.id) != Some(turn) {
            return;
        }
        conversation.running = None;
        if let (TurnOutcome::Answered, Some(session)) = (outcome, &mut conversation.session) {
            session.answered = true;
        }
        thread.active_at = at;
    }
}

/// Frees the room of a queue that is empty: of the conversations that are known, few do anything.
fn give_back<T>(queue: &mut VecDeque<T>) {
    if queue.is_empty() {
        queue.shrink_to_fit();
    }
}
