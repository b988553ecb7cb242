//! Sessions that begin with what another one said.

use std::fs;

use mpg_core::agent::{AgentSpec, PermissionMode, Permissions};
use mpg_core::port::{AgentRuntime as _, SessionStart};

use crate::fixture::{Fixture, Running, new_session, tool};

/// A session that answered once, and has that written down: which it is for sure where it was closed.
async fn answered(fixture: &Fixture) -> Running {
    let mut source = fixture.open(AgentSpec::default()).await;
    assert_eq!(source.answer("SAY:one").await, "one");
    let id = source.id;
    source.close().await;
    let again = fixture.open_as(id, SessionStart::Resume, AgentSpec::default());
    again.await.unwrap()
}

#[tokio::test]
async fn a_side_question_knows_the_conversation_and_has_no_tools() {
    let fixture = Fixture::start().await;
    let mut source = answered(&fixture).await;
    let running = source.ask("HOLD:end\nSAY:two").await;

    let spec = AgentSpec {
        permissions: Permissions::Deny,
        ..AgentSpec::default()
    };
    let start = SessionStart::Fork(source.id);
    let mut aside = fixture.open_as(new_session(), start, spec).await.unwrap();
    assert_eq!(aside.answer("SAY:because").await, "because");
    let asked = fixture.api.asked("SAY:because").await;
    // Behind a prompt that has no answer yet the CLI puts one of its own, once that is written down.
    let known = asked.answers();
    assert_eq!(known.first().map(String::as_str), Some("one"), "{known:?}");
    assert!(known.iter().all(|answer| answer != "two"), "{known:?}");
    assert!(asked.tools().is_empty(), "{:?}", asked.tools());
    aside.close().await;

    fixture.api.release("end");
    let (_, report) = source.turn().await;
    assert_eq!(report.submits, [running]);
    assert_eq!(report.result, Ok("two".to_owned()));
    assert_eq!(source.answer("SAY:three").await, "three");
    let asked = fixture.api.asked("SAY:three").await;
    assert_eq!(asked.answers(), ["one", "two"], "nothing came between");
    source.close().await;
}

#[tokio::test]
async fn a_fork_goes_on_in_another_directory() {
    let fixture = Fixture::start().await;
    let mut source = answered(&fixture).await;
    let id = new_session();
    let agent = AgentSpec {
        permission_mode: PermissionMode::AcceptEdits,
        allowed_tools: ["Edit", "Write"].map(str::to_owned).to_vec(),
        ..AgentSpec::default()
    };
    let start = SessionStart::Fork(source.id);
    for (start, file) in [(start, "first"), (SessionStart::Resume, "second")] {
        let mut spec = fixture.session_spec(id, start, agent.clone());
        spec.directory = fixture.outside().display().to_string();
        let opened = fixture.runtime.open(spec).await.unwrap();
        let mut fork = Running::of(id, opened);
        let path = fixture.outside().join(file);
        let input = serde_json::json!({ "file_path": path, "content": file });
        let prompt = format!("{}\nSAY:done", tool("Write", &input));
        assert_eq!(fork.answer(&prompt).await, "done");
        assert_eq!(fs::read_to_string(path).unwrap(), file);
        fork.close().await;
    }
    assert_eq!(source.answer("SAY:two").await, "two");
    let asked = fixture.api.asked("SAY:two").await;
    assert_eq!(asked.answers(), ["one"], "the fork is another session");
    source.close().await;
}

#[tokio::test]
async fn a_fork_that_was_begun_is_gone_on_with_and_not_made_again() {
    let fixture = Fixture::start().await;
    let mut source = fixture.open(AgentSpec::default()).await;
    assert_eq!(source.answer("SAY:one").await, "one");
    let start = SessionStart::Fork(source.id);
    source.close().await;

    let id = new_session();
    let mut fork = fixture
        .open_as(id, start, AgentSpec::default())
        .await
        .unwrap();
    assert_eq!(fork.answer("SAY:two").await, "two");
    fork.close().await;
    // Nobody knows after a crash whether it had begun.
    let mut fork = fixture
        .open_as(id, start, AgentSpec::default())
        .await
        .unwrap();
    assert_eq!(fork.answer("SAY:three").await, "three");
    let asked = fixture.api.asked("SAY:three").await;
    assert_eq!(asked.answers(), ["one", "two"]);
    fork.close().await;
}
