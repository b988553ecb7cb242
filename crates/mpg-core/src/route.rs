//! What becomes of a message: one pure function.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::access::{admits, is_admin, may_approve, may_lift_limits, meant};
use crate::address::addressed;
use crate::ask::{self, Said};
use crate::attachment::{LeftOut, admit, kept, weight};
use crate::command::{self, Command, Takes};
use crate::config::{Project, RoutingTable};
use crate::id::{AgentName, AskId, MessageId};
use crate::message::{Attachment, AuthorKind, Message};
use crate::snapshot::Ask;
use crate::wording;

/// What the gateway knows about the thread of a message, and about its author there.
#[derive(Clone, Debug, Default)]
pub struct ThreadView {
    /// Whether the message was seen before.
    pub seen: bool,
    /// The agent that is spoken to where a message names none; `None` is the project's default one.
    pub spoken_to: Option<AgentName>,
    /// What waits in each conversation of the thread.
    pub waiting: BTreeMap<Option<AgentName>, Waiting>,
    /// How long the author has to wait before the next message counts as slow enough.
    pub rate_limited_for: Option<Duration>,
    /// What waits for people there, oldest first.
    pub asks: Vec<OpenAsk>,
    /// Whether it was posted while nobody listened, and is read only now.
    pub late: bool,
    /// Whether it was posted in a direct conversation with the gateway, whose author was not told
    /// lately that these lead nowhere.
    pub untold_direct: bool,
}

/// Something that waits for people in a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAsk {
    /// What is asked.
    pub ask: Ask,
    /// The agent that asks.
    pub agent: Option<AgentName>,
    /// The message in which people see it: what was written before that is no answer.
    pub shown: MessageId,
    /// Whether they see numbers to answer with.
    pub numbered: bool,
}

/// What waits in a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many turns.
    pub turns: usize,
    /// How many bytes of text, with the descriptions of files.
    pub bytes: usize,
}

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// Nothing, and nobody is told.
    Ignore(IgnoreReason),
    /// Nothing, and its author is told why.
    Refuse(RefuseReason),
    /// The gateway itself answers.
    Command(Command),
    /// It is the answer to something that an agent asked.
    Answer {
        /// What was asked.
        ask: AskId,
        /// What was said.
        said: Said,
    },
    /// An agent answers.
    Dispatch(Dispatch),
}

/// Why a message is passed over in silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IgnoreReason {
    /// No person wrote it.
    Bot,
    /// Its channel belongs to no project.
    Unmapped,
    /// It was seen before.
    Duplicate,
}

/// Why a message is turned away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefuseReason {
    /// Its author may not use the project.
    NotAllowed,
    /// It is a direct message, and direct messages lead nowhere.
    Direct,
    /// It is a command that takes one of `admin-roles`.
    NotAdmin {
        /// The command's name.
        command: &'static str,
    },
    /// It answers an agent, which takes one of `approver-roles`.
    NotApprover,
    /// It would lift limits on tools, which takes one of `unsafe-roles`.
    MayNotLift {
        /// Whether there are such roles.
        somebody_may: bool,
    },
    /// It would lift limits on tools, and was posted while nobody listened.
    TooLate,
    /// Its author wrote too much in the last minute.
    TooFast {
        /// How long to wait.
        retry_after: Duration,
    },
    /// It says nothing.
    Empty,
    /// It consists of files alone, and none of them is taken.
    NoFiles(Vec<LeftOut>),
    /// Too much waits already.
    QueueFull,
    /// It names somebody and says nothing to them.
    NoTask {
        /// Who is named, if it is known.
        agents: Vec<AgentName>,
    },
    /// It asks for an agent that the project does not have.
    NoSuchAgent {
        /// The name, cut to 40 characters.
        name: String,
        /// The agents that the project has.
        agents: Vec<AgentName>,
    },
}

impl RefuseReason {
    /// A few words for the audit log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotAllowed => "not allowed",
            Self::Direct => "a direct message",
            Self::NotAdmin { .. } => "takes an admin role",
            Self::NotApprover => "takes an approver role",
            Self::MayNotLift { .. } => "takes an unsafe role",
            Self::TooLate => "too late",
            Self::TooFast { .. } => "too fast",
            Self::Empty => "empty",
            Self::NoFiles(_) => "no files that are taken",
            Self::QueueFull => "too much waits",
            Self::NoTask { .. } => "no task",
            Self::NoSuchAgent { .. } => "no such agent",
        }
    }
}

/// A message for an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatch {
    /// The project.
    pub project: Arc<Project>,
    /// Who answers, each once, in the order in which the message names them, and never nobody;
    /// `None` is the project's default agent.
    pub agents: Vec<Option<AgentName>>,
    /// What each of them is asked.
    pub prompt: String,
    /// The files that came with it, those that are not passed on among them.
    pub attachments: Vec<Attachment>,
    /// The files that are not passed on, by what is told of them.
    pub left_out: Vec<LeftOut>,
}

/// How many turns may wait in one conversation.
pub const MAX_QUEUED: usize = 100;

/// How many bytes of text may wait in one conversation.
pub const MAX_QUEUED_BYTES: usize = 1024 * 1024;

/// Decides what becomes of a message.
///
/// The order of the checks is part of the promise: who may not use a project learns nothing about
/// it, commands work in a full queue, and only work counts against the rate limit.
pub fn route(table: &RoutingTable, view: &ThreadView, message: &Message) -> Decision {
    if message.author.kind == AuthorKind::Bot {
        return Decision::Ignore(IgnoreReason::Bot);
    }
    let Some(project) = table.project_of(&message.place.channel) else {
        return if view.untold_direct && !view.seen {
            Decision::Refuse(RefuseReason::Direct)
        } else {
            Decision::Ignore(IgnoreReason::Unmapped)
        };
    };
    if view.seen {
        return Decision::Ignore(IgnoreReason::Duplicate);
    }
    if !admits(&project.access, &message.author) {
        return Decision::Refuse(RefuseReason::NotAllowed);
    }
    let (agents, mut prompt, spoken) = match read(project, view, &message.text) {
        Ok(Request::Command(command)) => {
            return match forbidden(table, project, view, message, &command) {
                Some(reason) => Decision::Refuse(reason),
                None => Decision::Command(command),
            };
        }
        Ok(Request::Task(agents, prompt, spoken)) => (agents, prompt, spoken),
        Err(reason) => return Decision::Refuse(reason),
    };
    if let Some((ask, said)) = view.answers(message, &agents, &prompt, spoken) {
        return if said.is_approval() && !may_approve(&project.access, &message.author) {
            Decision::Refuse(RefuseReason::NotApprover)
        } else {
            Decision::Answer { ask, said }
        };
    }
    let files = admit(&project.attachments, &message.attachments);
    if prompt.is_empty() && files.taken.is_empty() {
        let named: Vec<AgentName> = agents.into_iter().flatten().collect();
        return Decision::Refuse(if !message.attachments.is_empty() {
            RefuseReason::NoFiles(files.left_out)
        } else if message.text.trim().is_empty() {
            RefuseReason::Empty
        } else {
            RefuseReason::NoTask { agents: named }
        });
    }
    if prompt.is_empty() {
        wording::files_only().clone_into(&mut prompt);
    }
    if let Some(retry_after) = view.rate_limited_for {
        return Decision::Refuse(RefuseReason::TooFast { retry_after });
    }
    let attachments = kept(&message.attachments);
    let weight = prompt.len() + weight(&attachments);
    if agents
        .iter()
        .any(|agent| !view.has_room(agent.as_ref(), weight))
    {
        return Decision::Refuse(RefuseReason::QueueFull);
    }
    Decision::Dispatch(Dispatch {
        project: Arc::clone(project),
        agents,
        prompt,
        attachments,
        left_out: files.left_out,
    })
}

/// Why somebody who may use the project may not give a command, if that is so.
fn forbidden(
    table: &RoutingTable,
    project: &Project,
    view: &ThreadView,
    message: &Message,
    command: &Command,
) -> Option<RefuseReason> {
    let row = command.spec()?;
    let author = &message.author;
    match command.takes() {
        Takes::Admin => {
            // Where none is meant, its reply says so.
            let about = match command.project() {
                None => Some(project),
                Some(name) => meant(table, message, name).map(Arc::as_ref),
            };
            if about.is_some_and(|about| !is_admin(about, &message.place, author)) {
                let command = row.name;
                return Some(RefuseReason::NotAdmin { command });
            }
        }
        Takes::UnsafeRole if !may_lift_limits(&project.access, author) => {
            let somebody_may = !project.access.unsafe_roles.is_empty();
            return Some(RefuseReason::MayNotLift { somebody_may });
        }
        Takes::UnsafeRole if view.late => return Some(RefuseReason::TooLate),
        Takes::Nothing | Takes::UnsafeRole => {}
    }
    let retry_after = view.rate_limited_for.filter(|_| row.starts_work)?;
    Some(RefuseReason::TooFast { retry_after })
}

/// What is asked by a message that says `text` now; `None` if it is no task any more.
pub fn task(project: &Project, text: &str) -> Option<String> {
    match read(project, &ThreadView::default(), text) {
        Ok(Request::Task(_, task, _)) if !task.is_empty() => Some(task),
        Ok(Request::Task(..) | Request::Command(_)) | Err(_) => None,
    }
}

/// What is asked aside by a message that says `text` now; `None` if that is no side question.
pub fn aside(project: &Project, text: &str) -> Option<String> {
    match read(project, &ThreadView::default(), text) {
        Ok(Request::Command(Command::Aside(question))) => Some(question),
        Ok(Request::Command(_) | Request::Task(..)) | Err(_) => None,
    }
}

impl ThreadView {
    /// What a message says to what an agent asks, if it says something to that: the one that it names,
    /// or any of them where it names none.
    fn answers(
        &self,
        message: &Message,
        agents: &[Option<AgentName>],
        text: &str,
        spoken: Spoken,
    ) -> Option<(AskId, Said)> {
        if !message.attachments.is_empty() || spoken == Spoken::Ordered {
            return None;
        }
        let mut asks = self.asks.iter().filter(|open| {
            message.id > open.shown && (spoken == Spoken::Plainly || agents.contains(&open.agent))
        });
        asks.find_map(|open| {
            let said = ask::written(&open.ask, text, open.numbered)?;
            Some((open.ask.id, said))
        })
    }

    /// Whether one more turn of so many bytes may wait for an agent.
    fn has_room(&self, agent: Option<&AgentName>, weight: usize) -> bool {
        let waiting = self
            .waiting
            .get(&agent.cloned())
            .copied()
            .unwrap_or_default();
        waiting.turns < MAX_QUEUED && waiting.bytes + weight <= MAX_QUEUED_BYTES
    }
}

/// What a text asks for.
enum Request {
    Command(Command),
    /// A task, who gets it, and how that was said.
    Task(Vec<Option<AgentName>>, String, Spoken),
}

/// How a message says whom it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spoken {
    /// Not at all.
    Plainly,
    /// By a mention.
    To,
    /// By a command.
    Ordered,
}

/// Reads a text: a command, a task for the agent that a command names, for those that are mentioned,
/// for the one that is spoken to, or for the default one.
fn read(project: &Project, view: &ThreadView, text: &str) -> Result<Request, RefuseReason> {
    let text = text.trim();
    if let Some((word, rest)) = command::word(text) {
        if word == "ask" {
            return ask(project, rest);
        }
        if let Some(agent) = agent_called(project, &word) {
            let task = rest.to_owned();
            return Ok(Request::Task(vec![Some(agent)], task, Spoken::Ordered));
        }
    }
    let agents = project.agents.keys();
    if let Some(command) = Command::parse(text, agents.clone().map(AgentName::as_str)) {
        return Ok(Request::Command(command));
    }
    let found = addressed(text, agents);
    if !found.agents.is_empty() {
        let agents = found.agents.into_iter().map(Some).collect();
        let task = found.text.trim().to_owned();
        return Ok(Request::Task(agents, task, Spoken::To));
    }
    let known = |agent: &AgentName| project.agents.contains_key(agent);
    let spoken_to = view.spoken_to.clone().filter(known);
    let task = text.to_owned();
    Ok(Request::Task(vec![spoken_to], task, Spoken::Plainly))
}

/// Reads what follows `!ask`: an agent, with or without `@`, and a task.
fn ask(project: &Project, rest: &str) -> Result<Request, RefuseReason> {
    let (name, task) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let name = name.trim_start_matches('@');
    let Some(agent) = agent_called(project, name) else {
        let agents: Vec<AgentName> = project.agents.keys().cloned().collect();
        return Err(if name.is_empty() && !agents.is_empty() {
            RefuseReason::NoTask { agents: Vec::new() }
        } else {
            let name = name.chars().take(40).collect();
            RefuseReason::NoSuchAgent { name, agents }
        });
    };
    let task = task.trim().to_owned();
    Ok(Request::Task(vec![Some(agent)], task, Spoken::Ordered))
}

fn agent_called(project: &Project, name: &str) -> Option<AgentName> {
    let mut agents = project.agents.keys();
    let found = agents.find(|agent| agent.as_str().eq_ignore_ascii_case(name));
    found.cloned()
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ignore(IgnoreReason::Bot) => f.write_str("ignore: not a person"),
            Self::Ignore(IgnoreReason::Unmapped) => f.write_str("ignore: unmapped channel"),
            Self::Ignore(IgnoreReason::Duplicate) => f.write_str("ignore: seen before"),
            Self::Refuse(RefuseReason::NotAllowed) => f.write_str("refuse: not allowed"),
            Self::Refuse(RefuseReason::Direct) => f.write_str("refuse: direct message"),
            Self::Refuse(RefuseReason::NotAdmin { command }) => {
                write!(f, "refuse: {command} takes an admin role")
            }
            Self::Refuse(RefuseReason::NotApprover) => {
                f.write_str("refuse: answering takes an approver role")
            }
            Self::Refuse(RefuseReason::MayNotLift { somebody_may: true }) => {
                f.write_str("refuse: lifting limits takes an unsafe role")
            }
            Self::Refuse(RefuseReason::MayNotLift {
                somebody_may: false,
            }) => f.write_str("refuse: nobody may lift limits"),
            Self::Refuse(RefuseReason::TooLate) => f.write_str("refuse: too late"),
            Self::Refuse(RefuseReason::TooFast { retry_after }) => {
                write!(f, "refuse: too fast, wait {}s", retry_after.as_secs())
            }
            Self::Refuse(RefuseReason::Empty) => f.write_str("refuse: empty"),
            Self::Refuse(RefuseReason::NoFiles(_)) => f.write_str("refuse: no file is taken"),
            Self::Refuse(RefuseReason::QueueFull) => f.write_str("refuse: queue full"),
            Self::Refuse(RefuseReason::NoTask { agents }) if agents.is_empty() => {
                f.write_str("refuse: no task")
            }
            Self::Refuse(RefuseReason::NoTask { agents }) => {
                write!(f, "refuse: no task for {}", listed(agents))
            }
            Self::Refuse(RefuseReason::NoSuchAgent { name, agents }) => {
                write!(f, "refuse: no agent {name:?} among [{}]", listed(agents))
            }
            Self::Answer { said, .. } => write!(f, "answer: {}", wording::asks::said(said)),
            Self::Command(command) => write!(f, "command: {command}"),
            Self::Dispatch(dispatch) => {
                write!(f, "dispatch: {}", dispatch.project.name)?;
                for agent in dispatch.agents.iter().flatten() {
                    write!(f, " @{agent}")?;
                }
                write!(f, " {:?}", dispatch.prompt)?;
                match dispatch.attachments.len() {
                    0 => {}
                    files => write!(f, " with {files} files")?,
                }
                match dispatch.left_out.len() {
                    0 => Ok(()),
                    files => write!(f, ", {files} of them left out"),
                }
            }
        }
    }
}

fn listed(agents: &[AgentName]) -> String {
    let agents: Vec<String> = agents.iter().map(|agent| format!("@{agent}")).collect();
    agents.join(" ")
}
