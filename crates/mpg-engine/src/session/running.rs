//! The turn that a session runs.

use std::mem;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use mpg_core::attachment::LeftOut;
use mpg_core::event::{RunId, RunTurn, TurnNotice};
use mpg_core::id::SubmitId;
use mpg_core::port::{AgentControl, OpenError, Submission, Submitted};
use tokio::time::Instant;

use super::Surroundings;
use super::vigil::Vigil;
use crate::files::{Gathered, Gathering};
use crate::recall::recall;
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
    /// Whether the agent may have it because it was handed to the run before it.
    steered: bool,
    control: Arc<dyn AgentControl>,
    stage: Stage,
}

/// How far a turn is on its way to the agent.
enum Stage {
    /// What was said before is read, and its files are fetched.
    Gathering(BoxFuture<'static, Gathered>),
    /// It is submitted.
    Submitting(BoxFuture<'static, Result<Submitted, OpenError>>),
    /// The agent said what became of it.
    Submitted,
}

/// What happened to a turn on its way.
pub(super) enum Progress {
    /// It is being submitted, without these files.
    Gathered(Vec<LeftOut>),
    /// The agent said what became of it.
    Submitted(Result<Submitted, OpenError>),
    /// There is something to tell about how it is shown.
    Told(TurnNotice),
}

impl Running {
    /// Begins to submit a turn, with its files.
    pub(super) fn begin(
        control: &Arc<dyn AgentControl>,
        turn: RunTurn,
        surroundings: &Surroundings,
    ) -> Self {
        let show = Show::new(&turn, surroundings.outbox.clone(), &surroundings.edits);
        let submit = turn.submission.id;
        let (repeat, steered) = (turn.submission.repeat, turn.steered);
        let stage = if turn.files.is_empty() && turn.history.is_none() {
            submitting(control, turn.submission)
        } else {
            let mut gathering = Gathering {
                conversation: turn.session.conversation,
                turn: turn.turn,
                files: turn.files,
                submission: turn.submission,
                outbox: surroundings.outbox.clone(),
            };
            let (files, store) = (surroundings.files.clone(), Weak::clone(&surroundings.store));
            let gathered = async move {
                let prompt = mem::take(&mut gathering.submission.prompt);
                gathering.submission.prompt = recall(store, turn.history, prompt).await;
                files.gather(gathering).await
            };
            Stage::Gathering(gathered.boxed())
        };
        Self {
            run: turn.run,
            submit,
            show,
            vigil: Vigil::new(turn.patience),
            stop_at: None,
            repeat,
            steered,
            control: Arc::clone(control),
            stage,
        }
    }

    /// The turn is being interrupted: it ends within `grace`, or its agent is ended.
    pub(super) fn stop(&mut self, grace: Duration) {
        // What was not asked yet cannot be interrupted.
        let grace = if self.is_asked() {
            grace
        } else {
            Duration::ZERO
        };
        self.stop_at = Some(Instant::now() + grace);
        self.vigil.give_up();
        self.show.stop();
    }

    /// Whether the agent may have it.
    pub(super) fn is_asked(&self) -> bool {
        match self.stage {
            Stage::Gathering(_) => false,
            Stage::Submitting(_) | Stage::Submitted => true,
        }
    }

    /// Whether the agent has it, so that it can be handed more.
    pub(super) fn is_with_agent(&self) -> bool {
        matches!(self.stage, Stage::Submitted) && self.stop_at.is_none()
    }

    /// When there is something to say about its silence. An agent that was not asked is silent.
    pub(super) fn silent_at(&self) -> Option<Instant> {
        self.vigil.due().filter(|_| self.is_asked())
    }

    /// Whether the turn went on while no gateway listened, now that the agent says that it has it.
    pub(super) fn is_adopted(&self) -> bool {
        self.repeat && !self.steered
    }

    /// Whether the turn ended before it was known what became of its submission: then the agent had
    /// it before.
    pub(super) fn ended_before(&self) -> bool {
        self.is_adopted() && !matches!(self.stage, Stage::Submitted)
    }

    /// What there is to say about its silence, once it is due.
    pub(super) fn falls_silent(&mut self) -> Option<TurnNotice> {
        let notice = self.vigil.notice()?;
        self.show.fell_silent();
        Some(notice)
    }

    /// What was reported so far belongs to an earlier turn.
    pub(super) fn begin_again(&mut self) {
        self.show.begin_again();
        self.vigil.begin_again();
    }

    /// Submits what was gathered; tells what is missing from it, if something is.
    fn gathered(&mut self, gathered: Gathered) -> Option<Progress> {
        let Gathered {
            submission,
            left_out,
        } = gathered;
        self.vigil.begin_again();
        self.stage = submitting(&self.control, submission);
        (!left_out.is_empty()).then_some(Progress::Gathered(left_out))
    }
}

fn submitting(control: &Arc<dyn AgentControl>, submission: Submission) -> Stage {
    let control = Arc::clone(control);
    Stage::Submitting(async move { control.submit(submission).await }.boxed())
}

/// Shows the running turn, until something happened to it on its way to the agent.
///
/// Cancel safe.
pub(super) async fn progress(running: Option<&mut Running>) -> Progress {
    let Some(running) = running else {
        return std::future::pending().await;
    };
    loop {
        let gathered = match &mut running.stage {
            Stage::Submitted => return Progress::Told(running.show.advance().await),
            Stage::Gathering(gathering) => tokio::select! {
                biased;
                gathered = gathering => gathered,
                notice = running.show.advance() => return Progress::Told(notice),
            },
            Stage::Submitting(submitting) => tokio::select! {
                biased;
                submitted = submitting => {
                    running.stage = Stage::Submitted;
                    return Progress::Submitted(submitted);
                }
                notice = running.show.advance() => return Progress::Told(notice),
            },
        };
        if let Some(progress) = running.gathered(gathered) {
            return progress;
        }
    }
}
