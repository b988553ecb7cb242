//! The table of commands, and how what follows a command is read.

use std::fmt;

use super::{Command, Queue, Scope};
use crate::config::Verbosity;

/// One row of the table of commands. A name stands there once.
#[derive(Debug)]
pub struct CommandSpec {
    /// The word behind the `!`.
    pub name: &'static str,
    /// What may follow, in this order.
    pub arguments: &'static [Argument],
    /// What it does, in one line.
    pub help: &'static str,
    /// Who may give it, of those who may use the project.
    pub takes: Takes,
    /// Whether it makes agents work, which counts as a message does.
    pub starts_work: bool,
    pub(super) meaning: Meaning,
}

/// What a command takes besides the right to use the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// One of `admin-roles`, where there are any: it changes or ends what others may rely on.
    Admin,
    /// One of `unsafe-roles`: it lifts limits.
    UnsafeRole,
}

/// Something that a command takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// What it stands for, which says how much of the text belongs to it.
    pub kind: ArgumentKind,
    /// Whether the command needs it.
    pub required: bool,
}

/// What an argument stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentKind {
    /// The name of a project: the rest of the text.
    Project,
    /// The name of an agent: a word, with or without `@`.
    Agent,
    /// The name of a command: a word, with or without `!`.
    Command,
    /// A whole number above zero.
    Number,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Anything: the rest of the text.
    Text,
}

/// What giving a command means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Meaning {
    /// The gateway itself answers.
    Gateway(fn(&Given) -> Option<Command>),
    /// An agent is asked.
    Task,
}

/// What was given for the arguments of a command.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// The name or the rest of the text.
    text: Option<String>,
    /// Which of some words.
    choice: Option<&'static str>,
    /// The number.
    number: Option<usize>,
}

impl Given {
    fn text(&self) -> Option<String> {
        self.text.clone()
    }

    fn scope(&self) -> Scope {
        self.text().map_or(Scope::Here, Scope::Project)
    }
}

const AGENT: &[Argument] = &[optional("agent", ArgumentKind::Agent)];
const PROJECT: &[Argument] = &[optional("project", ArgumentKind::Project)];

/// All commands.
pub const COMMANDS: &[CommandSpec] = &[
    row(
        "help",
        &[optional("command", ArgumentKind::Command)],
        "show this list, or what one command takes",
        |given| Some(Command::Help(given.text())),
    ),
    row(
        "sessions",
        &[],
        "list the conversations of this project, and of others that name you, with their state and queue",
        |_| Some(Command::Sessions),
    ),
    row(
        "session",
        PROJECT,
        "show the session of this thread, or all of the channel: id, directory, state and queue",
        |given| Some(Command::Session(given.scope())),
    ),
    row(
        "agents",
        &[],
        "list the agents of this project; `!ask agent task`, `!agent task` or `@agent` asks one",
        |_| Some(Command::Agents),
    ),
    CommandSpec {
        name: "ask",
        arguments: &[
            required("agent", ArgumentKind::Agent),
            required("task", ArgumentKind::Text),
        ],
        help: "give one agent of this project a task",
        takes: Takes::Nothing,
        starts_work: true,
        meaning: Meaning::Task,
    },
    row(
        "stop",
        PROJECT,
        "stop the turn that runs in this thread, or all of the channel, and what agents hand over; sessions and what waits are kept",
        |given| Some(Command::Stop(given.scope())),
    ),
    row(
        "btw",
        &[required("question", ArgumentKind::Text)],
        "ask something aside about this conversation, also while its turn runs: the answer knows what was said, uses no tools, and is no part of it",
        |given| given.text().map(Command::Aside),
    )
    .starts_work(),
    row(
        "fork",
        &[optional("message", ArgumentKind::Text)],
        "go on with this conversation in a new thread as well: it knows what was said here so far, and may be told something at once",
        |given| Some(Command::Fork(given.text())),
    )
    .starts_work(),
    row(
        "kill",
        PROJECT,
        "end the session of this thread, or all of the channel, and drop what waits; the next message starts afresh",
        |given| Some(Command::Kill(given.scope())),
    )
    .takes(Takes::Admin),
    row(
        "resume",
        PROJECT,
        "go on with the turn that waits in this thread, or all of the channel: one that was cut off, or that a usage limit holds up",
        |given| Some(Command::Resume(given.scope())),
    )
    .starts_work(),
    row(
        "restart",
        PROJECT,
        "go on with fresh context in this thread, or all of the channel; what waits is kept",
        |given| Some(Command::Restart(given.scope())),
    )
    .takes(Takes::Admin),
    row(
        "queue",
        &[
            optional("action", ArgumentKind::Choice(&["drop", "clear"])),
            optional("number", ArgumentKind::Number),
        ],
        "list what waits in this thread, or all of the channel; `drop` takes the one of a number back, `clear` all",
        |given| {
            Some(Command::Queue(match (given.choice, given.number) {
                (None, None) => Queue::Show,
                (Some("drop"), Some(number)) => Queue::Drop(number),
                (Some("clear"), None) => Queue::Clear,
                (_, _) => return None,
            }))
        },
    ),
    row(
        "history",
        &[optional("number", ArgumentKind::Number)],
        "list the last turns of this thread, or all of the channel: who asked, what came of it, and when",
        |given| Some(Command::History(given.number)),
    ),
    row(
        "resume-info",
        PROJECT,
        "say how to go on with the session of this thread, or all of the channel, in a terminal",
        |given| Some(Command::ResumeInfo(given.scope())),
    ),
    row(
        "release",
        &[optional("project", ArgumentKind::Project)],
        "let go of the agent that waits in this thread, or all of the channel, so that a terminal can go on with its session; says how",
        |given| Some(Command::Release(given.scope())),
    ),
    row(
        "worktree",
        AGENT,
        "show the worktree of this thread: branch, what it is ahead and behind, what is not committed",
        |given| Some(Command::Worktree(given.text())),
    ),
    row(
        "diff",
        AGENT,
        "show what was changed in the worktree of this thread",
        |given| Some(Command::Diff(given.text())),
    ),
    row(
        "merge",
        AGENT,
        "merge what is committed in the worktree of this thread into the branch that it grew from",
        |given| Some(Command::Merge(given.text())),
    )
    .takes(Takes::Admin),
    row(
        "discard",
        &[
            optional("confirm", ArgumentKind::Choice(&["confirm"])),
            optional("agent", ArgumentKind::Agent),
        ],
        "end the sessions of this thread and remove its worktree; says what would be lost first, and keeps it",
        |given| {
            Some(Command::Discard {
                confirmed: given.choice.is_some(),
                agent: given.text(),
            })
        },
    )
    .takes(Takes::Admin),
    row(
        "cost",
        PROJECT,
        "add up what the turns of this thread, or all of the channel, took: money, tokens, time",
        |given| Some(Command::Cost(given.scope())),
    ),
    row(
        "budget",
        &[optional("action", ArgumentKind::Choice(&["lift"]))],
        "show what this project may cost in a day, and what it did today; `lift` lets it go on beyond that until midnight UTC",
        |given| {
            Some(Command::Budget {
                lift: given.choice.is_some(),
            })
        },
    ),
    row(
        "model",
        &[optional("model", ArgumentKind::Text)],
        "have the agents of this thread use another model from the next turn on; `default` is the configured one",
        |given| Some(Command::Model(given.text())),
    ),
    row(
        "mode",
        &[optional(
            "mode",
            ArgumentKind::Choice(&["default", "acceptEdits", "plan", "configured"]),
        )],
        "have the agents of this thread ask more or less from the next turn on; `configured` takes it back",
        |given| Some(Command::Mode(given.choice.map(str::to_owned))),
    ),
    row(
        "effort",
        &[optional(
            "effort",
            ArgumentKind::Choice(&["low", "medium", "high", "xhigh", "max", "default"]),
        )],
        "have the agents of this thread think less or more from the next turn on; `default` takes it back",
        |given| Some(Command::Effort(given.choice.map(str::to_owned))),
    ),
    row(
        "verbosity",
        &[optional(
            "verbosity",
            ArgumentKind::Choice(&["quiet", "normal", "full"]),
        )],
        "say how much is shown of the turns of this thread while they run, or change it",
        |given| Some(Command::Verbosity(given.choice.and_then(Verbosity::named))),
    ),
    row(
        "compact",
        &[optional("keep", ArgumentKind::Text)],
        "have the agents of this thread summarise what was said, so that there is room again",
        |given| Some(Command::Compact(given.text())),
    )
    .starts_work(),
    row(
        "context",
        &[],
        "have the agents of this thread say what fills their context",
        |_| Some(Command::Context),
    )
    .starts_work(),
    row(
        "usage",
        &[],
        "have the agents of this thread say what their session used, and what is left of the plan",
        |_| Some(Command::Usage),
    )
    .starts_work(),
    row(
        "requests",
        &[],
        "list what agents of this project ask and nobody has answered yet",
        |_| Some(Command::Requests),
    ),
    row(
        "rules",
        &[
            optional("action", ArgumentKind::Choice(&["remove"])),
            optional("number", ArgumentKind::Number),
        ],
        "list what was always allowed in this project when an agent asked; `remove` takes the one of a number back",
        |given| {
            Some(Command::Rules(match (given.choice, given.number) {
                (None, None) => None,
                (Some(_), Some(number)) => Some(number),
                (_, _) => return None,
            }))
        },
    ),
    row(
        "unsafe",
        &[optional("confirm", ArgumentKind::Choice(&["confirm"]))],
        "let the agents of this thread, or all of the channel, run every tool unasked for a while; says what that means first",
        |given| {
            Some(Command::Unsafe {
                confirmed: given.choice.is_some(),
            })
        },
    )
    .takes(Takes::UnsafeRole),
    row(
        "safe",
        &[],
        "put the limits on tools back that `!unsafe` lifted",
        |_| Some(Command::Safe),
    ),
];

const fn row(
    name: &'static str,
    arguments: &'static [Argument],
    help: &'static str,
    build: fn(&Given) -> Option<Command>,
) -> CommandSpec {
    CommandSpec {
        name,
        arguments,
        help,
        takes: Takes::Nothing,
        starts_work: false,
        meaning: Meaning::Gateway(build),
    }
}

const fn optional(name: &'static str, kind: ArgumentKind) -> Argument {
    Argument {
        name,
        kind,
        required: false,
    }
}

const fn required(name: &'static str, kind: ArgumentKind) -> Argument {
    Argument {
        name,
        kind,
        required: true,
    }
}

impl PartialEq for CommandSpec {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for CommandSpec {}

impl CommandSpec {
    const fn takes(mut self, takes: Takes) -> Self {
        self.takes = takes;
        self
    }

    const fn starts_work(mut self) -> Self {
        self.starts_work = true;
        self
    }

    /// The command of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        COMMANDS.iter().find(|row| row.name == name)
    }

    /// How it is written: `queue [drop|clear] [number]`, without the `!`.
    pub fn usage(&self) -> String {
        let mut usage = self.name.to_owned();
        for argument in self.arguments {
            usage.push(' ');
            usage.push_str(&argument.to_string());
        }
        usage
    }

    /// Reads what follows the name; `None` if it is not what the command takes.
    pub(super) fn read(&self, text: &str) -> Option<Given> {
        let mut given = Given::default();
        let mut rest = text;
        for argument in self.arguments {
            if rest.is_empty() {
                if argument.required {
                    return None;
                }
                break;
            }
            let (word, behind) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            rest = match argument.kind {
                ArgumentKind::Project | ArgumentKind::Text => {
                    given.text = Some(rest.to_owned());
                    ""
                }
                ArgumentKind::Agent => {
                    given.text = Some(word.trim_start_matches('@').to_owned());
                    behind.trim_start()
                }
                ArgumentKind::Command => {
                    given.text = Some(word.trim_start_matches('!').to_lowercase());
                    behind.trim_start()
                }
                ArgumentKind::Number => {
                    given.number = Some(word.parse().ok().filter(|number| *number > 0)?);
                    behind.trim_start()
                }
                ArgumentKind::Choice(words) => {
                    let mut words = words.iter();
                    given.choice = words
                        .find(|known| known.eq_ignore_ascii_case(word))
                        .copied();
                    // What is none of them belongs to what comes next.
                    if given.choice.is_none() {
                        continue;
                    }
                    behind.trim_start()
                }
            };
        }
        rest.is_empty().then_some(given)
    }
}

/// `[optional]`, `<needed>`, `[one|of|these]`.
impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.kind {
            ArgumentKind::Choice(words) => words.join("|"),
            ArgumentKind::Project
            | ArgumentKind::Agent
            | ArgumentKind::Command
            | ArgumentKind::Number
            | ArgumentKind::Text => self.name.to_owned(),
        };
        if self.required {
            write!(f, "<{name}>")
        } else {
            write!(f, "[{name}]")
        }
    }
}
