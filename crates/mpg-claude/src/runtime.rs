//! The runtime: sessions as running CLIs.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mpg_core::agent::{AgentEvent, Exit, PermissionAnswer, Seq};
use mpg_core::id::RequestId;
use mpg_core::port::{
    AgentControl, AgentEvents, AgentRuntime, AgentSession, OpenError, SessionSpec, SessionStart,
    Submission, Submitted,
};
use rustix::process::{geteuid, getpid};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::argv::{Entry, arguments};
use crate::environment::process_environment;
use crate::instructions::system_prompt;
use crate::keeper::{Kept, Order, Terms, keep};
use crate::ownership::Ownership;
use crate::process::{Launch, Process};
use crate::sweep::end_strays;
use crate::tools::ToolFlags;

/// How to get the CLI.
pub const INSTALL_HINT: &str =
    "install it with `npm install -g @anthropic-ai/claude-code`, or name it in `[claude] command`";

/// How long a CLI may take until it takes submissions.
const START_LIMIT: Duration = Duration::from_mins(1);

/// What the CLI says on standard error about a session that it does not know (seen: 2.1.197).
const UNKNOWN_SESSION: &str = "No conversation found";
/// What it says about a session that is there already (seen: 2.1.197).
const TAKEN_SESSION: &str = "already in use";

/// How the CLI is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaudeConfig {
    /// The program, by path or by its name on the environment's `PATH`.
    pub command: String,
    /// The environment that an agent gets, and no more than that; what keeps the CLI quiet is added.
    pub environment: BTreeMap<String, String>,
    /// How long an agent has to end by itself once both halves of its session are dropped.
    pub grace: Duration,
    /// Files and folders that no agent's file tools may read or write, whatever else is allowed and
    /// wherever its workspace is; see [`ClaudeConfig::protect`].
    pub protected: Vec<PathBuf>,
}

impl ClaudeConfig {
    /// A program and its environment, with a grace of five seconds.
    pub fn new(command: impl Into<String>, environment: BTreeMap<String, String>) -> Self {
        Self {
            command: command.into(),
            environment,
            grace: Duration::from_secs(5),
            protected: Vec::new(),
        }
    }

    /// Adds files and folders that no agent's file tools may read or write.
    ///
    /// Absolute paths; a folder stands for all that is in it, and what a path leads to through
    /// links is protected with it. They hold in every permission mode. The shell is no file tool:
    /// what it reads is not stopped by this.
    #[must_use]
    pub fn protect(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        self.protected.extend(paths);
        self
    }
}

/// Runs agents as processes of the `claude` command line.
///
/// The process that it is in adopts what its agents orphan, and waits for it: for each child that
/// ended two seconds ago, that nobody waited for, and whose process group is not its own. Whoever
/// starts other children in groups of their own has to wait for them as they end.
#[derive(Debug)]
pub struct ClaudeRuntime {
    config: ClaudeConfig,
    ownership: Ownership,
    started: AtomicU64,
    root: bool,
}

impl ClaudeRuntime {
    /// A runtime that starts nothing before it is asked to.
    pub fn new(config: ClaudeConfig) -> Self {
        Self {
            config,
            ownership: Ownership::new(),
            started: AtomicU64::new(0),
            root: geteuid().is_root(),
        }
    }

    /// Starts the CLI and waits until it takes submissions or is gone.
    async fn start(&self, spec: &SessionSpec, entry: Entry) -> Result<AgentSession, StartError> {
        let claim = self
            .ownership
            .claim(spec.session)
            .await
            .ok_or(OpenError::InUse(spec.session))?;
        let tools = ToolFlags::new(&spec.agent, self.root, &self.config.protected);
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let gateway = getpid().as_raw_nonzero();
        let own = format!("{}.{gateway}.", spec.session);
        if spec.start != SessionStart::New {
            end_strays(&spec.session.to_string(), &own).await;
        }
        let marker = format!("{own}{number}");
        let configured = spec.agent.system_prompt.as_deref();
        let protected = &self.config.protected;
        let prompt = system_prompt(configured, &spec.directory, protected).await;
        let launch = Launch {
            command: &self.config.command,
            arguments: arguments(spec, entry, &tools, prompt.as_deref()),
            environment: process_environment(&self.config.environment, &marker),
            directory: &spec.directory,
        };
        let process = Process::spawn(&launch).map_err(|error| self.spawn_error(&error))?;
        let terms = Terms {
            directory: spec.directory.clone(),
            marker,
            mode: tools.mode,
            allow_requests: tools.allow_requests,
            grace: self.config.grace,
        };
        ready(keep(process, terms, claim)).await
    }

    fn spawn_error(&self, error: &io::Error) -> OpenError {
        let program = self.config.command.clone();
        if error.kind() == io::ErrorKind::NotFound {
            let hint = INSTALL_HINT.to_owned();
            return OpenError::ProgramMissing { program, hint };
        }
        OpenError::Failed(format!("{program} could not be started: {error}"))
    }
}

/// Why a CLI did not get to the point where it takes submissions.
enum StartError {
    Open(OpenError),
    UnknownSession,
    TakenSession,
}

impl From<OpenError> for StartError {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

#[async_trait]
impl AgentRuntime for ClaudeRuntime {
    async fn open(&self, spec: SessionSpec) -> Result<AgentSession, OpenError> {
        let directory = tokio::fs::metadata(&spec.directory).await;
        if !directory.is_ok_and(|directory| directory.is_dir()) {
            return Err(OpenError::DirectoryMissing(spec.directory));
        }
        // Which of the two works cannot be seen from outside: the transcript is written about
        // 100 ms behind the stream, so a session may be there or not after a crash.
        let (first, second) = match spec.start {
            SessionStart::New => (Entry::Begin, Some(Entry::Resume)),
            SessionStart::Begun => (Entry::Resume, Some(Entry::Begin)),
            SessionStart::Resume => (Entry::Resume, None),
        };
        let failure = match (self.start(&spec, first).await, second) {
            (Ok(session), _) => return Ok(session),
            (Err(StartError::UnknownSession | StartError::TakenSession), Some(second)) => {
                match self.start(&spec, second).await {
                    Ok(session) => return Ok(session),
                    Err(failure) => failure,
                }
            }
            (Err(failure), _) => failure,
        };
        Err(match failure {
            StartError::Open(error) => error,
            StartError::UnknownSession => OpenError::SessionLost(spec.session),
            StartError::TakenSession => OpenError::InUse(spec.session),
        })
    }
}

/// Waits for the CLI's first answer.
async fn ready(kept: Kept) -> Result<AgentSession, StartError> {
    let exit = match timeout(START_LIMIT, kept.ready).await {
        Ok(Ok(Ok(()))) => {
            return Ok(AgentSession {
                control: Arc::new(ClaudeControl {
                    orders: kept.orders,
                }),
                events: Box::new(ClaudeEvents {
                    events: kept.events,
                }),
            });
        }
        Ok(Ok(Err(exit))) => exit,
        Ok(Err(_)) => {
            let message = "the agent's keeper is gone; nothing was submitted".to_owned();
            return Err(OpenError::Failed(message).into());
        }
        Err(_) => {
            let message = format!("the agent did not answer within {START_LIMIT:?}; it was ended");
            return Err(OpenError::Failed(message).into());
        }
    };
    Err(start_error(&exit))
}

fn start_error(exit: &Exit) -> StartError {
    if exit.stderr.contains(UNKNOWN_SESSION) {
        StartError::UnknownSession
    } else if exit.stderr.contains(TAKEN_SESSION) {
        StartError::TakenSession
    } else {
        OpenError::Failed(format!("the agent ended at once: {exit}")).into()
    }
}

/// The half of a session that tells.
#[derive(Debug)]
struct ClaudeControl {
    orders: mpsc::Sender<Order>,
}

impl ClaudeControl {
    async fn order(&self, order: Order) {
        // A keeper that is gone has nothing left to be told.
        let _gone = self.orders.send(order).await.is_err();
    }
}

#[async_trait]
impl AgentControl for ClaudeControl {
    async fn submit(&self, submission: Submission) -> Result<Submitted, OpenError> {
        let (reply, answer) = oneshot::channel();
        self.order(Order::Submit { submission, reply }).await;
        answer.await.unwrap_or(Err(OpenError::NotRunning))
    }

    async fn interrupt(&self) {
        self.order(Order::Interrupt).await;
    }

    async fn respond(&self, request: &RequestId, answer: PermissionAnswer) {
        let request = request.clone();
        self.order(Order::Respond { request, answer }).await;
    }

    async fn close(&self, grace: Duration) {
        let (done, end) = oneshot::channel();
        self.order(Order::Close { grace, done }).await;
        // An error means that the keeper is gone, which is what is waited for.
        let _ended = end.await.is_ok();
    }
}

/// The half of a session that reports.
#[derive(Debug)]
struct ClaudeEvents {
    events: mpsc::Receiver<(Seq, AgentEvent)>,
}

#[async_trait]
impl AgentEvents for ClaudeEvents {
    async fn next(&mut self) -> Option<(Seq, AgentEvent)> {
        self.events.recv().await
    }
}
