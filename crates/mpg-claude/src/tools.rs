//! What a tool list means to the CLI.
//!
//! Seen with 2.1.197: `--allowed-tools` approves beforehand and restricts nothing; a file tool
//! named there without a path is approved for the whole disk; in its default modes the CLI runs
//! reading tools and harmless shell commands inside the workspace unasked, listed or not; a rule
//! that asks wins over one that allows; `--tools` bounds what exists.
//!
//! A rule with a path covers that path alone. `Edit(docs/**)` approves writing there with every
//! editing tool, in the default mode; a path behind `Write` approves nothing. Reading cannot be
//! bounded by a path: unless `Read` is listed without one, every reading asks, as a rule that asks
//! for all but a folder is not to be had.

mod files;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

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

/// The tool that runs commands.
const SHELL: &str = "Bash";

/// The tools that change files, and that a rule about `Edit` is about too.
const EDITING: &[&str] = &["Edit", "MultiEdit", "NotebookEdit", "Write"];

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
    /// What is refused in every mode: the gateway's own files.
    pub(crate) deny: Vec<String>,
    /// Whether every request is answered with yes, because the CLI refuses to bypass them.
    pub(crate) allow_requests: bool,
}

impl ToolFlags {
    /// Lowers an agent's tool settings; `root` says whether the CLI will run as root, where it
    /// refuses to bypass permissions, and `protected` is what no file tool touches.
    pub(crate) fn new(spec: &AgentSpec, root: bool, protected: &[PathBuf]) -> Self {
        let deny = denied(protected);
        if bypasses(spec) {
            return Self::bypass(spec, root, deny);
        }
        let listed = Listed::new(&spec.allowed_tools);
        let allowed = spec
            .allowed_tools
            .iter()
            .filter(|rule| !FILE_TOOLS.contains(&rule.as_str()))
            .cloned()
            .collect();
        let (tools, ask) = match spec.permissions {
            Permissions::Deny => (Some(existing(&listed)), asked(&listed, Permissions::Deny)),
            Permissions::Ask => (None, asked(&listed, Permissions::Ask)),
        };
        Self {
            mode: mode(spec, &listed),
            tools,
            allowed,
            disallowed: spec.disallowed_tools.clone(),
            ask,
            deny,
            allow_requests: false,
        }
    }

    /// Whether there is a shell.
    pub(crate) fn has_shell(&self) -> bool {
        let exists = self.tools.as_ref();
        exists.is_none_or(|tools| tools.iter().any(|tool| tool == SHELL))
            && !self.disallowed.iter().any(|rule| rule.trim() == SHELL)
    }

    /// Approves something beforehand. Where the tool asks as a whole, it still does.
    pub(crate) fn with_rule(mut self, rule: &str) -> Self {
        self.allowed.push(rule.to_owned());
        self
    }

    fn bypass(spec: &AgentSpec, root: bool, deny: Vec<String>) -> Self {
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
            deny,
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

/// The tools that a list names.
#[derive(Debug)]
struct Listed<'a> {
    /// In any way.
    all: BTreeSet<&'a str>,
    /// As far as they are named; file tools only without a path.
    covered: BTreeSet<&'a str>,
}

impl<'a> Listed<'a> {
    fn new(rules: &'a [String]) -> Self {
        let whole = |rule: &&String| {
            let tool = tool_of(rule);
            !FILE_TOOLS.contains(&tool) || rule.trim() == tool
        };
        Self {
            all: rules.iter().map(|rule| tool_of(rule)).collect(),
            covered: rules
                .iter()
                .filter(whole)
                .map(|rule| tool_of(rule))
                .collect(),
        }
    }

    /// Whether a tool is named only with paths.
    fn only_scoped(&self, tool: &str) -> bool {
        self.all.contains(tool) && !self.covered.contains(tool)
    }
}

/// The mode, lowered where it would approve an edit that the list does not name.
fn mode(spec: &AgentSpec, listed: &Listed<'_>) -> PermissionMode {
    let edit = listed.covered.contains("Edit");
    let write = listed.covered.contains("Write");
    let covered = match spec.permissions {
        Permissions::Ask => edit && write,
        // What is not listed does not exist, so it cannot be approved by mistake.
        Permissions::Deny => edit || write,
    };
    let scoped = EDITING.iter().any(|tool| listed.only_scoped(tool));
    match spec.permission_mode {
        PermissionMode::AcceptEdits if !covered || scoped => PermissionMode::Default,
        mode @ (PermissionMode::Default
        | PermissionMode::AcceptEdits
        | PermissionMode::Plan
        | PermissionMode::BypassPermissions) => mode,
    }
}

fn existing(listed: &Listed<'_>) -> Vec<String> {
    let mut tools = BTreeSet::new();
    for &tool in &listed.all {
        // Tools of MCP servers are not built in: they exist, and ask.
        if !tool.starts_with("mcp__") {
            tools.insert(tool);
            tools.extend(synonyms(tool));
        }
    }
    tools.into_iter().map(str::to_owned).collect()
}

fn asked(listed: &Listed<'_>, permissions: Permissions) -> Vec<String> {
    let asks = |tool: &str| match permissions {
        Permissions::Ask => {
            let named = |name: &&str| listed.covered.contains(name);
            !named(&tool) && !synonyms(tool).iter().any(named)
        }
        // What is not listed does not exist.
        Permissions::Deny => listed.only_scoped(tool),
    };
    let mut tools: BTreeSet<&str> = UNASKED.iter().copied().filter(|tool| asks(tool)).collect();
    // A rule about the one approves the others at its path.
    if listed
        .all
        .iter()
        .any(|tool| EDITING.contains(tool) && listed.only_scoped(tool))
    {
        let unlisted = |tool: &&str| !listed.all.contains(tool);
        tools.extend(
            EDITING
                .iter()
                .copied()
                .filter(|tool| *tool != "Edit")
                .filter(unlisted),
        );
        // One that is named with its path is approved there, and asks everywhere else by itself.
        tools.retain(|tool| !(EDITING.contains(tool) && listed.all.contains(tool)));
    }
    tools.into_iter().map(str::to_owned).collect()
}

/// The rules that keep file tools away from `protected`, and from where its links lead.
fn denied(protected: &[PathBuf]) -> Vec<String> {
    let mut paths = BTreeSet::new();
    for path in protected {
        paths.insert(path.clone());
        paths.extend(fs::canonicalize(path));
    }
    paths.iter().flat_map(|path| shut(path)).collect()
}

/// The rules that keep file tools away from a path and from what is below it.
fn shut(path: &Path) -> Vec<String> {
    let path = pattern(path);
    let rules =
        ["Read", "Edit"].map(|tool| [format!("{tool}(/{path})"), format!("{tool}(/{path}/**)")]);
    rules.concat()
}

/// An absolute path as a pattern of the CLI's, which are those of `.gitignore`, that stands for
/// itself.
fn pattern(path: &Path) -> String {
    let mut pattern = String::new();
    for character in path.to_string_lossy().trim_end_matches('/').chars() {
        if matches!(character, '\\' | '*' | '?' | '[' | ']') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
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
        let flags = ToolFlags::new(&spec, false, &[]);
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
        let table: [(Permissions, &[&str], PermissionMode); 9] = [
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
            (
                Permissions::Ask,
                &["Edit(docs/**)", "Write(docs/**)"],
                PermissionMode::Default,
            ),
            (
                Permissions::Deny,
                &["Edit", "Write(docs/**)"],
                PermissionMode::Default,
            ),
            (
                Permissions::Ask,
                &["Edit", "Write", "Edit(//srv/**)"],
                PermissionMode::AcceptEdits,
            ),
        ];
        for (permissions, allowed, expected) in table {
            let spec = spec(PermissionMode::AcceptEdits, permissions, allowed);
            let mode = ToolFlags::new(&spec, false, &[]).mode;
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
            let flags = ToolFlags::new(&spec, false, &[]);
            let expected: Vec<String> = expected.iter().map(|&tool| tool.to_owned()).collect();
            assert_eq!(flags.tools, Some(expected));
            assert!(flags.ask.is_empty());
        }
    }

    #[test]
    fn a_path_covers_itself_alone() {
        let rules = ["Read(docs/**)", "Edit(docs/**)", "Glob"];
        let deny = spec(PermissionMode::AcceptEdits, Permissions::Deny, &rules);
        let flags = ToolFlags::new(&deny, false, &[]);
        assert_eq!(flags.ask, ["MultiEdit", "NotebookEdit", "Read", "Write"]);
        assert_eq!(flags.allowed, ["Read(docs/**)", "Edit(docs/**)"]);
        let ask = spec(PermissionMode::AcceptEdits, Permissions::Ask, &rules);
        let flags = ToolFlags::new(&ask, false, &[]);
        for (tool, asks) in [
            ("Read", true),
            ("Write", true),
            ("Edit", false),
            ("Glob", false),
        ] {
            assert_eq!(flags.ask.iter().any(|name| name == tool), asks, "{tool}");
        }
    }

    #[test]
    fn what_is_protected_is_refused_in_every_mode() {
        let protected = [PathBuf::from("/srv/gate[way]/state")];
        let bypass = spec(PermissionMode::BypassPermissions, Permissions::Ask, &[]);
        let default = spec(PermissionMode::AcceptEdits, Permissions::Deny, &["Read"]);
        for spec in [bypass, default] {
            let flags = ToolFlags::new(&spec, true, &protected);
            assert_eq!(
                flags.deny,
                [
                    r"Read(//srv/gate\[way\]/state)",
                    r"Read(//srv/gate\[way\]/state/**)",
                    r"Edit(//srv/gate\[way\]/state)",
                    r"Edit(//srv/gate\[way\]/state/**)",
                ]
            );
        }
    }

    #[test]
    fn root_bypasses_by_answering() {
        let spec = spec(PermissionMode::BypassPermissions, Permissions::Deny, &[]);
        let root = ToolFlags::new(&spec, true, &[]);
        assert_eq!(root.mode, PermissionMode::Default);
        assert!(root.allow_requests && root.tools.is_none() && root.ask.is_empty());
        let user = ToolFlags::new(&spec, false, &[]);
        assert_eq!(user.mode, PermissionMode::BypassPermissions);
        assert!(!user.allow_requests);
    }
}
