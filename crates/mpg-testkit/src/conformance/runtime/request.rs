//! Agents that ask people.

use mpg_core::agent::{AgentEvent, FailureKind};
use mpg_core::id::RequestId;
use mpg_core::port::{SessionStart, Submission, Submitted};
use mpg_core::request::{About, Answer, Request, Scope};

use super::{Agent, GRACE, RuntimeHarness, submission, within};

fn deny() -> Answer {
    Answer::Deny {
        message: "not here".to_owned(),
    }
}

/// A request stops the turn until it is answered; later answers, and answers to what was never asked,
/// do nothing.
///
/// # Panics
///
/// Where it does not hold.
pub async fn a_request_waits_for_its_answer(harness: &impl RuntimeHarness) {
    let mut agent = Agent::open(harness, SessionStart::New).await;
    for text in ["denied once", "denied again"] {
        agent.prompt(text).await;
        let request = agent.requested().await;
        let About::Permission(permission) = &request.about else {
            panic!("a permission is asked for: {request:?}");
        };
        assert!(!permission.tool.is_empty() && !permission.rule.is_empty());
        let unknown = RequestId::new("was never asked");
        agent
            .session
            .respond(&unknown, Answer::Allow(Scope::Once))
            .await;
        agent.session.respond(&request.id, deny()).await;
        agent
            .session
            .respond(&request.id, Answer::Allow(Scope::Once))
            .await;
        let report = agent.ended().await;
        let answer = report.result.expect("the turn goes on");
        assert!(answer.ends_with(text), "{answer}");
    }
    agent.close().await;
}

/// A request of a turn that is interrupted is withdrawn before the turn ends, and the agent goes on.
///
/// # Panics
///
/// Where it does not hold.
pub async fn an_interruption_withdraws_a_request(harness: &impl RuntimeHarness) {
    let mut agent = Agent::open(harness, SessionStart::New).await;
    agent.prompt("never said").await;
    let request = agent.requested().await;
    agent.session.interrupt().await;
    let mut withdrawn = false;
    let report = loop {
        match agent.next().await {
            AgentEvent::Withdrawn(id) => withdrawn |= id == request.id,
            AgentEvent::Ended(report) => break report,
            AgentEvent::Started { .. }
            | AgentEvent::Text { .. }
            | AgentEvent::TextEnded
            | AgentEvent::Thinking { .. }
            | AgentEvent::ToolStarted { .. }
            | AgentEvent::ToolEnded { .. }
            | AgentEvent::Tasks(_)
            | AgentEvent::Retrying(_)
            | AgentEvent::Requested(_)
            | AgentEvent::Alive
            | AgentEvent::Exited(_) => {}
        }
    };
    assert!(withdrawn, "the request was not withdrawn");
    let failure = report.result.expect_err("it was interrupted");
    assert_eq!(failure.kind, FailureKind::Interrupted);
    agent.session.respond(&request.id, deny()).await;
    let submit = agent.ask("and on").await;
    assert_eq!(agent.ended().await.submits, [submit]);
    agent.close().await;
}

/// Where an agent outlives its gateway, what it asked stays open for the next one, which hears of it
/// once, by the same id.
///
/// # Panics
///
/// Where it does not hold.
pub async fn a_request_waits_for_whoever_comes_next(harness: &impl RuntimeHarness) {
    let mut agent = Agent::open(harness, SessionStart::New).await;
    let asked = agent.prompt("for the next one").await;
    let request = agent.requested().await;
    let id = agent.id;
    within("the farewell", agent.session.leave(GRACE)).await;
    drop(agent);
    let runtime = harness.runtime();
    let mut spec = harness.spec(id, SessionStart::Resume);
    spec.owed = Some(asked.id);
    let opened = within("opening", runtime.open(spec)).await;
    let opened = opened.unwrap_or_else(|error| panic!("what was left was not opened: {error}"));
    let mut agent = Agent::of(harness, id, opened);
    let again = Submission {
        repeat: true,
        ..asked.clone()
    };
    if agent.submit(again).await == Submitted::Known {
        assert_eq!(agent.requested().await, request, "it is the same request");
        agent.session.respond(&request.id, deny()).await;
        loop {
            match agent.next().await {
                AgentEvent::Requested(again) => panic!("it is asked again: {again:?}"),
                AgentEvent::Ended(report) => {
                    assert_eq!(report.submits, [asked.id]);
                    break;
                }
                AgentEvent::Started { .. }
                | AgentEvent::Text { .. }
                | AgentEvent::TextEnded
                | AgentEvent::Thinking { .. }
                | AgentEvent::ToolStarted { .. }
                | AgentEvent::ToolEnded { .. }
                | AgentEvent::Tasks(_)
                | AgentEvent::Retrying(_)
                | AgentEvent::Withdrawn(_)
                | AgentEvent::Alive
                | AgentEvent::Exited(_) => {}
            }
        }
    }
    agent.close().await;
}

impl<H: RuntimeHarness> Agent<'_, H> {
    /// Submits a prompt whose agent asks something.
    async fn prompt(&self, text: &str) -> Submission {
        let submission = submission(self.harness.prompt_with_request(text));
        assert_eq!(self.submit(submission.clone()).await, Submitted::New);
        submission
    }

    async fn next(&mut self) -> AgentEvent {
        let event = within("an event", self.events.next()).await;
        self.check(event)
    }

    /// The next request.
    async fn requested(&mut self) -> Request {
        loop {
            match self.next().await {
                AgentEvent::Requested(request) => return request,
                AgentEvent::Ended(report) => panic!("nothing was asked: {report:?}"),
                AgentEvent::Started { .. }
                | AgentEvent::Text { .. }
                | AgentEvent::TextEnded
                | AgentEvent::Thinking { .. }
                | AgentEvent::ToolStarted { .. }
                | AgentEvent::ToolEnded { .. }
                | AgentEvent::Tasks(_)
                | AgentEvent::Retrying(_)
                | AgentEvent::Withdrawn(_)
                | AgentEvent::Alive
                | AgentEvent::Exited(_) => {}
            }
        }
    }
}
