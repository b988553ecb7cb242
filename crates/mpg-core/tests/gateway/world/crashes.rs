//! How a process dies, and is started again from what is on disk.

use std::sync::Arc;

use mpg_core::event::{Event, Step};
use mpg_core::gateway::Gateway;

use super::{Pending, World};
use crate::setting::channel;

impl World {
    /// A gateway that takes up what is on disk, and what it does first.
    pub(crate) fn recovered(&self) -> (Gateway, Step) {
        let capabilities = [channel("one"), channel("two")]
            .map(|channel| (channel, self.capabilities.clone()))
            .into();
        Gateway::recover(
            self.now,
            Arc::clone(&self.config),
            self.disk.clone(),
            capabilities,
        )
    }

    /// The process dies and is started again from what is on disk.
    pub(crate) fn crash(&mut self) -> Step {
        for pending in &self.pending {
            if let Pending::Run(run) = pending {
                self.submitted.insert(run.submission.id);
            }
        }
        self.agents.clear();
        self.left.clear();
        self.adopted.clear();
        self.restart()
    }

    /// The gateway dies and is started again; the agents go on.
    pub(crate) fn crash_alone(&mut self) -> Step {
        for pending in &self.pending {
            if let Pending::Run(run) = pending {
                self.submitted.insert(run.submission.id);
                self.adopted.insert(run.session.session);
            }
        }
        self.leave_agents();
        self.restart()
    }

    /// The gateway is about to die before it closed any agent.
    pub(crate) fn leave_agents(&mut self) {
        let agents = std::mem::take(&mut self.agents);
        self.left.extend(agents);
    }

    /// The gateway hears of the agents that run and that it did not start.
    pub(crate) fn find_agents(&mut self) -> Step {
        let sessions = self.left.keys().copied().collect();
        self.handle(Event::AgentsFound(sessions))
    }

    fn restart(&mut self) -> Step {
        self.pending.clear();
        let (gateway, step) = self.recovered();
        self.gateway = gateway;
        self.commit(&step);
        self.take_on(&step);
        step
    }
}
