//! Effects, carried out: each that has an end gets it, whatever panics on the way.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use mpg_core::agent::Seq;
use mpg_core::catch_up::CatchUpFailure;
use mpg_core::event::{Effect, Event, FileEffect, RunEnd, RunTurn, ThreadRefusal, Undelivered};
use mpg_core::id::{ChannelKey, ConversationId, SessionId};
use mpg_core::port::Outbox;
use tracing::{debug, error};

use super::Loop;
use crate::deliver::deliver;
use crate::effects;
use crate::jobs::{Tools, job};
use crate::log;
use crate::session::{Order, SessionHandle, Surroundings, end_stray, session, warm_session};

impl Loop {
    /// Does one thing in the world.
    #[expect(clippy::too_many_lines, reason = "one arm for each effect")]
    pub(super) fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::OpenThread { root, from, title } => {
                let refused = Event::ThreadOpened {
                    root: root.clone(),
                    result: Err(ThreadRefusal::Failed(
                        "the platform is not connected".to_owned(),
                    )),
                };
                let Some(outbox) = self.outbox(&root.channel) else {
                    return self.spawn(std::future::ready(refused.clone()), refused);
                };
                self.spawn(effects::open_thread(outbox, root, from, title), refused);
            }
            Effect::RenameThread { place, title } => {
                if let Some(outbox) = self.outbox(&place.channel) {
                    self.spawn(effects::rename(outbox, place, title), Event::Tick);
                }
            }
            Effect::PrepareWorkspace {
                conversation,
                turn,
                request,
            } => {
                let failed = Event::WorkspaceReady {
                    conversation: conversation.clone(),
                    turn,
                    result: Err("preparing the directory failed unexpectedly".to_owned()),
                };
                let workspaces = Arc::clone(&self.workspaces);
                let task = effects::prepare(workspaces, conversation, turn, request);
                self.spawn(task, failed);
            }
            Effect::RunTurn(turn) => self.run_turn(turn),
            Effect::AttachSession {
                conversation,
                session,
            } => self.attach(conversation, session),
            Effect::EndStray { session } => {
                let ended = Event::StrayEnded { session };
                let ending = end_stray(Arc::clone(&self.runtime), session);
                let end = ended.clone();
                self.spawn(ending.map(move |()| end), ended);
            }
            Effect::StopTurn { session, run } => self.tell(session, Order::Stop(run)),
            Effect::Steer(steer) => self.tell(steer.session, Order::Steer(steer)),
            Effect::Withdraw { session, submit } => self.tell(session, Order::Withdraw(submit)),
            Effect::Respond {
                session,
                request,
                answer,
            } => self.tell(session, Order::Respond(request, answer)),
            Effect::CloseSession { session } => self.tell(session, Order::Close),
            Effect::Acknowledge { session, seq } => self.acknowledge(session, seq),
            Effect::DropFiles { conversation, turn } => {
                let dropping = self.files.clone().drop_turn(conversation, turn);
                self.spawn(dropping.map(|()| Event::Tick), Event::Tick);
            }
            Effect::Files(FileEffect::Answer { file, result }) => self.desk.give(file, result),
            Effect::Files(FileEffect::Drop(files)) => {
                let dropping = self.copies.clone().drop_all(files);
                self.spawn(dropping.map(|()| Event::Tick), Event::Tick);
            }
            Effect::Deliver(delivery) => {
                let undelivered = |reason: &str| Event::Delivered {
                    root: delivery.root.clone(),
                    delivery: delivery.post.id,
                    result: Err(Undelivered::Dead(reason.to_owned())),
                };
                let Some(outbox) = self.outbox(&delivery.place.channel) else {
                    // A platform that was taken out of the configuration is not owed anything.
                    let event = undelivered("the platform is not configured");
                    return self.spawn(std::future::ready(event.clone()), event);
                };
                let panicked = undelivered("the adapter failed unexpectedly");
                let (copies, edits) = (self.copies.clone(), self.edits.clone());
                let observation = self.observation.clone();
                let delivering = deliver(outbox, copies, *delivery, edits, observation);
                self.spawn(delivering, panicked);
            }
            Effect::CatchUp(request) => {
                let failed = |failure| Event::CaughtUp {
                    channel: request.channel.clone(),
                    result: Err(failure),
                };
                let Some(outbox) = self.outbox(&request.channel) else {
                    let event = failed(CatchUpFailure::Unsupported);
                    return self.spawn(std::future::ready(event.clone()), event);
                };
                let panicked = "the adapter failed unexpectedly".to_owned();
                let panicked = failed(CatchUpFailure::Failed(panicked));
                self.spawn(effects::catch_up(outbox, *request), panicked);
            }
            Effect::LimitsChanged {
                place,
                by,
                lifted_until,
            } => log::limits(&place, by.as_ref(), lifted_until),
            Effect::Job(task) => {
                let failed = Event::JobDone {
                    job: task.id,
                    result: Err("this failed unexpectedly, and may be done in part".to_owned()),
                };
                let tools = Tools {
                    workspaces: Arc::clone(&self.workspaces),
                    runtime: Arc::clone(&self.runtime),
                    store: Arc::clone(&self.store),
                };
                self.spawn(job(tools, *task), failed);
            }
            Effect::ShowLive { session, message } => {
                self.tell(session, Order::ShowIn(message));
            }
            Effect::ShowBoard(message) => {
                if let Some(outbox) = self.outbox(&message.place.channel) {
                    self.boards.show(&outbox, message);
                }
            }
            Effect::SetVerbosity { session, verbosity } => {
                self.tell(session, Order::ShowAs(verbosity));
            }
            Effect::SetStatus { message, status } => {
                if let Some(outbox) = self.outbox(&message.place.channel) {
                    self.signs.set(&outbox, message, status);
                }
            }
        }
    }

    fn run_turn(&mut self, mut turn: Box<RunTurn>) {
        let id = turn.session.session;
        turn.session.files = self.files.of(&turn.session.conversation);
        let turn = match self.sessions.get(&id) {
            Some(handle) => match handle.tell(Order::Run(turn)) {
                // The session is ending; its end is on its way and lets the gateway start anew.
                Err(Order::Run(turn)) => {
                    let event = Event::TurnEnded {
                        conversation: turn.session.conversation.clone(),
                        run: turn.run,
                        end: RunEnd::NotSubmitted,
                    };
                    return self.spawn(std::future::ready(event.clone()), event);
                }
                Ok(()) | Err(_) => return,
            },
            None => turn,
        };
        let conversation = turn.session.conversation.clone();
        let surroundings = self.surroundings(&conversation);
        self.tend(id, conversation, session(turn, surroundings));
    }

    fn attach(&mut self, conversation: ConversationId, id: SessionId) {
        let surroundings = self.surroundings(&conversation);
        let task = warm_session(conversation.clone(), id, surroundings);
        self.tend(id, conversation, task);
    }

    /// Runs the task of a session.
    fn tend(
        &mut self,
        session: SessionId,
        conversation: ConversationId,
        (handle, task): (SessionHandle, BoxFuture<'static, ()>),
    ) {
        self.sessions.insert(session, handle);
        let closed = Event::SessionClosed {
            conversation,
            session,
        };
        let end = closed.clone();
        self.agents.spawn(caught(task.map(move |()| end), closed));
    }

    fn surroundings(&self, conversation: &ConversationId) -> Surroundings {
        Surroundings {
            runtime: Arc::clone(&self.runtime),
            outbox: self.outbox(&conversation.root.channel),
            files: self.files.clone(),
            edits: self.edits.clone(),
            store: Arc::downgrade(&self.store),
            events: self.events.clone(),
        }
    }

    fn tell(&mut self, session: SessionId, order: Order) {
        if let Some(handle) = self.sessions.get(&session)
            && let Err(order) = handle.tell(order)
        {
            debug!(?order, %session, "an order came after the session's end");
        }
    }

    /// Lets an agent forget, or its runtime where the agent is gone by now.
    fn acknowledge(&mut self, session: SessionId, seq: Seq) {
        let handle = self.sessions.get(&session);
        if handle.is_some_and(|handle| handle.tell(Order::Acknowledge(seq)).is_ok()) {
            return;
        }
        let runtime = Arc::clone(&self.runtime);
        let forget = async move {
            runtime.acknowledge(session, seq).await;
            Event::Tick
        };
        self.spawn(forget, Event::Tick);
    }

    /// Asks once for the agents that an earlier gateway left running.
    pub(super) fn find_agents(&mut self) {
        let runtime = Arc::clone(&self.runtime);
        let found = async move { Event::AgentsFound(runtime.strays().await) };
        self.spawn(found, Event::AgentsFound(Vec::new()));
    }

    fn spawn(&mut self, task: impl Future<Output = Event> + Send + 'static, panicked: Event) {
        self.tasks.spawn(caught(task, panicked));
    }

    fn outbox(&self, channel: &ChannelKey) -> Option<Arc<dyn Outbox>> {
        self.outboxes.get(&channel.platform).cloned()
    }
}

/// A task whose event reaches the gateway even if the task panics.
async fn caught(task: impl Future<Output = Event>, panicked: Event) -> Event {
    let done = AssertUnwindSafe(task).catch_unwind().await;
    done.unwrap_or_else(|_| {
        error!(event = ?panicked, "a task panicked");
        panicked
    })
}
