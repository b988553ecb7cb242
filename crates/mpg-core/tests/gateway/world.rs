//! A world without platforms and agents: it keeps what the gateway wants done, and lets a test
//! decide when and how each thing ends.
#![expect(clippy::unwrap_used, reason = "test helpers")]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test looks at what it tests"
)]

mod crashes;
mod ends;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use mpg_core::audit::Deed;
use mpg_core::board::BoardMessage;
use mpg_core::capability::Capabilities;
use mpg_core::config::Config;
use mpg_core::event::{Effect, Event, RunTurn, Step};
use mpg_core::gateway::Gateway;
use mpg_core::id::{
    InstallationId, MessageId, Place, PlatformId, Position, RequestId, SessionId, TurnId,
};
use mpg_core::message::{Inbound, Message, Received};
use mpg_core::post::Post;
use mpg_core::record::Record;
use mpg_core::request::Answer;
use mpg_core::snapshot::Snapshot;
use uuid::Uuid;

pub(crate) use crate::ends::{exited, failed, limited};
pub(crate) use crate::setting::{channel, config, file, human, message, team, thread, threaded};

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

    /// The agents that are ready and do nothing.
    pub(crate) fn idle_agents(&self) -> usize {
        let sessions = self.agents.keys();
        sessions.filter(|session| !self.is_busy(**session)).count()
    }
}
