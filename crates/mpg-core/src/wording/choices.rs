//! What is said about how the agents of a thread work.

use crate::agent::{Choices, Effort, PermissionMode};
use crate::id::AgentName;

/// That a command is about one thread.
pub(crate) fn in_a_thread() -> String {
    "this is about one thread: say it there".to_owned()
}

/// That agents were asked about their sessions.
pub(crate) fn asked(agents: usize) -> String {
    if agents == 1 {
        "asked; the agent says it here when its turn comes".to_owned()
    } else {
        format!("asked {agents} agents; each says it here when its turn comes")
    }
}

/// That a word names no model.
pub(crate) fn no_model() -> String {
    "that is no name of a model; write for example `!model opus`, or `!model default` for the \
     configured one"
        .to_owned()
}

/// That a mode would allow more than is configured.
pub(crate) fn freer_mode(mode: PermissionMode) -> String {
    format!(
        "`{}` lets agents do more than this project's `permission-mode`; it takes a role that you \
         do not have (`unsafe-roles`)",
        mode.name()
    )
}

/// What is chosen for a conversation.
pub(crate) fn chosen(agent: Option<&AgentName>, choices: &Choices) -> String {
    let who = agent.map_or_else(String::new, |agent| format!("`@{agent}`: "));
    let word = |word: Option<&str>| match word {
        Some(word) => format!("`{word}`"),
        None => "as configured".to_owned(),
    };
    format!(
        "{who}model {}, mode {}, effort {}; from the next turn on",
        word(choices.model.as_deref()),
        word(choices.mode.map(PermissionMode::name)),
        word(choices.effort.map(Effort::name))
    )
}
