//! What was said to a CLI and by it: no process and no pipe, only the state between them.

mod asking;

use std::collections::{BTreeMap, VecDeque};

use mpg_core::agent::{AgentEvent, Exit, PermissionMode};
use mpg_core::id::{RequestId, SubmitId};
use mpg_core::port::{OpenError, Submission, Submitted};
use mpg_core::request::{Answer, Scope};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::Instant;

use self::asking::Asking;
use crate::control;
use crate::request::{Inquiry, Look, Seen};
use crate::stream::{Output, Stream, TurnResult};
use crate::turns::Turns;

/// How many submissions are remembered.
const KNOWN: usize = 4_096;
/// How many submissions may wait for one that is looked up.
const WAITING: usize = 16;

/// How many submissions may be on their way back.
const WITHDRAWING: usize = 64;

/// The id of the request whose answer means that the CLI takes submissions.
const READY: &str = "mpg-ready";

type SubmitReply = oneshot::Sender<Result<Submitted, OpenError>>;

/// The state between the gateway and one CLI.
#[derive(Debug)]
pub(super) struct Dialogue {
    stream: Stream,
    turns: Turns,
    known: Known,
    mode: PermissionMode,
    allow_requests: bool,
    ready: bool,
    asking: Asking,
    /// The submissions that are being withdrawn, by the request that does it.
    withdrawing: BTreeMap<String, SubmitId>,
    lookup: Option<Lookup>,
    waiting: VecDeque<(Submission, SubmitReply)>,
    requests: u64,
    events: VecDeque<AgentEvent>,
    lines: VecDeque<Line>,
    last_result: Option<Instant>,
}

/// A line for the CLI.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) bytes: Vec<u8>,
    /// The submission that it makes.
    pub(super) submit: Option<SubmitId>,
}

impl From<Vec<u8>> for Line {
    fn from(bytes: Vec<u8>) -> Self {
        let submit = None;
        Self { bytes, submit }
    }
}

/// A submission to a CLI that does nothing else, of which it is not known yet whether it runs.
///
/// A CLI that knows it replays it at once and runs nothing; one that does not begins a turn before
/// it replays anything. By the answer to a request behind it, the barrier, it is plain which. One
/// that is said to be new needs no barrier until it is replayed without a turn: the CLI's memory of
/// the session may be ahead of the gateway's, which went back to a backup.
#[derive(Debug)]
struct Lookup {
    submit: SubmitId,
    barrier: Option<String>,
    /// Whether it is said to be new.
    new: bool,
    began: bool,
    replayed: bool,
    reply: SubmitReply,
}

impl Dialogue {
    /// Begins with the request for readiness.
    ///
    /// `mode` is the CLI's; with `allow_requests`, tools that ask are always allowed.
    pub(super) fn new(directory: &str, mode: PermissionMode, allow_requests: bool) -> Self {
        Self {
            stream: Stream::new(directory),
            turns: Turns::default(),
            known: Known::default(),
            mode,
            allow_requests,
            ready: false,
            asking: Asking::default(),
            withdrawing: BTreeMap::new(),
            lookup: None,
            waiting: VecDeque::new(),
            requests: 0,
            events: VecDeque::new(),
            lines: VecDeque::from([control::initialize(READY).into()]),
            last_result: None,
        }
    }

    pub(super) fn first_event(&self) -> Option<&AgentEvent> {
        self.events.front()
    }

    pub(super) fn next_event(&mut self) -> Option<AgentEvent> {
        self.events.pop_front()
    }

    /// Whether the CLI takes submissions.
    pub(super) fn is_ready(&self) -> bool {
        self.ready
    }

    /// The submissions that have no outcome yet.
    pub(super) fn open(&self) -> &[SubmitId] {
        self.turns.open()
    }

    /// The requests that people were told of, and that wait for an answer.
    pub(super) fn asking(&self) -> impl Iterator<Item = &RequestId> {
        self.asking.told()
    }

    /// When people were told of one last, while any waits.
    pub(super) fn asked_at(&self) -> Option<Instant> {
        self.asking.told_at()
    }

    /// What has to be looked at next; [`saw`](Self::saw) goes on with it.
    pub(super) fn next_look(&mut self) -> Option<(RequestId, Look)> {
        self.asking.next_look()
    }

    /// Goes on with a request that it was looked at for.
    pub(super) fn saw(&mut self, id: &RequestId, seen: Seen) {
        if self.asking.is_granted(id, Some(&seen)) {
            self.respond(id, &Answer::Allow(Scope::Once));
        } else if let Some(request) = self.asking.saw(id, seen) {
            self.report(AgentEvent::Requested(request));
        }
    }

    pub(super) fn next_line(&mut self) -> Option<Line> {
        self.lines.pop_front()
    }

    pub(super) fn last_result(&self) -> Option<Instant> {
        self.last_result
    }

    /// Takes a submission; `open` says whether the CLI can still be written to.
    pub(super) fn submit(&mut self, submission: Submission, reply: SubmitReply, open: bool) {
        if let Some(fate) = self.known.get(submission.id) {
            answer(reply, Ok(fate));
        } else if !open {
            answer(reply, Err(OpenError::NotRunning));
        } else if self.lookup.is_some() && self.waiting.len() < WAITING {
            self.waiting.push_back((submission, reply));
        } else if self.lookup.is_some() || !self.turns.has_room() {
            let message = "too many submissions are open; nothing was submitted".to_owned();
            answer(reply, Err(OpenError::Failed(message)));
        } else {
            self.write_submission(&submission, reply);
        }
    }

    fn write_submission(&mut self, submission: &Submission, reply: SubmitReply) {
        let idle = self.turns.open().is_empty() && !self.turns.is_running();
        self.turns.submitted(submission.id);
        self.lines.push_back(Line {
            bytes: control::prompt(submission),
            submit: Some(submission.id),
        });
        let new = !submission.repeat;
        if new && !idle {
            self.known.insert(submission.id, Submitted::Known);
            answer(reply, Ok(Submitted::New));
            return;
        }
        self.lookup = Some(Lookup {
            submit: submission.id,
            barrier: (!new).then(|| self.write_barrier()),
            new,
            began: false,
            replayed: false,
            reply,
        });
    }

    fn write_barrier(&mut self) -> String {
        let barrier = self.request_id();
        let line = control::barrier(&barrier, self.mode);
        self.lines.push_back(line.into());
        barrier
    }

    /// Asks the CLI to end the running turn.
    pub(super) fn interrupt(&mut self) {
        if self.turns.interrupt() {
            self.write_interrupt();
        }
    }

    /// Has the CLI drop a submission that it has not read.
    pub(super) fn withdraw(&mut self, submit: SubmitId) {
        self.waiting.retain(|(waiting, _)| waiting.id != submit);
        if self.turns.open().contains(&submit) && self.withdrawing.len() < WITHDRAWING {
            let id = self.request_id();
            let line = control::withdraw(&id, submit);
            self.lines.push_back(line.into());
            self.withdrawing.insert(id, submit);
        }
    }

    fn write_interrupt(&mut self) {
        let id = self.request_id();
        self.lines.push_back(control::interrupt(&id).into());
    }

    /// Answers a request; nothing for one that does not wait. Whether it did.
    pub(super) fn respond(&mut self, request: &RequestId, answer: &Answer) -> bool {
        let response = self.asking.respond(request, answer);
        let waited = response.is_some();
        if let Some(response) = response {
            let line = control::response(request, &response);
            self.lines.push_back(line.into());
        }
        waited
    }

    /// Takes what the CLI wrote.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        let mut outputs = Vec::new();
        self.stream.push(bytes, &mut outputs);
        for output in outputs {
            self.output(output);
        }
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Event(event) => {
                self.turns.did(&event);
                self.report(event);
            }
            Output::Began { model } => self.began(model),
            Output::Replayed(id) => self.replayed(id),
            Output::Ended(result) => self.ended(result),
            Output::Answered {
                id,
                error,
                response,
            } => {
                self.answered(&id, error.as_deref(), &response);
            }
            Output::Mode(mode) => self.mode = mode,
            Output::Asked(inquiry) => self.asked(*inquiry),
            Output::Withdrawn(id) => {
                if self.asking.withdraw(&id) {
                    self.report(AgentEvent::Withdrawn(id));
                }
            }
            Output::Unsupported { id } => self.lines.push_back(control::unsupported(&id).into()),
        }
    }

    fn began(&mut self, model: String) {
        let interrupts = self.turns.began();
        if let Some(lookup) = &mut self.lookup {
            lookup.began = true;
        }
        self.new_one_runs();
        if interrupts {
            self.write_interrupt();
        }
        self.report(AgentEvent::Started { model });
    }

    fn replayed(&mut self, id: SubmitId) {
        match &mut self.lookup {
            Some(lookup) if lookup.submit == id && !lookup.began => lookup.replayed = true,
            Some(_) | None => self.turns.replayed(id),
        }
        let unsure = |lookup: &Lookup| lookup.replayed && lookup.barrier.is_none();
        if self.lookup.as_ref().is_some_and(unsure) {
            let barrier = self.write_barrier();
            if let Some(lookup) = &mut self.lookup {
                lookup.barrier = Some(barrier);
            }
        }
    }

    /// Notes that the submission that is said to be new runs, if one waits for that.
    fn new_one_runs(&mut self) {
        if let Some(mut lookup) = self.lookup.take_if(|lookup| lookup.new) {
            if std::mem::take(&mut lookup.replayed) {
                self.turns.replayed(lookup.submit);
            }
            self.looked_up(lookup);
        }
    }

    fn ended(&mut self, result: TurnResult) {
        self.last_result = Some(Instant::now());
        self.new_one_runs();
        for id in self.asking.withdraw_all() {
            self.report(AgentEvent::Withdrawn(id));
        }
        if let Some(report) = self.turns.ended(result) {
            self.report(AgentEvent::Ended(report));
        } else {
            tracing::debug!("a result that covers nothing was ignored");
        }
    }

    fn answered(&mut self, id: &str, error: Option<&str>, response: &Value) {
        if let Some(error) = error {
            tracing::debug!(id, error, "the agent refused a request");
        }
        if let Some(submit) = self.withdrawing.remove(id) {
            if response["cancelled"] == true {
                self.turns.dropped(submit);
            }
        } else if id == READY {
            // An error is an answer too: what matters is that the CLI reads its input.
            self.ready = true;
        } else if let Some(lookup) = self
            .lookup
            .take_if(|lookup| lookup.barrier.as_deref() == Some(id))
        {
            self.looked_up(lookup);
        }
    }

    fn looked_up(&mut self, lookup: Lookup) {
        if lookup.replayed {
            self.turns.dropped(lookup.submit);
            self.known
                .insert(lookup.submit, Submitted::InterruptedBefore);
            answer(lookup.reply, Ok(Submitted::InterruptedBefore));
        } else {
            self.known.insert(lookup.submit, Submitted::Known);
            answer(lookup.reply, Ok(Submitted::New));
        }
        while self.lookup.is_none()
            && let Some((submission, reply)) = self.waiting.pop_front()
        {
            self.submit(submission, reply, true);
        }
    }

    fn asked(&mut self, inquiry: Inquiry) {
        let id = inquiry.request.id.clone();
        let allowed = self.allow_requests && inquiry.open.is_permission();
        let looks = inquiry.look.is_some();
        if let Err(refused) = self.asking.take(inquiry) {
            let message = "too much is asked at the same time".to_owned();
            let response = refused.response(&Answer::Deny { message });
            let line = control::response(&id, &response);
            self.lines.push_back(line.into());
        } else if allowed || self.asking.is_granted(&id, None) {
            self.respond(&id, &Answer::Allow(Scope::Once));
        } else if !looks && let Some(request) = self.asking.tell(&id) {
            self.report(AgentEvent::Requested(request));
        }
    }

    /// Takes the end of the process.
    pub(super) fn exited(&mut self, exit: Exit) {
        if let Some(lookup) = self.lookup.take() {
            // It stays open: it may have been run, and its end says how the process ended.
            let written = lookup.new.then_some(Submitted::New);
            answer(lookup.reply, written.ok_or(OpenError::NotRunning));
        }
        self.waiting.clear();
        // It may be answered all the same: whoever goes on with the session is told.
        drop(self.asking.withdraw_all());
        if let Some(report) = self.turns.exited(&exit) {
            self.report(AgentEvent::Ended(report));
        }
        self.report(AgentEvent::Exited(exit));
    }

    fn report(&mut self, event: AgentEvent) {
        self.events.push_back(event);
    }

    fn request_id(&mut self) -> String {
        self.requests += 1;
        format!("mpg-{}", self.requests)
    }
}

/// The submissions that this process had, oldest forgotten first.
#[derive(Debug, Default)]
struct Known {
    fates: BTreeMap<SubmitId, Submitted>,
    order: VecDeque<SubmitId>,
}

impl Known {
    fn get(&self, id: SubmitId) -> Option<Submitted> {
        self.fates.get(&id).copied()
    }

    fn insert(&mut self, id: SubmitId, fate: Submitted) {
        if self.fates.insert(id, fate).is_none() {
            self.order.push_back(id);
        }
        if self.order.len() > KNOWN
            && let Some(oldest) = self.order.pop_front()
        {
            self.fates.remove(&oldest);
        }
    }
}

fn answer(reply: SubmitReply, with: Result<Submitted, OpenError>) {
    // Whoever asked may have stopped waiting; what was submitted stays submitted.
    let _nobody_waits = reply.send(with);
}

#[cfg(test)]
mod tests;
