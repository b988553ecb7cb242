//! Agents that outlive their gateway, as those of a keeper do: what they report waits for the next
//! one, and time goes on for them while nobody is there.

#[path = "kept/process.rs"]
mod process;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use mpg_core::agent::{AgentEvent, Seq};
use mpg_core::id::{AgentName, RequestId, SessionId, SubmitId};
use mpg_core::port::{
    AgentControl, AgentEvents, AgentRuntime, AgentSession, OpenError, SessionSpec, SessionStart,
    Submission, Submitted,
};
use mpg_core::request::Answer;
use mpg_engine::{Prompt, ScriptStep};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::random::Random;
use process::Session;

type Script = dyn Fn(Option<&AgentName>, Prompt<'_>) -> Vec<ScriptStep> + Send + Sync;

/// All agents, whatever gateway they have. Clones are the same agents.
#[derive(Clone)]
pub(crate) struct Keepers(Arc<Shared>);

struct Shared {
    script: Box<Script>,
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    sessions: BTreeMap<SessionId, Session>,
    /// How many gateways and sessions were ever handed an agent.
    handles: u64,
    /// What time it was when this life began, and when that was.
    life: Option<(Timestamp, Instant)>,
    /// How often a turn was found running, or its result waiting.
    adopted: u64,
}

impl State {
    fn now(&self) -> Timestamp {
        let (began, at) = self.life.expect("a life began");
        began.checked_add(at.elapsed()).expect("it is 1970")
    }
}

impl Keepers {
    pub(crate) fn new(
        script: impl Fn(Option<&AgentName>, Prompt<'_>) -> Vec<ScriptStep> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Shared {
            script: Box::new(script),
            state: Mutex::default(),
            changed: watch::Sender::default(),
        }))
    }

    /// A gateway begins to live.
    pub(crate) fn begin_life(&self, now: Timestamp) {
        self.change(|state| state.life = Some((now, Instant::now())));
    }

    /// The machine dies: no process is left, and some of them had not written down what they ran.
    pub(crate) fn kill_all(&self, random: &mut Random) {
        self.change(|state| {
            for session in state.sessions.values_mut() {
                session.kill(random.chance(30));
            }
        });
    }

    /// The sessions that have a process.
    pub(crate) fn running(&self) -> Vec<SessionId> {
        self.change(|state| {
            let running = state
                .sessions
                .iter()
                .filter(|(_, session)| session.is_alive());
            running.map(|(id, _)| *id).collect()
        })
    }

    /// How often a turn of an earlier gateway was found running, or its result waiting.
    pub(crate) fn adopted(&self) -> u64 {
        self.lock().adopted
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.lock());
        self.0.changed.send_replace(());
        changed
    }

    fn with<T>(&self, session: SessionId, act: impl FnOnce(&mut Session, Timestamp) -> T) -> T {
        self.change(|state| {
            let now = state.now();
            act(state.sessions.entry(session).or_default(), now)
        })
    }

    /// Makes somebody the owner of a session's agent.
    fn own(&self, session: SessionId) -> AgentSession {
        let number = self.change(|state| {
            state.handles += 1;
            let session = state.sessions.entry(session).or_default();
            session.owner = Some(state.handles);
            state.handles
        });
        let handle = Handle {
            keepers: self.clone(),
            session,
            number,
        };
        AgentSession {
            events: Box::new(Events {
                changed: self.0.changed.subscribe(),
                handle: handle.clone(),
                read: Seq::default(),
                ended: false,
            }),
            control: Arc::new(Control(handle)),
            outdated: false,
            replayed: Seq::default(),
        }
    }
}

impl fmt::Debug for Keepers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keepers").finish_non_exhaustive()
    }
}

#[async_trait]
impl AgentRuntime for Keepers {
    async fn open(&self, spec: SessionSpec) -> Result<AgentSession, OpenError> {
        let forked = match spec.start {
            SessionStart::Fork(from) => self.with(from, |session, _| session.prompts()),
            SessionStart::New | SessionStart::Begun | SessionStart::Resume => Vec::new(),
        };
        self.with(spec.session, |session, _| {
            if session.owner.is_some() {
                return Err(OpenError::InUse(spec.session));
            }
            let owes = spec.owed.is_some_and(|owed| session.has_result(owed));
            if session.is_alive() || owes {
                return Ok(());
            }
            if spec.start == SessionStart::Resume && session.is_unknown() {
                return Err(OpenError::SessionLost(spec.session));
            }
            if let SessionStart::Fork(_) = spec.start {
                session.fork(forked);
                if session.is_unknown() {
                    return Err(OpenError::SessionLost(spec.session));
                }
            }
            session.start(spec.conversation.agent.clone());
            Ok(())
        })?;
        Ok(self.own(spec.session))
    }

    async fn attach(&self, session: SessionId, _after: Seq) -> Result<AgentSession, OpenError> {
        let free = self.with(session, |session, _| {
            session.is_alive() && session.owner.is_none()
        });
        if free {
            Ok(self.own(session))
        } else {
            Err(OpenError::NotRunning)
        }
    }

    async fn strays(&self) -> Vec<SessionId> {
        self.change(|state| {
            let sessions = state.sessions.iter();
            let strays =
                sessions.filter(|(_, session)| session.is_alive() && session.owner.is_none());
            strays.map(|(id, _)| *id).collect()
        })
    }
}

/// One ownership of a session's agent.
#[derive(Clone, Debug)]
struct Handle {
    keepers: Keepers,
    session: SessionId,
    number: u64,
}

impl Handle {
    /// Does something with the session, unless somebody else has it by now.
    fn with<T>(&self, act: impl FnOnce(&mut Session, Timestamp) -> T) -> Option<T> {
        self.keepers.with(self.session, |session, now| {
            (session.owner == Some(self.number)).then(|| act(session, now))
        })
    }

    fn release(&self) {
        self.with(|session, _| session.owner = None);
    }
}

#[derive(Debug)]
struct Control(Handle);

#[async_trait]
impl AgentControl for Control {
    async fn submit(&self, submission: Submission) -> Result<Submitted, OpenError> {
        let submitted = self.0.with(|session, now| session.submit(&submission, now));
        let submitted = submitted.unwrap_or(Err(OpenError::NotRunning));
        if submission.repeat && matches!(submitted, Ok(Submitted::Known)) {
            self.0.keepers.lock().adopted += 1;
        }
        submitted
    }

    async fn interrupt(&self) {
        self.0.with(Session::interrupt);
    }

    async fn withdraw(&self, id: SubmitId) {
        self.0.with(|session, _| session.withdraw(id));
    }

    async fn respond(&self, request: &RequestId, answer: Answer) {
        self.0
            .with(|session, now| session.respond(request, &answer, now));
    }

    async fn acknowledge(&self, seq: Seq) {
        self.0.with(|session, _| session.acknowledge(seq));
    }

    async fn close(&self, _grace: Duration) {
        self.0.with(|session, _| session.close());
    }

    async fn leave(&self, _grace: Duration) {
        self.0.release();
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.0.release();
    }
}

#[derive(Debug)]
struct Events {
    handle: Handle,
    changed: watch::Receiver<()>,
    read: Seq,
    ended: bool,
}

#[async_trait]
impl AgentEvents for Events {
    async fn next(&mut self) -> Option<(Seq, AgentEvent)> {
        while !self.ended {
            self.changed.mark_unchanged();
            let script = &self.handle.keepers.0.script;
            let read = self.read;
            let (next, wake) = {
                let mut state = self.handle.keepers.lock();
                let now = state.now();
                let session = state.sessions.entry(self.handle.session).or_default();
                if session.owner == Some(self.handle.number) {
                    let wake = session.advance(now, script.as_ref());
                    (session.after(read), wake.map(|at| at.duration_since(now)))
                } else {
                    (None, None)
                }
            };
            if let Some((seq, event)) = next {
                self.read = seq;
                self.ended = matches!(event, AgentEvent::Exited(_));
                return Some((seq, event));
            }
            let wake = wake.and_then(|wait| Duration::try_from(wait).ok());
            tokio::select! {
                biased;
                changed = self.changed.changed() => if changed.is_err() { return None },
                () = async {
                    match wake {
                        Some(wake) => sleep(wake).await,
                        None => std::future::pending().await,
                    }
                } => {}
            }
        }
        None
    }
}

/// What a session's processes have in common.
#[derive(Debug, Default)]
struct Transcript {
    prompts: Vec<String>,
    submits: BTreeSet<SubmitId>,
}
