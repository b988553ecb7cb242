//! Parts that panic: each becomes a failure that is said, and nothing else stops.

use std::sync::Arc;

use async_trait::async_trait;
use mpg_core::id::Position;
use mpg_core::message::Inbound;
use mpg_core::port::{
    AgentRuntime, AgentSession, Connection, Inbox, OpenError, SessionSpec, Workspace,
    WorkspaceError, WorkspaceRequest, Workspaces,
};
use mpg_engine::EngineError;
use mpg_testkit::fake::{Fault, Happening, Verb};

use crate::stage::{Stage, echo};

#[tokio::test(start_paused = true)]
async fn a_runtime_that_panics_fails_the_turn() {
    #[derive(Debug)]
    struct Panics;
    #[async_trait]
    impl AgentRuntime for Panics {
        async fn open(&self, _spec: SessionSpec) -> Result<AgentSession, OpenError> {
            panic!("the runtime panics, as it was told to")
        }
    }
    let stage = Stage::new(Panics);
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "hello");
    stage.posts(1).await;
    engine.drain().await;
    assert_eq!(
        stage.texts(),
        ["failed after 3 attempts: the agent's process ended"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_workspace_that_panics_fails_the_turn() {
    #[derive(Debug)]
    struct Panics;
    #[async_trait]
    impl Workspaces for Panics {
        async fn prepare(&self, _request: WorkspaceRequest) -> Result<Workspace, WorkspaceError> {
            panic!("the workspace panics, as it was told to")
        }
    }
    let mut stage = Stage::new(echo());
    stage.workspaces = Some(Arc::new(Panics));
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "hello");
    stage.posts(1).await;
    engine.drain().await;
    assert_eq!(
        stage.texts(),
        ["the agent could not be started: preparing the directory failed unexpectedly"]
    );
}

#[tokio::test(start_paused = true)]
async fn an_adapter_that_panics_loses_its_post_and_no_other() {
    let stage = Stage::new(echo());
    stage.chat.fault(Verb::Post, Fault::Panic);
    let engine = stage.start().await;
    let first = stage.chat.say(&stage.general, "ann", "one");
    stage.chat.say(&stage.chat.thread_of(&first), "ann", "two");
    stage.posts(1).await;
    engine.drain().await;
    assert_eq!(stage.texts(), ["re: two"]);
}

#[tokio::test(start_paused = true)]
async fn an_adapter_that_panics_at_a_thread_answers_in_the_channel() {
    let stage = Stage::new(echo());
    stage.chat.fault(Verb::OpenThread, Fault::Panic);
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "hello");
    stage.posts(1).await;
    engine.drain().await;
    let posted = stage.chat.look(|world| world.posts()[0].place.clone());
    assert_eq!(posted, stage.general);
}

#[tokio::test(start_paused = true)]
async fn an_adapter_that_panics_at_a_sign_sets_the_next_one() {
    let stage = Stage::new(echo());
    stage.chat.fault(Verb::SetStatus, Fault::Panic);
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "hello");
    stage.posts(1).await;
    engine.drain().await;
    let signs: Vec<String> = stage.chat.look(|world| {
        let entries = world.entries().iter();
        let signs = entries.filter_map(|entry| match &entry.happening {
            Happening::Sign { status, .. } => Some(status.to_string()),
            Happening::Replaced { .. }
            | Happening::Pinned { .. }
            | Happening::Said { .. }
            | Happening::Edited { .. }
            | Happening::Deleted(_)
            | Happening::Removed(_)
            | Happening::Link(_)
            | Happening::Connected
            | Happening::Posted { .. }
            | Happening::Repeated { .. }
            | Happening::ThreadOpened { .. }
            | Happening::Fetched { .. }
            | Happening::ThreadRenamed { .. }
            | Happening::Typing(_)
            | Happening::Live { .. }
            | Happening::LookedFor { .. }
            | Happening::LookedBack { .. }
            | Happening::Faulty(..) => None,
        });
        signs.collect()
    });
    assert_eq!(signs, ["done"]);
}

#[tokio::test(start_paused = true)]
async fn an_adapter_that_panics_at_typing_fails_the_turn_at_the_worst() {
    let stage = Stage::new(echo());
    stage.chat.fault(Verb::Typing, Fault::Panic);
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "hello");
    stage.posts(1).await;
    engine.drain().await;
    let texts = stage.texts();
    assert_eq!(texts.len(), 1, "{texts:?}");
}

#[tokio::test(start_paused = true)]
async fn an_inbox_that_panics_is_a_platform_that_failed() {
    #[derive(Debug)]
    struct Panics;
    #[async_trait]
    impl Inbox for Panics {
        async fn next(&mut self) -> Option<(Inbound, Option<Position>)> {
            panic!("the inbox panics, as it was told to")
        }
    }
    let stage = Stage::new(echo());
    let connection = Connection {
        inbox: Box::new(Panics),
        ..stage.chat.connect()
    };
    let engine = stage.start_with(connection).await;
    let ended = engine.ended().await;
    assert!(
        matches!(&ended, Err(EngineError::Platform { .. })),
        "{ended:?}"
    );
}
