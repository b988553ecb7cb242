//! The running gateway, as far as it is asked over HTTP.

use std::fs;
use std::path::PathBuf;

use async_trait::async_trait;
use jiff::Timestamp;
use mpg_claude::{KeptSession, inspect};
use mpg_core::ask::Given;
use mpg_core::audit::Actor;
use mpg_core::gateway::{AnyRequest, OpenRequest, Order, Prompt};
use mpg_core::id::{AskId, DeliveryId, RootId};
use mpg_core::snapshot::Answerer;
use mpg_engine::{ControlError, ControlHandle};
use mpg_web::{AnswerError, Closed, Desk, Process, PromptError, Refusal, Status};

/// Asks the engine.
#[derive(Debug)]
pub(crate) struct EngineDesk {
    engine: ControlHandle,
    /// The folder of the agents' sessions.
    sessions: PathBuf,
}

impl EngineDesk {
    pub(crate) fn new(engine: ControlHandle, sessions: PathBuf) -> Self {
        Self { engine, sessions }
    }
}

#[async_trait]
impl Desk for EngineDesk {
    async fn status(&self) -> Result<Status, Closed> {
        let status = self.engine.status().await.map_err(|_| Closed)?;
        Ok(Status {
            overview: status.overview,
            links: status.links,
            dead_letters: status.dead_letters,
            draining: status.draining,
        })
    }

    async fn redeliver(&self, delivery: DeliveryId, by: Actor) -> Result<(), Refusal> {
        let engine = self.engine.on_behalf_of(by);
        engine.redeliver(delivery).await.map_err(refusal)
    }

    async fn order(&self, root: RootId, order: Order, by: Actor) -> Result<String, Refusal> {
        let engine = self.engine.on_behalf_of(by);
        engine.order(root, order).await.map_err(refusal)
    }

    async fn waiting(&self) -> Result<usize, Closed> {
        self.engine.request_count().await.map_err(|_| Closed)
    }

    async fn requests(&self) -> Result<Vec<OpenRequest>, Closed> {
        self.engine.requests().await.map_err(|_| Closed)
    }

    async fn request(&self, id: AskId) -> Result<Option<AnyRequest>, Closed> {
        self.engine.request(id).await.map_err(|_| Closed)
    }

    async fn answer(&self, id: AskId, given: Given, by: Answerer) -> Result<(), AnswerError> {
        let answered = self.engine.answer(id, given, Some(by)).await;
        answered.map_err(|error| match error {
            ControlError::Answer(refusal) => refusal.into(),
            ControlError::Ended
            | ControlError::NotFound
            | ControlError::NoThread
            | ControlError::Prompt(_) => Closed.into(),
        })
    }

    async fn prompt(&self, prompt: Prompt, by: Actor) -> Result<DeliveryId, PromptError> {
        let taken = self.engine.on_behalf_of(by).prompt(prompt).await;
        taken.map_err(|error| match error {
            ControlError::Prompt(refusal) => refusal.into(),
            ControlError::Ended
            | ControlError::NotFound
            | ControlError::NoThread
            | ControlError::Answer(_) => Closed.into(),
        })
    }

    async fn processes(&self) -> Vec<Process> {
        let kept = inspect(&self.sessions).await;
        kept.into_iter().map(process).collect()
    }

    fn resident_memory(&self) -> Option<u64> {
        resident(&fs::read_to_string("/proc/self/status").ok()?)
    }
}

fn process(kept: KeptSession) -> Process {
    Process {
        session: kept.session.to_string(),
        state: kept.state.name(),
        orphaned: kept.is_orphaned(),
        unread: kept.unread,
        started: kept.started.and_then(|at| Timestamp::try_from(at).ok()),
        keeper_pid: kept.keeper_pid,
        agent_pid: kept.agent_pid,
        keeper_memory: kept.keeper_memory,
        agent_memory: kept.agent_memory,
        project: kept.project,
        conversation: kept.conversation,
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what an error is mapped with"
)]
fn refusal(error: ControlError) -> Refusal {
    match error {
        ControlError::Ended => Refusal::Closed,
        ControlError::NotFound
        | ControlError::NoThread
        | ControlError::Prompt(_)
        | ControlError::Answer(_) => Refusal::NotThere,
    }
}

/// The resident memory in a file of `proc_pid_status(5)`, in bytes.
fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    Some(kilobytes.saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_a_process_is_read() {
        assert_eq!(resident("Name:\tx\nVmRSS:\t   12 kB\n"), Some(12_288));
        assert_eq!(resident("Name:\tx\n"), None);
        assert_eq!(resident("VmRSS: many"), None);
    }
}
