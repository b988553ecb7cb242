//! The agents of a project that can be spoken to by name.

mod instructions;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use mpg_core::agent::AgentSpec;
use mpg_core::command::COMMANDS;
use mpg_core::config::{MAX_AGENTS, NamedAgent};
use mpg_core::handoff::HandoffMode;
use mpg_core::id::AgentName;
use mpg_core::persona::color_of;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use self::instructions::{Member, instructions};
use crate::layer::Layers;
use crate::preset::{PRESETS, Preset};
use crate::problem::{Problem, Problems};
use crate::schema::kind::{Kind as _, Text};
use crate::schema::{AGENTS, BUDGET, PRESET, PROMPT, ROLE, Section, TIMEOUT};
use crate::section::Table;
use crate::setup::{Setup, Setups};
use crate::suggestion::{closest, listed, quoted};
use crate::tools::Tools;

/// The longest name of an agent, in bytes.
const NAME_LIMIT: usize = 32;

/// The longest role, in characters: platforms show it above each answer.
const ROLE_LIMIT: usize = 100;

/// What a name must be.
const NAME_RULE: &str = "a name begins with a letter from `a` to `z` and goes on with at most 31 of \
                         `a` to `z`, `0` to `9`, `-` and `_`";

/// Names that platforms give to everybody.
const RESERVED: [&str; 2] = ["everyone", "here"];

/// Reads the agents of a project, and says how its default agent is set up, which knows of them.
pub(crate) fn read(
    path: &str,
    table: &Table<'_, '_>,
    layers: &Layers<'_>,
    tools: &Tools,
    problems: &mut Problems,
) -> (AgentSpec, BTreeMap<AgentName, Arc<NamedAgent>>) {
    let described = match (table.read(&AGENTS, problems), table.value(&AGENTS)) {
        (Some(()), Some(value)) => describe(&format!("{path}.agents"), value, problems),
        (_, _) => Vec::new(),
    };
    let members: Vec<Member<'_>> = described.iter().map(Described::member).collect();
    let mode = layers.handoff();
    let project_prompt = layers.system_prompt();
    let setups = [&layers.project.setup, &layers.defaults.setup];
    Setups(&setups).check_network(problems);
    let default = Setups(&setups).agent(
        tools.clone(),
        instructions(project_prompt.as_deref(), None, &members, mode),
    );
    let lowering = Lowering {
        layers,
        tools,
        project_prompt: project_prompt.as_deref(),
        members: &members,
        mode,
    };
    let agents = described.iter().map(|described| {
        let named = lowering.lower(described, problems);
        (described.name.clone(), Arc::new(named))
    });
    (default, agents.collect())
}

/// What the file says of one agent.
struct Described {
    name: AgentName,
    role: String,
    preset: Option<&'static Preset>,
    prompt: Option<String>,
    timeout: Option<Duration>,
    budget: Option<u64>,
    setup: Setup,
}

impl Described {
    fn of_preset(name: &str, preset: &'static Preset) -> Self {
        Self {
            name: AgentName::new(name),
            role: preset.role.to_owned(),
            preset: Some(preset),
            prompt: None,
            timeout: None,
            budget: None,
            setup: Setup::default(),
        }
    }

    fn member(&self) -> Member<'_> {
        Member {
            name: &self.name,
            role: &self.role,
            preset: self.preset.map(|preset| preset.prompt),
            prompt: self.prompt.as_deref(),
        }
    }
}

/// What all agents of a project have in common.
struct Lowering<'a> {
    layers: &'a Layers<'a>,
    tools: &'a Tools,
    project_prompt: Option<&'a str>,
    members: &'a [Member<'a>],
    mode: HandoffMode,
}

impl Lowering<'_> {
    fn lower(&self, described: &Described, problems: &mut Problems) -> NamedAgent {
        let Layers { project, defaults } = self.layers;
        let setups = [&described.setup, &project.setup, &defaults.setup];
        let tools = self.tools.under(&described.setup.tools, problems);
        Setups(&setups).check_network(problems);
        let me = described.member();
        let prompt = instructions(self.project_prompt, Some(&me), self.members, self.mode);
        let preset = described.preset.map(|preset| preset.color);
        let timeout = described.timeout;
        NamedAgent {
            role: described.role.clone(),
            color: Some(preset.unwrap_or_else(|| color_of(&described.name))),
            agent: Arc::new(Setups(&setups).agent(tools, prompt)),
            timeout: timeout.unwrap_or_else(|| self.layers.agent_timeout()),
            budget: described.budget,
        }
    }
}

fn describe(path: &str, value: &Spanned<DeValue<'_>>, problems: &mut Problems) -> Vec<Described> {
    match value.get_ref() {
        DeValue::Array(items) => {
            let mut described: Vec<Described> = Vec::new();
            for (at, item) in items.iter().take(MAX_AGENTS + 1).enumerate() {
                let Some(name) = Text.read(&format!("{path}[{at}]"), item, problems) else {
                    continue;
                };
                match preset(&name.value, item.span()) {
                    Ok((name, _)) if described.iter().any(|d| d.name.as_str() == name) => {
                        let message = format!("agent {} is there twice", quoted(name));
                        problems.error(Problem::new(item.span(), message));
                    }
                    Ok((name, preset)) => described.push(Described::of_preset(name, preset)),
                    Err(problem) => problems.error(problem),
                }
            }
            if items.len() > MAX_AGENTS {
                problems.error(too_many(path, value.span()));
            }
            described
        }
        DeValue::Table(agents) => {
            if agents.len() > MAX_AGENTS {
                problems.error(too_many(path, value.span()));
            }
            describe_tables(path, agents, problems)
        }
        // The key's own kind refuses these.
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => Vec::new(),
    }
}

fn describe_tables(path: &str, agents: &DeTable<'_>, problems: &mut Problems) -> Vec<Described> {
    let mut described = Vec::new();
    for (key, value) in agents.iter().take(MAX_AGENTS) {
        let name: &str = key.get_ref();
        if let Some((message, help)) = unfit(name) {
            problems.error(Problem::new(key.span(), message).with_help(help));
        }
        let path = format!("{path}.{}", quoted(name).trim_matches('`'));
        let table = Table::new(Section::Agent, path.clone(), value, problems);
        if !table.is_table() {
            continue;
        }
        let preset = table.read(&PRESET, problems).map(|preset| preset.value);
        let role = table.read(&ROLE, problems);
        if let Some(role) = &role
            && (role.value.chars().count() > ROLE_LIMIT || role.value.contains(char::is_control))
        {
            let message = format!("`{path}.role` is no role");
            problems.error(Problem::new(role.span.clone(), message).with_help(format!(
                "a role is one line of at most {ROLE_LIMIT} characters; the prompt may say more"
            )));
        }
        let prompt = table.read(&PROMPT, problems).map(|prompt| prompt.value);
        if let Some(problem) = incomplete(name, &table, key.span()) {
            problems.error(problem);
        }
        let role = role.map(|role| role.value);
        described.push(Described {
            name: AgentName::new(name),
            role: role.unwrap_or_else(|| preset.map_or("", |preset| preset.role).to_owned()),
            preset,
            prompt,
            timeout: table.read(&TIMEOUT, problems),
            budget: table.read(&BUDGET, problems),
            setup: Setup::read(&path, &table, problems),
        });
    }
    described
}

/// What an agent without a preset lacks.
fn incomplete(name: &str, table: &Table<'_, '_>, span: Range<usize>) -> Option<Problem> {
    let missing = match (table.has(&PRESET), table.has(&ROLE), table.has(&PROMPT)) {
        (true, _, _) | (_, true, true) => return None,
        (_, true, false) => "`prompt`",
        (_, false, true) => "`role`",
        (_, false, false) => "`role` and no `prompt`",
    };
    let message = format!("agent {} has no {missing}", quoted(name));
    let presets = listed(PRESETS.iter().map(|(name, _)| *name));
    Some(Problem::new(span, message).with_help(format!(
        "say both what it does and how, or name a `preset`: {presets}"
    )))
}

fn preset(name: &str, span: Range<usize>) -> Result<(&'static str, &'static Preset), Problem> {
    if let Some((name, preset)) = PRESETS.iter().find(|(known, _)| *known == name) {
        return Ok((name, preset));
    }
    let names = || PRESETS.iter().map(|(name, _)| *name);
    let help = match closest(name, names()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!(
            "presets are {}; an agent of your own has a table with `role` and `prompt`",
            listed(names())
        ),
    };
    Err(Problem::new(span, format!("{} is no preset", quoted(name))).with_help(help))
}

fn too_many(path: &str, span: Range<usize>) -> Problem {
    Problem::new(span, format!("`{path}` has more than {MAX_AGENTS} agents"))
}

fn unfit(name: &str) -> Option<(String, String)> {
    let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let fits = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= NAME_LIMIT
        && name.chars().all(rest);
    if !fits {
        let message = format!("{} is no name for an agent", quoted(name));
        return Some((message, NAME_RULE.to_owned()));
    }
    let is_command = COMMANDS.iter().any(|command| command.name == name);
    if is_command || RESERVED.contains(&name) {
        let message = format!("no agent can be called {}", quoted(name));
        let help = "commands and words for everybody have this name; choose another one";
        return Some((message, help.to_owned()));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_not_taken() {
        let long = "a".repeat(NAME_LIMIT + 1);
        let fine = [
            "pm",
            "qa-2",
            "life_work",
            "a",
            &long[1..],
            "assist",
            "helper",
        ];
        for name in fine {
            assert_eq!(unfit(name), None, "{name}");
        }
        let bad = [
            "",
            "PM",
            "2nd",
            "-a",
            "_a",
            "a b",
            "ä",
            "a.b",
            "a:b",
            "a@b",
            "a\0",
            "a\n",
            &long,
            "__proto__",
        ];
        for name in bad {
            let (_, help) = unfit(name).unwrap_or_else(|| panic!("{name:?} was taken"));
            assert_eq!(help, NAME_RULE, "{name:?}");
        }
    }

    #[test]
    fn no_name_of_a_command_is_free() {
        let commands = COMMANDS.iter().map(|command| command.name);
        for name in commands.chain(RESERVED) {
            assert!(unfit(name).is_some(), "{name}");
        }
        for (name, _) in PRESETS {
            assert_eq!(unfit(name), None, "{name}");
        }
    }

    #[test]
    fn a_name_always_has_the_same_color() {
        let colors = ["ana", "bert", "carla"].map(|name| color_of(&AgentName::new(name)));
        insta::assert_debug_snapshot!(colors.map(|color| format!("{color:06x}")));
    }
}
