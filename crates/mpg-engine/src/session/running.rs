//! The turn that a session runs.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use mpg_core::event::{RunId, RunTurn};
use mpg_core::id::SubmitId;
use mpg_core::port::{AgentControl, OpenError, Outbox, Submitted};
use tokio::time::Instant;

use crate::show::Show;

/// The turn that runs.
pub(super) struct Running {
    pub(super) run: RunId,
    pub(super) submit: SubmitId,
    pub(super) show: Show,
    /// When the agent is ended because it did not end the turn.
    pub(super) stop_at: Option<Instant>,
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
        let submitting = async move { control.submit(submission).await }.boxed();
        Self {
            run: turn.run,
            submit,
            show: Show::new(turn.turn, turn.place, outbox),
            stop_at: None,
            submitting: Some(submitting),
        }
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
