//! How agents work, as one level of the file says it: `[defaults]` or a project.

use std::time::Duration;

use mpg_core::agent::{AgentSpec, PermissionMode, Permissions, Persistence};
use mpg_core::config::{Access, OnInterrupted, Patience};
use mpg_core::id::UserId;

use crate::args::Args;
use crate::problem::{Problem, Problems};
use crate::schema::{
    AGENT_TIMEOUT, ALLOWED_ROLES, ALLOWED_USERS, ARGS, CATCH_UP, CATCH_UP_LIMIT, IDLE_TIMEOUT,
    MAX_HANDOFFS, MODEL, ON_INTERRUPTED, PERMISSION_MODE, PERMISSIONS, PERSISTENCE, PROJECT_TURNS,
    RATE_LIMIT, STALL_LIMIT, STALL_NOTICE, SYSTEM_PROMPT, THREAD_ARCHIVE, TURN_TIMEOUT, WHILE_BUSY,
    WORKTREE,
};
use crate::section::Table;
use crate::settings::{ProjectSettings, WhileBusy, Worktree};
use crate::span::At;
use crate::suggestion::quoted;
use crate::tools::{ToolLists, Tools};

/// What one level sets.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    roles: Option<Vec<String>>,
    users: Option<Vec<String>>,
    rate_limit: Option<u32>,
    catch_up: Option<Duration>,
    catch_up_limit: Option<u32>,
    max_concurrent_turns: Option<u32>,
    args: Option<Args>,
    model: Option<String>,
    system_prompt: Option<String>,
    idle_timeout: Option<Duration>,
    turn_timeout: Option<Duration>,
    stall_notice: Option<Duration>,
    stall_limit: Option<Duration>,
    on_interrupted: Option<OnInterrupted>,
    agent_timeout: Option<Duration>,
    permission_mode: Option<PermissionMode>,
    permissions: Option<Permissions>,
    tools: ToolLists,
    max_handoffs: Option<u32>,
    while_busy: Option<WhileBusy>,
    persistence: Option<Persistence>,
    worktree: Option<Worktree>,
    thread_archive: Option<Duration>,
}

impl Layer {
    /// Reads every key that can be set for all projects and for each.
    pub(crate) fn read(path: &str, table: &Table<'_, '_>, problems: &mut Problems) -> Self {
        let args = table.read(&ARGS, problems);
        let args = args.map(|args| Args::new(&format!("{path}.args"), args, problems));
        let permission_mode = table.read(&PERMISSION_MODE, problems);
        if let (Some(mode), Some(skip)) = (
            &permission_mode,
            args.as_ref().and_then(|args| args.skip_permissions.clone()),
        ) && mode.value != PermissionMode::BypassPermissions
        {
            problems.error(
                Problem::new(mode.span.clone(), "two permission modes at one place")
                    .with_label("this mode")
                    .and_at(skip, "and this waiver of all permissions")
                    .with_help("keep one of the two"),
            );
        }
        let model = table.read(&MODEL, problems);
        if let Some(model) = &model
            && (model.value.starts_with('-') || model.value.contains(char::is_control))
        {
            let message = format!("{} is no model", quoted(&model.value));
            problems.error(Problem::new(model.span.clone(), message));
        }
        Self {
            roles: table.read(&ALLOWED_ROLES, problems).map(texts),
            users: table.read(&ALLOWED_USERS, problems).map(texts),
            rate_limit: table.read(&RATE_LIMIT, problems),
            catch_up: table.read(&CATCH_UP, problems),
            catch_up_limit: table.read(&CATCH_UP_LIMIT, problems),
            max_concurrent_turns: table.read(&PROJECT_TURNS, problems),
            args,
            model: model.map(|model| model.value),
            system_prompt: table.read(&SYSTEM_PROMPT, problems).map(|text| text.value),
            idle_timeout: table.read(&IDLE_TIMEOUT, problems),
            turn_timeout: table.read(&TURN_TIMEOUT, problems),
            stall_notice: table.read(&STALL_NOTICE, problems),
            stall_limit: table.read(&STALL_LIMIT, problems),
            on_interrupted: table.read(&ON_INTERRUPTED, problems).map(|word| word.value),
            agent_timeout: table.read(&AGENT_TIMEOUT, problems),
            permission_mode: permission_mode.map(|mode| mode.value),
            permissions: table.read(&PERMISSIONS, problems).map(|word| word.value),
            tools: ToolLists::read(table, problems),
            max_handoffs: table.read(&MAX_HANDOFFS, problems),
            while_busy: table.read(&WHILE_BUSY, problems).map(|word| word.value),
            persistence: table.read(&PERSISTENCE, problems).map(|word| word.value),
            worktree: table.read(&WORKTREE, problems).map(|word| word.value),
            thread_archive: table.read(&THREAD_ARCHIVE, problems),
        }
    }

    /// The tools that hold at this level, over the built-in ones.
    pub(crate) fn tools(&self, problems: &mut Problems) -> Tools {
        Tools::built_in().under(&self.tools, problems)
    }

    fn skips_permissions(&self) -> bool {
        let args = self.args.as_ref();
        args.is_some_and(|args| args.skip_permissions.is_some())
    }
}

/// A project's level over `[defaults]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layers<'a> {
    pub(crate) project: &'a Layer,
    pub(crate) defaults: &'a Layer,
    /// The tools that hold in `[defaults]`.
    pub(crate) tools: &'a Tools,
}

impl Layers<'_> {
    /// Who may use the project.
    pub(crate) fn access(&self) -> Access {
        let roles = self.pick(|layer| layer.roles.clone());
        let users = self.pick(|layer| layer.users.clone());
        Access {
            roles: roles.into_iter().flatten().collect(),
            users: users.into_iter().flatten().map(UserId::new).collect(),
        }
    }

    /// How many messages one person may send in a minute.
    pub(crate) fn rate_limit(&self) -> Option<u32> {
        self.pick(|layer| layer.rate_limit)
    }

    /// How far back missed messages are looked for.
    pub(crate) fn catch_up(&self) -> Duration {
        let set = self.pick(|layer| layer.catch_up);
        set.unwrap_or_else(|| CATCH_UP.default())
    }

    /// How many missed messages of a channel are answered.
    pub(crate) fn catch_up_limit(&self) -> u32 {
        let set = self.pick(|layer| layer.catch_up_limit);
        set.unwrap_or_else(|| CATCH_UP_LIMIT.default())
    }

    /// How many turns of the project run at the same time.
    pub(crate) fn max_concurrent_turns(&self) -> Option<u32> {
        self.pick(|layer| layer.max_concurrent_turns)
    }

    /// How long an unused agent stays ready.
    pub(crate) fn idle_timeout(&self) -> Duration {
        let set = self.pick(|layer| layer.idle_timeout);
        set.unwrap_or_else(|| IDLE_TIMEOUT.default())
    }

    /// How long a turn may take.
    pub(crate) fn turn_timeout(&self) -> Duration {
        let set = self.pick(|layer| layer.turn_timeout);
        set.unwrap_or_else(|| TURN_TIMEOUT.default())
    }

    /// How long an agent may show no sign of life in a turn.
    pub(crate) fn patience(&self) -> Patience {
        Patience {
            notice: self
                .pick(|layer| layer.stall_notice)
                .unwrap_or_else(|| STALL_NOTICE.default()),
            limit: self
                .pick(|layer| layer.stall_limit)
                .unwrap_or_else(|| STALL_LIMIT.default()),
        }
    }

    /// What becomes of a turn whose agent was cut off.
    pub(crate) fn on_interrupted(&self) -> OnInterrupted {
        self.pick(|layer| layer.on_interrupted)
            .unwrap_or_else(|| ON_INTERRUPTED.default().value)
    }

    /// How the project's agent is set up.
    pub(crate) fn agent(&self, problems: &mut Problems) -> AgentSpec {
        let tools = self.tools.under(&self.project.tools, problems);
        let (allowed_tools, disallowed_tools) = tools.into_lists();
        let args = self.pick(|layer| layer.args.clone());
        AgentSpec {
            args: args.map_or_else(Vec::new, |args| args.rest),
            model: self.pick(|layer| layer.model.clone()),
            system_prompt: self.pick(|layer| layer.system_prompt.clone()),
            permission_mode: self.permission_mode(),
            permissions: self
                .pick(|layer| layer.permissions)
                .unwrap_or_else(|| PERMISSIONS.default().value),
            allowed_tools,
            disallowed_tools,
            persistence: self
                .pick(|layer| layer.persistence)
                .unwrap_or_else(|| PERSISTENCE.default().value),
        }
    }

    /// What of the project is not the core's.
    pub(crate) fn settings(&self) -> ProjectSettings {
        ProjectSettings {
            thread_archive: self
                .pick(|layer| layer.thread_archive)
                .unwrap_or_else(|| THREAD_ARCHIVE.default()),
            agent_timeout: self
                .pick(|layer| layer.agent_timeout)
                .unwrap_or_else(|| AGENT_TIMEOUT.default()),
            max_handoffs: self
                .pick(|layer| layer.max_handoffs)
                .unwrap_or_else(|| MAX_HANDOFFS.default()),
            while_busy: self
                .pick(|layer| layer.while_busy)
                .unwrap_or_else(|| WHILE_BUSY.default().value),
            worktree: self
                .pick(|layer| layer.worktree)
                .unwrap_or_else(|| WORKTREE.default().value),
        }
    }

    /// The mode: what the project says, by key or by flag, then what `[defaults]` says. A project
    /// with arguments of its own does not take over the flag among those that it replaces.
    fn permission_mode(&self) -> PermissionMode {
        let Self {
            project, defaults, ..
        } = self;
        if project.skips_permissions() {
            return PermissionMode::BypassPermissions;
        }
        if let Some(mode) = project.permission_mode {
            return mode;
        }
        if project.args.is_none() && defaults.skips_permissions() {
            return PermissionMode::BypassPermissions;
        }
        defaults
            .permission_mode
            .unwrap_or_else(|| PERMISSION_MODE.default().value)
    }

    fn pick<T>(&self, field: impl Fn(&Layer) -> Option<T>) -> Option<T> {
        field(self.project).or_else(|| field(self.defaults))
    }
}

fn texts(list: At<Vec<At<String>>>) -> Vec<String> {
    list.value.into_iter().map(|text| text.value).collect()
}
