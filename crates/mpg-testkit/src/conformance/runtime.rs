//! What every agent runtime must do.
//!
//! Implement [`RuntimeHarness`] and call [`run_all`] in a test; each clause can be called alone
//! too. Every clause opens sessions of its own and leaves nothing of them behind.

mod fork;
mod request;

use std::collections::BTreeSet;
use std::fs;
use std::future::Future;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mpg_core::agent::{AgentEvent, FailureKind, Seq, TurnReport};
use mpg_core::id::{SessionId, SubmitId};
use mpg_core::port::{
    AgentEvents, AgentRuntime, AgentSession, OpenError, SessionSpec, SessionStart, Submission,
    Submitted,
};
use tokio::task::yield_now;
use tokio::time::timeout;
use uuid::Uuid;

pub use self::fork::{a_fork_leaves_its_session_as_it_is, a_fork_of_an_unknown_session_is_lost};
pub use self::request::{
    a_request_waits_for_its_answer, a_request_waits_for_whoever_comes_next,
    an_interruption_withdraws_a_request,
};

/// After how long a runtime that does not go on counts as stuck.
const STUCK: Duration = Duration::from_mins(1);
/// How long an agent has to end by itself.
const GRACE: Duration = Duration::from_secs(10);

/// A runtime under test, and what its agent has to be asked.
pub trait RuntimeHarness: Sync {
    /// The runtime.
    fn runtime(&self) -> Arc<dyn AgentRuntime>;

    /// What a session is opened with; its directory is there.
    fn spec(&self, session: SessionId, start: SessionStart) -> SessionSpec;

    /// A prompt that is answered with exactly `text`.
    fn prompt_for_text(&self, text: &str) -> String;

    /// A prompt whose agent asks for one permission, and whatever becomes of that, ends its answer with
    /// `text`.
    fn prompt_with_request(&self, text: &str) -> String;

    /// A prompt that is not answered unless it is interrupted.
    fn prompt_without_end(&self) -> String;
}

/// Runs all clauses, one after the other.
///
/// # Panics
///
/// At the first clause that does not hold.
pub async fn run_all(harness: &impl RuntimeHarness) {
    a_first_turn_ends_with_its_text(harness).await;
    a_second_turn_runs_in_the_same_agent(harness).await;
    a_submission_runs_once(harness).await;
    sequence_numbers_rise_by_one(harness).await;
    next_is_cancel_safe(harness).await;
    an_interruption_ends_the_turn_alone(harness).await;
    closing_ends_with_exited(harness).await;
    closing_cuts_a_turn(harness).await;
    a_closed_session_goes_on(harness).await;
    an_unknown_session_is_lost(harness).await;
    a_begun_session_begins_again(harness).await;
    a_missing_directory_is_named(harness).await;
    a_dropped_session_can_be_opened_again(harness).await;
    a_session_that_is_left_can_be_opened_again(harness).await;
    a_request_waits_for_its_answer(harness).await;
    an_interruption_withdraws_a_request(harness).await;
    a_request_waits_for_whoever_comes_next(harness).await;
    a_fork_leaves_its_session_as_it_is(harness).await;
    a_fork_of_an_unknown_session_is_lost(harness).await;
}

/// A first turn is new, ends with its text and covers its submission.
///
/// # Panics
///
/// Where it does not hold.
pub async fn a_first_turn_ends_with_its_text(harness: &impl RuntimeHarness) {
    let mut agent = Agent::open(harness, SessionStart::New).await;
    let submit = agent.ask("the first text").await;
    let report = agent.ended().await;
    assert_eq!(report.result, Ok("the first text".to_owned()));
    assert_eq!(report.submits, [submit]);
    agent.close().await;
}

/// An agent serves another turn after its first.
///
/// # Panics
///
/// Where it does not hold.
pub async fn a_second_turn_runs_in_the_same_agent(harness: &impl RuntimeHarness) {
    let mut agent = Agent::open(harness, SessionStart::New).await;
    agent.ask("one").await;
    agent.ended().await;
    let submit = agent.ask("two").await;
    let report = agent.ended().await;
    assert_eq!(report.result, Ok("two".to_owned()));
    assert_eq!(report.submits, [submit]);
    agent.close().await;
}

/// An id that is submitted twice runs once.
///
/// # Panics
///
/// Where it does not hold.
pub async fn a_submission_runs_once(harness: &impl RuntimeHarness) {
    let mut agent = Agent::open(harness, SessionStart::New).await;
    let first = submission(harness.prompt_for_text("once"));
    assert_eq!(agent.submit(first.clone()).await, Submitted::New);
    assert_eq!(agent.submit(first.clone()).await, Submitted::Known);
    assert_eq!(agent.ended().await.submits, [first.id]);
    assert_eq!(agent.submit(first.clone()).await, Submitted::Known);
    let repeated = Submission {
        repeat: true,
        ..first
    };
    assert_eq!(agent.submit(repeated).await, Submitted::Known);
    let second = agent.ask("twice").await;
    let report = agent.ended().await;
    assert_eq!(report.submits, [second], "the repeat ran");
    agent.close().await;
}

/// Each event but the first has the number behind its predecessor's, and a session that goes on
/// does not begin again.
///
/// # Panics
///
/// Where it does not hold.
pub async fn sequence_numbers_rise_by_one(harness: &impl RuntimeHarness) {
    let mut agent = Agent::open(harness, SessionStart::New).await;
    for text in ["one", "two"] {
        agent.ask(text).await;
        // Each event's number is checked where it is taken.
        agent.ended().await;
    }
    agent.close().await;
}

/// Dropping the future of `next` loses no event.
///
/// # Panics
///
/// Where it does not hold.
pub async fn next_is_cancel_safe(harness: &impl RuntimeHarness) {
    let mut agent = Agent::open(harness, SessionStart::New).await;
    agent.ask("cancelled and whole").await;
    let report = within("the end of a turn", async {
        loop {
            let dropped = tokio::select! {
                biased;
                event = agent.events.next() => Some(event),
                () = yield_now() => None,
            };
            if let Some(event) = dropped
                && let AgentEvent::Ended(report) = agent.check(event)
            {
                return report;
            }
        }
    })
    .await;
    assert_eq!(report.result, Ok("cancelled and whole".to_owned()));
    agent.close().await;
}

/// An interruption ends the turn as interrupted, and the agent takes the next one; one that comes
/// while nothing runs changes nothing.
///
/// # Panics
///
/// Where it does not hold.
pub async fn an_interruption_ends_the_turn_alone(harness: &impl RuntimeHarness) {
    let mut agent = Agent::open(harness, SessionStart::New).await;
    agent.session.interrupt().await;
    let hanging = submission(harness.prompt_without_end());
    assert_eq!(agent.submit(hanging.clone()).await, Submitted::New);
    agent.session.interrupt().await;
    let report = agent.ended().await;
    assert_eq!(report.submits, [hanging.id]);
    let failure = report
        .result
        .expect_err("an interrupted turn has no answer");
    assert_eq!(failure.kind, FailureKind::Interrupted);
    agent.session.interrupt().await;
    agent.ask("after it").await;
    assert_eq!(agent.ended().await.result, Ok("after it".to_owned()));
    agent.close().await;
}

/// A closed agent reports its exit and then nothing, and can be closed again.
///
/// # Panics
///
/// Where it does not hold.
pub async fn closing_ends_with_exited(harness: &impl RuntimeHarness) {
    let mut agent = Agent::open(harness, SessionStart::New).await;
    agent.ask("before the end").await;
    agent.ended().await;
    let control = Arc::clone(&agent.session);
    agent.close().await;
    within("a second close", control.close(GRACE)).await;
    let late = submission(harness.prompt_for_text("too late"));
    let refused = within("a late submission", control.submit(late)).await;
    assert!(refused.is_err(), "a closed agent took a submission");
}

/// Closing in the middle of a turn ends the turn as cut off before the exit is reported.
///
/// # Panics
///
/// Where it does not hold.
pub async fn closing_cuts_a_turn(harness: &impl RuntimeHarness) {
    let mut agent = Agent::open(harness, SessionStart::New).await;
    let hanging = submission(harness.prompt_without_end());
    agent.submit(hanging.clone()).await;
    let session = Arc::clone(&agent.session);
    within("the close", session.close(Duration::ZERO)).await;
    let report = agent.ended().await;
    assert_eq!(report.submits, [hanging.id]);
    let failure = report
        .result
        .expect_err("a turn that was cut has no answer");
    assert_eq!(failure.kind, FailureKind::Exited);
    agent.close().await;
}

/// A session that was closed is resumed.
///
/// # Panics
///
/// Where it does not hold.
pub async fn a_closed_session_goes_on(harness: &impl RuntimeHarness) {
    let mut agent = Agent::open(harness, SessionStart::New).await;
    agent.ask("before").await;
    agent.ended().await;
    let id = agent.id;
    agent.close().await;
    let mut agent = Agent::open_as(harness, id, SessionStart::Resume).await;
    agent.ask("after").await;
    assert_eq!(agent.ended().await.result, Ok("after".to_owned()));
    agent.close().await;
}

/// A session that the agent does not know is not resumed.
///
/// # Panics
///
/// Where it does not hold.
pub async fn an_unknown_session_is_lost(harness: &impl RuntimeHarness) {
    let session = SessionId::from_uuid(unique());
    let spec = harness.spec(session, SessionStart::Resume);
    let opened = within("opening", harness.runtime().open(spec)).await;
    match opened {
        Err(OpenError::SessionLost(lost)) => assert_eq!(lost, session),
        other => panic!("an unknown session was not lost: {other:?}"),
    }
    nothing_left(session);
}

/// A session that was begun and never got to its first end begins again under its id.
///
/// # Panics
///
/// Where it does not hold.
pub async fn a_begun_session_begins_again(harness: &impl RuntimeHarness) {
    let mut agent = Agent::open(harness, SessionStart::Begun).await;
    agent.ask("begun").await;
    assert_eq!(agent.ended().await.result, Ok("begun".to_owned()));
    let id = agent.id;
    agent.close().await;
    let mut agent = Agent::open_as(harness, id, SessionStart::Begun).await;
    agent.ask("and gone on").await;
    assert_eq!(agent.ended().await.result, Ok("and gone on".to_owned()));
    agent.close().await;
}

/// A directory that is not there is named.
///
/// # Panics
///
/// Where it does not hold.
pub async fn a_missing_directory_is_named(harness: &impl RuntimeHarness) {
    let mut spec = harness.spec(SessionId::from_uuid(unique()), SessionStart::New);
    spec.directory.push_str("/not/there");
    let directory = spec.directory.clone();
    let opened = within("opening", harness.runtime().open(spec)).await;
    match opened {
        Err(OpenError::DirectoryMissing(named)) => assert_eq!(named, directory),
        other => panic!("a missing directory was not reported: {other:?}"),
    }
}

/// A session whose halves are dropped can be opened again; what it reported before may come again.
///
/// # Panics
///
/// Where it does not hold.
pub async fn a_dropped_session_can_be_opened_again(harness: &impl RuntimeHarness) {
    let mut agent = Agent::open(harness, SessionStart::New).await;
    agent.ask("before").await;
    agent.ended().await;
    let id = agent.id;
    drop(agent);
    let mut agent = Agent::open_as(harness, id, SessionStart::Begun).await;
    let after = agent.ask("after").await;
    let mut report = agent.ended().await;
    if report.submits != [after] {
        report = agent.ended().await;
    }
    assert_eq!(report.submits, [after]);
    assert_eq!(report.result, Ok("after".to_owned()));
    agent.close().await;
}

/// A session that is left ends with its reports, and can be opened again; a turn that ran meanwhile
/// ends there, or is run by another submission of the same id.
///
/// # Panics
///
/// Where it does not hold.
pub async fn a_session_that_is_left_can_be_opened_again(harness: &impl RuntimeHarness) {
    let mut agent = Agent::open(harness, SessionStart::New).await;
    agent.ask("before").await;
    agent.ended().await;
    let submission = submission(harness.prompt_for_text("meanwhile"));
    assert_eq!(agent.submit(submission.clone()).await, Submitted::New);
    let id = agent.id;
    within("leaving", agent.session.leave(GRACE)).await;
    drop(agent);
    let mut spec = harness.spec(id, SessionStart::Begun);
    spec.owed = Some(submission.id);
    let opened = within("opening", harness.runtime().open(spec)).await;
    let AgentSession {
        control,
        mut events,
        ..
    } = opened.unwrap_or_else(|error| panic!("what was left was not opened: {error}"));
    let repeated = Submission {
        repeat: true,
        ..submission.clone()
    };
    let submitted = within("a submission", control.submit(repeated)).await;
    if let Ok(Submitted::New | Submitted::Known) = submitted {
        let ended = async {
            while let Some((_, event)) = events.next().await {
                if let AgentEvent::Ended(report) = event
                    && report.submits == [submission.id]
                {
                    return report.result;
                }
            }
            panic!("the turn had no end");
        };
        let result = within("the end of a turn", ended).await;
        assert_eq!(result, Ok("meanwhile".to_owned()));
    } else {
        assert!(
            matches!(submitted, Ok(Submitted::InterruptedBefore)),
            "{submitted:?}"
        );
    }
    within("the close", control.close(GRACE)).await;
    nothing_left(id);
}

/// Checks that no process carries the session's id in its environment or command line.
///
/// # Panics
///
/// Where one does.
pub fn nothing_left(session: SessionId) {
    let left = carriers(session);
    assert!(left.is_empty(), "still running: {left:?}");
}

/// Waits until each zombie that is a child of this process now is waited for.
///
/// Those of tests beside this one count too; the ones that come later do not.
///
/// # Panics
///
/// Where one stays.
pub async fn no_zombies() {
    let found = zombies();
    let gone = async {
        while found.intersection(&zombies()).next().is_some() {
            yield_now().await;
        }
    };
    within("waiting for zombies", gone).await;
}

/// The zombies that are children of this process.
fn zombies() -> BTreeSet<String> {
    let own = process::id().to_string();
    let mut zombies = BTreeSet::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let stat = fs::read(entry.path().join("stat")).unwrap_or_default();
        let stat = String::from_utf8_lossy(&stat);
        let Some((name, fields)) = stat.rsplit_once(')') else {
            continue;
        };
        let fields: Vec<&str> = fields.split_ascii_whitespace().take(2).collect();
        if fields == ["Z", own.as_str()] {
            zombies.insert(name.to_owned());
        }
    }
    zombies
}

/// The processes that carry the session's id, as `pid: command`; this one is none of them.
pub fn carriers(session: SessionId) -> Vec<String> {
    let id = session.to_string();
    let own = process::id().to_string();
    let mut carriers = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == own || !name.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let read = |file: &str| {
            let bytes = fs::read(entry.path().join(file)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).replace('\0', " ")
        };
        let command = read("cmdline");
        if command.contains(&id) || read("environ").contains(&id) {
            carriers.push(format!("{name}: {command}"));
        }
    }
    carriers
}

/// An open session that checks what it reports.
struct Agent<'a, H> {
    harness: &'a H,
    id: SessionId,
    session: Arc<dyn mpg_core::port::AgentControl>,
    events: Box<dyn AgentEvents>,
    seq: Option<Seq>,
}

impl<'a, H: RuntimeHarness> Agent<'a, H> {
    async fn open(harness: &'a H, start: SessionStart) -> Self {
        Self::open_as(harness, SessionId::from_uuid(unique()), start).await
    }

    async fn open_as(harness: &'a H, id: SessionId, start: SessionStart) -> Self {
        let runtime = harness.runtime();
        let opened = within("opening", runtime.open(harness.spec(id, start))).await;
        let opened = opened.unwrap_or_else(|error| panic!("{start:?} was not opened: {error}"));
        Self::of(harness, id, opened)
    }

    fn of(harness: &'a H, id: SessionId, opened: AgentSession) -> Self {
        let AgentSession {
            control, events, ..
        } = opened;
        Self {
            harness,
            id,
            session: control,
            events,
            seq: None,
        }
    }

    async fn submit(&self, submission: Submission) -> Submitted {
        within("a submission", self.session.submit(submission))
            .await
            .unwrap_or_else(|error| panic!("not submitted: {error}"))
    }

    async fn ask(&self, text: &str) -> SubmitId {
        let submission = submission(self.harness.prompt_for_text(text));
        let id = submission.id;
        assert_eq!(self.submit(submission).await, Submitted::New);
        id
    }

    /// The report of the next turn that ends.
    async fn ended(&mut self) -> TurnReport {
        within("the end of a turn", async {
            loop {
                let event = self.events.next().await;
                if let AgentEvent::Ended(report) = self.check(event) {
                    return report;
                }
            }
        })
        .await
    }

    fn check(&mut self, event: Option<(Seq, AgentEvent)>) -> AgentEvent {
        let (seq, event) = event.expect("the events ended without an exit");
        self.count(seq, &event);
        assert!(
            !matches!(event, AgentEvent::Exited(_)),
            "the agent ended by itself: {event:?}"
        );
        event
    }

    fn count(&mut self, seq: Seq, event: &AgentEvent) {
        if let Some(last) = self.seq {
            assert_eq!(seq.0, last.0 + 1, "a number was left out before {event:?}");
        }
        self.seq = Some(seq);
    }

    async fn close(mut self) {
        within("the close", self.session.close(GRACE)).await;
        nothing_left(self.id);
        within("the exit", async {
            loop {
                let (seq, event) = self.events.next().await.expect("the exit is reported");
                self.count(seq, &event);
                if matches!(event, AgentEvent::Exited(_)) {
                    break;
                }
            }
        })
        .await;
        let behind = within("the end of the events", self.events.next()).await;
        assert_eq!(behind, None, "something was reported behind the exit");
    }
}

fn submission(prompt: String) -> Submission {
    Submission {
        id: SubmitId::from_uuid(unique()),
        prompt,
        images: Vec::new(),
        repeat: false,
    }
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(STUCK, future)
        .await
        .unwrap_or_else(|_| panic!("{what} did not come within {STUCK:?}"))
}

/// An id that no other test has, in this process or another.
fn unique() -> Uuid {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("{} {} {count}", process::id(), now.as_nanos());
    Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())
}
