//! The process of a scripted agent, as a task.

use std::collections::BTreeSet;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use mpg_core::agent::tool::ToolKind;
use mpg_core::agent::{
    AgentEvent, Exit, FailureKind, Partial, Seq, TurnFailure, TurnReport, Usage,
};
use mpg_core::id::{RequestId, SubmitId};
use mpg_core::request::{About, Answer, Permission, Request};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::{Place, Prompt, ScriptStep};

/// The exit code of a process that was killed.
const KILLED: i32 = 128 + 9;

/// One submission, numbered from 1.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) number: usize,
    pub(super) id: SubmitId,
    pub(super) prompt: String,
}

/// What the agent was told besides submissions.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The last submission that was interrupted, with all before it.
    pub(super) interrupted: usize,
    /// What it is not to read any more. It grows with the submissions of one process alone.
    pub(super) withdrawn: BTreeSet<SubmitId>,
    /// Whether it has to end at once.
    pub(super) ended: bool,
}

/// How far the agent has come, which says what an interruption is for.
#[derive(Clone, Debug, Default)]
pub(super) struct Begun(Arc<Mutex<(usize, bool)>>);

impl Begun {
    /// The last submission that an interruption is for: the one that runs, else the next one.
    pub(super) fn interrupted(&self) -> usize {
        let (number, runs) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if runs { number } else { number + 1 }
    }

    fn begin(&self, number: usize) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (number, true);
    }

    fn end(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 = false;
    }
}

pub(super) struct Agent {
    place: Place,
    seq: u64,
    events: mpsc::Sender<(Seq, AgentEvent)>,
    queue: mpsc::Receiver<Ask>,
    told: watch::Receiver<Told>,
    answered: mpsc::Receiver<(RequestId, Answer)>,
    /// What the running turn takes.
    usage: Usage,
    begun: Begun,
}

/// A turn that runs.
struct Turn {
    /// The number of the last submission that it took in.
    number: usize,
    submits: Vec<SubmitId>,
    partial: Partial,
}

impl Turn {
    fn of(ask: &Ask) -> Self {
        Self {
            number: ask.number,
            submits: vec![ask.id],
            partial: Partial::default(),
        }
    }
}

/// How a turn ended.
enum TurnEnd {
    Answered(String),
    Failed(TurnFailure),
    /// With the process, and its exit code.
    Exited(i32),
}

/// Why the agent stopped waiting.
enum Woken {
    Interrupted,
    Ended,
}

impl From<Woken> for TurnEnd {
    fn from(woken: Woken) -> Self {
        match woken {
            Woken::Interrupted => Self::Failed(TurnFailure::new(FailureKind::Interrupted, "")),
            Woken::Ended => Self::Exited(KILLED),
        }
    }
}

impl Agent {
    pub(super) fn new(
        place: Place,
        events: mpsc::Sender<(Seq, AgentEvent)>,
        queue: mpsc::Receiver<Ask>,
        told: watch::Receiver<Told>,
        answered: mpsc::Receiver<(RequestId, Answer)>,
        begun: Begun,
    ) -> Self {
        Self {
            place,
            seq: 0,
            events,
            queue,
            told,
            answered,
            begun,
            usage: Usage::default(),
        }
    }

    pub(super) async fn live(mut self) {
        let mut code = 0;
        while let Some(ask) = self.queue.recv().await {
            if self.is_withdrawn(&ask) {
                continue;
            }
            let Some(steps) = self.read(&ask) else {
                return;
            };
            let model = "scripted".to_owned();
            self.report(AgentEvent::Started { model }).await;
            let mut turn = Turn::of(&ask);
            self.begun.begin(turn.number);
            let end = self.follow(&mut turn, steps).await;
            let (result, exit) = match end {
                TurnEnd::Answered(text) => (Ok(text), None),
                TurnEnd::Failed(failure) => (Err(failure), None),
                TurnEnd::Exited(code) => {
                    let message = format!("exit {code}");
                    let failure = TurnFailure::new(FailureKind::Exited, message);
                    (Err(failure), Some(code))
                }
            };
            let report = TurnReport {
                submits: turn.submits,
                partial: result.is_err().then(|| turn.partial.finish()).flatten(),
                result,
                usage: mem::take(&mut self.usage),
            };
            self.begun.end();
            self.report(AgentEvent::Ended(report)).await;
            if let Some(exit) = exit {
                code = exit;
                break;
            }
        }
        self.place.leave();
        let exit = Exit {
            code: Some(code),
            stderr: String::new(),
        };
        self.report(AgentEvent::Exited(exit)).await;
    }

    /// Takes a submission into the transcript; `None` if this agent is no longer the session's.
    fn read(&self, ask: &Ask) -> Option<Vec<ScriptStep>> {
        let script = Arc::clone(&self.place.runtime.script);
        self.place.with_transcript(|transcript| {
            let steps = script(Prompt {
                earlier: &transcript.prompts,
                text: &ask.prompt,
            });
            transcript.prompts.push(ask.prompt.clone());
            transcript.submits.insert(ask.id);
            steps
        })
    }

    async fn follow(&mut self, turn: &mut Turn, steps: Vec<ScriptStep>) -> TurnEnd {
        let mut text = String::new();
        let number = turn.number;
        for (index, step) in steps.into_iter().enumerate() {
            match step {
                ScriptStep::Say(delta) => {
                    text.push_str(&delta);
                    turn.partial.write(&delta);
                    self.report(AgentEvent::Text { delta }).await;
                }
                ScriptStep::Tool(name) => {
                    let id = format!("tool {number}.{index}");
                    let started = AgentEvent::ToolStarted {
                        id: id.clone(),
                        parent: None,
                        kind: ToolKind::Other,
                        name,
                        summary: String::new(),
                    };
                    self.report(started).await;
                    let ended = AgentEvent::ToolEnded {
                        id,
                        is_error: false,
                        excerpt: String::new(),
                    };
                    self.report(ended).await;
                    turn.partial.steps += 1;
                    self.absorb(turn);
                }
                ScriptStep::Ask(tool) => {
                    let about = About::Permission(Permission::new(tool.clone(), "", tool));
                    match self.ask((turn.number, index), about).await {
                        Ok(said) => text.push_str(&said),
                        Err(woken) => return woken.into(),
                    }
                }
                ScriptStep::Request(about) => match self.ask((turn.number, index), about).await {
                    Ok(said) => text.push_str(&said),
                    Err(woken) => return woken.into(),
                },
                ScriptStep::Report(event) => self.report(event).await,
                ScriptStep::Spend(usage) => self.usage = usage,
                ScriptStep::Wait(wait) => tokio::select! {
                    biased;
                    woken = woken(&mut self.told, turn.number) => return woken.into(),
                    () = sleep(wait) => {}
                },
                ScriptStep::Hang => return woken(&mut self.told, turn.number).await.into(),
                ScriptStep::Fail(message) => {
                    return TurnEnd::Failed(TurnFailure::new(FailureKind::Agent, message));
                }
                ScriptStep::Limit(resets_at) => {
                    let failure = TurnFailure::new(FailureKind::UsageLimit, "limit reached");
                    return TurnEnd::Failed(TurnFailure {
                        resets_at,
                        ..failure
                    });
                }
                ScriptStep::Freeze => {
                    // A control that is gone has nobody left to wait for either.
                    drop(self.told.wait_for(|told| told.ended).await);
                    return TurnEnd::Exited(KILLED);
                }
                ScriptStep::Exit => return TurnEnd::Exited(1),
            }
        }
        TurnEnd::Answered(text)
    }

    /// Asks something, and waits for the answer, in words. What is not waited for any more is
    /// withdrawn.
    async fn ask(&mut self, at: (usize, usize), about: About) -> Result<String, Woken> {
        let (number, index) = at;
        let id = RequestId::new(format!("request {number}.{index}"));
        let request = Request {
            id: id.clone(),
            about,
        };
        // Answers to what was asked before it are not for this.
        while self.answered.try_recv().is_ok() {}
        self.report(AgentEvent::Requested(request)).await;
        let answered = tokio::select! {
            biased;
            woken = woken(&mut self.told, number) => Err(woken),
            answer = answer(&mut self.answered, &id) => Ok(answer),
        };
        if let Err(Woken::Interrupted) = answered {
            self.report(AgentEvent::Withdrawn(id)).await;
        }
        Ok(match answered? {
            Answer::Allow(_) => "allowed".to_owned(),
            Answer::Deny { .. } => "denied".to_owned(),
            Answer::AcceptEdits => "edits accepted".to_owned(),
            Answer::Replies(replies) => {
                let replies = replies.iter().map(|reply| reply.join(", "));
                replies.collect::<Vec<_>>().join("; ")
            }
            Answer::Filled(values) => {
                let values = values
                    .iter()
                    .map(|(name, value)| format!("{name}: {value}"));
                values.collect::<Vec<_>>().join("; ")
            }
        })
    }

    /// Takes in what was said meanwhile, as agents do between their steps. The session's later
    /// agents do not know it by its id.
    fn absorb(&mut self, turn: &mut Turn) {
        while let Ok(ask) = self.queue.try_recv() {
            if self.is_withdrawn(&ask) {
                continue;
            }
            turn.number = ask.number;
            turn.submits.push(ask.id);
            self.begun.begin(turn.number);
        }
    }

    fn is_withdrawn(&self, ask: &Ask) -> bool {
        self.told.borrow().withdrawn.contains(&ask.id)
    }

    async fn report(&mut self, event: AgentEvent) {
        self.seq += 1;
        // A reader that is gone misses nothing.
        drop(self.events.send((Seq(self.seq), event)).await);
    }
}

/// Waits until the turn with this number is interrupted or the agent has to end.
async fn woken(told: &mut watch::Receiver<Told>, number: usize) -> Woken {
    let told = told
        .wait_for(|told| told.ended || told.interrupted >= number)
        .await;
    match told {
        Ok(told) if !told.ended => Woken::Interrupted,
        // A control that is gone has nobody left to wait for.
        Ok(_) | Err(_) => Woken::Ended,
    }
}

/// Waits for the answer to one request; for ever, if nobody can give it any more.
async fn answer(answered: &mut mpsc::Receiver<(RequestId, Answer)>, request: &RequestId) -> Answer {
    while let Some((id, answer)) = answered.recv().await {
        if id == *request {
            return answer;
        }
    }
    std::future::pending().await
}
