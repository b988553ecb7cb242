//! What a session's agent reports, on its way to the gateway.

use std::sync::Arc;

use futures_util::FutureExt as _;
use mpg_core::agent::{AgentEvent, FailureKind, Seq, TurnFailure, TurnReport, Usage};
use mpg_core::event::{Event, RunEnd, RunId, TurnNotice};
use mpg_core::id::RequestId;
use mpg_core::live::Results;
use mpg_core::port::{AgentControl, OpenError, Submitted};
use mpg_core::request::{Answer, Request};
use mpg_core::wording;
use tracing::debug;

use super::Task;
use super::running::Running;
use super::steering::Handed;

impl Task {
    /// Takes in what became of the submission; true if the agent has to go.
    pub(super) async fn submitted(
        &mut self,
        running: &mut Option<Running>,
        submitted: Result<Submitted, OpenError>,
    ) -> bool {
        match submitted {
            // The agent's exit follows as an event and says more than the error.
            Ok(Submitted::Known) => {
                let adopted = running.as_ref().filter(|running| running.is_adopted());
                let run = adopted.map(|running| running.run);
                self.notice(run, TurnNotice::Adopted).await;
                false
            }
            Ok(Submitted::New) | Err(OpenError::NotRunning) => false,
            Ok(Submitted::InterruptedBefore) => {
                if let Some(running) = running.take() {
                    self.ended(running.run, RunEnd::InterruptedBefore).await;
                }
                false
            }
            Err(error) => {
                if let Some(running) = running.take() {
                    self.ended(running.run, refusal(&error)).await;
                }
                true
            }
        }
    }

    /// Takes in an event; true if the agent is gone.
    pub(super) async fn reported(
        &mut self,
        control: &Arc<dyn AgentControl>,
        running: &mut Option<Running>,
        seq: Seq,
        event: AgentEvent,
    ) -> bool {
        if let Some(running) = running.as_mut() {
            if seq > self.replayed {
                running.show.apply(&event);
            } else {
                running.show.apply_replayed(&event);
            }
            running.vigil.hear(&event);
        }
        match event {
            AgentEvent::Ended(report) => {
                let ours = running.as_ref().is_some_and(|running| {
                    report.submits.is_empty() || report.submits.contains(&running.submit)
                });
                if !ours && self.steering.keep(&report, seq) {
                    return false;
                }
                if !ours {
                    debug!(conversation = %self.conversation, "the end of another turn");
                    if let Some(running) = running.as_mut() {
                        running.begin_again();
                    }
                    return false;
                }
                if let Some(mut running) = running.take() {
                    running.show.finish().await;
                    self.trailing = running.show.take_pending();
                    if running.ended_before() {
                        self.notice(Some(running.run), TurnNotice::Adopted).await;
                    }
                    self.steering.covered(&report.submits);
                    let end = reported_end(report, seq, running.show.results());
                    self.ended(running.run, end).await;
                }
            }
            AgentEvent::Exited(exit) => {
                if let Some(mut running) = running.take() {
                    running.show.finish().await;
                    self.trailing = running.show.take_pending();
                    let failure = TurnFailure::new(FailureKind::Exited, exit.to_string());
                    let end = RunEnd::Reported {
                        result: Err(failure),
                        usage: Usage::default(),
                        seq,
                        covers: Vec::new(),
                        partial: None,
                        results: running.show.results(),
                    };
                    self.ended(running.run, end).await;
                }
                return true;
            }
            AgentEvent::Retrying(retry) => {
                let run = running.as_ref().map(|running| running.run);
                self.notice(run, TurnNotice::Retrying(retry)).await;
            }
            AgentEvent::Requested(request) => {
                if let Some(run) = running.as_ref().map(|running| running.run) {
                    self.requested(run, request).await;
                } else if let Err(request) = self.steering.keep_asked(request) {
                    self.deny(control, request);
                }
            }
            AgentEvent::Withdrawn(request) => {
                self.steering.asks_no_more(&request);
                if let Some(run) = running.as_ref().map(|running| running.run) {
                    let event = Event::Withdrawn {
                        conversation: self.conversation.clone(),
                        run,
                        request,
                    };
                    self.send(event).await;
                }
            }
            AgentEvent::Started { .. }
            | AgentEvent::Text { .. }
            | AgentEvent::TextEnded
            | AgentEvent::Thinking { .. }
            | AgentEvent::ToolStarted { .. }
            | AgentEvent::ToolEnded { .. }
            | AgentEvent::Tasks(_)
            | AgentEvent::Alive => {}
        }
        false
    }

    /// Has people asked what the agent asks.
    pub(super) async fn requested(&mut self, run: RunId, request: Request) {
        let event = Event::Requested {
            conversation: self.conversation.clone(),
            run,
            request,
        };
        self.send(event).await;
    }

    /// Denies what the agent asks outside of every turn: nobody would know what for.
    pub(super) fn deny(&mut self, control: &Arc<dyn AgentControl>, request: Request) {
        let message = wording::denial(&request);
        self.respond(control, None, request.id, Answer::Deny { message });
    }

    /// Tells the agent what people say to what it asked.
    pub(super) fn respond(
        &mut self,
        control: &Arc<dyn AgentControl>,
        running: Option<&mut Running>,
        request: RequestId,
        answer: Answer,
    ) {
        if let Some(running) = running {
            running.vigil.answered(&request);
            running.show.answered(&request);
        }
        let control = Arc::clone(control);
        let errand = async move { control.respond(&request, answer).await };
        self.errands.push(errand.boxed());
    }

    pub(super) async fn notice(&mut self, run: Option<RunId>, notice: TurnNotice) {
        if let Some(run) = run {
            let event = Event::TurnNoticed {
                conversation: self.conversation.clone(),
                run,
                notice,
            };
            self.send(event).await;
        }
    }

    /// Takes in what became of a message that was handed over.
    pub(super) async fn handed(&mut self, handed: Handed) {
        let run = Some(handed.run);
        if !handed.left_out.is_empty() {
            let notice = TurnNotice::FilesLeftOut(handed.left_out);
            self.notice(run, notice).await;
        }
        if let Some(turn) = handed.known {
            self.notice(run, TurnNotice::Absorbed(turn)).await;
        }
    }

    pub(super) async fn ended(&mut self, run: RunId, end: RunEnd) {
        self.steering.run_ended();
        let event = Event::TurnEnded {
            conversation: self.conversation.clone(),
            run,
            end,
        };
        self.send(event).await;
    }

    async fn send(&mut self, event: Event) {
        if self.surroundings.events.send(event).await.is_err() {
            debug!(conversation = %self.conversation, "the engine is gone");
        }
    }
}

/// How a run ended that its agent reports on, and what its steps gave where that is to be seen.
pub(super) fn reported_end(report: TurnReport, seq: Seq, results: Option<Box<Results>>) -> RunEnd {
    RunEnd::Reported {
        result: report.result,
        usage: report.usage,
        seq,
        covers: report.submits,
        partial: report.partial,
        results,
    }
}

/// What it means for a run that its agent was not opened.
pub(super) fn refusal(error: &OpenError) -> RunEnd {
    match error {
        OpenError::SessionLost(_) => RunEnd::SessionLost,
        OpenError::DirectoryMissing(_) => RunEnd::DirectoryMissing,
        OpenError::ProgramMissing { .. }
        | OpenError::InUse(_)
        | OpenError::NotRunning
        | OpenError::Failed(_) => RunEnd::Unavailable(error.to_string()),
    }
}
