//! The loop: one event at a time into the gateway, records to the store, effects into the world.

mod ending;
mod perform;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mpg_core::audit::Actor;
use mpg_core::capability::Capabilities;
use mpg_core::config::Config;
use mpg_core::event::{Event, Step};
use mpg_core::gateway::Gateway;
use mpg_core::id::{ChannelKey, Place, PlatformId, Position, SessionId};
use mpg_core::message::{Inbound, Link, Received};
use mpg_core::observe::Sight;
use mpg_core::port::{AgentRuntime, Outbox, Store, StoreError, Workspaces};
use mpg_core::snapshot::Snapshot;
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, error, info, warn};

use crate::boards::Boards;
use crate::clock::{Clock, at};
use crate::control::{Asked, ControlError, MOST_REQUESTS, Request, Status};
use crate::copies::Copies;
use crate::desk::Answers;
use crate::edits::Edits;
use crate::files::Files;
use crate::intake::{Arrival, Intake};
use crate::journal::{Journal, Release, Taken};
use crate::log;
use crate::observation::Observation;
use crate::session::SessionHandle;
use crate::signs::Signs;
use crate::stop::StopSignal;

/// How many events of sessions may wait for the loop; beyond this their agents are slowed down.
const EVENTS: usize = 1_024;

/// The longest sleep. Deadlines may be days away; no single timer has to hold for that long.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// Why an engine ended before it was told to.
#[derive(Debug, Error)]
pub enum EngineError {
    /// What happened could not be stored. Nothing was done after that but to leave the agents
    /// to the next start, which takes up what was stored before.
    #[error("the state cannot be stored, so nothing more is done")]
    Store(#[from] StoreError),
    /// A platform is lost for good, and it was the only one.
    #[error("{platform}: {reason}")]
    Platform {
        /// The platform.
        platform: PlatformId,
        /// What happened and what to do.
        reason: String,
    },
}

/// How an engine ended that was told to, or that nothing came in to any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Everything that ran has ended and everything that was owed and deliverable is delivered.
    Drained,
    /// What was left was no longer waited for; the next start goes on with it. Both counts are zero
    /// if it was only an agent without a turn that did not end in time.
    Cut {
        /// How many turns were cut off.
        turns: u32,
        /// How many posts are owed and not known to be made.
        posts: usize,
    },
}

/// Everything that an engine works with.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) config: Arc<Config>,
    pub(crate) snapshot: Snapshot,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) runtime: Arc<dyn AgentRuntime>,
    pub(crate) workspaces: Arc<dyn Workspaces>,
    pub(crate) outboxes: BTreeMap<PlatformId, Arc<dyn Outbox>>,
    pub(crate) files: Files,
    pub(crate) copies: Copies,
    pub(crate) drain_limit: Duration,
    pub(crate) clock: Clock,
    pub(crate) observation: Observation,
    pub(crate) requests: mpsc::Receiver<Asked>,
}

/// The state of the loop.
pub(crate) struct Loop {
    gateway: Gateway,
    clock: Clock,
    journal: Journal,
    observation: Observation,
    store: Arc<dyn Store>,
    runtime: Arc<dyn AgentRuntime>,
    workspaces: Arc<dyn Workspaces>,
    outboxes: BTreeMap<PlatformId, Arc<dyn Outbox>>,
    files: Files,
    copies: Copies,
    /// Who waits to hear what becomes of files that were handed over.
    desk: Answers,
    stored: BTreeMap<PlatformId, watch::Sender<Option<Position>>>,
    sessions: BTreeMap<SessionId, SessionHandle>,
    signs: Signs,
    edits: Edits,
    boards: Boards,
    /// The tasks of the sessions.
    agents: JoinSet<Event>,
    /// Everything else with one end.
    tasks: JoinSet<Event>,
    events: mpsc::Sender<Event>,
    reported: mpsc::Receiver<Event>,
    requests: mpsc::Receiver<Asked>,
    /// The last that each platform told of its connection.
    links: BTreeMap<PlatformId, Link>,
    drain_limit: Duration,
    /// When what still runs is cut off; set while draining.
    cut_at: Option<Instant>,
    /// Whether nothing comes in any more, so that the end comes once all that did is done.
    finishing: bool,
    /// Why platforms failed for good.
    failures: BTreeMap<PlatformId, String>,
    /// Whether it is not known yet which agents an earlier gateway left running.
    looks_for_agents: bool,
    /// Why there is no platform left.
    failed: Option<EngineError>,
}

impl Loop {
    pub(crate) fn new(
        parts: Parts,
        stored: BTreeMap<PlatformId, watch::Sender<Option<Position>>>,
    ) -> Self {
        let (events, reported) = mpsc::channel(EVENTS);
        let clock = parts.clock;
        let capabilities = known_capabilities(&parts.config, &parts.outboxes);
        let (gateway, first) =
            Gateway::recover(clock.now(), parts.config, parts.snapshot, capabilities);
        let edits = Edits::new();
        let mut this = Self {
            gateway,
            clock,
            journal: Journal::new(Arc::clone(&parts.store), parts.observation.clone()),
            observation: parts.observation,
            store: parts.store,
            runtime: parts.runtime,
            workspaces: parts.workspaces,
            outboxes: parts.outboxes,
            files: parts.files,
            copies: parts.copies,
            desk: Answers::default(),
            stored,
            sessions: BTreeMap::new(),
            signs: Signs::default(),
            boards: Boards::new(edits.clone()),
            edits,
            agents: JoinSet::new(),
            tasks: JoinSet::new(),
            events,
            reported,
            requests: parts.requests,
            links: BTreeMap::new(),
            drain_limit: parts.drain_limit,
            cut_at: None,
            finishing: false,
            failures: BTreeMap::new(),
            looks_for_agents: true,
            failed: None,
        };
        this.take(first);
        this
    }

    pub(crate) async fn run(
        mut self,
        mut intake: Intake,
        mut open_inboxes: usize,
        mut stop: StopSignal,
    ) -> Result<Ended, EngineError> {
        // Nothing new is kept before this is over.
        self.files.tidy(self.gateway.state()).await;
        self.copies.tidy(self.gateway.state()).await;
        self.find_agents();
        if stop.drains() || open_inboxes == 0 {
            self.drain();
        }
        loop {
            if self.finishing && self.gateway.asks_people() {
                self.handle(Event::Unattended);
            }
            if self.finishing && self.gateway.is_idle() && self.journal.is_idle() {
                self.drain();
            }
            if self.is_drained() {
                return self.leave_waiting().await;
            }
            let takes_in = self.cut_at.is_none() && self.journal.has_room();
            let wake = self.wake();
            tokio::select! {
                biased;
                () = stop.changed() => {
                    if stop.cuts() {
                        self.cut_at = Some(Instant::now());
                    }
                    self.drain();
                }
                () = at(self.cut_at) => return self.cut().await,
                released = self.journal.committed() => match released {
                    Ok(released) => {
                        for release in released {
                            self.release(release);
                        }
                    }
                    Err(error) => return Err(self.abort(error).await),
                },
                Some(event) = self.reported.recv() => self.handle(event),
                Some(done) = self.agents.join_next() => match done {
                    Ok(event) => {
                        // What a session said comes before its end, whoever was looked at first.
                        while let Ok(event) = self.reported.try_recv() {
                            self.handle(event);
                        }
                        self.handle(event);
                    }
                    Err(error) => error!(%error, "a session was lost"),
                },
                Some(done) = self.tasks.join_next() => match done {
                    Ok(event) => self.handle(event),
                    Err(error) => error!(%error, "a task was lost"),
                },
                () = self.signs.advance() => {}
                gone = self.boards.advance() => {
                    if let Some(gone) = gone {
                        self.handle(gone);
                    }
                }
                Some(asked) = self.requests.recv() => {
                    self.gateway.on_behalf_of(asked.by);
                    self.answer(asked.request);
                    self.gateway.on_behalf_of(Actor::Gateway);
                }
                Some(arrival) = intake.arrivals.recv(), if takes_in => match arrival {
                    Arrival::Inbound(platform, inbound, position) => {
                        self.receive(platform, *inbound, position);
                    }
                    Arrival::Ended(platform) => {
                        info!(%platform, "nothing more will come in");
                        open_inboxes = open_inboxes.saturating_sub(1);
                        if open_inboxes == 0 {
                            self.finish(platform);
                        }
                    }
                },
                () = sleep_until(wake) => self.handle(Event::Tick),
            }
        }
    }

    fn receive(&mut self, platform: PlatformId, inbound: Inbound, position: Option<Position>) {
        if let Inbound::Link(link) = &inbound {
            match link {
                Link::Connected | Link::Resumed => info!(%platform, "{link}"),
                Link::Degraded { .. } => warn!(%platform, "{link}"),
                Link::Failed { reason } => {
                    error!(%platform, "{link}");
                    self.failures.insert(platform.clone(), reason.clone());
                }
            }
            self.observation.see(&Sight::Linked {
                platform: &platform,
                link,
            });
            self.links.insert(platform.clone(), link.clone());
        }
        let capabilities = inbound.place().and_then(|place| {
            let outbox = self.outboxes.get(&place.channel.platform)?;
            Some(outbox.capabilities(place))
        });
        let event = Event::Received(Box::new(Received {
            platform,
            inbound,
            capabilities,
            position,
        }));
        let now = self.clock.now();
        let step = self.gateway.handle(now, event);
        self.take(step);
    }

    fn handle(&mut self, event: Event) {
        if let Event::SessionClosed { session, .. } = &event {
            self.sessions.remove(session);
        }
        if let Event::AgentsFound(found) = &event {
            self.looks_for_agents = false;
            debug!(
                agents = found.len(),
                "looked for agents of an earlier gateway"
            );
        }
        let now = self.clock.now();
        let step = self.gateway.handle(now, event);
        self.take(step);
    }

    fn answer(&mut self, request: Request) {
        // Who does not wait for the answer any more misses nothing.
        match request {
            Request::Status(reply) => drop(reply.send(Status {
                overview: self.gateway.overview(),
                links: self.links.clone(),
                dead_letters: self.gateway.dead_letters().iter().cloned().collect(),
                draining: self.cut_at.is_some(),
            })),
            Request::Order(root, order, reply) => {
                let now = self.clock.now();
                let done = self.gateway.order(now, &root, order).map(|(said, step)| {
                    self.take(step);
                    said
                });
                drop(reply.send(done.ok_or(ControlError::NoThread)));
            }
            Request::Ask(prompt, reply) => {
                let now = self.clock.now();
                match self.gateway.ask(now, &prompt) {
                    Ok((delivery, step)) => self.keep(step, Some(Taken { delivery, reply })),
                    Err(refusal) => drop(reply.send(Err(refusal.into()))),
                }
            }
            Request::Reconfigure(config, reply) => {
                self.handle(Event::Reconfigured(Arc::clone(&config)));
                // Of those that are new nobody has said yet what they can do.
                for (channel, _) in config.routing.channels() {
                    let changed = Inbound::CapabilitiesChanged(Place::channel(channel.clone()));
                    self.receive(channel.platform.clone(), changed, None);
                }
                let _ = reply.send(());
            }
            Request::Requests(reply) => {
                drop(reply.send(self.gateway.oldest_requests(MOST_REQUESTS)));
            }
            Request::CountRequests(reply) => {
                let _ = reply.send(self.gateway.open_request_count());
            }
            Request::OfId(ask, reply) => drop(reply.send(self.gateway.request(ask))),
            Request::Answer(ask, given, by, reply) => {
                let said = self.gateway.reads_as(ask, &given);
                let answered = said.map(|said| self.handle(Event::Answered { ask, said, by }));
                drop(reply.send(answered.map_err(ControlError::from)));
            }
            Request::Redeliver(delivery, reply) => {
                let mut dead = self.gateway.dead_letters().iter();
                let known = dead.any(|dead| dead.post.id == delivery);
                if known {
                    self.handle(Event::Redeliver(delivery));
                }
                drop(reply.send(known.then_some(()).ok_or(ControlError::NotFound)));
            }
            Request::OfferTerms(session, reply) => {
                drop(reply.send(self.gateway.offer_terms(session)));
            }
            Request::Offer(offer, reply) => {
                self.desk.wait(&offer, reply);
                self.handle(Event::FilesOffered(offer));
            }
        }
    }

    fn take(&mut self, step: Step) {
        self.keep(step, None);
    }

    /// Takes a step, of which somebody hears once it is stored.
    fn keep(&mut self, step: Step, taken: Option<Taken>) {
        step.records.iter().for_each(log::write);
        if let Some(release) = self.journal.push(step, taken) {
            self.release(release);
        }
    }

    fn release(&mut self, release: Release) {
        for effect in release.effects {
            self.perform(effect);
        }
        if let Some((platform, position)) = release.position
            && let Some(stored) = self.stored.get(&platform)
        {
            stored.send_replace(Some(position));
        }
        if let Some(Taken { delivery, reply }) = release.taken {
            drop(reply.send(Ok(delivery)));
        }
    }

    fn wake(&self) -> Instant {
        let now = self.clock.now();
        let wait = self.gateway.next_deadline().map_or(LONGEST_SLEEP, |at| {
            Duration::try_from(at.duration_since(now)).unwrap_or_default()
        });
        // Deadlines are exact and timers may be early by less than a millisecond.
        let wait = wait.saturating_add(Duration::from_millis(1));
        Instant::now() + wait.min(LONGEST_SLEEP)
    }

    /// Nothing comes in any more. What was accepted is still answered, unless the last platform
    /// failed: then it is worth waiting only for what ends soon.
    fn finish(&mut self, last: PlatformId) {
        if let Some(reason) = self.failures.remove(&last) {
            self.failed = Some(EngineError::Platform {
                platform: last,
                reason,
            });
            self.drain();
        } else {
            self.finishing = true;
        }
    }

    fn drain(&mut self) {
        self.finishing = false;
        if self.cut_at.is_none() {
            info!(turns = self.gateway.turns_in_progress(), "draining");
            self.cut_at = Some(Instant::now() + self.drain_limit);
        }
        self.signs.end();
        self.boards.hurry();
        self.handle(Event::Draining);
    }

    fn is_drained(&self) -> bool {
        self.cut_at.is_some()
            && !self.looks_for_agents
            && self.gateway.is_drained()
            && self.journal.is_idle()
            && self.sessions.len() <= self.gateway.turns_that_ask()
            && self.signs.is_empty()
            && self.boards.is_empty()
    }
}

fn known_capabilities(
    config: &Config,
    outboxes: &BTreeMap<PlatformId, Arc<dyn Outbox>>,
) -> BTreeMap<ChannelKey, Capabilities> {
    config
        .routing
        .channels()
        .filter_map(|(channel, _)| {
            let outbox = outboxes.get(&channel.platform)?;
            let place = Place::channel(channel.clone());
            Some((channel.clone(), outbox.capabilities(&place)))
        })
        .collect()
}
