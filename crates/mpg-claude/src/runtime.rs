//! The runtime: sessions as running CLIs, each with a keeper of its own.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use mpg_core::agent::{Exit, Persistence, Seq};
use mpg_core::id::SessionId;
use mpg_core::port::{
    AgentControl as _, AgentRuntime, AgentSession, OpenError, SessionSpec, SessionStart,
};
use rustix::process::{geteuid, getpid};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use crate::argv::Entry;
use crate::config::ClaudeConfig;
use crate::exec::{NOT_FOUND, NOT_STARTED};
use crate::folder::{Folder, Meta};
use crate::link::{Entrance, Kept, Link, NoEntry, enter, settle};
use crate::multiplexer::Terminal;
use crate::network::{Endpoint, reached};
use crate::ownership::{Claim, Ownership};
use crate::plan::Plan;
use crate::replay::{Unread, replay};
use crate::resume_line::resume_line;
use crate::sandbox::{self, Ground};
use crate::socket::socket;
use crate::spool::Remains;
use crate::start::{Started, start, start_in};
use crate::survivors::{Found, end_leftover, look};
use crate::terms::{Terms, milliseconds};
use crate::transcript::Transcript;
use crate::wire::{self, Hello, PROTOCOL, Refusal};

/// How to get the CLI.
pub const INSTALL_HINT: &str =
    "install it with `npm install -g @anthropic-ai/claude-code`, or name it in `[claude] command`";

/// How long a CLI may take until it takes submissions.
const START_LIMIT: Duration = Duration::from_mins(1);
/// How long a keeper that is on its way out, or does not answer, is waited for.
const LEAVING: Duration = Duration::from_secs(20);
/// How often a session is looked at until it is free or taken over.
const ROUNDS: u32 = 4;

/// How often a transcript is looked for that is to be forked, and how long it is waited for each time:
/// it is written about 100 ms behind the stream, later on a busy machine.
const LOOKS: u32 = 50;
const LOOKS_EVERY: Duration = Duration::from_millis(100);

/// What the CLI says on standard error about a session that it does not know (seen: 2.1.197).
const UNKNOWN_SESSION: &str = "No conversation found";
/// What it says about a session that is there already (seen: 2.1.197).
const TAKEN_SESSION: &str = "already in use";

/// Runs agents as processes of the `claude` command line, each with a keeper that outlives the
/// gateway.
#[derive(Debug)]
pub struct ClaudeRuntime {
    config: ClaudeConfig,
    ownership: Ownership,
    sandbox: sandbox::Found,
    started: AtomicU64,
    root: bool,
}

impl ClaudeRuntime {
    /// A runtime that starts nothing before it is asked to.
    pub fn new(config: ClaudeConfig) -> Self {
        Self {
            config,
            ownership: Ownership::new(),
            sandbox: sandbox::Found::default(),
            started: AtomicU64::new(0),
            root: geteuid().is_root(),
        }
    }

    fn transcript(&self, session: SessionId) -> Transcript {
        Transcript::of(session, &self.config.environment)
    }

    /// What a fork begins with: the transcript of its source once it is there, or its id where it does
    /// not come, of which the CLI then says that there is none.
    async fn source(&self, start: SessionStart) -> String {
        let SessionStart::Fork(from) = start else {
            return String::new();
        };
        let transcript = self.transcript(from);
        for _ in 0..LOOKS {
            if let Some(path) = transcript.path().await {
                return path;
            }
            sleep(LOOKS_EVERY).await;
        }
        from.to_string()
    }

    async fn claim(&self, session: SessionId) -> Result<Claim, OpenError> {
        let claim = self.ownership.claim(session).await;
        claim.ok_or(OpenError::InUse(session))
    }

    /// Takes over what there is of a session, or says what a new keeper has to know.
    async fn take_over(
        &self,
        spec: &SessionSpec,
        folder: &Folder,
        fingerprint: &str,
        mut claim: Claim,
    ) -> Result<TakenOver, OpenError> {
        for _ in 0..ROUNDS {
            match self.look(folder).await? {
                Found::Nothing => return Ok(TakenOver::Free { after: 0, claim }),
                Found::Foreign => return Err(foreign(spec.session)),
                Found::Held => self.free(folder, spec.session).await?,
                Found::Left(remains) => return Ok(take_remains(spec, folder, remains, claim)),
                Found::Kept(meta) => {
                    let Some(entrance) = self.enter(spec.session, &meta, None).await? else {
                        if !meta.keeper.ended(LEAVING).await {
                            return Err(OpenError::InUse(spec.session));
                        }
                        continue;
                    };
                    let welcome = &entrance.welcome;
                    let outdated = welcome.fingerprint != fingerprint;
                    let serves = !outdated || !welcome.submits.is_empty() || welcome.unread;
                    let closing = welcome.closing;
                    let transcript = self.transcript(spec.session);
                    let link = link(entrance, folder, &meta, claim, transcript);
                    if serves && !closing {
                        return Ok(TakenOver::Runs { link, outdated });
                    }
                    let grace = self.config.grace;
                    link.control.close(grace).await;
                    drop(link);
                    claim = self.claim(spec.session).await?;
                }
            }
        }
        Err(OpenError::InUse(spec.session))
    }

    async fn look(&self, folder: &Folder) -> Result<Found, OpenError> {
        let found = look(folder, self.config.gateway.installation).await;
        found.map_err(|error| {
            let folder = folder.path().display();
            OpenError::Failed(format!(
                "the session's folder {folder} is not usable: {error}"
            ))
        })
    }

    async fn free(&self, folder: &Folder, session: SessionId) -> Result<(), OpenError> {
        end_leftover(folder).await.map_err(|error| {
            tracing::warn!(%session, %error, "a session is not free");
            OpenError::InUse(session)
        })
    }

    /// Asks a keeper that runs to be let in; `None` where it does not answer.
    async fn enter(
        &self,
        session: SessionId,
        meta: &Meta,
        after: Option<Seq>,
    ) -> Result<Option<Entrance>, OpenError> {
        let Ok(stream) = wire::connect(&meta.socket).await else {
            return Ok(None);
        };
        match enter(stream, self.hello(session, after)).await {
            Ok(entrance) => Ok(Some(entrance)),
            Err(NoEntry::Silent(error)) => {
                tracing::debug!(%session, %error, "a keeper does not answer");
                Ok(None)
            }
            Err(NoEntry::Refused(reason)) => Err(refused(session, reason)),
        }
    }

    /// Whether somebody has to decide about a session. What nobody needs is removed.
    async fn is_stray(&self, session: SessionId, folder: &Folder) -> bool {
        let mut found = self.look(folder).await;
        if let Ok(Found::Held) = found {
            if let Err(error) = self.free(folder, session).await {
                tracing::warn!(%session, %error, "an agent without a keeper goes on");
                return false;
            }
            found = self.look(folder).await;
        }
        match found {
            Ok(Found::Kept(_)) => true,
            Ok(Found::Left(remains)) if remains.last_unread.is_some() => true,
            Ok(Found::Left(_) | Found::Nothing) => {
                settle(folder.clone(), Seq::default()).await;
                false
            }
            Ok(Found::Foreign | Found::Held) => false,
            Err(error) => {
                tracing::warn!(%session, %error, "a session is left alone");
                false
            }
        }
    }

    fn hello(&self, session: SessionId, after: Option<Seq>) -> Hello {
        let gateway = &self.config.gateway;
        Hello {
            protocol: PROTOCOL,
            installation: gateway.installation.to_string(),
            session: session.to_string(),
            epoch: gateway.epoch,
            secret: gateway.secret.to_hex(),
            after: after.map(|seq| seq.0),
        }
    }

    /// Starts a keeper with a CLI, and waits until the CLI takes submissions or is gone.
    async fn start(
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
    async fn ready(&self, link: Link) -> Result<AgentSession, StartError> {
        let Link {
            control,
            events,
            ready,
        } = link;
        let exit = match timeout(START_LIMIT, ready).await {
            Ok(Ok(Ok(()))) => {
                let events = Box::new(events);
                return Ok(AgentSession {
                    control,
                    events,
                    outdated: false,
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

/// What became of what there was of a session.
enum TakenOver {
    /// Its agent runs. One that was started with other settings has something left to say.
    Runs { link: Link, outdated: bool },
    /// Its agent is gone, and left what is owed.
    Told(AgentSession),
    /// Nothing is left that matters.
    Free { after: u64, claim: Claim },
}

fn take_remains(spec: &SessionSpec, folder: &Folder, remains: Remains, claim: Claim) -> TakenOver {
    if remains.damaged {
        tracing::warn!(session = %spec.session, "the end of a spool is damaged; it is left out");
    }
    if spec
        .owed
        .is_some_and(|owed| remains.unread.contains_key(&owed))
    {
        return TakenOver::Told(replay(folder.clone(), remains, claim, Unread::Stays));
    }
    let after = remains.last;
    TakenOver::Free { after, claim }
}

fn link(
    entrance: Entrance,
    folder: &Folder,
    meta: &Meta,
    claim: Claim,
    transcript: Transcript,
) -> Link {
    let mut all = Persistence::ALL.into_iter();
    let persistence = all.find(|persistence| persistence.name() == meta.persistence);
    let kept = Kept {
        _claim: claim,
        folder: folder.clone(),
        keeper: meta.keeper,
        persistence: persistence.unwrap_or_default(),
        transcript,
    };
    Link::new(entrance, kept)
}

fn foreign(session: SessionId) -> OpenError {
    let message = format!("session {session} is kept by another installation; it is left alone");
    OpenError::Failed(message)
}

fn refused(session: SessionId, reason: Refusal) -> OpenError {
    match reason {
        Refusal::Stranger => foreign(session),
        Refusal::Epoch => OpenError::InUse(session),
        Refusal::Protocol => OpenError::Failed(format!(
            "session {session} is kept by an mpgd that speaks another protocol; it ends by itself, \
             or with its process"
        )),
        Refusal::Secret => OpenError::Failed(format!(
            "session {session} has a keeper of another secret; it is left alone"
        )),
        Refusal::Unknown => OpenError::Failed(format!(
            "session {session} has a keeper that lets nobody in"
        )),
    }
}

fn path_text(path: &Path) -> Result<String, OpenError> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| OpenError::Failed(format!("{} is no text", path.display())))
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
    fn resume_line(&self, session: SessionId, directory: &str) -> Option<String> {
        Some(resume_line(session, directory, &self.config.command))
    }

    async fn open(&self, spec: SessionSpec) -> Result<AgentSession, OpenError> {
        let directory = tokio::fs::metadata(&spec.directory).await;
        if !directory.is_ok_and(|directory| directory.is_dir()) {
            return Err(OpenError::DirectoryMissing(spec.directory));
        }
        let claim = self.claim(spec.session).await?;
        let plan = Plan::of(&self.config, self.root, &spec).await;
        let folder = Folder::of(&self.config.sessions, spec.session);
        let taken = self.take_over(&spec, &folder, &plan.fingerprint, claim);
        let (after, claim) = match taken.await? {
            TakenOver::Runs { link, outdated } => {
                let opened = self.ready(link).await;
                return opened
                    .map(|session| AgentSession {
                        outdated,
                        ..session
                    })
                    .map_err(|error| failure(&spec, error));
            }
            TakenOver::Told(session) => return Ok(session),
            TakenOver::Free { after, claim } => (after, claim),
        };
        // Which of the two works cannot be seen from outside: the transcript is written about
        // 100 ms behind the stream, so a session may be there or not after a crash.
        // It may even come to be there between the two.
        let source = self.source(spec.start).await;
        let entries: &[Entry<'_>] = match spec.start {
            SessionStart::New => &[Entry::Begin, Entry::Resume],
            SessionStart::Begun => &[Entry::Resume, Entry::Begin, Entry::Resume],
            SessionStart::Resume => &[Entry::Resume],
            SessionStart::Fork(_) => &[Entry::Fork(&source), Entry::Resume],
        };
        let mut claim = Some(claim);
        let mut error = StartError::UnknownSession;
        for entry in entries {
            let claim = match claim.take() {
                Some(claim) => claim,
                None => self.claim(spec.session).await?,
            };
            match self.start(&spec, &plan, *entry, after, claim).await {
                Ok(session) => return Ok(session),
                Err(failed @ (StartError::UnknownSession | StartError::TakenSession)) => {
                    error = failed;
                }
                Err(failed) => return Err(failure(&spec, failed)),
            }
        }
        Err(failure(&spec, error))
    }

    async fn attach(&self, session: SessionId, after: Seq) -> Result<AgentSession, OpenError> {
        let claim = self.claim(session).await?;
        let folder = Folder::of(&self.config.sessions, session);
        let meta = match self.look(&folder).await? {
            Found::Kept(meta) => meta,
            Found::Left(mut remains) => {
                remains.acknowledge(after.0);
                if remains.last_unread.is_none() {
                    settle(folder, after).await;
                    return Err(OpenError::NotRunning);
                }
                return Ok(replay(folder, remains, claim, Unread::Goes));
            }
            Found::Nothing | Found::Held => return Err(OpenError::NotRunning),
            Found::Foreign => return Err(foreign(session)),
        };
        let Some(entrance) = self.enter(session, &meta, Some(after)).await? else {
            return Err(OpenError::NotRunning);
        };
        let link = link(entrance, &folder, &meta, claim, self.transcript(session));
        link.control.acknowledge(after).await;
        let (control, events) = (link.control, Box::new(link.events));
        // What it was started with shows when it is opened for a turn.
        Ok(AgentSession {
            control,
            events,
            outdated: false,
        })
    }

    async fn strays(&self) -> Vec<SessionId> {
        let root = self.config.sessions.clone();
        let folders = spawn_blocking(move || {
            Folder::tidy(&root);
            Folder::all(&root)
        });
        let mut strays = Vec::new();
        for (session, folder) in folders.await.unwrap_or_default() {
            if !self.ownership.has(session) && self.is_stray(session, &folder).await {
                strays.push(session);
            }
        }
        strays
    }

    async fn acknowledge(&self, session: SessionId, seq: Seq) {
        settle(Folder::of(&self.config.sessions, session), seq).await;
    }
}

fn failure(spec: &SessionSpec, error: StartError) -> OpenError {
    match error {
        StartError::Open(error) => error,
        StartError::UnknownSession => OpenError::SessionLost(spec.session),
        StartError::TakenSession => OpenError::InUse(spec.session),
    }
}
