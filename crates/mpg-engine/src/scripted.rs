//! An agent without a model: it follows a script. For a first look without any agent installed, for
//! tests and for benchmarks.

mod agent;
mod control;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use mpg_core::agent::{AgentEvent, Seq, Usage};
use mpg_core::id::{SessionId, SubmitId};
use mpg_core::port::{AgentRuntime, AgentSession, OpenError, SessionSpec, SessionStart};
use mpg_core::request::About;

use self::control::Process;

/// One thing that a scripted agent does in a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptStep {
    /// Writes text. What is written in a turn is its answer.
    Say(String),
    /// Runs a tool of this name, at once.
    Tool(String),
    /// Reports something else than the end of a turn.
    Report(AgentEvent),
    /// Says what the turn takes, which is nothing otherwise.
    Spend(Usage),
    /// Lets time pass.
    Wait(Duration),
    /// Asks for permission to run a tool of this name, and says what was answered.
    Ask(String),
    /// Asks this, and says what was answered.
    Request(About),
    /// Ends the turn with an error.
    Fail(String),
    /// Ends the turn with a usage limit, which ends at the given time where one is given.
    Limit(Option<Timestamp>),
    /// Never ends the turn by itself.
    Hang,
    /// Never ends the turn, and takes no interrupt either.
    Freeze,
    /// Ends the process in the middle of the turn.
    Exit,
}

/// What a scripted agent is asked: the session's earlier prompts, then this one.
#[derive(Clone, Copy, Debug)]
pub struct Prompt<'a> {
    /// The prompts of the session's earlier turns, oldest first.
    pub earlier: &'a [String],
    /// This turn's prompt.
    pub text: &'a str,
}

type Script = dyn Fn(Prompt<'_>) -> Vec<ScriptStep> + Send + Sync;

/// An [`AgentRuntime`] whose agents follow a script.
///
/// It remembers sessions, with all their prompts, for as long as it lives, so that closing and
/// resuming works as with a real agent. An agent whose halves are dropped dies at once, as a killed
/// process: a turn that it had begun to read counts as submitted, one that it had not does not.
#[derive(Clone)]
pub struct ScriptedRuntime {
    script: Arc<Script>,
    is_directory: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    sessions: Arc<Mutex<BTreeMap<SessionId, Transcript>>>,
    /// Whether agents outlive whoever listens to them.
    survives: bool,
}

/// What is kept of a session, as an agent's file of it would.
#[derive(Debug, Default)]
struct Transcript {
    prompts: Vec<String>,
    /// The submissions that were read.
    submits: BTreeSet<SubmitId>,
    /// How many agents were started for it.
    agents: u64,
    /// Which of them runs.
    running: Option<u64>,
    /// The one that runs, if it outlives whoever listens to it.
    kept: Option<Arc<Process>>,
}

impl fmt::Debug for ScriptedRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedRuntime").finish_non_exhaustive()
    }
}

impl ScriptedRuntime {
    /// Agents that do what `script` says for each prompt.
    pub fn new(script: impl Fn(Prompt<'_>) -> Vec<ScriptStep> + Send + Sync + 'static) -> Self {
        Self {
            script: Arc::new(script),
            is_directory: Arc::new(|_| true),
            sessions: Arc::default(),
            survives: false,
        }
    }

    /// Agents that say that they are no real ones, and repeat what they are told.
    pub fn demonstration() -> Self {
        Self::new(|prompt| {
            let mut steps = Vec::new();
            let mut words = |text: &str| {
                for word in text.split_inclusive(' ') {
                    steps.push(ScriptStep::Say(word.to_owned()));
                    steps.push(ScriptStep::Wait(Duration::from_millis(15)));
                }
            };
            if prompt.earlier.is_empty() {
                words(
                    "I am the built-in scripted agent, not a model: I only repeat what I am told. ",
                );
            }
            words(&format!(
                "You wrote (message {} of this conversation): {}",
                prompt.earlier.len() + 1,
                prompt.text
            ));
            steps
        })
    }

    /// Asks `is_directory` whether a session's directory is there. Otherwise all of them are: a
    /// scripted agent does not use them.
    #[must_use]
    pub fn directories(
        mut self,
        is_directory: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.is_directory = Arc::new(is_directory);
        self
    }

    /// Lets agents go on when their halves are dropped, for the next gateway in the same executor:
    /// it finds them as strays, takes them over, and reads again what nobody acknowledged.
    #[must_use]
    pub fn surviving(mut self) -> Self {
        self.survives = true;
        self
    }

    /// The agent of a session that runs and that nobody listens to.
    fn stray(&self, session: SessionId) -> Option<Arc<Process>> {
        let kept = self.with_transcript(session, |transcript| transcript.kept.clone());
        kept.filter(|process| process.is_stray())
    }

    /// What a fork begins with; `None` of a session that nobody knows, and of what is none.
    fn forked(&self, start: SessionStart) -> Option<Vec<String>> {
        let SessionStart::Fork(from) = start else {
            return None;
        };
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let prompts = &sessions.get(&from)?.prompts;
        (!prompts.is_empty()).then(|| prompts.clone())
    }

    /// Notes that an agent is gone whose executor was dropped with it.
    fn forget_dead(&self, session: SessionId) {
        self.with_transcript(session, |transcript| {
            if transcript
                .kept
                .as_ref()
                .is_some_and(|kept| !kept.is_alive())
            {
                transcript.kept = None;
                transcript.running = None;
            }
        });
    }

    fn with_transcript<T>(
        &self,
        session: SessionId,
        use_it: impl FnOnce(&mut Transcript) -> T,
    ) -> T {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        use_it(sessions.entry(session).or_default())
    }
}

#[async_trait]
impl AgentRuntime for ScriptedRuntime {
    async fn open(&self, spec: SessionSpec) -> Result<AgentSession, OpenError> {
        if !(self.is_directory)(&spec.directory) {
            return Err(OpenError::DirectoryMissing(spec.directory));
        }
        let session = spec.session;
        if let Some(agent) = self.stray(session).and_then(|kept| control::attach(&kept)) {
            return Ok(agent);
        }
        self.forget_dead(session);
        let forked = self.forked(spec.start);
        let number = self.with_transcript(session, |transcript| {
            if transcript.running.is_some() {
                return Err(OpenError::InUse(session));
            }
            match (spec.start, &forked) {
                (SessionStart::Fork(_), Some(forked)) if transcript.prompts.is_empty() => {
                    transcript.prompts.clone_from(forked);
                }
                (SessionStart::Fork(_) | SessionStart::Resume, _)
                    if transcript.prompts.is_empty() =>
                {
                    return Err(OpenError::SessionLost(session));
                }
                (
                    SessionStart::New
                    | SessionStart::Begun
                    | SessionStart::Resume
                    | SessionStart::Fork(_),
                    _,
                ) => {}
            }
            transcript.agents += 1;
            transcript.running = Some(transcript.agents);
            Ok(transcript.agents)
        })?;
        let place = Place {
            runtime: self.clone(),
            session,
            number,
        };
        Ok(control::start(&place))
    }

    async fn attach(&self, session: SessionId, after: Seq) -> Result<AgentSession, OpenError> {
        let kept = self.stray(session).ok_or(OpenError::NotRunning)?;
        let agent = control::attach(&kept).ok_or(OpenError::NotRunning)?;
        agent.control.acknowledge(after).await;
        Ok(agent)
    }

    async fn strays(&self) -> Vec<SessionId> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = sessions.iter().filter(|(_, transcript)| {
            let kept = transcript.kept.as_ref();
            kept.is_some_and(|process| process.is_stray())
        });
        kept.map(|(session, _)| *session).collect()
    }
}

/// One agent of a session. What an agent does that another one has replaced leaves no trace.
#[derive(Clone, Debug)]
struct Place {
    runtime: ScriptedRuntime,
    session: SessionId,
    number: u64,
}

impl Place {
    fn with_transcript<T>(&self, use_it: impl FnOnce(&mut Transcript) -> T) -> Option<T> {
        self.runtime.with_transcript(self.session, |transcript| {
            (transcript.running == Some(self.number)).then(|| use_it(transcript))
        })
    }

    /// The agent is gone.
    fn leave(&self) {
        self.with_transcript(|transcript| {
            transcript.kept = None;
            transcript.running = None;
        });
    }
}
