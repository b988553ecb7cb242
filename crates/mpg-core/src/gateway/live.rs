//! The one message that a running turn is shown in: posted once, remembered for as long as the turn
//! runs, and at the end no more than a line about what it took.

use std::time::Duration;

use jiff::Timestamp;

use super::Gateway;
use super::lane::{Phase, Run};
use crate::agent::Usage;
use crate::capability::Controls;
use crate::command::Scope;
use crate::config::Verbosity;
use crate::control::{Button, ButtonStyle, Control};
use crate::event::Effect;
use crate::id::{ConversationId, DeliveryId, MessageId, RootId, TurnId};
use crate::interaction::{Action, ActionId, Interaction};
use crate::live::{LiveMessage, Results};
use crate::out_file::OutFile;
use crate::post::{Post, PostKind, Status};
use crate::record::{ParkReason, TurnOutcome};
use crate::wording;

/// What the button that stops a turn is called, but for the turn.
const STOPS: &str = "stop:";

impl Gateway {
    /// How much is shown of the turns of a conversation.
    pub(super) fn verbosity(&self, id: &ConversationId) -> Verbosity {
        // What stands beside the conversation is no more than an answer.
        if id.root.is_aside() {
            return Verbosity::Quiet;
        }
        let own = self.thread(&id.root).and_then(|thread| thread.verbosity);
        let lane = self.lanes.get(id).map(|lane| &lane.project);
        let project = lane.or_else(|| self.project_of(&id.root.channel));
        own.or(project.map(|project| project.verbosity))
            .unwrap_or_default()
    }

    /// Begins to show a turn that has run for long enough.
    pub(super) fn show_live(&mut self, id: &ConversationId, run: &Run, text: &str) {
        let stopping = self
            .lanes
            .get(id)
            .is_some_and(|lane| matches!(lane.phase, Phase::Stopping(..)));
        if stopping || self.is_shown(&id.root, run.turn) {
            return;
        }
        let mut post = self.live_post(id, run.turn);
        text.clone_into(&mut post.text);
        self.plan(&id.root, post);
    }

    /// A turn does something else now.
    pub(super) fn show_doing(&mut self, id: &ConversationId, run: &Run, status: Status) {
        let running = self.conversation(id).and_then(|c| c.running.as_deref());
        let running = running.filter(|running| running.turn.id == run.turn);
        let Some(message) = running.map(|running| running.turn.cause.clone()) else {
            return;
        };
        // That one of several failed is to be seen until all have ended.
        if !self.failing.contains(&message) {
            self.effect(Effect::SetStatus { message, status });
        }
    }

    /// The message that a turn is shown in, if it is there.
    pub(super) fn live_message(
        &self,
        id: &ConversationId,
        turn: TurnId,
    ) -> Option<Box<LiveMessage>> {
        let thread = self.thread(&id.root)?;
        let message = thread.kept.get(&DeliveryId::of_live(turn))?.clone();
        Some(Box::new(LiveMessage {
            turn,
            place: thread.place.clone()?,
            message,
            post: self.live_post(id, turn),
        }))
    }

    /// The message of a turn is there: from here on it is kept up to date.
    pub(super) fn live_posted(&mut self, root: &RootId, post: &Post, message: &MessageId) {
        let PostKind::Live { turn } = post.kind else {
            return;
        };
        let thread = self.thread(root).filter(|_| post.replaces.is_none());
        let Some((thread, place)) = thread.and_then(|thread| Some((thread, thread.place.clone()?)))
        else {
            return;
        };
        let agent = thread.conversations.iter().find(|(_, conversation)| {
            let running = conversation.running.as_deref();
            running.is_some_and(|running| running.turn.id == turn)
        });
        let Some((agent, _)) = agent else {
            return;
        };
        let id = ConversationId {
            root: root.clone(),
            agent: agent.clone(),
        };
        let session = match self.lanes.get(&id).map(|lane| &lane.phase) {
            Some(Phase::Running(run)) => run.session,
            Some(_) | None => return,
        };
        let message = LiveMessage {
            turn,
            place,
            message: message.clone(),
            post: self.live_post(&id, turn),
        };
        self.effect(Effect::ShowLive {
            session,
            message: Box::new(message),
        });
    }

    /// Stops the turn that a button was pressed for, and says so; `None` if it does not run any more.
    pub(super) fn stop_pressed(&mut self, interaction: &Interaction) -> Option<String> {
        let Action::Press { id, .. } = &interaction.action else {
            return None;
        };
        let turn = id.as_str().strip_prefix(STOPS)?;
        let root = self.bound_root(&interaction.place)?;
        let id = self.conversations_of(&root).into_iter().find(|id| {
            let running = self.conversation(id).and_then(|c| c.running.as_deref());
            running.is_some_and(|running| running.turn.id.to_string() == turn)
        })?;
        Some(self.stop_turns(&[id], &Scope::Here))
    }

    /// The view of a turn that waits says so.
    pub(super) fn pause_live(&mut self, id: &ConversationId, turn: TurnId, reason: ParkReason) {
        let running = self.conversation(id).and_then(|c| c.running.as_deref());
        let Some(began) = running.map(|running| running.started_at) else {
            return;
        };
        if !self.is_shown(&id.root, turn) {
            return;
        }
        let topic = format!("live {turn} waits");
        let delivery = DeliveryId::of_notice(self.state.installation, &id.root, &topic, self.now);
        let text = wording::live::waits(reason, self.ran_since(began));
        self.replace_live(id, delivery, PostKind::Live { turn }, turn, text);
    }

    /// The view of a turn that has ended shrinks to one line. The answer is posted before that.
    pub(super) fn end_live(
        &mut self,
        id: &ConversationId,
        turn: TurnId,
        began: Timestamp,
        outcome: &TurnOutcome,
        usage: &Usage,
    ) {
        self.drop_progress(&id.root, turn);
        if self.is_shown(&id.root, turn) {
            let text = wording::live::summary(outcome, self.ran_since(began), usage);
            let delivery = DeliveryId::of_summary(turn);
            self.replace_live(id, delivery, PostKind::Notice, turn, text);
        }
    }

    /// Posts what the steps of a turn gave, once that has ended, where posts have files.
    pub(super) fn post_results(
        &mut self,
        id: &ConversationId,
        turn: TurnId,
        results: Option<Box<Results>>,
    ) {
        /// What the file is called.
        const NAME: &str = "steps.md";
        let limits = self.capabilities(&id.root.channel).files;
        let running = self.conversation(id).and_then(|c| c.running.as_deref());
        let goes_on = running.is_some_and(|running| running.turn.id == turn);
        let (Some(results), Some(limits), false) = (results, limits, goes_on) else {
            return;
        };
        let document = results.document;
        if limits.count == 0
            || document.len() as u64 > limits.size
            || self.thread(&id.root).is_none()
        {
            return;
        }
        let text = wording::live::results(NAME);
        let delivery = DeliveryId::of_results(turn);
        let mut post = self.voice(id).post(delivery, PostKind::Notice, text);
        post.files.push(OutFile::text(NAME, document));
        self.plan(&id.root, post);
    }

    fn replace_live(
        &mut self,
        id: &ConversationId,
        delivery: DeliveryId,
        kind: PostKind,
        turn: TurnId,
        text: String,
    ) {
        let voice = self.voice(id);
        let post = Post {
            replaces: Some(DeliveryId::of_live(turn)),
            ..voice.post(delivery, kind, text)
        };
        self.plan(&id.root, post);
    }

    /// Whether the message of a turn is there, or will be.
    fn is_shown(&self, root: &RootId, turn: TurnId) -> bool {
        let id = DeliveryId::of_live(turn);
        self.thread(root).is_some_and(|thread| {
            let mut owed = thread.deliveries.iter();
            thread.kept.contains_key(&id) || owed.any(|post| post.id == id)
        })
    }

    fn live_post(&self, id: &ConversationId, turn: TurnId) -> Post {
        let voice = self.voice(id);
        let mut post = voice.post(
            DeliveryId::of_live(turn),
            PostKind::Live { turn },
            String::new(),
        );
        if self.capabilities(&id.root.channel).controls != Controls::None {
            let id = ActionId::parse(&format!("{STOPS}{turn}"));
            let stop = id.map(|id| Button::new(id, wording::live::STOP, ButtonStyle::Danger));
            post.controls.extend(stop.map(Control::Button));
        }
        post
    }

    pub(super) fn ran_since(&self, began: Timestamp) -> Duration {
        Duration::try_from(self.now.duration_since(began)).unwrap_or_default()
    }
}
