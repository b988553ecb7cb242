//! How projects and agents are set up, as rows of the names of keys and what they are.

use std::fmt::Display;
use std::time::Duration;

use mpg_core::agent::{AgentSpec, Permissions};
use mpg_core::config::Project;
use mpg_core::id::UserId;

use super::notation::{bytes, dollars, span};

/// Names of keys with what they are.
pub(crate) type Rows = Vec<(&'static str, String)>;

/// What is set for a project as a whole.
pub(crate) fn project(project: &Project) -> Rows {
    let access = &project.access;
    let budget = project.handoff_budget;
    let attachments = &project.attachments;
    vec![
        ("allowed-roles", anybody(list(&access.roles))),
        (
            "allowed-users",
            anybody(list(access.users.iter().map(UserId::as_str))),
        ),
        ("admin-roles", anybody(list(&access.admin_roles))),
        ("unsafe-roles", nobody(list(&access.unsafe_roles))),
        ("unsafe-limit", time(project.unsafe_limit)),
        ("rate-limit-per-user", limit(project.rate_limit_per_user)),
        ("max-concurrent-turns", limit(project.max_concurrent_turns)),
        ("while-busy", project.while_busy.name().to_owned()),
        ("idle-timeout", time(project.idle_timeout)),
        ("turn-timeout", time(project.turn_timeout)),
        ("agent-timeout", time(project.agent_timeout)),
        ("stall-notice", time(project.patience.notice)),
        ("stall-limit", time(project.patience.limit)),
        ("on-interrupted", project.on_interrupted.name().to_owned()),
        ("handoff", project.handoff.name().to_owned()),
        ("max-handoffs", project.max_handoffs.to_string()),
        (
            "handoff budget",
            list(
                [
                    budget.tokens.map(|tokens| format!("{tokens} tokens")),
                    budget.microdollars.map(dollars),
                    budget.time.map(time),
                ]
                .into_iter()
                .flatten(),
            ),
        ),
        ("budget", per_day(project.budgets.project)),
        ("budget-per-user", per_day(project.budgets.per_user)),
        ("history-limit", project.history_limit.to_string()),
        ("worktree-per", project.worktree_per.name().to_owned()),
        ("catch-up", time(project.catch_up)),
        ("catch-up-limit", project.catch_up_limit.to_string()),
        (
            "attachments",
            format!(
                "{} of {} each, {}",
                attachments.count,
                bytes(attachments.size),
                list(&attachments.types)
            ),
        ),
        ("answer-as-file", project.answer_as_file.to_string()),
    ]
}

/// What is set for an agent. What its arguments are set to is left out: nobody says that it is no
/// secret.
pub(crate) fn agent(spec: &AgentSpec) -> Rows {
    let permissions = match spec.permissions {
        Permissions::Ask => "ask",
        Permissions::Deny => "deny",
    };
    let flags = spec.args.iter().filter(|it| it.starts_with('-'));
    let flags = flags.map(|flag| flag.split('=').next().unwrap_or_default());
    let prompt = spec.system_prompt.clone().unwrap_or_default();
    vec![
        (
            "model",
            spec.model
                .clone()
                .unwrap_or_else(|| "the agent's own".to_owned()),
        ),
        ("permission-mode", spec.permission_mode.name().to_owned()),
        ("permissions", permissions.to_owned()),
        ("allowed-tools", list(&spec.allowed_tools)),
        ("disallowed-tools", list(&spec.disallowed_tools)),
        ("persistence", spec.persistence.name().to_owned()),
        ("sandbox", spec.sandbox.name().to_owned()),
        ("writable", list(&spec.writable)),
        ("network", spec.network.name().to_owned()),
        ("args", list(flags)),
        ("prompt", prompt),
    ]
}

/// Things in a row.
pub(crate) fn list<T: Display>(all: impl IntoIterator<Item = T>) -> String {
    let all: Vec<_> = all.into_iter().map(|one| one.to_string()).collect();
    if all.is_empty() {
        return "none".to_owned();
    }
    all.join(", ")
}

fn anybody(list: String) -> String {
    if list == "none" {
        return "everybody who can post there".to_owned();
    }
    list
}

fn nobody(list: String) -> String {
    if list == "none" {
        return "nobody".to_owned();
    }
    list
}

fn limit(limit: Option<u32>) -> String {
    limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string())
}

fn per_day(limit: Option<u64>) -> String {
    limit.map_or_else(
        || "no limit".to_owned(),
        |limit| format!("{} a day", dollars(limit)),
    )
}

fn time(time: Duration) -> String {
    span(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
