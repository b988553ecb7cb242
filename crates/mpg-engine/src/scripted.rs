//! An agent without a model: it follows a script. For a first look without any agent installed, for
//! tests and for benchmarks.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use mpg_core::agent::{
    AgentEvent, Exit, FailureKind, PermissionAnswer, PermissionRequest, Seq, TurnFailure,
    TurnReport, Usage,
};
use mpg_core::id::{RequestId, SessionId, SubmitId};
use mpg_core::port::{
    AgentControl, AgentEvents, AgentRuntime, AgentSession, OpenError, SessionSpec, SessionStart,
    Submission, Submitted,
};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

/// How many events may wait for whoever reads them.
const EVENTS: usize = 256;

/// How many submissions may wait in one session.
const SUBMISSIONS: usize = 64;

/// One thing that a scripted agent does in a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptStep {
    /// Writes text. What is written in a turn is its answer.
    Say(String),
    /// Runs a tool of this name, at once.
    Tool(String),
    /// Lets time pass.
    Wait(Duration),
    /// Asks for permission to run a tool of this name, and says what was answered.
    Ask(String),
    /// Ends the turn with an error.
    Fail(String),
    /// Never ends the turn by itself.
    Hang,
    /// Ends the process in the middle of the turn.
    Exit,
}

/// What a scripted agent is asked: the session's earlier prompts, then this one.
#[derive(Clone, Copy, Debug)]
pub struct Prompt<'a> {
    /// The prompts of the session's earlier turns, oldest first.
    pub earlier: &'a [String],
    /// This turn's prompt.
    pub text: &'a str,
}

type Script = dyn Fn(Prompt<'_>) -> Vec<ScriptStep> + Send + Sync;

/// An [`AgentRuntime`] whose agents follow a script.
///
/// It remembers sessions for as long as it lives, so that closing and resuming works as with a real
/// agent.
#[derive(Clone)]
pub struct ScriptedRuntime {
    script: Arc<Script>,
    sessions: Arc<Mutex<BTreeMap<SessionId, Memory>>>,
}

#[derive(Debug, Default)]
struct Memory {
    prompts: Vec<String>,
    submitted: BTreeSet<SubmitId>,
    open: bool,
}

impl fmt::Debug for ScriptedRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedRuntime").finish_non_exhaustive()
    }
}

impl ScriptedRuntime {
    /// Agents that do what `script` says for each prompt.
    pub fn new(script: impl Fn(Prompt<'_>) -> Vec<ScriptStep> + Send + Sync + 'static) -> Self {
        Self {
            script: Arc::new(script),
            sessions: Arc::default(),
        }
    }

    /// Agents that say that they are no real ones, and repeat what they are told.
    pub fn demonstration() -> Self {
        Self::new(|prompt| {
            let mut steps = Vec::new();
            let mut words = |text: &str| {
                for word in text.split_inclusive(' ') {
                    steps.push(ScriptStep::Say(word.to_owned()));
                    steps.push(ScriptStep::Wait(Duration::from_millis(15)));
                }
            };
            if prompt.earlier.is_empty() {
                words(
                    "I am the built-in scripted agent, not a model: I only repeat what I am told. ",
                );
            }
            words(&format!(
                "You wrote (message {} of this conversation): {}",
                prompt.earlier.len() + 1,
                prompt.text
            ));
            steps
        })
    }

    fn with_memory<T>(&self, session: SessionId, use_it: impl FnOnce(&mut Memory) -> T) -> T {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        use_it(sessions.entry(session).or_default())
    }
}

#[async_trait]
impl AgentRuntime for ScriptedRuntime {
    async fn open(&self, spec: SessionSpec) -> Result<AgentSession, OpenError> {
        let session = spec.session;
        let refused = self.with_memory(session, |memory| {
            if memory.open {
                return Some(OpenError::InUse(session));
            }
            if spec.start == SessionStart::Resume && memory.prompts.is_empty() {
                return Some(OpenError::SessionLost(session));
            }
            memory.open = true;
            None
        });
        if let Some(refused) = refused {
            return Err(refused);
        }
        let (events, reported) = mpsc::channel(EVENTS);
        let (submissions, queue) = mpsc::channel(SUBMISSIONS);
        let (interrupts, interrupted) = watch::channel(0);
        let (answers, answered) = mpsc::channel(1);
        let agent = Agent {
            session,
            runtime: self.clone(),
            seq: 0,
            events,
            queue,
            interrupted,
            answered,
        };
        let task = tokio::spawn(agent.live());
        Ok(AgentSession {
            control: Arc::new(Control {
                session,
                runtime: self.clone(),
                submissions: Mutex::new(Some(submissions)),
                interrupts,
                answers,
                task: Mutex::new(Some(task)),
            }),
            events: Box::new(Events(reported)),
        })
    }
}

#[derive(Debug)]
struct Control {
    session: SessionId,
    runtime: ScriptedRuntime,
    submissions: Mutex<Option<mpsc::Sender<(SubmitId, String)>>>,
    interrupts: watch::Sender<u64>,
    answers: mpsc::Sender<PermissionAnswer>,
    task: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

#[async_trait]
impl AgentControl for Control {
    async fn submit(&self, submission: Submission) -> Result<Submitted, OpenError> {
        let Submission { id, prompt, repeat } = submission;
        let known = self
            .runtime
            .with_memory(self.session, |memory| !memory.submitted.insert(id));
        if known {
            return Ok(if repeat {
                Submitted::InterruptedBefore
            } else {
                Submitted::Known
            });
        }
        let sender = self
            .submissions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let sender = sender.ok_or(OpenError::NotRunning)?;
        let sent = sender.send((id, prompt)).await;
        sent.map_err(|_| OpenError::NotRunning)?;
        Ok(Submitted::New)
    }

    async fn interrupt(&self) {
        self.interrupts.send_modify(|count| *count += 1);
    }

    async fn respond(&self, _request: &RequestId, answer: PermissionAnswer) {
        // Without an open request there is nobody to take it.
        drop(self.answers.try_send(answer));
    }

    async fn close(&self, grace: Duration) {
        let submissions = self
            .submissions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(submissions);
        let task = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(mut task) = task
            && tokio::time::timeout(grace, &mut task).await.is_err()
        {
            self.interrupt().await;
            drop(task.await);
        }
    }
}

#[derive(Debug)]
struct Events(mpsc::Receiver<(Seq, AgentEvent)>);

#[async_trait]
impl AgentEvents for Events {
    async fn next(&mut self) -> Option<(Seq, AgentEvent)> {
        self.0.recv().await
    }
}

struct Agent {
    session: SessionId,
    runtime: ScriptedRuntime,
    seq: u64,
    events: mpsc::Sender<(Seq, AgentEvent)>,
    queue: mpsc::Receiver<(SubmitId, String)>,
    interrupted: watch::Receiver<u64>,
    answered: mpsc::Receiver<PermissionAnswer>,
}

/// How a scripted turn ended.
enum TurnEnd {
    Report(Result<String, TurnFailure>),
    Exit,
}

impl Agent {
    async fn live(mut self) {
        let mut code = 0;
        while let Some((submit, prompt)) = self.queue.recv().await {
            let script = Arc::clone(&self.runtime.script);
            let steps = self.runtime.with_memory(self.session, |memory| {
                let steps = script(Prompt {
                    earlier: &memory.prompts,
                    text: &prompt,
                });
                memory.prompts.push(prompt);
                steps
            });
            self.interrupted.mark_unchanged();
            let model = "scripted".to_owned();
            self.report(AgentEvent::Started { model }).await;
            let end = self.follow(steps).await;
            let exits = matches!(end, TurnEnd::Exit);
            let result = match end {
                TurnEnd::Report(result) => result,
                TurnEnd::Exit => Err(TurnFailure {
                    kind: FailureKind::Exited,
                    message: "the script ended the process".to_owned(),
                }),
            };
            let report = TurnReport {
                submits: vec![submit],
                result,
                usage: Usage::default(),
            };
            self.report(AgentEvent::Ended(report)).await;
            if exits {
                code = 1;
                break;
            }
        }
        self.runtime
            .with_memory(self.session, |memory| memory.open = false);
        let exit = Exit {
            code: Some(code),
            stderr: String::new(),
        };
        self.report(AgentEvent::Exited(exit)).await;
    }

    async fn follow(&mut self, steps: Vec<ScriptStep>) -> TurnEnd {
        let mut text = String::new();
        for (index, step) in steps.into_iter().enumerate() {
            let wait = match step {
                ScriptStep::Say(delta) => {
                    text.push_str(&delta);
                    self.report(AgentEvent::Text { delta }).await;
                    continue;
                }
                ScriptStep::Tool(name) => {
                    let id = format!("tool {index}");
                    let started = AgentEvent::ToolStarted {
                        id: id.clone(),
                        name,
                        summary: String::new(),
                    };
                    self.report(started).await;
                    let is_error = false;
                    self.report(AgentEvent::ToolEnded { id, is_error }).await;
                    continue;
                }
                ScriptStep::Ask(tool) => {
                    let request = PermissionRequest {
                        id: RequestId::new(format!("request {index}")),
                        rule: tool.clone(),
                        tool,
                        summary: String::new(),
                    };
                    self.report(AgentEvent::PermissionRequested(request)).await;
                    let answer = self.answered.recv().await;
                    text.push_str(match answer {
                        Some(PermissionAnswer::Allow) => "allowed",
                        Some(PermissionAnswer::Deny { .. }) | None => "denied",
                    });
                    continue;
                }
                ScriptStep::Fail(message) => {
                    let kind = FailureKind::Agent;
                    return TurnEnd::Report(Err(TurnFailure { kind, message }));
                }
                ScriptStep::Exit => return TurnEnd::Exit,
                ScriptStep::Wait(wait) => Some(wait),
                ScriptStep::Hang => None,
            };
            let passes = async {
                match wait {
                    Some(wait) => sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = passes => {}
                // A control that is gone is an interrupt too: nobody is left to wait for.
                _ = self.interrupted.changed() => {
                    return TurnEnd::Report(Err(TurnFailure {
                        kind: FailureKind::Interrupted,
                        message: String::new(),
                    }));
                }
            }
        }
        TurnEnd::Report(Ok(text))
    }

    async fn report(&mut self, event: AgentEvent) {
        self.seq += 1;
        // A reader that is gone misses nothing.
        drop(self.events.send((Seq(self.seq), event)).await);
    }
}
