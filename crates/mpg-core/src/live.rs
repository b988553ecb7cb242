//! What a running turn looks like, and how often that may be shown.

use std::time::Duration;

use jiff::Timestamp;

use crate::agent::AgentEvent;
use crate::id::TurnId;
use crate::persona::Persona;
use crate::port::LiveFrame;

/// How much text of a turn is shown while it runs, in bytes: what is shown ends before the first piece
/// that does not fit. The answer itself is not cut by this.
pub const MAX_LIVE_TEXT: usize = 256 * 1024;

/// What a running turn looks like. It is a view: nothing durable depends on it.
#[derive(Debug)]
pub struct LiveView {
    turn: TurnId,
    persona: Option<Persona>,
    text: String,
    /// Whether the next text begins a new paragraph.
    paragraph: bool,
    /// Whether some text did not fit, so that what follows it is not shown either.
    full: bool,
    activity: Option<String>,
    changed: bool,
}

impl LiveView {
    /// The view of a turn that has shown nothing yet, and whom it speaks for.
    pub fn new(turn: TurnId, persona: Option<Persona>) -> Self {
        Self {
            turn,
            persona,
            text: String::new(),
            paragraph: false,
            full: false,
            activity: None,
            changed: false,
        }
    }

    /// The view of the same turn, with nothing in it.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self::new(self.turn, self.persona.clone())
    }

    /// Takes in what the agent reports.
    pub fn apply(&mut self, event: &AgentEvent) {
        match event {
            AgentEvent::Text { delta } => self.write(delta),
            AgentEvent::TextEnded => self.paragraph = !self.text.is_empty(),
            AgentEvent::ToolStarted { name, summary, .. } => {
                self.show_activity(Some(if summary.is_empty() {
                    name.clone()
                } else {
                    format!("{name} {summary}")
                }));
            }
            AgentEvent::ToolEnded { .. } => self.show_activity(None),
            AgentEvent::Started { .. }
            | AgentEvent::Thinking { .. }
            | AgentEvent::Retrying(_)
            | AgentEvent::Requested(_)
            | AgentEvent::Withdrawn(_)
            | AgentEvent::Alive
            | AgentEvent::Ended(_)
            | AgentEvent::Exited(_) => {}
        }
    }

    /// The turn.
    pub fn turn(&self) -> TurnId {
        self.turn
    }

    /// Whether there is something new to show.
    pub fn has_changed(&self) -> bool {
        self.changed
    }

    /// The newest state, which then counts as shown.
    pub fn frame(&mut self) -> LiveFrame {
        self.changed = false;
        LiveFrame {
            turn: self.turn,
            text: self.text.clone(),
            activity: self.activity.clone(),
            persona: self.persona.clone(),
        }
    }

    fn write(&mut self, delta: &str) {
        if delta.is_empty() || self.full {
            return;
        }
        let gap = if self.paragraph { "\n\n" } else { "" };
        if self.text.len() + gap.len() + delta.len() > MAX_LIVE_TEXT {
            self.full = true;
            return;
        }
        self.paragraph = false;
        self.text.push_str(gap);
        self.text.push_str(delta);
        self.activity = None;
        self.changed = true;
    }

    fn show_activity(&mut self, activity: Option<String>) {
        if self.activity != activity {
            self.activity = activity;
            self.changed = true;
        }
    }
}

/// Keeps changes to one channel apart by the time that the channel asks for.
#[derive(Debug)]
pub struct Pacer {
    interval: Duration,
    next: Option<Timestamp>,
}

impl Pacer {
    /// A pacer that lets the first change pass at once.
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            next: None,
        }
    }

    /// When the next change may be shown; `now` if it may be already.
    pub fn next(&self, now: Timestamp) -> Timestamp {
        self.next.map_or(now, |next| next.max(now))
    }

    /// A change was shown.
    pub fn shown(&mut self, now: Timestamp) {
        self.next = now.checked_add(self.interval).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn text_grows_and_blocks_become_paragraphs() {
        let mut view = LiveView::new(TurnId::from_uuid(Uuid::from_u128(1)), None);
        for event in [
            AgentEvent::Text {
                delta: "one".to_owned(),
            },
            AgentEvent::TextEnded,
            AgentEvent::ToolStarted {
                id: "t".to_owned(),
                name: "Read".to_owned(),
                summary: "a.rs".to_owned(),
            },
        ] {
            view.apply(&event);
        }
        assert!(view.has_changed());
        let frame = view.frame();
        assert_eq!(frame.text, "one");
        assert_eq!(frame.activity.as_deref(), Some("Read a.rs"));
        assert!(!view.has_changed());
        view.apply(&AgentEvent::Text {
            delta: "two".to_owned(),
        });
        let frame = view.frame();
        assert_eq!(frame.text, "one\n\ntwo");
        assert_eq!(frame.activity, None);
    }

    #[test]
    fn text_beyond_the_limit_leaves_no_hole() {
        let write = |view: &mut LiveView, delta: String| view.apply(&AgentEvent::Text { delta });
        let mut view = LiveView::new(TurnId::from_uuid(Uuid::from_u128(1)), None);
        let most = "a".repeat(MAX_LIVE_TEXT - 10);
        write(&mut view, most.clone());
        write(&mut view, "b".repeat(11));
        write(&mut view, "c".to_owned());
        assert!(
            view.frame().text == most,
            "something follows what is left out"
        );

        let mut view = LiveView::new(TurnId::from_uuid(Uuid::from_u128(1)), None);
        write(&mut view, most.clone());
        view.apply(&AgentEvent::TextEnded);
        write(&mut view, "b".repeat(10));
        assert!(view.frame().text == most, "a gap counts too");
        write(&mut view, "c".to_owned());
        assert!(!view.has_changed());
    }

    #[test]
    fn a_pacer_keeps_changes_apart() {
        let second = |n| Timestamp::from_second(n).unwrap();
        let mut pacer = Pacer::new(Duration::from_secs(5));
        assert_eq!(pacer.next(second(1)), second(1));
        pacer.shown(second(1));
        assert_eq!(pacer.next(second(2)), second(6));
        assert_eq!(pacer.next(second(9)), second(9));
    }
}
