//! A world without platforms and agents: it keeps what the gateway wants done, and lets a test
//! decide when and how each thing ends.
#![expect(clippy::unwrap_used, reason = "test helpers")]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test looks at what it tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use mpg_core::agent::{AgentSpec, FailureKind};
use mpg_core::audit::Deed;
use mpg_core::board::BoardMessage;
use mpg_core::capability::{Capabilities, TextLimit, TextUnit, Threads};
use mpg_core::catch_up::{Missed, MissedRequest};
use mpg_core::config::{Config, Limits, NamedAgent, Project, RoutingTable};
use mpg_core::event::{Deliver, Effect, Event, RunEnd, RunTurn, Step, TurnNotice};
use mpg_core::gateway::Gateway;
use mpg_core::id::{
    AgentName, ChannelId, ChannelKey, InstallationId, MessageId, MessageRef, Place, PlatformId,
    Position, ProjectName, RequestId, SessionId, ThreadId, TurnId, UserId,
};
use mpg_core::message::{Attachment, Author, AuthorKind, Inbound, Message, Received};
use mpg_core::port::Workspace;
use mpg_core::post::Post;
use mpg_core::record::Record;
use mpg_core::request::Answer;
use mpg_core::snapshot::Snapshot;
use uuid::Uuid;

use crate::ends::reported;
pub(crate) use crate::ends::{exited, failed, limited};

pub(crate) fn channel(name: &str) -> ChannelKey {
    ChannelKey::new(PlatformId::new("chat"), ChannelId::new(name))
}

pub(crate) fn thread(channel_name: &str, thread: &str) -> Place {
    Place::thread(channel(channel_name), ThreadId::new(thread))
}

pub(crate) fn human(name: &str) -> Author {
    Author {
        id: UserId::new(name),
        name: name.to_owned(),
        kind: AuthorKind::Human,
        roles: Vec::new(),
    }
}

pub(crate) fn message(place: Place, id: u32, author: &str, text: &str) -> Message {
    Message {
        place,
        id: MessageId::new(id.to_string()),
        author: human(author),
        text: text.to_owned(),
        attachments: Vec::new(),
    }
}

pub(crate) fn file(name: &str, size: u64) -> Attachment {
    Attachment {
        name: name.to_owned(),
        size,
        media_type: Some("image/png".to_owned()),
        url: format!("https://files.example/{name}"),
    }
}

pub(crate) fn threaded() -> Capabilities {
    Capabilities {
        threads: Threads::FromMessage,
        post_limit: TextLimit {
            max: 2000,
            unit: TextUnit::CodePoints,
        },
        typing: true,
        status: true,
        ..Capabilities::default()
    }
}

pub(crate) fn config(slots: u32) -> Config {
    let project = |name: &str, cap| {
        let mut project = Project::new(ProjectName::new(name), format!("/srv/{name}"));
        project.channels.insert(channel(name));
        project.max_concurrent_turns = cap;
        project
    };
    Config {
        routing: RoutingTable::new([project("one", None), project("two", Some(1))]).unwrap(),
        limits: Limits {
            max_concurrent_turns: slots,
            max_warm_sessions: 2,
            max_sessions: 6,
            ..Limits::default()
        },
    }
}

/// The same, with three agents in the first project.
pub(crate) fn team(slots: u32) -> Config {
    let mut config = config(slots);
    let projects = config.routing.projects().map(|project| {
        let mut project = Project::clone(project);
        if project.name == ProjectName::new("one") {
            let agents = [("pm", "product"), ("engineer", "builds"), ("qa", "tests")];
            project.agents = agents.map(|(name, role)| named(name, role)).into();
            project.max_handoffs = 3;
        }
        project
    });
    config.routing = RoutingTable::new(projects.collect::<Vec<_>>()).unwrap();
    config
}

fn named(name: &str, role: &str) -> (AgentName, Arc<NamedAgent>) {
    let agent = NamedAgent {
        role: role.to_owned(),
        color: None,
        agent: Arc::new(AgentSpec {
            system_prompt: Some(format!("you are {name}")),
            ..AgentSpec::default()
        }),
        timeout: Duration::from_mins(3),
        budget: None,
    };
    (AgentName::new(name), Arc::new(agent))
}

/// An effect that has not ended yet.
#[derive(Clone, Debug)]
pub(crate) enum Pending {
    Effect(Effect),
    Run(Box<RunTurn>),
    Close(SessionId),
}

pub(crate) struct World {
    pub(crate) gateway: Gateway,
    pub(crate) config: Arc<Config>,
    pub(crate) disk: Snapshot,
    pub(crate) now: Timestamp,
    pub(crate) pending: Vec<Pending>,
    /// The agents that run, and the conversations that they belong to.
    pub(crate) agents: BTreeMap<SessionId, mpg_core::id::ConversationId>,
    /// The agents that a gateway left running and no later one took over.
    pub(crate) left: BTreeMap<SessionId, mpg_core::id::ConversationId>,
    /// The runs whose agents went on with them while no gateway listened.
    pub(crate) adopted: BTreeSet<SessionId>,
    /// The submissions that agents ever got, as their transcripts would tell.
    pub(crate) submitted: BTreeSet<mpg_core::id::SubmitId>,
    pub(crate) capabilities: Capabilities,
    pub(crate) accepted: Vec<(mpg_core::id::ConversationId, TurnId)>,
    pub(crate) started: Vec<(mpg_core::id::ConversationId, TurnId)>,
    pub(crate) outcomes: BTreeMap<TurnId, u32>,
    pub(crate) dropped: BTreeSet<TurnId>,
    /// The turns that have files.
    with_files: BTreeSet<TurnId>,
    pub(crate) delivered: Vec<(Place, String)>,
    /// The same with all that is on it.
    pub(crate) shown: Vec<Post>,
    /// What people said, and when, as the platform has it.
    pub(crate) said: Vec<(Timestamp, Message)>,
    /// What is not answered, because it is too old or too much.
    pub(crate) left_out: BTreeSet<MessageId>,
    /// What agents were told that asked.
    pub(crate) told: Vec<(RequestId, Answer)>,
    /// What the messages of channels said, in order.
    pub(crate) boards: Vec<BoardMessage>,
    /// What the audit log was told.
    pub(crate) deeds: Vec<Deed>,
    /// What agents answer.
    pub(crate) reply: fn(&RunTurn) -> String,
}

impl World {
    pub(crate) fn new(config: Config, capabilities: Capabilities) -> (Self, Step) {
        let config = Arc::new(config);
        let disk = Snapshot::new(InstallationId::from_uuid(Uuid::from_u128(1)));
        let now = Timestamp::from_second(1_000_000).unwrap();
        let (gateway, step) =
            Gateway::recover(now, Arc::clone(&config), disk.clone(), BTreeMap::new());
        let world = Self {
            gateway,
            config,
            disk,
            now,
            pending: Vec::new(),
            agents: BTreeMap::new(),
            left: BTreeMap::new(),
            adopted: BTreeSet::new(),
            submitted: BTreeSet::new(),
            capabilities,
            accepted: Vec::new(),
            started: Vec::new(),
            outcomes: BTreeMap::new(),
            dropped: BTreeSet::new(),
            with_files: BTreeSet::new(),
            delivered: Vec::new(),
            shown: Vec::new(),
            said: Vec::new(),
            left_out: BTreeSet::new(),
            told: Vec::new(),
            boards: Vec::new(),
            deeds: Vec::new(),
            reply: |run| format!("re: {}", run.submission.prompt),
        };
        (world, step)
    }

    pub(crate) fn pass(&mut self, seconds: i64) {
        self.now = self
            .now
            .checked_add(SignedDuration::from_secs(seconds))
            .unwrap();
    }

    /// Decides, commits, and takes on what is to be done.
    pub(crate) fn handle(&mut self, event: Event) -> Step {
        let step = self.gateway.handle(self.now, event);
        self.commit(&step);
        self.take_on(&step);
        step
    }

    pub(crate) fn receive(&mut self, inbound: Inbound) -> Step {
        let event = self.received(inbound);
        self.handle(event)
    }

    pub(crate) fn received(&self, inbound: Inbound) -> Event {
        Event::Received(Box::new(Received {
            inbound,
            capabilities: Some(self.capabilities.clone()),
            platform: PlatformId::new("chat"),
            position: Some(Position::new("p")),
        }))
    }

    pub(crate) fn say(&mut self, place: Place, id: u32, text: &str) -> Step {
        self.receive(Inbound::Message(message(place, id, "ann", text)))
    }

    pub(crate) fn commit(&mut self, step: &Step) {
        for record in &step.records {
            self.disk.apply(record);
            match record {
                Record::TurnQueued { conversation, turn } => {
                    self.accepted.push((conversation.clone(), turn.id));
                    if !turn.attachments.is_empty() {
                        self.with_files.insert(turn.id);
                    }
                }
                Record::QueuedDropped { turn, .. } => {
                    self.dropped.insert(*turn);
                    *self.outcomes.entry(*turn).or_default() += 1;
                }
                Record::TurnStarted {
                    conversation,
                    turn,
                    attempt: 1,
                    ..
                } => self.started.push((conversation.clone(), *turn)),
                Record::TurnEnded { turn, .. } | Record::TurnAbsorbed { turn, .. } => {
                    *self.outcomes.entry(*turn).or_default() += 1;
                }
                Record::Audited { deed } => self.deeds.push(Deed::clone(deed)),
                _ => {}
            }
        }
    }

    pub(crate) fn take_on(&mut self, step: &Step) {
        let dropped: BTreeSet<TurnId> = (step.effects.iter())
            .filter_map(|effect| match effect {
                Effect::DropFiles { turn, .. } => Some(*turn),
                _ => None,
            })
            .collect();
        let ended: BTreeSet<TurnId> = (step.records.iter())
            .filter_map(|record| match record {
                Record::TurnEnded { turn, .. } => Some(*turn),
                _ => None,
            })
            .filter(|turn| self.with_files.contains(turn))
            .collect();
        assert_eq!(dropped, ended, "files go with their turn");
        for effect in &step.effects {
            match effect {
                Effect::RunTurn(run) => {
                    let session = run.session.session;
                    assert!(
                        !self.is_busy(session),
                        "two turns at once in one session: {run:?}"
                    );
                    if self.left.remove(&session).is_none() {
                        self.adopted.remove(&session);
                    }
                    self.agents
                        .insert(session, run.session.conversation.clone());
                    self.pending.push(Pending::Run(run.clone()));
                }
                Effect::CloseSession { session } => {
                    assert!(
                        self.agents.contains_key(session),
                        "closing what is not there"
                    );
                    self.pending.push(Pending::Close(*session));
                }
                Effect::AttachSession {
                    conversation,
                    session,
                } => {
                    assert!(self.left.remove(session).is_some(), "nobody left that");
                    self.adopted.remove(session);
                    self.agents.insert(*session, conversation.clone());
                }
                Effect::EndStray { session } => {
                    assert!(self.left.remove(session).is_some(), "nobody left that");
                    self.adopted.remove(session);
                    self.pending.push(Pending::Effect(effect.clone()));
                }
                Effect::OpenThread { .. }
                | Effect::PrepareWorkspace { .. }
                | Effect::Deliver(_)
                | Effect::Job(_)
                | Effect::CatchUp(_) => self.pending.push(Pending::Effect(effect.clone())),
                Effect::Respond {
                    request, answer, ..
                } => self.told.push((request.clone(), answer.clone())),
                Effect::ShowBoard(shown) => self.boards.push(BoardMessage::clone(shown)),
                Effect::StopTurn { .. }
                | Effect::Steer(_)
                | Effect::Withdraw { .. }
                | Effect::Acknowledge { .. }
                | Effect::RenameThread { .. }
                | Effect::DropFiles { .. }
                | Effect::Files(_)
                | Effect::LimitsChanged { .. }
                | Effect::ShowLive { .. }
                | Effect::SetVerbosity { .. }
                | Effect::SetStatus { .. } => {}
            }
        }
    }

    fn is_busy(&self, session: SessionId) -> bool {
        self.pending.iter().any(|pending| match pending {
            Pending::Run(run) => run.session.session == session,
            Pending::Close(closing) => *closing == session,
            Pending::Effect(_) => false,
        })
    }

    pub(crate) fn runs(&self) -> usize {
        let runs = self.pending.iter();
        runs.filter(|p| matches!(p, Pending::Run(_))).count()
    }

    /// Ends a pending thing well.
    pub(crate) fn succeed(&mut self, index: usize) -> Step {
        match self.pending.remove(index) {
            Pending::Effect(Effect::OpenThread { root, from, .. }) => {
                let id = ThreadId::new(from.message.as_str());
                let place = Place::thread(root.channel.clone(), id);
                self.handle(Event::ThreadOpened {
                    root,
                    result: Ok(place),
                })
            }
            Pending::Effect(Effect::PrepareWorkspace {
                conversation,
                turn,
                request,
            }) => self.handle(Event::WorkspaceReady {
                conversation,
                turn,
                result: Ok(Workspace::new(request.directory)),
            }),
            Pending::Effect(Effect::Deliver(delivery)) => {
                let Deliver {
                    root,
                    place,
                    post,
                    edits,
                    ..
                } = *delivery;
                let number = self.delivered.len();
                self.delivered.push((place, post.text.clone()));
                self.shown.push(post.clone());
                let new = MessageId::new((1_000_000 + number).to_string());
                self.handle(Event::Delivered {
                    root,
                    delivery: post.id,
                    result: Ok(edits.unwrap_or(new)),
                })
            }
            Pending::Effect(Effect::Job(job)) => self.handle(Event::JobDone {
                job: job.id,
                result: Ok(crate::work::found(&job.work)),
            }),
            Pending::Effect(Effect::EndStray { session }) => {
                self.handle(Event::StrayEnded { session })
            }
            Pending::Effect(Effect::CatchUp(request)) => {
                let missed = self.missed(&request);
                self.handle(Event::CaughtUp {
                    channel: request.channel,
                    result: Ok(missed),
                })
            }
            Pending::Effect(other) => panic!("{other:?} has no end"),
            Pending::Run(run) if self.adopted.remove(&run.session.session) => {
                let conversation = run.session.conversation.clone();
                let noticed = self.handle(Event::TurnNoticed {
                    conversation: conversation.clone(),
                    run: run.run,
                    notice: TurnNotice::Adopted,
                });
                assert_eq!(noticed, Step::default(), "nothing to tell yet");
                self.handle(Event::TurnEnded {
                    conversation,
                    run: run.run,
                    end: reported(Ok((self.reply)(&run))),
                })
            }
            Pending::Run(run) => {
                let before = !self.submitted.insert(run.submission.id);
                let end = if run.submission.repeat && before {
                    RunEnd::InterruptedBefore
                } else {
                    reported(Ok((self.reply)(&run)))
                };
                self.handle(Event::TurnEnded {
                    conversation: run.session.conversation,
                    run: run.run,
                    end,
                })
            }
            Pending::Close(session) => self.closed(session),
        }
    }

    /// What the platform finds.
    pub(crate) fn missed(&mut self, request: &MissedRequest) -> Missed {
        let mut unread: Vec<&(Timestamp, Message)> = self
            .said
            .iter()
            .filter(|(at, message)| {
                let read = request.read.get(&message.place);
                message.place.channel == request.channel
                    && read.map_or(*at >= request.since, |read| message.id > *read)
            })
            .collect();
        let read = unread.iter().map(|(_, message)| {
            let MessageRef { place, message } = message.reference();
            (place, message)
        });
        let read = read.collect();
        let recent = unread.iter().filter(|(at, _)| *at >= request.since).count();
        let limit = usize::try_from(request.limit).unwrap();
        let skipped = unread.len() - recent.min(limit);
        let left_out = unread.drain(..skipped);
        self.left_out
            .extend(left_out.map(|(_, message)| message.id.clone()));
        Missed {
            messages: unread.iter().map(|(_, message)| message.clone()).collect(),
            skipped: u32::try_from(skipped).unwrap(),
            read,
        }
    }

    /// The agent of a session goes away.
    pub(crate) fn closed(&mut self, session: SessionId) -> Step {
        let conversation = self.agents.remove(&session).unwrap();
        self.adopted.remove(&session);
        self.pending.retain(|pending| match pending {
            Pending::Run(run) => run.session.session != session,
            Pending::Close(closing) => *closing != session,
            Pending::Effect(_) => true,
        });
        self.handle(Event::SessionClosed {
            conversation,
            session,
        })
    }

    /// Ends a pending run with `end`; where the agent is gone with it, that follows.
    pub(crate) fn end_run(&mut self, index: usize, end: RunEnd) -> Step {
        let Pending::Run(run) = self.pending.remove(index) else {
            panic!("no run at {index}");
        };
        self.submitted.insert(run.submission.id);
        self.adopted.remove(&run.session.session);
        let gone = match &end {
            RunEnd::Reported { result, .. } => {
                matches!(result, Err(failure) if failure.kind == FailureKind::Exited)
            }
            RunEnd::InterruptedBefore => false,
            RunEnd::SessionLost
            | RunEnd::DirectoryMissing
            | RunEnd::Unavailable(_)
            | RunEnd::NotSubmitted => true,
        };
        let session = run.session.session;
        let mut step = self.handle(Event::TurnEnded {
            conversation: run.session.conversation,
            run: run.run,
            end,
        });
        if gone {
            let closed = self.closed(session);
            step.records.extend(closed.records);
            step.effects.extend(closed.effects);
        }
        step
    }

    /// A gateway that takes up what is on disk, and what it does first.
    pub(crate) fn recovered(&self) -> (Gateway, Step) {
        let capabilities = [channel("one"), channel("two")]
            .map(|channel| (channel, self.capabilities.clone()))
            .into();
        Gateway::recover(
            self.now,
            Arc::clone(&self.config),
            self.disk.clone(),
            capabilities,
        )
    }

    /// The agents that are ready and do nothing.
    pub(crate) fn idle_agents(&self) -> usize {
        let sessions = self.agents.keys();
        sessions.filter(|session| !self.is_busy(**session)).count()
    }

    /// The process dies and is started again from what is on disk.
    pub(crate) fn crash(&mut self) -> Step {
        for pending in &self.pending {
            if let Pending::Run(run) = pending {
                self.submitted.insert(run.submission.id);
            }
        }
        self.agents.clear();
        self.left.clear();
        self.adopted.clear();
        self.restart()
    }

    /// The gateway dies and is started again; the agents go on.
    pub(crate) fn crash_alone(&mut self) -> Step {
        for pending in &self.pending {
            if let Pending::Run(run) = pending {
                self.submitted.insert(run.submission.id);
                self.adopted.insert(run.session.session);
            }
        }
        let agents = std::mem::take(&mut self.agents);
        self.left.extend(agents);
        self.restart()
    }

    /// The gateway hears of the agents that run and that it did not start.
    pub(crate) fn find_agents(&mut self) -> Step {
        let sessions = self.left.keys().copied().collect();
        self.handle(Event::AgentsFound(sessions))
    }

    fn restart(&mut self) -> Step {
        self.pending.clear();
        let (gateway, step) = self.recovered();
        self.gateway = gateway;
        self.commit(&step);
        self.take_on(&step);
        step
    }

    /// Lets everything end well until nothing is left to do.
    pub(crate) fn finish(&mut self) {
        for _ in 0..10_000 {
            if self.pending.is_empty() {
                return;
            }
            drop(self.succeed(0));
        }
        panic!("it never ends: {:?}", self.pending);
    }
}
