//! What an agent is told before it is parted with.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mpg_core::agent::Seq;
use mpg_core::id::RequestId;
use mpg_core::port::{
    AgentControl, AgentRuntime, AgentSession, OpenError, SessionSpec, Submission, Submitted,
};
use mpg_core::request::Answer;
use mpg_engine::ScriptedRuntime;
use tokio::sync::watch;

use crate::stage::{Stage, echo};

type Told = watch::Sender<Vec<&'static str>>;

/// Scripted agents that write down what they are told.
#[derive(Debug)]
struct Listening {
    runtime: ScriptedRuntime,
    told: Told,
}

#[async_trait]
impl AgentRuntime for Listening {
    async fn open(&self, spec: SessionSpec) -> Result<AgentSession, OpenError> {
        let agent = self.runtime.open(spec).await?;
        Ok(AgentSession {
            control: Arc::new(Listener {
                control: agent.control,
                told: self.told.clone(),
            }),
            ..agent
        })
    }
}

#[derive(Debug)]
struct Listener {
    control: Arc<dyn AgentControl>,
    told: Told,
}

#[async_trait]
impl AgentControl for Listener {
    async fn submit(&self, submission: Submission) -> Result<Submitted, OpenError> {
        self.control.submit(submission).await
    }

    async fn interrupt(&self) {
        self.control.interrupt().await;
    }

    async fn respond(&self, request: &RequestId, answer: Answer) {
        self.control.respond(request, answer).await;
    }

    async fn acknowledge(&self, seq: Seq) {
        self.told.send_modify(|told| told.push("stored"));
        self.control.acknowledge(seq).await;
    }

    async fn close(&self, grace: Duration) {
        self.control.close(grace).await;
        self.told.send_modify(|told| told.push("closed"));
    }
}

/// What it is not told stays for a later gateway to find, with everything that belongs to it.
#[tokio::test(start_paused = true)]
async fn an_agent_that_is_closed_at_its_end_is_told_that_its_outcome_is_stored() {
    let (told, mut seen) = watch::channel(Vec::new());
    let mut stage = Stage::new(Listening {
        runtime: echo(),
        told,
    });
    stage.warm = 0;
    let engine = stage.start().await;
    stage.chat.say(&stage.general, "ann", "hello");
    seen.wait_for(|told| told.contains(&"closed"))
        .await
        .unwrap();
    assert_eq!(*seen.borrow(), ["stored", "closed"]);
    engine.drain().await;
}
