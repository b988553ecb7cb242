//! The machine that decides everything: events in, records and effects out.

mod agents;
mod asks;
mod boards;
pub(crate) mod budgets;
mod catch_up;
mod claimed;
mod commands;
mod deeds;
mod deliveries;
mod directs;
mod forks;
mod handed;
mod handoffs;
mod intake;
mod interactions;
mod jobs;
mod lane;
pub(crate) mod lifted;
mod limiter;
mod live;
mod long_answer;
mod offers;
mod outgoing;
mod overview;
mod parked;
mod people;
mod places;
mod prompts;
mod redelivery;
mod retention;
mod slots;
mod start;
mod steering;
mod stop;
mod strays;
mod submission;
mod turns;
mod voice;

pub use self::asks::{AnswerRefusal, AnyRequest, OpenRequest, PastRequest, RequestEnd};
pub use self::commands::Order;
pub use self::deliveries::MAX_ANSWER_POSTS;
pub(crate) use self::jobs::{CONFIRM_WITHIN, Ends};
pub use self::overview::{ActiveConversation, Activity, Overview};
pub use self::prompts::{MAX_PROMPT, OPERATOR, Prompt, PromptRefusal, Purpose};
pub use self::turns::MAX_ATTEMPTS;

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use self::asks::Asks;
use self::boards::Boards;
use self::catch_up::CatchUps;
use self::claimed::Claimed;
use self::directs::Directs;
use self::jobs::Jobs;
use self::lane::{Lane, Phase, Slot};
use self::lifted::Lifted;
use self::limiter::RateLimiter;
use self::outgoing::Outgoing;
use self::people::People;
use self::prompts::Prompts;
use self::retention::Retention;
use self::slots::Slots;
use crate::audit::Actor;
use crate::capability::Capabilities;
use crate::config::{Config, Project};
use crate::event::{Effect, Event, Step};
use crate::id::{
    ChannelKey, ConversationId, DeliveryId, MessageId, MessageRef, Place, Root, RootId, SessionId,
};
use crate::record::Record;
use crate::snapshot::{Conversation, Snapshot, Thread};

/// All conversations of an installation.
///
/// Feed it every event through [`handle`](Gateway::handle) and carry out what comes back: commit
/// the records in one transaction, then do the effects in order. Call it with
/// [`Event::Tick`] when [`next_deadline`](Gateway::next_deadline) has come. Time may stand still
/// between calls; a time before that of an earlier call counts as that of the earlier call.
///
/// A gateway that is recovered from the records of another one, after any prefix of its steps, owes
/// the world the same: what was started is submitted again under the same id, what was planned is
/// posted again under the same id.
///
/// ```
/// use std::collections::BTreeMap;
/// use std::sync::Arc;
/// use jiff::Timestamp;
/// use mpg_core::capability::Capabilities;
/// use mpg_core::config::{Config, Limits, Project, RoutingTable};
/// use mpg_core::event::{Effect, Event};
/// use mpg_core::gateway::Gateway;
/// use mpg_core::id::{
///     ChannelId, ChannelKey, InstallationId, MessageId, Place, PlatformId, ProjectName, UserId,
/// };
/// use mpg_core::message::{Author, AuthorKind, Inbound, Message, Received};
/// use mpg_core::snapshot::Snapshot;
///
/// let channel = ChannelKey::new(PlatformId::new("chat"), ChannelId::new("general"));
/// let mut project = Project::new(ProjectName::new("demo"), "/srv/demo");
/// project.channels.insert(channel.clone());
/// let config = Config {
///     routing: RoutingTable::new([project])?,
///     limits: Limits::default(),
/// };
/// let snapshot = Snapshot::new(InstallationId::from_uuid(uuid::Uuid::from_u128(1)));
/// let (mut gateway, _) =
///     Gateway::recover(Timestamp::UNIX_EPOCH, Arc::new(config), snapshot, BTreeMap::new());
///
/// let hello = Message {
///     place: Place::channel(channel),
///     id: MessageId::new("1"),
///     author: Author {
///         id: UserId::new("ann"),
///         name: "Ann".into(),
///         kind: AuthorKind::Human,
///         roles: Vec::new(),
///     },
///     text: "hello".into(),
///     attachments: Vec::new(),
/// };
/// let step = gateway.handle(
///     Timestamp::UNIX_EPOCH,
///     Event::Received(Box::new(Received {
///         platform: PlatformId::new("chat"),
///         inbound: Inbound::Message(hello),
///         capabilities: Some(Capabilities::default()),
///         position: None,
///     })),
/// );
/// assert!(step.effects.iter().any(|e| matches!(e, Effect::PrepareWorkspace { .. })));
/// # Ok::<(), mpg_core::config::RouteConflict>(())
/// ```
#[derive(Debug)]
pub struct Gateway {
    config: Arc<Config>,
    state: Snapshot,
    capabilities: BTreeMap<ChannelKey, Capabilities>,
    lanes: BTreeMap<ConversationId, Lane>,
    slots: Slots,
    /// Which thread a place belongs to. A channel leads to the newest thread that fell back to it.
    bound: BTreeMap<Place, RootId>,
    outgoing: Outgoing,
    /// Posts that may have been made already, by a gateway that is gone.
    uncertain: BTreeSet<DeliveryId>,
    /// Dead letters that somebody asked for again, and where they go instead of their thread.
    redelivering: BTreeMap<DeliveryId, Option<Place>>,
    /// What the last posts in each channel became, outside of its threads.
    claimed: Claimed,
    /// Posts on their way that were seen on their platform.
    echoes: BTreeMap<DeliveryId, MessageId>,
    /// The channels in which no thread could be opened, until what they can do changes.
    refused: BTreeSet<ChannelKey>,
    /// The threads that are being opened.
    opening: BTreeSet<RootId>,
    /// Those of them that grow from no message of a person, so that nobody knows yet where they will
    /// be.
    unplaced: BTreeSet<RootId>,
    /// The channels that are read back.
    catching_up: CatchUps,
    limiter: RateLimiter,
    people: People,
    jobs: Jobs,
    /// What waits for people.
    asks: Asks,
    /// Where limits on tools are lifted for now.
    lifted: Lifted,
    /// What was said lately from outside of every platform.
    prompts: Prompts,
    /// Who was told that direct messages lead nowhere.
    directs: Directs,
    /// What the threads do, as the messages of their channels tell it.
    boards: Boards,
    retention: Retention,
    /// The agents that are ready, by how long they have been unused.
    idle: BTreeSet<(Timestamp, ConversationId)>,
    /// When a turn has taken too long or an agent has been unused for too long.
    alarms: BTreeSet<(Timestamp, ConversationId)>,
    /// When parked turns go on.
    parked: BTreeSet<(Timestamp, ConversationId)>,
    /// The messages that an agent failed at while others still work on them.
    failing: BTreeSet<MessageRef>,
    /// The agents of nobody that are being ended.
    strays: BTreeSet<SessionId>,
    runs: u64,
    draining: bool,
    /// Whose doing it is what follows.
    acting: Actor,
    now: Timestamp,
    step: Step,
}

impl Gateway {
    /// Takes up a stored state: returns the gateway, and what has to be done first.
    ///
    /// `capabilities` are those of the mapped channels, as far as they are known before anything
    /// came in from them.
    pub fn recover(
        now: Timestamp,
        config: Arc<Config>,
        snapshot: Snapshot,
        capabilities: BTreeMap<ChannelKey, Capabilities>,
    ) -> (Self, Step) {
        let asks = Asks::of(&snapshot, now);
        let mut gateway = Self {
            slots: Slots::new(config.limits.max_concurrent_turns),
            retention: Retention::of(&snapshot, config.limits.session_ttl),
            bound: bindings(&snapshot),
            claimed: Claimed::of(&snapshot),
            boards: Boards::of(&snapshot),
            prompts: Prompts::of(&snapshot),
            state: snapshot,
            config,
            capabilities,
            lanes: BTreeMap::new(),
            outgoing: Outgoing::default(),
            uncertain: BTreeSet::new(),
            redelivering: BTreeMap::new(),
            echoes: BTreeMap::new(),
            refused: BTreeSet::new(),
            opening: BTreeSet::new(),
            unplaced: BTreeSet::new(),
            catching_up: CatchUps::default(),
            limiter: RateLimiter::default(),
            people: People::default(),
            jobs: Jobs::default(),
            lifted: Lifted::default(),
            asks,
            directs: Directs::default(),
            idle: BTreeSet::new(),
            alarms: BTreeSet::new(),
            parked: BTreeSet::new(),
            failing: BTreeSet::new(),
            strays: BTreeSet::new(),
            runs: 0,
            draining: false,
            acting: Actor::default(),
            now,
            step: Step::default(),
        };
        gateway.take_up();
        gateway.take_up_gaps();
        gateway.settle();
        let step = mem::take(&mut gateway.step);
        (gateway, step)
    }

    /// Takes in one event, and says what follows from it.
    #[must_use = "a record that is dropped is a fact that is lost, an effect an action that never happens"]
    pub fn handle(&mut self, now: Timestamp, event: Event) -> Step {
        self.now = self.now.max(now);
        match event {
            Event::Received(received) => self.receive(*received),
            Event::ThreadOpened { root, result } => self.thread_opened(&root, result),
            Event::WorkspaceReady {
                conversation,
                turn,
                result,
            } => self.workspace_ready(&conversation, turn, result),
            Event::TurnNoticed {
                conversation,
                run,
                notice,
            } => self.turn_noticed(&conversation, run, &notice),
            Event::Requested {
                conversation,
                run,
                request,
            } => self.requested(&conversation, run, request),
            Event::Withdrawn {
                conversation,
                run,
                request,
            } => self.withdrawn(&conversation, run, &request),
            Event::Unattended => self.expire_all_asks(),
            Event::Answered { ask, said, by } => self.operator_answers(ask, said, by),
            Event::TurnEnded {
                conversation,
                run,
                end,
            } => self.turn_ended(&conversation, run, end),
            Event::SessionClosed {
                conversation,
                session,
            } => self.session_closed(&conversation, session),
            Event::Delivered {
                root,
                delivery,
                result,
            } => self.delivered(&root, delivery, result),
            Event::CaughtUp { channel, result } => self.caught_up(&channel, result),
            Event::Redeliver(delivery) => self.redeliver(delivery),
            Event::AgentsFound(sessions) => self.agents_found(sessions),
            Event::StrayEnded { session } => {
                self.strays.remove(&session);
            }
            Event::JobDone { job, result } => self.job_done(job, result),
            Event::FilesOffered(offer) => self.files_offered(*offer),
            Event::BoardGone { channel, message } => self.board_gone(&channel, &message),
            Event::Reconfigured(config) => self.reconfigure(config),
            Event::Draining => self.drain(),
            Event::Tick => {}
        }
        self.acts_by_itself();
        self.ring_alarms();
        self.end_lifts();
        self.settle();
        mem::take(&mut self.step)
    }

    /// When [`Event::Tick`] is due, if nothing else happens before.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let alarm = self.alarms.first().map(|(at, _)| *at);
        let parked = self.parked.first().map(|(at, _)| *at);
        let expiry = self.retention.next_expiry();
        let limits = self.lifted.next_end();
        let asks = self.asks.next_due();
        let due = alarm.into_iter().chain(parked).chain(expiry);
        due.chain(limits).chain(asks).min()
    }

    /// The durable state after all steps so far.
    pub fn state(&self) -> &Snapshot {
        &self.state
    }

    /// How many turns run or are about to.
    pub fn turns_in_progress(&self) -> u32 {
        self.slots.held()
    }

    /// The sessions whose agents work on a turn that has not ended.
    pub fn busy_sessions(&self) -> BTreeSet<SessionId> {
        let running = self.lanes.values().filter_map(|lane| match &lane.phase {
            Phase::Running(run) | Phase::Stopping(run, _) => Some(run.session),
            Phase::Cold | Phase::Warm { .. } | Phase::Preparing { .. } | Phase::Closing { .. } => {
                None
            }
        });
        running.collect()
    }

    /// Whether a draining gateway has nothing left to wait for: no turn, no agent, no post on its
    /// way or waiting for its thread.
    pub fn is_drained(&self) -> bool {
        self.draining
            && self.slots.held() == 0
            && self.strays.is_empty()
            && self.jobs.is_empty()
            && !self.has_posts_on_their_way()
            && self
                .lanes
                .values()
                .all(|lane| lane.session().is_none() || lane.waits_for_people())
    }

    /// How many turns wait for people, with agents that run.
    pub fn turns_that_ask(&self) -> usize {
        let waiting = self.lanes.values().filter(|lane| lane.waits_for_people());
        waiting.count()
    }

    /// Whether everything that was accepted has ended, and what it led to is posted. Agents may be
    /// ready for more.
    pub fn is_idle(&self) -> bool {
        !self.has_posts_on_their_way()
            && self.catching_up.is_empty()
            && self.jobs.is_empty()
            && self.lanes.values().all(|lane| {
                lane.slot == Slot::None && matches!(lane.phase, Phase::Cold | Phase::Warm { .. })
            })
    }

    fn has_posts_on_their_way(&self) -> bool {
        !self.outgoing.is_empty()
            || self.opening.iter().any(|root| {
                self.thread(root)
                    .is_some_and(|thread| !thread.deliveries.is_empty())
            })
    }

    fn record(&mut self, record: Record) {
        self.retention.before(&self.state, &record);
        self.asks.before(&self.state, &record);
        let wakes = self.wakes(&record);
        let files = self.drops_files(&record);
        let copies = self.drops_copies(&record);
        let deed = self.deed_of(&record);
        self.state.apply(&record);
        self.retention.after(&self.state, &record);
        self.asks.after(&self.state, &record);
        self.boards.note(&self.state, &record);
        if let Some(wakes) = wakes {
            self.parked.remove(&wakes);
        }
        self.parked.extend(self.wakes(&record));
        let done = self.ends_aside(&record);
        self.step.records.push(record);
        if let Some(deed) = deed {
            self.audit(deed);
        }
        self.step.effects.extend(files);
        self.step.effects.extend(copies);
        if let Some(done) = done {
            self.record(done);
        }
    }

    /// The files of a turn die with it.
    fn drops_files(&self, record: &Record) -> Option<Effect> {
        let Record::TurnEnded {
            conversation, turn, ..
        } = record
        else {
            return None;
        };
        let running = self.conversation(conversation)?.running.as_deref()?;
        let has_files = running.turn.id == *turn && !running.turn.attachments.is_empty();
        has_files.then(|| Effect::DropFiles {
            conversation: conversation.clone(),
            turn: *turn,
        })
    }

    fn effect(&mut self, effect: Effect) {
        self.step.effects.push(effect);
    }

    fn thread(&self, root: &RootId) -> Option<&Thread> {
        self.state.threads.get(root)
    }

    fn conversation(&self, id: &ConversationId) -> Option<&Conversation> {
        self.state.conversation(id)
    }

    fn project_of(&self, channel: &ChannelKey) -> Option<&Arc<Project>> {
        self.config.routing.project_of(channel)
    }

    fn capabilities(&self, channel: &ChannelKey) -> Capabilities {
        self.capabilities.get(channel).cloned().unwrap_or_default()
    }

    /// Gives out free slots and keeps to the caps, after every event.
    fn settle(&mut self) {
        self.discard_what_is_left();
        while !self.draining
            && let Some(conversation) = self.slots.grant()
        {
            self.start(&conversation);
        }
        self.keep_warm_cap();
        self.keep_session_cap();
        self.forget_expired();
        self.show_boards();
    }

    fn take_up(&mut self) {
        let unopened: Vec<RootId> = self
            .state
            .threads
            .iter()
            .filter(|(_, thread)| thread.place.is_none())
            .map(|(root, _)| root.clone())
            .collect();
        for root in unopened {
            self.open_thread(&root);
        }
        let owed: Vec<RootId> = self
            .state
            .threads
            .iter()
            .filter(|(_, thread)| !thread.deliveries.is_empty())
            .map(|(root, _)| root.clone())
            .collect();
        for root in owed {
            // Only the first one can have been on its way.
            let first = self.thread(&root).and_then(|thread| {
                thread.place.as_ref()?;
                thread.deliveries.front().map(|post| post.id)
            });
            self.uncertain.extend(first);
            self.deliver_next(&root);
        }
        let mut unfinished: Vec<(u8, Timestamp, ConversationId)> = Vec::new();
        for (root, thread) in &self.state.threads {
            for (agent, conversation) in &thread.conversations {
                let id = ConversationId {
                    root: root.clone(),
                    agent: agent.clone(),
                };
                if let Some(running) = &conversation.running {
                    let until = running.parked.and_then(|parked| parked.until);
                    self.parked.extend(until.map(|at| (at, id.clone())));
                    let rank = u8::from(running.parked.is_some());
                    unfinished.push((rank, running.started_at, id));
                } else if let Some(head) = conversation.queue.front() {
                    unfinished.push((2, head.at, id));
                }
            }
        }
        // What ran comes first, then what may go on, then what waited longest.
        unfinished.sort();
        for (rank, _, id) in unfinished {
            if rank == 0 {
                self.want_slot_again(&id);
            } else {
                self.want_slot(&id);
            }
        }
    }

    fn reconfigure(&mut self, config: Arc<Config>) {
        self.audit_configuration(&config);
        self.slots.set_limit(config.limits.max_concurrent_turns);
        self.retention.set_ttl(config.limits.session_ttl);
        self.config = config;
        self.know_new_channels();
        self.renew_boards();
        self.close_outdated();
        self.go_on_within_budgets();
    }

    /// Closes the ready agents that were started with what is no longer in force.
    fn close_outdated(&mut self) {
        let warm: Vec<ConversationId> = self.idle.iter().map(|(_, id)| id.clone()).collect();
        for id in warm {
            self.close_if_outdated(&id);
        }
    }

    fn drain(&mut self) {
        self.draining = true;
        self.tell_waiting();
        let warm: Vec<ConversationId> = self.idle.iter().map(|(_, id)| id.clone()).collect();
        for id in warm {
            self.close(&id);
        }
    }
}

/// `at` and then some; the end of time if that is beyond it.
fn after(at: Timestamp, then: Duration) -> Timestamp {
    at.checked_add(then).unwrap_or(Timestamp::MAX)
}

/// Whether what is said in the place of a thread belongs to that thread.
fn leads_to(root: &RootId) -> bool {
    match root.root {
        Root::Message(_) => true,
        Root::Channel | Root::Aside(_) => false,
    }
}

fn bindings(snapshot: &Snapshot) -> BTreeMap<Place, RootId> {
    // Roots of one channel come in the order of their age, so the newest stays.
    snapshot
        .threads
        .iter()
        .filter(|(root, _)| leads_to(root))
        .filter_map(|(root, thread)| Some((thread.place.clone()?, root.clone())))
        .collect()
}
