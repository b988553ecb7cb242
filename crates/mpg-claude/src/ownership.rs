//! One process a session.
//!
//! The CLI does not refuse a second process on one session; both answer, and the history of one is
//! lost. So the runtime refuses it.

use std::collections::BTreeSet;
use std::time::Duration;

use mpg_core::id::SessionId;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long an owner that is on its way out is waited for.
const LEAVING: Duration = Duration::from_secs(5);

/// The sessions that have a process.
#[derive(Clone, Debug)]
pub(crate) struct Ownership {
    owned: watch::Sender<BTreeSet<SessionId>>,
}

/// A session's place; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    session: SessionId,
    owned: watch::Sender<BTreeSet<SessionId>>,
}

impl Ownership {
    pub(crate) fn new() -> Self {
        Self {
            owned: watch::Sender::default(),
        }
    }

    /// Claims a session; `None` where another process keeps it.
    pub(crate) async fn claim(&self, session: SessionId) -> Option<Claim> {
        timeout(LEAVING, self.wait(session)).await.ok()
    }

    /// Whether a session is claimed.
    pub(crate) fn has(&self, session: SessionId) -> bool {
        self.owned.borrow().contains(&session)
    }

    async fn wait(&self, session: SessionId) -> Claim {
        let mut changes = self.owned.subscribe();
        loop {
            let claimed = self.owned.send_if_modified(|owned| owned.insert(session));
            if claimed {
                return Claim {
                    session,
                    owned: self.owned.clone(),
                };
            }
            // The sender is held by `self`, so this ends with a change alone.
            let _changed = changes
                .wait_for(|owned| !owned.contains(&session))
                .await
                .is_ok();
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.owned
            .send_if_modified(|owned| owned.remove(&self.session));
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_session_has_one_owner() {
        let ownership = Ownership::new();
        let session = SessionId::from_uuid(Uuid::from_u128(1));
        let other = SessionId::from_uuid(Uuid::from_u128(2));
        let first = ownership.claim(session).await;
        assert!(first.is_some());
        assert!(ownership.claim(other).await.is_some());
        assert!(ownership.claim(session).await.is_none());
        let (second, ()) = tokio::join!(ownership.claim(session), async { drop(first) });
        assert!(second.is_some());
    }
}
