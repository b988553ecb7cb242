//! How a session's agent is started: a keeper of its own, and the CLI that it keeps.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mpg_core::agent::{Exit, Persistence};
use mpg_core::port::{AgentControl as _, AgentSession, OpenError, SessionSpec};
use rustix::process::getpid;
use tokio::time::timeout;

use super::{ClaudeRuntime, INSTALL_HINT, refused};
use crate::argv::Entry;
use crate::exec::{NOT_FOUND, NOT_STARTED};
use crate::folder::Folder;
use crate::link::{Kept, Link, NoEntry, enter};
use crate::multiplexer::Terminal;
use crate::network::{Endpoint, reached};
use crate::ownership::Claim;
use crate::plan::Plan;
use crate::sandbox::{self, Ground};
use crate::socket::socket;
use crate::start::{Started, start, start_in};
use crate::terms::{Terms, milliseconds};
use crate::wire::PROTOCOL;

/// How long a CLI may take until it takes submissions.
const START_LIMIT: Duration = Duration::from_mins(1);
/// What the CLI says on standard error about a session that it does not know (seen: 2.1.197).
const UNKNOWN_SESSION: &str = "No conversation found";
/// What it says about a session that is there already (seen: 2.1.197).
const TAKEN_SESSION: &str = "already in use";

/// Why a CLI did not get to the point where it takes submissions.
pub(super) enum StartError {
    Open(OpenError),
    UnknownSession,
    TakenSession,
}

impl From<OpenError> for StartError {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl ClaudeRuntime {
    /// Starts a keeper with a CLI, and waits until the CLI takes submissions or is gone.
    pub(super) async fn start(
        &self,
        spec: &SessionSpec,
        plan: &Plan,
        entry: Entry<'_>,
        after: u64,
        claim: Claim,
    ) -> Result<AgentSession, StartError> {
        let folder = Folder::of(&self.config.sessions, spec.session);
        let mut terms = self.terms(spec, plan, entry, &folder, after)?;
        let reached = reached(spec.agent.network, &terms.environment)
            .map_err(|error| OpenError::Failed(error.to_string()))?;
        terms.endpoints = reached.clone().unwrap_or_default();
        if let Some(confinement) = self.confinement(spec, &folder, reached).await? {
            let variable = sandbox::VARIABLE.to_owned();
            terms.environment.insert(variable, confinement);
        }
        let started = match spec.agent.persistence {
            Persistence::Keeper | Persistence::None => {
                start(&self.config, spec.session, &folder, &terms).await?
            }
            Persistence::Tmux => self.start_in_terminal(spec, &folder, &terms).await?,
        };
        let hello = self.hello(spec.session, None);
        let entrance = match enter(started.stream, hello).await {
            Ok(entrance) => entrance,
            Err(NoEntry::Refused(reason)) => return Err(refused(spec.session, reason).into()),
            Err(NoEntry::Silent(error)) => {
                let message = format!("the agent's keeper does not answer: {error}");
                return Err(OpenError::Failed(message).into());
            }
        };
        let kept = Kept {
            _claim: claim,
            folder,
            keeper: started.keeper,
            persistence: spec.agent.persistence,
            transcript: self.transcript(spec.session),
        };
        self.ready(Link::new(entrance, kept)).await
    }

    /// The walls around a session's agent, as its process is told of them.
    async fn confinement(
        &self,
        spec: &SessionSpec,
        folder: &Folder,
        reached: Option<Vec<Endpoint>>,
    ) -> Result<Option<String>, OpenError> {
        let ground = Ground::of(&self.config, spec, folder.temporary());
        let confinement = self
            .sandbox
            .confinement(spec.agent.sandbox, reached, &self.config, ground)
            .await
            .map_err(|error| OpenError::Failed(error.to_string()))?;
        let written = confinement.map(|confinement| serde_json::to_string(&confinement));
        written.transpose().map_err(|error| {
            OpenError::Failed(format!("a path of the sandbox is no text: {error}"))
        })
    }

    async fn start_in_terminal(
        &self,
        spec: &SessionSpec,
        folder: &Folder,
        terms: &Terms,
    ) -> Result<Started, OpenError> {
        let terminal = Terminal::of(&self.config, spec).map_err(|error| {
            OpenError::Failed(format!(
                "there is no place for a terminal's socket: {error}"
            ))
        })?;
        let started = start_in(&terminal, &self.config, folder, terms).await?;
        let (session, command) = (spec.session, terminal.attach());
        tracing::info!(%session, command, "the session can be watched");
        Ok(started)
    }

    fn terms(
        &self,
        spec: &SessionSpec,
        plan: &Plan,
        entry: Entry<'_>,
        folder: &Folder,
        after: u64,
    ) -> Result<Terms, OpenError> {
        let config = &self.config;
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let installation = config.gateway.installation;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |now| u64::try_from(now.as_micros()).unwrap_or(0));
        // Process ids come again, in a container at each start: an agent that is ended by its marker
        // must never be a later one.
        let own = getpid().as_raw_nonzero();
        let marker = format!("{}.{installation}.{own}.{now}.{number}", spec.session);
        let socket = socket(folder, &config.sockets).map_err(|error| {
            OpenError::Failed(format!("the session has no place for its socket: {error}"))
        })?;
        // What a keeper is told is text.
        path_text(&config.keeper.program)?;
        Ok(Terms {
            protocol: PROTOCOL,
            installation: installation.to_string(),
            session: spec.session.to_string(),
            project: spec.project.to_string(),
            conversation: spec.conversation.to_string(),
            persistence: spec.agent.persistence.name().to_owned(),
            secret: config.gateway.secret.to_hex(),
            epoch: config.gateway.epoch,
            socket,
            exec: config.keeper.starter(),
            command: config.command.clone(),
            arguments: plan.arguments(spec, entry),
            environment: plan.environment(config, spec, &marker),
            directory: spec.directory.clone(),
            marker,
            fingerprint: plan.fingerprint.clone(),
            mode: plan.tools.mode.name().to_owned(),
            allow_requests: plan.tools.allow_requests,
            grace_ms: milliseconds(config.grace),
            idle_limit_ms: milliseconds(config.idle_limit),
            turn_limit_ms: milliseconds(spec.turn_limit),
            max_memory: spec.agent.allowance.memory,
            max_processes: spec.agent.allowance.processes,
            max_cpu_ms: spec.agent.allowance.cpu.map(milliseconds),
            endpoints: Vec::new(),
            // So that numbers rise over all keepers of a session, with nothing to remember.
            after: after.max(now),
            spool_limit: config.spool_limit,
        })
    }

    /// Waits for the CLI's first answer.
    pub(super) async fn ready(&self, link: Link) -> Result<AgentSession, StartError> {
        let Link {
            control,
            events,
            replayed,
            ready,
        } = link;
        let exit = match timeout(START_LIMIT, ready).await {
            Ok(Ok(Ok(()))) => {
                let events = Box::new(events);
                return Ok(AgentSession {
                    control,
                    events,
                    outdated: false,
                    replayed,
                });
            }
            Ok(Ok(Err(exit))) => exit,
            Ok(Err(_)) => {
                let message = "the agent's keeper is gone; nothing was submitted".to_owned();
                return Err(OpenError::Failed(message).into());
            }
            Err(_) => {
                let message =
                    format!("the agent did not answer within {START_LIMIT:?}; it was ended");
                return Err(OpenError::Failed(message).into());
            }
        };
        // So that another one can have the session at once.
        control.close(Duration::ZERO).await;
        Err(self.start_error(&exit))
    }

    fn start_error(&self, exit: &Exit) -> StartError {
        let program = self.config.command.clone();
        if let Some(why) = exit.stderr.strip_prefix(NOT_STARTED) {
            return StartError::Open(if exit.code == Some(i32::from(NOT_FOUND)) {
                let hint = INSTALL_HINT.to_owned();
                OpenError::ProgramMissing { program, hint }
            } else {
                OpenError::Failed(format!("{program} could not be started: {}", why.trim()))
            });
        }
        if exit.stderr.contains(UNKNOWN_SESSION) {
            StartError::UnknownSession
        } else if exit.stderr.contains(TAKEN_SESSION) {
            StartError::TakenSession
        } else {
            OpenError::Failed(format!("the agent ended at once: {exit}")).into()
        }
    }
}

fn path_text(path: &Path) -> Result<String, OpenError> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| OpenError::Failed(format!("{} is no text", path.display())))
}
