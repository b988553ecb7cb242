//! The reading end of a connection: what a keeper says, until it says nothing more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use mpg_core::agent::{AgentEvent, Exit, Seq};
use tokio::net::unix::OwnedReadHalf;
use tokio::select;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{mpsc, oneshot, watch};

use super::aftermath::{aftermath, settle};
use super::{Kept, Pending};
use crate::wire::{self, FromKeeper};

/// The reading end.
pub(super) struct Reading {
    pub(super) reader: OwnedReadHalf,
    pub(super) events: mpsc::Sender<(Seq, AgentEvent)>,
    pub(super) pending: Pending,
    pub(super) ready: Option<oneshot::Sender<Result<(), Exit>>>,
    /// The requests that waited for an answer when this gateway came.
    pub(super) asking: BTreeSet<String>,
    /// Up to here events may be known already.
    pub(super) replay_until: u64,
    pub(super) last: u64,
    pub(super) exited: bool,
    /// Whether the keeper was told that this gateway goes, so that its silence means nothing else.
    pub(super) leaving: Arc<AtomicBool>,
    /// The number up to which this gateway said that everything is stored, or 0.
    pub(super) acknowledged: Arc<AtomicU64>,
}

/// Why reading ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    /// Nobody here has anything to do with the session any more.
    Left,
    /// The keeper says nothing more.
    Silent,
}

impl Reading {
    pub(super) async fn run(
        mut self,
        mut dropped: oneshot::Receiver<()>,
        kept: Kept,
        end: watch::Sender<bool>,
    ) {
        let over = select! {
            _ = &mut dropped => Over::Left,
            over = self.read() => over,
        };
        // A keeper that sees this gateway go falls silent too; that is not its end.
        let left = self.leaving.load(Ordering::Relaxed)
            || matches!(dropped.try_recv(), Err(TryRecvError::Closed));
        let over = if left { Over::Left } else { over };
        drop(self.reader);
        self.pending.with(BTreeMap::clear);
        let rest = match over {
            Over::Left => Vec::new(),
            Over::Silent => aftermath(&kept, self.last, self.exited).await,
        };
        end.send_replace(true);
        // What was said to a keeper that was gone by then is not lost.
        let acknowledged = self.acknowledged.load(Ordering::SeqCst);
        if over == Over::Silent && acknowledged > 0 {
            settle(kept.folder.clone(), Seq(acknowledged)).await;
        }
        drop(kept);
        for (seq, event) in rest {
            if let AgentEvent::Exited(exit) = &event {
                told(&mut self.ready, Err(exit.clone()));
            }
            if self.events.send((seq, event)).await.is_err() {
                return;
            }
        }
    }

    async fn read(&mut self) -> Over {
        loop {
            let frame = match wire::read::<FromKeeper>(&mut self.reader).await {
                Ok(Some(frame)) => frame,
                Ok(None) => return Over::Silent,
                Err(error) => {
                    tracing::debug!(%error, "the connection to a keeper broke");
                    return Over::Silent;
                }
            };
            match frame {
                FromKeeper::Ready => told(&mut self.ready, Ok(())),
                FromKeeper::Submitted { number, outcome } => {
                    let waiting = self.pending.with(|pending| pending.remove(&number));
                    if let Some(waiting) = waiting {
                        let _gave_up = waiting.send(outcome).is_err();
                    }
                }
                FromKeeper::Event { seq, event } => {
                    self.last = self.last.max(seq);
                    if let Some(event) = event.into_event().filter(|event| self.matters(seq, event))
                    {
                        if let AgentEvent::Exited(exit) = &event {
                            self.exited = true;
                            told(&mut self.ready, Err(exit.clone()));
                        }
                        // Where nobody reads, what is told is still passed on.
                        let _nobody_reads = self.events.send((Seq(seq), event)).await.is_err();
                    }
                }
                FromKeeper::Replaced => {
                    tracing::warn!("a later gateway took a session over");
                    return Over::Left;
                }
                FromKeeper::Welcome(_)
                | FromKeeper::Refused { .. }
                | FromKeeper::Status(_)
                | FromKeeper::Reaped { .. }
                | FromKeeper::Unknown => {}
            }
        }
    }

    /// A request that an earlier gateway answered is not shown again.
    fn matters(&self, seq: u64, event: &AgentEvent) -> bool {
        if let AgentEvent::Requested(request) = event {
            seq > self.replay_until || self.asking.contains(request.id.as_str())
        } else {
            true
        }
    }
}

fn told(ready: &mut Option<oneshot::Sender<Result<(), Exit>>>, how: Result<(), Exit>) {
    if let Some(ready) = ready.take() {
        let _opener_gave_up = ready.send(how).is_err();
    }
}
