//! What commands have done outside of the gateway.

use std::sync::Arc;

use mpg_core::event::Event;
use mpg_core::job::{Done, Job, Work, WorkspaceRef};
use mpg_core::port::{AgentRuntime, Store, WorkspaceError, Workspaces};

/// What jobs are done with.
#[derive(Debug)]
pub(crate) struct Tools {
    pub(crate) workspaces: Arc<dyn Workspaces>,
    pub(crate) runtime: Arc<dyn AgentRuntime>,
    pub(crate) store: Arc<dyn Store>,
}

/// Does a job.
pub(crate) async fn job(tools: Tools, job: Job) -> Event {
    Event::JobDone {
        job: job.id,
        result: done(&tools, job.work).await,
    }
}

async fn done(tools: &Tools, work: Work) -> Result<Done, String> {
    let workspaces = tools.workspaces.as_ref();
    let done = match work {
        Work::Inspect(workspace) => {
            let directory = directory(workspaces, workspace).await?;
            workspaces.inspect(&directory).await.map(Done::Inspected)
        }
        Work::Diff(workspace) => {
            let directory = directory(workspaces, workspace).await?;
            workspaces.diff(&directory).await.map(Done::Compared)
        }
        Work::Merge(workspace) => {
            let directory = directory(workspaces, workspace).await?;
            workspaces.merge(&directory).await.map(Done::Merged)
        }
        Work::Discard(workspace) => {
            let directory = directory(workspaces, workspace).await?;
            workspaces.discard(&directory).await.map(Done::Discarded)
        }
        Work::Turns { threads, last } => {
            let turns = tools.store.turns(&threads, last).await;
            return turns.map(Done::Turns).map_err(|error| error.message);
        }
        Work::Resume(sessions) => {
            let lines = sessions.iter();
            let line = |(id, directory): &(_, String)| tools.runtime.resume_line(*id, directory);
            return Ok(Done::Resume(lines.map(line).collect()));
        }
    };
    done.map_err(|error| error.message)
}

/// Where a workspace is, which a session in it knows best.
async fn directory(workspaces: &dyn Workspaces, workspace: WorkspaceRef) -> Result<String, String> {
    if let Some(directory) = workspace.directory {
        return Ok(directory);
    }
    let found = workspaces.locate(&workspace.request).await;
    let found = found.and_then(|found| found.ok_or_else(WorkspaceError::none));
    found.map_err(|error| error.message)
}
