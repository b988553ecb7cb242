//! What each record means for the state.

mod asks;
mod fan_outs;
mod forks;

use std::collections::{BTreeMap, VecDeque};
use std::mem;

use jiff::Timestamp;

use self::fan_outs::calm;
use super::{
    Conversation, Conversations, DeadLetter, Handoff, KnownChannel, Origin, Parked, QueuedTurn,
    RunningTurn, Session, Snapshot, Spent, Thread,
};
use crate::agent::Usage;
use crate::config::Verbosity;
use crate::id::{ChannelKey, ConversationId, DeliveryId, MessageId, Place, RootId, TurnId};
use crate::likeness::Likeness;
use crate::post::Post;
use crate::record::{ParkReason, Record, TurnOutcome, UnboundReason};

impl Snapshot {
    /// Makes one fact true.
    ///
    /// Applying a record to something that is no longer known changes nothing: a forgotten thread
    /// is not revived by what arrives late.
    #[expect(clippy::too_many_lines, reason = "one arm for each record")]
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
            Record::QueuedDropped { conversation, turn } => self.unqueue(conversation, *turn),
            Record::ChoicesMade {
                conversation,
                choices,
            } => {
                if let Some(conversation) = self.conversation_mut(conversation) {
                    conversation.choices.clone_from(choices);
                }
            }
            Record::TurnSteered { conversation, turn } => self.steer(conversation, *turn),
            Record::TurnAbsorbed {
                conversation,
                turn,
                at,
                by: _,
            } => self.absorb(conversation, *turn, *at),
            Record::ConversationForked {
                conversation,
                from,
                at,
            } => self.fork(conversation, *from, *at),
            Record::SessionBound {
                conversation,
                session,
            } => self.bind_session(conversation, Some(session.clone()), None),
            Record::SessionUnbound {
                conversation,
                reason,
            } => self.bind_session(conversation, None, Some(*reason)),
            Record::TurnStarted {
                conversation,
                turn,
                attempt,
                continues,
                at,
            } => self.start(conversation, *turn, *attempt, *continues, *at),
            Record::TurnSetBack { conversation, turn } => self.set_back(conversation, *turn),
            Record::TurnParked {
                conversation,
                turn,
                reason,
                until,
                at,
            } => self.park(conversation, *turn, *reason, *until, *at),
            Record::RequestOpened {
                conversation,
                turn,
                ask,
            } => self.open_ask(conversation, *turn, ask),
            Record::RequestRenewed {
                conversation,
                turn,
                ask,
                request,
            } => {
                if let Some(ask) = self.ask_mut(conversation, *turn, *ask) {
                    ask.request = request.clone();
                }
            }
            Record::QuestionAnswered {
                conversation,
                turn,
                ask,
                reply,
            } => {
                if let Some(ask) = self.ask_mut(conversation, *turn, *ask) {
                    ask.replies.push(reply.clone());
                }
            }
            Record::RequestAnswered {
                conversation,
                turn,
                ask,
                verdict,
            } => {
                if let Some(ask) = self.ask_mut(conversation, *turn, *ask) {
                    ask.verdict.get_or_insert_with(|| verdict.clone());
                }
            }
            Record::AnswerTold {
                conversation,
                turn,
                ask,
            } => {
                let ask = self.ask_mut(conversation, *turn, *ask);
                if let Some(verdict) = ask.and_then(|ask| ask.verdict.as_mut()) {
                    verdict.told = true;
                }
            }
            Record::RequestDropped {
                conversation,
                turn,
                ask,
            } => {
                if let Some(running) = self.running_mut(conversation, *turn) {
                    running.asks.retain(|known| known.id != *ask);
                }
            }
            Record::SessionAllowed {
                conversation,
                session,
                rule,
            } => self.allow_in_session(conversation, *session, rule),
            Record::RuleAdded { project, rule } => self.add_rule(project, rule),
            Record::RuleRemoved { project, rule } => self.remove_rule(project, rule),
            Record::WaitTold { conversation, turn } => self.tell(conversation, *turn),
            Record::TurnEnded {
                conversation,
                turn,
                outcome,
                usage,
                at,
            } => self.end(conversation, *turn, outcome, usage, *at),
            Record::Spent {
                spender,
                microdollars,
                at,
            } => self.spending.spend(spender, *microdollars, *at),
            Record::BudgetLifted { project, at } => self.spending.lift(project, *at),
            Record::FanOutOpened {
                root,
                parent,
                fan_out,
            } => self.fan_out(root, *parent, fan_out),
            Record::FanOutJoined {
                root,
                parent,
                turn,
                answer,
            } => self.join(root, *parent, *turn, answer),
            Record::FanOutClosed { root, parent } => self.close_fan_out(root, *parent),
            Record::DeliveryPlanned { root, post, at } => self.plan(root, post, *at),
            Record::DeliveryConfirmed {
                root,
                delivery,
                message,
            } => self.confirm(root, *delivery, message),
            Record::DeliveryDead {
                root,
                delivery,
                reason,
                at,
            } => self.bury(root, *delivery, reason, *at),
            Record::FloorRaised { root, after } => self.raise_floor(root, after),
            Record::DeliveryDropped { root, delivery } => self.drop_delivery(root, *delivery),
            Record::KeptLost { root, delivery } => self.lose(root, *delivery),
            Record::ThreadRenamed { root } => self.rename(root),
            Record::VerbositySet { root, verbosity } => self.set_verbosity(root, *verbosity),
            Record::ThreadForgotten { root } => self.forget(root),
            Record::Audited { .. } => {}
        }
    }

    fn confirm(&mut self, root: &RootId, delivery: DeliveryId, message: &MessageId) {
        let taken = self.take_delivery(root, delivery);
        for post in &taken {
            self.keep(root, post, message);
        }
        for post in &taken {
            self.let_go(root, post);
        }
    }

    fn drop_delivery(&mut self, root: &RootId, delivery: DeliveryId) {
        for post in self.take_delivery(root, delivery) {
            self.let_go(root, &post);
        }
    }

    /// Remembers what a post became; one that took another's message over is no news in its place.
    fn keep(&mut self, root: &RootId, post: &Post, message: &MessageId) {
        let Some(thread) = self.threads.get_mut(root) else {
            return;
        };
        if post.replaces.is_none() {
            thread.confirmed = Some(message.clone());
            if post.kind.is_kept() {
                thread.kept.insert(post.id, message.clone());
            }
        }
    }

    /// Forgets what a post took over, or was to: after it, nothing else will.
    fn let_go(&mut self, root: &RootId, post: &Post) {
        if let Some(thread) = self.threads.get_mut(root)
            && let Some(replaced) = post.replaces
            && !post.kind.is_kept()
        {
            thread.kept.remove(&replaced);
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
            thread.kept.clear();
        }
        thread.place = Some(place.clone());
    }

    fn queue(&mut self, id: &ConversationId, turn: &QueuedTurn) {
        let thread = self.thread_or_new(&id.root, turn.at);
        thread.active_at = turn.at;
        match &turn.origin {
            Origin::Person => {
                thread.turns_since_human = 0;
                calm(thread);
            }
            Origin::Handoff { from, parent: _ } => {
                if let Some(to) = &id.agent {
                    let chain = thread.chain.get_or_insert_default();
                    chain.handoffs.push(Handoff {
                        from: from.clone(),
                        to: to.clone(),
                        likeness: Likeness::of(&turn.prompt),
                    });
                }
            }
            Origin::Joined { .. } => {}
        }
        let conversation = thread.conversations.get_or_new(id.agent.as_ref());
        conversation.queue.push_back(turn.clone());
    }

    fn edit(&mut self, id: &ConversationId, turn: TurnId, prompt: &str) {
        let queue = self.conversation_mut(id).map(|c| &mut c.queue);
        let queued = queue.and_then(|queue| queue.iter_mut().find(|q| q.id == turn));
        if let Some(queued) = queued {
            prompt.clone_into(&mut queued.prompt);
        }
    }

    fn unqueue(&mut self, id: &ConversationId, turn: TurnId) {
        if let Some(conversation) = self.conversation_mut(id) {
            conversation.queue.retain(|queued| queued.id != turn);
            conversation.steered.remove(&turn);
            give_back(&mut conversation.queue);
        }
    }

    fn steer(&mut self, id: &ConversationId, turn: TurnId) {
        if let Some(conversation) = self.conversation_mut(id)
            && conversation.session.is_some()
            && conversation.queue.iter().any(|queued| queued.id == turn)
        {
            conversation.steered.insert(turn);
        }
    }

    fn absorb(&mut self, id: &ConversationId, turn: TurnId, at: Timestamp) {
        let waits = |c: &Conversation| c.queue.iter().any(|queued| queued.id == turn);
        if !self.conversation(id).is_some_and(waits) {
            return;
        }
        self.unqueue(id, turn);
        if let Some(thread) = self.threads.get_mut(&id.root) {
            thread.active_at = at;
        }
    }

    fn bind_session(
        &mut self,
        id: &ConversationId,
        session: Option<Session>,
        unbound: Option<UnboundReason>,
    ) {
        if let Some(conversation) = self.conversation_mut(id) {
            conversation.session = session;
            conversation.unbound = unbound;
            conversation.fork = None;
            // Another session's agent has nothing of this one's.
            conversation.steered.clear();
        }
    }

    fn plan(&mut self, root: &RootId, post: &Post, at: Timestamp) {
        if let Some(thread) = self.threads.get_mut(root) {
            if !post.kind.is_reply() {
                thread.active_at = at;
            }
            thread.deliveries.push_back(post.clone());
            self.dead
                .retain(|dead| dead.root != *root || dead.post.id != post.id);
        }
    }

    fn bury(&mut self, root: &RootId, delivery: DeliveryId, reason: &str, at: Timestamp) {
        for post in self.take_delivery(root, delivery) {
            self.let_go(root, &post);
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

    fn lose(&mut self, root: &RootId, delivery: DeliveryId) {
        if let Some(thread) = self.threads.get_mut(root) {
            thread.kept.remove(&delivery);
        }
    }

    fn rename(&mut self, root: &RootId) {
        if let Some(thread) = self.threads.get_mut(root) {
            thread.renamed = true;
        }
    }

    fn set_verbosity(&mut self, root: &RootId, verbosity: Option<Verbosity>) {
        if let Some(thread) = self.threads.get_mut(root) {
            thread.verbosity = verbosity;
        }
    }

    fn forget(&mut self, root: &RootId) {
        // The place of a side question is another thread's.
        if let Some(thread) = self.threads.remove(root)
            && !root.is_aside()
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
            conversations: Conversations::default(),
            deliveries: VecDeque::new(),
            kept: BTreeMap::new(),
            confirmed: None,
            renamed: false,
            verbosity: None,
            chain: None,
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
        thread.conversations.get_mut(id.agent.as_ref())
    }

    fn running_mut(&mut self, id: &ConversationId, turn: TurnId) -> Option<&mut RunningTurn> {
        let running = self.conversation_mut(id)?.running.as_deref_mut();
        running.filter(|running| running.turn.id == turn)
    }

    fn set_back(&mut self, id: &ConversationId, turn: TurnId) {
        if let Some(running) = self.running_mut(id, turn) {
            running.setbacks = running.setbacks.saturating_add(1);
        }
    }

    fn tell(&mut self, id: &ConversationId, turn: TurnId) {
        if let Some(conversation) = self.conversation_mut(id) {
            conversation.told = Some(turn);
        }
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
        let Some(conversation) = thread.conversations.get_mut(id.agent.as_ref()) else {
            return;
        };
        match &mut conversation.running {
            Some(running) if running.turn.id == turn => {
                running.attempt = attempt;
                running.continues = continues;
                let parked = running.parked.take();
                if parked.is_some_and(|parked| parked.reason == ParkReason::Budget) {
                    // It begins only now.
                    running.started_at = at;
                }
            }
            Some(_) => return,
            None => {
                let position = conversation.queue.iter().position(|q| q.id == turn);
                let Some(queued) = position.and_then(|at| conversation.queue.remove(at)) else {
                    return;
                };
                give_back(&mut conversation.queue);
                conversation.steered.remove(&turn);
                conversation.running = Some(Box::new(RunningTurn {
                    turn: queued,
                    attempt,
                    continues,
                    started_at: at,
                    setbacks: 0,
                    waits: 0,
                    parked: None,
                    asks: Vec::new(),
                }));
                thread.turns_since_human = thread.turns_since_human.saturating_add(1);
            }
        }
        thread.active_at = at;
    }

    fn end(
        &mut self,
        id: &ConversationId,
        turn: TurnId,
        outcome: &TurnOutcome,
        usage: &Usage,
        at: Timestamp,
    ) {
        let Some(thread) = self.threads.get_mut(&id.root) else {
            return;
        };
        let Some(conversation) = thread.conversations.get_mut(id.agent.as_ref()) else {
            return;
        };
        let Some(ended) = conversation.running.take_if(|r| r.turn.id == turn) else {
            return;
        };
        if *outcome == TurnOutcome::Answered {
            if let Some(session) = &mut conversation.session {
                session.answered = true;
            }
            thread.last_agent.clone_from(&id.agent);
        }
        let spent = Spent::of(usage);
        if !ended.turn.origin.is_person() && spent != Spent::default() {
            let chain = thread.chain.get_or_insert_default();
            chain.spent = chain.spent.and(spent);
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
