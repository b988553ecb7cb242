//! Steps on their way to the disk: one commit at a time, everything that waits joins the next one,
//! and effects are released in the order of their steps.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use mpg_core::event::{Effect, Step};
use mpg_core::id::{DeliveryId, PlatformId, Position};
use mpg_core::observe::Sight;
use mpg_core::port::{Store, StoreError};
use mpg_core::record::Record;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::control::ControlError;
use crate::observation::Observation;

/// How many steps may wait before nothing new is taken in.
const MAX_WAITING: usize = 1_000;

/// What may happen once a step is stored.
#[derive(Debug, Default)]
pub(crate) struct Release {
    pub(crate) effects: Vec<Effect>,
    pub(crate) position: Option<(PlatformId, Position)>,
    pub(crate) taken: Option<Taken>,
}

/// Somebody who waits to hear that what they said is stored.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) delivery: DeliveryId,
    pub(crate) reply: oneshot::Sender<Result<DeliveryId, ControlError>>,
}

/// What is stored.
struct Committed {
    records: Vec<Record>,
    took: Duration,
}

/// The way from a step to its effects.
pub(crate) struct Journal {
    store: Arc<dyn Store>,
    observation: Observation,
    waiting: VecDeque<(Step, Option<Taken>)>,
    committing: Option<BoxFuture<'static, Result<Committed, StoreError>>>,
    /// What the running commit releases.
    next: Vec<Release>,
}

impl Journal {
    pub(crate) fn new(store: Arc<dyn Store>, observation: Observation) -> Self {
        Self {
            store,
            observation,
            waiting: VecDeque::new(),
            committing: None,
            next: Vec::new(),
        }
    }

    /// Whether there is room for steps that can wait.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.len() < MAX_WAITING
    }

    /// Whether everything is stored.
    pub(crate) fn is_idle(&self) -> bool {
        self.committing.is_none() && self.waiting.is_empty()
    }

    /// Takes in a step; gives back what it releases at once, if nothing has to be stored before.
    pub(crate) fn push(&mut self, step: Step, taken: Option<Taken>) -> Option<Release> {
        if self.is_idle() && step.records.is_empty() {
            return Some(Release {
                effects: step.effects,
                position: step.read,
                taken,
            });
        }
        self.waiting.push_back((step, taken));
        self.commit_waiting();
        None
    }

    /// Waits for the running commit, and gives back what it releases; pending if there is none.
    ///
    /// Cancel safe.
    pub(crate) async fn committed(&mut self) -> Result<Vec<Release>, StoreError> {
        let Some(committing) = self.committing.as_mut() else {
            return std::future::pending().await;
        };
        let result = committing.await;
        self.committing = None;
        let done = result?;
        if !done.records.is_empty() {
            self.observation.see(&Sight::Committed {
                records: &done.records,
                took: done.took,
            });
        }
        let released = std::mem::take(&mut self.next);
        self.commit_waiting();
        Ok(released)
    }

    fn commit_waiting(&mut self) {
        if self.committing.is_some() || self.waiting.is_empty() {
            return;
        }
        let mut records = Vec::new();
        for (mut step, taken) in self.waiting.drain(..) {
            records.append(&mut step.records);
            self.next.push(Release {
                effects: step.effects,
                position: step.read,
                taken,
            });
        }
        let store = Arc::clone(&self.store);
        self.committing = Some(
            async move {
                let begun = Instant::now();
                if !records.is_empty() {
                    store.commit(&records).await?;
                }
                Ok(Committed {
                    records,
                    took: begun.elapsed(),
                })
            }
            .boxed(),
        );
    }
}
