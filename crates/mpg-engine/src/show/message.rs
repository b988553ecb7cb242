//! The message that a running turn is shown in, between its first post and its end.

use std::sync::Arc;
use std::time::Duration;

use mpg_core::capability::{Capabilities, EditPace, Reconcile};
use mpg_core::config::Verbosity;
use mpg_core::event::{RunTurn, TurnNotice};
use mpg_core::live::{LiveMessage, LiveView, Look};
use mpg_core::port::Outbox;
use mpg_core::post::Post;
use tokio::time::Instant;

use super::{Next, Shown, attempt};
use crate::edits::Edits;

/// How long a turn runs before it has a message: what is answered at once needs none.
const FIRST: Duration = Duration::from_secs(1);

/// By how much a first tool shortens that.
const SOONER: Duration = Duration::from_millis(500);

/// How often the times in it are brought up to date while nothing else changes.
const IDLE: Duration = Duration::from_secs(15);

/// The message, or the wish for one.
pub(super) struct Message {
    pub(super) verbosity: Verbosity,
    edits: Edits,
    pace: EditPace,
    look: Look,
    stage: Stage,
    /// What it says.
    text: String,
    /// When it may be changed next, as far as that is known.
    next: Instant,
    /// When its times are brought up to date.
    idle: Instant,
    /// Whether the last change did not get there.
    owed: bool,
}

enum Stage {
    /// It is worth a message from this time on.
    Waiting(Instant),
    /// The gateway was asked for it.
    Asked,
    /// It is there.
    There(Box<LiveMessage>),
    /// It is gone, and no other one follows.
    Gone,
}

impl Message {
    /// A message for a turn, where the channel's can be changed, it does not append instead, and there
    /// will not be two of them because nobody can tell whether there is one.
    pub(super) fn new(
        turn: &RunTurn,
        can: &Capabilities,
        edits: Edits,
        now: Instant,
    ) -> Option<Self> {
        let found_again = can.reconcile != Reconcile::None;
        let pace = can.edits.filter(|_| can.live.is_none() && found_again)?;
        let stage = match &turn.live {
            Some(live) => Stage::There(live.clone()),
            None => Stage::Waiting(now + FIRST),
        };
        Some(Self {
            verbosity: turn.verbosity,
            edits,
            pace,
            look: Look {
                limit: turn.room,
                spoilers: can.spoilers,
                verbosity: turn.verbosity,
            },
            stage,
            text: String::new(),
            next: now,
            idle: now + IDLE,
            owed: false,
        })
    }

    pub(super) fn show_in(&mut self, live: &LiveMessage) {
        if matches!(self.stage, Stage::Waiting(_) | Stage::Asked) {
            self.stage = Stage::There(Box::new(live.clone()));
        }
    }

    /// When there is something to do.
    pub(super) fn due(&self, view: &LiveView) -> Option<Instant> {
        if self.verbosity == Verbosity::Quiet {
            return None;
        }
        match &self.stage {
            Stage::Waiting(at) if view.steps() > 0 => Some(at.checked_sub(SOONER).unwrap_or(*at)),
            Stage::Waiting(at) => Some(*at),
            Stage::There(_) if view.has_changed() || self.owed => Some(self.next),
            Stage::There(_) => Some(self.next.max(self.idle)),
            Stage::Asked | Stage::Gone => None,
        }
    }

    /// Asks for the message, or changes it.
    pub(super) fn next(
        &mut self,
        view: &mut LiveView,
        ran: Duration,
        outbox: &Arc<dyn Outbox>,
        now: Instant,
    ) -> Next {
        let look = Look {
            verbosity: self.verbosity,
            ..self.look
        };
        match &self.stage {
            Stage::Waiting(_) => {
                self.stage = Stage::Asked;
                self.text = view.render(look, ran);
                Next::Tell(TurnNotice::Live(self.text.clone()))
            }
            Stage::There(live) => {
                self.idle = now + IDLE;
                let text = view.render(look, ran);
                if text == self.text && !self.owed {
                    return Next::Nothing;
                }
                let permit = match self.edits.pass(&live.place, self.pace) {
                    Ok(permit) => permit,
                    Err(next) => {
                        self.owed = true;
                        self.next = next;
                        return Next::Nothing;
                    }
                };
                self.owed = false;
                self.text.clone_from(&text);
                let (outbox, live) = (Arc::clone(outbox), live.clone());
                Next::Attempt(attempt(async move {
                    let LiveMessage {
                        place,
                        message,
                        post,
                        ..
                    } = *live;
                    let post = Post { text, ..post };
                    let edited = outbox.edit(&place, &message, &post).await;
                    drop(permit);
                    edited
                }))
            }
            Stage::Asked | Stage::Gone => Next::Nothing,
        }
    }

    /// Takes in what became of the last attempt.
    pub(super) fn attempted(&mut self, shown: Shown, now: Instant) {
        match (shown, &self.stage) {
            (Shown::Later(wait), Stage::There(_)) => {
                self.next = now + wait;
                self.owed = true;
            }
            (Shown::Never, Stage::There(_)) => self.stage = Stage::Gone,
            (Shown::Yes, _) | (_, Stage::Waiting(_) | Stage::Asked | Stage::Gone) => {}
        }
    }
}
