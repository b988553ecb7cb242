//! The half of a session that tells.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mpg_core::agent::{Persistence, Seq};
use mpg_core::id::{RequestId, SubmitId};
use mpg_core::port::{AgentControl, OpenError, Submission, Submitted};
use mpg_core::request::Answer;
use rustix::process::{Signal, kill_process};
use tokio::select;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::Pending;
use super::aftermath::settle;
use crate::folder::Folder;
use crate::identity::Identity;
use crate::terms::milliseconds;
use crate::transcript::Transcript;
use crate::wire::{Outcome, ToKeeper};

/// How long a keeper may take beyond its agent's grace until it is ended itself.
const FORCE: Duration = Duration::from_secs(15);

/// The half of a session that tells.
#[derive(Debug)]
pub(crate) struct Control {
    pub(super) frames: mpsc::Sender<ToKeeper>,
    pub(super) pending: Pending,
    pub(super) number: AtomicU64,
    pub(super) keeper: Identity,
    pub(super) folder: Folder,
    pub(super) persistence: Persistence,
    pub(super) transcript: Transcript,
    pub(super) leaving: Arc<AtomicBool>,
    pub(super) acknowledged: Arc<AtomicU64>,
    /// Whether the keeper is gone, or left.
    pub(super) ended: watch::Receiver<bool>,
}

impl Control {
    async fn say(&self, frame: ToKeeper) {
        // A keeper that is gone has nothing left to be told.
        let mut ended = self.ended.clone();
        select! {
            _ = ended.wait_for(|ended| *ended) => {}
            said = self.frames.send(frame) => drop(said),
        }
    }

    async fn until_ended(&self) {
        let mut ended = self.ended.clone();
        // An error means that the end was not told because the runtime itself is gone.
        let _ended = ended.wait_for(|ended| *ended).await.is_ok();
    }
}

#[async_trait]
impl AgentControl for Control {
    async fn submit(&self, submission: Submission) -> Result<Submitted, OpenError> {
        if *self.ended.borrow() {
            return Err(OpenError::NotRunning);
        }
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        self.pending.with(|pending| pending.insert(number, reply));
        self.say(ToKeeper::Submit {
            number,
            submit: submission.id.to_string(),
            prompt: submission.prompt,
            images: submission.images.into_iter().map(Into::into).collect(),
            repeat: submission.repeat,
        })
        .await;
        let mut ended = self.ended.clone();
        let outcome = select! {
            biased;
            outcome = answer => outcome.ok(),
            _ = ended.wait_for(|ended| *ended) => None,
        };
        self.pending.with(|pending| pending.remove(&number));
        match outcome {
            Some(Outcome::New) => Ok(Submitted::New),
            Some(Outcome::Known) => Ok(Submitted::Known),
            Some(Outcome::InterruptedBefore) => Ok(Submitted::InterruptedBefore),
            Some(Outcome::Failed(message)) => Err(OpenError::Failed(message)),
            Some(Outcome::NotRunning) | None => Err(OpenError::NotRunning),
        }
    }

    async fn is_behind(&self) -> bool {
        self.transcript.went_on_elsewhere().await
    }

    async fn interrupt(&self) {
        self.say(ToKeeper::Interrupt).await;
    }

    async fn withdraw(&self, id: SubmitId) {
        let submit = id.to_string();
        self.say(ToKeeper::Withdraw { submit }).await;
    }

    async fn respond(&self, request: &RequestId, answer: Answer) {
        self.say(ToKeeper::Respond {
            request: request.as_str().to_owned(),
            answer: answer.into(),
        })
        .await;
    }

    async fn acknowledge(&self, seq: Seq) {
        self.acknowledged.fetch_max(seq.0, Ordering::SeqCst);
        if *self.ended.borrow() {
            settle(self.folder.clone(), seq).await;
        } else {
            self.say(ToKeeper::Acknowledge { seq: seq.0 }).await;
        }
    }

    async fn close(&self, grace: Duration) {
        let grace_ms = milliseconds(grace);
        self.say(ToKeeper::Close { grace_ms }).await;
        if timeout(grace + FORCE, self.until_ended()).await.is_ok() {
            return;
        }
        tracing::warn!(
            keeper = self.keeper.pid,
            "a keeper does not end; it is killed"
        );
        if let Some(keeper) = self.keeper.pid() {
            let _gone = kill_process(keeper, Signal::KILL).is_err();
        }
        self.until_ended().await;
    }

    async fn leave(&self, grace: Duration) {
        match self.persistence {
            Persistence::Keeper | Persistence::Tmux => {
                self.leaving.store(true, Ordering::Relaxed);
                self.say(ToKeeper::Leave).await;
                // One that does not answer sees the connection close when this is dropped.
                drop(timeout(grace, self.until_ended()).await);
            }
            Persistence::None => self.close(grace).await,
        }
    }
}
