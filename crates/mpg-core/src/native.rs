//! The table of commands as platforms take it that show commands themselves, and what such a
//! platform may ask while somebody types.

use std::sync::{Arc, PoisonError, RwLock};

use crate::access::{admits, reaches_from};
use crate::command::{Argument, ArgumentKind, COMMANDS, CommandSpec};
use crate::config::{Config, Project};
use crate::id::{AgentName, Place};
use crate::interaction::Interaction;
use crate::message::Author;
use crate::route::{Decision, ThreadView, route};

/// How many suggestions are made at once: as many as fit below a line that somebody types in.
const SUGGESTIONS: usize = 25;

/// One command of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NativeCommand {
    /// Its name, which is the word behind the `!` too.
    pub name: &'static str,
    /// What it does, in one line.
    pub help: &'static str,
    /// What it takes, in the order in which it is written as a text.
    pub parameters: Vec<Parameter>,
}

/// Something that a command takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// What it stands for.
    pub kind: ParameterKind,
    /// Whether the command needs it.
    pub required: bool,
}

impl Parameter {
    /// What it stands for, in one line.
    pub fn help(&self) -> &'static str {
        match (&self.kind, self.required) {
            (ParameterKind::Project, _) => "the name of a project; none is the one of this channel",
            (ParameterKind::Agent, true) => "the name of an agent",
            (ParameterKind::Agent, false) => "the name of an agent; none is all of them",
            (ParameterKind::Choice(_), _) => "one of these words",
            (ParameterKind::Text, _) => "what you would write behind the command",
        }
    }
}

/// What a parameter stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// The name of a project.
    Project,
    /// The name of an agent.
    Agent,
    /// One of these words.
    Choice(Vec<String>),
    /// Anything.
    Text,
}

/// Who may see the reply to an interaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everybody in its place.
    Everyone,
    /// Nobody but who asks.
    Asker,
}

/// What an adapter needs of the gateway to offer its commands natively. It reads the configuration,
/// and decides nothing: what is given is routed as the text of the same command is.
#[derive(Debug)]
pub struct NativeCommands {
    config: RwLock<Arc<Config>>,
}

impl NativeCommands {
    /// The commands of a gateway with this configuration.
    pub fn new(config: Arc<Config>) -> Self {
        Self {
            config: RwLock::new(config),
        }
    }

    /// Goes by another configuration from now on, as the gateway does.
    pub fn reconfigure(&self, config: Arc<Config>) {
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
    }

    fn config(&self) -> Arc<Config> {
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&config)
    }

    /// All commands, in the order of the table.
    pub fn declared(&self) -> Vec<NativeCommand> {
        COMMANDS.iter().map(of_row).collect()
    }

    /// What somebody who types may mean, best first, at most 25. Names that this person has no
    /// access to are not among them.
    pub fn suggest(
        &self,
        place: &Place,
        author: &Author,
        kind: &ParameterKind,
        typed: &str,
    ) -> Vec<String> {
        let config = self.config();
        let table = &config.routing;
        let here = table
            .project_of(&place.channel)
            .filter(|project| admits(&project.access, author));
        let Some(here) = here else {
            return Vec::new();
        };
        let names: Vec<&str> = match kind {
            ParameterKind::Project => {
                let others = table.projects().filter(|project| {
                    project.name != here.name && reaches_from(project, place, author)
                });
                let names = others.map(|project| project.name.as_str());
                std::iter::once(here.name.as_str()).chain(names).collect()
            }
            ParameterKind::Agent => agents(here),
            ParameterKind::Choice(_) | ParameterKind::Text => Vec::new(),
        };
        matching(&names, typed)
    }

    /// Who may see the reply, as far as that can be said before the interaction is taken in.
    pub fn audience(&self, interaction: &Interaction) -> Audience {
        let Some(message) = interaction.message() else {
            return Audience::Asker;
        };
        let config = self.config();
        match route(&config.routing, &ThreadView::default(), &message) {
            Decision::Ignore(_) | Decision::Refuse(_) => Audience::Asker,
            Decision::Command(_) | Decision::Answer { .. } | Decision::Dispatch(_) => {
                Audience::Everyone
            }
        }
    }
}

/// The text that asks for the same as a native command.
pub(crate) fn text_of(name: &str, arguments: &[(String, String)]) -> String {
    let row = CommandSpec::named(name);
    let parameters = row.map_or_else(Vec::new, |row| of_row(row).parameters);
    let place = |argument: &(String, String)| {
        let mut parameters = parameters.iter();
        parameters.position(|parameter| parameter.name == argument.0)
    };
    let mut known: Vec<_> = arguments
        .iter()
        .filter_map(|argument| Some((place(argument)?, argument.1.trim())))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    known.sort_by_key(|(place, _)| *place);
    let words = known.into_iter().map(|(_, value)| value);
    let words: Vec<&str> = std::iter::once(name).chain(words).collect();
    format!("!{}", words.join(" "))
}

fn of_row(row: &CommandSpec) -> NativeCommand {
    NativeCommand {
        name: row.name,
        help: row.help,
        parameters: row.arguments.iter().map(parameter).collect(),
    }
}

fn parameter(argument: &Argument) -> Parameter {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let kind = match argument.kind {
        ArgumentKind::Project => ParameterKind::Project,
        ArgumentKind::Agent => ParameterKind::Agent,
        ArgumentKind::Command => {
            ParameterKind::Choice(COMMANDS.iter().map(|row| row.name.to_owned()).collect())
        }
        ArgumentKind::Choice(words) => ParameterKind::Choice(owned(words)),
        ArgumentKind::Number | ArgumentKind::Text => ParameterKind::Text,
    };
    Parameter {
        name: argument.name.to_owned(),
        kind,
        required: argument.required,
    }
}

fn agents(project: &Project) -> Vec<&str> {
    project.agents.keys().map(AgentName::as_str).collect()
}

/// Those that begin with what was typed, then those that have it in them.
fn matching(names: &[&str], typed: &str) -> Vec<String> {
    let typed = typed.trim().trim_start_matches('@').to_lowercase();
    let rank = |name: &&&str| {
        let name = name.to_lowercase();
        if name.starts_with(&typed) {
            Some(0)
        } else {
            name.contains(&typed).then_some(1)
        }
    };
    let mut found: Vec<(u8, &str)> = names
        .iter()
        .filter_map(|name| Some((rank(&name)?, *name)))
        .collect();
    found.sort_by_key(|(rank, _)| *rank);
    let found = found.into_iter().map(|(_, name)| name.to_owned());
    found.take(SUGGESTIONS).collect()
}
