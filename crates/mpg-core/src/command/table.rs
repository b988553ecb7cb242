//! The table of commands, and how what follows a command is read.

use std::fmt;

use super::{Command, Scope};

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
    Gateway(fn(&Given) -> Command),
    /// An agent is asked.
    Task,
}

/// What was given for the arguments of a command.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// The words and the rest of the text, in order; numbers are not among them.
    texts: Vec<String>,
    /// The number.
    number: Option<usize>,
}

impl Given {
    fn text(&self) -> Option<String> {
        self.texts.first().cloned()
    }

    fn scope(&self) -> Scope {
        self.text().map_or(Scope::Here, Scope::Project)
    }
}

const PROJECT: &[Argument] = &[optional("project", ArgumentKind::Project)];

/// All commands.
pub const COMMANDS: &[CommandSpec] = &[
    row(
        "help",
        &[optional("command", ArgumentKind::Command)],
        "show this list, or what one command takes",
        |given| Command::Help(given.text()),
    ),
    row(
        "sessions",
        &[],
        "list the conversations of this project, and of others that name you, with their state and queue",
        |_| Command::Sessions,
    ),
    row(
        "session",
        PROJECT,
        "show the session of this thread, or all of the channel: id, directory, state and queue",
        |given| Command::Session(given.scope()),
    ),
    row(
        "agents",
        &[],
        "list the agents of this project; `!ask agent task`, `!agent task` or `@agent` asks one",
        |_| Command::Agents,
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
        |given| Command::Stop(given.scope()),
    ),
    row(
        "kill",
        PROJECT,
        "end the session of this thread, or all of the channel, and drop what waits; the next message starts afresh",
        |given| Command::Kill(given.scope()),
    )
    .takes(Takes::Admin),
    row(
        "resume",
        PROJECT,
        "go on with the turn that waits in this thread, or all of the channel: one that was cut off, or that a usage limit holds up",
        |given| Command::Resume(given.scope()),
    )
    .starts_work(),
    row(
        "restart",
        PROJECT,
        "go on with fresh context in this thread, or all of the channel; what waits is kept",
        |given| Command::Restart(given.scope()),
    )
    .takes(Takes::Admin),
    row(
        "unsafe",
        &[optional("confirm", ArgumentKind::Choice(&["confirm"]))],
        "let the agents of this thread, or all of the channel, run every tool unasked for a while; says what that means first",
        |given| Command::Unsafe {
            confirmed: given.text().is_some(),
        },
    )
    .takes(Takes::UnsafeRole),
    row(
        "safe",
        &[],
        "put the limits on tools back that `!unsafe` lifted",
        |_| Command::Safe,
    ),
];

const fn row(
    name: &'static str,
    arguments: &'static [Argument],
    help: &'static str,
    build: fn(&Given) -> Command,
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
                    given.texts.push(rest.to_owned());
                    ""
                }
                ArgumentKind::Agent => {
                    given.texts.push(word.trim_start_matches('@').to_owned());
                    behind.trim_start()
                }
                ArgumentKind::Command => {
                    let name = word.trim_start_matches('!').to_lowercase();
                    given.texts.push(name);
                    behind.trim_start()
                }
                ArgumentKind::Number => {
                    given.number = Some(word.parse().ok().filter(|number| *number > 0)?);
                    behind.trim_start()
                }
                ArgumentKind::Choice(words) => {
                    let word = word.to_lowercase();
                    words.contains(&word.as_str()).then_some(())?;
                    given.texts.push(word);
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
