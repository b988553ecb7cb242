//! What a tool list means to the CLI.
//!
//! Seen with 2.1.197: `--allowed-tools` approves beforehand and restricts nothing; a file tool
//! named there without a path is approved for the whole disk; in its default modes the CLI runs
//! reading tools and harmless shell commands inside the workspace unasked, listed or not; a rule
//! that asks wins over one that allows; `--tools` bounds what exists.

use std::collections::BTreeSet;

use mpg_core::agent::{AgentSpec, PermissionMode, Permissions};

/// The tools that work on files, for which a name without a path means inside the workspace.
pub(crate) const FILE_TOOLS: &[&str] = &[
    "Edit",
    "Glob",
    "Grep",
    "LS",
    "MultiEdit",
    "NotebookEdit",
    "NotebookRead",
    "Read",
    "Write",
];

/// The built-in tools that the CLI may run unasked although they are not listed.
const UNASKED: &[&str] = &[
    "Bash",
    "CronCreate",
    "EnterWorktree",
    "Glob",
    "Grep",
    "NotebookEdit",
    "Read",
    "ScheduleWakeup",
    "SendMessage",
    "Skill",
    "Task",
    "WebFetch",
    "WebSearch",
    "Workflow",
];

/// Tools that are known by several names: newer versions of the CLI split or renamed them.
const SYNONYMS: &[(&str, &[&str])] = &[
    ("Agent", &["Task"]),
    ("Task", &["Agent"]),
    (
        "TodoWrite",
        &["TaskCreate", "TaskGet", "TaskList", "TaskUpdate"],
    ),
];

/// A tool list as the CLI is told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ToolFlags {
    pub(crate) mode: PermissionMode,
    /// What exists at all; `None`: everything.
    pub(crate) tools: Option<Vec<String>>,
    pub(crate) allowed: Vec<String>,
    pub(crate) disallowed: Vec<String>,
    /// What is asked for although the CLI would run it.
    pub(crate) ask: Vec<String>,
    /// Whether every request is answered with yes, because the CLI refuses to bypass them.
    pub(crate) allow_requests: bool,
}

impl ToolFlags {
    /// Lowers an agent's tool settings; `root` says whether the CLI will run as root, where it
    /// refuses to bypass permissions.
    pub(crate) fn new(spec: &AgentSpec, root: bool) -> Self {
        if bypasses(spec) {
            return Self::bypass(spec, root);
        }
        let listed = listed(&spec.allowed_tools);
        let allowed = spec
            .allowed_tools
            .iter()
            .filter(|rule| !FILE_TOOLS.contains(&rule.as_str()))
            .cloned()
            .collect();
        let (tools, ask) = match spec.permissions {
            Permissions::Deny => (Some(existing(&listed)), Vec::new()),
            Permissions::Ask => (None, asked(&listed)),
        };
        Self {
            mode: mode(spec, &listed),
            tools,
            allowed,
            disallowed: spec.disallowed_tools.clone(),
            ask,
            allow_requests: false,
        }
    }

    fn bypass(spec: &AgentSpec, root: bool) -> Self {
        Self {
            mode: if root {
                PermissionMode::Default
            } else {
                PermissionMode::BypassPermissions
            },
            tools: None,
            allowed: Vec::new(),
            disallowed: spec.disallowed_tools.clone(),
            ask: Vec::new(),
            allow_requests: root,
        }
    }
}

/// The tool that a rule is about: `Bash` of `Bash(git:*)`.
pub(crate) fn tool_of(rule: &str) -> &str {
    rule.split('(').next().unwrap_or(rule).trim()
}

fn bypasses(spec: &AgentSpec) -> bool {
    spec.permission_mode == PermissionMode::BypassPermissions
        || spec
            .args
            .iter()
            .any(|argument| argument == crate::flags::SKIP_PERMISSIONS)
}

fn listed(rules: &[String]) -> BTreeSet<&str> {
    rules.iter().map(|rule| tool_of(rule)).collect()
}

/// The mode, lowered where it would approve an edit that the list does not name.
fn mode(spec: &AgentSpec, listed: &BTreeSet<&str>) -> PermissionMode {
    let edit = listed.contains("Edit");
    let write = listed.contains("Write");
    let covered = match spec.permissions {
        Permissions::Ask => edit && write,
        // What is not listed does not exist, so it cannot be approved by mistake.
        Permissions::Deny => edit || write,
    };
    match spec.permission_mode {
        PermissionMode::AcceptEdits if !covered => PermissionMode::Default,
        mode @ (PermissionMode::Default
        | PermissionMode::AcceptEdits
        | PermissionMode::Plan
        | PermissionMode::BypassPermissions) => mode,
    }
}

fn existing(listed: &BTreeSet<&str>) -> Vec<String> {
    let mut tools = BTreeSet::new();
    for &tool in listed {
        // Tools of MCP servers are not built in: they exist, and ask.
        if !tool.starts_with("mcp__") {
            tools.insert(tool);
            tools.extend(synonyms(tool));
        }
    }
    tools.into_iter().map(str::to_owned).collect()
}

fn asked(listed: &BTreeSet<&str>) -> Vec<String> {
    UNASKED
        .iter()
        .filter(|&&tool| {
            !listed.contains(tool) && !synonyms(tool).iter().any(|name| listed.contains(name))
        })
        .map(|&tool| tool.to_owned())
        .collect()
}

fn synonyms(tool: &str) -> &'static [&'static str] {
    SYNONYMS
        .iter()
        .find(|(name, _)| *name == tool)
        .map_or(&[], |(_, names)| names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(mode: PermissionMode, permissions: Permissions, allowed: &[&str]) -> AgentSpec {
        AgentSpec {
            permission_mode: mode,
            permissions,
            allowed_tools: allowed.iter().map(|&rule| rule.to_owned()).collect(),
            ..AgentSpec::default()
        }
    }

    #[test]
    fn file_tools_without_a_path_are_not_approved_beforehand() {
        let spec = spec(
            PermissionMode::AcceptEdits,
            Permissions::Ask,
            &["Read", "Edit", "Write", "Read(//srv/**)", "Bash(git:*)"],
        );
        let flags = ToolFlags::new(&spec, false);
        assert_eq!(flags.allowed, ["Read(//srv/**)", "Bash(git:*)"]);
        assert_eq!(flags.mode, PermissionMode::AcceptEdits);
        assert_eq!(flags.tools, None);
        assert!(
            !flags
                .ask
                .iter()
                .any(|tool| tool == "Read" || tool == "Bash")
        );
        assert!(flags.ask.iter().any(|tool| tool == "Grep"));
    }

    #[test]
    fn edits_are_accepted_only_where_they_are_listed() {
        let table: [(Permissions, &[&str], PermissionMode); 6] = [
            (
                Permissions::Ask,
                &["Edit", "Write"],
                PermissionMode::AcceptEdits,
            ),
            (Permissions::Ask, &["Edit"], PermissionMode::Default),
            (Permissions::Ask, &["Write"], PermissionMode::Default),
            (Permissions::Ask, &[], PermissionMode::Default),
            (Permissions::Deny, &["Read"], PermissionMode::Default),
            (Permissions::Deny, &["Edit"], PermissionMode::AcceptEdits),
        ];
        for (permissions, allowed, expected) in table {
            let spec = spec(PermissionMode::AcceptEdits, permissions, allowed);
            let mode = ToolFlags::new(&spec, false).mode;
            assert_eq!(mode, expected, "{permissions:?} {allowed:?}");
        }
    }

    #[test]
    fn denying_bounds_what_exists() {
        let table: [(&[&str], &[&str]); 3] = [
            (&["Read", "Glob", "Grep"], &["Glob", "Grep", "Read"]),
            (&["Bash(git:*)", "mcp__x__y"], &["Bash"]),
            (&[], &[]),
        ];
        for (allowed, expected) in table {
            let spec = spec(PermissionMode::Default, Permissions::Deny, allowed);
            let flags = ToolFlags::new(&spec, false);
            let expected: Vec<String> = expected.iter().map(|&tool| tool.to_owned()).collect();
            assert_eq!(flags.tools, Some(expected));
            assert!(flags.ask.is_empty());
        }
    }

    #[test]
    fn root_bypasses_by_answering() {
        let spec = spec(PermissionMode::BypassPermissions, Permissions::Deny, &[]);
        let root = ToolFlags::new(&spec, true);
        assert_eq!(root.mode, PermissionMode::Default);
        assert!(root.allow_requests && root.tools.is_none() && root.ask.is_empty());
        let user = ToolFlags::new(&spec, false);
        assert_eq!(user.mode, PermissionMode::BypassPermissions);
        assert!(!user.allow_requests);
    }
}
