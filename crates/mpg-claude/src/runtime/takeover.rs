//! What there is of a session already: an agent that runs, what one left, or nothing.

use std::time::Duration;

use mpg_core::agent::{Persistence, Seq};
use mpg_core::id::SessionId;
use mpg_core::port::{AgentControl as _, AgentSession, OpenError, SessionSpec};

use super::{ClaudeRuntime, foreign, refused};
use crate::folder::{Folder, Meta};
use crate::link::{Entrance, Kept, Link, NoEntry, enter, settle};
use crate::ownership::Claim;
use crate::replay::{Unread, replay};
use crate::spool::Remains;
use crate::survivors::{Found, end_leftover, look};
use crate::transcript::Transcript;
use crate::wire;

/// How long a keeper that is on its way out, or does not answer, is waited for.
const LEAVING: Duration = Duration::from_secs(20);
/// How often a session is looked at until it is free or taken over.
const ROUNDS: u32 = 4;

/// What became of what there was of a session.
pub(super) enum TakenOver {
    /// Its agent runs. One that was started with other settings has something left to say.
    Runs { link: Link, outdated: bool },
    /// Its agent is gone, and left what is owed.
    Told(AgentSession),
    /// Nothing is left that matters.
    Free { after: u64, claim: Claim },
}

impl ClaudeRuntime {
    /// Takes over what there is of a session, or says what a new keeper has to know.
    pub(super) async fn take_over(
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

    pub(super) async fn look(&self, folder: &Folder) -> Result<Found, OpenError> {
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
    pub(super) async fn enter(
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
    pub(super) async fn is_stray(&self, session: SessionId, folder: &Folder) -> bool {
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

pub(super) fn link(
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
