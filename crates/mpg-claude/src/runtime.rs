//! The runtime: sessions as running CLIs, each with a keeper of its own.

mod launch;
mod takeover;

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use async_trait::async_trait;
use mpg_core::agent::Seq;
use mpg_core::id::SessionId;
use mpg_core::port::{
    AgentControl as _, AgentRuntime, AgentSession, OpenError, SessionSpec, SessionStart,
};
use rustix::process::geteuid;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use self::launch::StartError;
use self::takeover::{TakenOver, link};
use crate::argv::Entry;
use crate::config::ClaudeConfig;
use crate::folder::Folder;
use crate::link::settle;
use crate::ownership::{Claim, Ownership};
use crate::plan::Plan;
use crate::replay::{Unread, replay};
use crate::resume_line::resume_line;
use crate::sandbox;
use crate::survivors::Found;
use crate::transcript::Transcript;
use crate::wire::{Hello, PROTOCOL, Refusal};

/// How to get the CLI.
pub const INSTALL_HINT: &str =
    "install it with `npm install -g @anthropic-ai/claude-code`, or name it in `[claude] command`";

/// How often a transcript is looked for that is to be forked, and how long it is waited for each time:
/// it is written about 100 ms behind the stream, later on a busy machine.
const LOOKS: u32 = 50;
const LOOKS_EVERY: Duration = Duration::from_millis(100);

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
            replayed: link.replayed,
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
