//! What agents there are, and what they take.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::notation::{Moment, bytes};
use super::page::{Page, Trouble, Visitor, shown};
use super::row::{ActiveRow, active};
use crate::desk::Process;
use crate::router::App;

#[derive(Template)]
#[template(path = "sessions.html")]
struct SessionsPage {
    page: Page,
    active: Vec<ActiveRow>,
    processes: Vec<ProcessRow>,
    agents_memory: String,
    keepers_memory: String,
    own_memory: Option<String>,
}

/// An agent's processes.
struct ProcessRow {
    session: String,
    conversation: Option<String>,
    project: String,
    state: &'static str,
    remarks: Vec<&'static str>,
    started: Option<Moment>,
    agent_pid: Option<i32>,
    agent_memory: String,
    keeper_pid: Option<i32>,
    keeper_memory: String,
}

impl From<Process> for ProcessRow {
    fn from(process: Process) -> Self {
        let remarks = [
            (process.orphaned, "orphaned"),
            (process.unread, "an outcome is unread"),
        ];
        Self {
            session: process.session,
            conversation: process.conversation,
            project: process.project.unwrap_or_else(|| "unknown".to_owned()),
            state: process.state,
            remarks: remarks
                .into_iter()
                .filter_map(|(is_so, remark)| is_so.then_some(remark))
                .collect(),
            started: process.started.map(Moment::from),
            agent_pid: process.agent_pid,
            agent_memory: bytes(process.agent_memory),
            keeper_pid: process.keeper_pid,
            keeper_memory: bytes(process.keeper_memory),
        }
    }
}

pub(crate) async fn sessions(
    visitor: Visitor,
    State(app): State<App>,
) -> Result<Response, Trouble> {
    let status = app.desk.status().await;
    let status = status.map_err(|closed| visitor.trouble(closed))?;
    let processes = app.desk.processes().await;
    let together = |memory: fn(&Process) -> u64| {
        bytes(processes.iter().map(memory).fold(0, u64::saturating_add))
    };
    Ok(shown(&SessionsPage {
        page: visitor.page("Sessions", "/sessions", Some("/live".to_owned())),
        active: active(&status),
        agents_memory: together(|one| one.agent_memory),
        keepers_memory: together(|one| one.keeper_memory),
        own_memory: app.desk.resident_memory().map(bytes),
        processes: processes.into_iter().map(ProcessRow::from).collect(),
    }))
}
