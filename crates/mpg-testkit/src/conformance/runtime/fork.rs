//! Sessions that begin with what another one said.

use mpg_core::agent::FailureKind;
use mpg_core::id::SessionId;
use mpg_core::port::{OpenError, SessionStart, Submitted};

use super::{Agent, RuntimeHarness, nothing_left, submission, unique, within};

/// A session is forked while a turn runs in it: the fork answers, ends and goes on under its own id,
/// and the turn, the session and its agent know nothing of that.
///
/// # Panics
///
/// Where it does not hold.
pub async fn a_fork_leaves_its_session_as_it_is(harness: &impl RuntimeHarness) {
    let mut source = Agent::open(harness, SessionStart::New).await;
    source.ask("said before").await;
    source.ended().await;
    let hanging = submission(harness.prompt_without_end());
    assert_eq!(source.submit(hanging.clone()).await, Submitted::New);

    let start = SessionStart::Fork(source.id);
    let mut fork = Agent::open(harness, start).await;
    fork.ask("aside").await;
    assert_eq!(fork.ended().await.result, Ok("aside".to_owned()));
    let id = fork.id;
    fork.close().await;
    for again in [start, SessionStart::Resume] {
        let mut fork = Agent::open_as(harness, id, again).await;
        fork.ask("and on").await;
        assert_eq!(fork.ended().await.result, Ok("and on".to_owned()));
        fork.close().await;
    }

    source.session.interrupt().await;
    let report = source.ended().await;
    assert_eq!(report.submits, [hanging.id], "the turn was disturbed");
    let failure = report.result.expect_err("it was interrupted");
    assert_eq!(failure.kind, FailureKind::Interrupted);
    source.ask("said after").await;
    assert_eq!(source.ended().await.result, Ok("said after".to_owned()));
    source.close().await;
}

/// A session that the agent does not know is not forked.
///
/// # Panics
///
/// Where it does not hold.
pub async fn a_fork_of_an_unknown_session_is_lost(harness: &impl RuntimeHarness) {
    let session = SessionId::from_uuid(unique());
    let start = SessionStart::Fork(SessionId::from_uuid(unique()));
    let spec = harness.spec(session, start);
    let opened = within("opening", harness.runtime().open(spec)).await;
    match opened {
        Err(OpenError::SessionLost(lost)) => assert_eq!(lost, session),
        other => panic!("a fork of nothing was not lost: {other:?}"),
    }
    nothing_left(session);
}
