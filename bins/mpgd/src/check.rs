//! `mpgd check`: what is wrong with the configuration, or what it means.

use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;

use mpg_core::agent::{AgentSpec, Network, PermissionMode};
use mpg_core::config::Project;

use crate::cli::Global;
use crate::configuration::Configuration;
use crate::exit::{self, Failure};

pub(crate) fn check(global: &Global) -> Result<ExitCode, Failure> {
    let configuration = Configuration::read(global)?;
    let mut text = String::new();
    if !configuration.warnings.is_empty() {
        text.push_str(&exit::render(&configuration.warnings, &io::stdout()));
        text.push('\n');
    }
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{} is in order", configuration.path);
    let _ = writeln!(text, "state: {}", configuration.state_dir);
    for project in configuration.config.routing.projects() {
        describe(&mut text, project);
    }
    let shell: Vec<&str> = configuration
        .config
        .routing
        .projects()
        .filter(|project| has_shell(project))
        .map(|project| project.name.as_str())
        .collect();
    if !shell.is_empty() {
        let _ = writeln!(
            text,
            "\nnote: a shell rule such as Bash(git:*), or a mode that asks for nothing, lets an \
             agent run any command as this user (git itself can), bounded by its sandbox alone; it \
             applies to: {}",
            shell.join(", ")
        );
    }
    exit::print(&text);
    Ok(ExitCode::SUCCESS)
}

fn describe(text: &mut String, project: &Project) {
    let _ = writeln!(text, "\n{} in {}", project.name, project.directory);
    for channel in &project.channels {
        let _ = writeln!(text, "  from {channel}");
    }
    let access = &project.access;
    if access.roles.is_empty() && access.users.is_empty() {
        let _ = writeln!(text, "  for everybody who can post there");
    } else {
        let roles = access.roles.iter().map(|role| format!("role {role}"));
        let users = access.users.iter().map(|user| format!("user {user}"));
        let who: Vec<String> = roles.chain(users).collect();
        let _ = writeln!(text, "  for {}", who.join(", "));
    }
    if let Some(limit) = project.rate_limit_per_user {
        let _ = writeln!(text, "  at most {limit} messages a minute and person");
    }
    if let Some(who) = model_alone(project) {
        let _ = writeln!(
            text,
            "  agents that reach only their model on the network: {who}"
        );
    }
    let agent = &project.agent;
    let unasked = tools(agent);
    let _ = writeln!(
        text,
        "  tools: {unasked} ({})",
        agent.permission_mode.name()
    );
    for (name, agent) in &project.agents {
        let unasked = tools(&agent.agent);
        let mode = agent.agent.permission_mode.name();
        let _ = writeln!(text, "  @{name}, {}: {unasked} ({mode})", agent.role);
    }
}

/// Who of a project reaches nothing on the network but its model; nothing where nobody does.
fn model_alone(project: &Project) -> Option<String> {
    let default = std::iter::once(("the project's own".to_owned(), &project.agent));
    let others = project.agents.iter();
    let others = others.map(|(name, other)| (format!("@{name}"), &other.agent));
    let all = default.chain(others);
    let who: Vec<String> = all
        .filter(|(_, agent)| agent.network == Network::Model)
        .map(|(who, _)| who)
        .collect();
    (!who.is_empty()).then(|| who.join(", "))
}

fn tools(agent: &AgentSpec) -> String {
    match (agent.permission_mode, agent.allowed_tools.as_slice()) {
        (PermissionMode::BypassPermissions, _) => "every tool, unasked".to_owned(),
        (_, []) => "none".to_owned(),
        (_, tools) => tools.join(", "),
    }
}

fn has_shell(project: &Project) -> bool {
    project.setups().any(|agent| {
        agent.permission_mode == PermissionMode::BypassPermissions
            || agent
                .allowed_tools
                .iter()
                .any(|tool| tool.starts_with("Bash"))
    })
}
