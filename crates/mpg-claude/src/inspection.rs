//! What there is of sessions, seen from beside the gateway.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mpg_core::agent::Persistence;
use mpg_core::id::{InstallationId, SessionId};
use tokio::io::AsyncWriteExt as _;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use uuid::Uuid;

use crate::folder::{Folder, Meta};
use crate::memory;
use crate::spool::Remains;
use crate::wire::{self, FromKeeper, Status, ToKeeper};

/// How long a keeper may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often a session is looked at that ends meanwhile.
const LOOKS: u32 = 3;

/// A session that has a folder: an agent that is kept, or what one left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSession {
    /// The session.
    pub session: SessionId,
    /// The installation that it belongs to; unset where nothing says so.
    pub installation: Option<InstallationId>,
    /// Its project.
    pub project: Option<String>,
    /// Its conversation, as logs show it.
    pub conversation: Option<String>,
    /// What keeps it.
    pub persistence: Option<Persistence>,
    /// When its keeper started.
    pub started: Option<SystemTime>,
    /// How it is.
    pub state: KeptState,
    /// Whether a gateway is connected to its keeper.
    pub owned: bool,
    /// Whether it holds an outcome of a turn that no gateway has stored.
    pub unread: bool,
    /// The keeper's process, if it runs.
    pub keeper_pid: Option<i32>,
    /// The agent's process, if it runs.
    pub agent_pid: Option<i32>,
    /// What the keeper shares with no other process, in bytes.
    pub keeper_memory: u64,
    /// What is resident of the agent's process group, in bytes.
    pub agent_memory: u64,
}

/// How a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptState {
    /// A turn runs.
    Busy,
    /// Its agent waits for the next turn.
    Idle,
    /// Its keeper runs and does not say how it is.
    Silent,
    /// Somebody has it who is no keeper that runs: an agent that outlived its own, or a keeper that
    /// is starting.
    Unkept,
    /// No process is left of it.
    Dead,
}

impl KeptState {
    /// One word for lists.
    pub fn name(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Idle => "idle",
            Self::Silent => "silent",
            Self::Unkept => "unkept",
            Self::Dead => "dead",
        }
    }
}

impl KeptSession {
    /// Whether it runs and no gateway is there for it.
    pub fn is_orphaned(&self) -> bool {
        match self.state {
            KeptState::Busy | KeptState::Idle => !self.owned,
            KeptState::Unkept => true,
            // Who does not answer does not say whom it belongs to either.
            KeptState::Silent | KeptState::Dead => false,
        }
    }
}

/// Looks at every session below `sessions`, by session, whether a gateway runs or not.
///
/// Nothing is changed. A keeper that does not answer takes three seconds.
pub async fn inspect(sessions: &Path) -> Vec<KeptSession> {
    let root = sessions.to_owned();
    let folders = spawn_blocking(move || Folder::all(&root)).await;
    let groups = spawn_blocking(memory::groups).await.unwrap_or_default();
    let mut found = Vec::new();
    for (session, folder) in folders.unwrap_or_default() {
        let mut kept = look(session, &folder).await;
        if let Some(agent) = kept.agent_pid {
            kept.agent_memory = groups.get(&agent).copied().unwrap_or(0);
        }
        found.push(kept);
    }
    found
}

/// Looks at one session; what its agent takes is left out.
pub(crate) async fn look(session: SessionId, folder: &Folder) -> KeptSession {
    for _ in 1..LOOKS {
        let (meta, kept) = glance(session, folder).await;
        let Some(meta) = meta.filter(|_| kept.keeper_pid.is_some()) else {
            return kept;
        };
        if let Some(FromKeeper::Status(status)) = ask(&meta, &ToKeeper::Status).await {
            let Status {
                busy,
                owned,
                unread,
            } = status;
            let state = if busy {
                KeptState::Busy
            } else {
                KeptState::Idle
            };
            return KeptSession {
                state,
                owned,
                unread,
                ..kept
            };
        }
        // It may have been on its way out.
        if meta.keeper.runs() {
            return kept;
        }
    }
    glance(session, folder).await.1
}

/// What can be seen without asking the keeper.
async fn glance(session: SessionId, folder: &Folder) -> (Option<Meta>, KeptSession) {
    let folder = folder.clone();
    let glancing = spawn_blocking(move || {
        let meta = folder.meta();
        let state = if meta.as_ref().is_some_and(|meta| meta.keeper.runs()) {
            KeptState::Silent
        } else if folder.is_held() {
            KeptState::Unkept
        } else {
            KeptState::Dead
        };
        let mut kept = described(session, state, meta.as_ref());
        // What cannot be read may be an answer.
        let remains = Remains::read(&folder.spool());
        kept.unread = remains.map_or(true, |remains| remains.last_unread.is_some());
        (meta, kept)
    });
    let failed = (None, described(session, KeptState::Unkept, None));
    glancing.await.unwrap_or(failed)
}

fn described(session: SessionId, state: KeptState, meta: Option<&Meta>) -> KeptSession {
    let installation = meta.and_then(|meta| Uuid::parse_str(&meta.installation).ok());
    let keeper = meta.map(|meta| meta.keeper).filter(|keeper| keeper.runs());
    let agent = meta.and_then(|meta| meta.agent);
    KeptSession {
        session,
        installation: installation.map(InstallationId::from_uuid),
        project: meta.map(|meta| meta.project.clone()),
        conversation: meta.map(|meta| meta.conversation.clone()),
        persistence: meta.and_then(|meta| {
            let mut all = Persistence::ALL.into_iter();
            all.find(|persistence| persistence.name() == meta.persistence)
        }),
        started: meta.and_then(|meta| UNIX_EPOCH.checked_add(Duration::from_secs(meta.started))),
        state,
        owned: false,
        unread: false,
        keeper_pid: keeper.map(|keeper| keeper.pid),
        agent_pid: agent.filter(|agent| agent.runs()).map(|agent| agent.pid),
        keeper_memory: keeper.map_or(0, |keeper| memory::private(keeper.pid)),
        agent_memory: 0,
    }
}

/// Asks a keeper one thing; `None` where it does not answer.
pub(crate) async fn ask(meta: &Meta, frame: &ToKeeper) -> Option<FromKeeper> {
    let asking = async {
        let mut stream = wire::connect(&meta.socket).await?;
        stream.write_all(&wire::frame(frame)?).await?;
        wire::read::<FromKeeper>(&mut stream).await
    };
    timeout(PATIENCE, asking).await.ok()?.ok()?
}
