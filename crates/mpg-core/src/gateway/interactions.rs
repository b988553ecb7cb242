//! What people do with a platform's own controls: a native command is the text that asks for the
//! same, anything else concerns what was shown with it.

use super::Gateway;
use crate::access::admits;
use crate::audit::{Act, Actor};
use crate::id::{DeliveryId, MessageRef};
use crate::interaction::Interaction;
use crate::message::Message;
use crate::record::{Disposition, Record};
use crate::route::RefuseReason;
use crate::wording;

impl Gateway {
    pub(super) fn interaction(&mut self, interaction: &Interaction) {
        let cause = interaction.reference();
        if self.state.has_seen(&cause) {
            return;
        }
        self.acting = Actor::person(&cause.place.channel.platform, &interaction.author);
        let Some(project) = self.project_of(&cause.place.channel).cloned() else {
            self.turn_away(interaction, wording::unmapped());
            return;
        };
        let admitted = admits(&project.access, &interaction.author);
        let written = interaction.message();
        match written.or_else(|| self.offered(interaction)) {
            Some(message) => self.native_command(&message),
            None if admitted && self.used_control(interaction) => {}
            None if admitted && self.lift_pressed(interaction, &project) => {}
            None if admitted => {
                self.saw_interaction(interaction, Disposition::Command);
                let stopped = self.stop_pressed(interaction);
                let text = stopped.unwrap_or_else(|| wording::no_longer_open().to_owned());
                self.reply_privately(&cause, &text);
            }
            None => {
                let refusal = wording::refusal(RefuseReason::NotAllowed);
                self.turn_away(interaction, &refusal);
            }
        }
    }

    fn native_command(&mut self, message: &Message) {
        let root = self.root_of(message);
        if message.place.thread.is_none() {
            self.unplaced.insert(root.clone());
        }
        self.message(message, false);
        if self.is_asked(&message.reference()) {
            // Nobody else has seen what was asked, and the thread grows from it.
            let text = wording::asked(&message.author.name, &message.text);
            self.reply(message, &text);
        }
        if !self.opening.contains(&root) {
            self.unplaced.remove(&root);
        }
    }

    /// Whether this step makes turns of a cause, and plans no reply to it.
    fn is_asked(&self, cause: &MessageRef) -> bool {
        let reply = DeliveryId::of_message(self.state.installation, cause, 0);
        let mut records = self.step.records.iter();
        let replied = records.clone().any(
            |record| matches!(record, Record::DeliveryPlanned { post, .. } if post.id == reply),
        );
        let queued = records.any(
            |record| matches!(record, Record::TurnQueued { turn, .. } if turn.cause == *cause),
        );
        queued && !replied
    }

    pub(super) fn turn_away(&mut self, interaction: &Interaction, why: &str) {
        self.saw_interaction(interaction, Disposition::Refused);
        self.audit_at(Act::Refused, &interaction.place, why);
        self.reply_privately(&interaction.reference(), why);
    }

    pub(super) fn saw_interaction(&mut self, interaction: &Interaction, disposition: Disposition) {
        self.record(Record::MessageSeen {
            message: interaction.reference(),
            author: interaction.author.id.clone(),
            disposition,
            at: self.now,
        });
    }
}
