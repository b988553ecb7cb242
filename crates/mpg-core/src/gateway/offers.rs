//! What is offered where an answer names agents and asks none of them: a button that asks one.
//!
//! The button is another way to write in the thread. Whoever presses it asks as they would with a
//! command, within the same limits, and the agent learns from the thread what it was named for.

use super::Gateway;
use crate::config::Project;
use crate::control::{Button, ButtonStyle, Control, LONGEST_LABEL};
use crate::id::{AgentName, ConversationId, TurnId};
use crate::interaction::{Action, ActionId, Interaction};
use crate::message::Message;
use crate::wording;

/// What stands before the agent's name in the name of its button.
const NAMED: &str = "named:";

/// How many agents have a button.
const MOST: usize = 5;

impl Gateway {
    /// Tells a thread that a turn's answer names agents without asking them, with a button for each.
    pub(super) fn offer(
        &mut self,
        id: &ConversationId,
        turn: TurnId,
        project: &Project,
        named: &[AgentName],
    ) {
        // Without the thread's history an agent would not know what it is asked.
        let offered = if project.history_limit > 0 {
            named
        } else {
            &[]
        };
        let controls = offered.iter().filter_map(button).take(MOST).collect();
        let voice = self.own_voice(&id.root);
        let topic = format!("named {turn}");
        let text = wording::only_named(named);
        self.notify_with(&id.root, &voice, &topic, &text, controls);
    }

    /// What somebody says who presses such a button; `None` for every other one, and once its agent is
    /// at work in the thread or was the last to answer there.
    pub(super) fn offered(&self, interaction: &Interaction) -> Option<Message> {
        let Action::Press { id, .. } = &interaction.action else {
            return None;
        };
        let agent = AgentName::new(id.as_str().strip_prefix(NAMED)?);
        let root = self.bound_root(&interaction.place)?;
        let thread = self.thread(&root)?;
        let conversation = thread.conversations.get(Some(&agent));
        let is_busy = conversation.is_some_and(|c| c.running.is_some() || !c.queue.is_empty());
        if is_busy || thread.last_agent.as_ref() == Some(&agent) {
            return None;
        }
        Some(Message {
            place: interaction.place.clone(),
            id: interaction.id.clone(),
            author: interaction.author.clone(),
            text: wording::asks_named(&agent),
            attachments: Vec::new(),
        })
    }
}

fn button(agent: &AgentName) -> Option<Control> {
    let id = ActionId::parse(&format!("{NAMED}{agent}"))?;
    let label = wording::asks_named_label(agent);
    let label = label.chars().take(LONGEST_LABEL).collect::<String>();
    let button = Button::new(id, label, ButtonStyle::Plain);
    Some(Control::Button(button))
}
