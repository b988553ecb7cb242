//! What is said from outside of every platform: it is taken once it is stored.

use std::sync::Arc;

use async_trait::async_trait;
use mpg_core::gateway::{Prompt, Purpose};
use mpg_core::history::Said;
use mpg_core::id::{ProjectName, RootId};
use mpg_core::job::Turns;
use mpg_core::port::{Store, StoreError};
use mpg_core::post::PostKind;
use mpg_core::record::Record;
use mpg_core::snapshot::Snapshot;
use mpg_engine::{CommitFault, ControlError, EngineError, MemoryStore, stop};
use tokio::sync::watch;

use crate::stage::{Stage, echo};

/// Fails at the commit of what is told.
#[derive(Debug)]
struct Faulty {
    store: Arc<MemoryStore>,
    fault: watch::Sender<Option<CommitFault>>,
}

#[async_trait]
impl Store for Faulty {
    async fn commit(&self, records: &[Record]) -> Result<(), StoreError> {
        let tells = |record: &Record| matches!(record, Record::DeliveryPlanned { post, .. } if post.kind == PostKind::Told);
        if records.iter().any(tells)
            && let Some(fault) = self.fault.send_replace(None)
        {
            self.store.fail_next(fault);
        }
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

fn told() -> Prompt {
    Prompt {
        key: "a key".to_owned(),
        earlier: None,
        purpose: Purpose::Tell,
        project: ProjectName::new("demo"),
        thread: None,
        agent: None,
        text: "the build is red".to_owned(),
        from: "ci".to_owned(),
    }
}

async fn owed(stage: &Stage) -> usize {
    let threads = stage.state().await.threads;
    threads.values().map(|one| one.deliveries.len()).sum()
}

#[tokio::test(start_paused = true)]
async fn what_is_said_from_outside_is_stored_before_it_is_answered() {
    for (fault, kept) in [(CommitFault::Lost, 0), (CommitFault::ReplyLost, 1)] {
        let stage = Stage::new(echo());
        let store = Faulty {
            store: Arc::clone(&stage.store),
            fault: watch::Sender::new(Some(fault)),
        };
        let engine = stage
            .builder()
            .await
            .store(Arc::new(store), stage.state().await)
            .connection(stage.chat.connect())
            .build();
        let (_handle, signal) = stop();
        let control = engine.control();
        let engine = tokio::spawn(engine.run(signal));
        let answer = control.prompt(told()).await;
        assert!(matches!(answer, Err(ControlError::Ended)), "{answer:?}");
        let ended = engine.await.unwrap();
        assert!(matches!(ended, Err(EngineError::Store(_))), "{ended:?}");
        assert_eq!(stage.texts(), Vec::<String>::new(), "{fault:?}");
        assert_eq!(owed(&stage).await, kept, "{fault:?}");

        // Who got no answer says it again, and it is said once.
        let engine = stage.start().await;
        let first = engine.control.prompt(told()).await.unwrap();
        stage.posts(1).await;
        let again = engine.control.prompt(told()).await.unwrap();
        assert_eq!(again, first);
        engine.drain().await;
        assert_eq!(stage.texts(), ["the build is red"], "{fault:?}");
    }
}
