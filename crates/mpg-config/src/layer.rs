//! How a project works and who may use it, as one level of the file says it: `[defaults]` or a
//! project.

use std::collections::BTreeSet;
use std::time::Duration;

use mpg_core::attachment::AttachmentLimits;
use mpg_core::config::{
    Access, DailyBudgets, HandoffBudget, OnInterrupted, Patience, Verbosity, WhileBusy, WorktreePer,
};
use mpg_core::handoff::HandoffMode;
use mpg_core::id::UserId;

use crate::problem::Problems;
use crate::schema::{
    ADMIN_ROLES, AGENT_TIMEOUT, ALLOWED_ROLES, ALLOWED_USERS, ANSWER_AS_FILE, APPROVER_ROLES,
    ATTACHMENT_COUNT, ATTACHMENT_SIZE, ATTACHMENT_TYPES, BUDGET, BUDGET_TIME, BUDGET_TOKENS,
    BUDGET_USD, CATCH_UP, CATCH_UP_LIMIT, HANDOFF, HISTORY, IDLE_TIMEOUT, MAX_HANDOFFS,
    NOTIFY_AFTER, ON_INTERRUPTED, PERMISSION_TIMEOUT, PROJECT_TURNS, RATE_LIMIT, STALL_LIMIT,
    STALL_NOTICE, STATUS_MESSAGE, SYSTEM_PROMPT, THREAD_ARCHIVE, TURN_TIMEOUT, UNSAFE_LIMIT,
    UNSAFE_ROLES, USER_BUDGET, VERBOSITY, WHILE_BUSY, WORKTREE, WORKTREE_PER,
};
use crate::section::Table;
use crate::settings::{ProjectSettings, Worktree};
use crate::setup::Setup;
use crate::span::At;
use crate::tools::Tools;

/// What one level sets.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    roles: Option<Vec<String>>,
    users: Option<Vec<String>>,
    admin_roles: Option<Vec<String>>,
    unsafe_roles: Option<Vec<String>>,
    unsafe_limit: Option<Duration>,
    approver_roles: Option<Vec<String>>,
    permission_timeout: Option<Duration>,
    rate_limit: Option<u32>,
    catch_up: Option<Duration>,
    catch_up_limit: Option<u32>,
    attachment_count: Option<u32>,
    attachment_size: Option<u64>,
    attachment_types: Option<Vec<String>>,
    answer_as_file: Option<u32>,
    max_concurrent_turns: Option<u32>,
    system_prompt: Option<String>,
    idle_timeout: Option<Duration>,
    turn_timeout: Option<Duration>,
    stall_notice: Option<Duration>,
    stall_limit: Option<Duration>,
    on_interrupted: Option<OnInterrupted>,
    verbosity: Option<Verbosity>,
    status_message: Option<bool>,
    notify_after: Option<Duration>,
    agent_timeout: Option<Duration>,
    handoff: Option<HandoffMode>,
    max_handoffs: Option<u32>,
    handoff_budget: HandoffBudget,
    budgets: DailyBudgets,
    history: Option<u32>,
    while_busy: Option<WhileBusy>,
    worktree: Option<Worktree>,
    worktree_per: Option<WorktreePer>,
    thread_archive: Option<Duration>,
    /// How agents are set up.
    pub(crate) setup: Setup,
}

impl Layer {
    /// Reads every key that can be set for all projects and for each.
    pub(crate) fn read(path: &str, table: &Table<'_, '_>, problems: &mut Problems) -> Self {
        Self {
            roles: table.read(&ALLOWED_ROLES, problems).map(texts),
            users: table.read(&ALLOWED_USERS, problems).map(texts),
            admin_roles: table.read(&ADMIN_ROLES, problems).map(texts),
            unsafe_roles: table.read(&UNSAFE_ROLES, problems).map(texts),
            unsafe_limit: table.read(&UNSAFE_LIMIT, problems),
            approver_roles: table.read(&APPROVER_ROLES, problems).map(texts),
            permission_timeout: table.read(&PERMISSION_TIMEOUT, problems),
            rate_limit: table.read(&RATE_LIMIT, problems),
            catch_up: table.read(&CATCH_UP, problems),
            catch_up_limit: table.read(&CATCH_UP_LIMIT, problems),
            attachment_count: table.read(&ATTACHMENT_COUNT, problems),
            attachment_size: table.read(&ATTACHMENT_SIZE, problems),
            attachment_types: table.read(&ATTACHMENT_TYPES, problems).map(texts),
            answer_as_file: table.read(&ANSWER_AS_FILE, problems),
            max_concurrent_turns: table.read(&PROJECT_TURNS, problems),
            system_prompt: table.read(&SYSTEM_PROMPT, problems).map(|text| text.value),
            idle_timeout: table.read(&IDLE_TIMEOUT, problems),
            turn_timeout: table.read(&TURN_TIMEOUT, problems),
            stall_notice: table.read(&STALL_NOTICE, problems),
            stall_limit: table.read(&STALL_LIMIT, problems),
            on_interrupted: table.read(&ON_INTERRUPTED, problems).map(|word| word.value),
            verbosity: table.read(&VERBOSITY, problems).map(|word| word.value),
            status_message: table.read(&STATUS_MESSAGE, problems).map(|word| word.value),
            notify_after: table.read(&NOTIFY_AFTER, problems),
            agent_timeout: table.read(&AGENT_TIMEOUT, problems),
            handoff: table.read(&HANDOFF, problems).map(|word| word.value),
            max_handoffs: table.read(&MAX_HANDOFFS, problems),
            handoff_budget: HandoffBudget {
                tokens: table.read(&BUDGET_TOKENS, problems).map(u64::from),
                microdollars: table.read(&BUDGET_USD, problems),
                time: table.read(&BUDGET_TIME, problems),
            },
            budgets: DailyBudgets {
                project: table.read(&BUDGET, problems),
                per_user: table.read(&USER_BUDGET, problems),
            },
            history: table.read(&HISTORY, problems),
            while_busy: table.read(&WHILE_BUSY, problems).map(|word| word.value),
            worktree: table.read(&WORKTREE, problems).map(|word| word.value),
            worktree_per: table.read(&WORKTREE_PER, problems).map(|word| word.value),
            thread_archive: table.read(&THREAD_ARCHIVE, problems),
            setup: Setup::read(path, table, problems),
        }
    }

    /// The tools that hold at this level, over the built-in ones.
    pub(crate) fn tools(&self, problems: &mut Problems) -> Tools {
        Tools::built_in().under(&self.setup.tools, problems)
    }
}

/// A project's level over `[defaults]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layers<'a> {
    pub(crate) project: &'a Layer,
    pub(crate) defaults: &'a Layer,
}

impl Layers<'_> {
    /// Who may use the project, and who may do more.
    pub(crate) fn access(&self) -> Access {
        let users = self.pick(|layer| layer.users.clone());
        Access {
            roles: self.set(|layer| layer.roles.clone()),
            users: users.into_iter().flatten().map(UserId::new).collect(),
            admin_roles: self.set(|layer| layer.admin_roles.clone()),
            unsafe_roles: self.set(|layer| layer.unsafe_roles.clone()),
            approver_roles: self.set(|layer| layer.approver_roles.clone()),
        }
    }

    /// How long the limits on tools stay lifted that somebody lifts.
    pub(crate) fn unsafe_limit(&self) -> Duration {
        let set = self.pick(|layer| layer.unsafe_limit);
        set.unwrap_or_else(|| UNSAFE_LIMIT.default())
    }

    /// How long people have to answer what an agent asks.
    pub(crate) fn permission_timeout(&self) -> Duration {
        let set = self.pick(|layer| layer.permission_timeout);
        set.unwrap_or_else(|| PERMISSION_TIMEOUT.default())
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

    /// Which files of a message are taken.
    pub(crate) fn attachments(&self) -> AttachmentLimits {
        AttachmentLimits {
            count: self
                .pick(|layer| layer.attachment_count)
                .unwrap_or_else(|| ATTACHMENT_COUNT.default()),
            size: self
                .pick(|layer| layer.attachment_size)
                .unwrap_or_else(|| ATTACHMENT_SIZE.default()),
            types: self
                .pick(|layer| layer.attachment_types.clone())
                .unwrap_or_else(|| texts(ATTACHMENT_TYPES.default())),
        }
    }

    /// How many characters an answer may have in posts.
    pub(crate) fn answer_as_file(&self) -> u32 {
        let set = self.pick(|layer| layer.answer_as_file);
        set.unwrap_or_else(|| ANSWER_AS_FILE.default())
    }

    /// How many turns of the project run at the same time.
    pub(crate) fn max_concurrent_turns(&self) -> Option<u32> {
        self.pick(|layer| layer.max_concurrent_turns)
    }

    /// What is added to the system prompt of each agent.
    pub(crate) fn system_prompt(&self) -> Option<String> {
        self.pick(|layer| layer.system_prompt.clone())
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

    /// What becomes of a message that arrives during a turn.
    pub(crate) fn while_busy(&self) -> WhileBusy {
        self.pick(|layer| layer.while_busy)
            .unwrap_or_else(|| WHILE_BUSY.default().value)
    }

    /// What becomes of a turn whose agent was cut off.
    pub(crate) fn on_interrupted(&self) -> OnInterrupted {
        self.pick(|layer| layer.on_interrupted)
            .unwrap_or_else(|| ON_INTERRUPTED.default().value)
    }

    /// How much of a running turn is shown.
    pub(crate) fn verbosity(&self) -> Verbosity {
        self.pick(|layer| layer.verbosity)
            .unwrap_or_else(|| VERBOSITY.default().value)
    }

    /// Whether each channel has a message that tells what its threads do.
    pub(crate) fn status_message(&self) -> bool {
        self.pick(|layer| layer.status_message)
            .unwrap_or_else(|| STATUS_MESSAGE.default().value)
    }

    /// After how long a turn calls who asked when it ends.
    pub(crate) fn notify_after(&self) -> Duration {
        let set = self.pick(|layer| layer.notify_after);
        set.unwrap_or_else(|| NOTIFY_AFTER.default())
    }

    /// How long an agent may show no sign of life.
    pub(crate) fn agent_timeout(&self) -> Duration {
        let set = self.pick(|layer| layer.agent_timeout);
        set.unwrap_or_else(|| AGENT_TIMEOUT.default())
    }

    /// How agents hand over.
    pub(crate) fn handoff(&self) -> HandoffMode {
        let set = self.pick(|layer| layer.handoff);
        set.unwrap_or_else(|| HANDOFF.default().value)
    }

    /// How many handoffs may follow one message.
    pub(crate) fn max_handoffs(&self) -> u32 {
        let set = self.pick(|layer| layer.max_handoffs);
        set.unwrap_or_else(|| MAX_HANDOFFS.default())
    }

    /// What these handoffs may take together.
    pub(crate) fn handoff_budget(&self) -> HandoffBudget {
        HandoffBudget {
            tokens: self.pick(|layer| layer.handoff_budget.tokens),
            microdollars: self.pick(|layer| layer.handoff_budget.microdollars),
            time: self.pick(|layer| layer.handoff_budget.time),
        }
    }

    /// What the project may cost in a day.
    pub(crate) fn budgets(&self) -> DailyBudgets {
        DailyBudgets {
            project: self.pick(|layer| layer.budgets.project),
            per_user: self.pick(|layer| layer.budgets.per_user),
        }
    }

    /// How many messages of the thread an agent is shown that joins it.
    pub(crate) fn history(&self) -> u32 {
        let set = self.pick(|layer| layer.history);
        set.unwrap_or_else(|| HISTORY.default())
    }

    /// Who shares a worktree.
    pub(crate) fn worktree_per(&self) -> WorktreePer {
        let set = self.pick(|layer| layer.worktree_per);
        set.unwrap_or_else(|| WORKTREE_PER.default().value)
    }

    /// What of the project is not the core's.
    pub(crate) fn settings(&self) -> ProjectSettings {
        ProjectSettings {
            thread_archive: self
                .pick(|layer| layer.thread_archive)
                .unwrap_or_else(|| THREAD_ARCHIVE.default()),
            worktree: self
                .pick(|layer| layer.worktree)
                .unwrap_or_else(|| WORKTREE.default().value),
        }
    }

    fn set(&self, field: impl Fn(&Layer) -> Option<Vec<String>>) -> BTreeSet<String> {
        self.pick(field).into_iter().flatten().collect()
    }

    fn pick<T>(&self, field: impl Fn(&Layer) -> Option<T>) -> Option<T> {
        field(self.project).or_else(|| field(self.defaults))
    }
}

fn texts(list: At<Vec<At<String>>>) -> Vec<String> {
    list.value.into_iter().map(|text| text.value).collect()
}
