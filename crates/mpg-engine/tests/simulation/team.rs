//! Projects whose agents have names and hand over to one another.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mpg_core::agent::AgentSpec;
use mpg_core::config::{HandoffBudget, NamedAgent, Project};
use mpg_core::id::AgentName;
use mpg_core::port::{AgentRuntime, AgentSession, OpenError, SessionSpec};
use mpg_engine::{Prompt, ScriptStep, ScriptedRuntime};

use crate::random::Random;

/// Who is in a team.
pub(crate) const NAMES: [&str; 3] = ["pm", "engineer", "qa"];

/// How many handoffs may follow one message of a person.
pub(crate) const MAX_HANDOFFS: usize = 3;

/// What a turn takes of the budget, where agents tell.
pub(crate) const TOKENS: u64 = 100;

/// How agents end what they say, and whom they hand over to with that; what contains another ending
/// comes before it.
const ENDINGS: [(&str, &[&str]); 8] = [
    (
        "\n\n@pm plan it\n@engineer build it\n@qa test it",
        &["pm", "engineer", "qa"],
    ),
    ("\n\n@engineer build it\n@qa test it", &["engineer", "qa"]),
    ("\n\nOver to @pm and @qa.", &["pm", "qa"]),
    ("\n\nOver to @pm.", &["pm"]),
    ("\n\n@qa please look", &["qa"]),
    ("\n\nHANDOFF @engineer: build it", &["engineer"]),
    (" It is as @qa said.", &[]),
    ("", &[]),
];

/// The agents of a project, and what their handoffs may take since a person wrote, where that is
/// limited.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Team {
    pub(crate) tokens: Option<u64>,
}

impl Team {
    /// Gives a project its agents.
    pub(crate) fn join(self, project: &mut Project) {
        project.agents = NAMES
            .map(|name| (AgentName::new(name), member(name)))
            .into();
        project.max_handoffs = u32::try_from(MAX_HANDOFFS).unwrap_or(u32::MAX);
        project.handoff_budget = HandoffBudget {
            tokens: self.tokens,
            ..HandoffBudget::default()
        };
    }
}

fn member(name: &str) -> Arc<NamedAgent> {
    Arc::new(NamedAgent {
        role: name.to_owned(),
        color: None,
        agent: Arc::new(AgentSpec::default()),
        timeout: Duration::from_secs(15),
        budget: None,
    })
}

/// How somebody asks `word`, and whom; nobody by name, where whoever is spoken to is asked.
pub(crate) fn address(word: &str, random: &mut Random) -> (String, Vec<AgentName>) {
    let (text, names): (String, &[&str]) = match random.below(10) {
        0..3 => (format!("@pm {word}"), &["pm"]),
        3..5 => (format!("@qa and @pm: {word}"), &["qa", "pm"]),
        5 => (format!("!ask engineer {word}"), &["engineer"]),
        6 => (format!("!QA {word}"), &["qa"]),
        _ => (word.to_owned(), &[]),
    };
    (text, names.iter().copied().map(AgentName::new).collect())
}

/// What an agent says in one turn: what it answers, a mark that no other turn has, and whom it hands
/// over to.
pub(crate) fn reply(subject: &str, mark: u64, random: &mut Random) -> (String, &'static str) {
    let (ending, _) = if random.chance(50) {
        ENDINGS[random.index(6)]
    } else {
        ENDINGS[6 + random.index(2)]
    };
    (format!("re: {subject}. My mark is m{mark:016x}."), ending)
}

/// Whom an answer hands over to, but for the agent itself.
pub(crate) fn targets(answer: &str, own: Option<&AgentName>) -> Vec<AgentName> {
    let answer = unspaced(answer);
    let found = ENDINGS
        .iter()
        .find(|(ending, _)| answer.ends_with(&unspaced(ending)));
    let names = found.map_or(&[][..], |(_, names)| names);
    let names = names.iter().copied().map(AgentName::new);
    names.filter(|name| Some(name) != own).collect()
}

/// A text without what splitting it into posts may change.
fn unspaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The marks of the turns whose answers a text brings, in order.
pub(crate) fn marks(text: &str) -> Vec<&str> {
    let behind = text.split("My mark is ").skip(1);
    behind.filter_map(|rest| rest.split('.').next()).collect()
}

/// Scripted agents, each of which knows its name.
#[derive(Debug)]
pub(crate) struct Cast(BTreeMap<Option<AgentName>, ScriptedRuntime>);

impl Cast {
    pub(crate) fn new(
        script: impl Fn(Option<&AgentName>, Prompt<'_>) -> Vec<ScriptStep>
        + Clone
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let names = NAMES.map(|name| Some(AgentName::new(name)));
        let all = names.into_iter().chain([None]);
        let runtimes = all.map(|name| {
            let (script, own) = (script.clone(), name.clone());
            let runtime = ScriptedRuntime::new(move |prompt| script(own.as_ref(), prompt));
            (name, runtime)
        });
        Self(runtimes.collect())
    }
}

#[async_trait]
impl AgentRuntime for Cast {
    async fn open(&self, spec: SessionSpec) -> Result<AgentSession, OpenError> {
        let runtime = self.0.get(&spec.conversation.agent);
        runtime.expect("no agent is made up").open(spec).await
    }
}
