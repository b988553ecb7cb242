//! `mpgd sessions`: the agents that are kept, and what others left.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use mpg_claude::{KeptSession, KeptState, inspect};
use mpg_core::agent::Persistence;
use serde::Serialize;

use crate::cli::{Global, ListOptions};
use crate::exit::{self, Failure};
use crate::shown::{bytes, one_line, span};
use crate::{run, state_dir};

/// How much of a name is shown, in characters.
const NAME: usize = 80;

/// A session as it is printed for programs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SessionView {
    pub(crate) session: String,
    project: Option<String>,
    conversation: Option<String>,
    installation: Option<String>,
    persistence: Option<&'static str>,
    state: &'static str,
    /// Whether it runs and no gateway is connected to it.
    orphaned: bool,
    /// Whether it holds an outcome that no gateway has stored.
    unread: bool,
    keeper_pid: Option<i32>,
    agent_pid: Option<i32>,
    started_at: Option<String>,
    age_seconds: Option<u64>,
    keeper_memory_bytes: u64,
    agent_memory_bytes: u64,
}

pub(crate) fn sessions(global: &Global, options: &ListOptions) -> Result<ExitCode, Failure> {
    let directory = state_dir::locate(global)?.join(run::SESSIONS);
    let found = run::runtime()?.block_on(inspect(&directory));
    let now = SystemTime::now();
    let views: Vec<SessionView> = found
        .iter()
        .map(|kept| SessionView::new(kept, now))
        .collect();
    exit::print(&if options.json {
        exit::json(&views)
    } else {
        text(&views)
    });
    Ok(ExitCode::SUCCESS)
}

impl SessionView {
    pub(crate) fn new(kept: &KeptSession, now: SystemTime) -> Self {
        let started_at = kept.started.and_then(|at| Timestamp::try_from(at).ok());
        // A clock that was set back makes nothing older than it is.
        let age = kept
            .started
            .map(|at| now.duration_since(at).unwrap_or_default());
        Self {
            session: kept.session.to_string(),
            project: kept.project.clone(),
            conversation: kept.conversation.clone(),
            installation: kept
                .installation
                .map(|installation| installation.to_string()),
            persistence: kept.persistence.map(Persistence::name),
            state: kept.state.name(),
            orphaned: kept.is_orphaned(),
            unread: kept.unread,
            keeper_pid: kept.keeper_pid,
            agent_pid: kept.agent_pid,
            started_at: started_at.map(|at| at.to_string()),
            age_seconds: age.map(|age| age.as_secs()),
            keeper_memory_bytes: kept.keeper_memory,
            agent_memory_bytes: kept.agent_memory,
        }
    }

    /// Whose it is.
    pub(crate) fn name(&self) -> String {
        match (&self.project, &self.conversation) {
            (Some(project), Some(conversation)) => {
                let project = one_line(project, NAME);
                format!("{project} in {}", one_line(conversation, NAME))
            }
            (_, _) => "unknown project".to_owned(),
        }
    }

    /// How it is.
    fn condition(&self) -> String {
        let mut text = self.state.to_owned();
        if self.orphaned {
            text.push_str(", orphaned");
        }
        if self.unread {
            text.push_str(", an outcome is unread");
        }
        if let Some(age) = self.age_seconds {
            let age = span(Duration::from_secs(age));
            let _ = if self.state == KeptState::Dead.name() {
                write!(text, ", started {age} ago")
            } else {
                write!(text, ", up {age}")
            };
        }
        text
    }

    fn processes(&self) -> String {
        let mut text = format!("session {}", self.session);
        if let Some(keeper) = self.keeper_pid {
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "; keeper {keeper} ({})",
                bytes(self.keeper_memory_bytes)
            );
        }
        if let Some(agent) = self.agent_pid {
            let _ = write!(text, "; agent {agent} ({})", bytes(self.agent_memory_bytes));
        }
        if let Some(persistence) = self.persistence {
            let _ = write!(text, "; persistence {persistence}");
        }
        text
    }
}

fn text(views: &[SessionView]) -> String {
    if views.is_empty() {
        return "no agent is kept\n".to_owned();
    }
    let mut text = String::new();
    for view in views {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{}: {}\n  {}",
            view.name(),
            view.condition(),
            view.processes()
        );
    }
    text
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::UNIX_EPOCH;

    use mpg_core::id::SessionId;
    use uuid::Uuid;

    use super::*;

    pub(crate) fn kept(number: u128, state: KeptState) -> KeptSession {
        let runs = state != KeptState::Dead;
        let has_keeper = runs && state != KeptState::Unkept;
        KeptSession {
            session: SessionId::from_uuid(Uuid::from_u128(number)),
            installation: None,
            project: Some("shop".to_owned()),
            conversation: Some("chat:1#2".to_owned()),
            persistence: Some(Persistence::Keeper),
            started: UNIX_EPOCH.checked_add(Duration::from_secs(1_000)),
            state,
            owned: false,
            unread: false,
            keeper_pid: has_keeper.then_some(10),
            agent_pid: runs.then_some(11),
            keeper_memory: if has_keeper { 1_126_400 } else { 0 },
            agent_memory: if runs { 188_743_680 } else { 0 },
        }
    }

    #[test]
    fn what_is_kept_is_listed_without_control_characters() {
        insta::assert_snapshot!(text(&[]), @"no agent is kept");
        let owned = KeptSession {
            owned: true,
            ..kept(1, KeptState::Busy)
        };
        let strange = KeptSession {
            project: Some("sh\u{1b}[2Jop\n".to_owned()),
            persistence: Some(Persistence::Tmux),
            ..kept(4, KeptState::Unkept)
        };
        let unread = KeptSession {
            unread: true,
            ..kept(5, KeptState::Dead)
        };
        let unknown = KeptSession {
            project: None,
            conversation: None,
            persistence: None,
            started: None,
            ..kept(6, KeptState::Dead)
        };
        let all = [
            owned,
            kept(2, KeptState::Idle),
            kept(3, KeptState::Silent),
            strange,
            unread,
            unknown,
        ];
        let now = UNIX_EPOCH + Duration::from_secs(4_700);
        let views: Vec<_> = all.iter().map(|kept| SessionView::new(kept, now)).collect();
        insta::assert_snapshot!(text(&views));
        insta::assert_snapshot!("for_programs", exit::json(&views[..1].to_vec()));
    }
}
