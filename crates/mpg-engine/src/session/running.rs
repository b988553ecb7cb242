//! The turn that a session runs.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use mpg_core::event::{RunId, RunTurn};
use mpg_core::id::SubmitId;
use mpg_core::port::{AgentControl, OpenError, Outbox, Submitted};
use tokio::time::Instant;

use super::vigil::Vigil;
use crate::show::Show;

/// The turn that runs.
pub(super) struct Running {
    pub(super) run: RunId,
    pub(super) submit: SubmitId,
    pub(super) show: Show,
    pub(super) vigil: Vigil,
    /// When the agent is ended because it did not end the turn.
    pub(super) stop_at: Option<Instant>,
    /// Whether an earlier gateway may have made the submission already.
    repeat: bool,
    submitting: Option<BoxFuture<'static, Result<Submitted, OpenError>>>,
}

impl Running {
    /// Begins to submit a turn.
    pub(super) fn submit(
        control: &Arc<dyn AgentControl>,
        turn: RunTurn,
        outbox: Option<Arc<dyn Outbox>>,
    ) -> Self {
        let submit = turn.submission.id;
        let control = Arc::clone(control);
        let submission = turn.submission;
        let repeat = submission.repeat;
        let submitting = async move { control.submit(submission).await }.boxed();
        Self {
            run: turn.run,
            submit,
            show: Show::new(turn.turn, turn.place, outbox),
            vigil: Vigil::new(turn.patience),
            stop_at: None,
            repeat,
            submitting: Some(submitting),
        }
    }

    /// Whether the turn went on while no gateway listened, now that the agent says that it has it.
    pub(super) fn is_adopted(&self) -> bool {
        self.repeat
    }

    /// Whether the turn ended before it was known what became of its submission: then the agent had
    /// it before.
    pub(super) fn ended_before(&self) -> bool {
        self.repeat && self.submitting.is_some()
    }

    /// What was reported so far belongs to an earlier turn.
    pub(super) fn begin_again(&mut self) {
        self.show.begin_again();
        self.vigil.begin_again();
    }
}

/// Shows the running turn, until it is known what became of its submission.
///
/// Cancel safe.
pub(super) async fn progress(running: Option<&mut Running>) -> Result<Submitted, OpenError> {
    let Some(running) = running else {
        return std::future::pending().await;
    };
    loop {
        let Some(submitting) = running.submitting.as_mut() else {
            running.show.advance().await;
            continue;
        };
        tokio::select! {
            biased;
            submitted = submitting => {
                running.submitting = None;
                return submitted;
            }
            () = running.show.advance() => {}
        }
    }
}
