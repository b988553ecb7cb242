//! Agents that go on while no gateway listens.

#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use mpg_core::agent::Seq;
use mpg_core::id::SessionId;
use mpg_core::port::{AgentRuntime, AgentSession, OpenError, SessionSpec};
use mpg_engine::{CommitFault, Ended, EngineError, ScriptedRuntime};
use mpg_testkit::fake::{Happening, World};
use tokio::time::sleep;

use crate::stage::{Running, Stage, say, script, wait};

/// A stage whose agents survive, and the runtime that keeps them.
fn surviving(runtime: ScriptedRuntime) -> (Stage, ScriptedRuntime) {
    let runtime = runtime.surviving();
    (Stage::new(runtime.clone()), runtime)
}

fn slow() -> ScriptedRuntime {
    script(|text, _| vec![wait(60), say(&format!("re: {text}"))])
}

/// The gateway is gone from one moment to the next.
async fn kill(engine: Running) {
    engine.abort().await;
}

async fn works(stage: &Stage) {
    let runs = |world: &World| {
        let mut entries = world.entries().iter();
        entries.any(|entry| matches!(entry.happening, Happening::Typing(_)))
    };
    stage.chat.wait_until(runs).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_came_while_the_gateway_was_away_is_delivered_once() {
    for away in [1, 59, 61, 3_600] {
        let (mut stage, runtime) = surviving(slow());
        stage.turn_timeout = Duration::from_hours(2);
        let engine = stage.start().await;
        stage.chat.say(&stage.general, "ann", "work");
        works(&stage).await;
        kill(engine).await;
        sleep(Duration::from_secs(away)).await;
        let engine = stage.start().await;
        stage.posts(1).await;
        engine.drain().await;
        let expected = "*(went on while the gateway was away)*\n\nre: work";
        assert_eq!(stage.texts(), [expected], "away for {away} s");
        assert!(runtime.strays().await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_leaves_what_works_and_ends_what_does_not() {
    let (mut stage, runtime) = surviving(script(|text, _| match text {
        "quick" => vec![say("done")],
        _ => vec![wait(100), say("done at last")],
    }));
    stage.turn_timeout = Duration::from_hours(1);
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "quick");
    stage.posts(1).await;
    stage.chat.say(&stage.general, "ann", "slow");
    stage.chat.wait_until(World::is_acknowledged).await;
    engine.stop.drain();
    let ended = engine
        .ended()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(ended, Ended::Cut { turns: 1, posts: 0 });
    assert_eq!(runtime.strays().await.len(), 1, "one works on");
    let engine = stage.start().await;
    stage.posts(2).await;
    engine.drain().await;
    assert_eq!(
        stage.texts(),
        [
            "done",
            "*(went on while the gateway was away)*\n\ndone at last"
        ]
    );
    assert!(runtime.strays().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_could_not_be_stored_is_still_with_its_agent() {
    for fault in [CommitFault::Lost, CommitFault::ReplyLost] {
        let (stage, runtime) = surviving(slow());
        let engine = stage.start().await;
        stage.chat.say(&stage.general, "ann", "work");
        works(&stage).await;
        stage.store.fail_next(fault);
        assert!(matches!(engine.ended().await, Err(EngineError::Store(_))));
        assert_eq!(runtime.strays().await.len(), 1, "it is left");
        let engine = stage.start().await;
        stage.posts(1).await;
        engine.drain().await;
        assert_eq!(stage.texts().len(), 1, "{fault:?}: {:?}", stage.texts());
        assert!(stage.texts()[0].ends_with("re: work"));
        assert!(runtime.strays().await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_agent_is_taken_over_used_again_and_closed() {
    let (mut stage, runtime) = surviving(script(|text, earlier| {
        vec![say(&format!("{text} after {earlier}"))]
    }));
    stage.turn_timeout = Duration::from_hours(1);
    let engine = stage.start().await;
    let first = stage.chat.say(&stage.general, "ann", "one");
    stage.posts(1).await;
    stage.chat.wait_until(World::is_acknowledged).await;
    sleep(Duration::from_secs(1)).await;
    kill(engine).await;
    assert_eq!(runtime.strays().await.len(), 1);
    let engine = stage.start().await;
    sleep(Duration::from_secs(1)).await;
    assert!(runtime.strays().await.is_empty(), "somebody listens");
    stage.chat.say(&stage.chat.thread_of(&first), "ann", "two");
    stage.posts(2).await;
    assert_eq!(stage.texts(), ["one after 0", "two after 1"]);
    engine.drain().await;
    let engine = stage.start().await;
    engine.drain().await;
    assert!(runtime.strays().await.is_empty());
}

/// Agents of which those that are taken over were started with other settings.
#[derive(Clone, Debug)]
struct Changed {
    runtime: ScriptedRuntime,
    /// For each time that an agent was opened, whether it was taken over.
    opened: Arc<Mutex<Vec<bool>>>,
}

#[async_trait]
impl AgentRuntime for Changed {
    async fn open(&self, spec: SessionSpec) -> Result<AgentSession, OpenError> {
        let outdated = self.runtime.strays().await.contains(&spec.session);
        self.opened.lock().unwrap().push(outdated);
        let session = self.runtime.open(spec).await?;
        Ok(AgentSession {
            outdated,
            ..session
        })
    }

    async fn attach(&self, session: SessionId, after: Seq) -> Result<AgentSession, OpenError> {
        self.runtime.attach(session, after).await
    }

    async fn strays(&self) -> Vec<SessionId> {
        self.runtime.strays().await
    }

    async fn acknowledge(&self, session: SessionId, seq: Seq) {
        self.runtime.acknowledge(session, seq).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_with_other_settings_ends_its_turn_and_gets_no_other() {
    let runtime = Changed {
        runtime: slow().surviving(),
        opened: Arc::default(),
    };
    let mut stage = Stage::new(runtime.clone());
    stage.turn_timeout = Duration::from_hours(1);
    let engine = stage.start().await;
    let first = stage.chat.say(&stage.general, "ann", "work");
    works(&stage).await;
    kill(engine).await;
    let engine = stage.start().await;
    stage.posts(1).await;
    let thread = stage.chat.thread_of(&first);
    stage.chat.say(&thread, "ann", "more");
    stage.posts(2).await;
    engine.drain().await;
    let opened = runtime.opened.lock().unwrap().clone();
    assert_eq!(opened, [false, true, false], "new, taken over, new");
    assert_eq!(
        stage.texts(),
        [
            "*(went on while the gateway was away)*\n\nre: work",
            "re: more"
        ]
    );
    assert!(runtime.runtime.strays().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_a_person_stopped_is_interrupted_by_the_next_gateway() {
    let (mut stage, runtime) = surviving(script(|text, _| match text {
        "work" => vec![wait(3_600), say("nobody wants this any more")],
        text => vec![say(&format!("re: {text}"))],
    }));
    stage.turn_timeout = Duration::from_hours(2);
    let engine = stage.start().await;
    let first = stage.chat.say(&stage.general, "ann", "work");
    works(&stage).await;
    stage.store.fail_next(CommitFault::ReplyLost);
    let thread = stage.chat.thread_of(&first);
    stage.chat.say(&thread, "ann", "!stop");
    assert!(matches!(engine.ended().await, Err(EngineError::Store(_))));
    assert_eq!(runtime.strays().await.len(), 1, "it works on");
    let engine = stage.start().await;
    stage.posts(1).await;
    sleep(Duration::from_secs(1)).await;
    stage.chat.say(&thread, "ann", "go on");
    stage.posts(2).await;
    sleep(Duration::from_hours(2)).await;
    engine.drain().await;
    assert_eq!(
        stage.texts(),
        ["1 turn stopped, what was said so far is kept", "re: go on"]
    );
    assert!(runtime.strays().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_agent_of_nobody_is_ended() {
    let (stage, runtime) = surviving(slow());
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "work");
    works(&stage).await;
    kill(engine).await;
    // Another state: it knows nothing of the session.
    let mut other = Stage::new(runtime.clone());
    other.store = Arc::new(mpg_engine::MemoryStore::new(
        mpg_core::id::InstallationId::from_uuid(uuid::Uuid::from_u128(2)),
    ));
    let engine = other.start().await;
    engine.drain().await;
    assert!(runtime.strays().await.is_empty());
}
