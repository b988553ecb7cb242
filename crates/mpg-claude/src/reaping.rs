//! Ending what nobody owns, from beside the gateway.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use mpg_core::id::{InstallationId, SessionId};
use tokio::task::spawn_blocking;

use crate::folder::Folder;
use crate::inspection::{KeptSession, KeptState, ask, inspect};
use crate::secret::Secret;
use crate::spool::Remains;
use crate::survivors::end_leftover;
use crate::wire::{FromKeeper, ToKeeper};

/// How long a keeper may take to end with its agent.
const ENDING: Duration = Duration::from_secs(30);

/// Who ends what nobody owns, and what it leaves.
#[derive(Clone, Debug)]
pub struct Reaping {
    /// The installation; what belongs to another one is left.
    pub installation: InstallationId,
    /// What keepers obey.
    pub secret: Secret,
    /// Sessions that a gateway knows: they are left.
    pub spared: BTreeSet<SessionId>,
    /// Sessions whose unread outcome is waited for; unset where every one may be.
    pub owed: Option<BTreeSet<SessionId>>,
    /// Whether agents that nobody owns are ended in the middle of a turn.
    pub busy: bool,
}

/// What became of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaped {
    /// The session as it was found.
    pub session: KeptSession,
    /// What became of it.
    pub fate: Fate,
}

/// What becomes of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its processes were ended; an unread outcome that is waited for is still there.
    Ended {
        /// Whether there is one.
        unread: bool,
    },
    /// Nobody needed what was left of it.
    Removed,
    /// It was left as it is.
    Left(LeftBecause),
}

/// Why a session was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftBecause {
    /// It belongs to another installation.
    Foreign,
    /// A gateway is connected to it.
    Owned,
    /// A gateway knows it.
    Known,
    /// A turn runs in it.
    Busy,
    /// It holds an outcome that no gateway has stored yet.
    Unread,
    /// Its keeper does not answer.
    Silent,
    /// Its keeper obeys another secret.
    Secret,
    /// It could not be ended, or somebody has it who does not say who it is.
    Held,
}

impl LeftBecause {
    /// One word for lists.
    pub fn name(self) -> &'static str {
        match self {
            Self::Foreign => "foreign",
            Self::Owned => "owned",
            Self::Known => "known",
            Self::Busy => "busy",
            Self::Unread => "unread",
            Self::Silent => "silent",
            Self::Secret => "secret",
            Self::Held => "held",
        }
    }
}

/// Ends every session below `sessions` that nobody owns, and removes what nobody needs of it.
///
/// A session that a gateway takes over meanwhile is left. Each one that is ended takes as long as
/// its agent, half a minute at most.
///
/// # Cancel safety
///
/// What was asked to end before the future is dropped ends all the same.
pub async fn reap(sessions: &Path, reaping: &Reaping) -> Vec<Reaped> {
    let root = sessions.to_owned();
    // What is not removed now is removed by the next gateway.
    drop(spawn_blocking(move || Folder::tidy(&root)).await);
    let mut reaped = Vec::new();
    for session in inspect(sessions).await {
        let folder = Folder::of(sessions, session.session);
        let fate = reaping.judge(&session, &folder).await;
        reaped.push(Reaped { session, fate });
    }
    reaped
}

impl Reaping {
    async fn judge(&self, kept: &KeptSession, folder: &Folder) -> Fate {
        let ours = kept
            .installation
            .is_none_or(|whose| whose == self.installation);
        let left = match kept.state {
            _ if !ours => Some(LeftBecause::Foreign),
            KeptState::Busy | KeptState::Idle if kept.owned => Some(LeftBecause::Owned),
            _ if self.spared.contains(&kept.session) => Some(LeftBecause::Known),
            KeptState::Busy if !self.busy => Some(LeftBecause::Busy),
            KeptState::Silent => Some(LeftBecause::Silent),
            KeptState::Busy | KeptState::Idle => self.end(folder).await.err(),
            KeptState::Unkept if kept.installation.is_none() => Some(LeftBecause::Held),
            KeptState::Unkept => end_leftover(folder).await.err().map(|_| LeftBecause::Held),
            KeptState::Dead => {
                return match self.clear(kept.session, folder).await {
                    Ok(()) => Fate::Removed,
                    Err(because) => Fate::Left(because),
                };
            }
        };
        match left {
            Some(because) => Fate::Left(because),
            None => Fate::Ended {
                unread: self.clear(kept.session, folder).await == Err(LeftBecause::Unread),
            },
        }
    }

    /// Ends a keeper with its agent, unless somebody came meanwhile.
    async fn end(&self, folder: &Folder) -> Result<(), LeftBecause> {
        let looked_at = folder.clone();
        let meta = spawn_blocking(move || looked_at.meta())
            .await
            .ok()
            .flatten();
        let Some(meta) = meta else {
            return Ok(());
        };
        let secret = self.secret.to_hex();
        let busy = self.busy;
        match ask(&meta, &ToKeeper::Reap { secret, busy }).await {
            Some(FromKeeper::Reaped { ends: true }) => {}
            Some(FromKeeper::Reaped { ends: false }) => {
                return Err(match ask(&meta, &ToKeeper::Status).await {
                    Some(FromKeeper::Status(status)) if !status.owned => LeftBecause::Busy,
                    Some(_) | None => LeftBecause::Owned,
                });
            }
            Some(FromKeeper::Refused { .. }) => return Err(LeftBecause::Secret),
            Some(_) | None if meta.keeper.runs() => return Err(LeftBecause::Silent),
            Some(_) | None => {}
        }
        if !meta.keeper.ended(ENDING).await || end_leftover(folder).await.is_err() {
            return Err(LeftBecause::Held);
        }
        Ok(())
    }

    /// Removes what is left of a session, unless somebody waits for it or has it.
    async fn clear(&self, session: SessionId, folder: &Folder) -> Result<(), LeftBecause> {
        let waited_for = self
            .owed
            .as_ref()
            .is_none_or(|owed| owed.contains(&session));
        // Unread so far, they are for a keeper that a gateway is starting.
        let may_start = self.owed.is_none();
        let folder = folder.clone();
        let clearing = spawn_blocking(move || {
            if !folder.path().exists() {
                return Ok(());
            }
            if may_start && folder.terms().exists() {
                return Err(LeftBecause::Held);
            }
            let Ok(Some(lock)) = folder.lock() else {
                return Err(LeftBecause::Held);
            };
            // Under the lock, as somebody may have had it since it was looked at.
            let remains = Remains::read(&folder.spool());
            if waited_for && remains.map_or(true, |remains| remains.last_unread.is_some()) {
                return Err(LeftBecause::Unread);
            }
            folder.remove(&lock);
            if folder.path().exists() {
                return Err(LeftBecause::Held);
            }
            Ok(())
        });
        clearing.await.unwrap_or(Err(LeftBecause::Held))
    }
}
