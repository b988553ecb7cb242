//! The `!` commands: one table from which parsing, help and suggestions come.

use std::fmt;

/// What a person asked the gateway itself for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `!help`
    Help,
    /// `!sessions`
    Sessions,
    /// `!session [project]`
    Session(Scope),
    /// `!kill [project]`
    Kill(Scope),
    /// `!resume [project]`
    Resume(Scope),
    /// `!restart [project]`
    Restart(Scope),
    /// `!stop [project]`
    Stop(Scope),
    /// `!agents`
    Agents,
    /// `!unsafe [confirm]`
    Unsafe {
        /// Whether it is meant.
        confirmed: bool,
    },
    /// `!safe`
    Safe,
    /// A word behind `!` that is no command.
    Unknown {
        /// The word, cut to 40 characters.
        word: String,
        /// The command or agent that was probably meant.
        suggestion: Option<String>,
    },
}

/// Which conversations a command is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those of the place where it was given: of the thread, or of all threads of the channel.
    Here,
    /// Those of a project, by its name.
    Project(String),
}

impl Scope {
    fn names(&self, word: &str) -> bool {
        match self {
            Self::Here => false,
            Self::Project(name) => name.eq_ignore_ascii_case(word),
        }
    }
}

/// One row of the table of commands.
#[derive(Debug)]
pub struct CommandSpec {
    /// The word behind the `!`.
    pub name: &'static str,
    /// What may follow.
    pub arguments: &'static str,
    /// What it does, in one line.
    pub help: &'static str,
    /// Who may give it, of those who may use the project.
    pub takes: Takes,
    /// Whether it makes agents work, which counts as a message does.
    pub starts_work: bool,
    build: fn(Scope) -> Command,
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

/// All commands.
pub const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "help",
        arguments: "",
        help: "show this list",
        takes: Takes::Nothing,
        starts_work: false,
        build: |_| Command::Help,
    },
    CommandSpec {
        name: "sessions",
        arguments: "",
        help: "list the conversations of this project, and of others that name you, with their state and queue",
        takes: Takes::Nothing,
        starts_work: false,
        build: |_| Command::Sessions,
    },
    CommandSpec {
        name: "session",
        arguments: "[project]",
        help: "show the session of this thread, or all of the channel: id, directory, state and queue",
        takes: Takes::Nothing,
        starts_work: false,
        build: Command::Session,
    },
    CommandSpec {
        name: "agents",
        arguments: "",
        help: "list the agents of this project; `!ask agent task`, `!agent task` or `@agent` asks one",
        takes: Takes::Nothing,
        starts_work: false,
        build: |_| Command::Agents,
    },
    CommandSpec {
        name: "stop",
        arguments: "[project]",
        help: "stop the turn that runs in this thread, or all of the channel, and what agents hand over; sessions and what waits are kept",
        takes: Takes::Nothing,
        starts_work: false,
        build: Command::Stop,
    },
    CommandSpec {
        name: "kill",
        arguments: "[project]",
        help: "end the session of this thread, or all of the channel, and drop what waits; the next message starts afresh",
        takes: Takes::Admin,
        starts_work: false,
        build: Command::Kill,
    },
    CommandSpec {
        name: "resume",
        arguments: "[project]",
        help: "go on with the turn that waits in this thread, or all of the channel: one that was cut off, or that a usage limit holds up",
        takes: Takes::Nothing,
        starts_work: true,
        build: Command::Resume,
    },
    CommandSpec {
        name: "restart",
        arguments: "[project]",
        help: "go on with fresh context in this thread, or all of the channel; what waits is kept",
        takes: Takes::Admin,
        starts_work: false,
        build: Command::Restart,
    },
    CommandSpec {
        name: "unsafe",
        arguments: "[confirm]",
        help: "let the agents of this thread, or all of the channel, run every tool unasked for a while; says what that means first",
        takes: Takes::UnsafeRole,
        starts_work: false,
        build: |scope| Command::Unsafe {
            confirmed: scope.names("confirm"),
        },
    },
    CommandSpec {
        name: "safe",
        arguments: "",
        help: "put the limits on tools back that `!unsafe` lifted",
        takes: Takes::Nothing,
        starts_work: false,
        build: |_| Command::Safe,
    },
];

/// How a command is written, whatever becomes of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) name: &'static str,
    pub(crate) arguments: &'static str,
    pub(crate) help: &'static str,
}

/// `!ask`, which is a task for an agent, and none for the gateway itself.
const ASK: Usage = Usage {
    name: "ask",
    arguments: "<agent> <task>",
    help: "give one agent of this project a task",
};

/// All that begins with `!` and is no agent's name.
pub(crate) fn usages() -> impl Iterator<Item = Usage> {
    let own = COMMANDS.iter().map(|row| Usage {
        name: row.name,
        arguments: row.arguments,
        help: row.help,
    });
    own.chain([ASK])
}

impl Command {
    /// Reads a command; `None` if the text is not one. A command begins with `!` and a letter.
    ///
    /// A word that is none may be meant as one, or as one of `others`.
    ///
    /// ```
    /// use mpg_core::command::{Command, Scope};
    ///
    /// assert_eq!(Command::parse("!kill", []), Some(Command::Kill(Scope::Here)));
    /// assert_eq!(Command::parse("hello!", []), None);
    /// assert_eq!(Command::parse("!!!", []), None);
    /// ```
    pub fn parse<'a>(text: &str, others: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let (word, arguments) = word(text)?;
        let scope = match arguments {
            "" => Scope::Here,
            project => Scope::Project(project.to_owned()),
        };
        let found = COMMANDS.iter().find(|command| command.name == word);
        Some(match found {
            Some(command) => (command.build)(scope),
            None => Self::Unknown {
                suggestion: suggest(&word, others),
                word: word.chars().take(40).collect(),
            },
        })
    }
}

impl Command {
    /// Its row in the table; a word that is no command has none.
    pub fn spec(&self) -> Option<&'static CommandSpec> {
        let name = self.name()?;
        COMMANDS.iter().find(|row| row.name == name)
    }

    /// The project that it is about, where it names one.
    pub fn project(&self) -> Option<&str> {
        match self.scope() {
            Scope::Here => None,
            Scope::Project(name) => Some(name),
        }
    }

    fn name(&self) -> Option<&'static str> {
        Some(match self {
            Self::Help => "help",
            Self::Sessions => "sessions",
            Self::Session(_) => "session",
            Self::Kill(_) => "kill",
            Self::Resume(_) => "resume",
            Self::Restart(_) => "restart",
            Self::Stop(_) => "stop",
            Self::Agents => "agents",
            Self::Unsafe { .. } => "unsafe",
            Self::Safe => "safe",
            Self::Unknown { .. } => return None,
        })
    }

    fn scope(&self) -> &Scope {
        match self {
            Self::Session(scope)
            | Self::Kill(scope)
            | Self::Resume(scope)
            | Self::Restart(scope)
            | Self::Stop(scope) => scope,
            Self::Help
            | Self::Sessions
            | Self::Agents
            | Self::Unsafe { .. }
            | Self::Safe
            | Self::Unknown { .. } => &Scope::Here,
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Unknown { word, suggestion } = self {
            return match suggestion {
                Some(suggestion) => write!(f, "unknown {word:?}, perhaps {suggestion}"),
                None => write!(f, "unknown {word:?}"),
            };
        }
        f.write_str(self.name().unwrap_or_default())?;
        if let Self::Unsafe { confirmed: true } = self {
            f.write_str(" confirm")?;
        }
        match self.scope() {
            Scope::Here => Ok(()),
            Scope::Project(project) => write!(f, " {project:?}"),
        }
    }
}

/// The word behind the `!` that a command begins with, in lower case, and what follows it.
pub(crate) fn word(text: &str) -> Option<(String, &str)> {
    let rest = text.trim().strip_prefix('!')?;
    if !rest.starts_with(char::is_alphabetic) {
        return None;
    }
    let (word, arguments) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    Some((word.to_lowercase(), arguments.trim()))
}

fn suggest<'a>(word: &str, others: impl IntoIterator<Item = &'a str>) -> Option<String> {
    // A long word is no slip of the finger, and its distance would be dear to compute.
    if word.chars().count() > 20 {
        return None;
    }
    COMMANDS
        .iter()
        .map(|command| command.name)
        .chain(others)
        .map(|name| (distance(word, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .min()
        .map(|(_, name)| name.to_owned())
}

/// The number of single-character changes that lead from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_read_back_from_its_name() {
        for spec in COMMANDS {
            let command = Command::parse(&format!("!{}", spec.name), []).unwrap();
            assert_eq!(command.to_string(), spec.name);
        }
    }

    #[test]
    fn what_follows_is_a_project() {
        assert_eq!(
            Command::parse("  !KILL  my project ", []),
            Some(Command::Kill(Scope::Project("my project".to_owned())))
        );
    }

    #[test]
    fn a_slip_gets_a_suggestion() {
        let suggestion = |text: &str| match Command::parse(text, ["engineer"]) {
            Some(Command::Unknown { suggestion, .. }) => suggestion,
            other => panic!("{text} was read as {other:?}"),
        };
        assert_eq!(suggestion("!sesions").as_deref(), Some("sessions"));
        assert_eq!(suggestion("!restrat").as_deref(), Some("restart"));
        assert_eq!(suggestion("!enginer").as_deref(), Some("engineer"));
        assert_eq!(suggestion("!deploy"), None);
    }
}
