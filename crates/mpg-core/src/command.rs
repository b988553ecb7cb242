//! The `!` commands: one table from which parsing, help and suggestions come.

mod spelling;
mod table;

use std::fmt;

pub(crate) use self::spelling::suggest;
use self::table::Meaning;
pub use self::table::{Argument, ArgumentKind, COMMANDS, CommandSpec, Takes};
use crate::config::Verbosity;

/// What a person asked the gateway itself for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `!help [command]`
    Help(Option<String>),
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
    /// `!requests`
    Requests,
    /// `!rules [remove] [number]`: all of them, or the one that is taken back.
    Rules(Option<usize>),
    /// `!unsafe [confirm]`
    Unsafe {
        /// Whether it is meant.
        confirmed: bool,
    },
    /// `!safe`
    Safe,
    /// Say how much is shown of the turns of the thread, or change it.
    Verbosity(Option<Verbosity>),
    /// `!queue [drop|clear] [number]`
    Queue(Queue),
    /// `!history [number]`
    History(Option<usize>),
    /// `!resume-info [project]`
    ResumeInfo(Scope),
    /// `!release [project]`
    Release(Scope),
    /// `!worktree [agent]`
    Worktree(Option<String>),
    /// `!diff [agent]`
    Diff(Option<String>),
    /// `!merge [agent]`
    Merge(Option<String>),
    /// `!discard [confirm] [agent]`
    Discard {
        /// Whether it is meant.
        confirmed: bool,
        /// Whose worktree, where each agent has its own.
        agent: Option<String>,
    },
    /// `!cost [project]`
    Cost(Scope),
    /// `!budget [lift]`
    Budget {
        /// Whether it is to be lifted for today.
        lift: bool,
    },
    /// `!model [name]`
    Model(Option<String>),
    /// `!mode [mode]`
    Mode(Option<String>),
    /// `!effort [effort]`
    Effort(Option<String>),
    /// `!compact [what to keep]`
    Compact(Option<String>),
    /// `!btw question`
    Aside(String),
    /// `!fork [first message]`
    Fork(Option<String>),
    /// `!context`
    Context,
    /// `!usage`
    Usage,
    /// A command with something behind it that it does not take, or without what it needs.
    Misused(&'static CommandSpec),
    /// A word behind `!` that is no command.
    Unknown {
        /// The word, cut to 40 characters.
        word: String,
        /// The command or agent that was probably meant.
        suggestion: Option<String>,
    },
}

/// What is done with what waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// It is shown.
    Show,
    /// The one of this number is dropped.
    Drop(usize),
    /// All of it is dropped.
    Clear,
}

/// Which conversations a command is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those of the place where it was given: of the thread, or of all threads of the channel.
    Here,
    /// Those of a project, by its name.
    Project(String),
}

impl Command {
    /// Reads a command; `None` if the text is not one, or one that gives an agent a task. A command
    /// begins with `!` and a letter.
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
        let Some(spec) = CommandSpec::named(&word) else {
            return Some(Self::Unknown {
                suggestion: suggest(&word, others),
                word: word.chars().take(40).collect(),
            });
        };
        match spec.meaning {
            Meaning::Task => None,
            Meaning::Gateway(build) => Some(match spec.read(arguments) {
                Some(given) => build(&given).unwrap_or(Self::Misused(spec)),
                None => Self::Misused(spec),
            }),
        }
    }

    /// Its row in the table; a word that is no command has none.
    pub fn spec(&self) -> Option<&'static CommandSpec> {
        let name = match self {
            Self::Help(_) => "help",
            Self::Sessions => "sessions",
            Self::Session(_) => "session",
            Self::Kill(_) => "kill",
            Self::Resume(_) => "resume",
            Self::Restart(_) => "restart",
            Self::Stop(_) => "stop",
            Self::Agents => "agents",
            Self::Requests => "requests",
            Self::Rules(_) => "rules",
            Self::Unsafe { .. } => "unsafe",
            Self::Safe => "safe",
            Self::Verbosity(_) => "verbosity",
            Self::Queue(_) => "queue",
            Self::History(_) => "history",
            Self::ResumeInfo(_) => "resume-info",
            Self::Release(_) => "release",
            Self::Worktree(_) => "worktree",
            Self::Diff(_) => "diff",
            Self::Merge(_) => "merge",
            Self::Discard { .. } => "discard",
            Self::Cost(_) => "cost",
            Self::Budget { .. } => "budget",
            Self::Model(_) => "model",
            Self::Mode(_) => "mode",
            Self::Effort(_) => "effort",
            Self::Compact(_) => "compact",
            Self::Aside(_) => "btw",
            Self::Fork(_) => "fork",
            Self::Context => "context",
            Self::Usage => "usage",
            Self::Misused(spec) => return Some(spec),
            Self::Unknown { .. } => return None,
        };
        CommandSpec::named(name)
    }

    /// What giving it takes besides the right to use the project.
    pub fn takes(&self) -> Takes {
        match self {
            // To look changes nothing.
            Self::Queue(Queue::Show) | Self::Rules(None) | Self::Budget { lift: false } => {
                Takes::Nothing
            }
            Self::Queue(Queue::Drop(_) | Queue::Clear)
            | Self::Rules(Some(_))
            | Self::Budget { lift: true } => Takes::Admin,
            Self::Help(_)
            | Self::Sessions
            | Self::Session(_)
            | Self::Kill(_)
            | Self::Resume(_)
            | Self::Restart(_)
            | Self::Stop(_)
            | Self::Agents
            | Self::Requests
            | Self::Unsafe { .. }
            | Self::Safe
            | Self::Verbosity(_)
            | Self::History(_)
            | Self::ResumeInfo(_)
            | Self::Release(_)
            | Self::Worktree(_)
            | Self::Diff(_)
            | Self::Merge(_)
            | Self::Discard { .. }
            | Self::Cost(_)
            | Self::Model(_)
            | Self::Mode(_)
            | Self::Effort(_)
            | Self::Compact(_)
            | Self::Aside(_)
            | Self::Fork(_)
            | Self::Context
            | Self::Usage
            | Self::Misused(_)
            | Self::Unknown { .. } => self.spec().map_or(Takes::Nothing, |spec| spec.takes),
        }
    }

    /// The project that it is about, where it names one.
    pub fn project(&self) -> Option<&str> {
        match self {
            Self::Session(scope)
            | Self::Kill(scope)
            | Self::Resume(scope)
            | Self::Restart(scope)
            | Self::ResumeInfo(scope)
            | Self::Release(scope)
            | Self::Cost(scope)
            | Self::Stop(scope) => match scope {
                Scope::Here => None,
                Scope::Project(name) => Some(name),
            },
            Self::Help(_)
            | Self::Sessions
            | Self::Agents
            | Self::Requests
            | Self::Rules(_)
            | Self::Unsafe { .. }
            | Self::Safe
            | Self::Verbosity(_)
            | Self::Queue(_)
            | Self::Budget { .. }
            | Self::History(_)
            | Self::Worktree(_)
            | Self::Diff(_)
            | Self::Merge(_)
            | Self::Discard { .. }
            | Self::Model(_)
            | Self::Mode(_)
            | Self::Effort(_)
            | Self::Compact(_)
            | Self::Aside(_)
            | Self::Fork(_)
            | Self::Context
            | Self::Usage
            | Self::Misused(_)
            | Self::Unknown { .. } => None,
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
        f.write_str(self.spec().map_or("", |spec| spec.name))?;
        match self {
            Self::Help(Some(text))
            | Self::Model(Some(text))
            | Self::Mode(Some(text))
            | Self::Effort(Some(text))
            | Self::Compact(Some(text))
            | Self::Aside(text)
            | Self::Fork(Some(text)) => write!(f, " {text:?}"),
            Self::Unsafe { confirmed: true } => f.write_str(" confirm"),
            Self::Budget { lift: true } => f.write_str(" lift"),
            Self::Misused(_) => f.write_str(", misused"),
            Self::Verbosity(Some(verbosity)) => write!(f, " {}", verbosity.name()),
            Self::Queue(Queue::Drop(number)) => write!(f, " drop {number}"),
            Self::Queue(Queue::Clear) => f.write_str(" clear"),
            Self::Rules(Some(number)) => write!(f, " remove {number}"),
            Self::History(Some(number)) => write!(f, " {number}"),
            Self::Worktree(Some(agent)) | Self::Diff(Some(agent)) | Self::Merge(Some(agent)) => {
                write!(f, " {agent:?}")
            }
            Self::Discard { confirmed, agent } => {
                if *confirmed {
                    f.write_str(" confirm")?;
                }
                agent
                    .as_ref()
                    .map_or(Ok(()), |agent| write!(f, " {agent:?}"))
            }
            Self::Session(_)
            | Self::Kill(_)
            | Self::Resume(_)
            | Self::Restart(_)
            | Self::Stop(_)
            | Self::Help(None)
            | Self::Sessions
            | Self::Agents
            | Self::Requests
            | Self::Rules(None)
            | Self::Unsafe { confirmed: false }
            | Self::Safe
            | Self::Verbosity(None)
            | Self::Queue(Queue::Show)
            | Self::History(None)
            | Self::ResumeInfo(_)
            | Self::Release(_)
            | Self::Cost(_)
            | Self::Fork(None)
            | Self::Budget { lift: false }
            | Self::Model(None)
            | Self::Mode(None)
            | Self::Effort(None)
            | Self::Compact(None)
            | Self::Context
            | Self::Usage
            | Self::Worktree(None)
            | Self::Diff(None)
            | Self::Merge(None)
            | Self::Unknown { .. } => match self.project() {
                Some(project) => write!(f, " {project:?}"),
                None => Ok(()),
            },
        }
    }
}

/// The word behind the `!` that a command begins with, in lower case, and what follows it.
pub(crate) fn word(text: &str) -> Option<(String, &str)> {
    let rest = text.trim().strip_prefix('!')?;
    if !rest.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return None;
    }
    let (word, arguments) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    Some((word.to_lowercase(), arguments.trim()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_command_is_read_back_from_its_name() {
        for spec in COMMANDS {
            let needs = spec.arguments.iter().any(|argument| argument.required);
            match Command::parse(&format!("!{}", spec.name), []) {
                Some(Command::Misused(misused)) => assert!(needs && misused == spec),
                Some(command) => {
                    assert_eq!((needs, command.to_string().as_str()), (false, spec.name));
                }
                None => assert_eq!(spec.name, "ask"),
            }
        }
    }

    #[test]
    fn no_name_stands_there_twice() {
        let names: BTreeSet<&str> = COMMANDS.iter().map(|spec| spec.name).collect();
        assert_eq!(names.len(), COMMANDS.len());
        assert_ne!(CommandSpec::named("stop"), CommandSpec::named("kill"));
    }

    #[test]
    fn what_a_command_does_not_take_is_not_passed_over() {
        for text in ["!sessions all", "!help kill now", "!agents pm"] {
            let command = Command::parse(text, []);
            assert!(matches!(command, Some(Command::Misused(_))), "{command:?}");
        }
        let queue = |text| Command::parse(text, []);
        assert!(matches!(
            queue("!queue drop 1"),
            Some(Command::Queue { .. })
        ));
        assert!(matches!(queue("!queue drop 0"), Some(Command::Misused(_))));
        let help = Command::parse("!help !KILL", []);
        assert_eq!(help, Some(Command::Help(Some("kill".to_owned()))));
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
