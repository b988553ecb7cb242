//! What comes in: messages become turns, commands and refusals, each of them once.

use super::Gateway;
use crate::audit::Actor;
use crate::capability::Threads;
use crate::event::Effect;
use crate::id::{
    ChannelKey, ConversationId, MessageRef, PlatformId, Position, Root, RootId, TurnId,
};
use crate::message::{Inbound, Link, Message, Received};
use crate::post::Status;
use crate::record::{Disposition, Record};
use crate::route::{
    Decision, Dispatch, MAX_QUEUED_BYTES, RefuseReason, ThreadView, Waiting, aside, route, task,
};
use crate::snapshot::{Conversation, Origin, QueuedTurn, Thread};
use crate::wording;

impl Gateway {
    pub(super) fn receive(&mut self, received: Received) {
        let Received {
            platform,
            inbound,
            capabilities,
            position,
        } = received;
        // What a thread can do is not what its channel can: no thread grows from a thread.
        let place = inbound.place().filter(|place| place.thread.is_none());
        let is_direct = capabilities.as_ref().is_some_and(|can| can.direct);
        let direct = place.filter(|_| is_direct);
        self.directs
            .comes_from(direct.map(|place| place.channel.clone()));
        if let (Some(place), Some(capabilities)) = (place, capabilities)
            && self.project_of(&place.channel).is_some()
            && self.capabilities.get(&place.channel) != Some(&capabilities)
        {
            self.capabilities
                .insert(place.channel.clone(), capabilities);
            self.refused.remove(&place.channel);
        }
        // A new connection begins a new count, which is worth storing without a message.
        let reconnected = matches!(inbound, Inbound::Link(Link::Connected | Link::Resumed));
        match &inbound {
            Inbound::Link(Link::Connected) => self.connected(&platform, false),
            Inbound::Link(Link::Resumed) => self.connected(&platform, true),
            Inbound::Link(Link::Degraded { .. } | Link::Failed { .. })
            | Inbound::Message(_)
            | Inbound::Interaction(_)
            | Inbound::Edited { .. }
            | Inbound::Deleted(_)
            | Inbound::PlaceGone(_)
            | Inbound::CapabilitiesChanged(_)
            | Inbound::OwnEcho { .. } => {}
        }
        if let Some(inbound) = self.catching_up.hold(inbound) {
            self.take(inbound, false);
        }
        if let Some(position) = position
            && let Some(position) = self.catching_up.pass(&platform, position)
        {
            self.has_read(platform, position, reconnected);
        }
    }

    /// Everything up to `position` is settled with this step. It is worth storing with something, or
    /// by itself.
    pub(super) fn has_read(&mut self, platform: PlatformId, position: Position, by_itself: bool) {
        if by_itself || !self.step.records.is_empty() {
            self.record(Record::PositionMoved {
                platform: platform.clone(),
                position: position.clone(),
            });
        }
        self.step.read = Some((platform, position));
    }

    /// Takes in what happened, now or while nobody listened.
    pub(super) fn take(&mut self, inbound: Inbound, late: bool) {
        match inbound {
            Inbound::Message(message) => self.message(&message, late),
            Inbound::Interaction(interaction) => self.interaction(&interaction),
            Inbound::Edited { message, text } => {
                self.acting = Actor::Platform(message.place.channel.platform.clone());
                self.edited(&message, text.trim());
            }
            Inbound::Deleted(message) => {
                self.acting = Actor::Platform(message.place.channel.platform.clone());
                self.deleted(&message);
            }
            Inbound::PlaceGone(place) => {
                self.acting = Actor::Platform(place.channel.platform.clone());
                self.place_gone(&place);
            }
            Inbound::OwnEcho { delivery, message } => self.echoed(delivery, &message),
            Inbound::CapabilitiesChanged(place) => {
                self.refused.remove(&place.channel);
            }
            Inbound::Link(_) => {}
        }
        self.acts_by_itself();
    }

    pub(super) fn message(&mut self, message: &Message, late: bool) {
        self.acting = Actor::person(&message.place.channel.platform, &message.author);
        let root = self.root_of(message);
        let mut view = self.view(message, &root);
        view.late = late;
        if late {
            // Nobody wrote it just now, however fast it comes in.
            view.rate_limited_for = None;
        }
        let table = &self.config.routing;
        match route(table, &view, message) {
            Decision::Ignore(_) => {}
            Decision::Refuse(reason) => {
                if reason == RefuseReason::Direct {
                    self.directs.tell(message, self.now);
                }
                self.saw(message, Disposition::Refused);
                self.audit_refusal(message, &reason);
                self.reply_privately(&message.reference(), &wording::refusal(reason));
            }
            Decision::Answer { ask, said } => {
                self.saw(message, Disposition::Command);
                self.wrote_answer(message, ask, said);
            }
            Decision::Command(command) => {
                self.people.meet(&message.author);
                self.saw(message, Disposition::Command);
                self.audit_command(&command, message);
                if command.spec().is_some_and(|row| row.starts_work) {
                    self.count_work(message, late);
                }
                self.command(&command, message);
            }
            Decision::Dispatch(dispatch) => {
                self.people.meet(&message.author);
                self.saw(message, Disposition::Accepted);
                self.count_work(message, late);
                self.dispatch(dispatch, message, &root);
            }
        }
    }

    /// Counts what somebody asked for against their rate; what comes late is not asked for now.
    fn count_work(&mut self, message: &Message, late: bool) {
        let Some(project) = self.project_of(&message.place.channel).filter(|_| !late) else {
            return;
        };
        if let Some(limit) = project.rate_limit_per_user {
            let (project, user) = (project.name.clone(), &message.author.id);
            self.limiter.count(&project, user, limit, self.now);
        }
    }

    pub(super) fn saw(&mut self, message: &Message, disposition: Disposition) {
        self.record(Record::MessageSeen {
            message: message.reference(),
            author: message.author.id.clone(),
            disposition,
            at: self.now,
        });
    }

    pub(super) fn dispatch(&mut self, dispatch: Dispatch, message: &Message, root: &RootId) {
        let Dispatch {
            project: _,
            agents,
            prompt,
            attachments,
            left_out,
        } = dispatch;
        let known = self.thread(root).is_some();
        let cause = message.reference();
        let conversations: Vec<ConversationId> = agents
            .into_iter()
            .map(|agent| ConversationId {
                root: root.clone(),
                agent,
            })
            .collect();
        for id in &conversations {
            self.record(Record::TurnQueued {
                conversation: id.clone(),
                turn: QueuedTurn {
                    id: TurnId::of_message(self.state.installation, &cause, id.agent.as_ref()),
                    cause: cause.clone(),
                    author: message.author.id.clone(),
                    prompt: prompt.clone(),
                    attachments: attachments.clone(),
                    at: self.now,
                    origin: Origin::Person,
                },
            });
        }
        if !known {
            let in_place = message.place.thread.is_some() || root.root == Root::Channel;
            if in_place {
                self.bind(root, message.place.clone());
            } else {
                self.open_thread(root);
            }
        }
        self.effect(Effect::SetStatus {
            message: cause,
            status: Status::Received,
        });
        if !left_out.is_empty() {
            let topic = format!("files {}", message.id);
            self.notify(root, &topic, &wording::files_left_out(&left_out));
        }
        for id in &conversations {
            self.give_way(id);
            self.while_busy(id);
            self.want_slot(id);
        }
    }

    /// The thread that a message belongs to, known or not.
    pub(super) fn root_of(&self, message: &Message) -> RootId {
        let place = &message.place;
        let opens_thread = place.thread.is_none()
            && self.capabilities(&place.channel).threads != Threads::None
            && !self.refused.contains(&place.channel);
        if opens_thread {
            return RootId::of_message(place.channel.clone(), message.id.clone());
        }
        let bound = self.bound.get(place).cloned();
        bound.unwrap_or_else(|| RootId::of_place(place))
    }

    fn view(&self, message: &Message, root: &RootId) -> ThreadView {
        let thread = self.thread(root);
        let conversations = thread.into_iter().flat_map(|thread| &thread.conversations);
        let rate_limited_for = self.project_of(&message.place.channel).and_then(|project| {
            let limit = project.rate_limit_per_user?;
            self.limiter
                .wait(&project.name, &message.author.id, limit, self.now)
        });
        ThreadView {
            seen: self.state.has_seen(&message.reference()),
            spoken_to: thread.and_then(Thread::spoken_to).cloned(),
            waiting: conversations
                .map(|(agent, conversation)| (agent.clone(), waiting(conversation)))
                .collect(),
            rate_limited_for,
            asks: self.asks_in(root),
            late: false,
            untold_direct: self.directs.is_untold(message, self.now),
        }
    }

    fn edited(&mut self, message: &MessageRef, text: &str) {
        let Some(project) = self.project_of(&message.place.channel).cloned() else {
            return;
        };
        let (task, aside) = (task(&project, text), aside(&project, text));
        for (conversation, turn) in self.waiting_turns(message) {
            let asked = if conversation.root.is_aside() {
                &aside
            } else {
                &task
            };
            let Some(task) = asked else {
                continue;
            };
            // An edit beyond what may wait leaves what was accepted.
            let others = self.conversation(&conversation).map_or(0, |conversation| {
                let queue = conversation.queue.iter();
                let weight = queue.map(|queued| {
                    let own = if queued.id == turn {
                        queued.prompt.len()
                    } else {
                        0
                    };
                    queued.weight() - own
                });
                weight.sum::<usize>()
            });
            if others + task.len() <= MAX_QUEUED_BYTES {
                self.record(Record::QueuedEdited {
                    conversation,
                    turn,
                    prompt: task.clone(),
                });
            }
        }
    }

    fn deleted(&mut self, message: &MessageRef) {
        for (conversation, turn) in self.waiting_turns(message) {
            self.drop_queued(&conversation, turn);
        }
    }

    /// The turns that wait because somebody wrote `message`.
    fn waiting_turns(&self, message: &MessageRef) -> Vec<(ConversationId, TurnId)> {
        let channel = &message.place.channel;
        let own = RootId::of_message(channel.clone(), message.message.clone());
        let aside = RootId::of_aside(channel.clone(), message.message.clone());
        let candidates = [Some(own), Some(aside), self.bound_root(&message.place)];
        let mut waiting = Vec::new();
        for root in candidates.into_iter().flatten() {
            let conversations = self.thread(&root).map(|thread| &thread.conversations);
            for (agent, conversation) in conversations.into_iter().flatten() {
                let mut queue = conversation.queue.iter();
                let found = queue.find(|q| q.cause == *message && q.origin.is_person());
                waiting.extend(found.map(|turn| {
                    let id = ConversationId {
                        root: root.clone(),
                        agent: agent.clone(),
                    };
                    (id, turn.id)
                }));
            }
            if !waiting.is_empty() {
                break;
            }
        }
        waiting
    }

    /// The known threads of a channel.
    pub(super) fn roots_of(&self, channel: &ChannelKey) -> Vec<RootId> {
        let first = RootId {
            channel: channel.clone(),
            root: Root::Channel,
        };
        self.state
            .threads
            .range(first..)
            .take_while(|(root, _)| root.channel == *channel)
            .map(|(root, _)| root.clone())
            .collect()
    }
}

fn waiting(conversation: &Conversation) -> Waiting {
    Waiting {
        turns: conversation.queue.len(),
        bytes: conversation.queue.iter().map(QueuedTurn::weight).sum(),
    }
}
