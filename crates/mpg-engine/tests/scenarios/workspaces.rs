//! Commands that have something done in a workspace.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mpg_core::port::{Workspace, WorkspaceError, WorkspaceRequest, Workspaces};
use mpg_core::workspace::{Diff, Merged, WorkspaceState};
use tokio::sync::watch;

use crate::stage::{Stage, echo};

/// A workspace in which a merge takes until it is let go, and a comparison panics.
#[derive(Debug)]
struct Slow {
    begun: watch::Sender<bool>,
    let_go: watch::Sender<bool>,
}

#[async_trait]
impl Workspaces for Slow {
    async fn prepare(&self, request: WorkspaceRequest) -> Result<Workspace, WorkspaceError> {
        Ok(Workspace::new(format!("{}/own", request.directory)))
    }

    async fn locate(&self, request: &WorkspaceRequest) -> Result<Option<String>, WorkspaceError> {
        Ok(Some(format!("{}/located", request.directory)))
    }

    async fn inspect(&self, directory: &str) -> Result<WorkspaceState, WorkspaceError> {
        Ok(WorkspaceState {
            directory: directory.to_owned(),
            ..WorkspaceState::default()
        })
    }

    async fn diff(&self, _directory: &str) -> Result<Diff, WorkspaceError> {
        panic!("the workspace panics, as it was told to")
    }

    async fn merge(&self, directory: &str) -> Result<Merged, WorkspaceError> {
        self.begun.send_replace(true);
        let mut let_go = self.let_go.subscribe();
        let_go.wait_for(|go| *go).await.expect("it is let go");
        Ok(Merged::Nothing {
            branch: directory.to_owned(),
            base: "main".to_owned(),
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_merge_holds_up_its_own_thread_and_nothing_else() {
    let mut stage = Stage::new(echo());
    let slow = Arc::new(Slow {
        begun: watch::Sender::new(false),
        let_go: watch::Sender::new(false),
    });
    stage.workspaces = Some(slow.clone());
    let engine = stage.start().await;
    let first = stage.chat.say(&stage.general, "ann", "one");
    stage.posts(1).await;
    let thread = stage.chat.thread_of(&first);
    stage.chat.say(&thread, "ann", "!merge");
    let mut begun = slow.begun.subscribe();
    begun.wait_for(|begun| *begun).await.expect("it begins");
    stage.chat.say(&thread, "ann", "two");
    stage.chat.say(&stage.general, "ann", "three");
    stage.posts(2).await;
    assert_eq!(stage.texts(), ["re: one", "re: three"]);
    slow.let_go.send_replace(true);
    stage.posts(4).await;
    engine.drain().await;
    assert_eq!(
        stage.texts()[2..],
        [
            "nothing to merge: `main` has everything of `/srv/demo/own`",
            "re: two"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_job_that_panics_is_said_and_holds_nothing() {
    let mut stage = Stage::new(echo());
    stage.workspaces = Some(Arc::new(Slow {
        begun: watch::Sender::new(false),
        let_go: watch::Sender::new(false),
    }));
    let engine = stage.start().await;
    let first = stage.chat.say(&stage.general, "ann", "one");
    stage.posts(1).await;
    let thread = stage.chat.thread_of(&first);
    stage.chat.say(&thread, "ann", "!diff");
    stage.posts(2).await;
    // Without a session, the workspace says where it is.
    stage.chat.say(&thread, "ann", "!kill");
    stage.posts(3).await;
    stage.chat.say(&thread, "ann", "!worktree");
    stage.posts(4).await;
    stage.chat.say(&thread, "ann", "!cost");
    stage.posts(5).await;
    tokio::time::advance(Duration::from_secs(1)).await;
    stage.chat.say(&thread, "ann", "!history");
    stage.posts(6).await;
    engine.drain().await;
    let texts = stage.texts();
    assert_eq!(
        texts[1],
        "this failed unexpectedly, and may be done in part"
    );
    assert!(texts[3].contains("`/srv/demo/located`"), "{texts:?}");
    assert!(texts[4].starts_with("1 turn here"), "{texts:?}");
    assert!(texts[5].contains("ann: `one` — answered"), "{texts:?}");
}
