//! Conversations that took place: a gateway without a world, in which everything ends well at once.

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use mpg_core::agent::{Seq, Usage};
use mpg_core::capability::{Capabilities, Reconcile, Threads};
use mpg_core::catch_up::Missed;
use mpg_core::config::{Config, Limits, Project, RoutingTable};
use mpg_core::event::{Effect, Event, RunEnd, Step};
use mpg_core::gateway::Gateway;
use mpg_core::id::{
    ChannelKey, ConversationId, InstallationId, MessageId, Place, ProjectName, SessionId, ThreadId,
    UserId,
};
use mpg_core::message::{Author, AuthorKind, Inbound, Message, Received};
use mpg_core::port::Workspace;
use mpg_core::record::Record;
use mpg_core::snapshot::Snapshot;
use uuid::Uuid;

/// The first message's id: as long as those that Discord gives.
const FIRST_MESSAGE: u64 = 1_400_000_000_000_000_000;

/// Enough for every conversation of a benchmark.
const SESSIONS: u32 = 1_000_000;

/// A gateway, and what people say in one channel.
pub(crate) struct Past {
    gateway: Gateway,
    channel: ChannelKey,
    agents: BTreeMap<SessionId, ConversationId>,
    threads: Vec<ThreadId>,
    messages: u64,
    now: Timestamp,
    records: Vec<Record>,
}

impl Past {
    /// Nothing has taken place yet.
    pub(crate) fn new(channel: ChannelKey) -> Self {
        let installation = InstallationId::from_uuid(Uuid::from_u128(1));
        let now = Timestamp::now() - SignedDuration::from_hours(1);
        let gateway = recovered(&channel, now, Snapshot::new(installation));
        Self {
            gateway,
            channel,
            agents: BTreeMap::new(),
            threads: Vec::new(),
            messages: 0,
            now,
            records: Vec::new(),
        }
    }

    /// How many conversations took place.
    pub(crate) fn conversations(&self) -> usize {
        self.threads.len()
    }

    /// Lets conversations take place until there are so many: a message in the channel that is
    /// answered in a thread, and a second one in the thread.
    pub(crate) fn grow(&mut self, conversations: usize) {
        while self.threads.len() < conversations {
            self.turn(Place::channel(self.channel.clone()));
            let thread = ThreadId::new(message_id(self.messages).as_str());
            self.turn(Place::thread(self.channel.clone(), thread.clone()));
            self.threads.push(thread);
        }
    }

    /// Stops and starts the gateway.
    pub(crate) fn restart(&mut self) {
        self.agents.clear();
        let snapshot = self.gateway.state().clone();
        self.gateway = recovered(&self.channel, self.now, snapshot);
    }

    /// Lets a known conversation have one more turn; returns how long the gateway took for the
    /// message alone.
    pub(crate) fn follow_up(&mut self, conversation: usize) -> Duration {
        let thread = self.threads[conversation].clone();
        self.turn(Place::thread(self.channel.clone(), thread))
    }

    /// All records since this was called last.
    pub(crate) fn take_records(&mut self) -> Vec<Record> {
        mem::take(&mut self.records)
    }

    fn turn(&mut self, place: Place) -> Duration {
        self.messages += 1;
        let event = Event::Received(Box::new(Received {
            platform: place.channel.platform.clone(),
            inbound: Inbound::Message(message(place, self.messages)),
            capabilities: Some(capabilities()),
            position: None,
        }));
        let begin = Instant::now();
        let step = self.gateway.handle(self.now, event);
        let taken = begin.elapsed();
        self.finish(step);
        taken
    }

    /// Lets everything end that a step leads to.
    fn finish(&mut self, step: Step) {
        let mut effects = VecDeque::new();
        let mut next = Some(step);
        loop {
            if let Some(step) = next.take() {
                self.records.extend(step.records);
                effects.extend(step.effects);
            }
            let Some(effect) = effects.pop_front() else {
                return;
            };
            if let Some(event) = self.end_of(effect) {
                self.now += SignedDuration::from_micros(100);
                next = Some(self.gateway.handle(self.now, event));
            }
        }
    }

    fn end_of(&mut self, effect: Effect) -> Option<Event> {
        Some(match effect {
            Effect::OpenThread { root, from, .. } => {
                let thread = ThreadId::new(from.message.as_str());
                let result = Ok(Place::thread(root.channel.clone(), thread));
                Event::ThreadOpened { root, result }
            }
            Effect::PrepareWorkspace {
                conversation,
                turn,
                request,
            } => Event::WorkspaceReady {
                conversation,
                turn,
                result: Ok(Workspace::new(request.directory)),
            },
            Effect::RunTurn(run) => {
                let conversation = run.session.conversation;
                self.agents
                    .insert(run.session.session, conversation.clone());
                Event::TurnEnded {
                    conversation,
                    run: run.run,
                    end: RunEnd::Reported {
                        result: Ok("it is done, and the tests pass".to_owned()),
                        usage: Usage::default(),
                        seq: Seq(1),
                        covers: Vec::new(),
                        partial: None,
                        results: None,
                    },
                }
            }
            Effect::CloseSession { session } => Event::SessionClosed {
                conversation: self.agents.remove(&session)?,
                session,
            },
            Effect::Deliver(delivery) => Event::Delivered {
                root: delivery.root,
                delivery: delivery.post.id,
                result: Ok(message_id(self.messages)),
            },
            Effect::CatchUp(request) => Event::CaughtUp {
                channel: request.channel,
                result: Ok(Missed::default()),
            },
            Effect::EndStray { session } => Event::StrayEnded { session },
            Effect::Job(job) => Event::JobDone {
                job: job.id,
                result: Err("there is nothing to work with".to_owned()),
            },
            Effect::AttachSession { .. }
            | Effect::StopTurn { .. }
            | Effect::Steer(_)
            | Effect::Withdraw { .. }
            | Effect::Respond { .. }
            | Effect::Acknowledge { .. }
            | Effect::RenameThread { .. }
            | Effect::DropFiles { .. }
            | Effect::Files(_)
            | Effect::LimitsChanged { .. }
            | Effect::ShowLive { .. }
            | Effect::ShowBoard(_)
            | Effect::SetVerbosity { .. }
            | Effect::SetStatus { .. } => return None,
        })
    }
}

/// One project in a channel, with room for everything.
pub(crate) fn config(channel: ChannelKey, directory: &str, slots: u32, warm: u32) -> Config {
    let mut project = Project::new(ProjectName::new("one"), directory);
    project.channels.insert(channel);
    Config {
        routing: RoutingTable::new([project]).unwrap(),
        limits: Limits {
            max_concurrent_turns: slots,
            max_warm_sessions: warm,
            max_sessions: SESSIONS,
            ..Limits::default()
        },
    }
}

/// What a person writes.
pub(crate) fn message(place: Place, number: u64) -> Message {
    Message {
        place,
        id: message_id(number),
        author: Author {
            id: UserId::new("1300000000000000001"),
            name: "ann".to_owned(),
            kind: AuthorKind::Human,
            roles: Vec::new(),
        },
        text: "please look at the failing test in the parser, and say what is wrong".to_owned(),
        attachments: Vec::new(),
    }
}

fn message_id(number: u64) -> MessageId {
    MessageId::new((FIRST_MESSAGE + number).to_string())
}

fn recovered(channel: &ChannelKey, now: Timestamp, snapshot: Snapshot) -> Gateway {
    let config = Arc::new(config(channel.clone(), "/srv/one", 4, 8));
    let known = BTreeMap::from([(channel.clone(), capabilities())]);
    let (gateway, first) = Gateway::recover(now, config, snapshot, known);
    assert!(first.effects.is_empty(), "everything had ended: {first:?}");
    gateway
}

fn capabilities() -> Capabilities {
    Capabilities {
        threads: Threads::FromMessage,
        typing: true,
        status: true,
        reconcile: Reconcile::Nonce,
        ..Capabilities::default()
    }
}
