//! `mpgd reap`: ends the agents that nobody owns, and removes what nobody needs of them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use mpg_claude::{Fate, LeftBecause, Reaped, Reaping, Secret};
use mpg_core::id::SessionId;
use mpg_core::snapshot::Snapshot;
use mpg_store::{StateOwner, StateReader, owner};
use serde::Serialize;
use uuid::Uuid;

use crate::cli::{Global, ReapOptions};
use crate::control::{AskError, Outcome, SocketPath, Verb, ask};
use crate::exit::{self, Failure};
use crate::sessions::SessionView;
use crate::{environment, run, state_dir};

/// What became of a session, as it is printed for programs.
#[derive(Debug, Serialize)]
struct ReapedView {
    /// `ended`, `removed` or `left`.
    fate: &'static str,
    /// Why it was left.
    because: Option<&'static str>,
    /// Whether an outcome that nobody has stored is still there.
    outcome_kept: bool,
    /// The session as it was found.
    #[serde(flatten)]
    found: SessionView,
}

pub(crate) fn reap(global: &Global, options: &ReapOptions) -> Result<ExitCode, Failure> {
    let directory = state_dir::locate(global)?;
    let socket = SocketPath::of(&directory, &environment::read());
    let reaped = run::runtime()?.block_on(async {
        let reaping = reaping(&directory, &socket, options.busy).await?;
        let sessions = directory.join(run::SESSIONS);
        match reaping {
            Some(reaping) => Ok(mpg_claude::reap(&sessions, &reaping).await),
            None if mpg_claude::inspect(&sessions).await.is_empty() => Ok(Vec::new()),
            None => Err(Failure::Refused(format!(
                "there is no state in {}, so nobody can tell whose agents these are; nothing was \
                 ended: put back a backup, or wait until they end by themselves",
                directory.display()
            ))),
        }
    })?;
    exit::print(&if options.json {
        let now = SystemTime::now();
        let views: Vec<_> = reaped.iter().map(|one| ReapedView::new(one, now)).collect();
        exit::json(&views)
    } else {
        text(&reaped)
    });
    Ok(ExitCode::SUCCESS)
}

/// What may be ended; `None` where there is no state that says so.
async fn reaping(
    directory: &Path,
    socket: &SocketPath,
    busy: bool,
) -> Result<Option<Reaping>, Failure> {
    let known = known(directory, socket).await?;
    let Some(reader) = StateReader::open(directory).await? else {
        return Ok(None);
    };
    let read = async { Ok((reader.load().await?, reader.identity().await?)) };
    let read: Result<_, Failure> = read.await;
    reader.close().await;
    let (state, (_, secret)) = read?;
    Ok(Some(Reaping {
        installation: state.installation,
        secret: Secret::new(*secret.expose()),
        // What is unread while a gateway runs may be on its way into the state.
        owed: known.is_none().then(|| owed(&state)),
        // What a running gateway does not know, nobody waits for.
        busy: busy || known.is_some(),
        spared: known.unwrap_or_default(),
    }))
}

/// The sessions that the running gateway knows; `None` where none runs.
async fn known(
    directory: &Path,
    socket: &SocketPath,
) -> Result<Option<BTreeSet<SessionId>>, Failure> {
    match ask(socket, &Verb::Status).await {
        Ok(Outcome::Status(status)) if status.draining => Err(Failure::Refused(
            "the gateway is ending, and its agents with it; nothing was ended: try again once it \
             has"
            .to_owned(),
        )),
        Ok(Outcome::Status(status)) => {
            let sessions = status
                .active
                .iter()
                .filter_map(|one| one.session.as_deref());
            let sessions = sessions.filter_map(|session| Uuid::parse_str(session).ok());
            Ok(Some(sessions.map(SessionId::from_uuid).collect()))
        }
        Ok(_) => Err(Failure::unexpected_answer()),
        Err(AskError::NotRunning) => match owner(directory)? {
            StateOwner::Nobody => Ok(None),
            StateOwner::Gateway(_) => Err(Failure::Refused(
                "a gateway has the state and does not say which agents are its own; nothing was \
                 ended: it may just be starting, try again"
                    .to_owned(),
            )),
        },
        Err(error) => Err(error.into()),
    }
}

/// The sessions of turns that were submitted, or may have been, and have not ended.
fn owed(state: &Snapshot) -> BTreeSet<SessionId> {
    let threads = state.threads.values();
    let conversations = threads.flat_map(|thread| thread.conversations.values());
    conversations
        .filter(|conversation| conversation.running.is_some())
        .filter_map(|conversation| conversation.session.as_ref())
        .map(|session| session.id)
        .collect()
}

impl ReapedView {
    fn new(reaped: &Reaped, now: SystemTime) -> Self {
        let (fate, because, outcome_kept) = match reaped.fate {
            Fate::Ended { unread } => ("ended", None, unread),
            Fate::Removed => ("removed", None, false),
            Fate::Left(because) => ("left", Some(because.name()), reaped.session.unread),
        };
        let found = SessionView::new(&reaped.session, now);
        Self {
            fate,
            because,
            outcome_kept,
            found,
        }
    }
}

fn text(reaped: &[Reaped]) -> String {
    let mut text = String::new();
    let mut ended = 0;
    for one in reaped {
        let view = SessionView::new(&one.session, SystemTime::UNIX_EPOCH);
        let fate = match one.fate {
            Fate::Ended { unread } => {
                ended += 1;
                if unread {
                    "ended; its unread outcome is kept for the next start"
                } else {
                    "ended"
                }
            }
            Fate::Removed => {
                ended += 1;
                "removed: nobody needed what was left of it"
            }
            Fate::Left(because) => left(because),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} (session {}): {fate}", view.name(), view.session);
    }
    if ended == 0 {
        text.push_str("nothing to end\n");
    }
    text
}

fn left(because: LeftBecause) -> &'static str {
    match because {
        LeftBecause::Foreign => "left: it belongs to another installation",
        LeftBecause::Owned => "left: a gateway is connected to it",
        LeftBecause::Known => "left: the gateway knows it",
        LeftBecause::Busy => "left: a turn runs in it; end it with --busy",
        LeftBecause::Unread => "left: its outcome is not stored yet; the next start takes it",
        LeftBecause::Silent => {
            "left: its keeper does not answer; mpgd sessions says which process it is"
        }
        LeftBecause::Secret => "left: its keeper obeys another secret, and ends by itself",
        LeftBecause::Held => "left: it could not be ended, or is just starting; try again",
    }
}

#[cfg(test)]
mod tests {
    use mpg_claude::KeptState;

    use super::*;
    use crate::sessions::tests::kept;

    #[test]
    fn what_was_ended_and_what_was_left_is_said() {
        insta::assert_snapshot!(text(&[]), @"nothing to end");
        let reaped = |number, state, fate| Reaped {
            session: kept(number, state),
            fate,
        };
        let ended = |unread| Fate::Ended { unread };
        let mut all = vec![
            reaped(1, KeptState::Idle, ended(false)),
            reaped(2, KeptState::Unkept, ended(true)),
            reaped(3, KeptState::Dead, Fate::Removed),
        ];
        let because = [
            LeftBecause::Foreign,
            LeftBecause::Owned,
            LeftBecause::Known,
            LeftBecause::Busy,
            LeftBecause::Unread,
            LeftBecause::Silent,
            LeftBecause::Secret,
            LeftBecause::Held,
        ];
        for (number, because) in (4..).zip(because) {
            all.push(reaped(number, KeptState::Idle, Fate::Left(because)));
        }
        insta::assert_snapshot!(text(&all));
        let views: Vec<_> = all[3..4]
            .iter()
            .map(|one| ReapedView::new(one, SystemTime::UNIX_EPOCH))
            .collect();
        insta::assert_snapshot!("for_programs", exit::json(&views));
    }
}
