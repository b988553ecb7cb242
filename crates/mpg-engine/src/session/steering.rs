//! Messages that are handed to the turn that runs, and what the agent makes of them.
//!
//! An agent that ends its turn without having read a message goes on with it by itself. Its end is
//! kept here until the gateway, for which that message is the next turn, asks for it, and so is what
//! it asks people meanwhile.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use mpg_core::agent::{FailureKind, Seq, TurnFailure, TurnReport};
use mpg_core::attachment::LeftOut;
use mpg_core::event::{RunId, Steer};
use mpg_core::id::{RequestId, SubmitId, TurnId};
use mpg_core::port::{AgentControl, Submitted};
use mpg_core::request::Request;
use tracing::debug;

use super::Surroundings;
use crate::files::{Gathered, Gathering};

/// How many messages may wait to be handed over. The core hands over fewer.
const MAX_WAITING: usize = 64;

/// How many requests are kept for a turn that the gateway did not ask for yet. An agent that asks more
/// than that at once is told that nobody is asked.
const MAX_ASKED: usize = 32;

/// What was handed over and has no end yet.
#[derive(Default)]
pub(super) struct Steering {
    /// What is to be handed over once the agent has the turn.
    waiting: VecDeque<Steer>,
    handing: Option<BoxFuture<'static, Handed>>,
    /// What the agent may have.
    handed: BTreeSet<SubmitId>,
    /// How turns ended that the agent began by itself.
    ended: BTreeMap<SubmitId, (TurnReport, Seq)>,
    /// What the agent asks in a turn that it began by itself.
    asked: Vec<Request>,
}

/// What became of a message.
pub(super) struct Handed {
    pub(super) run: RunId,
    /// The turn that it is, if an earlier agent of the session had it and was cut off.
    pub(super) known: Option<TurnId>,
    /// The files that are missing from it.
    pub(super) left_out: Vec<LeftOut>,
}

impl Steering {
    /// Takes on a message.
    pub(super) fn push(&mut self, steer: Steer) {
        if self.waiting.len() < MAX_WAITING {
            self.waiting.push_back(steer);
        }
    }

    /// Hands messages to the run that the agent has, one at a time; pending while there is nothing
    /// to hand over.
    ///
    /// Cancel safe.
    pub(super) async fn advance(
        &mut self,
        run: Option<RunId>,
        control: &Arc<dyn AgentControl>,
        surroundings: &Surroundings,
    ) -> Handed {
        if self.handing.is_none()
            && let Some(run) = run
            && let Some(steer) = self.next(run)
        {
            self.handed.insert(steer.submission.id);
            self.handing = Some(hand(steer, Arc::clone(control), surroundings));
        }
        let Some(handing) = self.handing.as_mut() else {
            return std::future::pending().await;
        };
        let handed = handing.await;
        self.handing = None;
        handed
    }

    /// The next message for a run. One for a run that is over is handed over again if it has to be.
    fn next(&mut self, run: RunId) -> Option<Steer> {
        self.waiting.retain(|steer| steer.run == run);
        self.waiting.pop_front()
    }

    /// Forgets a message, and has the agent forget it.
    pub(super) fn withdraw(
        &mut self,
        submit: SubmitId,
        control: &Arc<dyn AgentControl>,
    ) -> Option<BoxFuture<'static, ()>> {
        self.waiting.retain(|steer| steer.submission.id != submit);
        self.ended.remove(&submit);
        let control = Arc::clone(control);
        let errand = async move { control.withdraw(submit).await };
        self.handed.remove(&submit).then(|| errand.boxed())
    }

    /// The run is over: what it was not handed is handed to another one, or is one.
    pub(super) fn run_ended(&mut self) {
        self.waiting.clear();
        self.handing = None;
    }

    /// Notes what the end of a run covers.
    pub(super) fn covered(&mut self, submits: &[SubmitId]) {
        for submit in submits {
            self.handed.remove(submit);
            self.ended.remove(submit);
        }
    }

    /// Keeps the end of a turn that the agent began by itself; false if it is none.
    pub(super) fn keep(&mut self, report: &TurnReport, seq: Seq) -> bool {
        // What the process took with it is no end.
        let exited = |failure: &TurnFailure| failure.kind == FailureKind::Exited;
        if report.result.as_ref().is_err_and(exited) {
            return false;
        }
        let mut kept = false;
        for submit in &report.submits {
            if self.handed.contains(submit) {
                self.ended.insert(*submit, (report.clone(), seq));
                kept = true;
            }
        }
        kept
    }

    /// Keeps what the agent asks in a turn that it began by itself; gives it back if it began none.
    pub(super) fn keep_asked(&mut self, request: Request) -> Result<(), Request> {
        if self.handed.is_empty() || self.asked.len() >= MAX_ASKED {
            return Err(request);
        }
        self.asked.push(request);
        Ok(())
    }

    /// Forgets what the agent does not ask any more.
    pub(super) fn asks_no_more(&mut self, request: &RequestId) {
        self.asked.retain(|asked| asked.id != *request);
    }

    /// What the agent asks in the turn that begins now, which it began by itself.
    pub(super) fn take_asked(&mut self) -> Vec<Request> {
        mem::take(&mut self.asked)
    }

    /// What the agent asks in a turn that there is not.
    pub(super) fn take_orphans(&mut self) -> Vec<Request> {
        if self.handed.is_empty() {
            self.take_asked()
        } else {
            Vec::new()
        }
    }

    /// The end of a turn that the agent began by itself, if it has ended.
    pub(super) fn take(&mut self, submit: SubmitId) -> Option<(TurnReport, Seq)> {
        let ended = self.ended.remove(&submit)?;
        self.covered(&ended.0.submits);
        Some(ended)
    }
}

fn hand(
    steer: Steer,
    control: Arc<dyn AgentControl>,
    surroundings: &Surroundings,
) -> BoxFuture<'static, Handed> {
    let files = surroundings.files.clone();
    let gathering = Gathering {
        conversation: steer.conversation,
        turn: steer.turn,
        files: steer.files,
        submission: steer.submission,
        outbox: surroundings.outbox.clone(),
    };
    let (run, turn) = (steer.run, steer.turn);
    async move {
        let Gathered {
            submission,
            left_out,
        } = files.gather(gathering).await;
        let known = match control.submit(submission).await {
            Ok(Submitted::InterruptedBefore) => Some(turn),
            Ok(Submitted::New | Submitted::Known) => None,
            Err(error) => {
                // It is a turn of its own then.
                debug!(%turn, %error, "a message was not handed over");
                None
            }
        };
        Handed {
            run,
            known,
            left_out,
        }
    }
    .boxed()
}
