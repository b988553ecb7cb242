//! A store that fails while agents work: they are ended as always, and nothing else is done.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mpg_core::agent::Seq;
use mpg_core::history::Said;
use mpg_core::id::RequestId;
use mpg_core::id::RootId;
use mpg_core::job::Turns;
use mpg_core::port::{
    AgentControl, AgentRuntime, AgentSession, OpenError, SessionSpec, Store, StoreError,
    Submission, Submitted,
};
use mpg_core::record::Record;
use mpg_core::request::Answer;
use mpg_core::snapshot::Snapshot;
use mpg_engine::{CommitFault, EngineError, MemoryStore, ScriptStep, ScriptedRuntime, stop};
use mpg_testkit::fake::{Fault, Happening, Verb, World};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::stage::{Stage, say, script};

/// How many agents were opened, submitted to, and ended to the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    opened: usize,
    submitted: usize,
    closed: usize,
}

/// Scripted agents that take a while to end, and are counted.
#[derive(Debug)]
struct Counted {
    runtime: ScriptedRuntime,
    counts: watch::Sender<Counts>,
}

#[async_trait]
impl AgentRuntime for Counted {
    async fn open(&self, spec: SessionSpec) -> Result<AgentSession, OpenError> {
        let agent = self.runtime.open(spec).await?;
        self.counts.send_modify(|counts| counts.opened += 1);
        Ok(AgentSession {
            control: Arc::new(CountedControl {
                control: agent.control,
                counts: self.counts.clone(),
            }),
            events: agent.events,
            outdated: agent.outdated,
            replayed: agent.replayed,
        })
    }
}

#[derive(Debug)]
struct CountedControl {
    control: Arc<dyn AgentControl>,
    counts: watch::Sender<Counts>,
}

#[async_trait]
impl AgentControl for CountedControl {
    async fn submit(&self, submission: Submission) -> Result<Submitted, OpenError> {
        let submitted = self.control.submit(submission).await;
        self.counts.send_modify(|counts| counts.submitted += 1);
        submitted
    }

    async fn interrupt(&self) {
        self.control.interrupt().await;
    }

    async fn respond(&self, request: &RequestId, answer: Answer) {
        self.control.respond(request, answer).await;
    }

    async fn acknowledge(&self, seq: Seq) {
        self.control.acknowledge(seq).await;
    }

    async fn close(&self, grace: Duration) {
        sleep(Duration::from_secs(2)).await;
        self.control.close(grace).await;
        self.counts.send_modify(|counts| counts.closed += 1);
    }
}

/// Takes a second for each commit, and says how many it began.
#[derive(Debug)]
struct Slow {
    store: Arc<MemoryStore>,
    begun: watch::Sender<usize>,
}

#[async_trait]
impl Store for Slow {
    async fn commit(&self, records: &[Record]) -> Result<(), StoreError> {
        self.begun.send_modify(|begun| *begun += 1);
        sleep(Duration::from_secs(1)).await;
        self.store.commit(records).await
    }

    async fn load(&self) -> Result<Snapshot, StoreError> {
        self.store.load().await
    }

    async fn said(&self, root: &RootId) -> Result<Vec<Said>, StoreError> {
        self.store.said(root).await
    }

    async fn turns(&self, threads: &[RootId], last: usize) -> Result<Turns, StoreError> {
        self.store.turns(threads, last).await
    }
}

/// Agents of which one hangs and one is ready, and the stage that they are on.
fn hanging_or_ready() -> (Stage, watch::Receiver<Counts>) {
    let runtime = script(|text, _| match text {
        "hang" => vec![ScriptStep::Hang],
        text => vec![say(text)],
    });
    let (counts, counted) = watch::channel(Counts::default());
    (Stage::new(Counted { runtime, counts }), counted)
}

const BOTH: Counts = Counts {
    opened: 2,
    submitted: 2,
    closed: 0,
};

#[tokio::test(start_paused = true)]
async fn agents_are_ended_when_a_commit_fails() {
    for fault in [CommitFault::Lost, CommitFault::ReplyLost] {
        let (stage, mut counts) = hanging_or_ready();
        let engine = stage.start().await;
        stage.chat.say(&stage.general, "ann", "hang");
        stage.chat.say(&stage.general, "bob", "ready");
        stage.posts(1).await;
        counts.wait_for(|counts| *counts == BOTH).await.unwrap();
        stage.chat.wait_until(World::is_acknowledged).await;

        stage.store.fail_next(fault);
        stage.chat.say(&stage.general, "ann", "more");
        let ended = engine.ended().await;
        assert!(matches!(ended, Err(EngineError::Store(_))), "{ended:?}");
        assert_eq!(*counts.borrow(), Counts { closed: 2, ..BOTH }, "{fault:?}");
        assert_eq!(stage.texts(), ["ready"], "{}", stage.chat.transcript());
        assert!(!stage.chat.look(World::is_acknowledged), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn agents_are_ended_when_a_commit_fails_during_the_cut() {
    let (stage, mut counts) = hanging_or_ready();
    let (begun, mut commits) = watch::channel(0);
    let slow = Arc::new(Slow {
        store: Arc::clone(&stage.store),
        begun,
    });
    let engine = stage
        .builder()
        .await
        .store(slow, stage.state().await)
        .connection(stage.chat.connect())
        .build();
    let (handle, signal) = stop();
    let engine = tokio::spawn(engine.run(signal));
    stage.chat.say(&stage.general, "ann", "hang");
    stage.chat.say(&stage.general, "bob", "ready");
    stage.posts(1).await;
    counts.wait_for(|counts| *counts == BOTH).await.unwrap();
    stage.chat.wait_until(World::is_acknowledged).await;

    let before = *commits.borrow();
    stage.chat.say(&stage.general, "ann", "more");
    commits.wait_for(|begun| *begun > before).await.unwrap();
    // The commit that has just begun fails once the agents are being ended.
    stage.store.fail_next(CommitFault::Lost);
    handle.cut();
    let ended = engine.await.unwrap();
    assert!(matches!(ended, Err(EngineError::Store(_))), "{ended:?}");
    assert_eq!(*counts.borrow(), Counts { closed: 2, ..BOTH });
}

#[tokio::test(start_paused = true)]
async fn a_post_that_waits_for_another_try_is_not_made_once_a_commit_failed() {
    let (stage, mut counts) = hanging_or_ready();
    // It is tried again while the agents are being ended.
    let retry_after = Some(Duration::from_secs(1));
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "hang");
    counts
        .wait_for(|counts| counts.submitted == 1)
        .await
        .unwrap();
    stage
        .chat
        .fault(Verb::Post, Fault::Transient { retry_after });
    stage.chat.say(&stage.general, "bob", "ready");
    let failed = |happening: &Happening| matches!(happening, Happening::Faulty(Verb::Post, ..));
    stage
        .chat
        .wait_until(|world| world.entries().iter().any(|e| failed(&e.happening)))
        .await;
    stage.chat.wait_until(World::is_acknowledged).await;
    stage.store.fail_next(CommitFault::Lost);
    stage.chat.say(&stage.general, "ann", "more");
    let ended = engine.ended().await;
    assert!(matches!(ended, Err(EngineError::Store(_))), "{ended:?}");
    assert_eq!(counts.borrow().closed, 2);
    assert_eq!(stage.texts(), Vec::<String>::new());
}
