//! What is said of agents with names: to the people of a thread, and to the agents themselves.

use std::fmt::Write as _;

use super::{enumerated, plural};
use crate::config::Project;
use crate::id::AgentName;

/// Why a turn of an agent fails that the project does not have any more.
pub fn agent_is_gone() -> &'static str {
    "this agent is no longer in the configuration of the project"
}

/// What an agent is asked that takes over from another one.
pub fn handed_over(from: Option<&AgentName>, reply: &str) -> String {
    format!("{} hands this over to you:\n\n{reply}", agent(from))
}

/// What an agent is asked once those have answered that it handed something to.
pub fn joined(answers: &[(&AgentName, &str)]) -> String {
    let mut text =
        "The agents that you handed over to have answered, and people saw their answers. \
                    Bring them together and go on."
            .to_owned();
    for (agent, answer) in answers {
        let _ = write!(text, "\n\n## @{agent}\n\n{answer}");
    }
    text
}

/// What stands for the answer of an agent that gave none.
pub fn no_answer(why: &str) -> String {
    format!("(no answer: {why})")
}

/// What became of a turn that a person stopped.
pub fn stopped_turn() -> &'static str {
    "a person stopped it"
}

/// That agents take over.
pub fn hands_over(from: Option<&AgentName>, to: &[AgentName], made: usize, most: u32) -> String {
    let count = match to {
        [_] => format!("handoff {made} of {most}"),
        _ => format!("handoffs up to {made} of {most}"),
    };
    let then = match to {
        [_] => "",
        _ => ", and goes on with their answers",
    };
    format!(
        "{} hands over to {}{then} ({count})",
        named(from),
        listed(to)
    )
}

/// Why a handoff is not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmade {
    /// It is to the agent that hands over.
    Itself,
    /// There were so many since a person wrote.
    Limit(u32),
    /// The same was said before, to the same agent.
    Repeated,
    /// So much waits there already.
    Full,
    /// They took so much since a person wrote.
    Budget {
        /// How much it is.
        limit: String,
        /// The setting that says so.
        key: &'static str,
    },
}

/// That agents do not take over, and why.
pub fn not_handed_over(from: Option<&AgentName>, to: &[AgentName], why: &Unmade) -> String {
    let why = match why {
        Unmade::Itself => "an agent cannot hand over to itself".to_owned(),
        Unmade::Limit(most) => format!(
            "{} since a person wrote (`max-handoffs`)",
            plural(*most as usize, "handoff")
        ),
        Unmade::Repeated => {
            "it says nearly the same as the last time, so nothing would come of it".to_owned()
        }
        Unmade::Full => "too much waits there already".to_owned(),
        Unmade::Budget { limit, key } => {
            format!("the handoffs since a person wrote took {limit} (`{key}`)")
        }
    };
    format!(
        "no handoff from {} to {}: {why}; write a message to go on",
        named(from),
        listed(to)
    )
}

/// That a reply names agents without handing over to them.
pub fn only_named(agents: &[AgentName]) -> String {
    match agents {
        [one] => format!("`@{one}` is named but not asked; to ask, write `@{one}` and a task"),
        more => format!(
            "{} are named but not asked; to ask one, write its name and a task",
            listed(more)
        ),
    }
}

/// What somebody writes by pressing the button of an agent that was only named.
pub(crate) fn asks_named(agent: &AgentName) -> String {
    format!("!ask {agent} you were named here: go on with what is yours to do")
}

/// What that button says.
pub(crate) fn asks_named_label(agent: &AgentName) -> String {
    format!("Ask {agent}")
}

/// An amount of money, from millionths of a US dollar.
pub fn dollars(microdollars: u64) -> String {
    format!(
        "${}.{:02}",
        microdollars / 1_000_000,
        microdollars % 1_000_000 / 10_000
    )
}

fn agent(name: Option<&AgentName>) -> String {
    name.map_or("The agent of this thread".to_owned(), |name| {
        format!("@{name}")
    })
}

fn named(name: Option<&AgentName>) -> String {
    name.map_or("the agent".to_owned(), |name| format!("`@{name}`"))
}

/// The reply to `!agents`.
pub fn agents(project: &Project) -> String {
    if project.agents.is_empty() {
        return "this project has no agents with names".to_owned();
    }
    let mut text = "`@agent` in a message asks that agent, and so does `!agent task`".to_owned();
    for (name, agent) in &project.agents {
        let _ = write!(text, "\n- `@{name}`");
        if !agent.role.is_empty() {
            let _ = write!(text, " — {}", agent.role);
        }
    }
    text
}

/// The reply to `!stop`.
pub fn stopped(turns: usize, kept: usize) -> String {
    let waiting = match kept {
        0 => String::new(),
        1 => "; 1 waiting message goes on".to_owned(),
        kept => format!("; {kept} waiting messages go on"),
    };
    format!(
        "{} stopped, what was said so far is kept{waiting}",
        plural(turns, "turn")
    )
}

/// The reply to `!stop` where nothing runs.
pub fn nothing_to_stop(here: &str) -> String {
    format!("no turn runs {here}")
}

/// Agents by their names.
pub(super) fn listed(agents: &[AgentName]) -> String {
    let names: Vec<String> = agents.iter().map(|agent| format!("`@{agent}`")).collect();
    enumerated(&names)
}
