//! The table of all keys: what each is called, where it may be set, what it takes and what it is
//! when nobody sets it. Files are checked against this table and nothing else.

mod duration;
pub(crate) mod kind;
mod money;
mod notation;
mod shape;
mod size;

use std::fmt;
use std::time::Duration;

use mpg_core::agent::{Network, PermissionMode, Permissions, Persistence, Sandbox};
use mpg_core::config::{OnInterrupted, Verbosity, WhileBusy, WorktreePer};
use mpg_core::handoff::HandoffMode;
use toml::de::DeValue;

pub(crate) use self::duration::format as write_duration;
use self::duration::{Span, SpanOf};
use self::kind::{Agents, Choice, Count, Kind, Listen, Text, Texts};
use self::money::{Dollars, DollarsPerDay};
pub use self::shape::Shape;
use self::size::Size;
use crate::preset::{PRESETS, Preset};
use crate::problem::Problems;
use crate::settings::{LogLevel, Worktree};

/// A part of the file that takes keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// `[gateway]`: the daemon as a whole.
    Gateway,
    /// `[log]`: what it writes down.
    Log,
    /// `[http]`: where it listens.
    Http,
    /// `[audit]`: what is kept of who did what.
    Audit,
    /// `[claude]`: how agents are started.
    Claude,
    /// `[defaults]`: what holds for projects that do not say otherwise.
    Defaults,
    /// `[projects.NAME]`: one project.
    Project,
    /// `[projects.NAME.agents.AGENT]`: one agent of a project.
    Agent,
}

impl Section {
    /// All sections.
    pub const ALL: [Self; 8] = [
        Self::Gateway,
        Self::Log,
        Self::Http,
        Self::Audit,
        Self::Claude,
        Self::Defaults,
        Self::Project,
        Self::Agent,
    ];

    /// The name of its table, where it has one of its own.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Log => "log",
            Self::Http => "http",
            Self::Audit => "audit",
            Self::Claude => "claude",
            Self::Defaults => "defaults",
            Self::Project => "projects.NAME",
            Self::Agent => "projects.NAME.agents.AGENT",
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.name())
    }
}

/// What is known of a key: a row of the table of [`keys`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its name.
    pub name: &'static str,
    /// Where it may be set; of [`Section::Defaults`], [`Section::Project`] and [`Section::Agent`],
    /// the later one wins.
    pub sections: &'static [Section],
    /// What it takes, in words.
    pub takes: String,
    /// What its values look like.
    pub shape: Shape,
    /// What it is when nobody sets it, as TOML; `None` where nothing is.
    pub default: Option<&'static str>,
}

/// A key whose values are of one kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<K> {
    pub(crate) name: &'static str,
    pub(crate) sections: &'static [Section],
    pub(crate) kind: K,
    default: Option<&'static str>,
}

impl<K: Kind> Key<K> {
    /// The value of the table.
    ///
    /// # Panics
    ///
    /// Where the table states none, or one that the key itself would refuse; a test reads each.
    pub(crate) fn default(&self) -> K::Value {
        self.stated_default()
            .expect("the table states a default that its own key takes")
    }

    fn stated_default(&self) -> Option<K::Value> {
        let value = DeValue::parse(self.default?).ok()?;
        let mut problems = Problems::default();
        self.kind.read(self.name, &value, &mut problems)
    }

    fn info(&self) -> KeyInfo {
        KeyInfo {
            name: self.name,
            sections: self.sections,
            takes: self.kind.takes(),
            shape: self.kind.shape(),
            default: self.default,
        }
    }
}

macro_rules! keys {
    ($($constant:ident: $kind:ty = $kind_value:expr, $name:literal in $sections:expr,
        default $default:expr;)*) => {
        $(
            pub(crate) const $constant: Key<$kind> = Key {
                name: $name,
                sections: $sections,
                kind: $kind_value,
                default: $default,
            };
        )*

        /// The names of all keys and where each may be set.
        pub(crate) const NAMES: &[(&str, &[Section])] = &[$(($name, $sections)),*];

        /// Lists every key of the file, in the order of the documentation.
        ///
        /// The tables of chat platforms are not here: each adapter checks its own.
        pub fn keys() -> Vec<KeyInfo> {
            vec![$($constant.info()),*]
        }

        #[cfg(test)]
        fn refused_defaults() -> Vec<&'static str> {
            let mut refused = Vec::new();
            $(
                if $constant.default.is_some() && $constant.stated_default().is_none() {
                    refused.push($name);
                }
            )*
            refused
        }
    };
}

const GATEWAY: &[Section] = &[Section::Gateway];
const LOG: &[Section] = &[Section::Log];
const HTTP: &[Section] = &[Section::Http];
const AUDIT: &[Section] = &[Section::Audit];
const CLAUDE: &[Section] = &[Section::Claude];
const PROJECT: &[Section] = &[Section::Project];
const WORK: &[Section] = &[Section::Defaults, Section::Project];
const SETUP: &[Section] = &[Section::Defaults, Section::Project, Section::Agent];
const AGENT: &[Section] = &[Section::Agent];

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;

/// A time in which something is waited for.
const WAIT: Span = Span(Duration::from_millis(1), Duration::from_secs(30 * DAY));

const PERSISTENCES: &[(&str, Persistence)] = &[
    ("keeper", Persistence::Keeper),
    ("tmux", Persistence::Tmux),
    ("none", Persistence::None),
];

const SANDBOXES: &[(&str, Sandbox)] = &[
    ("auto", Sandbox::Auto),
    ("strict", Sandbox::Strict),
    ("off", Sandbox::Off),
];

const NETWORKS: &[(&str, Network)] = &[("all", Network::All), ("model", Network::Model)];

const WHILE_BUSY_WORDS: &[(&str, WhileBusy)] = &[
    ("queue", WhileBusy::Queue),
    ("steer", WhileBusy::Steer),
    ("interrupt", WhileBusy::Interrupt),
];

const ON_INTERRUPTED_WORDS: &[(&str, OnInterrupted)] = &[
    ("resume", OnInterrupted::Resume),
    ("ask", OnInterrupted::Ask),
    ("report", OnInterrupted::Report),
];

const VERBOSITIES: &[(&str, Verbosity)] = &[
    ("quiet", Verbosity::Quiet),
    ("normal", Verbosity::Normal),
    ("full", Verbosity::Full),
];

const STATUS_MESSAGES: &[(&str, bool)] = &[("pinned", true), ("off", false)];

const HANDOFF_MODES: &[(&str, HandoffMode)] = &[
    ("mention", HandoffMode::Mention),
    ("directive", HandoffMode::Directive),
    ("off", HandoffMode::Off),
];

const WORKTREES_PER: &[(&str, WorktreePer)] = &[
    ("thread", WorktreePer::Thread),
    ("agent", WorktreePer::Agent),
];

const PERMISSION_MODES: &[(&str, PermissionMode)] = &[
    ("default", PermissionMode::Default),
    ("acceptEdits", PermissionMode::AcceptEdits),
    ("plan", PermissionMode::Plan),
    ("bypassPermissions", PermissionMode::BypassPermissions),
];

keys! {
    DATA_DIR: Text = Text, "data-dir" in GATEWAY, default None;
    GATEWAY_TURNS: Count = Count(1, 1000), "max-concurrent-turns" in GATEWAY, default Some("4");
    WARM_SESSIONS: Count = Count(0, 1000), "max-warm-sessions" in GATEWAY, default Some("8");
    SESSION_TTL: Span = Span(Duration::from_secs(1), Duration::from_secs(3650 * DAY)),
        "session-ttl" in GATEWAY, default Some("\"7d\"");
    MAX_SESSIONS: Count = Count(1, 1_000_000), "max-sessions" in GATEWAY, default Some("50");
    DRAIN_LIMIT: Span = Span(Duration::ZERO, Duration::from_secs(DAY)),
        "drain-limit" in GATEWAY, default Some("\"30s\"");

    LOG_LEVEL: Choice<LogLevel> = Choice(LogLevel::NAMES), "level" in LOG, default Some("\"info\"");
    LOG_DIR: Text = Text, "dir" in LOG, default None;

    HTTP_LISTEN: Listen = Listen, "listen" in HTTP, default Some("\"127.0.0.1:3100\"");
    HTTP_HOSTS: Texts = Texts, "hosts" in HTTP, default Some("[]");

    AUDIT_TEXTS: Choice<bool> = Choice(&[("hash", false), ("plain", true)]), "texts" in AUDIT,
        default Some("\"hash\"");
    AUDIT_KEEP: Span = Span(Duration::from_secs(DAY), Duration::from_secs(36_500 * DAY)),
        "keep" in AUDIT, default Some("\"365d\"");

    COMMAND: Text = Text, "command" in CLAUDE, default Some("\"claude\"");
    PASS_ENV: Texts = Texts, "pass-env" in CLAUDE, default Some(
        "[\"PATH\", \"HOME\", \"USER\", \"SHELL\", \"LANG\", \"LC_*\", \"TERM\", \"TZ\", \
         \"TMPDIR\", \"XDG_*\", \"SSH_AUTH_SOCK\", \"*_PROXY\", \"*_proxy\", \
         \"NODE_EXTRA_CA_CERTS\", \"ANTHROPIC_*\", \"CLAUDE_CONFIG_DIR\", \"CLAUDE_CODE_USE_*\"]"
        );

    DIRECTORY: Text = Text, "directory" in PROJECT, default None;
    CHANNELS: Texts = Texts, "channels" in PROJECT, default None;
    AGENTS: Agents = Agents, "agents" in PROJECT, default None;
    ALLOWED_ROLES: Texts = Texts, "allowed-roles" in WORK, default Some("[]");
    ALLOWED_USERS: Texts = Texts, "allowed-users" in WORK, default Some("[]");
    ADMIN_ROLES: Texts = Texts, "admin-roles" in WORK, default Some("[]");
    UNSAFE_ROLES: Texts = Texts, "unsafe-roles" in WORK, default Some("[]");
    UNSAFE_LIMIT: Span = Span(Duration::from_secs(1), Duration::from_secs(DAY)),
        "unsafe-limit" in WORK, default Some("\"30m\"");
    APPROVER_ROLES: Texts = Texts, "approver-roles" in WORK, default Some("[]");
    PERMISSION_TIMEOUT: Span = Span(Duration::from_secs(1), Duration::from_secs(7 * DAY)),
        "permission-timeout" in WORK, default Some("\"30m\"");
    RATE_LIMIT: Count = Count(1, 10_000), "rate-limit-per-user" in WORK, default None;
    CATCH_UP: Span = Span(Duration::ZERO, Duration::from_secs(14 * DAY)),
        "catch-up" in WORK, default Some("\"24h\"");
    CATCH_UP_LIMIT: Count = Count(1, 1000), "catch-up-limit" in WORK, default Some("200");
    ATTACHMENT_COUNT: Count = Count(0, 10), "max-attachments" in WORK, default Some("10");
    ATTACHMENT_SIZE: Size = Size(1 << 10, 100 << 20), "max-attachment-size" in WORK,
        default Some("\"25MB\"");
    ATTACHMENT_TYPES: Texts = Texts, "attachment-types" in WORK, default Some("[\"*\"]");
    ANSWER_AS_FILE: Count = Count(0, 1_000_000), "answer-as-file" in WORK, default Some("8000");
    PROJECT_TURNS: Count = Count(1, 1000), "max-concurrent-turns" in WORK, default None;
    ARGS: Texts = Texts, "args" in SETUP, default Some("[]");
    MODEL: Text = Text, "model" in SETUP, default None;
    SYSTEM_PROMPT: Text = Text, "system-prompt" in WORK, default None;
    IDLE_TIMEOUT: Span = WAIT, "idle-timeout" in WORK, default Some("\"30m\"");
    TURN_TIMEOUT: Span = WAIT, "turn-timeout" in WORK, default Some("\"30m\"");
    STALL_NOTICE: Span = WAIT, "stall-notice" in WORK, default Some("\"30s\"");
    STALL_LIMIT: Span = WAIT, "stall-limit" in WORK, default Some("\"5m\"");
    ON_INTERRUPTED: Choice<OnInterrupted> = Choice(ON_INTERRUPTED_WORDS), "on-interrupted" in WORK,
        default Some("\"resume\"");
    VERBOSITY: Choice<Verbosity> = Choice(VERBOSITIES), "verbosity" in WORK,
        default Some("\"normal\"");
    STATUS_MESSAGE: Choice<bool> = Choice(STATUS_MESSAGES), "status-message" in WORK,
        default Some("\"pinned\"");
    NOTIFY_AFTER: Span = Span(Duration::ZERO, Duration::from_secs(DAY)), "notify-after" in WORK,
        default Some("\"5m\"");
    AGENT_TIMEOUT: Span = WAIT, "agent-timeout" in WORK, default Some("\"3m\"");
    PERMISSION_MODE: Choice<PermissionMode> = Choice(PERMISSION_MODES),
        "permission-mode" in SETUP, default Some("\"acceptEdits\"");
    PERMISSIONS: Choice<Permissions> =
        Choice(&[("ask", Permissions::Ask), ("deny", Permissions::Deny)]),
        "permissions" in SETUP, default Some("\"ask\"");
    ALLOWED_TOOLS: Texts = Texts, "allowed-tools" in SETUP, default Some(
        "[\"Read\", \"Edit\", \"Write\", \"Glob\", \"Grep\", \"Bash(git:*)\", \"TodoWrite\"]"
        );
    DISALLOWED_TOOLS: Texts = Texts, "disallowed-tools" in SETUP, default Some("[]");
    EXTRA_ALLOWED_TOOLS: Texts = Texts, "extra-allowed-tools" in SETUP, default Some("[]");
    HANDOFF: Choice<HandoffMode> = Choice(HANDOFF_MODES), "handoff" in WORK,
        default Some("\"mention\"");
    MAX_HANDOFFS: Count = Count(0, 100), "max-handoffs" in WORK, default Some("5");
    BUDGET_TOKENS: Count = Count(1, 1_000_000_000), "handoff-budget-tokens" in WORK, default None;
    BUDGET_USD: Dollars = Dollars, "handoff-budget-usd" in WORK, default None;
    BUDGET_TIME: Span = WAIT, "handoff-budget-time" in WORK, default None;
    BUDGET: DollarsPerDay = DollarsPerDay, "budget" in SETUP, default None;
    USER_BUDGET: DollarsPerDay = DollarsPerDay, "budget-per-user" in WORK, default None;
    HISTORY: Count = Count(0, 100), "history" in WORK, default Some("20");
    WHILE_BUSY: Choice<WhileBusy> = Choice(WHILE_BUSY_WORDS), "while-busy" in WORK,
        default Some("\"queue\"");
    PERSISTENCE: Choice<Persistence> = Choice(PERSISTENCES), "persistence" in SETUP,
        default Some("\"keeper\"");
    SANDBOX: Choice<Sandbox> = Choice(SANDBOXES), "sandbox" in SETUP, default Some("\"auto\"");
    WRITABLE: Texts = Texts, "writable" in SETUP, default Some("[]");
    NETWORK: Choice<Network> = Choice(NETWORKS), "network" in SETUP, default Some("\"all\"");
    MAX_MEMORY: Size = Size(256 << 20, 1 << 40), "max-memory" in SETUP, default None;
    MAX_PROCESSES: Count = Count(10, 1_000_000), "max-processes" in SETUP, default None;
    MAX_CPU: Span = Span(Duration::from_secs(10), Duration::from_secs(30 * DAY)), "max-cpu-time" in SETUP,
        default None;
    WORKTREE: Choice<Worktree> = Choice(Worktree::NAMES), "worktree" in WORK,
        default Some("\"auto\"");
    WORKTREE_PER: Choice<WorktreePer> = Choice(WORKTREES_PER), "worktree-per" in WORK,
        default Some("\"thread\"");
    THREAD_ARCHIVE: SpanOf = SpanOf(&["60m", "1d", "3d", "7d"]), "thread-archive" in WORK,
        default Some("\"60m\"");

    PRESET: Choice<&'static Preset> = Choice(PRESETS), "preset" in AGENT, default None;
    ROLE: Text = Text, "role" in AGENT, default None;
    PROMPT: Text = Text, "prompt" in AGENT, default None;
    TIMEOUT: Span = WAIT, "timeout" in AGENT, default None;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_its_own_defaults() {
        assert_eq!(refused_defaults(), [""; 0]);
    }

    #[test]
    fn names_a_key_once_in_a_section() {
        for section in Section::ALL {
            let mut names: Vec<&str> = NAMES
                .iter()
                .filter(|(_, sections)| sections.contains(&section))
                .map(|(name, _)| *name)
                .collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{section}");
        }
    }

    #[test]
    fn knows_every_permission_mode_by_its_name() {
        let names: Vec<&str> = PermissionMode::ALL.map(PermissionMode::name).to_vec();
        let known: Vec<&str> = PERMISSION_MODES.iter().map(|(name, _)| *name).collect();
        assert_eq!(known, names);
        for (name, mode) in PERMISSION_MODES {
            assert_eq!(mode.name(), *name);
        }
    }

    #[test]
    fn knows_by_its_name_what_becomes_of_an_interrupted_turn() {
        let known: Vec<OnInterrupted> = ON_INTERRUPTED_WORDS.iter().map(|(_, w)| *w).collect();
        assert_eq!(known, OnInterrupted::ALL);
        for (name, word) in ON_INTERRUPTED_WORDS {
            assert_eq!(word.name(), *name);
        }
    }

    #[test]
    fn knows_by_its_name_what_becomes_of_a_message_during_a_turn() {
        let known: Vec<WhileBusy> = WHILE_BUSY_WORDS.iter().map(|(_, w)| *w).collect();
        assert_eq!(known, WhileBusy::ALL);
        for (name, word) in WHILE_BUSY_WORDS {
            assert_eq!(word.name(), *name);
        }
    }

    #[test]
    fn knows_the_words_of_the_core_by_their_names() {
        let verbosities = Verbosity::ALL.map(|known| (known.name(), known));
        assert_eq!(VERBOSITIES, verbosities);
        let modes: Vec<(&str, HandoffMode)> = HandoffMode::ALL.map(|m| (m.name(), m)).to_vec();
        assert_eq!(HANDOFF_MODES, modes);
        let per: Vec<(&str, WorktreePer)> = WorktreePer::ALL.map(|w| (w.name(), w)).to_vec();
        assert_eq!(WORKTREES_PER, per);
    }

    #[test]
    fn knows_every_sandbox_by_its_name() {
        let known: Vec<Sandbox> = SANDBOXES.iter().map(|(_, word)| *word).collect();
        assert_eq!(known, Sandbox::ALL);
        for (name, sandbox) in SANDBOXES {
            assert_eq!(sandbox.name(), *name);
        }
    }

    #[test]
    fn knows_by_its_name_what_is_reached() {
        let networks = Network::ALL.map(|known| (known.name(), known));
        assert_eq!(NETWORKS, networks);
    }

    #[test]
    fn knows_every_persistence_by_its_name() {
        let known: Vec<Persistence> = PERSISTENCES.iter().map(|(_, word)| *word).collect();
        assert_eq!(known, Persistence::ALL);
        for (name, persistence) in PERSISTENCES {
            assert_eq!(persistence.name(), *name);
        }
    }
}
