//! The configuration as the core uses it: checked, complete, and without anything optional left
//! open.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::agent::AgentSpec;
use crate::attachment::AttachmentLimits;
use crate::handoff::HandoffMode;
use crate::id::{AgentName, ChannelKey, ProjectName, UserId};

/// What a gateway runs with. A reload replaces it as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Which channel belongs to which project.
    pub routing: RoutingTable,
    /// The limits of the gateway as a whole.
    pub limits: Limits,
}

/// The limits of a gateway as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many turns run at the same time.
    pub max_concurrent_turns: u32,
    /// How many agents stay ready between turns.
    pub max_warm_sessions: u32,
    /// How many conversations may be resumed.
    pub max_sessions: u32,
    /// How long an idle conversation is remembered.
    pub session_ttl: Duration,
    /// Whether the audit log keeps what people write, and not only its hash.
    pub audit_texts: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_concurrent_turns: 4,
            max_warm_sessions: 8,
            max_sessions: 50,
            session_ttl: Duration::from_hours(7 * 24),
            audit_texts: false,
        }
    }
}

/// A project: a directory, the channels that lead to it, and how its agent works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its name.
    pub name: ProjectName,
    /// Its directory, absolute.
    pub directory: String,
    /// The channels that are mapped to it.
    pub channels: BTreeSet<ChannelKey>,
    /// Who may use it.
    pub access: Access,
    /// How long the limits on tools stay lifted that somebody lifts.
    pub unsafe_limit: Duration,
    /// How long people have to answer what an agent asks.
    pub permission_timeout: Duration,
    /// How many messages one person may send in a minute, commands that make agents work included.
    pub rate_limit_per_user: Option<u32>,
    /// How many of its turns run at the same time, where that is less than the gateway's limit.
    pub max_concurrent_turns: Option<u32>,
    /// How its default agent is set up.
    pub agent: Arc<AgentSpec>,
    /// The agents that can be spoken to by name, at most [`MAX_AGENTS`].
    pub agents: BTreeMap<AgentName, Arc<NamedAgent>>,
    /// How its agents hand over.
    pub handoff: HandoffMode,
    /// How many handoffs may follow one message of a person.
    pub max_handoffs: u32,
    /// What the handoffs that follow one message may take together.
    pub handoff_budget: HandoffBudget,
    /// What it may cost in a day.
    pub budgets: DailyBudgets,
    /// How many messages of the thread an agent is shown that joins it.
    pub history_limit: u32,
    /// Who shares a worktree.
    pub worktree_per: WorktreePer,
    /// How long an unused agent stays ready.
    pub idle_timeout: Duration,
    /// How long a turn may take.
    pub turn_timeout: Duration,
    /// How long its agent may show no sign of life in a turn.
    pub patience: Patience,
    /// What becomes of a turn whose agent was cut off.
    pub on_interrupted: OnInterrupted,
    /// What becomes of a message that arrives while a turn runs.
    pub while_busy: WhileBusy,
    /// How long an agent with a name may show no sign of life that says nothing else.
    pub agent_timeout: Duration,
    /// How far back its channels are read when messages were missed. Zero: they are not.
    pub catch_up: Duration,
    /// How many missed messages of a channel are answered at most, the newest ones.
    pub catch_up_limit: u32,
    /// Which files of a message are taken.
    pub attachments: AttachmentLimits,
    /// How many characters an answer may have in posts: a longer one comes as its beginning and a
    /// file, where its channel takes files. Zero: it never does.
    pub answer_as_file: u32,
    /// How much of a running turn is shown.
    pub verbosity: Verbosity,
    /// Whether each of its channels has a message that tells what its threads do, where messages can
    /// be changed.
    pub status_message: bool,
    /// After how long a turn calls who asked when it ends. Zero: none does.
    pub notify_after: Duration,
}

impl Project {
    /// A project with defaults and no channels.
    pub fn new(name: ProjectName, directory: impl Into<String>) -> Self {
        Self {
            name,
            directory: directory.into(),
            channels: BTreeSet::new(),
            access: Access::default(),
            unsafe_limit: Duration::from_mins(30),
            permission_timeout: Duration::from_mins(30),
            rate_limit_per_user: None,
            max_concurrent_turns: None,
            agent: Arc::new(AgentSpec::default()),
            agents: BTreeMap::new(),
            handoff: HandoffMode::default(),
            max_handoffs: 5,
            handoff_budget: HandoffBudget::default(),
            budgets: DailyBudgets::default(),
            history_limit: 20,
            worktree_per: WorktreePer::default(),
            idle_timeout: Duration::from_mins(30),
            turn_timeout: Duration::from_mins(30),
            patience: Patience::default(),
            on_interrupted: OnInterrupted::default(),
            while_busy: WhileBusy::default(),
            agent_timeout: Duration::from_mins(3),
            catch_up: Duration::from_hours(24),
            catch_up_limit: 200,
            attachments: AttachmentLimits::default(),
            answer_as_file: 8000,
            verbosity: Verbosity::default(),
            status_message: true,
            notify_after: Duration::from_mins(5),
        }
    }

    /// How the agents are set up: the default one, and those with names.
    pub fn setups(&self) -> impl Iterator<Item = &AgentSpec> {
        let named = self.agents.values().map(|agent| agent.agent.as_ref());
        std::iter::once(self.agent.as_ref()).chain(named)
    }
}

/// How much of a running turn is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verbosity {
    /// That it runs, and its answer.
    Quiet,
    /// Its steps and its text, too.
    #[default]
    Normal,
    /// What its tools give and what it thinks, too.
    Full,
}

impl Verbosity {
    /// All of them, in the order of their names' table.
    pub const ALL: [Self; 3] = [Self::Quiet, Self::Normal, Self::Full];

    /// The word for it in configuration and commands.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Normal => "normal",
            Self::Full => "full",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

/// How long a running agent may show no sign of life. A running tool is one, and so is a question
/// that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// After this, the thread is told.
    pub notice: Duration,
    /// After this, the agent is stopped. Longer than `notice`.
    pub limit: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            notice: Duration::from_secs(30),
            limit: Duration::from_mins(5),
        }
    }
}

/// What becomes of a turn whose agent was cut off before the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnInterrupted {
    /// It goes on by itself.
    #[default]
    Resume,
    /// It waits until somebody says that it goes on, or asks something else.
    Ask,
    /// It fails, and says why.
    Report,
}

impl OnInterrupted {
    /// All of them, in the order of their names' table.
    pub const ALL: [Self; 3] = [Self::Resume, Self::Ask, Self::Report];

    /// The word for it in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Resume => "resume",
            Self::Ask => "ask",
            Self::Report => "report",
        }
    }
}

/// What becomes of a message that arrives while a turn runs in its conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhileBusy {
    /// It waits for a turn of its own.
    #[default]
    Queue,
    /// The running turn takes it in; if it ends before, it is a turn of its own.
    Steer,
    /// The running turn is stopped for it.
    Interrupt,
}

impl WhileBusy {
    /// All of them, in the order of their names' table.
    pub const ALL: [Self; 3] = [Self::Queue, Self::Steer, Self::Interrupt];

    /// The word for it in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Steer => "steer",
            Self::Interrupt => "interrupt",
        }
    }
}

/// The most agents that a project can name.
pub const MAX_AGENTS: usize = 16;

/// An agent of a project that can be spoken to by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedAgent {
    /// What it does, in a few words: the name that its answers appear under.
    pub role: String,
    /// The colour of its answers, as 0xRRGGBB.
    pub color: Option<u32>,
    /// How it is set up; its system prompt says who it is and who else there is.
    pub agent: Arc<AgentSpec>,
    /// How long it may show no sign of life.
    pub timeout: Duration,
    /// What it may cost in a day, in millionths of a US dollar.
    pub budget: Option<u64>,
}

/// What the handoffs that follow one message may take together; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandoffBudget {
    /// Tokens, read and written.
    pub tokens: Option<u64>,
    /// US dollars, in millionths.
    pub microdollars: Option<u64>,
    /// The agents' own time.
    pub time: Option<Duration>,
}

/// What a project may cost in a day, in millionths of a US dollar; `None` is no limit. The agents with
/// names have limits of their own below that of the project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DailyBudgets {
    /// All of it.
    pub project: Option<u64>,
    /// What one person asks for.
    pub per_user: Option<u64>,
}

/// Who shares a worktree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WorktreePer {
    /// All agents of a thread.
    #[default]
    Thread,
    /// Nobody: each agent of a thread has its own.
    Agent,
}

impl WorktreePer {
    /// All of them, in the order of their names' table.
    pub const ALL: [Self; 2] = [Self::Thread, Self::Agent];

    /// The word for it in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Thread => "thread",
            Self::Agent => "agent",
        }
    }
}

/// Who may use a project, and who may do more than that. With `roles` and `users` both empty,
/// everybody who can post in its channels may use it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Roles, by id or exact name.
    pub roles: BTreeSet<String>,
    /// People, by id.
    pub users: BTreeSet<UserId>,
    /// The roles, by id or exact name, that may give commands that change or end things; empty for
    /// everybody who may use the project.
    pub admin_roles: BTreeSet<String>,
    /// The roles, by id or exact name, that may lift the limits on tools for a while; empty for
    /// nobody.
    pub unsafe_roles: BTreeSet<String>,
    /// The roles, by id or exact name, that may allow tools and approve plans; empty for everybody
    /// who may use the project.
    pub approver_roles: BTreeSet<String>,
}

/// Which channel belongs to which project. Immutable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoutingTable {
    projects: BTreeMap<ProjectName, Arc<Project>>,
    channels: BTreeMap<ChannelKey, ProjectName>,
}

/// Why projects do not make a routing table.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RouteConflict {
    /// A channel is claimed twice.
    #[error("channel {channel} belongs to both {first} and {second}")]
    Channel {
        /// The channel.
        channel: ChannelKey,
        /// The project that claimed it first.
        first: ProjectName,
        /// The project that claimed it too.
        second: ProjectName,
    },
    /// Two projects have one name.
    #[error("two projects are called {0}")]
    Project(ProjectName),
}

impl RoutingTable {
    /// Builds the table from its projects.
    pub fn new(projects: impl IntoIterator<Item = Project>) -> Result<Self, RouteConflict> {
        let mut table = Self::default();
        for project in projects {
            for channel in &project.channels {
                if let Some(first) = table.channels.get(channel) {
                    return Err(RouteConflict::Channel {
                        channel: channel.clone(),
                        first: first.clone(),
                        second: project.name.clone(),
                    });
                }
                table.channels.insert(channel.clone(), project.name.clone());
            }
            if table.projects.contains_key(&project.name) {
                return Err(RouteConflict::Project(project.name));
            }
            table
                .projects
                .insert(project.name.clone(), Arc::new(project));
        }
        Ok(table)
    }

    /// The project that a channel is mapped to.
    pub fn project_of(&self, channel: &ChannelKey) -> Option<&Arc<Project>> {
        self.projects.get(self.channels.get(channel)?)
    }

    /// A project by its name.
    pub fn project(&self, name: &ProjectName) -> Option<&Arc<Project>> {
        self.projects.get(name)
    }

    /// All projects, by name.
    pub fn projects(&self) -> impl Iterator<Item = &Arc<Project>> {
        self.projects.values()
    }

    /// All mapped channels.
    pub fn channels(&self) -> impl Iterator<Item = (&ChannelKey, &ProjectName)> {
        self.channels.iter()
    }
}
