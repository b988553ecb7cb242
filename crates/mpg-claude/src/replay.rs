//! A session whose agent is gone, but whose answer nobody stored: it is told, and nothing started.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mpg_core::agent::{AgentEvent, Exit, Seq};
use mpg_core::id::{RequestId, SubmitId};
use mpg_core::port::{AgentControl, AgentEvents, AgentSession, OpenError, Submission, Submitted};
use mpg_core::request::Answer;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::folder::Folder;
use crate::link::{remove, settle};
use crate::ownership::Claim;
use crate::spool::Remains;

/// How many events are read ahead.
const AHEAD: usize = 16;

/// What becomes of a spool that is closed before it was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It stays: it is owed.
    Stays,
    /// It goes: nobody needs it.
    Goes,
}

/// The session that `remains` are of.
pub(crate) fn replay(
    folder: Folder,
    remains: Remains,
    claim: Claim,
    closed: Unread,
) -> AgentSession {
    let (told, events) = mpsc::channel(AHEAD);
    let unread = remains.unread.clone();
    let replayed = Seq(remains.last);
    spawn_blocking(move || tell(&remains, &told));
    AgentSession {
        control: Arc::new(Control {
            folder,
            unread,
            closed,
            _claim: claim,
        }),
        events: Box::new(Events(events)),
        outdated: false,
        replayed,
    }
}

fn tell(remains: &Remains, told: &mpsc::Sender<(Seq, AgentEvent)>) {
    let mut exited = false;
    for (seq, event) in remains.events(remains.acknowledged).into_iter().flatten() {
        // What asked then asks no more.
        if matches!(event, AgentEvent::Requested(_)) {
            continue;
        }
        exited |= matches!(event, AgentEvent::Exited(_));
        if told.blocking_send((seq, event)).is_err() {
            return;
        }
    }
    if !exited {
        let exit = Exit {
            code: None,
            stderr: "its keeper was ended".to_owned(),
        };
        let last = (Seq(remains.last + 1), AgentEvent::Exited(exit));
        let _nobody_reads = told.blocking_send(last).is_err();
    }
}

#[derive(Debug)]
struct Control {
    folder: Folder,
    unread: BTreeMap<SubmitId, u64>,
    closed: Unread,
    _claim: Claim,
}

#[async_trait]
impl AgentControl for Control {
    async fn submit(&self, submission: Submission) -> Result<Submitted, OpenError> {
        if self.unread.contains_key(&submission.id) {
            Ok(Submitted::Known)
        } else {
            Err(OpenError::NotRunning)
        }
    }

    async fn interrupt(&self) {}

    async fn respond(&self, _request: &RequestId, _answer: Answer) {}

    async fn acknowledge(&self, seq: Seq) {
        settle(self.folder.clone(), seq).await;
    }

    async fn close(&self, _grace: Duration) {
        if self.closed == Unread::Goes {
            let folder = self.folder.clone();
            // What is not removed now is found again by the next gateway.
            drop(spawn_blocking(move || remove(&folder)).await);
        }
    }

    async fn leave(&self, _grace: Duration) {}
}

#[derive(Debug)]
struct Events(mpsc::Receiver<(Seq, AgentEvent)>);

#[async_trait]
impl AgentEvents for Events {
    async fn next(&mut self) -> Option<(Seq, AgentEvent)> {
        self.0.recv().await
    }
}
