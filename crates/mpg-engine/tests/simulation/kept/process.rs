//! One session's agent: what it does when it is looked at, and what it has to report.

use std::collections::{BTreeSet, VecDeque};

use jiff::Timestamp;
use mpg_core::agent::tool::ToolKind;
use mpg_core::agent::{
    AgentEvent, Exit, FailureKind, Partial, Seq, TurnFailure, TurnReport, Usage,
};
use mpg_core::id::{AgentName, RequestId, SubmitId};
use mpg_core::port::{OpenError, Submission, Submitted};
use mpg_core::request::{Answer, Permission, Request};
use mpg_engine::ScriptStep;

use super::{Script, Transcript};
use crate::settings::COST;
use crate::team::TOKENS;

/// A session: its transcript, its process if it has one, and what nobody has acknowledged.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) owner: Option<u64>,
    /// The name of the agent, if it has one.
    name: Option<AgentName>,
    transcript: Transcript,
    process: Option<Process>,
    /// What was reported and not acknowledged; it outlives the process.
    spool: VecDeque<(Seq, AgentEvent)>,
    seq: u64,
}

#[derive(Debug, Default)]
struct Process {
    known: BTreeSet<SubmitId>,
    queue: VecDeque<(SubmitId, String, Timestamp)>,
    turn: Option<Turn>,
}

#[derive(Debug)]
struct Turn {
    submit: SubmitId,
    /// What it took in while it ran. No later process knows it by its id.
    absorbed: Vec<SubmitId>,
    steps: VecDeque<ScriptStep>,
    text: String,
    /// The agent's own time.
    time: Timestamp,
    done: usize,
    asking: Option<RequestId>,
    interrupted: bool,
}

impl Turn {
    fn partial(&self) -> Option<Partial> {
        let mut partial = Partial::default();
        partial.write(&self.text);
        partial.finish()
    }
}

impl Session {
    pub(super) fn is_alive(&self) -> bool {
        self.process.is_some()
    }

    pub(super) fn is_unknown(&self) -> bool {
        self.transcript.prompts.is_empty()
    }

    /// What it was asked so far.
    pub(super) fn prompts(&self) -> Vec<String> {
        self.transcript.prompts.clone()
    }

    /// Begins with what another session was asked, unless it has begun.
    pub(super) fn fork(&mut self, prompts: Vec<String>) {
        if self.is_unknown() {
            self.transcript.prompts = prompts;
        }
    }

    /// Whether the result of a submission waits to be read.
    pub(super) fn has_result(&self, submit: SubmitId) -> bool {
        self.spool.iter().any(|(_, event)| {
            let AgentEvent::Ended(report) = event else {
                return false;
            };
            let exited =
                matches!(&report.result, Err(failure) if failure.kind == FailureKind::Exited);
            report.submits.contains(&submit) && !exited
        })
    }

    pub(super) fn start(&mut self, name: Option<AgentName>) {
        self.name = name;
        self.spool.clear();
        self.process = Some(Process::default());
    }

    /// The process is gone at once; where `forgets`, what it ran was not written down.
    pub(super) fn kill(&mut self, forgets: bool) {
        self.owner = None;
        self.asks_no_more();
        let turn = self.process.take().and_then(|process| process.turn);
        if let Some(turn) = turn
            && forgets
        {
            self.transcript.submits.remove(&turn.submit);
            self.transcript.prompts.pop();
        }
    }

    pub(super) fn submit(
        &mut self,
        submission: &Submission,
        now: Timestamp,
    ) -> Result<Submitted, OpenError> {
        let id = submission.id;
        if self.has_result(id) {
            return Ok(Submitted::Known);
        }
        let process = self.process.as_mut().ok_or(OpenError::NotRunning)?;
        if process.known.contains(&id) {
            return Ok(Submitted::Known);
        }
        if self.transcript.submits.contains(&id) {
            return Ok(if submission.repeat {
                Submitted::InterruptedBefore
            } else {
                Submitted::Known
            });
        }
        process.known.insert(id);
        process
            .queue
            .push_back((id, submission.prompt.clone(), now));
        Ok(Submitted::New)
    }

    pub(super) fn interrupt(&mut self, now: Timestamp) {
        if let Some(turn) = self.turn() {
            turn.interrupted = true;
            turn.time = now;
        }
    }

    /// Forgets what it has not read.
    pub(super) fn withdraw(&mut self, id: SubmitId) {
        if let Some(process) = &mut self.process {
            process.queue.retain(|(submit, ..)| *submit != id);
        }
    }

    pub(super) fn respond(&mut self, request: &RequestId, answer: &Answer, now: Timestamp) {
        if let Some(turn) = self.turn()
            && turn.asking.as_ref() == Some(request)
        {
            turn.time = now;
            turn.text.push_str(match answer {
                Answer::Allow(_) => "allowed",
                Answer::Deny { .. } => "denied",
                Answer::AcceptEdits | Answer::Replies(_) | Answer::Filled(_) => "answered",
            });
            self.asks_no_more();
        }
    }

    pub(super) fn acknowledge(&mut self, seq: Seq) {
        self.spool.retain(|(at, _)| *at > seq);
    }

    pub(super) fn close(&mut self) {
        if self.process.take().is_some() {
            self.report(AgentEvent::Exited(Exit {
                code: Some(0),
                stderr: String::new(),
            }));
        }
    }

    /// What comes behind `read`.
    pub(super) fn after(&self, read: Seq) -> Option<(Seq, AgentEvent)> {
        self.spool.iter().find(|(seq, _)| *seq > read).cloned()
    }

    /// Does what was to be done by now, and says when there will be more.
    pub(super) fn advance(&mut self, now: Timestamp, script: &Script) -> Option<Timestamp> {
        loop {
            if self.process.as_ref()?.turn.is_none() && !self.begin(script) {
                return None;
            }
            let turn = self.turn()?;
            let frozen = turn.steps.front() == Some(&ScriptStep::Freeze);
            if turn.interrupted && !frozen {
                if let Some(asked) = self.asks_no_more() {
                    self.report(AgentEvent::Withdrawn(asked));
                }
                self.end(Err(TurnFailure::new(FailureKind::Interrupted, "")));
                continue;
            }
            if turn.asking.is_some() {
                return None;
            }
            let number = turn.done;
            match turn.steps.front().cloned() {
                Some(ScriptStep::Hang | ScriptStep::Freeze) => return None,
                Some(ScriptStep::Wait(wait)) => {
                    let over = turn.time.checked_add(wait).expect("it is 1970");
                    if over > now {
                        return Some(over);
                    }
                    turn.time = over;
                }
                Some(ScriptStep::Say(delta)) => {
                    turn.text.push_str(&delta);
                    self.report(AgentEvent::Text { delta });
                }
                Some(ScriptStep::Report(event)) => self.report(event),
                Some(ScriptStep::Spend(_)) => {}
                Some(ScriptStep::Tool(name)) => {
                    let id = format!("tool {number}");
                    let summary = String::new();
                    self.report(AgentEvent::ToolStarted {
                        id: id.clone(),
                        parent: None,
                        kind: ToolKind::Other,
                        name,
                        summary,
                    });
                    self.report(AgentEvent::ToolEnded {
                        id,
                        is_error: false,
                        excerpt: String::new(),
                    });
                    self.absorb();
                }
                Some(ScriptStep::Ask(tool)) => {
                    let id = RequestId::new(format!("request {} {number}", self.seq));
                    self.turn()?.asking = Some(id.clone());
                    self.report(AgentEvent::Requested(Request::permission(
                        id,
                        Permission::new(tool.clone(), "", tool),
                    )));
                }
                Some(ScriptStep::Request(about)) => {
                    let id = RequestId::new(format!("request {} {number}", self.seq));
                    self.turn()?.asking = Some(id.clone());
                    self.report(AgentEvent::Requested(Request { id, about }));
                }
                Some(ScriptStep::Fail(message)) => {
                    self.end(Err(TurnFailure::new(FailureKind::Agent, message)));
                    continue;
                }
                Some(ScriptStep::Limit(resets_at)) => {
                    let failure = TurnFailure::new(FailureKind::UsageLimit, "");
                    self.end(Err(TurnFailure {
                        resets_at,
                        ..failure
                    }));
                    continue;
                }
                Some(ScriptStep::Exit) => {
                    self.end(Err(TurnFailure::new(FailureKind::Exited, "exit 1")));
                    self.close();
                    return None;
                }
                None => {
                    let text = std::mem::take(&mut turn.text);
                    self.end(Ok(text));
                    continue;
                }
            }
            let turn = self.turn()?;
            turn.steps.pop_front();
            turn.done += 1;
        }
    }

    /// Begins the next turn, if there is one.
    fn begin(&mut self, script: &Script) -> bool {
        let next = self.process.as_mut().and_then(|p| p.queue.pop_front());
        let Some((submit, prompt, time)) = next else {
            return false;
        };
        let asked = mpg_engine::Prompt {
            earlier: &self.transcript.prompts,
            text: &prompt,
        };
        let steps = script(self.name.as_ref(), asked);
        self.transcript.prompts.push(prompt);
        self.transcript.submits.insert(submit);
        if let Some(process) = &mut self.process {
            process.turn = Some(Turn {
                submit,
                absorbed: Vec::new(),
                steps: steps.into(),
                text: String::new(),
                time,
                done: 0,
                asking: None,
                interrupted: false,
            });
        }
        let model = "kept".to_owned();
        self.report(AgentEvent::Started { model });
        true
    }

    fn end(&mut self, result: Result<String, TurnFailure>) {
        let turn = self.process.as_mut().and_then(|p| p.turn.take());
        if let Some(turn) = turn {
            self.report(AgentEvent::Ended(TurnReport {
                partial: result.is_err().then(|| turn.partial()).flatten(),
                submits: [vec![turn.submit], turn.absorbed].concat(),
                result,
                usage: Usage {
                    output_tokens: TOKENS,
                    cost_microdollars: COST,
                    ..Usage::default()
                },
            }));
        }
    }

    /// Takes in what was said meanwhile.
    fn absorb(&mut self) {
        if let Some(process) = &mut self.process
            && let Some(turn) = &mut process.turn
        {
            let queue = process.queue.drain(..);
            turn.absorbed.extend(queue.map(|(submit, ..)| submit));
        }
    }

    /// Forgets what it asks; whoever comes next is not told of it.
    fn asks_no_more(&mut self) -> Option<RequestId> {
        let asked = self.turn()?.asking.take()?;
        self.spool.retain(
            |(_, event)| !matches!(event, AgentEvent::Requested(request) if request.id == asked),
        );
        Some(asked)
    }

    fn turn(&mut self) -> Option<&mut Turn> {
        self.process.as_mut()?.turn.as_mut()
    }

    fn report(&mut self, event: AgentEvent) {
        self.seq += 1;
        self.spool.push_back((Seq(self.seq), event));
    }
}
